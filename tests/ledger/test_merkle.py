"""RFC 6962's tree against published vectors, a naive reference, and an outside verifier."""

from __future__ import annotations

import hashlib

import metamorphic_log
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.ledger import merkle

# Inputs and roots of the Certificate Transparency reference tests for RFC 6962.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243",
        "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _naive(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _naive(leaves[:k]) + _naive(leaves[k:])).digest()


def _leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(i).encode()) for i in range(size)]


def _node(leaves: list[bytes]) -> merkle.Node:
    def node(level: int, number: int) -> bytes:
        cut = leaves[number << level : (number + 1) << level]
        assert len(cut) == 1 << level, "asked for a node that is not complete"
        return _naive(cut)

    return node


def test_the_published_vectors() -> None:
    """The roots of the reference tests, and of nothing."""
    leaves = [merkle.leaf_hash(entry) for entry in INPUTS]
    assert hashlib.sha256(b"").digest() == merkle.root(())
    for size, expected in enumerate(ROOTS, 1):
        assert expected == merkle.root(merkle.extend((), 0, leaves[:size])).hex()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 70), st.integers(1, 70))
def test_a_batch_proves_its_leaves_from_the_old_frontier_alone(old: int, new: int) -> None:
    """Every new leaf's path, made without one read, is accepted by us and by an outside verifier."""
    leaves = _leaves(old + new)
    grown = merkle.Growth(merkle.extend((), 0, leaves[:old]), old, leaves[old:])
    expected = _naive(leaves)
    assert merkle.extend((), 0, leaves) == grown.frontier()
    assert expected == merkle.root(grown.frontier())
    for index in range(old, old + new):
        proof = grown.proof(index)
        assert merkle.inclusion_proof(index, old + new, _node(leaves)) == proof
        assert merkle.verify_inclusion(leaves[index], index, old + new, proof, expected)
        metamorphic_log.verify_inclusion(index, old + new, leaves[index], list(proof), expected)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 70), st.integers(0, 70))
def test_consistency_proofs_convince_an_outside_verifier(one: int, other: int) -> None:
    """For every pair of sizes, the proof is accepted by us and by an outside verifier."""
    old, new = sorted((one, other))
    leaves = _leaves(new)
    proof = merkle.consistency_proof(old, new, _node(leaves))
    roots = _naive(leaves[:old]), _naive(leaves)
    assert merkle.verify_consistency(old, new, proof, *roots)
    if old:
        metamorphic_log.verify_consistency(old, new, list(proof), *roots)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_proof_that_was_touched_proves_nothing(data: st.DataObject) -> None:
    """Another leaf, index, size, or a step changed, added or taken away: refused, by both verifiers."""
    size = data.draw(st.integers(2, 40))
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    proof, root = list(merkle.inclusion_proof(index, size, _node(leaves))), _naive(leaves)
    leaf = leaves[index]
    match data.draw(st.sampled_from(["leaf", "index", "step", "more", "fewer", "short"])):
        case "leaf":
            leaf = leaves[(index + 1) % size]
        case "index":
            index = (index + 1) % size
        case "step":
            at = data.draw(st.integers(0, len(proof) - 1))
            proof[at] = merkle.leaf_hash(proof[at])
        case "more":
            proof.append(leaf)
        case "fewer":
            proof.pop()
        case "short":
            proof[-1] = proof[-1][:31]
    assert not merkle.verify_inclusion(leaf, index, size, proof, root)
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.verify_inclusion(index, size, leaf, proof, root)


def test_a_second_history_is_not_consistent() -> None:
    """A rewritten entry, a shrinking log, and a step too many: refused."""
    leaves = _leaves(13)
    forked = [merkle.leaf_hash(b"forged"), *leaves[1:]]
    proof = list(merkle.consistency_proof(6, 13, _node(leaves)))
    old, new = _naive(leaves[:6]), _naive(leaves)
    assert not merkle.verify_consistency(6, 13, proof, old, _naive(forked))
    assert not merkle.verify_consistency(6, 13, proof, _naive(forked[:6]), new)
    assert not merkle.verify_consistency(13, 6, proof, new, old)
    assert not merkle.verify_consistency(6, 13, [*proof, old], old, new)
    assert not merkle.verify_consistency(6, 13, proof[:-1], old, new)
    assert not merkle.verify_consistency(6, 13, [], old, new)
    assert not merkle.verify_consistency(0, 13, [], new, new)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    """Neither made nor accepted."""
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_proof(index, size, _node(_leaves(size)))
    assert not merkle.verify_inclusion(merkle.EMPTY_ROOT, index, size, [], merkle.EMPTY_ROOT)


def test_a_frontier_of_another_size_is_refused() -> None:
    """A head whose parts do not fit together is never built on."""
    with pytest.raises(ValueError, match="frontier"):
        merkle.Growth((merkle.EMPTY_ROOT,), 3, _leaves(1))
    with pytest.raises(ValueError, match="frontier"):
        merkle.extend((), 1, [])
    with pytest.raises(ValueError, match="power of two"):
        merkle.perfect_root(_leaves(3))
    with pytest.raises(ValueError, match="only grows"):
        merkle.consistency_proof(3, 2, _node(_leaves(3)))
