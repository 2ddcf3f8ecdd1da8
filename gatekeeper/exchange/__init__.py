"""One query from start to end: ``answer`` is the procedure of the law, one line a step.

authenticate → parse → screen → decide → log the decision → fetch → redact → log the release → respond. Each
step's output is the next one's licence: ``fetch`` takes a ``Permit``, ``respond`` a committed ``Release``.

Guarantees (promises 1 to 4): without a permit nothing is fetched; without a committed decision nothing is
fetched; without a committed release, checked against stops and changes inside its own commit, nothing leaves.
No Flask, no SQL: collaborators are handed in as a ``Gate``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gatekeeper.errors import (
    IdempotencyInFlight,
    InsufficientScope,
    InvalidCursor,
    InvalidRequest,
    KeyErased,
    LedgerUnavailable,
    MalformedBody,
    OfficerRefused,
    PolicyUnavailable,
    QuotaExceeded,
    SharingStopped,
    Superseded,
    Unauthenticated,
    UnknownQuery,
)
from gatekeeper.exchange import cursor as cursors
from gatekeeper.exchange import log, respond
from gatekeeper.exchange.authenticate import Caller, TokenVerifier, authenticate, refusal
from gatekeeper.exchange.contacts import contact
from gatekeeper.exchange.decide import Decision, Denial, Permit, Situation
from gatekeeper.exchange.details import within
from gatekeeper.exchange.documents import Documents
from gatekeeper.exchange.fetch import fetch
from gatekeeper.exchange.fingerprints import plain
from gatekeeper.exchange.interfaces import MoveReview, Queries, QueueReview, Registry, Snapshot
from gatekeeper.exchange.key_sets import CurrentKeys
from gatekeeper.exchange.law import Law, Laws
from gatekeeper.exchange.neighbours import neighbours
from gatekeeper.exchange.officer import (
    Assertion,
    Officer,
    OfficerMarks,
    agreed,
    known_before,
    officer,
    proved,
)
from gatekeeper.exchange.parse import Parser, Query, appealed
from gatekeeper.exchange.patterns import first_asked
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.process import verified
from gatekeeper.exchange.quotas import Charge, Quotas, spend, spend_unread
from gatekeeper.exchange.redact import redact
from gatekeeper.exchange.respond import Answer
from gatekeeper.exchange.rulings import ANSWERED, rulings
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.exchange.sessions import at_once
from gatekeeper.exchange.status import state_now, status
from gatekeeper.ledger import Appended, Clock, DayKeys, Json, Ledger, Row, StoredEntry
from gatekeeper.ledger.rows import RegistryState
from gatekeeper.ledger.spending import Spend
from gatekeeper.ledger.stops import Lease
from gatekeeper.policy import Engine
from gatekeeper.records import Keyset, Reads

__all__ = [
    "Answer",
    "Gate",
    "Law",
    "Laws",
    "admit",
    "answer",
    "asked",
    "by_whom",
    "cost",
    "covered",
    "further_records",
    "identify",
    "judge",
    "officer_replayed",
    "reconsider",
    "status_of",
    "unread",
]

# A change between decision and release means deciding anew; a registry that never rests is unavailable.
_ATTEMPTS = 3
_MOST_AT_ONCE = 32
"""Queries at one sensitive place that are decided anew until each has counted the others."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The collaborators of one process, each built once by ``app``."""

    verifier: TokenVerifier
    registry: Registry
    queries: Queries
    documents: Documents
    laws: Laws
    ledger: Ledger
    keys: DayKeys
    reads: Reads
    clock: Clock
    queue_review: QueueReview
    move_review: MoveReview
    officers: OfficerMarks
    key_sets: CurrentKeys
    seen: Callable[[str, Decision], None] = lambda _query_id, _decision: None
    """Takes note of each decision once it is logged; it raises nothing and does not wait."""
    over: Callable[[str, Sequence[str]], None] = lambda _agency_id, _limits: None
    """Takes note of which limits an agency was over; it raises nothing and does not wait."""
    pinned: Law | None = None
    """The law of one request; without it, each look is at the law that is in force then."""

    @property
    def law(self) -> Law:
        """Return the law that judges here. Raises PolicyUnavailable, StoreUnavailable."""
        return self.pinned or self.as_in_force().law

    @property
    def engine(self) -> Engine:
        """Return the law's engine."""
        return self.law.engine

    @property
    def lexicon(self) -> Lexicon:
        """Return the law's lexicon."""
        return self.law.lexicon

    @property
    def parser(self) -> Parser:
        """Return the parser that knows the law's codes."""
        return self.law.parser

    def under(self, state: RegistryState) -> Gate:
        """Return this gate with the law that is in force by this state of the registry.

        Raises Superseded if another law comes into force this moment, PolicyUnavailable.
        """
        return replace(self, pinned=self.laws.of(state))

    def as_in_force(self) -> Gate:
        """Return this gate with the law that is in force now. Raises PolicyUnavailable, StoreUnavailable."""
        for _ in range(_ATTEMPTS):
            try:
                return self.under(self.registry.snapshot().state)
            except Superseded:
                continue
        raise PolicyUnavailable("the law kept changing")


def answer(
    gate: Gate,
    presented: Presented,
    body: bytes,
    *,
    dry_run: bool = False,
    idempotency_key: str | None = None,
) -> Answer:
    """Take one query through the gate.

    Raises a GatekeeperError when there is no decision to answer with; nothing was released then.
    """
    charge = Charge()
    for attempt in range(_ATTEMPTS):
        # (1) Who is asking, as the registry stands now, and by which law.
        gate, caller, snapshot = admit(gate, presented, "reads:query", claim=False)
        # (2) What is asked, whole and well formed, or every fault at once; and by which officer.
        who = by_whom(gate, caller, snapshot, presented)
        query = _parse(gate, caller, snapshot, body, who)
        at = gate.clock.now()
        replay_of = None
        if idempotency_key is not None and not dry_run:
            replay_of = log.earlier_use(
                gate.queries, gate.keys, caller.client_id, idempotency_key, query.digest, at
            )
        request = log.Request(
            # A repeated request is the same query, decided and logged again, with what was added to it since.
            query_id=replay_of or log.new_query_id(),
            caller=caller,
            query=query if replay_of is None else _asked(gate, replay_of),
            dry_run=dry_run,
            idempotency_key=idempotency_key,
            replay=replay_of is not None,
            officer=who,
            uses=_uses(gate, caller, who) if attempt == 0 else (),
        )
        try:
            return _judge_and_release(gate, request, snapshot, at, charge)
        except Superseded:
            log.refused(gate.ledger, request.query_id, caller.agency_id, "superseded", "release")
    raise LedgerUnavailable("the registry kept changing while the query was decided")


def further_records(gate: Gate, presented: Presented, query_id: str, cursor: str | None = None) -> Answer:
    """Answer with the next page of a permitted query, or, without a cursor, with the first after a ruling.

    Either way the query is decided and logged again, as the law, the rulings and the facts stand now.

    Raises UnknownQuery (another agency's id and an unknown one alike), InvalidCursor, and what ``answer``
    raises.
    """
    charge = Charge()
    for attempt in range(_ATTEMPTS):
        gate, caller, snapshot = admit(gate, presented, "reads:query", claim=False)
        row = gate.queries.find(query_id, caller.agency_id)
        if row is None or row.client_id != caller.client_id:
            raise UnknownQuery(query_id)
        covered(gate, caller, query_id)
        place = None
        if cursor is not None:
            place = cursors.read(gate.keys, query_id, caller.client_id, cursor)
        else:
            _in_time(gate, query_id, caller.agency_id)
        who, query = by_whom(gate, caller, snapshot, presented), _asked(gate, query_id)
        agreed(who, query.requester)
        request = log.Request(
            query_id=query_id,
            caller=caller,
            query=query,
            page=1 if place is None else place.page,
            replay=place is None,
            officer=who,
            uses=_uses(gate, caller, who) if attempt == 0 else (),
        )
        after = None if place is None else place.after
        try:
            return _judge_and_release(gate, request, snapshot, gate.clock.now(), charge, after)
        except Superseded:
            log.refused(gate.ledger, query_id, caller.agency_id, "superseded", "release")
    raise LedgerUnavailable("the registry kept changing while the query was decided")


def status_of(gate: Gate, presented: Presented, query_id: str) -> dict[str, Json]:
    """Return what the agency may learn of its own query. Raises as ``identify`` and ``status`` do."""
    gate, caller, _ = admit(gate, presented, "reads:query")
    covered(gate, caller, query_id)
    return status(gate, query_id, caller.agency_id, gate.clock.now())


def covered(gate: Gate, caller: Caller, query_id: str) -> None:
    """Let a caller come to an earlier query, unless its token was asked for another purpose or case.

    Raises TokenPinned; UnknownQuery for what is not its agency's, or was erased, so that nobody can tell.
    """
    if not caller.details:
        return
    if gate.queries.find(query_id, caller.agency_id) is None:
        raise UnknownQuery(query_id)
    try:
        purpose = asked(gate, query_id).purpose
    except KeyErased:
        raise UnknownQuery(query_id) from None
    within(caller.details, purpose.category, purpose.case_number)


def _uses(gate: Gate, caller: Caller, who: Assertion | None) -> tuple[Row, ...]:
    proof, used = caller.proof, list[Row]()
    # First what can be taken more than once in ordinary use: the second is then refused at no cost to others.
    if who is not None and who.used:
        used.append(gate.registry.use("officer", who.used, who.kept_until, officer_replayed))
    if proof is not None:
        used.append(gate.registry.use("dpop", proof.used, proof.kept_until))
    return tuple(used)


def officer_replayed() -> OfficerRefused:
    """Make the error of an officer assertion that was used before."""
    return OfficerRefused("officer_replayed")


def by_whom(gate: Gate, caller: Caller, snapshot: Snapshot, presented: Presented) -> Assertion | None:
    """Return what the request proves of its officer, None if it proves nothing. Raises OfficerRefused.

    What the token says of one holds unless an assertion comes with the request; both of two officers is a
    lie of one of them.
    """
    client, now = snapshot.client(caller.client_id), gate.clock.now_ms() // 1000
    own = proved(presented.officer, client, gate.key_sets, issuer=gate.verifier.issuer, now=now)
    if own is None or caller.officer is None:
        return own or caller.officer
    if plain(own.badge) != plain(caller.officer.badge) or plain(own.name) != plain(caller.officer.name):
        raise OfficerRefused("officer_other")
    return own


def identify(
    gate: Gate, presented: Presented, scope: str | None, *, claim: bool = True
) -> tuple[Caller, Snapshot]:
    """Authenticate and require the scope; return the caller with the registry as it stood at that moment.

    The proof of a key that comes with the request is used up; without *claim* whoever asked does that, in
    the commit of what is done on it. Raises Unauthenticated, InsufficientScope, StoreUnavailable,
    ClockUnreliable.
    """
    snapshot = gate.registry.snapshot()
    caller = authenticate(presented, verifier=gate.verifier, snapshot=snapshot, clock=gate.clock)
    if scope is not None and scope not in caller.scopes:
        raise InsufficientScope(scope)
    proof = caller.proof if claim else None
    if proof is not None and not gate.registry.claim_jti("dpop", proof.used, proof.kept_until):
        raise refusal("proof_replayed")
    return caller, snapshot


def admit(
    gate: Gate, presented: Presented, scope: str | None, *, claim: bool = True
) -> tuple[Gate, Caller, Snapshot]:
    """Identify, and return the gate with the law that was in force at that very moment.

    Raises what ``identify`` raises, and PolicyUnavailable.
    """
    for attempt in range(_ATTEMPTS):
        caller, snapshot = identify(gate, presented, scope, claim=claim and attempt == 0)
        try:
            return gate.under(snapshot.state), caller, snapshot
        except Superseded:
            continue
    raise PolicyUnavailable("the law kept changing")


def _judge_and_release(
    gate: Gate,
    request: log.Request,
    snapshot: Snapshot,
    at: datetime,
    charge: Charge,
    after: Keyset | None = None,
) -> Answer:
    given = _released(gate, request, snapshot, at, charge, after)
    return replace(given, left=charge.left)


def _released(
    gate: Gate, request: log.Request, snapshot: Snapshot, at: datetime, charge: Charge, after: Keyset | None
) -> Answer:
    stage = "decide"
    try:
        # (3) What the typed words mean, (4) the law, on the facts as they are now, and (5) the decision is
        # durable, and paid for, before anything is fetched.
        decision, decided = _decided(gate, request, snapshot, at, charge)
        charge.paid = True
        if request.first and not request.dry_run:
            gate.seen(request.query_id, decision)
        if request.dry_run:
            return respond.previewed(request.query_id, decision, decided.receipt())
        if isinstance(decision, Denial):
            return respond.denied(
                request.query_id, decision, decided.receipt(), _review_state(gate, request, decision)
            )
        # (6) Only a permit opens the store.
        stage = "fetch"
        page = fetch(decision, gate.reads, after)
        # (7) What came back is checked against the permit, then reduced to it.
        stage = "redact"
        release = redact(decision, page)
        # (8) The release is durable, and no stop or change came between, before a record leaves.
        stage = "release"
        lease = Lease.begin()
        try:
            appended = log.released(
                gate.ledger,
                request,
                decision,
                decided.index,
                release,
                gate.clock.now_ms,
                as_decided=partial(_as_decided, gate.registry, request, snapshot),
            )
        except SharingStopped:
            return _stopped(gate, request, decision)
        # (9) One buffered chunk, not to be started after the lease.
        cursor = None
        if release.next is not None:
            place = cursors.Place(release.next, request.page + 1)
            cursor = cursors.write(gate.keys, at.date(), request.query_id, request.caller.client_id, place)
        return respond.permitted(request.query_id, decision, release, cursor, appended.receipt(), lease)
    except (Superseded, IdempotencyInFlight, Unauthenticated):
        raise  # decided again, being decided, or a proof that was used: not an end without an answer
    except QuotaExceeded as over:
        gate.over(request.caller.agency_id, over.violated)  # counted: who hammers must not fill the log
        raise
    except Exception as fault:
        log.refused(gate.ledger, request.query_id, request.caller.agency_id, log.reason_of(fault), stage)
        raise


def _decided(
    gate: Gate, request: log.Request, snapshot: Snapshot, at: datetime, charge: Charge
) -> tuple[Decision, Appended]:
    """Decide and commit, anew for as long as others look at the same sensitive place first.

    A decision that came too late was never written: it costs nothing, and its proof is not used up.
    """
    data = gate.engine.bundle.data
    for _ in range(_MOST_AT_ONCE):
        decision = judge(gate, request, snapshot, at)
        with suppress(Superseded):
            return decision, log.decided(
                gate.ledger,
                gate.keys,
                gate.queue_review,
                request,
                decision,
                contact(decision, data),
                data=data,
                spend=cost(gate, request, decision, charge),
            )
    raise LedgerUnavailable("others kept asking about the same place while the query was decided")


def _as_decided(registry: Registry, request: log.Request, before: Snapshot, now: RegistryState) -> bool:
    """Say whether nothing changed but tokens of others that were revoked; asked under the log's lock.

    The registry's number moves by one for each of them, and by one more for whatever else changes: one client
    that revokes token after token would else keep every other from its answer. Raises StoreUnavailable.
    """
    if now.version == before.state.version:
        return True
    after = registry.snapshot()
    revoked = after.revoked - before.revoked
    return (
        after.state.version == now.version
        and now.version - before.state.version == len(revoked)
        and request.caller.token_id not in revoked
    )


def cost(gate: Gate, request: log.Request, decision: Decision, charge: Charge) -> Spend | None:
    """Return what the decision is to cost. Raises PolicyUnavailable."""
    agency = decision.situation.agency
    return spend(
        charge,
        Quotas.of(gate.engine.bundle.data, request.caller.agency_id, "" if agency is None else agency.kind),
        gate.keys,
        gate.clock.now_ms,
        agency_id=request.caller.agency_id,
        query=request.query,
        first=request.first,
    )


def judge(gate: Gate, request: log.Request, snapshot: Snapshot, at: datetime) -> Decision:
    """Decide a request on the facts as they are now; nothing is logged, and nothing follows.

    Raises PolicyUnavailable, StoreUnavailable, RecordsUnavailable.
    """
    return gate.law.decide(request.query, _situation(gate, request, snapshot, at))


def asked(gate: Gate, query_id: str) -> Query:
    """Return a query as it now stands: as it was first sent, and every appeal since, in order.

    Raises UnknownQuery if none of that id was decided, KeyErased: with a part of what was said erased, nobody
    can say what was asked.
    """
    entries = gate.ledger.entries_of(query_id)
    added = [gate.ledger.opened(entry).detail["appeal"] for entry in entries if entry.event == ANSWERED]
    decided = _decisions(entries)
    if not decided:
        raise UnknownQuery(query_id)
    return appealed(gate.ledger.opened(decided[0]).detail["body"], added)


def _decisions(entries: Sequence[StoredEntry]) -> list[StoredEntry]:
    return [entry for entry in entries if entry.event == "query.decided"]


def _last_facts(gate: Gate, entries: Sequence[StoredEntry]) -> dict[str, Json]:
    """Return what the policy was last asked with about a query, nothing if it never was. Raises KeyErased."""
    decided = _decisions(entries)
    facts = gate.ledger.opened(decided[-1]).detail["input"] if decided else None
    return facts if isinstance(facts, dict) else {}


def reconsider(
    gate: Gate,
    agency_id: str,
    query: Query,
    ruling: Mapping[str, Json] | None,
    *,
    query_id: str,
    paper_verified: bool | None = None,
) -> Decision:
    """Return what the policy would decide now, given these rulings; nothing is logged, and nothing follows.

    ``paper_verified`` asks what it would decide if staff had verified the paper, or had not. What was proved
    of the officer is as it was last decided on. Raises PolicyUnavailable, StoreUnavailable,
    RecordsUnavailable, ClockUnreliable, KeyErased.
    """
    snapshot, at = gate.registry.snapshot(), gate.clock.now()
    gate = gate if gate.pinned is not None else gate.as_in_force()
    entries = gate.ledger.entries_of(query_id)
    began = first_asked(gate.ledger, entries) or at
    who = known_before(_last_facts(gate, entries).get("officer"))
    situation = _circumstances(gate, agency_id, "", query, snapshot, at, ruling, query_id, began, who=who)
    if paper_verified is not None:
        situation = replace(situation, legal_process_verified=paper_verified)
    return gate.law.decide(query, situation)


def _in_time(gate: Gate, query_id: str, agency_id: str) -> None:
    """Refuse what nobody reviews, and what the law permitted after an appeal, once that has ended by itself.

    A ruling or a paper that has ended is no fact any more, and the policy denies; there it is the time alone.
    Raises InvalidCursor, StoreUnavailable.
    """
    review = gate.queries.review(query_id, agency_id)
    if review is None:
        raise InvalidCursor("the query was never put before anybody: its pages need a cursor")
    moved = gate.queries.review_events(query_id)
    state = state_now(review, gate.queries, gate.engine.bundle.written, gate.clock.now())
    if state == "expired" and moved and moved[-1].event == ANSWERED:
        raise InvalidCursor("what was permitted after an appeal has ended")


def _asked(gate: Gate, query_id: str) -> Query:
    try:
        return asked(gate, query_id)
    except (UnknownQuery, KeyErased):
        raise InvalidCursor("the query has no further pages") from None


def _situation(gate: Gate, request: log.Request, snapshot: Snapshot, at: datetime) -> Situation:
    ruling = None
    if not request.first:
        # Nobody can have ruled on a query that begins only now.
        ruling = rulings(
            gate.queries,
            gate.keys,
            gate.engine.bundle.catalogue,
            query_id=request.query_id,
            digest=request.query.digest,
            at=at,
        )
    began = at
    if not request.first:
        began = first_asked(gate.ledger, gate.ledger.entries_of(request.query_id)) or at
    caller, who = request.caller, officer(request.officer, at=at)
    found = _circumstances(
        gate,
        caller.agency_id,
        caller.client_id,
        request.query,
        snapshot,
        at,
        ruling,
        request.query_id,
        began,
        who=who,
    )
    present = found.patterns.presence
    who = replace(
        found.officer,
        clients_this_hour=present.clients_this_hour,
        hours_today=present.hours_today,
        sessions_at_once=at_once(
            gate.queries,
            gate.keys,
            gate.engine.bundle.data,
            agency_id=caller.agency_id,
            officer=request.officer,
            at=at,
        ),
    )
    return replace(found, officer=who)


def _circumstances(  # noqa: PLR0913, PLR0917  a decision depends on as much
    gate: Gate,
    agency_id: str,
    client_id: str,
    query: Query,
    snapshot: Snapshot,
    at: datetime,
    ruling: Mapping[str, Json] | None,
    query_id: str,
    began: datetime,
    *,
    who: Officer,
) -> Situation:
    behalf, stops = query.on_behalf_of, snapshot.stops
    end_requester = None if behalf is None else snapshot.agency(behalf.agency)
    mark = gate.officers.of_requester(agency_id, query.requester)
    past, others = neighbours(
        gate.queries,
        gate.keys,
        gate.engine.bundle.data,
        agencies=[agency_id, *([] if end_requester is None else [end_requester.id])],
        client_id=client_id,
        query=query,
        at=at,
        query_id=query_id,
        began=began,
    )
    return Situation(
        agency=snapshot.agency(agency_id),
        end_requester=end_requester,
        stops=stops,
        at=at,
        history=past,
        registry=snapshot.state,
        legal_process_verified=verified(gate.queries, gate.keys, agency_id, query, at),
        ruling=ruling,
        cameras=frozenset(gate.reads.cameras()) if any(s.scope == "camera" for s in stops) else frozenset(),
        patterns=others,
        officer=replace(who, suspended=snapshot.officer_suspended(mark, gate.officers.key_id)),
    )


def _parse(gate: Gate, caller: Caller, snapshot: Snapshot, body: bytes, who: Assertion | None) -> Query:
    try:
        query = gate.parser.parse(body)
        agreed(who, query.requester)
        within(caller.details, query.purpose.category, query.purpose.case_number)
    except (InvalidRequest, MalformedBody):
        unread(gate, caller, snapshot, log.new_query_id())
        raise
    return query


def unread(gate: Gate, caller: Caller, snapshot: Snapshot, query_id: str) -> None:
    """Note that what was sent could not be read, or count it where the agency sent more of it than it may.

    Raises PolicyUnavailable.
    """
    agency = snapshot.agency(caller.agency_id)
    quotas = Quotas.of(gate.engine.bundle.data, caller.agency_id, "" if agency is None else agency.kind)
    entry = spend_unread(quotas, gate.clock.now_ms, caller.agency_id)
    try:
        log.refused(gate.ledger, query_id, caller.agency_id, "invalid_request", "parse", entry)
    except QuotaExceeded as over:
        gate.over(caller.agency_id, over.violated)  # what was wrong is told all the same


def _review_state(gate: Gate, request: log.Request, denial: Denial) -> str:
    """Say where the review stands: queued with the decision, or wherever an earlier decision's is by now."""
    if request.first:
        return "queued" if denial.review != "none" else "none"
    review = gate.queries.review(request.query_id, request.caller.agency_id)
    return "none" if review is None else review.state


def _stopped(gate: Gate, request: log.Request, permit: Permit) -> Answer:
    appended = log.refused(
        gate.ledger, request.query_id, request.caller.agency_id, "sharing_stopped", "release"
    )
    receipt = None if appended is None else appended.receipt()
    return respond.stopped(request.query_id, permit.policy, gate.engine.bundle.catalogue, receipt)
