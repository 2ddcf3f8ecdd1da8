"""Agencies: who may ask, how they stand, and the two steps that change it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from gatekeeper.errors import LedgerUnavailable
from gatekeeper.review.roles import Role
from gatekeeper.store import administration
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import NOW, PLATE, body

LIST = "/console/agencies"
ONE = f"{LIST}/sample-il-pd"
WHY = "Letter of the chief of 3 November about misuse"


def _status(staffed: Staffed) -> str:
    found = staffed.city.state.registry.agency("sample-il-pd")
    assert found is not None
    return found.status


def _deny(staffed: Staffed, agency: str = "sample-il-pd") -> str:
    asked = body()
    asked["purpose"]["narrative"] = "investigation, to be told"
    return str(json.loads(staffed.city.ask(asked, agency).body)["query_id"])


def _send(browser: Browser, act: str, **typed: str) -> TestResponse:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return browser.client.post(f"{ONE}/{act}", data={"form": form_token(cookie.value), **typed})


# --- Reading. ---------------------------------------------------------------------------------------------


def test_the_list_says_how_each_stands_and_what_it_asked(staffed: Staffed) -> None:
    """With what it signed, and nothing of a request."""
    _deny(staffed)
    assert 200 == staffed.city.ask(body()).status
    shown = staffed.signed_in("auditor").client.get(LIST).text
    row = shown.split(f'href="{ONE}"')[1].split("</tr>")[0]
    numbers = [cell.split("<")[0] for cell in row.split('class="console-number">')[1:]]
    assert ["2", "1", "1"] == numbers
    assert "affirmation, without end" in row
    for private in (PLATE, "to be told", "Pat Example"):
        assert private not in shown


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=FUSION", ["sample-fusion"]),
        ("name=nobody", []),
        ("kind=federal", ["sample-hsi-office"]),
        ("standing=suspended", []),
        ("signed=nothing", ["sample-unsigned-pd"]),
        ("signed=lapsing", []),
        ("name=%00", []),
        ("page=2", []),
        ("sort=denied&name=pd", ["sample-wi-pd", "sample-il-pd", "sample-unsigned-pd"]),
        ("sort=asked&name=pd", ["sample-wi-pd", "sample-il-pd", "sample-unsigned-pd"]),
        ("sort=waiting&name=pd", ["sample-il-pd", "sample-unsigned-pd", "sample-wi-pd"]),
    ],
)
def test_the_list_is_narrowed_and_ordered(staffed: Staffed, query: str, names: list[str]) -> None:
    """By name, kind, standing and what was signed; by what was asked, denied, and waits."""
    for agency in ("sample-wi-pd", "sample-wi-pd", "sample-il-pd"):
        _deny(staffed, agency)
    answer = staffed.signed_in("legal").client.get(f"{LIST}?{query}")
    cells = answer.text.split('data-label="Agency"><a href="/console/agencies/')[1:]
    shown = [cell.split('"')[0] for cell in cells]
    assert (200, names) == (answer.status_code, shown)


@pytest.mark.parametrize("query", ["sort=colour", "page=0", "page=x", "kind=<b>", "period=ever"])
def test_a_filter_that_cannot_be_read_is_said_to_be(staffed: Staffed, query: str) -> None:
    """The list is shown without it."""
    answer = staffed.signed_in("records").client.get(f"{LIST}?{query}")
    assert 400 == answer.status_code
    assert "could not be read" in answer.text
    assert "sample-il-pd" in answer.text


def test_the_page_of_one_says_who_it_is_and_what_the_log_tells(staffed: Staffed) -> None:
    """Contacts, clients and keys by their ids, papers, figures, reviews, stops, and its own entries."""
    query = _deny(staffed)
    staffed.city.state.switch().stop("kind", "local", reason=WHY, by="staff-1")
    shown = staffed.signed_in("records").client.get(ONE).text
    for said in (
        staffed.city.clients["sample-il-pd"],
        f"/console/reviews/{query}",
        "Sharing with every local agency",
        "agency added",
        "agency affirmed",
        "credential added",
        "The words say what happened",
    ):
        assert said in shown, said
    for private in (PLATE, "to be told", "Pat Example", "secret_sha256"):
        assert private not in shown


def test_who_may_not_read_requests_sees_none_of_them(staffed: Staffed) -> None:
    """Whoever manages accounts reads figures, and no queue."""
    query = _deny(staffed)
    shown = staffed.signed_in("admin").client.get(ONE).text
    assert query not in shown
    assert "Its denied requests" not in shown


@pytest.mark.parametrize("name", ["nobody", "%00", "..%2f", "IL0160000", "a" * 300])
def test_an_unknown_agency_is_not_found(staffed: Staffed, name: str) -> None:
    """Whatever is written in the address."""
    assert 404 == staffed.signed_in("records").client.get(f"{LIST}/{name}").status_code


def test_what_was_erased_is_not_told_and_breaks_nothing(staffed: Staffed) -> None:
    """Who and why may be gone; that it happened stays."""
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM private_details")
    answer = staffed.signed_in("records").client.get(ONE)
    assert (200, True) == (answer.status_code, "agency added" in answer.text)


def test_what_is_typed_about_an_agency_is_text(staffed: Staffed) -> None:
    """A reason with a script in it is read as it was typed."""
    browser = staffed.signed_in("records")
    reason = "<script>alert(1)</script> and a letter"
    shown = _send(browser, "suspend", reason=reason).text
    assert "<script>alert" not in shown
    assert 303 == _send(browser, "suspend", reason=reason, sure="yes").status_code
    assert "&lt;script&gt;alert(1)" in browser.client.get(ONE).text


# --- Suspending and reinstating. --------------------------------------------------------------------------


def test_it_takes_two_steps_a_reason_and_an_entry(staffed: Staffed) -> None:
    """The first changes nothing; the second is in the log, and the agency is denied from then on."""
    browser = staffed.signed_in("legal")
    assert 200 == browser.client.get(f"{ONE}/suspend").status_code
    considered = _send(browser, "suspend", reason=WHY)
    assert (200, "active", True) == (
        considered.status_code,
        _status(staffed),
        "Step 2 of 2" in considered.text,
    )
    assert 303 == _send(browser, "suspend", reason=WHY, sure="yes").status_code
    assert "suspended" == _status(staffed)
    assert 403 == staffed.city.ask(body()).status
    entry = next(e for e in staffed.city.state.rows.entries(0, 999) if e.event == "agency.suspended")
    opened = staffed.city.state.ledger.detail_of(entry.index).openings
    assert (WHY, browser.made.account.id) == (opened["reason"]["value"], opened["by"]["value"])
    assert WHY.encode() not in entry.entry
    shown = browser.client.get(ONE).text
    assert WHY in shown
    assert "by Pat Sample" in shown


@pytest.mark.parametrize("reason", ["", ".", "ok", "1234567890123", "x" * 2001])
def test_a_reason_says_something(staffed: Staffed, reason: str) -> None:
    """Confirmed or not; what was typed comes back, with the fault beside it."""
    answer = _send(staffed.signed_in("records"), "suspend", reason=reason, sure="yes")
    assert (422, "active") == (answer.status_code, _status(staffed))
    assert 'id="reason-fault"' in answer.text


@pytest.mark.parametrize("role", ["auditor"])
def test_who_may_not_stop_sharing_changes_no_standing(staffed: Staffed, role: Role) -> None:
    """Nor is offered it."""
    browser = staffed.signed_in(role)
    assert "/suspend" not in browser.client.get(ONE).text
    assert 403 == browser.client.get(f"{ONE}/suspend").status_code
    assert 403 == _send(browser, "suspend", reason=WHY, sure="yes").status_code
    assert "active" == _status(staffed)


def test_nobody_changes_the_standing_of_their_own_agency(staffed: Staffed) -> None:
    """Least of all back to good standing."""
    browser = staffed.person("records", agency_id="sample-il-pd")
    browser.sign_in()
    answer = _send(browser, "suspend", reason=WHY, sure="yes")
    assert (422, "active", True) == (answer.status_code, _status(staffed), "your own agency" in answer.text)


def test_a_proof_that_is_old_changes_nothing(staffed: Staffed) -> None:
    """An open browser is not a person."""
    browser = staffed.signed_in("records")
    with staffed.city.state.database.write() as connection:
        old = (NOW - timedelta(minutes=30)).isoformat(" ")
        connection.exec_driver_sql(f"UPDATE staff_sessions SET proved_at = '{old}'")  # noqa: S608  a test's own
    assert 303 == browser.client.get(f"{ONE}/suspend").status_code
    assert 403 == _send(browser, "suspend", reason=WHY, sure="yes").status_code
    assert "active" == _status(staffed)


def test_a_form_that_is_not_ours_changes_nothing(staffed: Staffed) -> None:
    """Without this browser's token."""
    browser = staffed.signed_in("records")
    answer = browser.client.post(f"{ONE}/suspend", data={"reason": WHY, "sure": "yes", "form": "0" * 64})
    assert (403, "active") == (answer.status_code, _status(staffed))


def test_what_is_not_so_is_not_changed(staffed: Staffed) -> None:
    """A closed agency stays closed, whatever is sent."""
    browser = staffed.signed_in("records")
    assert 422 == _send(browser, "reinstate", reason=WHY, sure="yes").status_code
    assert 404 == browser.client.get(f"{LIST}/nobody-at-all/suspend").status_code
    found = staffed.city.state.registry.agency("sample-il-pd")
    assert found is not None
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE agencies SET status = 'closed' WHERE id = 'sample-il-pd'")
        connection.exec_driver_sql("UPDATE registry SET version = version + 1")
    for act in ("suspend", "reinstate"):
        assert "nothing to do here" in browser.client.get(f"{ONE}/{act}").text
        assert 422 == _send(browser, act, reason=WHY, sure="yes").status_code
    assert "closed" == _status(staffed)


def test_of_two_who_change_it_at_once_one_is_told(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change names the standing that was read: nothing is overwritten."""
    browser = staffed.signed_in("records")
    monkeypatch.setattr(
        administration,
        "set_agency_status",
        lambda agency, status, real=administration.set_agency_status: real(
            replace(agency, status="suspended"), status
        ),
    )
    answer = _send(browser, "suspend", reason=WHY, sure="yes")
    assert (409, True) == (answer.status_code, "Somebody else changed" in answer.text)
    assert "active" == _status(staffed)


def test_without_the_log_nothing_is_changed(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not logged is not done."""
    browser = staffed.signed_in("records")

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    assert 503 == _send(browser, "suspend", reason=WHY, sure="yes").status_code
    assert "active" == _status(staffed)
