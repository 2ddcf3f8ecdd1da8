"""Commitments: nothing to guess from, nothing to swap."""

from __future__ import annotations

import pytest

from gatekeeper.errors import EntryRefused
from gatekeeper.ledger.commitments import commit, new_salts, opens


def test_only_the_committed_name_value_and_salt_open_it() -> None:
    """Another value, name, salt or type does not."""
    salt = new_salts(1)[0]
    made = commit("query", {"plate": "DEMO123"}, salt)
    assert opens("query", {"plate": "DEMO123"}, salt, made)
    assert not opens("query", {"plate": "DEMO124"}, salt, made)
    assert not opens("officer", {"plate": "DEMO123"}, salt, made)
    assert not opens("query", {"plate": "DEMO123"}, new_salts(1)[0], made)
    assert not opens("query", {"plate": "DEMO123"}, salt, made.upper())
    assert not opens("query", float("nan"), salt, made)
    assert not opens("query", 1, salt, "é")


def test_salts_are_long_and_never_the_same() -> None:
    """However many are drawn at once."""
    salts = [*new_salts(9), *new_salts(9)]
    assert (18, {32}) == (len(set(salts)), {len(salt) for salt in salts})


def test_a_name_cannot_run_into_its_value() -> None:
    """The name ends at a newline that no name may hold."""
    salt = new_salts(1)[0]
    for name in ("", "Query", "a\n", "a b", "a" * 49):
        with pytest.raises(EntryRefused):
            commit(name, 1, salt)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_salt_of_another_length_is_refused(size: int) -> None:
    """A short salt can be searched; HMAC takes a shorter key for a longer one that ends in zeros."""
    with pytest.raises(EntryRefused):
        commit("query", 1, bytes(size))
