"""What an engine is, what it is asked, and the one reader of its answer.

Guarantees: facts are refused before they reach an engine unless both engines read them alike; an answer
counts only in the exact shape of a decision, and a permit only if the provisions it proved are exactly
those of the bundle's committed manifest. Undefined, error, time-out and every other shape raise
PolicyUnavailable: nothing is released.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import jsonschema_rs

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.layout import Json

_SHAPE = frozenset({"permit", "proved", "unmet", "obligations"})
_DEEPEST = 32
_LARGEST = 512 * 1024
_SAFE_INTEGER = 2**53
_TEXT = frozenset({str})
_PLAIN = _TEXT | {bool, type(None)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the law says about one set of facts, and which text of the law said it."""

    permit: bool
    proved: frozenset[str]
    unmet: tuple[str, ...]
    obligations: Mapping[str, Json]
    revision: str
    digest: str


class Engine(Protocol):
    """Evaluates the bundle it was built with; never another."""

    @property
    def bundle(self) -> Bundle:
        """The bundle whose law this engine applies."""

    def evaluate(self, facts: Mapping[str, Json]) -> Verdict:
        """Return the verdict on *facts*. Raises PolicyUnavailable, and nothing else."""

    def ready(self) -> None:
        """Ask a question whose answer is known. Raises PolicyUnavailable."""

    def close(self) -> None:
        """Give up what is held; a later evaluate raises PolicyUnavailable."""


class Facts:
    """Turns facts into the text of an engine's input, or refuses them."""

    __slots__ = ("_validator",)

    def __init__(self, bundle: Bundle) -> None:
        schema = bundle.schemas.get("input")
        self._validator = None if not isinstance(schema, dict) else jsonschema_rs.validator_for(schema)

    def text(self, facts: Mapping[str, Json]) -> str:
        """Return *facts* as JSON. Raises PolicyUnavailable for a fact missing, mistyped or unsayable."""
        try:
            text = encode(facts)
            fits = self._validator is None or self._validator.is_valid(facts)
        except PolicyUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - foreign exceptions stop here
            raise PolicyUnavailable(f"the facts cannot be read: {type(error).__name__}") from None
        if not fits:
            # An ungathered fact is a defect of ours, not a reason to deny the agency: 503, nothing released.
            raise PolicyUnavailable(f"the facts do not fit schema/input.json at {self._places(facts)}")
        return text

    def _places(self, facts: Mapping[str, Json]) -> str:
        """Name the rules of the schema that are broken, without the values: they may be words or names."""
        errors = self._validator.iter_errors(facts) if self._validator else ()
        return ", ".join(sorted({"/".join(map(str, error.schema_path)) for error in errors})[:5])


def encode(facts: object) -> str:
    """Return *facts* as JSON that both engines read alike. Raises PolicyUnavailable."""
    if type(facts) is not dict:
        raise PolicyUnavailable("the facts are not an object")
    _refuse_unsayable(facts, 0)
    try:
        text = json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):  # a lone surrogate is a UnicodeEncodeError, a ValueError
        raise PolicyUnavailable("the facts cannot be written as JSON") from None
    if size > _LARGEST:
        raise PolicyUnavailable("the facts are too large")
    return text


def _refuse_unsayable(value: object, depth: int) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if depth > _DEEPEST:
        raise PolicyUnavailable("the facts are nested too deeply")
    if kind is dict:
        facts = cast("dict[object, object]", value)
        if not _TEXT.issuperset(map(type, facts)):
            raise PolicyUnavailable("a fact's name is not a text")
        _refuse_any(facts.values(), depth + 1)
    elif kind is list or kind is tuple:
        _refuse_any(cast("list[object]", value), depth + 1)
    elif not (kind is int or kind is float) or not abs(cast("float", value)) <= _SAFE_INTEGER:
        # Beyond 2^53 the embedded engine rounds and OPA does not: two answers. NaN fails here too.
        raise PolicyUnavailable(
            "a fact is of a type, or a number of a size, that the engines read differently"
        )


def _refuse_any(facts: Collection[object], depth: int) -> None:
    if not _PLAIN.issuperset(map(type, facts)):
        for fact in facts:
            _refuse_unsayable(fact, depth)


def verdict_of(document: object, bundle: Bundle) -> Verdict:
    """Read an engine's answer. Raises PolicyUnavailable for anything but the exact shape of a decision."""
    if type(document) is not dict or document.keys() != _SHAPE:
        raise PolicyUnavailable("the engine's answer is not a decision")
    permit, obligations = document["permit"], document["obligations"]
    proved, unmet = _codes(document["proved"]), _codes(document["unmet"])
    provisions = frozenset(bundle.provisions)
    if not provisions:
        raise PolicyUnavailable("the bundle has no provisions: nothing could be proved")
    if type(permit) is not bool or type(obligations) is not dict:
        raise PolicyUnavailable("the engine's answer has a field of the wrong type")
    if not proved <= provisions or unmet != provisions - proved:
        raise PolicyUnavailable("what was proved and what is unmet do not add up to the manifest")
    if permit is not (not unmet):
        raise PolicyUnavailable(
            "the answer contradicts itself: a permit unproved, or a denial without reason"
        )
    if permit and not obligations:
        raise PolicyUnavailable("a permit without obligations would release everything")
    return Verdict(
        permit=permit,
        proved=proved,
        unmet=tuple(code for code in bundle.provisions if code in unmet),
        obligations=obligations,
        revision=bundle.revision,
        digest=bundle.digest,
    )


def known_answer(verdict: Verdict, bundle: Bundle) -> None:
    """Check the answer to no facts at all: every provision is unmet. Raises PolicyUnavailable."""
    if verdict.permit or verdict.unmet != bundle.provisions:
        raise PolicyUnavailable("the engine found a provision satisfied by no facts at all")


def _codes(value: object) -> frozenset[str]:
    if type(value) is not list or not all(type(code) is str for code in value):
        raise PolicyUnavailable("the engine's answer has a field of the wrong type")
    codes = frozenset(cast("list[str]", value))
    if len(codes) != len(value):
        raise PolicyUnavailable("the engine's answer names a provision twice")
    return codes
