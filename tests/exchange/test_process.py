"""A paper is worth what staff have verified of it, for the very thing they verified it for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatekeeper.errors import OperatorError, StoreUnavailable
from gatekeeper.exchange.forms import form_numbers
from gatekeeper.exchange.parse import Query, read_again
from gatekeeper.exchange.process import Shown, covers, record, verified
from gatekeeper.ledger import DayKeys
from gatekeeper.store.values import Verification
from tests.exchange.city import NOW, City, body

SECOND = timedelta(seconds=1)
START, END = NOW - timedelta(days=7), NOW
PAPER = {
    "kind": "criminal_warrant",
    "court": "Circuit Court of Cook County",
    "judge": "A. Judge",
    "number": "26-CR-100",
    "statute": "720 ILCS 5/18-2",
    "issued_on": "2026-11-01",
    "document_sha256": "d" * 64,
}
PLACE = {"query__kind": "place", "query__cameras": ["cam-1", "cam-2"]}


def _query(**changes: Any) -> Query:
    made = body(**({"legal_process": PAPER} | changes))
    if made["query"]["kind"] == "place":
        made["query"] = {k: v for k, v in made["query"].items() if not k.startswith("plate")}
    return read_again(made)


VERIFICATION = Verification(
    id="verification_1",
    agency_id="sample-il-pd",
    document_sha256="d" * 64,
    paper_fp=b"p" * 32,
    targets=("plate one", "plate two"),
    window_start=START,
    window_end=END,
    at=NOW,
    expires_at=NOW + timedelta(days=3),
    actor="staff-1",
    level="staff",
    fp_day=NOW.date(),
)
SHOWN = Shown(b"p" * 32, frozenset({"plate one"}))


def test_a_verification_covers_what_it_was_made_for() -> None:
    """All of its targets or some of them, to the last moment of its life."""
    query = _query()
    assert covers(VERIFICATION, "sample-il-pd", query, SHOWN, NOW)
    both = replace(SHOWN, targets=frozenset({"plate one", "plate two"}))
    assert covers(VERIFICATION, "sample-il-pd", query, both, NOW)
    last = VERIFICATION.expires_at - timedelta(milliseconds=1)
    assert covers(VERIFICATION, "sample-il-pd", query, SHOWN, last)


@pytest.mark.parametrize(
    "changes",
    [
        {"agency_id": "sample-wi-pd"},
        {"document_sha256": "e" * 64},
        {"paper_fp": b"q" * 32},
        {"targets": ("plate two",)},
        {"targets": ()},
        {"window_start": START + SECOND},
        {"window_end": END - SECOND},
        {"expires_at": NOW},
        {"expires_at": NOW - SECOND},
        {"at": NOW + SECOND},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_each_part_of_it_binds(changes: dict[str, Any]) -> None:
    """Another agency, document, description, plate; one second outside the window; expired; not yet made."""
    assert not covers(replace(VERIFICATION, **changes), "sample-il-pd", _query(), SHOWN, NOW)


def test_what_asks_about_nothing_or_shows_nothing_is_not_covered() -> None:
    """An empty set of targets is a subset of every paper's."""
    assert not covers(VERIFICATION, "sample-il-pd", _query(), replace(SHOWN, targets=frozenset()), NOW)
    assert not covers(VERIFICATION, "sample-il-pd", _query(legal_process=None), SHOWN, NOW)


# --- As it is recorded and found. -------------------------------------------------------------------------


def _record(city: City, **changes: Any) -> None:
    at = city.gate.clock.now()
    bound: dict[str, Any] = {
        "agency_id": "sample-il-pd",
        "query": _query(),
        "plates": {"DEMO1": "IL"},
        "cameras": (),
        "start": START,
        "end": END,
        "at": at,
        "expires_at": at + timedelta(days=3),
        "by": "staff-1",
        "level": "staff",
    }
    record(city.gate.ledger, city.gate.keys, **(bound | changes))


def _verified(city: City, query: Query, agency_id: str = "sample-il-pd", at: datetime | None = None) -> bool:
    return verified(city.gate.queries, city.gate.keys, agency_id, query, at or city.gate.clock.now())


def test_what_staff_recorded_counts_for_that_request_alone(city: City) -> None:
    """The same paper with another plate, state, window, agency, description or requester is a claim again."""
    assert not _verified(city, _query())
    _record(city)
    assert _verified(city, _query())
    assert _verified(city, _query(purpose__narrative="Robbery at gunpoint", query__limit=1))
    early = (START - SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
    late = (END + SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
    for other in (
        _query(query__plate="DEMO2"),
        _query(query__plate_state="WI"),
        _query(query__plate_state=None),
        _query(query__from=early),
        _query(query__to=late),
        _query(**PLACE),
        _query(legal_process=PAPER | {"document_sha256": "e" * 64}),
        _query(legal_process=PAPER | {"document_sha256": None}),
        _query(legal_process=PAPER | {"statute": "8 USC 1326"}),
        _query(legal_process=PAPER | {"kind": "search_warrant"}),
        _query(legal_process=PAPER | {"judge": "B. Judge"}),
        _query(legal_process=None),
        _query(on_behalf_of={"agency": "sample-hsi-office", "person": "Sam Agent"}),
    ):
        assert not _verified(city, other)
    assert not _verified(city, _query(), "sample-wi-pd")
    assert not _verified(city, _query(), at=city.gate.clock.now() + timedelta(days=3, seconds=1))


def test_a_paper_that_names_places_covers_those_cameras(city: City) -> None:
    """Every camera that is asked about must be named; fewer may be asked about."""
    _record(city, query=_query(**PLACE), plates={}, cameras=("cam-1", "cam-2"))
    assert _verified(city, _query(**PLACE))
    assert _verified(city, _query(**PLACE | {"query__cameras": ["cam-2"]}))
    assert not _verified(city, _query(**PLACE | {"query__cameras": ["cam-2", "cam-3"]}))
    assert not _verified(city, _query())


def test_the_last_word_on_a_document_counts(city: City) -> None:
    """An expiry at once takes a verification back."""
    _record(city)
    at = city.gate.clock.now() + timedelta(milliseconds=5)
    _record(city, at=at, expires_at=at)
    assert not _verified(city, _query(), at=at)


def test_once_the_key_of_its_day_is_destroyed_it_covers_nothing(city: City) -> None:
    """Nobody can tell any more what it was for."""
    _record(city)
    tomorrow = NOW + timedelta(days=1)
    DayKeys(city.state.settings.key_directory / "days", today=tomorrow.date).destroy(
        city.gate.clock.now().date()
    )
    assert not _verified(city, _query())


def test_the_record_is_an_entry_of_the_log_without_a_word_of_the_paper(city: City) -> None:
    """Public: that a paper of this agency was ruled on. Sealed: which, by whom, about what."""
    _record(city)
    entry = next(e for e in city.events() if e["event"] == "review.ruled")
    assert ("sample-il-pd", [], "staff", "permitted") == tuple(
        entry[name] for name in ("agency", "provisions", "review", "ruling")
    )
    assert {"at", "by", "request", "expires"} == set(entry["commitments"])
    text = json.dumps(entry)
    assert not [word for word in ("DEMO1", "Judge", "staff-1", "d" * 64) if word in text]
    index = city.state.ledger.entries_of(entry["ref"])[0].index
    sealed = city.state.ledger.detail_of(index).detail
    assert ({"DEMO1": "IL"}, "A. Judge") == (sealed["plates"], sealed["paper"]["judge"])  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    "changes",
    [
        {"plates": {}},
        {"start": END},
        {"expires_at": NOW - timedelta(days=1)},
        {"level": "clerk"},
        {"by": " "},
        {"query": _query(legal_process=None)},
        {"query": _query(legal_process=PAPER | {"document_sha256": None})},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_verification_of_nothing_is_refused(city: City, changes: dict[str, Any]) -> None:
    """Before anything is written."""
    size = len(city.events())
    with pytest.raises(OperatorError):
        _record(city, **changes)
    assert size == len(city.events())


HSI = {
    "purpose__category": "criminal_investigation",
    "purpose__narrative": "HSI drug trafficking case, courier vehicle",
    "purpose__offense": "35A",
    "legal_process": PAPER,
}


def test_a_verified_warrant_lets_a_criminal_case_of_a_federal_body_through(city: City) -> None:
    """TR-5: denied and queued until staff have verified the paper, then permitted for that plate alone."""
    asked = body(
        **HSI, on_behalf_of={"agency": "sample-hsi-office", "component": "HSI", "person": "S. Agent"}
    )
    refused = city.ask(asked)
    assert (403, ("federal_component",)) == (refused.status, refused.provisions)
    assert "queued" == json.loads(refused.body)["review"]["state"]
    _record(city, query=read_again(asked))
    assert 200 == city.ask(asked).status
    asked["query"]["plate"] = "DEMO2"
    assert 403 == city.ask(asked).status


def test_a_store_that_cannot_say_is_no_no(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unread verification is a refusal to answer, not an answer."""

    def gone(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(type(city.gate.queries), "verification", gone)
    with pytest.raises(StoreUnavailable):
        city.ask(body(legal_process=PAPER))
    assert "store_unavailable" == city.events()[-1]["reason"]


# --- Forms. -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "I-200",
        "i200",
        "I 200",
        "I.200",
        "I_200",
        "Form I-200",
        "FORM I200A (Rev. 09/16)",
        "DHS Form I-200",
        "dhsi200",
        "formi200",
        "ICE I/200",
        "I\u2013200",
        "I\u00a0200",
        "\u0406-200",
        "\uff29-\uff12\uff10\uff10",
        "I-2\u200b00",
        "l-200",
        "1-200",
        "|-200",
        "!-200",
        "I-2OO",
        "I-2o0",
        "I-Z00",
        "I - 2 0 0",
        "200",
        "Form 200",
        "Form No. 200-B",
        "I-918 and I-200",
        "Warrant for Arrest of Alien (I-200)",
    ],
)
def test_a_form_is_known_however_its_number_is_written(written: str) -> None:
    """No spelling makes another paper of it."""
    assert "I-200" in form_numbers(written)


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (None, []),
        ("", []),
        ("AO 442", []),
        ("AO-200", []),
        ("CCCR 0200", []),
        ("I-2000", []),
        ("Exhibit I", []),
        ("Illinois Supreme Court Rule 200 form", []),
        ("I-918", ["I-918"]),
        ("I-247A", ["I-247"]),
        ("I-205 / I-286", ["I-205", "I-286"]),
    ],
)
def test_other_papers_are_not_taken_for_one(written: str | None, numbers: list[str]) -> None:
    """A court's own form keeps its name."""
    assert numbers == form_numbers(written)
