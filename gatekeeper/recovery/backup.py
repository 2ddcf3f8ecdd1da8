"""One backup of the SQLite database, made while the gate writes.

The procedure: (1) a checkpoint is signed; (2) the database is copied, as of one moment, into a file without a
final name; (3) the copy is read back: SQLite finds it whole, its schema is ours, its log fits its own head
and tiles, and continues the checkpoint of (1); (4) it gets its name, (5) its manifest. Guarantees: whatever
fails, and whenever the process is killed, no file that is not whole has the final name; nothing that exists
is overwritten. No key is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import VerifierKey
from gatekeeper.ledger.merkle import root
from gatekeeper.ledger.tail import check_continues, check_tail
from gatekeeper.recovery import manifest
from gatekeeper.recovery.manifest import Manifest
from gatekeeper.store import LedgerRows
from gatekeeper.store.copying import SCHEMA, Still, copy, examine, named
from gatekeeper.whole import alone

_UNFINISHED = "unfinished-backup"


def back_up(
    source: Path, target: Path, key: VerifierKey, sign: Callable[[], str], now: datetime, program: str
) -> tuple[Path, Manifest]:
    """Back the database up into a new file, or into an existing directory under a name of the moment.

    Return the file and its manifest. Raises OperatorError, StoreUnavailable, LedgerCorrupt, or
    LedgerUnavailable: then there is no backup.
    """
    file = target / f"gatekeeper-{now:%Y%m%dT%H%M%SZ}.db" if target.is_dir() else target
    if not file.parent.is_dir():
        raise OperatorError(f"{file.parent} is no directory: mkdir -p {file.parent}")
    _refuse_taken(file)
    try:
        with alone(file.parent):
            _tidy(file.parent)
            return file, _made(source, file, key, sign, now, program)
    except BlockingIOError:
        raise OperatorError(f"another backup is being made in {file.parent}: wait for it") from None
    except OSError as fault:
        raise OperatorError(
            f"{file} cannot be written ({fault.strerror}): there is no backup; make room, or "
            "name another place"
        ) from None


def _made(
    source: Path, file: Path, key: VerifierKey, sign: Callable[[], str], now: datetime, program: str
) -> Manifest:
    unfinished = file.with_name(f".{file.name}.{_UNFINISHED}")
    try:
        checkpoint = sign()  # (1)
        copy(source, unfinished)  # (2)
        size, top = checked(unfinished, key, checkpoint)  # (3)
        made = Manifest(
            manifest=manifest.VERSION,
            file=file.name,
            bytes=unfinished.stat().st_size,
            sha256=manifest.digest(unfinished),
            schema=SCHEMA,
            log=key.origin,
            size=size,
            root=top.hex(),
            checkpoint=checkpoint,
            made_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
            program=program,
        )
        named(unfinished, file)  # (4)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    try:
        manifest.write(file, made)  # (5)
    except OSError:
        with suppress(OSError):
            file.unlink()
        raise
    return made


def checked(file: Path, key: VerifierKey, checkpoint: str) -> tuple[int, bytes]:
    """Return size and root of the log in a copy that is whole, of our schema, and continues a checkpoint.

    Raises OperatorError, StoreUnavailable, LedgerCorrupt.
    """
    schema = examine(file)
    if schema != SCHEMA:
        raise OperatorError(f"{file} has schema {schema}, this program has {SCHEMA}: run `gatekeeper init`")
    still = Still(file)
    try:
        rows = LedgerRows(still)
        check_tail(rows, key, None)
        check_continues(rows, key, "that was signed before the copy", checkpoint)
        head = rows.head()
    finally:
        still.close()
    return head.size, root(head.frontier)


def _refuse_taken(file: Path) -> None:
    if file.exists() or file.is_symlink():
        unfinished = "" if manifest.beside(file).exists() else "; it has no manifest, so it is not a backup"
        raise OperatorError(f"{file} exists: nothing is overwritten{unfinished}; name another file")
    if manifest.beside(file).exists():
        raise OperatorError(f"{manifest.beside(file)} exists without its backup: name another file")


def _tidy(directory: Path) -> None:
    """Remove what backups left there that were killed."""
    for left in directory.glob(f".*.{_UNFINISHED}*"):
        left.unlink()
