"""Stops that are in force though no entry of the log tells of them yet.

A log that does not fit what was signed (an old copy was put back, say) must not be added to: the index would
be given twice. A stop must work all the same. Release and stop meet in one table, which every release reads
under the log's lock, so the row alone stops (``ledger.stops``); what the entry is to say is kept in a file
until the log fits again. Guarantees: the row is in force before anything else is tried; once the log fits,
the first command or start on this node writes the entry, once, also after a kill in between; a database that
was put back meanwhile has the stop again by the same commit. A file that cannot be read is never passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from gatekeeper.errors import LedgerUnavailable, OperatorError
from gatekeeper.ledger import Draft, Ledger, Row
from gatekeeper.ledger.rows import Stop
from gatekeeper.whole import alone, write_whole

_NAMES = ("by", "id", "reason", "scope", "set_at", "value")


class Records(Protocol):
    """The record of stops."""

    def find(self, stop_id: str, /) -> object | None:
        """Return the stop of that id, lifted or not, or None."""

    def set_without_entry(self, stop: Any, /) -> None:
        """Put a stop in force by its row alone. Raises StoreUnavailable."""


class SetRows(Protocol):
    """Makes the rows that put a stop in force."""

    def set_stop(self, stop: Any, /) -> Sequence[Row]:
        """Return them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stop whose entry is to be written, with what the entry will say."""

    id: str
    scope: str
    value: str | None
    set_at: datetime
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Unlogged:
    """The stops of one node that the log does not tell of yet."""

    directory: Path
    records: Records

    def set(self, stop: Stop, set_at: datetime, *, reason: str, by: str, free: Callable[[], bool]) -> None:
        """Put a stop in force, and keep what its entry is to say; if that fails, the entry will say so.

        *free* gives up the disk's reserve. Raises what ``set_without_entry`` raises: then it may not be in
        force.
        """
        halt = Kept(stop.id, stop.scope, stop.value, set_at, reason, by)
        try:
            self.records.set_without_entry(halt)
        except Exception:
            if not free():
                raise
            self.records.set_without_entry(halt)
        said = {name: getattr(halt, name) for name in _NAMES} | {"set_at": set_at.isoformat()}
        with suppress(OSError):  # it is in force; who lifts it has the log tell of it first
            self.directory.mkdir(mode=0o700, exist_ok=True)
            write_whole(self.directory / f"{stop.id}.json", json.dumps(said).encode(), 0o600)

    def tell(self, ledger: Ledger, rows: SetRows) -> list[str]:
        """Write the entries that wait, into a log that was found to fit; return the stops.

        Raises OperatorError for a file that cannot be read; LedgerUnavailable, LedgerCorrupt where a stop is
        not in force and cannot be set.
        """
        if not self.directory.is_dir():
            return []
        with alone(self.directory, wait=True):
            told = []
            for file in sorted(self.directory.glob("stop_*.json")):
                halt = _read(file)
                if not logged(ledger, halt.id):
                    there = self.records.find(halt.id) is not None
                    try:
                        ledger.append(late(halt, halt.reason, halt.by), () if there else rows.set_stop(halt))
                    except LedgerUnavailable:
                        if not there:
                            raise
                        break  # a full disk, say: it is in force and goes on waiting
                file.unlink()
                told.append(halt.id)
            return told


def logged(ledger: Ledger, stop_id: str) -> bool:
    """Say whether the log tells that a stop was set. Raises LedgerUnavailable."""
    return any(entry.event == "stop.set" for entry in ledger.entries_of(stop_id))


def late(stop: Stop, reason: str, by: str) -> Draft:
    """Return the entry of a stop that was in force before it; which camera is committed to alone."""
    camera = stop.scope == "camera"
    return Draft(
        event="stop.set",
        ref=stop.id,
        clear={"scope": stop.scope, "value": None if camera else stop.value, "stop": stop.id},
        secret={
            "reason": f"in force before this entry, while the log could not be added to: {reason}",
            "by": by,
            "camera": stop.value if camera else None,
        },
        detail={},
    )


def _read(file: Path) -> Kept:
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        found: Mapping[str, Any] = json.loads(file.read_bytes().decode())
        texts = [found[name] for name in ("id", "scope", "reason", "by")]
        moment = datetime.fromisoformat(found["set_at"]).astimezone(UTC)
        value = found["value"]
        right = file.name == f"{texts[0]}.json" and isinstance(value, str | None)
        if right and set(found) == set(_NAMES) and all(isinstance(text, str) for text in texts):
            return Kept(texts[0], texts[1], value, moment, texts[2], texts[3])
    raise OperatorError(
        f"{file} cannot be read: it holds a stop that the log does not tell of yet. Set it again (gatekeeper "
        "stop), then remove the file"
    )
