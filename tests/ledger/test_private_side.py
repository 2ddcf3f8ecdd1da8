"""The private side of entries under attack: it is refused, or it is gone; nobody is shown other words.

The first table is an attacker with the database, the second one who has the keys of the days too.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from gatekeeper.errors import KeyErased, LedgerCorrupt
from gatekeeper.ledger.canonical import compact, decoded
from gatekeeper.ledger.rows import slot
from tests.ledger.attacker import PERMIT, RELEASE
from tests.ledger.scene import Scene

Attack = Callable[[Scene], object]
OTHER = RELEASE + 2
"""Another release of the same day."""


def place(scene: Scene, index: int) -> tuple[str, str]:
    """Return the key of an entry's box."""
    entry = scene.state.rows.entry(index)
    assert entry is not None
    return entry.ref, slot(entry.event, index)


def box(scene: Scene, index: int) -> tuple[date, bytes]:
    """Return an entry's box and the day of its key."""
    found = scene.state.rows.box(*place(scene, index))
    assert found is not None
    return found


def put(scene: Scene, index: int, sealed: bytes) -> None:
    """Write another box in an entry's place."""
    ref, name = place(scene, index)
    scene.attacker.sql(
        "UPDATE private_details SET box = :box WHERE ref = :ref AND event = :name",
        box=sealed,
        ref=ref,
        name=name,
    )


def changed(change: Callable[[bytes], bytes]) -> Attack:
    """Return the attack that changes a box as it lies there."""
    return lambda scene: put(scene, RELEASE, change(box(scene, RELEASE)[1]))


def swapped(one: int, other: int) -> Attack:
    """Return the attack that swaps two boxes."""

    def attack(scene: Scene) -> None:
        first, second = box(scene, one)[1], box(scene, other)[1]
        put(scene, one, second)
        put(scene, other, first)

    return attack


def row_moved(scene: Scene) -> None:
    """File another release's whole row under this one."""
    ref, name = place(scene, RELEASE)
    there, named = place(scene, OTHER)
    scene.attacker.sql("DELETE FROM private_details WHERE ref = :ref AND event = :name", ref=ref, name=name)
    scene.attacker.sql(
        "UPDATE private_details SET ref = :ref, event = :name WHERE ref = :there AND event = :named",
        ref=ref, name=name, there=there, named=named,
    )  # fmt: skip


def redated(days: int) -> Attack:
    """Return the attack that files a box under another day."""

    def attack(scene: Scene) -> None:
        ref, name = place(scene, RELEASE)
        day = box(scene, RELEASE)[0] + timedelta(days=days)
        scene.attacker.sql(
            "UPDATE private_details SET day = :day WHERE ref = :ref AND event = :name",
            day=day if scene.state.settings.database_url else day.isoformat(),
            ref=ref,
            name=name,
        )

    return attack


def resealed(change: Callable[[dict[str, Any]], object]) -> Attack:
    """Return the attack of one who has the day's key: open a box, change what it says, seal it again."""

    def attack(scene: Scene) -> None:
        entry = scene.state.rows.entry(RELEASE)
        assert entry is not None
        day, sealed = box(scene, RELEASE)
        plain: dict[str, Any] = dict(decoded(scene.state.keys.open(day, entry.ref, entry.event, sealed)))
        change(plain)
        put(scene, RELEASE, scene.state.keys.seal(day, entry.ref, entry.event, compact(plain)))

    return attack


def key_file(change: Callable[[bytes], bytes]) -> Attack:
    """Return the attack that writes another key of the day."""

    def attack(scene: Scene) -> None:
        day = box(scene, RELEASE)[0]
        file = scene.state.settings.key_directory / "days" / f"{day}.key"
        file.write_bytes(change(file.read_bytes()))

    return attack


def row_gone(scene: Scene) -> None:
    """Delete a row."""
    ref, name = place(scene, RELEASE)
    scene.attacker.sql("DELETE FROM private_details WHERE ref = :ref AND event = :name", ref=ref, name=name)


def day_erased(scene: Scene) -> None:
    """Destroy the day's key; the rows are as a backup from before would put them back."""
    scene.state.keys.destroy(box(scene, RELEASE)[0])


def opening(name: str, part: str, value: object) -> Callable[[dict[str, Any]], object]:
    """Return what changes an opening."""
    return lambda plain: plain["openings"][name].update({part: value})


DATABASE: dict[str, Attack] = {
    "one bit of a box flipped": changed(lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1])),
    "box cut short": changed(lambda sealed: sealed[:-1]),
    "box emptied": changed(lambda _: b""),
    "box of another version": changed(lambda sealed: b"\x07" + sealed[1:]),
    "box said to be held": changed(lambda sealed: b"\x02" + sealed[1:]),
    "box of another query": lambda scene: put(scene, RELEASE, box(scene, OTHER)[1]),
    "box of the same query's decision": lambda scene: put(scene, RELEASE, box(scene, PERMIT)[1]),
    "boxes of two queries swapped": swapped(RELEASE, OTHER),
    "boxes of decision and release swapped": swapped(RELEASE, PERMIT),
    "box of another day": lambda scene: put(scene, RELEASE, box(scene, 100 + RELEASE)[1]),
    "another query's row moved here": row_moved,
    "row filed under another day": redated(1),
    "row filed under a day without a key": redated(-30),
    "row deleted": row_gone,
    "row put back after its day was erased": day_erased,
}

KEYS_TOO: dict[str, Attack] = {
    "salt altered": resealed(opening("count", "salt", base64.b64encode(bytes(32)).decode())),
    "salt cut short": resealed(opening("count", "salt", "AAAA")),
    "salt that is none": resealed(opening("count", "salt", 7)),
    "opening altered": resealed(opening("count", "value", 4)),
    "another officer": resealed(opening("officer", "value", {"name": "Sam Example", "badge": "4412"})),
    "time altered": resealed(opening("at", "value", "2026-01-01T00:00:00.000Z")),
    "opening of nothing promised": resealed(
        lambda plain: plain["openings"].update(plate={"salt": "", "value": "DEMO1"})
    ),
    "openings of another promise": resealed(
        lambda plain: plain["openings"].update(count=plain["openings"]["officer"])
    ),
    "openings that are no object": resealed(lambda plain: plain.update(openings=[])),
    "detail that is no object": resealed(lambda plain: plain.update(detail="words")),
    "another key of that day": key_file(lambda key: bytes([key[0] ^ 1]) + key[1:]),
    "key made zeros": key_file(lambda key: bytes(len(key))),
    "key cut short": key_file(lambda key: key[:-1]),
}


@pytest.mark.parametrize(
    "attack", [*DATABASE.values(), *KEYS_TOO.values()], ids=[*DATABASE.keys(), *KEYS_TOO.keys()]
)
def test_it_is_refused_or_gone(scene: Scene, attack: Attack) -> None:
    """Never other words; and the public log is as it was."""
    entry = scene.state.rows.entry(RELEASE)
    assert entry is not None
    assert 3 == scene.state.ledger.opened(entry).openings["count"]["value"]
    attack(scene)
    with pytest.raises((LedgerCorrupt, KeyErased)):
        scene.state.ledger.opened(entry)
    assert [] == scene.found()


def test_there_are_more_than_twenty() -> None:
    """With the database alone, and with the keys of the days too."""
    assert 20 < len(DATABASE) + len(KEYS_TOO)
