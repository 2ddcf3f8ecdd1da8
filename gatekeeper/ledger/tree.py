"""The tree as one batch left it: its head at once, its proofs and its signature when they are asked for.

Guarantees: what is under the log's lock is only the new frontier, about one hash for each entry; the
checkpoint is signed once and the inner nodes are joined once, by whoever needs them first, without a read;
every thread is told the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.merkle import Frontier, Growth, extend, root
from gatekeeper.ledger.rows import Head


class Tree:
    """A head and the leaves that follow it. Raises ValueError if the head cannot be one."""

    def __init__(self, before: Head, leaves: Sequence[bytes], key: SigningKey) -> None:
        self.size = before.size + len(leaves)
        self.frontier: Frontier = extend(before.frontier, before.size, leaves)
        self._before, self._leaves, self._key = before, leaves, key

    @cached_property
    def checkpoint(self) -> str:
        """The signed checkpoint of this tree."""
        return self._key.sign(self.size, root(self.frontier))

    @cached_property
    def _growth(self) -> Growth:
        return Growth(self._before.frontier, self._before.size, self._leaves)

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Return the inclusion proof of a leaf of the batch."""
        return self._growth.proof(index)
