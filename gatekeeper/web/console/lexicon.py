"""The lexicon: legal's words as a table, changed in the working copy of the person who looks at it.

Guarantees: a change stands in that person's working copy and nowhere else until it has gone the way of every
change of the law; it is made only over the text that the person saw. A count on past words is an entry in the
log before it is made, and tells of no single request; each example of words is an entry of its own, and comes
only from requests that this person may open anyway.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request
from marshmallow import fields, validate

from gatekeeper.errors import NotDone, OperatorError, Superseded
from gatekeeper.exchange.lexicon import Lexicon
from gatekeeper.ledger import Draft, StoredEntry
from gatekeeper.oversight.search import Asked
from gatekeeper.review.roles import may
from gatekeeper.revisions.drafts import Typed, WorkingCopy, mark_of
from gatekeeper.revisions.lexicon_text import (
    CRIME_CLASSES,
    LISTS,
    PATH,
    SCHEMA,
    Term,
    changed,
    document_of,
    groups_of,
    terms_of,
    tidy,
)
from gatekeeper.revisions.past_words import FEWEST_LETTERS, Change, Count, count, countable
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.marks import LABELS
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.reviews import seen
from gatekeeper.web.console.sessions import Sessions

LEXICON: Final = "/console/policies/lexicon"
PAGE: Final = 100
_EXAMPLES: Final = 3
_CHUNK: Final = 250
_LANGUAGES: Final = {
    "en": later("English"),
    "es": later("Spanish"),
    "not_in": later("not meant in"),
}
"""What the lists of a class are called."""


class _TermForm(Form):
    act = fields.String(load_default="add", validate=validate.OneOf(("add", "change", "remove")))
    was = fields.String(load_default="", validate=validate.Length(max=400))
    kind = fields.String(load_default="", validate=validate.Length(max=100))
    list = fields.String(load_default="en", validate=validate.OneOf(LISTS))
    term = fields.String(
        load_default="",
        validate=validate.Length(max=80, error=later("A term has 80 letters at most.")),
    )
    seen = fields.String(load_default="", validate=validate.Length(max=64))


_TERM: Final = _TermForm()


@dataclass(frozen=True, slots=True)
class Shown:
    """The lexicon as a person sees it; ``copy`` is their working copy, if they may have one."""

    document: Mapping[str, Any]
    copy: WorkingCopy | None = None

    @property
    def text(self) -> str:
        """Return its text, as it stands in the working copy."""
        text = None if self.copy is None else self.copy.text(PATH)
        return json.dumps(self.document) if text is None else text

    @property
    def schema(self) -> str | None:
        """Return the schema that it must fit."""
        return None if self.copy is None else self.copy.text(SCHEMA)

    @property
    def mark(self) -> str:
        """Return what a form says of the text that was seen."""
        return "" if self.copy is None else mark_of(self.copy.text(PATH))


def add_lexicon(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of the lexicon."""

    @blueprint.get("/policies/lexicon")
    @sessions.needs("read_policies")
    def lexicon() -> Response:
        return _page(desk, sessions, 200)

    @blueprint.post("/policies/lexicon")
    @sessions.needs("approve_policies")
    def change_lexicon() -> Response:
        typed, faults = read(_TERM)
        if faults:
            return _page(desk, sessions, 422, typed, faults)
        try:
            _kept(desk, typed)
        except Superseded:
            said = say("Your working copy was changed in another window. Look again first.")
            return _page(desk, sessions, 409, typed, [("", said)])
        except OperatorError as refused:
            return _page(desk, sessions, 422, typed, _faults(refused))
        return see(f"{LEXICON}?{urlencode({'q': request.args.get('q', ''), 'kind': typed['kind']})}")

    @blueprint.post("/policies/lexicon/count")
    @sessions.needs("read_policies")
    def count_words() -> Response:
        typed, faults = read(_TERM)
        if faults:
            return _page(desk, sessions, 422, typed, faults)
        try:
            found = _counted(desk, _shown(desk), typed)
        except OperatorError as refused:
            return _page(desk, sessions, 422, typed, _faults(refused))
        return _page(desk, sessions, 200, typed, counted=found)


def _shown(desk: Desk) -> Shown:
    """Return the lexicon of this person's working copy, or of the law in force. Raises OperatorError."""
    person = g.session.account
    if may(person.role, "approve_policies"):
        copy = desk.drafts.of(person.id)
        text = copy.text(PATH)
        if text is None:
            raise NotDone([("", "Your working copy has no lexicon.")])
        return Shown(document_of(text), copy)
    found = desk.gate.law.bundle.data.get("lexicon")
    return Shown(found if isinstance(found, dict) else {})


def _kept(desk: Desk, typed: Mapping[str, Any]) -> None:
    """Make a change in this person's working copy.

    Raises NotDone, Superseded if that is not what was seen, OperatorError if there can be none.
    """
    shown = _shown(desk)
    if shown.copy is None or typed["seen"] != shown.mark:
        raise Superseded
    text = changed(shown.text, shown.schema, *_change(typed))
    desk.drafts.save(g.session.account.id, shown.copy.base.id, [Typed(PATH, text, shown.mark)])


def _faults(refused: OperatorError) -> Faults:
    if isinstance(refused, NotDone):
        return [(field, say(text)) for field, text in refused.faults]
    return [("", say(str(refused)))]


def _change(typed: Mapping[str, Any]) -> tuple[Term | None, Term | None]:
    """Return what a form takes away and what it adds. Raises NotDone."""
    before = _known(typed["was"]) if typed["act"] != "add" else None
    after = None if typed["act"] == "remove" else _term(typed)
    if typed["act"] != "add" and before is None:
        raise NotDone([("", "Choose the term first.")])
    return before, after


def _term(typed: Mapping[str, Any]) -> Term:
    group, _, name = typed["kind"].partition("/")
    text = tidy(typed["term"])
    if not text:
        raise NotDone([("term", "Type the term.")])
    if group not in ("classes", "crimes", CRIME_CLASSES):
        raise NotDone([("kind", "Choose the class of words.")])
    return Term(group, name, typed["list"], text)


def key_of(term: Term) -> str:
    """Return how a form names a term that is there."""
    return json.dumps([term.group, term.name, term.list, term.text], ensure_ascii=False)


def _known(key: str) -> Term | None:
    try:
        found = json.loads(key)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or len(found) != 4 or not all(isinstance(one, str) for one in found):
        return None
    return Term(*found) if found[2] in LISTS else None


# --- Counting on past words. ------------------------------------------------------------------------------


def _counted(desk: Desk, shown: Shown, typed: Mapping[str, Any]) -> Count:
    """Count, once that is in the log. Raises NotDone, LedgerUnavailable, StoreUnavailable."""
    before, after = _change({**typed, "act": "add" if not typed["was"] else typed["act"]})
    term = after or before
    if term is None or not countable(term):
        said = "A term is counted from %(number)d letters on, those of its sets not counted."
        raise NotDone([("term", say(said, number=FEWEST_LETTERS))])
    would_be = document_of(changed(shown.text, shown.schema, before, after))
    person = g.session.account
    _log(desk, term)
    judges, reads = may(person.role, "judge_samples"), may(person.role, "read_reviews")
    found = count(
        desk.gate.ledger,
        lambda below: _decisions(desk, below),
        Change(Lexicon.load(shown.document), Lexicon.load(would_be), term),
        shown=lambda query: judges or desk.gate.queries.review(query) is not None,
        examples=_EXAMPLES if reads else 0,
    )
    for example in found.examples:
        seen(desk, example.query_id, "lexicon_example")
    return found


def _decisions(desk: Desk, below: int | None) -> Sequence[StoredEntry]:
    return desk.search.page(Asked(event="query.decided"), before=below, most=_CHUNK).entries


def _log(desk: Desk, term: Term) -> None:
    """Log who counts which term. Raises LedgerUnavailable: then nothing is counted."""
    draft = Draft(
        event="staff.viewed",
        ref=f"event_{secrets.token_hex(12)}",
        clear={},
        secret={
            "by": g.session.account.id,
            "subject": {"class": term.name or term.group, "term": term.text},
            "what": "lexicon_count",
        },
        detail={},
    )
    desk.gate.ledger.append(draft)


# --- The page. --------------------------------------------------------------------------------------------


def _page(
    desk: Desk,
    sessions: Sessions,
    status: int,
    typed: Mapping[str, Any] | None = None,
    faults: Faults = (),  # type: ignore[assignment]  # read only
    counted: Count | None = None,
) -> Response:
    try:
        shown = _shown(desk)
    except OperatorError as broken:
        shown, status = Shown({}), 422
        faults = _faults(broken)
    asked = {name: request.args.get(name, "")[:100] for name in ("q", "kind", "list")}
    change = _known(request.args.get("change", "")[:400])
    if typed is None:
        typed = _opened(change, asked)
    found = [term for term in terms_of(shown.document) if _fits(term, asked)]
    number = request.args.get("page", 0, type=int)
    first = number * PAGE if 0 <= number * PAGE < len(found) else 0
    return page(
        "lexicon.html",
        status,
        **sessions.shown(),
        asked=asked,
        typed=typed,
        faults=faults,
        counted=counted,
        terms=found[first : first + PAGE],
        total=len(found),
        first=first,
        back=_address(asked, number - 1) if first else None,
        forth=_address(asked, first // PAGE + 1) if first + PAGE < len(found) else None,
        groups=[
            (f"{group}/{name}".rstrip("/"), _called(group, name), about)
            for group, name, about in groups_of(shown.document)
        ],
        lists=_LANGUAGES,
        key_of=key_of,
        called=_called,
        editable=shown.copy is not None,
        mark=shown.mark,
        fewest=FEWEST_LETTERS,
        labels=LABELS,
        change_address=lambda term: f"{LEXICON}?{urlencode({**asked, 'change': key_of(term)})}#edit",
    )


def _opened(change: Term | None, asked: Mapping[str, str]) -> dict[str, str]:
    if change is not None:
        kind = f"{change.group}/{change.name}".rstrip("/")
        return {
            "was": key_of(change),
            "kind": kind,
            "list": change.list,
            "term": change.text,
            "act": "change",
        }
    chosen = asked["list"] if asked["list"] in LISTS else "en"
    return {"was": "", "kind": asked["kind"], "list": chosen, "term": "", "act": "add"}


def _fits(term: Term, asked: Mapping[str, str]) -> bool:
    return (
        tidy(asked["q"]) in term.text
        and asked["kind"] in ("", f"{term.group}/{term.name}".rstrip("/"))
        and asked["list"] in ("", term.list)
    )


def _called(group: str, name: str) -> str:
    """Return what a class is called: crimes are told apart from what speaks against a request."""
    if group == CRIME_CLASSES:
        return say("class of crimes")
    said = say(name.replace("_", " "))
    return say("crime: %(name)s", name=said) if group == "crimes" else said


def _address(asked: Mapping[str, str], number: int) -> str:
    return f"{LEXICON}?{urlencode({**{k: v for k, v in asked.items() if v}, 'page': number})}"
