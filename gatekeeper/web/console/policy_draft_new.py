"""A provision is begun in the draft: the pair of files that denies until somebody has written the rule."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, Response
from marshmallow import fields, validate

from gatekeeper.errors import BundleRefused, NotDone, OperatorError, Superseded
from gatekeeper.policy.drafts import Draft
from gatekeeper.policy.layout import MANIFEST, Files, strict_json
from gatekeeper.policy.manifest import Listed, manifest_of
from gatekeeper.policy.provisions import REVIEWS
from gatekeeper.policy.statutes import Statute, read_statutes
from gatekeeper.revisions.drafts import Typed, mark_of
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.policy_draft import DRAFT, address_of, me
from gatekeeper.web.console.sessions import Sessions

_LINE: Final = later("Write one line of at most 200 characters that says something.")
_CODE: Final = later("Use 3 to 40 small letters, digits and underscores, beginning with a letter.")
_RULES: Final = later("Name paragraphs as the lists below do, such as IL-1, with commas between them.")
_CHOICE: Final = later("Choose one of these.")


def _one_line(typed: str) -> bool:
    return typed.isprintable() and any(map(str.isalpha, typed)) and len(typed) <= 200


class _New(Form):
    code = fields.String(load_default="", validate=validate.Regexp(r"[a-z][a-z0-9_]{2,39}\Z", error=_CODE))
    title = fields.String(load_default="")
    citation = fields.String(load_default="")
    rules = fields.String(
        load_default="", validate=validate.Regexp(r"\s*[A-Z]{2}-\d+(\s*,\s*[A-Z]{2}-\d+)*\s*\Z", error=_RULES)
    )
    pack = fields.String(load_default="")
    review = fields.String(load_default="", validate=validate.OneOf(REVIEWS, error=_CHOICE))


_NEW: Final = _New()


def add_policy_draft_new(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes by which a provision is begun."""

    @blueprint.get("/policies/draft/new")
    @sessions.needs("approve_policies")
    def policy_draft_new() -> Response:
        return _form(desk, sessions, 200, {}, [])

    @blueprint.post("/policies/draft/new")
    @sessions.needs("approve_policies")
    def policy_draft_begun() -> Response:
        typed, faults = read(_NEW)
        faults += [(name, say(_LINE)) for name in ("title", "citation") if not _one_line(typed[name])]
        if faults:
            return _form(desk, sessions, 422, typed, faults)
        draft = Draft(
            listed=Listed(typed["code"], typed["pack"] or None),
            title=typed["title"],
            citation=typed["citation"],
            rules=tuple(dict.fromkeys(re.findall(r"[A-Z]{2}-\d+", typed["rules"]))),
            review=typed["review"],
            adopted=desk.gate.clock.now().astimezone(desk.zone).date(),
        )
        copy = desk.drafts.of(me())
        try:
            begun = desk.examiner.begin(draft, copy.files)
            made = [Typed(path, text, mark_of(copy.text(path))) for path, text in begun.items()]
            desk.drafts.save(me(), copy.base.id, made)
        except Superseded:
            told = say("The draft changed at this moment, in another window of yours. Send the form again.")
            return _form(desk, sessions, 409, typed, [("", told)])
        except NotDone as fault:
            return _form(desk, sessions, 422, typed, [("", say(said)) for _, said in fault.faults])
        except OperatorError as fault:
            return _form(desk, sessions, 422, typed, [("", say(str(fault)))])
        return see(address_of(draft.listed.path))


def _form(desk: Desk, sessions: Sessions, status: int, typed: dict[str, Any], faults: Faults) -> Response:
    files = desk.drafts.of(me()).files
    return page(
        "policy-draft-new.html",
        status,
        **sessions.shown(),
        draft=DRAFT,
        typed=typed,
        faults=faults,
        packs=_packs(files),
        reviews=REVIEWS,
        statutes=_statutes(files),
    )


def _packs(files: Files) -> tuple[str, ...]:
    try:
        return manifest_of(strict_json(files.get(MANIFEST, "")), []).packs
    except ValueError:
        return ()


def _statutes(files: Files) -> tuple[Statute, ...]:
    try:
        return read_statutes(files)
    except BundleRefused:
        return ()
