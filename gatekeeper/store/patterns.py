"""What a query is compared with: what an officer asked about today, and marks that earlier queries left.

Guarantees: every look is a seek into an index that holds all it answers with, and as many are taken as the
caller allows, so ten million queries cost what a thousand do; a target asked about a hundred times is one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from itertools import chain
from typing import Final

from sqlalchemy import func, select

from gatekeeper.store.database import Database
from gatekeeper.store.tables import queries
from gatekeeper.store.values import Marked, Swept

MOST_TARGETS: Final = 200
"""Further targets of a day are not counted; a city's own limit is below it (``schema/city.json``)."""

_NONE: Final = b""
_OF = "SELECT target_fp FROM queries WHERE officer_fp = ? AND target_fp"
_LATEST = "(SELECT hour FROM queries WHERE officer_fp = ? AND target_fp = {} ORDER BY hour DESC LIMIT 1)"

_DAYS: Final = 30
"""How many days before one question covers; the statement always has as many, so that it is planned once."""

SWEPT: Final = f"""
WITH RECURSIVE asked(target, number) AS (
    SELECT ({_OF} > ? ORDER BY target_fp LIMIT 1), 1
    UNION ALL
    SELECT ({_OF} > asked.target ORDER BY target_fp LIMIT 1), asked.number + 1
      FROM asked WHERE asked.target IS NOT NULL AND asked.number < {MOST_TARGETS}
)
SELECT count(*), sum(CASE WHEN {_LATEST.format("asked.target")} >= ? THEN 1 ELSE 0 END),
       {_LATEST.format("?")},
       (SELECT count(*) FROM (VALUES {", ".join(["(?)"] * _DAYS)}) AS days
         WHERE (SELECT agency_id FROM queries WHERE target_fp = column1 AND agency_id = ?
                 ORDER BY agency_id LIMIT 1) IS NOT NULL)
  FROM asked WHERE asked.target IS NOT NULL"""  # noqa: S608  our own words
"""From one target to the next along the index, which PostgreSQL would not do for a DISTINCT.

``column1``: both databases name the columns of VALUES so. It has fewer than fifty values: with more,
PostgreSQL's driver would read the statement anew each time, which takes longer than the answer.
"""

_LATEST_MARKS = (
    "SELECT {place} AS place, query_id, at_ms{more} FROM marks WHERE mark_fp = {mark} "
    "AND at_ms BETWEEN ? AND ? ORDER BY at_ms DESC, query_id DESC LIMIT {most}"
)
_COUNTED = (
    "(SELECT count(*) FROM (SELECT 1 FROM marks WHERE mark_fp = {mark} AND at_ms <= ? AND query_id <> ? "
    "LIMIT {most}) AS few)"
)
_ASKED = (
    "(SELECT number, substr(marked, 32 * number + 1, 32) AS mark FROM (SELECT CAST(? AS bytea) AS marked) "
    "AS said, generate_series(0, length(marked) / 32 - 1) AS number) AS asked"
)
_FEW: Final = 12
"""PostgreSQL takes more fingerprints than these as one value: its statement is then always the same."""


def swept(
    database: Database,
    officer_fp: bytes,
    target_fp: bytes,
    hour: str,
    agency_id: str,
    before: Sequence[bytes],
) -> Swept:
    """Return how many targets an officer is on record with, and when this one was last among them.

    *before* are the target's fingerprints of earlier days: on how many of them the agency is on record with
    it. Raises StoreUnavailable, ValueError for more days than one question covers.
    """
    values = values_of_swept(officer_fp, target_fp, hour, agency_id, before)
    ((today, this_hour, last_hour, days),) = database.rows(SWEPT, values)
    return Swept(today, int(this_hour or 0), last_hour, days)


def values_of_swept(
    officer_fp: bytes, target_fp: bytes, hour: str, agency_id: str, before: Sequence[bytes]
) -> tuple[object, ...]:
    """Return the values of its statement."""
    if len(before) > _DAYS:
        raise ValueError(f"one question covers {_DAYS} days before")
    days = [*before, *[_NONE] * (_DAYS - len(before))]
    who = (officer_fp, _NONE, officer_fp, officer_fp, hour, officer_fp, target_fp)
    return (*who, *days, agency_id)


def latest_of(
    database: Database, agency_id: str, since_hour: str, hours: Collection[int], most: int
) -> tuple[str, ...]:
    """Return the ids of an agency's latest queries since an hour, of these hours of the day (UTC).

    Raises StoreUnavailable.
    """
    of_day = func.substr(queries.c.hour, 12, 2).in_([f"{hour:02}" for hour in hours])
    statement = (
        select(queries.c.query_id)
        .where(queries.c.agency_id == agency_id, queries.c.hour >= since_hour, of_day)
        .order_by(queries.c.hour.desc())
        .limit(most)
    )
    with database.read() as connection:
        return tuple(connection.execute(statement).scalars())


def marks_between(
    database: Database, prints: Sequence[bytes], since_ms: int, until_ms: int, most: int
) -> tuple[Marked, ...]:
    """Return the last *most* marks under each fingerprint in that time, ends included, in no order.

    Raises StoreUnavailable.
    """
    if not prints:
        return ()
    statement = statement_of_marks(database.dialect, len(prints), most, ", box")
    values = values_of_marks(database.dialect, prints, since_ms, until_ms)
    return tuple(Marked(*row) for row in database.rows(statement, values))


@cache
def statement_of_marks(dialect: str, prints: int, most: int, more: str = "") -> str:
    """Return the statement that finds the last *most* marks under each of so many fingerprints."""
    if _as_one(dialect, prints):
        found = _LATEST_MARKS.format(place="number", mark="asked.mark", most=most, more=more)
        return f"SELECT found.* FROM {_ASKED}, LATERAL ({found}) AS found"  # noqa: S608  our own words
    each = (_LATEST_MARKS.format(place=n, mark="?", most=most, more=more) for n in range(prints))
    return " UNION ALL ".join(f"SELECT * FROM ({one}) AS p{n}" for n, one in enumerate(each))  # noqa: S608  our own words


def values_of_marks(
    dialect: str, prints: Sequence[bytes], since_ms: int, until_ms: int
) -> tuple[object, ...]:
    """Return its values."""
    if _as_one(dialect, len(prints)):
        return b"".join(prints), since_ms, until_ms
    return tuple(chain.from_iterable((one, since_ms, until_ms) for one in prints))


def counted(
    database: Database, prints: Sequence[bytes], until_ms: int, but: str, most: int
) -> tuple[int, ...]:
    """Return how many marks are under each fingerprint, at most so many, without those of one query.

    Raises StoreUnavailable.
    """
    if not prints:
        return ()
    statement = statement_of_counts(database.dialect, len(prints), most)
    found = dict(database.rows(statement, values_of_counts(database.dialect, prints, until_ms, but)))
    return tuple(found[place] for place in range(len(prints)))


@cache
def statement_of_counts(dialect: str, prints: int, most: int) -> str:
    """Return the statement that counts the marks under each of so many fingerprints."""
    if _as_one(dialect, prints):
        return f"SELECT number, {_COUNTED.format(mark='asked.mark', most=most)} FROM {_ASKED}"  # noqa: S608
    return " UNION ALL ".join(f"SELECT {n}, {_COUNTED.format(mark='?', most=most)}" for n in range(prints))


def values_of_counts(dialect: str, prints: Sequence[bytes], until_ms: int, but: str) -> tuple[object, ...]:
    """Return its values."""
    if _as_one(dialect, len(prints)):
        return until_ms, but, b"".join(prints)
    return tuple(chain.from_iterable((one, until_ms, but) for one in prints))


def _as_one(dialect: str, prints: int) -> bool:
    return dialect == "postgresql" and prints > _FEW
