"""The law that one request is judged by: one revision, with all that Python makes of its data.

Guarantees: engine, lexicon and parser are of the same bundle; which law it is, the registry says, at the one
moment at which the request looked: so no request sees two revisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gatekeeper.exchange.decide import Decision, Situation, decide
from gatekeeper.exchange.offenses import Offenses
from gatekeeper.exchange.parse import Parser, Query
from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.ledger.rows import RegistryState
from gatekeeper.policy import Bundle, Engine


@dataclass(frozen=True, slots=True)
class Law:
    """One revision of the law, ready to judge."""

    engine: Engine
    lexicon: Lexicon
    parser: Parser

    @classmethod
    def of(cls, engine: Engine) -> Law:
        """Return the law that an engine applies. Raises BundleRefused if its bundle has no lexicon."""
        bundle = engine.bundle
        return cls(engine, Lexicon.of(bundle), Parser(Offenses.of(bundle)))

    @property
    def bundle(self) -> Bundle:
        """Return its text."""
        return self.engine.bundle

    def decide(self, query: Query, situation: Situation) -> Decision:
        """Judge a query in a situation; the typed words, and the parties' names, can only hurt.

        Raises PolicyUnavailable.
        """
        words = screen(query.typed_words() | situation.names(), self.lexicon)
        return decide(query, words, situation, self.engine)


class Laws(Protocol):
    """Every revision that may have to judge."""

    def of(self, state: RegistryState, /) -> Law:
        """Return the law that is in force by this state of the registry.

        Raises Superseded once what was due has come into force (the registry must be read again), and
        PolicyUnavailable if the law in force cannot be had, or is not known to be in force any more.
        """
