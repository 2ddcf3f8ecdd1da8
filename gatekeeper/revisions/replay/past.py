"""One past decision as the log has it, ready to be decided again; or that it cannot be.

Guarantees: what is read was opened with its day's key and fits the commitments of its entry; detail that was
erased is said to be; detail that was altered, or has not the shape that the exchange gives it, raises
LedgerCorrupt with the index of its entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from gatekeeper.errors import KeyErased, LedgerCorrupt
from gatekeeper.ledger import Detail, Json
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.rows import StoredEntry

Found = tuple[StoredEntry, tuple[date, bytes] | None, bytes | None]


class Record(Protocol):
    """Where past decisions are read. Each raises LedgerUnavailable."""

    def between(self, start: int, stop: int) -> Iterator[Found]:
        """Yield the decisions among these entries: entry, day and box, the same query's decision before."""

    def at(self, places: Sequence[int]) -> Iterator[Found]:
        """Yield the decisions at these indices."""

    def places(self, start: int, stop: int) -> Iterator[int]:
        """Yield the indices of the decisions among these entries."""


class Seal(Protocol):
    """What opens private detail: the ledger."""

    def unsealed(
        self, stored: StoredEntry, found: tuple[date, bytes] | None, entry: Mapping[str, Json] | None, /
    ) -> Detail:
        """Return the private side of an entry. Raises KeyErased, LedgerCorrupt."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is public of a past decision; ``agency`` is empty where the registry knew none."""

    index: int
    query_id: str
    hour: str
    agency: str
    category: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A past decision: the exact facts, the request, and what was said then, by which law."""

    case: Case
    facts: Mapping[str, Json]
    body: Json
    outcome: str
    unmet: frozenset[str]
    review: str
    policy: str
    """The digest of the law that decided."""


@dataclass(frozen=True, slots=True)
class Erased:
    """A past decision of which only the public entry is left."""

    case: Case


def read(found: Found, seal: Seal) -> Decided | Erased | None:
    """Return the decision; None for one that only repeats the one before (a further page, a second sending).

    Raises LedgerCorrupt.
    """
    stored, box, before = found
    try:
        entry: Any = decoded(stored.entry)
        case = Case(stored.index, stored.ref, entry["hour"], entry["agency"] or "", entry["category"])
        if before is not None and _said(decoded(before)) == _said(entry):
            return None
        try:
            opened = seal.unsealed(stored, box, entry)
        except KeyErased:
            return Erased(case)
        facts, hidden = opened.detail["input"], opened.openings["hidden_provisions"]["value"]
        if not isinstance(facts, dict) or not isinstance(hidden, list):
            raise LedgerCorrupt("a decision's detail does not have its shape")  # noqa: TRY301 - said with index
        return Decided(
            case,
            facts,
            opened.detail["body"],
            entry["outcome"],
            frozenset(map(str, [*entry["provisions"], *hidden])),
            entry["review"],
            entry["policy"]["digest"],
        )
    except LedgerCorrupt as error:
        raise LedgerCorrupt(f"entry {stored.index}: {error}. Run `gatekeeper ledger verify`") from None
    except (KeyError, TypeError):
        raise LedgerCorrupt(
            f"entry {stored.index} is not a decision. Run `gatekeeper ledger verify`"
        ) from None


def _said(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return entry["outcome"], entry["provisions"], entry["review"]
