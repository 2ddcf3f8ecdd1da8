"""What was refused is not permitted because it is asked again in other words; honest corrections are.

One city serves all tests here: each asks about a plate of its own, and so is alone with what it asked.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import client
from gatekeeper.errors import LedgerCorrupt, StoreUnavailable
from gatekeeper.exchange import Answer, answer
from gatekeeper.exchange.decide import Situation, gather, known_to
from gatekeeper.exchange.history import FIRST
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.parse import read_again
from gatekeeper.exchange.patterns import ALONE, MOST_REFUSALS, Patterns
from gatekeeper.exchange.rephrased import Refused
from gatekeeper.exchange.screen import screen
from gatekeeper.policy import Bundle
from tests.exchange import city as cities
from tests.exchange.city import NOW, City, around, founded
from tests.lawful import Steady, law_of

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "search_reasons.csv"
AGENCY = "sample-il-pd"
ICE = {"purpose__narrative": "Deport the driver, immigration hold"}
_numbers = itertools.count(100)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[City]:
    """Return one city for all."""
    opened = founded(tmp_path_factory.mktemp("patterns") / "city", bundle)
    yield opened
    opened.state.close()


@pytest.fixture(name="city")
def _city(shared: City) -> City:
    """Return the city, whose store holds nothing about a plate of nobody's."""
    shared.reads.on_fetch = lambda: None
    return shared


@pytest.fixture
def timed(tmp_path: Path, bundle: Bundle) -> Iterator[City]:
    """Return a city of its own, whose time a test may move: it never goes back."""
    opened = founded(tmp_path / "city", bundle)
    yield opened
    opened.state.close()


@pytest.fixture
def plate() -> str:
    """Return a plate that nobody asked about."""
    return f"DEMO{next(_numbers)}"


def body(**changes: Any) -> dict[str, Any]:
    """Return a flawless request of an officer who asks about its plate alone."""
    number = "".join(filter(str.isdigit, changes.get("query__plate", "0")))
    return cities.body(**{"requester__badge": f"55{number}", **changes})


def _reasons(given: Answer) -> set[str]:
    return set(given.provisions)


def _state(given: Answer) -> str:
    return str(json.loads(given.body)["review"]["state"])


REPHRASED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "immigration, then an investigation": (ICE, {"purpose__narrative": "investigation"}),
    "immigration, then a theft": (ICE, {}),
    "an agency's name left out": ({"purpose__narrative": "Stolen car, ICE target"}, {}),
    "a component's name left out": ({"purpose__narrative": "HSI case, stolen car from Ridge Ave"}, {}),
    "another category": ({"purpose__category": "civil_immigration"}, {}),
    "health care": ({"purpose__narrative": "She travelled for an abortion"}, {}),
    "protest": ({"purpose__narrative": "Vehicles parked at the protest march"}, {}),
    "private": ({"purpose__narrative": "Checking where my ex girlfriend drives"}, {}),
    "a people": ({"purpose__narrative": "Suspicious Mexican driver"}, {}),
    "in capitals, dotted": ({"purpose__narrative": "I.C.E. DETAINER"}, {}),
    "in digits": ({"purpose__narrative": "1mmigr4tion hold"}, {}),
    "in Spanish": ({"purpose__narrative": "para deportar al conductor"}, {}),
    "misspelt": ({"purpose__narrative": "deportatoin order"}, {}),
    "in the unit": ({"requester__unit": "Immigration enforcement"}, {}),
    "in the case number": ({"purpose__case_number": "deportation 25-10494"}, {}),
    "for whom it is asked left out": (
        {"on_behalf_of": {"agency": "sample-hsi-office", "component": None, "person": "Sam Sample"}},
        {},
    ),
    "for an agency that nobody knows": (
        {"on_behalf_of": {"agency": "NOBODY", "component": None, "person": "Sam Sample"}},
        {},
    ),
    "another crime than the code's": (
        {"purpose__offense": "09A"},
        {"purpose__offense": "09A", "purpose__narrative": "Murder on Sample Avenue, driver shot a man"},
    ),
    "a civil paper left out": (
        {
            "legal_process": {
                "kind": "administrative_warrant",
                "form": "I-200",
                "document_sha256": None,
                "court": None,
                "judge": None,
                "number": None,
                "statute": None,
                "issued_on": None,
            }
        },
        {},
    ),
}


@pytest.mark.parametrize("name", REPHRASED)
def test_what_was_refused_is_not_permitted_in_other_words(city: City, plate: str, name: str) -> None:
    """Denied, and queued for staff, who may rule: nothing is fetched."""
    then, now = REPHRASED[name]
    assert 403 == city.ask(body(query__plate=plate, **then)).status
    asked = len(city.reads.asked)
    again = city.ask(body(query__plate=plate, **now))
    assert 403 == again.status
    assert "rephrased_request" in _reasons(again)
    assert ("queued", asked) == (_state(again), len(city.reads.asked))


HONEST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a missing case number": ({"purpose__case_number": "pending"}, {}),
    "an offense code": ({"purpose__offense": "09A"}, {}),
    "vague words made whole": ({"purpose__narrative": "investigation"}, {}),
    "a typo": ({"purpose__narrative": "Soltne sdean"}, {}),
    "the category for all others": ({"purpose__category": "other"}, {}),
    "a category that is not borne out": (
        {"purpose__category": "human_trafficking", "purpose__offense": "64A"},
        {},
    ),
    "an attestation": ({"attestation__accepted": False}, {}),
    "a window too long": ({"query__from": "2020-01-01T00:00:00Z"}, {}),
    "more words beside the same": (
        {"purpose__offense": "09A"},
        {"purpose__narrative": "Stolen blue sedan, taken from Sample Avenue overnight, keys inside"},
    ),
    "for whom it is asked, mistyped": (
        {"on_behalf_of": {"agency": "sample-li-pd", "component": None, "person": "Sam Sample"}},
        {"on_behalf_of": {"agency": AGENCY, "component": None, "person": "Sam Sample"}},
    ),
    "a script that nobody reads": ({"purpose__narrative": "Угон автомобиля ночью"}, {}),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_correction_is_permitted(city: City, plate: str, name: str) -> None:
    """What is added, or was a formality, is no rephrasing."""
    then, now = HONEST[name]
    assert 403 == city.ask(body(query__plate=plate, **then)).status
    assert (200, ()) == ((again := city.ask(body(query__plate=plate, **now))).status, again.provisions)


def test_the_same_words_again_are_refused_for_themselves(city: City, plate: str) -> None:
    """A repetition takes nothing back, and needs no other reason."""
    first = city.ask(body(query__plate=plate, **ICE))
    assert first.provisions == city.ask(body(query__plate=plate, **ICE)).provisions


@pytest.mark.parametrize(
    "changes",
    [
        {"requester__badge": "7777", "requester__name": "Lee Example"},
        {"query__plate_state": "WI"},
        {"query__limit": 1},
        {"purpose__case_number": "26-55555"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_nothing_beside_the_words_makes_it_another_request(
    city: City, plate: str, changes: dict[str, Any]
) -> None:
    """A colleague's badge, another state's plate, a smaller limit, another case: the same target."""
    assert 403 == city.ask(body(query__plate=plate, **ICE)).status
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate=plate, **changes)))


def test_a_dry_run_is_remembered_and_is_told(city: City, plate: str) -> None:
    """Or trying out which words pass would be free."""
    assert 403 == city.ask(body(query__plate=plate, **ICE), dry_run=True).status
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate=plate), dry_run=True))
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate=plate)))


def test_another_client_of_the_agency_is_the_agency(city: City, plate: str) -> None:
    """Split over two clients it is still one agency, which was told no."""
    assert 403 == city.ask(body(query__plate=plate, **ICE)).status
    other = client.register(city.state, AGENCY).client.id
    assert {"rephrased_request"} == _reasons(
        replace(city, clients=city.clients | {AGENCY: other}).ask(body(query__plate=plate))
    )


def test_another_agency_did_not_ask(city: City, plate: str) -> None:
    """It answers for itself alone, unless it is the one that was asked for."""
    fusion = {"on_behalf_of": {"agency": AGENCY, "component": None, "person": "Pat Example"}}
    assert 403 == city.ask(body(query__plate=plate, **ICE), "sample-wi-pd").status
    assert 200 == city.ask(body(query__plate=plate)).status
    other = f"{plate}9"
    assert 403 == city.ask(body(query__plate=other, **ICE, **fusion), "sample-fusion").status
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate=other)))


def test_a_plate_that_reads_the_same_is_the_same(city: City) -> None:
    """O for 0 and I for 1 begin nothing new."""
    assert 403 == city.ask(body(query__plate="DEMO01", **ICE)).status
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate="DEM001")))
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate="demo-oi")))


def test_a_place_is_known_by_each_of_its_cameras(city: City) -> None:
    """Another camera beside it makes no other place."""
    at: dict[str, Any] = {
        "query": {
            "kind": "place",
            "cameras": ["cam-1"],
            "from": (NOW - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "to": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "limit": 5,
        }
    }
    assert 403 == city.ask({**body(**ICE), **at}).status
    wider = {"query": {**at["query"], "cameras": ["cam-2", "cam-1"]}}
    assert "rephrased_request" in _reasons(city.ask({**body(), **wider}))
    elsewhere = {"query": {**at["query"], "cameras": ["cam-3"]}}
    assert 200 == city.ask({**body(), **elsewhere}).status


def test_who_goes_on_asking_goes_on_waiting(city: City, plate: str) -> None:
    """A rephrasing is itself refused for what it is, so the hour begins anew."""
    assert 403 == city.ask(body(query__plate=plate, **ICE)).status
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate=plate)))
    later = _later(city, plate, timedelta(minutes=59))
    assert ["rephrased_request"] in [one["provisions"] for one in _facts(later)]


def test_more_refusals_than_are_looked_at_are_told(city: City, plate: str) -> None:
    """Noise hides nothing: whoever was refused so often waits for staff."""
    assert 403 == city.ask(body(query__plate=plate, **ICE)).status
    noise = {"purpose__narrative": "Vehicles parked at the protest march"}
    for _ in range(MOST_REFUSALS):
        assert 403 == city.ask(body(query__plate=plate, **noise), dry_run=True).status
    assert _later(city, plate, timedelta(0)).more_refusals is True
    assert {"rephrased_request"} == _reasons(city.ask(body(query__plate=plate)))


def test_formalities_and_stops_hide_nothing_and_hold_nobody(city: City, plate: str) -> None:
    """However often a request was refused for them, the next that is in order is permitted."""
    formalities: list[dict[str, Any]] = [
        {"attestation__accepted": False},
        {"purpose__narrative": "investigation"},
    ]
    for changes in formalities * MOST_REFUSALS:
        assert 403 == city.ask(body(query__plate=plate, **changes), dry_run=True).status
    assert () == _later(city, plate, timedelta(0)).refused
    assert 200 == city.ask(body(query__plate=plate)).status


def test_twins_asked_at_once_see_each_other(city: City, plate: str) -> None:
    """The other's refusal is committed while this one's reads are fetched: the release is not."""

    def refused_meanwhile() -> None:
        city.reads.on_fetch = lambda: None
        assert 403 == city.ask(body(query__plate=plate, **ICE)).status

    city.reads.on_fetch = refused_meanwhile
    late = city.ask(body(query__plate=plate))
    assert (403, {"rephrased_request"}) == (late.status, _reasons(late))
    last = [e for e in city.events() if e["ref"] == late.query_id]
    assert "query.released" not in {e["event"] for e in last}


@dataclass(frozen=True)
class _Stopped:
    """A clock that says one time."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def now_ms(self) -> int:
        return int(self.at.timestamp() * 1000)


def _ask_at(city: City, at: datetime, key: str | None = None, **changes: Any) -> Answer:
    timed, second = city.with_gate(clock=_Stopped(at)), int(at.timestamp())
    presented = timed.presented(AGENCY, iat=second - 60, exp=second + 200)
    return answer(timed.gate, presented, json.dumps(body(**changes)).encode(), idempotency_key=key)


def test_waiting_permits_nothing_that_waits_for_staff(timed: City, plate: str) -> None:
    """A query is judged by when it was first asked: sent again after two hours it is still a rephrasing.

    A new one is judged by its own time.
    """
    begun, key = timed.gate.clock.now(), f"key of {plate}"
    assert 403 == _ask_at(timed, begun, query__plate=plate, **ICE).status
    first = _ask_at(timed, begun + timedelta(minutes=2), key, query__plate=plate)
    again = _ask_at(timed, begun + timedelta(hours=2), key, query__plate=plate)
    assert first.query_id == again.query_id
    assert {"rephrased_request"} == _reasons(first) == _reasons(again)
    assert {"rephrased_request"} == _reasons(
        _ask_at(timed, begun + timedelta(hours=2, minutes=59), query__plate=plate)
    )
    assert 200 == _ask_at(timed, begun + timedelta(hours=4), query__plate=plate).status


def _later(city: City, plate: str, after: timedelta) -> Patterns:
    query = read_again(body(query__plate=plate))
    return around(city, query, city.gate.clock.now() + after)[1]


def _now_facts(city: City, changes: dict[str, Any]) -> dict[str, Any]:
    query = read_again(body(**changes))
    words = screen(query.typed_words(), city.gate.lexicon)
    return gather(query, words, Situation(None, None, (), NOW, FIRST, patterns=ALONE, officer=NAMED))


def _facts(found: Patterns) -> list[dict[str, Any]]:
    now = {
        "words": {"classes": [], "narrative": {"means": []}},
        "purpose": {
            "category": "criminal_investigation",
            "offense": None,
            "statute": None,
            "earlier_offenses": [],
        },
        "legal_process": None,
        "on_behalf_of": None,
    }
    listed: Any = found.facts(now)["refused_before"]
    return list(listed)


@pytest.mark.parametrize(
    ("after", "minutes"),
    [
        (timedelta(minutes=-2), None),
        (timedelta(seconds=-30), 0),
        (timedelta(minutes=59, seconds=30), 59),
        (timedelta(minutes=60, seconds=59), 60),
        (timedelta(minutes=61, seconds=1), 61),
        (timedelta(minutes=119), 119),
        (timedelta(minutes=121), 121),
        (timedelta(hours=23, minutes=59), 1439),
        (timedelta(hours=24, minutes=1), None),
    ],
)
def test_the_minutes_since_are_counted_from_the_asking(
    city: City, plate: str, after: timedelta, minutes: int | None
) -> None:
    """To the minute; a day back at most, and a minute ahead, for clocks differ."""
    assert 403 == city.ask(body(query__plate=plate, **ICE)).status
    found = [one["minutes_ago"] for one in _facts(_later(city, plate, after))]
    assert found == ([] if minutes is None else [minutes])


def test_midnight_begins_no_new_hour(timed: City, plate: str) -> None:
    """The key changes with the day; who was refused just before is known just after, and the reverse."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    before, after, other = midnight - timedelta(seconds=0.5), midnight + timedelta(seconds=0.5), f"{plate}7"
    assert 403 == _ask_at(timed, before, query__plate=plate, **ICE).status
    assert {"rephrased_request"} == _reasons(_ask_at(timed, after, query__plate=plate))
    assert 403 == _ask_at(timed, after, query__plate=other, **ICE).status
    assert {"rephrased_request"} == _reasons(_ask_at(timed, before, query__plate=other))


def test_what_cannot_be_read_is_no_clean_sheet(
    city: City, plate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 and nothing released: never "none"."""

    def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(type(city.gate.queries), "neighbours", gone)
    asked = len(city.reads.asked)
    with pytest.raises(StoreUnavailable):
        city.ask(body(query__plate=plate))
    assert asked == len(city.reads.asked)


def test_an_earlier_decision_of_another_shape_is_no_harmless_one() -> None:
    """A record that was altered stops the query; it does not help it."""
    with pytest.raises(LedgerCorrupt):
        Refused("q", 1, (), {"words": {"classes": None}}).against({"words": {"classes": []}})


def test_nothing_typed_and_no_target_is_among_the_facts(city: City, plate: str) -> None:
    """Codes, counts and classes: what a replay elsewhere is given."""
    assert 403 == city.ask(body(query__plate=plate, **ICE)).status
    said = json.dumps(_later(city, plate, timedelta(0)).facts(_now_facts(city, {})))
    assert not [text for text in (plate, "Deport", "driver", "Pat", "4411") if text in said]


def test_a_law_that_knows_nothing_of_patterns_goes_on_deciding(city: City) -> None:
    """It is not told of them, so that an update of the program is none of the law."""
    schema: Any = json.loads(json.dumps(city.gate.engine.bundle.schemas["input"]))
    assert {"patterns": 1} == known_to(city.gate.engine.bundle, {"patterns": 1})
    del schema["properties"]["patterns"]
    older = replace(city.gate.engine.bundle, schemas={"input": schema})
    assert {"clock": 1} == known_to(older, {"clock": 1, "patterns": 1})


# --- Sweeps and sensitive places. -------------------------------------------------------------------------


def _with_city(city: City, **settings: Any) -> City:
    bundle = city.gate.engine.bundle
    data: Any = {**bundle.data, "city": {**bundle.data["city"], **settings}}  # type: ignore[dict-item]
    changed = replace(bundle, data=data)
    law = law_of(city.gate.engine)
    return replace(
        city, gate=replace(city.gate, laws=Steady(replace(law, engine=_Lawful(law.engine, changed))))
    )


@dataclass(frozen=True)
class _Lawful:
    """An engine of the shipped law, whose data says other cameras."""

    engine: Any
    bundle: Bundle

    def evaluate(self, facts: Any) -> Any:
        return self.engine.evaluate(facts)

    def ready(self) -> None:
        self.engine.ready()

    def close(self) -> None:
        self.engine.close()


def test_different_plates_are_counted_once_each(city: City) -> None:
    """By the officer: this hour and today; the same again, or a colleague's, adds nothing."""
    badge = {"requester__badge": "swept-1"}
    for number in (1, 2, 3, 3, 2):
        city.ask(body(query__plate=f"DEMS{number}", **badge), dry_run=number == 2)
    city.ask(body(query__plate="DEMS9", requester__badge="swept-2"))

    def counted(plate: str, badge: str) -> tuple[int, int]:
        _, found = around(city, read_again(body(query__plate=plate, requester__badge=badge)))
        return found.presence.targets_this_hour, found.presence.targets_today

    assert (3, 3) == counted("DEMS2", "swept-1")
    assert (4, 4) == counted("DEMS4", " SWEPT 1 ")
    assert (2, 2) == counted("DEMS1", "swept-2")


def test_a_sweep_goes_to_staff(city: City) -> None:
    """The thirty-first plate of an hour is denied, and waits for a person."""
    badge = {"requester__badge": "sweeper"}
    for number in range(30):
        assert 200 == city.ask(body(query__plate=f"DEMT{number}", **badge), dry_run=True).status
    last = city.ask(body(query__plate="DEMTX", **badge))
    assert (403, {"target_sweep"}, "queued") == (last.status, _reasons(last), _state(last))
    assert 200 == city.ask(body(query__plate="DEMT3", requester__badge="another")).status


def test_a_sensitive_place_is_looked_at_a_few_times_and_no_more(city: City) -> None:
    """Three times by one officer, as the city says; whichever of its cameras, dry runs too."""
    listed = {"most_by_officer": 3, "most_by_agency": 12, "cameras": {"clinic": ["cam-3"]}}
    watched = _with_city(city, sensitive_places=listed)
    at = {
        "query": {
            "kind": "place",
            "cameras": ["cam-3"],
            "from": (NOW - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "to": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "limit": 5,
        }
    }

    def ask(badge: str, **options: Any) -> Answer:
        return watched.ask({**body(requester__badge=badge), **at}, **options)

    for dry_run in (False, True, False):
        assert 200 == ask("watcher", dry_run=dry_run).status
    refused = ask("watcher")
    assert (403, {"sensitive_place"}, "queued") == (refused.status, _reasons(refused), _state(refused))
    for number in range(8):
        assert 200 == ask(f"watcher{number}").status
    assert {"sensitive_place"} == _reasons(ask("watcher9"))


# --- Labelled reasons. ------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.exists(), reason="no shared data here")
def test_no_labelled_reason_passes_in_other_words(city: City) -> None:
    """After any reason of a prohibited kind a flawless request about the same plate waits for staff.

    After a lawful one that was held, the same words under a code that fits them are no rephrasing, and few of
    the vague ones cannot be explained.
    """
    law = law_of(city.gate.engine)
    with SHARED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    passed, held, unexplained = [], [], []
    for row in rows:
        refused = law.decide(read_again(body(purpose__narrative=row["text"])), _situation(city, ALONE))
        if refused.outcome == "permit":
            continue
        earlier = Refused("q", 5, tuple(p.code for p in refused.unmet), refused.facts)
        lawful = row["label"] == "legitimate"
        said = {"purpose__narrative": row["text"], "purpose__offense": "90Z"} if lawful else {}
        again = law.decide(read_again(body(**said)), _situation(city, Patterns(refused=(earlier,))))
        rephrased = "rephrased_request" in {p.code for p in again.unmet}
        if lawful:
            held += [row["text"]] * rephrased
        elif row["label"] == "vague_needs_review":
            unexplained += [row["text"]] * rephrased
        else:
            passed += [row["text"]] * (not rephrased)
    print(f"{len(unexplained)} vague reasons whose explanation waits: {unexplained}")
    assert ([], []) == (passed, held)
    assert len(unexplained) <= 35


def _situation(city: City, found: Patterns) -> Situation:
    agency = city.gate.registry.snapshot().agency(AGENCY)
    return Situation(agency, None, (), NOW, FIRST, patterns=found, officer=NAMED)
