"""The outbox: what agencies are told of (a review moved, a signature ends), and each delivery until it ended.

Guarantees: a notice is committed with the log entry that it tells of (``notice_rows`` and ``reminder_rows``
are part of those rows), so none is lost and none is of something that did not happen; a delivery is one
process's at a time, and at most one goes to an endpoint at a time, on any number of nodes; whoever held one
and died loses it when its time is up, and another tries again. What is only between staff has no notice. How
a delivery went is no evidence, and no log entry.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, select, text, update

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import deliveries, notices
from gatekeeper.store.values import Delivery, Notice

SAID: Final = frozenset({"review.queued", "review.asked", "review.answered"})
"""What an agency is told of whenever it happens."""

MOVED: Final = frozenset({"review.ruled", "review.withdrawn", "review.expired"})
"""What it is told of where the review moves by it. The first of two people's rulings, or one of several, does
not yet; nothing else (a request handed to counsel, a note, who looks after it) is the agency's to hear."""

Recipient = tuple[Literal["webhook", "mail"], str, str | None]
"""A channel, the endpoint that deliveries share, and the address where one endpoint serves many."""

_CLAIMS: Final = 0x67_61_74_65_6E_6F_74_65
"""The key of the advisory lock under which deliveries are claimed on PostgreSQL, for milliseconds."""

_PRUNED: Final = 1000
_NOTICE: Final[list[Any]] = [notices.c[name] for name in Notice.__dataclass_fields__]
_DELIVERY: Final[list[Any]] = [
    deliveries.c[name]
    for name in (
        "id",
        "channel",
        "endpoint",
        "recipient",
        "state",
        "attempts",
        "next_at",
        "last_code",
        "last_at",
    )
]


def notice_rows(
    *, query_id: str, agency_id: str, event: str, before: str | None, state: str, at: datetime
) -> tuple[Row, ...]:
    """Return the row by which the agency is told, or none if it is not to be told of this."""
    # What was upheld was told as such: that counsel takes it up again is told too.
    again = event == "review.escalated" and before == "upheld"
    if not (event in SAID or (event in MOVED and state != before) or again):
        return ()
    values = {
        "id": f"notice_{secrets.token_hex(12)}",
        "query_id": query_id,
        "agency_id": agency_id,
        "event": event,
        "state": state,
        "at": at,
    }
    return (Insert("notices", values),)


def reminder_rows(signed: Any, agency_id: str, days: int, at: datetime) -> tuple[Row, ...]:
    """Return the rows of a reminder: that it was sent, once, and the notice by which the agency is told."""
    read = {"id": signed.id, "expires_on": signed.expires_on, "reminded_days": signed.reminded_days}
    values = {
        "id": f"notice_{secrets.token_hex(12)}",
        "agency_id": agency_id,
        "event": "agency.reminded",
        "state": "ending",
        "at": at,
        "affirmation_id": signed.id,
    }
    return Alter("affirmations", read, {"reminded_days": days}), Insert("notices", values)


def delivery_of(row: Any) -> Delivery:
    """Make a delivery of a row of ``deliveries_with_notices``."""
    split = len(_NOTICE)
    own, rest = Notice(*row[:split]), row[split:]
    return Delivery(rest[0], own, *rest[1:])


def deliveries_with_notices() -> Any:
    """Return the statement that reads deliveries, each with its notice."""
    return select(*_NOTICE, *_DELIVERY).join(notices, notices.c.id == deliveries.c.notice_id)


class Outbox:
    """What is to be delivered. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime) -> bool:
        """Say whether there is anything to do: asked often, so it only reads."""
        unspread = exists().where(notices.c.spread_at.is_(None))
        with self._database.read() as connection:
            return bool(connection.execute(select(or_(unspread, exists().where(_free(now))))).scalar())

    def unspread(self, most: int) -> tuple[Notice, ...]:
        """Return notices that nobody has been told of yet, the oldest first."""
        statement = select(*_NOTICE).where(notices.c.spread_at.is_(None)).order_by(notices.c.at).limit(most)
        with self._database.read() as connection:
            return tuple(Notice(*row) for row in connection.execute(statement))

    def spread(
        self, told: Iterable[tuple[Notice, Sequence[Recipient]]], now: datetime, *, most_waiting: int
    ) -> None:
        """Make a delivery for each recipient of each notice, unless another process has done so.

        Where *most_waiting* of an agency wait for one endpoint, further ones are given up at once, and seen
        as such.
        """
        with self._database.write() as connection:
            waiting: dict[tuple[str, str], int] = {}
            for notice, recipients in told:
                marked = connection.execute(
                    update(notices)
                    .where(notices.c.id == notice.id, notices.c.spread_at.is_(None))
                    .values(spread_at=now)
                )
                if marked.rowcount == 1 and recipients:
                    rows = [_row(notice, each, now) for each in recipients]
                    for row in rows:
                        place = (notice.agency_id, row["endpoint"])
                        if place not in waiting:
                            waiting[place] = _waiting(connection, *place)
                        waiting[place] += 1
                        if waiting[place] > most_waiting:
                            row.update(state="given_up", last_code="too_many_waiting")
                    connection.execute(insert(deliveries), rows)

    def claim(self, now: datetime, *, until: datetime, most: int) -> tuple[Delivery, ...]:
        """Take due deliveries, the oldest of each endpoint, and hold each endpoint until then."""
        columns = deliveries.c
        endpoints = (
            select(columns.endpoint)
            .where(_free(now))
            .group_by(columns.endpoint)
            .order_by(func.min(columns.next_at))
            .limit(most)
        )
        with self._database.write() as connection:
            if self._database.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CLAIMS})
            taken = []
            for endpoint in connection.execute(endpoints).scalars().all():
                found = connection.execute(
                    deliveries_with_notices()
                    .where(columns.state == "waiting", columns.endpoint == endpoint, columns.next_at <= now)
                    .order_by(columns.at, columns.id)
                    .limit(1)
                ).one()
                taken.append(delivery_of(found))
            for each in taken:
                connection.execute(
                    update(deliveries)
                    .where(columns.id == each.id)
                    .values(held_until=until, attempts=columns.attempts + 1)
                )
        return tuple(replace(each, attempts=each.attempts + 1) for each in taken)

    def settle(
        self,
        delivery: Delivery,
        state: Literal["waiting", "delivered", "given_up", "dropped"],
        *,
        code: str,
        at: datetime,
        next_at: datetime,
    ) -> bool:
        """Record how a try went; False if its time was up and another process has tried since."""
        columns = deliveries.c
        change = (
            update(deliveries)
            .where(
                columns.id == delivery.id,
                columns.attempts == delivery.attempts,
                columns.state == "waiting",
            )
            .values(state=state, last_code=code, last_at=at, next_at=next_at, held_until=None)
        )
        with self._database.write() as connection:
            return bool(connection.execute(change).rowcount == 1)

    def postpone(self, endpoint: str, *, until: datetime, code: str, given_up_before: datetime) -> None:
        """Let everything wait that goes to an endpoint which fails; give up what is older than that."""
        columns = deliveries.c
        waiting = and_(columns.endpoint == endpoint, columns.state == "waiting", columns.held_until.is_(None))
        with self._database.write() as connection:
            connection.execute(
                update(deliveries)
                .where(waiting, columns.at <= given_up_before)
                .values(state="given_up", last_code=code)
            )
            connection.execute(
                update(deliveries).where(waiting, columns.next_at < until).values(next_at=until)
            )

    def drop(self, endpoint: str, *, code: str) -> None:
        """End everything that waits for an endpoint which is no more."""
        with self._database.write() as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.endpoint == endpoint, deliveries.c.state == "waiting")
                .values(state="dropped", last_code=code, held_until=None)
            )

    def retry(self, delivery_id: str, now: datetime) -> bool:
        """Let a delivery that waits, or was given up, be tried now; False if there is none such."""
        columns = deliveries.c
        change = (
            update(deliveries)
            .where(
                columns.id == delivery_id,
                columns.state.in_(("waiting", "given_up")),
                or_(columns.held_until.is_(None), columns.held_until <= now),
            )
            .values(state="waiting", next_at=now, held_until=None)
        )
        with self._database.write() as connection:
            return bool(connection.execute(change).rowcount == 1)

    def prune(self, before: datetime) -> None:
        """Remove what is older than that, a part at a time, its deliveries first."""
        old = (
            select(notices.c.id)
            .where(notices.c.at < before, notices.c.spread_at.is_not(None))
            .order_by(notices.c.at)
            .limit(_PRUNED)
        )
        with self._database.read() as connection:
            ids = connection.execute(old).scalars().all()
        if ids:
            with self._database.write() as connection:
                connection.execute(delete(deliveries).where(deliveries.c.notice_id.in_(ids)))
                connection.execute(delete(notices).where(notices.c.id.in_(ids)))


def _free(now: datetime) -> Any:
    """Return the condition of a delivery that is due, and whose endpoint nobody holds."""
    columns = deliveries.c
    holding = deliveries.alias("holding").c
    held = select(holding.endpoint).where(holding.state == "waiting", holding.held_until > now)
    return and_(columns.state == "waiting", columns.next_at <= now, columns.endpoint.not_in(held))


def _row(notice: Notice, recipient: Recipient, now: datetime) -> dict[str, Any]:
    channel, endpoint, address = recipient
    # Made of what it is: were it made twice, the second would not be stored.
    named = "\0".join((notice.id, channel, endpoint, address or ""))
    return {
        "id": f"msg_{hashlib.sha256(named.encode()).hexdigest()[:32]}",
        "notice_id": notice.id,
        "agency_id": notice.agency_id,
        "channel": channel,
        "endpoint": endpoint,
        "recipient": address,
        "state": "waiting",
        "attempts": 0,
        "at": notice.at,
        "next_at": now,
        "held_until": None,
        "last_code": None,
        "last_at": None,
    }


def _waiting(connection: Connection, agency_id: str, endpoint: str) -> int:
    columns = deliveries.c
    statement = select(func.count()).where(
        columns.agency_id == agency_id, columns.state == "waiting", columns.endpoint == endpoint
    )
    return int(connection.execute(statement).scalar_one())
