"""A change of the law from the first word to its undoing, in the console, while an agency asks without pause.

A person of legal begins a provision with its tests; a first version with a mistake is refused in plain words;
it is checked, replayed on a past of many queries, approved by two others for the next minute, decides from
then on, and is rolled back by two people in seconds. Every page on the way is examined by axe.
GATEKEEPER_TEST_PICTURES names a directory for pictures of the pages, GATEKEEPER_TEST_PAST says of how many
queries the past is (a hundred thousand take some minutes to make).
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gatekeeper import settings
from gatekeeper.cli.sample_agencies import AGENCIES
from gatekeeper.policy import load, shipped_policies
from gatekeeper.state import lay_out, open_state
from tests.browser.chromium import Chromium, Tab
from tests.browser.test_paths import WIDE, Person
from tests.browser.town import Town, sign_in
from tests.revisions.replay.past import fill
from tests.servers.gate import RunningGate, running_gate, small_city
from tests.servers.opa import free_port

pytestmark = pytest.mark.needs("chromium")

PAST = int(os.environ.get("GATEKEEPER_TEST_PAST", "20000"))
PATIENCE_SECONDS = 120
ROLLBACK_SECONDS = 10
CITY = ZoneInfo("America/Chicago")  # on whose clocks the demo shows times
WHY = "The council adopted this on 24 November (a sample)."
REVISIONS = "/console/policies/revisions"
TITLE = "A stolen car is looked for in one week"
CITATION = "City Code 9-9 (a sample)"
REMEDY = "Ask for at most seven days at a time, beginning with the day of the theft."
RULE = """
satisfied if {{
	is_string(input.purpose.category)
	input.purpose.category != "stolen_vehicle"
}}

satisfied if {{
	input.purpose.{category} == "stolen_vehicle"
	is_number(input.query.window_hours)
	input.query.window_hours <= 168
}}
"""
TESTS = """package sharing.one_week_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.one_week

stolen(hours) := changed([
	{"op": "add", "path": "/purpose/category", "value": "stolen_vehicle"},
	{"op": "add", "path": "/query/window_hours", "value": hours},
])

test_satisfied_by_the_flawless_request if one_week.satisfied with input as request

test_not_satisfied_by_nothing if not one_week.satisfied with input as {}

test_not_satisfied_without_a_category if not one_week.satisfied with input as without("/purpose/category")

test_a_stolen_car_in_one_week if one_week.satisfied with input as stolen(168)

test_a_stolen_car_in_more if not one_week.satisfied with input as stolen(169)

test_a_window_of_a_wrong_type if not one_week.satisfied with input as stolen("168")
"""


def _rule(category: str) -> str:
    """Return the text of the rule, with the name by which it asks for the category."""
    return f"""# METADATA
# scope: package
# title: "{TITLE}"
# description: >-
#   A car that was stolen is looked for in at most seven days at a time, beginning with the theft.
# custom:
#   rules: [EV-7]
#   citation: "{CITATION}"
#   verified: false
#   public: true
#   effective_on: "{datetime.now(CITY).date()}"
#   message: >-
#     The request looks for a stolen car in more than seven days.
#   remedy: >-
#     {REMEDY}
#   review: none
package sharing.one_week
{RULE.format(category=category)}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a demo whose agencies have asked so many times in the last two months."""
    place, port = tmp_path_factory.mktemp("policy-path"), free_port()
    data, now = place / "city", datetime.now(UTC)
    # The log keeps its name: it is laid out as the demo does.
    laid_out = settings.load(data=data, base_url=f"http://127.0.0.1:{port}", engine="embedded")
    lay_out(laid_out)
    state = open_state(laid_out)
    agencies = [
        (one.id, one.name, one.kind, one.state, one.affirmed or one.declared)
        for one in AGENCIES
        if one.status == "active"
    ]
    since, until = now - timedelta(days=60), now - timedelta(hours=1)
    fill(state, load(shipped_policies()), PAST, since=since, until=until, agencies=agencies)
    state.close()
    with running_gate(data, reads=small_city(place), port=port) as gate:
        yield Town(gate)


@pytest.fixture
def people(browser: Chromium, demo: Town) -> Iterator[Callable[[str, int], Person]]:
    """Return who signs one of the staff in, in time for what they do: a proof counts for some minutes."""
    tabs: list[Tab] = []

    def signed_in(role: str, which: int) -> Person:
        tab = browser.tab()
        tabs.append(tab)
        sign_in(tab, demo, demo.person(role, which))
        return Person(tab, demo.gate.base_url, "en", WIDE)

    yield signed_in
    for tab in tabs:
        tab.close()


@dataclass
class Asking:
    """An agency that asks without pause: when each was asked and answered, and by which law."""

    gate: RunningGate
    answers: list[tuple[float, float, str, int]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """What was answered in time by nothing: an overloaded machine releases nothing late."""

    @contextmanager
    def running(self, threads: int = 3) -> Iterator[None]:
        """Ask until the block ends."""
        over, numbers = threading.Event(), count()
        self.gate.token()

        def ask() -> None:
            while not over.is_set():
                began = time.time()
                answer = self.gate.ask(_long(self.gate, next(numbers)))
                if answer.status_code in (200, 403):
                    law = answer.json()["decision"]["policy"]["revision"]
                    self.answers.append((began, time.time(), law, answer.status_code))
                else:
                    self.refused.append(answer.json()["type"])

        asking = [threading.Thread(target=ask) for _ in range(threads)]
        for one in asking:
            one.start()
        try:
            yield
        finally:
            over.set()
            for one in asking:
                one.join(60)

    def first_of(self, law: str) -> float:
        """Wait for the first answer by a law; return when it came."""
        _until(lambda: any(one[2] == law for one in [*self.answers]))
        return min(ended for _, ended, by, _ in self.answers if by == law)

    def asked_late(self, old: str, new: str) -> list[float]:
        """Return when answers of the old law were asked for after one of the new had come."""
        first = self.first_of(new)
        return [began for began, _, by, _ in self.answers if by == old and began > first]


def _long(gate: RunningGate, number: int) -> dict[str, Any]:
    """Return a request for a stolen car in ten days: permitted, but by the new provision."""
    plates, now = gate.document["samples"]["plates"], datetime.now(UTC).replace(microsecond=0)
    return gate.body(
        query__plate=plates[number % len(plates)],
        query__from=(now - timedelta(days=10)).isoformat(),
        purpose__case_number=f"25-{20000 + number}",
    )


def _until(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    over = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < over
        time.sleep(0.05)


def _says(person: Person, *texts: str) -> None:
    """Wait until the page says all of these."""
    over = time.monotonic() + PATIENCE_SECONDS
    while missing := [text for text in texts if text not in person.tab.text()]:
        assert time.monotonic() < over, (missing, person.tab.text())
        time.sleep(0.2)


def _writes(person: Person, editor: str, text: str) -> None:
    """Put a text into an editor in place of what is there."""
    person.tab.reach(editor)
    person.tab.key("Control+a")
    person.tab.types(text)
    person.tab.key("Escape")


def _figures(**measured: object) -> None:
    """Tell what was measured, beside the pictures."""
    directory = os.environ.get("GATEKEEPER_TEST_PICTURES")
    if directory:
        with (Path(directory) / "figures.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(measured) + "\n")


def _drafted(legal: Person) -> str:
    """Begin a provision, make a mistake, be refused, mend it, propose it; return the revision."""
    tab = legal.tab
    tab.follow("Policies")
    legal.reads("The law, section by section", name="01-policies")
    tab.follow("Your draft")
    legal.reads("Nothing yet.", name="02-draft")
    tab.follow("Begin a provision")
    tab.fill("Name, as denials and the log call it", "one_week")
    tab.fill("What it asks, in a few words", TITLE)
    tab.fill("The law, as it is cited", CITATION)
    tab.fill("Paragraphs that it carries out", "EV-7")
    legal.reads("Begin a provision", name="03-begin")
    tab.press("Begin it in the draft")
    _says(legal, "Nothing is wrong with the draft")
    legal.reads(TITLE, name="04-begun")

    _writes(legal, "text-0-editor", _rule("catgory"))
    _writes(legal, "text-1-editor", TESTS)
    line = 1 + _rule("catgory").split("catgory", maxsplit=1)[0].count("\n")
    told = (
        f"sharing/one_week/one_week.rego:{line}",
        "looks at input.purpose.catgory, which does not exist",
        "Correct the spelling",
    )
    _says(legal, *told)
    legal.reads(*told, name="05-mistake")
    tab.press("Keep in the draft")
    _says(legal, *told)
    tab.follow("propose your draft")
    tab.fill("Why should the law change?", WHY)
    tab.press("Propose it")
    legal.reads("The draft is not proposed", *told, name="06-refused")
    assert WHY in tab.value("Why should the law change?")

    tab.follow(to="one_week.rego")
    _writes(legal, "text-0-editor", _rule("category"))
    _says(legal, "Nothing is wrong with the draft")
    tab.press("Run its tests")
    _says(legal, "All 6 pass")
    legal.reads("All 6 pass", name="07-tested")
    tab.press("Keep in the draft")
    tab.follow("see what your draft changes")
    legal.reads("What your draft changes", name="08-changes")
    tab.follow("Propose it")
    tab.fill("Why should the law change?", WHY)
    legal.reads("Propose your draft", name="09-propose")
    ended = tab.press("Propose it")
    assert f"{REVISIONS}/rev_" in ended, tab.text()
    legal.reads("Where it stands: draft", "Begin its checks. By legal or counsel.", name="10-proposed")
    return ended.rpartition("/")[2]


def _checked(legal: Person) -> None:
    """Begin the checks from the page, watch them, look at the result."""
    tab, began = legal.tab, time.monotonic()
    tab.press("Check it")
    _says(legal, "The checks run")
    legal.reads(name="11-checking")
    _says(legal, "The checks are done.")
    _figures(check_seconds=round(time.monotonic() - began, 1))
    tab.follow("Look at the result")
    legal.reads("Where it stands: checked", "Passed.", "Replay it on past queries", name="12-checked")


def _replayed(legal: Person) -> None:
    """Replay it over the whole past; see whom it hits, and open one."""
    tab, began = legal.tab, time.monotonic()
    tab.press("Replay")
    _says(legal, "The replay runs")
    legal.reads(name="13-replaying")
    _says(legal, "The replay is done.")
    _figures(past=PAST, replay_seconds=round(time.monotonic() - began, 1))
    tab.follow("Look at the result")
    said = legal.reads("Where it stands: replayed", "By agency", TITLE, name="14-replayed")
    counted = said.split("Replayed", 1)[1].split()
    assert PAST <= int(counted[0].replace(",", "")), counted[:2]
    assert tab.count("details:has(a[href*='/policies/try/'])") >= 1
    tab.unfold(next(line for line in said.splitlines() if line.startswith("Newly denied (")))
    legal.reads("Under both laws", name="15-examples")
    tab.follow(to="/policies/try/")
    legal.reads(TITLE, "deny", "permit", name="16-example")


def _approves(
    person: Person, revision: str, *, name: str, moment: datetime | None = None
) -> Callable[[], str]:
    """Come to the page of approval from the navigation; return what approves."""
    tab, which = person.tab, "first" if moment else "second"
    tab.follow("Policies")
    tab.follow("Revisions")
    person.reads("On their way", WHY, name=f"{name}-revisions")
    tab.follow(to=revision)
    tab.follow("Approve …")
    if moment is not None:
        tab.fill("Day and time, on the city's clocks", moment.astimezone(CITY).strftime("%Y-%m-%dT%H:%M"))
        tab.press("Set it")
    tab.fill("Why is it right?", WHY)
    person.reads("Seal of all this", "whom it would have hit", name=name)
    return lambda: tab.press(f"Approve it as the {which} person")


@pytest.fixture
def again(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Return what gives the next part of a long way as much time as any test has."""
    seconds = float(request.config.getini("faulthandler_timeout"))
    return lambda: faulthandler.dump_traceback_later(seconds, exit=True)


def test_a_provision_from_its_first_word_to_its_undoing(
    demo: Town, people: Callable[[str, int], Person], again: Callable[[], None]
) -> None:
    """Refused, mended, checked, replayed, approved by two, in force at its minute, rolled back in seconds."""
    gate = demo.gate
    old = str(gate.ask(_long(gate, 0)).json()["decision"]["policy"]["revision"])
    author = people("legal", 0)
    again()
    revision = _drafted(author)
    again()
    _checked(author)
    again()
    _replayed(author)
    again()

    first, second = people("legal", 1), people("counsel", 0)
    asking = Asking(gate)
    with asking.running():
        first.tab.open(f"{first.base}/console/")
        moment = (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)
        _approves(first, revision, name="17-first", moment=moment)()
        first.reads("A second person approves it", name="18-one-approved")
        _approves(second, revision, name="19-second")()
        second.reads("Where it stands: scheduled", "yes, by the policy key", name="20-scheduled")
        assert datetime.now(UTC) < moment
        found = re.search(rf"(\S+) · {revision}", second.tab.text())
        assert found is not None
        law = found[1]
        began = asking.first_of(law)
        _figures(activation_seconds=round(began - moment.timestamp(), 3), answers=len(asking.answers))
        _until(lambda: sum(one[2] == law for one in [*asking.answers]) > 20)
    assert {*asking.refused} <= {"/docs#problem-lease_expired"}
    assert len(asking.refused) < len(asking.answers) / 100
    assert {old, law} == {one[2] for one in asking.answers}
    assert {(old, 200), (law, 403)} == {one[2:] for one in asking.answers}
    assert [] == asking.asked_late(old, law)
    _the_log_agrees(gate, old, law)

    denial = gate.ask(_long(gate, 9_000)).json()
    provision = next(one for one in denial["decision"]["provisions"] if one["code"] == "one_week")
    assert (TITLE, CITATION, REMEDY) == tuple(provision[name] for name in ("title", "citation", "remedy"))

    _undone(gate, first, second, revision, old)
    assert gate.command("ledger", "verify").stdout.startswith("consistent: ")


def _undone(gate: RunningGate, first: Person, second: Person, revision: str, old: str) -> None:
    """Roll back: one asks, the other confirms; from the first click until the agency is permitted again."""
    second.tab.open(f"{second.base}{REVISIONS}/{revision}")
    second.reads("Where it stands: active", name="21-active")
    first.tab.open(f"{first.base}{REVISIONS}")
    clicked = time.monotonic()
    first.tab.follow(to="/rollback")
    first.tab.fill("Why?", WHY)
    first.tab.press("Ask for the return")
    second.tab.follow(to="/rollback")
    second.tab.fill("Why?", WHY)
    second.tab.press("Confirm: roll back now")
    answer = gate.ask(_long(gate, 9_001))
    seconds = time.monotonic() - clicked
    _figures(rollback_seconds=round(seconds, 2))
    assert (200, old) == (answer.status_code, answer.json()["decision"]["policy"]["revision"])
    assert seconds < ROLLBACK_SECONDS
    second.reads("Where it stands: active", "as a return to", name="22-rolled-back")
    _says(first, "It is in force again")
    first.reads("It is in force again", name="23-rolled-back")


def _the_log_agrees(gate: RunningGate, old: str, law: str) -> None:
    """See that nothing was released by the old law after the new one was in force, nor before by the new."""
    active, released = old, set()
    for entry in gate.entries():
        if entry["event"] == "policy.activated":
            active = entry["policy"]["revision"]
        elif entry["event"] == "query.released":
            released.add((active, entry["policy"]["revision"]))
    assert law == active
    assert {(old, old)} == released
