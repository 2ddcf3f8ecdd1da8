"""Samples of permits: drawn by lot from days that are over, opened and marked by people who had no part."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.errors import LedgerUnavailable
from gatekeeper.review.roles import Role
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, body

LIST = "/console/samples"
WHY = "The case number is of another year and another crime."


class _Later:
    """The process's clock, two days on: what is asked today is then over."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.days = timedelta(0)

    def now(self) -> datetime:
        now: datetime = self._clock.now()
        return now + self.days

    def now_ms(self) -> int:
        milliseconds: int = self._clock.now_ms()
        return milliseconds + int(self.days.total_seconds() * 1000)


@pytest.fixture
def permits(staffed: Staffed) -> list[str]:
    """Permits of two agencies; beside them a denial, a dry run, and a query that was released twice."""
    found = []
    for agency, category in (
        ("sample-il-pd", "stolen_vehicle"),
        ("sample-il-pd", "stolen_vehicle"),
        ("sample-il-pd", "criminal_investigation"),
        ("sample-wi-pd", "stolen_vehicle"),
        ("sample-il-pd", "stolen_vehicle"),
        ("sample-il-pd", "stolen_vehicle"),
    ):
        answer = staffed.city.ask(body(purpose__category=category), agency)
        if answer.status == 200:
            found.append(str(json.loads(answer.body)["query_id"]))
    staffed.city.ask(body(purpose__narrative="investigation"))
    staffed.city.ask(body(), dry_run=True)
    for _ in range(2):
        again = staffed.city.ask(body(), idempotency_key="the-same")
    found.append(str(json.loads(again.body)["query_id"]))
    return found


@pytest.fixture
def later(staffed: Staffed, permits: list[str], monkeypatch: pytest.MonkeyPatch) -> _Later:
    """Two days later, with sessions of today."""
    del permits
    clock = _Later(staffed.city.gate.clock)
    from gatekeeper.oversight.sampling import Sampling  # noqa: PLC0415

    real = Sampling._in_the_way

    def over(self: Sampling, *given: Any) -> list[str]:
        return real(replace(self, gate=replace(self.gate, clock=clock)), *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Sampling, "_in_the_way", over)
    clock.days = timedelta(days=2)
    return clock


def _send(browser: Browser, path: str, **typed: str) -> TestResponse:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return browser.client.post(path, data={"form": form_token(cookie.value), **typed})


def _draw(browser: Browser, **typed: str) -> TestResponse:
    today = str(datetime.now(UTC).date())
    yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
    return _send(browser, LIST, **{"first": yesterday, "last": today, "size": "3"} | typed)


def _drawn(browser: Browser, **typed: str) -> str:
    answer = _draw(browser, **typed)
    assert 303 == answer.status_code, answer.text
    return answer.headers["Location"]


def _entries(staffed: Staffed, event: str) -> list[tuple[int, dict[str, Any]]]:
    found = staffed.city.state.rows.entries(0, 9999)
    return [(entry.index, json.loads(entry.entry)) for entry in found if entry.event == event]


# --- The draw. --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("later")
def test_an_outsider_draws_the_same_sample(staffed: Staffed, permits: list[str]) -> None:
    """From the public entries and the entry of the draw, by what the page says."""
    where = _drawn(staffed.signed_in("legal"), size="4")
    ((at, told),) = _entries(staffed, "report.sample_drawn")
    first: dict[str, int] = {}
    for index, entry in _entries(staffed, "query.released"):
        if index < told["upto"] and told["first"] <= entry["hour"][:10] <= told["last"]:
            first.setdefault(entry["ref"], index)
    population = sorted(first.values())
    assert sorted(permits) == sorted(first)
    assert len(population) == told["population"]
    text = json.dumps(population, separators=(",", ":")).encode()
    assert hashlib.sha256(text).hexdigest() == told["population_sha256"]
    seed = hashlib.sha256(
        b"gatekeeper sample v1\0" + bytes.fromhex(told["root"]) + bytes.fromhex(told["nonce"])
    ).digest()
    ranked = sorted(population, key=lambda i: hashlib.sha256(seed + i.to_bytes(8, "big")).digest())
    with staffed.city.state.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT entry_index FROM sample_items ORDER BY number").all()
    assert ranked[:4] == [row[0] for row in rows]
    assert told["tree_size"] <= at
    shown = staffed.signed_in("auditor").client.get(where).text
    for said in (told["nonce"], told["root"], told["population_sha256"]):
        assert said in shown


@pytest.mark.usefixtures("later")
def test_a_sample_is_drawn_from_what_was_asked_for(staffed: Staffed) -> None:
    """One agency, one purpose; fewer than asked for are drawn whole."""
    counsel = staffed.signed_in("counsel")
    _drawn(counsel, agency="sample-il-pd", category="criminal_investigation", size="200")
    ((_, told),) = _entries(staffed, "report.sample_drawn")
    assert ("sample-il-pd", "criminal_investigation", 1, 1) == (
        told["agency"],
        told["category"],
        told["size"],
        told["population"],
    )


@pytest.mark.usefixtures("permits")
def test_days_that_are_not_over_are_not_drawn_from(staffed: Staffed) -> None:
    """Who asks while the lot is drawn could choose."""
    answer = _draw(staffed.signed_in("legal"))
    assert (422, True) == (answer.status_code, "must be over" in answer.text)
    assert [] == _entries(staffed, "report.sample_drawn")


@pytest.mark.parametrize(
    "typed",
    [
        {"size": "0"},
        {"size": "201"},
        {"size": "-1"},
        {"size": "many"},
        {"size": "1e2"},
        {"first": "", "last": ""},
        {"first": "2026-11-02", "last": "2026-11-01"},
        {"first": "0001-01-01"},
        {"first": "yesterday"},
        {"category": "<script>"},
        {"agency": "nobody-at-all"},
        {"agency": "\x00"},
        {"agency": "x" * 200},
        {"first": "2020-01-01", "last": "2020-01-02"},
    ],
)
@pytest.mark.usefixtures("later")
def test_what_cannot_be_drawn_is_said_and_comes_back(staffed: Staffed, typed: dict[str, str]) -> None:
    """Nothing is drawn, and nothing of it is in the log."""
    answer = _draw(staffed.signed_in("legal"), **typed)
    assert 422 == answer.status_code
    assert "Nothing was done" in answer.text
    assert "<script>" not in answer.text.replace('<script src="/console', "")
    assert [] == _entries(staffed, "report.sample_drawn")


@pytest.mark.usefixtures("later")
def test_who_draws_again_and_again_is_stopped(staffed: Staffed) -> None:
    """Until the first is marked to its end nothing is drawn from any of its days; other filters may be."""
    legal = staffed.signed_in("legal")
    where = _drawn(legal, size="1")
    tomorrow = str(datetime.now(UTC).date() + timedelta(days=1))
    for typed in ({}, {"size": "5"}, {"last": tomorrow}):
        answer = _draw(legal, **typed)
        assert (422, True) == (answer.status_code, "not marked to its end" in answer.text), answer.text
    assert 1 == len(_entries(staffed, "report.sample_drawn"))
    _drawn(legal, agency="sample-il-pd")
    assert 303 == _send(legal, f"{where}/1", verdict="right", marks="0").status_code
    _drawn(legal)
    assert 3 == len(_entries(staffed, "report.sample_drawn"))


@pytest.mark.parametrize("role", ["records", "auditor", "admin"])
@pytest.mark.usefixtures("later")
def test_who_may_not_judge_neither_draws_nor_opens_nor_marks(staffed: Staffed, role: Role) -> None:
    """They see the figures, and no request."""
    where = _drawn(staffed.signed_in("legal"))
    browser = staffed.signed_in(role)
    assert 403 == _draw(browser).status_code
    for path in (LIST, where):
        answer = browser.client.get(path)
        assert 200 == answer.status_code
        for private in (PLATE, "Pat Example", "25-10494", "overnight"):
            assert private not in answer.text
    assert 403 == browser.client.get(f"{where}/1").status_code
    assert 403 == _send(browser, f"{where}/1", verdict="right", marks="0").status_code


@pytest.mark.usefixtures("later")
def test_without_the_log_nothing_is_drawn(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lot that nobody can check is none."""
    browser = staffed.signed_in("legal")

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    assert 503 == _draw(browser).status_code
    with staffed.city.state.database.read() as connection:
        assert 0 == connection.exec_driver_sql("SELECT count(*) FROM samples").scalar()


def test_no_sample_yet_is_said(staffed: Staffed) -> None:
    """And nothing is claimed of a share."""
    shown = staffed.signed_in("auditor").client.get(LIST).text
    assert "No sample was drawn yet." in shown
    assert "nothing judged yet" in shown


# --- One permit. ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("later")
def test_a_permit_is_shown_as_it_was_asked_and_given(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plate masked; that it was opened is in the log before it is shown."""
    browser = staffed.signed_in("legal")
    where = _drawn(browser)
    before = staffed.city.state.rows.head().size
    shown = browser.client.get(f"{where}/1").text
    (entry,) = staffed.city.state.rows.entries(before, before + 9)
    opened = staffed.city.state.ledger.detail_of(entry.index).openings
    assert ("staff.viewed", "sample") == (entry.event, opened["what"]["value"])
    for said in ("Pat Example", "overnight", "10-99", "The words say what happened", "mask"):
        assert said in shown, said
    assert PLATE not in shown

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    answer = browser.client.get(f"{where}/1")
    assert (503, False) == (answer.status_code, "overnight" in answer.text)


@pytest.mark.usefixtures("later")
def test_what_was_not_drawn_is_not_found(staffed: Staffed) -> None:
    """Nor can any permit be opened by its number."""
    browser = staffed.signed_in("legal")
    where = _drawn(browser, size="1")
    for path in (
        f"{where}/0",
        f"{where}/2",
        f"{where}/999999999999999999999",
        f"{LIST}/none",
        f"{LIST}/none/1",
    ):
        assert 404 == browser.client.get(path).status_code, path
    assert 404 == _send(browser, f"{where}/2", verdict="right", marks="0").status_code


@pytest.mark.usefixtures("later")
def test_a_mark_is_in_the_log_and_says_nothing_there(staffed: Staffed) -> None:
    """Only that a permit of this sample was marked; the rest is committed to, and the reason is sealed."""
    browser = staffed.signed_in("legal")
    where = _drawn(browser, size="2")
    answer = _send(browser, f"{where}/1", verdict="wrong", fault="missing_case_number", reason=WHY, marks="0")
    assert (303, f"{where}/2") == (answer.status_code, answer.headers["Location"])
    ((index, told),) = _entries(staffed, "report.sample_marked")
    assert {"v", "event", "ref", "hour", "sample", "commitments"} == set(told)
    opened = staffed.city.state.ledger.detail_of(index).openings
    assert ("wrong", "missing_case_number", WHY, 1) == (
        opened["verdict"]["value"],
        opened["fault"]["value"],
        opened["reason"]["value"],
        opened["number"]["value"],
    )
    assert "0 of 1 right" in browser.client.get(where).text
    assert 303 == _send(browser, f"{where}/2", verdict="right", marks="0").status_code
    shown = staffed.signed_in("auditor").client.get(where).text
    assert "1 of 2 right: 50.0 % (between 9.5 % and 90.5 % with 95 % confidence)" in shown
    assert WHY not in shown
    assert WHY in browser.client.get(f"{where}/1").text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"verdict": ""}, "Say whether"),
        ({"verdict": "perhaps"}, "Say whether"),
        ({"verdict": "wrong", "reason": WHY}, "Say in what way"),
        ({"verdict": "wrong", "fault": "ugly", "reason": WHY}, "Say in what way"),
        ({"verdict": "wrong", "fault": "other"}, "Say why"),
        ({"verdict": "wrong", "fault": "other", "reason": "."}, "Say why"),
        ({"verdict": "right", "reason": "."}, "Say why"),
        ({"verdict": "right", "reason": "x" * 3000}, "at most"),
        ({"verdict": "erased"}, "has not been erased"),
        ({"verdict": "right", "marks": "1"}, "just now"),
        ({"verdict": "right", "marks": "x"}, "Nothing was done"),
        ({"verdict": "right", "marks": "99999999999999999999999"}, "just now"),
    ],
)
@pytest.mark.usefixtures("later")
def test_a_mark_without_substance_is_none(staffed: Staffed, typed: dict[str, str], told: str) -> None:
    """What was typed comes back, with what is wrong."""
    browser = staffed.signed_in("legal")
    where = _drawn(browser)
    answer = _send(browser, f"{where}/1", **{"marks": "0"} | typed)
    assert (422, True) == (answer.status_code, told in answer.text), answer.text
    assert [] == _entries(staffed, "report.sample_marked")


@pytest.mark.usefixtures("later")
def test_two_people_mark_and_a_correction_is_a_new_mark(staffed: Staffed) -> None:
    """Both stand there, with who and why; the last counts; a correction says why."""
    legal, counsel = staffed.signed_in("legal"), staffed.signed_in("counsel")
    where = _drawn(legal, size="1")
    assert 303 == _send(legal, f"{where}/1", verdict="right", marks="0").status_code
    stale = _send(counsel, f"{where}/1", verdict="wrong", fault="other", reason=WHY, marks="0")
    assert (422, True) == (stale.status_code, "just now" in stale.text)
    silent = _send(counsel, f"{where}/1", verdict="right", marks="1")
    assert 422 == silent.status_code
    again = _send(counsel, f"{where}/1", verdict="wrong", fault="other", reason=WHY, marks="1")
    assert 303 == again.status_code
    shown = legal.client.get(f"{where}/1").text
    assert shown.index("<strong>right</strong>") < shown.index("<strong>wrong</strong>")
    assert "0 of 1 right" in legal.client.get(where).text
    assert "marked 2 times" in legal.client.get(where).text
    assert "0 of 1 right" in legal.client.get(LIST).text


def _ruled(staffed: Staffed, browser: Browser) -> str:
    """Deny a query, let this person rule on it, and let the agency fetch."""
    from gatekeeper.exchange import further_records  # noqa: PLC0415

    query = str(json.loads(staffed.city.ask(body(purpose__narrative="investigation")).body)["query_id"])
    with staffed.city.state.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM review_events").scalar()
    page = browser.client.get(f"/console/reviews/{query}/rule/stated_reason")
    answer = browser.client.post(
        f"/console/reviews/{query}/rule",
        data={
            "form": browser.token(page),
            "provision": "stated_reason",
            "reason": WHY,
            "version": "1",
            **_hidden(page.text),
        },
    )
    assert 303 == answer.status_code, answer.text
    given = further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query)
    assert 200 == given.status
    return query


def _hidden(text: str) -> dict[str, str]:
    import re  # noqa: PLC0415

    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))


@pytest.mark.usefixtures("later")
def test_nobody_judges_what_they_ruled_on(staffed: Staffed) -> None:
    """Somebody else does; the page says so before anything is typed."""
    counsel, legal = staffed.signed_in("counsel"), staffed.signed_in("legal")
    query = _ruled(staffed, counsel)
    where = _drawn(legal, size="200")
    with staffed.city.state.database.read() as connection:
        number = connection.exec_driver_sql(
            f"SELECT number FROM sample_items WHERE query_id = '{query}'"  # noqa: S608  a test's own
        ).scalar()
    shown = counsel.client.get(f"{where}/{number}").text
    assert "You acted on this request yourself" in shown
    assert 'name="verdict"' not in shown
    assert "A person had ruled" in shown
    answer = _send(counsel, f"{where}/{number}", verdict="right", marks="0")
    assert (422, True) == (answer.status_code, "Somebody else must judge it" in answer.text)
    assert 303 == _send(legal, f"{where}/{number}", verdict="right", marks="0").status_code


@pytest.mark.usefixtures("later")
def test_nobody_judges_what_their_own_agency_asked(staffed: Staffed) -> None:
    """They belong to it."""
    where = _drawn(staffed.signed_in("counsel"), agency="sample-il-pd")
    browser = staffed.person("legal", agency_id="sample-il-pd")
    browser.sign_in()
    answer = _send(browser, f"{where}/1", verdict="right", marks="0")
    assert (422, True) == (answer.status_code, "Your own agency" in answer.text)


@pytest.mark.usefixtures("later")
def test_what_was_erased_is_said_to_be_and_counts_for_nothing(staffed: Staffed) -> None:
    """It can be marked so, to finish the sample; not right, and not wrong."""
    browser = staffed.signed_in("legal")
    where = _drawn(browser, size="1")
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM private_details")
    assert "has been erased" in browser.client.get(f"{where}/1").text
    for verdict in ("right", "wrong"):
        answer = _send(browser, f"{where}/1", verdict=verdict, fault="other", reason=WHY, marks="0")
        assert 422 == answer.status_code
    assert 303 == _send(browser, f"{where}/1", verdict="erased", marks="0").status_code
    assert "nothing judged yet" in browser.client.get(where).text


@pytest.mark.usefixtures("later")
def test_what_was_typed_is_text(staffed: Staffed) -> None:
    """A reason with a script in it."""
    browser = staffed.signed_in("legal")
    where = _drawn(browser, size="1")
    script = "<script>alert(1)</script> because"
    _send(browser, f"{where}/1", verdict="wrong", fault="other", reason=script, marks="0")
    shown = browser.client.get(f"{where}/1").text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown


# --- What is taken out. -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("later")
def test_a_sample_is_taken_out_without_its_reasons(staffed: Staffed) -> None:
    """By who may export; an entry tells of it."""
    counsel = staffed.signed_in("counsel")
    where = _drawn(counsel, size="2")
    _send(counsel, f"{where}/1", verdict="wrong", fault="other", reason=WHY, marks="0")
    answer = _send(counsel, f"{where}.csv")
    assert 200 == answer.status_code
    head, first, second = csv.reader(io.StringIO(answer.text))
    assert ["number", "entry", "agency", "category", "verdict", "fault", "marked_at", "marks"] == head
    assert ("1", "wrong", "other", "1") == (first[0], first[4], first[5], first[7])
    assert ("2", "", "", "0") == (second[0], second[4], second[5], second[7])
    assert WHY not in answer.text
    assert 1 == len(_entries(staffed, "export.made"))
    assert 403 == _send(staffed.signed_in("legal"), f"{where}.csv").status_code
    assert 404 == _send(counsel, f"{LIST}/none.csv").status_code
