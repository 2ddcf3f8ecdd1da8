"""Each tampering by whoever owns the database, but not the signing key; and what is said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.ledger.attacker import LIFTED, PERMIT, RELEASE, SIZE, STOP
from tests.ledger.attacks import (
    Attack,
    altered,
    dropped_and_closed_up,
    field,
    inserted_in_the_middle,
    of_another_log,
    old_checkpoint_replayed,
    replaced,
    rewritten,
    said,
    second_head,
    signature_of_another,
    signed_by_another,
    yesterday,
    yesterday_with_its_file,
)


@dataclass(frozen=True)
class Tampering:
    """What is done; what an auditor is told; what the start says (None: it looks at the end alone)."""

    attack: Attack
    told: str
    start: str | None = None


ALTERED, HEAD = "entry {} was altered", "do not give the head's frontier"
WRITTEN_ANEW = "not those that a .* checkpoint was signed over"
FEWER = r"was signed over 300 entries; \d+ are left"
START_FEWER = "signed over 300 entries, but only .* are left: the log was truncated or an old copy restored"
START_ANEW = "not those that the checkpoint .* was signed over"

TAMPERINGS = {
    # --- A row altered.
    "row altered": Tampering(altered(17), ALTERED.format(17)),
    "row altered, with its hash": Tampering(altered(17, hashed=True), ALTERED.format(17)),
    "row altered, with its hash and its tile": Tampering(
        altered(17, hashed=True, tile=True), "was altered|" + WRITTEN_ANEW, "head's frontier"
    ),
    "row altered, and everything but the signatures": Tampering(
        altered(17, hashed=True, tile=True, head=True), WRITTEN_ANEW, START_ANEW
    ),
    "last day's row altered": Tampering(altered(290), ALTERED.format(290), ALTERED.format(290)),
    "last day's row altered, with its hash": Tampering(
        altered(290, hashed=True), "some entry from 256 to 299 was altered", HEAD
    ),
    "last day's row altered, with its hash and the head": Tampering(
        altered(290, hashed=True, head=True), WRITTEN_ANEW, START_ANEW
    ),
    "first row altered": Tampering(altered(0), ALTERED.format(0)),
    "last row altered": Tampering(altered(SIZE - 1), ALTERED.format(299), ALTERED.format(299)),
    "row made empty": Tampering(lambda a: a.put(17, b""), ALTERED.format(17)),
    "row overwritten with what is no text": Tampering(
        lambda a: a.put(17, b"\xff\x00"), "entry 17: it is not a JSON object"
    ),
    "one bit of a row flipped": Tampering(
        lambda a: a.put(99, bytes([a.entries()[99][0] ^ 1]) + a.entries()[99][1:]), ALTERED.format(99)
    ),
    "row says the same in other bytes": Tampering(
        replaced(17, lambda entry: entry.replace(b'"v":1', b'"v": 1')),
        "entry 17: it is not the canonical form",
        START_ANEW,
    ),
    "promise in an entry altered": Tampering(
        replaced(17, lambda entry: re.sub(b'"count":"....', b'"count":"AAAA', entry)),
        WRITTEN_ANEW,
        START_ANEW,
    ),
    "plate put into an entry": Tampering(replaced(17, field("plate", "DEMO1")), "entry 17: ", START_ANEW),
    "denial made a permit": Tampering(replaced(98, field("outcome", "permit")), WRITTEN_ANEW, START_ANEW),
    "permit made a denial after its release": Tampering(
        replaced(PERMIT, field("outcome", "deny")), f"entry {RELEASE}: .*permit", START_ANEW
    ),
    "release given another query's permit": Tampering(
        replaced(RELEASE, field("decided", PERMIT - 2)), f"entry {RELEASE}: .*permit", START_ANEW
    ),
    "end of a stop moved past releases": Tampering(
        rewritten(lambda e: [*e[:LIFTED], *e[LIFTED + 1 : 60], e[LIFTED], *e[60:]]), "stop", START_ANEW
    ),
    "stop taken out of the log": Tampering(
        rewritten(lambda e: [*e[:STOP], *e[STOP + 1 :]]),
        "entry 40: it lifts a stop that was not in force",
        START_FEWER,
    ),
    "hour moved ahead": Tampering(replaced(17, field("hour", "2999-01-01T00Z")), "time|hour", START_ANEW),
    "hour moved back": Tampering(replaced(17, field("hour", "2001-01-01T00Z")), "time|hour", START_ANEW),
    # --- Dropped, swapped, inserted, duplicated.
    "row dropped": Tampering(lambda a: a.drop(42), "entry 42 is missing from the middle"),
    "first row dropped": Tampering(lambda a: a.drop(0), "entry 0 is missing from the middle"),
    "many rows dropped": Tampering(lambda a: a.drop(*range(20, 60)), "entries 20 to 59 are missing"),
    "last day's row dropped": Tampering(lambda a: a.drop(280), "entry 280 is missing", "gap|not all there"),
    "row dropped and the rest closed up": Tampering(
        dropped_and_closed_up, "entry 42 was dropped: what follows moved up", "entry 299 is missing"
    ),
    "row dropped, and everything but the signatures": Tampering(
        rewritten(lambda e: [*e[:42], *e[43:]]), FEWER, START_FEWER
    ),
    "rows swapped": Tampering(lambda a: a.swap(10, 20), "entry 20 stands in the place of entry 10"),
    "neighbours swapped": Tampering(lambda a: a.swap(10, 11), "entry 11 stands in the place of entry 10"),
    "last day's rows swapped": Tampering(
        lambda a: a.swap(270, 280), "entries 270 and 280 changed places", HEAD
    ),
    "rows swapped over the edge of a tile": Tampering(
        lambda a: a.swap(255, 256), "entry 255 was altered|stands in the place|changed places", HEAD
    ),
    "rows swapped, and everything but the signatures": Tampering(
        rewritten(lambda e: [*e[:10], e[11], e[10], *e[12:]]), WRITTEN_ANEW, START_ANEW
    ),
    "row inserted at the end": Tampering(
        lambda a: a.insert(SIZE, said(a, SIZE - 1, ref="q_" + "0" * 24)),
        "there is an entry 300, past the head's size",
        "there is an entry 300",
    ),
    "row inserted in the middle": Tampering(
        inserted_in_the_middle, "entry 42 was altered", "there is an entry 300"
    ),
    "row inserted, and everything but the signatures": Tampering(
        rewritten(lambda e: [*e[:42], field("ref", "q_" + "0" * 24)(e[42]), *e[42:]]),
        WRITTEN_ANEW,
        START_ANEW,
    ),
    "row inserted before the first": Tampering(
        rewritten(lambda e: [field("ref", "q_" + "0" * 24)(e[0]), *e]), WRITTEN_ANEW, START_ANEW
    ),
    "row with a negative number": Tampering(
        lambda a: a.sql("UPDATE ledger_entries SET entry_index = -1 WHERE entry_index = 0"),
        "entry 0 is missing",
    ),
    "row duplicated at the end": Tampering(
        lambda a: a.insert(SIZE, a.entries()[17]), "there is an entry 300", "there is an entry 300"
    ),
    "row duplicated over its neighbour": Tampering(
        lambda a: a.put(43, a.entries()[42], hashed=True), "entry 43 was altered"
    ),
    "row duplicated, and everything but the signatures": Tampering(
        rewritten(lambda e: [*e[:42], *e[41:]]), WRITTEN_ANEW, START_ANEW
    ),
    # --- The tail cut, the head.
    "last row cut off": Tampering(
        lambda a: a.cut(SIZE - 1, head=False), "entry 299 is missing from the end", "entry 299 is missing"
    ),
    "tail cut off": Tampering(
        lambda a: a.cut(280, head=False),
        "entries 280 to 299 are missing from the end",
        "entry 299 is missing",
    ),
    "tail cut off with its head": Tampering(lambda a: a.cut(280), FEWER, START_FEWER),
    "tail cut off with all that the database has signed": Tampering(
        lambda a: a.cut(280, checkpoints=True), FEWER, START_FEWER
    ),
    "tail cut off with all that the city has signed": Tampering(
        lambda a: a.cut(180, checkpoints=True, file=True), "was signed over 200 entries; 180 are left"
    ),
    "all rows deleted": Tampering(
        lambda a: a.cut(0, checkpoints=True), "signed over 200 entries; 0 are left", START_FEWER
    ),
    "head says fewer": Tampering(
        lambda a: a.head(SIZE - 1, a.leaves()),
        "there is an entry 299, past the head's size",
        "there is an entry 299",
    ),
    "head says more": Tampering(
        lambda a: a.head(SIZE + 1, [*a.leaves(), bytes(32)]), "entry 300 is missing", "entry 300 is missing"
    ),
    "head of another tree": Tampering(
        lambda a: a.head(SIZE, [bytes(32)] * SIZE), "the head's frontier is not that of the entries", HEAD
    ),
    "head that cannot be one": Tampering(
        lambda a: a.sql("UPDATE ledger_head SET size = 7"),
        "frontier does not fit the stored size",
        "does not fit",
    ),
    "head taken away": Tampering(
        lambda a: a.sql("DELETE FROM ledger_head"), "the log has no head", "the log has no head"
    ),
    "two heads": Tampering(second_head, "the log has no head", "the log has no head"),
    # --- What was signed.
    "wrong key": Tampering(signed_by_another, "not signed by the log's key", "not signed by the log's key"),
    "another log's checkpoint": Tampering(of_another_log, "of another log", "of another log"),
    "checkpoint without a signature": Tampering(
        lambda a: a.stored(lambda note: note.partition("\n\n")[0]), "shape", "is refused"
    ),
    "checkpoint made larger": Tampering(
        lambda a: a.stored(lambda note: re.sub(r"\n300\n", "\n301\n", note)),
        "not signed by the log's key",
        "refused",
    ),
    "checkpoint of another root": Tampering(
        lambda a: a.stored(lambda note: re.sub(r"\n[^\n]{44}\n", f"\n{'A' * 43}=\n", note)),
        "not signed by the log's key",
        "refused",
    ),
    "signature of another checkpoint": Tampering(
        signature_of_another, "not signed by the log's key", "refused"
    ),
    "checkpoint that is none": Tampering(
        lambda a: a.stored(lambda _: "none"), "shape", "in the database is refused"
    ),
    "published checkpoint altered": Tampering(
        lambda a: a.sql("UPDATE published_checkpoints SET text = 'none'"),
        "shape",
        "published last is refused",
    ),
    "file beside the database altered": Tampering(
        lambda a: a.file.write_bytes(b"\xff"), "shape", "cannot be read"
    ),
    "old checkpoint replayed": Tampering(
        old_checkpoint_replayed,
        "was signed over 200 entries; 150 are left",
        "signed over 200 entries, but only 150",
    ),
    "restore of yesterday's backup": Tampering(yesterday, FEWER, START_FEWER),
    "restore of an older backup, with its file": Tampering(
        yesterday_with_its_file, "was signed over 200 entries; 180 are left"
    ),
    # --- What is derived.
    "tile altered": Tampering(
        lambda a: a.tile(a.hashes()[:3200] + bytes(32) + a.hashes()[3232:]),
        "the tile's hash of entry 100 is wrong; the entry is the one signed",
        "head's frontier",
    ),
    "two hashes of a tile swapped": Tampering(
        lambda a: a.tile(a.hashes()[32:64] + a.hashes()[:32] + a.hashes()[64:]),
        "tile's hash of entry 0 is wrong",
        HEAD,
    ),
    "tile missing": Tampering(lambda a: a.sql("DELETE FROM ledger_tiles"), "tile 0/0 is missing"),
    "tile cut short": Tampering(
        lambda a: a.tile(a.hashes()[:-1]), "tile 0/0 is missing or is not 256", "256 hashes"
    ),
    "tile moved": Tampering(
        lambda a: a.sql("UPDATE ledger_tiles SET number = 1"), "tile 0/0 is missing", HEAD
    ),
    "hash beside a row altered": Tampering(
        lambda a: a.sql("UPDATE ledger_entries SET leaf_hash = :h WHERE entry_index = 17", h=bytes(32)),
        "the hash stored beside entry 17 is not its own",
    ),
    "hash beside a last day's row altered": Tampering(
        lambda a: a.sql("UPDATE ledger_entries SET leaf_hash = :h WHERE entry_index = 290", h=bytes(32)),
        "entry 290",
        HEAD,
    ),
    "row filed under another query": Tampering(
        lambda a: a.sql("UPDATE ledger_entries SET ref = 'q_hidden' WHERE entry_index = 17"),
        "entry 17: the event or query stored beside it",
    ),
    "row filed under another event": Tampering(
        lambda a: a.sql("UPDATE ledger_entries SET event = 'query.decided' WHERE entry_index = 17"),
        "entry 17: the event or query stored beside it",
    ),
}  # fmt: skip
