"""A candidate beside the law, on its page: begun and ended by a person, its counts and queries to open."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from gatekeeper.errors import Superseded
from gatekeeper.review.roles import ROLES, Role, may
from gatekeeper.revisions.beside import Count, Example
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.revisions.lifecycle import Lifecycle
from gatekeeper.store.shadows import Shadows
from gatekeeper.web.console.sessions import FRESH
from tests.console.conftest import Browser
from tests.console.lawyers import PATH, RULE, WHY, Lawyers, governed, hidden, law, reworded
from tests.console.test_proof import stale
from tests.exchange.city import City, body


@pytest.fixture
def lawyers(city: City) -> Lawyers:
    """Return a city whose law people change."""
    return governed(city)


@pytest.fixture
def ada(lawyers: Lawyers) -> Browser:
    """Return who proposes."""
    return lawyers.signed_in("legal", name="Ada Author")


@pytest.fixture
def candidate(lawyers: Lawyers, ada: Browser) -> Revision:
    """Return a revision that was checked."""
    return lawyers.checked(lawyers.proposed(ada))


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def _section(browser: Browser, revision: Revision) -> str:
    page = browser.client.get(f"{PATH}/{revision.id}").text
    found = re.search(r'<section aria-labelledby="beside">.*?</section>', page, re.DOTALL)
    return found[0] if found else ""


def _does(browser: Browser, revision: Revision, act: str, **typed: str) -> int:
    shown = browser.client.get(f"{PATH}/{revision.id}/shadow")
    form = {**hidden(shown), "reason": WHY} | typed
    return int(browser.client.post(f"{PATH}/{revision.id}/shadow/{act}", data=form).status_code)


def _running(lawyers: Lawyers) -> str | None:
    return lawyers.city.gate.registry.snapshot().state.shadow_revision


def _counted(lawyers: Lawyers, revision: Revision, *of: tuple[str, str, int], baseline: str = "") -> None:
    today = lawyers.city.gate.clock.now().date()
    beside = baseline or lawyers.active().digest
    counts = {Count(revision.id, beside, today, kind, code): number for kind, code, number in of}
    Shadows(lawyers.city.state.database).add(counts, [], most=20)


def test_it_is_begun_and_ended_with_a_reason(lawyers: Lawyers, ada: Browser, candidate: Revision) -> None:
    """Without effect on the law; each is in the log with who did it and why."""
    assert "It has not decided beside the law." in _text(_section(ada, candidate))
    assert 303 == _does(ada, candidate, "begin")
    assert candidate.id == _running(lawyers)
    assert "It decides beside the law now." in _text(_section(ada, candidate))
    assert "No query has come yet" in _text(_section(ada, candidate))
    assert lawyers.active().id == candidate.base
    assert 303 == _does(ada, candidate, "end")
    assert None is _running(lawyers)
    assert ["policy.shadowed"] * 2 == [told for told in lawyers.told(candidate) if told == "policy.shadowed"]
    ledger = lawyers.city.state.ledger
    last = ledger.detail_of(ledger.entries_of(candidate.id)[-1].index).openings
    assert (ada.made.account.id, WHY) == (last["by"]["value"], last["reason"]["value"])


def test_without_a_reason_nothing_is_done(lawyers: Lawyers, ada: Browser, candidate: Revision) -> None:
    """What was typed comes back with the fault."""
    assert 422 == _does(ada, candidate, "begin", reason="so")
    assert None is _running(lawyers)


@pytest.mark.parametrize("role", ROLES)
def test_only_who_approves_policies_is_led_to_it(lawyers: Lawyers, candidate: Revision, role: Role) -> None:
    """Everybody sees how it stands."""
    section = _section(lawyers.signed_in(role, name="Pat Reader"), candidate)
    assert may(role, "approve_policies") is ("/shadow" in section)
    assert "It has not decided beside the law." in _text(section)


def test_who_did_not_prove_who_they_are_just_now_is_asked_first(
    lawyers: Lawyers, ada: Browser, candidate: Revision
) -> None:
    """The page leads to the proof; a form does nothing."""
    form = hidden(ada.client.get(f"{PATH}/{candidate.id}/shadow")) | {"reason": WHY}
    stale(lawyers, FRESH + timedelta(minutes=1))
    assert 303 == ada.client.get(f"{PATH}/{candidate.id}/shadow").status_code
    assert 403 == ada.client.post(f"{PATH}/{candidate.id}/shadow/begin", data=form).status_code
    assert None is _running(lawyers)


@pytest.mark.parametrize("state", ["draft", "rejected", "active", "superseded"])
def test_what_is_not_checked_or_is_over_is_never_beside_the_law(
    lawyers: Lawyers, ada: Browser, state: str
) -> None:
    """The page says so, and a form that was made up does nothing."""
    revision = lawyers.proposed(ada)
    if state == "rejected":
        lawyers.lifecycle.reject(revision.id, ada.made.account, WHY)
    elif state != "draft":
        lawyers.enacted(lawyers.replayed(lawyers.checked(revision)))
    if state == "superseded":
        lawyers.enacted(lawyers.ready(ada, reworded("Yet another")))
    assert state == lawyers.now(revision).state
    assert "" == _section(ada, revision)
    page = ada.client.get(f"{PATH}/{revision.id}/shadow")
    assert "only a revision that was checked and is not in force" in _text(page.text)
    form = {"form": ada.token(page), "reason": WHY, "seen": ""}
    assert 422 == ada.client.post(f"{PATH}/{revision.id}/shadow/begin", data=form).status_code
    assert None is _running(lawyers)


def test_another_is_replaced_only_by_who_saw_it(lawyers: Lawyers, ada: Browser, candidate: Revision) -> None:
    """The page names it; who saw another state of things is told to look again."""
    other = lawyers.checked(lawyers.proposed(ada, reworded("Another")))
    page = ada.client.get(f"{PATH}/{other.id}/shadow")
    unaware = {**hidden(page), "reason": WHY}
    assert 303 == _does(ada, candidate, "begin")
    assert 409 == ada.client.post(f"{PATH}/{other.id}/shadow/begin", data=unaware).status_code
    assert 409 == _does(ada, other, "end")  # which is not beside the law
    assert candidate.id == _running(lawyers)
    assert "Instead of" in ada.client.get(f"{PATH}/{other.id}/shadow").text
    assert f'href="{PATH}/{candidate.id}#beside"' in _section(ada, other)
    assert 303 == _does(ada, other, "begin")
    assert other.id == _running(lawyers)
    assert 409 == _does(ada, candidate, "end")


def test_who_was_second_is_told(ada: Browser, candidate: Revision, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was done then."""

    def first(*_: object) -> None:
        raise Superseded

    monkeypatch.setattr(Lifecycle, "shadow", first)
    assert 409 == _does(ada, candidate, "begin")


def test_what_was_counted_is_told_for_each_law_apart(
    lawyers: Lawyers, ada: Browser, candidate: Revision
) -> None:
    """All classes, what was not asked too, by provision; never added up over two laws."""
    kinds = ("same", "", 40), ("newly_denied", "", 2), ("newly_denied", "stated_reason", 2)
    _counted(lawyers, candidate, *kinds, ("skipped", "", 5), ("undecided", "", 1))
    _counted(lawyers, candidate, ("same", "", 300), baseline="sha256:" + "e" * 64)
    section = _section(ada, candidate)
    text = _text(section)
    assert "It does not decide beside the law any more." in text
    for said in (
        "Queries 48",
        "Newly denied 2",
        "Could not be decided 1",
        "Not put to it: too many at once 5",
        "A reason that says something 2 0 0 0",
        "Beside eeeeeeeeeeee",
        "Queries 300",
    ):
        assert said in text, said
    assert f'href="{PATH}/{lawyers.active().id}"' in section


def test_queries_in_which_they_differ_lead_on(lawyers: Lawyers, ada: Browser, candidate: Revision) -> None:
    """To the request that staff have, or to its entry; and to what both laws say of it."""
    denied = lawyers.asked()
    permitted = str(lawyers.city.ask(body()).query_id)
    examples = [
        Example(candidate.id, "newly_denied", permitted),
        Example(candidate.id, "newly_permitted", denied),
    ]
    _counted(lawyers, candidate, ("newly_denied", "", 1))
    today = lawyers.city.gate.clock.now().date()
    one = {Count(candidate.id, lawyers.active().digest, today, "newly_permitted", ""): 1}
    Shadows(lawyers.city.state.database).add(one, examples, most=20)
    section = _section(ada, candidate)
    entry = lawyers.city.state.ledger.entries_of(permitted)[0].index
    assert f'href="/console/reviews/{denied}"' in section
    assert f'href="/console/ledger/{entry}"' in section
    for query in (denied, permitted):
        address = f"/console/policies/try/{query}?candidate={candidate.id}"
        assert address in section
        assert "Under both laws" in section
        assert 200 == ada.client.get(address).status_code
    auditor = _section(lawyers.signed_in("auditor"), candidate)
    assert f"try/{denied}" in auditor
    assert f"try/{permitted}" not in auditor  # nobody reviews it, and an auditor judges no samples
    admin = _section(lawyers.signed_in("admin"), candidate)
    assert f'href="/console/ledger/{lawyers.city.state.ledger.entries_of(denied)[0].index}"' in admin
    assert "/console/policies/try/" not in admin


def test_a_hidden_provision_is_not_told_to_who_may_not_read_requests(lawyers: Lawyers, ada: Browser) -> None:
    """Nor by how many it would have hit."""
    changed = law((RULE, "#   public: true", "#   public: false"))
    revision = lawyers.checked(lawyers.proposed(ada, changed))
    _counted(lawyers, revision, ("newly_denied", "", 2), ("newly_denied", "stated_reason", 2))
    admin = _text(_section(lawyers.signed_in("admin"), revision))
    assert "Only who may read requests sees it." in admin
    assert "Newly denied" not in admin
    assert "Newly denied 2" in _text(_section(ada, revision))
