"""Legal process: what a paper that an agency sends is worth, as facts.

A paper is a claim until staff have recorded that they saw a judge's signature on it (5 ILCS 805/10).
Guarantees: a verification covers a request only if it is of the same agency, the same document and the same
description of it, for the same requester, if it names every plate or camera that the request asks about,
if the request's window lies within its own, and if it has not expired; the last one recorded of a document
is the one that counts, so recording it with an expiry at once takes it back. What it is bound to is kept as
HMACs under the key of its day: once that is destroyed, it covers nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from gatekeeper.errors import KeyErased, OperatorError
from gatekeeper.exchange.decide import timestamp
from gatekeeper.exchange.interfaces import Queries, Verification
from gatekeeper.exchange.parse import LegalProcess, Query
from gatekeeper.ledger import Appended, DayKeys, Draft, Insert, Json, Ledger, Row
from gatekeeper.ledger.canonical import canonical

_LEVELS = ("staff", "counsel")


@dataclass(frozen=True, slots=True)
class Shown:
    """The fingerprints, under one day's key, of the paper that a request shows and of what it asks about."""

    paper: bytes
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes with a verification when it is made in the review of a query."""

    query_id: str
    reason: str
    detail: Mapping[str, Json]
    rows: Sequence[Row]


def verified(queries: Queries, keys: DayKeys, agency_id: str, query: Query, at: datetime) -> bool:
    """Say whether staff have verified the paper for this request, as of now. Raises StoreUnavailable."""
    document = None if query.legal_process is None else query.legal_process.document_sha256
    if document is None:
        return False
    found = queries.verification(agency_id, document)
    if found is None:
        return False
    try:
        shown = Shown(_paper(keys, found.fp_day, query), _targets(keys, found.fp_day, *_asked(query)))
    except KeyErased:
        return False
    return covers(found, agency_id, query, shown, at)


def covers(verification: Verification, agency_id: str, query: Query, shown: Shown, at: datetime) -> bool:
    """Say whether a verification covers a request; every part of it must."""
    paper = query.legal_process
    return (
        paper is not None
        and verification.agency_id == agency_id
        and verification.document_sha256 == paper.document_sha256
        and verification.paper_fp == shown.paper
        and len(shown.targets) > 0
        and shown.targets <= frozenset(verification.targets)
        and verification.window_start <= query.start
        and query.end <= verification.window_end
        and verification.at <= at < verification.expires_at
    )


def record(  # noqa: PLR0913  a verification binds as many things as it binds
    ledger: Ledger,
    keys: DayKeys,
    *,
    agency_id: str,
    query: Query,
    plates: Mapping[str, str | None],
    cameras: Sequence[str],
    start: datetime,
    end: datetime,
    at: datetime,
    expires_at: datetime,
    by: str,
    level: str,
    beside: Beside | None = None,
) -> Appended:
    """Record that a person saw a judge's signature on the paper of ``query``, and what the paper reaches.

    ``plates`` (each with its state; None: of any, and only asked about so) and ``cameras`` are those that the
    paper names, ``start`` and ``end`` its window. The entry is ``review.ruled`` without a provision: what was
    ruled on is the paper. An expiry at once takes an earlier verification of the document back; the entry is
    then ``review.withdrawn``. ``beside`` is what a review of a query adds: the entry is then the query's.
    Raises OperatorError if it would cover nothing, LedgerUnavailable, ClockUnreliable.
    """
    paper = query.legal_process
    if paper is None or paper.document_sha256 is None:
        raise OperatorError("the request shows no document: it must carry legal_process.document_sha256")
    if level not in _LEVELS or not by.strip():
        raise OperatorError("a verification needs a person, of the records staff or counsel")
    if not (plates or cameras) or start >= end or expires_at < at:
        raise OperatorError("a verification needs a plate or a camera, a window that runs forward, an expiry")
    day = at.date()
    reference = f"verification_{secrets.token_hex(8)}"
    row = {
        "id": reference,
        "agency_id": agency_id,
        "document_sha256": paper.document_sha256,
        "paper_fp": _paper(keys, day, query),
        "targets": sorted(_targets(keys, day, plates, cameras)),
        "window_start": start,
        "window_end": end,
        "at": at,
        "expires_at": expires_at,
        "actor": by,
        "level": level,
        "fp_day": day,
    }
    clear: dict[str, Json] = {"agency": agency_id, "provisions": [], "review": level}
    secret: dict[str, Json] = {"by": by}
    if expires_at > at:
        clear |= {"ruling": "permitted"}
        secret |= {"request": paper.document_sha256, "expires": timestamp(expires_at)}
    draft = Draft(
        event="review.ruled" if expires_at > at else "review.withdrawn",
        ref=reference if beside is None else beside.query_id,
        clear=clear,
        secret=secret if beside is None else secret | {"reason": beside.reason},
        detail={
            "paper": _described(paper),
            "plates": dict(plates),
            "cameras": list(cameras),
            "from": timestamp(start),
            "to": timestamp(end),
            **({} if beside is None else beside.detail),
        },
    )
    return ledger.append(draft, [Insert("verifications", row), *(() if beside is None else beside.rows)])


def _asked(query: Query) -> tuple[Mapping[str, str | None], Sequence[str]]:
    return ({} if query.plate is None else {query.plate: query.plate_state}, query.cameras)


def _targets(
    keys: DayKeys, day: date, plates: Mapping[str, str | None], cameras: Sequence[str]
) -> frozenset[str]:
    # With its state: a paper that names the plate of one state reaches no other state's.
    named = [["plate", plate, state] for plate, state in plates.items()] + [["camera", c] for c in cameras]
    return frozenset(keys.fingerprint(day, "process", canonical(one)).hex() for one in named)


def _paper(keys: DayKeys, day: date, query: Query) -> bytes:
    """Bind the paper as the request describes it: court, judge and statute are what staff compared."""
    behalf = query.on_behalf_of
    paper = None if query.legal_process is None else _described(query.legal_process)
    return keys.fingerprint(day, "process", canonical([paper, None if behalf is None else behalf.agency]))


def _described(paper: LegalProcess) -> dict[str, Json]:
    issued = None if paper.issued_on is None else paper.issued_on.isoformat()
    return asdict(paper) | {"issued_on": issued}
