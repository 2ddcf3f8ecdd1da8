"""What a receipt proves to somebody who has nothing but the receipt and the log's key.

The check: (1) the receipt is whole, of this log, signed by one of the keys, and its path leads from its entry
to its checkpoint; its fields and openings fit (``receipts``); (2) the entry is one that this log may hold:
canonical, and fitting its event's schema; (3) an answer that stands around the receipt is the one that was
logged; (4) no checkpoint that was kept of the same size has another root. Guarantees: nothing is read but
what is passed in; whatever does not hold is one ``ReceiptRefused``, which names the step and quotes no
private value.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, get_args

from gatekeeper.errors import EntryRefused, LedgerCorrupt
from gatekeeper.ledger.canonical import Json, canonical
from gatekeeper.ledger.checkpoint import Checkpoint, CheckpointRefused, VerifierKey, open_checkpoint, signers
from gatekeeper.ledger.entries import fault_in
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.ledger.receipts import ReceiptRefused, Step, check_receipt, check_tlog_proof

_Opened = TypeVar("_Opened")
_STEPS: Final[tuple[Step, ...]] = get_args(Step)
_OF_A_CHECKPOINT: Final[Mapping[str, tuple[Step, str]]] = {
    "malformed": ("shape", "the checkpoint in it does not have the shape of a checkpoint"),
    "wrong_origin": ("origin", "it is of another log than the key that was given"),
    "wrong_key": ("key", "its checkpoint is not signed by the key that was given"),
}


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry that is in the log of `checkpoint`; `opened` are the private values that are proved true.

    `unopened` names the commitments without an opening, `also_signed_by` whose signatures stand beside the
    log's own (``name+id``): those were not checked.
    """

    index: int
    checkpoint: Checkpoint
    key: VerifierKey
    entry: Mapping[str, Json]
    opened: Mapping[str, Json]
    unopened: tuple[str, ...]
    also_signed_by: tuple[str, ...]


def prove_answer(document: Mapping[str, Json], keys: Sequence[VerifierKey]) -> Proved:
    """Return what a receipt proves, as it stands or within the answer that it came with.

    A proof of ``GET /v1/ledger/entries/{n}/proof`` has no openings: then nothing is opened. Raises
    ReceiptRefused, ValueError without a key.
    """
    receipt = receipt_in(document)
    if receipt is None:
        raise ReceiptRefused("shape", "it holds no receipt")
    whole: Mapping[str, Json] = {"openings": {}, **receipt}

    def check(key: VerifierKey) -> tuple[int, Mapping[str, Json], str]:
        entry = check_receipt(whole, key)
        return int(str(whole["index"])), entry, str(whole["checkpoint"])

    openings = whole["openings"]
    proved = _proved(check, keys, openings if isinstance(openings, dict) else {})
    _is_an_entry(str(whole["entry"]).encode(), proved.entry)
    _is_the_answer(document, proved)
    return proved


def prove_text(text: str, entry: bytes, keys: Sequence[VerifierKey]) -> Proved:
    """Return what a bare tlog-proof proves of an entry's exact text; raises as `prove_answer` does."""

    def check(key: VerifierKey) -> tuple[int, Mapping[str, Json], str]:
        index, _ = check_tlog_proof(text, leaf_hash(entry), key)
        try:
            document = json.loads(entry)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ReceiptRefused("entry", "what is in the log there is no JSON object")
        return index, document, text.partition("\n\n")[2]

    proved = _proved(check, keys, {})
    _is_an_entry(entry, proved.entry)
    return proved


def receipt_in(document: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return the receipt that a document is, or holds as ``receipt``; None if there is none."""
    if "tlog_proof" in document:
        return document
    held = document.get("receipt")
    return held if isinstance(held, dict) else None


def records_proved(document: Mapping[str, Json], proved: Proved) -> bool | None:
    """Say whether the records beside a receipt are proved to be those released; None where there are none."""
    if proved.entry["event"] != "query.released" or document.get("records") is None:
        return None
    return "rows" in proved.opened


def compared(proved: Proved, kept: str, keys: Sequence[VerifierKey]) -> int:
    """Return the size of a checkpoint that was kept, which does not contradict what was proved.

    One of another size cannot be compared without the log. Raises ReceiptRefused (fork) for another root of
    the same size, CheckpointRefused for what is no checkpoint of this log.
    """
    checkpoint = _first(lambda key: open_checkpoint(kept, key), keys)
    if checkpoint.origin != proved.checkpoint.origin:
        raise CheckpointRefused("wrong_origin", "it is a checkpoint of another log")
    if checkpoint.size == proved.checkpoint.size and checkpoint.root != proved.checkpoint.root:
        raise ReceiptRefused(
            "fork", "two checkpoints of one size have different roots, both signed by the log"
        )
    return checkpoint.size


def _proved(
    check: Callable[[VerifierKey], tuple[int, Mapping[str, Json], str]],
    keys: Sequence[VerifierKey],
    openings: Mapping[str, Json],
) -> Proved:
    def under(key: VerifierKey) -> Proved:
        index, entry, note = check(key)
        promised = entry.get("commitments")
        return Proved(
            index=index,
            checkpoint=open_checkpoint(note, key),
            key=key,
            entry=entry,
            opened={
                name: opening["value"] for name, opening in openings.items() if isinstance(opening, dict)
            },
            unopened=tuple(sorted(set(promised if isinstance(promised, dict) else ()) - set(openings))),
            also_signed_by=signers(note, key),
        )

    try:
        return _first(under, keys)
    except CheckpointRefused as refused:
        raise ReceiptRefused(*_OF_A_CHECKPOINT[refused.reason]) from None


def _first(opened: Callable[[VerifierKey], _Opened], keys: Sequence[VerifierKey]) -> _Opened:
    """Return what the first key opens; raise what the key that came furthest says, ValueError without one."""
    faults: list[LedgerCorrupt] = []
    for key in keys:
        try:
            return opened(key)
        except (CheckpointRefused, ReceiptRefused) as fault:
            faults.append(fault)
    if not faults:
        raise ValueError("nothing is proved without a key")
    raise max(faults, key=_reached)


def _reached(fault: LedgerCorrupt) -> int:
    if isinstance(fault, CheckpointRefused):
        return _STEPS.index(_OF_A_CHECKPOINT[fault.reason][0])
    return _STEPS.index(fault.step) if isinstance(fault, ReceiptRefused) else 0


def _is_an_entry(text: bytes, document: Mapping[str, Json]) -> None:
    """Raise ReceiptRefused for an entry that two readers could read differently, or that is on no list."""
    try:
        fault = None if canonical(document) == text else "it is not the canonical form of what it says"
    except EntryRefused:
        fault = "it has no canonical form"
    fault = fault or fault_in(document)
    if fault is not None:
        raise ReceiptRefused("entry", f"what is in the log there is no entry that it may hold: {fault}")


def _is_the_answer(document: Mapping[str, Json], proved: Proved) -> None:
    """Raise ReceiptRefused if the answer says otherwise than what was logged."""
    entry, decision = proved.entry, document.get("decision")
    if "query_id" in document and document["query_id"] != entry["ref"]:
        raise ReceiptRefused("answer", "the receipt is of another query than the answer around it")
    told = decision if isinstance(decision, dict) else {}
    logged = {"outcome": "permit", **entry} if entry["event"] == "query.released" else entry
    for name in ("outcome", "policy"):
        if name in told and name in logged and told[name] != logged[name]:
            raise ReceiptRefused("answer", f"the answer tells another {name} than the entry")
    provisions, records = told.get("provisions"), document.get("records")
    if entry.get("outcome") == "deny" and isinstance(provisions, list):
        _same_provisions(provisions, proved)
    if records and entry["event"] != "query.released":
        raise ReceiptRefused("answer", "there are records, but the entry tells of no release")
    if records is not None and entry["event"] == "query.released":
        _same_records(records, proved)


def _same_provisions(told: list[Json], proved: Proved) -> None:
    """Raise ReceiptRefused unless the answer names the entry's provisions, and no other but hidden ones."""
    codes = Counter(str(each.get("code")) for each in told if isinstance(each, dict))
    public, hidden = proved.entry["provisions"], proved.opened.get("hidden_provisions")
    beside = codes - Counter(map(str, public if isinstance(public, list) else ()))
    missing = [code for code in public if code not in codes] if isinstance(public, list) else []
    unlike = isinstance(hidden, list) and beside != Counter(map(str, hidden))
    if missing or unlike or codes.total() != len(told):
        raise ReceiptRefused("answer", "the answer names other provisions than the entry")


def _same_records(records: Json, proved: Proved) -> None:
    """Raise ReceiptRefused unless the records are those that the entry commits to, where that is opened."""
    rows = proved.opened.get("rows")
    try:
        digest: Json = {"sha256": hashlib.sha256(canonical(records)).hexdigest()}
    except EntryRefused:
        digest = None
    if rows is not None and rows != digest:
        raise ReceiptRefused("answer", "the records beside the receipt are not those that were released")
