"""An agency's signatory signs by a one-time link: it is made, revoked, opened, and used once.

The link holds 256 random bits, of which the store keeps the SHA-256 alone. Guarantees: only a link that is
neither used, revoked nor expired, of an agency that is not closed, signs, and only the very text that it was
made for; of two who sign by one link at once one is refused; what was signed is kept word for word, and its
SHA-256 is in the registry and committed to by the log's entry, in the same commit as the affirmation.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, Protocol

from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.ledger import Draft, Json, Ledger, Row
from gatekeeper.oversight.documents_signed import Signature, document, sha256_of
from gatekeeper.oversight.signable import Signable, Texts, taken

OPEN_FOR: Final = timedelta(days=14)
LONGEST_OPEN: Final = timedelta(days=60)
RECEIPT_FOR: Final = timedelta(days=90)
"""How long the address of a receipt is answered; the document itself stays with the city."""

VALID_DAYS: Final = 365
"""How long a signature counts where the law says nothing."""

State = Literal["open", "used", "revoked", "expired", "closed"]
Kind = Literal["affirmation", "declaration"]


class Invitation(Protocol):
    """A link, as it is stored."""

    @property
    def id(self) -> str:
        """Its id, which is no secret."""

    @property
    def agency_id(self) -> str:
        """Whose signatory it is for."""

    @property
    def kind(self) -> Kind:
        """What is signed."""

    @property
    def text_version(self) -> str:
        """Which version of the text."""

    @property
    def text_sha256(self) -> str:
        """SHA-256 of that text when the link was made."""

    @property
    def signer_email(self) -> str:
        """To whom it was to be given."""

    @property
    def valid_days(self) -> int:
        """How many days the signature counts."""

    @property
    def expires_at(self) -> datetime:
        """Until when the link can be used."""

    @property
    def used_at(self) -> datetime | None:
        """When it was used."""

    @property
    def revoked_at(self) -> datetime | None:
        """When it was revoked."""


class Kept(Protocol):
    """A document as it was signed."""

    @property
    def affirmation_id(self) -> str:
        """The affirmation that it is."""

    @property
    def document(self) -> str:
        """Its exact text."""

    @property
    def ref(self) -> str:
        """The entry of the log that tells of it."""

    @property
    def receipt_until(self) -> datetime:
        """Until when its receipt's address is answered."""


class Store(Protocol):
    """Reads links and documents. Each raises StoreUnavailable."""

    def by_token(self, token_sha256: bytes, /) -> Invitation | None:
        """Return the link whose secret has this SHA-256."""

    def by_receipt(self, receipt_sha256: bytes, /) -> Kept | None:
        """Return the document whose receipt's address has this SHA-256."""


class Rows(Protocol):
    """Makes the rows, for the log to commit with their entries."""

    def invite(self, **values: object) -> Sequence[Row]:
        """Return the row of a new link."""

    def use_invitation(self, invitation: Any, at: datetime, /) -> Sequence[Row]:
        """Return the row that uses it up."""

    def revoke_invitation(self, invitation: Any, at: datetime, /) -> Sequence[Row]:
        """Return the row that revokes it."""

    def keep_document(self, **values: object) -> Sequence[Row]:
        """Return the row of a document."""


@dataclass(frozen=True, slots=True)
class Affirmed:
    """An affirmation, as it enters the registry."""

    id: str
    agency_id: str
    kind: Kind
    text_version: str
    signer: str
    title: str
    signed_on: date
    expires_on: date | None
    document_sha256: str


@dataclass(frozen=True, slots=True)
class Link:
    """A new link's id, and the secret that its address ends with, which is kept nowhere."""

    id: str
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """What signing came to; ``receipt`` is the secret of the receipt's address, kept nowhere."""

    affirmation: Affirmed
    document: str
    entry: int
    receipt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signing:
    """Signing by links. Each change raises OperatorError, Superseded or LedgerUnavailable."""

    ledger: Ledger
    store: Store
    rows: Rows
    affirm: Callable[[Any], Sequence[Row]]
    agency: Callable[[str], Agency | None]
    city: Callable[[], Mapping[str, Json]]
    """The city's settings, of the law in force."""
    texts: Texts
    name: str
    """What the city is called to the signatory."""
    now: Callable[[], datetime]

    def invite(
        self,
        agency: Agency,
        *,
        kind: Kind,
        text_version: str | None = None,
        signer_email: str,
        open_for: timedelta = OPEN_FOR,
        valid_days: int | None = None,
        by: str,
    ) -> Link:
        """Make a link for the agency's signatory."""
        if agency.status == "closed":
            raise OperatorError("the agency is closed: nobody signs for it")
        city = self.city()
        version = text_version or next(reversed(self.texts.versions(city, kind)), None)
        if text_version is not None and not taken(city, kind, text_version):
            raise OperatorError(
                f"the law in force does not take the {kind} {text_version} (data/city.json, {kind}_texts): "
                "it would be signed in vain; leave out --text-version"
            )
        text = None if version is None else self.texts.text(city, kind, version)
        if version is None or text is None:
            raise OperatorError(
                f"the law in force names no text of this {kind} to sign: propose its hash in "
                "data/city.json, texts_to_sign (gatekeeper policy propose), or record a paper with "
                "gatekeeper affirmation add"
            )
        if not timedelta(0) < open_for <= LONGEST_OPEN:
            raise OperatorError(f"a link is open for 1 to {LONGEST_OPEN.days} days")
        days = _valid(city) if valid_days is None else valid_days
        if not 1 <= days <= _valid(city, 3660):
            raise OperatorError(
                f"a signature counts for 1 to {_valid(city, 3660)} days, as the law in force says"
            )
        token, now = secrets.token_urlsafe(32), self.now()
        invitation_id, expires_at = f"invitation-{secrets.token_hex(8)}", now + open_for
        rows = self.rows.invite(
            id=invitation_id,
            agency_id=agency.id,
            kind=kind,
            text_version=version,
            text_sha256=text.sha256,
            token_sha256=digest(token),
            signer_email=signer_email,
            valid_days=days,
            made_at=now,
            expires_at=expires_at,
        )
        draft = Draft(
            event="agency.invited",
            ref=f"agency_{secrets.token_hex(8)}",
            clear={
                "agency": agency.id,
                "kind": kind,
                "text_version": version,
                "invitation": invitation_id,
            },
            secret={
                "by": by,
                "signer_email": signer_email,
                "text_sha256": text.sha256,
                "expires_at": expires_at.isoformat(),
            },
            detail={},
        )
        self.ledger.append(draft, rows)
        return Link(invitation_id, token, expires_at)

    def revoke(self, invitation: Invitation, *, by: str, reason: str | None = None) -> None:
        """Revoke a link that was not used."""
        if (state := self.state(invitation)) != "open":
            raise OperatorError(f"the link is {state}; nothing was changed")
        draft = Draft(
            event="agency.invitation_revoked",
            ref=f"agency_{secrets.token_hex(8)}",
            clear={"agency": invitation.agency_id, "invitation": invitation.id},
            secret={"by": by} if reason is None else {"by": by, "reason": reason},
            detail={},
        )
        self.ledger.append(draft, self.rows.revoke_invitation(invitation, self.now()))

    def opened(self, token: str) -> Invitation | None:
        """Return the link of a secret, whatever its state, or None."""
        return self.store.by_token(digest(token))

    def state(self, invitation: Invitation) -> State:
        """Say whether a link can be used, or why not."""
        if invitation.used_at is not None:
            return "used"
        if invitation.revoked_at is not None:
            return "revoked"
        if self.now() >= invitation.expires_at:
            return "expired"
        agency = self.agency(invitation.agency_id)
        return "closed" if agency is None or agency.status == "closed" else "open"

    def text(self, invitation: Invitation, language: str | None = None) -> Signable | None:
        """Return the text that the link is for (a translation is for reading; None if there is none).

        Raises OperatorError if the text is no longer the one that the link was made for.
        """
        city = self.city()
        if language is not None:
            return self.texts.text(city, invitation.kind, invitation.text_version, language)
        text = self.texts.text(city, invitation.kind, invitation.text_version)
        counts = taken(city, invitation.kind, invitation.text_version)
        if text is None or text.sha256 != invitation.text_sha256 or not counts:
            raise OperatorError("the law in force names another text than this link was made for")
        return text

    def sign(self, invitation: Invitation, *, name: str, title: str, email: str) -> Signed:
        """Sign: the server's own time is the date. Superseded if the link was used or revoked meanwhile."""
        text, agency, at = self.text(invitation), self.agency(invitation.agency_id), self.now()
        if self.state(invitation) != "open" or text is None or agency is None:
            raise Superseded
        at = at.replace(microsecond=0)
        expires_on = at.date() + timedelta(days=invitation.valid_days)
        paper = document(
            Signature(
                city=self.name,
                agency=agency,
                invitation=invitation,
                text=text,
                name=name,
                title=title,
                email=email,
                at=at,
                expires_on=expires_on,
            )
        )
        signed = Affirmed(
            id=f"affirmation_{secrets.token_hex(8)}",
            agency_id=agency.id,
            kind=invitation.kind,
            text_version=invitation.text_version,
            signer=name,
            title=title,
            signed_on=at.date(),
            expires_on=expires_on,
            document_sha256=sha256_of(paper),
        )
        receipt, ref = secrets.token_urlsafe(32), f"affirmed_{secrets.token_hex(8)}"
        rows = (
            # First: whoever comes second is refused by this row, before anything else is written.
            *self.rows.use_invitation(invitation, at),
            *self.affirm(signed),
            *self.rows.keep_document(
                affirmation_id=signed.id,
                invitation_id=invitation.id,
                document=paper,
                ref=ref,
                receipt_sha256=digest(receipt),
                receipt_until=at + RECEIPT_FOR,
            ),
        )
        appended = self.ledger.append(_affirmed(signed, invitation, ref), rows)
        return Signed(signed, paper, appended.index, receipt)

    def entry(self, kept: Kept) -> int | None:
        """Return the index of the entry that tells of a signed document. Raises LedgerUnavailable."""
        return next((entry.index for entry in self.ledger.entries_of(kept.ref)), None)

    def receipt(self, token: str) -> Kept | None:
        """Return the signed document of a receipt's address, None if there is none or its time is over."""
        kept = self.store.by_receipt(digest(token))
        return None if kept is None or self.now() >= kept.receipt_until else kept


def digest(token: str) -> bytes:
    """Return the SHA-256 by which a link's secret is kept and found."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _valid(city: Mapping[str, Json], otherwise: int = VALID_DAYS) -> int:
    days = city.get("affirmation_max_age_days")
    return days if isinstance(days, int) and not isinstance(days, bool) else otherwise


def _affirmed(signed: Affirmed, invitation: Invitation, ref: str) -> Draft:
    return Draft(
        event="agency.affirmed",
        ref=ref,
        clear={
            "agency": signed.agency_id,
            "kind": signed.kind,
            "text_version": signed.text_version,
            "signed_on": signed.signed_on.isoformat(),
            "expires_on": None if signed.expires_on is None else signed.expires_on.isoformat(),
        },
        secret={
            "signer": signed.signer,
            "title": signed.title,
            "document_sha256": signed.document_sha256,
            "by": invitation.id,
        },
        detail={"affirmation": signed.id, "invitation": invitation.id},
    )
