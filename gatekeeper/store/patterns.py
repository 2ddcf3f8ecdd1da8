"""What a query is compared with: what an officer asked about today, and marks that earlier queries left.

Guarantees: every look is a seek into an index, and as many rows are read as the caller allows, or as one
badge asked on one day, so ten million queries cost what a thousand do; a target asked about a hundred times
is one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import func, select

from gatekeeper.store import searches
from gatekeeper.store.database import Database
from gatekeeper.store.interfaces import DayQuestion, LookQuestion, Questions
from gatekeeper.store.tables import queries
from gatekeeper.store.values import Looks, Marked, Neighbours, OfficerDay

MOST_TARGETS: Final = 200
"""Further targets of a day are not counted; a city's own limit is below it (``schema/city.json``)."""

MOST_READ: Final = 1000
"""So many queries of an officer's day are read in one stretch; of a longer day each part is looked for."""

_NONE: Final = b""
_OF = "SELECT target_fp FROM queries WHERE officer_fp = ? AND target_fp"
_LATEST = "(SELECT hour FROM queries WHERE officer_fp = ? AND target_fp = {} ORDER BY hour DESC LIMIT 1)"

_DAYS: Final = 30
"""How many days before one question covers; the statement always has as many, so that it is planned once."""

OFFICER_DAY: Final = f"""
SELECT count(*), count(DISTINCT target_fp), count(DISTINCT target_fp) FILTER (WHERE hour >= ?),
       max(hour) FILTER (WHERE target_fp = ?), count(DISTINCT hour) FILTER (WHERE hour <> ?),
       count(DISTINCT client_id) FILTER (WHERE hour = ? AND client_id <> ?),
       (SELECT count(*) FROM (VALUES {", ".join(["(?)"] * _DAYS)}) AS days
         WHERE (SELECT agency_id FROM queries WHERE target_fp = column1 AND agency_id = ?
                 ORDER BY agency_id LIMIT 1) IS NOT NULL)
  FROM (SELECT target_fp, hour, client_id FROM queries WHERE officer_fp = ?
         ORDER BY target_fp, hour LIMIT {MOST_READ + 1}) AS mine"""  # noqa: S608  our own words
"""In the order of the index: PostgreSQL would else read the table where it takes most of its rows for theirs.

``column1``: both databases name the columns of VALUES so. It has fewer than fifty values: with more,
PostgreSQL's driver would read the statement anew each time, which takes longer than the answer.
"""

SWEPT: Final = f"""
WITH RECURSIVE asked(target, number) AS (
    SELECT ({_OF} > ? ORDER BY target_fp LIMIT 1), 1
    UNION ALL
    SELECT ({_OF} > asked.target ORDER BY target_fp LIMIT 1), asked.number + 1
      FROM asked WHERE asked.target IS NOT NULL AND asked.number < {MOST_TARGETS}
)
SELECT count(*), sum(CASE WHEN {_LATEST.format("asked.target")} >= ? THEN 1 ELSE 0 END),
       {_LATEST.format("?")}
  FROM asked WHERE asked.target IS NOT NULL"""  # noqa: S608  our own words
"""From one target to the next along the index, which PostgreSQL would not do for a DISTINCT."""

PRESENT: Final = """
SELECT count(DISTINCT hour) FILTER (WHERE hour <> ?),
       count(DISTINCT client_id) FILTER (WHERE hour = ? AND client_id <> ?)
  FROM (SELECT DISTINCT hour, client_id FROM queries WHERE officer_fp = ?) AS seen"""
"""Every query of the officer's day, which the limit of queries an hour keeps short."""

_LATEST_MARKS = (
    "SELECT {place} AS place, query_id, at_ms{more} FROM marks WHERE mark_fp = {mark} "
    "AND at_ms BETWEEN ? AND ? ORDER BY at_ms DESC, query_id DESC LIMIT {most}"
)
_COUNTED = {
    "postgresql": "(SELECT count(*) FROM (SELECT 1 FROM {asked}, LATERAL (SELECT 1 FROM marks "
    "WHERE mark_fp = asked.mark AND at_ms <= ? AND query_id <> ? ORDER BY at_ms LIMIT {most}) AS found "
    "LIMIT {most}) AS few)",
    "sqlite": "(SELECT count(*) FROM (SELECT 1 FROM {asked} CROSS JOIN marks "
    "WHERE mark_fp = asked.column1 AND at_ms <= ? AND query_id <> ? LIMIT {most}) AS few)",
}
"""Each group is counted until there are enough; SQLite takes the tables of a CROSS JOIN in their order."""

_ASKED = (
    "unnest(ARRAY(SELECT substr(marked, 32 * number + 1, 32) FROM (SELECT CAST(? AS bytea) AS marked) "
    "AS said, generate_series(0, length(marked) / 32 - 1) AS number)) WITH ORDINALITY AS asked(mark, number)"
)
"""Of an array PostgreSQL expects ten elements, of a series a thousand: it would plan that anew each time."""

_FEW: Final = 12
"""PostgreSQL takes more fingerprints than these as one value: its statement is then always the same."""


def neighbours(database: Database, asked: Questions) -> Neighbours:
    """Return what is on record around a query; dry runs and denials are of an officer's day, too.

    Raises StoreUnavailable, ValueError for more days than one question covers.
    """
    kind, marks, looks = database.dialect, asked.marks, asked.looks
    statements = [
        (searches.STATEMENT, searches.values_of(asked.searches)),
        (OFFICER_DAY, values_of_officer_day(asked.day)),
    ]
    if marks.prints:
        statement = statement_of_marks(kind, len(marks.prints), marks.most, ", box")
        statements.append((statement, values_of_marks(kind, marks.prints, marks.since_ms, marks.until_ms)))
    if looks is not None:
        sizes = tuple(map(len, looks.groups))
        statement = statement_of_looks(kind, sizes, len(looks.latest.prints), looks.latest.most)
        statements.append((statement, values_of_looks(kind, looks)))
    searched, counted, *rest = database.several(statements)
    return Neighbours(
        searches=searches.found(searched),
        marks=tuple(Marked(*row) for row in rest[0]) if marks.prints else (),
        day=_officer_day(database, asked.day, counted),
        looks=Looks((), frozenset()) if looks is None else _looks(len(looks.groups), rest[-1]),
    )


def _officer_day(database: Database, day: DayQuestion, counted: list[tuple[Any, ...]]) -> OfficerDay:
    ((read, targets, this_hour, last_hour, hours, clients, days),) = counted
    if read > MOST_READ:
        who = day.officer_fp
        swept = (SWEPT, (who, _NONE, who, who, day.hour, who, day.target_fp))
        present = (PRESENT, (day.hour, day.hour, day.client_id, who))
        ((targets, this_hour, last_hour),), ((hours, clients),) = database.several([swept, present])
    of_day, of_hour = min(targets, MOST_TARGETS), min(int(this_hour or 0), MOST_TARGETS)
    return OfficerDay(of_day, of_hour, last_hour, days, hours, clients)


def values_of_officer_day(day: DayQuestion) -> tuple[object, ...]:
    """Return the values of its statement. Raises ValueError for more days than one question covers."""
    if len(day.before) > _DAYS:
        raise ValueError(f"one question covers {_DAYS} days before")
    days = [*day.before, *[_NONE] * (_DAYS - len(day.before))]
    return (day.hour, day.target_fp, day.hour, day.hour, day.client_id, *days, day.agency_id, day.officer_fp)


def _looks(groups: int, rows: list[tuple[Any, ...]]) -> Looks:
    counts, seen = [0] * groups, set()
    for place, query_id, number in rows:
        if place < 0:
            counts[-1 - place] = number
        else:
            seen.add(query_id)
    return Looks(tuple(counts), frozenset(seen))


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
        found = _LATEST_MARKS.format(place="number - 1", mark="asked.mark", most=most, more=more)
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


@cache
def statement_of_looks(dialect: str, sizes: tuple[int, ...], prints: int, most: int) -> str:
    """Return the statement that counts the marks under groups of fingerprints, and names the latest."""
    counts = (
        f"SELECT {-1 - group} AS place, '' AS query_id, "
        + _COUNTED[dialect].format(asked=_ASKED if dialect == "postgresql" else _listed(size), most=most)
        for group, size in enumerate(sizes)
    )
    latest = [statement_of_marks(dialect, prints, most)] if prints else []
    return " UNION ALL ".join([*counts, *latest])


def values_of_looks(dialect: str, asked: LookQuestion) -> tuple[object, ...]:
    """Return its values."""
    each = ([b"".join(group)] if dialect == "postgresql" else group for group in asked.groups)
    counted = chain.from_iterable((*group, asked.latest.until_ms, asked.but) for group in each)
    latest = asked.latest
    return (*counted, *values_of_marks(dialect, latest.prints, latest.since_ms, latest.until_ms))


def _listed(size: int) -> str:
    return f"(VALUES {', '.join(['(?)'] * size) or '(NULL)'}) AS asked"


def _as_one(dialect: str, prints: int) -> bool:
    return dialect == "postgresql" and prints > _FEW
