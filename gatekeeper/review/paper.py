"""The verification of a legal paper: what a person read on it, beside what the request says of it.

A paper counts only once a person has recorded that they saw a judge's signature on it (5 ILCS 805/10).
Guarantees: a paper that no judge approves (a detainer, an administrative warrant, a form such as I-200) is
refused with the reason, whatever is ticked; what was read must be what the request says, or nobody could
tell later which paper was seen; the document is known by a hash that we computed ourselves; what is verified
counts for that agency, document, target and window, for the days that the person said; taking it back lets
out nothing that was decided on it and has not left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatekeeper.errors import NotDone
from gatekeeper.exchange import reconsider
from gatekeeper.exchange.decide import Permit
from gatekeeper.exchange.forms import form_numbers
from gatekeeper.exchange.parse import LegalProcess
from gatekeeper.exchange.process import Beside, record
from gatekeeper.exchange.rulings import RULED, TAKEN_BACK, decided_anew
from gatekeeper.ledger import Json, Row
from gatekeeper.review.queue import WAITING
from gatekeeper.review.reasons import tidy
from gatekeeper.review.rule import ANY_STATE, Faults, Hearing

LONGEST_DAYS: Final = 30
COMPARED: Final = ("court", "judge", "number", "statute")
"""What a person reads on the paper; a criminal warrant names all four (TR-6)."""

_BY_SPELLING: Final = frozenset({"court", "judge"})
"""Names are abbreviated and turned around; a number or a statute that differs is another one."""

NOT_APPROVED: Final = (
    "The request names a civil immigration paper. An officer signs it and no judge approves it, so it counts "
    "as no legal process at all (5 ILCS 805/10) and cannot be verified."
)
_FORMS: Final = (
    "That is the number of a civil immigration paper. An officer signs it and no judge approves it, so it "
    "counts as no legal process at all (5 ILCS 805/10) and cannot be verified."
)
_MISSING: Final = "The request does not say this. Ask the agency to add it."
_UNREAD: Final = "Write what you read on the paper."
_DIFFERS: Final = "You read something else than the request says. Ask the agency which is right."
_SPELLED: Final = (
    "You read something else than the request says. If only the writing differs, say so below; else ask the "
    "agency."
)
_UNSIGNED: Final = "Say that you saw a judge's signature; without one the paper is worth nothing."


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person says that they read on a paper. ``sha256`` is of the document that we hold."""

    sha256: str | None
    court: str
    judge: str
    number: str
    statute: str
    form: str
    judge_signed: bool
    same_in_other_words: bool
    days: int


@dataclass(frozen=True, slots=True)
class _Paper:
    """What a review's move says of a paper: until when it counts, or that it does no more."""

    expires_at: datetime | None
    provision: None = None


def verify(
    hearing: Hearing,
    reading: Reading,
    reason: str,
    *,
    detail: Mapping[str, Json] | None = None,
    rows: Sequence[Row] = (),
) -> None:
    """Record that this person saw a judge's signature on the paper of this request, for what it asks.

    The review is permitted if the policy then permits. ``rows`` and ``detail`` are of a document that was
    handed in with it. Raises as Hearing's acts do.
    """
    found = hearing.faults(reason)
    paper = hearing.case.query.legal_process
    if paper is None or paper.document_sha256 is None:
        found.append(("", "The request shows no document. Ask the agency for one first."))
    else:
        found += _against(hearing, paper, reading)
    if found:
        raise NotDone(tuple(dict.fromkeys(found)))
    at = hearing.gate.clock.now()
    ends = at + timedelta(days=reading.days)
    permits = isinstance(_asked(hearing, paper_verified=True), Permit)
    moved = hearing.gate.move_review(
        hearing.case.review,
        "permitted" if permits else hearing.case.review.state,
        event=RULED,
        ref=hearing.case.query_id,
        at=at,
        actor=hearing.person.id,
        ruling=_Paper(ends),
    )
    _record(hearing, reason, at, ends, detail or {}, [*rows, *moved])


def take_back(hearing: Hearing, reason: str) -> None:
    """Take the verification of this request's paper back; raises as Hearing's acts do."""
    found, case = hearing.faults(reason, ANY_STATE), hearing.case
    paper = case.query.legal_process
    last = None
    if paper is not None and paper.document_sha256 is not None:
        last = hearing.gate.queries.verification(case.review.agency_id, paper.document_sha256)
    if last is None or not case.decision.situation.legal_process_verified:
        found.append(("", "The paper of this request does not count as verified (any more)."))
    elif hearing.person.id != last.actor and hearing.level != "counsel":
        found.append(("", "Only who verified a paper, or counsel, can take it back."))
    if found or last is None:
        raise NotDone(tuple(dict.fromkeys(found)))
    # After the one that it takes back, by the clock too: the last one recorded is the one that counts.
    at = max(hearing.gate.clock.now(), last.at + timedelta(milliseconds=1))
    still = isinstance(_asked(hearing, paper_verified=False), Permit)
    to = "queued" if case.review.state == "permitted" and not still else case.review.state
    moved: list[Row] = [decided_anew(hearing.gate.registry.snapshot().state)]
    if to in WAITING:
        moved += hearing.gate.move_review(
            case.review,
            to,
            event=TAKEN_BACK,
            ref=case.query_id,
            at=at,
            actor=hearing.person.id,
            ruling=_Paper(None),
        )
    _record(hearing, reason, at, at, {}, moved)


def _against(hearing: Hearing, paper: LegalProcess, reading: Reading) -> Faults:
    """Say what is wrong with a reading of the paper that the request describes."""
    city = hearing.gate.engine.bundle.data.get("city")
    settings: Mapping[str, Json] = city if isinstance(city, dict) else {}
    kinds, civil = settings.get("civil_process_kinds"), settings.get("civil_forms")
    if not isinstance(kinds, list) or not isinstance(civil, list):
        return [("", "The city's policy does not say which papers no judge approves.")]
    if paper.kind in kinds or civil_numbers(paper.form, civil):
        return [("", NOT_APPROVED)]
    found: Faults = [("form", _FORMS)] if civil_numbers(reading.form, civil) else []
    if reading.sha256 is None:
        found.append(("document", "Choose the document that you saw, or hand it in."))
    elif reading.sha256 != paper.document_sha256:
        found.append(("document", "This is not the document whose hash the request names."))
    found += [
        (field, _fault(field, claimed, read))
        for field, claimed, read in differences(paper, reading)
        if not (claimed and read and field in _BY_SPELLING and reading.same_in_other_words)
    ]
    if not reading.judge_signed:
        found.append(("judge_signed", _UNSIGNED))
    if not 1 <= reading.days <= LONGEST_DAYS:
        found.append(("days", "A verification counts for 1 to 30 days."))
    return found


def _fault(field: str, claimed: str, read: str) -> str:
    if not claimed:
        return _MISSING
    if not read:
        return _UNREAD
    return _SPELLED if field in _BY_SPELLING else _DIFFERS


def differences(paper: LegalProcess, reading: Reading) -> list[tuple[str, str, str]]:
    """Return what was read otherwise than the request says: the field, what it says, what was read."""
    both = [(field, getattr(paper, field) or "", getattr(reading, field)) for field in COMPARED]
    return [(f, said, read) for f, said, read in both if not _plain(said) or _plain(said) != _plain(read)]


def civil_numbers(form: str | None, civil: Sequence[Json]) -> set[str]:
    """Return the numbers of civil immigration papers that a form's name holds, however it is written."""
    return {number for number in form_numbers(form) if number in civil}


def _asked(hearing: Hearing, *, paper_verified: bool) -> object:
    case = hearing.case
    return reconsider(
        hearing.gate,
        case.review.agency_id,
        case.query,
        case.rulings,
        query_id=case.query_id,
        paper_verified=paper_verified,
    )


def _record(
    hearing: Hearing,
    reason: str,
    at: datetime,
    ends: datetime,
    detail: Mapping[str, Json],
    rows: Sequence[Row],
) -> None:
    case, person, query = hearing.case, hearing.person, hearing.case.query
    # What staff saw, and where, is theirs: "said" would be shown to the agency.
    told = {"by": person.name, "role": person.role, "seen": tidy(reason), **detail}
    record(
        hearing.gate.ledger,
        hearing.gate.keys,
        agency_id=case.review.agency_id,
        query=query,
        plates={} if query.plate is None else {query.plate: query.plate_state},
        cameras=query.cameras,
        start=query.start,
        end=query.end,
        at=at,
        expires_at=ends,
        by=person.id,
        level=hearing.level,
        beside=Beside(case.query_id, tidy(reason), told, rows),
    )


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
