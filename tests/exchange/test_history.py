"""What an officer asked about before is counted, exactly and whatever it was called."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.exchange.history import FIRST, History, prints
from gatekeeper.exchange.parse import Query, read_again
from gatekeeper.ledger import DayKeys, Draft, Insert
from tests.exchange.city import NOW, City, around, body

VAGUE = {"purpose__narrative": "investigation"}


def _query(**changes: Any) -> Query:
    return read_again(body(**changes))


def _history(city: City, **changes: Any) -> History:
    return around(city, _query(**changes))[0]


def test_the_first_request_counts_itself(city: City) -> None:
    """Nothing on record: one day, under this case."""
    assert FIRST == _history(city)
    assert 200 == city.ask(body()).status
    assert FIRST == _history(city)


def test_denied_requests_and_dry_runs_count(city: City) -> None:
    """Or asking would be free."""
    assert 403 == city.ask(body(**VAGUE)).status
    assert 403 == city.ask(body(**VAGUE), dry_run=True).status
    assert History(1, 1, 0, 2) == _history(city)
    assert 200 == city.ask(body(purpose__case_number="26-77777"), dry_run=True).status
    assert History(1, 1, 1, 2) == _history(city)


def test_another_officer_plate_or_agency_is_another_history(city: City) -> None:
    """Nobody answers for what somebody else asked."""
    assert 403 == city.ask(body(**VAGUE)).status
    assert FIRST == _history(city, query__plate="DEMO2")
    assert FIRST == _history(city, requester__badge="9999")
    assert FIRST == around(city, _query(), agency_id="sample-wi-pd")[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"query__plate": "demo-1"},
        {"query__plate_state": None},
        {"query__plate_state": "WI"},
        {"query__from": (NOW - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")},
        {"query__limit": 1},
        {"requester__badge": " 44-11 "},
        {"requester__name": "P. Example"},
        {"purpose__narrative": "Armed robbery at a shop"},
        {"purpose__case_number": "25 10494"},
        {"purpose__category": "stolen_vehicle"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_no_other_spelling_begins_a_new_history(city: City, changes: dict[str, Any]) -> None:
    """Same badge, same plate: the same search, however the rest is put."""
    assert 403 == city.ask(body(**VAGUE)).status
    assert History(1, 1, 0, 1) == _history(city, **changes)


def test_an_officer_without_a_badge_is_known_by_name(city: City) -> None:
    """A badge of dashes is no way out."""
    nameless = {"requester__badge": "--"}
    assert 403 == city.ask(body(**VAGUE, **nameless)).status
    assert History(1, 1, 0, 1) == _history(city, **nameless)
    assert FIRST == _history(city, **nameless, requester__name="Lee Example")


class _Past:
    """Puts searches of days before onto the record, as they would have been written then."""

    def __init__(self, city: City) -> None:
        self.city = city

    def search(self, ago: int, **changes: Any) -> None:
        """Write the row of one search *ago* days before today, under that day's own key."""
        at = self.city.gate.clock.now() - timedelta(days=ago)
        day, query = at.date(), _query(**changes)
        keys = DayKeys(self.city.state.settings.key_directory / "days", today=lambda: day)
        search, case = prints(keys, day, "sample-il-pd", query)
        row = {
            "query_id": f"q_past_{ago}_{query.digest[:20]}",
            "agency_id": "sample-il-pd",
            "client_id": self.city.clients["sample-il-pd"],
            "hour": at.strftime("%Y-%m-%dT%HZ"),
            "kind": query.kind,
            "category": query.purpose.category,
            "outcome": "permit",
            "review": "none",
            "dry_run": False,
            "policy_revision": "2026-01+0123456789ab",
            "search_fp": search,
            "case_fp": case,
            "fp_day": day,
        }
        # Any entry will do to carry the row: what is tested is what is read.
        clear = {"agency": "sample-il-pd", "reason": "internal", "stage": "parse"}
        draft = Draft("query.refused", f"q_past_{ago:010}", clear, {}, {})
        self.city.state.ledger.append(draft, [Insert("queries", row)])


def test_days_are_counted_across_the_keys_of_each_day(city: City) -> None:
    """Thirty days, today included; under this case number and under others, each day once."""
    past = _Past(city)
    for ago in (1, 2, 5):
        past.search(ago)
    past.search(2, query__limit=3)
    past.search(3, purpose__case_number="26-1")
    past.search(2, purpose__case_number="26-2")
    past.search(29)
    past.search(30)
    assert History(6, 5, 2, 0) == _history(city)


def test_a_day_whose_key_was_destroyed_is_not_counted(city: City) -> None:
    """What was purged cannot be held against anybody."""
    past = _Past(city)
    past.search(1)
    past.search(2)
    city.gate.keys.destroy((city.gate.clock.now() - timedelta(days=2)).date())
    assert History(2, 2, 0, 0) == _history(city)


def test_the_same_plate_on_more_days_than_allowed_goes_to_staff(city: City) -> None:
    """What really went wrong: thousands of searches of one person, each under a lawful category."""
    past = _Past(city)
    for ago in (1, 2, 3, 4):
        past.search(ago)
    assert 200 == city.ask(body()).status
    past.search(5)
    refused = city.ask(body())
    assert (403, ("repeated_search",)) == (refused.status, refused.provisions)
    assert "queued" == json.loads(refused.body)["review"]["state"]
    assert 403 == city.ask(body(), dry_run=True).status
    assert 200 == city.ask(body(requester__badge="7777")).status


def test_a_history_that_cannot_be_read_is_no_empty_one(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and nothing released: never "none"."""

    def gone(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(type(city.gate.queries), "neighbours", gone)
    with pytest.raises(StoreUnavailable):
        city.ask(body())
    assert [] == city.reads.asked
    assert "store_unavailable" == city.events()[-1]["reason"]
