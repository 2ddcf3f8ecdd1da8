"""Made-up papers of each kind that is taken, small and whole."""

from __future__ import annotations

import io
import zlib
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from fpdf import FPDF
from PIL import Image

from gatekeeper.exchange.documents import Document, examined


def pdf(text: str = "Sample warrant, signed by Judge Robin Sample (made up)") -> bytes:
    """Return a PDF of one page."""
    made = FPDF()
    made.set_creation_date(datetime(2026, 11, 1, tzinfo=UTC))  # equal papers are equal bytes
    made.add_page()
    made.set_font("helvetica", size=12)
    made.multi_cell(0, text=text)
    return bytes(made.output())


def picture(kind: str = "PNG") -> bytes:
    """Return a picture of a few dots."""
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(made, kind)
    return made.getvalue()


def paper(name: str = "warrant.pdf", content: bytes | None = None) -> Document:
    """Return a PDF that passed the checks."""
    return examined(name, "application/pdf", pdf() if content is None else content)


def sent(name: str = "warrant.pdf", media_type: str = "application/pdf", content: bytes | None = None) -> Any:
    """Return a document as an appeal sends it."""
    return {
        "name": name,
        "media_type": media_type,
        "content_base64": b64encode(pdf() if content is None else content).decode(),
    }


def with_objects(inside: bytes) -> bytes:
    """Return a PDF that hides objects in a compressed stream."""
    packed = zlib.compress(inside)
    return (
        b"%PDF-1.7\n1 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length "
        + str(len(packed)).encode()
        + b" >>\nstream\n"
        + packed
        + b"\nendstream\nendobj\ntrailer << /Root 2 0 R >>\n%%EOF\n"
    )
