"""From ruling to law: a decision that people have ruled on becomes a case that the law is tested by.

The procedure: (1) the decision is written down as a line that decides it, and must be decided so again;
(2) everything private in it is replaced (``stand_ins``); (3) the policy is asked with the replaced line, and
must answer the same; (4) nothing of the request may be left in it; (5) somebody who approves policies, and
did not propose it, accepts or rejects it. Guarantees: what is stored is (3) and (4) as checked then, names no
query, no agency and no person, and dates from the day of the proposal; the way from a case back to its query
is in the log's sealed detail alone, and is erased with that day's key.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from gatekeeper.errors import InvalidRequest, OperatorError, UnknownQuery
from gatekeeper.exchange import Gate
from gatekeeper.exchange.lines import decide_document
from gatekeeper.exchange.parse import Query, as_recorded
from gatekeeper.exchange.process import verified
from gatekeeper.exchange.rulings import rulings
from gatekeeper.exchange.screen import screen
from gatekeeper.ledger import Draft, Json, Row
from gatekeeper.review.accounts import Account
from gatekeeper.review.case_lines import Recorded
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import may
from gatekeeper.review.stand_ins import Original, Private, Texts

RULED: Final = ("permitted", "upheld")
"""The states of a review that a case can be made of."""
FIXED: Final = frozenset({"plate", "agency.id"})
"""What is replaced and never edited."""
LONGEST_TITLE: Final = 80
_FOLDERS: Final = {"permit": "permitted", "deny": "denied"}
_TITLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,()'-]*")


class Fault(NamedTuple):
    """What is in a case's way: the field ("" for the whole), what to do, and the values in that sentence."""

    field: str
    message: str
    values: Mapping[str, str]


class Case(Protocol):
    """A proposed case, as the store keeps it: nothing here is private."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def provision(self) -> str: ...  # noqa: D102
    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def document(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def proposed_at(self) -> datetime: ...  # noqa: D102
    @property
    def proposed_by(self) -> str: ...  # noqa: D102
    @property
    def decided_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def decided_by(self) -> str | None: ...  # noqa: D102


class Cases(Protocol):
    """Keeps proposed cases. Reading raises StoreUnavailable, nothing else."""

    def all(self) -> Sequence[Case]:
        """Return every case, the latest first."""

    def get(self, case_id: str, /) -> Case | None:
        """Return one, or None."""

    def proposed(
        self, *, case_id: str, name: str, provision: str, outcome: str, document: str, by: str, at: datetime
    ) -> Sequence[Row]:
        """Return the rows of a new proposal."""

    def decided(self, case_id: str, state: str, *, by: str, at: datetime) -> Sequence[Row]:
        """Return the rows that accept or reject a proposal that nobody has decided yet."""


def recorded(gate: Gate, query_id: str, person: Account) -> Recorded:
    """Return a decision that a case can be made of.

    Raises UnknownQuery if there is no review of it, KeyErased if what was asked has been erased, and
    OperatorError if nobody has ruled on it, if it is this person's own agency's, or if the policy does not
    answer any more as it did.
    """
    review = gate.queries.review(query_id)
    if review is None:
        raise UnknownQuery(query_id)
    if person.agency_id is not None and person.agency_id == review.agency_id:
        raise OperatorError("Your own agency asked this. Somebody else must propose a case of it.")
    moves = [m for m in gate.queries.review_events(query_id) if m.state in RULED]
    if review.state not in RULED or not moves:
        raise OperatorError("A case is made of a request that was permitted or upheld. This one is neither.")
    facts, query = _facts(gate, query_id, review.agency_id, moves[-1].at)
    original = _original(gate, facts, query)
    outcome = "permit" if review.state == "permitted" else "deny"
    verdict = gate.engine.evaluate(facts)
    made = Recorded(facts, query, original, (), "", gate.clock.now().date())
    answers = _answers(gate, made, original.texts)
    answered = answers[0]
    if answered is None or answered["outcome"] != outcome or answered["provisions"] != [*verdict.unmet]:
        raise OperatorError(
            "The policy, asked again with what is on record, does not answer as it did: the law, or what is "
            "known of the agency, has changed. No case can be made of it."
        )
    ruled = [m.provision for m in moves if m.provision is not None]
    about = ruled[-1:] if outcome == "permit" and ruled else verdict.unmet or review.provisions
    return replace(made, answers=answers, provision=str(about[0]))


def faults(gate: Gate, case: Recorded, title: str, texts: Texts) -> list[Fault]:
    """Say all that is in the way of a case with these words. Raises PolicyUnavailable."""
    found = []
    if not _TITLE.fullmatch(title) or len(title) > LONGEST_TITLE or sum(map(str.isalpha, title)) < 5:
        found.append(Fault("title", "Say in a few plain words what the case shows.", {}))
    for left in Private(case.original).left_in({"title": title, **texts}):
        if left.word is None:
            found.append(Fault(left.field, "The plate that was asked about is still in it.", {}))
        else:
            found.append(Fault(left.field, "“%(word)s” is still of the request.", {"word": left.word}))
    if _answers(gate, case, texts) == case.answers:
        return found
    changed = [name for name, text in texts.items() if _changes(gate, case, name, text)]
    said = "With these words the policy answers otherwise than it did. Keep what it judged."
    return found + [Fault(name, said, {}) for name in changed or [""]]


def propose(
    gate: Gate, cases: Cases, case: Recorded, person: Account, *, query_id: str, title: str, texts: Texts
) -> str:
    """Keep the case for those who approve policies; return its id.

    Raises OperatorError if anything is in its way (see ``faults``), LedgerUnavailable, StoreUnavailable.
    """
    if not may(person.role, "propose_case") or faults(gate, case, title, texts):
        raise OperatorError("There is something in the way of this case; look at it again.")
    case_id, at = f"case_{secrets.token_hex(12)}", gate.clock.now()
    document = {**case.document(texts), "expect": case.expected}
    outcome = str(case.expected["outcome"])
    rows = cases.proposed(
        case_id=case_id,
        name=_name(gate, case.provision, title),
        provision=case.provision,
        outcome=outcome,
        document=json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        by=person.id,
        at=at,
    )
    gate.ledger.append(
        Draft(
            event="policy.case_proposed",
            ref=case_id,
            clear={"outcome": outcome, "provisions": _public(gate, case.provision)},
            secret={"by": person.id},
            detail={"query": query_id, "by": person.name, "role": person.role},
        ),
        rows,
    )
    return case_id


def settle(gate: Gate, cases: Cases, case: Case, person: Account, *, accepted: bool, reason: str) -> None:
    """Accept a proposed case, or reject it.

    Raises OperatorError with all that stands in the way, Superseded if somebody else was first,
    LedgerUnavailable, StoreUnavailable.
    """
    found = []
    if not may(person.role, "approve_policies"):
        found.append("Your role does not approve policies.")
    if person.id == case.proposed_by:
        found.append("You proposed this case. Somebody else must accept or reject it.")
    if case.state != "proposed":
        found.append("This case has been decided already.")
    if (fault := fault_of(reason)) is not None:
        found.append(fault)
    if found:
        raise OperatorError(" ".join(found))
    state, said = "accepted" if accepted else "rejected", tidy(reason)
    gate.ledger.append(
        Draft(
            event=f"policy.case_{state}",
            ref=case.id,
            clear={"outcome": case.outcome, "provisions": _public(gate, case.provision)},
            secret={"by": person.id, "reason": said},
            detail={"by": person.name, "role": person.role, "said": said},
        ),
        cases.decided(case.id, state, by=person.id, at=gate.clock.now()),
    )


def path_of(case: Case) -> str:
    """Return where the case belongs, below ``policies/cases``."""
    return f"{_FOLDERS[case.outcome]}/{case.name}.json"


def _facts(gate: Gate, query_id: str, agency_id: str, at: datetime) -> tuple[dict[str, Any], Query]:
    """Return what the policy was last asked with, and what people had established when they ruled."""
    entries = gate.ledger.entries_of(query_id)
    ruled = max((e.index for e in entries if e.event == "review.ruled"), default=-1)
    before = [e for e in entries if e.event == "query.decided" and e.index < ruled]
    if not before:
        raise OperatorError("There is no decision on record that somebody ruled on.")
    detail = gate.ledger.detail_of(before[-1].index).detail
    body: Any = detail["body"]
    facts: Any = detail["input"]
    query = as_recorded(body)
    in_force = rulings(
        gate.queries,
        gate.keys,
        gate.engine.bundle.catalogue,
        query_id=query_id,
        digest=query.digest,
        at=at,
    )
    found = dict(facts) | {"ruling": None if in_force is None else dict(in_force)}
    if found["legal_process"] is not None:
        seen = verified(gate.queries, gate.keys, agency_id, query, at)
        found["legal_process"] = {**found["legal_process"], "verified": seen}
    return found, query


def _original(gate: Gate, facts: Mapping[str, Any], query: Query) -> Original:
    """Return the request's own words, the parties' names, and the terms in all of them."""
    snapshot, behalf = gate.registry.snapshot(), query.on_behalf_of
    agency = snapshot.agency(facts["agency"]["id"]) if facts["agency"]["known"] else None
    end = None if behalf is None else snapshot.agency(behalf.agency)
    typed = query.typed_words()
    named = {"agency.name": agency.name} if agency is not None else {}
    named |= {"end_requester.name": end.name} if end is not None else {}
    matches = screen(typed | named, gate.lexicon).matches
    fixed = {"plate": query.plate} if query.plate else {}
    if agency is not None:
        fixed["agency.id"] = agency.id
    return Original(typed | named | fixed, matches)


def _answers(gate: Gate, case: Recorded, texts: Texts) -> tuple[dict[str, Json] | None, ...]:
    document = case.document(texts)
    if case.facts["ruling"] is None:
        return (_answer(gate, document),)
    unruled = replace(case, facts={**case.facts, "ruling": None}).document(texts)
    return _answer(gate, document), _answer(gate, unruled)


def _answer(gate: Gate, document: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what the policy answers to a line; None if a request like that could not be sent."""
    try:
        decision = decide_document(dict(document), gate.engine, gate.lexicon)
    except InvalidRequest:
        return None
    codes: list[Json] = [provision.code for provision in decision.unmet]
    return {"outcome": decision.outcome, "provisions": codes, "review": decision.review}


def _changes(gate: Gate, case: Recorded, name: str, text: str) -> bool:
    """Say whether this one replacement, and nothing else, makes the policy answer otherwise."""
    alone = {**case.original.texts, name: text}
    return _answers(gate, case, alone) != case.answers


def _name(gate: Gate, code: str, title: str) -> str:
    """Return a file's name that begins with its paragraph, as every case's does."""
    rules = gate.engine.bundle.catalogue[code].rules
    words = re.findall(r"[a-z0-9]+", f"{rules[0] if rules else code} {title}".lower())
    return "-".join(words)


def _public(gate: Gate, code: str) -> list[Json]:
    return [*gate.engine.bundle.written.public([code])]
