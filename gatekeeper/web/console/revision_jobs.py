"""The checks and replays of a revision: begun with a button, watched while they run, taken out as files.

Guarantees: nothing is decided here: a process of its own does the work, and the life cycle records what it
comes to; a report is taken out only by who has just proved who they are, with an entry in the log before it
leaves; what the public may not know of leaves with nobody who may not read requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request
from marshmallow import fields, pre_load, validate

from gatekeeper.review.accounts import Session
from gatekeeper.revisions.approval import is_rollback
from gatekeeper.revisions.interfaces import Kind
from gatekeeper.revisions.replay.report import ReplayReport
from gatekeeper.revisions.replay.sheets import csv_of
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import attached, page, see
from gatekeeper.web.console.revision_facts import KINDS, Facts, facts_of
from gatekeeper.web.console.revisions import LARGEST_SAMPLE, PATH, ShowRevision
from gatekeeper.web.console.sessions import FRESH, Sessions
from gatekeeper.web.console.sheets import taken

_NO_DAY: Final = later("Give a day, or leave it empty.")
_NO_NUMBER: Final = later("Give a whole number, at least 1, or leave it empty.")


def _day() -> fields.Date:
    sensible = validate.Range(date(2000, 1, 1), date(2100, 1, 1), error=_NO_DAY)
    return fields.Date(load_default=None, validate=sensible, error_messages={"invalid": _NO_DAY})


class _Replay(Form):
    since = _day()
    until = _day()
    sample = fields.Integer(
        load_default=None,
        validate=validate.Range(1, LARGEST_SAMPLE, error=_NO_NUMBER),
        error_messages={"invalid": _NO_NUMBER},
    )

    @pre_load
    def _narrows(self, sent: dict[str, str], **_: object) -> dict[str, str]:
        """Leave out what was left empty: browsers send every field."""
        return {name: text for name, text in sent.items() if text.strip()}


_REPLAY: Final = _Replay()
_FROM: Final[Mapping[Kind, tuple[str, ...]]] = {
    "check": ("draft", "checked", "replayed"),
    "replay": ("checked", "replayed"),
}
"""In which states a revision may be checked or replayed."""


SLOWEST: Final = timedelta(minutes=1)
"""What a process needs at most until it says that it runs."""


class Asked(NamedTuple):
    """A job whose process was started and has not said yet that it runs."""

    kind: Kind
    address: str
    """Where to look again."""
    late: bool
    """Whether it should have said so by now."""


def add_revision_jobs(blueprint: Blueprint, desk: Desk, sessions: Sessions, one: ShowRevision) -> None:
    """Add the routes by which a revision is checked and replayed."""
    law = desk.law

    @blueprint.get("/policies/revisions/<revision_id>/progress")
    @sessions.needs("read_policies")
    def revision_progress(revision_id: str) -> Response:
        found = law.revisions.get(revision_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        facts = facts_of(desk, found)
        asked = _asked(facts, desk.gate.clock.now())
        return page("revision-progress.html", **sessions.shown(), revision=found, facts=facts, asked=asked)

    @blueprint.post("/policies/revisions/<revision_id>/check")
    @sessions.needs("approve_policies")
    def begin_policy_check(revision_id: str) -> Response:
        return _begun(desk, revision_id, "check", {}) or one(revision_id, 409, {}, _runs(desk, revision_id))

    @blueprint.post("/policies/revisions/<revision_id>/replay")
    @sessions.needs("approve_policies")
    def begin_replay(revision_id: str) -> Response:
        typed, faults = read(_REPLAY)
        options = {} if faults else _options(typed, faults)
        if faults:
            return one(revision_id, 422, typed, faults)
        begun = _begun(desk, revision_id, "replay", options)
        return begun or one(revision_id, 409, typed, _runs(desk, revision_id))

    @blueprint.post("/policies/revisions/<revision_id>/replay.<any(json, csv):form>")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def replay_file(revision_id: str, form: str) -> Response:
        result = law.revisions.result(revision_id, "replay")
        if result is None:
            return page("missing.html", 404, **sessions.shown())
        name, subject = f"replay-{revision_id}", f"replay of {revision_id}, {result.digest}"
        report = ReplayReport.read(result.document)
        taken(desk, subject)
        if form == "csv":
            return attached(csv_of(report), "text/csv", f"{name}.csv")
        return attached(report.text().decode(), "application/json", f"{name}.json")


def _begun(desk: Desk, revision_id: str, kind: Kind, options: Mapping[str, str]) -> Response | None:
    """Begin a job and lead to it; None if it cannot be begun."""
    session: Session = g.session
    found = desk.law.revisions.get(revision_id)
    if found is None or found.state not in _FROM[kind] or is_rollback(found):
        return None
    if not desk.law.begin_job(kind, revision_id, session.account.id, options):
        return None
    return see(_watched(revision_id, kind, desk.gate.clock.now()))


def _watched(revision_id: str, kind: Kind, since: datetime) -> str:
    """Return where a job is watched that was asked for at a moment."""
    return f"{PATH}/{revision_id}/progress?{urlencode({'begun': kind, 'since': since.isoformat()})}"


def _asked(facts: Facts, now: datetime) -> Asked | None:
    """Return the job that the address says was asked for, while it is not there yet."""
    try:
        since = datetime.fromisoformat(request.args.get("since", ""))
    except ValueError:
        return None
    kind = next((kind for kind in KINDS if kind == request.args.get("begun")), None)
    if kind is None or since.tzinfo is None:
        return None
    job = facts.jobs[kind]
    if job is not None and job.begun_at >= since:
        return None
    return Asked(kind, _watched(facts.revision.id, kind, since), now - since > SLOWEST)


def _runs(desk: Desk, revision_id: str) -> Faults:
    """Say why no job was begun."""
    found = desk.law.revisions.get(revision_id)
    if found is None:
        return []
    if found.state not in _FROM["check"]:
        return [("", say("It is %(state)s: nothing of it is checked or replayed.", state=say(found.state)))]
    if found.state == "draft":
        return [("", say("It is being checked, or has not passed its checks yet. Wait for them first."))]
    return [("", say("It runs already. Wait until it is done."))]


def _options(typed: Mapping[str, Any], faults: Faults) -> dict[str, str]:
    """Return what is to be replayed, adding what is wrong to *faults*."""
    since, until, sample = typed["since"], typed["until"], typed["sample"]
    if since is not None and until is not None and until < since:
        faults.append(("until", say("The last day must not be before the first.")))
        return {}
    options = {"from": since, "to": until, "sample": sample}
    return {name: str(value) for name, value in options.items() if value is not None}
