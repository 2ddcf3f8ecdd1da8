"""A law in one file: as OPA loads it (https://www.openpolicyagent.org/docs/management-bundles), and whole.

Guarantees: the same law gives the same bytes, whenever and wherever they are written; OPA's bundle states a
revision that contains the digest, so a server that holds another law is found out by the provenance of its
first answer; what is unpacked is exactly what was packed, or refused.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatekeeper.errors import BundleRefused
from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.layout import LARGEST, Files
from gatekeeper.policy.soundness import OPERATORS


def export(bundle: Bundle, file: Path, *, tests: bool = False) -> None:
    """Write *bundle* to *file* (tar.gz), whole or not at all; *tests* for ``opa test``. Raises OSError."""
    # The checks decide nothing; they are of use beside the tests alone.
    content = packed({**opa_files(bundle), **({**bundle.checks, **bundle.tests} if tests else {})})
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as raw:
            raw.write(content)
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


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
    with (
        gzip.GzipFile(filename="", fileobj=written, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(files):
            content = files[path].encode()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def unpacked(archive: bytes) -> dict[str, str]:
    """Return what was packed. Raises BundleRefused for anything that is not exactly such an archive."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
            files = {entry.name: _text_of(opened, entry) for entry in opened}
        if packed(files) == archive:
            return files
    except (tarfile.TarError, OSError, EOFError, zlib.error, UnicodeDecodeError, ValueError):
        pass
    raise BundleRefused(["the stored policies are not whole: restore the database from its backup"])


def _text_of(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    content = archive.extractfile(entry) if entry.isreg() and entry.size <= LARGEST else None
    if content is None:
        raise ValueError("not a plain file")
    return content.read().decode()
