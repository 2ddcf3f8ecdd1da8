"""The queue and one request: what is shown, to whom, and that showing it is in the log."""

from __future__ import annotations

import json

import pytest

from gatekeeper.errors import LedgerUnavailable
from gatekeeper.review.queue import PAGE
from tests.console.conftest import Staffed
from tests.exchange.city import PLATE, body

QUEUE = "/console/reviews"
SCRIPT = "<script>alert(1)</script> <b>bold</b>"


def _denied(staffed: Staffed, narrative: str = "investigation", **more: object) -> str:
    """Ask something that staff may rule on; return its query id."""
    asked = body()
    asked["purpose"]["narrative"] = narrative
    asked["requester"].update(more)
    answer = staffed.city.ask(asked)
    found = json.loads(answer.body)
    assert 403 == answer.status, found
    assert "queued" == found["review"]["state"], found
    return str(found["query_id"])


def test_a_denied_request_waits_in_the_queue(staffed: Staffed) -> None:
    """With its agency and the title of what denied it, and nothing private."""
    _denied(staffed, "checking something")
    shown = staffed.signed_in("records").client.get(QUEUE).text
    assert "sample-il-pd" in shown
    assert "The words say what happened" in shown
    for private in ("checking something", PLATE, "Pat Example", "25-10494"):
        assert private not in shown


def test_the_request_is_shown_with_its_words_marked_and_its_plate_not(staffed: Staffed) -> None:
    """What was asked, which provision denied it, its citation, and the cure."""
    query = _denied(staffed, "investigation, to be continued")
    shown = staffed.signed_in("records").client.get(f"{QUEUE}/{query}").text
    assert "<mark>investigation</mark>" in shown
    provision = staffed.city.gate.engine.bundle.catalogue["stated_reason"]
    for said in (provision.title, provision.remedy.split(" ")[0], "Pat Example", "25-10494"):
        assert said in shown
    assert PLATE not in shown


def test_what_an_agency_typed_is_text(staffed: Staffed) -> None:
    """A script in the narrative or a name is shown as it was typed, and run by nobody."""
    query = _denied(staffed, f"{SCRIPT} investigation", name=SCRIPT, unit=SCRIPT)
    shown = staffed.signed_in("records").client.get(f"{QUEUE}/{query}").text
    ours = '<script src="/console/static/htmx/htmx.min.js" defer></script>'
    assert "<script" not in shown.replace(ours, "")
    assert "<b>bold" not in shown


def test_to_open_a_request_is_in_the_log_before_it_is_shown(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who read what is known afterwards; if it cannot be written, nothing is shown."""
    query = _denied(staffed)
    browser = staffed.signed_in("auditor")
    before = staffed.city.state.rows.head().size
    browser.client.get(f"{QUEUE}/{query}")
    (entry,) = staffed.city.state.rows.entries(before, before + 9)
    opened = staffed.city.state.ledger.detail_of(entry.index).openings
    assert ("staff.viewed", query) == (entry.event, opened["subject"]["value"])
    assert query.encode() not in entry.entry

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    answer = browser.client.get(f"{QUEUE}/{query}")
    assert 503 == answer.status_code
    assert "investigation" not in answer.text


def test_pages_of_the_queue_repeat_and_lose_nothing(staffed: Staffed) -> None:
    """More than one page, in the order in which they are due."""
    made = [_denied(staffed) for _ in range(PAGE + 3)]
    browser = staffed.signed_in("records")
    first = browser.client.get(QUEUE).text
    address = first.split('href="/console/reviews?')[1].split('"')[0].replace("&amp;", "&")
    second = browser.client.get(f"{QUEUE}?{address}").text
    shown = [query for text in (first, second) for query in made if f"{QUEUE}/{query}" in text]
    assert sorted(made) == sorted(shown)
    assert 3 == second.count('<th scope="row"')


def test_filters_narrow(staffed: Staffed) -> None:
    """By agency, provision, state and what is overdue; a filter that cannot be read shows the whole."""
    _denied(staffed)
    browser = staffed.signed_in("records")

    def rows(query: str) -> int:
        return browser.client.get(f"{QUEUE}?{query}").text.count('<th scope="row"')

    assert 1 == rows("agency=sample-il-pd&provision=stated_reason&state=queued")
    assert 0 == rows("agency=sample-wi-pd")
    assert 0 == rows("provision=federal_component")
    assert 0 == rows("provision=%25")
    assert 0 == rows("state=escalated")
    assert 0 == rows("pile=done")
    assert 0 == rows("overdue=yes")
    assert 1 == rows("after=nonsense")
    answer = browser.client.get(f"{QUEUE}?pile=other")
    assert (400, 1) == (answer.status_code, answer.text.count('<th scope="row"'))


def test_a_missing_child_comes_first(staffed: Staffed) -> None:
    """What is due in an hour stands above what is due in three days, whichever came first."""
    ordinary = _denied(staffed)
    asked = body()
    asked["purpose"] |= {"category": "missing_or_endangered_person", "narrative": "welfare"}
    urgent = str(json.loads(staffed.city.ask(asked).body)["query_id"])
    shown = staffed.signed_in("records").client.get(QUEUE).text
    assert shown.index(urgent) < shown.index(ordinary)


def test_an_unknown_request_is_not_found(staffed: Staffed) -> None:
    """Whatever is written in the address."""
    browser = staffed.signed_in("records")
    for name in ("q_none", "q_%00", "..%2f", "q_" + "a" * 300):
        assert 404 == browser.client.get(f"{QUEUE}/{name}").status_code


def test_what_was_purged_is_said_to_be_gone(staffed: Staffed) -> None:
    """The decision stays; the words do not."""
    query = _denied(staffed)
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM private_details")
    shown = staffed.signed_in("records").client.get(f"{QUEUE}/{query}").text
    assert "has been erased" in shown
