"""Whoever owns the database, the files and the signing key can write a second history that fits itself.

The city's own material then cannot tell. What was given away before does: one checkpoint that an auditor
kept, one that was published, or one that a witness signed, each by itself; and a witness and a copy of the
published log refuse to go along.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from gatekeeper.ledger.canonical import canonical, decoded
from gatekeeper.ledger.export import AnotherHistory, export
from gatekeeper.ledger.merkle import extend, leaf_hash, root
from gatekeeper.witness.protocol import SubmissionRefused
from tests.ledger.attacker import KNOWN, SIZE, log_key
from tests.ledger.scene import Scene

Change = Callable[[list[bytes]], list[bytes]]


def field(entry: bytes, name: str, value: str) -> bytes:
    """Return an entry with another value in one field."""
    return canonical({**decoded(entry), name: value})


def another(entry: bytes) -> bytes:
    """Return an entry that was never logged."""
    return field(entry, "ref", "q_" + "0" * 24)


HISTORIES: dict[str, Change] = {
    "an entry altered": lambda e: [*e[:98], field(e[98], "category", "wanted_person"), *e[99:]],
    "a denial made a permit": lambda e: [*e[:98], field(e[98], "outcome", "permit"), *e[99:]],
    "an agency's name taken out": lambda e: [*e[:98], field(e[98], "agency", "agency-another"), *e[99:]],
    "an entry dropped": lambda e: [*e[:99], another(e[98]), *e[100:]],
    "an entry inserted": lambda e: [*e[:198], another(e[198]), *e[198:199], *e[200:]],
    "an entry duplicated": lambda e: [*e[:99], e[98], *e[100:]],
    "two entries swapped": lambda e: [*e[:98], e[99], e[98], *e[100:]],
    "the first entry replaced": lambda e: [another(e[98]), another(e[99]), *e[2:]],
    "the last entry that outsiders know replaced": lambda e: [
        *e[: KNOWN - 1],
        another(e[KNOWN - 1]),
        *e[KNOWN:],
    ],
    "all entries replaced": lambda e: [another(e[98])] * len(e),
    "the log cut short": lambda e: e[:180],
    "the log emptied": lambda _: [],
    "an older backup, and another day after it": lambda e: [*e[:150], *[another(e[299])] * 150],
}


TOLD = (
    "two checkpoints of size 200 have different roots: two histories were signed"
    r"|a kept checkpoint was signed over 200 entries; \d+ are left"
)


@pytest.fixture(params=list(HISTORIES.values()), ids=list(HISTORIES.keys()))
def forged(request: pytest.FixtureRequest, scene: Scene) -> Scene:
    """Return the city with a second history, signed wherever the city keeps what it signed."""
    scene.attacker.rewrite(request.param(scene.attacker.entries()))
    scene.attacker.sign()
    return scene


def test_what_was_given_away_tells(forged: Scene) -> None:
    """Each note alone is enough, and the message says that it is another history, or a shorter one."""
    for kept in forged.evidence.all():
        told = forged.found([kept])
        assert [message for message in told if re.search(TOLD, message)], told
    assert None is forged.refusal()


def test_a_witness_does_not_go_along(forged: Scene) -> None:
    """It cosigns no second tree, whatever proof comes with it; what it saw stays as it was."""
    keeper = forged.witness()
    before = keeper.logs()[0].text
    with pytest.raises(SubmissionRefused) as refused:
        keeper.add_checkpoint(forged.submission())
    assert refused.value.status in {400, 409, 422}
    assert before == keeper.logs()[0].text


def test_the_published_copy_stays_as_it_is(forged: Scene) -> None:
    """An export into it ends with evidence, not with a new copy."""
    state, public = forged.state, forged.directory / "public"
    before = {file: file.read_bytes() for file in public.rglob("*") if file.is_file()}
    with pytest.raises(AnotherHistory):
        export(state.published(), state.rows, state.log_key.verifier, public)
    assert before == {file: file.read_bytes() for file in public.rglob("*") if file.is_file()}


def test_without_what_was_given_away_nobody_could_tell(scene: Scene) -> None:
    """Why witnesses are needed: an altered denial fits all that the city itself can show."""
    scene.attacker.rewrite(HISTORIES["a denial made a permit"](scene.attacker.entries()))
    scene.attacker.sign()
    assert [] == scene.found([])
    assert None is scene.refusal()


def test_two_heads_of_one_size_are_a_fork_whatever_the_entries_say(scene: Scene) -> None:
    """One history for each reader: whoever lays the two notes side by side has the proof."""
    leaves = [*scene.attacker.leaves()[:-1], leaf_hash(b"another")]
    other = log_key(scene.attacker.city).sign(SIZE, root(extend((), 0, leaves)))
    assert [one for one in scene.found([other]) if "two checkpoints of size 300 have different roots" in one]


def test_there_are_more_than_ten() -> None:
    """Ways of writing a second history."""
    assert 10 < len(HISTORIES)
