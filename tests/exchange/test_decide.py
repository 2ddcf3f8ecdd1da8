"""Facts are derived exactly, and a permit is made of nothing but a whole verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.exchange.decide import (
    Denial,
    Permit,
    Situation,
    affirmation_state,
    decide,
    gather,
    strictest,
    timestamp,
)
from gatekeeper.exchange.history import FIRST
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.parse import Query, read_again
from gatekeeper.exchange.patterns import ALONE
from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.ledger import Json
from gatekeeper.policy import Bundle, Embedded, Verdict
from gatekeeper.store import Affirmation, Agency
from tests.exchange.city import NOW, body

TODAY = NOW.date()


def _signed(kind: str = "affirmation", **changes: Any) -> Affirmation:
    whole = Affirmation(
        "affirmation_sample",
        "sample-il-pd",
        kind,  # type: ignore[arg-type]  # one of two
        "2026-01",
        "Sam Sample",
        "Chief (sample)",
        TODAY - timedelta(days=30),
        TODAY + timedelta(days=30),
        None,
    )
    return replace(whole, **changes)


def _agency(**changes: Any) -> Agency:
    whole = Agency("sample-il-pd", None, "Sample PD", "local", "IL", "active", False, (), (_signed(),))
    return replace(whole, **changes)


def _query(**changes: Any) -> Query:
    return read_again(body(**changes))


@dataclass(frozen=True, slots=True)
class _Stop:
    id: str
    scope: str
    value: str | None


class _Saying:
    """An engine that says what a test tells it to."""

    def __init__(self, bundle: Bundle, verdict: Verdict) -> None:
        self.bundle = bundle
        self.verdict = verdict

    def evaluate(self, _: object) -> Verdict:
        """Say it."""
        return self.verdict

    def ready(self) -> None:
        """Be ready."""

    def close(self) -> None:
        """Close nothing."""


@pytest.mark.parametrize(
    ("signed", "state"),
    [
        (_signed(signed_on=TODAY), "in_force"),
        (_signed(signed_on=TODAY + timedelta(days=1)), "not_yet"),
        (_signed(expires_on=TODAY + timedelta(days=1)), "in_force"),
        (_signed(expires_on=TODAY), "lapsed"),
        (_signed(expires_on=None), "in_force"),
        (_signed(signer=" "), "lapsed"),
        (_signed(title=""), "lapsed"),
    ],
)
def test_a_signature_counts_from_its_day_until_the_day_before_its_end(
    signed: Affirmation, state: str
) -> None:
    """The day of the signature counts, the day of the expiry does not; nobody's signature never does."""
    assert state == affirmation_state(signed, TODAY)


def test_the_statement_in_force_is_the_one_that_counts(bundle: Bundle) -> None:
    """A lapsed one that was signed later does not hide it; no statement at all is `none`."""
    lexicon = Lexicon.load(_document(bundle))
    query = _query()
    words = screen(query.typed_words(), lexicon)
    later = _signed(signed_on=TODAY - timedelta(days=3), expires_on=TODAY - timedelta(days=1))
    facts = gather(
        query,
        words,
        Situation(
            _agency(affirmations=(_signed(), later)), None, (), NOW, FIRST, patterns=ALONE, officer=NAMED
        ),
    )
    agency = facts["agency"]
    assert isinstance(agency, dict)
    assert {"state": "in_force", "text_version": "2026-01", "age_days": 30} == agency["affirmation"]
    assert {"state": "none", "text_version": None, "age_days": None} == agency["declaration"]


@pytest.mark.parametrize(
    ("changes", "fact", "value"),
    [
        ({}, "window_hours", 168),
        ({"query__from": (NOW - timedelta(days=7, seconds=1)).isoformat()}, "window_hours", 169),
        ({"query__to": (NOW + timedelta(days=1)).isoformat()}, "ends_in_future", False),
        ({"query__to": (NOW + timedelta(days=1, seconds=1)).isoformat()}, "ends_in_future", True),
        ({}, "literal_characters", 5),
    ],
)
def test_bounds_are_never_rounded_in_the_callers_favour(
    bundle: Bundle, changes: dict[str, Any], fact: str, value: Json
) -> None:
    """One second over a cap is over it."""
    query = _query(**changes)
    words = screen(query.typed_words(), Lexicon.load(_document(bundle)))
    asked = gather(query, words, Situation(_agency(), None, (), NOW, FIRST, patterns=ALONE, officer=NAMED))[
        "query"
    ]
    assert isinstance(asked, dict)
    assert value == asked[fact]


def test_an_end_requester_we_do_not_know_is_not_overlooked(bundle: Bundle) -> None:
    """Null is a claim that nobody else asks; a name we do not know is not null."""
    query = _query(on_behalf_of={"agency": "NOBODY", "person": "Pat Example"})
    words = screen(query.typed_words(), Lexicon.load(_document(bundle)))
    end = gather(query, words, Situation(_agency(), None, (), NOW, FIRST, patterns=ALONE, officer=NAMED))[
        "end_requester"
    ]
    assert isinstance(end, dict)
    assert end["known"] is False


GOOD: dict[str, Json] = {
    "fields": ["id", "captured_at", "plate"],
    "max_records": 25,
    "retention_days": 2,
    "coordinate_decimals": 3,
    "mask_other_plates": False,
    "terms": "2026-01",
}


def _verdict(bundle: Bundle, obligations: dict[str, Json]) -> Verdict:
    return Verdict(
        permit=True,
        proved=frozenset(bundle.provisions),
        unmet=(),
        obligations=obligations,
        revision=bundle.revision,
        digest=bundle.digest,
    )


def _decide(bundle: Bundle, obligations: dict[str, Json], **options: Any) -> Permit | Denial:
    query = _query(**options.pop("changes", {}))
    words = screen(query.typed_words(), Lexicon.load(_document(bundle)))
    situation = Situation(_agency(), None, (), NOW, FIRST, patterns=ALONE, officer=NAMED, **options)
    return decide(query, words, situation, _Saying(bundle, _verdict(bundle, obligations)))


def test_obligations_are_the_narrower_of_the_policys_and_the_queries(bundle: Bundle) -> None:
    """Count, window and retention: whichever allows less."""
    permit = _decide(bundle, GOOD)
    assert isinstance(permit, Permit)
    assert (10, NOW - timedelta(days=2), NOW) == (
        permit.obligations.max_records,
        permit.obligations.start,
        permit.obligations.end,
    )
    assert 25 == _obliged(_decide(bundle, GOOD, changes={"query__limit": 100}), "max_records")


def test_a_stopped_camera_is_taken_out_of_a_plate_query(bundle: Bundle) -> None:
    """The rest of the city may still answer; a city of one camera answers nothing."""
    query = _query()
    words = screen(query.typed_words(), Lexicon.load(_document(bundle)))
    stop = _Stop("stop_1", "camera", "cam-1")
    engine = _Saying(bundle, _verdict(bundle, GOOD))
    known = Situation(
        _agency(),
        None,
        (stop,),
        NOW,
        FIRST,
        patterns=ALONE,
        officer=NAMED,
        cameras=frozenset({"cam-1", "cam-2"}),
    )
    assert ("cam-2",) == _obliged(decide(query, words, known, engine), "cameras")
    alone = replace(known, cameras=frozenset({"cam-1"}))
    assert () == _obliged(decide(query, words, alone, engine), "cameras")


@pytest.mark.parametrize(
    "spoilt",
    [
        {},
        {"unheard_of": 1},
        {"fields": []},
        {"fields": ["owner"]},
        {"fields": "id"},
        {"max_records": 0},
        {"max_records": True},
        {"max_records": 1.5},
        {"retention_days": None},
        {"retention_days": -1},
        {"coordinate_decimals": 7},
        {"mask_other_plates": "no"},
        {"terms": ""},
    ],
    ids=str,
)
def test_obligations_of_another_shape_are_no_permit(bundle: Bundle, spoilt: dict[str, Json]) -> None:
    """What this code does not understand it could not enforce."""
    with pytest.raises(PolicyUnavailable):
        _decide(bundle, GOOD | spoilt if spoilt else {})


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_missing_obligation_is_no_permit(bundle: Bundle, missing: str) -> None:
    """Nothing has a default that releases."""
    with pytest.raises(PolicyUnavailable):
        _decide(bundle, {name: value for name, value in GOOD.items() if name != missing})


def test_a_flawless_request_is_permitted_by_the_shipped_law(bundle: Bundle) -> None:
    """The whole of it, through the real engine."""
    query = _query()
    words = screen(query.typed_words(), Lexicon.load(_document(bundle)))
    decision = decide(
        query,
        words,
        Situation(_agency(), None, (), NOW, FIRST, patterns=ALONE, officer=NAMED),
        Embedded(bundle),
    )
    assert [] == [provision.code for provision in decision.unmet]


@pytest.mark.parametrize(
    ("reviews", "whole"),
    [
        (["staff"], "staff"),
        (["staff", "counsel"], "counsel"),
        (["staff", "none", "counsel"], "none"),
        (["none"], "none"),
        ([], "none"),
    ],
)
def test_one_final_provision_makes_the_whole_final(reviews: list[str], whole: str) -> None:
    """Staff cannot cure what no staff may cure."""
    assert whole == strictest(reviews)


def test_a_naive_time_is_refused() -> None:
    """It names no moment."""
    with pytest.raises(ValueError, match="offset"):
        timestamp(datetime(2026, 11, 1))  # noqa: DTZ001
    assert "2026-11-01T00:00:00Z" == timestamp(datetime(2026, 11, 1, tzinfo=UTC))
    assert date(2026, 11, 1).isoformat() == "2026-11-01"


def _obliged(decision: Permit | Denial, name: str) -> object:
    assert isinstance(decision, Permit)
    value: object = getattr(decision.obligations, name)
    return value


def _document(bundle: Bundle) -> dict[str, Json]:
    document = bundle.data["lexicon"]
    assert isinstance(document, dict)
    return document
