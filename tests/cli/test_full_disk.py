"""A full disk: a plain message that names the file and the cure, exit status 1, and nothing half written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gatekeeper.cli.system import said_of
from gatekeeper.whole import write_whole
from tests.cli.shell import City, spawned, typed
from tests.servers.gate import environment


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a real file system of a quarter of a megabyte, which a file fills to the last byte."""
    place = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill_up(disk: Path) -> None:
    """Write a file there, ``fill``, until there is no room."""
    with (disk / "fill").open("wb", buffering=0) as fill, suppress(OSError):
        while fill.write(b"0" * 4096):
            pass


@pytest.fixture
def full(disk: Path) -> Iterator[Path]:
    """Yield the file system with no byte left; what a test left there is removed."""
    fill_up(disk)
    yield disk
    for left in disk.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()


WRITES = {
    "a proof": ["ledger", "prove", "0", "--out", "{}/proof"],
    "the log": ["ledger", "export", "{}/log"],
    "a backup": ["backup", "{}/b.db"],
    "a bundle": ["policy", "export", "{}/bundle.tar.gz"],
    "OPA's configuration": ["policy", "key", "opa", "{}/opa.json", "--token-path", "/run/token"],
}


@pytest.mark.parametrize("arguments", WRITES.values(), ids=WRITES.keys())
def test_a_command_that_writes_a_file_says_what_is_the_matter(
    city: City, full: Path, arguments: list[str]
) -> None:
    """Never a traceback; what is there afterwards is what was there before."""
    city.add_agency()
    before = sorted(full.rglob("*"))
    said = city.refused(*(each.format(full) for each in arguments))
    assert str(full) in said
    assert "oom" in said
    # An export that did not come to its end has no checkpoint, and is gone on with.
    assert [file for file in sorted(full.rglob("*")) if file.is_file()] == before


@pytest.mark.parametrize(
    "arguments", [["init", "--data", "{}/city"], ["witness", "init", "{}/witness", "--name", "maple"]]
)
def test_what_could_not_be_laid_out_can_be_laid_out_later(full: Path, arguments: list[str]) -> None:
    """A key of no bytes would be taken for a key that is damaged, and for ever."""
    given = [each.format(full) for each in arguments]
    result = typed(*given)
    assert (1, "") == (result.exit_code, result.stdout), result.output
    assert "oom" in result.stderr, result.stderr
    assert [] == [file for file in full.rglob("*") if file.is_file() and not file.stat().st_size]


def test_a_disk_that_fills_at_any_step_keeps_no_city_from_being_laid_out(disk: Path) -> None:
    """Whichever file is the last that finds room, the same command ends well once there is room again."""
    for pages in range(2, 11, 4):
        fill = disk / "fill"
        fill_up(disk)
        with fill.open("rb+") as opened:
            opened.truncate(fill.stat().st_size // 4096 * 4096 - pages * 4096)
        result = typed("init", "--data", str(disk / "city"))
        assert (1, 1) == (result.exit_code, len(result.stderr.splitlines())), result.output
        assert "Traceback" not in result.stderr
        fill.unlink()
        keys = disk / "city" / "keys"
        assert not [file for file in keys.rglob("*") if file.is_file() and not file.stat().st_size]
        subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)
        assert 0 == typed("init", "--data", str(disk / "city")).exit_code
        shutil.rmtree(disk / "city")
        subprocess.run(["mount", "-o", "remount,size=256k", str(disk)], check=True)


def test_output_that_cannot_be_written_is_no_success(city: City) -> None:
    """As where a report is sent into a file on a full disk; Python's own last words are not to be read."""
    city.add_agency()
    for arguments in (["agency", "list"], ["ledger", "checkpoint"], ["policy", "provisions"]):
        command = [sys.executable, "-m", "gatekeeper", *arguments, "--data", str(city.data)]
        with Path("/dev/full").open("wb") as nowhere:
            done = subprocess.run(
                command, stdout=nowhere, stderr=subprocess.PIPE, text=True, env=environment(), check=False
            )
        if "No such command" in done.stderr:
            continue
        assert (1, 1) == (done.returncode, len(done.stderr.splitlines())), done.stderr
        assert "No space left on device; make room" in done.stderr


def test_a_verification_that_cannot_be_told_found_nothing(city: City) -> None:
    """Exit status 1 would say that something is wrong with the log."""
    city.add_agency()
    command = [sys.executable, "-m", "gatekeeper", "ledger", "verify", "--data", str(city.data)]
    with Path("/dev/full").open("wb") as nowhere:
        done = subprocess.run(
            command, stdout=nowhere, stderr=subprocess.PIPE, text=True, env=environment(), check=False
        )
    assert 2 == done.returncode
    assert "Traceback" not in done.stderr


def test_what_is_no_file_is_written_to_and_stays(city: City, tmp_path: Path) -> None:
    """``--out /dev/null`` by root would have put a file in the place of the device."""
    city.add_agency()
    assert 0 == typed("ledger", "prove", "0", "--out", "/dev/null", "--data", str(city.data)).exit_code
    assert Path("/dev/null").is_char_device()
    assert "/dev/full: No space left on device" in city.refused("ledger", "prove", "0", "--out", "/dev/full")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = spawned("ledger", "prove", "0", "--out", str(pipe), "--data", str(city.data / "none"))
    assert 1 == done.returncode
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(28, "No space left on device"), "a file could not be read or written: No space left"),
        (OSError(28, "No space left on device", "/x"), "/x: No space left on device; make room"),
        (OSError(27, "File too large"), "ulimit -f"),
        (OSError(30, "Read-only file system", "/x"), "a place that can be written"),
        (OSError(5, "Input/output error", "/x"), "the disk fails"),
        (OSError(24, "Too many open files"), "ulimit -n"),
        (PermissionError(13, "Permission denied", "/x"), "check the path and its permissions"),
        (ConnectionRefusedError(111, "Connection refused"), "needs: Connection refused; mend that"),
    ],
    ids=str,
)
def test_each_cause_has_its_cure(fault: OSError, said: str) -> None:
    """The system's own words, and what a person does next."""
    assert said in said_of(fault)


def test_the_error_names_the_file_and_not_what_was_to_become_it(full: Path) -> None:
    """Of a write to a full disk the system names none."""
    with pytest.raises(OSError, match="No space") as fault:
        write_whole(full / "x", b"0" * 100_000)
    assert str(full / "x") == fault.value.filename
    assert not [file for file in full.iterdir() if "x" in file.name]
