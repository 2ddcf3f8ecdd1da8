"""The document that a signatory signs on the page: its exact bytes, and what may be put into it.

Plain text in UTF-8, lines ended by LF, so that anybody can hash it again without a program of ours.
Guarantees: the same signature makes the same bytes; nothing that the signatory typed can make a line of its
own or run against the direction of the text, so it cannot look like another part of the document.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from gatekeeper.exchange.fingerprints import UNSEEN
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.oversight.signable import Signable

LONGEST: Final = 200
_RULE: Final = "-" * 72


class Link(Protocol):
    """What the document names of the link that it was signed by."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def kind(self) -> str:
        """What is signed."""

    @property
    def text_version(self) -> str:
        """Which version."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs what for whom, and when."""

    city: str
    agency: Agency
    invitation: Link
    text: Signable
    name: str
    title: str
    email: str
    at: datetime
    expires_on: date


def document(signed: Signature) -> str:
    """Return the document; its SHA-256 is that of this text in UTF-8."""
    agency = signed.agency
    ori = "" if agency.ori is None else f", ORI {agency.ori}"
    return (
        f"SIGNED {signed.invitation.kind.upper()}\n"
        f"Given to: {signed.city}\n"
        f"Agency: {agency.name} ({agency.id}{ori})\n"
        f"Text: {signed.invitation.kind}, version {signed.invitation.text_version}\n"
        f"SHA-256 of the text: {signed.text.sha256}\n"
        f"{_RULE}\n"
        f"{signed.text.text.rstrip()}\n"
        f"{_RULE}\n"
        f"Signed by: {signed.name}\n"
        f"Title: {signed.title}\n"
        f"E-mail: {signed.email}\n"
        f"Signed at: {signed.at:%Y-%m-%dT%H:%M:%SZ}, by the city's server\n"
        f"Ends on: {signed.expires_on.isoformat()}\n"
        f"By the link: {signed.invitation.id}\n"
        "The signatory ticked that they have read this text, that they sign it for the agency and may bind "
        "it, and typed their name.\n"
    )


def sha256_of(text: str) -> str:
    """Return a document's SHA-256 in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def tidy(typed: str) -> str:
    """Return what was typed as it enters the document: composed, its white space made single."""
    return " ".join(unicodedata.normalize("NFC", typed).split())


def fault_of(typed: str) -> str | None:
    """Say what is wrong with a name or a title after ``tidy``, or None."""
    if not any(letter.isalpha() for letter in typed):
        return "Fill this in with words."
    if not set(UNSEEN).isdisjoint(typed):
        return "This holds characters that cannot be shown. Type it again."
    if len(typed) > LONGEST:
        return "This is too long: at most 200 characters."
    if not typed.isprintable() or "\N{REPLACEMENT CHARACTER}" in typed:
        return "This holds characters that cannot be shown. Type it again."
    return None


def same_name(typed: str, name: str) -> bool:
    """Say whether the name that was typed as a signature is the name that was given."""
    return tidy(typed).casefold() == tidy(name).casefold()
