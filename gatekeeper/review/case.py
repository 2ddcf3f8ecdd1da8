"""One denied request as it stands now: how it was asked, what people have said of it, what the policy says.

Guarantees: the policy is asked anew each time a case is opened, with what binds at that moment and nothing
else; nothing here is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.errors import UnknownQuery
from gatekeeper.exchange import Gate, asked, reconsider
from gatekeeper.exchange.decide import Decision
from gatekeeper.exchange.interfaces import Review, ReviewEvent
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.rulings import Standing, in_force, standing
from gatekeeper.ledger import Json


@dataclass(frozen=True, slots=True)
class Case:
    """One denied request; ``standing`` names what people have ruled, the first of two among it."""

    query_id: str
    query: Query
    review: Review
    recorded: Sequence[ReviewEvent]
    standing: Mapping[str, Standing]
    decision: Decision

    @property
    def rulings(self) -> dict[str, Json]:
        """Return the rulings that the policy is given."""
        return in_force(self.standing)

    @property
    def unmet(self) -> tuple[str, ...]:
        """Name the provisions that deny it as things stand now, in the order of the law."""
        return tuple(provision.code for provision in self.decision.unmet)

    @property
    def waits_for_a_second(self) -> frozenset[str]:
        """Name the provisions that one person has ruled on, and a second has not yet."""
        return frozenset(code for code, said in self.standing.items() if not said.in_force)


def open_case(gate: Gate, query_id: str) -> Case:
    """Return the case as it stands now: the policy is asked with every ruling in force.

    Raises UnknownQuery if there is no review of it, KeyErased if what was asked has been erased.
    """
    review = gate.queries.review(query_id)
    if review is None:
        raise UnknownQuery(query_id)
    query, catalogue = asked(gate, query_id), gate.engine.bundle.catalogue
    recorded = gate.queries.review_events(query_id)
    said = standing(recorded, gate.keys, catalogue, query.digest, gate.clock.now())
    decision = reconsider(gate, review.agency_id, query, in_force(said), query_id=query_id)
    return Case(query_id, query, review, recorded, said, decision)
