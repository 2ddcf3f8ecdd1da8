"""What a person may do about one denied request: ask, note, hand to counsel, uphold, or rule on a provision.

The procedure: (1) the person may act on this request, at this level, and it is not their own or their
agency's; (2) the reason says something; (3) for a ruling, the policy is asked what it answers with it;
(4) the entry, the ruling and the review's move are one commit. Guarantees: a ruling is a fact for the one
provision that it names and expires after 72 hours; whether the request is permitted is the policy's word,
here and again at the release; two people who read the same state cannot both act on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from gatekeeper.errors import OperatorError, UnknownQuery
from gatekeeper.exchange import Gate, asked, reconsider
from gatekeeper.exchange.decide import Decision, Denial
from gatekeeper.exchange.interfaces import ReviewRow
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.rulings import LIFE, rulings
from gatekeeper.ledger import Draft, Json, Row
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import may

CLOSED: Final = frozenset({"withdrawn", "expired", "permitted"})


@dataclass(frozen=True, slots=True)
class Ruling:
    """One provision, ruled on at one level, for one body (its fingerprint under a day's key), until then."""

    provision: str
    level: str
    expires_at: datetime
    body_fp: bytes
    fp_day: date


class Move(Protocol):
    """Makes the rows that move a review on from the version that was read; raises OperatorError."""

    def __call__(
        self,
        review: Any,
        to: str,
        *,
        event: str,
        ref: str,
        at: datetime,
        actor: str,
        due_at: datetime | None = None,
        ruling: Any = None,
    ) -> Sequence[Row]:
        """Return the rows."""


@dataclass(frozen=True, slots=True)
class Case:
    """One denied request: how it was asked, how its review stands, what is ruled, what the policy says."""

    query_id: str
    query: Query
    review: ReviewRow
    rulings: Mapping[str, Json]
    decision: Decision

    @property
    def unmet(self) -> tuple[str, ...]:
        """Name the provisions that deny it as things stand now, in the order of the law."""
        return tuple(provision.code for provision in self.decision.unmet)


def open_case(gate: Gate, query_id: str) -> Case:
    """Return the case as it stands now: the policy is asked with every ruling in force.

    Raises UnknownQuery if there is no review of it, KeyErased if what was asked has been erased.
    """
    review = gate.queries.review(query_id)
    if review is None:
        raise UnknownQuery(query_id)
    query = asked(gate, query_id)
    ruled = rulings(
        gate.queries,
        gate.keys,
        gate.engine.bundle.catalogue,
        query_id=query_id,
        digest=query.digest,
        at=gate.clock.now(),
    )
    return Case(query_id, query, review, ruled or {}, reconsider(gate, review.agency_id, query, ruled))


@dataclass(frozen=True, slots=True)
class Hearing:
    """One person before one case. Every act raises OperatorError with all that stands in its way.

    It also raises Superseded if somebody else acted meanwhile, LedgerUnavailable and PolicyUnavailable;
    nothing was done then.
    """

    gate: Gate
    move: Move
    case: Case
    person: Account

    def faults(self, reason: str) -> list[str]:
        """Say everything that stands in the way of any act, each with its cure."""
        found = []
        if self.person.agency_id is not None and self.person.agency_id == self.case.review.agency_id:
            found.append("Your own agency asked this. Somebody else must act on it.")
        if not may(self.person.role, "rule_as_staff"):
            found.append("Your role only reads. Ask somebody of the records staff or counsel.")
        if self.case.review.state in CLOSED:
            found.append(f"The review is {self.case.review.state}: nothing more can be done about it.")
        if (fault := fault_of(reason)) is not None:
            found.append(fault)
        return found

    def would(self, provision: str) -> Decision:
        """Return what the policy would answer with this ruling; nothing is written."""
        ruled = {**self.case.rulings, provision: self.level}
        return reconsider(self.gate, self.case.review.agency_id, self.case.query, ruled)

    def rule(self, provision: str, reason: str) -> None:
        """Rule that one provision is met; the review is permitted if the policy then permits."""
        _refuse([*self.faults(reason), *self._beyond_ruling(provision)])
        still_denied, at = isinstance(self.would(provision), Denial), self.gate.clock.now()
        ruling = Ruling(
            provision=provision,
            level=self.level,
            expires_at=at + LIFE,
            body_fp=self.gate.keys.fingerprint(at.date(), "body", self.case.query.digest.encode("ascii")),
            fp_day=at.date(),
        )
        to = self.case.review.state if still_denied else "permitted"
        clear: dict[str, Json] = {"provisions": [provision], "review": self.level, "ruling": "permitted"}
        self._commit("review.ruled", to, reason, clear, ruling)

    def uphold(self, reason: str) -> None:
        """Let the denial stand."""
        _refuse(self.faults(reason))
        self._commit("review.ruled", "upheld", reason, {**self._about(), "ruling": "upheld"})

    def ask(self, question: str) -> None:
        """Ask the agency for what is missing."""
        _refuse(self.faults(question))
        self._commit("review.asked", "needs_information", question, self._about())

    def escalate(self, reason: str) -> None:
        """Hand the request to counsel."""
        _refuse(self.faults(reason))
        self._commit("review.escalated", "escalated", reason, self._about())

    @property
    def level(self) -> str:
        """Say at which level this person rules."""
        return "counsel" if may(self.person.role, "rule_as_counsel") else "staff"

    def _beyond_ruling(self, provision: str) -> list[str]:
        unmet = {each.code: each.review for each in self.case.decision.unmet}
        if provision not in unmet:
            return ["That provision does not deny this request (any more). Load the page again."]
        if unmet[provision] == "none":
            return ["No ruling reaches that provision: the law leaves nothing to decide."]
        if unmet[provision] == "counsel" and self.level != "counsel":
            return ["Counsel must rule on that provision. Hand the request to counsel."]
        return []

    def _about(self) -> dict[str, Json]:
        return {"provisions": list(self.case.review.provisions), "review": self.case.review.level}

    def _commit(
        self, event: str, to: str, reason: str, clear: Mapping[str, Json], ruling: Ruling | None = None
    ) -> None:
        case, person, said = self.case, self.person, tidy(reason)
        draft = Draft(
            event=event,
            ref=case.query_id,
            clear={"agency": case.review.agency_id, **clear},
            secret={"by": person.id, "reason": said},
            detail={"by": person.name, "role": person.role, "said": said},
        )
        rows = self.move(
            case.review,
            to,
            event=event,
            ref=case.query_id,
            at=self.gate.clock.now(),
            actor=person.id,
            ruling=ruling,
        )
        self.gate.ledger.append(draft, rows)


def _refuse(found: Sequence[str]) -> None:
    if found:
        raise OperatorError(" ".join(found))
