"""The keeping of checkpoints: in a row and in a file of their own, at most once a second.

They are what a later start compares the log with, so a database that was rolled back or cut short is noticed.
Guarantees: a head that the file's checkpoint contradicts is not signed; a failure here never fails an entry
that is already committed, but stays visible as `fault` until a later one succeeds; the file is replaced in
one step, so it holds one whole checkpoint or another; it never goes back to a smaller size, and one that this
log does not continue is never replaced: it is the evidence.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from gatekeeper.errors import GatekeeperError
from gatekeeper.ledger.checkpoint import Checkpoint, SigningKey, open_checkpoint
from gatekeeper.ledger.merkle import frontier_at, root
from gatekeeper.ledger.rows import Rows
from gatekeeper.ledger.tail import Contradicted, Standing
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.ledger.tree import Tree
from gatekeeper.whole import write_whole

EVERY_SECONDS = 1.0


class Kept:
    """Keeps checkpoints for one process."""

    def __init__(self, rows: Rows, key: SigningKey, file: Path | None, standing: Standing) -> None:
        self._rows = rows
        self._key = key
        self._file = file
        self._standing = standing
        self._saving = threading.Lock()
        self._due = 0.0
        self.fault: str | None = None

    def keep_if_due(self, tree: Tree) -> None:
        """Keep the tree's checkpoint unless one was kept within the last second or a thread is at it."""
        if time.monotonic() < self._due or not self._saving.acquire(blocking=False):
            return
        try:
            self._keep(tree)
        finally:
            self._saving.release()

    def keep_last(self) -> None:
        """Keep a checkpoint of the committed head now."""
        with self._saving:
            try:
                head = self._standing.head(self._rows.head)
            except GatekeeperError as error:
                self.fault = f"the last checkpoint was not kept: {error.code}"
                return
            self._keep(Tree(head, (), self._key))

    def _keep(self, tree: Tree) -> None:
        self._due = time.monotonic() + EVERY_SECONDS
        size = tree.size
        try:
            there = None if self._file is None else self._there(self._file, size)
            if self._file is not None and (there is None or there.size <= size):
                write_whole(self._file, tree.checkpoint.encode())
            self._rows.save_checkpoint(size, root(tree.frontier), tree.checkpoint)
        except Contradicted as error:
            self._standing.fault = error  # from now on nothing is added or signed by this process
            self.fault = str(error)
        except Exception as error:  # noqa: BLE001 - the entry is committed: nothing here may fail it
            code = error.code if isinstance(error, GatekeeperError) else type(error).__name__
            self.fault = f"the checkpoint of size {size} was not kept: {code}"
        else:
            self.fault = None

    def _there(self, file: Path, size: int) -> Checkpoint | None:
        """Return what the file holds, None if there is none; it may be larger, by another process.

        Raises Contradicted if this log does not continue it, CheckpointRefused, UnicodeDecodeError or OSError
        for a file that is not to be replaced.
        """
        try:
            there = open_checkpoint(file.read_text("utf-8"), self._key.verifier)
        except FileNotFoundError:
            return None
        if there.size > size and there.size > self._rows.head().size:
            raise Contradicted(f"the kept checkpoint is of {there.size} entries, and the log has fewer")
        if root(frontier_at(there.size, TileReader(self._rows).node)) != there.root:
            raise Contradicted("the kept checkpoint is of another history than this log")
        return there
