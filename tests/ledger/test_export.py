"""The copy in a plain directory: whole at every moment, added to, mended, and never of two histories."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import SigningKey, open_checkpoint
from gatekeeper.ledger.export import AnotherHistory, Copied, export
from tests.ledger.made import ORIGIN, Log, decided, open_log
from tests.ledger.test_outsiders import metamorphic
from tests.ledger.test_published import at_once, grow


def copied(log: Log, directory: Path, *, whole: bool = False) -> Copied:
    """Export a log."""
    return export(at_once(log), log.rows, log.key.verifier, directory, whole=whole)


def files(directory: Path) -> dict[str, bytes]:
    """Return all that is in a directory."""
    return {str(f.relative_to(directory)): f.read_bytes() for f in directory.rglob("*") if f.is_file()}


def test_a_copy_grows_with_its_log(log: Log, tmp_path: Path) -> None:
    """From nothing, over the edge of a tile, to a second one; nothing is written twice, parts are tidied."""
    directory = tmp_path / "copy"
    for size in (0, 1, 255, 256, 257, 300, 520):
        grow(log, size - log.rows.head().size)
        assert size == copied(log, directory).size
        assert metamorphic(directory, log.key.vkey) or size == 0
    assert Copied(520, 0, 3, ()) == copied(log, directory)  # two parts of a tile, and one above
    assert {"000", "001", "002.p"} == {each.name for each in (directory / "tile/0").iterdir()}
    assert {"000", "001", "002.p"} == {each.name for each in (directory / "tile/entries").iterdir()}


def test_an_altered_copy_is_mended_and_named(log: Log, tmp_path: Path) -> None:
    """Every file is derived: it can be made again."""
    directory = tmp_path / "copy"
    grow(log, 300)
    copied(log, directory)
    right = files(directory)
    (directory / "tile/entries/000").write_bytes(b"altered")
    (directory / "tile/0/000").unlink()
    assert "tile/entries/000" not in copied(log, directory).mended  # only what is new is looked at
    found = copied(log, directory, whole=True)
    assert (("tile/entries/000",), 2) == (found.mended, found.written)
    assert right == files(directory)


def test_a_log_that_was_cut_short_is_not_copied(log: Log, tmp_path: Path) -> None:
    """The copy is the evidence: it stays as it is."""
    directory = tmp_path / "copy"
    grow(log, 20)
    shutil.copytree(log.directory, tmp_path / "yesterday")
    grow(log, 10)
    copied(log, directory)
    before = files(directory)
    old = open_log(tmp_path / "yesterday")
    with pytest.raises(AnotherHistory, match="holds 30 entries, this log only 20"):
        copied(old, directory)
    for _ in range(15):
        old.ledger.append(decided())
    with pytest.raises(AnotherHistory, match="the first 30 entries are not those"):
        copied(old, directory)
    assert before == files(directory)
    old.rows.close()


@pytest.mark.parametrize(
    ("checkpoint", "told"),
    [
        (b"", "does not have the shape"),
        (b"\xff\xfe", "does not have the shape"),
        ("another key", "not signed by the log's key"),
        ("another log", "of another log"),
    ],
)
def test_a_directory_of_another_log_is_left_alone(
    log: Log, tmp_path: Path, checkpoint: bytes | str, told: str
) -> None:
    """Each with its own words."""
    directory = tmp_path / "copy"
    directory.mkdir()
    if checkpoint == "another key":
        checkpoint = SigningKey.create(tmp_path / "key", ORIGIN).sign(0, bytes(32)).encode()
    elif checkpoint == "another log":
        checkpoint = SigningKey.create(tmp_path / "key", "elsewhere.example").sign(0, bytes(32)).encode()
    assert isinstance(checkpoint, bytes)
    (directory / "checkpoint").write_bytes(checkpoint)
    with pytest.raises(OperatorError, match=told):
        copied(log, directory)
    assert {"checkpoint": checkpoint} == files(directory)


def test_a_directory_of_other_things_is_left_alone(log: Log, tmp_path: Path) -> None:
    """A slip of the keyboard must not spread the log over somebody's home."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "letters.txt").write_text("dear city")
    with pytest.raises(OperatorError, match=r"holds letters\.txt"):
        copied(log, tmp_path / "copy")
    with pytest.raises(OperatorError, match="mkdir -p"):
        copied(log, tmp_path / "not" / "there")


def test_what_is_in_the_way_is_said(log: Log, tmp_path: Path) -> None:
    """A file where a directory belongs; what is complete stays so."""
    grow(log, 3)
    directory = tmp_path / "copy"
    copied(log, directory)
    before = files(directory)
    grow(log, 300)
    (directory / "tile/1").write_text("")
    with pytest.raises(OperatorError, match="cannot be written"):
        copied(log, directory)
    assert open_checkpoint((directory / "checkpoint").read_text(), log.key.verifier).size == 3
    assert before.items() <= files(directory).items()


@pytest.mark.parametrize("at", [0, 1, 3, 4, 5])
def test_a_copy_that_dies_is_whole_and_goes_on(tmp_path: Path, at: int) -> None:
    """Killed before any of its files: the checkpoint there covers what is there, and the next run ends it."""
    log, directory = open_log(tmp_path), tmp_path / "copy"
    grow(log, 100)
    copied(log, directory)
    grow(log, 500)
    script = (
        "import os, pathlib, signal\n"
        "from gatekeeper.ledger import export\n"
        "from tests.ledger.made import open_log\n"
        "from tests.ledger.test_export import copied\n"
        "real, done = os.replace, []\n"
        "replace = pathlib.Path.replace\n"
        "def die(self, target):\n"
        f"    if len(done) == {at}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    done.append(target)\n"
        "    return replace(self, target)\n"
        "pathlib.Path.replace = die\n"
        f"copied(open_log(pathlib.Path({str(tmp_path)!r})), pathlib.Path({str(directory)!r}))\n"
    )
    died = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert -signal.SIGKILL == died.returncode
    assert open_checkpoint((directory / "checkpoint").read_text(), log.key.verifier).size == 100
    assert metamorphic(directory, log.key.vkey)
    assert 600 == copied(log, directory).size
    assert metamorphic(directory, log.key.vkey)
    assert not [file for file in files(directory) if "/." in file]
    log.rows.close()


def test_two_at_once_are_one_after_the_other(log: Log, tmp_path: Path) -> None:
    """The second is told; it would write the same files."""
    directory = tmp_path / "copy"
    directory.mkdir()
    held = os.open(directory, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(OperatorError, match="another export"):
        copied(log, directory)
    os.close(held)
    assert 0 == copied(log, directory).size
