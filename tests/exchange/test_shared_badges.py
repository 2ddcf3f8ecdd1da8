"""A badge in two sessions or at two systems at once, or around the clock, is counted and told to staff.

Facts decide nothing unless the city says so; what staff are told holds no name, no badge and no session.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import client
from gatekeeper.errors import LedgerCorrupt, StoreUnavailable
from gatekeeper.exchange import Answer, answer
from gatekeeper.exchange.badges import impossible, used
from gatekeeper.exchange.decide import known_to
from gatekeeper.exchange.officer import NAMED, Assertion
from gatekeeper.exchange.sessions import at_once, left_session
from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.clock import to_ms
from gatekeeper.oversight.alerts import Standing, alerts_of
from gatekeeper.oversight.patterns import Shared, shared
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.store.values import Marked
from tests.exchange.city import City, body
from tests.exchange.test_officer import AGENCY, assertion, codes, judged, sworn
from tests.exchange.test_officer import bound as bound  # noqa: PLC0414  a fixture of the neighbour's
from tests.policy.laws import shipped_with

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 27, tzinfo=UTC)
MINUTES = {"city": {"officer_sessions_within_minutes": 15}}
SECRETS = ("Pat", "4411", "session-1", "session-2", "detective")


def officer(session: str, badge: str = "4411") -> Assertion:
    """Return what an officer proved."""
    return Assertion("Pat Example", badge, None, None, session, 1, "used", NOON)


class _Marks:
    """The marks of one badge, kept in memory: only what is asked of the store."""

    def __init__(self, keys: DayKeys) -> None:
        self.keys = keys
        self.rows: list[dict[str, Any]] = []

    def leave(self, session: str, at: datetime, **changes: Any) -> None:
        said = {"agency_id": AGENCY, "officer": officer(session), "at": at, "query_id": "q", **changes}
        self.rows += [dict(row.values) for row in left_session(self.keys, MINUTES, **said)]  # type: ignore[arg-type]

    def marks(self, prints: list[bytes], since_ms: int, until_ms: int, most: int) -> list[Marked]:
        return [
            Marked(place, "q", row["at_ms"], row["box"])
            for place, one in enumerate(prints)
            for row in sorted(self.rows, key=lambda row: -row["at_ms"])
            if row["mark_fp"] == one and since_ms <= row["at_ms"] <= until_ms
        ][:most]

    def count(self, session: str, at: datetime, **changes: Any) -> int:
        said = {"agency_id": AGENCY, "officer": officer(session), "at": at, **changes}
        return at_once(self, self.keys, MINUTES, **said)  # type: ignore[arg-type]


@pytest.fixture
def marks(tmp_path: Path) -> _Marks:
    """Return no marks, and keys of the days around them."""
    keys = DayKeys(tmp_path / "days", today=MIDNIGHT.date)
    before = DayKeys(tmp_path / "days", today=NOON.date)
    before.fingerprint(NOON.date(), "sessions", b"")
    return _Marks(keys)


@pytest.mark.parametrize(
    ("asked", "now", "sessions"),
    [
        ([], "a", 1),
        (["a", "a"], "a", 1),
        # Signed out and in again, at another desk or not.
        (["a", "b"], "b", 1),
        (["a", "b", "c"], "c", 1),
        (["b"], "a", 1),
        # One, the other, and the first again.
        (["a", "b"], "a", 2),
        (["a", "b", "b"], "a", 2),
        (["a", "b", "a"], "b", 2),
        (["a", "b", "c"], "a", 3),
        (["b", "a", "c"], "a", 2),
    ],
)
@pytest.mark.parametrize("last", [NOON, MIDNIGHT, MIDNIGHT + timedelta(minutes=2)])
def test_sessions_are_at_once_if_they_alternate(
    marks: _Marks, asked: list[str], now: str, sessions: int, last: datetime
) -> None:
    """Whoever signs in anew is in one place; midnight makes none of it another."""
    for minute, session in enumerate(reversed(asked), start=1):
        marks.leave(session, last - timedelta(minutes=minute))
    assert sessions == marks.count(now, last)


def test_how_far_apart_and_whose_is_told_apart(marks: _Marks) -> None:
    """Within the city's minutes; of the same agency and badge, however it is spelled."""
    for minutes, session in ((15, "a"), (14, "b")):
        marks.leave(session, NOON - timedelta(minutes=minutes))
    assert 2 == marks.count("a", NOON)
    assert 2 == marks.count("a", NOON, officer=officer("a", " 44-11 "))
    assert 1 == marks.count("a", NOON, officer=officer("a", "4412"))
    assert 1 == marks.count("a", NOON, agency_id="another")
    assert 1 == marks.count("a", NOON, officer=None)
    assert 1 == marks.count("a", NOON + timedelta(milliseconds=1))
    assert [] == left_session(
        marks.keys, {"city": {}}, agency_id=AGENCY, officer=officer("a"), at=NOON, query_id="q"
    )


def test_a_law_of_before_goes_on_without_sessions(bound: City) -> None:
    """It is not told of what it has no name for, and nothing is looked for."""
    bundle = bound.gate.engine.bundle
    document: dict[str, Any] = json.loads(json.dumps(bundle.schemas["input"]))
    del document["properties"]["officer"]["properties"]["sessions_at_once"]
    before = replace(bundle, schemas={**bundle.schemas, "input": document})
    facts: dict[str, Any] = {"officer": NAMED.facts()}
    assert facts == known_to(bundle, facts)
    told: Any = known_to(before, facts)["officer"]
    assert {*NAMED.facts()} - {"sessions_at_once"} == {*told}


# --- In a city. -------------------------------------------------------------------------------------------


def _ask(city: City, session: str, number: int, **options: Any) -> Answer:
    asked = json.dumps(body(query__plate=f"DEMO{number}")).encode()
    return answer(city.gate, sworn(city, assertion(city, sid=session)), asked, **options)


def _told(city: City) -> tuple[Shared, ...]:
    return shared(city.gate.queries, city.gate.keys, city.gate.clock.now().date())


def test_one_badge_in_two_sessions_is_a_fact_and_an_alert(bound: City) -> None:
    """By the shipped law it is permitted and told to staff; where the city sets a limit it waits for them."""
    assert 200 == _ask(bound, "session-1", 1).status
    assert 200 == _ask(bound, "session-2", 2).status
    assert 1 == judged(bound)["sessions_at_once"]
    assert () == _told(bound)
    third = _ask(bound, "session-1", 3)
    assert (200, 2) == (third.status, judged(bound)["sessions_at_once"])
    assert (Shared("sessions", AGENCY, 1, 1, (third.query_id,)),) == _told(bound)
    limited = bound.with_gate(engine=Embedded(shipped_with(officer_most_sessions_at_once=1)))
    assert {"officer_presence"} == codes(_ask(limited, "session-2", 4, dry_run=True))
    assert 2 == _told(bound)[0].asked
    # What is asked without proof is of no session.
    assert 200 == answer(limited.gate, sworn(bound, None), json.dumps(body()).encode(), dry_run=True).status


def test_nothing_that_staff_are_told_names_the_officer(bound: City) -> None:
    """Nor does the log, nor a row: who may see the query sees the badge there."""
    for number, session in enumerate(("session-1", "session-2", "session-1")):
        _ask(bound, session, number)
    (alert,) = alerts_of(Standing(shared=_told(bound)))
    with bound.state.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT hex(mark_fp), query_id, hex(box) FROM marks").all()
    assert 4 == len(rows)
    said = json.dumps([alert.said % alert.values, alert.cure % alert.values, bound.events(), *map(str, rows)])
    assert not [secret for secret in SECRETS if secret in said]
    assert not [secret for secret in SECRETS if secret.encode().hex().upper() in said]
    assert f"gatekeeper officer suspend {AGENCY} BADGE --reason" in alert.cure % alert.values


def test_one_badge_from_two_clients_is_an_alert(bound: City) -> None:
    """Each badge is counted once, and its latest query named; one from a single client is not told of."""
    second = bound.with_clients({**bound.clients, AGENCY: client.register(bound.state, AGENCY).client.id})
    for badge in ("one", "two"):
        assert 200 == answer(bound.gate, sworn(bound, None), _of(badge)).status
    assert () == _told(bound)
    first = [second.ask(json.loads(_of(badge))).query_id for badge in ("one", "two", "three")]
    assert (Shared("clients", AGENCY, 2, 2, (first[1], first[0])),) == _told(bound)
    again = second.ask(json.loads(_of("one"))).query_id
    assert (Shared("clients", AGENCY, 2, 3, (again, first[1])),) == _told(bound)


def _of(badge: str) -> bytes:
    return json.dumps(body(requester__badge=badge, query__plate=f"DEMO{len(badge)}")).encode()


@pytest.mark.parametrize(
    ("rule", "facts", "kinds"),
    [
        ({}, {"clients_this_hour": 2}, ["clients"]),
        ({}, {"clients_this_hour": 1, "hours_today": 17}, []),
        ({}, {"hours_today": 18}, ["hours"]),
        (
            {},
            {"clients_this_hour": 9, "hours_today": 24, "sessions_at_once": 2},
            ["clients", "hours", "sessions"],
        ),
        ({"hours_a_day": 24}, {"hours_today": 23}, []),
        (
            {"clients_an_hour": None, "sessions_at_once": None},
            {"clients_this_hour": 9, "sessions_at_once": 9},
            [],
        ),
    ],
)
def test_from_when_on_staff_are_told_is_the_citys_choice(
    bundle: Bundle, rule: dict[str, Any], facts: dict[str, Any], kinds: list[str]
) -> None:
    """Apart from what the law denies; a law that says nothing of it tells nothing."""
    city: Any = bundle.data["city"]
    alerts = {**city["alerts"], "badge": {**city["alerts"]["badge"], **rule}}
    told = {"officer": {**NAMED.facts(), **facts}}
    assert kinds == impossible({"city": {**city, "alerts": alerts}}, told)
    del alerts["badge"]
    assert [] == impossible({"city": {**city, "alerts": alerts}}, told)
    assert [] == impossible({"city": {}}, told) == impossible(bundle.data, {})


@pytest.fixture
def failing(bound: City, monkeypatch: pytest.MonkeyPatch) -> City:
    """Return a city whose marks of sessions cannot be read."""
    kept = bound.gate.queries.marks
    unread = [
        bound.gate.keys.fingerprint(
            bound.gate.clock.now().date(), "sessions", f'["{AGENCY}","4411"]'.encode()
        )
    ]

    def marks(_: object, prints: list[bytes], *rest: int) -> Any:
        if unread[0] in prints:
            raise StoreUnavailable("gone")
        return kept(prints, *rest)

    monkeypatch.setattr(type(bound.gate.queries), "marks", marks)
    return bound


def test_sessions_that_cannot_be_read_are_not_one(failing: City) -> None:
    """503 and nothing released."""
    with pytest.raises(StoreUnavailable):
        _ask(failing, "session-1", 1)
    assert [] == failing.reads.asked


def test_a_mark_that_was_altered_is_no_alert_of_anybody(bound: City) -> None:
    """The dashboard says that the log is not as it was; it names nobody."""
    day, keys = bound.gate.clock.now().date(), bound.gate.keys
    at_ms = to_ms(bound.gate.clock.now())
    for box in (None, b"short", keys.seal(day, "q", "impossible", b"{}")):
        with pytest.raises(LedgerCorrupt):
            used(keys, Marked(0, "q", at_ms, box))


def test_a_purged_day_tells_nothing(bound: City) -> None:
    """With its key gone nobody knows whose badge it was, nor that it was shared."""
    now = bound.gate.clock.now()
    for number, session in enumerate(("session-1", "session-2", "session-1")):
        _ask(bound, session, number)
    assert 1 == len(_told(bound))
    later = DayKeys(bound.state.settings.key_directory / "days", today=(now + timedelta(days=1)).date)
    later.destroy(now.date())
    assert () == shared(bound.gate.queries, later, (now + timedelta(days=1)).date())
