"""Approve and schedule: two people, each of exactly what they saw; and whoever cannot is told why."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gatekeeper.errors import Superseded
from gatekeeper.review.roles import ROLES, may
from gatekeeper.revisions.lifecycle import Lifecycle
from gatekeeper.store.revisions import Revisions
from gatekeeper.web.console.approvals import moment_of
from tests.console.conftest import Browser
from tests.console.lawyers import PATH, WHY, Lawyers, check_of, governed, hidden, replay_of, reworded
from tests.exchange.city import City, body

AT = "2027-01-05T08:00"
PROPOSED = ["policy.proposed", "policy.checked", "policy.replayed"]


@pytest.fixture
def lawyers(city: City) -> Lawyers:
    """Return a city whose law people change."""
    return governed(city)


@pytest.fixture
def ada(lawyers: Lawyers) -> Browser:
    """Return who proposes."""
    return lawyers.signed_in("legal", name="Ada Author")


@pytest.fixture
def cal(lawyers: Lawyers) -> Browser:
    """Return who approves first."""
    return lawyers.signed_in("counsel", name="Cal First")


@pytest.fixture
def eve(lawyers: Lawyers) -> Browser:
    """Return who approves second."""
    return lawyers.signed_in("legal", name="Eve Second")


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_two_people_approve_and_it_comes_into_force(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser
) -> None:
    """At once, where nobody set a moment; the next request is judged by it, and every step is in the log."""
    revision = lawyers.ready(ada)
    before = lawyers.active()
    assert 303 == lawyers.approves(cal, revision).status_code
    assert "replayed" == lawyers.now(revision).state
    assert before == lawyers.active()
    assert 303 == lawyers.approves(eve, revision).status_code
    assert ("active", 2) == (lawyers.now(revision).state, lawyers.now(revision).serial)
    assert "superseded" == lawyers.now(before).state
    assert 200 == lawyers.city.ask(body()).status
    assert lawyers.city.gate.engine.bundle.digest == revision.digest
    told = [*PROPOSED, "policy.approved", "policy.approved", "policy.scheduled", "policy.activated"]
    assert told == lawyers.told(revision)
    openings = [
        lawyers.city.state.ledger.detail_of(entry.index).openings
        for entry in lawyers.city.state.ledger.entries_of(revision.id)
        if entry.event == "policy.approved"
    ]
    people = [cal.made.account.id, eve.made.account.id]
    assert people == [opened["by"]["value"] for opened in openings]
    assert {WHY} == {opened["reason"]["value"] for opened in openings}
    assert 1 == len({opened["seal"]["value"] for opened in openings})


def test_the_form_shows_all_that_is_approved(lawyers: Lawyers, ada: Browser, cal: Browser) -> None:
    """Digests, base, change, checks, replay, moment; and the seal of just that."""
    revision = lawyers.ready(ada)
    page = cal.client.get(f"{PATH}/{revision.id}/approve").text
    store = lawyers.lifecycle.store
    check, replay = store.result(revision.id, "check"), store.result(revision.id, "replay")
    assert check is not None
    assert replay is not None
    for said in (
        revision.digest,
        revision.tree,
        check.digest.removeprefix("sha256:")[:12],
        replay.digest.removeprefix("sha256:")[:12],
        lawyers.lifecycle.seal(revision),
        f'href="{PATH}/{revision.base}"',
        "A reason that says something",
        "Newly denied",
        "At once, as soon as a second person has approved it.",
    ):
        assert said in page, said
    assert lawyers.lifecycle.seal(revision) == hidden(cal.client.get(f"{PATH}/{revision.id}/approve"))["seal"]


def test_the_first_sets_the_moment_and_the_second_sees_it(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser
) -> None:
    """On the city's clocks; who was first, and when, is named; it waits for its moment."""
    revision = lawyers.ready(ada)
    assert 303 == lawyers.approves(cal, revision, look=f"?at={AT}").status_code
    moment = datetime.fromisoformat(AT).replace(tzinfo=ZoneInfo(lawyers.city.state.settings.time_zone))
    assert moment.astimezone(UTC) == lawyers.now(revision).effective_at
    page = eve.client.get(f"{PATH}/{revision.id}/approve").text
    assert "Cal First" in page.partition('id="approvals"')[2].partition("</section>")[0]
    assert moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") in page
    assert 'type="datetime-local"' not in page
    assert "Approve it as the second person" in page
    assert 303 == lawyers.approves(eve, revision).status_code
    assert "scheduled" == lawyers.now(revision).state
    assert lawyers.lifecycle.registry.state().due_revision == revision.id
    assert [*PROPOSED, "policy.approved", "policy.approved", "policy.scheduled"] == lawyers.told(revision)
    page = ada.client.get(PATH).text
    assert "Its moment:" in page


def test_the_author_may_have_set_the_moment(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser
) -> None:
    """Then nobody sets another."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    revision = lawyers.ready(ada, at=moment)
    assert 'type="datetime-local"' not in cal.client.get(f"{PATH}/{revision.id}/approve").text
    for person in (cal, eve):
        assert 303 == lawyers.approves(person, revision, at=AT).status_code
    assert ("scheduled", moment) == (lawyers.now(revision).state, lawyers.now(revision).effective_at)


def test_the_second_cannot_set_another_moment(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser
) -> None:
    """What the first approved is what the second approves."""
    revision = lawyers.ready(ada)
    lawyers.approves(cal, revision)
    assert 303 == lawyers.approves(eve, revision, look=f"?at={AT}", at=AT).status_code
    assert "active" == lawyers.now(revision).state


@pytest.mark.parametrize("role", [role for role in ROLES if not may(role, "approve_policies")])
def test_nobody_else_approves(lawyers: Lawyers, ada: Browser, role: Any) -> None:
    """Nor sees the form."""
    revision = lawyers.ready(ada)
    person = lawyers.signed_in(role, name="Pat Other")
    page = person.client.get(PATH)
    assert 403 == person.client.get(f"{PATH}/{revision.id}/approve").status_code
    form = {"form": person.token(page), "seal": lawyers.lifecycle.seal(revision), "reason": WHY, "at": ""}
    assert 403 == person.client.post(f"{PATH}/{revision.id}/approve", data=form).status_code
    assert PROPOSED == lawyers.told(revision)


def _by_author(lawyers: Lawyers, ada: Browser, cal: Browser) -> tuple[Browser, Any]:
    del cal
    return ada, lawyers.ready(ada)


def _twice(lawyers: Lawyers, ada: Browser, cal: Browser) -> tuple[Browser, Any]:
    revision = lawyers.ready(ada)
    lawyers.approves(cal, revision)
    return cal, revision


def _unchecked(lawyers: Lawyers, ada: Browser, cal: Browser) -> tuple[Browser, Any]:
    return cal, lawyers.proposed(ada)


def _not_replayed(lawyers: Lawyers, ada: Browser, cal: Browser) -> tuple[Browser, Any]:
    return cal, lawyers.checked(lawyers.proposed(ada))


def _overtaken(lawyers: Lawyers, ada: Browser, cal: Browser) -> tuple[Browser, Any]:
    revision = lawyers.ready(ada)
    lawyers.enacted(lawyers.ready(ada, reworded("Another was faster")))
    return cal, revision


def _checked_again(lawyers: Lawyers, ada: Browser, cal: Browser) -> tuple[Browser, Any]:
    revision = lawyers.ready(ada)
    return cal, lawyers.checked(revision, check_of(revision))


def _rejected(lawyers: Lawyers, ada: Browser, cal: Browser) -> tuple[Browser, Any]:
    revision = lawyers.ready(ada)
    lawyers.lifecycle.reject(revision.id, cal.made.account, WHY)
    return cal, revision


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (_by_author, "You wrote this. Two other people must approve it."),
        (_twice, "You have approved this already. Somebody else must approve it too."),
        (_unchecked, "It has not been checked yet."),
        (_not_replayed, "It has not been tried on past queries yet."),
        (_overtaken, "Another policy came into force since this was proposed."),
        (_checked_again, "It has not been tried on past queries yet."),
        (_rejected, "It was turned down."),
    ],
)
def test_whoever_cannot_is_told_why(
    lawyers: Lawyers,
    ada: Browser,
    cal: Browser,
    happened: Callable[[Lawyers, Browser, Browser], tuple[Browser, Any]],
    told: str,
) -> None:
    """There is no form; one that is sent all the same does nothing."""
    person, revision = happened(lawyers, ada, cal)
    before = lawyers.told(revision)
    page = person.client.get(f"{PATH}/{revision.id}/approve")
    assert (200, True) == (page.status_code, told in unescape(page.text))
    assert 'name="seal"' not in page.text
    form = {"form": person.token(page), "seal": lawyers.lifecycle.seal(revision), "reason": WHY, "at": ""}
    answer = person.client.post(f"{PATH}/{revision.id}/approve", data=form)
    assert (422, True) == (answer.status_code, told in unescape(answer.text))
    assert before == lawyers.told(revision)


@pytest.mark.parametrize("what", ["replay", "check", "moment"])
def test_what_changed_since_it_was_looked_at_is_not_approved(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser, what: str
) -> None:
    """The page says to look again; what was approved before does not count any more."""
    revision = lawyers.ready(ada)
    lawyers.approves(cal, revision)
    page = eve.client.get(f"{PATH}/{revision.id}/approve")
    form = {**hidden(page), "reason": WHY}
    if what == "replay":
        lawyers.replayed(revision, replay_of(revision, rescreened=7))
    elif what == "check":
        lawyers.replayed(lawyers.checked(revision, check_of(revision, programs={})))
    else:
        form["seal"] = lawyers.lifecycle.seal(revision, datetime.now(UTC) + timedelta(days=1))
    answer = eve.client.post(f"{PATH}/{revision.id}/approve", data=form)
    assert 422 == answer.status_code
    assert "What you looked at is not what it is now. Look again before you approve." in answer.text
    assert WHY in answer.text
    assert 1 == lawyers.told(revision).count("policy.approved")
    if what != "moment":
        assert () == lawyers.lifecycle.approvers(lawyers.now(revision))
        assert "given for something that has changed since: it does not count" in answer.text
        assert 303 == lawyers.approves(eve, revision).status_code
        assert "replayed" == lawyers.now(revision).state
        assert 303 == lawyers.approves(cal, revision).status_code
        assert "active" == lawyers.now(revision).state


def test_an_approval_of_somebody_who_left_is_said_not_to_count(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser
) -> None:
    """Who comes second is told, and is the first who counts."""
    revision = lawyers.ready(ada)
    lawyers.approves(cal, revision)
    lawyers.city.state.personnel().remove(cal.made.account, reason=WHY, by="operator")
    page = eve.client.get(f"{PATH}/{revision.id}")
    assert "whoever gave it left, or approves no policy any more: it does not count" in _text(page.text)
    assert 303 == lawyers.approves(eve, revision).status_code
    assert "replayed" == lawyers.now(revision).state


@pytest.mark.parametrize("place", ["first", "second"])
def test_of_two_who_approve_at_once_one_is_told(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Nothing of theirs is written; as the first, they are the second when they look again."""
    revision = lawyers.ready(ada)
    if place == "second":
        lawyers.approves(cal, revision)
    other = cal if place == "first" else lawyers.signed_in("counsel", name="Dan Third")
    page = other.client.get(f"{PATH}/{revision.id}/approve")
    read, later = [lawyers.now(revision)], Revisions.get
    assert 303 == lawyers.approves(eve, revision).status_code
    told = lawyers.told(revision)
    # It was read before the commit of the one who was faster.
    monkeypatch.setattr(Revisions, "get", lambda own, key: read.pop() if read else later(own, key))
    form = {**hidden(page), "reason": WHY}
    monkeypatch.setattr("gatekeeper.web.console.approvals._Asking.moment", lambda *_: (None, []))
    answer = other.client.post(f"{PATH}/{revision.id}/approve", data=form)
    assert not read
    assert told == lawyers.told(revision)
    if place == "first":
        assert (409, True) == (answer.status_code, "Look again first." in answer.text)
        assert 303 == lawyers.approves(other, revision).status_code
    else:
        assert answer.status_code in {409, 422}
    assert "active" == lawyers.now(revision).state
    assert 2 == lawyers.told(revision).count("policy.approved")
    assert 1 == lawyers.told(revision).count("policy.activated")


def test_somebody_who_was_first_is_said_so(
    lawyers: Lawyers, ada: Browser, cal: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed is shown again."""
    revision = lawyers.ready(ada)
    page = cal.client.get(f"{PATH}/{revision.id}/approve")

    def beaten(*_: Any, **__: Any) -> Any:
        raise Superseded("another law came into force")

    monkeypatch.setattr(Lifecycle, "approve", beaten)
    answer = cal.client.post(f"{PATH}/{revision.id}/approve", data={**hidden(page), "reason": WHY})
    assert (409, True) == (answer.status_code, "Look again first." in answer.text)
    assert WHY in answer.text


@pytest.mark.parametrize("reason", ["", ".", "x" * 2001, "aaaaaaaaaaaaaaaaaaaa"])
@pytest.mark.parametrize("act", ["approve", "reject"])
def test_a_reason_is_of_substance(
    lawyers: Lawyers, ada: Browser, cal: Browser, act: str, reason: str
) -> None:
    """Either way; the fault stands beside the field."""
    revision = lawyers.ready(ada)
    page = cal.client.get(f"{PATH}/{revision.id}/{act}")
    answer = cal.client.post(f"{PATH}/{revision.id}/{act}", data={**hidden(page), "reason": reason})
    assert (422, True) == (answer.status_code, 'id="reason-fault"' in answer.text)
    assert PROPOSED == lawyers.told(revision)


@pytest.mark.parametrize("act", ["approve", "reject", "schedule", "rollback"])
def test_an_old_proof_does_nothing(
    lawyers: Lawyers, ada: Browser, cal: Browser, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The form leads to a proof first, and shows what was typed."""
    revision = lawyers.ready(ada)
    page = cal.client.get(f"{PATH}/{revision.id}/approve")
    form = {**hidden(page), "reason": WHY}
    monkeypatch.setattr("gatekeeper.web.console.sessions.Sessions._proved", lambda *_: False)
    answer = cal.client.post(f"{PATH}/{revision.id}/{act}", data=form)
    assert (403, True) == (answer.status_code, WHY in answer.text)
    if act != "schedule":
        looked = cal.client.get(f"{PATH}/{revision.id}/{act}")
        assert (303, True) == (looked.status_code, "/console/proof?next=" in looked.headers["Location"])
    assert PROPOSED == lawyers.told(revision)


@pytest.mark.parametrize("seal", ["", "sha256:00", "x" * 200])
def test_a_seal_that_was_not_shown_approves_nothing(
    lawyers: Lawyers, ada: Browser, cal: Browser, seal: str
) -> None:
    """Whatever it is."""
    revision = lawyers.ready(ada)
    assert 422 == lawyers.approves(cal, revision, seal=seal).status_code
    assert PROPOSED == lawyers.told(revision)


@pytest.mark.parametrize(
    "at", ["soon", "2027-13-01T08:00", "2020-01-01T08:00", "2099-01-01T08:00", "2027-01-05T08:00Z"]
)
def test_a_moment_that_cannot_be_is_refused(lawyers: Lawyers, ada: Browser, cal: Browser, at: str) -> None:
    """In the past, too far ahead, or none at all."""
    revision = lawyers.ready(ada)
    page = cal.client.get(f"{PATH}/{revision.id}/approve")
    answer = cal.client.post(f"{PATH}/{revision.id}/approve", data={**hidden(page), "at": at, "reason": WHY})
    assert 422 == answer.status_code
    assert PROPOSED == lawyers.told(revision)


def test_moments_are_those_of_the_citys_clocks() -> None:
    """A time that they skip is none; of two that have one name it is the first."""
    zone = ZoneInfo("America/Chicago")
    assert (datetime(2027, 1, 5, 14, tzinfo=UTC), []) == moment_of("2027-01-05T08:00", zone)
    assert (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), []) == moment_of("2026-11-01T01:30", zone)
    skipped, faults = moment_of("2027-03-14T02:30", zone)
    assert (None, "at") == (skipped, faults[0][0])
    assert (None, []) == moment_of(" ", zone)


@pytest.mark.parametrize("state", ["draft", "replayed", "scheduled"])
def test_it_is_turned_down_or_called_off(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser, state: str
) -> None:
    """With a reason, and an entry; what was scheduled does not come into force."""
    revision = lawyers.proposed(ada) if state == "draft" else lawyers.ready(ada)
    if state == "scheduled":
        for person in (cal, eve):
            lawyers.approves(person, revision, look=f"?at={AT}", at=AT)
        assert lawyers.lifecycle.registry.state().due_revision == revision.id
    page = cal.client.get(f"{PATH}/{revision.id}/reject")
    assert ("Call it off" in page.text) == (state == "scheduled")
    answer = cal.client.post(f"{PATH}/{revision.id}/reject", data={**hidden(page), "reason": WHY})
    assert 303 == answer.status_code
    assert "rejected" == lawyers.now(revision).state
    assert "policy.rejected" == lawyers.told(revision)[-1]
    assert lawyers.lifecycle.registry.state().due_revision is None
    again = cal.client.get(f"{PATH}/{revision.id}/reject").text
    assert "there is nothing to reject or to call off" in again
    answer = cal.client.post(f"{PATH}/{revision.id}/reject", data={"form": cal.token(page), "reason": WHY})
    assert 422 == answer.status_code
    assert 1 == lawyers.told(revision).count("policy.rejected")


def test_one_at_a_time_has_a_moment(lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser) -> None:
    """The next that two people approved waits, says so, and has its own once the first is called off."""
    one, other = lawyers.ready(ada, reworded("One")), lawyers.ready(ada, reworded("Other"))
    for revision in (one, other):
        lawyers.approves(cal, revision, look=f"?at={AT}", at=AT)
    assert 303 == lawyers.approves(eve, one).status_code
    assert 422 == lawyers.approves(eve, other).status_code
    assert ("scheduled", "approved") == (lawyers.now(one).state, lawyers.now(other).state)
    page = cal.client.get(f"{PATH}/{other.id}")
    assert "It has its moment once no other waits for one." in page.text
    assert f"{PATH}/{other.id}/schedule" in page.text
    form = {"form": cal.token(page)}
    assert 422 == cal.client.post(f"{PATH}/{other.id}/schedule", data=form).status_code
    lawyers.lifecycle.reject(one.id, cal.made.account, WHY)
    assert 303 == cal.client.post(f"{PATH}/{other.id}/schedule", data=form).status_code
    assert "scheduled" == lawyers.now(other).state


def test_only_who_can_approve_is_offered_to(
    lawyers: Lawyers, ada: Browser, cal: Browser, eve: Browser
) -> None:
    """Its author, and whoever approved it, are told why not; the others find the way."""
    revision = lawyers.ready(ada)
    way = f'href="{PATH}/{revision.id}/approve"'

    def page(browser: Browser) -> str:
        return str(browser.client.get(f"{PATH}/{revision.id}").text)

    assert way not in page(ada)
    assert "You proposed it, so you cannot approve it" in page(ada)
    assert way in page(cal)
    lawyers.approves(cal, revision)
    assert way not in page(cal)
    assert "You approved it. Now somebody else does." in page(cal)
    assert way in page(eve)
    lawyers.enacted(lawyers.ready(ada, reworded("Another")))
    assert way not in page(eve)  # it was made for a law that is not in force any more
