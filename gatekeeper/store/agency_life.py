"""Links by which agencies sign, what was signed by them, and changes that one person proposed to another.

Guarantees: a link is found by the hash of its secret alone, so no comparison of secrets tells anything by the
time it takes; the rows that use, revoke or decide name the state in which it was read, so that of two who do
it at once one is refused (``Superseded``). Reading raises StoreUnavailable, nothing else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import affirmation_invitations, agency_proposals, signed_documents
from gatekeeper.store.values import Invitation, Proposal, SignedDocument
from gatekeeper.store.writing import storable

_INVITATION: Any = select(*(affirmation_invitations.c[name] for name in Invitation.__dataclass_fields__))
_DOCUMENT: Any = select(*(signed_documents.c[name] for name in SignedDocument.__dataclass_fields__))
_PROPOSAL: Any = select(*(agency_proposals.c[name] for name in Proposal.__dataclass_fields__))


class Invitations:
    """The links of all agencies, and the documents that were signed by them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_token(self, token_sha256: bytes) -> Invitation | None:
        """Return the link whose secret has this SHA-256, used, revoked and expired ones too, or None."""
        found = _INVITATION.where(affirmation_invitations.c.token_sha256 == token_sha256)
        with self._database.read() as connection:
            row = connection.execute(found).one_or_none()
        return None if row is None else Invitation(*row)

    def get(self, invitation_id: str) -> Invitation | None:
        """Return the link of that id or None."""
        if not storable(invitation_id):
            return None
        found = _INVITATION.where(affirmation_invitations.c.id == invitation_id)
        with self._database.read() as connection:
            row = connection.execute(found).one_or_none()
        return None if row is None else Invitation(*row)

    def all(self, agency_id: str | None = None) -> tuple[Invitation, ...]:
        """Return every link (of the agency), the oldest first."""
        found = _INVITATION.order_by(affirmation_invitations.c.made_at, affirmation_invitations.c.id)
        if agency_id is not None:
            found = found.where(affirmation_invitations.c.agency_id == agency_id)
        with self._database.read() as connection:
            return tuple(Invitation(*row) for row in connection.execute(found))

    def by_receipt(self, receipt_sha256: bytes) -> SignedDocument | None:
        """Return the document whose receipt's address has this SHA-256, or None."""
        return self._document(signed_documents.c.receipt_sha256 == receipt_sha256)

    def document(self, affirmation_id: str) -> SignedDocument | None:
        """Return what was signed on the page as this affirmation; None for one that came on paper."""
        if not storable(affirmation_id):
            return None
        return self._document(signed_documents.c.affirmation_id == affirmation_id)

    def documents_of(self, agency_id: str) -> frozenset[str]:
        """Return the ids of the agency's affirmations that were signed by a link."""
        joined = signed_documents.c.invitation_id == affirmation_invitations.c.id
        found = select(signed_documents.c.affirmation_id).where(
            joined, affirmation_invitations.c.agency_id == agency_id
        )
        with self._database.read() as connection:
            return frozenset(connection.execute(found).scalars())

    def _document(self, where: Any) -> SignedDocument | None:
        with self._database.read() as connection:
            row = connection.execute(_DOCUMENT.where(where)).one_or_none()
        return None if row is None else SignedDocument(*row)


class Proposals:
    """Changes that wait for a second person, and those that were decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, agency_id: str | None = None) -> tuple[Proposal, ...]:
        """Return every proposal (about the agency), the oldest first."""
        if agency_id is not None and not storable(agency_id):
            return ()
        found = _PROPOSAL.order_by(agency_proposals.c.proposed_at, agency_proposals.c.id)
        if agency_id is not None:
            found = found.where(agency_proposals.c.agency_id == agency_id)
        with self._database.read() as connection:
            return tuple(Proposal(*row) for row in connection.execute(found))

    def get(self, proposal_id: str) -> Proposal | None:
        """Return the proposal of that id or None."""
        if not storable(proposal_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(_PROPOSAL.where(agency_proposals.c.id == proposal_id)).one_or_none()
        return None if row is None else Proposal(*row)


def invite(**values: object) -> tuple[Row, ...]:
    """Return the row of a new link; ``values`` are the columns of ``Invitation`` but how it ended."""
    return (Insert("affirmation_invitations", values),)


def use_invitation(invitation: Any, at: datetime) -> tuple[Row, ...]:
    """Return the row that uses up a link that is neither used nor revoked."""
    return (Alter("affirmation_invitations", _open(invitation), {"used_at": at}),)


def revoke_invitation(invitation: Any, at: datetime) -> tuple[Row, ...]:
    """Return the row that revokes a link that is neither used nor revoked."""
    return (Alter("affirmation_invitations", _open(invitation), {"revoked_at": at}),)


def keep_document(**values: object) -> tuple[Row, ...]:
    """Return the row of a document as it was signed; ``values`` are the columns of ``SignedDocument``."""
    return (Insert("signed_documents", values),)


def propose(**values: object) -> tuple[Row, ...]:
    """Return the row of an open proposal; ``values`` are the columns of ``Proposal`` but how it ended."""
    return (Insert("agency_proposals", {**values, "state": "open"}),)


def decide_proposal(proposal: Any, state: str, *, by: str | None, at: datetime) -> tuple[Row, ...]:
    """Return the row that decides an open proposal: ``done`` or ``withdrawn``."""
    changed = {"state": state, "decided_by": by, "decided_at": at}
    return (Alter("agency_proposals", {"id": proposal.id, "state": "open"}, changed),)


def _open(invitation: Any) -> dict[str, object]:
    return {"id": invitation.id, "used_at": None, "revoked_at": None}
