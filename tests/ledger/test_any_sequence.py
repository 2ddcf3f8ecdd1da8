"""Any sequence of what happens to a log: appends, deaths, publication, copies, witnesses, erasure, days.

After each step of each sequence: what was acknowledged is there, in its place, provable with the key alone;
no size ever shrank and no index is missing; the public copy is whole; a verification finds nothing; and what
was erased cannot be opened.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import metamorphic_log
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gatekeeper.errors import KeyErased, LedgerUnavailable
from gatekeeper.ledger import Clock, Publication, Published, open_checkpoint, rotation, verify
from gatekeeper.ledger.append import Appended
from gatekeeper.ledger.export import export
from gatekeeper.ledger.merkle import consistency_proof, frontier_at, leaf_hash, root
from gatekeeper.ledger.receipts import check_receipt, check_tlog_proof
from gatekeeper.ledger.rows import Transaction
from gatekeeper.ledger.tiles import HASH_BYTES, TileReader, path
from gatekeeper.witness.protocol import Submission
from tests.ledger.made import ORIGIN, decided, new_ref, open_log, released
from tests.ledger.sqlite_rows import SqliteRows, SqliteTransaction
from tests.ledger.test_published import Kept
from tests.witness.made import new_keeper

NOON = datetime(2031, 5, 5, 12, tzinfo=UTC)
"""Far from any real day: whatever asks the machine's own clock would be noticed."""


class Death(BaseException):
    """Ends a process where it stands."""


class Mortal(SqliteRows):
    """A store whose process dies at a chosen point of its next transaction."""

    dies: str | None = None

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Yield a transaction; die before anything is written, or when all of it is but the commit."""
        with super().transaction() as transaction:
            if self.dies == "before":
                raise Death
            yield transaction
            if self.dies == "within":
                raise Death

    def commit(self) -> None:
        """Commit, and perhaps die before anybody hears of it."""
        super().commit()
        if self.dies == "after":
            raise Death


def _no(_: Transaction) -> None:
    raise LedgerUnavailable("no")


class AnySequence(RuleBasedStateMachine):
    """One city's log, whatever happens to it."""

    @initialize()
    def begin(self) -> None:
        """Begin an empty log, watched by a witness."""
        self.place = tempfile.TemporaryDirectory(prefix="gatekeeper-sequence-")
        self.directory = Path(self.place.name)
        self.at = NOON
        self.announced = Kept()
        self.acknowledged: list[Appended] = []
        self.erased: set[date] = set()
        self.sizes = {"head": 0, "published": 0, "copied": 0, "witnessed": 0}
        self.open()
        self.witness = new_keeper(self.directory / "witness", self.log.key)
        self.kept: list[str] = []

    def open(self) -> None:
        """Open the log as a process does that starts: it refuses what does not fit."""
        nanoseconds = lambda: round(self.at.timestamp() * 1e9)  # noqa: E731  one line says it
        self.clock = Clock(nanoseconds, nanoseconds)
        self.rows = Mortal(self.directory / "log.sqlite")
        self.log = open_log(self.directory, self.clock, self.rows, lambda: self.clock.now().date())
        self.log.ledger.check_tail()
        publication = Publication(self.rows, self.log.key, self.announced, lambda: self.at, 3600)
        self.published = Published(self.rows, publication.latest)

    def again(self) -> None:
        """Open it again, without a word to what was open."""
        self.rows.close()
        self.open()

    # --- What happens. ------------------------------------------------------------------------------------

    @rule(entries=st.one_of(st.integers(1, 5), st.integers(1, 300)))
    def append(self, entries: int) -> None:
        """One after another; now and then a release names its decision."""
        for _ in range(entries):
            ref = new_ref()
            self.acknowledged.append(self.log.ledger.append(decided(ref)))
            if len(self.acknowledged) % 5 == 0:
                release = released(ref, self.acknowledged[-1].index)
                self.acknowledged.append(self.log.ledger.append(release))

    @rule(threads=st.integers(2, 12), each=st.integers(1, 6))
    def append_at_once(self, threads: int, each: int) -> None:
        """Many at once: they share transactions."""
        made: list[Appended] = []

        def work() -> None:
            made.extend(self.log.ledger.append(decided()) for _ in range(each))

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert threads * each == len(made)
        self.acknowledged += sorted(made, key=lambda one: one.index)

    @rule(what=st.sampled_from(["before", "within", "after", "refused", "stopped", "off"]))
    def trouble(self, what: str) -> None:
        """Nobody was told of an entry that the process died with, whether it is there or not."""
        before = self.rows.head().size
        if what in {"before", "within", "after"}:
            self.rows.dies = what
            with pytest.raises(Death):
                self.log.ledger.append(decided())
        elif what == "refused":
            with pytest.raises(LedgerUnavailable, match="no"):
                self.log.ledger.append(decided(), (), _no)
        elif what == "stopped":
            self.log.ledger.close()
        if what != "refused":
            self.again()
        assert before + (what == "after") == self.rows.head().size

    @rule(hours=st.sampled_from([0, 1, 2, 13, 24, 49]), minutes=st.integers(0, 59))
    def wait(self, hours: int, minutes: int) -> None:
        """Time passes."""
        self.at += timedelta(hours=hours, minutes=minutes)

    @rule()
    def publish(self) -> None:
        """The hours that are over become public; what was published never shrinks, and others accept it."""
        note = self.published.file("checkpoint").decode()
        checkpoint = open_checkpoint(note, self.log.key.verifier)
        self._not_smaller("published", checkpoint.size)
        assert checkpoint.root == root(frontier_at(checkpoint.size, TileReader(self.rows).node))
        known = [str(key) for key in self.log.key.verifier.at(checkpoint.size)]
        assert checkpoint.size == metamorphic_log.checkpoint_verify(note, known).size
        self.kept.append(note)

    @rule(whole=st.booleans())
    def copy(self, *, whole: bool) -> None:
        """The published log is copied into a directory."""
        copied = export(
            self.published, self.rows, self.log.key.verifier, self.directory / "public", whole=whole
        )
        assert () == copied.mended
        self._not_smaller("copied", copied.size)

    @rule()
    def be_witnessed(self) -> None:
        """The witness cosigns what is published: it never has a reason to refuse."""
        note = self.published.file("checkpoint").decode()
        size = open_checkpoint(note, self.log.key.verifier).size
        known = self.witness.logs()[0].last.size
        proof = consistency_proof(known, size, TileReader(self.rows).node)
        line = self.witness.add_checkpoint(Submission(known, proof, note).encode())
        self._not_smaller("witnessed", size)
        self.kept.append(note + line)

    @rule(days=st.integers(1, 3))
    def erase(self, days: int) -> None:
        """Days pass, and the key of the oldest is destroyed."""
        self.at += timedelta(days=days)
        for day in self.log.keys.days()[:1]:
            self.log.keys.destroy(day)
            self.erased.add(day)

    @rule()
    def change_key(self) -> None:
        """The log gets another key, which witnesses take; the next time, the one before it is retired."""
        file = self.directory / "log.pem"
        if rotation.following(file, ORIGIN) is None:
            self.witness._directory.watch(rotation.begin(file, ORIGIN), also=True)
        else:
            rotation.retire(file, ORIGIN, self.rows.head().size)

    # --- What always holds. -------------------------------------------------------------------------------

    def _not_smaller(self, name: str, size: int) -> None:
        assert self.sizes[name] <= size, f"{name} became smaller"
        self.sizes[name] = size

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        """Each is at its index, as it was told, and its receipt holds with the key alone."""
        head = self.rows.head()
        self._not_smaller("head", head.size)
        there = {entry.index: entry for entry in self.rows.entries(0, head.size + 1)}
        assert list(range(head.size)) == list(there)
        assert len({one.index for one in self.acknowledged}) == len(self.acknowledged)
        assert all(one.entry == there[one.index].entry for one in self.acknowledged)
        step = max(1, len(self.acknowledged) // 12)
        for one in [*self.acknowledged[::step], *self.acknowledged[-1:]]:
            given, now = one.receipt(), self.log.ledger.receipt_for(one.index)
            for receipt in (given, now):
                check_receipt(receipt.as_json(), self.log.key.verifier)
                index, _ = check_tlog_proof(receipt.tlog_proof(), leaf_hash(one.entry), self.log.key.verifier)
                assert one.index == index

    @invariant()
    def nothing_is_found(self) -> None:
        """A verification with all that was ever given away."""
        assert [] == verify(
            self.rows, self.log.key.verifier, checkpoints=self.rows.checkpoints(), kept=self.kept
        )

    @invariant()
    def the_copy_is_whole(self) -> None:
        """Its checkpoint covers only files that are there, and they are those of the log."""
        file = self.directory / "public" / "checkpoint"
        if not file.exists():
            return
        size = open_checkpoint(file.read_text(), self.log.key.verifier).size
        assert size == self.sizes["copied"]
        hashes = b""
        for number in range(-(-size // 256)):
            width = min(256, size - number * 256)
            hashes += (self.directory / "public" / path(0, number, width)).read_bytes()
            assert (self.directory / "public" / path("entries", number, width)).stat().st_size > width
        assert hashes == b"".join(self.rows.leaf_hashes(0, size))
        assert size * HASH_BYTES == len(hashes)

    @invariant()
    def what_is_erased_is_gone_and_the_rest_opens(self) -> None:
        """By the day of each entry."""
        first_of_day = {one.at.date(): one for one in self.acknowledged}
        for day, one in first_of_day.items():
            if day in self.erased:
                with pytest.raises(KeyErased):
                    self.log.ledger.detail_of(one.index)
            else:
                assert json.dumps(one.openings) == json.dumps(self.log.ledger.detail_of(one.index).openings)

    def teardown(self) -> None:
        """Take it away."""
        if hasattr(self, "rows"):
            self.rows.close()
            self.place.cleanup()


AnySequence.TestCase.settings = settings(
    max_examples=16,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_any_sequence = AnySequence.TestCase
