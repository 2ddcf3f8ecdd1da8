"""Write a bundle in OPA's own format (https://www.openpolicyagent.org/docs/management-bundles).

Guarantees: the same bundle gives the same bytes, whenever and wherever it is written; its revision contains
the digest, so a server that holds another law is found out by the provenance of its first answer.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.soundness import OPERATORS


def export(bundle: Bundle, file: Path, *, tests: bool = False) -> None:
    """Write *bundle* to *file* (tar.gz), whole or not at all; *tests* for ``opa test``. Raises OSError."""
    about = {
        "label": bundle.label,
        "digest": bundle.digest,
        "packs": list(bundle.packs),
        "provisions": list(bundle.provisions),
    }
    manifest = {"revision": bundle.revision, "roots": [""], "rego_version": 1, "metadata": about}
    documents: dict[str, str] = {
        ".manifest": _line(manifest),
        "data.json": _line(dict(bundle.data)),
        **bundle.modules,
        # The checks decide nothing; they are of use beside the tests alone.
        **({**bundle.checks, **bundle.tests} if tests else {}),
    }
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as raw:
            raw.write(_archive(documents))
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


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


def _archive(documents: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(documents):
            content = documents[path].encode()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
