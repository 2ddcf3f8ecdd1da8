"""The dashboard: alerts, stops in force, what expires, and the figures of a period, each with its table.

Guarantees: nothing here is private; the figures are counts of public entries and say of which; a table is
taken out only by who may export, who has just proved who they are, and with an entry in the log.
"""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, Final

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.exchange.interfaces import Snapshot
from gatekeeper.oversight.alerts import (
    MISSING_PERSON,
    REMINDED_WITHIN,
    Standing,
    Untold,
    alerts_of,
    expiring,
    sudden,
    uncovered,
)
from gatekeeper.oversight.figures import fold, total
from gatekeeper.oversight.patterns import shared, unusual, waited
from gatekeeper.oversight.periods import CHOICES, Period, chosen
from gatekeeper.review.queue import WAITING
from gatekeeper.review.roles import ROLES, may
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.sessions import FRESH, Sessions
from gatekeeper.web.console.sheets import sheet
from gatekeeper.web.console.stop_facts import shown
from gatekeeper.web.console.tables import MAKERS, Reading
from gatekeeper.web.health import readiness

PERIODS: Final = {
    "week": later("This week"),
    "4weeks": later("The last 4 weeks"),
    "12weeks": later("The last 12 weeks"),
    "year": later("The last year"),
    "custom": later("From and to …"),
}
_AT_A_VIEW: Final = 0.1
"""Seconds that a view may count for, before it shows what is counted; the rest is the background's."""


class _Asked(Schema):
    class Meta:
        unknown = "exclude"

    period = fields.String(load_default="4weeks", validate=validate.OneOf(CHOICES))
    first = fields.Date(load_default=None)
    last = fields.Date(load_default=None)


_ASKED: Final = _Asked()


def add_dashboard(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of the dashboard."""

    @blueprint.get("/dashboard")
    @sessions.needs("read_figures")
    def dashboard() -> Response:
        now = desk.gate.clock.now()
        asked, period = asked_period(now.date())
        uncounted, snapshot = count_some(desk), desk.gate.registry.snapshot()
        standing = _standing(desk, snapshot, now, uncounted)
        names = {agency.id: agency.name for agency in snapshot.agencies()}
        reading = Reading(desk, period or Period(now.date(), now.date()), names)
        return page(
            "dashboard.html",
            200 if period is not None else 400,
            **sessions.shown(),
            asked=asked,
            periods=PERIODS,
            period=period,
            span=None if period is None else desk.oversight.figures.span(period),
            tables=() if period is None else reading.tables(),
            alerts=alerts_of(standing),
            standing=standing,
            say=say,
            stops=[shown(desk, stop) for stop in snapshot.stops],
            lifters=[role for role in ROLES if may(role, "stop_sharing")],
        )

    @blueprint.post("/dashboard/<name>.csv")
    @sessions.needs("export", proved_within=FRESH)
    def dashboard_sheet(name: str) -> Response:
        now = desk.gate.clock.now()
        _, period = asked_period(now.date())
        if period is None or name not in MAKERS:
            return page("missing.html", 404, **sessions.shown())
        names = {agency.id: agency.name for agency in desk.gate.registry.snapshot().agencies()}
        table = MAKERS[name](Reading(desk, period, names))
        span = "now" if table.span is None else f"entries {table.span[0]} to {table.span[1]}"
        return sheet(
            desk,
            f"{name}-{period.first}-{period.last}",
            f"{name} {period.first} to {period.last}, {span}",
            table.columns,
            ((line.label, *line.numbers) for line in table.lines),
        )


def asked_period(today: date) -> tuple[dict[str, Any], Period | None]:
    """Return what was asked for, and its period: None if the days make none."""
    sent = {name: text for name, text in request.values.items() if text}
    if _ASKED.validate(sent):
        return {"period": "custom", "first": sent.get("first", ""), "last": sent.get("last", "")}, None
    asked = _ASKED.load(sent)
    period = chosen(asked["period"], today, asked["first"], asked["last"])
    if period is None:
        return {**sent, "period": "custom"} | {name: sent.get(name, "") for name in ("first", "last")}, None
    return {"period": asked["period"], "first": str(period.first), "last": str(period.last)}, period


def count_some(desk: Desk) -> int | None:
    """Count for a moment what the figures lack; return how many entries they still do, None if it fails."""
    ends, oversight = time.monotonic() + _AT_A_VIEW, desk.oversight
    try:
        # Two steps however slow: the first of a new table only empties it.
        for step in count():
            left = fold(oversight.figures, oversight.log)
            if not left or (step and time.monotonic() >= ends):
                return left
    except LedgerCorrupt:
        pass
    return None


def _standing(desk: Desk, snapshot: Snapshot, now: datetime, uncounted: int | None) -> Standing:
    oversight, gate = desk.oversight, desk.gate
    today, figures = now.date(), oversight.figures
    week = Period(today - timedelta(days=6), today)
    before = Period(today - timedelta(days=34), today - timedelta(days=7))
    parts, ending = readiness(gate), expiring(snapshot.agencies(), today)
    habits = unusual(figures, gate.queries, gate.engine.bundle.data, today)
    return Standing(
        overdue=oversight.waiting.overdue(WAITING, now),
        missing=oversight.waiting.untouched("missing_or_endangered_person", now - MISSING_PERSON),
        locked=oversight.waiting.locked(now),
        undelivered=oversight.undelivered(),
        uncounted=uncounted,
        uncovered=uncovered(oversight.log, desk.log_key, now),
        checkpoint_fault=gate.ledger.checkpoint_fault,
        failing=[part for part, well in parts.items() if not well],
        unverified=[each.title for each in gate.engine.bundle.catalogue.values() if not each.verified],
        jumps=sudden(
            total(figures, "query.decided", "deny.agency", week),
            total(figures, "query.decided", "deny.agency", before),
        ),
        volumes=habits.volumes,
        bursts=habits.bursts,
        off_hours=habits.off_hours,
        waited=waited(gate.queries, gate.keys, today),
        shared=shared(gate.queries, gate.keys, today),
        expiring=ending,
        untold=[
            Untold(each.agency.id, each.expires_on, why)
            for each in ending
            if 0 < each.days <= REMINDED_WITHIN and (why := desk.agencies.untold(each.agency)) is not None
        ],
        keys=oversight.key_warnings(),
    )
