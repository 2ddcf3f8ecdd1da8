"""Read a policies directory: only plain files in known places, every one of them UTF-8.

Guarantees: nothing is read through a symbolic link, no file is read twice, and a file that belongs nowhere
is a fault and never ignored: what an engine might load and a reviewer might overlook does not exist.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Files = Mapping[str, str]
"""A whole policies directory as text, by path with ``/``: what decides, and what speaks about it."""

MANIFEST = ".manifest"
CAPABILITIES = "capabilities.json"
_NAME = r"[a-z][a-z0-9_]*"
LARGEST = 1024 * 1024
MOST = 4000

# What decides: inside the digest.
_MODULE = re.compile(rf"main/main\.rego|(?:sharing|facts|redaction|packs/{_NAME})/({_NAME})/\1\.rego")
# data/pack.json would stand where the packs do: in data.pack.
_DATA = re.compile(rf"data/(?!pack\.json)({_NAME})\.json")
_PACK = re.compile(rf"packs/({_NAME})/pack\.json")
_SCHEMA = re.compile(rf"schema/({_NAME})\.json")
# What speaks about decisions: outside it.
_TEST = re.compile(
    rf"(?:(?:main|sharing|facts|redaction|checks|cases)/(?:{_NAME}/)?|packs/{_NAME}/{_NAME}/){_NAME}_test\.rego"
)
_CHECK = re.compile(rf"checks/(?:{_NAME}/)?{_NAME}\.rego")
_CASE = re.compile(r"cases/(?:permitted|denied)/[A-Za-z0-9_.-]+\.json")
_ASIDE = re.compile(rf"(?:{_NAME}/)*README\.md|statutes\.json|\.regal/config\.yaml")

# What Unicode calls controls, formats and separators of lines: whoever approves a diff would not see them, or
# would see the text in another order than an engine reads it.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)

Role = Literal[
    "rule", "test", "check", "case", "data", "pack", "schema", "manifest", "capabilities", "aside", "unknown"
]
_ROLES: Final[tuple[tuple[Role, re.Pattern[str]], ...]] = (
    ("rule", _MODULE),
    ("test", _TEST),
    ("check", _CHECK),
    ("data", _DATA),
    ("pack", _PACK),
    ("schema", _SCHEMA),
    ("case", _CASE),
    ("aside", _ASIDE),
)


@dataclass(slots=True)
class Sources:
    """The files of a policies directory, by what they are; paths are relative, with ``/``.

    ``files`` are all of them; ``data`` is all that the rules read, the packs included, as ``data.pack``.
    """

    files: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    data: dict[str, Json] = field(default_factory=dict)
    packs: dict[str, Json] = field(default_factory=dict)
    schemas: dict[str, Json] = field(default_factory=dict)
    manifest: Json = None
    capabilities: Json = None
    faults: list[str] = field(default_factory=list)

    def digest(self) -> str:
        """Return the SHA-256 over a canonical listing of every file that can change a decision."""
        return hashlib.sha256(self.listing()).hexdigest()

    def listing(self) -> bytes:
        """Return that listing: what it is of, and the path and SHA-256 of each file."""
        return _listing("gatekeeper policy bundle 1", {**self.modules, **self.documents})


def read(directory: Path) -> Sources:
    """Read every file under *directory*. Raises nothing: what is wrong is in the result's faults."""
    return sources_of(*files_of(directory))


def files_of(directory: Path) -> tuple[dict[str, str], list[str]]:
    """Return every file under *directory* that can be read, and what is wrong with the others."""
    faults: list[str] = []
    texts = {path: _text(directory, path, faults) for path in _walk(directory, faults)}
    return {path: text for path, text in texts.items() if text is not None}, faults


def sources_of(files: Files, faults: Sequence[str] = ()) -> Sources:
    """Sort *files* by what they are; *faults* are those of reading them. Raises nothing."""
    sources = Sources(faults=list(faults))
    for path in sorted(files):
        _place(sources, path, files[path])
    for path in (MANIFEST, CAPABILITIES):
        unread = any(fault.startswith(f"{path!r}: ") for fault in sources.faults)
        if path not in files and not unread:
            sources.faults.append(f"{path}: missing")
    if sources.packs:
        sources.data["pack"] = sources.packs
    return sources


def tree_digest(files: Files) -> str:
    """Return ``sha256:…`` over all of *files*: those that decide, and those that speak about decisions."""
    return f"sha256:{hashlib.sha256(_listing('gatekeeper policy revision 1', files)).hexdigest()}"


def _listing(about: str, files: Files) -> bytes:
    listing = [[path, hashlib.sha256(files[path].encode()).hexdigest()] for path in sorted(files)]
    return json.dumps([about, listing], ensure_ascii=False, separators=(",", ":")).encode()


def strict_json(text: str) -> Json:
    """Parse JSON in which no key is written twice and no number is infinite. Raises ValueError."""

    def once(pairs: list[tuple[str, Json]]) -> Json:
        document = dict(pairs)
        if len(document) != len(pairs):
            raise ValueError("a key is written twice")
        return document

    def never(constant: str) -> Json:
        raise ValueError(f"{constant} is not JSON")

    def finite(number: str) -> float:
        value = float(number)
        if value in (float("inf"), float("-inf")):
            raise ValueError("a number is too large")
        return value

    def exact(number: str) -> int:
        # Beyond 2^53 the two engines read different numbers.
        if len(number) > len("-9007199254740992") or abs(int(number)) > 2**53:
            raise ValueError("a number is too large")
        return int(number)

    try:
        document: Json = json.loads(
            text, object_pairs_hook=once, parse_constant=never, parse_float=finite, parse_int=exact
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return document


def role_of(path: str) -> Role:
    """Return what a file is, by its place; what belongs nowhere is unknown."""
    if path in (MANIFEST, CAPABILITIES):
        return "manifest" if path == MANIFEST else "capabilities"
    return next((role for role, kind in _ROLES if kind.fullmatch(path)), "unknown")


def name_of(path: str) -> str:
    """Return the name of a data or schema file: its path's last part without the ending."""
    return path.rsplit("/", 1)[-1].removesuffix(".json")


def _walk(directory: Path, faults: list[str]) -> list[str]:
    found: list[str] = []

    def unreadable(error: OSError) -> None:
        faults.append(f"{Path(error.filename or directory).name}: cannot be read")

    if directory.is_symlink() or not directory.is_dir():
        faults.append(f"{directory}: not a directory of policies")
        return found
    for parent, folders, files in os.walk(directory, onerror=unreadable, followlinks=False):
        folders.sort()
        for name in [*folders, *files]:
            entry = Path(parent, name)
            path = entry.relative_to(directory).as_posix()
            mode = entry.lstat().st_mode
            if stat.S_ISREG(mode):
                found.append(path)
            elif not stat.S_ISDIR(mode):
                faults.append(f"{path!r}: neither a plain file nor a directory; a link could point anywhere")
        if len(found) > MOST:
            faults.append(f"more than {MOST} files: this is not a directory of policies")
            return []
    return sorted(found)


def _text(directory: Path, path: str, faults: list[str]) -> str | None:
    try:
        # O_NOFOLLOW: the file may have become a link since it was listed.
        with os.fdopen(os.open(directory / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            faults.append(f"{path!r}: larger than {LARGEST} bytes")
            return None
        text = content.decode()
    except OSError:
        faults.append(f"{path!r}: cannot be read")
        return None
    except UnicodeDecodeError:
        faults.append(f"{path!r}: not UTF-8")
        return None
    return text


def _place(sources: Sources, path: str, text: str) -> None:
    if len(text.encode(errors="replace")) > LARGEST:
        sources.faults.append(f"{path!r}: larger than {LARGEST} bytes")
        return
    if "\0" in text or text.startswith("\ufeff") or "\r" in text or not _encodes(text):
        sources.faults.append(
            f"{path!r}: holds NUL, a byte order mark or carriage returns: engines read those differently"
        )
        return
    if unseen := _UNSEEN.search(text):
        line = text.count("\n", 0, unseen.start()) + 1
        sources.faults.append(
            f"{path!r}:{line}: holds U+{ord(unseen[0]):04X}, which no reader sees, and which may show a line "
            "otherwise than it is; to mend it: take it out, or write it as an escape in a string"
        )
        return
    sources.files[path] = text
    match role_of(path):
        case "rule":
            sources.modules[path] = text
        case "test":
            sources.tests[path] = text
        case "check":
            sources.checks[path] = text
        case "data" | "pack" | "schema" | "manifest" | "capabilities":
            sources.documents[path] = text
            _document(sources, path, text)
        case "unknown":
            sources.faults.append(f"{path!r}: belongs nowhere in the known layout")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _document(sources: Sources, path: str, text: str) -> None:
    try:
        document = strict_json(text)
    except ValueError as error:
        reason = "not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        sources.faults.append(f"{path}: {reason}")
        return
    if path == MANIFEST:
        sources.manifest = document
    elif path == CAPABILITIES:
        sources.capabilities = document
    elif pack := _PACK.fullmatch(path):
        sources.packs[pack[1]] = document
    elif path.startswith("data/"):
        sources.data[name_of(path)] = document
    else:
        sources.schemas[name_of(path)] = document
