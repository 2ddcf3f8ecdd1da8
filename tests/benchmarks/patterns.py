"""What the patterns add to a query, on a log of so many queries: on SQLite, and on PostgreSQL where it is.

Measured is ``exchange.neighbours`` itself (fingerprints, statements, and what Python makes of them) in usual
and in bad cases, and whole queries through the gate, with the patterns and without them, in turn: ``added``
is what they come to. Without them the store is asked for the same search on other days alone (``history``)
and no mark is left; the law's provisions judge the facts of a query that stands alone. What is ``new`` is of
another officer and another target each time, as in a city: no part of an index that it looks into was looked
into just before. ``processor_ms`` is the mean time of this process's processor, which says something on a
busy machine too.
``TMPDIR`` says where the database is: ten million queries take about ten gigabytes.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

from gatekeeper.app import build_gate
from gatekeeper.exchange.fingerprints import each_day, officer_print, target_print
from gatekeeper.exchange.history import DAYS, History, history, search_values, since_hour
from gatekeeper.exchange.neighbours import neighbours
from gatekeeper.exchange.officer import Assertion
from gatekeeper.exchange.parse import Query, read_again
from gatekeeper.exchange.patterns import ALONE, Patterns
from gatekeeper.exchange.questions import SearchQuestion
from gatekeeper.exchange.rephrased import refusal_prints
from gatekeeper.exchange.sessions import at_once
from gatekeeper.ledger import DayKeys, Insert
from gatekeeper.ledger.clock import to_ms
from gatekeeper.policy import load
from gatekeeper.state import open_state
from gatekeeper.store import searches
from tests.benchmarks.many_queries import Row, fill
from tests.exchange.city import CAMERAS, City, body, founded
from tests.lawful import roomy_policies, steady
from tests.servers.postgres import cluster, programs

KINDS: Final = ("sqlite", "postgres")
GOAL_MS: Final = 1.0
TARGETS: Final = (1, 8, 80, 200, 900, 3000)
"""About how many plates the officers have asked today: one, a usual day's, as many as allowed, a sweep.

The last two are of desks that ask all day: one still read in one stretch, one longer than that.
"""
ROUNDS, ASKED, FLOOD = 400, 300, 10_000
_AGENCY, _OTHER = "sample-il-pd", "sample-wi-pd"
_FLOODED, _FOLLOWED = "FLOOD1", "FOLLOW1"
_BUFFERS: Final = "128MB"
"""As PostgreSQL is delivered; a server of its own is given a quarter of its memory."""
_CLINIC: Final = "sample-clinic-1"
_Times = tuple[float, float]
"""By the wall, and of the processor."""
_Pair = tuple[Callable[[], object], Callable[[], object]]
"""With the patterns, and without them."""
_ICE: Final = {"purpose__narrative": "Deport the driver, immigration hold"}


def measure(rows: int, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Fill and measure each kind of database; all that was made is removed."""
    directory = Path(tempfile.mkdtemp(prefix="gatekeeper-patterns-"))
    try:
        found: dict[str, Any] = {"queries": rows, "goal_ms": GOAL_MS}
        if "sqlite" in kinds:
            url = f"sqlite:///{directory / 'state.db'}"
            found["sqlite"] = _measured(url, directory / "sqlite", rows)
        if "postgres" in kinds and programs() is not None:
            with cluster() as server:
                server.stop(signal.SIGINT)
                server.start("-c", f"shared_buffers={_BUFFERS}")
                found["postgresql"] = _measured(server.create("patterns"), directory / "postgres", rows)
        return found
    finally:
        shutil.rmtree(directory)


def _measured(url: str, directory: Path, rows: int) -> dict[str, Any]:
    directory.mkdir()
    bundle = load(roomy_policies(directory / "policies"))
    city = founded(directory / "city", bundle, url)
    known, marks = _past(city)
    for _ in range(12):
        assert 403 == city.ask(body(query__plate=_FLOODED, **_ICE)).status
    city.state.close()
    began = time.monotonic()
    client, today = city.clients[_AGENCY], datetime.now(UTC).date()
    fill(url, rows, known, marks, agency=_AGENCY, client=client, day=today)
    filled = time.monotonic() - began
    with closing(open_state(city.state.settings)) as state:
        gate = replace(build_gate(state, steady(bundle), city.tokens), reads=city.reads)
        city = replace(city, state=state, gate=gate)
        return {"filled_in_s": round(filled, 1), **_alone(city), **_whole(city)}


# --- What is on record. -----------------------------------------------------------------------------------


def _past(city: City) -> tuple[list[Row], list[Row]]:
    """Return the queries and marks that the measured ones meet."""
    today = datetime.now(UTC).date()
    for ago in range(1, DAYS):
        day = today - timedelta(days=ago)
        key = DayKeys(city.state.settings.key_directory / "days", today=lambda day=day: day)  # type: ignore[misc]
        key.fingerprint(day, "other", b"")
    keys, numbers = city.gate.keys, iter(range(10**9))
    known: list[Row] = []

    def query(day: date, agency: str, officer: bytes, target: bytes) -> None:
        known.append(
            {"query_id": f"k{next(numbers)}", "agency_id": agency, "client_id": city.clients[agency]}
            | {"hour": f"{day}T00Z", "kind": "plate", "category": "stolen_vehicle", "outcome": "permit"}
            | {"review": "none", "dry_run": False, "policy_revision": "b", "fp_day": day}
            | {"officer_fp": officer, "target_fp": target}
        )

    for targets in TARGETS:
        officer = officer_print(keys, today, agency_id=_AGENCY, badge=f"officer-{targets}")
        for _ in range(targets):
            query(today, _AGENCY, officer, secrets.token_bytes(32))
    for ago in range(DAYS):
        day = today - timedelta(days=ago)
        followed = target_print(keys, day, plate=_FOLLOWED, cameras=())
        for agency in (_AGENCY, *[_OTHER] * 100):
            query(day, agency, secrets.token_bytes(32), followed)
    return known, [*_refusals(keys, today), *_looks(keys, today)]


def _refusals(keys: DayKeys, day: date) -> Iterator[Row]:
    """Yield more refusals of one plate than anybody looks at, before the last ones."""
    (mark,) = refusal_prints(keys, day, [_AGENCY], read_again(body(query__plate=_FLOODED)))
    hour_ago = to_ms(datetime.now(UTC) - timedelta(hours=1))
    for n in range(FLOOD):
        yield {"mark_fp": mark, "at_ms": hour_ago - n, "query_id": "k0", "day": day}


def _looks(keys: DayKeys, today: date) -> Iterator[Row]:
    """Yield a hundred looks at a clinic on each of the days, by one agency."""
    for ago in range(DAYS):
        day = today - timedelta(days=ago)
        mark = keys.fingerprint(day, "place", f'["{_AGENCY}"]'.encode())
        for n in range(100):
            at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            yield {"mark_fp": mark, "at_ms": to_ms(at) + n, "query_id": f"k{n}", "day": day}


# --- Measured. --------------------------------------------------------------------------------------------


def _alone(city: City) -> dict[str, Any]:
    """Measure the patterns by themselves."""
    gate, now, client = city.gate, city.gate.clock.now(), city.clients[_AGENCY]
    data = gate.engine.bundle.data  # asks the registry, as each query does once

    def one(query: Query, agencies: Sequence[str] = (_AGENCY,)) -> object:
        return neighbours(
            gate.queries,
            gate.keys,
            data,
            agencies=agencies,
            client_id=client,
            query=query,
            at=now,
            query_id="q_new",
            began=now,
        )

    def asked(query: Query, agencies: Sequence[str] = (_AGENCY,)) -> _Pair:
        return (lambda: one(query, agencies)), (lambda: _searched(city, query, now))

    def each(made: Callable[[int], Query]) -> _Pair:
        queries = iter([made(number) for number in range(2 * (ROUNDS + 20))])
        return (lambda: one(next(queries))), (lambda: _searched(city, next(queries), now))

    proved = Assertion("Pat Example", "4411", None, None, "session-1", 1, "used", now)
    cases = {
        f"a plate, {targets} targets today": asked(read_again(body(requester__badge=f"officer-{targets}")))
        for targets in TARGETS
    }
    cases[f"a plate, {FLOOD} refusals of it"] = asked(read_again(body(query__plate=_FLOODED)))
    cases["a plate, asked about each day"] = asked(read_again(body(query__plate=_FOLLOWED)))
    cases["a plate, for another agency"] = asked(read_again(body()), (_AGENCY, _OTHER))
    cases["a place of 20 cameras"] = asked(_place([f"cam-{n}" for n in range(20)]))
    cases["a clinic, looked at 3000 times"] = asked(_place([_CLINIC]))
    cases["a clinic, for another agency"] = asked(_place([_CLINIC]), (_AGENCY, _OTHER))
    cases["a new plate"] = each(_new_plate)
    cases["a new place of 20 cameras"] = each(_new_place)
    proved = Assertion("Pat Example", "4411", None, None, "session-1", 1, "used", now)
    found = {name: _compared(*pair) for name, pair in cases.items()}
    found["of a proved officer, the sessions"] = _timed(
        lambda: at_once(gate.queries, gate.keys, data, agency_id=_AGENCY, officer=proved, at=now)
    )
    with city.state.database.read() as connection:
        found["an empty statement"] = _timed(lambda: connection.exec_driver_sql("SELECT 1").all())
    return found


def _searched(city: City, query: Query, at: datetime) -> History:
    """Ask for the same search on other days, and for nothing else."""
    days = [at.date() - timedelta(days=ago) for ago in range(DAYS)]
    made = each_day(city.gate.keys, days, search_values(_AGENCY, query))
    asked = SearchQuestion(tuple((search, case) for search, case in made.values()), since_hour(at))
    rows = city.state.database.rows(searches.STATEMENT, searches.values_of(asked))
    return history(searches.found(rows), [*made])


def _new_plate(_: int) -> Query:
    number = secrets.randbelow(10**7)
    return read_again(body(query__plate=f"N{number:07}", requester__badge=f"new-{number}"))


def _new_place(_: int) -> Query:
    number = secrets.randbelow(10**7)
    return _place([f"new-{number}-{n}" for n in range(20)])


def _place(cameras: list[str]) -> Query:
    document = body()
    asked = {"kind": "place", "cameras": cameras}
    kept = {name: document["query"][name] for name in ("from", "to", "limit")}
    return read_again({**document, "query": asked | kept})


def _whole(city: City) -> dict[str, Any]:
    """Measure whole queries, one with and one without in turn; each of another officer."""
    found: dict[str, Any] = {}
    plate, place = body(), body()
    place["query"] = {"kind": "place", "cameras": [*CAMERAS]} | {
        name: plate["query"][name] for name in ("to", "limit")
    }
    place["query"]["from"] = plate["query"]["to"][:11] + "00:00:00Z"
    for name, document in (("a plate", plate), ("a place", place)):
        spent: dict[bool, list[_Times]] = {True: [], False: []}
        for number in range(2 * (ASKED + 20)):
            having = number % 2 == 0
            asking = {**document, "requester": {**document["requester"], "badge": f"{name[2:]}{number}"}}
            took = _asked(city, asking, having=having)
            if number >= 40:
                spent[having].append(took)
        found[f"whole query, {name}"] = _added(_told(spent[True]), _told(spent[False]))
    return found


def _no_marks(*_: object, **__: object) -> list[Insert]:
    return []


def _asked(city: City, document: dict[str, Any], *, having: bool) -> _Times:
    began = _now()
    if having:
        given = city.ask(document)
    else:

        def bare(*_: object, query: Query, at: datetime, **__: object) -> tuple[History, Patterns]:
            return _searched(city, query, at), ALONE

        with (
            mock.patch("gatekeeper.exchange.neighbours", bare),
            mock.patch("gatekeeper.exchange.log.left", _no_marks),
        ):
            began = _now()
            given = city.ask(document)
    spent = _since(began)
    assert 200 == given.status, given.provisions
    return spent


def _timed(work: Callable[[], object]) -> dict[str, float]:
    return _told(_turns(work)[0])


def _compared(full: Callable[[], object], bare: Callable[[], object]) -> dict[str, Any]:
    return _added(*map(_told, _turns(full, bare)))


def _turns(*works: Callable[[], object]) -> list[list[_Times]]:
    """Return what each took, in turn."""
    spent: list[list[_Times]] = [[] for _ in works]
    for number in range(ROUNDS + 20):
        for work, times in zip(works, spent, strict=True):
            began = _now()
            work()
            if number >= 20:
                times.append(_since(began))
    return spent


def _added(full: dict[str, float], bare: dict[str, float]) -> dict[str, Any]:
    return {
        "with": full,
        "without": bare,
        "added_p50_ms": round(full["p50_ms"] - bare["p50_ms"], 3),
        "added_processor_ms": round(full["processor_ms"] - bare["processor_ms"], 3),
        "ratio_p50": round(full["p50_ms"] / bare["p50_ms"], 3),
        "ratio_p99": round(full["p99_ms"] / bare["p99_ms"], 3),
    }


def _now() -> _Times:
    return time.perf_counter(), time.process_time()


def _since(began: _Times) -> _Times:
    wall, processor = _now()
    return (wall - began[0]) * 1000, (processor - began[1]) * 1000


def _told(spent: Sequence[_Times]) -> dict[str, float]:
    cut = statistics.quantiles([wall for wall, _ in spent], n=100)
    processor = statistics.mean(processor for _, processor in spent)
    return {"p50_ms": round(cut[49], 3), "p99_ms": round(cut[98], 3), "processor_ms": round(processor, 3)}
