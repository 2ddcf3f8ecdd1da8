"""What happened in the city before its pages are looked at: requests, and what staff did about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyotp
import requests

from gatekeeper import settings
from gatekeeper.parts import holds
from gatekeeper.policy.findings import Finding
from gatekeeper.revisions.beside import Count, Example
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.state import open_state
from gatekeeper.store.shadows import Shadows
from gatekeeper.web.console.languages import translations
from tests.browser.chromium import Tab
from tests.console.lawyers import RULE, check_of, example, replay_of, reworded, uncovered
from tests.servers.gate import RunningGate

WHY = "The report names a stolen sedan; it was read and is kept."


@dataclass(frozen=True)
class Town:
    """A demo that serves, and its staff."""

    gate: RunningGate

    def person(self, role: str, which: int = 0) -> dict[str, str]:
        """Return how one of the staff with this role signs in."""
        found: list[dict[str, str]] = [p for p in self.gate.document["staff"] if p["role"] == role]
        return found[which]


def sign_in(tab: Tab, town: Town, person: dict[str, str], language: str = "en") -> None:
    """Sign in as a person does who reads this language."""
    say = translations(language).gettext
    tab.open(f"{town.gate.base_url}/console/sign-in")
    tab.fill(say("User name"), person["username"])
    tab.fill(say("Password"), person["password"])
    tab.fill(say("Code"), pyotp.TOTP(person["totp_secret"]).now())
    ended = tab.press(say("Sign in"))
    assert "/sign-in" not in ended, tab.text()


def lively(gate: RunningGate) -> Town:
    """Let agencies ask, and a clerk act, so that no page has nothing to show."""
    town = Town(gate)
    clerk = _Clerk(town, town.person("records", 1))
    assert 200 == gate.ask(gate.body()).status_code
    for act in ("ask", "escalate", "uphold", "rule"):
        query = _denied(gate, purpose__narrative="investigation", purpose__case_number=f"25-1050{len(act)}")
        clerk.does(query, act, reason=WHY, provision="stated_reason")
        if act in {"uphold", "rule"}:
            clerk.does(query, "case", title=f"An idle reason that staff {act}", act="propose")
    gate.command("stop", "--kind", "private", "--reason", "A sample of a stop that is in force")
    _denied(gate, purpose__narrative="HSI, homicide suspect", purpose__offense="09A", legal_process=_PAPER)
    _denied(gate, purpose__narrative='<b>ICE</b> "><script>alert(1)</script> pick-up, see file')
    _legislated(gate, query)
    _denied(gate, purpose__narrative="child abuse, mother was pregnant and left", purpose__offense="90Z")
    return town


_PAPER = {
    "kind": "criminal_warrant",
    "court": "Sample County Circuit Court",
    "judge": "J. Sample",
    "number": "26-CR-0001",
    "statute": "720 ILCS 5/9-1",
    "document_sha256": "0" * 63 + "1",
}


def _denied(gate: RunningGate, **changes: Any) -> str:
    answer = gate.ask(gate.body(**changes))
    assert 403 == answer.status_code, answer.text
    return str(answer.json()["query_id"])


def _legislated(gate: RunningGate, query: str) -> None:
    """Let a law come into force, one wait for its approval beside it, and a return wait for its second.

    The query that it is tried on is held for a court, and was once before.
    """
    state = open_state(settings.load(data=gate.data))
    try:
        lifecycle, people = state.lifecycle(), {one.username: one for one in state.staff.all()}
        first, second, third = (people[name] for name in ("lee.legal", "logan.legal", "casey.counsel"))

        acts = holds(state)
        acts.place(query, first, WHY)
        acts.lift(acts.place(query, first, WHY)[0], second, WHY)

        def ready(title: str) -> Revision:
            made = lifecycle.propose(reworded(title), author=first, reason=WHY, origin="editor")
            check = check_of(made, uncovered=uncovered(34))
            lifecycle.checked(made.id, check.verdict(), passed=True, by=first.id)
            hit = replay_of(made, examples={"newly_denied": (example(query, 3),)})
            lifecycle.replayed(made.id, hit.document(), by=first.id)
            return made

        enacted = ready("A reason that says what happened")
        for person in (second, third):
            lifecycle.approve(enacted.id, person, seen=lifecycle.seal(enacted), reason=WHY)
        waiting = ready("A reason that says where, too")
        lifecycle.shadow(waiting.id, third, WHY)
        day = state.clock.now().date()
        counts = {Count(waiting.id, enacted.digest, day, kind, code): 2 for kind, code in _DIFFER}
        Shadows(state.database).add(counts, [Example(waiting.id, "newly_denied", query)], most=20)
        refused = lifecycle.propose(reworded("A reason"), author=third, reason=WHY, origin="directory")
        found = check_of(refused, Finding(RULE, 33, "The rule reads nothing.", "Name a fact."))
        lifecycle.checked(refused.id, found.verdict(), passed=False, by=third.id)
        assert enacted.base is not None
        lifecycle.roll_back(enacted.base, second, WHY)
    finally:
        state.database.close()


_DIFFER = (("same", ""), ("newly_denied", ""), ("newly_denied", "stated_reason"))


class _Clerk:
    """One of the records staff, who needs no browser to send the forms that the console shows."""

    def __init__(self, town: Town, person: dict[str, str]) -> None:
        self._base, self._session = town.gate.base_url, requests.Session()
        self.does(
            "",
            "sign-in",
            username=person["username"],
            password=person["password"],
            code=pyotp.TOTP(person["totp_secret"]).now(),
        )

    def does(self, query: str, act: str, /, **typed: str) -> None:
        path = f"/console/reviews/{query}" if query else "/console/sign-in"
        shown = self._session.get(self._base + path, timeout=30).text
        # The review as it stood when its page was opened, and the token of its forms.
        hidden = dict(re.findall(r'type="hidden" name="(form|version)" value="([^"]+)"', shown))
        assert "form" in hidden, shown
        target = f"{path}/{act}" if query else path
        answer = self._session.post(self._base + target, data={**hidden, **typed}, timeout=30)
        assert answer.ok, answer.text
