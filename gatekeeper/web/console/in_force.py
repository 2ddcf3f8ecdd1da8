"""The law in force as pages read it: its text, its packs, and which revisions made it what it is.

Guarantees: a page is made of one revision; what the public may not know of is there only for who may read
requests, and for anybody else is as if it were not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from itertools import pairwise
from threading import Lock
from typing import Any, Final, NamedTuple

from cachetools import LRUCache
from flask import g

from gatekeeper.errors import BundleRefused, PolicyUnavailable
from gatekeeper.oversight.denials import Tally
from gatekeeper.policy import Bundle, Provision
from gatekeeper.policy.cases import Case, read_cases
from gatekeeper.policy.outlines import Outline, outline_of
from gatekeeper.policy.sections import Carried, Law, carried_out, law_of
from gatekeeper.policy.statutes import Statute, read_statutes
from gatekeeper.review.accounts import Session
from gatekeeper.review.roles import may
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import later

MOST: Final = 60
"""How many of the revisions that decided are looked at, from the latest back."""

ADDED: Final = later("it was added")
RULE: Final = later("its rule or METADATA was changed")
TESTS: Final = later("its tests were changed")
ASKED: Final = later("its pack was switched on")
NOT_ASKED: Final = later("its pack was switched off")


class Pack(NamedTuple):
    """A pack: what it is the law of, whether the city selected it, what it adds."""

    name: str
    law: str
    on: bool
    provisions: tuple[Provision, ...]


class Change(NamedTuple):
    """What a revision did to a provision, when it came into force."""

    revision: Revision
    what: tuple[str, ...]


class Decisions(NamedTuple):
    """Of one provision: what it denied (None: the public log does not tell), and what met it."""

    denied: int | None
    permitted: int


@dataclass(frozen=True, slots=True)
class InForce:
    """The revision in force, for one person; ``faults`` say what of its text cannot be shown."""

    revision: Revision
    bundle: Bundle
    statutes: tuple[Statute, ...]
    cases: tuple[Case, ...]
    faults: tuple[str, ...]

    def law(self) -> Law:
        """Return every section."""
        return law_of(self.bundle, self.statutes, self.cases).seen_by(sees)

    def carried(self, code: str) -> Carried | None:
        """Return a provision, or None: there is none of that code, or none that this person may see."""
        provision = self.bundle.written.get(code)
        if provision is None or not sees(provision):
            return None
        return carried_out(self.bundle, provision, self.cases)

    def packs(self) -> list[Pack]:
        """Return every pack."""
        found: Any = self.bundle.data.get("pack", {})
        return [
            Pack(
                name,
                str(pack.get("law", name)),
                name in self.bundle.packs,
                tuple(one for one in self.bundle.written.values() if one.pack == name and sees(one)),
            )
            for name, pack in found.items()
        ]


class Book:
    """Reads the revisions. An outline is kept once it is made: the text of a revision never changes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outlines: LRUCache[str, Outline] = LRUCache(4 * MOST)
        self._lock = Lock()

    def in_force(self) -> InForce:
        """Return the law in force. Raises StoreUnavailable, PolicyUnavailable."""
        revisions, bundle = self._desk.law.revisions, self._desk.gate.engine.bundle
        revision = revisions.active()
        if revision is None or revision.digest != bundle.digest:
            raise PolicyUnavailable("another law came into force while the page was made")
        files = self._desk.law.lifecycle.files(revision)
        cases, faults = read_cases(files, bundle.written)
        statutes: tuple[Statute, ...] = ()
        try:
            statutes = read_statutes(files)
        except BundleRefused as refused:
            faults += refused.faults
        return InForce(revision, bundle, statutes, tuple(cases), tuple(faults))

    def outline(self, revision: Revision) -> Outline:
        """Return the outline of a revision. Raises StoreUnavailable, BundleRefused."""
        with self._lock:
            found = self._outlines.get(revision.id)
        if found is None:
            found = outline_of(self._desk.law.lifecycle.files(revision))
            with self._lock:
                self._outlines[revision.id] = found
        return found

    def decided(self) -> list[tuple[Revision, Outline]]:
        """Return the revisions that decided, or do, in their order; of very many the latest."""
        found = [each for each in self._desk.law.revisions.all() if each.serial is not None]
        found.sort(key=lambda each: each.serial or 0)
        return [(each, self.outline(each)) for each in found[-MOST:]]

    def decisions(self, counted: Tally) -> dict[str, Decisions]:
        """Return what each provision in force did; of the permits, those of days on which it was asked."""
        asked_since = self._asked_since()
        return {
            provision.code: Decisions(
                counted.denied.get(provision.code, 0) if provision.public else None,
                counted.permitted_since(asked_since.get(provision.code, date.max)),
            )
            for provision in self._desk.gate.engine.bundle.catalogue.values()
        }

    def changes(self, code: str) -> list[Change]:
        """Return what each revision did to a provision, the latest first."""
        found = []
        past = self.decided()
        for (_, before), (revision, after) in pairwise(past):
            if what := _changed(code, before, after):
                found.append(Change(revision, what))
        if past and code in past[0][1].prints:
            found.insert(0, Change(past[0][0], (ADDED,)))
        return found[::-1]

    def _asked_since(self) -> dict[str, date]:
        """Return the first whole day of each provision's present time in force."""
        since: dict[str, date] = {}
        for place, (revision, outline) in enumerate(self.decided()):
            since = {code: day for code, day in since.items() if code in outline.in_force}
            first = date.min if not place else _day_after(revision)
            since |= dict.fromkeys(outline.in_force - since.keys(), first)
        return since


def sees(provision: Provision) -> bool:
    """Say whether the person who is signed in may see a provision."""
    session: Session = g.session
    return provision.public or may(session.account.role, "read_reviews")


def _day_after(revision: Revision) -> date:
    at = revision.activated_at
    return date.max if at is None else at.astimezone(UTC).date() + timedelta(days=1)


def _changed(code: str, before: Outline, after: Outline) -> tuple[str, ...]:
    old, new = before.prints.get(code), after.prints.get(code)
    if new is None:
        return ()
    if old is None:
        return (ADDED,)
    parts = (
        (RULE, old[0] != new[0]),
        (TESTS, old[1] != new[1]),
        (ASKED, code in after.in_force - before.in_force),
        (NOT_ASKED, code in before.in_force - after.in_force),
    )
    return tuple(words for words, holds in parts if holds)
