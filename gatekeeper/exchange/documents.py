"""Papers that an agency or the city's staff hand in: what is taken, how it is kept, how it is read again.

Taken are PDF, PNG, JPEG and TIFF, of 1 byte to 5 MiB, where the declared type, the name's ending and the
bytes themselves agree and the file ends where its format ends. Guarantees: a ``Document`` is made only here;
its name has no path, no control and no direction-changing characters; a file that is also something else (an
archive behind a picture, markup in front of a PDF) is refused; so is a PDF that asks for a password, or in
which scripts, launches or embedded files can be seen. That last search is a courtesy to whoever opens the
file: it cannot be complete, so **no document is ever rendered here** (it is given out as it came, as an
attachment, under a policy that runs nothing: ``web/console/documents.py``).

Name and bytes are sealed under the day's key, bound to their id and their query: destroying the key erases
them. What is read again is compared with its hash.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

import binascii
import hashlib
import re
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, Protocol

import puremagic

from gatekeeper.errors import DocumentRefused, KeyErased, LedgerCorrupt, UnknownDocument
from gatekeeper.exchange.containers import fault_in
from gatekeeper.ledger import DayKeys, Insert, Json

LARGEST: Final = 5 * 1024 * 1024
MOST: Final = 5
"""In one appeal, or one form."""

LONGEST_NAME: Final = 120
MEDIA_TYPES: Final = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/tiff": (".tif", ".tiff"),
}
"""What is taken, with the endings that a name of each may have."""

Source = Literal["agency", "staff"]
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_IN_A_NAME: Final = re.compile(r'[<>:"|?*%]')


class Kept(Protocol):
    """What the store keeps of a document beside its bytes; the name is sealed under the key of ``day``."""

    @property
    def id(self) -> str: ...
    @property
    def query_id(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def day(self) -> date: ...
    @property
    def name_box(self) -> bytes: ...


class Documents(Protocol):
    """The read side of documents. Raises StoreUnavailable, nothing else."""

    def of(self, query_id: str, /) -> Sequence[Kept]:
        """Return every document of a query, the first handed in first; erased ones are gone."""

    def find(self, document_id: str, /) -> Kept | None:
        """Return one document, or None."""

    def box(self, document_id: str, /) -> bytes | None:
        """Return the sealed bytes of a document, or None."""


@dataclass(frozen=True, slots=True)
class Document:
    """A paper that passed every check. Made here alone: ``examined``, or ``fetched`` as it was."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash of its bytes, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def examined(name: str, media_type: str, content: bytes) -> Document:
    """Return the document, its name cleaned. Raises DocumentRefused with every fault at once."""
    cleaned, faults = clean(name), []
    endings = MEDIA_TYPES.get(media_type)
    if endings is None:
        faults.append(("media_type", "Not a type that is taken: PDF, PNG, JPEG and TIFF are."))
    if not cleaned:
        faults.append(("name", "Not a name: give the file one, with its ending."))
    elif endings is not None and not cleaned.lower().endswith(endings):
        faults.append(("name", "The name's ending is not one of the declared type."))
    if not content:
        faults.append(("content", "The file is empty."))
    elif len(content) > LARGEST:
        faults.append(("content", "The file is larger than 5 MiB: scan it in fewer dots or in parts."))
    elif endings is not None and (fault := _fault_of(media_type, content)) is not None:
        faults.append(("content", fault))
    if faults:
        raise DocumentRefused(faults)
    return Document(cleaned, media_type, content)


def decoded(text: str) -> bytes | None:
    """Return what base64 stands for (RFC 4648 section 4, padded, one spelling), None if it is anything else.

    What is longer than any document is cut to just above the limit, so that it is refused for its size.
    """
    most = 4 * (LARGEST // 3 + 2)
    try:
        content = binascii.a2b_base64(text[:most].encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    # Bits left over at the end could spell one file in several ways.
    return content if b64encode(content).decode() == text[:most] else None


def clean(name: str) -> str:
    """Return the last part of a file's name without anything unseen, "" if nothing remains."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode()))[-1]
    seen = "".join(" " if letter.isspace() else letter for letter in last if not _unseen(letter))
    tidy = " ".join(_NOT_IN_A_NAME.sub("_", seen).split()).lstrip(".").strip()
    stem, dot, ending = tidy.rpartition(".")
    if not stem.strip(" ."):
        return ""
    return stem[: LONGEST_NAME - len(ending) - 1] + dot + ending if len(ending) <= 5 else ""


def rows(
    keys: DayKeys, query_id: str, source: Source, at: datetime, documents: Iterable[Document]
) -> list[Insert]:
    """Return the rows that keep the documents; the entry committed with them says ``named``.

    Raises KeyErased, LedgerUnavailable.
    """
    made, day = [], at.date()
    for document in documents:
        reference = f"document_{secrets.token_hex(12)}"
        values = {
            "id": reference,
            "query_id": query_id,
            "sha256": document.sha256,
            "media_type": document.media_type,
            "size": len(document.content),
            "source": source,
            "at": at,
            "day": day,
            "name_box": keys.seal(day, reference, name_binding(query_id), document.name.encode()),
            "box": keys.seal(day, reference, content_binding(query_id), document.content),
        }
        made.append(Insert("documents", values))
    return made


def named(documents: Iterable[Document]) -> list[Json]:
    """Return what an entry commits to of the documents that it brings: hash, type and size of each."""
    return [named_one(document) for document in documents]


def named_one(document: Document) -> dict[str, Json]:
    """Return the same of one."""
    return {
        "sha256": document.sha256,
        "media_type": document.media_type,
        "size": len(document.content),
    }


def name_of(kept: Kept, keys: DayKeys) -> str:
    """Return a document's name. Raises KeyErased if its day was purged, LedgerCorrupt if it was altered."""
    return keys.open(kept.day, kept.id, name_binding(kept.query_id), kept.name_box).decode()


def fetched(documents: Documents, keys: DayKeys, document_id: str) -> tuple[Kept, Document]:
    """Return a document as it was handed in, with what is kept of it.

    Raises UnknownDocument if there is none, or none any more; LedgerCorrupt if it was altered or is another
    query's.
    """
    kept, box = documents.find(document_id), documents.box(document_id)
    if kept is None or box is None:
        raise UnknownDocument(document_id)
    try:
        name = name_of(kept, keys)
        content = keys.open(kept.day, kept.id, content_binding(kept.query_id), box)
    except KeyErased:
        raise UnknownDocument(document_id) from None
    document = Document(name, kept.media_type, content)
    if document.sha256 != kept.sha256 or len(content) != kept.size:
        raise LedgerCorrupt("a document is not the one whose hash was logged")
    return kept, document


def _fault_of(media_type: str, content: bytes) -> str | None:
    try:
        found = {match.mime_type for match in puremagic.magic_string(content)}
    except (puremagic.PureError, ValueError):
        found = set()
    if media_type not in found:
        return "The file is not of the declared type."
    return fault_in(media_type, content)


def name_binding(query_id: str) -> str:
    """Return what the name of a query's document is sealed as."""
    return f"name of a document of {query_id}"


def content_binding(query_id: str) -> str:
    """Return what the bytes of a query's document are sealed as."""
    return f"document of {query_id}"


def _unseen(letter: str) -> bool:
    # White space becomes a blank; what has no width, or turns the line around, disappears.
    return unicodedata.category(letter) in _UNSEEN and not letter.isspace()
