"""One restore of the SQLite database from a backup.

The procedure: (1) nobody has the database open; (2) the backup is whole, of our
schema and of our log; (3) everybody who knows how large the log was is asked; what each signed must be of
this history; (4) if that is more than the backup holds, the lost entries are had back from a published copy,
or the restore ends here; (5) the backup is copied beside the database, the lost entries and a stop of all
sharing are written to it in one commit, and it is examined again; (6) the database that is there gets another
name, and the new one takes its place. Guarantees: until (6) nothing that exists is changed, and a restore
killed in (6) leaves a mark that keeps the service from starting; the kept checkpoint is never replaced; an
index that may be known outside is given again only to the entry that had it.
"""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.ledger import Clock, DayKeys, Draft, SigningKey, open_checkpoint
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.merkle import frontier_at, root
from gatekeeper.ledger.refill import continues, refill, said_by
from gatekeeper.ledger.rows import Head
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.oversight.stops import new_stop_id
from gatekeeper.recovery import evidence, manifest
from gatekeeper.recovery.backup import checked
from gatekeeper.recovery.copy import PublishedCopy
from gatekeeper.recovery.evidence import Known, words
from gatekeeper.recovery.lost import Lost, lost_of, stops_of
from gatekeeper.recovery.manifest import Manifest
from gatekeeper.recovery.placing import placed, stage_in
from gatekeeper.store import Database, LedgerRows, administration
from gatekeeper.store.copying import SCHEMA, Still, in_use
from gatekeeper.store.database import PATIENCE
from gatekeeper.store.lock import WriteLock
from gatekeeper.store.registry import Registry
from gatekeeper.store.values import Stop
from gatekeeper.witness.policy import Policy


class RolledBack(LedgerCorrupt):
    """The backup's log is smaller than the log was, or may have been: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A city without its database: where it belongs, and what is kept outside it."""

    file: Path
    mark: Path
    lock: Path
    kept: Path
    key: SigningKey
    keys: DayKeys
    clock: Clock


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator asks for. ``ended_at``: how many entries the log had, by the operator's own word."""

    backup: Path
    reason: str
    by: str
    published: PublishedCopy | None = None
    ended_at: int | None = None
    witnesses: Policy | None = None
    trust: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. ``held``: entries in the backup; ``entry``: of the stop; ``aside``: what was there."""

    held: int
    lost: Sequence[Lost]
    stop: str
    entry: int
    aside: Path | None
    known: Sequence[Known]


def restore(place: Place, asked: Asked) -> Restored:
    """Restore the database. Raises RolledBack, OperatorError, or another error of ours: nothing changed."""
    lock = WriteLock(place.lock)
    try:
        with lock.held(PATIENCE, OperatorError):
            return _restored(place, asked)
    finally:
        lock.close()


def _restored(place: Place, asked: Asked) -> Restored:
    # (1) nobody is there; under the lock that every writer needs nobody can add to what is compared
    if in_use(place.file):
        raise OperatorError(
            f"{place.file} is open: end the service and every command first; nothing was changed"
        )
    # (2) the backup
    described = _backup(place, asked.backup)
    with closing(Still(asked.backup)) as still:
        rows = LedgerRows(still)
        head = rows.head()
        if head.size != described.size:
            raise OperatorError(f"{asked.backup} is not what its manifest says: use another backup")
        # (3) who knows how large the log was
        known, here = _known(place, asked, rows, head)
        _same(rows, known)
        # (4) what is lost, and where it can be had
        largest = max([head.size, *(one.size for one in known)])
        entries = [] if largest == head.size else _had_back(place, asked, head, largest, known)
        if here < largest and asked.ended_at is None:
            raise _unsure(head.size, largest, known)
    # (5) a database that is whole
    with stage_in(place.file.parent) as stage:
        staged = stage / "state.db"
        shutil.copyfile(asked.backup, staged)
        if manifest.digest(staged) != described.sha256:
            raise OperatorError(f"{asked.backup} changed while it was read: nothing was changed")
        done = _completed(place, asked, staged, described, entries, known)
        # (6) in its place
        aside = placed(place.file, place.mark, staged, place.clock.now())
    return Restored(head.size, done[1], done[0].id, done[2], aside, known)


def _backup(place: Place, backup: Path) -> Manifest:
    described = manifest.read(backup)
    if described.schema != SCHEMA:
        raise OperatorError(
            f"{backup} has schema {described.schema}, this program needs {SCHEMA}: restore it with the "
            f"program that made it ({described.program}), then install this one and run `gatekeeper init`"
        )
    try:
        open_checkpoint(described.checkpoint, place.key.verifier)
        checked(backup, place.key.verifier, described.checkpoint)
    except CheckpointRefused as refused:
        raise OperatorError(
            f"{backup} is not a backup of this city, whose log is {place.key.origin}, by the key in its "
            f"keys/: {refused}; nothing was changed"
        ) from None
    except LedgerCorrupt as fault:
        raise OperatorError(
            f"{backup} does not hold a sound log of this city ({fault}): use another backup; nothing was "
            "changed"
        ) from None
    return described


def _known(place: Place, asked: Asked, rows: LedgerRows, head: Head) -> tuple[list[Known], int]:
    """Return who knows how large the log was, and the largest size that a database here has itself."""
    verifier, here = place.key.verifier, -1
    known = [*evidence.kept(place.kept, verifier)]
    for file in (place.file, *sorted(place.file.parent.glob(f"{place.file.name}.before-*[0-9Z]"))):
        found, whole = evidence.database(file, verifier)
        known += found
        here = max(here, found[0].size) if whole else here
    if asked.published is not None:
        copy = asked.published.checkpoint(verifier)
        known.append(Known(f"the published copy in {asked.published.where}", copy.size, copy))
    if asked.witnesses is not None:
        node = TileReader(rows).node
        known += evidence.witnesses(asked.witnesses, place.key, head, node, asked.trust)
    if asked.ended_at is not None:
        larger = [one for one in known if one.size > asked.ended_at]
        if larger or head.size > asked.ended_at:
            raise OperatorError(
                f"--ended-at {asked.ended_at} cannot be: the backup holds {head.size} entries; "
                f"{words(larger)}"
            )
        known.append(Known("what you say by --ended-at", asked.ended_at))
    return known, here


def _same(rows: LedgerRows, known: Sequence[Known]) -> None:
    """Refuse a backup whose first entries are not those that others know."""
    node, size = TileReader(rows).node, rows.head().size
    for one in known:
        if one.tree is None or one.size > size:
            continue
        if root(frontier_at(one.size, node)) != one.tree.root:
            raise OperatorError(
                f"NOTHING WAS CHANGED: the backup and {one.where} are two histories of this log: their first "
                f"{one.size} entries differ. Keep both, and find out who wrote them"
            )


def _unsure(held: int, largest: int, known: Sequence[Known]) -> RolledBack:
    gone = "" if largest == held else f" {_gone(held, largest)} missing in it, and can be had back."
    return RolledBack(
        f"NOTHING WAS CHANGED. The backup holds {held} entries ({words(known) or 'none else knows'}).{gone} "
        "The database that was in use last is not here, or cannot be read, so nobody can say how far the log "
        "went on; an index that an agency has a receipt of must not be given twice. If you know "
        "how many entries it had (the highest index of any receipt, plus one), say so: --ended-at NUMBER"
    )


def _had_back(place: Place, asked: Asked, head: Head, largest: int, known: Sequence[Known]) -> list[bytes]:
    """Return the entries that the backup lacks. Raises RolledBack, OperatorError."""
    more = [one for one in known if one.size > head.size]
    told = (
        f"NOTHING WAS CHANGED: THE LOG WOULD BE ROLLED BACK. The backup holds {head.size} entries; more "
        f"are known ({words(more)}). {_gone(head.size, largest)} missing, and may be known outside"
    )
    if asked.published is None:
        raise RolledBack(
            f"{told}. Use a newer backup, or the database that is there; or give a published copy that holds "
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


def _completed(
    place: Place,
    asked: Asked,
    staged: Path,
    described: Manifest,
    entries: list[bytes],
    known: Sequence[Known],
) -> tuple[Stop, list[Lost], int]:
    """Write to the copy what was lost, and the stop; examine it. Return stop, what was lost, its entry."""
    now, held = place.clock.now(), described.size
    lost = lost_of(held, [said_by(held + offset, entry) for offset, entry in enumerate(entries)])
    stop = Stop(new_stop_id(), "all", None, now)
    word = (
        "" if asked.ended_at is None else f" (the log had {asked.ended_at}, by the word of who restored it)"
    )
    draft = Draft(
        event="stop.set",
        ref=stop.id,
        clear={"scope": stop.scope, "value": None, "stop": stop.id},
        secret={
            "reason": f"restored from a backup of {held} entries, {len(lost)} put back{word}: {asked.reason}",
            "by": asked.by,
            "camera": None,
        },
        detail={"compared_with": [{"where": one.where, "size": one.size} for one in known]},
    )
    with closing(Database.open(f"sqlite:///{staged}", lock_file=staged.with_name("lock"))) as database:
        database.check()
        rows = LedgerRows(database)
        in_force = {halt.id for halt in Registry(database, place.clock.now).stops()}
        changes = [*stops_of(lost, in_force, now), *administration.set_stop(stop)]
        copy = asked.published.checkpoint(place.key.verifier) if asked.published and entries else None
        index = refill(rows, place.keys, place.clock, lost=entries, signed=copy, draft=draft, changes=changes)
        _same(rows, known)
        if not database.empty_wal():
            raise OperatorError("the copy was opened by another program: nothing was changed, try again")
    checked(staged, place.key.verifier, described.checkpoint)
    return stop, lost, index


def _gone(held: int, largest: int) -> str:
    last = largest - 1
    return f"Entry {held} is" if last == held else f"{largest - held} entries ({held} to {last}) are"
