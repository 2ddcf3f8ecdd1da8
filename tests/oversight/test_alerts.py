"""What must be looked at is said, with what to do; what is not known is an alert, and never silence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.exchange.badges import Impossible
from gatekeeper.ledger import Head, SigningKey, StoredEntry
from gatekeeper.oversight.alerts import (
    Expiring,
    Jump,
    Standing,
    Untold,
    alerts_of,
    expiring,
    sudden,
    uncovered,
)
from gatekeeper.oversight.patterns import Shared
from gatekeeper.store.values import Affirmation, Agency

TODAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _shared(kind: Impossible) -> Shared:
    return Shared(kind, "sample-il-pd", 3, 9, ("q_1", "q_2"))


def test_where_all_is_well_nothing_is_said() -> None:
    """An alert that is always there is read by nobody."""
    assert () == alerts_of(Standing())


@pytest.mark.parametrize(
    ("standing", "level", "told"),
    [
        (Standing(missing=2), "urgent", "2 requests about a missing person"),
        (Standing(overdue=3), "urgent", "3 reviews are overdue"),
        (Standing(undelivered=1), "warning", "1 notices"),
        (Standing(locked=4), "warning", "4 staff accounts"),
        (Standing(jumps=(Jump("sample-il-pd", 40, 5),)), "warning", "sample-il-pd was denied 40 times"),
        (
            Standing(shared=[_shared("clients")]),
            "warning",
            "3 badges of sample-il-pd asked from several of its",
        ),
        (
            Standing(shared=[_shared("hours")]),
            "warning",
            "3 badges of sample-il-pd asked around the clock, 9 times",
        ),
        (
            Standing(shared=[_shared("sessions")]),
            "warning",
            "asked in several sessions at once, 9 times. The latest: q_1, q_2",
        ),
        (Standing(failing=["records"]), "urgent", "“records”"),
        (Standing(uncovered=True), "urgent", "No checkpoint"),
        (Standing(checkpoint_fault="the disk is full"), "urgent", "No checkpoint"),
        (Standing(uncounted=None), "urgent", "The figures stand still"),
        (Standing(uncounted=9), "notice", "9 entries"),
        (Standing(unverified=["One", "Two"]), "notice", "2 provisions"),
        (
            Standing(untold=[Untold("sample-il-pd", TODAY, "contact")]),
            "warning",
            "sample-il-pd has no contact",
        ),
        (Standing(untold=[Untold("sample-il-pd", TODAY, "mail")]), "warning", "1 agencies are not reminded"),
        (Standing(expiring=(Expiring(None, "affirmation", TODAY, -1),)), "warning", "1 affirmations"),  # type: ignore[arg-type]
    ],
)
def test_each_trouble_is_one_alert_with_its_cure(standing: Standing, level: str, told: str) -> None:
    """And the way to where it is cured."""
    (alert,) = alerts_of(standing)
    assert level == alert.level
    assert told in alert.said % alert.values
    assert alert.cure.endswith((".", ":"))
    assert alert.link.startswith(("/", "#"))


def test_the_gravest_stand_first() -> None:
    """Whatever order they are found in."""
    found = alerts_of(Standing(locked=1, unverified=["One"], overdue=1, uncounted=1, failing=["clock"]))
    assert ["urgent", "urgent", "warning", "notice", "notice"] == [alert.level for alert in found]


@pytest.mark.parametrize(
    ("recent", "before", "jumps"),
    [
        ({"a": 9}, {}, []),
        ({"a": 10}, {}, [("a", 10, 0)]),
        ({"a": 30}, {"a": 40}, [("a", 30, 10)]),
        ({"a": 29}, {"a": 40}, []),
        ({"a": 30, "b": 60}, {"a": 4, "b": 8}, [("b", 60, 2), ("a", 30, 1)]),
        ({}, {"a": 100}, []),
    ],
)
def test_a_jump_is_three_times_the_usual_week(
    recent: dict[str, int], before: dict[str, int], jumps: list[tuple[str, int, int]]
) -> None:
    """Of the four weeks before; a handful of denials is none."""
    assert jumps == list(sudden(recent, before))


def _agency(*ends: tuple[str, int | None], status: str = "active") -> Agency:
    signed = tuple(
        Affirmation(
            f"s{n}",
            "sample-il-pd",
            kind,  # type: ignore[arg-type]
            "2026-01",
            "Sam Sample",
            "Chief",
            TODAY,
            None if days is None else TODAY + timedelta(days=days),
            None,
        )
        for n, (kind, days) in enumerate(ends)
    )
    return Agency("sample-il-pd", None, "Sample", "local", "IL", status, False, (), signed)


@pytest.mark.parametrize(
    ("agency", "found"),
    [
        (_agency(), []),
        (_agency(("affirmation", 61)), []),
        (_agency(("affirmation", 60)), [("affirmation", 60)]),
        (_agency(("affirmation", 0)), [("affirmation", 0)]),
        (_agency(("affirmation", -1)), [("affirmation", -1)]),
        (_agency(("affirmation", None)), []),
        (_agency(("affirmation", None), ("affirmation", 5)), []),
        (_agency(("affirmation", -9), ("affirmation", 300)), []),
        (_agency(("affirmation", -9), ("affirmation", 3)), [("affirmation", 3)]),
        (
            _agency(("declaration", 4), ("affirmation", -2)),
            [("affirmation", -2), ("declaration", 4)],
        ),
        (_agency(("affirmation", -1), status="suspended"), []),
    ],
)
def test_what_lapses_is_told_of_the_one_that_counts_longest(
    agency: Agency, found: list[tuple[str, int]]
) -> None:
    """For agencies that may ask at all; the soonest first."""
    assert found == [(each.kind, each.days) for each in expiring([agency], TODAY)]


@dataclass
class _Log:
    size: int
    hour: str
    kept: str | None

    def head(self) -> Head:
        return Head(self.size, (), 0)

    def entry(self, index: int, /) -> StoredEntry | None:
        if index >= self.size:
            return None
        return StoredEntry(index, json.dumps({"hour": self.hour}).encode(), b"", "query.decided", "q")

    def last_checkpoint(self) -> str | None:
        return self.kept


@pytest.mark.parametrize(
    ("size", "covered", "hour", "expected"),
    [
        (0, None, "", False),
        (9, 9, "2026-11-01T00Z", False),
        (9, 4, "2026-11-25T11Z", False),
        (9, 4, "2026-11-25T10Z", False),
        (9, 4, "2026-11-25T09Z", True),
        (9, None, "2026-11-25T09Z", True),
        (9, None, "2026-11-25T11Z", False),
    ],
)
def test_old_entries_without_a_kept_checkpoint_are_noticed(
    tmp_path: Path, size: int, covered: int | None, hour: str, *, expected: bool
) -> None:
    """A minute of entries is not: one is kept each second while entries come."""
    key = SigningKey.create(tmp_path / "log.pem", "sample.example/log")
    kept = None if covered is None else key.sign(covered, b"r" * 32)
    assert expected is uncovered(_Log(size, hour, kept), key.verifier, NOON)


def test_a_checkpoint_that_is_not_ours_covers_nothing(tmp_path: Path) -> None:
    """Nor does one that cannot be read."""
    key = SigningKey.create(tmp_path / "log.pem", "sample.example/log")
    other = SigningKey.create(tmp_path / "other.pem", "sample.example/log")
    for kept in (other.sign(9, b"r" * 32), "nonsense"):
        assert uncovered(_Log(9, "2026-11-25T11Z", kept), key.verifier, NOON) is True
