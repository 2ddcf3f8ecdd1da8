"""In the console: two people reinstate an agency; a link to sign by is made, shown once, revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from gatekeeper.oversight.agencies import suspend
from gatekeeper.parts import changing
from gatekeeper.store import administration
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import NOW, body

ONE = "/console/agencies/sample-il-pd"
WHY = "Letter of the chief of 3 November about misuse"


def _send(browser: Browser, way: str, **typed: str) -> TestResponse:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return browser.client.post(f"{ONE}/{way}", data={"form": form_token(cookie.value), **typed})


def _suspend(staffed: Staffed) -> None:
    state = staffed.city.state
    found = state.registry.agency("sample-il-pd")
    assert found is not None
    also = changing(state, dict).clearing(found.id)
    suspend(state.ledger, administration, found, reason=WHY, by="staff-1", also=also)


def _status(staffed: Staffed) -> str:
    found = staffed.city.state.registry.agency("sample-il-pd")
    assert found is not None
    return found.status


def _waiting(browser: Browser) -> str:
    found = re.search(r'name="proposal" value="([^"]*)"', browser.client.get(f"{ONE}/reinstate").text)
    assert found is not None
    return found[1]


def _acts(browser: Browser, **typed: str) -> TestResponse:
    sent = {"proposal": _waiting(browser), "reason": WHY, "sure": "yes", "act": "go"} | typed
    return _send(browser, "reinstate", **sent)


def test_one_proposes_another_confirms_and_only_then_it_may_ask(staffed: Staffed) -> None:
    """Each in two steps; the second sees who proposed it and why."""
    _suspend(staffed)
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    assert "Step 2 of 2" in _acts(first, sure="").text
    assert 303 == _acts(first).status_code
    assert ("suspended", 403) == (_status(staffed), staffed.city.ask(body()).status)
    assert "Somebody proposed to reinstate it" in second.client.get(ONE).text
    shown = second.client.get(f"{ONE}/reinstate").text
    assert "Pat Sample" in shown
    assert WHY in shown
    own = _acts(first)
    assert (422, "suspended") == (own.status_code, _status(staffed))
    assert "Somebody else must confirm" in own.text
    assert 303 == _acts(second).status_code
    assert ("active", 200) == (_status(staffed), staffed.city.ask(body()).status)


def test_a_form_about_another_proposal_does_nothing(staffed: Staffed) -> None:
    """What was looked at is not what it is now."""
    _suspend(staffed)
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    _acts(first)
    for stale in ("", "proposal-0000000000000000"):
        assert 409 == _acts(second, proposal=stale).status_code
    assert "suspended" == _status(staffed)


def test_a_proposal_is_withdrawn_by_one_person(staffed: Staffed) -> None:
    """Also by who proposed it."""
    _suspend(staffed)
    first = staffed.signed_in("records")
    _acts(first)
    assert 303 == _acts(first, act="withdraw", sure="").status_code
    assert ("", "suspended") == (_waiting(first), _status(staffed))


def test_nobody_reinstates_their_own_agency(staffed: Staffed) -> None:
    """Neither as the first nor as the second."""
    _suspend(staffed)
    own = staffed.signed_in("records", "sample-il-pd")
    other = staffed.signed_in("legal", name="Lee Other")
    assert 422 == _acts(own).status_code
    _acts(other)
    answer = _acts(own)
    assert (422, True, "suspended") == (
        answer.status_code,
        "your own agency" in answer.text,
        _status(staffed),
    )


@pytest.mark.parametrize("way", ["reinstate", "invite"])
def test_an_old_proof_changes_nothing(staffed: Staffed, way: str) -> None:
    """An open browser is not a person."""
    _suspend(staffed)
    browser = staffed.signed_in("records")
    with staffed.city.state.database.write() as connection:
        old = (NOW - timedelta(minutes=30)).isoformat(" ")
        connection.exec_driver_sql(f"UPDATE staff_sessions SET proved_at = '{old}'")  # noqa: S608  a test's own
    assert 303 == browser.client.get(f"{ONE}/{way}").status_code
    assert 403 == _send(browser, way, reason=WHY, sure="yes", email="a@b.example").status_code
    assert "suspended" == _status(staffed)


def test_a_link_is_made_shown_once_and_revoked(staffed: Staffed) -> None:
    """It opens the page; revoked, it does not; the agency's page never shows it."""
    browser = staffed.signed_in("records")
    made = _send(browser, "invite", kind="affirmation", email="chief@sample.example")
    found = re.search(r"/affirm/([A-Za-z0-9_-]{43})", made.text)
    assert found is not None, made.text
    stranger = staffed.app.test_client()
    assert 200 == stranger.get(f"/affirm/{found[1]}").status_code
    shown = browser.client.get(ONE).text
    assert "chief@sample.example" in shown
    assert found[1] not in shown
    link = re.search(r"links/(invitation-[0-9a-f]+)/revoke", shown)
    assert link is not None
    assert 303 == _send(browser, f"links/{link[1]}/revoke").status_code
    assert 410 == stranger.get(f"/affirm/{found[1]}").status_code
    assert "revoked" in browser.client.get(ONE).text


@pytest.mark.parametrize(
    "typed", [{"email": "nobody"}, {"email": ""}, {"email": "a@b.example\nBcc: c@d.example"}]
)
def test_what_is_no_address_makes_no_link(staffed: Staffed, typed: dict[str, str]) -> None:
    """Said beside the field."""
    answer = _send(staffed.signed_in("records"), "invite", **typed)
    assert (422, True) == (answer.status_code, 'id="email-fault"' in answer.text)


def test_nobody_asks_their_own_agency_to_sign_nor_an_auditor_any(staffed: Staffed) -> None:
    """Whoever has the link can sign."""
    own = staffed.signed_in("records", "sample-il-pd")
    assert 422 == _send(own, "invite", email="a@b.example").status_code
    auditor = staffed.signed_in("auditor", name="Avery Other")
    assert 403 == _send(auditor, "invite", email="a@b.example").status_code
    assert "/invite" not in auditor.client.get(ONE).text
