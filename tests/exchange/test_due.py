"""When a denied request is due: as the city's policy says, the shortest time of all that apply."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.exchange.due import goes_first, time_for_review
from gatekeeper.policy import Bundle
from tests.exchange.city import City, body

DATA: dict[str, Any] = {
    "city": {
        "review": {
            "hours": {
                "by_purpose": {"missing_or_endangered_person": 1, "wanted_person": 120},
                "by_provision": {"case_number": 24, "stated_reason": 4},
                "otherwise": 72,
            },
            "first": ["missing_or_endangered_person"],
        }
    }
}


@pytest.mark.parametrize(
    ("hours", "category", "provisions"),
    [
        (72, "stolen_vehicle", ["affirmation"]),
        (72, "stolen_vehicle", []),
        (24, "stolen_vehicle", ["affirmation", "case_number"]),
        (4, "stolen_vehicle", ["case_number", "stated_reason"]),
        (1, "missing_or_endangered_person", ["stated_reason"]),
        (120, "wanted_person", ["affirmation"]),
        (24, "wanted_person", ["case_number"]),
    ],
)
def test_of_all_that_apply_the_shortest_counts(hours: int, category: str, provisions: list[str]) -> None:
    """What the city says of a purpose or a provision takes the place of what it says of everything else."""
    assert timedelta(hours=hours) == time_for_review(DATA, category, provisions)


def test_who_is_missing_goes_first(bundle: Bundle) -> None:
    """As shipped, too."""
    for data in (DATA, bundle.data):
        assert goes_first(data, "missing_or_endangered_person")
        assert not goes_first(data, "stolen_vehicle")
        assert timedelta(hours=1) == time_for_review(data, "missing_or_endangered_person", ["stated_reason"])


def test_the_bundle_that_decided_says_when_the_review_is_due(
    city: City, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the provision that denied it."""
    changed = deepcopy(dict(bundle.data))
    changed["city"]["review"]["hours"]["by_provision"] = {"stated_reason": 2}  # type: ignore[index,call-overload]
    monkeypatch.setattr(type(bundle), "data", changed, raising=False)
    asked = json.loads(city.ask(body(purpose__narrative="investigation")).body)
    review = city.gate.queries.review(asked["query_id"])
    assert review is not None
    assert review.due_at is not None
    assert timedelta(hours=2) == review.due_at - review.queued_at
