"""Ways around the patterns: other badges, clients and spellings, waiting, asking at once, a restart, a fault.

Each city here is of its own, on SQLite, and where it matters on PostgreSQL.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from gatekeeper import state as states
from gatekeeper.app import build_gate
from gatekeeper.cli import client
from gatekeeper.errors import ClockUnreliable, StoreUnavailable
from gatekeeper.exchange import Answer, answer
from gatekeeper.exchange.fingerprints import plain, target_print
from gatekeeper.exchange.parse import read_again
from gatekeeper.ledger import Clock, DayKeys, Draft, Insert
from gatekeeper.oversight.patterns import waited
from gatekeeper.policy import Bundle, load_files, shipped_policies
from gatekeeper.policy.layout import files_of
from gatekeeper.state import open_state
from tests.exchange.city import NOW, City, around, body, founded, set_status
from tests.lawful import steady
from tests.servers.postgres import cluster

AGENCY = "sample-il-pd"
ICE = {"purpose__narrative": "Deport the driver, immigration hold"}
AT_ONCE = 8

Founding = Callable[..., City]


def law(**changes: Any) -> Bundle:
    """Return the shipped law, with other settings of the city; camera 3 sees a clinic."""
    found, faults = files_of(shipped_policies())
    assert [] == faults
    settings = json.loads(found["data/city.json"])
    settings["sensitive_places"]["cameras"]["clinic"] = ["cam-3"]
    for name, value in changes.items():
        settings[name] = {**settings[name], **value} if isinstance(value, dict) else value
    return load_files({**found, "data/city.json": json.dumps(settings)})


@pytest.fixture(scope="module")
def lawful() -> Bundle:
    """Return that law, loaded once."""
    return law()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def found(request: pytest.FixtureRequest, tmp_path: Path, lawful: Bundle) -> Iterator[Founding]:
    """Return what founds a city under a law, on each kind of database."""
    opened: list[City] = []

    def make(bundle: Bundle = lawful, url: str = "") -> City:
        opened.append(founded(tmp_path / "city", bundle, url))
        return opened[-1]

    if request.param == "sqlite":
        yield make
    else:
        with cluster() as server:
            yield lambda bundle=lawful: make(bundle, server.create("attacked"))
            for city in opened:
                city.state.close()
        return
    for city in opened:
        city.state.close()


def _reasons(given: Answer) -> set[str]:
    return set(given.provisions)


def _at_the_clinic(**changes: Any) -> dict[str, Any]:
    query = {
        "kind": "place",
        "cameras": ["cam-3"],
        "from": (NOW - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "limit": 5,
    }
    return {**body(**changes), "query": query}


def _again(city: City, bundle: Bundle) -> City:
    """Return the same city as another worker opens it."""
    state = open_state(city.state.settings)
    gate = replace(build_gate(state, steady(bundle), city.tokens), reads=city.reads)
    return replace(city, state=state, gate=gate)


@dataclass(frozen=True)
class _Stands:
    """A clock that says one time."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def now_ms(self) -> int:
        return int(self.at.timestamp() * 1000)


def _ask_at(city: City, at: datetime, **changes: Any) -> Answer:
    timed, second = city.with_gate(clock=_Stands(at)), int(at.timestamp())
    presented = timed.presented(AGENCY, iat=second - 60, exp=second + 200)
    return answer(timed.gate, presented, json.dumps(body(**changes)).encode())


# --- Spelling. --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "badge",
    [
        "ab-44.11",
        " AB 4411 ",
        "AB#4411",
        "\uff21\uff22\uff14\uff14\uff11\uff11",  # as wide as a Chinese character
        "ab\u0664\u0664\u0661\u0661",  # Arabic digits
        "\u00c1B4411",  # an accent, and below the same in two characters
        "A\u0301b4411",
        "ab44\u200b11",  # a space without width
        "ab44\u00ad11",  # a hyphen that is not shown
        "ab4411\u3164",  # letters that are not shown, wide and narrow
        "ab44\u1160\uffa0\u115f11",
        "ab4411\u0345",  # a mark that small letters make a letter of
        "ab44\u02bc11",  # an apostrophe that counts as a letter
        "\u0410\u04124411",  # Cyrillic letters that look the same, below Greek ones
        "\u0391\u03924411",
        "\u0430b4411",
    ],
    ids=ascii,
)
def test_no_spelling_of_a_badge_makes_another_officer(badge: str) -> None:
    """Width, accents, the script of digits and what cannot be seen are no letters of a badge."""
    assert "ab4411" == plain(badge)
    assert "ab4412" != plain(badge)


def test_a_sweep_under_spellings_of_one_badge_is_one_sweep(found: Founding) -> None:
    """Thirty plates an hour, however the badge is typed."""
    city = found()
    spelled = ("4411", "44-11", "4-4-1-1", "\uff14\uff14\uff11\uff11", "\u0664\u0664\u0661\u0661")
    for number in range(30):
        given = city.ask(
            body(query__plate=f"SWEEP{number}", requester__badge=spelled[number % 5]), dry_run=True
        )
        assert "target_sweep" not in _reasons(given), number
    assert {"target_sweep"} == _reasons(city.ask(body(query__plate="SWEEPX", requester__badge="4411.")))


@pytest.mark.parametrize("plate", ["demo 1", "DEM0-1", "d.e.m.o.i", "DEM0I"])
def test_no_spelling_of_a_plate_is_another_plate(found: Founding, plate: str) -> None:
    """What was refused stays refused."""
    city = found()
    assert 403 == city.ask(body(**ICE)).status
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate=plate)))


# --- Other badges and clients. ----------------------------------------------------------------------------


def _days_before(city: City, days: int, plate: str) -> None:
    """Write the rows of one search on each of the days before, each by another badge and client."""
    for ago in range(1, days + 1):
        at = city.gate.clock.now() - timedelta(days=ago)
        day = at.date()
        keys = DayKeys(city.state.settings.key_directory / "days", today=at.date)
        row = {
            "query_id": f"q_past_{ago}",
            "agency_id": AGENCY,
            "client_id": city.clients[AGENCY] if ago % 2 else client.register(city.state, AGENCY).client.id,
            "hour": at.strftime("%Y-%m-%dT%HZ"),
            "kind": "plate",
            "category": "criminal_investigation",
            "outcome": "permit",
            "review": "none",
            "dry_run": False,
            "policy_revision": "2026-01+0123456789ab",
            "officer_fp": ago.to_bytes(32, "big"),
            "target_fp": target_print(keys, day, plate=plate, cameras=()),
            "fp_day": day,
        }
        clear = {"agency": AGENCY, "reason": "internal", "stage": "parse"}
        draft = Draft("query.refused", f"q_past_{ago:010}", clear, {}, {})
        city.state.ledger.append(draft, [Insert("queries", row)])


def test_a_plate_is_asked_about_for_ten_days_by_one_agency(found: Founding) -> None:
    """As many as the city allows, today included."""
    city = found()
    _days_before(city, 9, "DEMO1")
    assert 200 == city.ask(body(requester__badge="a new one")).status


def test_the_eleventh_day_of_an_agency_goes_to_staff(found: Founding) -> None:
    """By whichever badge and client; another agency, and another plate, are not held to it."""
    city = found()
    _days_before(city, 10, "DEMO1")
    held = city.ask(body(requester__badge="a new one"))
    assert (403, {"repeated_search"}) == (held.status, _reasons(held))
    assert "queued" == json.loads(held.body)["review"]["state"]
    assert 200 == city.ask(body(query__plate="DEMO2")).status
    assert "repeated_search" not in _reasons(city.ask(body(), "sample-wi-pd"))


def test_watching_a_place_through_others_is_counted_for_the_one_that_is_asked_for(found: Founding) -> None:
    """An agency that asks itself, and by a fusion centre, has asked twice as often."""
    city = found()
    behalf = {"on_behalf_of": {"agency": AGENCY, "component": None, "person": "Pat Example"}}
    for number in range(6):
        assert 200 == city.ask(_at_the_clinic(requester__badge=f"own{number}")).status
        given = city.ask(_at_the_clinic(requester__badge=f"other{number}", **behalf), "sample-fusion")
        assert 200 == given.status, given.body
    assert {"sensitive_place"} == _reasons(city.ask(_at_the_clinic(requester__badge="last")))


MISSING_CHILD = {
    "purpose__category": "missing_or_endangered_person",
    "purpose__offense": None,
    "purpose__narrative": "Missing child, last seen in this car",
}


def test_an_agency_that_was_shut_out_shuts_no_other_out(found: Founding) -> None:
    """Suspended, it names the one that it asks for as often as it likes: none of it counts against that."""
    city = found()
    set_status(city, "sample-wi-pd", "suspended")
    behalf = {"on_behalf_of": {"agency": AGENCY, "component": None, "person": "Pat Example"}}
    for number in range(13):
        for asked in (_at_the_clinic(requester__badge=f"x{number}", **behalf), body(**ICE, **behalf)):
            assert 403 == city.ask(asked, "sample-wi-pd").status
    assert 200 == city.ask(body(**MISSING_CHILD)).status
    assert 200 == city.ask(_at_the_clinic(**MISSING_CHILD)).status


def test_a_look_that_was_refused_is_no_look_of_the_one_that_is_asked_for(found: Founding) -> None:
    """It counts for the agency that asked: the other one has learned nothing by it."""
    city = found()
    behalf = {"on_behalf_of": {"agency": AGENCY, "component": None, "person": "Pat Example"}}
    for number in range(13):
        asked = _at_the_clinic(requester__badge=f"x{number}", purpose__case_number="n/a", **behalf)
        assert 403 == city.ask(asked, "sample-fusion").status
        asked = _at_the_clinic(requester__badge=f"y{number}", **behalf)
        city.ask(asked, "sample-fusion", dry_run=True)
    assert 200 == city.ask(_at_the_clinic()).status
    assert "sensitive_place" in _reasons(city.ask(_at_the_clinic(requester__badge="z"), "sample-fusion"))


# --- Waiting. ---------------------------------------------------------------------------------------------


def test_who_waits_an_hour_is_permitted_and_told_of(found: Founding) -> None:
    """By the shipped law; staff see the agency and the query. Dry runs and corrections are not told."""
    city = found()
    at = city.gate.clock.now()
    today = at.date()
    corrected = {"query__plate": "DEMO2", "purpose__case_number": "n/a"}
    for refused in (ICE, corrected):
        assert 403 == _ask_at(city, at - timedelta(minutes=61), **refused).status
    late = _ask_at(city, at)
    assert 200 == late.status
    assert 200 == _ask_at(city, at, query__plate="DEMO2").status
    (told,) = waited(city.gate.queries, city.gate.keys, today)
    assert (AGENCY, 1, (late.query_id,)) == told


def test_a_city_may_look_back_a_day(found: Founding) -> None:
    """Then who waits is denied, and there is nothing to tell."""
    city = found(law(rephrasing={"within_minutes": 1440}))
    at = city.gate.clock.now()
    assert 403 == _ask_at(city, at, **ICE).status
    assert {"rephrased_request"} == _reasons(_ask_at(city, at + timedelta(minutes=61)))
    assert () == waited(city.gate.queries, city.gate.keys, at.date())


# --- At once. ---------------------------------------------------------------------------------------------


def test_of_many_looks_at_once_no_more_are_permitted_than_the_city_allows(
    found: Founding, lawful: Bundle
) -> None:
    """Eight of one officer at the same moment, by two workers: three pass, and each has its decision."""
    city = found()
    other = _again(city, lawful)
    with closing(other.state), ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [
            pool.submit((city, other)[n % 2].ask, _at_the_clinic(purpose__case_number=f"26-{n:05}"))
            for n in range(AT_ONCE)
        ]
        statuses = sorted(one.result().status for one in asked)
    assert [200] * 3 + [403] * (AT_ONCE - 3) == statuses
    decided = [e for e in city.events() if e["event"] == "query.decided"]
    assert AT_ONCE == len(decided) == len({e["ref"] for e in decided})


def test_what_another_worker_refused_meanwhile_is_not_released(found: Founding, lawful: Bundle) -> None:
    """The refusal is committed by another process's state while this one's reads are fetched."""
    city = found()
    other = _again(city, lawful)

    def refused_meanwhile() -> None:
        city.reads.on_fetch = lambda: None
        assert 403 == other.ask(body(**ICE)).status

    with closing(other.state):
        city.reads.on_fetch = refused_meanwhile
        assert {"rephrased_request"} == _reasons(city.ask(body()))
    assert "query.released" not in {e["event"] for e in city.events()}


# --- Restarts, clocks and faults. -------------------------------------------------------------------------


def test_a_restart_forgets_nothing(found: Founding, lawful: Bundle) -> None:
    """What was refused, and how often a place was looked at, is read by the next process."""
    city = found()
    assert 403 == city.ask(body(**ICE)).status
    for _ in range(3):
        assert 200 == city.ask(_at_the_clinic()).status
    with closing((after := _again(city, lawful)).state):
        assert {"rephrased_request"} == _reasons(after.ask(body()))
        assert {"sensitive_place"} == _reasons(after.ask(_at_the_clinic()))


def test_a_worker_whose_clock_was_set_back_does_not_begin_anew(found: Founding, lawful: Bundle) -> None:
    """The log knows how late it is: nothing is decided before that, so nothing before a refusal."""
    city = found()
    assert 403 == city.ask(body(**ICE)).status

    def wall() -> int:
        return time.time_ns() - 300 * 1_000_000_000

    with mock.patch.object(states, "Clock", return_value=Clock(wall, wall)):
        behind = _again(city, lawful)
    second = wall() // 1_000_000_000
    presented = behind.presented(AGENCY, iat=second, exp=second + 300)
    with closing(behind.state), pytest.raises(ClockUnreliable):
        answer(behind.gate, presented, json.dumps(body()).encode())
    assert [] == city.reads.asked


@pytest.mark.parametrize("table", ["marks", "queries"])
def test_without_a_table_nothing_is_decided(found: Founding, table: str) -> None:
    """503, and nothing is fetched: what cannot be looked at is no clean sheet."""
    city = found()
    cascade = "" if city.state.database.dialect == "sqlite" else " CASCADE"
    with city.state.database.write() as connection:
        if not cascade:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO gone")
    with pytest.raises(StoreUnavailable):
        city.ask(body())
    assert [] == city.reads.asked
    assert not {"query.decided", "query.released"} & {e["event"] for e in city.events()}


def test_a_day_that_was_purged_is_not_asked_about(found: Founding) -> None:
    """With the key of yesterday gone there is nothing to compare with, and the query goes on."""
    city = found()
    _days_before(city, 3, "DEMO1")
    now = city.gate.clock.now()

    def days() -> int:
        return around(city, read_again(body()), now)[1].presence.days_by_agency

    assert 4 == days()
    city.gate.keys.destroy(now.date() - timedelta(days=1))
    assert 3 == days()
