"""Agencies: how each stands, what it signed, what it asked; and the two steps that suspend one.

Guarantees: nothing of a request is shown; a standing is changed only by who may stop sharing, who has just
proved who they are, saw what it does and said why; nobody changes the standing of their own agency; what
somebody else changed meanwhile is not overwritten, and both are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from flask import Blueprint, Response, g, request
from marshmallow import Schema, fields, validate

from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.exchange.interfaces import Agency, Snapshot
from gatekeeper.ledger.stops import KINDS, Party, covers
from gatekeeper.oversight.agencies import suspend, told
from gatekeeper.oversight.alerts import EXPIRES_WITHIN, last_ends
from gatekeeper.oversight.figures import total
from gatekeeper.oversight.periods import Period
from gatekeeper.oversight.search import Asked
from gatekeeper.review import reasons
from gatekeeper.review.queue import DONE, WAITING
from gatekeeper.web.console import tables
from gatekeeper.web.console.changes import waiting
from gatekeeper.web.console.dashboard import PERIODS, asked_period, count_some
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions
from gatekeeper.web.console.stop_facts import shown
from gatekeeper.web.console.tables import Reading

_PAGE: Final = 50
_LATEST: Final = 5
_ENTRIES: Final = 12
_FAMILIES: Final = ("agency.", "credential.")
_LINK: Final[Mapping[str, str]] = {
    "open": later("can be used"),
    "revoked": later("was revoked"),
    "expired": later("has expired"),
    "closed": later("the agency is closed"),
}
_STATES: Final = ("active", "suspended", "closed")


class Listed(NamedTuple):
    """One agency as the list shows it."""

    agency: Agency
    asked: int
    denied: int
    waiting: int
    signed: Mapping[str, date | None]
    """Until when each kind of what it signed counts; None: without end."""

    @property
    def lapses(self) -> date | None:
        """The first day that anything it signed ends on, if any does."""
        return min((ends for ends in self.signed.values() if ends is not None), default=None)


_SORTS: Final[Mapping[str, Callable[[Listed], Any]]] = {
    "name": lambda one: one.agency.name.casefold(),
    "denied": lambda one: -one.denied,
    "asked": lambda one: -one.asked,
    "waiting": lambda one: -one.waiting,
    "lapses": lambda one: one.lapses or date.max,
}


class _Filter(Schema):
    class Meta:
        unknown = "exclude"

    name = fields.String(load_default="", validate=validate.Length(max=200))
    kind = fields.String(load_default="", validate=validate.OneOf(("", *KINDS)))
    standing = fields.String(load_default="", validate=validate.OneOf(("", *_STATES)))
    signed = fields.String(load_default="", validate=validate.OneOf(("", "nothing", "lapsing")))
    sort = fields.String(load_default="name", validate=validate.OneOf(tuple(_SORTS)))
    page = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))


_FILTER: Final = _Filter()


class _Standing(Form):
    reason = fields.String(load_default="")
    sure = fields.String(load_default="", validate=validate.OneOf(("", "yes")))


_STANDING: Final = _Standing()


def add_agencies(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of agencies."""
    steps = _Steps(desk, sessions)

    @blueprint.get("/agencies")
    @sessions.needs("read_figures")
    def agencies() -> Response:
        today = desk.gate.clock.now().date()
        asked, period = asked_period(today)
        wanted, refused = _wanted()
        count_some(desk)
        listed = _listed(desk, desk.gate.registry.snapshot(), period or Period(today, today))
        found = [one for one in listed if _fits(one, wanted, today)]
        found.sort(key=lambda one: (_SORTS[wanted["sort"]](one), one.agency.id))
        begin = (wanted["page"] - 1) * _PAGE
        return page(
            "agencies.html",
            400 if refused or period is None else 200,
            **sessions.shown(),
            refused=refused or period is None,
            listed=found[begin : begin + _PAGE],
            total=len(found),
            further=len(found) > begin + _PAGE,
            wanted=wanted,
            asked=asked,
            periods=PERIODS,
            period=period,
            kinds=KINDS,
            states=_STATES,
            sorts=list(_SORTS),
            soon=today + EXPIRES_WITHIN,
            today=today,
            proposed=waiting(desk),
        )

    @blueprint.get("/agencies/<agency_id>")
    @sessions.needs("read_figures")
    def agency(agency_id: str) -> Response:
        today = desk.gate.clock.now().date()
        asked, period = asked_period(today)
        snapshot = desk.gate.registry.snapshot()
        found = snapshot.agency(agency_id)
        if found is None or found.id != agency_id:
            return page("missing.html", 404, **sessions.shown())
        count_some(desk)
        reading = Reading(desk, period or Period(today, today), {}, found.id)
        return page(
            "agency.html",
            200 if period is not None else 400,
            **sessions.shown(),
            agency=found,
            clients=[client for client in snapshot.clients() if client.agency_id == found.id],
            stops=[shown(desk, stop) for stop in snapshot.stops if _covered(found, stop)],
            told=_told(desk, found.id),
            links=_links(desk, found.id),
            proposed=waiting(desk, found.id),
            documents=desk.agencies.links.documents_of(found.id),
            waiting=desk.oversight.waiting.latest(found.id, WAITING, _LATEST),
            done=desk.oversight.waiting.latest(found.id, DONE, _LATEST),
            tables=[make(reading) for make in _OF_ONE],
            catalogue=desk.gate.engine.bundle.catalogue,
            asked=asked,
            periods=PERIODS,
            period=period,
            today=today,
            soon=today + EXPIRES_WITHIN,
        )

    @blueprint.get("/agencies/<agency_id>/suspend")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def ask_suspend(agency_id: str) -> Response:
        return steps.first(agency_id)

    @blueprint.post("/agencies/<agency_id>/suspend")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def suspend(agency_id: str) -> Response:
        return steps.next(agency_id)


_OF_ONE: Final = (tables.denials_by_provision, tables.decisions_over_time, tables.permits_by_purpose)


@dataclass(frozen=True, slots=True)
class _Steps:
    """The two steps that suspend: why, and then, having seen what it does, that it is meant."""

    desk: Desk
    sessions: Sessions

    def first(self, agency_id: str) -> Response:
        """Ask why."""
        found = self._found(agency_id)
        if found is None:
            return page("missing.html", 404, **self.sessions.shown())
        return self._ask(found, 200, {"reason": ""}, [])

    def next(self, agency_id: str) -> Response:
        """Show what it does, or, confirmed, do it."""
        found = self._found(agency_id)
        if found is None:
            return page("missing.html", 404, **self.sessions.shown())
        typed, faults = read(_STANDING)
        faults += self._in_the_way(found, typed["reason"])
        if faults or typed["sure"] != "yes":
            return self._ask(found, 422 if faults else 200, typed, faults)
        try:
            suspend(
                self.desk.gate.ledger,
                self.desk.oversight.standing,
                found,
                reason=typed["reason"],
                by=g.session.account.id,
                also=self.desk.agencies.changing.clearing(found.id),
            )
        except (OperatorError, Superseded):
            said = say("Somebody else changed this agency just now. Look again first.")
            return self._ask(found, 409, typed, [("", said)])
        return see(f"/console/agencies/{found.id}")

    def _found(self, agency_id: str) -> Agency | None:
        found = self.desk.gate.registry.snapshot().agency(agency_id)
        return found if found is not None and found.id == agency_id else None

    def _in_the_way(self, agency: Agency, reason: str) -> Faults:
        faults: Faults = []
        if g.session.account.agency_id == agency.id:
            faults.append(("", say("This is your own agency. Somebody else must change its standing.")))
        if agency.status != "active":
            status = say(agency.status)
            faults.append(("", say("The agency is %(status)s. Nothing was changed.", status=status)))
        if (fault := reasons.fault_of(reason)) is not None:
            faults.append(("reason", say(fault)))
        return faults

    def _ask(self, agency: Agency, status: int, typed: Mapping[str, Any], faults: Faults) -> Response:
        snapshot = self.desk.gate.registry.snapshot()
        return page(
            "agency-standing.html",
            status,
            **self.sessions.shown(),
            agency=agency,
            possible=agency.status == "active",
            typed=typed,
            faults=faults,
            sure=status == 200 and bool(typed["reason"]),
            clients=sum(c.agency_id == agency.id and c.status == "active" for c in snapshot.clients()),
            shortest=reasons.SHORTEST,
        )


def _wanted() -> tuple[dict[str, Any], bool]:
    refused = bool(_FILTER.validate(request.args))
    wanted: dict[str, Any] = _FILTER.load({} if refused else request.args)
    return wanted, refused


def _listed(desk: Desk, snapshot: Snapshot, period: Period) -> list[Listed]:
    figures, agencies = desk.oversight.figures, snapshot.agencies()
    waiting = desk.oversight.waiting.by_agency([agency.id for agency in agencies], WAITING)
    denied = total(figures, "query.decided", "deny.agency", period)
    allowed = total(figures, "query.decided", "permit.agency", period)
    return [
        Listed(
            agency,
            denied.get(agency.id, 0) + allowed.get(agency.id, 0),
            denied.get(agency.id, 0),
            waiting.get(agency.id, 0),
            last_ends(agency.affirmations),
        )
        for agency in agencies
    ]


def _fits(one: Listed, wanted: Mapping[str, Any], today: date) -> bool:
    named = " ".join((one.agency.name, one.agency.id, one.agency.ori or "")).casefold()
    lapses = one.lapses
    return (
        wanted["name"].strip().casefold() in named
        and wanted["kind"] in ("", one.agency.kind)
        and wanted["standing"] in ("", one.agency.status)
        and (wanted["signed"] != "nothing" or not one.signed)
        and (wanted["signed"] != "lapsing" or (lapses is not None and lapses - today <= EXPIRES_WITHIN))
    )


def _covered(agency: Agency, stop: Any) -> bool:
    return covers(stop, (Party(agency.id, agency.kind),), ())


def _told(desk: Desk, agency_id: str) -> list[dict[str, Any]]:
    """Return what the log tells of the agency itself, the latest first; by whom, with the person's name."""
    found = [
        entry
        for family in _FAMILIES
        for entry in desk.search.page(Asked(agency=agency_id, event=family), most=_ENTRIES).entries
    ]
    found.sort(key=lambda entry: entry.index, reverse=True)
    return [_named(desk, told(desk.gate.ledger, entry)) for entry in found[:_ENTRIES]]


def _links(desk: Desk, agency_id: str) -> list[dict[str, Any]]:
    """Return the links to sign by that were not used, the latest first, each with its state."""
    unused = [link for link in desk.agencies.links.all(agency_id) if link.used_at is None]
    return [
        {"id": link.id, "kind": link.kind, "signer": link.signer_email, "until": link.expires_at}
        | {"state": (state := desk.agencies.signing.state(link)), "said": say(_LINK[state])}
        for link in unused[::-1][:_LATEST]
    ]


def _named(desk: Desk, each: Any) -> dict[str, Any]:
    account = None if each.by is None else desk.staff.get(each.by)
    return {
        "index": each.index,
        "event": each.event,
        "at": None if each.at is None else datetime.fromisoformat(each.at),
        "by": each.by if account is None else account.name,
        "reason": each.reason,
    }
