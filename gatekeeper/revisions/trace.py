"""What one decision rests on, statement by statement, as the engine answered for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.policy.layout import Json
from gatekeeper.policy.probing import RuleName
from gatekeeper.policy.syntax import Path


@dataclass(frozen=True, slots=True)
class Stood:
    """A part of a statement and the values that stood there: none if it was undefined."""

    text: str
    path: Path | None
    constant: bool
    values: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: ``held`` is None if it was never reached, or could not be asked (``fault`` says why).

    ``shape``, ``negated``, ``called`` and ``binds`` are those of ``policy.probing.Step``. ``rules`` are the
    rules that it names. ``within`` are the statements of an ``every`` for ``element``, the first for which
    they did not hold.
    """

    text: str
    line: int
    shape: str
    negated: bool
    called: str
    binds: tuple[str, ...]
    parts: tuple[Stood, ...]
    held: bool | None
    fault: str = ""
    rules: tuple[Traced, ...] = ()
    element: Json = None
    within: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way in which a rule can hold; an ``else`` is ``reached`` only if what is before it failed."""

    line: int
    reached: bool
    held: bool
    statements: tuple[Statement, ...]
    value: Stood | None
    rules: tuple[Traced, ...] = ()


@dataclass(frozen=True, slots=True)
class Traced:
    """A rule, asked with these arguments; ``values`` is what the engine says of the whole: none is undefined.

    ``held``: it is there and not false. ``by_statements`` is the same as it follows from the alternatives
    alone, None if one of them could not be asked.
    """

    rule: RuleName
    path: str
    arguments: tuple[Stood, ...]
    values: tuple[Json, ...]
    alternatives: tuple[Alternative, ...]

    @property
    def held(self) -> bool:
        """Whether the rule is there, and not false."""
        return any(value is not False for value in self.values)

    @property
    def by_statements(self) -> bool | None:
        """Whether its statements say so."""
        if any(statement.fault for each in self.alternatives for statement in each.statements):
            return None
        return any(each.held and _is_true(each) for each in self.alternatives)

    def all(self) -> Iterator[Traced]:
        """Yield this rule and every rule below it."""
        yield self
        for alternative in self.alternatives:
            for rule in alternative.rules:
                yield from rule.all()
            for statement in alternative.statements:
                for one in (statement, *statement.within):
                    for rule in one.rules:
                        yield from rule.all()


def _is_true(alternative: Alternative) -> bool:
    value = alternative.value
    return value is None or any(one is not False for one in value.values)


@dataclass(frozen=True, slots=True)
class Explained:
    """Why each provision is met or not, by its code in the order of the law, and why what is owed is owed."""

    provisions: tuple[tuple[str, Traced], ...]
    owed: tuple[Traced, ...]
