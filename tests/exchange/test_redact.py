"""The store is not trusted: one row or one field too many, and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.errors import OverReleased
from tests.exchange.city import NOW, City, body, read

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
    place = body(query__from=(NOW - timedelta(hours=3)).isoformat())
    place["query"] |= {"kind": "place", "cameras": ["cam-1"]}
    del place["query"]["plate"], place["query"]["plate_state"]
    with pytest.raises(OverReleased):
        city.ask(place)


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
