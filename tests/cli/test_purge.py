"""Erasing, and holding, at a terminal."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.cli.shell import City, typed
from tests.exchange.conftest import bundle
from tests.purge.conftest import Past, past
from tests.purge.made import GONE, HELD, REASON

__all__ = ["bundle", "past"]
BEFORE = str(datetime.now(UTC).date() - timedelta(days=40))


@pytest.fixture
def city(past: Past, tmp_path: Path) -> City:
    """Return a copy of the city with a past."""
    return City(Path(shutil.copytree(past.data, tmp_path / "past")))


def _person(city: City, role: str) -> dict[str, Any]:
    (made,) = city.rows("staff", "add", f"pat.{role}", "--name", "Pat Sample", "--role", role)
    return made


def _as(city: City, made: dict[str, Any], *arguments: str, steps: int = 0) -> Any:
    code = pyotp.TOTP(made["totp_secret"]).at(datetime.now(UTC) + timedelta(seconds=30 * steps))
    text = f"{made['password']}\n{code}\n"
    return typed("hold", *arguments, "--as", made["username"], "--data", str(city.data), text=text)


def test_a_dry_run_says_what_would_be_and_does_nothing(city: City) -> None:
    """Not even an entry."""
    [plan] = city.rows("purge", "--before", BEFORE, "--dry-run")
    assert (2, BEFORE, 0) == (plan["days"], plan["before"], plan["unfinished"])
    assert plan["details"] > 6
    assert [plan] == city.rows("purge", "--before", BEFORE, "--dry-run")


def test_it_erases_by_the_citys_retention(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log still verifies; the second time there is nothing to do; ``doctor`` says how far it is."""
    monkeypatch.setenv("GATEKEEPER_RETENTION_DAYS", "40")
    [done] = city.rows("purge")
    assert (BEFORE, 2) == (done["before"], done["days"])
    assert "nothing to erase\n" == city.run("purge")
    assert "consistent" in city.run("ledger", "verify")
    checks = typed("doctor", "--json", "--data", str(city.data)).stdout
    assert f"all before {BEFORE} is erased; private detail is kept 40 days" in checks


def test_it_is_held_by_whom_the_law_trusts_with_it(
    city: City, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Legal places a hold with password and code; records staff are told that they may not."""
    monkeypatch.setenv("GATEKEEPER_RETENTION_DAYS", "40")
    legal, records = _person(city, "legal"), _person(city, "records")
    refused = _as(city, records, "place", past.ids[HELD], "--reason", REASON)
    assert 1 == refused.exit_code
    assert "may not keep private detail for a court" in refused.stderr
    placed = _as(city, legal, "place", past.ids[HELD], "--reason", REASON)
    assert 0 == placed.exit_code, placed.output
    [done] = city.rows("purge")
    assert 2 == done["held"]
    listed = _as(city, legal, "list", "--json", steps=1)
    assert REASON in listed.stdout
    assert past.ids[HELD] in listed.stdout
    gone = _as(city, legal, "place", past.ids[GONE], "--reason", REASON)
    assert 1 == gone.exit_code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "GATEKEEPER_RETENTION_DAYS"),
        (["--before", BEFORE], "say why"),
        (["--before", BEFORE, "--reason", "."], "Say why"),
        (["--before", str(datetime.now(UTC).date()), "--reason", REASON], "less than 31 days"),
        (["--before", "9999-12-31", "--reason", REASON], "less than 31 days"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(city: City, arguments: list[str], said: str) -> None:
    """And what to do."""
    assert said in city.refused("purge", *arguments)


@pytest.mark.parametrize("days", ["30", "-1", "99999"])
def test_a_retention_that_makes_no_sense_is_refused(
    city: City, days: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is erased by it."""
    monkeypatch.setenv("GATEKEEPER_RETENTION_DAYS", days)
    assert "cannot be" in city.refused("purge")


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "", "0000-01-01"])
def test_a_day_that_is_none_is_refused(city: City, given: str) -> None:
    """By the command line."""
    assert 2 == typed("purge", "--before", given, "--data", str(city.data)).exit_code


def test_the_first_day_of_all_erases_nothing(city: City) -> None:
    """There is nothing before it."""
    assert [] == city.rows("purge", "--before", "0001-01-01", "--reason", REASON)
