"""Each defect in ``tests/tampered/`` is found, and told apart from the others.

A fixture is what an attacker with the database does to a sound log of 300 entries, in SQL. Its first line
says what must be found: codes with the entry each is about (``-`` for none).
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger import verify
from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.findings import CODES, Finding, Reached
from gatekeeper.ledger.merkle import Growth, extend, leaf_hash, root
from gatekeeper.ledger.rows import Head, StoredEntry
from gatekeeper.ledger.statements import Statements
from gatekeeper.ledger.tiles import WIDTH, Tile
from gatekeeper.ledger.verify import examine
from tests.ledger.made import ORIGIN, Log, decided, new_ref, open_log, released, stop_lifted, stop_set

T = TypeVar("T")
TAMPERED = sorted((Path(__file__).parent.parent / "tampered").glob("*.sql"))
SIZE = 300


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a sound log once; each test gets a copy."""
    directory = tmp_path_factory.mktemp("sound")
    log = open_log(directory)
    for _ in range(SIZE):
        log.ledger.append(decided())
    log.ledger.close()
    log.rows.db.execute("delete from checkpoints where size < 300")
    log.rows.close()
    return directory


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Log:
    """Open a copy of the sound log."""
    shutil.copytree(sound, tmp_path / "copy")
    return open_log(tmp_path / "copy")


def _found(findings: list[Finding]) -> list[str]:
    assert {finding.code for finding in findings} <= set(CODES)
    assert all(len(finding.message) > 20 for finding in findings)
    return sorted(f"{f.code} {'-' if f.index is None else f.index}" for f in findings)


def _signed(log: Log) -> tuple[int, bytes, str]:
    head = log.rows.head()
    return head.size, root(head.frontier), log.key.sign(head.size, root(head.frontier))


def _verify(log: Log, kept: list[str]) -> list[Finding]:
    return verify(log.rows, log.key.vkey, checkpoints=log.rows.checkpoints(), kept=kept)


def _tamper(log: Log, script: str) -> None:
    db = log.rows.db
    other = SigningKey.create(log.directory / "other.pem", ORIGIN)
    db.create_function("leaf_hash", 1, leaf_hash)
    db.create_function("signed_by_another", 2, other.sign)
    db.create_function(
        "at_hour", 2, lambda entry, hour: re.sub(b'"hour":"[^"]*"', f'"hour":"{hour}"'.encode(), entry)
    )
    db.create_function("frontier_of", 1, lambda size: b"".join(extend((), 0, log.rows.leaf_hashes(0, size))))
    db.executescript(script)
    if "-- then: rebuild" in script:
        db.execute("update entries set leaf = leaf_hash(entry)")
        db.execute("delete from tiles")
        leaves = log.rows.leaf_hashes(0, SIZE)
        frontier = extend((), 0, leaves)
        db.execute("insert into tiles values (0, 0, ?)", (b"".join(leaves[:WIDTH]),))
        db.execute("update head set size = ?, frontier = ?", (len(leaves), b"".join(frontier)))
        if "-- then: sign" in script:
            db.execute(
                "update checkpoints set root = ?, text = ?",
                (root(frontier), log.key.sign(len(leaves), root(frontier))),
            )


@pytest.mark.parametrize("fixture", TAMPERED, ids=lambda path: path.stem)
def test_each_defect_is_found_and_named(copy: Log, fixture: Path) -> None:
    """Exactly the findings of the fixture's first line."""
    kept = [copy.file.read_text()]
    script = fixture.read_text()
    expected = sorted(script.splitlines()[0].removeprefix("-- finds: ").split("; "))
    _tamper(copy, script)
    assert expected == _found(_verify(copy, kept))
    copy.rows.close()


def test_every_kind_of_tampering_has_a_fixture() -> None:
    """The defects that a promise names are each there."""
    names = {path.stem for path in TAMPERED}
    assert {"altered", "dropped", "reordered", "truncated", "forked", "wrong_key"} <= names


def test_a_sound_log_has_no_findings_and_tells_its_progress(copy: Log) -> None:
    """With the last stored checkpoint, all of them, or none; an empty log is sound too."""
    told: list[tuple[int, int]] = []
    assert [] == verify(copy.rows, copy.key.vkey, progress=lambda at, of: told.append((at, of)))
    assert [] == verify(copy.rows, copy.key.verifier, checkpoints=[])
    assert [(SIZE, SIZE)] == told
    with pytest.raises(SettingsRefused):
        verify(copy.rows, "no key")
    copy.rows.close()


def test_a_log_that_grows_while_it_is_verified_is_no_false_alarm(copy: Log) -> None:
    """Neither what is committed after the head was read, nor a checkpoint of it, is a defect."""
    grown = _Growing(copy)
    assert [] == verify(
        grown, copy.key.vkey, checkpoints=copy.rows.checkpoints(), kept=[copy.file.read_text()]
    )
    assert SIZE + 3 == copy.rows.head().size
    copy.rows.close()


class _Growing:
    """A log to which other processes add before each thing that is asked of it."""

    def __init__(self, log: Log) -> None:
        self._log, self._rows = log, log.rows
        self.tile, self.last_checkpoint = log.rows.tile, log.rows.last_checkpoint

    def head(self) -> Head:
        return self._then(self._rows.head())

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        self._then(None)
        return self._rows.entries(start, stop)

    def _then(self, found: T) -> T:
        self._log.ledger.append(decided())
        self._rows.save_checkpoint(*_signed(self._log))
        return found


def test_an_empty_log_is_sound(log: Log) -> None:
    """Its checkpoint of size zero as well."""
    log.ledger.close()
    assert [] == _verify(log, [log.file.read_text()])


def test_a_checkpoint_of_another_log_or_key_is_named(copy: Log, tmp_path: Path) -> None:
    """A kept checkpoint is judged as a stored one is."""
    stranger = SigningKey.create(tmp_path / "stranger.pem", "else.example.org")
    same_name = SigningKey.create(tmp_path / "same.pem", ORIGIN)
    text = copy.file.read_text()
    forged = base64.b64encode(bytes(68)).decode()
    unsigned = f"{text.split('— ')[0]}— {ORIGIN} {forged}\n"
    kept = [stranger.sign(1, bytes(32)), same_name.sign(1, bytes(32)), unsigned, "none"]
    expected = ["malformed -", "wrong_key -", "wrong_key -", "wrong_origin -"]
    assert expected == _found(_verify(copy, kept))
    copy.rows.close()


def test_a_log_written_past_many_tiles_is_sound(tmp_path: Path) -> None:
    """A tile of tiles (65,536 entries) is written, read for proofs and checked; a wrong one is found."""
    log = open_log(tmp_path)
    entry = json.dumps({"v": 1}).encode()
    leaves = [leaf_hash(entry)] * (WIDTH * WIDTH - 1)
    size = len(leaves)
    row = b"".join(leaves[:WIDTH])
    with log.rows.transaction() as transaction:
        transaction.append(
            [StoredEntry(i, entry, leaf, "", "") for i, leaf in enumerate(leaves)],
            [Tile(0, n, row) for n in range(WIDTH - 1)],
            Head(size, extend((), 0, leaves), 0),
        )
    appended = log.ledger.append(decided())
    assert WIDTH * WIDTH == log.rows.head().size
    assert appended.proof == log.ledger.receipt_for(appended.index).proof
    log.ledger.append(decided())
    log.ledger.close()
    log.ledger.check_tail()
    stored = log.rows.tile(1, 0)
    assert stored is not None
    assert root(Growth((), 0, [*leaves, appended.leaf_hash]).frontier()) == root(
        extend((), 0, [stored[i : i + 32] for i in range(0, len(stored), 32)])
    )
    log.rows.db.execute("delete from entries where i < 65000")  # its texts are not what is tested
    log.rows.db.execute("update tiles set hashes = zeroblob(8192) where level = 1")
    assert "tile -" in _found(_verify(log, []))
    log.rows.close()


# --- What the entries say one after another. --------------------------------------------------------------

HSI = ("agency-hsi-chicago", "federal")


@pytest.mark.parametrize(
    ("scope", "value", "end", "code"),
    [
        ("all", None, None, "release_while_stopped 2"),
        ("agency", "agency-elsewhere", None, "release_while_stopped 2"),
        ("agency", "agency-another", None, None),
        ("agency", HSI[0], HSI, "release_while_stopped 2"),
        ("kind", "local", None, "release_while_stopped 2"),
        ("kind", "federal", None, None),
        ("kind", "federal", HSI, "release_while_stopped 2"),
        ("camera", "cam-1", None, None),
    ],
)
def test_a_release_within_a_stop_is_found(
    log: Log, scope: str, value: str | None, end: tuple[str, str] | None, code: str | None
) -> None:
    """For all, for the agency, for its kind; the end requester counts; not after the stop was lifted."""
    ref, stop = new_ref(), "s" * 20
    permit = log.ledger.append(decided(ref, end=end)).index
    log.ledger.append(stop_set(stop, scope, value))
    log.ledger.append(released(ref, permit, end=end))
    assert ([code] if code else []) == _found(_verify(log, []))
    log.ledger.append(stop_lifted(stop))
    log.ledger.append(released(ref, permit, page=2, end=end))
    assert ([code] if code else []) == _found(_verify(log, []))
    log.ledger.append(stop_lifted(stop))
    assert "stop_unknown 5" in _found(_verify(log, []))


def test_a_release_without_its_permit_is_found(log: Log) -> None:
    """A denial, another query's permit, another agency's, a later entry, none: each is named."""
    one, two = new_ref(), new_ref()
    log.ledger.append(decided(one))
    log.ledger.append(decided(two, "deny"))
    for ref, index in ((one, 0), (two, 1), (two, 0), (one, 99), (one, 5)):
        log.ledger.append(released(ref, index))
    log.ledger.append(released(one, 0, agency="agency-another"))
    expected = [f"release_without_decision {i}" for i in (3, 4, 5, 6, 7)]
    assert expected == _found(_verify(log, []))


def test_an_entry_that_is_no_object_is_a_finding_and_no_crash() -> None:
    """Whatever the bytes."""
    for raw in (b"", b"[]", b"\xff", b"[" * 100_000, b'{"event":"\\ud800"}', b'{"a":NaN}', b'{"a":1e999}'):
        faults = list(Statements().judge(StoredEntry(0, raw, b"", "", "")))
        assert faults


# --- Going on from an earlier examination. ----------------------------------------------------------------


STOP = "stop_0123456789abcdef"


def _reached(log: Log) -> Reached:
    found = examine(log.rows, log.key.vkey, checkpoints=log.rows.checkpoints())
    assert [] == found.findings
    return found.reached


def _since(log: Log, reached: Reached) -> list[str]:
    return _found(examine(log.rows, log.key.vkey, checkpoints=log.rows.checkpoints(), since=reached).findings)


@pytest.mark.parametrize("size", [300, 512, 513])
def test_what_is_new_is_examined_from_where_it_was_left(copy: Log, size: int) -> None:
    """A release whose permit lies before, a stop that was in force before: judged as if all were read."""
    ref = new_ref()
    copy.ledger.append(stop_set(STOP, "agency", "agency-stopped"))
    permit = copy.ledger.append(decided(ref))
    for _ in range(size - copy.rows.head().size):
        copy.ledger.append(decided())
    reached = _reached(copy)
    assert max(size, 302) == reached.size
    assert [] == _since(copy, reached)
    copy.ledger.append(released(ref, permit.index))
    copy.ledger.append(released(ref, permit.index - 1))
    other = new_ref()
    copy.ledger.append(decided(other, agency="agency-stopped"))
    copy.ledger.append(released(other, reached.size + 2, agency="agency-stopped"))
    copy.ledger.append(stop_lifted(STOP))
    copy.ledger.append(stop_lifted(STOP))
    expected = [
        f"release_while_stopped {reached.size + 3}",
        f"release_without_decision {reached.size + 1}",
        f"stop_unknown {reached.size + 5}",
    ]
    assert expected == _since(copy, reached)
    assert expected == _found(_verify(copy, []))


def test_a_history_that_is_not_the_one_that_was_read_is_found(copy: Log) -> None:
    """The old root must still be the root of the tree at its size."""
    reached = _reached(copy)
    assert ["forked 299"] == _since(copy, replace(reached, root=b"\1" * 32))
    assert ["truncated 300"] == _since(copy, replace(reached, size=400))
    assert "truncated 300" in _since(copy, replace(reached, size=1 << 50))


def test_a_tile_from_before_that_was_changed_is_found(copy: Log) -> None:
    """The tree before is bound by the root that it led to, though its entries are not read again."""
    reached = _reached(copy)
    copy.ledger.append(decided())
    copy.rows.db.execute("update tiles set hashes = zeroblob(8192) where level = 0 and number = 0")
    assert [code for code in _since(copy, reached) if code.startswith("forked")]
    copy.rows.db.execute("delete from tiles")
    assert [code for code in _since(copy, reached) if code.startswith("tile")]


def test_an_entry_since_the_last_tile_that_was_changed_is_found(copy: Log) -> None:
    """Entries after the last complete tile are read again."""
    reached = _reached(copy)
    changed = "cast(replace(cast(entry as text), 'stolen', 'x') as blob)"
    copy.rows.db.execute(f"update entries set entry = {changed} where i = 290")  # noqa: S608
    assert [code for code in _since(copy, reached) if code.startswith("altered")]


def test_a_permit_from_before_whose_text_was_changed_permits_nothing(copy: Log) -> None:
    """It is compared with the hash that the tree holds for it."""
    ref = new_ref()
    entry = copy.rows.entry(17)
    assert entry is not None
    reached = _reached(copy)
    forged = entry.entry.replace(entry.ref.encode(), ref.encode())
    copy.rows.db.execute("update entries set entry = ?, ref = ? where i = 17", (forged, ref))
    copy.ledger.append(released(ref, 17))
    assert ["release_without_decision 300"] == _since(copy, reached)


def test_a_head_that_says_anything_ends_no_examination(copy: Log) -> None:
    """It is finished in the time that its entries take."""
    copy.rows.db.execute("update head set size = ?, frontier = ?", (1 << 50, bytes(32)))
    assert "truncated 300" in _found(_verify(copy, []))


def test_thousands_of_checkpoints_are_compared_in_seconds(copy: Log) -> None:
    """One of each size is remembered, not each pair looked at."""
    text = _signed(copy)[2]
    began = time.monotonic()
    assert [] == _found(verify(copy.rows, copy.key.vkey, checkpoints=[text] * 5_000))
    assert time.monotonic() - began < 5
