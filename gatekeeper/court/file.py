"""A dossier as one file (zip): what is in it, and its bytes.

Guarantees: a pure function, and equal dossiers give equal bytes (but for ``export.json``, the entry by which
this very file was taken along, and its line of the manifest): names are sorted, and every time is the hour of
the query's first entry; no name leads anywhere but below the directory that it is unpacked into.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from gatekeeper.court.dossier import Dossier, Told
from gatekeeper.court.readme import readme
from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger import canonical

DECISIONS: Final = frozenset({"query.decided", "query.previewed"})
_LOGS_OWN: Final = frozenset({"v", "event", "ref", "hour", "commitments"})
_SAID: Final = ("said", "seen", "message")
_NOT_TOLD: Final = frozenset({*_SAID, "by", "assignee", "client", "token", "role", "hidden_provisions"})
"""Of the sealed detail of a review: what is told elsewhere, and names and clients, which roles stand for."""
_NAME: Final = re.compile(r"[A-Za-z0-9_.+-]+(/[A-Za-z0-9_.+-]+)*")


def court_file(dossier: Dossier) -> bytes:
    """Return the file. Raises LedgerCorrupt for what cannot be in one."""
    files = contents(dossier)
    listed = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    files["manifest.json"] = _json({"v": 1, "query_id": dossier.query_id, "sha256": listed})
    return zipped(files, datetime.strptime(dossier.told[0].entry["hour"], "%Y-%m-%dT%H%z"))


def contents(dossier: Dossier) -> dict[str, bytes]:
    """Return every file but the manifest, by its name."""
    files = {
        "README.txt": readme(dossier).encode(),
        "decision.json": _json([_decision(dossier, told) for told in _of(dossier, DECISIONS)]),
        "review.json": _json([_moment(dossier, told) for told in dossier.told if _of_review(told)]),
        "checkpoint": dossier.checkpoint.encode(),
        "vkey": f"{dossier.vkey}\n".encode(),
        "export.json": _json(_export(dossier)),
    }
    for told in dossier.told:
        files[f"entries/{told.index}.json"] = told.stored.entry
        files[f"receipts/{told.index}.json"] = _json(told.receipt.as_json())
        files[f"receipts/{told.index}.tlog-proof"] = told.receipt.tlog_proof().encode()
        if told.stored.event == "query.released":
            files[f"released/{told.index}.json"] = _json(_release(told))
    for told in _of(dossier, DECISIONS):
        # As it was hashed: the SHA-256 of this file is the opened commitment `request`.
        if "body" in told.detail:
            files[f"query/{told.index}.json"] = canonical(told.detail["body"])
        if "input" in told.detail:
            files[f"facts/{told.index}.json"] = _json(told.detail["input"])
    files |= _papers(dossier) if dossier.private else {}
    for law in dossier.laws.values():
        if law is not None:
            files |= {f"policy/{law.revision}/{path}": text.encode() for path, text in law.files.items()}
            files |= {f"opa/{law.revision}/{path}": text.encode() for path, text in law.opa.items()}
            files[f"policy/{law.revision}.listing"] = law.listing
    return files


def zipped(files: Mapping[str, bytes], at: datetime) -> bytes:
    """Return files as one zip; raises LedgerCorrupt for a name that could lead out of it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in sorted(files):
            if not _NAME.fullmatch(name) or not {".", ".."}.isdisjoint(name.split("/")):
                raise LedgerCorrupt(f"{name!r} is no name of a file: it could lead anywhere")
            one = zipfile.ZipInfo(name, at.timetuple()[:6])
            one.compress_type, one.create_system, one.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100600 << 16
            archive.writestr(one, files[name])
    return written.getvalue()


# --- What it says. ----------------------------------------------------------------------------------------


def _of(dossier: Dossier, events: frozenset[str]) -> Iterator[Told]:
    return (told for told in dossier.told if told.stored.event in events)


def _of_review(told: Told) -> bool:
    return told.stored.event not in DECISIONS and told.stored.event != "query.released"


def _private(dossier: Dossier, told: Told) -> str:
    if not dossier.private:
        return "not in this file"
    return "erased" if told.erased else "opened"


def _decision(dossier: Dossier, told: Told) -> dict[str, Any]:
    """Return a decision as it was logged, with what the law of that day says of each provision."""
    entry, hidden = told.entry, told.opened("hidden_provisions")
    law = dossier.laws.get((entry["policy"]["revision"], entry["policy"]["digest"]))
    named = [*entry["provisions"], *(hidden if isinstance(hidden, list) else ())]
    written = {} if law is None else law.provisions
    said = [{"code": code, **written.get(code, {})} for code in named]
    clear = {name: value for name, value in entry.items() if name not in _LOGS_OWN | {"provisions"}}
    return {
        "entry": told.index,
        "event": entry["event"],
        "hour": entry["hour"],
        "at": told.opened("at"),
        "query_id": dossier.query_id,
        **clear,
        "provisions": said,
        "obligations": told.detail.get("obligations"),
        "private": _private(dossier, told),
    }


def _moment(dossier: Dossier, told: Told) -> dict[str, Any]:
    """Return what happened beside decisions and releases: who by role, and in which words."""
    clear = {name: value for name, value in told.entry.items() if name not in _LOGS_OWN}
    detail = told.detail
    role = detail.get("role", "agency" if "client" in detail else None)
    hidden = told.opened("hidden_provisions")
    return {
        "entry": told.index,
        "event": told.entry["event"],
        "hour": told.entry["hour"],
        "at": told.opened("at"),
        **clear,
        **({"hidden_provisions": hidden} if hidden else {}),
        "role": role,
        "by": told.opened("by"),
        "words": next((detail[name] for name in _SAID if name in detail), None),
        "with_it": {name: value for name, value in detail.items() if name not in _NOT_TOLD},
        "private": _private(dossier, told),
    }


def _release(told: Told) -> dict[str, Any]:
    rows = told.opened("rows")
    return {
        "entry": told.index,
        "decided": told.entry["decided"],
        "page": told.entry["page"],
        "hour": told.entry["hour"],
        "count_band": told.entry["count_band"],
        "count": told.opened("count"),
        "sha256": rows.get("sha256") if isinstance(rows, dict) else None,
        "note": "The records themselves are not kept. Whoever has them can show by this digest that they are "
        "those that were released: it is the SHA-256 of the list of records in canonical JSON (RFC 8785).",
    }


def _papers(dossier: Dossier) -> dict[str, bytes]:
    """Return the list of papers, and those that are there, as they came."""
    listed = {"papers.json": _json([paper.as_json() for paper in dossier.papers])}
    there = {p.file: p.content for p in dossier.papers if p.file is not None and p.content is not None}
    return listed | there


def _export(dossier: Dossier) -> dict[str, Any]:
    export = dossier.export
    return {
        "entry": export.index,
        "text": export.entry.decode(),
        "leaf_hash": base64.b64encode(export.leaf_hash).decode(),
    }


def _json(document: object) -> bytes:
    try:
        return f"{json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()
    except (UnicodeEncodeError, ValueError):
        raise LedgerCorrupt("what is kept of the query has no JSON form") from None
