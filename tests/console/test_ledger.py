"""The log in the console: found by what it is about, proved by its own code, in red where it does not fit."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.app import application
from gatekeeper.cli import agency
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger import EVENTS, Draft, Ledger
from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.receipts import check_receipt, check_tlog_proof
from gatekeeper.oversight import checks
from gatekeeper.review.roles import ROLES, Role
from gatekeeper.web.console.log_words import EVENT, FAMILY, families
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, City, body
from tests.witness.made import new_keeper, served
from tests.witness.test_witnessing import asked, named

LOG = "/console/ledger"
SCRIPT = "<script>alert(1)</script>"


def _indices(answer: TestResponse) -> list[int]:
    assert 200 == answer.status_code, answer.text
    return [
        int(found) for found in re.findall(r'data-label="Entry"><a href="/console/ledger/(\d+)"', answer.text)
    ]


def _of(staffed: Staffed, *events: str) -> list[int]:
    return [n for n, e in enumerate(staffed.city.events()) if e["event"] in events][::-1]


def _force(staffed: Staffed, *statements: str) -> None:
    """Change what is stored as who can write the file of the database does."""
    with staffed.city.state.database.write() as connection:
        for trigger in ("ledger_entries_no_update", "ledger_entries_no_delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def _token(browser: Browser) -> str:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return form_token(cookie.value)


def _check(browser: Browser, scope: str = "whole") -> TestResponse:
    """Begin a check and wait for its end."""
    begun = browser.client.post(f"{LOG}/checks", data={"form": _token(browser), "scope": scope})
    assert 303 == begun.status_code, begun.text
    for _ in range(200):
        shown = browser.client.get(f"{LOG}/checks")
        if "A check runs" not in shown.text:
            return shown
        time.sleep(0.05)
    pytest.fail("the check did not end")


@pytest.fixture
def begun_here(monkeypatch: pytest.MonkeyPatch) -> list[checks.Checks]:
    """Return the checks that the application begins, as its end finds them."""
    found: list[checks.Checks] = []
    begin = checks.Checks.begin

    def noted(self: checks.Checks, by: str, scope: checks.Scope) -> str | None:
        found.append(self)
        return begin(self, by, scope)

    monkeypatch.setattr(checks.Checks, "begin", noted)
    return found


# --- Finding. ---------------------------------------------------------------------------------------------


def test_entries_are_found_by_what_they_are_about(staffed: Staffed) -> None:
    """By query, agency, event and family, each narrowing the others; nothing private among them."""
    query = json.loads(staffed.city.ask(body()).body)["query_id"]
    staffed.city.ask(body(), "sample-unsigned-pd")
    reader = staffed.signed_in("auditor")

    def found(**narrow: str) -> list[int]:
        return _indices(reader.client.get(LOG, query_string=narrow))

    everything = list(range(len(staffed.city.events())))[::-1]
    assert everything[:25] == found()
    assert _of(staffed, "query.decided", "query.released")[1:] == found(ref=query)
    assert _of(staffed, "query.released") == found(ref=query, event="query.released")
    assert _of(staffed, "query.decided") == found(event="query.decided")
    assert _of(staffed, "query.decided", "query.released") == found(event="query.")
    about = [n for n in everything if staffed.city.events()[n].get("agency") == "sample-unsigned-pd"]
    assert about == found(agency="sample-unsigned-pd")
    assert [about[0]] == found(agency="sample-unsigned-pd", event="query.")
    assert [] == found(agency="sample-unsigned-pd", event="stop.")
    assert [] == found(ref=query, agency="sample-unsigned-pd")
    for private in (PLATE, "Pat Example", "25-10494"):
        assert private not in reader.client.get(LOG).text


def test_entries_are_found_by_hour(staffed: Staffed) -> None:
    """By the city's own clocks; an hour with nothing is empty, not everything."""
    staffed.city.ask(body())
    reader = staffed.signed_in("auditor")
    now = staffed.city.state.clock.now()

    def found(since: Any, until: Any) -> list[int]:
        narrow = {"since": f"{since:%Y-%m-%dT%H:%M}", "until": f"{until:%Y-%m-%dT%H:%M}"}
        return _indices(reader.client.get(LOG, query_string=narrow | {"event": "query."}))

    hour = timedelta(hours=1)
    assert _of(staffed, "query.decided", "query.released") == found(now - hour, now + hour)
    assert [] == found(now - 3 * hour, now - 2 * hour)
    assert [] == found(now + 2 * hour, now + 3 * hour)
    assert [] == found(now + hour, now - hour)


def test_pages_go_on_where_the_last_one_ended(staffed: Staffed) -> None:
    """No entry twice, none left out, whatever is written meanwhile."""
    for _ in range(30):
        staffed.city.ask(body(), "sample-unsigned-pd")
    reader = staffed.signed_in("auditor")
    for narrow in ({}, {"event": "query."}, {"agency": "sample-unsigned-pd", "event": "query.decided"}):
        seen: list[int] = []
        address = LOG + "?" + "&".join(f"{name}={value}" for name, value in narrow.items())
        before = len(staffed.city.events())
        while True:
            page = reader.client.get(address)
            seen += _indices(page)
            staffed.city.ask(body(), "sample-wi-pd")
            further = re.search(r'href="(/console/ledger\?[^"]*before=[^"]*)"', page.text)
            if further is None:
                break
            address = further[1].replace("&amp;", "&")
        wanted = [
            n for n in range(before) if not narrow or staffed.city.events()[n]["event"].startswith("query.")
        ]
        if "agency" in narrow:
            wanted = [n for n in wanted if staffed.city.events()[n]["agency"] == "sample-unsigned-pd"]
        assert wanted[::-1] == seen


def test_what_the_search_does_not_reach_yet_is_said(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that could not look through all never passes for the whole."""
    monkeypatch.setattr("gatekeeper.oversight.search._AT_A_LOOK", 0.0)
    reader = staffed.signed_in("auditor")
    first = reader.client.get(f"{LOG}?event=query.decided").text
    assert "latest are missing here" in first
    for _ in range(100):
        if "missing here" not in reader.client.get(f"{LOG}?event=query.decided").text:
            return
        time.sleep(0.05)
    pytest.fail("the search did not catch up")


UNREADABLE = (
    {"event": "query"},
    {"event": "x" * 500},
    {"agency": "a" * 129},
    {"ref": "r" * 129},
    {"before": "-1"},
    {"before": "1e3"},
    {"before": "9" * 17},
    {"since": "yesterday"},
    {"since": "2026-13-01T00:00"},
    {"until": "0001-01-01T00:00+23:59"},
    {"entry": "first"},
    {"entry": "-1"},
)


def test_what_cannot_be_read_does_not_narrow_and_is_said(staffed: Staffed) -> None:
    """Whatever somebody writes into the address."""
    reader = staffed.signed_in("auditor")
    for narrow in UNREADABLE:
        answer = reader.client.get(LOG, query_string=narrow)
        assert (400, True) == (answer.status_code, "could not be read" in answer.text), narrow
    for narrow in ({"ref": "\0"}, {"agency": "\0"}, {"ref": "'; DROP TABLE"}, {"agency": "nobody"}):
        answer = reader.client.get(LOG, query_string=narrow)
        assert (200, True) == (answer.status_code, "No entry fits" in answer.text), narrow


def test_an_empty_log_says_so(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an empty table."""
    reader = staffed.signed_in("auditor")
    head = staffed.city.state.rows.head()
    monkeypatch.setattr(type(staffed.city.state.rows), "head", lambda _: type(head)(0, (), 0))
    assert "The log is empty" in reader.client.get(LOG).text


def test_every_event_has_a_sentence_and_a_family() -> None:
    """Also those that come later: the list and the table are one."""
    assert sorted(EVENTS) == sorted(EVENT)
    assert sorted(EVENTS) == sorted(event for events in families().values() for event in events)
    assert FAMILY.keys() == families().keys()


# --- One entry. -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_an_entry_is_shown_with_a_proof_that_holds(staffed: Staffed, role: Role) -> None:
    """What it means, its exact text, and a receipt that the ledger's own code accepts; to every role."""
    staffed.city.ask(body(purpose__narrative="investigation"))
    (index,) = _of(staffed, "query.decided")
    reader = staffed.signed_in(role)
    shown = reader.client.get(f"{LOG}/{index}").text
    for said in ("A query was judged", "sample-il-pd", "Committed to", "officer"):
        assert said in shown
    assert (
        "The proof holds" in shown,
        "The proof holds" in reader.client.get(f"{LOG}/{index}?check=yes").text,
    ) == (
        False,
        True,
    )
    query = staffed.city.events()[index]["ref"]
    assert (role != "admin") is (f"/console/reviews/{query}" in shown)
    key = staffed.city.state.log_key.verifier
    receipt = reader.client.get(f"{LOG}/{index}/proof.json")
    assert "attachment" in receipt.headers["Content-Disposition"]
    document = check_receipt(receipt.get_json(), key)
    assert (query, {}) == (document["ref"], receipt.get_json()["openings"])
    entry = staffed.city.state.rows.entry(index)
    assert entry is not None
    text = reader.client.get(f"{LOG}/{index}/proof.txt")
    assert index == check_tlog_proof(text.text, entry.leaf_hash, key)[0]


@pytest.mark.parametrize(
    "path", ["/999999", "/9007199254740993", "/99999999999999999999", "/-1", "/1.0", "/x"]
)
@pytest.mark.parametrize("form", ["", "/proof.txt", "/proof.json"])
def test_an_entry_that_is_not_there_is_a_page_that_says_so(staffed: Staffed, path: str, form: str) -> None:
    """However large, and whatever was typed."""
    answer = staffed.signed_in("auditor").client.get(LOG + path + form)
    assert (404, "text/html") == (answer.status_code, answer.mimetype)


def test_an_entry_whose_private_side_was_erased_is_still_proved(staffed: Staffed) -> None:
    """The page never needed it."""
    staffed.city.ask(body())
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM private_details")
    (index,) = _of(staffed, "query.released")
    assert "The proof holds" in staffed.signed_in("auditor").client.get(f"{LOG}/{index}?check=yes").text


def test_what_an_agency_is_called_and_what_was_forced_in_is_text(staffed: Staffed) -> None:
    """A name, and an entry that somebody wrote into the database."""
    agency.register(staffed.city.state, "sample-xss-pd", name=SCRIPT, kind="local", state_code="IL")
    reader = staffed.signed_in("auditor")
    index = _of(staffed, "agency.added")[0]
    forced = f"""CAST(replace(CAST(entry AS text), '"local"', '"{SCRIPT}"') AS blob)"""
    _force(staffed, f"UPDATE ledger_entries SET entry = {forced} WHERE entry_index = {index}")  # noqa: S608
    for path in (LOG, f"{LOG}?agency=sample-xss-pd", f"{LOG}/{index}", f"{LOG}/{index}?check=yes"):
        shown = reader.client.get(path).text
        assert SCRIPT not in shown
        assert "&lt;script&gt;" in shown, path


TAMPERED = {
    "a text": "UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS text), 'local', 'x') AS blob)",
    "no bytes": "UPDATE ledger_entries SET entry = 'a text'",
    "not JSON": "UPDATE ledger_entries SET entry = x'ff00'",
    "no entry": "DELETE FROM ledger_entries",
}


@pytest.mark.parametrize("asked_for", ["verdict", "last_found"])
def test_a_check_may_end_while_its_page_is_made(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch, asked_for: str
) -> None:
    """Whatever it found, and between whichever two looks: what is shown of it is whole."""
    staffed.city.ask(body())
    reader = staffed.signed_in("auditor")
    (index,) = _of(staffed, "query.decided")
    _force(staffed, f"{TAMPERED['no bytes']} WHERE entry_index = {index}")
    look = getattr(checks.Checks, asked_for)

    def late(self: checks.Checks) -> object:
        before = look(self)
        if self.begin("staff_elsewhere", "whole") is not None:
            ends = time.monotonic() + 10
            while look(self) is None and time.monotonic() < ends:
                time.sleep(0.01)
        return before

    with monkeypatch.context() as patched:
        patched.setattr(checks.Checks, asked_for, late)
        assert 200 == reader.client.get(f"{LOG}/checks").status_code
    assert "The log is inconsistent" in reader.client.get(f"{LOG}/checks").text


@pytest.mark.parametrize("change", TAMPERED)
def test_an_entry_that_was_changed_is_shown_in_red(staffed: Staffed, change: str) -> None:
    """Its proof does not hold; the whole check names it, in red, with what to do, and nothing green."""
    staffed.city.ask(body())
    reader = staffed.signed_in("auditor")
    (index,) = _of(staffed, "query.decided")
    _force(staffed, f"{TAMPERED[change]} WHERE entry_index = {index}")
    shown = reader.client.get(f"{LOG}/{index}?check=yes").text
    assert "The proof holds" not in shown
    assert ("missing from the log" if change == "no entry" else "The proof does not hold") in shown
    assert reader.client.get(LOG).status_code == 200
    checked = _check(reader).text
    for said in (
        "The log is inconsistent",
        f'href="/console/ledger/{index}"',
        "Stop sharing",
        "Repair nothing",
    ):
        assert said in checked
    assert "usa-alert--success" not in checked
    assert "INCONSISTENT" in reader.client.get(LOG).text


# --- The checkpoint. --------------------------------------------------------------------------------------


def test_the_checkpoint_is_the_log_s_signature_and_no_witness_is_made_up(staffed: Staffed) -> None:
    """The note, the key to verify it with, and that nobody else signs."""
    shown = staffed.signed_in("auditor").client.get(f"{LOG}/checkpoint").text
    assert f"\n{len(staffed.city.events())}\n" in shown
    assert staffed.city.state.log_key.vkey in shown.replace("&#43;", "+")
    assert "No witness is set up" in shown


def test_who_has_not_cosigned_is_named(city: City, tmp_path: Path) -> None:
    """Of two witnesses one signed; two are asked for."""
    one, two = (new_keeper(tmp_path / name, city.state.log_key, name=name) for name in ("maple", "herald"))
    with served(one) as witness:
        away = replace(witness, key=two.key)
        ours = named(city, witness, away)
        console = Staffed(ours, application(ours.state, ours.gate, ours.tokens, lambda _: None))
        auditor = console.signed_in("auditor")  # an entry, too
        assert asked(ours)
    shown = auditor.client.get(f"{LOG}/checkpoint").text
    assert "Too few witnesses have cosigned the published checkpoint" in shown
    (table,) = re.findall(r"<tbody>(.*?)</tbody>", shown, re.DOTALL)
    rows = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr>.*?</tr>", table)]
    assert ["herald not yet"] == [row for row in rows if "not yet" in row]
    assert [True] == [row.startswith("maple ") for row in rows if "not yet" not in row]
    assert "No witness is set up" not in shown


# --- The check of the whole. ------------------------------------------------------------------------------


def test_a_sound_log_is_found_consistent_and_gone_on_from(staffed: Staffed) -> None:
    """Who checked it, how far, and then only what is new; the old root is compared again."""
    staffed.city.ask(body())
    reader = staffed.signed_in("auditor")
    assert "never checked from here" in reader.client.get(f"{LOG}/checks").text
    size = len(staffed.city.events())
    shown = _check(reader).text
    for said in ("Consistent", f"all {size} entries", "Pat Sample", f"since entry {size}"):
        assert said in shown
    staffed.city.ask(body())
    shown = _check(reader, "since").text
    assert f"from entry {size} to the end of {len(staffed.city.events())}" in shown
    assert "still has the root" in shown
    assert "usa-alert--success" in shown
    assert "last check: consistent" in reader.client.get(LOG).text


def test_after_something_was_found_only_the_whole_log_makes_it_sound_again(staffed: Staffed) -> None:
    """What is new is not looked at by itself; the earlier finding stays in sight."""
    staffed.city.ask(body())
    reader = staffed.signed_in("auditor")
    _check(reader)
    (index,) = _of(staffed, "query.decided")
    kept = staffed.city.state.rows.entry(index)
    assert kept is not None
    _force(staffed, f"UPDATE ledger_entries SET event = 'query.refused' WHERE entry_index = {index}")  # noqa: S608
    assert "inconsistent" in _check(reader).text
    _force(staffed, f"UPDATE ledger_entries SET event = 'query.decided' WHERE entry_index = {index}")  # noqa: S608
    assert "since entry" not in reader.client.get(f"{LOG}/checks").text
    shown = _check(reader, "since").text
    assert ("usa-alert--success" in shown, "An earlier check found" in shown) == (True, True)
    assert f"all {len(staffed.city.events())} entries" in shown


def test_a_check_that_cannot_come_to_its_end_is_interrupted(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database fails, or the process ends: it says nothing about the log, and is never green."""
    reader = staffed.signed_in("auditor")
    _check(reader)

    def gone(*_: Any, **__: Any) -> Any:
        raise LedgerUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(checks, "examine", gone)
        shown = _check(reader).text
    assert ("did not come to its end" in shown, "usa-alert--success" in shown) == (True, False)
    assert "last check: interrupted" in reader.client.get(LOG).text


def test_one_check_runs_at_a_time(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch, begun_here: list[checks.Checks]
) -> None:
    """The second is told; a form with another word is refused."""
    reader = staffed.signed_in("auditor")
    monkeypatch.setattr(checks, "SHARE", 0.001)
    monkeypatch.setattr(checks, "SLICE_SECONDS", 0.0)
    begun = reader.client.post(f"{LOG}/checks", data={"form": _token(reader)})
    second = reader.client.post(f"{LOG}/checks", data={"form": _token(reader)})
    assert (303, 409) == (begun.status_code, second.status_code)
    assert "one at a time" in second.text
    assert "entry 0 of" in second.text
    assert 422 == reader.client.post(f"{LOG}/checks", data={"form": _token(reader), "scope": "x"}).status_code
    begun_here[0].close()
    assert "did not come to its end" in reader.client.get(f"{LOG}/checks").text


def test_what_an_earlier_check_left_counts_only_under_the_log_s_signature(staffed: Staffed) -> None:
    """Whoever writes a row of a check that never was does not spare the log a reading."""
    reader = staffed.signed_in("auditor")
    _check(reader)
    forged = SigningKey.create(
        staffed.city.state.settings.data / "other.pem", staffed.city.state.log_key.origin
    )
    note = forged.sign(1, b"\1" * 32)
    with staffed.city.state.database.write() as connection:
        outcome = json.dumps({"checkpoint": note, "hour": "", "stops": {}, "size": 1})
        connection.exec_driver_sql("UPDATE ledger_checks SET outcome = ?", (outcome,))
    assert "since entry" not in reader.client.get(f"{LOG}/checks").text
    assert f"all {len(staffed.city.events())} entries" in _check(reader, "since").text


def test_a_check_does_not_slow_queries_down(staffed: Staffed, begun_here: list[checks.Checks]) -> None:
    """While a log of thousands is read, a query of the same process takes as long as without one."""
    for _ in range(6000):
        staffed.city.gate.ledger.append(
            Draft("report.published", "event_0123456789abcdef01234567", {}, {"by": "x"}, {})
        )

    def median() -> float:
        spent = []
        for _ in range(20):
            began = time.perf_counter()
            staffed.city.ask(body(), "sample-unsigned-pd")
            spent.append(time.perf_counter() - began)
        return sorted(spent)[10]

    reader = staffed.signed_in("auditor")
    without = median()
    reader.client.post(f"{LOG}/checks", data={"form": _token(reader)})
    during = median()
    assert "A check runs" in reader.client.get(f"{LOG}/checks").text
    print(f"a query: {without * 1000:.1f} ms, during a check {during * 1000:.1f} ms")
    assert during < without * 2 + 0.005
    begun_here[0].close()


# --- Taking along. ----------------------------------------------------------------------------------------


def test_entries_are_taken_along_as_they_were_narrowed(staffed: Staffed) -> None:
    """Each with its exact text; that they were taken is in the log before the file leaves."""
    staffed.city.ask(body())
    reader = staffed.signed_in("auditor")
    taken = reader.client.post(f"{LOG}/export", data={"form": _token(reader), "event": "query."})
    assert "attachment" in taken.headers["Content-Disposition"]
    lines = [json.loads(line) for line in taken.text.splitlines()]
    assert _of(staffed, "query.decided", "query.released") == [line["index"] for line in lines]
    for line in lines:
        entry = staffed.city.state.rows.entry(line["index"])
        assert entry is not None
        assert (entry.entry.decode(), entry.leaf_hash.hex()) == (line["entry"], line["leaf_hash"])
    last = len(staffed.city.events()) - 1
    assert "export.made" == staffed.city.events()[last]["event"]
    opened = staffed.city.gate.ledger.detail_of(last).openings
    assert reader.made.account.id == opened["by"]["value"]


def test_a_sheet_runs_nothing_of_what_somebody_forced_in(staffed: Staffed) -> None:
    """No cell begins as a formula does; the event is logged for it as well."""
    reader = staffed.signed_in("auditor")
    index = _of(staffed, "agency.added")[0]
    _force(staffed, f"UPDATE ledger_entries SET ref = '=cmd()', entry = x'2d31' WHERE entry_index = {index}")  # noqa: S608
    taken = reader.client.post(f"{LOG}/export", data={"form": _token(reader), "as": "csv"})
    assert "text/csv" == taken.mimetype
    assert f"\n{index},agency.added,'=cmd()," in taken.text.replace("\r", "")
    assert "'-1" in taken.text
    assert "export.made" == staffed.city.events()[-1]["event"]


def test_nothing_is_taken_along_that_the_log_cannot_hold(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is down: no file."""

    def refuse(*_: Any, **__: Any) -> None:
        raise LedgerUnavailable("gone")

    reader = staffed.signed_in("auditor")
    monkeypatch.setattr(Ledger, "append", refuse)
    answer = reader.client.post(f"{LOG}/export", data={"form": _token(reader)})
    assert (503, None) == (answer.status_code, answer.headers.get("Content-Disposition"))
