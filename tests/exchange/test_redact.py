"""The store is not trusted: one row or one field too many, and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.errors import OverReleased
from gatekeeper.exchange.decide import Obligations, Permit, Policy, Situation
from gatekeeper.exchange.history import FIRST
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.patterns import ALONE
from gatekeeper.exchange.redact import redact
from gatekeeper.records import Page
from tests.exchange.city import NOW, PLATE, City, body, read


def place(camera: str, **changes: Any) -> dict[str, Any]:
    """Return a query for the reads of one camera."""
    asked = body(query__from=(NOW - timedelta(hours=3)).isoformat(), **changes)
    asked["query"] |= {"kind": "place", "cameras": [camera]}
    del asked["query"]["plate"], asked["query"]["plate_state"]
    return asked


LIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another plate": lambda r: r | {"plate": "OTHER1"},
    "no plate": lambda r: {k: v for k, v in r.items() if k != "plate"},
    "another state": lambda r: r | {"plate_state": "WI"},
    "before the window": lambda r: r | {"captured_at": "2020-01-01T00:00:00Z"},
    "after the window": lambda r: r | {"captured_at": (NOW + timedelta(hours=1)).isoformat()},
    "no offset": lambda r: r | {"captured_at": NOW.replace(tzinfo=None).isoformat()},
    "no time": lambda r: r | {"captured_at": None},
    "no camera": lambda r: r | {"camera": None},
    "camera without id": lambda r: r | {"camera": {"name": "Sample Street"}},
    "a field too many": lambda r: r | {"owner": "Pat Example"},
    "a camera field too many": lambda r: r | {"camera": r["camera"] | {"operator": "x"}},
    "a vehicle field too many": lambda r: r | {"vehicle": r["vehicle"] | {"vin": "x"}},
    "a vehicle that is none": lambda r: r | {"vehicle": "blue"},
    "a list for a text": lambda r: r | {"direction": ["north", "DEMO1"]},
    "an object for a text": lambda r: r | {"vehicle": r["vehicle"] | {"make": {"owner": "Pat Example"}}},
    "a place as text": lambda r: r | {"camera": r["camera"] | {"lat": "42.0123456789"}},
    "a place that is no number": lambda r: r | {"camera": r["camera"] | {"lat": float("nan")}},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_read_that_the_permit_does_not_cover_withholds_the_whole_answer(
    city: City, lie: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """A store that broke one bound may have broken others that cannot be seen."""
    city.reads.honest = False
    city.reads.reads = [read(1), lie(read(2))]
    with pytest.raises(OverReleased):
        city.ask(body())
    assert ["query.decided", "query.refused"] == [e["event"] for e in city.events()[-2:]]
    assert "over_released" == city.events()[-1]["reason"]


def test_one_read_more_than_permitted_withholds_all(city: City) -> None:
    """The count was part of the decision."""
    city.reads.honest = False
    city.reads.reads = [read(n) for n in range(1, 12)]
    with pytest.raises(OverReleased):
        city.ask(body(query__limit=10))


def test_a_camera_that_was_not_asked_for_withholds_all(city: City) -> None:
    """A place query is bounded by its cameras."""
    city.reads.honest = False
    city.reads.reads = [read(1)]
    with pytest.raises(OverReleased):
        city.ask(place("cam-1"))


def test_a_read_from_before_the_retention_withholds_all(city: City) -> None:
    """What a store kept for too long does not leave, whatever window was asked for."""
    city.reads.honest = False
    city.reads.reads = [read(24 * 40)]
    asked = body(
        query__from=(NOW - timedelta(days=60)).isoformat(), query__to=(NOW - timedelta(days=30)).isoformat()
    )
    with pytest.raises(OverReleased):
        city.ask(asked)


def test_plates_that_nobody_asked_for_are_absent(city: City) -> None:
    """A theft at a place shows what kind of car passed, and when; whose it was is not shown."""
    answer = json.loads(
        city.ask(place("cam-2", purpose__category="criminal_investigation", purpose__offense="23H")).body
    )
    obligations = answer["decision"]["obligations"]
    assert obligations["mask_other_plates"] is True
    assert {"plate", "plate_state", "image_url"}.isdisjoint(obligations["fields"])
    assert answer["records"]
    for record in answer["records"]:
        assert {"plate", "plate_state", "image_url"}.isdisjoint(record)
        assert "blue" == record["vehicle"]["color"]
    assert PLATE not in json.dumps(answer)


def test_a_violent_crime_at_a_place_shows_the_plates_and_no_image(city: City) -> None:
    """Whoever did it may be in any of the cars; a picture of everybody who passed is not needed."""
    shooting = {"purpose__category": "criminal_investigation", "purpose__offense": "13A"}
    asked = place("cam-2", purpose__narrative="Shooting on Sample Street, car fled", **shooting)
    answer = json.loads(city.ask(asked).body)
    assert answer["decision"]["obligations"]["mask_other_plates"] is False
    assert {PLATE} == {record["plate"] for record in answer["records"]}
    assert all("image_url" not in record for record in answer["records"])


HIDING_PLACES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "in the id": lambda r: r | {"id": f"20261122-{PLATE}-0001"},
    "in the id, pulled apart": lambda r: r | {"id": "demo-1/0001"},
    "as the id": lambda r: r | {"id": "MAIN", "plate": "MAIN"},
    "in the camera's name": lambda r: r | {"camera": r["camera"] | {"name": f"Sample Street ({PLATE})"}},
    "in the model": lambda r: r | {"vehicle": r["vehicle"] | {"model": "Sedan demo1"}},
    "in the color": lambda r: r | {"vehicle": r["vehicle"] | {"color": "D E M O 1"}},
}


@pytest.mark.parametrize("hide", HIDING_PLACES.values(), ids=HIDING_PLACES.keys())
def test_a_masked_plate_in_another_field_withholds_all(
    city: City, hide: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """A store that writes plates into ids or names would unmask them."""
    city.reads.reads = [read(1), hide(read(1))]
    with pytest.raises(OverReleased):
        city.ask(place("cam-2", purpose__category="criminal_investigation", purpose__offense="23H"))
    assert "over_released" == city.events()[-1]["reason"]


def test_a_plate_that_is_also_a_word_is_not_mistaken_for_one(city: City) -> None:
    """A car whose plate says BLUE does not close the street to everybody."""
    city.reads.reads = [read(1, plate="BLUE"), read(1, plate="0001"), read(1, plate="A1")]
    answer = json.loads(
        city.ask(place("cam-2", purpose__category="criminal_investigation", purpose__offense="23H")).body
    )
    assert 3 == len(answer["records"])


def test_a_list_of_the_policy_that_names_a_masked_plate_does_not_release_it(city: City) -> None:
    """Masking is carried out here, not only asked for."""
    permit = _permit(
        city, mask_other_plates=True, fields=frozenset({"id", "plate", "image_url", "camera.lat"})
    )
    sent = json.loads(redact(permit, Page((read(1),), None)).records)
    assert [{"camera": {"lat": 42.012}, "id": "read-0001"}] == sent


def _permit(city: City, **obligations: Any) -> Permit:
    query = city.gate.parser.parse(json.dumps(place("cam-2")).encode())
    given = Obligations(
        fields=frozenset({"id"}),
        max_records=10,
        start=query.start,
        end=query.end,
        cameras=query.cameras,
        coordinate_decimals=4,
        mask_other_plates=False,
        terms="sample",
    )
    policy = Policy("sample", "sha256:0")
    return Permit(
        query,
        Situation(None, None, (), NOW, FIRST, patterns=ALONE, officer=NAMED),
        {},
        policy,
        replace(given, **obligations),
    )


def test_terms_travel_with_the_release(city: City) -> None:
    """Whoever holds the records can read what binds them."""
    terms = json.loads(city.ask(body()).body)["decision"]["obligations"]["terms"]
    assert terms.startswith("Terms of use 2026-01: ")
    assert "immigration" in terms


def test_what_is_sent_is_what_was_digested(city: City) -> None:
    """The log binds the exact records: their canonical text is spliced into the answer."""
    given = city.ask(body())
    answer = json.loads(given.body)
    entry = json.loads(answer["receipt"]["entry"])
    assert "query.released" == entry["event"]
    assert "10-99" == entry["count_band"]
    assert 10 == len(answer["records"]) == answer["receipt"]["openings"]["count"]["value"]


def test_withheld_fields_are_absent_and_coordinates_rounded(city: City) -> None:
    """A record has no field that its obligations do not name."""
    answer = json.loads(city.ask(body()).body)
    obligations = answer["decision"]["obligations"]
    for record in answer["records"]:
        names = {
            f"{name}.{inner}" if isinstance(value, dict) else name
            for name, value in record.items()
            for inner in (value if isinstance(value, dict) else [""])
        }
        assert names <= set(obligations["fields"])
        assert all(record["camera"][name] == round(record["camera"][name], 5) for name in ("lat", "lon"))
