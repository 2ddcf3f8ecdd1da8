"""Release or Denial to the answer's bytes, in the shapes of ``openapi.yaml``.

Guarantees: an answer with records is one buffered chunk that carries its lease; every denial quotes the
catalogue (title, citation, message, remedy) and its receipt, so that an agency learns all reasons at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.exchange.decide import Decision, Denial, Permit, Policy
from gatekeeper.exchange.redact import Release
from gatekeeper.ledger import Json, Receipt
from gatekeeper.ledger.spending import Left
from gatekeeper.ledger.stops import Lease
from gatekeeper.policy import Catalogue, Provision

PERMITTED = 200
ACCEPTED = 202
DENIED = 403
JSON = "application/json"
PROBLEM = "application/problem+json"

STOPPED = "sharing_stopped"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer without the HTTP: ``body`` is all of it, ``lease`` says until when it may begin."""

    status: int
    content_type: str
    body: bytes
    query_id: str
    outcome: str
    provisions: tuple[str, ...] = ()
    lease: Lease | None = None
    receiver: str = ""
    left: tuple[Left, ...] = ()


def permitted(
    query_id: str, permit: Permit, release: Release, cursor: str | None, receipt: Receipt, lease: Lease
) -> Answer:
    """Answer with the records of a committed release, byte for byte those that the log is bound to."""
    head = _text({"query_id": query_id, "decision": _permit_json(permit)})
    tail = _text({"next": cursor, "receipt": receipt.as_json()})
    # Spliced, not encoded again: what is sent is byte for byte what was digested.
    body = head[:-1] + b',"records":' + release.records + b"," + tail[1:]
    return Answer(PERMITTED, JSON, body, query_id, permit.outcome, lease=lease, receiver=_receiver(permit))


def previewed(query_id: str, decision: Decision, receipt: Receipt) -> Answer:
    """Answer a dry run: the same verdict, no records, no review."""
    if isinstance(decision, Denial):
        return denied(query_id, decision, receipt, "none")
    body: dict[str, Json] = {
        "query_id": query_id,
        "decision": _permit_json(decision),
        "records": [],
        "next": None,
        "receipt": receipt.as_json(),
    }
    return Answer(PERMITTED, JSON, _text(body), query_id, decision.outcome)


def denied(query_id: str, denial: Denial, receipt: Receipt, review: str) -> Answer:
    """Answer with every unmet provision, what would cure each, and where the review can be followed."""
    return _denial(query_id, denial.policy, denial.unmet, review, receipt)


def appealed(
    query_id: str,
    decision: Decision,
    receipt: Receipt,
    review: Mapping[str, Json],
    filed: Receipt | None,
) -> Answer:
    """Answer an appeal: what the law says by now, where the review stands, and that the appeal is on record.

    Nothing is released by it. Where the law permits, ``records`` says where to ask for them.
    """
    permits = isinstance(decision, Permit)
    said = _permit_json(decision) if isinstance(decision, Permit) else _denial_json(decision)
    body: dict[str, Json] = {
        "query_id": query_id,
        "decision": said,
        "review": {
            "state": review["state"],
            "due": review["due"],
            "url": f"/v1/queries/{query_id}",
            "records": f"/v1/queries/{query_id}/records" if permits else None,
        },
        "receipt": receipt.as_json(),
        "appeal_receipt": None if filed is None else filed.as_json(),
    }
    codes = tuple(provision.code for provision in decision.unmet)
    return Answer(ACCEPTED, JSON, _text(body), query_id, decision.outcome, codes)


def stopped(query_id: str, policy: Policy, catalogue: Catalogue, receipt: Receipt | None) -> Answer:
    """Answer a query that was permitted but met a stop inside its release's own commit.

    This does not depend on the policy: a bundle without the provision is answered in the same way.
    """
    provision = catalogue.get(STOPPED)
    return _denial(query_id, policy, () if provision is None else (provision,), "none", receipt)


def provision_json(provision: Provision) -> dict[str, Json]:
    """Quote a provision as a denial does; what nobody compared with the law's text says so."""
    return {
        "code": provision.code,
        "pack": provision.pack,
        "rules": list(provision.rules),
        "title": provision.title,
        "citation": provision.citation,
        "verified": provision.verified,
        "message": provision.message,
        "remedy": provision.remedy,
        "review": provision.review,
    }


def _permit_json(permit: Permit) -> dict[str, Json]:
    return {
        "outcome": permit.outcome,
        "policy": permit.policy.as_json(),
        "obligations": permit.obligations.as_json(),
    }


def _denial_json(denial: Denial) -> dict[str, Json]:
    quoted: list[Json] = [provision_json(provision) for provision in denial.unmet]
    return {"outcome": denial.outcome, "policy": denial.policy.as_json(), "provisions": quoted}


def _denial(
    query_id: str, policy: Policy, unmet: tuple[Provision, ...], review: str, receipt: Receipt | None
) -> Answer:
    quoted: list[Json] = [provision_json(provision) for provision in unmet] or [_STOP_WITHOUT_POLICY]
    body: dict[str, Json] = {
        "type": "/docs#problem-denied",
        "title": "Denied by policy",
        "status": DENIED,
        "detail": _detail(unmet, review),
        "query_id": query_id,
        "decision": {"outcome": "deny", "policy": policy.as_json(), "provisions": quoted},
        "review": {
            "state": review,
            "url": f"/v1/queries/{query_id}" if review != "none" else None,
        },
        "receipt": None if receipt is None else receipt.as_json(),
    }
    codes = tuple(provision.code for provision in unmet) or (STOPPED,)
    return Answer(DENIED, PROBLEM, _text(body), query_id, "deny", codes)


def _receiver(permit: Permit) -> str:
    return "" if permit.situation.agency is None else permit.situation.agency.id


_STOP_WITHOUT_POLICY: dict[str, Json] = {
    "code": STOPPED,
    "pack": None,
    "rules": [],
    "title": "Sharing is stopped",
    "citation": "Order of the city",
    "verified": False,
    "message": "The city has stopped the sharing that this query asks for.",
    "remedy": "Wait until the city lifts the stop, or ask its records staff.",
    "review": "none",
}


def _detail(unmet: tuple[Provision, ...], review: str) -> str:
    count = len(unmet) or 1
    said = "1 provision is not met" if count == 1 else f"{count} provisions are not met"
    if review == "queued":
        return f"{said}; the request is queued for review. Nothing was released."
    return f"{said}; each names what would cure it. Nothing was released."


def _text(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
