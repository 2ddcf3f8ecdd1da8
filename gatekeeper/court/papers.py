"""The papers that were sent with a request and its appeals, as the file for a court takes them along.

Guarantees: a paper is the one whose hash was logged, or the file is refused; each that is kept or that an
entry names is told of, also where it cannot be had, with the reason; no more than ``MOST_BYTES`` of them are
in one file; what their senders called them is never a file's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger import Json

MOST_BYTES: Final = 128 * 1024 * 1024
"""Of all papers in one file; each is at most 5 MiB."""

_ENDINGS: Final = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
}
State = Literal["here", "erased", "gone", "left out"]
"""In the file; erased at the end of its time; named by an entry and not kept any more; beyond the bound."""


class Kept(Protocol):
    """What is kept of a paper beside its sealed name and bytes."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def media_type(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102


class Papers(Protocol):
    """Where papers are kept. Each raises StoreUnavailable, LedgerUnavailable."""

    def of(self, query_id: str, /) -> Sequence[Kept]:
        """Return every paper of a query that is kept, the first handed in first."""

    def opened(self, paper_id: str, /) -> tuple[str, bytes] | None:
        """Return a paper's name and bytes, None if it was erased; raises LedgerCorrupt if it was altered."""


class Entry(Protocol):
    """An entry about the query, its private side opened where it can be."""

    @property
    def index(self) -> int: ...  # noqa: D102
    def opened(self, name: str, /) -> Json:
        """Return the value behind a commitment, None if it is not open."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper; ``entry`` is the one that commits to its hash, None where none that is open does."""

    state: State
    sha256: str
    media_type: str
    size: int
    entry: int | None
    source: str | None = None
    at: datetime | None = None
    name: str | None = None
    content: bytes | None = None
    file: str | None = None

    def as_json(self) -> dict[str, Json]:
        """Return what the file tells of it."""
        return {
            "state": self.state,
            "file": self.file,
            "name": self.name,
            "sha256": self.sha256,
            "media_type": self.media_type,
            "size": self.size,
            "source": self.source,
            "at": None if self.at is None else self.at.isoformat(),
            "entry": self.entry,
        }


def gathered(papers: Papers, query_id: str, told: Sequence[Entry]) -> tuple[Paper, ...]:
    """Return every paper of a query: those that are kept, then those that are only named.

    Raises LedgerCorrupt for one that is not as it was logged.
    """
    found: list[Paper] = []
    named, room = dict(_named(told)), MOST_BYTES
    for kept in papers.of(query_id):
        entry, _ = named.get(kept.sha256, (None, {}))
        state: State = "left out"
        name, content, file = None, None, None
        if kept.size <= room:
            opened = papers.opened(kept.id)
            state = "erased" if opened is None else "here"
            if opened is not None:
                name, content = opened
                if (hashlib.sha256(content).hexdigest(), len(content)) != (kept.sha256, kept.size):
                    raise LedgerCorrupt("a paper is not the one whose hash was logged")
                file = f"papers/{len(found) + 1}{_ENDINGS.get(kept.media_type, '.bin')}"
                room -= len(content)
        found.append(
            Paper(
                state,
                kept.sha256,
                kept.media_type,
                kept.size,
                entry,
                kept.source,
                kept.at,
                name,
                content,
                file,
            )
        )
    there = {paper.sha256 for paper in found}
    for sha256, (entry, said) in named.items():
        if sha256 not in there and said:
            size = said.get("size")
            found.append(
                Paper(
                    "gone", sha256, str(said.get("media_type")), size if isinstance(size, int) else 0, entry
                )
            )
    return tuple(found)


def _named(told: Sequence[Entry]) -> Iterator[tuple[str, tuple[int, Mapping[str, Any]]]]:
    """Yield the hash of each paper that an entry commits to, with the entry and what it says of it.

    An appeal's entry names what came with it (``documents``); one by which a court's paper counts as verified
    commits to that paper's hash (``request``). The last entry of a hash is yielded last.
    """
    for one in told:
        if isinstance(seen := one.opened("request"), str):
            yield seen, (one.index, {})
    for one in told:
        documents = one.opened("documents")
        for said in documents if isinstance(documents, list) else ():
            if isinstance(said, dict) and isinstance(sha256 := said.get("sha256"), str):
                yield sha256, (one.index, said)
