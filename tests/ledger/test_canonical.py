"""RFC 8785: one byte string per value, the fast path never differs from the reference."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import EntryRefused, LedgerCorrupt
from gatekeeper.ledger.canonical import Json, canonical, decoded

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1000, 1000).map(lambda f: round(f, 1))
    | st.text()
    | st.sampled_from([0.0, -0.0, 1.0, 1e15, 9007199254740993.0, 1e16, 1e21, 1e-7, 1e-4, 5e-324, 0.1, "\x7f"])
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=5),
    max_leaves=25,
)


@given(_values)
def test_fast_path_writes_what_the_reference_writes(value: Json) -> None:
    """Whatever the value, both encoders agree byte for byte."""
    assert rfc8785.dumps(value) == canonical(value)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53,
        [-(2**53)],
        "\ud800",
        {"a": ["\udfff"]},
        {"\ud800": 1},
        {1: "a"},
        {"a": {None: 1}},
        b"bytes",
        {"a": object()},
        {1, 2},
    ],
)
def test_what_json_cannot_say_is_refused_without_quoting_it(value: object) -> None:
    """NaN, integers beyond 2^53 - 1, lone surrogates, keys that are not strings: refused, never repaired."""
    with pytest.raises(EntryRefused) as refused:
        canonical(value)
    assert "a value has no canonical JSON form" == str(refused.value)
    assert refused.value.__cause__ is None


def test_a_value_that_contains_itself_ends_in_a_refusal() -> None:
    """No hang and no crash of the interpreter."""
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(EntryRefused):
        canonical(endless)


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff", b"[" * 100_000])
def test_stored_bytes_that_are_no_object_are_corrupt(text: bytes) -> None:
    """What is read back is checked before it is used."""
    with pytest.raises(LedgerCorrupt):
        decoded(text)
