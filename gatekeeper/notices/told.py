"""Who is told of a notice: the agency's webhooks, and those of its contacts that are e-mail addresses.

Guarantees: an agency that was closed is told nothing; a contact is an address only if it is one address and
nothing else, so that none can carry a header or a second recipient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, Protocol

from gatekeeper.notices.outcomes import Agency

MAIL: Final = "mail"
"""The endpoint of every e-mail: the city's one server, to which one goes at a time."""

MOST_ADDRESSES: Final = 10
Recipient = tuple[Literal["webhook", "mail"], str, str | None]
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_WORD}(?:\.{_WORD})*@{_LABEL}(?:\.{_LABEL})*\Z")


class Webhook(Protocol):
    """Where an agency wants to be told."""

    @property
    def id(self) -> str:
        """Its id, by which deliveries name it."""

    @property
    def status(self) -> str:
        """Only ``active`` ones are told."""


def is_address(text: str) -> bool:
    """Say whether a text is one e-mail address and nothing else (RFC 5321, without quotes and literals)."""
    return _ADDRESS.match(text) is not None


def addresses(contacts: Iterable[str]) -> tuple[str, ...]:
    """Return those contacts that are e-mail addresses, each once."""
    found = {contact.strip().casefold(): contact.strip() for contact in reversed(tuple(contacts))}
    listed = [address for address in reversed(found.values()) if is_address(address)]
    return tuple(listed[:MOST_ADDRESSES])


def recipients(agency: Agency | None, webhooks: Sequence[Webhook], *, mail: bool) -> list[Recipient]:
    """Return where a notice goes."""
    if agency is None or agency.status == "closed":
        return []
    hooks: list[Recipient] = [("webhook", hook.id, None) for hook in webhooks if hook.status == "active"]
    letters: list[Recipient] = [("mail", MAIL, address) for address in addresses(agency.contacts)]
    return hooks + (letters if mail else [])
