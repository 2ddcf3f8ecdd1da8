"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1): pure functions over SHA-256 hashes.

A *frontier* is the tuple of roots of the perfect subtrees that make up a tree, largest first: one hash for
each 1 in the binary form of its size. It is all that an append needs to know of the past. A *node reader*
answers ``node(level, number)``: the root of leaves ``[number * 2**level, (number + 1) * 2**level)``, and is
only asked for complete ones. Guarantees: no function here reads anything, and each verification fails closed
on a proof that is too long, too short, or for another shape of tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

Node = Callable[[int, int], bytes]
Frontier = tuple[bytes, ...]

EMPTY_ROOT = hashlib.sha256(b"").digest()
_sha256 = hashlib.sha256


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry; the 0x00 before it keeps an entry from posing as an inner node."""
    return _sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return _sha256(b"\x01" + left + right).digest()


def root(frontier: Sequence[bytes]) -> bytes:
    """Return the root of the tree with this frontier; the empty tree has the hash of nothing."""
    if not frontier:
        return EMPTY_ROOT
    joined = frontier[-1]
    for left in reversed(frontier[:-1]):
        joined = node_hash(left, joined)
    return joined


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of neighbouring hashes; raises ValueError for another number."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError("a perfect subtree has a power of two of leaves")
    return rows_above(hashes)[-1][0]


def rows_above(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the leaves, and above them each row of complete nodes up to the last one that has any."""
    rows = [list(leaves)]
    while len(row := rows[-1]) > 1:
        rows.append([_sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=False)])
    return rows


def extend(frontier: Frontier, size: int, leaves: Iterable[bytes]) -> Frontier:
    """Return the frontier after `leaves`; raises ValueError if `frontier` is not one of a tree of `size`."""
    _check(frontier, size)
    stack = list(frontier)
    for leaf in leaves:
        joined, bits = leaf, size
        while bits & 1:
            joined = node_hash(stack.pop(), joined)
            bits >>= 1
        stack.append(joined)
        size += 1
    return tuple(stack)


def _check(frontier: Sequence[bytes], size: int) -> None:
    if size < 0 or len(frontier) != size.bit_count():
        raise ValueError("the frontier does not belong to a tree of that size")


class Growth:
    """The nodes that one batch completes, from the old frontier and the batch's leaves alone.

    This is why a receipt can be given without one read: the path of a new leaf touches only new nodes, old
    frontier nodes, and the ragged right edge.
    """

    def __init__(self, frontier: Frontier, size: int, leaves: Sequence[bytes]) -> None:
        _check(frontier, size)
        self.size = size + len(leaves)
        self._rows: list[tuple[int, list[bytes]]] = []
        old = list(frontier)
        row = list(leaves)
        level = 0
        while row or old:
            first = size >> level
            if first & 1:  # an odd number of nodes: the last of them waits in the frontier for its sibling
                row.insert(0, old.pop())
                first -= 1
            self._rows.append((first, row))
            row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
            level += 1
        self._frontier = frontier_at(self.size, self.node)
        self._edges = _edges(self.size, self._frontier)

    def node(self, level: int, number: int) -> bytes:
        """Return a node that the batch completed or that stood in the old frontier; raises KeyError."""
        first, row = self._rows[level] if level < len(self._rows) else (0, [])
        if not 0 <= number - first < len(row):
            raise KeyError((level, number))
        return row[number - first]

    def frontier(self) -> Frontier:
        """Return the frontier after the batch."""
        return self._frontier

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Return the inclusion proof, in the new tree, of a leaf of this batch."""
        return _path(index, self.size, self.node, self._edges)


def frontier_at(size: int, node: Node) -> Frontier:
    """Return the frontier of the first `size` leaves."""
    return tuple(node(k, (size >> k) - 1) for k in reversed(range(size.bit_length())) if size >> k & 1)


def _edges(size: int, frontier: Frontier) -> list[bytes]:
    """Return, for each level, the root over the ragged right edge: the last ``size mod 2**level`` leaves.

    Where there is no edge the hash of nothing stands; it is never asked for.
    """
    edges = [EMPTY_ROOT]
    waiting = list(frontier)
    for level in range(size.bit_length()):
        edge = edges[-1]
        if size >> level & 1:
            node = waiting.pop()
            edge = node_hash(node, edge) if size & ((1 << level) - 1) else node
        edges.append(edge)
    return edges


def _path(index: int, size: int, node: Node, edges: Sequence[bytes], start: int = 0) -> tuple[bytes, ...]:
    """Return the siblings on the way up from node `index` of level `start`."""
    path = []
    for level in range(start, (size - 1).bit_length()):
        sibling, complete = (index >> (level - start)) ^ 1, size >> level
        if sibling < complete:
            path.append(node(level, sibling))
        elif sibling == complete and size & ((1 << level) - 1):
            path.append(edges[level])
    return tuple(path)


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in a tree of `size`; raises ValueError if it is not in there."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    return _path(index, size, node, _edges(size, frontier_at(size, node)))


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Return the proof that the first `old` leaves begin the tree of `new`; raises ValueError."""
    if not 0 <= old <= new:
        raise ValueError("a log only grows")
    if old in (0, new):
        return ()
    level = (old & -old).bit_length() - 1
    number = (old >> level) - 1
    # A perfect old tree is itself a node of the new one, and its root is known to whoever asks.
    known = () if old == 1 << level else (node(level, number),)
    return known + _path(number, new, node, _edges(new, frontier_at(new, node)), level)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Return whether the path leads from `leaf` at `index` to the root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, joined = index, size - 1, leaf
    for step in proof:
        if last == 0 or len(step) != len(EMPTY_ROOT):
            return False
        if number & 1 or number == last:
            joined = node_hash(step, joined)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            joined = node_hash(joined, step)
        number >>= 1
        last >>= 1
    return last == 0 and joined == expected


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Return whether the old tree is a beginning of the new one (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or any(len(step) != len(EMPTY_ROOT) for step in proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        return False
    number, last = old - 1, new - 1
    while number & 1:
        number >>= 1
        last >>= 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        number >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root
