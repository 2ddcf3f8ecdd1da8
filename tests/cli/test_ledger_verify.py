"""``gatekeeper ledger verify``: its exit statuses, and what it compares the log with."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from gatekeeper.cli.ledger_verify_told import MEANING
from gatekeeper.ledger.findings import CODES
from gatekeeper.ledger.merkle import root
from gatekeeper.state import State
from gatekeeper.store.published import PublishedCheckpoints
from tests.cli.shell import City, typed
from tests.cli.test_ledger_command import TAMPERINGS, tamper
from tests.cli.verifying import SIZE, codes, few, long, long_city, opened, verified
from tests.ledger.made import decided
from tests.witness.made import cosigner

__all__ = ["few", "long", "long_city"]


# --- Exit statuses and words. -----------------------------------------------------------------------------


def test_every_finding_has_its_plain_words() -> None:
    """Whoever is on duty is told what it means and what to do; no word is left over."""
    assert CODES.keys() == MEANING.keys()


def test_a_machine_is_told_what_was_compared(few: City) -> None:
    """Size, root, how many checkpoints, and each finding with what it means."""
    code, document = verified(few)
    assert (0, True, 5, 0) == (code, document["consistent"], document["size"], document["read_from"])
    assert document["checked"]["stored_checkpoints"] >= 1
    assert (0, 1) == tuple(document["checked"][f"{kind}_checkpoints"] for kind in ("published", "kept"))
    with opened(few) as state:
        assert root(state.rows.head().frontier).hex() == document["root"]
    tamper(few, TAMPERINGS["an entry dropped"])
    code, document = verified(few)
    (finding,) = [one for one in document["findings"] if one["code"] == "dropped"]
    assert (1, False, 2) == (code, document["consistent"], finding["index"])
    assert MEANING["dropped"] == finding["meaning"]


def _gone(city: City) -> None:
    (city.data / "state.db").unlink()


def _no_database(city: City) -> None:
    (city.data / "state.db").write_bytes(b"no database" * 1000)


def _no_key(city: City) -> None:
    (city.data / "keys" / "log.pem").unlink()


def _bad_key(city: City) -> None:
    (city.data / "keys" / "log.pem").write_text("no key")


def _no_city(city: City) -> None:
    shutil.rmtree(city.data)


@pytest.mark.parametrize("lost", [_gone, _no_database, _no_key, _bad_key, _no_city])
def test_what_cannot_be_read_is_neither_good_nor_bad(few: City, lost: Callable[[City], None]) -> None:
    """Exit status 2, one line for a person, `consistent: null` for a machine."""
    lost(few)
    result = typed("ledger", "verify", "--json", "--data", str(few.data))
    assert (2, None) == (result.exit_code, json.loads(result.stdout)["consistent"]), result.output
    assert result.stderr.startswith("it could not be verified: ")
    assert 1 == len(result.stderr.splitlines())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--checkpoint", "/not/there"), "cannot be read: No such file"),
        (("--checkpoint", "/"), "cannot be read: Is a directory"),
        (("--checkpoint", "/dev/zero"), "over 64 KiB"),
        (("--vkey", "/dev/null"), "--key: in that file"),
        (("--vkey", "nonsense"), "vkey"),
    ],
)
def test_what_was_given_wrongly_is_said(few: City, options: tuple[str, ...], told: str) -> None:
    """Exit status 2: nothing is said of the log."""
    result = typed("ledger", "verify", *options, "--data", str(few.data))
    assert (2, "", True) == (result.exit_code, result.stdout, told in result.stderr), result.output


def test_the_help_names_each_exit_status() -> None:
    """A script is written from it."""
    text = typed("ledger", "verify", "--help").stdout
    for line in ("0  consistent", "1  inconsistent", "2  it could not be verified"):
        assert line in text


def test_a_verification_signs_nothing(few: City) -> None:
    """Of a log that was altered no checkpoint comes to be by looking at it."""
    tamper(few, "UPDATE ledger_head SET size = size; DELETE FROM ledger_checkpoints")
    (few.data / "checkpoint").unlink()
    tamper(few, TAMPERINGS["an entry altered"].replace("'local', 'state'", "'stolen', 'x'"))
    assert 1 == verified(few)[0]
    assert not (few.data / "checkpoint").exists()
    database = sqlite3.connect(few.data / "state.db")
    assert [(0,)] == database.execute("SELECT count(*) FROM ledger_checkpoints").fetchall()
    database.close()


def test_a_head_that_is_none_is_a_finding(few: City) -> None:
    """It is evidence, and not a machine that is out of order."""
    tamper(few, "UPDATE ledger_head SET frontier = x'00'")
    told = verified(few)
    assert (1, ["unreadable"]) == (told[0], codes(told))


# --- Published checkpoints and witnesses. -----------------------------------------------------------------


def publish(state: State, number: int, size: int, text: str) -> None:
    """Publish a checkpoint."""
    PublishedCheckpoints(state.database).announce(number, size, text, datetime.now(UTC))


def test_published_checkpoints_and_cosignatures_are_compared(
    few: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A witness who was shown another root is named; too few witnesses are a note and no finding."""
    maple, herald = cosigner("maple.example"), cosigner("herald.example")
    policy = tmp_path / "witnesses"
    policy.write_text(
        f"witness maple {maple.verifier} https://maple.example\n"
        f"witness herald {herald.verifier} https://herald.example\n"
        "group both all maple herald\nquorum both\n"
    )
    monkeypatch.setenv("GATEKEEPER_WITNESSES", str(policy))
    with opened(few) as state:
        head = state.rows.head()
        right = state.log_key.sign(head.size, root(head.frontier))
        publish(state, 1, head.size, right + maple.cosign(right, 1_790_000_000))
    code, document = verified(few)
    assert (0, ["herald"], False) == (
        code, document["witnesses"]["missing"], document["witnesses"]["met"],
    )  # fmt: skip
    assert any("too few witnesses" in note and "herald" in note for note in document["notes"])
    with opened(few) as state:
        other = state.log_key.sign(3, bytes(32))
        publish(state, 2, 3, other + herald.cosign(other, 1_790_000_000))
    for options in ((), ("--since-last",)):
        code, document = verified(few, *options)
        (finding,) = document["findings"]
        assert (1, "forked") == (code, finding["code"])
        assert "published checkpoint, cosigned by herald.example," in finding["message"]
    assert 2 == document["checked"]["published_checkpoints"]


def test_a_bad_file_of_witnesses_is_said(few: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 2: the log was not compared with what was asked for."""
    monkeypatch.setenv("GATEKEEPER_WITNESSES", str(tmp_path / "none"))
    result = typed("ledger", "verify", "--data", str(few.data))
    assert (2, True) == (result.exit_code, "GATEKEEPER_WITNESSES" in result.stderr)


# --- Beside others, and in bounded memory. ----------------------------------------------------------------


def test_no_false_alarm_while_another_adds(long: City) -> None:
    """Whole or since the last, a sound log that grows stays sound."""
    over = Event()

    def add() -> None:
        with opened(long) as state:
            while not over.is_set():
                state.ledger.append(decided())
                state.ledger.checkpoint()

    thread = Thread(target=add)
    thread.start()
    try:
        told = [verified(long, *options) for options in ((), ("--since-last",), (), ("--since-last",))]
    finally:
        over.set()
        thread.join()
    assert [(0, [])] * 4 == [(one[0], codes(one)) for one in told]
    assert told[3][1]["size"] > SIZE


def test_nothing_is_written_where_nothing_can_be(few: City) -> None:
    """The verification is made all the same, and says what it could not remember."""
    (few.data / "verified").mkdir()
    code, document = verified(few)
    assert (0, True) == (code, any("nothing is remembered" in note for note in document["notes"]))
    (few.data / "verified.lock").unlink()
    (few.data / "verified.lock").mkdir()
    code, document = verified(few, "--since-last")
    assert (0, True) == (code, any("cannot be written" in note for note in document["notes"]))
