"""Timing: an entry tells the hour, and its place in the order; nothing in it tells the minute."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from itertools import pairwise

from tests.ledger.public.asked import Asked, Published
from tests.ledger.public.attacker import values


def test_no_text_of_an_entry_is_finer_than_the_hour(public: Published) -> None:
    """No clock, no date with a minute, in any text of any entry; the exact time is a commitment of each."""
    for document in public.documents:
        assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}Z", document["hour"])
        assert "at" in document["commitments"]
        for value in values(document):
            # The digest of a policy may begin with two digits; that is no clock.
            assert not re.search(r"[0-9]:[0-9]{2}", value.removeprefix("sha256:")), value


def test_every_number_of_an_entry_is_a_place_or_a_small_count(public: Published) -> None:
    """None is a moment: not in seconds, not in milliseconds."""
    for document in public.documents:
        numbers = {name: value for name, value in document.items() if type(value) is int}
        assert numbers.keys() <= {"v", "decided", "page", "serial"}
        assert all(number < len(public.entries) for number in numbers.values())


def test_an_id_holds_no_time(public: Published, asked: Asked) -> None:
    """Each bit of a query's id is now nought, now one: where a time stood, the leading ones would stay."""
    ids = list(dict.fromkeys(one.ref for one in asked.queries))
    assert len(ids) == len(asked.queries) > 200
    raw = [int.from_bytes(base64.b32decode(f"{each[2:].upper()}======"), "big") for each in ids]
    ones, zeros = 0, 0
    for number in raw:
        assert number < 1 << 128
        ones, zeros = ones | number, zeros | ~number & ((1 << 128) - 1)
    assert ones == zeros == (1 << 128) - 1
    # Nor does their order: of two that follow each other the later is the greater as often as not.
    rising = sum(a < b for a, b in pairwise(raw))
    assert 0.25 < rising / len(raw) < 0.75
    refs = [document["ref"] for document in public.documents if not document["event"].startswith("query.")]
    assert len(refs) == len(set(refs))
    assert all(re.fullmatch(r"[a-z]+_[0-9a-f]{16,24}", ref) for ref in refs)


def test_the_head_tells_no_time(public: Published) -> None:
    """A checkpoint is origin, size and root; its signature follows from them (RFC 8032 draws nothing)."""
    origin, size, root = public.checkpoint.partition("\n\n")[0].split("\n")
    assert (str(len(public.entries)), 44) == (size, len(root))
    year = str(datetime.now(UTC).year)
    assert year not in origin


def test_what_the_private_side_opens_to_is_exact(asked: Asked) -> None:
    """The time is there, to the millisecond, for who holds the receipt."""
    for one in asked.queries:
        at = str(one.answer["receipt"]["openings"]["at"]["value"])
        assert re.fullmatch(r"[0-9T:-]{19}\.[0-9]{3}Z", at)
        assert at.startswith(one.entry["hour"].removesuffix("Z"))
