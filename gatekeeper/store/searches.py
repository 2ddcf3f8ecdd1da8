"""On which days something was searched for, by the fingerprints of each day.

A fingerprint is made under its day's key, so the same search looks different on each day and is asked about
once a day. Guarantees: every look is a seek into an index, never a walk over rows, so that an officer who
asks ten thousand times costs no more than one who asked once; a day counts whether its requests were
permitted, denied or only previewed.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from gatekeeper.store.interfaces import SearchQuestion
from gatekeeper.store.values import SearchDay

DAYS: Final = 31
"""How many days one question covers; the statement always has as many, so that it is planned once."""

MOST_REFUSALS: Final = 100
"""Further refusals are not counted: the first hundred say enough."""

_NEVER: Final = b""
_FEW = f"ORDER BY hour LIMIT {MOST_REFUSALS}"
_OF = "SELECT 1 FROM queries WHERE search_fp = column2"


def _any(condition: str = "") -> str:
    # Not EXISTS, and in the order of the index: PostgreSQL would else read the table where it takes most of
    # its rows for this search's.
    return f"(({_OF} {condition} ORDER BY case_fp LIMIT 1) IS NOT NULL)"


STATEMENT: Final = f"""
SELECT column1,
       {_any("AND case_fp BETWEEN column3 AND column3")},
       {_any("AND case_fp < column3")} OR {_any("AND case_fp > column3")},
       (SELECT count(*) FROM ({_OF} AND outcome = 'deny' AND hour >= column4 {_FEW}) AS refused)
  FROM (VALUES {", ".join(["(?, ?, ?, ?)"] * DAYS)}) AS days
 WHERE {_any()}"""  # noqa: S608  our own words
"""``column1`` to ``column4``: both databases name the columns of VALUES so."""


def values_of(asked: SearchQuestion) -> tuple[object, ...]:
    """Return the values of the statement. Raises ValueError for more days than one question covers."""
    if len(asked.prints) > DAYS:
        raise ValueError(f"one question covers {DAYS} days")
    pairs = [*asked.prints, *[(_NEVER, _NEVER)] * (DAYS - len(asked.prints))]
    return tuple(chain.from_iterable((day, *pair, asked.since_hour) for day, pair in enumerate(pairs)))


def found(rows: Iterable[tuple[Any, ...]]) -> tuple[SearchDay, ...]:
    """Return the days on which a search is on record, by their place in the question."""
    return tuple(SearchDay(day, bool(under), bool(other), refused) for day, under, other, refused in rows)
