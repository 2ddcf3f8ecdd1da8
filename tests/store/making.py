"""Makes what the store's tests write: an agency with a client, queries, entries."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gatekeeper.exchange.questions import DayQuestion, MarkQuestion, Questions, SearchQuestion
from gatekeeper.ledger.rows import Alter, Head, Insert, Row, StoredEntry
from gatekeeper.store import administration, reviews
from gatekeeper.store import agency_life as life
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.ledger_transaction import LedgerTransaction
from gatekeeper.store.queries import Queries
from gatekeeper.store.revisions import Revision, Revisions
from gatekeeper.store.values import (
    Affirmation,
    Agency,
    Client,
    ClientKey,
    Neighbours,
    StaffAccount,
    Stop,
)
from gatekeeper.store.webhooks import Webhooks

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def head(size: int, at_ms: int) -> Head:
    """Return a head of the right shape; what its hashes mean is the ledger's own suite's subject."""
    return Head(size, tuple(bytes([i]) * 32 for i in range(size.bit_count())), at_ms)


def entry(index: int, ref: str = "r") -> StoredEntry:
    """Return an entry of the right shape."""
    return StoredEntry(index, b'{"v":1}', bytes([index % 256]) * 32, "query.decided", ref)


def append(transaction: LedgerTransaction, count: int = 1, ref: str = "r") -> None:
    """Append *count* entries to whatever the log holds."""
    old = transaction.head()
    entries = [entry(old.size + i, ref) for i in range(count)]
    transaction.append(entries, (), head(old.size + count, old.at_ms + 1))


def commit(rows: LedgerRows, *batch: Sequence[Row]) -> None:
    """Commit each request's rows with an entry of its own, all in one transaction."""
    with rows.transaction() as transaction:
        for request in batch:
            transaction.write(request)
        append(transaction, max(1, len(batch)))


def agency(name: str = "evanston", *, signed: bool = True) -> Agency:
    """Return a local agency in Illinois."""
    affirmation = Affirmation(
        f"{name}-1", name, "affirmation", "2026-01", "Sam Signer", "Chief", DAY, None, "0" * 64
    )
    return Agency(
        id=name,
        ori=f"IL{name.upper()}"[:32],
        name=f"{name.title()} Police Department",
        kind="local",
        state="IL",
        status="active",
        has_287g=False,
        contacts=("chief@example.org",),
        affirmations=(affirmation,) if signed else (),
    )


def client(name: str = "c1", agency_id: str = "evanston") -> Client:
    """Return a client of that agency with one key."""
    key = ClientKey("k1", "ES256", {"kty": "EC", "crv": "P-256"}, "active")
    return Client(name, agency_id, "private_key", "active", None, ("reads:query", "ledger:read"), (key,))


def stop(name: str = "s1") -> Stop:
    """Return a stop of everything."""
    return Stop(name, "all", None, NOON)


def register(rows: LedgerRows, name: str = "evanston", client_id: str = "c1") -> None:
    """Commit an agency and a client."""
    commit(
        rows,
        [*administration.add_agency(agency(name)), *administration.add_client(client(client_id, name))],
    )


def query(query_id: str | None = None, **changes: object) -> Insert:
    """Return the row of a query."""
    values: dict[str, object] = {
        "query_id": query_id or secrets.token_hex(16),
        "agency_id": "evanston",
        "client_id": "c1",
        "hour": "2026-11-22T12Z",
        "kind": "plate",
        "category": "stolen_vehicle",
        "outcome": "deny",
        "review": "staff",
        "dry_run": False,
        "policy_revision": "2026-01+0123456789ab",
        "target_fp": b"t" * 32,
        "officer_fp": b"o" * 32,
        "body_fp": b"b" * 32,
        "fp_day": DAY,
    }
    return Insert("queries", {**values, **changes})


def waiting(query_id: str, **changes: Any) -> tuple[Row, ...]:
    """Return the rows of a denied query that waits for a person."""
    values: dict[str, Any] = {
        "agency_id": "evanston",
        "category": "stolen_vehicle",
        "level": "staff",
        "provisions": ["case_number"],
        "at": NOON,
        "due_at": LATER,
        "first": False,
    }
    return reviews.queue(query_id=query_id, **{**values, **changes})


def verification(name: str = "v1", **changes: object) -> Insert:
    """Return the row of a verified paper."""
    values: dict[str, object] = {
        "id": name,
        "agency_id": "evanston",
        "document_sha256": "d" * 64,
        "paper_fp": b"p" * 32,
        "targets": ("aa", "bb"),
        "window_start": NOON - timedelta(days=7),
        "window_end": NOON,
        "at": NOON,
        "expires_at": NOON + timedelta(days=3),
        "actor": "staff-1",
        "level": "staff",
        "fp_day": DAY,
    }
    return Insert("verifications", {**values, **changes})


def detail(ref: str, event: str = "query.decided@0") -> Insert:
    """Return the row of a sealed private detail."""
    return Insert("private_details", {"ref": ref, "event": event, "day": DAY, "box": b"sealed"})


def document(query_id: str, name: str = "document_1", **changes: object) -> Insert:
    """Return the row of a paper that was handed in."""
    values: dict[str, object] = {
        "id": name,
        "query_id": query_id,
        "sha256": "d" * 64,
        "media_type": "application/pdf",
        "size": 6,
        "source": "agency",
        "at": NOON,
        "day": DAY,
        "name_box": b"sealed",
        "box": b"sealed",
    }
    return Insert("documents", {**values, **changes})


def claim(key: bytes = b"k" * 32, query_id: str = "q1", client_id: str = "c1") -> Insert:
    """Return the row that claims an Idempotency-Key."""
    return Insert(
        "idempotency_keys",
        {"client_id": client_id, "key_fp": key, "query_id": query_id, "body_fp": b"b" * 32, "day": DAY},
    )


def member(name: str = "pat.sample") -> StaffAccount:
    """Return an account of the city's staff, with secrets that open nothing."""
    return StaffAccount(
        f"staff-{name}", name, "Pat Sample", "records", None, "active", "$argon2id$none", b"box"
    )


ITEM = {"sample_id": "sample_2", "number": 1}
"""The key of the one permit of a second sample."""


def sample(name: str = "sample_1") -> tuple[Insert, ...]:
    """Return the rows of a sample of one permit that was marked."""
    drawn = {
        "id": name,
        "drawn_from": f"{name}#1",
        "at": NOON,
        "actor": "staff-1",
        "first_day": DAY,
        "last_day": DAY,
        "size": 1,
        "population": 1,
    }
    item = {
        "sample_id": name,
        "number": 1,
        "entry_index": 0,
        "query_id": "q1",
        "agency_id": "evanston",
        "category": "stolen_vehicle",
        "marks": 1,
    }
    mark = {
        "sample_id": name,
        "number": 1,
        "mark": 1,
        "ref": "mark_1",
        "verdict": "right",
        "at": NOON,
        "actor": "staff-1",
    }
    return (
        Insert("samples", drawn),
        Insert("sample_items", item),
        Insert("sample_marks", mark),
    )


def webhook(name: str = "hook-1", agency_id: str = "evanston") -> tuple[Row, ...]:
    """Return the row of a webhook whose box opens nothing."""
    return Webhooks.adding(id=name, agency_id=agency_id, host="hooks.invalid", box=b"box", added_at=NOON)


def agency_life(agency_id: str = "evanston") -> tuple[Row, ...]:
    """Return the rows of a link to sign by, of what was signed by it, and of a proposal."""
    link = {
        "id": "invitation_1",
        "agency_id": agency_id,
        "kind": "affirmation",
        "text_version": "2026-01",
        "text_sha256": "a" * 64,
        "token_sha256": b"t" * 32,
        "signer_email": "chief@example.org",
        "valid_days": 730,
        "made_at": NOON,
        "expires_at": LATER,
    }
    signed = Affirmation(
        "affirmation_signed", agency_id, "affirmation", "2026-01", "Sam Sample", "Chief", DAY, None, "d" * 64
    )
    kept = {
        "affirmation_id": signed.id,
        "invitation_id": "invitation_1",
        "document": "A sample",
        "ref": "affirmed_1",
        "receipt_sha256": b"r" * 32,
        "receipt_until": LATER,
    }
    proposed = {
        "id": "proposal_1",
        "agency_id": agency_id,
        "act": "reinstate_agency",
        "change_sha256": "0" * 64,
        "basis_sha256": "0" * 64,
        "proposed_by": member().id,
        "proposed_at": NOON,
        "expires_at": LATER,
        "ref": "agency_1",
    }
    return (
        *life.invite(**link),
        *administration.affirm(signed),
        *life.keep_document(**kept),
        *life.propose(**proposed),
    )


def revision(database: Database) -> list[Row]:
    """Return the rows of a text of the law, with a result and an approval by the member of staff."""
    tree, kept = f"sha256:{'a' * 64}", Revisions(database)
    proposed = Revision(
        id="rev_0123456789abcdef",
        revision="2026-01+0123456789ab",
        digest=f"sha256:{'b' * 64}",
        tree=tree,
        label="2026-01",
        base=None,
        origin="editor",
        author=member().id,
        reason="A sample",
        state="draft",
        proposed_at=NOON,
        effective_at=None,
        serial=None,
        activated_at=None,
        signature=None,
    )
    return [
        *kept.proposed(proposed, b"archive"),
        *kept.found(proposed.id, "check", number=1, at=NOON, digest=tree, passed=True, text="{}"),
        *kept.approved(proposed.id, account_id=member().id, seal=tree, role="legal", at=NOON),
    ]


def policy_named(revision: str, digest: str, *, previous: str | None) -> tuple[Row, ...]:
    """Return the row that has the registry name a policy, whether there is one or not."""
    key, named = (
        {"id": 1, "policy_revision": previous},
        {"policy_revision": revision, "policy_digest": digest},
    )
    return (Alter("registry", key, named),)


_NOTHING = Questions(
    SearchQuestion((), ""), MarkQuestion((), 0, 0, 1), DayQuestion(b"", b"", "", "", "", ()), None
)


def around(database: Database, **asked: Any) -> Neighbours:
    """Return what is on record around a query; of the questions that are not named nothing is known."""
    return Queries(database).neighbours(replace(_NOTHING, **asked))
