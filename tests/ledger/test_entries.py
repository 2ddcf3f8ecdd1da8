"""Entries: a defect of ours must not be able to publish a plate."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest

from gatekeeper.errors import EntryRefused
from gatekeeper.ledger.commitments import opens
from gatekeeper.ledger.entries import EVENTS, Draft, count_band, fault_in, reseal, schema_of, seal
from gatekeeper.ledger.receipts import check_openings
from tests.ledger.made import PLATE, POLICY, Log, decided, new_ref, released, stop_set

NOW = datetime.now(UTC)


def _clear(draft: Draft, **changes: Any) -> Draft:
    return replace(draft, clear={**draft.clear, **changes})


def test_an_entry_holds_neither_plate_nor_name_nor_word(log: Log) -> None:
    """What was typed is in no byte of the entry; it is in the box, which is sealed."""
    sealed = seal(decided(), NOW, log.keys)
    for private in (PLATE, "Pat Example", '"4411"', "sedan", '"240"', f"{NOW:%H:%M}"):
        assert private.encode() not in sealed.entry
        assert private.encode() not in sealed.box
    document = json.loads(sealed.entry)
    assert f"{NOW:%Y-%m-%dT%H}Z" == document["hour"]
    assert {"at", "offense", "officer", "query", "hidden_provisions", "request"} == set(
        document["commitments"]
    )


def test_two_entries_about_one_plate_share_nothing(log: Log) -> None:
    """Each commitment has a salt of its own, so equal values look unrelated, and none can be guessed."""
    one, two = (json.loads(seal(decided(), NOW, log.keys).entry)["commitments"] for _ in range(2))
    assert 12 == len({*one.values(), *two.values()})
    sealed = seal(decided(), NOW, log.keys)
    salts = [opening["salt"] for opening in sealed.openings.values()]
    assert len(salts) == len(set(salts))
    assert not opens("offense", "240", bytes(32), json.loads(sealed.entry)["commitments"]["offense"])


@pytest.mark.parametrize(
    "draft",
    [
        pytest.param(_clear(decided(), plate=PLATE), id="an unknown field"),
        pytest.param(_clear(decided(), agency=PLATE), id="a plate for an agency"),
        pytest.param(_clear(decided(), agency=PLATE.lower()), id="a plate in lower case"),
        pytest.param(_clear(decided(), agency=None), id="no agency"),
        pytest.param(_clear(decided(), end_requester="AB12345"), id="a plate for an end requester"),
        pytest.param(_clear(decided(), category="looking for DEMO123"), id="words for a category"),
        pytest.param(_clear(decided(), provisions=["ab12345"]), id="a plate for a provision"),
        pytest.param(_clear(decided(), provisions=["affirmation"] * 2), id="a provision twice"),
        pytest.param(_clear(decided(), policy={**POLICY, "note": PLATE}), id="an unknown field inside"),
        pytest.param(
            _clear(decided(), policy={"revision": PLATE, "digest": PLATE}), id="a plate for a policy"
        ),
        pytest.param(_clear(decided(), replay="no"), id="a wrong type"),
        pytest.param(_clear(released("q" * 16, 1), count_band="3"), id="an exact count"),
        pytest.param(_clear(released("q" * 16, 1), count=3), id="an exact count beside the band"),
        pytest.param(_clear(released("q" * 16, 1), page=float("nan")), id="NaN"),
        pytest.param(_clear(released("q" * 16, 1), decided=-1), id="an index below zero"),
        pytest.param(_clear(decided(), hour="2020-01-01T00Z"), id="a time of its own"),
        pytest.param(_clear(decided(), commitments={}), id="commitments of its own"),
        pytest.param(_clear(decided(), event="query.refused"), id="another event's name"),
        pytest.param(replace(decided(), ref=PLATE), id="a plate for a query id"),
        pytest.param(replace(decided(), ref="a lone \ud800 surrogate"), id="a surrogate in clear"),
        pytest.param(replace(decided(), secret={**decided().secret, "request": "\ud800"}), id="a surrogate"),
        pytest.param(replace(decided(), secret={**decided().secret, "request": float("inf")}), id="infinity"),
        pytest.param(replace(decided(), secret={**decided().secret, "at": "now"}), id="a time to commit to"),
        pytest.param(replace(decided(), secret={**decided().secret, PLATE: 1}), id="a plate for a name"),
        pytest.param(replace(decided(), secret={**decided().secret, "plate": 1}), id="an unknown commitment"),
        pytest.param(replace(decided(), secret={}), id="commitments left out"),
        pytest.param(replace(decided(), detail={"words": "\udead"}), id="a surrogate in the detail"),
        pytest.param(replace(decided(), event="query.peeked"), id="an event outside the list"),
        pytest.param(replace(decided(), event="../terms"), id="a path for an event"),
        pytest.param(replace(decided(), event="terms"), id="the terms for an event"),
        pytest.param(stop_set("s" * 16, "agency", PLATE), id="a plate for a stop"),
        pytest.param(_clear(stop_set("s" * 16, "camera", "cam-1"), value="cam-1"), id="a camera in clear"),
        pytest.param(stop_set("s" * 16, "all", "local"), id="a value for everything"),
        pytest.param(
            Draft("query.refused", "q" * 16, {"reasons": {PLATE: 3}}, {}, {}),
            id="a caller's text as a reason",
        ),
        pytest.param(
            Draft("query.refused", "q" * 16, {"reasons": {"bad_token": 3}, "agency": "agency-one"}, {}, {}),
            id="a count with an agency",
        ),
        pytest.param(Draft("query.refused", "q" * 16, {"over": {"agency": 3}}, {}, {}), id="over, but who"),
        pytest.param(
            Draft("query.refused", "q" * 16, {"over": {"4411": 3}, "agency": "agency-one"}, {}, {}),
            id="a badge for a limit",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_append_without_quoting_it(log: Log, draft: Draft) -> None:
    """Nothing is written, and the error (which goes to a log) does not repeat what was refused."""
    with pytest.raises(EntryRefused) as refused:
        log.ledger.append(draft)
    assert PLATE.lower() not in str(refused.value).lower()
    assert "12345" not in str(refused.value)
    assert 0 == log.rows.head().size


def test_an_entry_of_64_kib_is_refused(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A C2SP entry bundle has two bytes for a length; the schema keeps even legal fields far below."""
    entries = importlib.import_module("gatekeeper.ledger.entries")
    monkeypatch.setattr(entries, "MAX_ENTRY_BYTES", 500)
    with pytest.raises(EntryRefused, match="64 KiB"):
        log.ledger.append(decided())
    monkeypatch.undo()
    many = [f"provision_{i}_{'x' * 30}" for i in range(2000)]
    with pytest.raises(EntryRefused):
        log.ledger.append(_clear(decided(), provisions=many))


def test_entries_of_every_kind_fit_their_schema(log: Log) -> None:
    """What the gate writes is accepted."""
    ref = new_ref()
    agency: dict[str, Any] = {
        "agency": "agency-elsewhere",
        "kind": "local",
        "state": "IL",
        "status": "active",
    }
    by = {"by": "Sam Example"}
    for draft in (
        decided(ref, "deny"),
        replace(decided(ref), event="query.previewed"),
        released(ref, 0, end=("agency-third", "federal")),
        Draft("query.refused", ref, {"agency": "agency-one", "reason": "internal", "stage": "fetch"}, {}, {}),
        Draft("query.refused", ref, {"reasons": {"bad_signature": 12}}, {}, {}),
        Draft("policy.activated", ref, {"policy": POLICY, "previous": None}, by, {}),
        Draft("agency.added", ref, agency, {**by, "name": "Elsewhere Police", "ori": "IL0000000"}, {}),
        Draft("purge.begun", ref, {"before": "2026-10-01"}, by, {}),
        Draft("purge.held", ref, {}, by, {}),
        stop_set(ref),
        stop_set(ref, "kind", "federal"),
        stop_set(ref, "camera", "cam-1"),
    ):
        assert draft.event == json.loads(seal(draft, NOW, log.keys).entry)["event"]


def test_the_list_and_the_schema_files_agree() -> None:
    """Each event has its file, no file is without an event, and none lets an unknown field through."""
    files = {path.name for path in resources.files("gatekeeper.ledger").joinpath("events").iterdir()}
    assert {f"{name}.json" for name in (*EVENTS, "terms")} == files
    for event in EVENTS:
        schema: Any = schema_of(event)
        assert event == schema["title"] == schema["properties"]["event"]["const"]
        assert schema["additionalProperties"] is False
        assert schema["properties"]["commitments"]["additionalProperties"] is False
        assert "at" in schema["properties"]["commitments"]["required"]
        assert len(schema["description"]) > 15
    with pytest.raises(EntryRefused):
        schema_of("../../errors")


@pytest.mark.parametrize(
    "document", [None, [], "query.decided", {}, {"event": 1}, {"event": ["query.decided"]}]
)
def test_what_is_no_entry_has_a_fault(document: object) -> None:
    """Whatever its type."""
    assert "the event is not on the list" == fault_in(document)


def test_a_later_time_changes_time_and_nothing_else(log: Log) -> None:
    """Sealed again, an entry keeps its openings; its commitment to the time is new and opens."""
    first = seal(decided(), NOW, log.keys)
    again = reseal(first, first.at_ms + 5, log.keys)
    one, two = json.loads(first.entry), json.loads(again.entry)
    assert one["commitments"].pop("at") != two["commitments"].pop("at")
    assert one == two
    assert first.openings != again.openings
    check_openings(json.loads(again.entry)["commitments"], {k: dict(v) for k, v in again.openings.items()})


@pytest.mark.parametrize(
    ("count", "band"), [(0, "0"), (1, "1-9"), (9, "1-9"), (10, "10-99"), (99, "10-99"), (100, "100+")]
)
def test_counts_are_told_roughly(count: int, band: str) -> None:
    """At the edges of each band."""
    assert band == count_band(count)


def test_a_count_below_zero_and_a_naive_time_are_refused(log: Log) -> None:
    """Both are defects of ours."""
    with pytest.raises(ValueError, match="negative"):
        count_band(-1)
    with pytest.raises(ValueError, match="zone"):
        seal(decided(), datetime(2026, 11, 22), log.keys)  # noqa: DTZ001 - the defect under test
