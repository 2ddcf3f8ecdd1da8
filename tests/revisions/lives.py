"""A city, its people and a changed text of the law, for tests of what becomes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.ledger import Clock
from gatekeeper.policy import Bundle, Embedded, load_files
from gatekeeper.review.accounts import Account
from gatekeeper.revisions import LawsInForce, Lifecycle
from gatekeeper.revisions.in_force import SerialMark
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.state import State
from tests.exchange.city import City

REASON = "The council asked for a longer window"


class Ahead:
    """A clock that tests move on; it never was stepped, as far as anybody can tell."""

    def __init__(self) -> None:
        self.by = timedelta()
        self.clock = Clock(lambda: time.time_ns() + self._ns(), lambda: time.monotonic_ns() + self._ns())

    def _ns(self) -> int:
        return round(self.by.total_seconds() * 1e9)


def changed(bundle: Bundle, days: int = 1) -> Bundle:
    """Return a law that lets an agency look further back."""
    document = json.loads(bundle.files["data/city.json"])
    document["limits"]["plate"]["days_ago"] += days
    return load_files({**bundle.files, "data/city.json": json.dumps(document)})


@dataclass
class Life:
    """What tests of the life cycle hold."""

    city: City
    time: Ahead
    lifecycle: Lifecycle
    laws: LawsInForce
    people: Mapping[str, Account]

    @classmethod
    def of(cls, city: City) -> Life:
        """Return the life cycle of a city, with two people of each approving office and a clock to move."""
        ahead, state = Ahead(), city.state
        lifecycle = replace(state.lifecycle(), clock=ahead.clock)
        mark = SerialMark(state.settings.data / "policy-serial")
        passed = lambda: time.monotonic() + ahead.by.total_seconds()  # noqa: E731
        laws = LawsInForce(lifecycle, Embedded, mark, passed=passed)
        return cls(city.with_gate(laws=laws), ahead, lifecycle, laws, _people(state))

    def proposed(self, bundle: Bundle, **more: object) -> Revision:
        """Propose a law, in the name of legal."""
        given = {"author": self.people["legal"], "reason": REASON, "origin": "editor"} | more
        return self.lifecycle.propose(bundle, **given)  # type: ignore[arg-type]

    def replayed(self, bundle: Bundle, **more: object) -> Revision:
        """Propose a law, checked and tried on the past."""
        revision = self.proposed(bundle, **more)
        self.lifecycle.checked(revision.id, {"passed": True}, passed=True, by="test")
        self.lifecycle.replayed(revision.id, {"newly_denied": 0}, by="test")
        return self.now(revision)

    def approve(self, revision: Revision, who: str, at: datetime | None = None) -> Revision:
        """Approve what stands there now, in somebody's name."""
        revision = self.now(revision)
        seen = self.lifecycle.seal(revision, at)
        return self.lifecycle.approve(
            revision.id, self.people[who], seen=seen, reason=REASON, effective_at=at
        )

    def scheduled(self, bundle: Bundle, at: datetime | None = None) -> Revision:
        """Propose a law and have two people approve it."""
        revision = self.replayed(bundle)
        self.approve(revision, "legal 2", at)
        return self.approve(revision, "counsel", at)

    def now(self, revision: Revision) -> Revision:
        """Return a revision as it stands now."""
        found = self.lifecycle.store.get(revision.id)
        assert found is not None
        return found

    def active(self) -> Revision:
        """Return what is in force."""
        found = self.lifecycle.store.active()
        assert found is not None
        return found

    def events(self, revision: Revision) -> list[str]:
        """Return what the log says of a revision, in order."""
        return [entry["event"] for entry in self.city.events() if entry["ref"] == revision.id]


def _people(state: State) -> dict[str, Account]:
    roles = (
        ("legal", "legal"),
        ("legal 2", "legal"),
        ("counsel", "counsel"),
        ("counsel 2", "counsel"),
        ("records", "records"),
    )
    made = {}
    for number, (name, role) in enumerate(roles):
        made[name] = (
            state.personnel()
            .add(f"person-{number}", name=f"Pat Sample {number}", role=role, by="test")
            .account
        )
    return made
