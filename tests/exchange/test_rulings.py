"""A ruling is a fact for one provision of one request for a while, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.errors import InvalidCursor, UnknownQuery
from gatekeeper.exchange import further_records
from gatekeeper.exchange.rulings import LIFE, in_force, permitted_until, standing
from gatekeeper.ledger import Draft
from gatekeeper.policy import Bundle
from gatekeeper.store import reviews
from gatekeeper.store.values import ReviewEvent, Ruling
from tests.exchange.city import NOW, City, body

VAGUE = {"purpose__narrative": "investigation", "purpose__offense": "90Z"}
DIGEST = "a" * 64


def _event(city: City, digest: str = DIGEST, **changes: Any) -> ReviewEvent:
    whole = ReviewEvent(
        query_id="q_1",
        version=2,
        ref="ruling_1",
        event="review.ruled",
        state="queued",
        at=NOW,
        actor="staff-1",
        provision="stated_reason",
        expires_at=NOW + LIFE,
        level="staff",
        body_fp=city.gate.keys.fingerprint(NOW.date(), "body", digest.encode()),
        fp_day=NOW.date(),
    )
    return replace(whole, **changes)


def _found(city: City, bundle: Bundle, *events: ReviewEvent, after: timedelta = timedelta(0)) -> Any:
    return in_force(standing(events, city.gate.keys, bundle.catalogue, DIGEST, NOW + after))


def test_a_ruling_binds_its_request_until_it_expires(city: City, bundle: Bundle) -> None:
    """From the moment it is made to the last millisecond of its 72 hours."""
    millisecond = timedelta(milliseconds=1)
    assert {"stated_reason": "staff"} == _found(city, bundle, _event(city))
    assert {"stated_reason": "staff"} == _found(city, bundle, _event(city), after=LIFE - millisecond)
    assert {} == _found(city, bundle, _event(city), after=LIFE)
    assert {} == _found(city, bundle, _event(city), after=LIFE + millisecond)
    assert {} == _found(city, bundle, _event(city), after=-millisecond)


@pytest.mark.parametrize(
    "changes",
    [
        {"level": None},
        {"level": "clerk"},
        {"provision": "restrictive_law"},
        {"provision": "immigration_crime"},
        {"provision": "civil_immigration", "level": "counsel"},
        {"provision": "affirmation", "level": "counsel"},
        {"provision": "no_such_provision", "level": "counsel"},
        {"provision": ""},
        {"event": "review.answered"},
        {"event": "review.escalated"},
        {"state": "upheld"},
        {"state": "withdrawn"},
        {"state": "expired"},
        {"expires_at": None},
        {"expires_at": NOW + LIFE + timedelta(milliseconds=1)},
        {"expires_at": NOW},
        {"body_fp": None},
        {"fp_day": None},
        {"body_fp": b"x" * 32},
        {"fp_day": (NOW - timedelta(days=1)).date()},
        {"fp_day": (NOW + timedelta(days=9)).date()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_anything_else_counts_for_nothing(city: City, bundle: Bundle, changes: dict[str, Any]) -> None:
    """A level too low, a provision nobody may rule on, another event, too long a life, another body."""
    assert {} == _found(city, bundle, _event(city, **changes))


def test_a_ruling_on_another_body_counts_for_nothing(city: City, bundle: Bundle) -> None:
    """What was ruled on is the request as it was, to the letter."""
    assert {} == _found(city, bundle, _event(city, digest="b" * 64))


def test_counsel_may_rule_where_staff_may(city: City, bundle: Bundle) -> None:
    """What staff may."""
    assert {"stated_reason": "counsel"} == _found(city, bundle, _event(city, level="counsel"))


# --- Two people. ------------------------------------------------------------------------------------------

GRAVE = ("immigration_crime", "health_data", "restrictive_law")


def _two(city: City, provision: str = "restrictive_law") -> tuple[ReviewEvent, ReviewEvent]:
    first = _event(city, provision=provision, level="counsel", actor="counsel-1")
    hour = timedelta(hours=1)
    return first, replace(first, version=3, actor="counsel-2", at=NOW + hour, expires_at=NOW + hour + LIFE)


@pytest.mark.parametrize("provision", GRAVE)
def test_where_a_wrong_release_is_gravest_two_people_rule(city: City, bundle: Bundle, provision: str) -> None:
    """The first ruling is on record and tells the policy nothing; the second, by another person, does."""
    assert bundle.catalogue[provision].two_people
    first, second = _two(city, provision)
    later = timedelta(hours=2)
    assert {} == _found(city, bundle, first, after=later)
    said = standing([first], city.gate.keys, bundle.catalogue, DIGEST, NOW + later)[provision]
    assert (False, True, False) == (said.in_force, said.by("counsel-1"), said.by("counsel-2"))
    assert {provision: "counsel"} == _found(city, bundle, first, second, after=later)
    assert {provision: "counsel"} == _found(city, bundle, second, first, after=later)


def test_one_person_twice_is_one_person(city: City, bundle: Bundle) -> None:
    """However often; the time of their last word is the one that counts."""
    first, second = _two(city)
    again = replace(second, actor="counsel-1")
    later, beyond_the_first = timedelta(hours=2), timedelta(hours=72, minutes=30)
    assert {} == _found(city, bundle, first, again, replace(again, version=4), after=later)
    assert {} == _found(city, bundle, replace(first, actor=""), second, after=later)
    both = {"restrictive_law": "counsel"}
    assert both == _found(city, bundle, first, again, second, after=later)
    assert both == _found(city, bundle, first, again, second, after=beyond_the_first)


def test_the_first_ruling_may_have_ended_before_the_second(city: City, bundle: Bundle) -> None:
    """Then the second is the first of two; at no moment do they count together beyond the earlier end."""
    first, second = _two(city)
    millisecond = timedelta(milliseconds=1)
    assert {"restrictive_law": "counsel"} == _found(city, bundle, first, second, after=LIFE - millisecond)
    assert {} == _found(city, bundle, first, second, after=LIFE)


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "staff"},
        {"level": None},
        {"body_fp": b"x" * 32},
        {"fp_day": (NOW - timedelta(days=1)).date()},
        {"expires_at": None},
        {"expires_at": NOW + timedelta(hours=74)},
        {"event": "review.answered"},
        {"provision": "health_data"},
        {"state": "upheld"},
        {"actor": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_second_ruling_that_does_not_count_makes_no_pair(
    city: City, bundle: Bundle, changes: dict[str, Any]
) -> None:
    """Of a level too low, on another body (the agency added something between the two), on another point."""
    first, second = _two(city)
    assert {} == _found(city, bundle, first, replace(second, **changes), after=timedelta(hours=2))


def test_a_ruling_that_is_taken_back_takes_the_other_with_it(city: City, bundle: Bundle) -> None:
    """Who takes theirs back says that the provision is not met: both must rule anew."""
    first, second = _two(city)
    back = replace(second, version=4, event="review.withdrawn", level=None, expires_at=None, body_fp=None)
    later = timedelta(hours=2)
    assert {} == _found(city, bundle, first, second, back, after=later)
    assert {} == _found(city, bundle, first, second, back, first, after=later)
    alone = _event(city)
    gone = replace(back, provision="stated_reason", actor="somebody")
    assert {} == _found(city, bundle, alone, gone, after=later)
    assert {"stated_reason": "staff"} == _found(city, bundle, alone, back, after=later)


def test_where_staff_may_rule_two_count_at_the_lower_level(city: City, bundle: Bundle) -> None:
    """A city may ask for two people where staff rule: the policy hears of the lower of their levels."""
    of_two = replace(bundle.catalogue["stated_reason"], two_people=True)
    catalogue = {**bundle.catalogue, "stated_reason": of_two}
    first, second = _event(city), _event(city, actor="counsel-1", level="counsel")

    def found(*events: ReviewEvent) -> Any:
        return in_force(standing(events, city.gate.keys, catalogue, DIGEST, NOW))

    assert ({}, {}, {"stated_reason": "staff"}) == (found(first), found(second), found(first, second))
    both = replace(first, level="counsel"), second
    assert {"stated_reason": "counsel"} == found(*both)


def test_a_permission_ends_with_the_first_thing_that_it_rests_on(city: City, bundle: Bundle) -> None:
    """One of two rulings, or a verified paper; and what was taken back permits nothing."""
    first, second = _two(city)
    second = replace(second, state="permitted")
    assert NOW + LIFE == permitted_until([first, second], bundle.catalogue)
    again = replace(second, version=4, actor="counsel-1", expires_at=NOW + timedelta(hours=90))
    assert second.expires_at == permitted_until([first, second, again], bundle.catalogue)
    paper = _event(city, provision=None, level=None, expires_at=NOW + timedelta(hours=5))
    assert paper.expires_at == permitted_until([paper, first, second], bundle.catalogue)
    back = replace(paper, event="review.withdrawn", expires_at=None)
    assert NOW + LIFE == permitted_until([paper, back, first, second], bundle.catalogue)
    assert permitted_until([first, second, replace(back, state="queued")], bundle.catalogue) is None
    assert permitted_until([replace(paper, expires_at=None, state="permitted")], bundle.catalogue) is None
    assert permitted_until([], bundle.catalogue) is None


def test_two_rulings_stand_side_by_side_and_the_later_one_on_a_provision_counts(
    city: City, bundle: Bundle
) -> None:
    """Each reaches its own provision; a later word on the same one takes the place of the first."""
    first, second = _event(city), _event(city, provision="case_number", level="counsel")
    both = {"stated_reason": "staff", "case_number": "counsel"}
    assert both == _found(city, bundle, first, second)
    upheld = _event(city, state="upheld", expires_at=None)
    assert {"case_number": "counsel"} == _found(city, bundle, first, second, upheld)
    assert both == _found(city, bundle, first, upheld, second, first)
    spoilt = _event(city, level="clerk")
    assert {"case_number": "counsel"} == _found(city, bundle, first, second, spoilt)


@pytest.mark.parametrize("state", ["upheld", "withdrawn", "expired"])
def test_a_review_that_is_closed_takes_its_rulings_with_it(city: City, bundle: Bundle, state: str) -> None:
    """Without a word about any provision."""
    closed = _event(city, provision=None, level=None, expires_at=None, event=f"review.{state}", state=state)
    asked = replace(closed, state="needs_information", event="review.asked")
    assert {} == _found(city, bundle, _event(city), closed)
    assert {"stated_reason": "staff"} == _found(city, bundle, _event(city), asked)


# --- Through the whole gate. ------------------------------------------------------------------------------


def _rule(
    city: City,
    query_id: str,
    provision: str = "stated_reason",
    to: str = "permitted",
    **changes: Any,
) -> None:
    """Write the rows and the entry of a ruling, as the console of the records staff will."""
    review = city.state.queries.review(query_id)
    row = city.state.queries.find(query_id, "sample-il-pd")
    assert review is not None
    assert row is not None
    assert row.body_fp is not None
    assert row.fp_day is not None
    at = city.gate.clock.now()
    whole = Ruling(provision, "staff", at + timedelta(hours=72), row.body_fp, row.fp_day)
    ruling = replace(whole, **changes)
    draft = Draft(
        event="review.ruled",
        ref=f"ruling_{query_id}"[:40],
        clear={
            "agency": "sample-il-pd",
            "provisions": [provision],
            "review": ruling.level,
            "ruling": "permitted",
        },
        secret={"by": "staff-1"},
        detail={},
    )
    moved = reviews.move(review, to, event=draft.event, ref=draft.ref, at=at, actor="staff-1", ruling=ruling)
    city.state.ledger.append(draft, moved)


def _denied(city: City, **changes: Any) -> str:
    answer = city.ask(body(**(VAGUE | changes)), idempotency_key=f"key-{len(changes)}")
    assert 403 == answer.status
    return answer.query_id


def _records(city: City, query_id: str) -> int:
    return further_records(city.gate, city.presented("sample-il-pd"), query_id).status


def test_a_denied_query_is_released_after_a_ruling(city: City) -> None:
    """By its id without a cursor, and by the same request with the same Idempotency-Key; logged anew."""
    query_id = _denied(city)
    assert 403 == _records(city, query_id)
    _rule(city, query_id)
    assert 200 == _records(city, query_id)
    assert 200 == city.ask(body(**VAGUE), idempotency_key="key-0").status
    outcomes = [e["outcome"] for e in city.events() if e["event"] == "query.decided"]
    assert ["deny", "deny", "permit", "permit"] == outcomes
    decided = [e for e in city.state.ledger.entries_of(query_id) if e.event == "query.decided"][-1]
    facts = city.state.ledger.detail_of(decided.index).detail["input"]
    assert {"stated_reason": "staff"} == facts["ruling"]  # type: ignore[index, call-overload]


def test_a_ruling_on_one_query_helps_no_other(city: City) -> None:
    """The same officer, plate and words, asked anew, wait for a ruling of their own."""
    _rule(city, _denied(city))
    assert 403 == city.ask(body(**VAGUE)).status
    assert 403 == city.ask(body(**VAGUE), dry_run=True).status
    assert 403 == city.ask(body(**VAGUE), idempotency_key="another-key").status


def test_a_ruling_on_one_provision_leaves_the_others(city: City) -> None:
    """Both must be ruled on, each by name."""
    query_id = _denied(city, purpose__case_number="pending")
    _rule(city, query_id, to="queued")
    assert 403 == _records(city, query_id)
    _rule(city, query_id, "case_number")
    assert 200 == _records(city, query_id)


SPOILT: dict[str, Callable[[Any], dict[str, Any]]] = {
    "expired by a millisecond": lambda at: {"expires_at": at - timedelta(milliseconds=1)},
    "for longer than 72 hours": lambda at: {"expires_at": at + timedelta(hours=73)},
    "of another body": lambda _: {"body_fp": b"x" * 32},
    "of another day": lambda at: {"fp_day": (at - timedelta(days=1)).date()},
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_ruling_that_does_not_bind_releases_nothing(city: City, name: str) -> None:
    """Whatever the console wrote."""
    query_id = _denied(city)
    _rule(city, query_id, **SPOILT[name](city.gate.clock.now()))
    assert 403 == _records(city, query_id)


def test_a_ruling_that_was_taken_back_releases_nothing(city: City) -> None:
    """Upheld after all: the next page is denied like the first."""
    query_id = _denied(city)
    _rule(city, query_id)
    assert 200 == _records(city, query_id)
    review = city.state.queries.review(query_id)
    assert review is not None
    at = city.gate.clock.now()
    draft = Draft(
        event="review.withdrawn",
        ref="withdrawn_0123456789",
        clear={"agency": "sample-il-pd", "provisions": ["stated_reason"], "review": "staff"},
        secret={},
        detail={},
    )
    moved = reviews.move(review, "withdrawn", event=draft.event, ref=draft.ref, at=at, actor="counsel-1")
    city.state.ledger.append(draft, moved)
    assert 403 == _records(city, query_id)


def test_pages_of_a_query_that_nobody_reviewed_need_their_cursor(city: City) -> None:
    """Reading the first page again and again without asking again is not offered."""
    asked = city.ask(body())
    assert 200 == asked.status
    with pytest.raises(InvalidCursor):
        _records(city, asked.query_id)
    with pytest.raises(UnknownQuery):
        further_records(city.gate, city.presented("sample-wi-pd"), asked.query_id)
    assert json.loads(asked.body)["query_id"] == asked.query_id
