"""In the console: two people reinstate an agency; a link to sign by is made, shown once, revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from gatekeeper.cli.agency import entering as new_agency
from gatekeeper.cli.client import entering
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.oversight.agencies import suspend
from gatekeeper.oversight.changes import Change
from gatekeeper.oversight.issuers import adding
from gatekeeper.parts import changing
from gatekeeper.store import administration
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import NOW, body
from tests.exchange.test_issuers import terms

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


def _propose(browser: Browser, **typed: str) -> TestResponse:
    return _send(browser, "reinstate", **({"reason": WHY, "sure": "yes"} | typed))


def _proposal(browser: Browser) -> str:
    """Return where what waits is confirmed; empty if nothing does."""
    found = re.search(r'href="(/console/changes/proposal-[0-9a-f]+)"', browser.client.get(ONE).text)
    return "" if found is None else found[1]


def _acts(browser: Browser, where: str = "", **typed: str) -> TestResponse:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    sent = {"reason": WHY, "sure": "yes", "act": "go"} | typed
    where = where or _proposal(browser)
    return browser.client.post(where, data={"form": form_token(cookie.value), **sent})


def test_one_proposes_another_confirms_and_only_then_it_may_ask(staffed: Staffed) -> None:
    """Each in two steps; the second sees who proposed it and why."""
    _suspend(staffed)
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    assert "Step 2 of 2" in _propose(first, sure="").text
    assert 303 == _propose(first).status_code
    assert ("suspended", 403) == (_status(staffed), staffed.city.ask(body()).status)
    assert "Somebody proposed:" in second.client.get(ONE).text
    where = _proposal(second)
    assert where in second.client.get("/console/agencies").text
    assert where == second.client.get(f"{ONE}/reinstate").headers["Location"]
    shown = second.client.get(where).text
    assert "Pat Sample" in shown
    assert WHY in shown
    own = _acts(first)
    assert (422, "suspended") == (own.status_code, _status(staffed))
    assert "Somebody else must confirm" in own.text
    assert "Step 2 of 2" in _acts(second, sure="").text
    assert 303 == _acts(second).status_code
    assert ("active", 200) == (_status(staffed), staffed.city.ask(body()).status)
    again = _acts(second, where)
    assert (409, True) == (again.status_code, "This is done" in again.text)


def test_what_is_not_proposed_is_not_found(staffed: Staffed) -> None:
    """By any id."""
    browser = staffed.signed_in("records")
    for stale in ("proposal-0000000000000000", "nul%00", "x" * 300):
        assert 404 == browser.client.get(f"/console/changes/{stale}").status_code
        assert 404 == _acts(browser, f"/console/changes/{stale}").status_code


def test_a_proposal_that_is_void_is_said_to_be_and_does_nothing(staffed: Staffed) -> None:
    """The agency was changed since: the second person would confirm something else than was proposed."""
    _suspend(staffed)
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    _propose(first)
    where = _proposal(second)
    state = staffed.city.state
    change = Change("change_agency", "sample-il-pd", {"contacts": ["chief@sample.example"]})
    changing(state, dict).alone(change, by="operator", reason=WHY)
    assert "" == _proposal(second)
    assert "This is void" in second.client.get(where).text
    assert (409, "suspended") == (_acts(second, where).status_code, _status(staffed))
    assert 303 == _propose(second).status_code
    assert 303 == _acts(first).status_code
    assert "active" == _status(staffed)


def test_a_proposal_is_withdrawn_by_one_person(staffed: Staffed) -> None:
    """Also by who proposed it."""
    _suspend(staffed)
    first = staffed.signed_in("records")
    _propose(first)
    assert 303 == _acts(first, act="withdraw", sure="").status_code
    assert ("", "suspended") == (_proposal(first), _status(staffed))


def test_nobody_reinstates_their_own_agency(staffed: Staffed) -> None:
    """Neither as the first nor as the second."""
    _suspend(staffed)
    own = staffed.signed_in("records", "sample-il-pd")
    other = staffed.signed_in("legal", name="Lee Other")
    assert 422 == _propose(own).status_code
    _propose(other)
    answer = _acts(own)
    assert (422, True, "suspended") == (
        answer.status_code,
        "your own agency" in answer.text,
        _status(staffed),
    )


def test_the_second_person_is_shown_what_it_does_and_a_secret_once(staffed: Staffed) -> None:
    """A client with a secret: whoever confirms hands it over, and no page has it after."""
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    acts = changing(staffed.city.state, lambda: {"two_people_for": ["add_client"]})
    change = entering("sample-il-pd", profile="basic")
    where = f"/console/changes/{acts.propose(change, first.made.account, WHY)}"
    shown = second.client.get(where).text
    assert str(change.content["client"]) in shown
    assert "reads:query" in shown
    made = _acts(second, where)
    found = re.search(r"gks_[A-Za-z0-9_-]{43}", made.text)
    assert (200, True) == (made.status_code, found is not None)
    assert found is not None
    assert found[0] not in second.client.get(where).text
    assert str(change.content["client"]) in second.client.get(ONE).text


def test_an_agency_that_is_proposed_is_confirmed_from_the_list(staffed: Staffed) -> None:
    """It has no page of its own yet."""
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    acts = changing(staffed.city.state, lambda: {"two_people_for": ["add_agency"]})
    change = new_agency("maple-grove-pd", name="Maple Grove", kind="local", state_code="IL")
    where = f"/console/changes/{acts.propose(change, first.made.account, WHY)}"
    assert where in second.client.get("/console/agencies").text
    assert "Maple Grove" in second.client.get(where).text
    assert "/console/agencies/maple-grove-pd" == _acts(second, where).headers["Location"]
    assert 200 == second.client.get("/console/agencies/maple-grove-pd").status_code


def test_an_identity_provider_is_shown_with_its_terms(staffed: Staffed) -> None:
    """Whoever confirms sees whose tokens will count, for which agencies, and from where its keys come."""
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    acts = changing(staffed.city.state, lambda: {"two_people_for": ["add_issuer"]})
    key = public_key(ECKey.generate_key("P-256").as_pem(private=False))
    made = changing(staffed.city.state, dict).alone(entering("sample-il-pd", key=key, profile="fapi"), by="o")
    url, keys = "https://login.sheriff.example.gov", "https://keys.sheriff.example.gov/jwks"
    fetched = {"jwks": {"keys": []}, "jwks_uri": keys, "stale_hours": 6}
    said = terms(staffed.city, clients={"app": made.made["client_id"]}, **fetched)
    where = f"/console/changes/{acts.propose(adding(url, said), first.made.account, WHY)}"
    shown = second.client.get(where).text
    assert {True} == {word in shown for word in (url, keys, "sample-il-pd", made.made["client_id"])}
    assert "/console/agencies/sample-il-pd" == _acts(second, where).headers["Location"]
    assert [url] == [each.url for each in staffed.city.state.registry.snapshot().issuers()]


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
