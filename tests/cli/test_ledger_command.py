"""``gatekeeper ledger``: what was altered is found; what was kept cannot be denied."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from gatekeeper.ledger import VerifierKey
from gatekeeper.ledger.receipts import check_receipt
from tests.cli.shell import City, typed

TAMPERINGS = {
    "an entry altered": (
        "UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT), 'local', 'state') AS BLOB) "
        "WHERE entry_index = 2"
    ),
    "an entry dropped": "DELETE FROM ledger_entries WHERE entry_index = 2",
    "the end cut off": "DELETE FROM ledger_entries WHERE entry_index >= 3",
    "two entries in each other's place": (
        "UPDATE ledger_entries SET entry_index = 1 - entry_index - 100 WHERE entry_index < 2;"
        "UPDATE ledger_entries SET entry_index = entry_index + 100 WHERE entry_index < 0"
    ),
}


@pytest.fixture
def busy(city: City) -> City:
    """Return a city with a few entries."""
    for number in range(5):
        city.add_agency(f"agency-number-{number}")
    return city


def tamper(city: City, statements: str) -> None:
    """Change the database as whoever owns its file can: the triggers go first."""
    database = sqlite3.connect(city.data / "state.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{name}"')
    database.executescript(statements)
    database.commit()
    database.close()


def test_an_untouched_log_is_consistent(busy: City) -> None:
    """Exit status 0 and the size, for people and for programs."""
    assert "consistent: 5 entries\n" == busy.run("ledger", "verify")
    (document,) = busy.rows("ledger", "verify")
    assert (5, True, [], 0) == tuple(
        document[name] for name in ("size", "consistent", "findings", "read_from")
    )


@pytest.mark.parametrize("statements", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_touched_log_is_found_out(busy: City, statements: str) -> None:
    """Exit status 1, each finding on a line, for people and for programs."""
    tamper(busy, statements)
    result = typed("ledger", "verify", "--data", str(busy.data))
    assert 1 == result.exit_code, result.output
    assert "inconsistent" == result.stdout.splitlines()[-1]
    machine = typed("ledger", "verify", "--json", "--data", str(busy.data))
    document = json.loads(machine.stdout)
    assert (1, False) == (machine.exit_code, document["consistent"])
    assert document["findings"]
    assert len(document["findings"]) + 1 == len(result.stdout.splitlines())


def test_a_log_that_was_rolled_back_is_not_continued(city: City) -> None:
    """What was added to the old copy would hide what is lost; stopping and verifying always work."""
    agency = city.add_agency()
    database, file = city.data / "state.db", city.data / "checkpoint"
    old = database.read_bytes()
    for _ in range(2):
        city.run("agency", "suspend", agency, "--reason", "Letter of the chief")
        city.run("agency", "reinstate", agency, "--reason", "Letter of the chief")
    evidence = file.read_text()
    database.write_bytes(old)
    for command in (
        ("agency", "suspend", agency, "--reason", "Letter of the chief"),
        ("agency", "list"),
        ("ledger", "checkpoint"),
        ("ledger", "prove", "0"),
    ):
        assert "an old copy restored" in city.refused(*command)
    for _ in range(5):
        city.run("stop", "--all", "--reason", "Somebody changed the log")
    assert "all" in city.run("stop", "--list")
    assert evidence == file.read_text()
    found = typed("ledger", "verify", "--data", str(city.data))
    assert 1 == found.exit_code
    # The stops took no index that was given before: the log is as short as it was put back.
    assert "truncated entry 1: a kept checkpoint was signed over 5 entries; 1 are left" in found.stdout


def test_a_second_history_is_shown_by_a_kept_checkpoint(busy: City, tmp_path: Path) -> None:
    """A city put back to an older day verifies by itself; not so beside a kept checkpoint."""
    kept = tmp_path / "kept"
    shutil.copytree(busy.data, tmp_path / "older")
    busy.add_agency("agency-number-5")
    kept.write_text(busy.run("ledger", "checkpoint"))
    assert "consistent: 6 entries\n" == busy.run("ledger", "verify", "--checkpoint", str(kept))
    shutil.rmtree(busy.data)
    (tmp_path / "older").rename(busy.data)
    assert "consistent: 5 entries\n" == busy.run("ledger", "verify")
    result = typed("ledger", "verify", "--checkpoint", str(kept), "--data", str(busy.data))
    assert 1 == result.exit_code
    assert "inconsistent" == result.stdout.splitlines()[-1]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"hello\n"], ids=["binary", "empty", "words"])
def test_a_kept_file_that_is_no_checkpoint_is_a_finding(busy: City, tmp_path: Path, content: bytes) -> None:
    """It proves nothing, and must not pass for proof."""
    (tmp_path / "kept").write_bytes(content)
    result = typed("ledger", "verify", "--checkpoint", str(tmp_path / "kept"), "--data", str(busy.data))
    assert 1 == result.exit_code
    assert "malformed" in result.stdout


def test_another_logs_key_does_not_verify(busy: City, tmp_path: Path) -> None:
    """An auditor passes the key that they were given, not the one they find."""
    other = City(tmp_path / "other")
    other.run("init")
    assert "consistent: 5 entries\n" == busy.run(
        "ledger", "verify", "--vkey", busy.run("ledger", "key").strip()
    )
    result = typed("ledger", "verify", "--vkey", other.run("ledger", "key").strip(), "--data", str(busy.data))
    assert 1 == result.exit_code
    result = typed("ledger", "verify", "--vkey", "garbage", "--data", str(busy.data))
    assert (2, True) == (result.exit_code, "vkey" in result.stderr)


def test_a_proof_verifies_and_an_entry_that_is_not_there_has_none(busy: City) -> None:
    """The text is C2SP tlog-proof; with --json it comes with the entry."""
    (receipt,) = busy.rows("ledger", "prove", "4")
    check_receipt(receipt, VerifierKey.parse(busy.run("ledger", "key").strip()))
    assert busy.run("ledger", "prove", "4").startswith("c2sp.org/tlog-proof@v1\nindex 4\n")
    assert "gatekeeper ledger checkpoint" in busy.refused("ledger", "prove", "5")


def test_a_proof_is_written_whole_to_a_file(busy: City, tmp_path: Path) -> None:
    """In place of what was there; what cannot be written leaves the old file; the command prints no proof."""
    key = busy.run("ledger", "key").strip()
    for name, options in (("proof", ()), ("receipt.json", ("--json",))):
        file = tmp_path / name
        file.write_text("older and longer " * 1000)
        assert "" == busy.run("ledger", "prove", "3", "--out", str(file), *options)
        printed = busy.run("ledger", "prove", "3", *options)
        assert printed == file.read_text()
    assert "proved: entry 3" in typed("ledger", "check", str(tmp_path / "receipt.json"), "--key", key).output
    entry = tmp_path / "entry"
    entry.write_text(busy.rows("ledger", "show", "3")[0]["entry"])
    proof = str(tmp_path / "proof")
    assert "proved: entry 3" in typed("ledger", "check", proof, "--entry", str(entry), "--key", key).output
    assert "No such file" in busy.refused("ledger", "prove", "3", "--out", str(tmp_path / "none" / "proof"))
    assert "gatekeeper ledger checkpoint" in busy.refused("ledger", "prove", "5", "--out", proof)
    assert "index 3" in Path(proof).read_text()
    assert {"proof", "receipt.json", "entry", "city"} == {path.name for path in tmp_path.iterdir()}
