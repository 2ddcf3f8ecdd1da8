"""A law in one file: as OPA loads it (https://www.openpolicyagent.org/docs/management-bundles), and whole.

Guarantees: the same law gives the same bytes, whenever and wherever they are written; OPA's bundle states a
revision that contains the digest, so a server that holds another law is found out by the provenance of its
first answer; what is unpacked is exactly what was packed, or refused.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatekeeper.errors import BundleRefused
from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.layout import Files
from gatekeeper.policy.soundness import OPERATORS
from gatekeeper.whole import write_whole

MOST_PACKED = 16 * 1024 * 1024
MOST_UNPACKED = 64 * 1024 * 1024
MOST_OF_ONE = 16 * 1024 * 1024  # data.json is all of the law's data in one
_GZIP = 31  # zlib's way to ask for a gzip header and its check sum
_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_AGAIN = "fetch or restore it again"


def export(bundle: Bundle, file: Path, *, tests: bool = False) -> None:
    """Write *bundle* to *file* (tar.gz), whole or not at all; *tests* for ``opa test``. Raises OSError."""
    # The checks decide nothing; they are of use beside the tests alone.
    content = packed({**opa_files(bundle), **({**bundle.checks, **bundle.tests} if tests else {})})
    write_whole(file, content)


def opa_files(bundle: Bundle) -> dict[str, str]:
    """Return the files that OPA decides by."""
    about = {
        "label": bundle.label,
        "digest": bundle.digest,
        "packs": list(bundle.packs),
        "provisions": list(bundle.provisions),
    }
    manifest = {"revision": bundle.revision, "roots": [""], "rego_version": 1, "metadata": about}
    return {".manifest": _line(manifest), "data.json": _line(dict(bundle.data)), **bundle.modules}


def opa_bundle(bundle: Bundle, signature: str | None = None) -> bytes:
    """Return the bundle as OPA loads it, with the text of its ``.signatures.json`` if it is signed."""
    signed = {} if signature is None else {".signatures.json": signature}
    return packed({**opa_files(bundle), **signed})


def opa_capabilities(bundle: Bundle, current: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce the output of ``opa capabilities --current`` to the bundle's closed list, for ``opa check``."""
    allowed = OPERATORS | set(bundle.builtins)
    return {
        "builtins": [builtin for builtin in current["builtins"] if builtin["name"] in allowed],
        "future_keywords": current.get("future_keywords", []),
        "features": current.get("features", []),
        "allow_net": [],
    }


def _line(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def packed(files: Files) -> bytes:
    """Return *files* as one tar.gz."""
    written = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=written, mode="wb", mtime=0) as zipped:
        zipped.write(_tar(files))
    return written.getvalue()


def unpacked(archive: bytes) -> dict[str, str]:
    """Return what was packed: plain files, each whole and once, by paths that lead nowhere else.

    Raises BundleRefused for anything that is not exactly such an archive, naming the file and what to do.
    """
    plain = _inflated(archive)
    files: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as opened:
            for entry in opened:
                _refuse_entry(entry, files)
                content = opened.extractfile(entry)
                files[entry.name] = (content.read() if content is not None else b"").decode()
    except UnicodeDecodeError:
        raise BundleRefused([f"{entry.name}: not UTF-8: {_AGAIN}"]) from None
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError):
        raise BundleRefused([f"the bundle ends in the middle, or is damaged: {_AGAIN}"]) from None
    if _tar(files) != plain:
        # What is left is what one reader of the archive sees and another overlooks.
        raise BundleRefused([f"the bundle holds more than its files, or not as they are written: {_AGAIN}"])
    return files


def _inflated(archive: bytes) -> bytes:
    if len(archive) > MOST_PACKED:
        raise BundleRefused([f"the bundle is larger than {MOST_PACKED:,} bytes: no law is: {_AGAIN}"])
    gzipped = zlib.decompressobj(wbits=_GZIP)
    try:
        plain = gzipped.decompress(archive, MOST_UNPACKED + 1)
    except zlib.error:
        raise BundleRefused([f"the bundle is not a tar.gz, or is damaged: {_AGAIN}"]) from None
    if len(plain) > MOST_UNPACKED:
        raise BundleRefused([f"the bundle unpacks to more than {MOST_UNPACKED:,} bytes: {_AGAIN}"])
    if not gzipped.eof:
        raise BundleRefused([f"the bundle ends in the middle: it was copied in part: {_AGAIN}"])
    if gzipped.unused_data:
        raise BundleRefused([f"something follows the bundle's end: {_AGAIN}"])
    return plain


def _refuse_entry(entry: tarfile.TarInfo, files: Files) -> None:
    shown = repr(entry.name)[1:-1]
    if not _PATH.fullmatch(entry.name) or not {".", ".."}.isdisjoint(entry.name.split("/")):
        raise BundleRefused([f"{shown}: not a path inside a bundle: it could lead anywhere: {_AGAIN}"])
    if not entry.isreg() or entry.issparse():
        raise BundleRefused([f"{shown}: not a plain file: a link could point anywhere: {_AGAIN}"])
    if entry.size > MOST_OF_ONE:
        raise BundleRefused([f"{shown}: larger than {MOST_OF_ONE:,} bytes: {_AGAIN}"])
    if entry.name in files:
        raise BundleRefused([f"{shown}: is there twice: readers would differ in which one counts: {_AGAIN}"])


def _tar(files: Files) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(files):
            content = files[path].encode()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()
