"""Whether the database's legal holds are those of the log, which decides.

A hold is a row that keeps, and an entry (``purge.held``, ``purge.unheld``) that tells of it. Who can write
into the database can take the row away, lift it there or turn it to another query; the entry stays.
Guarantees: each such difference is found, as long as the log itself verifies; one that could cost a court
what it needs refuses every erasure; a hold that is placed or lifted while this looks is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError
from gatekeeper.ledger import Finding, Ledger, StoredEntry
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.purge.interfaces import Hold, HoldLog, HoldRecord

PLACED: Final = "purge.held"
LIFTED: Final = "purge.unheld"
LOST: Final = "hold_lost"
"""The code of a hold that the log tells of and the database does not have so: something may be erased."""
UNLOGGED: Final = "hold_unlogged"
"""The code of a hold that only the database has: too much may be kept."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What the log tells of one hold; each is None if it does not tell of that."""

    placed: StoredEntry | None = None
    lifted: StoredEntry | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Compares the holds of the database with those of the log."""

    ledger: Ledger
    log: HoldLog
    record: HoldRecord

    def differences(self) -> list[Finding]:
        """Return every difference, the log's first. Raises LedgerUnavailable, StoreUnavailable."""
        found = list(self._differences())
        if not found:
            return found
        # What moved between the two readings is not there when both are read again.
        again = set(self._differences())
        return [one for one in found if one in again]

    def refuse(self) -> None:
        """Refuse to erase while a hold of the log is missing. Raises OperatorError naming each hold."""
        if lost := [one for one in self.differences() if one.code == LOST]:
            raise OperatorError(
                f"nothing more is erased: {'; '.join(one.message for one in lost)}. The log decides: if a "
                "court still needs the query, place a hold on it anew (gatekeeper hold place QUERY_ID), then "
                "lift the one that is named (gatekeeper hold lift HOLD_ID), and have the database looked into"
            )

    def _differences(self) -> Iterator[Finding]:
        logged = self._logged()
        rows = {hold.id: hold for hold in self.record.all()}
        for hold_id, told in logged.items():
            if told.placed is not None and told.lifted is None:
                yield from self._lost(told.placed, rows.get(hold_id))
        for hold_id, row in rows.items():
            told = logged.get(hold_id, Logged())
            if row.lifted_at is None and told.lifted is not None:
                message = f"entry {told.lifted.index} lifted {hold_id}, and the database has it in force"
                yield Finding(UNLOGGED, told.lifted.index, message)
            elif told.placed is None and told.lifted is None:
                yield Finding(UNLOGGED, None, f"the database has {hold_id}, and no entry tells of it")

    def _lost(self, placed: StoredEntry, row: Hold | None) -> Iterator[Finding]:
        """Yield what is wrong with the row of a hold that the log has in force."""
        said, index = f"entry {placed.index} placed {placed.ref} and none lifted it", placed.index
        if row is None:
            yield Finding(LOST, index, f"{said}, but the database does not have it")
        elif row.lifted_at is not None:
            yield Finding(LOST, index, f"{said}, but in the database it is lifted")
        else:
            try:
                subject = self.ledger.opened(placed).openings.get("subject", {}).get("value")
            except (KeyErased, LedgerCorrupt):
                # What is sealed with a hold is kept as long as the hold: nobody but a writer takes it away.
                yield Finding(LOST, index, f"{said}, but the query that it is on cannot be read any more")
            else:
                if subject != row.query_id:
                    yield Finding(LOST, index, f"{said}, but in the database it is on another query")

    def _logged(self) -> Mapping[str, Logged]:
        found: dict[str, Logged] = {}
        for stored in self.log.of_events((PLACED, LIFTED)):
            _refuse_altered(stored)
            so_far = found.get(stored.ref, Logged())
            found[stored.ref] = (
                Logged(stored, so_far.lifted) if stored.event == PLACED else Logged(so_far.placed, stored)
            )
        return found


def told_of(entries: Sequence[StoredEntry]) -> Logged:
    """Return what the entries about one hold tell."""
    placed = next((stored for stored in entries if stored.event == PLACED), None)
    return Logged(placed, next((stored for stored in entries if stored.event == LIFTED), None))


def _refuse_altered(stored: StoredEntry) -> None:
    """Refuse an entry that is not what it is filed as. Raises LedgerCorrupt."""
    said = decoded(stored.entry)
    if leaf_hash(stored.entry) != stored.leaf_hash or (said.get("event"), said.get("ref")) != (
        stored.event,
        stored.ref,
    ):
        raise LedgerCorrupt(f"entry {stored.index} was altered: gatekeeper ledger verify")
