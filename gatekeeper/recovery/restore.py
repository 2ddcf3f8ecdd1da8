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
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.ledger import open_checkpoint
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.recovery import manifest
from gatekeeper.recovery.backup import checked
from gatekeeper.recovery.compared import Asked, Place, Restored, had_back, known_of, same, unsure
from gatekeeper.recovery.evidence import Known
from gatekeeper.recovery.lost import Lost
from gatekeeper.recovery.manifest import Manifest
from gatekeeper.recovery.placing import asides, placed, stage_in
from gatekeeper.recovery.written import written
from gatekeeper.store import Database, LedgerRows
from gatekeeper.store.copying import SCHEMA, Still, in_use
from gatekeeper.store.database import PATIENCE
from gatekeeper.store.lock import WriteLock
from gatekeeper.store.values import Stop


def restore(place: Place, asked: Asked, file: Path, backup: Path) -> Restored:
    """Restore the database *file* from a backup.

    Raises RolledBack, OperatorError, or another error of ours: nothing changed.
    """
    lock = WriteLock(place.lock)
    try:
        with lock.held(PATIENCE, OperatorError):
            return _restored(place, asked, file, backup)
    finally:
        lock.close()


def _restored(place: Place, asked: Asked, file: Path, backup: Path) -> Restored:
    # (1) nobody is there; under the lock that every writer needs nobody can add to what is compared
    if in_use(file):
        raise OperatorError(f"{file} is open: end the service and every command first; nothing was changed")
    # (2) the backup
    described = _backup(place, backup)
    with closing(Still(backup)) as still:
        rows = LedgerRows(still)
        head = rows.head()
        if head.size != described.size:
            raise OperatorError(f"{backup} is not what its manifest says: use another backup")
        # (3) who knows how large the log was
        known, here = known_of(place, asked, rows, head, (file, *asides(file)))
        same(asked.what, rows, known)
        # (4) what is lost, and where it can be had
        largest = max([head.size, *(one.size for one in known)])
        entries = [] if largest == head.size else had_back(place, asked, head, largest, known)
        if here < largest and asked.ended_at is None:
            raise unsure(asked.what, head.size, largest, known)
    # (5) a database that is whole
    with stage_in(file.parent) as stage:
        staged = stage / "state.db"
        shutil.copyfile(backup, staged)
        if manifest.digest(staged) != described.sha256:
            raise OperatorError(f"{backup} changed while it was read: nothing was changed")
        done = _completed(place, asked, staged, described, entries, known)
        # (6) in its place
        aside = placed(file, place.mark, staged, place.clock.now())
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


def _completed(
    place: Place,
    asked: Asked,
    staged: Path,
    described: Manifest,
    entries: list[bytes],
    known: Sequence[Known],
) -> tuple[Stop, list[Lost], int]:
    """Write to the copy what was lost, and the stop; examine it. Return stop, what was lost, its entry."""
    with closing(Database.open(f"sqlite:///{staged}", lock_file=staged.with_name("lock"))) as database:
        database.check()
        done = written(place, asked, database, described.size, entries, known)
        same(asked.what, LedgerRows(database), known)
        if not database.empty_wal():
            raise OperatorError("the copy was opened by another program: nothing was changed, try again")
    checked(staged, place.key.verifier, described.checkpoint)
    return done
