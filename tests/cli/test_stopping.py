"""``stop`` and ``resume``: a typo must not leave a city believing that it stopped."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.ledger.stops import LEASE_SECONDS
from gatekeeper.records.sample import build
from tests.cli.shell import City, spawned, typed

WHY = ("--reason", "Council resolution of 3 November")


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of a few reads."""
    file = tmp_path_factory.mktemp("reads") / "reads.db"
    build(file, seed=1, reads=300, until=datetime.now(UTC))
    return file


@pytest.fixture
def watched(city: City, reads: Path) -> City:
    """Return a city with cameras."""
    (city.data / "reads.db").write_bytes(reads.read_bytes())
    return city


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        (["--all"], None),
        (["--agency", "maple-grove-pd"], "maple-grove-pd"),
        (["--agency", "IL0160000"], "maple-grove-pd"),
        (["--kind", "federal"], "federal"),
        (["--camera", "cam-01"], "cam-01"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_a_stop_is_set_listed_and_lifted(watched: City, scope: list[str], value: str | None) -> None:
    """It names its id; lifting it twice, or another one, is refused."""
    watched.add_agency("maple-grove-pd", "--ori", "IL0160000")
    began = time.monotonic()
    result = typed("stop", *scope, *WHY, "--data", str(watched.data))
    assert 0 == result.exit_code, result.output
    assert time.monotonic() - began >= LEASE_SECONDS, "it returned while a body could still begin"
    (stop,) = watched.rows("stop", "--list")
    assert (scope[0].removeprefix("--"), value) == (stop["scope"], stop["value"])
    assert f"gatekeeper resume {stop['id']}" in result.stderr
    assert stop["id"] in watched.run("stop", "--list")
    assert "--list" in watched.refused("resume", "stop_0", *WHY)
    watched.run("resume", stop["id"], *WHY)
    assert [] == watched.rows("stop", "--list")
    assert "--list" in watched.refused("resume", stop["id"], *WHY)
    assert ["agency.added", "stop.set", "stop.lifted"] == watched.events()


NOT_STOPPED = {
    "no scope": (WHY, "give one of"),
    "two scopes": (["--all", "--kind", "local", *WHY], "give one of"),
    "no reason": (["--all"], "--reason"),
    "an empty reason": (["--all", "--reason", ""], "--reason"),
    "a dot as the reason": (["--all", "--reason", "."], "--reason"),
    "digits as the reason": (["--all", "--reason", "1234567890123"], "--reason"),
    "an unknown agency": (["--agency", "nobody-at-all", *WHY], "gatekeeper agency list"),
    "a misspelt camera": (["--camera", "cam-o1", *WHY], "NOTHING WAS STOPPED"),
    "a camera in capitals": (["--camera", "CAM-01", *WHY], "NOTHING WAS STOPPED"),
    "an empty camera": (["--camera", "", *WHY], "NOTHING WAS STOPPED"),
}


@pytest.mark.parametrize(("arguments", "said"), NOT_STOPPED.values(), ids=NOT_STOPPED.keys())
def test_what_would_stop_nothing_is_refused(watched: City, arguments: list[str], said: str) -> None:
    """Exit status 1, what to type instead, and no stop on record."""
    assert said in watched.refused("stop", *arguments)
    assert [] == watched.rows("stop", "--list")
    assert [] == watched.events()


def test_a_misspelt_camera_is_answered_with_those_that_are_near(watched: City) -> None:
    """The right id is one glance away."""
    assert "cam-01" in watched.refused("stop", "--camera", "cam-o1", *WHY)


def test_a_camera_not_yet_in_the_store_can_be_stopped_by_saying_so(watched: City) -> None:
    """One that was put up today may have no reads; --unlisted says that no typo is meant."""
    watched.run("stop", "--camera", "cam-99", "--unlisted", *WHY)
    assert ["cam-99"] == [stop["value"] for stop in watched.rows("stop", "--list")]


def test_a_store_of_reads_that_is_gone_keeps_nobody_from_stopping(city: City) -> None:
    """The stop is set; that the id could not be checked is said."""
    result = typed("stop", "--camera", "cam-01", *WHY, "--data", str(city.data))
    assert 0 == result.exit_code
    assert "check the id yourself" in result.stderr
    assert ["cam-01"] == [stop["value"] for stop in city.rows("stop", "--list")]


def test_an_unknown_kind_is_refused_with_the_kinds(city: City) -> None:
    """Click's usage error names the choices."""
    result = typed("stop", "--kind", "martian", *WHY, "--data", str(city.data))
    assert 2 == result.exit_code
    assert "fusion_center" in result.stderr


def test_a_stop_that_cannot_be_committed_says_so(city: City) -> None:
    """Another process holds the database: exit status 1, never a false 'in force'."""
    held = sqlite3.connect(city.data / "state.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    try:
        done = spawned("stop", "--all", *WHY, "--data", str(city.data))
    finally:
        held.rollback()
        held.close()
    assert (1, "") == (done.returncode, done.stdout)
    assert "THE STOP MAY NOT BE IN FORCE" in done.stderr
    assert "end the service" in done.stderr


@pytest.mark.parametrize("broken", ["a day key open to others", "a log key open to others", "no words"])
def test_a_stop_that_is_refused_is_not_taken_for_one(city: City, broken: str) -> None:
    """Whatever the fault: nobody is to read past it."""
    why = "Council \udcff resolution" if broken == "no words" else WHY[1]
    city.add_agency()
    match broken:
        case "a day key open to others":
            next((city.data / "keys" / "days").glob("*.key")).chmod(0o644)
        case "a log key open to others":
            (city.data / "keys" / "log.pem").chmod(0o644)
    assert "THE STOP MAY NOT BE IN FORCE" in city.refused("stop", "--all", "--reason", why)


def test_the_camera_of_a_stop_is_not_in_its_entry(watched: City) -> None:
    """Which camera is a place: the public log only commits to it."""
    watched.run("stop", "--camera", "cam-01", *WHY)
    (proof,) = watched.rows("ledger", "prove", "0")
    assert "cam-01" not in proof["entry"]
    assert '"scope":"camera"' in proof["entry"]
