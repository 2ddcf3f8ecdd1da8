"""Approve a revision and set its moment, turn it down or call it off, give it its moment.

Guarantees: what is approved is the seal of exactly what the page showed (text, base, checks, replay, moment);
only who has just proved who they are does any of it, and says why; whoever cannot is told all that stands in
the way; where somebody else was first, nothing is done and the page says to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from flask import Blueprint, Response, g, request
from marshmallow import fields, validate

from gatekeeper.errors import NotDone, OperatorError, Superseded
from gatekeeper.review import reasons
from gatekeeper.revisions.approval import faults_of, is_rollback
from gatekeeper.revisions.interfaces import OPEN, ROLLBACK
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.revision_facts import facts_of
from gatekeeper.web.console.revisions import PATH, Shown
from gatekeeper.web.console.sessions import FRESH, Sessions

OVERTAKEN: Final = later("Somebody else acted on this just now. Look again first.")


class _Reason(Form):
    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))


class _Approval(_Reason):
    seal = fields.String(load_default="", validate=validate.Length(max=100))
    at = fields.String(load_default="", validate=validate.Length(max=40))


_REASON: Final = _Reason()
_APPROVAL: Final = _Approval()


def add_approvals(blueprint: Blueprint, desk: Desk, sessions: Sessions, shown: Shown) -> None:
    """Add the routes by which people say yes or no to a revision."""
    asking = _Asking(desk, sessions, shown)
    law = desk.law

    @blueprint.get("/policies/revisions/<revision_id>/approve")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def approval(revision_id: str) -> Response:
        return asking.approval(revision_id, 200, {"at": request.args.get("at", "")}, [])

    @blueprint.post("/policies/revisions/<revision_id>/approve")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def approve(revision_id: str) -> Response:
        typed, faults = read(_APPROVAL)
        moment, wrong = asking.moment(revision_id, typed["at"])

        def done() -> None:
            law.lifecycle.approve(
                revision_id,
                g.session.account,
                seen=typed["seal"],
                reason=typed["reason"],
                effective_at=moment,
            )

        refused = refused_by(done, typed, [*faults, *wrong])
        if refused is None:
            return see(f"{PATH}/{revision_id}")
        return asking.approval(revision_id, refused[0], typed, refused[1])

    @blueprint.get("/policies/revisions/<revision_id>/reject")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def rejection(revision_id: str) -> Response:
        return asking.rejection(revision_id, 200, {}, [])

    @blueprint.post("/policies/revisions/<revision_id>/reject")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def reject(revision_id: str) -> Response:
        typed, faults = read(_REASON)
        refused = refused_by(
            lambda: law.lifecycle.reject(revision_id, g.session.account, typed["reason"]), typed, faults
        )
        if refused is None:
            return see(f"{PATH}/{revision_id}")
        return asking.rejection(revision_id, refused[0], typed, refused[1])

    @blueprint.post("/policies/revisions/<revision_id>/schedule")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def schedule(revision_id: str) -> Response:
        refused = refused_by(lambda: law.lifecycle.schedule(revision_id), None, [])
        if refused is None:
            return see(f"{PATH}/{revision_id}")
        return asking.rejection(revision_id, refused[0], {}, refused[1])


class _Asking:
    """The pages that ask for a yes or a no."""

    def __init__(self, desk: Desk, sessions: Sessions, shown: Shown) -> None:
        self._desk, self._sessions, self._shown = desk, sessions, shown

    def moment(self, revision_id: str, typed: str) -> tuple[datetime | None, Faults]:
        """Return the moment that this person gives: the second has none to give."""
        revision = self._desk.law.revisions.get(revision_id)
        if revision is None or self._desk.law.lifecycle.approvers(revision):
            return None, []
        return moment_of(typed, self._desk.zone)

    def approval(self, revision_id: str, status: int, typed: Mapping[str, Any], faults: Faults) -> Response:
        """Show what would be approved, with the seal of just that."""
        law, session = self._desk.law, g.session
        revision = law.revisions.get(revision_id)
        if revision is None:
            return page("missing.html", 404, **self._sessions.shown())
        if is_rollback(revision):
            return see(f"{PATH}/{revision.origin.removeprefix(ROLLBACK)}/rollback")
        moment, wrong = self.moment(revision_id, typed.get("at", ""))
        seal = law.lifecycle.seal(revision, moment)
        barred = faults_of(
            revision,
            session.account,
            active=law.revisions.active(),
            check=law.revisions.result(revision_id, "check"),
            replay=law.revisions.result(revision_id, "replay"),
            approvals=law.revisions.approvals(revision_id),
            seal=seal,
            seen=seal,
        )
        return page(
            "revision-approve.html",
            status if not wrong else 422,
            **self._sessions.shown(),
            **self._shown.of(revision),
            seal=seal,
            moment=revision.effective_at or moment,
            barred=[say(told) for told in barred],
            typed=typed,
            faults=[*faults, *(fault for fault in wrong if fault not in faults)],
            shortest=reasons.SHORTEST,
        )

    def rejection(self, revision_id: str, status: int, typed: Mapping[str, Any], faults: Faults) -> Response:
        """Ask why it is turned down, or called off."""
        revision = self._desk.law.revisions.get(revision_id)
        if revision is None:
            return page("missing.html", 404, **self._sessions.shown())
        return page(
            "revision-reject.html",
            status,
            **self._sessions.shown(),
            revision=revision,
            facts=facts_of(self._desk, revision),
            open=revision.state in OPEN,
            typed=typed,
            faults=faults,
            shortest=reasons.SHORTEST,
        )


def refused_by(
    act: Callable[[], object], typed: Mapping[str, Any] | None, faults: Faults
) -> tuple[int, Faults] | None:
    """Do an act of the life cycle; return None if it was done, else the status and what stood in the way."""
    if typed is not None and (fault := reasons.fault_of(typed["reason"])) is not None:
        faults = [*faults, ("reason", say(fault))]
    if faults:
        return 422, faults
    try:
        act()
    except Superseded:
        return 409, [("", say(OVERTAKEN))]
    except NotDone as fault:
        return 422, [(field, say(told)) for field, told in fault.faults]
    except OperatorError as fault:
        return 422, [("", say(str(fault)))]
    return None


def moment_of(typed: str, zone: tzinfo) -> tuple[datetime | None, Faults]:
    """Return the moment that was typed, on the city's clocks; None for at once."""
    if not typed.strip():
        return None, []
    try:
        local = datetime.fromisoformat(typed.strip())
        moment = local.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last days that there are
        return None, [("at", say("Give a day and a time, or leave it empty for at once."))]
    if local.tzinfo is not None:
        return None, [("at", say("Give a day and a time, or leave it empty for at once."))]
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        return None, [("at", say("The city's clocks skip that time. Give another."))]
    return moment, []
