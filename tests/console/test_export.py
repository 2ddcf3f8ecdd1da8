"""The queue as a table: logged first, harmless to a spreadsheet, whole."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from gatekeeper.errors import LedgerUnavailable
from gatekeeper.review.roles import Role
from gatekeeper.web.console import export
from gatekeeper.web.console.sessions import Sessions
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, body

QUEUE = "/console/reviews"


def _denied(staffed: Staffed) -> str:
    asked = body()
    asked["purpose"]["narrative"] = "investigation"
    return str(json.loads(staffed.city.ask(asked).body)["query_id"])


def _export(browser: Browser, chosen: str = "") -> TestResponse:
    token = browser.token(browser.client.get(QUEUE))
    return browser.client.post(f"{QUEUE}/export", data={"form": token, "filter": chosen})


def test_the_table_holds_what_the_queue_shows(staffed: Staffed) -> None:
    """Under the filter that was shown, and nothing private; how many, and of what, is in the log."""
    made = [_denied(staffed) for _ in range(3)]
    browser = staffed.signed_in("records")
    before = staffed.city.state.rows.head().size
    answer = _export(browser, "agency=sample-il-pd")
    assert "text/csv; charset=utf-8" == answer.headers["Content-Type"]
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert sorted(made) == sorted(row["query_id"] for row in rows)
    assert ("queued", "stolen_vehicle", "stated_reason") == tuple(
        rows[0][name] for name in ("state", "purpose", "denied_by")
    )
    for private in (PLATE, "investigation", "Pat Example", "4411"):
        assert private not in answer.text
    (entry,) = staffed.city.state.rows.entries(before, before + 9)
    subject = staffed.city.state.ledger.detail_of(entry.index).openings["subject"]["value"]
    assert ("export.made", {"queue": {"agency": "sample-il-pd"}, "rows": 3}) == (entry.event, subject)
    assert [] == list(csv.DictReader(StringIO(_export(browser, "agency=sample-wi-pd").text)))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(staffed: Staffed, name: str) -> None:
    """An agency that calls itself one is a name with a mark before it."""
    _denied(staffed)
    rename = text("UPDATE agencies SET name = :name WHERE id = 'sample-il-pd'")
    with staffed.city.state.database.write() as connection:
        connection.execute(rename, {"name": name})
    (row,) = csv.DictReader(StringIO(_export(staffed.signed_in("records")).text))
    assert f"'{name}" == row["agency"]


def test_a_long_queue_is_taken_in_parts_up_to_a_limit(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None twice, none left out, no more than the limit."""
    made = [_denied(staffed) for _ in range(7)]
    monkeypatch.setattr(export, "_CHUNK", 3)
    browser = staffed.signed_in("counsel")
    rows = list(csv.DictReader(StringIO(_export(browser).text)))
    assert sorted(made) == sorted(row["query_id"] for row in rows)
    monkeypatch.setattr(export, "MOST_EXPORTED", 5)
    assert 5 == len(list(csv.DictReader(StringIO(_export(browser).text))))


def test_without_an_entry_nothing_is_taken_out(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for a form of another site, or a filter that is none."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")
    assert 404 == _export(browser, "state=nonsense").status_code
    assert 403 == browser.client.post(f"{QUEUE}/export", data={"filter": ""}).status_code
    token = browser.token(browser.client.get(QUEUE))

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    answer = browser.client.post(f"{QUEUE}/export", data={"form": token, "filter": ""})
    assert (503, False) == (answer.status_code, query in answer.text)


@pytest.mark.parametrize("role", ["auditor", "legal"])
def test_who_may_not_export_does_not(staffed: Staffed, role: Role) -> None:
    """Whatever they send."""
    assert 403 == _export(staffed.signed_in(role)).status_code


def test_to_take_the_queue_out_wants_a_fresh_proof(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that was left open gives nothing away."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")
    monkeypatch.setattr(Sessions, "_proved", lambda *_: False)
    answer = _export(browser)
    assert (403, False) == (answer.status_code, query in answer.text)
