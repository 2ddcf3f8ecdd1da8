"""The queue and one request: what is shown, to whom, and that showing it is in the log."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.test import TestResponse

from gatekeeper.cli import agency
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.review.queue import PAGE
from gatekeeper.review.roles import Role
from gatekeeper.web.console import filters
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


def _rows(answer: TestResponse) -> list[str]:
    """Return the requests that a page lists, in its order."""
    return re.findall(rf'<th scope="row"[^>]*><a href="{QUEUE}/(q_[a-z0-9]+)"', answer.text)


def _way(answer: TestResponse, to: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{to}"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


def test_pages_of_the_queue_repeat_and_lose_nothing(staffed: Staffed) -> None:
    """More than one page, in the order in which they are due; and back again to what was seen."""
    made = [_denied(staffed) for _ in range(PAGE + 3)]
    client = staffed.signed_in("records").client
    first = client.get(QUEUE)
    second = client.get(_way(first, "next"))
    assert (PAGE, 3) == (len(_rows(first)), len(_rows(second)))
    assert sorted(made) == sorted(_rows(first) + _rows(second))
    assert 'rel="next"' not in second.text
    again = client.get(_way(second, "prev"))
    assert _rows(first) == _rows(again)
    assert 'rel="prev"' not in again.text


def test_filters_narrow(staffed: Staffed) -> None:
    """By each field; a filter that cannot be read shows the whole."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")
    today = datetime.now(UTC).date()
    fits = (
        "agency=sample-il-pd&provision=stated_reason&state=queued",
        "purpose=stolen_vehicle&level=staff&assigned=nobody",
        f"asked_from={today - timedelta(days=1)}&asked_to={today + timedelta(days=1)}",
        "due=3d",
        "order=moved",
        "after=nonsense",
        "before=WzIsIjIwMjYtMTEtMjVUMDA6MDA6MDArMDA6MDAiLCJxIl0",
        "unknown=1",
    )
    narrows = (
        "agency=sample-wi-pd",
        "provision=federal_component",
        "provision=%25",
        "state=escalated",
        "state=done",
        "due=overdue",
        "assigned=me",
        "assigned=somebody",
        "level=counsel",
        "purpose=wanted_person",
        f"asked_from={today + timedelta(days=2)}",
        f"asked_to={today - timedelta(days=2)}",
        "agency=%00",
    )
    for asked in fits:
        assert [query] == _rows(browser.client.get(f"{QUEUE}?{asked}")), asked
    for asked in narrows:
        answer = browser.client.get(f"{QUEUE}?{asked}")
        assert (200, []) == (answer.status_code, _rows(answer)), asked
    for asked in ("state=other", "order=plate", "asked_from=0001-01-01", "asked_to=x", "agency=" + "a" * 200):
        answer = browser.client.get(f"{QUEUE}?{asked}")
        assert (400, [query]) == (answer.status_code, _rows(answer)), asked


def test_the_form_is_read_as_a_browser_sends_it(staffed: Staffed) -> None:
    """Every field of it, most of them empty: they narrow nothing, and stand in no further address."""
    query = _denied(staffed)
    client = staffed.signed_in("records").client
    form = client.get(QUEUE).text.split('class="console-filter"')[1].split("</form>")[0]
    sent = dict.fromkeys(re.findall(r'name="(\w+)"', form), "")
    assert sent.keys() == filters.LABELS.keys()
    chosen = "state=waiting&order=due&due=3d"
    answer = client.get(f"{QUEUE}?{chosen}&" + "&".join(f"{n}=" for n in sent if f"{n}=" not in chosen))
    assert (200, [query]) == (answer.status_code, _rows(answer))
    assert 1 == answer.text.count('class="console-tag"')


def test_what_narrows_is_shown_and_can_be_taken_away(staffed: Staffed) -> None:
    """Each part of the filter by itself, in words."""
    _denied(staffed)
    shown = staffed.signed_in("records").client.get(f"{QUEUE}?state=queued&agency=sample-il-pd").text
    tags = re.findall(r'<a class="console-tag" href="([^"]+)">', shown)
    assert [f"{QUEUE}?agency=sample-il-pd", f"{QUEUE}?state=queued"] == [html.unescape(tag) for tag in tags]
    assert '<option value="sample-il-pd" selected>' in shown


def test_counts_are_shown_for_states_and_views(staffed: Staffed) -> None:
    """How many wait, and what of it is in each view."""
    _denied(staffed)
    _missing(staffed)
    shown = staffed.signed_in("records").client.get(QUEUE).text
    assert "2 requests" in shown
    assert ">queued (2)</option>" in shown
    view = rf'{QUEUE}\?purpose=missing_or_endangered_person"[^>]*>Missing persons <span[^>]*>1<'
    assert re.search(view, shown)


def test_a_missing_child_comes_first(staffed: Staffed) -> None:
    """Before all else, also what was asked before and is overdue."""
    ordinary = _denied(staffed)
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE review_places SET due_at = '2026-01-01 00:00:00.000000'")
    urgent = _missing(staffed)
    answer = staffed.signed_in("records").client.get(QUEUE)
    assert [urgent, ordinary] == _rows(answer)
    assert "overdue" in answer.text


def _missing(staffed: Staffed) -> str:
    asked = body()
    asked["purpose"] |= {"category": "missing_or_endangered_person", "narrative": "welfare"}
    return str(json.loads(staffed.city.ask(asked).body)["query_id"])


def test_the_page_is_the_same_for_a_script(staffed: Staffed) -> None:
    """What htmx asks for is what a browser without it gets: there is no second page to keep right."""
    _denied(staffed)
    client = staffed.signed_in("records").client
    without, asked = client.get(QUEUE), client.get(QUEUE, headers={"HX-Request": "true"})
    # But for how long ago each thing was: that moves on between the two.
    plain, for_a_script = (re.sub(r"(<time [^>]*>)[^<]*", r"\1", each.text) for each in (without, asked))
    assert plain == for_a_script


def test_what_an_agency_is_called_is_text_in_the_queue(staffed: Staffed) -> None:
    """In the filter and in the tag that says what narrows."""
    agency.register(staffed.city.state, "sample-script-pd", name=SCRIPT, kind="local", state_code="IL")
    shown = staffed.signed_in("records").client.get(f"{QUEUE}?agency=sample-script-pd").text
    assert "<b>bold" not in shown
    assert 2 == len(re.findall(r"&lt;script&gt;alert\(1\)", shown))


@pytest.mark.parametrize("role", ["auditor", "legal"])
def test_who_only_reads_is_shown_no_acts(staffed: Staffed, role: Role) -> None:
    """No boxes, no assignment, no table to take out, no search by a plate."""
    _denied(staffed)
    shown = staffed.signed_in(role).client.get(QUEUE).text
    for act in ("/console/reviews/assign", 'name="pick"', "/console/reviews/export", "By a plate"):
        assert act not in shown


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
