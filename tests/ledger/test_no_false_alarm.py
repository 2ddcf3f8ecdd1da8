"""All that a city may lawfully do leaves its log sound, one by one and in any order: no false alarm."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.errors import ClockUnreliable, LedgerUnavailable
from gatekeeper.ledger import Clock, Ledger, open_checkpoint, verify
from gatekeeper.ledger.export import export
from gatekeeper.ledger.rows import Transaction
from gatekeeper.parts import eraser, holds
from gatekeeper.purge.erase import Erasing
from gatekeeper.purge.retention import Retention
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from gatekeeper.store.published import PublishedCheckpoints
from tests.ledger.attacker import PERMIT, SIZE
from tests.ledger.made import decided, new_ref, released, stop_lifted, stop_set
from tests.ledger.scene import Scene
from tests.purge.made import COUNSEL, REASON

Lawful = Callable[[Scene], object]


def append(scene: Scene, entries: int = 3) -> None:
    """Log decisions and releases."""
    for _ in range(entries):
        ref = new_ref()
        permit = scene.state.ledger.append(decided(ref))
        scene.state.ledger.append(released(ref, permit.index))


def past_a_tile(scene: Scene) -> None:
    """Many at once, until the next tile is complete."""
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda _: scene.state.ledger.append(decided()), range(-scene.state.rows.head().size % 256 + 1)
            )
        )


def _elsewhere(settings: Settings, entries: int) -> None:
    state = open_state(settings)
    state.ledger.check_tail()
    for _ in range(entries):
        state.ledger.append(decided())
    state.close()


def by_processes(scene: Scene) -> None:
    """Three processes and this one write at once."""
    fresh = multiprocessing.get_context("forkserver")
    started = [fresh.Process(target=_elsewhere, args=(scene.state.settings, 10)) for _ in range(3)]
    for process in started:
        process.start()
    append(scene, 10)
    for process in started:
        process.join()
    assert [0, 0, 0] == [process.exitcode for process in started]


def stopped_and_resumed(scene: Scene) -> None:
    """A stop, what is refused meanwhile, its end, and a release after it."""
    name = f"stop_{new_ref()[2:18]}"
    scene.state.ledger.append(stop_set(name))
    scene.state.ledger.append(decided(outcome="deny"))
    scene.state.ledger.append(stop_lifted(name))
    append(scene)


def refused(scene: Scene) -> None:
    """A guard says no."""

    def no(_: Transaction) -> None:
        raise LedgerUnavailable("no")

    with pytest.raises(LedgerUnavailable):
        scene.state.ledger.append(decided(), (), no)


def erased(scene: Scene) -> None:
    """Whatever is older than forty days."""
    first_kept = datetime.now(UTC).date() - timedelta(days=40)
    eraser(scene.state).run(first_kept, Retention(40), Erasing("operator", "The end of a made-up retention"))


def held_and_erased(scene: Scene) -> None:
    """One query is held, all others of its day are erased; then it is let go."""
    entry = scene.state.rows.entry(PERMIT)
    assert entry is not None
    hold, _ = holds(scene.state).place(entry.ref, COUNSEL, REASON)
    erased(scene)
    assert scene.state.ledger.opened(entry)
    assert [] == scene.found()
    holds(scene.state).lift(hold, COUNSEL, REASON)
    erased(scene)


def copied(scene: Scene) -> None:
    """Into the same directory, and every file compared."""
    state = scene.state
    for whole in (False, True):
        public = scene.directory / "public"
        assert () == export(state.published(), state.rows, state.log_key.verifier, public, whole=whole).mended


def published_later(scene: Scene) -> None:
    """Hours later."""
    scene.reopen(1)
    size, _ = scene.state.publication().latest()
    assert size == scene.state.rows.head().size


def witnessed(scene: Scene) -> None:
    """The witness goes along, and what it signed is published."""
    published_later(scene)
    size, note = scene.state.publication().latest()
    assert size == open_checkpoint(scene.state.ledger.checkpoint(), scene.state.log_key.verifier).size
    scene.state.publication().cosigned(note + scene.witness().add_checkpoint(scene.submission()))
    assert 2 <= len(list(PublishedCheckpoints(scene.state.database).all()))


def one_size_many_times(scene: Scene) -> None:
    """Checkpoints of one size, with and without what a witness signed."""
    rows, note = scene.state.rows, scene.state.ledger.checkpoint()
    line = scene.witness().add_checkpoint(scene.submission())
    made = open_checkpoint(note, scene.state.log_key.verifier)
    for text in (note, note, note + line):
        rows.save_checkpoint(made.size, made.root, text)
    assert 2 == sum(text.startswith(note) for text in rows.checkpoints())


def file_lost(scene: Scene) -> None:
    """A new machine has no file beside the database yet."""
    scene.reopen()
    scene.attacker.file.unlink()
    assert None is scene.refusal()


def clock_a_little_behind(scene: Scene) -> None:
    """A second: the entry takes the time of the one before it."""
    append(scene, 1)
    _at(scene, -1).append(decided())


def clock_back(scene: Scene) -> None:
    """Three seconds, or a day: nothing is written, and nothing is wrong with what is there."""
    append(scene, 1)
    size = scene.state.rows.head().size
    with pytest.raises(ClockUnreliable):
        _at(scene, -3).append(decided())
    with pytest.raises((ClockUnreliable, LedgerUnavailable)):  # whichever it meets first: no key of that day
        _at(scene, -86_400).append(decided())
    assert size == scene.state.rows.head().size


def _at(scene: Scene, seconds: int) -> Ledger:
    """Return the same log with another clock."""
    wall = lambda: time.time_ns() + seconds * 10**9  # noqa: E731  one line says it
    state = scene.state
    return Ledger(state.rows, state.log_key, state.keys, Clock(wall, wall), scene.attacker.file)


def backup_put_back_at_once(scene: Scene) -> None:
    """All rows out, and the same rows in again: a move to another database."""
    scene.attacker.rewrite(scene.attacker.entries())


LAWFUL: dict[str, Lawful] = {
    "entries": append,
    "a tile completed": past_a_tile,
    "several processes": by_processes,
    "stop and resume": stopped_and_resumed,
    "an entry refused": refused,
    "erasure": erased,
    "hold, erasure, lift": held_and_erased,
    "export": copied,
    "many checkpoints of one size": one_size_many_times,
    "restart": lambda scene: scene.reopen(),
    "sudden end": lambda scene: scene.reopen(well=False),
    "the file beside the database lost": file_lost,
    "a clock a little behind": clock_a_little_behind,
    "a clock back": clock_back,
    "moved to another database": backup_put_back_at_once,
    "publication": published_later,
    "witnesses": witnessed,
    "a day changes": lambda scene: scene.reopen(1),
}
AHEAD = {"publication", "witnesses", "a day changes"}
"""After these it is tomorrow."""


def _sound(scene: Scene) -> None:
    assert [] == scene.found()
    assert None is scene.refusal()


@pytest.mark.parametrize("lawful", LAWFUL.values(), ids=LAWFUL.keys())
def test_it_is_no_defect(scene: Scene, lawful: Lawful) -> None:
    """Nor is what is logged after it, nor a start."""
    lawful(scene)
    _sound(scene)
    append(scene)
    _sound(scene)
    assert SIZE < scene.state.rows.head().size


@pytest.mark.parametrize("seed", [7])
def test_nor_are_all_of_them_in_any_order(scene: Scene, seed: int) -> None:
    """One after another on one log; what was kept at any time still fits."""
    names = sorted(LAWFUL.keys() - AHEAD - {"hold, erasure, lift"})
    random.Random(seed).shuffle(names)  # noqa: S311  a test's dice
    kept = []
    for name in ["hold, erasure, lift", *names, *sorted(AHEAD - {"a day changes"})]:
        if name in AHEAD:
            scene.reopen(1)
        LAWFUL[name](scene)
        kept.append(scene.state.ledger.checkpoint())
    state = scene.state
    assert [] == verify(state.rows, state.log_key.vkey, checkpoints=state.rows.checkpoints(), kept=kept)
    _sound(scene)
