"""A bundle file is read whole and as it was written, or refused in words."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable

import pytest

from gatekeeper.errors import BundleRefused
from gatekeeper.policy.archive import MOST_OF_ONE, MOST_PACKED, MOST_UNPACKED, packed, unpacked
from tests.policy.tampered import bombed, plain, raw

FILES = {".manifest": "{}\n", "data.json": "{}\n", "main/main.rego": "package main\n" + 2000 * "# é\n"}
WHOLE = packed(FILES)


def _entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"x") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return raw([(entry, content if kind == tarfile.REGTYPE else b""), *plain(FILES)])


def _pax(**headers: str) -> bytes:
    written = io.BytesIO()
    with tarfile.open(
        fileobj=written, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as archive:
        for entry, content in plain(FILES):
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _retarred(change: Callable[[bytes], bytes]) -> bytes:
    return gzip.compress(change(gzip.decompress(WHOLE)))


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "copied in part"),
    "not a gzip": (lambda: b"package main", "not a tar.gz"),
    "a page of a proxy": (lambda: b"<html>502</html>", "not a tar.gz"),
    "half copied": (lambda: WHOLE[: len(WHOLE) // 2], "copied in part"),
    "the last byte missing": (lambda: WHOLE[:-1], "copied in part"),
    "one bit turned": (lambda: WHOLE[:-6] + bytes([WHOLE[-6] ^ 1]) + WHOLE[-5:], "damaged"),
    "two bundles in one file": (lambda: WHOLE + WHOLE, "something follows the bundle's end"),
    "a tar cut in a file": (lambda: _retarred(lambda tar: tar[:2600]), "ends in the middle"),
    "a tar cut before its end": (
        lambda: _retarred(lambda tar: tar[:-10240]),
        "ends in the middle|holds more",
    ),
    "a header damaged": (lambda: _retarred(lambda tar: tar[:1024] + b"\xff" + tar[1025:]), "holds more"),
    "something after the end": (
        lambda: _retarred(lambda tar: tar + b"package x".ljust(512, b"\0")),
        "holds more",
    ),
    "another mode": (lambda: raw(plain(FILES)[::-1]), "holds more"),
    "a path up": (lambda: _entry("../main.rego"), "not a path inside a bundle"),
    "a path up within": (lambda: _entry("main/../../x.rego"), "not a path inside a bundle"),
    "a path from the root": (lambda: _entry("/etc/passwd"), "not a path inside a bundle"),
    "a path by another name": (lambda: _entry("./main/main.rego"), "not a path inside a bundle"),
    "a path with a backslash": (lambda: _entry("main\\main.rego"), "not a path inside a bundle"),
    "a path with a line's end": (lambda: _entry("x\n.rego"), r"x\\n\.rego: not a path"),
    "a directory": (lambda: _entry("main", tarfile.DIRTYPE), "not a plain file"),
    "a link": (lambda: _entry("x.rego", tarfile.SYMTYPE, "/etc/hostname"), "not a plain file"),
    "a hard link": (lambda: _entry("x.rego", tarfile.LNKTYPE, "main/main.rego"), "not a plain file"),
    "a device": (lambda: _entry("x.rego", tarfile.CHRTYPE), "not a plain file"),
    "a pipe": (lambda: _entry("x.rego", tarfile.FIFOTYPE), "not a plain file"),
    "a file twice": (lambda: _entry("data.json"), r"data\.json: is there twice"),
    "not text": (lambda: _entry("x.rego", content=b"\xff\xfe"), r"x\.rego: not UTF-8"),
    "a name in an extension": (lambda: _pax(comment="x"), "holds more"),
    "a path in an extension": (lambda: _pax(path="sharing/x.rego"), "is there twice"),
    "a file too large": (lambda: _entry("x.rego", content=bytes(MOST_OF_ONE + 1)), r"x\.rego: larger than"),
    "too large when unpacked": (lambda: bombed(MOST_UNPACKED + 1), "unpacks to more than"),
    "too large": (lambda: bytes(MOST_PACKED + 1), "is larger than"),
}


def test_what_was_packed_comes_back() -> None:
    """And the same files give the same bytes."""
    assert FILES == unpacked(WHOLE)
    assert WHOLE == packed(dict(reversed(FILES.items())))


def test_how_it_was_compressed_does_not_matter() -> None:
    """What an older machine packed is read on a newer one, whose compressor finds fewer bytes."""
    assert FILES == unpacked(gzip.compress(gzip.decompress(WHOLE), 1))


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    """Each is refused in words, with what to do."""
    made, words = BROKEN[name]
    with pytest.raises(BundleRefused, match=words) as refused:
        unpacked(made())
    assert refused.value.faults[0].endswith(": fetch or restore it again")


def test_cut_anywhere() -> None:
    """However much of it arrived, a part is never taken for the whole."""
    for end in range(0, len(WHOLE), 7):
        with pytest.raises(BundleRefused):
            unpacked(WHOLE[:end])
