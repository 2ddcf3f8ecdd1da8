"""What a candidate would have decided beside the law, as pages show it: counts, and queries to open.

Guarantees: what was counted beside one law is never added to what was counted beside another; what could not
be asked, or not be decided, stands among the counts; a query leads only where this person may look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from flask import g

from gatekeeper.review.accounts import Session
from gatekeeper.review.roles import may
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.revisions.replay.report import CHANGES
from gatekeeper.web.console.desk import Desk, ShadowCount

SHADOWED: Final = ("checked", "replayed", "approved", "scheduled")
"""The states in which a revision may decide beside the law."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of a candidate beside one law."""

    baseline: str
    """The digest of that law."""
    law: Revision | None
    """That law, if it is known."""
    first: date
    last: date
    classes: Mapping[str, int]
    provisions: Sequence[tuple[str, Mapping[str, int]]]
    """Of each provision that is unmet under one of the two alone: the decisions, by class."""


class Opened(NamedTuple):
    """A query in which the two differ: whether its request may be opened, and its entry in the log."""

    query_id: str
    reviewed: bool
    entry: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is known of a candidate beside the law."""

    now: bool
    """Whether it decides beside the law now."""
    other: Revision | None
    """Which one does instead."""
    tallies: Sequence[Tally]
    examples: Mapping[str, Sequence[Opened]]


def figures_of(desk: Desk, revision: Revision) -> Figures:
    """Return what a page shows. Raises StoreUnavailable, LedgerUnavailable."""
    law, running = desk.law, beside_now(desk)
    counts = law.shadows.counts(revision.id)
    laws = {one.digest: one for one in reversed(law.revisions.all())}
    other = None if running in (None, revision.id) else law.revisions.get(str(running))
    return Figures(
        now=running == revision.id,
        other=other,
        tallies=_tallies(counts, laws),
        examples=_examples(desk, law.shadows.examples(revision.id)),
    )


def beside_now(desk: Desk) -> str | None:
    """Return the id of the revision that decides beside the law, or None. Raises StoreUnavailable."""
    return desk.gate.registry.snapshot().state.shadow_revision


def _tallies(counts: Sequence[ShadowCount], laws: Mapping[str, Revision]) -> list[Tally]:
    """Return a tally for each law, the one that was counted beside last first."""
    found = []
    for baseline, group in groupby(sorted(counts, key=lambda c: c.baseline), key=lambda c: c.baseline):
        every = list(group)
        classes: Counter[str] = Counter()
        provisions: dict[str, Counter[str]] = {}
        for one in every:
            into = provisions.setdefault(one.provision, Counter()) if one.provision else classes
            into[one.kind] += one.number
        days = [one.day for one in every]
        most = sorted(provisions.items(), key=lambda each: (-each[1].total(), each[0]))
        found.append(Tally(baseline, laws.get(baseline), min(days), max(days), classes, most))
    return sorted(found, key=lambda tally: tally.last, reverse=True)


def _examples(desk: Desk, kept: Sequence[tuple[str, str]]) -> dict[str, list[Opened]]:
    session: Session = g.session
    reads = may(session.account.role, "read_reviews")
    queries = [query for _, query in kept]
    reviewed = {card.query_id for card in desk.reviews.cards(queries)} if reads and queries else set()
    found: dict[str, list[Opened]] = {}
    for kind in CHANGES:
        for query in (query for its, query in kept if its == kind):
            entries = () if query in reviewed else desk.gate.ledger.entries_of(query)
            entry = entries[0].index if entries else None
            found.setdefault(kind, []).append(Opened(query, query in reviewed, entry))
    return found
