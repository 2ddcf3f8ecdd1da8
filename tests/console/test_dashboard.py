"""The dashboard: the log's figures with their entries, what needs somebody, and what is taken out of it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.cells import cell
from gatekeeper.cli import client
from gatekeeper.errors import LedgerUnavailable, PolicyUnavailable
from gatekeeper.review.roles import Role
from gatekeeper.web.console import dashboard
from gatekeeper.web.console.tables import MAKERS
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import NOW, PLATE, body

PAGE = "/console/dashboard"


def _deny(staffed: Staffed, agency: str = "sample-il-pd", **purpose: str) -> None:
    asked = body()
    asked["purpose"] |= {"narrative": "investigation, to be told"} | purpose
    assert 403 == staffed.city.ask(asked, agency).status


def _rows(page: str, table: str) -> list[list[str]]:
    """Return what the table of one figure says."""
    found = re.search(rf'<figure class="console-figure" id="{table}">(.*?)</figure>', page, re.DOTALL)
    assert found is not None, page
    rows = re.findall(r'<tr><th scope="row".*?</tr>', found[1], re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def test_the_figures_are_those_of_the_log(staffed: Staffed) -> None:
    """Denials by provision and by agency, permits by purpose; with the entries to count again."""
    for _ in range(3):
        _deny(staffed)
    _deny(staffed, "sample-unsigned-pd")
    assert 200 == staffed.city.ask(body()).status
    shown = staffed.signed_in("auditor").client.get(PAGE).text
    titles = staffed.city.gate.engine.bundle.catalogue
    by_provision = dict(_rows(shown, "denials-by-provision"))
    assert "4" == by_provision[titles["stated_reason"].title]
    assert "1" == by_provision[titles["affirmation"].title]
    assert [["sample-il-pd", "3", "4"], ["sample-unsigned-pd", "1", "1"]] == _rows(shown, "denials-by-agency")
    assert [["stolen vehicle", "1"]] == _rows(shown, "permits-by-purpose")
    assert [["sample-il-pd", "1"]] == _rows(shown, "permits-by-agency")
    assert ["less than an hour", "3"] == _rows(shown, "queue-age")[0]
    over_time = _rows(shown, "decisions-over-time")
    assert [str(NOW.date()), "4", "1"] == over_time[-1]
    last = staffed.city.state.rows.head().size - 1
    assert f"Counted from entry 0 to entry {last} of the log." in shown
    for private in (PLATE, "investigation, to be", "Pat Example", "25-10494"):
        assert private not in shown


def test_each_figure_is_a_drawing_with_a_name_and_a_table(staffed: Staffed) -> None:
    """Nothing is told by the drawing alone, or by its colour; nothing in it is styled inline."""
    _deny(staffed)
    shown = staffed.signed_in("legal").client.get(PAGE).text
    drawings = re.findall(r"<svg.*?</svg>", shown, re.DOTALL)
    named = [drawing for drawing in drawings if 'role="img"' in drawing]
    assert len(named) >= 3
    for drawing in named:
        assert "<title id=" in drawing
        assert "<desc id=" in drawing
    assert len(named) == shown.count("<caption")
    assert "style=" not in shown
    assert len(drawings) - len(named) == shown.count('<svg aria-hidden="true"')


def test_a_new_log_is_an_empty_dashboard_and_no_error(staffed: Staffed) -> None:
    """Nothing was asked yet: that is said."""
    answer = staffed.signed_in("records").client.get(PAGE)
    assert 200 == answer.status_code
    assert len(MAKERS) == answer.text.count("Nothing was counted.")


@pytest.mark.parametrize("query", ["period=custom", "period=custom&first=2026-11-02&last=2026-11-01"])
def test_days_that_make_no_period_are_said_to(staffed: Staffed, query: str) -> None:
    """The form comes back as it was filled in."""
    answer = staffed.signed_in("records").client.get(f"{PAGE}?{query}")
    assert (400, True) == (answer.status_code, "That is no period" in answer.text)


@pytest.mark.parametrize(
    "query",
    [
        "period=ever",
        "period=custom&first=0001-01-01&last=9999-12-31",
        "period=custom&first=x&last=2026-11-01",
        "period=custom&first=%00&last='--",
        "first=<script>",
    ],
)
def test_what_no_form_of_ours_sends_is_no_error(staffed: Staffed, query: str) -> None:
    """Nor is it shown as anything but text."""
    answer = staffed.signed_in("records").client.get(f"{PAGE}?{query}")
    assert 400 == answer.status_code
    assert "<script>" not in answer.text


@pytest.mark.parametrize("period", ["week", "4weeks", "12weeks", "year"])
def test_every_period_has_its_page(staffed: Staffed, period: str) -> None:
    """Each shows what was denied today; the days that it means are filled in."""
    _deny(staffed)
    shown = staffed.signed_in("admin").client.get(f"{PAGE}?period={period}").text
    assert [["sample-il-pd", "1", "1"]] == _rows(shown, "denials-by-agency")
    assert f'value="{datetime.now(UTC).date()}"' in shown


def test_a_stop_is_red_and_says_since_when_and_who_may_lift_it(staffed: Staffed) -> None:
    """Above every figure."""
    staffed.city.state.switch().stop(
        "agency", "sample-wi-pd", reason="Letter of 3 November about misuse", by="staff-1"
    )
    shown = staffed.signed_in("records").client.get(PAGE).text
    assert "Sharing with sample-wi-pd</a>" in shown
    assert "records, legal, counsel, admin" in shown
    assert shown.index("Sharing with") < shown.index("Denials by provision")


def _at(staffed: Staffed, table: str, column: str, value: Any) -> None:
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = '{value}'")  # noqa: S608  a test's own


def test_a_missing_person_who_waits_is_the_first_alert(staffed: Staffed) -> None:
    """After a quarter of an hour; and what is overdue is counted."""
    asked = body()
    asked["purpose"] |= {"category": "missing_or_endangered_person", "narrative": "welfare"}
    assert 403 == staffed.city.ask(asked).status
    browser = staffed.signed_in("records")
    assert "missing person wait" not in browser.client.get(PAGE).text
    _at(staffed, "reviews", "queued_at", (NOW - timedelta(minutes=16)).isoformat(" "))
    _at(staffed, "reviews", "due_at", (NOW - timedelta(minutes=1)).isoformat(" "))
    shown = browser.client.get(PAGE).text
    assert "1 requests about a missing person wait longer than 15 minutes" in shown
    assert "1 reviews are overdue." in shown
    assert shown.index("missing person wait") < shown.index("are overdue")
    assert "Age of the queue, 1 overdue" in shown


def test_locked_accounts_are_an_alert(staffed: Staffed) -> None:
    """Whoever guesses passwords is seen."""
    browser = staffed.signed_in("records")
    _at(staffed, "sign_ins", "locked_until", (NOW + timedelta(hours=1)).isoformat(" "))
    assert "1 staff accounts are locked" in browser.client.get(PAGE).text


def test_a_part_that_does_not_answer_is_an_alert(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is shown without it."""
    browser = staffed.signed_in("records")

    def down(_: object) -> None:
        raise PolicyUnavailable("no engine")

    monkeypatch.setattr(type(staffed.city.gate.engine), "ready", down)
    answer = browser.client.get(PAGE)
    assert 200 == answer.status_code
    assert "The part “policy” of the service does not answer." in answer.text


def test_an_entry_that_cannot_be_counted_is_an_alert(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures say that they stand still, rather than be wrong in silence."""
    browser = staffed.signed_in("records")
    monkeypatch.setattr(dashboard, "count_some", lambda _: None)
    assert "The figures stand still" in browser.client.get(PAGE).text
    monkeypatch.setattr(dashboard, "count_some", lambda _: 17)
    assert "17 entries of the log are not in these figures yet." in browser.client.get(PAGE).text


def test_what_lapses_is_listed(staffed: Staffed) -> None:
    """Within sixty days, or already; the agency's page is a click away."""
    _at(staffed, "affirmations", "expires_on", NOW.date() + timedelta(days=9))
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE registry SET version = version + 1")
    shown = staffed.signed_in("records").client.get(PAGE).text
    assert "9 days left" in shown
    assert 'href="/console/agencies/sample-wi-pd"' in shown


@pytest.mark.parametrize("days", [30, 31])
def test_who_cannot_be_reminded_is_an_alert_with_the_command(staffed: Staffed, days: int) -> None:
    """From the day of the first reminder on: without a contact nobody hears of the end."""
    _at(staffed, "affirmations", "expires_on", NOW.date() + timedelta(days=days))
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE agencies SET contacts = '[]' WHERE id = 'sample-wi-pd'")
        connection.exec_driver_sql("UPDATE registry SET version = version + 1")
    shown = staffed.signed_in("records").client.get(PAGE).text
    assert (days == 30) is ("sample-wi-pd has no contact" in shown)
    assert (days == 30) is ("gatekeeper agency change sample-wi-pd --contact ADDRESS" in shown)


def test_a_shared_badge_is_an_alert_with_the_command_and_without_the_badge(staffed: Staffed) -> None:
    """In English and in Spanish: which agency, and in which query staff find whose badge it is."""
    city = staffed.city
    agency = "sample-il-pd"
    second = city.with_clients({**city.clients, agency: client.register(city.state, agency).client.id})
    assert 200 == city.ask(body(requester__badge="shared-77")).status
    asked = second.ask(body(requester__badge="shared-77"))
    assert 200 == asked.status
    browser = staffed.signed_in("records")
    shown = browser.client.get(PAGE).text
    told = f"1 badges of {agency} asked from several of its systems within an hour, 1 times. The latest: "
    assert told + asked.query_id in shown
    assert f"gatekeeper officer suspend {agency} BADGE --reason WHY" in shown
    spanish = browser.client.get(PAGE, headers={"Accept-Language": "es"}).text
    assert f"Si fue más de una persona: gatekeeper officer suspend {agency} BADGE" in spanish
    assert "shared-77" not in shown + spanish


# --- What is taken out. -----------------------------------------------------------------------------------


def _take(browser: Browser, table: str, **more: str) -> TestResponse:
    page = browser.client.get(PAGE)
    return browser.client.post(
        f"{PAGE}/{table}.csv?period=4weeks", data={"form": browser.token(page), **more}
    )


def test_a_table_is_taken_out_with_an_entry_before(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who took what is in the log; if it cannot be written, nothing leaves."""
    _deny(staffed)
    browser = staffed.signed_in("records")
    answer = _take(browser, "denials-by-agency")
    assert 200 == answer.status_code, answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    assert [["Agency", "Denied", "Asked"], ["sample-il-pd", "1", "1"]] == list(
        csv.reader(io.StringIO(answer.text))
    )
    last = staffed.city.state.rows.head().size - 1
    entry = staffed.city.state.rows.entry(last)
    assert entry is not None
    opened = staffed.city.state.ledger.detail_of(last).openings
    assert ("export.made", browser.made.account.id) == (entry.event, opened["by"]["value"])
    assert str(opened["subject"]["value"]).startswith("denials-by-agency ")
    page = browser.client.get(PAGE)

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    answer = browser.client.post(f"{PAGE}/denials-by-agency.csv", data={"form": browser.token(page)})
    assert (503, False) == (answer.status_code, "sample-il-pd" in answer.text)


@pytest.mark.parametrize("table", list(MAKERS))
def test_every_table_can_be_taken_out(staffed: Staffed, table: str) -> None:
    """With its head, also where nothing was counted."""
    answer = _take(staffed.signed_in("counsel"), table)
    assert (200, "text/csv; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])


def test_what_is_no_table_is_not_found(staffed: Staffed) -> None:
    """Nor is a table without a period."""
    browser = staffed.signed_in("counsel")
    assert 404 == _take(browser, "secrets").status_code
    page = browser.client.get(PAGE)
    form = {"form": browser.token(page)}
    assert 404 == browser.client.post(f"{PAGE}/queue-age.csv?period=custom", data=form).status_code


@pytest.mark.parametrize("role", ["auditor", "legal", "admin"])
def test_who_may_not_export_sees_no_button_and_gets_nothing(staffed: Staffed, role: Role) -> None:
    """Whatever they send."""
    _deny(staffed)
    browser = staffed.signed_in(role)
    assert ".csv" not in browser.client.get(PAGE).text
    assert 403 == _take(browser, "queue-age").status_code


def test_an_old_proof_does_not_export(staffed: Staffed) -> None:
    """An open browser is not a person."""
    browser = staffed.signed_in("records")
    _at(staffed, "staff_sessions", "proved_at", (NOW - timedelta(minutes=30)).isoformat(" "))
    answer = _take(browser, "queue-age")
    assert (403, False) == (answer.status_code, "Reviews\r\n" in answer.text)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("Sample = City", "Sample = City"),
        (-5, "-5"),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(typed: object, shown: str) -> None:
    """What an agency is called, or what somebody typed, is run by no spreadsheet."""
    assert shown == cell(typed)
