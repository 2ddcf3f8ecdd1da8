"""Guessing: every plate, officer, case, camera, word, time and count there is, against all that is public.

A plate has few enough possible values to try them all. So none may stand in an entry, nor anything that is
made of it without a random salt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper.ledger import Json, canonical
from gatekeeper.ledger.checkpoint import VerifierKey, open_checkpoint
from gatekeeper.ledger.commitments import commit
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.policy import load, shipped_policies
from tests.ledger.public.asked import AGENCIES, COUNTED, NARRATIVES, OFFICERS, PLATES, Asked, Published
from tests.ledger.public.attacker import GUESSED_KEYS, TAG, forms, found, targets_in, values

PUBLIC_WORDS = {"stolen", "vehicle", "example", "sample"}
"""Words of the narratives that agencies' names, categories and provisions hold as well."""


def _private_words() -> Iterator[str]:
    yield from PLATES
    yield from COUNTED.values()
    for name, badge in OFFICERS:
        yield from (name, badge)
    yield from ("Jordan Behalf-Made-Up", "26-55555", "cam-1", "cam-2", "read-0000", "Sam Sample")
    yield from ("Made-Up County", "Longname", "625 ILCS", "Auto theft")
    yield from {word for said in NARRATIVES for word in re.findall(r"\w+", said) if len(word) > 4}


def test_no_private_word_stands_in_anything_public(public: Published) -> None:
    """As it is, in capitals, as base64 wherever it may lie, or as hex."""
    everything = b"".join((*public.entries, *public.tiles, public.checkpoint.encode(), public.vkey.encode()))
    small = everything.lower()
    for word in {word for word in _private_words() if word.lower() not in PUBLIC_WORDS}:
        said = word.encode()
        assert said.lower() not in small, word
        if len(said) < 6:
            continue
        assert said.hex().encode() not in small, word
        for shift in range(3):
            inner = base64.b64encode(b"\0" * shift + said)[4 if shift else 0 :]
            inner = inner[: len(inner) // 4 * 4 - 4]
            if len(inner) >= 8:  # four letters of base64 stand somewhere by chance
                assert inner not in everything, word


def _guesses() -> Iterator[tuple[str, Json]]:
    for number in range(1000, 2100):
        yield "query", f"DEMO{number}"
        yield "officer", f"BX{number}"
    for plate in PLATES:
        yield "query", {"kind": "plate", "plate": plate}
    for name, badge in OFFICERS:
        yield "officer", name
        yield "officer", {"name": name, "badge": badge}
    for number in range(100):
        yield "query", f"cam-{number}"
        yield "request", f"26-{55_500 + number}"
    for said in (*_private_words(), *NARRATIVES):
        yield "request", said
    for code in ("stated_reason", "case_number", "agreement"):
        yield "hidden_provisions", [code]
    yield "hidden_provisions", []


def test_no_guess_is_confirmed_by_anything_public(public: Published) -> None:
    """Plain, hashed, and keyed with what anybody could know."""
    keys = (*GUESSED_KEYS, VerifierKey.parse(public.vkey).public)
    assert [] == found(targets_in(public.entries) | {*public.leaves}, _guesses(), keys)


def test_no_count_is_confirmed_by_anything_public(public: Published) -> None:
    """From one to ten thousand; that there was none is said in clear, as the band ``0``."""
    counts: Iterator[tuple[str, Json]] = (("count", number) for number in range(1, 10_001))
    assert [] == found(targets_in(public.entries), counts, GUESSED_KEYS[:2])


def test_no_offense_is_confirmed_at_any_second(public: Published) -> None:
    """Each code with each second of each hour that the log names: together, and each by itself."""
    data: Any = load(shipped_policies()).data["offenses"]
    codes = [*data["codes"]]
    hours = {str(document["hour"]) for document in public.documents}
    targets = targets_in(public.entries) | {*public.leaves}
    assert [] == found(targets, (("offense", code) for code in codes), GUESSED_KEYS)
    for hour in hours:
        seconds = [f"{hour[:-1]}:{second // 60:02}:{second % 60:02}" for second in range(3600)]
        stamps = [f"{second}{end}" for second in seconds for end in ("Z", ".000Z")]
        assert [] == found(targets, (("at", stamp) for stamp in stamps), GUESSED_KEYS)
        for second in seconds:
            for code in codes:
                assert hashlib.sha256(f"{code}{second}Z".encode()).digest() not in targets


def test_the_true_values_are_not_confirmed_by_what_stands_beside_them(
    public: Published, asked: Asked
) -> None:
    """The attacker guesses right, and tries every key that the entry, its place or its agency gives."""
    wrong = []
    for index, document in enumerate(public.documents):
        targets = targets_in([public.entries[index]])
        beside = {text.encode() for text in values(document)} | {
            public.leaves[index],
            public.leaves[index - 1],
            str(index).encode(),
            index.to_bytes(8, "big"),
            index.to_bytes(32, "big"),
            *(agency.encode() for agency in AGENCIES),
        }
        keys = {key.ljust(length, b"\0")[:length] for key in beside for length in (32, len(key))}
        keys |= {hashlib.sha256(key).digest() for key in beside}
        for name, opening in asked.openings[index].items():
            *_, message = forms(name, opening["value"])  # as the log itself does
            wrong += [
                (index, name)
                for key in keys
                if hashlib.sha256(key + message).digest() in targets or _keyed(key, message) in targets
            ]
    assert [] == wrong


def _keyed(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def test_no_commitment_is_made_with_the_salt_of_another(public: Published, asked: Asked) -> None:
    """A receipt opens its own entry and no other, and each salt one commitment alone."""
    salts = [
        base64.b64decode(str(opening["salt"])) for opened in asked.openings for opening in opened.values()
    ]
    assert len(salts) == len(set(salts))
    assert {32} == {len(salt) for salt in salts}
    mine = asked.of("same")[0].answer["receipt"]["openings"]
    for document in public.documents:
        if document["ref"] == asked.of("same")[0].ref:
            continue
        for name, promised in document["commitments"].items():
            for opening in mine.values():
                salt = base64.b64decode(opening["salt"])
                assert promised not in {commit(name, each["value"], salt) for each in mine.values()}


@pytest.mark.parametrize(
    "weak",
    {
        "hashed": hashlib.sha256(b"DEMO1001").hexdigest(),
        "hashed as JSON": hashlib.sha256(canonical("DEMO1001")).hexdigest(),
        "hashed by name": hashlib.sha256(canonical({"name": "query", "value": "DEMO1001"})).hexdigest(),
        "no salt": hmac.digest(b"", TAG + b"query\n" + canonical("DEMO1001"), "sha256").hex(),
        "a salt of zeros": commit("query", "DEMO1001", bytes(32)),
        "a count with a salt of zeros": commit("count", 37, bytes(32)),
        "another hash": base64.b64encode(hashlib.blake2s(b"BX1200").digest()).decode(),
        "as it is": "DEMO1001",
        "base64": base64.b64encode(b"DEMO1001").decode(),
    }.items(),
    ids=lambda weak: weak[0],
)
def test_the_attack_finds_what_is_badly_hidden(public: Published, weak: tuple[str, str]) -> None:
    """Otherwise it would be no wonder that it finds nothing."""
    document = dict(public.documents[-1])
    document["commitments"] = {**document["commitments"], "query": weak[1]}
    targets = targets_in([*public.entries, canonical(document)])
    guesses: list[tuple[str, Json]] = [("count", 37)]
    guesses += [guess for guess in _guesses() if guess[1] in ("DEMO1001", "BX1200")]
    assert found(targets, guesses, GUESSED_KEYS)


def test_the_tree_tells_no_more_than_its_entries(public: Published) -> None:
    """Leaves, tiles and head follow from the entries alone: there is nothing else in them to attack."""
    assert [leaf_hash(entry) for entry in public.entries] == [*public.leaves]
    assert public.tiles[0] == b"".join(public.leaves)
    checkpoint = open_checkpoint(public.checkpoint, VerifierKey.parse(public.vkey))
    assert len(public.entries) == checkpoint.size
    whole = _root(public.leaves)
    assert whole == checkpoint.root
    assert public.tiles[1] == b"".join(
        _root(public.leaves[start : start + 256]) for start in range(0, len(public.leaves) // 256 * 256, 256)
    )
    assert 3 == len(public.checkpoint.partition("\n\n")[0].split("\n"))


def _root(leaves: tuple[bytes, ...]) -> bytes:
    """Return the RFC 6962 root, by its definition."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + _root(leaves[:half]) + _root(leaves[half:])).digest()
