"""What two laws say of facts: equal facts decided once, and always by the engine.

Guarantees: facts that do not fit a law's schema are undecided under it, as in the gate; whatever the engine
cannot answer is undecided, never a denial or a permit; what is remembered is found by the SHA-256 of the
treated facts, in a bounded number. No time budget cuts an answer off: what a replay says must not depend on
the machine (a slow rule is refused by the checks).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.exchange.decide import strictest
from gatekeeper.ledger import Json
from gatekeeper.policy import Bundle, Embedded, Engine
from gatekeeper.revisions.replay.alike import Alike

_PATIENCE_MS = 60_000.0
_REMEMBERED = 100_000
Key = bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one law says of one set of facts; ``reasons`` are the unmet, each with whether it may be told."""

    outcome: str
    reasons: tuple[tuple[str, bool], ...]
    review: str
    obligations: Mapping[str, Json]

    @property
    def unmet(self) -> tuple[str, ...]:
        """Return the codes alone."""
        return tuple(code for code, _ in self.reasons)


UNDECIDED = Verdict("undecided", (), "none", {})
Raw = tuple[bool, list[str], Mapping[str, Json]] | None
"""What an engine said, as it travels: permit, unmet, obligations; None if it could not decide."""


def engine_of(bundle: Bundle) -> Engine:
    """Return an engine that is only stopped by its own failure."""
    return Embedded(bundle, budget_ms=_PATIENCE_MS)


def asked(engine: Engine, facts: Mapping[str, Json]) -> Raw:
    """Return what the engine says of *facts*."""
    try:
        verdict = engine.evaluate(facts)
    except PolicyUnavailable:
        return None
    return verdict.permit, list(verdict.unmet), verdict.obligations


@dataclass(frozen=True, slots=True)
class Wanted:
    """Facts that nobody decided yet, treated; ``hidden``: nothing that a person typed is in them."""

    key: Key
    facts: Mapping[str, Json]
    hidden: bool


class Answers:
    """The verdicts of one law that are known; one thread's own."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        schema = bundle.schemas.get("input")
        self._schema = jsonschema_rs.validator_for(schema) if isinstance(schema, dict) else None
        self._known: dict[Key, Verdict] = {}
        self._alike: dict[tuple[Any, ...], Verdict] = {}

    def fit(self, facts: Mapping[str, Json]) -> bool:
        """Say whether the facts fit the law's schema."""
        return self._schema is None or bool(self._schema.is_valid(facts))

    def get(self, key: Key) -> Verdict | None:
        """Return what is known of these facts."""
        return self._known.get(key)

    def room(self) -> bool:
        """Forget all that is known, once it is too much, and say so: called between two stretches."""
        if len(self._known) <= _REMEMBERED:
            return False
        self._known.clear()
        self._alike.clear()
        return True

    def keep(self, key: Key, raw: Raw) -> None:
        """Keep what the engine said."""
        self._known[key] = UNDECIDED if raw is None else self._verdict(*raw)

    def _verdict(self, permit: bool, unmet: list[str], obligations: Mapping[str, Json]) -> Verdict:  # noqa: FBT001
        catalogue = self._bundle.catalogue
        verdict = Verdict(
            "permit" if permit else "deny",
            tuple((code, catalogue[code].public) for code in unmet),
            strictest(catalogue[code].review for code in unmet),
            obligations,
        )
        # Verdicts are few: a million equal ones are one object.
        return self._alike.setdefault((permit, verdict.reasons, verdict.review, repr(obligations)), verdict)


def key_of(alike: Alike, treated: Mapping[str, Json]) -> Key:
    """Return that by which treated facts are known again."""
    return hashlib.sha256(alike.text(treated)).digest()
