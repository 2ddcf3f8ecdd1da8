"""A past for a city: so many decisions, in the real log, with real sealed detail, spread over months.

What decides each is the gate's own parse, screen and decide, once for each kind of request; the requests of a
kind differ in plate, officer, case number and time, which no rule tells apart. Everything named is visibly
made up. About three thousand a second, so that a hundred thousand queries are a minute's work.

``fill`` wants a city that was only laid out (``state.lay_out``): its log must be empty, because what it
writes happened before anything that is done now.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gatekeeper.cli import affirmation, agency, client
from gatekeeper.exchange import log
from gatekeeper.exchange.authenticate import Caller
from gatekeeper.exchange.contacts import contact
from gatekeeper.exchange.decide import Decision, Situation, decide
from gatekeeper.exchange.history import FIRST, History
from gatekeeper.exchange.offenses import Offenses
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.parse import Parser
from gatekeeper.exchange.patterns import ALONE
from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.ledger import Clock, DayKeys, Draft, Ledger
from gatekeeper.ledger.batch import Batches, Waiter
from gatekeeper.ledger.batch import State as Waiting
from gatekeeper.ledger.entries import seal
from gatekeeper.ledger.rows import Row
from gatekeeper.parts import found
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.state import State
from gatekeeper.store.reviews import queue

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 9, 1, tzinfo=UTC)

AGENCIES: tuple[tuple[str, str, str, str | None, bool], ...] = (
    ("sample-elm-pd", "Elm Sample Police (made up)", "local", "IL", True),
    ("sample-oak-pd", "Oak Sample Police (made up)", "local", "IL", True),
    ("sample-ash-pd", "Ash Sample Police (made up)", "local", "IL", True),
    ("sample-fir-pd", "Fir Sample Police (made up)", "local", "IL", False),
    ("sample-state-police", "Sample State Police (made up)", "state", "IL", True),
    ("sample-lake-pd", "Lake Sample Police (made up)", "local", "WI", True),
    ("sample-dune-so", "Dune Sample Sheriff (made up)", "local", "IN", False),
    ("sample-prairie-fusion", "Prairie Sample Fusion Center (made up)", "fusion_center", "IL", True),
)
# Category, offense, what was typed, how often among a hundred.
REASONS: tuple[tuple[str, str | None, str, int], ...] = (
    ("stolen_vehicle", "240", "Stolen sedan, taken from Sample Avenue overnight", 18),
    ("stolen_vehicle", "240", "Motor vehicle theft on Specimen Street, owner has both keys", 14),
    ("criminal_investigation", "120", "Armed robbery of a shop, the driver left in a blue sedan", 12),
    ("criminal_investigation", "13A", "Aggravated assault with a bat, suspect drove a red pickup", 9),
    ("criminal_investigation", "90Z", "Investigation", 8),
    ("criminal_investigation", "220", "Burglary of a garage on Placeholder Lane, white van seen", 8),
    ("criminal_investigation", "290", "Vandalism of parked cars on Sample Avenue", 6),
    ("wanted_person", "90Z", "Wanted for homicide, warrant of this county", 5),
    ("missing_or_endangered_person", None, "Missing person, 80 years old, left home by car", 5),
    ("human_trafficking", "64A", "Human trafficking, victim seen in a grey van", 4),
    ("criminal_investigation", "35A", "Narcotics sale near the Sample Park", 5),
    ("criminal_investigation", "90Z", "Assist ICE with removal", 2),
    ("criminal_investigation", "90Z", "Protest downtown, who was there", 2),
    ("criminal_investigation", "90Z", "asdf", 2),
)
HOURS = (24, 24, 24, 72, 72, 168, 168, 720)
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of request, decided once."""

    agency_id: str
    client_id: str
    body: Mapping[str, Any]
    decision: Decision


class _Moment:
    """The time in that past: what its clock tells."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def nanoseconds(self) -> int:
        """Tell the time since 1970."""
        return int(self.at.timestamp() * 1000) * 1_000_000

    def today(self) -> date:
        """Tell the day."""
        return self.at.date()


class _Recorder:
    """Takes what the exchange would append."""

    def __init__(self) -> None:
        self.taken: list[tuple[Draft, Sequence[Row]]] = []

    def append(self, draft: Draft, rows: Sequence[Row] = (), guard: Any = None) -> Any:
        """Take it."""
        del guard
        self.taken.append((draft, rows))


def fill(  # noqa: PLR0913 - what there is to choose, each by its name
    state: State,
    bundle: Bundle,
    decisions: int,
    *,
    since: datetime = SINCE,
    until: datetime = UNTIL,
    seed: int = 5,
    agencies: Sequence[tuple[str, str, str, str | None, bool]] = AGENCIES,
    reasons: Sequence[tuple[str, str | None, str, int]] = REASONS,
    rows: bool = True,
) -> None:
    """Register agencies, bring *bundle* into force and decide so many queries, all in the past.

    Without *rows* only the log is written, not the queries and their reviews.
    """
    moment = _Moment(since)
    keys = DayKeys(state.settings.key_directory / "days", today=moment.today)
    clock = Clock(moment.nanoseconds, moment.nanoseconds)
    ledger = Ledger(state.rows, state.log_key, keys, clock, None)
    then = replace(state, ledger=ledger, keys=keys, clock=clock)
    for agency_id, name, kind, code, signed in agencies:
        agency.register(then, agency_id, name=name, kind=kind, state_code=code)
        if signed:
            affirmation.record(
                then,
                agency_id,
                kind="affirmation" if code == "IL" else "declaration",
                text_version="2026-01",
                signer="Sam Sample",
                title="Chief (sample)",
                signed_on=since.date(),
            )
    found(then, bundle, "test")
    clients = {name: client.register(then, name).client.id for name, *_ in agencies}
    weighed = _kinds(then, bundle, clients, reasons, since)
    kinds, weights = [kind for kind, _ in weighed], [weight for _, weight in weighed]
    batches = Batches(state.rows, state.log_key, keys, Clock())
    chosen = random.Random(seed)  # noqa: S311 - the same past each time
    step = (until - since) / (decisions + 1)
    for first in range(0, decisions, _BATCH):
        waiters: list[Waiter] = []
        for number in range(first, min(first + _BATCH, decisions)):
            moment.at = (since + step * (number + 1)).replace(microsecond=0)
            asked = chosen.choices(kinds, weights)[0]
            draft, its_rows = _decided(keys, bundle, asked, number, moment.at, chosen)
            sealed = seal(draft, moment.at, keys)
            waiters.append(Waiter(sealed, its_rows if rows else (), None, float("inf"), Waiting.TAKEN))
        batches.commit(lambda _=None, /, batch=waiters: batch)
        errors = [waiter.error for waiter in waiters if waiter.error is not None]
        if errors:
            raise errors[0]
    ledger.checkpoint()


def _kinds(
    state: State,
    bundle: Bundle,
    clients: Mapping[str, str],
    reasons: Sequence[tuple[str, str | None, str, int]],
    at: datetime,
) -> list[tuple[_Kind, float]]:
    parser, lexicon = Parser(Offenses.of(bundle)), Lexicon.of(bundle)
    engine = Embedded(bundle, remembered=10_000)
    snapshot = state.registry.snapshot()
    kinds: list[tuple[_Kind, float]] = []
    for place, agency_id in enumerate(clients):
        for category, offense, narrative, weight in reasons:
            for hours in sorted(set(HOURS)):
                body = _body(category, offense, narrative, hours, at)
                query = parser.parse(json.dumps(body).encode())
                for days in (1, 12) if hours == 24 else (1,):
                    situation = Situation(
                        agency=snapshot.agency(agency_id),
                        end_requester=None,
                        stops=(),
                        at=at,
                        history=FIRST if days == 1 else History(days, days, 0, 0),
                        registry=snapshot.state,
                        patterns=ALONE,
                        officer=NAMED,
                    )
                    words = screen(query.typed_words() | situation.names(), lexicon)
                    kind = _Kind(agency_id, clients[agency_id], body, decide(query, words, situation, engine))
                    often = weight * HOURS.count(hours) * (0.03 if days > 1 else 1) / (1 + place)
                    kinds.append((kind, often))
    engine.close()
    return kinds


def _body(category: str, offense: str | None, narrative: str, hours: int, at: datetime) -> dict[str, Any]:
    return {
        "query": {
            "kind": "plate", "plate": "DEMO0", "plate_state": "IL",
            "from": (at - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "to": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "limit": 100,
        },
        "purpose": {
            "category": category, "offense": offense, "narrative": narrative, "case_number": "26-00001",
            "statute": None, "statute_state": None,
        },
        "requester": {"name": "Pat Example", "badge": "4411", "unit": "Patrol"},
        "on_behalf_of": None, "legal_process": None,
        "attestation": {"text_version": "2026-01", "accepted": True},
    }  # fmt: skip


def _decided(
    keys: DayKeys, bundle: Bundle, kind: _Kind, number: int, at: datetime, chosen: random.Random
) -> tuple[Draft, Sequence[Row]]:
    """Return the entry and the rows of one more request of that kind, as the exchange writes them."""
    decision = kind.decision
    moved = at - decision.situation.at
    officer = chosen.randrange(400)
    plate, case = f"DEMO{number % 99_999}", f"26-{chosen.randrange(99_999):05}"
    requester = {
        "name": f"Pat Example {chr(65 + officer % 26)}",
        "badge": str(4000 + officer),
        "unit": "Patrol",
    }
    start, end = decision.query.start + moved, decision.query.end + moved
    body: dict[str, Any] = {
        **kind.body,
        "query": {
            **kind.body["query"],
            "plate": plate,
            "from": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "to": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "purpose": {**kind.body["purpose"], "case_number": case},
        "requester": requester,
    }
    query = replace(
        decision.query,
        plate=plate,
        start=start,
        end=end,
        purpose=replace(decision.query.purpose, case_number=case),
        requester=replace(decision.query.requester, **requester),
        body=body,
    )
    facts: dict[str, Any] = dict(decision.facts)
    facts["clock"] = {"date": at.date().isoformat()}
    facts["query"] = {**facts["query"], "literal_characters": len(plate)}
    facts["purpose"] = {**facts["purpose"], "case_number": case}
    facts["requester"] = requester
    facts["agency"] = {**facts["agency"], **dict(_older(facts["agency"], moved.days))}
    situation = replace(decision.situation, at=at)
    again = replace(decision, query=query, situation=situation, facts=facts)
    request = log.Request(
        query_id=log.new_query_id(),
        caller=Caller(
            client_id=kind.client_id,
            agency_id=kind.agency_id,
            profile="basic",
            scopes=frozenset({"reads:query"}),
            token_id="made-up",
            expires_at=at,
        ),
        query=query,
    )
    recorder: Any = _Recorder()
    log.decided(recorder, keys, queue, request, again, contact(again, bundle.data), data=bundle.data)
    ((draft, rows),) = recorder.taken
    return draft, rows


def _older(party: Mapping[str, Any], days: int) -> Iterator[tuple[str, Any]]:
    """Yield what the agency has signed, so many days later."""
    for name in ("affirmation", "declaration"):
        signed = party[name]
        if signed["age_days"] is not None:
            yield name, {**signed, "age_days": signed["age_days"] + days}
