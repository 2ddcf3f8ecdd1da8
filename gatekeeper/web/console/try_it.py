"""Try it: a request, made up or past, under the law in force and under a candidate, with the reasons of each.

Guarantees: nothing is decided here that has an effect, and nothing is logged as a query; a made-up request is
kept nowhere. To open a past one is an entry in the log, written before the page is made; its plate is not
shown; a past permit, which nobody reviews, opens only to who judges samples of them. A text with a provision
that the public may not know of is tried only by who may read requests. An explanation that takes too long is
left out, and the verdict stands without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, g, request

from gatekeeper.errors import (
    BundleRefused,
    InvalidRequest,
    NotExplained,
    PolicyUnavailable,
    UnknownQuery,
)
from gatekeeper.exchange.bodies import CATEGORIES, PROCESS_KINDS
from gatekeeper.ledger import Json
from gatekeeper.ledger.stops import KINDS
from gatekeeper.policy import Bundle
from gatekeeper.review.roles import may
from gatekeeper.revisions.bench import OWN, Candidate, Past, Ready, Tried, past, tried, tried_again
from gatekeeper.revisions.trace import Explained
from gatekeeper.web.console import try_form
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.marks import Meaning, Typed, meanings, typed_fields
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.reviews import seen
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.console.trace_words import name_of, sentence, shown, values

TRY: Final = "/console/policies/try"


@dataclass(frozen=True, slots=True)
class Side:
    """One law's answer as the page shows it; ``fault`` says why there is none."""

    name: str
    in_force: bool = False
    said: Tried | None = None
    explained: Explained | None = None
    fault: str = ""
    faults: Sequence[str] = ()
    fields: Sequence[Typed] = ()
    meanings: Sequence[Meaning] = ()


class Line(NamedTuple):
    """One provision under both laws: met, not met, or None where a law does not have it."""

    code: str
    title: str
    stands: Sequence[bool | None]

    @property
    def differs(self) -> bool:
        """Whether the laws say different things of it."""
        return len(set(self.stands)) > 1


class Due(NamedTuple):
    """One obligation under both laws."""

    name: str
    values: Sequence[str | None]

    @property
    def differs(self) -> bool:
        """Whether the laws say different things of it."""
        return len(set(self.values)) > 1


def add_try_it(  # noqa: C901  (its routes)
    blueprint: Blueprint, desk: Desk, sessions: Sessions
) -> None:
    """Add the routes of trying a request."""

    @blueprint.get("/policies/try")
    @sessions.needs("read_policies")
    def try_form_page() -> Response:
        if _keeps_back(desk.gate.law.bundle):
            return page("forbidden.html", 403, **sessions.shown())
        query, candidate = (request.args.get(name, "").strip() for name in ("query", "candidate"))
        if query:
            return see(f"{TRY}/{quote(query, safe='')}?{urlencode({'candidate': candidate})}")
        return _shown(desk, sessions, 200, _opened(desk, candidate))

    @blueprint.post("/policies/try")
    @sessions.needs("read_policies")
    def try_request() -> Response:
        if _keeps_back(desk.gate.law.bundle):
            return page("forbidden.html", 403, **sessions.shown())
        typed, faults = read(try_form.FORM)
        typed["ruled"] = try_form.ruled()
        if faults:
            return _shown(desk, sessions, 422, typed, faults=faults)
        try:
            sides = _made_up(desk, typed)
        except InvalidRequest as refused:
            return _shown(desk, sessions, 422, typed, faults=try_form.faults_of(refused))
        return _shown(desk, sessions, 200, typed, sides=sides)

    @blueprint.get("/policies/try/<query_id>")
    @sessions.needs("read_reviews")
    def try_past(query_id: str) -> Response:
        try:
            before = past(desk.gate, query_id)
        except UnknownQuery:
            return page("missing.html", 404, **sessions.shown())
        if desk.gate.queries.review(query_id) is None and not may(g.session.account.role, "judge_samples"):
            return page("forbidden.html", 403, **sessions.shown())
        seen(desk, query_id, "tried")
        candidate = request.args.get("candidate", "")
        sides = _again(desk, before, candidate)
        return _shown(desk, sessions, 200, _opened(desk, candidate), sides=sides, before=before)


def _keeps_back(bundle: Bundle) -> bool:
    """Say whether a text has a provision that this person may not know of: any answer of it could tell."""
    return not may(g.session.account.role, "read_reviews") and any(
        not provision.public for provision in bundle.written.values()
    )


def _opened(desk: Desk, candidate: str) -> dict[str, Any]:
    today = desk.gate.clock.now().date()
    return {**try_form.flawless(desk.gate.engine.bundle, today), "candidate": candidate}


def _shown(
    desk: Desk,
    sessions: Sessions,
    status: int,
    typed: Mapping[str, Any],
    *,
    faults: Sequence[tuple[str, str]] = (),
    sides: Sequence[Side] = (),
    before: Past | None = None,
) -> Response:
    bundle = desk.gate.engine.bundle
    offenses: Any = bundle.data.get("offenses")
    return page(
        "try.html",
        status,
        **sessions.shown(),
        typed=typed,
        faults=faults,
        sides=sides,
        before=before,
        candidates=_candidates(desk),
        lines=_lines(sides),
        dues=_dues(sides),
        difference=_difference(sides),
        agencies=sorted(desk.gate.registry.snapshot().agencies(), key=lambda agency: agency.name),
        kinds=KINDS,
        categories=CATEGORIES,
        papers=PROCESS_KINDS,
        offenses=offenses["codes"] if isinstance(offenses, dict) else {},
        reviewed=[one for one in bundle.catalogue.values() if one.review != "none"],
        titles={code: one.title for code, one in bundle.catalogue.items()},
        sentence=sentence,
        name_of=name_of,
        said_value=shown,
        said_values=values,
        own=OWN,
    )


def _made_up(desk: Desk, typed: Mapping[str, Any]) -> list[Side]:
    """Return what each law says of what was typed. Raises InvalidRequest if it cannot be read."""

    def ask(law: Ready) -> Tried:
        return tried(law, try_form.line_of(desk, law.bundle, typed))

    return _sides(desk, typed["candidate"], ask)


def _again(desk: Desk, before: Past, candidate: str) -> list[Side]:
    """Return what each law says of recorded facts; nothing, if they were erased."""
    decided = before.decided
    if decided is None:
        return []

    return _sides(desk, candidate, lambda law: tried_again(desk.gate, law, decided))


def _sides(desk: Desk, candidate: str, ask: Callable[[Ready], Tried]) -> list[Side]:
    """Return what the law in force says, and the candidate if there is one. Raises what *ask* does."""
    law = _in_force(desk)
    try:
        said = ask(law)
    except PolicyUnavailable:
        said = None
    sides = [_side(law, said, "", in_force=True)]
    return [*sides, _candidate(desk, candidate, ask)] if candidate else sides


def _in_force(desk: Desk) -> Ready:
    return desk.bench.in_force(desk.gate.law)


def _candidates(desk: Desk) -> list[Candidate]:
    return desk.bench.candidates(g.session.account.id)


def _candidate(desk: Desk, candidate_id: str, ask: Callable[[Ready], Tried]) -> Side:
    """Return what a candidate says, or why it says nothing."""
    name = next((one.name for one in _candidates(desk) if one.id == candidate_id), "")
    name = say("your working copy") if candidate_id == OWN else name
    try:
        law = desk.bench.under(candidate_id, g.session.account.id)
    except BundleRefused as refused:
        return Side(name, fault=say("This is not yet a law that could be tried:"), faults=refused.faults)
    if _keeps_back(law.bundle):
        said = say("A provision of this text is not public. Only who may read requests tries it.")
        return Side(name, fault=said)
    try:
        return _side(law, ask(law), name, in_force=False)
    except InvalidRequest as refused:
        reasons = [fault.message for fault in refused.faults]
        return Side(name, fault=say("Under this law the request cannot be read."), faults=reasons)
    except PolicyUnavailable:
        return _side(law, None, name, in_force=False)


def _side(law: Ready, said: Tried | None, name: str, *, in_force: bool) -> Side:
    name = name or law.bundle.revision
    if said is None:
        fault = say("This law gives no answer to these facts: such a request would be refused, not decided.")
        return Side(name, in_force, fault=fault)
    try:
        explained = law.explainer.explain(said.facts)
    except NotExplained:
        explained = None
    return Side(
        name,
        in_force,
        said,
        explained,
        fields=typed_fields(said.words, said.matches),
        meanings=meanings(said.matches, law.bundle.data.get("lexicon")),
    )


def _lines(sides: Sequence[Side]) -> list[Line]:
    """Return every provision of either law, in the order of the first that has it."""
    said = [side.said for side in sides if side.said is not None]
    titles: dict[str, str] = {}
    for one in said:
        for code, provision in one.law.bundle.catalogue.items():
            titles.setdefault(code, provision.title)
    return [Line(code, title, [_stands(one, code) for one in said]) for code, title in titles.items()]


def _stands(said: Tried, code: str) -> bool | None:
    if code not in said.law.bundle.catalogue:
        return None
    return all(provision.code != code for provision in said.unmet)


def _dues(sides: Sequence[Side]) -> list[Due]:
    """Return what is owed under each law that permits."""
    said = [side.said for side in sides if side.said is not None]
    owed = [one.obligations for one in said if one.obligations is not None]
    names = {name: None for one in owed for name in one}
    return [Due(name, [_owed(one, name) for one in owed]) for name in names]


def _owed(obligations: Mapping[str, Json], name: str) -> str | None:
    if name not in obligations:
        return None
    value = obligations[name]
    if isinstance(value, list):
        return ", ".join(sorted(map(str, value)))
    return shown(value)


def _difference(sides: Sequence[Side]) -> str | None:
    """Say in one word how two laws differ on a request; None if there are no two answers."""
    said = [side.said for side in sides]
    if len(said) != 2 or said[0] is None or said[1] is None:
        return None
    if said[0].outcome != said[1].outcome:
        return "outcome"
    if [one.code for one in said[0].unmet] != [one.code for one in said[1].unmet]:
        return "reasons"
    if any(due.differs for due in _dues(sides)):
        return "obligations"
    return "none"
