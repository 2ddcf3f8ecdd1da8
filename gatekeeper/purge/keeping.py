"""What an erasure keeps: sealed anew before a day's key is destroyed, and let go once nothing keeps it.

Guarantees: a key is destroyed only under the log's lock and only if nothing that must be kept needs it, so a
hold or a review loses nothing, whenever it comes; none while a hold that the log tells of is missing from the
database, whoever took it away and whenever; what cannot be opened keeps its day's key; destroying again
what a killed process left is no error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError
from gatekeeper.exchange.documents import content_binding, name_binding
from gatekeeper.ledger import Clock, DayKeys
from gatekeeper.ledger.held import DOCUMENT_CONTENT, DOCUMENT_NAME
from gatekeeper.purge.interfaces import ErasureStore, Held, SealedDocument, SealedRow

_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Keeping:
    """The keys of days and of what is held, and the rows that are sealed under them."""

    keys: DayKeys
    clock: Clock
    store: ErasureStore
    agreed: Callable[[], None]
    """Refuses, with OperatorError, while the log tells of a hold that the database does not have."""

    def let_go(self, purge_id: str, now: datetime) -> None:
        """Destroy the keys of what nothing keeps any more. Raises OperatorError, and what a store raises."""
        for query_id in self.store.no_longer_held(now):
            with self.store.letting_go(purge_id, query_id, now) as names:
                if names:
                    self.agreed()
                for name in names:
                    self._gone(name)
        for name in self.loose_keys():
            self._gone(name)

    def loose_keys(self) -> frozenset[str]:
        """Return the keys that nothing is sealed under: a process was killed between key and row."""
        held = self.keys.held
        return (held.names() - self.store.key_names()) | held.remains()

    def _gone(self, name: str) -> None:
        try:
            self.keys.held.destroy(name)
        except OSError as error:
            raise _not_destroyed("a key of what was held", error) from None

    def destroy(self, purge_id: str, day: date) -> bool:
        """Destroy a day's key; False if something must be kept that cannot be sealed anew.

        Raises OperatorError if it could not be destroyed.
        """
        while day in self.keys.days():
            now = self.clock.now()
            try:
                self._hold(day, now)
            except LedgerCorrupt:
                return False
            except KeyErased:
                break  # its file is not whole: nothing can be read by it, and nothing lost with it
            with self.store.settling(purge_id, day, now) as settled:
                if settled:
                    self.agreed()
                    self._day_gone(day)
            # Where something came to be kept in between, it is sealed anew, and the day looked at again.
        if day in self.keys.erasable():
            self._day_gone(day)
        return True

    def _day_gone(self, day: date) -> None:
        try:
            self.keys.destroy(day)
        except OSError as error:
            raise _not_destroyed(f"the key of {day}", error) from None

    def _hold(self, day: date, now: datetime) -> None:
        """Seal anew what must be kept of a day, durably.

        Raises KeyErased if its key is not whole, LedgerCorrupt, LedgerUnavailable, StoreUnavailable.
        """
        while found := self.store.details_to_hold(day, now, _AT_ONCE):
            names = {query_id: self._key_of(query_id) for query_id in {row.query_id for row in found}}
            self.store.hold([self._sealed(row, names[row.query_id]) for row in found])
        while (document := self.store.document_to_hold(day, now)) is not None:
            self.store.hold(self._both(document, self._key_of(document.query_id)))

    def _key_of(self, query_id: str) -> str:
        name = self.store.key_of(query_id)
        return name if name is not None and name in self.keys.held.names() else self.keys.held.make()

    def _sealed(self, row: SealedRow, name: str) -> Held:
        event = row.event.partition("@")[0]
        box = self.keys.hold(name, row.day, row.ref, event, row.box)
        return row.ref, row.event, row.query_id, name, row.day, box

    def _both(self, document: SealedDocument, name: str) -> list[Held]:
        ref, query_id, day = document.id, document.query_id, document.day
        return [
            (ref, part, query_id, name, day, self.keys.hold(name, day, ref, binding, box))
            for part, binding, box in (
                (DOCUMENT_NAME, name_binding(query_id), document.name_box),
                (DOCUMENT_CONTENT, content_binding(query_id), document.box),
            )
        ]


def _not_destroyed(which: str, error: OSError) -> OperatorError:
    return OperatorError(
        f"{which} could not be destroyed ({error.strerror}), so what it seals is not erased: make the "
        "directory of day keys writable for the service's user, then run it again"
    )
