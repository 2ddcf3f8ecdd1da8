"""Day keys: what is destroyed stays destroyed, and a box opens only where it belongs."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError, SettingsRefused
from gatekeeper.ledger.detail import DayKeys

TODAY = date(2026, 11, 22)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def keys(tmp_path: Path) -> DayKeys:
    """Keys on a fixed day."""
    return DayKeys(tmp_path / "keys", today=lambda: TODAY)


def test_a_box_opens_for_its_own_row_only(keys: DayKeys) -> None:
    """Swapped boxes, another event, another day, one bit changed: LedgerCorrupt."""
    one = keys.seal(TODAY, "query-1", "query.decided", b"one")
    two = keys.seal(TODAY, "query-2", "query.decided", b"two")
    assert b"one" == keys.open(TODAY, "query-1", "query.decided", one)
    keys.seal(TODAY + timedelta(days=1), "query-1", "query.decided", b"")
    for day, ref, event, box in (
        (TODAY, "query-1", "query.decided", two),
        (TODAY, "query-1", "query.released", one),
        (TODAY + timedelta(days=1), "query-1", "query.decided", one),
        (TODAY, "query-1", "query.decided", one[:-1] + bytes([one[-1] ^ 1])),
        (TODAY, "query-1", "query.decided", b""),
        (TODAY, "query-1", "query.decided", b"\x03" + one[1:]),
        (TODAY, "query-1", "query.decided", b"\x02" + one[1:20]),
    ):
        with pytest.raises(LedgerCorrupt):
            keys.open(day, ref, event, box)
    with pytest.raises(KeyErased):  # sealed under a key of its own, it says, and that one is not there
        keys.open(TODAY, "query-1", "query.decided", b"\x02" + one[1:] + bytes(32))
    with pytest.raises(ValueError, match="one line"):
        keys.seal(TODAY, "b", "a\nb", b"")


def test_equal_words_give_different_boxes(keys: DayKeys) -> None:
    """Nothing can be learned by comparing rows."""
    assert keys.seal(TODAY, "q", "e", b"x") != keys.seal(TODAY, "q", "e", b"x")


def test_no_key_is_made_for_a_day_that_is_over(keys: DayKeys) -> None:
    """A destroyed key cannot come back under the old day's name."""
    for day in (YESTERDAY, TODAY + timedelta(days=2)):
        with pytest.raises(KeyErased):
            keys.seal(day, "q", "e", b"")
        with pytest.raises(KeyErased):
            keys.fingerprint(day, "body", b"")
    with pytest.raises(KeyErased):
        keys.open(TODAY, "q", "e", b"\x01" + bytes(28))
    assert () == keys.days()


def test_a_key_destroyed_elsewhere_is_noticed_at_once(tmp_path: Path) -> None:
    """The other process has used the key a moment ago and has it in memory."""
    now = [YESTERDAY]
    here = DayKeys(tmp_path / "keys", today=lambda: now[0])
    elsewhere = DayKeys(tmp_path / "keys", today=lambda: now[0])
    box = here.seal(YESTERDAY, "q", "e", b"words")
    assert b"words" == elsewhere.open(YESTERDAY, "q", "e", box)
    assert (YESTERDAY,) == elsewhere.days()
    now[0] = TODAY
    here.destroy(YESTERDAY)
    for keys in (here, elsewhere):
        with pytest.raises(KeyErased):
            keys.open(YESTERDAY, "q", "e", box)
        with pytest.raises(KeyErased):
            keys.fingerprint(YESTERDAY, "body", b"")
    assert [] == list((tmp_path / "keys").iterdir())
    here.destroy(YESTERDAY)


def test_a_second_name_left_by_a_crash_is_destroyed_too(tmp_path: Path) -> None:
    """A crash between link and unlink leaves the same key under a hidden name."""
    now = [YESTERDAY]
    keys = DayKeys(tmp_path / "keys", today=lambda: now[0])
    keys.seal(YESTERDAY, "q", "e", b"")
    path = tmp_path / "keys" / f"{YESTERDAY}.key"
    (tmp_path / "keys" / f".{YESTERDAY}.0123456789abcdef").hardlink_to(path)
    assert (YESTERDAY,) == keys.days()
    now[0] = TODAY
    keys.destroy(YESTERDAY)
    assert [] == list((tmp_path / "keys").iterdir())


def test_todays_key_cannot_be_destroyed(keys: DayKeys) -> None:
    """A new one would be made at once, and one day would have two keys."""
    keys.seal(TODAY, "q", "e", b"")
    with pytest.raises(OperatorError):
        keys.destroy(TODAY)
    assert (TODAY,) == keys.days()


def test_threads_that_meet_a_new_day_end_with_one_key(tmp_path: Path) -> None:
    """Sixteen at once, each with its own object as a process would have: every print is the same."""
    prints: list[bytes] = []
    start = threading.Barrier(16)

    def meet() -> None:
        keys = DayKeys(tmp_path / "keys", today=lambda: TODAY)
        start.wait()
        prints.append(keys.fingerprint(TODAY, "body", b"x"))

    threads = [threading.Thread(target=meet) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (16, 1) == (len(prints), len(set(prints)))


def test_processes_that_meet_a_new_day_end_with_one_key(tmp_path: Path) -> None:
    """The first to link its file wins, for both."""
    code = (
        "import sys, pathlib, datetime; from gatekeeper.ledger.detail import DayKeys;"
        "k = DayKeys(pathlib.Path(sys.argv[1])); d = datetime.datetime.now(datetime.UTC).date();"
        "print(k.fingerprint(d, 'body', b'x').hex())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "keys")], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    prints = {process.communicate()[0] for process in started}
    today = datetime.now(UTC).date()
    mine = DayKeys(tmp_path / "keys").fingerprint(today, "body", b"x").hex()
    assert {f"{mine}\n".encode()} == prints


def test_fingerprints_of_two_purposes_or_days_do_not_meet(keys: DayKeys) -> None:
    """The same plate as a target and as an idempotency key gives two prints."""
    prints = {
        keys.fingerprint(day, purpose, b"DEMO123")
        for day in (TODAY, TODAY + timedelta(days=1))
        for purpose in ("target", "idempotency")
    }
    assert 4 == len(prints)
    assert keys.fingerprint(TODAY, "target", b"a") == keys.fingerprint(TODAY, "target", b"a")


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    """The directory at start, a key file at its use."""
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o750)
    with pytest.raises(SettingsRefused, match="chmod"):
        DayKeys(open_to_all)
    keys = DayKeys(tmp_path / "keys", today=lambda: TODAY)
    (tmp_path / "keys" / f"{TODAY}.key").write_bytes(b"k" * 32)
    (tmp_path / "keys" / f"{TODAY}.key").chmod(0o644)
    with pytest.raises(SettingsRefused, match="chmod"):
        keys.seal(TODAY, "q", "e", b"")


@pytest.mark.parametrize("content", [b"", bytes(32), b"k" * 31])
def test_a_key_that_is_not_whole_is_no_key(tmp_path: Path, content: bytes) -> None:
    """A half-written or overwritten file never becomes a key of zeros."""
    keys = DayKeys(tmp_path / "keys", today=lambda: TODAY)
    path = tmp_path / "keys" / f"{TODAY}.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(KeyErased):
        keys.seal(TODAY, "q", "e", b"")


def test_a_file_of_another_name_is_no_key(keys: DayKeys, tmp_path: Path) -> None:
    """What an operator left in the directory by hand is passed over, and fails no request."""
    keys.seal(TODAY, "query-1", "query.decided", b"one")
    (tmp_path / "keys" / "old.key").write_bytes(b"k" * 32)
    assert (TODAY,) == keys.days()
