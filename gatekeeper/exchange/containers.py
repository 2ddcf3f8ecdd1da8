"""Whether a file is one thing only: it begins and ends as its format does, and hides nothing that we can see.

A file that two programs read as two things is how a picture becomes a web page or an archive. Each format is
walked along its own marks, never decoded: no pixel is drawn and no text laid out here. Guarantees: linear
time; what is inflated is bounded; what cannot be walked is refused. The faults are fixed sentences, each with
its cure.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

_ARCHIVE_END: Final = b"PK\x05\x06"
_ARCHIVE_TAIL: Final = 65_557  # PKWARE APPNOTE 4.3.16: 22 bytes and a comment of at most 65,535
_MARKUP: Final = re.compile(
    rb"<(?:!doctype|html|head|body|script|svg|iframe|object|embed|\?php)\b", re.IGNORECASE
)
_LOOKED_AT_FOR_MARKUP: Final = 1024
_PADDING: Final = b"\0\t\n\f\r "

# ISO 32000-1: 7.5.8 (object streams), 12.6.4 (actions), 7.11.4 (embedded files), 7.6 (encryption).
_PDF_STREAM: Final = re.compile(rb"stream\r?\n")
_PDF_STREAM_END: Final = b"endstream"
_PDF_NAME: Final = re.compile(rb"/[^\x00\t\n\f\r ()<>\[\]{}/%]+")
_PDF_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_HEAD: Final = re.compile(rb"%PDF-[12]\.[0-9]")
_ACTIVE: Final = frozenset(
    {
        b"/JavaScript",
        b"/JS",
        b"/Launch",
        b"/ImportData",
        b"/SubmitForm",
        b"/EmbeddedFile",
        b"/EmbeddedFiles",
        b"/RichMedia",
        b"/XFA",
    }
)
_MOST_INFLATED: Final = 8 * 1024 * 1024

ELSE: Final = (
    "The file holds something behind or before what it is said to be: export it again as one plain file."
)
BROKEN: Final = "The file is not whole: export or scan it again."
LOCKED: Final = "The PDF asks for a password: save it without one."
ACTIVE: Final = "The PDF holds scripts, forms that send, or files of their own: print it to a plain PDF."


def fault_in(media_type: str, content: bytes) -> str | None:
    """Say what is wrong with a file of one of the types that are taken, or None."""
    if _MARKUP.search(content, 0, _LOOKED_AT_FOR_MARKUP) or _is_archive(content):
        return ELSE
    return _WALKS[media_type](content)


def _is_archive(content: bytes) -> bool:
    return _ARCHIVE_END in content[-_ARCHIVE_TAIL:]


def _png(content: bytes) -> str | None:
    """Walk the chunks to IEND, which must be the end (PNG specification, section 5)."""
    at, kinds = 8, []
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        kinds.append(kind)
        at += 12 + length
        if kind == b"IEND":
            break
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or at > len(content):
        return BROKEN
    return None if at == len(content) else ELSE


def _jpeg(content: bytes) -> str | None:
    """Walk the segments to the picture, whose end must be the file's (ITU-T T.81, annex B)."""
    at = 2
    while content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] != b"\xda":
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big") if at + 4 <= len(content) else len(content)
    if content[at : at + 2] != b"\xff\xda":
        return BROKEN
    return None if content.rstrip(_PADDING).endswith(b"\xff\xd9") else ELSE


def _tiff(content: bytes) -> str | None:
    """Follow the directories, each within the file and none twice (TIFF 6.0, section 2)."""
    order = "<" if content[:2] == b"II" else ">"
    if len(content) < 8:
        return BROKEN
    (at,) = struct.unpack_from(f"{order}I", content, 4)
    seen: set[int] = set()
    while at:
        if at in seen or at < 8 or at + 2 > len(content):
            return BROKEN
        seen.add(at)
        (entries,) = struct.unpack_from(f"{order}H", content, at)
        end = at + 2 + 12 * entries
        if not entries or end + 4 > len(content):
            return BROKEN
        (at,) = struct.unpack_from(f"{order}I", content, end)
    return None if seen else BROKEN


def _pdf(content: bytes) -> str | None:
    """Look at the beginning, the end, and every name outside of pictures, fonts and pages."""
    if not _PDF_HEAD.match(content):
        return ELSE
    if not content.rstrip(_PADDING).endswith(b"%%EOF"):
        return ELSE if b"%%EOF" in content else BROKEN
    found: set[bytes] = set()
    left = len(content) + _MOST_INFLATED
    try:
        for text in _pdf_texts(content):
            found |= _names(text)
            left -= len(text)
            if left <= 0:
                return BROKEN
    except zlib.error:
        return BROKEN
    if b"/Encrypt" in found:
        return LOCKED
    return ACTIVE if found & _ACTIVE else None


def _pdf_texts(content: bytes) -> Iterator[bytes]:
    """Yield what is outside of streams, and what is inside of the streams that hold objects."""
    at = 0
    while stream := _PDF_STREAM.search(content, at):
        # Not one expression for both: many beginnings without an end would be looked through once each.
        end = content.find(_PDF_STREAM_END, stream.end())
        if end < 0:
            break
        before = content[at : stream.start()]
        yield before
        if b"/ObjStm" in _names(before[before.rfind(b" obj") + 1 :]):
            yield _inflated(content[stream.end() : end])
        at = end + len(_PDF_STREAM_END)
    yield content[at:]


def _inflated(packed: bytes) -> bytes:
    """Inflate the objects of a PDF. Raises zlib.error: what cannot be read is refused."""
    inflater = zlib.decompressobj()
    objects = inflater.decompress(packed, _MOST_INFLATED)
    if inflater.unconsumed_tail:
        raise zlib.error("more than is looked at")
    return objects


def _names(text: bytes) -> set[bytes]:
    written = {found[0] for found in _PDF_NAME.finditer(text)}
    return {_PDF_ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), name) for name in written}


_WALKS: Final[dict[str, Callable[[bytes], str | None]]] = {
    "application/pdf": _pdf,
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/tiff": _tiff,
}
