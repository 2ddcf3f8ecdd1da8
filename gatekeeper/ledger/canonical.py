"""One byte string per JSON value: the JSON Canonicalization Scheme, RFC 8785.

Guarantees: equal values give equal bytes, in every process and every language; what JSON cannot say (NaN, an
integer beyond 2^53 - 1, a lone surrogate, a key that is not a string) is refused and never repaired. The C
encoder of the standard library is used where its output is provably the same, because it is six times as fast
on a page of reads; everything else goes to the ``rfc8785`` package.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from typing import Any, TypeAlias

import rfc8785

from gatekeeper.errors import EntryRefused, LedgerCorrupt

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_LARGEST = 2**53 - 1
_PLAIN, _WHOLE_FLOATS, _OTHER = 0, 1, 2
_SAFE = frozenset({str, bool, type(None)})


def _refuse(_: object) -> object:
    raise TypeError


# Made once: JSONEncoder.encode builds a new one for every call, which takes longer than an entry itself.
_encode = c_make_encoder(None, _refuse, encode_basestring, None, ":", ",", True, False, False)
_encode_unsorted = c_make_encoder(None, _refuse, encode_basestring, None, ":", ",", False, False, False)


def _integer(digits: str) -> int:
    value = int(digits)
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError
    return value


_decode = json.JSONDecoder(parse_float=_refuse, parse_int=_integer, parse_constant=_refuse).decode


def canonical(value: object) -> bytes:
    """Return the canonical form of `value`; raises EntryRefused for what has none."""
    try:
        if type(value) is str:
            return encode_basestring(value).encode("utf-8")
        shape = _survey(value)
        if shape == _OTHER:
            return rfc8785.dumps(value)  # type: ignore[arg-type]
        parts = _encode(_without_whole_floats(value) if shape else value, 0)
        return "".join(parts).encode("utf-8")
    except (ValueError, TypeError, RecursionError, AttributeError):
        # The cause is dropped: its message may quote the value, and an error must never hold a plate.
        raise EntryRefused("a value has no canonical JSON form") from None


def quickly_decoded(text: bytes) -> dict[str, Json] | None:
    """Return the object whose canonical form `text` is; None where that cannot be told without `canonical`.

    It is told where there are ASCII letters without an escape and no number but integers that `canonical`
    takes: there the C encoder writes what RFC 8785 asks for (see `_survey`), and the two texts are compared.
    """
    try:
        said = text.decode("ascii")
        if "\\" in said:
            return None
        value = _decode(said)
        same = type(value) is dict and "".join(_encode(value, 0)) == said
    except (ValueError, TypeError, RecursionError):
        return None
    return value if same else None


def sorted_json(value: object) -> bytes:
    """Return the same bytes for equal values without fractions, at less than `canonical` costs.

    They are for one process to compare, and are never kept.
    """
    return "".join(_encode(value, 0)).encode("utf-8", "surrogatepass")


def compact(value: object) -> bytes:
    """Return some JSON of `value`, for what is sealed and never compared; raises EntryRefused.

    Half the cost of the canonical form: nothing is sorted or surveyed. NaN and lone surrogates are refused
    all the same; a key that is a number or None becomes a string.
    """
    try:
        return "".join(_encode_unsorted(value, 0)).encode("utf-8")
    except (ValueError, TypeError, RecursionError):
        raise EntryRefused("a value has no JSON form") from None


def _survey(value: Any) -> int:
    """Return whether the C encoder writes `value` as RFC 8785 does, with whole floats as the one repair.

    The two differ in the order of non-ASCII keys (UTF-16 units against code points), in keys that are not
    strings, in floats outside [1e-4, 1e15) (exponents) and in whole floats (``1.0`` against ``1``).
    """
    kind = type(value)
    if kind in _SAFE:
        return _PLAIN
    if kind is dict:
        return _survey_all(value.values()) if "".join(value).isascii() else _OTHER
    if kind is list or kind is tuple:
        return _survey_all(value)
    if kind is int:
        return _PLAIN if -_LARGEST <= value <= _LARGEST else _OTHER
    if kind is float and value.is_integer() and -_LARGEST <= value <= _LARGEST:
        return _WHOLE_FLOATS
    return _PLAIN if kind is float and 1e-4 <= abs(value) < 1e15 else _OTHER


def _survey_all(values: Collection[Any]) -> int:
    if _SAFE.issuperset(map(type, values)):
        return _PLAIN
    shape = _PLAIN
    for value in values:
        if type(value) not in _SAFE and (found := _survey(value)) > shape:
            shape = found
    return shape


def _without_whole_floats(value: object) -> object:
    """Return a copy in which each whole float is the integer that RFC 8785 prints for it (-0.0 is 0)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _without_whole_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_whole_floats(item) for item in value]
    return value


def decoded(text: bytes) -> dict[str, Json]:
    """Return the object that canonical bytes hold; raises LedgerCorrupt if they hold anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise LedgerCorrupt("what was stored is not a JSON object")
    return value
