"""What an erasure asks of the store; the store's frozen values fit without knowing about this file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from gatekeeper.ledger import Row, StoredEntry


class Hold(Protocol):
    """A hold on a query's private detail; ``lifted_at`` is None while it is in force."""

    @property
    def id(self) -> str: ...
    @property
    def query_id(self) -> str: ...
    @property
    def placed_at(self) -> datetime: ...
    @property
    def lifted_at(self) -> datetime | None: ...


class HoldRecord(Protocol):
    """The reading side of holds. Each raises StoreUnavailable, nothing else."""

    def find(self, hold_id: str, /) -> Hold | None:
        """Return the hold of that id, lifted or not, or None."""

    def in_force(self) -> Sequence[Hold]:
        """Return all holds in force, the oldest first."""

    def of(self, query_id: str, /) -> Sequence[Hold]:
        """Return the holds in force on a query, the oldest first."""

    def all(self) -> Sequence[Hold]:
        """Return every hold that ever was, the oldest first."""

    def lifted(self, *, most: int, after: tuple[datetime, str] | None = None) -> Sequence[Hold]:
        """Return holds that were lifted, the one lifted last first."""


class HoldLog(Protocol):
    """The log's entries by their event. Raises LedgerUnavailable."""

    def of_events(self, events: Sequence[str], /) -> Iterator[StoredEntry]:
        """Yield every entry that is stored as one of these events, in the log's order."""

    def entry(self, index: int, /) -> StoredEntry | None:
        """Return the entry of that index, or None."""


class HoldRows(Protocol):
    """Makes the rows of holds, for the log to commit with their entries."""

    def place(self, hold_id: str, query_id: str, at: datetime, /) -> Sequence[Row]: ...
    def lift(self, hold_id: str, at: datetime, /) -> Sequence[Row]: ...


class Begun(Protocol):
    """An erasure that was begun; ``first_kept`` is the first day that it keeps."""

    @property
    def id(self) -> str: ...
    @property
    def first_kept(self) -> date: ...


class SealedRow(Protocol):
    """A private detail as it is kept; ``event`` is the entry's with its index."""

    @property
    def ref(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def query_id(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def box(self) -> bytes: ...


class SealedDocument(Protocol):
    """A document as it is kept."""

    @property
    def id(self) -> str: ...
    @property
    def query_id(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def name_box(self) -> bytes: ...
    @property
    def box(self) -> bytes: ...


Held = tuple[str, str, str, str, date, bytes]
"""What was sealed anew: ref and slot of what it stands for, its query, its key's name, its day, the box."""


class ErasureStore(Protocol):
    """The rows of an erasure, as ``store.erasure`` describes them. Each raises StoreUnavailable."""

    def alone(self) -> AbstractContextManager[bool]: ...
    def unfinished(self) -> Sequence[Begun]: ...
    def last_ended(self) -> tuple[date, datetime] | None: ...
    def counted(self, purge_id: str, /) -> tuple[int, int, int]: ...
    def days(self, before: date, /) -> Sequence[date]: ...
    def rows_before(self, before: date, /) -> tuple[int, int]: ...
    def kept_queries(self, before: date, at: datetime, /) -> int: ...
    def details_to_hold(self, day: date, at: datetime, most: int, /) -> Sequence[SealedRow]: ...
    def document_to_hold(self, day: date, at: datetime, /) -> SealedDocument | None: ...
    def key_of(self, query_id: str, /) -> str | None: ...
    def key_names(self) -> frozenset[str]: ...
    def hold(self, boxes: Sequence[Held], /) -> None: ...
    def settling(self, purge_id: str, day: date, at: datetime, /) -> AbstractContextManager[bool]: ...
    def no_longer_held(self, at: datetime, /) -> Sequence[str]: ...
    def letting_go(
        self, purge_id: str, query_id: str, at: datetime, /
    ) -> AbstractContextManager[Sequence[str]]: ...
    def remove(self, purge_id: str, day: date, /) -> bool: ...


class ErasureRows(Protocol):
    """Makes the rows of an erasure's begin and end, for the log to commit with their entries."""

    def begin(self, purge_id: str, first_kept: date, at: datetime, /) -> Sequence[Row]: ...
    def end(self, purge_id: str, at: datetime, /) -> Sequence[Row]: ...
