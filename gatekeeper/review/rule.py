"""What a person may do about one denied request: ask, note, hand over, uphold, rule, take a ruling back.

The procedure: (1) the person may act on this request, at this level, and it is not their own or their
agency's; (2) the reason says something; (3) for a ruling, the policy is asked what it answers with it;
(4) the entry, the ruling and the review's move are one commit. Guarantees: a ruling is a fact for the one
provision that it names and expires after 72 hours; whether the request is permitted is the policy's word,
here and again at the release; what two people must rule tells the policy nothing before the second has; a
ruling that is taken back lets out nothing that was decided on it and has not left; two people who read the
same state cannot both act on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from gatekeeper.errors import NotDone
from gatekeeper.exchange import Gate, reconsider
from gatekeeper.exchange.decide import Decision, Permit
from gatekeeper.exchange.rulings import LIFE, TAKEN_BACK, decided_anew
from gatekeeper.ledger import Draft, Json, Row
from gatekeeper.review.accounts import Account
from gatekeeper.review.case import Case
from gatekeeper.review.queue import WAITING
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import may

Faults = list[tuple[str, str]]
"""What stands in the way: the form's field that it is about ("" for the whole), and what to do about it."""

HANDLED: Final = frozenset(WAITING)
ANY_STATE: Final = frozenset({*WAITING, "upheld", "permitted", "withdrawn", "expired"})
_OVER: Final = "The review is over: nothing more can be done about it, but for a note."
_WITH_COUNSEL: Final = "The request was handed to counsel: until counsel acts, you can only write a note."


@dataclass(frozen=True, slots=True)
class Ruling:
    """One provision, ruled on at one level, for one body (its fingerprint under a day's key), until then."""

    provision: str
    level: str
    expires_at: datetime
    body_fp: bytes
    fp_day: date


@dataclass(frozen=True, slots=True)
class TakenBack:
    """One provision, on which no ruling counts any more."""

    provision: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the policy would answer with a ruling: at once, and once the second person has ruled as well."""

    answer: Decision
    second: tuple[str, ...]
    agreed: Decision


@dataclass(frozen=True, slots=True)
class Hearing:
    """One person before one case. Every act raises NotDone with all that stands in its way.

    It also raises Superseded if somebody else acted meanwhile, LedgerUnavailable and PolicyUnavailable;
    nothing was done then.
    """

    gate: Gate
    case: Case
    person: Account

    # --- What stands in the way. --------------------------------------------------------------------------

    def faults(self, reason: str, states: frozenset[str] = HANDLED) -> Faults:
        """Say everything that stands in the way of an act on a review in these states, each with its cure."""
        found = [("", told) for told in self.barred()]
        if self.case.review.state not in states:
            found.append(("", _OVER))
        if states == HANDLED and self.with_counsel:
            found.append(("", _WITH_COUNSEL))
        if (fault := fault_of(reason)) is not None:
            found.append(("reason", fault))
        return found

    def barred(self) -> list[str]:
        """Say why this person has no part in this request at all, if so."""
        found, own = [], self.person.agency_id
        situation = self.case.decision.situation
        for_whom = None if situation.end_requester is None else situation.end_requester.id
        if own is not None and own in {self.case.review.agency_id, for_whom}:
            found.append("Your own agency asked this. Somebody else must act on it.")
        # A namesake loses nothing but the turn; whoever asked under a second hat must not also rule.
        if _name(self.person.name) & self._named():
            found.append("The request names somebody of your name. Somebody else must act on it.")
        if not may(self.person.role, "rule_as_staff"):
            found.append("Your role only reads. Ask somebody of the records staff or counsel.")
        return found

    def beyond(self, provision: str) -> str | None:
        """Say why this person may not rule on a provision now, or None if they may."""
        unmet = {each.code: each for each in self.case.decision.unmet}
        if provision not in unmet:
            return "That provision does not deny this request (any more). Load the page again."
        if provision not in self.case.review.provisions:
            return "That provision denies the request only since it came here. The agency must ask anew."
        if unmet[provision].review == "none":
            return "No ruling reaches that provision: the law leaves nothing to decide."
        if unmet[provision].review == "counsel" and self.level != "counsel":
            return "Counsel must rule on that provision. Hand the request to counsel."
        said = self.case.standing.get(provision)
        if said is not None and said.by(self.person.id):
            return "You have ruled on that provision. Now a second person must."
        return None

    @property
    def with_counsel(self) -> bool:
        """Say whether the request was handed to counsel, and this person is none: they may only note."""
        return self.case.review.state == "escalated" and self.level != "counsel"

    @property
    def level(self) -> str:
        """Say at which level this person rules."""
        return "counsel" if may(self.person.role, "rule_as_counsel") else "staff"

    # --- Rulings. -----------------------------------------------------------------------------------------

    def would(self, provisions: Sequence[str]) -> Outlook:
        """Return what the policy would answer with these rulings; nothing is written."""
        catalogue, now, second = self.gate.engine.bundle.catalogue, self.case.rulings, []
        agreed: dict[str, Json] = {}
        for code in provisions:
            said = self.case.standing.get(code)
            if not catalogue[code].two_people:
                now[code] = self.level
            elif said is not None and not said.by(self.person.id):
                now[code] = self.level if said.level == "counsel" else said.level
            else:
                second.append(code)
                agreed[code] = self.level
        answer = self._asked_with(now)
        return Outlook(answer, tuple(second), self._asked_with(now | agreed) if agreed else answer)

    def rule(self, provisions: Sequence[str], reason: str) -> None:
        """Rule that these provisions are met; the review is permitted if the policy then permits."""
        codes = tuple(dict.fromkeys(provisions))
        chosen = [("provision", told) for told in dict.fromkeys(map(self.beyond, codes)) if told is not None]
        if not codes:
            chosen = [("provision", "Choose what you rule on.")]
        _refuse([*self.faults(reason), *chosen])
        permits, at = isinstance(self.would(codes).answer, Permit), self.gate.clock.now()
        bound = self.gate.keys.fingerprint(at.date(), "body", self.case.query.digest.encode("ascii"))
        made = [Ruling(code, self.level, at + LIFE, bound, at.date()) for code in codes]
        clear: dict[str, Json] = {"provisions": [*codes], "review": self.level, "ruling": "permitted"}
        self._commit("review.ruled", "permitted" if permits else None, reason, clear, made, at=at)

    def take_back(self, provision: str, reason: str) -> None:
        """Take every ruling on a provision back: whoever made one may, and counsel may for anybody.

        What was permitted is so no more; it waits for a person again.
        """
        found, said = self.faults(reason, frozenset({*WAITING, "permitted"})), self._on_record(provision)
        if not said:
            found.append(("provision", "Nobody's ruling on that provision is on record (any more)."))
        elif self.person.id not in said and self.level != "counsel":
            found.append(("provision", "Only who made a ruling, or counsel, can take it back."))
        _refuse(found)
        to = "queued" if self.case.review.state == "permitted" else None
        clear: dict[str, Json] = {"provisions": [provision], "review": self.level}
        anew = decided_anew(self.gate.registry.snapshot().state)
        self._commit(TAKEN_BACK, to, reason, clear, [TakenBack(provision)], (anew,))

    # --- The other acts. ----------------------------------------------------------------------------------

    def uphold(self, reason: str) -> None:
        """Let the denial stand; every ruling on record ends with it, also for what has not left yet."""
        _refuse(self.faults(reason))
        anew = (decided_anew(self.gate.registry.snapshot().state),) if self.case.standing else ()
        clear = {**self._about(), "ruling": "upheld"}
        self._commit("review.ruled", "upheld", reason, clear, beside=anew)

    def ask(self, question: str) -> None:
        """Ask the agency for what is missing."""
        _refuse(self.faults(question))
        self._commit("review.asked", "needs_information", question, self._about())

    def escalate(self, reason: str) -> None:
        """Hand the request to counsel."""
        _refuse(self.faults(reason))
        self._commit("review.escalated", "escalated", reason, self._about())

    def reopen(self, reason: str) -> None:
        """Take up again what was upheld: counsel alone may, before whom it then is."""
        found = self.faults(reason, frozenset({"upheld"}))
        if self.level != "counsel":
            found.append(("", "Only counsel takes up again what was upheld."))
        _refuse(found)
        self._commit("review.escalated", "escalated", reason, self._about())

    def note(self, text: str) -> None:
        """Write something down for the staff: it moves nothing, so it is possible in every state."""
        _refuse(self.faults(text, ANY_STATE))
        self.gate.ledger.append(self._draft("review.noted", text, {}))

    # --- What they share. ---------------------------------------------------------------------------------

    def _asked_with(self, ruled: Mapping[str, Json]) -> Decision:
        case = self.case
        return reconsider(self.gate, case.review.agency_id, case.query, ruled, query_id=case.query_id)

    def _named(self) -> set[frozenset[str]]:
        query = self.case.query
        behalf = "" if query.on_behalf_of is None else query.on_behalf_of.person
        return {name for typed in (query.requester.name, behalf) for name in _name(typed)}

    def _on_record(self, provision: str) -> set[str]:
        said = self.case.standing.get(provision)
        return set() if said is None else {event.actor for event in said.made}

    def _about(self) -> dict[str, Json]:
        return {"provisions": list(self.case.review.provisions), "review": self.case.review.level}

    def _draft(self, event: str, reason: str, clear: Mapping[str, Json]) -> Draft:
        person, said = self.person, tidy(reason)
        told: dict[str, Json] = {"agency": self.case.review.agency_id, **clear}
        secret: dict[str, Json] = {"by": person.id, "reason": said}
        detail: dict[str, Json] = {"by": person.name, "role": person.role, "said": said}
        if isinstance(codes := told.get("provisions"), list):
            # What the law does not let the public know is committed to, and named in the sealed part alone.
            public = self.gate.engine.bundle.written.public(map(str, codes))
            hidden = [code for code in codes if code not in public]
            told["provisions"] = [*public]
            secret["hidden_provisions"] = detail["hidden_provisions"] = hidden
        return Draft(event=event, ref=self.case.query_id, clear=told, secret=secret, detail=detail)

    def _commit(
        self,
        event: str,
        to: str | None,
        reason: str,
        clear: Mapping[str, Json],
        ruled: Sequence[Ruling | TakenBack | None] = (None,),
        beside: Sequence[Row] = (),
        *,
        at: datetime | None = None,
    ) -> None:
        """Commit the entry with a move for each thing ruled on; the last of them leads ``to`` its state.

        All of them have one moment, from which a ruling's time runs: ``at``, else now.
        """
        review: Any = self.case.review
        moment = self.gate.clock.now() if at is None else at
        rows, last = list(beside), len(ruled) - 1
        for number, ruling in enumerate(ruled):
            state = to if to is not None and number == last else review.state
            rows += self.gate.move_review(
                review,
                state,
                event=event,
                ref=self.case.query_id,
                at=moment,
                actor=self.person.id,
                ruling=ruling,
            )
            review = replace(review, version=review.version + 1)
        self.gate.ledger.append(self._draft(event, reason, clear), rows)


def alike(one: str, other: str) -> bool:
    """Say whether two names have the same words, in whatever order."""
    return not _name(one).isdisjoint(_name(other))


def _name(typed: str) -> set[frozenset[str]]:
    """Return what a name is compared by: its words in any order, none if it has none."""
    words = frozenset("".join(c if c.isalnum() else " " for c in typed.casefold()).split())
    return {words} if words else set()


def _refuse(found: Faults) -> None:
    if found:
        raise NotDone(tuple(dict.fromkeys(found)))
