"""A real gate in one process: real database, log, policies and engine, a small sample of made-up reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from joserfc import jwt

from gatekeeper.app import build_gate
from gatekeeper.cli import affirmation, agency, client
from gatekeeper.exchange import Answer, Gate, answer
from gatekeeper.exchange.history import History
from gatekeeper.exchange.neighbours import neighbours
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.patterns import Patterns
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.registrations import credentials
from gatekeeper.ledger import Json
from gatekeeper.oversight.agencies import suspend
from gatekeeper.oversight.changes import Change
from gatekeeper.parts import changing
from gatekeeper.policy import Bundle
from gatekeeper.records import Camera, Criteria, Keyset, Page
from gatekeeper.settings import Settings
from gatekeeper.state import State, lay_out, open_state
from gatekeeper.store import administration
from gatekeeper.web.keys import TokenKeys
from tests.lawful import Steady, law_of, put_in_force, steady
from tests.servers.gate import flawless

NOW = datetime.now(UTC).replace(microsecond=0)
PLATE = "DEMO1"
CAMERAS = {f"cam-{n}": Camera(f"cam-{n}", f"Sample Street {n}", 42.01 + n / 1000, -87.7) for n in range(1, 4)}


def read(number: int, **changes: Json) -> dict[str, Json]:
    """Return one made-up read of the sample plate, ``number`` hours ago."""
    camera = CAMERAS[f"cam-{number % 3 + 1}"]
    record: dict[str, Json] = {
        "id": f"read-{number:04}",
        "captured_at": (NOW - timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "plate": PLATE,
        "plate_state": "IL",
        "confidence": 0.93,
        "camera": {"id": camera.id, "name": camera.name, "lat": camera.lat, "lon": camera.lon},
        "direction": 90,
        "vehicle": {"make": "Example", "model": "Sedan", "color": "blue", "type": "sedan"},
        "image_url": "https://images.invalid/read.jpg",
    }
    return record | changes


def _camera(record: Mapping[str, Json]) -> str:
    camera = record["camera"]
    assert isinstance(camera, dict)
    return str(camera["id"])


class MadeUpReads:
    """A store that answers with what a test puts into it; ``on_fetch`` runs in the middle of a query."""

    def __init__(self) -> None:
        self.reads: list[Mapping[str, Json]] = [read(n) for n in range(1, 31)]
        self.asked: list[Criteria] = []
        self.on_fetch: Callable[[], None] = lambda: None
        self.honest = True

    def fetch(self, criteria: Criteria) -> Page:
        """Answer the criteria, or, when not honest, with everything there is."""
        self.asked.append(criteria)
        self.on_fetch()
        if not self.honest:
            return Page(tuple(self.reads), None)
        start = 0
        if criteria.after is not None:
            start = 1 + next(i for i, r in enumerate(self.reads) if r["id"] == criteria.after.id)
        lo, hi = criteria.start.strftime("%Y-%m-%dT%H:%M:%SZ"), criteria.end.strftime("%Y-%m-%dT%H:%M:%SZ")
        fit = [
            r
            for r in self.reads[start:]
            if lo <= str(r["captured_at"]) < hi
            and (criteria.plate is None or r["plate"] == criteria.plate)
            and (criteria.cameras is None or _camera(r) in criteria.cameras)
        ]
        page = fit[: criteria.limit]
        last = page[-1] if len(page) == criteria.limit else None
        return Page(tuple(page), None if last is None else Keyset(0, str(last["id"])))

    def cameras(self) -> Mapping[str, Camera]:
        """Name the cameras."""
        return CAMERAS

    def ready(self) -> None:
        """Be ready."""


@dataclass
class City:
    """A city with its gate, its agencies and a way to ask."""

    state: State
    gate: Gate
    reads: MadeUpReads
    tokens: TokenKeys
    clients: dict[str, str]

    def header(self, agency_id: str, **claims: Any) -> str:
        """Return an Authorization header with a good token for the agency, changed by ``claims``."""
        found = self.state.registry.client(self.clients[agency_id])
        assert found is not None
        kid, key = self.tokens.signing()
        now = int(datetime.now(UTC).timestamp())
        issuer = self.state.settings.issuer
        payload = {
            "iss": issuer,
            "aud": issuer,
            "sub": found.id,
            "client_id": found.id,
            "agency": found.agency_id,
            "credential": credentials(found)[0],
            "scope": "reads:query ledger:read",
            "jti": f"jti-{now}-{agency_id}",
            "iat": now,
            "exp": now + 300,
        } | claims
        token = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": kid}, payload, key)
        return f"Bearer {token}"

    def presented(self, agency_id: str, **claims: Any) -> Presented:
        """Return what a request with such a header presents."""
        return Presented(self.header(agency_id, **claims))

    def ask(self, body: Mapping[str, Any], agency_id: str = "sample-il-pd", **options: Any) -> Answer:
        """Take a request through the gate."""
        return answer(self.gate, self.presented(agency_id), json.dumps(body).encode(), **options)

    def events(self) -> list[dict[str, Any]]:
        """Return every entry of the log, decoded."""
        return [json.loads(e.entry) for e in self.state.rows.entries(0, 10_000)]

    def with_clients(self, clients: dict[str, str]) -> City:
        """Return the same city, some of whose agencies come with other clients."""
        return replace(self, clients=clients)

    def with_gate(self, **parts: Any) -> City:
        """Return the same city with some parts exchanged; an engine is that of a law that never changes."""
        if "engine" in parts:
            parts["laws"] = Steady(law_of(parts.pop("engine")))
        return replace(self, gate=replace(self.gate, **parts))


def around(
    city: City, query: Query, at: datetime | None = None, agency_id: str = "sample-il-pd"
) -> tuple[History, Patterns]:
    """Return what is on record around a query that the agency would ask at that moment."""
    at, gate = at or city.gate.clock.now(), city.gate
    return neighbours(
        gate.queries,
        gate.keys,
        gate.engine.bundle.data,
        agencies=[agency_id],
        client_id="",
        query=query,
        at=at,
        query_id="q_new",
        began=at,
    )


def founded(directory: Path, bundle: Bundle, database_url: str = "") -> City:
    """Found a city with a well-standing agency and some that are not; whoever calls closes its state."""
    settings = Settings(
        data=directory, engine="embedded", client_profiles="fapi basic", database_url=database_url
    )
    lay_out(settings)
    state = open_state(settings)
    tokens = TokenKeys(settings.key_directory / "tokens")
    clients = {}
    for agency_id, kind, code, signed in (
        ("sample-il-pd", "local", "IL", True),
        ("sample-unsigned-pd", "local", "IL", False),
        ("sample-wi-pd", "local", "WI", True),
        ("sample-hsi-office", "federal", None, True),
        ("sample-fusion", "fusion_center", "IL", True),
    ):
        agency.register(state, agency_id, name=agency_id, kind=kind, state_code=code)
        if signed:
            affirmation.record(
                state,
                agency_id,
                kind="affirmation",
                text_version="2026-01",
                signer="Sam Sample",
                title="Chief (sample)",
                signed_on=(NOW - timedelta(days=30)).date(),
            )
        clients[agency_id] = client.register(state, agency_id).client.id
    put_in_force(state, bundle)
    reads = MadeUpReads()
    gate = replace(build_gate(state, steady(bundle), tokens), reads=reads)
    return City(state, gate, reads, tokens, clients)


def body(**changes: Any) -> dict[str, Any]:
    """Return a flawless request for the sample plate, changed by dotted names (``purpose__offense=...``)."""
    own: dict[str, Any] = {
        "query__plate_state": "IL",
        "query__from": (NOW - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "query__to": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "query__limit": 10,
        "purpose__statute": "625 ILCS 5/4-103",
        "purpose__statute_state": "IL",
    }
    return flawless(PLATE, **(own | changes))


def set_status(city: City, agency_id: str, status: Literal["suspended", "closed"]) -> None:
    """Give an agency another standing, as one person may."""
    found = city.state.registry.agency(agency_id)
    assert found is not None
    why = "a made-up reason"
    if status == "suspended":
        suspend(city.state.ledger, administration, found, reason=why, by="an operator", also=())
    else:
        changing(city.state, dict).alone(Change("close_agency", agency_id), by="an operator", reason=why)
