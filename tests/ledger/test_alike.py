"""Entries judged by one like them: nothing is told of one that is not sound, and nothing but what it says."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.ledger import canonical
from gatekeeper.ledger.alike import MOST_ENTRY, MOST_REMEMBERED, Alike
from gatekeeper.ledger.entries import EVENTS, fault_in, schema_of
from gatekeeper.ledger.merkle import extend, leaf_hash
from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.ledger.statements import judged_alone, said_by
from gatekeeper.ledger.stretches import SIZE, read
from tests.ledger.bulk import entries, load
from tests.ledger.entry_texts import Document, another, sound
from tests.ledger.made import open_log

TERMS: Final[Mapping[str, Any]] = schema_of("terms")["$defs"]  # type: ignore[assignment]  # it is an object


def stored(entry: bytes, event: str = "", ref: str = "") -> StoredEntry:
    """Return an entry as it is read."""
    return StoredEntry(0, entry, leaf_hash(entry), event, ref)


def agrees(alike: Alike, entry: bytes) -> bool:
    """Compare what is told of a text with its own judgement; return whether anything was told."""
    told = alike.told(entry)
    if told is None:
        return False
    document, faults = judged_alone(stored(entry), beside=False)
    assert not faults
    assert document is not None
    assert said_by(document) == told
    return True


def knowing(*documents: Document) -> Alike:
    """Return what has judged some sound entries."""
    alike = Alike()
    for document in documents:
        assert fault_in(document) is None
        alike.learn(canonical(document), document)
    return alike


# --- Why it is right: what the schemas say of the four values. --------------------------------------------


def ref_to(name: str) -> dict[str, str]:
    """Return a schema's mention of a term."""
    return {"$ref": f"terms.json#/$defs/{name}"}


@pytest.mark.parametrize("event", EVENTS)
def test_a_schema_takes_all_values_of_the_four_kinds_or_none(event: str) -> None:
    """Where it judges a value otherwise than by its alphabet and length, entries alike are not alike to it.

    A schema with a keyword that is not named here may do that: then this proof is to be made anew.
    """
    schema: Mapping[str, Any] = schema_of(event)
    known = {"$schema", "title", "description", "type", "properties", "required", "additionalProperties"}
    assert schema.keys() <= known | {"oneOf"}
    assert schema["additionalProperties"] is False
    fields, commitments = schema["properties"], schema["properties"]["commitments"]
    assert {"event", "ref", "hour", "commitments"} <= {*schema["required"]}
    assert {"const": event} == fields["event"]
    assert ref_to("ref") == fields["ref"]
    assert ref_to("hour") == fields["hour"]
    assert ("decided" in fields) == (event == "query.released") == ("decided" in schema["required"])
    assert fields.get("decided", ref_to("index")) == ref_to("index")
    assert {"type", "properties", "required", "additionalProperties"} == commitments.keys()
    assert commitments["additionalProperties"] is False
    assert "at" in commitments["required"]
    assert all(ref_to("commitment") == each for each in commitments["properties"].values())
    for branch in schema.get("oneOf", ()):
        assert branch.keys() <= {"required", "properties"}
        others = branch.get("properties", {})
        assert others.keys().isdisjoint({"ref", "hour", "decided", "event"})
        assert others.get("commitments", {}).keys() <= {"required"}


def test_the_terms_of_the_four_kinds_are_an_alphabet_and_a_length() -> None:
    """Exactly those that are compared."""
    said = {name: {k: v for k, v in TERMS[name].items() if k != "description"} for name in TERMS}
    assert {"type": "string", "pattern": "^[0-9a-f]{64}$"} == said["commitment"]
    assert {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"} == said["ref"]
    assert {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}Z$"} == said["hour"]
    assert {"type": "integer", "minimum": 0, "maximum": 2**53 - 1} == said["index"]


# --- That it is right: both ways, on what is sound and on what is not. ------------------------------------


SEEDS: Final = st.integers(0, 2**32)


@pytest.mark.parametrize("event", EVENTS)
@settings(max_examples=6, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_what_is_told_of_a_sound_entry_is_what_it_says(event: str, data: st.DataObject, seed: int) -> None:
    """Of every event: one like another is told as its own judgement would be, unless it has an escape."""
    first, dice = data.draw(sound(event)), random.Random(seed)  # noqa: S311 - a test's dice
    alike, usual = knowing(first), b"\\" not in canonical(first)
    assert agrees(alike, canonical(first)) is usual
    for _ in range(5):
        assert agrees(alike, canonical(another(dice, first))) is usual


ODD: Final = b"\x00\t\n \"\\',-.:+/[]{}0159AFfgzZTe_\x7f\x80\xc3\xff"


@pytest.mark.parametrize("event", EVENTS)
@settings(max_examples=6, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_nothing_is_told_of_an_entry_that_is_not_sound(event: str, data: st.DataObject, seed: int) -> None:
    """Letters changed, put in, taken out, parts moved and doubled, and two entries cut and joined."""
    first, second = data.draw(sound(event)), data.draw(sound(event))
    alike, dice = knowing(first, second), random.Random(seed)  # noqa: S311 - a test's dice
    for _ in range(60):
        text = canonical(another(dice, first))
        other = canonical(dice.choice([second, another(dice, second), another(dice, first)]))
        for _ in range(dice.randrange(1, 4)):
            at, to = sorted(dice.choices(range(len(text)), k=2))
            odd = bytes([dice.choice(ODD)])
            ways = (
                text[:at] + odd + text[at + 1 :], text[:at] + odd + text[at:], text[:at] + text[at + 1 :],
                text[:at] + other[at:], text[:at] + text[to:] + text[at:to],
                text[:at] + text[at:to] + text[at:],
            )  # fmt: skip
            text = dice.choice(ways) or text
        agrees(alike, text)


def permit_and_release() -> tuple[Document, Document]:
    """Return a permit, and a release that names an entry of three digits."""
    permit, release = (json.loads(each.entry) for each in entries(0, 2))
    return permit, {**release, "decided": 120}


@pytest.mark.parametrize("which", [0, 1])
def test_every_change_of_one_byte(which: int) -> None:
    """All 256 values at each place: told are those, and only those, that leave each value in its alphabet."""
    document = permit_and_release()[which]
    alike, text, taken = knowing(document), canonical(document), 0
    for at in range(len(text)):
        before, after = text[:at], text[at + 1 :]
        taken += sum(agrees(alike, before + bytes([byte]) + after) for byte in range(256))
        assert not agrees(alike, before + after)
        assert not agrees(alike, before + text[at : at + 1] + text[at:])
    values = 64 * 16 * len(document["commitments"]) + 64 * len(document["ref"]) + 10 * 10
    values += (9 + 10 + 10) * which
    same = len(text) - 64 * len(document["commitments"]) - len(document["ref"]) - 10 - 3 * which
    assert values + same == taken


def _in(old: str, new: str) -> Callable[[str], str]:
    def changed(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return changed


REF: Final = "q_000000000000000000000000"
HOSTILE: Final[Mapping[str, Callable[[str], str]]] = {
    "an escape in the id": _in('"ref":"q_0000', '"ref":"q_\\u0030'),
    "an escape as long as what it stands for": _in(REF, "q_0000000000000000\\u00300"),
    "an id that is too short": _in(REF, "q_0000000000000"),
    "an id with a point": _in(REF, "q.000000000000000000000000"),
    "an id beyond ASCII": _in(REF, "q_00000000000000000000000é"),
    "an id that is null": _in(f'"{REF}"', "null"),
    "a key twice": _in('"v":1', f'"ref":"{REF}","v":1'),
    "a key twice, first": _in('{"agency"', f'{{"ref":"{REF}","agency"'),
    "an id within another string": _in('"kind":"plate"', f'"kind":"\\"ref\\":\\"{REF}\\""'),
    "an id among the commitments": _in('"commitments":{', f'"commitments":{{"ref":"{REF}",'),
    "commitments among the commitments": _in('"commitments":{', '"commitments":{"commitments":{},'),
    "white space": _in('"v":1', '"v": 1'),
    "white space at the end": lambda text: text + "\n",
    "a byte order mark": lambda text: "\ufeff" + text,
    "another order": _in('"kind":"plate","page":1', '"page":1,"kind":"plate"'),
    "capitals": lambda text: text.replace(text[text.index('"at":"') + 6 :][:64], "AB" * 32),
    "63 digits": lambda text: text.replace(text[text.index('"at":"') + 6 :][:64], "a" * 63),
    "65 digits": lambda text: text.replace(text[text.index('"at":"') + 6 :][:64], "a" * 65),
    "digits of another script": lambda text: text.replace(
        text[text.index('"at":"') + 6 :][:64], "\u0663" * 64
    ),
    "an hour of letters": _in("2026-11-01T10Z", "abcd-ef-ghTijZ"),
    "an hour of dashes": _in("2026-11-01T10Z", "2026--1-01T10Z"),
    "another hour's mark": _in("2026-11-01T10Z", "2026-11-01t10Z"),
    "a page that is a fraction": _in('"page":1', '"page":1.0'),
    "a page with an exponent": _in('"page":1', '"page":1e2'),
    "a permit that is negative": _in('"decided":120', '"decided":-12'),
    "a permit that is nothing less": _in('"decided":120', '"decided":-0'),
    "a permit with noughts before": _in('"decided":120', '"decided":012'),
    "a permit of noughts": _in('"decided":120', '"decided":000'),
    "a permit with an exponent": _in('"decided":120', '"decided":1e2'),
    "a permit that is a fraction": _in('"decided":120', '"decided":1.0'),
    "a permit as a word": _in('"decided":120', '"decided":"1"'),
    "a permit of letters": _in('"decided":120', '"decided":nul'),
    "a permit beyond every log": _in('"decided":120', '"decided":9007199254740992'),
    "a permit of many digits": _in('"decided":120', f'"decided":{"9" * 3000}'),
    "an agency that is a commitment": _in("agency-elsewhere", "a" * 64),
    "another agency": _in("agency-elsewhere", "agency-somewhere"),
    "an object for a string": _in('"kind":"plate"', '"kind":{"a":1}'),
    "two texts": lambda text: text + text,
    "half a text": lambda text: text[: len(text) // 2],
    "nothing": lambda _: "",
    "noughts": lambda text: "0" * len(text),
    "over 4 KiB": _in("agency-elsewhere", "a" * MOST_ENTRY),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_somebody_wrote_to_pass_for_another(what: str) -> None:
    """It is judged by itself; and if it is sound, and remembered, those like it are told aright."""
    _, release = permit_and_release()
    alike, text = knowing(release), HOSTILE[what](canonical(release).decode()).encode()
    assert not agrees(alike, text)
    document, faults = judged_alone(stored(text), beside=False)
    if document is not None and not faults:
        alike.learn(text, document)
        agrees(alike, text)
        agrees(alike, text.replace(b"a" * 64, b"b" * 64))
    assert agrees(alike, canonical(release))


def test_an_entry_that_is_not_all_of_it_told_is_not_remembered() -> None:
    """An escape, a letter beyond ASCII, or a number of 16 digits is judged by itself each time."""
    _, release = permit_and_release()
    for document, told in (
        ({**release, "decided": 10**15 - 1}, True),
        ({**release, "decided": 10**15}, False),
    ):
        assert agrees(knowing(document), canonical(document)) is told
    alike = Alike()
    for text in (b'{"a":"\\n"}', '{"a":"é"}'.encode(), b'{"commitments":{}}'):
        alike.learn(text, json.loads(text))
        assert alike.told(text) is None


# --- In a log. --------------------------------------------------------------------------------------------


class Forgetful(Alike):
    """Remembers nothing: so each entry is judged."""

    def learn(self, entry: bytes, document: Any) -> None:
        """Forget it."""


def test_a_stretch_says_the_same_either_way(tmp_path: Any) -> None:
    """Its permits, marks, releases and parties; and its frontiers are those of its leaves."""
    log = open_log(tmp_path)
    load(log.rows, 2 * SIZE)
    sizes = [SIZE, SIZE + 1, SIZE + 300, 2 * SIZE - 1]
    found = read(log.rows, SIZE, sizes, beside=True, alike=Alike())
    assert found is not None
    assert found == read(log.rows, SIZE, sizes, beside=True, alike=Forgetful())
    leaves = [each.leaf_hash for each in log.rows.entries(SIZE, 2 * SIZE)]
    assert {size: extend((), 0, leaves[: size - SIZE]) for size in sizes} == found.frontiers
    assert (found.root,) == extend((), 0, leaves)
    log.rows.close()


@pytest.mark.parametrize("column", ["event", "ref"])
def test_what_is_stored_beside_an_entry_is_compared_all_the_same(tmp_path: Any, column: str) -> None:
    """In the last entry, of which all is known by then."""
    log = open_log(tmp_path)
    load(log.rows, SIZE)
    log.rows.db.execute(f"update entries set {column} = 'query.refused' where i = ?", (SIZE - 1,))  # noqa: S608 - of two names
    assert read(log.rows, 0, [], beside=True, alike=Alike()) is None
    assert read(log.rows, 0, [], beside=False, alike=Alike()) is not None
    log.rows.close()


def _unlike() -> Iterator[Document]:
    _, release = permit_and_release()
    for number in range(3_500):
        yield {
            **release,
            "agency": f"agency-{number:057d}"[: 8 + number % 40] + f"{number:05d}",
            "page": number + 1,
        }


def test_entries_that_are_all_unlike_cost_no_memory() -> None:
    """What is remembered has a bound, and what is told after it was forgotten is right."""
    alike = Alike()
    tracemalloc.start()
    for document in _unlike():
        alike.learn(canonical(document), document)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * MOST_REMEMBERED
    assert sum(agrees(alike, canonical(document)) for document in _unlike())
