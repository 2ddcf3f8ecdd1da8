"""What the exchange logs: the decision before a read is fetched, the release before one leaves.

Guarantees: an entry holds in clear only what anyone may know (agency, category, outcome, provisions,
policy, a band of counts); time, offense, officer, query, count and rows are committed to; words, names,
plate and the engine's exact input go into the private detail, sealed and erasable. Each function returns
only once its entry and its rows are durable, or raises; a caller that cannot log cannot release.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gatekeeper.errors import (
    GatekeeperError,
    IdempotencyMismatch,
    KeyErased,
    LedgerUnavailable,
    QuotaExceeded,
    SharingStopped,
    Superseded,
)
from gatekeeper.exchange.authenticate import Caller
from gatekeeper.exchange.badges import left_impossible
from gatekeeper.exchange.decide import Decision, Permit, parties, timestamp
from gatekeeper.exchange.due import goes_first, time_for_review
from gatekeeper.exchange.fingerprints import officer_print, target_print
from gatekeeper.exchange.history import prints
from gatekeeper.exchange.interfaces import Queries, QueueReview
from gatekeeper.exchange.officer import Assertion
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.patterns import left
from gatekeeper.exchange.presence import hour_of
from gatekeeper.exchange.redact import Release
from gatekeeper.exchange.sessions import left_session
from gatekeeper.ledger import (
    Appended,
    DayKeys,
    Draft,
    Guard,
    Insert,
    Json,
    Ledger,
    Row,
    Transaction,
    count_band,
)
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.rows import RegistryState
from gatekeeper.ledger.spending import Spend
from gatekeeper.ledger.stops import covered

_REASONS = frozenset(
    {
        "policy_unavailable",
        "records_unavailable",
        "over_released",
        "ledger_unavailable",
        "store_unavailable",
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """One run of the procedure: who asked what, and how. ``page`` counts from 1.

    A further page and a replay are decided and logged again, but they are no new query: they add no rows.
    """

    query_id: str
    caller: Caller
    query: Query
    dry_run: bool = False
    page: int = 1
    idempotency_key: str | None = None
    replay: bool = False
    officer: Assertion | None = None
    uses: tuple[Row, ...] = ()
    """What its proofs use up, in the decision's commit: nothing is decided twice on one proof."""

    @property
    def first(self) -> bool:
        """Say whether this is where the query began."""
        return self.page == 1 and not self.replay


def new_query_id() -> str:
    """Return 128 random bits as text: an id says nothing about when or by whom a query was asked."""
    return "q_" + b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()


def decided(
    ledger: Ledger,
    keys: DayKeys,
    queue: QueueReview,
    request: Request,
    decision: Decision,
    contact: Json,
    *,
    data: Mapping[str, Json],
    spend: Spend | None = None,
) -> Appended:
    """Commit the decision, with its query, review and idempotency rows; ``contact`` is for the yearly report.

    *data* is the policy's own, which says when a review is due; *spend* is what the decision costs.

    Raises LedgerUnavailable, ClockUnreliable, Unauthenticated if a proof of the request was used before,
    IdempotencyInFlight if another request took the same Idempotency-Key meanwhile, QuotaExceeded, or
    Superseded if another looked at a sensitive place meanwhile: nothing is recorded then, and nothing spent.
    """
    event = "query.previewed" if request.dry_run else "query.decided"
    public = [p.code for p in decision.unmet if p.public]
    draft = Draft(
        event=event,
        ref=request.query_id,
        clear={
            **_who(decision),
            "category": request.query.purpose.category,
            "kind": request.query.kind,
            "outcome": decision.outcome,
            "provisions": list(public),
            "review": decision.review,
            "policy": decision.policy.as_json(),
            "replay": request.replay,
        },
        secret={
            **_committed(request),
            "hidden_provisions": [p.code for p in decision.unmet if not p.public],
            "request": request.query.digest,
        },
        detail={
            "body": dict(request.query.body),
            "input": dict(decision.facts),
            "client": request.caller.client_id,
            "token": request.caller.token_id,
            "officer": None
            if request.officer is None
            else {"assertion": request.officer.used, "session": request.officer.session},
            "obligations": decision.obligations.as_json() if isinstance(decision, Permit) else None,
            "immigration_contact": contact,
        },
    )
    rows = _decision_rows(keys, queue, request, decision, data) if request.first else []
    if spend is not None:
        rows.append(spend)
    rows = [*request.uses, *rows, *_marks(keys, request, decision, data)]
    return ledger.append(draft, rows, _still_counted(request.query_id, decision))


def released(
    ledger: Ledger,
    request: Request,
    permit: Permit,
    decision_index: int,
    release: Release,
    now_ms: Callable[[], int],
    *,
    as_decided: Callable[[RegistryState], bool],
) -> Appended:
    """Commit the release, unless a stop covers it or anything it was decided on has changed since.

    The guard runs under the ledger's lock, inside the commit: no stop and no change can come in between.
    *as_decided* is asked of the registry's state at that moment whether that is so.
    Raises SharingStopped, Superseded, LedgerUnavailable, ClockUnreliable.
    """
    draft = Draft(
        event="query.released",
        ref=request.query_id,
        clear={
            **_who(permit),
            "category": request.query.purpose.category,
            "kind": request.query.kind,
            "decided": decision_index,
            "page": request.page,
            "count_band": count_band(release.count),
            "policy": permit.policy.as_json(),
        },
        secret={
            **_committed(request),
            "count": release.count,
            "rows": {"sha256": release.sha256},
        },
        detail={"cameras": [*sorted(release.cameras)]},
    )
    guard = _still_permitted(request.query_id, permit, release, now_ms, as_decided)
    return ledger.append(draft, (), guard)


def reason_of(fault: Exception) -> str:
    """Name why a query ended without an answer, in the words that a public entry may use."""
    code = fault.code if isinstance(fault, GatekeeperError) else "internal"
    return code if code in _REASONS else "internal"


def refused(
    ledger: Ledger, query_id: str, agency_id: str, reason: str, stage: str, spend: Spend | None = None
) -> Appended | None:
    """Note that a query ended without an answer, and why; None if even that cannot be written.

    *spend* is what the entry costs. Raises QuotaExceeded; nothing was written then.

    Nothing is released on this path, so a log that is gone must not turn one refusal into another.
    """
    draft = Draft(
        event="query.refused",
        ref=query_id,
        clear={"agency": agency_id, "reason": reason, "stage": stage},
        secret={},
        detail={},
    )
    try:
        return ledger.append(draft, () if spend is None else (spend,))
    except QuotaExceeded:
        raise
    except GatekeeperError:
        return None


def _still_counted(query_id: str, decision: Decision) -> Guard | None:
    """Return what keeps a permit from being one look too many beside others that are asked at once."""
    counted = decision.situation.patterns
    if not isinstance(decision, Permit) or counted.looked is None:
        return None

    def guard(transaction: Transaction) -> None:
        if counted.overtaken(transaction, query_id):
            raise Superseded("another looked at a sensitive place since the decision")

    return guard


def _still_permitted(
    query_id: str,
    permit: Permit,
    release: Release,
    now_ms: Callable[[], int],
    as_decided: Callable[[RegistryState], bool],
) -> Guard:
    state = permit.situation.registry
    receivers = parties(permit)

    def guard(transaction: Transaction) -> None:
        if covered(transaction.stops(), receivers, release.cameras):
            raise SharingStopped("a stop in force covers this release")
        now = transaction.registry()
        if state is None or not as_decided(now):
            raise Superseded("agency, credential, stop or policy changed since the decision")
        if now.policy_revision != permit.policy.revision or now.policy_digest != permit.policy.digest:
            # A worker that still holds last week's law, or one that nobody activated, releases nothing.
            raise Superseded("the policy that decided is not the active one")
        if now.due_ms is not None and now_ms() >= now.due_ms:
            # Another law's moment has come, and nobody has put it into force yet.
            raise Superseded("another policy is due")
        if permit.situation.patterns.unseen(transaction, query_id):
            # Asked at the same time, in other words: neither may pass because it was not yet on record.
            raise Superseded("the same was refused since the decision")

    return guard


def _who(decision: Decision) -> dict[str, Json]:
    agency, other = decision.situation.agency, decision.situation.end_requester
    return {
        "agency": None if agency is None else agency.id,
        "agency_kind": None if agency is None else agency.kind,
        "end_requester": None if other is None else other.id,
        "end_requester_kind": None if other is None else other.kind,
    }


def _committed(request: Request) -> dict[str, Json]:
    query = request.query
    return {
        "offense": query.purpose.offense,
        "officer": {"name": query.requester.name, "badge": query.requester.badge},
        "query": {
            "kind": query.kind,
            "plate": query.plate,
            "plate_state": query.plate_state,
            "cameras": list(query.cameras),
            "from": timestamp(query.start),
            "to": timestamp(query.end),
            "limit": query.limit,
        },
    }


# --- Rows that are committed with the decision. -----------------------------------------------------------


def _decision_rows(
    keys: DayKeys,
    queue: QueueReview,
    request: Request,
    decision: Decision,
    data: Mapping[str, Json],
) -> list[Row]:
    agency, at = decision.situation.agency, decision.situation.at
    if agency is None:  # authenticate has made sure of one
        raise LedgerUnavailable("a decision about nobody")
    day, query = at.date(), request.query
    body = keys.fingerprint(day, "body", query.digest.encode("ascii"))
    target = target_print(keys, day, plate=query.plate, cameras=query.cameras)
    officer = officer_print(keys, day, agency_id=agency.id, badge=query.requester.badge)
    search, case = prints(keys, day, agency.id, query)
    rows: list[Row] = [
        Insert(
            "queries",
            {
                "query_id": request.query_id,
                "agency_id": agency.id,
                "client_id": request.caller.client_id,
                "hour": hour_of(at),
                "kind": query.kind,
                "category": query.purpose.category,
                "outcome": decision.outcome,
                "review": decision.review,
                "dry_run": request.dry_run,
                "policy_revision": decision.policy.revision,
                "target_fp": target,
                "officer_fp": officer,
                "body_fp": body,
                "search_fp": search,
                "case_fp": case,
                "fp_day": day,
            },
        )
    ]
    if request.idempotency_key is not None and not request.dry_run:
        rows.append(claim(keys, request, request.idempotency_key, query.digest, at))
    if decision.review in {"staff", "counsel"} and not request.dry_run:
        category, unmet = query.purpose.category, [p.code for p in decision.unmet]
        rows += queue(
            query_id=request.query_id,
            agency_id=agency.id,
            category=category,
            level=decision.review,
            provisions=unmet,
            at=at,
            due_at=at + time_for_review(data, category, unmet),
            first=goes_first(data, category),
        )
    return rows


def _marks(keys: DayKeys, request: Request, decision: Decision, data: Mapping[str, Json]) -> list[Insert]:
    """Return what later queries are compared with: of each refusal anew, for it may have said more.

    And, of a new query, what tells the sessions of its badge apart, and tells staff that it is shared.
    """
    agency_id, at = request.caller.agency_id, decision.situation.at
    own: list[Insert] = []
    if request.first:
        own += left_session(
            keys, data, agency_id=agency_id, officer=request.officer, at=at, query_id=request.query_id
        )
        own += left_impossible(
            keys,
            data,
            agency_id=agency_id,
            badge=request.query.requester.badge,
            at=at,
            query_id=request.query_id,
            facts=decision.facts,
        )
    return own + left(
        keys,
        data,
        agencies=[party.agency_id for party in parties(decision)],
        query=request.query,
        at=at,
        query_id=request.query_id,
        facts=decision.facts,
        unmet=[provision.code for provision in decision.unmet],
        first=request.first,
        dry_run=request.dry_run,
    )


def claim(keys: DayKeys, request: Request, idempotency_key: str, digest: str, at: datetime) -> Insert:
    """Return the row by which an Idempotency-Key is used for the body of that digest. Raises KeyErased."""
    day, client = at.date(), request.caller.client_id
    return Insert(
        "idempotency_keys",
        {
            "client_id": client,
            "key_fp": _key_fingerprint(keys, day, client, idempotency_key),
            "query_id": request.query_id,
            "body_fp": keys.fingerprint(day, "body", digest.encode("ascii")),
            "day": day,
        },
    )


def earlier_use(
    queries: Queries, keys: DayKeys, client_id: str, idempotency_key: str, digest: str, at: datetime
) -> str | None:
    """Return the query id that this Idempotency-Key was first used for, today or yesterday.

    Raises IdempotencyMismatch if it was used for another body: two requests must not look like one.
    """
    prints = {day: _key_fingerprint(keys, day, client_id, idempotency_key) for day in _days(keys, at.date())}
    known = queries.idempotency(client_id, list(prints.values()))
    if known is None:
        return None
    try:
        body = keys.fingerprint(known.day, "body", digest.encode("ascii"))
    except KeyErased:
        return None
    if not secrets.compare_digest(body, known.body_fingerprint):
        raise IdempotencyMismatch("this Idempotency-Key was used for another body")
    return known.query_id


def _days(keys: DayKeys, today: date) -> Sequence[date]:
    yesterday = today - timedelta(days=1)
    return [today, yesterday] if yesterday in keys.days() else [today]


def _key_fingerprint(keys: DayKeys, day: date, client_id: str, idempotency_key: str) -> bytes:
    return keys.fingerprint(day, "idempotency", canonical([client_id, idempotency_key]))
