"""Return to an earlier law: two people in seconds, each from their own session, both named."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest

from gatekeeper.errors import Superseded
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.revisions.lifecycle import Lifecycle
from tests.console.conftest import Browser
from tests.console.lawyers import PATH, WHY, Lawyers, governed, hidden, reworded
from tests.exchange.city import City, body


@pytest.fixture
def lawyers(city: City) -> Lawyers:
    """Return a city whose law people change."""
    return governed(city)


@pytest.fixture
def earlier(lawyers: Lawyers) -> Revision:
    """Return the law that the city began with, after another came into force."""
    found = lawyers.active()
    lawyers.enacted(lawyers.ready(lawyers.signed_in("legal", name="Ada Author")))
    return found


@pytest.fixture
def cal(lawyers: Lawyers) -> Browser:
    """Return who asks."""
    return lawyers.signed_in("counsel", name="Cal First")


@pytest.fixture
def eve(lawyers: Lawyers) -> Browser:
    """Return who confirms."""
    return lawyers.signed_in("legal", name="Eve Second")


def _address(earlier: Revision) -> str:
    return f"{PATH}/{earlier.id}/rollback"


def _sends(browser: Browser, earlier: Revision, **typed: str) -> int:
    page = browser.client.get(_address(earlier))
    form = {**hidden(page), "reason": WHY} | typed
    return int(browser.client.post(_address(earlier), data=form).status_code)


def _returns(lawyers: Lawyers, earlier: Revision) -> list[Revision]:
    return [each for each in lawyers.lifecycle.store.all() if each.origin == f"rollback:{earlier.id}"]


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_two_people_return_to_an_earlier_law(
    lawyers: Lawyers, earlier: Revision, cal: Browser, eve: Browser
) -> None:
    """Within seconds; the next request is judged by it; both are named, and in the log."""
    began, left = time.monotonic(), lawyers.active()
    assert 303 == _sends(cal, earlier)
    assert left == lawyers.active()
    page = _text(eve.client.get(_address(earlier)).text)
    assert "Asked by Cal First" in page
    assert WHY in page
    assert 303 == _sends(eve, earlier)
    assert time.monotonic() - began < 10
    active = lawyers.active()
    assert (earlier.tree, earlier.digest, 3) == (active.tree, active.digest, active.serial)
    assert "superseded" == lawyers.now(left).state
    assert 200 == lawyers.city.ask(body()).status
    assert lawyers.city.gate.engine.bundle.digest == earlier.digest
    told = ["policy.approved", "policy.approved", "policy.scheduled", "policy.rolled_back"]
    assert told == lawyers.told(active)
    for person in (cal, eve):
        assert "Asked and confirmed by Cal First, Eve Second" in _text(
            person.client.get(_address(earlier)).text
        )
    history = _text(cal.client.get(f"{PATH}/{active.id}").text)
    assert "An earlier policy decides again." in history


def test_the_first_waits_and_cannot_confirm(lawyers: Lawyers, earlier: Revision, cal: Browser) -> None:
    """Their page says for whom, and loads itself anew; a form that is sent all the same does nothing."""
    assert 303 == _sends(cal, earlier)
    pending = _returns(lawyers, earlier)[0]
    page = cal.client.get(_address(earlier)).text
    assert "Waits for the second person." in page
    assert 'hx-trigger="every 2s"' in page
    assert 'name="seal"' not in page
    seal = lawyers.lifecycle.seal(pending)
    form = {"form": cal.token(cal.client.get(PATH)), "pending": pending.id, "seal": seal, "reason": WHY}
    answer = cal.client.post(_address(earlier), data=form)
    assert (422, True) == (answer.status_code, "Somebody else" in answer.text)
    assert ["policy.approved"] == lawyers.told(pending)
    assert "replayed" == lawyers.now(pending).state


def test_a_second_who_asks_anew_is_shown_the_first(
    lawyers: Lawyers, earlier: Revision, cal: Browser, eve: Browser
) -> None:
    """Both opened the page before anybody asked: the later one is told, and nothing is asked twice."""
    page = eve.client.get(_address(earlier))
    assert 303 == _sends(cal, earlier)
    answer = eve.client.post(_address(earlier), data={**hidden(page), "reason": WHY})
    assert (422, True) == (answer.status_code, "waits for its second person already" in answer.text)
    assert "Confirm: roll back now" in answer.text
    assert 1 == len(_returns(lawyers, earlier))


@pytest.mark.parametrize("seal", ["", "sha256:00"])
def test_only_what_was_shown_is_confirmed(
    lawyers: Lawyers, earlier: Revision, cal: Browser, eve: Browser, seal: str
) -> None:
    """A seal of something else is not it."""
    assert 303 == _sends(cal, earlier)
    assert 422 == _sends(eve, earlier, seal=seal)
    assert ["policy.approved"] == lawyers.told(_returns(lawyers, earlier)[0])


def test_another_law_that_came_meanwhile_ends_it(
    lawyers: Lawyers, earlier: Revision, cal: Browser, eve: Browser
) -> None:
    """What was to be left is not in force any more: it must be asked for anew."""
    assert 303 == _sends(cal, earlier)
    page = eve.client.get(_address(earlier))
    form = {**hidden(page), "reason": WHY}
    lawyers.enacted(lawyers.ready(cal, reworded("Another meanwhile")))
    answer = eve.client.post(_address(earlier), data=form)
    assert (422, True) == (answer.status_code, "Another policy came into force" in answer.text)
    assert "Nothing changes until somebody else confirms." in answer.text
    assert 0 == sum("policy.rolled_back" in lawyers.told(one) for one in _returns(lawyers, earlier))


def test_who_was_second_by_a_moment_is_told(
    earlier: Revision, cal: Browser, eve: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look again first."""
    assert 303 == _sends(cal, earlier)

    def beaten(*_: object, **__: object) -> None:
        raise Superseded("faster")

    page = eve.client.get(_address(earlier))
    monkeypatch.setattr(Lifecycle, "confirm", beaten)
    answer = eve.client.post(_address(earlier), data={**hidden(page), "reason": WHY})
    assert (409, True) == (answer.status_code, "Look again first." in answer.text)


def test_it_can_be_called_off(lawyers: Lawyers, earlier: Revision, cal: Browser, eve: Browser) -> None:
    """By either; then it can be asked for anew."""
    assert 303 == _sends(cal, earlier)
    pending = _returns(lawyers, earlier)[0]
    page = eve.client.get(f"{PATH}/{pending.id}/reject")
    answer = eve.client.post(f"{PATH}/{pending.id}/reject", data={**hidden(page), "reason": WHY})
    assert 303 == answer.status_code
    assert ["policy.approved", "policy.rejected"] == lawyers.told(pending)
    assert "You are the first person." in eve.client.get(_address(earlier)).text
    assert 303 == _sends(eve, earlier)


def test_its_approval_is_given_on_its_own_page(
    lawyers: Lawyers, earlier: Revision, cal: Browser, eve: Browser
) -> None:
    """The page of approvals leads there; its revision is neither checked nor replayed again."""
    assert 303 == _sends(cal, earlier)
    pending = _returns(lawyers, earlier)[0]
    led = eve.client.get(f"{PATH}/{pending.id}/approve")
    assert (303, _address(earlier)) == (led.status_code, led.headers["Location"])
    page = eve.client.get(f"{PATH}/{pending.id}")
    assert "Confirm the return …" in page.text
    for what in ("check", "replay"):
        assert f'{PATH}/{pending.id}/{what}"' not in page.text
        answer = eve.client.post(f"{PATH}/{pending.id}/{what}", data={"form": eve.token(page)})
        assert 409 == answer.status_code


@pytest.mark.parametrize("which", ["active", "draft"])
def test_only_what_was_in_force_is_returned_to(lawyers: Lawyers, cal: Browser, which: str) -> None:
    """There is no form for anything else; one that is sent all the same does nothing."""
    revision = lawyers.active() if which == "active" else lawyers.proposed(cal)
    page = cal.client.get(_address(revision))
    assert "only what was in force before" in page.text
    form = {"form": cal.token(page), "pending": "", "seal": "", "reason": WHY}
    assert 422 == cal.client.post(_address(revision), data=form).status_code
    assert [] == _returns(lawyers, revision)


def test_nothing_else_is_confirmed_as_a_return(lawyers: Lawyers, earlier: Revision, cal: Browser) -> None:
    """A revision that waits for its approval is not approved by this form."""
    other = lawyers.ready(lawyers.signed_in("legal", name="Dan Drafter"), reworded("Waits for approval"))
    page = cal.client.get(_address(earlier))
    form = {**hidden(page), "pending": other.id, "seal": lawyers.lifecycle.seal(other), "reason": WHY}
    assert 422 == cal.client.post(_address(earlier), data=form).status_code
    assert "policy.approved" not in lawyers.told(other)


@pytest.mark.parametrize("reason", ["", ".", "x" * 2001])
def test_each_says_why(lawyers: Lawyers, earlier: Revision, cal: Browser, eve: Browser, reason: str) -> None:
    """The first and the second."""
    assert 422 == _sends(cal, earlier, reason=reason)
    assert [] == _returns(lawyers, earlier)
    assert 303 == _sends(cal, earlier)
    assert 422 == _sends(eve, earlier, reason=reason)
    assert ["policy.approved"] == lawyers.told(_returns(lawyers, earlier)[0])


@pytest.mark.parametrize("page", ["", "active"])
def test_the_way_back_stands_where_the_law_in_force_does(
    lawyers: Lawyers, earlier: Revision, cal: Browser, page: str
) -> None:
    """For whoever may go it; nobody looks for it in a hurry."""
    address = f"{PATH}/{lawyers.active().id}" if page else PATH
    way = f'href="{_address(earlier)}"'
    assert way in cal.client.get(address).text
    assert way not in lawyers.signed_in("auditor").client.get(address).text
