"""An agency's contacts are told that somebody signed for it, with the document, once and at once.

Guarantees: nobody waits for the mail server, and a signature does not depend on it; whom it does not reach
has the document all the same (the receipt, the city); what failed is told as a word of ours, no address.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from gatekeeper.errors import StoreUnavailable
from gatekeeper.notices.mail import Mail
from gatekeeper.notices.told import addresses

_log = structlog.get_logger()


class Affirmation(Protocol):
    """What was signed."""

    @property
    def kind(self) -> str:
        """``affirmation`` or ``declaration``."""

    @property
    def document_sha256(self) -> str:
        """SHA-256 of the document."""


class Signed(Protocol):
    """What signing came to."""

    @property
    def affirmation(self) -> Affirmation:
        """The affirmation."""

    @property
    def document(self) -> str:
        """The document, word for word."""

    @property
    def entry(self) -> int:
        """The entry of the log that tells of it."""


class Invitation(Protocol):
    """The link by which it was signed."""

    @property
    def agency_id(self) -> str:
        """For whom."""

    @property
    def signer_email(self) -> str:
        """To whom the city gave it: also told, for it may have been passed on."""


@dataclass(frozen=True, slots=True)
class Announced:
    """Tells of signatures by e-mail, where the city has a mail server."""

    mail: Mail | None
    contacts: Callable[[str], Sequence[str]]
    """The contacts of an agency."""
    now: Callable[[], datetime]

    def __call__(self, signed: Signed, invitation: Invitation) -> None:
        """Send it, in a thread of its own."""
        if self.mail is None:
            return
        people = addresses((invitation.signer_email, *self._contacts(invitation.agency_id)))
        sending = threading.Thread(
            target=self.send, args=(self.mail, signed, people), name="announced", daemon=True
        )
        sending.start()

    def _contacts(self, agency_id: str) -> Sequence[str]:
        try:
            return self.contacts(agency_id)
        except StoreUnavailable as fault:
            # It is signed: whoever signed must have the receipt, whatever fails now.
            _log.warning("signature_not_announced", code=fault.code)
            return ()

    def send(self, mail: Mail, signed: Signed, people: Sequence[str]) -> None:
        """Send it to each, one after the other."""
        kind = signed.affirmation.kind
        text = (
            f"Somebody signed the {kind} below for your agency. If that was not right, tell the city at "
            f"once.\n\nSHA-256 of the document: {signed.affirmation.document_sha256}\n"
            f"Entry of the city's log: {signed.entry}\n\n{signed.document}"
        )
        for person in people:
            outcome = mail.post(person, f"a {kind} was signed for your agency", text, self.now())
            if outcome.end != "delivered":
                _log.warning("signature_not_announced", code=outcome.code)
