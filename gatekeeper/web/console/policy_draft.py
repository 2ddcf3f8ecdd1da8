"""The draft in which a person changes the law: its files, and one of them in the editor.

Guarantees: nothing that is done here has an effect on any decision, and nothing is in the log, until the
draft is proposed; a file is kept only over what its person saw; what was typed is examined and tested as it
stands in the form, kept or not, and comes back with what was found. Each act is a plain form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import BadRequest

from gatekeeper.errors import NotDone, Superseded
from gatekeeper.policy.layout import CAPABILITIES, role_of, strict_json
from gatekeeper.revisions.drafts import LARGEST, Typed, WorkingCopy, mark_of, tidy
from gatekeeper.revisions.examiner import Ask, Busy, Examined
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.policy_files import beside, code_of, groups, title_of
from gatekeeper.web.console.sessions import Sessions

DRAFT: Final = "/console/policies/draft"
MOST_TEXT: Final = 8 * LARGEST
"""Bytes of a form with two files in it: what is no letter or digit takes three."""
STALE: Final = later(
    "This file was changed after you opened it, in another window of yours. Below is what is kept now; send "
    "the form again to keep what you typed in its place."
)
PHRASES: Final = (
    later("Find"),
    later("Replace"),
    later("next"),
    later("previous"),
    later("all"),
    later("match case"),
    later("by word"),
    later("regexp"),
    later("replace"),
    later("replace all"),
    later("close"),
    later("Diagnostics"),
    later("No diagnostics"),
    later("Go to line"),
    later("go"),
    later("$ unchanged lines"),
    later("current match"),
    later("on line"),
    later("replaced $ matches"),
    later("replaced match on line $"),
    later("Control character"),
    later("Selection deleted"),
)
"""What the editor itself says."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a form about files, and what became of it."""

    typed: Sequence[Typed] = ()
    faults: Faults = field(default_factory=list)
    stale: bool = False
    examined: Examined | None = None
    tested: bool = False
    busy: bool = False


def add_policy_draft(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of the draft and its files."""

    @blueprint.get("/policies/draft")
    @sessions.needs("read_policies")
    def policy_draft() -> Response:
        return _overview(desk, sessions)

    @blueprint.get("/policies/draft/file")
    @sessions.needs("approve_policies")
    def policy_draft_file() -> Response:
        return show_file(desk, sessions, request.args.get("path", ""))

    @blueprint.post("/policies/draft/save")
    @sessions.needs("approve_policies", most_text=MOST_TEXT)
    def policy_draft_save() -> Response:
        typed = typed_files()
        return _done(desk, sessions, typed, lambda: desk.drafts.save(me(), _base(), typed))

    @blueprint.post("/policies/draft/remove")
    @sessions.needs("approve_policies")
    def policy_draft_remove() -> Response:
        gone = [Typed(path, None, seen) for path, seen in zip(*_named(), strict=True)]
        return _done(desk, sessions, gone, lambda: desk.drafts.save(me(), _base(), gone))

    @blueprint.post("/policies/draft/restore")
    @sessions.needs("approve_policies")
    def policy_draft_restore() -> Response:
        path, seen = request.form.get("path", ""), request.form.get("seen", "")
        undone = [Typed(path, None, seen)]
        return _done(desk, sessions, undone, lambda: desk.drafts.restore(me(), _base(), path, seen))

    @blueprint.post("/policies/draft/<any(check, tests):ask>")
    @sessions.needs("approve_policies", most_text=MOST_TEXT)
    def policy_draft_examined(ask: str) -> Response:
        typed, copy = typed_files(), desk.drafts.of(me())
        asked: Ask = "tests" if ask == "tests" else "findings"
        sent = examined(desk, copy, typed, asked)
        return show_file(desk, sessions, typed[0].path, 200, sent)


def me() -> str:
    """Return whose draft it is: always that of the person who asks."""
    return str(g.session.account.id)


def address_of(path: str, line: int | None = None) -> str:
    """Return where a file is edited."""
    return f"{DRAFT}/file?{urlencode({'path': path})}" + ("" if line is None else f"#line-{line}")


def typed_files() -> list[Typed]:
    """Return the files that came with a form. Raises BadRequest for a form that no page of ours shows."""
    paths, seen = _named()
    texts = request.form.getlist("text")
    if not len(paths) == len(texts) == len(seen) or not 1 <= len(paths) <= 2 or len({*paths}) < len(paths):
        raise BadRequest
    return [Typed(*one) for one in zip(paths, texts, seen, strict=True)]


def overlaid(copy: WorkingCopy, typed: Sequence[Typed]) -> dict[str, str]:
    """Return the draft's files with what was typed in their place."""
    texts = {one.path: tidy(one.text, copy.before.get(one.path)) for one in typed if one.text is not None}
    return {**copy.files, **texts}


def examined(desk: Desk, copy: WorkingCopy, typed: Sequence[Typed], ask: Ask) -> Sent:
    """Have the draft examined as it was typed."""
    about = code_of(typed[0].path)
    tested = ask == "tests" and about is not None
    try:
        found = desk.examiner.examine(overlaid(copy, typed), ask if tested else "findings", about)
    except Busy as busy:
        return Sent(typed, faults=[("", say(str(busy)))], busy=True)
    return Sent(typed, examined=found, tested=tested)


def show_file(
    desk: Desk, sessions: Sessions, path: str, status: int = 200, sent: Sent | None = None
) -> Response:
    """Answer with the editor of a file, and of what stands beside it."""
    copy, sent = desk.drafts.of(me()), sent or Sent()
    if role_of(path) == "unknown":
        return page("missing.html", 404, **sessions.shown())
    files = copy.files
    paths = [one.path for one in sent.typed] or [path, *beside(path, files)]
    came = {one.path: one for one in sent.typed}
    return page(
        "policy-draft-file.html",
        status,
        nonce=token_urlsafe(16),
        **sessions.shown(),
        draft=DRAFT,
        copy=copy,
        path=path,
        title=title_of(path, files),
        fields=[_field(copy, one, came.get(one)) for one in paths],
        faults=[(f"text-{paths.index(f)}" if f in paths else "", said) for f, said in sent.faults],
        stale=sent.stale,
        busy=sent.busy,
        examined=sent.examined,
        tested=sent.tested,
        code=code_of(path),
        places=placed(sent.examined),
        builtins=_builtins(files),
        phrases={phrase: say(phrase) for phrase in PHRASES},
        unsaved=bool(sent.typed),
        drifted=desk.drafts.drift(copy) is not None,
    )


def placed(found: Examined | None) -> list[tuple[Any, str | None]]:
    """Pair each finding with the address of its file, None where it is about none."""
    findings = () if found is None else found.findings
    return [(one, address_of(one.file, one.line) if _exists(one.file) else None) for one in findings]


def _exists(path: str) -> bool:
    return role_of(path) != "unknown"


def _field(copy: WorkingCopy, path: str, typed: Typed | None) -> Mapping[str, Any]:
    kept = copy.text(path)
    text = kept if typed is None or typed.text is None else tidy(typed.text, copy.before.get(path))
    return {
        "path": path,
        "role": role_of(path),
        "language": "rego"
        if path.endswith(".rego")
        else "json"
        if path.endswith((".json", "manifest"))
        else "",
        "text": text or "",
        "kept": kept,
        "seen": mark_of(kept),
        "how": copy.how(path),
        "before": copy.before.get(path),
    }


def _builtins(files: Mapping[str, str]) -> list[str]:
    """Return the functions that a rule may call, as the law lists them; none if the list cannot be read."""
    try:
        document = strict_json(files.get(CAPABILITIES, ""))
    except ValueError:
        return []
    names = document.get("builtins") if isinstance(document, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _overview(desk: Desk, sessions: Sessions) -> Response:
    copy = desk.drafts.of(me())
    files = copy.files
    return page(
        "policy-draft.html",
        **sessions.shown(),
        draft=DRAFT,
        copy=copy,
        changed=[(path, copy.how(path)) for path in sorted(copy.changes)],
        groups=groups(files),
        address_of=address_of,
        drift=desk.drafts.drift(copy),
    )


def _done(desk: Desk, sessions: Sessions, typed: Sequence[Typed], act: Any) -> Response:
    """Do what a form asks of files; answer with the first of them, or with what is wrong."""
    if not typed:
        raise BadRequest
    path = typed[0].path
    try:
        copy = act()
    except Superseded:
        return show_file(desk, sessions, path, 409, Sent(typed, [("", say(STALE))], stale=True))
    except NotDone as fault:
        faults = [(at, say(message)) for at, message in fault.faults]
        return show_file(desk, sessions, path, 422, Sent(typed, faults))
    return see(address_of(path) if copy.text(path) is not None else DRAFT)


def _base() -> str:
    return str(request.form.get("base", ""))


def _named() -> tuple[list[str], list[str]]:
    paths, seen = request.form.getlist("path"), request.form.getlist("seen")
    if len(paths) != len(seen):
        raise BadRequest
    return paths, seen
