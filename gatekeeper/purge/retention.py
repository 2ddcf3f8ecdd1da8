"""How long private detail is kept, and how far an erasure may reach.

Guarantees: no day is erased that the gate still counts by (the history of a search looks 30 days back, so a
key that is gone would be a search that nobody sees), nor one that the law in force wants kept, nor one that
the city's own retention has not ended for; and none at all by a clock that the log does not bear out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from gatekeeper.errors import OperatorError
from gatekeeper.ledger.clock import from_ms
from gatekeeper.ledger.rows import Head

LEAST_DAYS: Final = 31
"""One more than ``exchange.history`` counts, for a node whose day began earlier."""

MOST_DAYS: Final = 36_500
CLOCK_TOLERANCE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that private detail is kept: ``city`` as the settings say (0: not said), ``law`` at the least."""

    city: int
    law: int = 0

    @property
    def least(self) -> int:
        """Return how many days must be kept, whoever asks."""
        return max(self.city, self.law, LEAST_DAYS)

    def first_kept(self, today: date) -> date:
        """Return the first day that is kept by the city's retention. Raises OperatorError if it has none."""
        if not self.city:
            raise OperatorError(
                "the city's retention is not set, so nothing ends by itself: set GATEKEEPER_RETENTION_DAYS, "
                "or say --before DATE"
            )
        if (fault := self.fault()) is not None:
            raise OperatorError(fault)
        return today - timedelta(days=self.city)

    def fault(self) -> str | None:
        """Say what is wrong with the city's retention, or None."""
        if not self.city or (LEAST_DAYS <= self.city <= MOST_DAYS and self.city >= self.law):
            return None
        why = (
            f"the law in force wants {self.law} days kept"
            if self.law > LEAST_DAYS
            else "the history of a search is counted by the keys of 30 days"
        )
        return (
            f"GATEKEEPER_RETENTION_DAYS={self.city} cannot be: {why}; set {max(self.law, LEAST_DAYS)} to "
            f"{MOST_DAYS}"
        )

    def refuse_beyond(self, before: date, today: date) -> None:
        """Refuse to erase a day that must be kept. Raises OperatorError naming the last moment possible."""
        furthest = today - timedelta(days=self.least)
        if before > furthest:
            raise OperatorError(
                f"nothing was erased: what is less than {self.least} days old is kept (the city's retention, "
                f"the law's, and {LEAST_DAYS} days at the least); --before {furthest} is the furthest today"
            )


def law_wants(data: Mapping[str, Any]) -> int:
    """Return for how many days the packs that the city selected want its record of queries kept, 0 if none.

    *data* is the policy's (``pack.<name>.audit_retention_days``). Raises OperatorError if it cannot be read.
    """
    try:
        packs, selected = data["pack"], data["city"]["packs"]
        wanted = [packs[name]["audit_retention_days"] for name in selected]
        return max((int(days) for days in wanted if days is not None), default=0)
    except (KeyError, TypeError, ValueError):
        raise OperatorError("the law in force does not say how long a record of queries is kept") from None


def refuse_jumped(now: datetime, head: Head, *, vouched: bool = False) -> None:
    """Refuse a clock that is more than a day from the log's last entry. Raises OperatorError.

    *vouched*: somebody says that the clock is right, and nothing was logged for longer; never for a clock
    that is behind.
    """
    last = from_ms(head.at_ms)
    if now < last - CLOCK_TOLERANCE or (now > last + CLOCK_TOLERANCE and not vouched):
        raise OperatorError(
            f"nothing was erased: the clock says {now:%Y-%m-%d %H:%M} UTC and the log's last entry is of "
            f"{last:%Y-%m-%d %H:%M}; set the clock, or, if it is right and nothing was logged since, give "
            "--clock-is-right"
        )
