"""What a verification finds, and how far it read: the values that pass between it and whoever asked.

Guarantees: a finding's code is one of a closed list; a message names an entry or a file, and quotes neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gatekeeper.ledger.canonical import Json

CODES: Final = {
    "altered": "an entry's text is not the one that was logged",
    "dropped": "an entry is missing from the middle",
    "reordered": "entries changed places",
    "truncated": "entries are missing from the end",
    "forked": "the entries are not those that a checkpoint was signed over: a second history",
    "wrong_key": "a checkpoint is not signed by the log's key",
    "malformed": "a checkpoint does not have the shape of one",
    "wrong_origin": "a checkpoint is of another log",
    "head": "the head does not fit the entries",
    "tile": "a tile is missing or does not hold the hashes of its entries",
    "leaf_hash": "the hash stored beside an entry is not its own",
    "column": "the event or query stored beside an entry is not its own",
    "schema": "an entry does not fit the schema of its event",
    "not_canonical": "an entry is not in canonical form",
    "time": "time runs backwards",
    "release_without_decision": "a release without an earlier permit",
    "release_while_stopped": "a release within a stop",
    "stop_unknown": "a stop was lifted that was not in force",
    "hold_lost": "the log tells of a legal hold in force that the database does not have as it was placed",
    "hold_unlogged": "the database has a legal hold in force that the log does not tell of",
    "unreadable": "what is stored cannot be read as a log",
    "bundle": "a file of entries is missing from a copy, or does not hold its entries",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: its code (a key of `CODES`), the entry it is about, and a plain sentence."""

    code: str
    index: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a log was read: size and root, and what the entries after it are judged by."""

    size: int
    root: bytes
    hour: str
    stops: Mapping[str, tuple[Json, Json]]
