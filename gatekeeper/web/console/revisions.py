"""Revisions of the law: all of them, and each with what it changes, what was found of it and who did what.

Guarantees: where a provision that the public may not know of is part of a text, its words are there only for
who may read requests; what is compared is what is stored, whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from cachetools import LRUCache
from flask import Blueprint, Response, g

from gatekeeper.errors import OperatorError
from gatekeeper.review.accounts import Session
from gatekeeper.review.roles import may
from gatekeeper.revisions.changes import Changes, changes
from gatekeeper.revisions.interfaces import OPEN, Revision
from gatekeeper.revisions.replay.report import CHANGES, CLASSES, ProvisionChange, ReplayReport
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.in_force import Book
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.log_words import sentence
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.revision_facts import (
    CLASS_WORDS,
    HOWS,
    STANDINGS,
    blocks,
    checked,
    facts_of,
    names,
)
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.console.shadow_figures import figures_of

Fault = tuple[str, str]
PATH: Final = "/console/policies/revisions"
LARGEST_SAMPLE: Final = 100_000_000


class Shown:
    """Makes what pages show of one revision."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.book = Book(desk)
        self._compared: LRUCache[tuple[str, str], Changes] = LRUCache(8)

    def of(self, revision: Revision) -> dict[str, Any]:
        """Return everything about a revision that a page shows. Raises an Unavailable, BundleRefused."""
        desk, found = self.desk, facts_of(self.desk, revision)
        base = None if revision.base is None else desk.law.revisions.get(revision.base)
        whole = self.sees_all(revision, base)
        replay, unread = None, ""
        if found.replay is not None and whole:
            try:
                replay = ReplayReport.read(found.replay.document)
            except OperatorError as fault:
                unread = str(fault)
        titles = {code: one.title for code, one in self.book.outline(revision).written.items()}
        return {
            "revision": revision,
            "facts": found,
            "base": base,
            "whole": whole,
            "check": checked(found.check) if whole else None,
            "replayed": found.replay,
            "replay": replay,
            "unread": unread,
            "replay_provisions": [] if replay is None else _met(replay),
            "openable": set() if replay is None else self._openable(replay),
            "beside": figures_of(desk, revision),
            "diff": self._diff(base, revision) if base is not None and whole else None,
            "blocks": blocks,
            "titles": titles,
            "agencies": {one.id: one.name for one in desk.gate.registry.snapshot().agencies()},
            "classes": CLASS_WORDS,
            "all_classes": CLASSES,
            "shown_classes": CHANGES,
            "standings": STANDINGS,
            "hows": HOWS,
            "sentence": lambda event: say(sentence(event)),
            "as_text": lambda value: json.dumps(value, ensure_ascii=False),
        }

    def sees_all(self, revision: Revision, base: Revision | None) -> bool:
        """Say whether this person may see every word of a revision and its base."""
        session: Session = g.session
        if may(session.account.role, "read_reviews"):
            return True
        return not any(self.book.outline(one).hidden for one in (revision, base) if one is not None)

    def _diff(self, base: Revision, revision: Revision) -> Changes:
        trees = base.tree, revision.tree
        found = self._compared.get(trees)
        if found is None:
            files = self.desk.law.lifecycle.files
            found = self._compared[trees] = changes(files(base), files(revision))
        return found

    def _openable(self, replay: ReplayReport) -> set[str]:
        """Return the examples whose requests this person can open: those that were put before the staff."""
        session: Session = g.session
        if not may(session.account.role, "read_reviews"):
            return set()
        asked = [one.query_id for found in replay.examples.values() for one in found if one.query_id]
        return {card.query_id for card in self.desk.reviews.cards(asked)}


def _met(replay: ReplayReport) -> list[ProvisionChange]:
    """Return the provisions that were unmet at all, or are not in both laws alike."""
    return [one for one in replay.provisions if one.before or one.after or one.standing != "both"]


class ShowRevision(Protocol):
    """Answers with a revision's page, with what a form said."""

    def __call__(
        self,
        revision_id: str,
        status: int = 200,
        typed: Mapping[str, Any] | None = None,
        faults: Sequence[Fault] = (),
    ) -> Response:
        """Return the page. Raises an Unavailable."""


def add_revisions(blueprint: Blueprint, desk: Desk, sessions: Sessions, shown: Shown) -> ShowRevision:
    """Add the routes of revisions; return what answers with one's page."""
    law = desk.law

    @blueprint.get("/policies/revisions")
    @sessions.needs("read_policies")
    def revisions() -> Response:
        found, active = law.revisions.all(), law.revisions.active()
        base = None if active is None or active.base is None else law.revisions.get(active.base)
        waiting = [facts_of(desk, each) for each in found if each.state in OPEN]
        return page(
            "revisions.html",
            **sessions.shown(),
            revisions=found,
            waiting=waiting,
            active=active,
            before=base if base is not None and base.state == "superseded" else None,
            names=names(desk, {each.author for each in found}),
        )

    @blueprint.get("/policies/revisions/<revision_id>")
    @sessions.needs("read_policies")
    def revision(revision_id: str) -> Response:
        return one(revision_id)

    def one(
        revision_id: str,
        status: int = 200,
        typed: Mapping[str, Any] | None = None,
        faults: Sequence[Fault] = (),
    ) -> Response:
        found = law.revisions.get(revision_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return page(
            "revision.html",
            status,
            **sessions.shown(),
            **shown.of(found),
            typed=typed or {},
            faults=faults,
            largest=LARGEST_SAMPLE,
        )

    return one
