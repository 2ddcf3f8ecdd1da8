"""What an asker takes home: proof that its answer is in the log, checkable without asking us again.

Guarantees: the text form is C2SP tlog-proof (``c2sp.org/tlog-proof@v1``), which tools that we did not write
can check; the JSON form carries the same proof, the exact entry, and the openings of the entry's commitments,
so that the asker (and nobody else) can show what was asked and what was released.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger.canonical import Json
from gatekeeper.ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gatekeeper.ledger.commitments import opens
from gatekeeper.ledger.merkle import leaf_hash, verify_inclusion

_HEADER = "c2sp.org/tlog-proof@v1"
_PROOF = re.compile(
    r"c2sp\.org/tlog-proof@v1\n(?:extra [A-Za-z0-9+/]*={0,2}\n)?index (0|[1-9][0-9]{0,15})\n"
    r"((?:[A-Za-z0-9+/]{43}=\n){0,63})\n(.*)\Z",
    re.DOTALL,
)

Step = Literal["shape", "origin", "key", "path", "fields", "openings", "entry", "answer", "fork"]
"""What of a receipt can fail to hold, in the order in which it is looked at."""


class ReceiptRefused(LedgerCorrupt):
    """A receipt does not prove what it says; `step` names where it fails."""

    def __init__(self, step: Step, message: str) -> None:
        super().__init__(message)
        self.step = step


@dataclass(frozen=True, slots=True)
class Receipt:
    """One entry, its path to a signed checkpoint, and the openings of its commitments."""

    index: int
    entry: bytes
    leaf_hash: bytes
    proof: tuple[bytes, ...]
    tree_size: int
    checkpoint: str
    openings: Mapping[str, Json]

    def as_json(self) -> dict[str, Json]:
        """Return the receipt as the HTTP contract shapes it; raises LedgerCorrupt for what is not text."""
        try:
            entry = self.entry.decode()
        except UnicodeDecodeError:
            raise LedgerCorrupt("the entry's text is not UTF-8") from None
        return {
            "index": self.index,
            "entry": entry,
            "leaf_hash": _b64(self.leaf_hash),
            "inclusion_proof": [_b64(step) for step in self.proof],
            "tree_size": self.tree_size,
            "checkpoint": self.checkpoint,
            "openings": dict(self.openings),
            "tlog_proof": self.tlog_proof(),
        }

    def tlog_proof(self) -> str:
        """Return the proof as C2SP tlog-proof text."""
        steps = "".join(f"{_b64(step)}\n" for step in self.proof)
        return f"{_HEADER}\nindex {self.index}\n{steps}\n{self.checkpoint}"


def check_tlog_proof(text: str, leaf: bytes, key: VerifierKey) -> tuple[int, Checkpoint]:
    """Return index and checkpoint of a tlog-proof for an entry's leaf hash.

    Raises ReceiptRefused, or CheckpointRefused for the checkpoint in it.
    """
    match = _PROOF.match(text)
    if match is None:
        raise ReceiptRefused("shape", "the receipt is not a tlog-proof")
    checkpoint = open_checkpoint(match[3], key)
    steps = [base64.b64decode(line) for line in match[2].splitlines()]
    if not verify_inclusion(leaf, int(match[1]), checkpoint.size, steps, checkpoint.root):
        raise ReceiptRefused("path", "the receipt's path does not lead to its checkpoint")
    return int(match[1]), checkpoint


def check_receipt(receipt: Mapping[str, Json], key: VerifierKey) -> dict[str, Json]:
    """Return what a receipt proves: the entry, decoded; raises ReceiptRefused or CheckpointRefused.

    (1) The text proves that the entry is in the log; (2) the JSON fields say the same as the text; (3) each
    opening opens the entry's commitment of that name.
    """
    try:
        stated = (receipt["index"], receipt["tree_size"], receipt["leaf_hash"])
        if not isinstance(receipt["entry"], str) or any(isinstance(said, bool | float) for said in stated):
            raise ReceiptRefused("shape", "the receipt is not whole: a field is of another type")
        entry = receipt["entry"].encode()
        # (1) the text
        index, checkpoint = check_tlog_proof(str(receipt["tlog_proof"]), leaf_hash(entry), key)
        # (2) the fields
        steps = "".join(f"{step}\n" for step in _texts(receipt["inclusion_proof"]))
        same = str(receipt["tlog_proof"]).endswith(f"\nindex {index}\n{steps}\n{receipt['checkpoint']}")
        if not same or stated != (index, checkpoint.size, _b64(leaf_hash(entry))):
            raise ReceiptRefused("fields", "the receipt's fields and its proof do not say the same")
        # (3) the openings
        document: dict[str, Json] = json.loads(entry)
        commitments, openings = document["commitments"], receipt["openings"]
        check_openings(commitments, openings)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ReceiptRefused("shape", "the receipt is not whole") from None
    return document


def check_openings(commitments: Json, openings: Json) -> None:
    """Raise ReceiptRefused unless each opening opens the commitment of its name."""
    if not isinstance(commitments, dict) or not isinstance(openings, dict):
        raise ReceiptRefused("openings", "commitments and openings are objects")
    for name, opening in openings.items():
        promised = commitments.get(name)
        try:
            if not isinstance(opening, dict) or not isinstance(promised, str):
                raise ReceiptRefused("openings", "an opening has no commitment")
            salt = base64.b64decode(str(opening["salt"]), validate=True)
            if not opens(name, opening["value"], salt, promised):
                raise ReceiptRefused("openings", "an opening does not open its commitment")
        except (binascii.Error, KeyError):
            raise ReceiptRefused("openings", "an opening is not whole") from None


def _texts(steps: Json) -> list[Json]:
    if not isinstance(steps, list):
        raise ReceiptRefused("shape", "an inclusion proof is a list")
    return steps


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
