"""``gatekeeper token-key``: steps in their order, each logged, none of which can be done too early."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import token_key
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger import Ledger
from gatekeeper.settings import load
from gatekeeper.state import token_keys
from gatekeeper.web.keys import TokenKeys
from tests.cli.shell import City, typed

WHY = ("--reason", "The yearly change")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no step wait."""
    for name in ("CACHED_S", "ENDED_S", "FOLLOWED_S"):
        monkeypatch.setattr(token_key, name, 0.0)


def states(city: City) -> dict[str, str]:
    """Return the state of each key."""
    return {row["key id"]: row["state"] for row in city.rows("token-key", "list")}


def told(city: City) -> list[dict[str, Any]]:
    """Return what the log says of the keys of tokens."""
    from gatekeeper.state import open_state  # noqa: PLC0415  only this reads the state

    state = open_state(load(data=city.data))
    try:
        entries = [json.loads(entry.entry) for entry in state.rows.entries(0, 1_000)]
    finally:
        state.close()
    return [entry for entry in entries if entry["event"].startswith("token_key.")]


@pytest.mark.usefixtures("impatient")
def test_the_three_steps(city: City) -> None:
    """Next → active → retired → gone, each with its entry that names the key, the person and why."""
    (first,) = states(city)
    second = city.run("token-key", "prepare", *WHY).splitlines()[0]
    assert {first: "active", second: "next"} == states(city)
    assert second in city.run("token-key", "activate", *WHY)
    assert {first: "retired", second: "active"} == states(city)
    city.run("token-key", "drop", first, *WHY)
    assert {second: "active"} == states(city)
    prepared, activated, dropped = told(city)
    assert ("token_key.prepared", second) == (prepared["event"], prepared["kid"])
    assert ("token_key.activated", second, first) == (
        activated["event"],
        activated["kid"],
        activated["retired"],
    )
    assert ("token_key.dropped", first) == (dropped["event"], dropped["kid"])
    assert all({"at", "by", "reason"} == entry["commitments"].keys() for entry in told(city))
    assert "consistent" in city.run("ledger", "verify")


def test_files_are_private_and_whole(city: City) -> None:
    """0600 in 0700, and nothing half written beside them."""
    city.run("token-key", "prepare", *WHY)
    directory = city.data / "keys" / "tokens"
    assert ["active.pem", "next.pem"] == sorted(file.name for file in directory.iterdir())
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}
    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)


def test_each_step_has_its_time(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too early for a cache or for a token in use: told how long to wait, and what to type then."""
    (first,) = states(city)
    assert "gatekeeper token-key prepare" in city.refused("token-key", "activate", *WHY)
    second = city.run("token-key", "prepare", *WHY).splitlines()[0]
    assert "gatekeeper token-key activate" in city.refused("token-key", "prepare", *WHY)
    early = city.refused("token-key", "activate", *WHY)
    assert "wait 30" in early
    assert "gatekeeper token-key activate" in early
    assert {first: "active", second: "next"} == states(city)
    monkeypatch.setattr(token_key, "CACHED_S", 0.0)
    city.run("token-key", "activate", *WHY)
    early = city.refused("token-key", "drop", first, *WHY)
    assert "wait 60" in early
    assert f"drop {first} --stolen" in early
    assert {first: "retired", second: "active"} == states(city)
    assert "token-key retire" in city.refused("token-key", "drop", second, *WHY)
    assert "token-key list" in city.refused("token-key", "drop", "none", *WHY)
    assert "token-key list" in city.refused("token-key", "drop", "../../log", *WHY)
    third = city.run("token-key", "prepare", *WHY).splitlines()[0]
    assert "token-key activate" in city.refused("token-key", "drop", third, *WHY)
    assert 3 == len(told(city))
    city.run("token-key", "drop", first, "--stolen", *WHY)
    assert first not in states(city)


def test_a_clock_that_was_set_back_lets_no_step_come_early(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the future waits the longer."""
    city.run("token-key", "prepare", *WHY)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert "wait" in city.refused("token-key", "activate", *WHY)


def test_a_stolen_key_is_replaced_without_waiting(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command makes another sign, and tells which one ends what the thief holds."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    (stolen,) = states(city)
    said = city.run("token-key", "retire", "--reason", "Stolen with a laptop")
    assert f"gatekeeper token-key drop {stolen} --stolen" in said
    assert 0 < slept[0] <= 2  # workers have it before it signs
    assert {"retired", "active"} == {*states(city).values()}
    city.run("token-key", "drop", stolen, "--stolen", "--reason", "Stolen with a laptop")
    assert stolen not in states(city)
    assert ["token_key.prepared", "token_key.activated", "token_key.dropped"] == [
        entry["event"] for entry in told(city)
    ]


@pytest.mark.usefixtures("impatient")
def test_a_key_that_was_destroyed_signs_no_more_without_an_entry(city: City) -> None:
    """Put back from a backup, or left in its hardware, it comes again only as it came first: step by step."""
    tokens = city.data / "keys" / "tokens"
    kid = city.run("token-key", "prepare", *WHY).splitlines()[0]
    city.run("token-key", "activate", *WHY)
    kept = (tokens / "active.pem").read_bytes()
    city.run("token-key", "retire", *WHY)
    city.run("token-key", "drop", kid, "--stolen", *WHY)
    before = len(told(city))
    (tokens / "next.pem").write_bytes(kept)
    (tokens / "next.pem").chmod(0o600)
    assert "token-key prepare" in city.refused("token-key", "activate", *WHY)
    assert kid == city.run("token-key", "prepare", *WHY).splitlines()[0]
    city.run("token-key", "activate", *WHY)
    city.run("token-key", "retire", *WHY)
    city.run("token-key", "drop", kid, *WHY)
    events = [entry["event"] for entry in told(city)[before:] if entry["kid"] == kid]
    assert ["token_key.prepared", "token_key.activated", "token_key.dropped"] == events


@pytest.mark.usefixtures("impatient")
def test_what_broke_off_is_gone_on_with(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between file and entry, either way: the same command does the rest, and logs nothing twice."""
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", _fails)
        assert 1 == typed("token-key", "prepare", *WHY, "--data", str(city.data)).exit_code
    assert "token-key prepare" in city.refused("token-key", "activate", *WHY)
    waiting = next(kid for kid, state in states(city).items() if state == "next")
    assert waiting == city.run("token-key", "prepare", *WHY).splitlines()[0]
    (first,) = (kid for kid, state in states(city).items() if state == "active")
    with monkeypatch.context() as patch:
        patch.setattr(TokenKeys, "activate", _broken)
        with pytest.raises(ZeroDivisionError):
            typed("token-key", "activate", *WHY, "--data", str(city.data))
    city.run("token-key", "activate", *WHY)
    with monkeypatch.context() as patch:
        patch.setattr(TokenKeys, "drop", _broken)
        with pytest.raises(ZeroDivisionError):
            typed("token-key", "drop", first, *WHY, "--data", str(city.data))
    city.run("token-key", "drop", first, *WHY)
    assert {waiting: "active"} == states(city)
    assert ["token_key.prepared", "token_key.activated", "token_key.dropped"] == [
        entry["event"] for entry in told(city)
    ]


def _fails(*_: object) -> None:
    raise LedgerUnavailable("the disk is full")


def _broken(*_: object) -> None:
    raise ZeroDivisionError


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("done", [("prepare",), ("prepare", "activate")])
def test_nothing_is_done_that_the_log_cannot_tell(
    city: City, monkeypatch: pytest.MonkeyPatch, done: tuple[str, ...]
) -> None:
    """Without its entry no key begins to sign, and none is destroyed."""
    for each in done:
        city.run("token-key", each, *WHY)
    before = states(city)
    monkeypatch.setattr(Ledger, "append", _fails)
    retired = next((kid for kid, state in before.items() if state == "retired"), None)
    step = ("activate",) if retired is None else ("drop", retired)
    assert 1 == typed("token-key", *step, *WHY, "--data", str(city.data)).exit_code
    assert before == states(city)


def test_encrypting_waits_for_another_step_and_makes_no_key_young(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its reading and its writing a step could put another key where it writes the one it read."""
    secret = tmp_path / "passphrase"
    secret.write_text("a passphrase that is long enough\n")
    secret.chmod(0o600)
    monkeypatch.setenv("GATEKEEPER_KEY_PASSPHRASE_FILE", str(secret))
    active = city.data / "keys" / "tokens" / "active.pem"
    os.utime(active, (1_700_000_000, 1_700_000_000))
    before = active.read_bytes()
    encrypting = threading.Thread(target=city.run, args=("token-key", "encrypt"))
    with token_keys(load(data=city.data)).changing():
        encrypting.start()
        encrypting.join(1.0)
        assert before == active.read_bytes()
    encrypting.join(20.0)
    assert b"ENCRYPTED" in active.read_bytes()
    assert 1_700_000_000 == active.stat().st_mtime  # how old it is, warnings go by


def test_encrypted_at_rest(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command for the files that are there; keys made later are encrypted too; it opens with it alone."""
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery sample\n")
    files = [city.data / "keys" / "tokens" / "active.pem", city.data / "keys" / "policy.pem"]
    files.append(city.data / "keys" / "log.pem")
    assert "GATEKEEPER_KEY_PASSPHRASE_FILE" in city.refused("token-key", "encrypt")
    before = states(city)
    with monkeypatch.context() as patch:
        patch.setenv("GATEKEEPER_KEY_PASSPHRASE_FILE", str(secret))
        assert "active.pem, policy key, log.pem" in city.run("token-key", "encrypt")
        assert "nothing to do" in city.run("token-key", "encrypt")
        assert before == states(city)
        city.run("token-key", "prepare", *WHY)
        city.run("policy", "key", "rotate")
        city.run("ledger", "new-key", *WHY)
        files.append(city.data / "keys" / "log.next.pem")
        city.run("ledger", "verify")
        files.append(city.data / "keys" / "tokens" / "next.pem")
        for file in files:
            assert b"BEGIN ENCRYPTED PRIVATE KEY" in file.read_bytes()
            assert 0o600 == stat.S_IMODE(file.stat().st_mode)
        assert {"encrypted file"} == {row["kept"] for row in city.rows("token-key", "list")}
        assert token_keys(load(data=city.data)).signed({"sub": "x"}).count(".") == 2
        secret.write_text("another horse battery sample")
        wrong = city.refused("token-key", "list")
        assert "does not open" in wrong
        assert "horse" not in wrong
        assert "does not open" in city.refused("policy", "key", "show")
        assert "does not open" in city.refused("ledger", "checkpoint")
        secret.write_text("short")
        assert "openssl rand" in city.refused("token-key", "list")
    for command in (("token-key", "list"), ("policy", "key", "show"), ("ledger", "checkpoint")):
        none = city.refused(*command)
        assert "is encrypted, and no passphrase is set" in none
        assert "GATEKEEPER_KEY_PASSPHRASE_FILE" in none


@pytest.mark.parametrize(
    "uri",
    ["token=a", "file:/etc/passwd", "pkcs11:", "pkcs11:token=a;object=b", "pkcs11:\udcff", "pkcs11:a\nb"],
)
def test_a_uri_that_is_none_publishes_nothing(city: City, uri: str) -> None:
    """And it is told how one is written."""
    assert "pkcs11:token=LABEL" in city.refused("token-key", "prepare", "--pkcs11", uri, *WHY)
    assert ["active"] == [*states(city).values()]
