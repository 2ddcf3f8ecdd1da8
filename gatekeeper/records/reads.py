"""What a store of plate reads is asked and what it may answer.

Guarantees: a question names a plate or cameras and a bounded, half-open window in aware UTC; an answer holds
at most ``limit`` reads, newest first. These are values only: nothing here opens anything.

Reads are what the Vehicle Code makes confidential (625 ILCS 5/2-130(d)); who may ask for them was decided
before a ``Criteria`` is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNWRITTEN = str.maketrans("", "", " -\t\u00a0\u2010\u2011\u2012\u2013")


def microseconds(moment: datetime) -> int:
    """Return the moment as whole microseconds since 1970, exactly; raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone names no moment")
    return (moment - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """Return the UTC time of microseconds since 1970; raises OverflowError outside the years 1-9999."""
    return _EPOCH + timedelta(microseconds=us)


def comparable(plate: str) -> str:
    """Return the plate as it is compared: upper case, no spaces, no dashes; raises nothing.

    O and 0, I and 1 are *not* folded: a query for one plate must never release the reads of another.
    """
    return plate.translate(_UNWRITTEN).upper()


@dataclass(frozen=True, slots=True)
class Camera:
    """A fixed reader: where it stands, as far as the store says."""

    id: str
    name: str
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """The last read of a page: the next page begins strictly after it in (captured_at, id), newest first."""

    captured_at_us: int
    id: str


@dataclass(frozen=True, slots=True)
class Criteria:
    """One question to a store; raises ValueError if it would ask for everything or for no definite time.

    ``cameras=None`` means every camera and is accepted only beside a plate; ``cameras=()`` means none, so
    that an empty circle on the map can never widen into the whole city. ``start`` is included, ``end`` is
    not.
    """

    plate: str | None
    plate_state: str | None
    cameras: tuple[str, ...] | None
    start: datetime
    end: datetime
    limit: int
    after: Keyset | None = None

    def __post_init__(self) -> None:
        if self.plate is None and self.cameras is None:
            raise ValueError("criteria name neither a plate nor cameras: that would be every read there is")
        if self.plate is not None and not comparable(self.plate):
            raise ValueError("the plate is empty")
        if microseconds(self.start) > microseconds(self.end):
            raise ValueError("the window ends before it starts")
        if type(self.limit) is not int or self.limit < 1:
            raise ValueError("limit is a whole number from 1")


@dataclass(frozen=True, slots=True)
class Page:
    """At most ``limit`` reads, newest first, each a full record of the HTTP contract's shape.

    ``next`` is the place to go on from when the page is full, else None. A full page may be the last: the
    next one is then empty. (One row more is never fetched only to know.)
    """

    reads: tuple[Mapping[str, Json], ...]
    next: Keyset | None


class Reads(Protocol):
    """A read-only store of plate reads; each method raises RecordsUnavailable and nothing else."""

    def fetch(self, criteria: Criteria) -> Page:
        """Return the newest reads that meet the criteria, never more than its limit."""

    def cameras(self) -> Mapping[str, Camera]:
        """Return every camera by its id."""

    def ready(self) -> None:
        """Prove that the store answers, has the mapped columns, and cannot be written to by this login."""
