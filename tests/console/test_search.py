"""A request is found by what is public of it; by a plate or an officer only with a reason that is logged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.errors import LedgerUnavailable
from gatekeeper.web.console.sessions import Sessions
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, body

QUEUE = "/console/reviews"
SEARCH = "/console/reviews/search"
REASON = "The owner complains of being followed by officers."


def _denied(staffed: Staffed, **changes: Any) -> str:
    asked = body(purpose__narrative="investigation", **changes)
    return str(json.loads(staffed.city.ask(asked).body)["query_id"])


def test_an_id_an_entry_or_an_ori_leads_straight_there(staffed: Staffed) -> None:
    """To the request, or to the queue of the agency."""
    query = _denied(staffed)
    (entry,) = [e for e in staffed.city.state.rows.entries(0, 999) if e.ref == query]
    client = staffed.signed_in("auditor").client
    leads = {
        query: f"{QUEUE}/{query}",
        f" {query} ": f"{QUEUE}/{query}",
        str(entry.index): f"{QUEUE}/{query}",
        "sample-il-pd": f"{QUEUE}?agency=sample-il-pd",
    }
    for typed, there in leads.items():
        answer = client.get(SEARCH, query_string={"q": typed})
        assert (303, there) == (answer.status_code, answer.headers["Location"])


def test_a_beginning_or_a_part_of_a_name_shows_what_fits(staffed: Staffed) -> None:
    """And what fits nothing says so, whatever was typed."""
    query = _denied(staffed)
    client = staffed.signed_in("records").client
    assert f"{QUEUE}/{query}" in client.get(SEARCH, query_string={"q": query[:8].upper()}).text
    assert f"{QUEUE}?agency=sample-wi-pd" in client.get(SEARCH, query_string={"q": "WI-PD"}).text
    for typed in ("q_", "0", "999999", "9" * 19, "9" * 30, "q_zzz", "%", "<script>", "٣"):
        answer = client.get(SEARCH, query_string={"q": typed})
        assert (200, True) == (answer.status_code, "Nothing was found" in answer.text), typed
        assert "<script>" not in answer.text
    assert 400 == client.get(SEARCH, query_string={"q": "\x00"}).status_code
    assert 400 == client.get(SEARCH, query_string={"q": "a" * 201}).status_code


def _search(browser: Browser, **form: str) -> TestResponse:
    token = browser.token(browser.client.get(SEARCH))
    return browser.client.post(SEARCH, data={"form": token, "by": "plate", "reason": REASON, **form})


def test_a_plate_is_found_however_it_is_written(staffed: Staffed) -> None:
    """Whatever state it was asked under; who searched for it, and why, is in the log first."""
    query = _denied(staffed)
    other = _denied(staffed, query__plate="DEMO2")
    browser = staffed.signed_in("records")
    before = staffed.city.state.rows.head().size
    answer = _search(browser, plate="demo-1")
    assert 200 == answer.status_code
    assert f"{QUEUE}/{query}" in answer.text
    assert f"{QUEUE}/{other}" not in answer.text
    assert PLATE not in answer.text.upper().replace("-", "")
    (entry,) = staffed.city.state.rows.entries(before, before + 9)
    opened = staffed.city.state.ledger.detail_of(entry.index).openings
    assert "staff.viewed" == entry.event
    assert ("search_by_plate", {"plate": "demo-1"}, REASON, browser.made.account.id) == tuple(
        opened[name]["value"] for name in ("what", "subject", "reason", "by")
    )
    assert b"demo-1" not in entry.entry


def test_an_officer_is_found_by_the_badge(staffed: Staffed) -> None:
    """However it is written; in their own agency alone."""
    query = _denied(staffed)
    browser = staffed.signed_in("counsel")
    found = _search(browser, by="officer", officer_agency="sample-il-pd", badge="44-11")
    assert f"{QUEUE}/{query}" in found.text
    for badge, agency in (("4411", "sample-wi-pd"), ("4412", "sample-il-pd")):
        answer = _search(browser, by="officer", officer_agency=agency, badge=badge)
        assert "Nothing was found" in answer.text


def test_what_was_purged_is_not_found(staffed: Staffed) -> None:
    """Nor is a day made anew by looking for it: retention ends the search too."""
    _denied(staffed)
    browser = staffed.signed_in("records")
    keys = staffed.city.gate.keys
    (day,) = keys.days()
    (keys._directory / f"{day.isoformat()}.key").unlink()
    assert "Nothing was found" in _search(browser, plate=PLATE).text


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"plate": ""}, "plate"),
        ({"plate": "DE?"}, "plate"),
        ({"plate": PLATE, "reason": "."}, "reason"),
        ({"plate": PLATE, "reason": ""}, "reason"),
        ({"by": "officer", "officer_agency": "sample-il-pd", "badge": "-"}, "badge"),
        ({"by": "officer", "officer_agency": "nobody", "badge": "1"}, "officer_agency"),
        ({"by": "name", "plate": PLATE}, "by"),
        ({"plate": PLATE + "\x00"}, "plate"),
    ],
)
def test_a_search_that_is_not_whole_comes_back_with_its_faults(
    staffed: Staffed, form: dict[str, str], field: str
) -> None:
    """Beside each field; and nothing was looked for, so nothing is in the log."""
    _denied(staffed)
    browser = staffed.signed_in("records")
    before = staffed.city.state.rows.head().size
    answer = _search(browser, **form)
    assert 422 == answer.status_code
    assert f'href="#{field}"' in answer.text
    assert before == staffed.city.state.rows.head().size


def test_nothing_is_answered_that_the_log_could_not_take(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a plate was asked about is private too."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")
    token = browser.token(browser.client.get(SEARCH))

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    form = {"form": token, "by": "plate", "plate": PLATE, "reason": REASON}
    answer = browser.client.post(SEARCH, data=form)
    assert (503, False) == (answer.status_code, query in answer.text)


@pytest.mark.parametrize("role", ["auditor", "legal"])
def test_who_may_not_see_a_plate_cannot_search_by_one(staffed: Staffed, role: Any) -> None:
    """To learn who was asked about is to learn a plate."""
    _denied(staffed)
    browser = staffed.signed_in(role)
    opened = browser.client.get(SEARCH)
    assert 'name="plate"' not in opened.text
    form = {"form": browser.token(opened), "by": "plate", "plate": PLATE, "reason": REASON}
    assert 403 == browser.client.post(SEARCH, data=form).status_code


def test_a_search_by_a_plate_wants_a_fresh_proof(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that was left open searches for nobody."""
    _denied(staffed)
    browser = staffed.signed_in("records")
    monkeypatch.setattr(Sessions, "_proved", lambda *_: False)
    before = staffed.city.state.rows.head().size
    assert 403 == _search(browser, plate=PLATE).status_code
    assert before == staffed.city.state.rows.head().size
