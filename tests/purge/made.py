"""A city with a past: queries of two months ago, and what became of each."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from gatekeeper import state as states
from gatekeeper.app import build_gate
from gatekeeper.errors import KeyErased, UnknownDocument
from gatekeeper.exchange import Gate, answer
from gatekeeper.exchange.appeal import appeal
from gatekeeper.exchange.documents import fetched
from gatekeeper.exchange.presented import Presented
from gatekeeper.ledger import Clock, DayKeys
from gatekeeper.ledger.verify import verify
from gatekeeper.parts import eraser, holds
from gatekeeper.policy import Bundle
from gatekeeper.purge.erase import Done, Erasing, Purge
from gatekeeper.purge.holds import Holds
from gatekeeper.purge.retention import Retention
from gatekeeper.settings import Settings
from gatekeeper.state import State, open_state
from gatekeeper.web.keys import TokenKeys
from tests.exchange.appeals import Denied, facts
from tests.exchange.city import City, MadeUpReads, body
from tests.exchange.papers import sent
from tests.lawful import steady
from tests.promises.made import built_city
from tests.store.making import member

WHO = Erasing("operator", "The end of a made-up retention")
KEPT = Retention(40)
AGENCY = "sample-il-pd"
REASON = "Subpoena of a made-up court"
GONE, UPHELD, HELD, OPEN = "DEMO11", "DEMO12", "DEMO13", "DEMO14"
LATER, RECENT = "DEMO15", "DEMO16"
"""The plate of each query; a query is called by it."""

OFFICER, CASE = "Quentin Example", "25-73311"
STORY = "A violet sample sedan was stolen from Nowhere Lane overnight"


@dataclass
class Ago:
    """A clock that stands so many days ago, and runs."""

    days: int

    def wall(self) -> int:
        """Return nanoseconds since 1970."""
        return time.time_ns() - self.days * 86_400 * 1_000_000_000

    def now(self) -> datetime:
        """Return that moment."""
        return datetime.fromtimestamp(self.wall() / 1e9, UTC)

    def clock(self) -> Clock:
        """Return a clock that is not stepped by being there."""
        return Clock(self.wall, self.wall)


def asked(ago: Ago, plate: str, **changes: Any) -> dict[str, Any]:
    """Return a request of that time for a plate."""
    now = ago.now().replace(microsecond=0)
    own = {
        "query__plate": plate,
        "query__from": (now - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "query__to": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "requester__name": OFFICER,
        "purpose__case_number": CASE,
        "purpose__narrative": STORY,
    }
    return body(**(own | changes))


def shown(city: City, ago: Ago) -> Presented:
    """Return a token of that time."""
    at = int(ago.now().timestamp())
    return city.presented(AGENCY, iat=at, exp=at + 300)


def make(settings: Settings, bundle: Bundle) -> dict[str, str]:
    """Build the city and its past; return the ids of its queries by plate."""
    ago, ids = Ago(60), {}
    today = lambda: ago.now().date()  # noqa: E731  one line says it
    with (
        mock.patch.object(states, "Clock", ago.clock),
        mock.patch.object(states, "DayKeys", partial(DayKeys, today=today)),
        mock.patch("tests.promises.made.NOW", ago.now()),
        built_city(settings, bundle) as city,
    ):

        def ask(plate: str, **changes: Any) -> str:
            text = json.dumps(asked(ago, plate, **changes)).encode()
            given = answer(city.gate, shown(city, ago), text, idempotency_key=f"key of {plate}")
            ids[plate] = given.query_id
            return given.query_id

        ask(GONE)
        for plate in (UPHELD, HELD, OPEN):
            query_id = ask(plate, purpose__case_number="n/a")
            added = facts() | {"documents": [sent(f"{plate}.pdf")]}
            given = appeal(city.gate, shown(city, ago), query_id, json.dumps(added).encode())
            assert 202 == given.status
            if plate != OPEN:
                Denied(city, query_id).moved("upheld", "review.ruled")
        for ago.days, plate in ((45, LATER), (0, RECENT)):
            ask(plate)
    return ids


@dataclass
class Town:
    """A copy of that city, opened in the present."""

    state: State
    gate: Gate
    ids: dict[str, str]
    first: date
    closed: bool = False

    @classmethod
    def open(cls, data: Path, ids: dict[str, str], bundle: Bundle, database_url: str = "") -> Town:
        """Open it."""
        state = open_state(
            Settings(
                data=data,
                engine="embedded",
                client_profiles="fapi basic",
                database_url=database_url,
            )
        )
        tokens = TokenKeys(state.settings.key_directory / "tokens")
        gate = replace(build_gate(state, steady(bundle), tokens), reads=MadeUpReads())
        return cls(state, gate, ids, datetime.now(UTC).date() - timedelta(days=60))

    @property
    def purge(self) -> Purge:
        """Return what erases."""
        return eraser(self.state)

    @property
    def holds(self) -> Holds:
        """Return what holds."""
        return holds(self.state)

    @property
    def before(self) -> date:
        """Return the first day that ``KEPT`` keeps."""
        return datetime.now(UTC).date() - timedelta(days=40)

    def erase(self, **options: Any) -> list[Done]:
        """Erase what is older than forty days."""
        return self.purge.run(self.before, KEPT, WHO, **options)

    def hold(self, plate: str = HELD) -> str:
        """Hold a query as counsel."""
        return self.holds.place(self.ids[plate], COUNSEL, REASON)[0]

    def city(self) -> City:
        """Return it as the exchange's tests have it."""
        tokens = TokenKeys(self.state.settings.key_directory / "tokens")
        with self.state.database.read() as connection:
            client = connection.exec_driver_sql("SELECT id FROM clients").scalar_one()
        reads = self.gate.reads
        assert isinstance(reads, MadeUpReads)
        return City(self.state, self.gate, reads, tokens, {AGENCY: client})

    def readable(self, plate: str) -> bool:
        """Say whether anything private of a query can be read; None of it or all of it."""
        found = set()
        for entry in self.state.rows.entries_of(self.ids[plate]):
            try:
                self.state.ledger.opened(entry)
            except KeyErased:
                found.add(False)
            else:
                found.add(True)
        assert 1 == len(found), "some of it can be read and some cannot"
        return found.pop()

    def paper(self, plate: str) -> bytes | None:
        """Return the bytes of the document of a query, None once it was erased."""
        for kept in self.gate.documents.of(self.ids[plate]):
            try:
                return fetched(self.gate.documents, self.gate.keys, kept.id)[1].content
            except UnknownDocument:
                return None
        return None

    def consistent(self) -> bool:
        """Say whether the whole log still verifies."""
        rows, key = self.state.rows, self.state.log_key.verifier
        kept = self.state.kept_checkpoints()
        return not verify(rows, key, checkpoints=rows.checkpoints(), kept=kept)

    def events(self, event: str) -> list[dict[str, Any]]:
        """Return the entries of one event."""
        entries = (json.loads(e.entry) for e in self.state.rows.entries(0, 10_000))
        return [entry for entry in entries if entry["event"] == event]

    def close(self) -> None:
        """Close it, once."""
        if not self.closed:
            self.closed = True
            self.state.close()


COUNSEL = replace(member("robin.sample"), role="counsel", name="Robin Sample")
