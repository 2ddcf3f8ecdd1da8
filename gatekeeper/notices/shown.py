"""What staff read of notices on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gatekeeper.notices.outcomes import Notice


class Told(Protocol):
    """A notice on its way to one place."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def notice(self) -> Notice:
        """What is told."""

    @property
    def state(self) -> str:
        """Where it stands: ``waiting``, ``delivered``, ``given_up`` or ``dropped``."""


class Undelivered(Protocol):
    """What has not reached an agency."""

    @property
    def waiting(self) -> int:
        """How many are tried again."""

    @property
    def given_up(self) -> int:
        """How many are not."""

    @property
    def since(self) -> datetime:
        """When the oldest of them happened."""


class NoticeStore(Protocol):
    """What agencies are told, as staff read it. Raises StoreUnavailable, nothing else."""

    def page(
        self,
        states: Sequence[str],
        *,
        most: int,
        agency_id: str | None = None,
        after: tuple[datetime, str] | None = None,
    ) -> Sequence[Told]:
        """Return deliveries in these states, the latest notice first."""

    def counts(self) -> Mapping[str, int]:
        """Return how many deliveries are in each state."""

    def undelivered(self) -> Mapping[str, Undelivered]:
        """Return what has not reached each agency, by its id."""

    def hosts(self) -> Mapping[str, str]:
        """Return the host of each webhook, by the webhook's id."""
