"""An appeal: what an agency adds to a query of its own that was denied, recorded and decided again at once.

The procedure: (1) who asks, and for which query of theirs; (2) what is added, whole and well formed, its
documents checked, or every fault at once; (3) a person still reviews the query; (4) what the policy says of
the query with everything that was ever said; (5) the appeal, its documents and the review's move are one
commit; (6) the decision is logged. Guarantees: an appeal adds and never replaces: target, window, category
and requester stay, every word stays beside those that came before, and none of them can help (promise 7); it
takes every earlier ruling out of force, for they were made on another request; a repeated one spends as any
repeated request does; nothing is released here; the review's state only says where things stand: whoever
fetches is decided on anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gatekeeper.errors import (
    AppealRefused,
    AppealsExhausted,
    DocumentRefused,
    Fault,
    IdempotencyInFlight,
    InvalidRequest,
    KeyErased,
    LedgerUnavailable,
    MalformedBody,
    NoReview,
    OfficerRefused,
    QuotaExceeded,
    RequestErased,
    Superseded,
    UnknownQuery,
)
from gatekeeper.exchange import (
    Gate,
    admit,
    asked,
    by_whom,
    cost,
    covered,
    judge,
    log,
    officer_replayed,
    respond,
    unread,
)
from gatekeeper.exchange.authenticate import Caller
from gatekeeper.exchange.bodies import AppealFactsSchema, AppealSchema, QuerySchema
from gatekeeper.exchange.contacts import contact
from gatekeeper.exchange.decide import Decision, Permit
from gatekeeper.exchange.documents import Document, decoded, examined, named, named_one, rows
from gatekeeper.exchange.due import goes_first, time_for_review
from gatekeeper.exchange.interfaces import Review, ReviewEvent, Snapshot
from gatekeeper.exchange.officer import Assertion, agreed
from gatekeeper.exchange.parse import Query, appealed
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.quotas import Charge
from gatekeeper.exchange.reading import UNKNOWN, load, names_of, read_json
from gatekeeper.exchange.respond import Answer
from gatekeeper.exchange.rulings import ANSWERED, LIFE
from gatekeeper.exchange.status import review_json
from gatekeeper.ledger import Draft, Json, Row
from gatekeeper.ledger.canonical import canonical

MAX_APPEAL_BYTES: Final = 8 * 1024 * 1024
"""The whole body; documents are a third longer in base64 than as files."""

_ATTEMPTS: Final = 3
_SCHEMA: Final = AppealSchema()
_FIXED: Final = frozenset(names_of(QuerySchema())) - frozenset(names_of(AppealFactsSchema()))
_OPEN: Final = frozenset({"queued", "needs_information", "escalated", "upheld"})
"""The states in which something can be added."""


@dataclass(frozen=True, slots=True)
class Until:
    """Until when the review says that the law permits what was added to; it is not a ruling."""

    expires_at: datetime
    provision: None = None


@dataclass(frozen=True, slots=True)
class Fails:
    """What the query fails by now, and what its places in the queue say of it."""

    codes: tuple[str, ...]
    category: str
    first: bool


@dataclass(frozen=True, slots=True)
class _Addition:
    """One appeal, read: as it is recorded, and its documents. ``digest`` stands for all of it."""

    recorded: Mapping[str, Json]
    documents: tuple[Document, ...]
    digest: str


def appeal(
    gate: Gate, presented: Presented, query_id: str, body: bytes, *, idempotency_key: str | None = None
) -> Answer:
    """Take one appeal.

    Raises UnknownQuery (another agency's id and an unknown one alike), InvalidRequest, MalformedBody,
    AppealRefused, and what ``admit`` and the log raise; nothing was recorded then.
    """
    charge = Charge()
    for attempt in range(_ATTEMPTS):
        # (1) Who asks, as the registry stands now, and for which query of theirs.
        gate, caller, snapshot = admit(gate, presented, "reads:query", claim=attempt == 0)
        if gate.queries.find(query_id, caller.agency_id) is None:
            raise UnknownQuery(query_id)
        covered(gate, caller, query_id)
        who = by_whom(gate, caller, snapshot, presented)
        # (2) What is added.
        added, at = _read(gate, caller, snapshot, query_id, body), gate.clock.now()
        repeated = idempotency_key is not None and _repeated(gate, caller, idempotency_key, added, at)
        try:
            # (3) Where the review stands. Read before what was said: whatever comes between moves it on.
            review = gate.queries.review(query_id, caller.agency_id)
            if repeated:
                query, filed = asked(gate, query_id), None
            else:
                review = _open(gate, query_id, review)
                query = _with(gate, query_id, added)
            agreed(who, query.requester)
            _use(gate, who if attempt == 0 else None)
            # (4) The law, on everything that was ever said.
            request = log.Request(query_id, caller, query, replay=True, officer=who)
            decision = judge(gate, request, snapshot, at)
            # (5) The appeal is durable.
            if not repeated and review is not None:
                filed = _file(gate, request, review, added, decision, idempotency_key).receipt()
            # (6) So is the decision.
            data = gate.engine.bundle.data
            met = contact(decision, data)
            decided = log.decided(
                gate.ledger,
                gate.keys,
                gate.queue_review,
                request,
                decision,
                met,
                data=data,
                spend=cost(gate, request, decision, charge) if repeated else None,
            )
        except Superseded:
            continue  # a person moved the review on meanwhile, or another appeal came: look again
        except KeyErased:
            raise RequestErased from None
        except (AppealRefused, IdempotencyInFlight, InvalidRequest, OfficerRefused):
            raise
        except QuotaExceeded as over:
            gate.over(caller.agency_id, over.violated)
            raise
        except Exception as fault:
            log.refused(gate.ledger, query_id, caller.agency_id, log.reason_of(fault), "decide")
            raise
        state = review_json(gate.queries, gate.engine.bundle.written, query_id, caller.agency_id, at)
        given = respond.appealed(query_id, decision, decided.receipt(), state, filed)
        return replace(given, left=charge.left)
    raise LedgerUnavailable("the review kept moving while something was added")


def _use(gate: Gate, who: Assertion | None) -> None:
    """Use an officer assertion up, before anything is recorded. Raises OfficerRefused."""
    if who is not None and who.used and not gate.registry.claim_jti("officer", who.used, who.kept_until):
        raise officer_replayed()


# --- What was sent. ---------------------------------------------------------------------------------------


def _read(gate: Gate, caller: Caller, snapshot: Snapshot, query_id: str, body: bytes) -> _Addition:
    try:
        return _addition(gate, query_id, read_json(body, MAX_APPEAL_BYTES))
    except (InvalidRequest, MalformedBody):
        unread(gate, caller, snapshot, query_id)
        raise


def _addition(gate: Gate, query_id: str, document: Any) -> _Addition:
    """Read an appeal. Raises InvalidRequest with every fault."""
    facts = document.get("facts") if isinstance(document, dict) else None
    offense = facts.get("offense") if isinstance(facts, dict) else None
    unknown = gate.parser.offenses.fault_of(offense, "/facts/offense")
    faults = [] if unknown is None else [unknown]
    try:
        sent = load(_SCHEMA, document)
    except InvalidRequest as refused:
        raise InvalidRequest([*map(_explained, refused.faults), *faults]) from None
    documents, unfit = _documents(sent["documents"])
    faults += unfit
    given = {name: value for name, value in sent["facts"].items() if value is not None}
    if not (sent["message"].strip() or given or sent["documents"]):
        faults.append(
            Fault("/message", "Nothing is added.", "Say something, state a fact, or send a document.")
        )
    paper = given.get("legal_process")
    held = {d.sha256 for d in documents} | {d.sha256 for d in gate.documents.of(query_id)}
    shown = None if paper is None else paper["document_sha256"]
    if shown is not None and held and shown not in held and not unfit:
        faults.append(
            Fault(
                "/facts/legal_process/document_sha256",
                "Not the hash of a document that was sent.",
                "Send the document with the appeal, or the SHA-256 of one that you sent before, in hex.",
            )
        )
    if faults:
        raise InvalidRequest(faults)
    recorded: dict[str, Json] = {
        "message": sent["message"],
        # As they were sent, not as they were loaded: a date stays the text that it was.
        "facts": dict.fromkeys(sent["facts"]) | dict(facts or {}),
        "documents": [{"name": document.name, **named_one(document)} for document in documents],
    }
    digest = hashlib.sha256(canonical({"query_id": query_id, "appeal": recorded})).hexdigest()
    return _Addition(recorded, tuple(documents), digest)


def _documents(sent: Sequence[Mapping[str, str]]) -> tuple[list[Document], list[Fault]]:
    documents: list[Document] = []
    faults: list[Fault] = []
    for number, one in enumerate(sent):
        place, content = f"/documents/{number}", decoded(one["content_base64"])
        if content is None:
            cure = "Send the file's bytes in standard base64 (RFC 4648 section 4), padded, in one line."
            faults.append(Fault(f"{place}/content_base64", "Not base64.", cure))
            continue
        try:
            document = examined(one["name"], one["media_type"], content)
        except DocumentRefused as refused:
            faults += _unfit(place, refused)
            continue
        if document.sha256 in {other.sha256 for other in documents}:
            faults.append(Fault(f"{place}/content_base64", "The same file twice.", "Send each file once."))
        documents.append(document)
    return documents, faults


def _unfit(place: str, refused: DocumentRefused) -> Iterator[Fault]:
    for part, told in refused.faults:
        message, _, cure = told.partition(": ")
        name = "content_base64" if part == "content" else part
        yield Fault(
            f"{place}/{name}",
            message if message.endswith(".") else f"{message}.",
            f"{cure[:1].upper()}{cure[1:]}" if cure else "See Document in openapi.yaml.",
        )


def _explained(fault: Fault) -> Fault:
    """Say of a field of the query that an appeal cannot change it, where else it would be an unknown one."""
    if fault.message == UNKNOWN and fault.pointer.rpartition("/")[2] in _FIXED:
        return Fault(
            fault.pointer,
            "Fixed by the query: an appeal adds, it never replaces.",
            "Leave it out; another target, window, category or requester is a new query.",
        )
    return fault


def _repeated(gate: Gate, caller: Caller, key: str, added: _Addition, at: datetime) -> bool:
    """Say whether this very appeal was recorded before. Raises IdempotencyMismatch."""
    return log.earlier_use(gate.queries, gate.keys, caller.client_id, key, added.digest, at) is not None


# --- Where the review stands. -----------------------------------------------------------------------------


def _open(gate: Gate, query_id: str, review: Review | None) -> Review:
    """Return the review if something can be added to it. Raises AppealRefused."""
    if review is None:
        raise NoReview
    if review.state not in _OPEN:
        raise AppealRefused
    if review.state == "upheld" and _was_taken_up_again(gate.queries.review_events(query_id)):
        raise AppealRefused
    answered = sum(entry.event == ANSWERED for entry in gate.ledger.entries_of(query_id))
    if answered >= _most(gate):
        raise AppealsExhausted
    return review


def _was_taken_up_again(recorded: Sequence[ReviewEvent]) -> bool:
    """Say whether the agency has appealed what was upheld before: once more to a person, not for ever."""
    states = [event.state for event in recorded]
    return any(
        event.event == ANSWERED and before == "upheld"
        for before, event in zip(states, recorded[1:], strict=False)
    )


def _before_whom(review: Review, recorded: Sequence[ReviewEvent]) -> str:
    """Return the state that an appeal leads to: whoever asked for more gets the answer, counsel too."""
    if review.state == "upheld":
        return "queued"
    asked_in = [event.state for event in recorded if event.state != "needs_information"]
    return "escalated" if asked_in and asked_in[-1] == "escalated" else "queued"


def _most(gate: Gate) -> int:
    city = gate.engine.bundle.data.get("city")
    most = city.get("most_appeals") if isinstance(city, dict) else None
    # The bundle's schema has seen to it that there is one; without it nothing can be added.
    return most if isinstance(most, int) else 0


def _with(gate: Gate, query_id: str, added: _Addition) -> Query:
    """Return the query as it stands with this appeal. Raises KeyErased."""
    before = dict(asked(gate, query_id).body)
    earlier = before.pop("appeals", [])
    return appealed(before, [*(earlier if isinstance(earlier, list) else []), dict(added.recorded)])


# --- What is recorded. ------------------------------------------------------------------------------------


def _file(
    gate: Gate,
    request: log.Request,
    review: Review,
    added: _Addition,
    decision: Decision,
    idempotency_key: str | None,
) -> Any:
    """Commit the appeal with its documents and the review's move. Raises Superseded, LedgerUnavailable."""
    at, public = gate.clock.now(), gate.engine.bundle.written.public(review.provisions)
    draft = Draft(
        event=ANSWERED,
        ref=request.query_id,
        clear={"agency": review.agency_id, "provisions": [*public], "review": review.level},
        secret={
            "by": request.caller.client_id,
            "reason": added.recorded["message"],
            "documents": named(added.documents),
            "request": request.query.digest,
        },
        detail={
            "appeal": dict(added.recorded),
            "message": added.recorded["message"],
            "client": request.caller.client_id,
            "token": request.caller.token_id,
        },
    )
    filed: list[Row] = [
        *_moved(gate, request, review, decision, at),
        *rows(gate.keys, request.query_id, "agency", at, added.documents),
    ]
    if idempotency_key is not None:
        filed.append(log.claim(gate.keys, request, idempotency_key, added.digest, at))
    return gate.ledger.append(draft, filed)


def _moved(
    gate: Gate, request: log.Request, review: Review, decision: Decision, at: datetime
) -> Sequence[Row]:
    """Return the review's move: back before a person, or, where the law permits by now, before nobody."""
    permits, data = isinstance(decision, Permit), gate.engine.bundle.data
    waited, category = review.state in {"needs_information", "upheld"}, request.query.purpose.category
    unmet = [provision.code for provision in decision.unmet]
    return gate.move_review(
        review,
        "permitted" if permits else _before_whom(review, gate.queries.review_events(request.query_id)),
        event=ANSWERED,
        ref=request.query_id,
        at=at,
        actor=request.caller.client_id,
        # The staff's time runs anew only if it stood still for the agency's answer.
        due_at=at + time_for_review(data, category, unmet) if waited else None,
        ruling=Until(at + LIFE) if permits else None,
        fails=Fails(tuple(unmet), category, goes_first(data, category)),
    )
