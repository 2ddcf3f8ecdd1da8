"""The draft is proposed to be the law: only whole, only over the law in force, and only if nothing is wrong.

Guarantees: what is proposed is what was examined, every test and case with it; while anything is wrong it is
refused with every fault, each with its place and its cure; the draft is thrown away only once it is proposed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import BundleRefused, OperatorError, Superseded
from gatekeeper.policy import load_files
from gatekeeper.review import reasons
from gatekeeper.revisions.drafts import WorkingCopy
from gatekeeper.revisions.examiner import Busy, Examined
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.policy_draft import DRAFT, me, placed
from gatekeeper.web.console.policy_draft_changes import CHANGED, seen_version
from gatekeeper.web.console.sessions import Sessions

ORIGIN: Final = "editor"
_WRONG: Final = later("The draft is not proposed: there are faults in it, named below. Mend them first.")
_NOTHING: Final = later("The draft changes nothing: there is nothing to propose.")
_MOVED: Final = later(
    "Another law came into force after this draft was begun. Take it into the draft first: you would undo it."
)
_MOMENT: Final = later("Write day and time, such as 2026-12-31 at 23:00.")
_SKIPPED: Final = later("The city's clocks skip this time. Choose another one.")


class _Proposal(Form):
    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))
    moment = fields.String(load_default="", validate=validate.Length(max=40))


_PROPOSAL: Final = _Proposal()


def add_policy_draft_propose(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes by which a draft is proposed."""

    @blueprint.get("/policies/draft/propose")
    @sessions.needs("approve_policies")
    def policy_draft_propose() -> Response:
        return _form(desk, sessions, 200, {}, [])

    @blueprint.post("/policies/draft/propose")
    @sessions.needs("approve_policies")
    def policy_draft_proposed() -> Response:
        typed, faults = read(_PROPOSAL)
        copy = desk.drafts.of(me())
        if copy.version != seen_version():
            return _form(desk, sessions, 409, typed, [("", say(CHANGED))])
        if (lacks := reasons.fault_of(typed["reason"])) is not None:
            faults.append(("reason", say(lacks)))
        moment, unread = _moment(typed["moment"], desk.zone)
        faults += [] if unread is None else [("moment", say(unread))]
        faults += [("", say(told)) for told in _standing(desk, copy)]
        if faults:
            return _form(desk, sessions, 422, typed, faults)
        return _propose(desk, sessions, copy, typed, moment)


def _propose(
    desk: Desk, sessions: Sessions, copy: WorkingCopy, typed: Mapping[str, Any], moment: datetime | None
) -> Response:
    try:
        found = desk.examiner.examine(copy.files, "whole")
        if found.findings:
            return _form(desk, sessions, 422, typed, [("", say(_WRONG))], found)
        revision = desk.law.lifecycle.propose(
            load_files(copy.files),
            author=g.session.account,
            reason=typed["reason"],
            origin=ORIGIN,
            effective_at=moment,
            base=copy.base.id,
        )
    except Busy as busy:
        return _form(desk, sessions, 503, typed, [("", say(str(busy)))])
    except Superseded:
        return _form(desk, sessions, 409, typed, [("", say(CHANGED))])
    except (OperatorError, BundleRefused) as refused:
        return _form(desk, sessions, 422, typed, [("", say(str(refused)))])
    with suppress(Superseded):  # it was changed meanwhile, in another window: then it is kept
        desk.drafts.discard(me(), copy.version)
    return see(f"/console/policies/revisions/{revision.id}")


def _standing(desk: Desk, copy: WorkingCopy) -> list[str]:
    """Return what stands in the way of any proposal of it."""
    if not copy.changes:
        return [_NOTHING]
    return [] if desk.drafts.drift(copy) is None else [_MOVED]


def _moment(typed: str, zone: tzinfo) -> tuple[datetime | None, str | None]:
    """Return the moment that the city's clocks show so, None for none; or what is wrong with it."""
    if not typed.strip():
        return None, None
    try:
        local = datetime.fromisoformat(typed.strip())
        moment = local.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last days that there are
        return None, _MOMENT
    if local.tzinfo is not None:
        return None, _MOMENT
    return (moment, None) if moment.astimezone(zone).replace(tzinfo=None) == local else (None, _SKIPPED)


def _form(
    desk: Desk,
    sessions: Sessions,
    status: int,
    typed: Mapping[str, Any],
    faults: Faults,
    found: Examined | None = None,
) -> Response:
    copy = desk.drafts.of(me())
    return page(
        "policy-draft-propose.html",
        status,
        **sessions.shown(),
        draft=DRAFT,
        copy=copy,
        changed=[(path, copy.how(path)) for path in sorted(copy.changes)],
        stands=[say(told) for told in _standing(desk, copy)],
        typed=typed,
        faults=faults,
        places=placed(found),
        shortest=reasons.SHORTEST,
    )
