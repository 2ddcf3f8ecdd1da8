"""What an agency is told that it lacks: facts of the registry, each with its cure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gatekeeper.store.values import Affirmation, Agency, Stop
from gatekeeper.web.shortcomings import days_left, shortcomings

TODAY = date(2026, 11, 22)
SIGNED = Affirmation("a", "pd", "affirmation", "2026-01", "Sam", "Chief", date(2026, 1, 1), None, None)
LAPSED = replace(SIGNED, expires_on=TODAY)
WHOLE = Agency("sample-pd", None, "Sample PD", "local", "IL", "active", False, ("a@b.example",), (SIGNED,))
STOP = Stop("s", "kind", "local", datetime(2026, 11, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("agency", "stops", "codes"),
    [
        (WHOLE, (), []),
        (replace(WHOLE, status="suspended"), (), ["suspended"]),
        (WHOLE, (STOP,), ["stopped"]),
        (WHOLE, (replace(STOP, value="federal"),), []),
        (replace(WHOLE, affirmations=()), (), ["nothing_signed"]),
        (replace(WHOLE, affirmations=(LAPSED,)), (), ["nothing_signed", "lapsed"]),
        (replace(WHOLE, affirmations=(LAPSED, SIGNED)), (), []),
        (replace(WHOLE, affirmations=(SIGNED, replace(LAPSED, kind="declaration"))), (), ["lapsed"]),
        (replace(WHOLE, contacts=()), (), ["no_contact"]),
    ],
)
def test_what_is_so_is_named_with_its_cure(agency: Agency, stops: tuple[Stop, ...], codes: list[str]) -> None:
    """And nothing that is not; a stop of others is not told."""
    found = shortcomings(agency, stops, TODAY)
    assert codes == [each["code"] for each in found if isinstance(each, dict)]
    assert all(isinstance(each, dict) and each["detail"] and each["cure"] for each in found)


def test_the_days_that_are_left_end_at_nought() -> None:
    """``expires_on`` is the first day on which it no longer counts."""
    assert (None, 0, 0, 1) == tuple(
        days_left(day, TODAY) for day in (None, date(2026, 11, 1), TODAY, date(2026, 11, 23))
    )
