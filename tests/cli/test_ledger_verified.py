"""What a verification remembers: it goes on from there, and no memory makes a bad log a good one."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.context
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import ledger_verify_pool
from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.merkle import frontier_at, root
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.ledger.verified import Place, Verified, recall, remember
from tests.cli.shell import City, typed
from tests.cli.test_ledger_command import tamper
from tests.cli.verifying import ALTERED, ROOT, SIZE, append, codes, few, long, long_city, opened, verified
from tests.ledger.made import decided, new_ref, released, stop_set
from tests.servers.gate import environment

__all__ = ["few", "long", "long_city"]


# --- What this machine vouches for. -----------------------------------------------------------------------


def test_only_what_is_new_is_read(long: City) -> None:
    """From the size that was found sound; what came since is judged, also by a stop of before."""
    stop, ref = "stop_0123456789abcdef", new_ref()
    assert (0, 0) == (
        verified(long, "--since-last")[0],
        verified(long, "--since-last")[1]["read_from"] - SIZE,
    )
    append(long, stop_set(stop, "agency", "agency-stopped"))
    permit = append(long, decided(ref, agency="agency-stopped"))
    assert 0 == verified(long, "--since-last")[0]
    append(long, released(ref, permit, agency="agency-stopped"))
    told = verified(long, "--since-last")
    assert (1, ["release_while_stopped"], SIZE + 2) == (told[0], codes(told), told[1]["read_from"])
    told = verified(long, "--since-last")  # and it is not forgotten by looking again
    assert (1, ["release_while_stopped"], 0) == (told[0], codes(told), told[1]["read_from"])
    result = typed("ledger", "verify", "--since-last", "--data", str(long.data))
    assert "has not found the log sound before" in result.stderr


def test_what_was_not_read_again_is_said(long: City) -> None:
    """An old text that was altered is found by reading all, and not promised by less."""
    assert "consistent: 9000 entries\n" == long.run("ledger", "verify")
    tamper(long, f"{ALTERED} entry_index = 17")
    said = long.run("ledger", "verify", "--since-last")
    assert said.startswith("consistent: 9000 entries; those before 9000 were found sound on 20")
    told = verified(long)
    assert (1, ["altered"]) == (told[0], codes(told))
    assert 1 == verified(long, "--since-last")[0]


def test_a_history_written_anew_is_found_from_where_it_was_left(long: City) -> None:
    """The root at that size must be the one of before."""
    verified(long)
    tamper(long, "UPDATE ledger_tiles SET hashes = zeroblob(8192) WHERE level = 0 AND number = 3")
    told = verified(long, "--since-last")
    assert (1, True) == (told[0], "forked" in codes(told))


def test_a_checkpoint_from_before_is_compared_by_proof(long: City, tmp_path: Path) -> None:
    """One that somebody kept of a smaller log is not skipped because its entries are not read again."""
    verified(long)
    with opened(long) as state:
        right = root(frontier_at(300, TileReader(state.rows).node))
        (tmp_path / "kept").write_text(state.log_key.sign(300, right))
        (tmp_path / "other").write_text(state.log_key.sign(300, bytes(32)))
    assert 0 == verified(long, "--since-last", "--checkpoint", str(tmp_path / "kept"))[0]
    told = verified(long, "--since-last", "--checkpoint", str(tmp_path / "other"))
    assert (1, ["forked"], 299) == (told[0], codes(told), told[1]["findings"][0]["index"])


def _changed(key: SigningKey, file: Path, **more: Any) -> bytes:
    del key
    return json.dumps(json.loads(file.read_bytes()) | more).encode()


def _without_stops(key: SigningKey, file: Path) -> bytes:
    document = json.loads(file.read_bytes())
    document["sound"]["stops"] = {}
    del key
    return json.dumps(document).encode()


def _by_another(key: SigningKey, file: Path) -> bytes:
    other = SigningKey.create(file.with_name("other.pem"), key.origin)
    sound = recall(file, key).sound
    assert sound is not None
    remember(file, other, Verified(replace(sound, reached=replace(sound.reached, stops={}))))
    return file.read_bytes()


FORGED: dict[str, Callable[[SigningKey, Path], bytes]] = {
    "a stop dropped": _without_stops,
    "signed by another": _by_another,
    "a larger version": lambda key, file: _changed(key, file, v=2),
    "another origin": lambda key, file: _changed(key, file, origin="else.example"),
    "no signature": lambda key, file: _changed(key, file, signature=""),
    "a number for a signature": lambda key, file: _changed(key, file, signature=7),
    "cut short": lambda _, file: file.read_bytes()[:-40],
    "empty": lambda _, __: b"",
    "not UTF-8": lambda _, __: b"\xff\xfe",
    "a list": lambda _, __: b"[]",
    "deep": lambda _, __: b"[" * 100_000,
    "huge": lambda _, __: b" " * (5 * 1024 * 1024),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_memory_is_not_believed(few: City, how: str) -> None:
    """All is read, it is said, and what is wrong is found."""
    append(few, stop_set("stop_0123456789abcdef"))
    verified(few)
    file = few.data / "verified"
    with opened(few) as state:
        file.write_bytes(FORGED[how](state.log_key, file))
    ref = new_ref()
    append(few, released(ref, append(few, decided(ref))))
    told = verified(few, "--since-last", "--resume")
    assert (1, ["release_while_stopped"], 0) == (told[0], codes(told), told[1]["read_from"])
    assert any("is not believed" in note for note in told[1]["notes"])


def test_a_memory_signed_by_the_key_itself_makes_no_other_log_good(few: City) -> None:
    """Even with the right key: another root or size is found, and a kept checkpoint shows the rest."""
    verified(few)
    file = few.data / "verified"
    with opened(few) as state:
        sound = recall(file, state.log_key).sound
        assert sound is not None
        for reached in (replace(sound.reached, root=bytes(32)), replace(sound.reached, size=99)):
            remember(file, state.log_key, Verified(Place(reached, sound.at, 0)))
            told = verified(few, "--since-last")
            assert (1, True) == (told[0], {"forked", "truncated"} >= set(codes(told)))


def test_what_this_machine_stated_is_no_checkpoint(few: City) -> None:
    """The signature over the memory fits no checkpoint, whatever the memory says."""
    with opened(few) as state:
        head = state.rows.head()
        text = state.log_key.sign(head.size, root(head.frontier))
        body = text.partition("\n\n")[0].encode() + b"\n"
        assert not state.log_key.verifier.stated(body, state.log_key.state(body)[::-1])
        assert state.log_key.verifier.stated(body, state.log_key.state(body))
        assert state.log_key.state(body) != state.log_key._in_use.keys[0].sign(body)


def test_another_key_is_remembered_nowhere(few: City, tmp_path: Path) -> None:
    """What one key's checkpoints say is nothing to go on from with another."""
    other = City(tmp_path / "other")
    other.run("init")
    verified(few)
    before = (few.data / "verified").read_bytes()
    told = verified(few, "--since-last", "--vkey", other.run("ledger", "key").strip())
    assert (1, 0) == (told[0], told[1]["read_from"])
    assert before == (few.data / "verified").read_bytes()


def test_two_at_once_are_one_after_the_other(few: City) -> None:
    """What one finds the other must not forget."""
    held = subprocess.Popen(
        [sys.executable, "-c",
         "import fcntl,sys; f=open(sys.argv[1],'a'); fcntl.flock(f,2); print(flush=True); sys.stdin.read()",
         str(few.data / "verified.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert held.stdout is not None
    held.stdout.readline()
    result = typed("ledger", "verify", "--data", str(few.data))
    assert (2, True) == (result.exit_code, "another verification" in result.stderr)
    held.communicate()
    assert 0 == verified(few)[0]


# --- Ended in the middle. ---------------------------------------------------------------------------------

SCRIPT = """
import os, signal, sys, time
from gatekeeper.cli import ledger_verify_city as city, main
from gatekeeper.ledger import audit
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
city.EVERY_SECONDS = 0
real = city._Memory.mark
def mark(self, reached):
    real(self, reached)
    if reached.size >= 8192:
        os.kill(os.getpid(), signal.{signal})
        time.sleep(5)  # a busy machine may be slow to bring it
city._Memory.mark = mark
main(["ledger", "verify", *sys.argv[1:]])
"""


def ended(city: City, by: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Verify in a process that is ended after 8,192 entries."""
    command = [sys.executable, "-c", SCRIPT.replace("{signal}", by), "--data", str(city.data), *more]
    return subprocess.run(
        command, cwd=ROOT, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("where", "found"), [("", []), ("8500", ["altered"]), ("100", ["altered"]), ("8999", ["altered"])]
)
def test_one_that_is_killed_and_goes_on_finds_the_same(long: City, where: str, found: list[str]) -> None:
    """Nothing of what was wrong is forgotten, wherever it is; the same findings as in one piece."""
    if where:
        tamper(long, ALTERED + f"entry_index = {where}")
    whole = verified(City(Path(shutil.copytree(long.data, long.data.with_name("whole")))))
    assert (1 if found else 0, found) == (whole[0], codes(whole))
    killed = ended(long, "SIGKILL")
    assert -signal.SIGKILL == killed.returncode or where == "100", killed.stderr
    told = verified(long, "--resume")
    gone_on = [note for note in told[1]["notes"] if note == "gone on with after 8192 entries"]
    assert bool(gone_on) is (where != "100")
    for name in ("consistent", "size", "root", "read_from", "findings"):
        assert whole[1][name] == told[1][name], name


def test_one_that_goes_on_compares_every_checkpoint(long: City) -> None:
    """Those of before its place too, and the tiles above."""
    with opened(long) as state:
        text = state.log_key.sign(300, bytes(32))
    ended(long, "SIGKILL")
    database = sqlite3.connect(long.data / "state.db")
    database.execute(
        "INSERT INTO ledger_checkpoints (size, text_sha256, root, text) VALUES (300, ?, ?, ?)",
        (bytes(32), bytes(32), text),
    )
    database.commit()
    database.close()
    told = verified(long, "--resume")
    assert (1, ["forked"]) == (told[0], codes(told))


@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM"])
def test_one_that_is_ended_says_how_far_it_came(long: City, by: str) -> None:
    """Exit status 2, and how to go on."""
    result = ended(long, by)
    assert (2, "") == (result.returncode, result.stdout)
    assert "interrupted after 8192 of 9000 entries" in result.stderr
    assert "in the first 8192, and `gatekeeper ledger verify --resume`" in result.stderr
    assert "Traceback" not in result.stderr
    assert "consistent: 9000 entries" in long.run("ledger", "verify", "--resume")


def test_an_old_interruption_is_not_gone_on_with(long: City) -> None:
    """What was read a day ago may be another text today."""
    ended(long, "SIGKILL")
    file = long.data / "verified"
    with opened(long) as state:
        going = recall(file, state.log_key).going
        assert going is not None
        remember(file, state.log_key, Verified(None, replace(going, at=going.at - 25 * 3600)))
    told = verified(long, "--resume")
    assert (0, ["there is no verification of the last 24 hours to go on with"]) == (told[0], told[1]["notes"])


# --- With a second process. -------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["", "17", "5000", "8999"])
def test_two_processes_find_what_one_finds(long: City, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of them read the stretch."""
    if where:
        tamper(long, ALTERED + f"entry_index = {where}")
    one = verified(long)
    monkeypatch.setattr(ledger_verify_pool, "WORTH", 0)
    assert one == verified(long)
    assert bool(where) is bool(codes(one))


def test_a_second_process_that_ends_is_done_without(long: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would have read is read here."""
    tamper(long, ALTERED + "entry_index = 5000")
    one = verified(long)

    def lost(connection: Connection, settings: object) -> None:
        del settings
        connection.close()

    monkeypatch.setattr(ledger_verify_pool, "WORTH", 0)
    monkeypatch.setattr(ledger_verify_pool, "_serve", lost)
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: multiprocessing.context.ForkContext())
    assert one == verified(long)
    assert ["altered"] == codes(one)


def test_a_second_process_ends_with_the_first(long: City) -> None:
    """Also when that is killed: nothing goes on reading the log for nobody."""
    more = (
        "import multiprocessing\nfrom gatekeeper.cli import ledger_verify_pool as pool\n"
        "pool.WORTH = 0\ncity.EVERY_SECONDS = 0"
    )
    told = "        print(multiprocessing.active_children()[0].pid, flush=True)\n        os.kill"
    script = SCRIPT.replace("{signal}", "SIGKILL").replace("city.EVERY_SECONDS = 0", more)
    script = script.replace("        os.kill", told)
    killed = subprocess.run(
        [sys.executable, "-c", script, "--data", str(long.data)],
        cwd=ROOT, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert -signal.SIGKILL == killed.returncode, killed.stderr
    other = Path("/proc") / killed.stdout.strip()
    ends = time.monotonic() + 10
    while other.exists() and "Z" not in (other / "stat").read_text().split()[2]:
        assert time.monotonic() < ends
        time.sleep(0.05)
