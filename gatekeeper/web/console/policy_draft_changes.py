"""What the draft changes in its base, and what became law meanwhile; the draft goes on from that, or is gone.

Guarantees: of a file that both changed, its person says whose stays, having seen both; a draft is thrown away
only as it was seen, and only by whoever says so twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any

from flask import Blueprint, Response, request

from gatekeeper.errors import NotDone, Superseded
from gatekeeper.policy.layout import Files
from gatekeeper.revisions.changes import FileChange, changes
from gatekeeper.revisions.drafts import Drift, Whose, WorkingCopy
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.policy_draft import DRAFT, PHRASES, address_of, me
from gatekeeper.web.console.sessions import Sessions

CHANGED = later("The draft is not what this page showed: look at it again first.")


def add_policy_draft_changes(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes about the whole of a draft."""

    @blueprint.get("/policies/draft/changes")
    @sessions.needs("approve_policies")
    def policy_draft_changes() -> Response:
        return _changes(desk, sessions, 200, [])

    @blueprint.post("/policies/draft/rebase")
    @sessions.needs("approve_policies")
    def policy_draft_rebase() -> Response:
        chosen: dict[str, Whose] = {}
        for number, path in enumerate(request.form.getlist("path")):
            said = request.form.get(f"whose-{number}", "")
            if said in ("mine", "theirs"):
                chosen[path] = "mine" if said == "mine" else "theirs"
        active = request.form.get("active", "")
        try:
            desk.drafts.rebase(me(), seen_version(), active, chosen)
        except Superseded:
            return _changes(desk, sessions, 409, [("", say(CHANGED))])
        except NotDone as fault:
            return _changes(desk, sessions, 422, [(path, say(said)) for path, said in fault.faults], chosen)
        return see(f"{DRAFT}/changes")

    @blueprint.get("/policies/draft/discard")
    @sessions.needs("approve_policies")
    def policy_draft_discard() -> Response:
        return _discard(desk, sessions, 200, [])

    @blueprint.post("/policies/draft/discard")
    @sessions.needs("approve_policies")
    def policy_draft_discarded() -> Response:
        try:
            desk.drafts.discard(me(), seen_version())
        except Superseded:
            return _discard(desk, sessions, 409, [("", say(CHANGED))])
        return see(DRAFT)


def seen_version() -> int:
    """Return the version of the draft that the form was shown with; one that there never is for nonsense."""
    said = request.form.get("version", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else -1


def _changes(
    desk: Desk, sessions: Sessions, status: int, faults: Faults, chosen: Mapping[str, Whose] | None = None
) -> Response:
    copy = desk.drafts.of(me())
    drift = desk.drafts.drift(copy)
    both = () if drift is None else drift.both
    return page(
        "policy-draft-changes.html",
        status,
        nonce=token_urlsafe(16),
        **sessions.shown(),
        draft=DRAFT,
        copy=copy,
        found=_pairs(copy.before, copy.files),
        drift=drift,
        theirs=[]
        if drift is None
        else _pairs(_only(copy.before, drift.theirs), _only(drift.now, drift.theirs)),
        both=[] if drift is None else _conflicts(copy, drift, chosen or {}),
        faults=[(f"whose-{both.index(at)}-mine" if at in both else "", said) for at, said in faults],
        phrases={phrase: say(phrase) for phrase in PHRASES},
        address_of=address_of,
    )


def _pairs(before: Files, after: Files) -> list[tuple[FileChange, str, str]]:
    """Return each file that differs, with what it was and what it is."""
    return [
        (file, before.get(file.path, ""), after.get(file.path, "")) for file in changes(before, after).files
    ]


def _only(files: Files, paths: tuple[str, ...]) -> dict[str, str]:
    return {path: files[path] for path in paths if path in files}


def _conflicts(copy: WorkingCopy, drift: Drift, chosen: Mapping[str, Whose]) -> list[dict[str, Any]]:
    """Return what both changed: the lines that differ between the law now and the draft."""
    found = []
    for path in drift.both:
        mine, theirs = copy.text(path), drift.now.get(path)
        ours, law = ({path: mine} if mine is not None else {}), ({path: theirs} if theirs is not None else {})
        found.append(
            {
                "path": path,
                "mine": mine,
                "theirs": theirs,
                "change": changes(law, ours).files[0],
                "chosen": chosen.get(path),
            }
        )
    return found


def _discard(desk: Desk, sessions: Sessions, status: int, faults: Faults) -> Response:
    copy = desk.drafts.of(me())
    if copy.version == 0:
        return see(DRAFT)
    return page(
        "policy-draft-discard.html",
        status,
        **sessions.shown(),
        draft=DRAFT,
        copy=copy,
        changed=[(path, copy.how(path)) for path in sorted(copy.changes)],
        faults=faults,
    )
