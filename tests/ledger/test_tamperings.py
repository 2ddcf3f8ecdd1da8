"""Whoever owns the database, but not the signing key: each tampering is found, and named in plain words.

Each of ``TAMPERINGS`` is done to a real city's log (see ``scene``), on SQLite and on PostgreSQL, behind the
program's back. An auditor then verifies with the checkpoints that are stored, published and kept; where the
end was touched, the service does not start either.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.shell import typed
from tests.ledger.scene import Scene, copied
from tests.ledger.tamperings import TAMPERINGS, Tampering


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_it_is_found_and_named(scene: Scene, tampering: Tampering) -> None:
    """By whoever verifies, in a sentence; by the start, where the end was touched."""
    tampering.attack(scene.attacker)
    found = scene.found()
    assert [message for message in found if re.search(tampering.told, message)], found
    assert all(len(message) > 10 and "Error" not in message for message in found)
    refusal = scene.refusal()
    if tampering.start is None:
        assert refusal is None
    else:
        assert re.search(tampering.start, refusal or "it starts"), refusal


def test_an_untouched_copy_is_sound(scene: Scene) -> None:
    """Or else everything above would prove nothing."""
    assert [] == scene.found()
    assert None is scene.refusal()


def test_the_command_asks_what_was_published_too(on_sqlite: Path, tmp_path: Path) -> None:
    """Whoever cut the log, and all that it had signed but for what it published, is found."""
    scene = Scene.open(copied(on_sqlite, tmp_path))
    scene.attacker.cut(180, file=True)
    scene.attacker.sql("DELETE FROM ledger_checkpoints")
    result = typed("ledger", "verify", "--data", str(scene.attacker.city))
    assert 1 == result.exit_code
    assert "signed over 200 entries; 180 are left" in result.stdout
    assert "that was published last was signed over 200 entries, but only 180" in str(scene.refusal())
    scene.close()


def test_there_are_more_than_forty() -> None:
    """Of this kind alone, without those of whoever holds the key."""
    assert 40 < len(TAMPERINGS)
