"""Papers that are taken, papers that are refused, and how they are read again."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from gatekeeper.errors import DocumentRefused, LedgerCorrupt, StoreUnavailable, UnknownDocument
from gatekeeper.exchange import containers, documents
from gatekeeper.exchange.documents import LARGEST, Document, clean, decoded, examined, fetched, name_of, rows
from gatekeeper.ledger import Draft
from gatekeeper.store import Documents
from tests.exchange.city import City, body
from tests.exchange.papers import paper, pdf, picture, with_objects

PDF = "application/pdf"
ZIP_END = b"PK\x05\x06" + bytes(18)


@pytest.mark.parametrize(
    ("name", "media_type", "content"),
    [
        ("warrant.pdf", PDF, pdf()),
        ("WARRANT.PDF", PDF, pdf() + b"\n\n"),
        ("page.png", "image/png", picture("PNG")),
        ("page.jpg", "image/jpeg", picture("JPEG")),
        ("page.jpeg", "image/jpeg", picture("JPEG") + b"\0\0"),
        ("page.tif", "image/tiff", picture("TIFF")),
        ("page.tiff", "image/tiff", picture("TIFF")),
    ],
)
def test_a_whole_paper_of_each_kind_is_taken(name: str, media_type: str, content: bytes) -> None:
    """As scanners and printers make them."""
    made = examined(name, media_type, content)
    assert (name, media_type, content) == (made.name, made.media_type, made.content)
    assert 64 == len(made.sha256)


REFUSED: dict[str, tuple[str, str, bytes, str]] = {
    "a page of the web": ("a.pdf", PDF, b"<html><script>alert(1)</script>", "content"),
    "a drawing with scripts": ("a.png", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "content"),
    "a program": ("a.pdf", PDF, b"MZ" + bytes(400), "content"),
    "an archive": ("a.pdf", PDF, b"PK\x03\x04" + bytes(40) + ZIP_END, "content"),
    "an archive said to be one": ("a.zip", "application/zip", b"PK\x03\x04" + bytes(40), "media_type"),
    "a web page said to be one": ("a.html", "text/html", b"<html>", "media_type"),
    "a drawing said to be one": ("a.svg", "image/svg+xml", b"<svg/>", "media_type"),
    "plain text": ("a.pdf", PDF, b"a warrant, honestly", "content"),
    "nothing": ("a.pdf", PDF, b"", "content"),
    "one byte": ("a.pdf", PDF, b"%", "content"),
    "a picture said to be a PDF": ("a.pdf", PDF, picture("PNG"), "content"),
    "a PDF said to be a picture": ("a.png", "image/png", pdf(), "content"),
    "a PNG said to be a JPEG": ("a.jpg", "image/jpeg", picture("PNG"), "content"),
    "an ending of another type": ("a.png", PDF, pdf(), "name"),
    "a program's ending": ("a.pdf.exe", PDF, pdf(), "name"),
    "no ending": ("warrant", PDF, pdf(), "name"),
    "only an ending": (".pdf", PDF, pdf(), "name"),
    "no name": ("", PDF, pdf(), "name"),
    "a name turned around": ("warrant\u202efdp.exe", PDF, pdf(), "name"),
    "too large": ("a.pdf", PDF, pdf() + b"\n" * LARGEST, "content"),
    "a type with more to it": ("a.pdf", "application/pdf; charset=x", pdf(), "media_type"),
    "a type in another case": ("a.pdf", "Application/PDF", pdf(), "media_type"),
}


@pytest.mark.parametrize(("name", "media_type", "content", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_none_of_these_is_refused(name: str, media_type: str, content: bytes, part: str) -> None:
    """With the part that is wrong, and never with what was sent."""
    with pytest.raises(DocumentRefused) as refused:
        examined(name, media_type, content)
    assert part in [wrong for wrong, _ in refused.value.faults]


POLYGLOTS: dict[str, tuple[str, bytes, str]] = {
    "an archive behind a PDF": (PDF, pdf() + b"PK\x03\x04" + bytes(30) + ZIP_END, containers.ELSE),
    "an archive inside a PDF's comment": (PDF, pdf() + b"%" + ZIP_END + b"\n%%EOF", containers.ELSE),
    "an archive behind a PNG": ("image/png", picture("PNG") + bytes(30) + ZIP_END, containers.ELSE),
    "words behind a PNG": ("image/png", picture("PNG") + b"<script>", containers.ELSE),
    "an archive behind a JPEG": ("image/jpeg", picture("JPEG") + bytes(30) + ZIP_END, containers.ELSE),
    "words behind a JPEG": ("image/jpeg", picture("JPEG") + b"words", containers.ELSE),
    "an archive behind a TIFF": ("image/tiff", picture("TIFF") + ZIP_END, containers.ELSE),
    "markup in front of a PDF": (PDF, b"%PDF-1.4\n<html><script>x</script>\n%%EOF", containers.ELSE),
    "a PDF that begins later": (PDF, b"\n" + pdf(), containers.ELSE),
    "a PDF that goes on": (PDF, pdf() + b"more", containers.ELSE),
    "a PDF cut off": (PDF, pdf().replace(b"%%EOF", b""), containers.BROKEN),
    "a PNG cut off": ("image/png", picture("PNG")[:-6], containers.BROKEN),
    "a JPEG that is all header": ("image/jpeg", picture("JPEG")[:30], containers.BROKEN),
    "a JPEG with a segment of no length": ("image/jpeg", b"\xff\xd8\xff\xe0", containers.BROKEN),
    "a TIFF whose directories run in a ring": (
        "image/tiff",
        b"II*\0" + struct.pack("<IHHHIII", 8, 1, 256, 3, 1, 1, 8),
        containers.BROKEN,
    ),
    "a TIFF whose directory is elsewhere": ("image/tiff", b"II*\0\xff\xff\xff\x7f", containers.BROKEN),
    "a TIFF of four bytes": ("image/tiff", b"II*\0", containers.BROKEN),
    "a PDF with a password": (
        PDF,
        b"%PDF-1.4\ntrailer << /Encrypt 5 0 R >>\n%%EOF",
        containers.LOCKED,
    ),
    "a PDF with a script": (PDF, b"%PDF-1.4\n1 0 obj << /S /JavaScript >>\n%%EOF", containers.ACTIVE),
    "a PDF with a script, spelled out": (PDF, b"%PDF-1.4\n<< /J#61vaScript (x) >>\n%%EOF", containers.ACTIVE),
    "a PDF with a script, packed": (
        PDF,
        with_objects(b"1 0 << /S /JavaScript /JS (x) >>"),
        containers.ACTIVE,
    ),
    "a PDF that starts a program": (PDF, b"%PDF-1.4\n<< /S /Launch >>\n%%EOF", containers.ACTIVE),
    "a PDF with a file in it": (PDF, b"%PDF-1.4\n<< /EmbeddedFiles 3 0 R >>\n%%EOF", containers.ACTIVE),
    "a PDF whose objects cannot be read": (
        PDF,
        with_objects(b"x").replace(b"stream\nx", b"stream\nZ", 1),
        containers.BROKEN,
    ),
    "a PDF that swells": (PDF, with_objects(b"/a " * 20_000_000), containers.BROKEN),
}


@pytest.mark.parametrize(("media_type", "content", "fault"), POLYGLOTS.values(), ids=POLYGLOTS.keys())
def test_a_file_that_is_two_things_or_hides_one_is_refused(
    media_type: str, content: bytes, fault: str
) -> None:
    """The second reading is what attacks whoever opens it."""
    assert fault == containers.fault_in(media_type, content)


@pytest.mark.parametrize(
    "piece", [b"stream\n", b"/a ", b"/#61", b"endstream\n", b"1 0 obj /ObjStm stream\nendstream "]
)
def test_a_file_made_to_be_slow_is_read_in_a_moment(piece: bytes) -> None:
    """Five megabytes of beginnings without an end, or of names."""
    content = b"%PDF-1.4\n" + piece * ((LARGEST - 20) // len(piece)) + b"\n%%EOF"
    began = time.process_time()
    containers.fault_in(PDF, content)
    assert 5 > time.process_time() - began


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("warrant.pdf", "warrant.pdf"),
        ("../../etc/warrant.pdf", "warrant.pdf"),
        ("C:\\Users\\pat\\warrant.pdf", "warrant.pdf"),
        ("  two   words\t.pdf ", "two words .pdf"),
        ("war\u202erant\u200b.pdf", "warrant.pdf"),
        ("war\x00rant\r\n.pdf", "warrant .pdf"),
        ("..hidden.pdf", "hidden.pdf"),
        ('a<b>"c|?*%.pdf', "a_b__c____.pdf"),
        ("Orden de reg\u0065\u0301n.pdf", "Orden de reg\u00e9n.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("half \ud800.pdf", "half .pdf"),
        ("..", ""),
        ("/", ""),
        (" .pdf", ""),
        ("x.waytoolong", ""),
    ],
)
def test_a_name_keeps_nothing_that_means_something_to_a_computer(typed: str, kept: str) -> None:
    """No path, nothing unseen, nothing that turns the line around, and not longer than a line."""
    assert kept == clean(typed)
    assert clean(kept) == kept


@pytest.mark.parametrize(
    "text",
    ["=", "YQ", "YQ=", "YQ==\n", " YQ==", "Y Q==", "YR==", "YQ==YQ==", "Y-_=", "é", "\ud800", "YQ===", "!"],
)
def test_base64_has_one_spelling(text: str) -> None:
    """Two spellings of one file would have two readings."""
    assert decoded(text) is None
    assert b"a" == decoded("YQ==")
    assert b"" == decoded("")


def test_more_base64_than_any_document_is_refused_for_its_size() -> None:
    """Without decoding all of it."""
    found = decoded("A" * (12 * 1024 * 1024))
    assert found is not None
    assert LARGEST < len(found) < LARGEST + 10


def _kept(city: City, *papers: Document) -> str:
    query_id = city.ask(body(purpose__narrative="investigation")).query_id
    at = city.gate.clock.now()
    draft = Draft(
        event="review.answered",
        ref=query_id,
        clear={"agency": "sample-il-pd", "provisions": [], "review": "staff"},
        secret={"documents": documents.named(papers)},
        detail={},
    )
    city.gate.ledger.append(draft, rows(city.gate.keys, query_id, "agency", at, papers))
    return query_id


def test_a_document_is_read_again_as_it_came(city: City) -> None:
    """Name and bytes; what is kept in clear names neither."""
    made = paper()
    query_id = _kept(city, made)
    (kept,) = city.gate.documents.of(query_id)
    assert (made.sha256, PDF, len(made.content), "agency") == (
        kept.sha256,
        kept.media_type,
        kept.size,
        kept.source,
    )
    assert (kept, made) == fetched(city.gate.documents, city.gate.keys, kept.id)
    assert "warrant.pdf" == name_of(kept, city.gate.keys)
    box = city.gate.documents.box(kept.id)
    assert box is not None
    assert b"PDF" not in box
    assert b"warrant" not in kept.name_box


def test_the_days_key_erases_it(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the key is destroyed the paper is as unknown as one that never was."""
    (kept,) = city.gate.documents.of(_kept(city, paper()))
    tomorrow = kept.day + timedelta(days=1)
    monkeypatch.setattr(city.gate.keys, "_today", lambda: tomorrow)
    city.gate.keys.destroy(kept.day)
    with pytest.raises(UnknownDocument):
        fetched(city.gate.documents, city.gate.keys, kept.id)


def test_an_unknown_document_is_none(city: City) -> None:
    """Also one whose id no database could hold."""
    for document_id in ("document_none", "\x00", "\ud800"):
        assert () == city.gate.documents.of(document_id)
        assert city.gate.documents.box(document_id) is None
        with pytest.raises(UnknownDocument):
            fetched(city.gate.documents, city.gate.keys, document_id)


class _Altered(Documents):
    def __init__(self, city: City, **changes: object) -> None:
        super().__init__(city.state.database)
        self._changes = changes

    def find(self, document_id: str) -> object:  # type: ignore[override]
        found = super().find(document_id)
        assert found is not None
        return replace(found, **self._changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes", [{"query_id": "q_another"}, {"sha256": "0" * 64}, {"size": 1}, {"id": "document_another"}]
)
def test_a_document_moved_or_altered_in_the_database_is_not_given_out(
    city: City, changes: dict[str, object]
) -> None:
    """Whoever may write to the database cannot put one paper in another's place."""
    (kept,) = city.gate.documents.of(_kept(city, paper()))
    with pytest.raises(LedgerCorrupt):
        fetched(_Altered(city, **changes), city.gate.keys, kept.id)  # type: ignore[arg-type]


def test_a_document_comes_with_its_entry_or_not_at_all(city: City) -> None:
    """A paper of a query that is not there fails the commit, and nothing of it is kept."""
    before = len(city.events())
    draft = Draft(event="staff.viewed", ref="event_" + "0" * 16, clear={}, secret={"by": "x"}, detail={})
    with pytest.raises(StoreUnavailable):
        city.gate.ledger.append(
            draft, rows(city.gate.keys, "q_nobody", "agency", city.gate.clock.now(), [paper()])
        )
    assert () == city.gate.documents.of("q_nobody")
    assert before == len(city.events())
