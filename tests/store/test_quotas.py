"""Token buckets in the log's own transaction: exact, through a midnight and on bad clocks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update

from gatekeeper.errors import (
    ClockUnreliable,
    IdempotencyInFlight,
    LedgerUnavailable,
    QuotaExceeded,
    StoreUnavailable,
)
from gatekeeper.ledger.clock import to_ms
from gatekeeper.ledger.rows import Insert, Row
from gatekeeper.ledger.spending import TOKEN, Left, Limit, Spend, Used, left_of, used_by
from gatekeeper.store import Queries
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.purse import AHEAD_MS, NOBODY
from gatekeeper.store.tables import quota_buckets
from tests.store.making import DAY, append, commit

NOON = to_ms(datetime(2026, 11, 22, 12, tzinfo=UTC))
HOUR, MIDNIGHT = 3_600_000, NOON + 12 * 3_600_000
THREE = Limit("agency", 3, 24)
TWO = Limit("officer", 2, 24)


def officer(name: str) -> Callable[[date], bytes]:
    """Return what knows an officer by another fingerprint each day."""
    return lambda day: hashlib.sha256(f"{day} {name}".encode()).digest()


def spending(
    at_ms: int = NOON,
    *limits: Limit,
    badge: str = "4411",
    of_officer: Limit | None = None,
    urgent: bool = False,
    agency: str = "evanston",
    heard: Callable[[tuple[Left, ...]], None] = lambda _left: None,
) -> Spend:
    """Return a spend of an agency, at a moment."""
    return Spend(agency, limits or (THREE,), of_officer, officer(badge), urgent, lambda: at_ms, heard)


def granted(rows: LedgerRows, spends: Sequence[Spend]) -> int:
    """Spend one after another, each in a transaction of its own; return how many were granted."""
    number = 0
    for one in spends:
        try:
            commit(rows, [one])
            number += 1
        except QuotaExceeded:
            continue
    return number


def test_exactly_the_capacity_is_granted(rows: LedgerRows) -> None:
    """Not one more: neither in transactions of their own nor in one batch, and another agency has its own."""
    assert 3 == granted(rows, [spending()] * 5)
    assert 3 == granted(rows, [spending(agency="skokie")] * 5)
    done = 0
    with rows.transaction() as transaction:
        for _ in range(5):
            try:
                transaction.write([spending(agency="niles")])
                done += 1
            except QuotaExceeded:
                continue
        append(transaction, done)
    assert 3 == done
    assert 0 == granted(rows, [spending(agency="niles")])


def test_tokens_come_back_one_by_one(rows: LedgerRows) -> None:
    """24 a day: one an hour, to the millisecond, and never more than the capacity."""
    assert 3 == granted(rows, [spending()] * 4)
    assert 0 == granted(rows, [spending(NOON + HOUR - 1)] * 2)
    assert 1 == granted(rows, [spending(NOON + HOUR)] * 2)
    assert 3 == granted(rows, [spending(NOON + 1000 * HOUR)] * 9)


def test_it_is_said_when_to_come_back(rows: LedgerRows) -> None:
    """The refusal names what is used up and the seconds until the next is there; that moment is kept."""
    granted(rows, [spending()] * 3)
    with pytest.raises(QuotaExceeded) as refused:
        commit(rows, [spending(NOON + 1500)])
    assert ("agency",) == refused.value.violated
    assert 3599 == refused.value.wait_seconds
    assert [0] == [left.tokens for left in refused.value.left]
    assert 0 == granted(rows, [spending(NOON + 1500 + 3598 * 1000)])
    assert 1 == granted(rows, [spending(NOON + 1500 + 3599 * 1000)])


def test_one_limit_used_up_spends_nothing_of_the_others(rows: LedgerRows) -> None:
    """Who is refused for his own bucket has not taken from the agency's."""
    wide = Limit("agency", 10, 24)
    assert 2 == granted(rows, [spending(NOON, wide, of_officer=TWO)] * 6)
    left: list[tuple[Left, ...]] = []
    commit(rows, [spending(NOON, wide, of_officer=TWO, badge="77", heard=left.append)])
    assert [7, 1] == [one.tokens for one in left[-1]]


def test_time_that_runs_backwards_gives_nothing_back(rows: LedgerRows) -> None:
    """A clock that is set back, and forward again, refills no more than the time that passed."""
    assert 3 == granted(rows, [spending()] * 3)
    assert 0 == granted(rows, [spending(at) for at in (NOON - HOUR // 360, NOON, NOON - 1, NOON)])
    assert 0 == granted(rows, [spending(NOON + HOUR - 1)])
    assert 1 == granted(rows, [spending(NOON + HOUR)] * 3)


@pytest.mark.parametrize(
    ("used", "stamp"), [(TOKEN, NOON + AHEAD_MS + 1), (TOKEN, 2**62), (-1, NOON), (0, -1), (-(2**62), NOON)]
)
def test_a_bucket_that_cannot_be_one_grants_nothing(
    database: Database, rows: LedgerRows, used: int, stamp: int
) -> None:
    """A stamp in the future or a count below nothing is an error for its own request, never a full bucket."""
    for whose in (quota_buckets.c.officer_fp == NOBODY, quota_buckets.c.officer_fp != NOBODY):
        commit(rows, [spending(NOON, THREE, of_officer=TWO)])
        with database.write() as connection:
            connection.execute(update(quota_buckets).where(whose).values(used=used, at_ms=stamp))
        with pytest.raises(StoreUnavailable):
            commit(rows, [spending(NOON, THREE, of_officer=TWO)])
        with database.write() as connection:
            connection.execute(delete(quota_buckets))


def test_a_table_that_is_gone_grants_nothing(database: Database, rows: LedgerRows) -> None:
    """What cannot be read is an error, and no entry is written."""
    with database.write() as connection:
        connection.execute(text("DROP TABLE quota_buckets"))
    with pytest.raises(LedgerUnavailable):
        commit(rows, [spending()])
    assert 0 == rows.head().size
    with pytest.raises(StoreUnavailable):
        Queries(database).spent("evanston")


def test_a_clock_that_cannot_be_trusted_grants_nothing(rows: LedgerRows) -> None:
    """The clock is asked under the lock; what it refuses to tell is nobody's grant."""

    def stepped() -> int:
        raise ClockUnreliable("stepped")

    with pytest.raises(ClockUnreliable):
        commit(rows, [replace(spending(), now_ms=stepped)])


def test_a_request_that_is_refused_spends_nothing(rows: LedgerRows) -> None:
    """A taken Idempotency-Key, a row that its table refuses, a second spend: the token stays."""
    key = Insert(
        "idempotency_keys",
        {"client_id": "c1", "key_fp": b"k" * 32, "query_id": "q", "body_fp": b"b" * 32, "day": DAY},
    )
    commit(rows, [spending(), key])
    bad = Insert("documents", {"id": "\x00"})
    refused: list[tuple[list[Row], type[Exception]]] = [
        ([spending(), key], IdempotencyInFlight),
        ([spending(), bad], StoreUnavailable),
        ([spending(), spending()], StoreUnavailable),
    ]
    for request, error in refused:
        with rows.transaction() as transaction:
            with pytest.raises(error):
                transaction.write(request)
            append(transaction)
    assert 2 == granted(rows, [spending()] * 4)


def test_a_spend_without_an_entry_is_not_committed(rows: LedgerRows) -> None:
    """No token goes without a line in the log that tells of it."""
    with pytest.raises(LedgerUnavailable), rows.transaction() as transaction:
        transaction.write([spending()])
    assert 3 == granted(rows, [spending()] * 4)


def test_midnight_fills_no_officers_bucket(rows: LedgerRows) -> None:
    """The fingerprint is another after midnight; what was used of the bucket goes on."""
    wide = Limit("agency", 100, 100)
    before, after = MIDNIGHT - 1000, MIDNIGHT + 1000
    assert 2 == granted(rows, [spending(before, wide, of_officer=TWO)] * 3)
    assert 0 == granted(rows, [spending(after, wide, of_officer=TWO)] * 3)
    assert 1 == granted(rows, [spending(after + HOUR, wide, of_officer=TWO)] * 3)
    assert 2 == granted(rows, [spending(after + HOUR, wide, of_officer=TWO, badge="77")] * 3)


def test_two_clocks_at_midnight_fill_no_officers_bucket(rows: LedgerRows) -> None:
    """A node that is still at 23:59 spends of the day that another has begun: no bucket is used twice."""
    wide = Limit("agency", 100, 100)
    early, late = MIDNIGHT - 500, MIDNIGHT + 500
    order = [early, late, early, late, early, early]
    assert 2 == granted(rows, [spending(at, wide, of_officer=TWO) for at in order])


def test_a_day_without_a_key_has_no_bucket(rows: LedgerRows) -> None:
    """Yesterday's key may be erased; without today's nobody can be told apart, and nothing is granted."""
    wide = Limit("agency", 100, 100)
    today = datetime(2026, 11, 22, tzinfo=UTC).date()
    one = spending(NOON, wide, of_officer=TWO)
    erased = replace(one, officer_print=lambda day: b"f" * 32 if day == today else None)
    assert 2 == granted(rows, [erased] * 3)
    with pytest.raises(StoreUnavailable):
        commit(rows, [replace(one, officer_print=lambda _day: None)])


def test_no_bucket_is_kept_that_is_full_again(database: Database, rows: LedgerRows) -> None:
    """Rows of officers are removed once they can mean nothing: after three days at most."""
    wide = Limit("agency", 100, 100)
    for day in range(6):
        commit(rows, [spending(NOON + day * 24 * HOUR, wide, of_officer=TWO, badge=str(day))])
    with database.read() as connection:
        kept = connection.execute(
            select(quota_buckets.c.day).where(quota_buckets.c.day.is_not(None)).order_by(quota_buckets.c.day)
        ).scalars()
        assert [DAY + timedelta(days=day) for day in (3, 4, 5)] == list(kept)


def test_the_last_ones_are_for_the_urgent(rows: LedgerRows) -> None:
    """Of a reserve only the urgent spend, and they too find its end."""
    some = Limit("agency", 5, 24, reserve=2)
    assert 3 == granted(rows, [spending(NOON, some)] * 5)
    assert 2 == granted(rows, [spending(NOON, some, urgent=True)] * 5)
    assert 0 == granted(rows, [spending(NOON + 2 * HOUR, some)])
    assert 1 == granted(rows, [spending(NOON + 3 * HOUR, some)] * 2)


def test_another_law_counts_from_now_on(rows: LedgerRows) -> None:
    """What is used stays used under a smaller and a larger limit."""
    assert 3 == granted(rows, [spending()] * 3)
    assert 0 == granted(rows, [spending(NOON, Limit("agency", 2, 24))])
    assert 2 == granted(rows, [spending(NOON, Limit("agency", 5, 24))] * 4)


def test_what_is_left_can_be_read(database: Database, rows: LedgerRows) -> None:
    """The agency's own buckets, by name; no officer's."""
    commit(rows, [spending(NOON, THREE, Limit("plate", 9, 9), of_officer=TWO)])
    assert {"agency": Used(TOKEN, NOON), "plate": Used(TOKEN, NOON)} == Queries(database).spent("evanston")
    assert {} == Queries(database).spent("skokie")
    assert {} == Queries(database).spent("\x00")


@pytest.mark.parametrize("per_day", [1, 7, 24, 86_399, 24_000_000])
def test_nothing_is_lost_or_made_by_rounding(per_day: int) -> None:
    """However often is looked, as much comes back as in one look; and it is there when it was said to be."""
    limit, used, at = Limit("agency", 1000, per_day), 900 * TOKEN + 7, NOON
    for step in (1, 3, 999, 86_400_001, 12_345_678):
        used, at = used_by(Used(used, at), limit, at + step), at + step
    assert used_by(Used(900 * TOKEN + 7, NOON), limit, at) == used
    left = left_of(limit, 1000 * TOKEN, urgent=False)
    wait = left.reset_seconds * 1000
    assert 1 <= left_of(limit, used_by(Used(1000 * TOKEN, at), limit, at + wait), urgent=False).tokens
    early = used_by(Used(1000 * TOKEN, at), limit, at + wait - 1000)
    assert 0 == left_of(limit, early, urgent=False).tokens
