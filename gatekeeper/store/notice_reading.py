"""How the deliveries of notices stand, as staff and an agency read it. Nothing here writes.

Guarantees: a page is found by key (the last delivery of the page before) and read along an index of its
states, so that it costs the same however many were delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from gatekeeper.store.database import Database
from gatekeeper.store.notices import deliveries_with_notices, delivery_of
from gatekeeper.store.tables import deliveries, notices, webhooks
from gatekeeper.store.values import Delivery
from gatekeeper.store.writing import storable

_UNDELIVERED = ("waiting", "given_up")


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What has not reached an agency: how many wait, how many were given up, since when the oldest."""

    waiting: int
    given_up: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A webhook, without what is sealed, and how the last try at it went."""

    id: str
    agency_id: str
    host: str
    status: str
    last_code: str | None
    last_at: datetime | None


class NoticeReading:
    """The deliveries, as they are read. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        states: Sequence[str],
        *,
        most: int,
        agency_id: str | None = None,
        after: tuple[datetime, str] | None = None,
    ) -> tuple[Delivery, ...]:
        """Return deliveries in these states, the latest notice first."""
        if not all(map(storable, (agency_id or "", after[1] if after else ""))):
            return ()
        columns = deliveries.c
        narrowed = deliveries_with_notices()
        if agency_id is not None:
            narrowed = narrowed.where(columns.agency_id == agency_id)
        if after is not None:
            moment, last = after
            beside = and_(columns.at == moment, columns.id < last)
            narrowed = narrowed.where(or_(columns.at < moment, beside))
        narrowed = narrowed.order_by(columns.at.desc(), columns.id.desc()).limit(most)
        found: list[Delivery] = []
        with self._database.read() as connection:
            for state in states:
                rows = connection.execute(narrowed.where(columns.state == state)).all()
                found += map(delivery_of, rows)
        found.sort(key=lambda delivery: (delivery.notice.at, delivery.id), reverse=True)
        return tuple(found[:most])

    def counts(self) -> dict[str, int]:
        """Return how many deliveries are in each state."""
        statement = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def undelivered(self) -> Mapping[str, Undelivered]:
        """Return what has not reached each agency, by its id; an agency that all reached is not named."""
        columns = deliveries.c
        statement = (
            select(columns.agency_id, columns.state, func.count(), func.min(columns.at))
            .where(columns.state.in_(_UNDELIVERED))
            .group_by(columns.agency_id, columns.state)
        )
        found: dict[str, dict[str, Any]] = {}
        with self._database.read() as connection:
            for agency_id, state, count, since in connection.execute(statement):
                own = found.setdefault(agency_id, {"waiting": 0, "given_up": 0, "since": since})
                own[state] = count
                own["since"] = min(own["since"], since)
        return {agency_id: Undelivered(**own) for agency_id, own in found.items()}

    def given_up(self) -> int:
        """Return how many deliveries were given up."""
        statement = select(func.count()).where(deliveries.c.state == "given_up")
        with self._database.read() as connection:
            return int(connection.execute(statement).scalar_one())

    def backlog(self) -> tuple[int, datetime | None]:
        """Return how many deliveries wait or are not made yet, and when the oldest of them happened."""
        unspread = select(func.count(), func.min(notices.c.at)).where(notices.c.spread_at.is_(None))
        waiting = select(func.count(), func.min(deliveries.c.at)).where(deliveries.c.state == "waiting")
        with self._database.read() as connection:
            counted = [connection.execute(statement).one() for statement in (unspread, waiting)]
        return sum(row[0] for row in counted), min((row[1] for row in counted if row[1]), default=None)

    def hosts(self) -> Mapping[str, str]:
        """Return the host of each webhook, disabled ones too, by the webhook's id."""
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(select(webhooks.c.id, webhooks.c.host))}

    def places(self, agency_id: str | None = None) -> tuple[Place, ...]:
        """Return every webhook (of the agency), disabled ones too, the oldest first."""
        columns, tried = webhooks.c, deliveries.c
        hooks = select(columns.id, columns.agency_id, columns.host, columns.status)
        if agency_id is not None:
            hooks = hooks.where(columns.agency_id == agency_id)
        found = []
        with self._database.read() as connection:
            for row in connection.execute(hooks.order_by(columns.added_at, columns.id)).all():
                last = connection.execute(
                    select(tried.last_code, tried.last_at)
                    .where(tried.endpoint == row.id, tried.last_at.is_not(None))
                    .order_by(tried.last_at.desc())
                    .limit(1)
                ).one_or_none()
                found.append(Place(*row, *(last or (None, None))))
        return tuple(found)
