"""What is put back, compared with everybody who knows how large the log was; and what they have of it.

Guarantees: what a key of ours signed at a size must be the root that the log has, or will have, at that size;
what is not in what is put back is had from a published copy, all of it, or nothing is done.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.ledger import Clock, DayKeys, SigningKey
from gatekeeper.ledger.merkle import frontier_at, root
from gatekeeper.ledger.refill import continues, said_by
from gatekeeper.ledger.rows import Head
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.recovery import evidence
from gatekeeper.recovery.copy import PublishedCopy
from gatekeeper.recovery.evidence import Known, words
from gatekeeper.recovery.lost import Lost
from gatekeeper.store import LedgerRows
from gatekeeper.witness.policy import Policy


class RolledBack(LedgerCorrupt):
    """What is put back has a log that is smaller than the log was, or may have been: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A city without its database: where it belongs (None: on a server), and what is kept outside it.

    ``copy``: the published copy that the settings name, if any.
    """

    file: Path | None
    mark: Path
    lock: Path
    kept: Path
    key: SigningKey
    keys: DayKeys
    clock: Clock
    copy: Path | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator asks for. ``ended_at``: how many entries the log had, by the operator's own word.

    ``backup``: None where what was put back is in its place already.
    """

    backup: Path | None
    reason: str
    by: str
    published: PublishedCopy | None = None
    ended_at: int | None = None
    witnesses: Policy | None = None
    trust: ssl.SSLContext | None = None

    @property
    def what(self) -> str:
        """What holds the log that is put back, in a sentence."""
        return "database" if self.backup is None else "backup"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done.

    ``held``: entries in what was put back; ``entry``: of the stop; ``aside``: what was there.
    """

    held: int
    lost: Sequence[Lost]
    stop: str
    entry: int
    aside: Path | None
    known: Sequence[Known]


def known_of(
    place: Place, asked: Asked, rows: LedgerRows, head: Head, files: Iterable[Path]
) -> tuple[list[Known], int]:
    """Return who knows how large the log was, and the largest size that a database of *files* has itself."""
    verifier, here = place.key.verifier, -1
    known = [*evidence.kept(place.kept, verifier)]
    for file in files:
        found, whole = evidence.database(file, verifier)
        known += found
        here = max(here, found[0].size) if whole else here
    if place.copy is not None:
        known += evidence.kept(place.copy / "checkpoint", verifier)
    if asked.published is not None:
        copy = asked.published.checkpoint(verifier)
        known.append(Known(f"the published copy in {asked.published.where}", copy.size, copy))
    if asked.witnesses is not None:
        same(asked.what, rows, known)  # a head that is of another history is not signed, for nobody
        node = TileReader(rows).node
        known += evidence.witnesses(asked.witnesses, place.key, head, node, asked.trust)
    if asked.ended_at is not None:
        larger = [one for one in known if one.size > asked.ended_at]
        if larger or head.size > asked.ended_at:
            raise OperatorError(
                f"--ended-at {asked.ended_at} cannot be: the {asked.what} holds {head.size} entries; "
                f"{words(larger)}"
            )
        known.append(Known("what you say by --ended-at", asked.ended_at))
    return known, here


def same(what: str, rows: LedgerRows, known: Sequence[Known]) -> None:
    """Refuse what is put back (*what* it is) if its first entries are not those that others know."""
    node, size = TileReader(rows).node, rows.head().size
    for one in known:
        if one.tree is None or one.size > size:
            continue
        if root(frontier_at(one.size, node)) != one.tree.root:
            raise OperatorError(
                f"NOTHING WAS CHANGED: the {what} and {one.where} are two histories of this log: their first "
                f"{one.size} entries differ. Keep both, and find out who wrote them"
            )


def unsure(what: str, held: int, largest: int, known: Sequence[Known]) -> RolledBack:
    """Return the refusal where nobody can say how far the log went on."""
    missing = "" if largest == held else f" {gone(held, largest)} missing in it, and can be had back."
    return RolledBack(
        f"NOTHING WAS CHANGED. The {what} holds {held} entries ({words(known) or 'none else knows'})."
        f"{missing} The database that was in use last is not here, or cannot be read, so nobody can say how "
        "far the log went on; an index that an agency has a receipt of must not be given twice. If you know "
        "how many entries it had (the highest index of any receipt, plus one), say so: --ended-at NUMBER"
    )


def had_back(place: Place, asked: Asked, head: Head, largest: int, known: Sequence[Known]) -> list[bytes]:
    """Return the entries that what is put back lacks. Raises RolledBack, OperatorError."""
    more = [one for one in known if one.size > head.size]
    is_so = "IS" if asked.backup is None else "WOULD BE"
    told = (
        f"NOTHING WAS CHANGED: THE LOG {is_so} ROLLED BACK. The {asked.what} holds {head.size} entries; more "
        f"are known ({words(more)}). {gone(head.size, largest)} missing, and may be known outside"
    )
    if asked.published is None:
        raise RolledBack(
            f"{told}. Use a newer backup; or give a published copy that holds "
            'them: --published DIRECTORY-OR-ADDRESS. deploy/README.md, "Backup and recovery", has the ways'
        )
    copy = asked.published.checkpoint(place.key.verifier)
    if copy.size != largest:
        raise RolledBack(
            f"{told}. The copy in {asked.published.where} has {copy.size} of {largest}: what is missing "
            'cannot be had from it. deploy/README.md, "Backup and recovery", has the ways that are left'
        )
    entries = asked.published.entries(head.size, copy.size)
    signed = [copy, *(one.tree for one in more if one.tree is not None)]
    try:
        continues(head, entries, *signed)
        for offset, entry in enumerate(entries):
            said_by(head.size + offset, entry)
    except LedgerCorrupt as fault:
        raise OperatorError(
            f"NOTHING WAS CHANGED: the entries in {asked.published.where} were refused: {fault}"
        ) from None
    return entries


def gone(held: int, largest: int) -> str:
    """Return which entries are missing, in a sentence's part."""
    last = largest - 1
    return f"Entry {held} is" if last == held else f"{largest - held} entries ({held} to {last}) are"
