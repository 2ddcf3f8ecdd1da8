"""The auditor's check of the whole log, streaming: what changes, drops, reorders or forks it is found.

The procedure: (1) open every checkpoint; (2) read each entry once, hash its text, compare the hash with the
complete tiles and with the hash stored beside it, and judge what it says (see `statements`); (3) compare the
tree with each checkpoint at its size and with the head; (4) name the defect. Guarantees: nothing is believed
because it is stored: entries are compared with what was signed. Without a checkpoint kept elsewhere, whoever
holds the signing key and the database can still write a second history; `kept` is where such copies go.

A log that was found sound up to a size (`Reached`, whose root its caller has a signature for) can be gone on
with: the tree must then still have that root at that size, by its tiles and the entries after the last of
them, and only what follows is read. A checkpoint of a smaller size is proved to be a beginning of that tree
(RFC 9162 section 2.1.4). An entry before that size whose text alone was changed is not found so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger.audit import Audit, Tree
from gatekeeper.ledger.checkpoint import Checkpoint, VerifierKey
from gatekeeper.ledger.cosignatures import CosignerKey
from gatekeeper.ledger.findings import Finding, Reached
from gatekeeper.ledger.merkle import consistency_proof, frontier_at, leaf_hash, root, verify_consistency
from gatekeeper.ledger.rows import Head, StoredEntry
from gatekeeper.ledger.statements import Statements
from gatekeeper.ledger.stretches import SIZE, Here, Reading
from gatekeeper.ledger.tiles import HASH_BYTES, WIDTH, TileReader


@dataclass(frozen=True, slots=True)
class Examination:
    """What came of it: all that is wrong, in the order of the entries (nothing: a sound log), and how far."""

    findings: list[Finding]
    reached: Reached


class Reader(Protocol):
    """What is needed of a log to verify it; the storage has it, a published copy can have it."""

    def head(self) -> Head:
        """Return the head."""

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Yield entries by index."""

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a completed tile, or None."""

    def last_checkpoint(self) -> str | None:
        """Return the stored checkpoint of the greatest size."""


def verify(
    rows: Reader,
    vkey: VerifierKey | str,
    *,
    checkpoints: Iterable[str] | None = None,
    kept: Iterable[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Return all that is wrong with a log, in the order of its entries; an empty list is a sound log.

    `checkpoints` are all that the log stored (by default the last), `kept` those that others kept;
    `progress` hears of (entries read, entries in all). Raises LedgerUnavailable if the log cannot be read,
    SettingsRefused for a verifier key that is none.
    """
    return examine(rows, vkey, checkpoints=checkpoints, kept=kept, progress=progress).findings


def examine(  # noqa: PLR0913 - what a log is compared with, each by its name
    rows: Reader,
    vkey: VerifierKey | str,
    *,
    checkpoints: Iterable[str] | None = None,
    kept: Iterable[str] = (),
    published: Iterable[str] = (),
    witnesses: Sequence[CosignerKey] = (),
    progress: Callable[[int, int], None] | None = None,
    since: Reached | None = None,
    begun_at: int | None = None,
    mark: Callable[[Reached], None] | None = None,
    reading: Reading | None = None,
) -> Examination:
    """Return all that is wrong with a log, and how far it was read; with `since`, only what is new.

    `published` are checkpoints that were made public; in each the cosignatures of `witnesses` are looked for.
    `mark` hears how far the log was read, now and then, while nothing in it is wrong: whoever was interrupted
    goes on from there, with `begun_at` the size at which the interrupted examination itself began.
    `reading` reads whole stretches (by default in this process).
    """
    key = VerifierKey.parse(vkey) if isinstance(vkey, str) else vkey
    if checkpoints is None:
        last = rows.last_checkpoint()
        checkpoints = [] if last is None else [last]
    audit = _begin(rows, since)
    audit.upper_from = audit.start if begun_at is None else min(audit.start, begun_at // WIDTH * WIDTH)
    audit.frontier_claimed = getattr(rows, "frontier_claimed", True)
    audit.statements.beside = getattr(rows, "columns", True)
    doubted = bool(audit.findings)
    # (1) the checkpoints: before the head, for while the log is written one taken after it would be longer
    audit.open("stored", checkpoints, key)
    audit.open("published", published, key, witnesses)
    audit.open("kept", kept, key, witnesses)
    opened = -1 if doubted else len(audit.findings)
    audit.head = rows.head()
    # (2) the entries
    for place in _read(rows, audit, reading or Here(rows)):
        if progress is not None:
            progress(place, audit.head.size)
        if mark is not None and audit.sound(opened):
            mark(audit.reached())
    # (3) and (4) the tree
    audit.finish(rows.tile)
    findings = sorted(audit.findings, key=lambda finding: (finding.index is None, finding.index or 0))
    return Examination(findings, audit.reached())


def _read(rows: Reader, audit: Audit, reading: Reading) -> Iterator[int]:
    """Read all entries, stretch by stretch or one by one; yield the place after each stretch."""
    size, at = audit.head.size, audit.told.size
    reading.begin(size, sorted(audit.sizes), beside=audit.statements.beside)
    while at <= size:
        whole = at % SIZE == 0 and audit.judged_from <= at == audit.told.size and at + SIZE <= size
        stretch = reading.stretch(at) if whole else None
        if stretch is not None and audit.take(stretch):
            at += SIZE
            yield at
            continue
        stop, found = min(at // SIZE * SIZE + SIZE, size + 1), False
        for stored in rows.entries(at, stop):
            found = True
            # What is past our head may have come since, with its own: it is the next verification's.
            if stored.index < size or rows.head().size <= stored.index:
                audit.read(stored, rows.tile)
        if not found:  # the end, or a gap that somebody made: a head can say anything
            beyond = next(iter(rows.entries(stop, size + 1)), None)
            stop = size + 1 if beyond is None else beyond.index // SIZE * SIZE
        at = stop
        yield min(at, size)


def _begin(rows: Reader, since: Reached | None) -> Audit:
    """Return an audit that begins with the first entry, or at the last complete tile before `since`."""
    if since is None:
        return Audit()
    start, tiles = since.size // WIDTH * WIDTH, TileReader(_OnlyTiles(rows.tile))

    def earlier(index: int) -> bytes | None:
        """Return an entry from before, if its text has the hash that the tree holds."""
        if not 0 <= index < start:
            stored = next(rows.entries(index, index + 1), None) if 0 <= index < since.size else None
            return None if stored is None else stored.entry  # read again, and hashed, in step (2)
        stored = next(rows.entries(index, index + 1), None)
        known = tiles.hashes(0, index, index + 1)[0]
        return stored.entry if stored is not None and leaf_hash(stored.entry) == known else None

    statements = Statements(since.hour, since.stops, earlier)
    audit = Audit(start=start, judged_from=since.size, statements=statements)
    try:
        before = frontier_at(start, tiles.node)
    except LedgerCorrupt as fault:
        audit.find("tile", None, f"what was read before cannot be compared: {fault}")
        before = tuple(bytes(HASH_BYTES) for _ in range(start.bit_count()))
    else:
        audit.begins = _Beginnings(tiles, start, root(before))
    audit.told, audit.promised = Tree(before, start), Tree(before, start)
    audit.suspects.begin(before, start)
    audit.expect(since)
    return audit


@dataclass(frozen=True, slots=True)
class _Beginnings:
    """Says whether a checkpoint is of a beginning of the tree that is not read again."""

    tiles: TileReader
    size: int
    root: bytes

    def __call__(self, checkpoint: Checkpoint) -> bool:
        try:
            proof = consistency_proof(checkpoint.size, self.size, self.tiles.node)
        except LedgerCorrupt:
            return False
        return verify_consistency(checkpoint.size, self.size, proof, checkpoint.root, self.root)


@dataclass(frozen=True, slots=True)
class _OnlyTiles:
    """Hashes of complete tiles alone."""

    tile: Callable[[int, int], bytes | None]

    def leaf_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        """Return none: an entry's own row does not vouch for itself."""
        del start, stop
        return ()
