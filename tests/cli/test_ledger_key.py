"""``gatekeeper ledger new-key``: two steps, each logged, that can be done again and in no other order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.ledger import rotation
from tests.cli.shell import City, typed
from tests.servers.hsm import Token, token_of

WHY = ("--reason", "The machine that held it is to be sold")


def events(city: City) -> list[dict[str, object]]:
    """Return what the log says of its keys."""
    found = []
    for number in range(int(city.run("ledger", "checkpoint").split("\n")[1])):
        entry = json.loads(city.run("ledger", "show", str(number), "--json"))
        entry = json.loads(entry["entry"]) if "entry" in entry else entry
        if str(entry["event"]).startswith("ledger."):
            found.append(entry)
    return found


def test_the_two_steps(city: City) -> None:
    """Both sign, then the new one; the log verifies all the way, and says which keys and up to where."""
    city.add_agency()
    (old,) = city.run("ledger", "key").split()
    assert "" == city.run("ledger", "key", "--former")
    new = city.run("ledger", "new-key", *WHY).split("\n")[0]
    assert [old, new] == city.run("ledger", "key").split()
    assert 2 == city.run("ledger", "checkpoint").count("\n— ")
    assert "consistent" in city.run("ledger", "verify")
    assert "consistent" in city.run("ledger", "verify", "--vkey", old)
    said = city.run("ledger", "new-key", "--retire-old", *WHY)
    assert new == said.split("\n")[0]
    assert [new] == city.run("ledger", "key").split()
    assert 1 == city.run("ledger", "checkpoint").count("\n— ")
    assert "consistent" in city.run("ledger", "verify")
    assert "consistent" in city.run("ledger", "verify", "--vkey", old, "--vkey", new)
    alone = typed("ledger", "verify", "--vkey", new, "--data", str(city.data))
    assert 1 == alone.exit_code  # what the old one signed is not the new one's
    added, retired = events(city)
    assert ("ledger.key_added", new) == (added["event"], added["vkey"])
    assert ("ledger.key_retired", old) == (retired["event"], retired["vkey"])
    assert f"{old} {retired['upto']}\n" == city.run("ledger", "key", "--former")


def test_each_step_has_its_place(city: City) -> None:
    """Nothing to retire, nothing to add twice; each message has the command that is next."""
    for arguments, told in (
        (("--retire-old",), "gatekeeper ledger new-key --reason"),
        ((), None),
        ((), "gatekeeper ledger new-key --retire-old"),
        (("--retire-old",), None),
        (("--retire-old",), "gatekeeper ledger new-key --reason"),
    ):
        result = typed("ledger", "new-key", *arguments, *WHY, "--data", str(city.data))
        assert (0 if told is None else 1) == result.exit_code, result.output
        assert (told or "") in result.output


def test_a_step_that_broke_off_before_the_log_knew_is_gone_on_with(city: City) -> None:
    """The key is there, the entry is not: the same key is announced."""
    origin = city.run("ledger", "key").split("+")[0]
    key = rotation.begin(city.data / "keys" / "log.pem", origin)
    refused = typed("ledger", "new-key", "--retire-old", *WHY, "--data", str(city.data))
    assert 1 == refused.exit_code
    assert str(key) == city.run("ledger", "new-key", *WHY).split("\n")[0]
    assert 1 == len(events(city))


@pytest.fixture
def token(tmp_path: Path) -> Iterator[Token]:
    """A token with two pairs."""
    (tmp_path / "hsm").mkdir()
    with token_of(tmp_path / "hsm") as made:
        yield made


@pytest.mark.needs("softhsm")
def test_a_key_in_hardware_takes_the_place_of_the_file(city: City, token: Token) -> None:
    """The same two steps; without the token a stop is set and nothing is signed, and doctor says why."""
    new = city.run("ledger", "new-key", "--pkcs11", token.uri(), *WHY).split("\n")[0]
    assert 2 == city.run("ledger", "checkpoint").count("\n— ")
    city.run("ledger", "new-key", "--retire-old", *WHY)
    assert [new] == city.run("ledger", "key").split()
    assert "consistent" in city.run("ledger", "verify")
    assert {"state": "ok"}.items() <= _doctor(city)["keys"].items()
    token.away()
    assert "no checkpoint can be signed" in city.refused("ledger", "checkpoint")
    city.run("stop", "--all", *WHY)
    assert "consistent" in city.run("ledger", "verify")
    told = _doctor(city)
    assert ("failed", True) == (told["keys"]["state"], "the PIN of the log's key" in told["keys"]["detail"])
    token.back()
    assert "ok" == _doctor(city)["keys"]["state"]
    assert "consistent" in city.run("ledger", "verify")
    assert ["ledger.key_added", "ledger.key_retired"] == [entry["event"] for entry in events(city)]


@pytest.mark.needs("softhsm")
def test_what_names_no_key_of_hardware_changes_nothing(city: City, token: Token) -> None:
    """Each with what to give."""
    for uri, told in (
        (token.uri("none"), "does not give the log's key"),
        (token.uri("other"), "not one of Ed25519"),
        ("/keys/log.pem", "--pkcs11 names the key"),
        ("pkcs11:token=x", "lacks"),
    ):
        assert told in city.refused("ledger", "new-key", "--pkcs11", uri, *WHY)
    assert "--pkcs11 names the key" in city.refused(
        "ledger", "new-key", "--retire-old", "--pkcs11", token.uri(), *WHY
    )
    assert [] == events(city)


@pytest.mark.needs("softhsm")
def test_a_new_key_that_was_lost_is_given_up(city: City, token: Token) -> None:
    """Before it signs alone: its file goes, the old key signs on, and another may follow."""
    (old,) = city.run("ledger", "key").split()
    city.run("ledger", "new-key", "--pkcs11", token.uri(), *WHY)
    token.away()
    assert "no checkpoint can be signed" in city.refused("ledger", "checkpoint")
    (city.data / "keys" / "log.next.pem").unlink()
    assert 1 == city.run("ledger", "checkpoint").count("\n— ")
    token.back()
    new = city.run("ledger", "new-key", "--pkcs11", token.uri("log-2"), *WHY).split("\n")[0]
    city.run("ledger", "new-key", "--retire-old", *WHY)
    assert [new] == city.run("ledger", "key").split()
    assert "consistent" in city.run("ledger", "verify", "--vkey", old, "--vkey", new)


def _doctor(city: City) -> dict[str, dict[str, str]]:
    rows = typed("doctor", "--json", "--data", str(city.data)).stdout.splitlines()
    return {row["check"]: row for row in map(json.loads, rows)}
