"""Who knows how large the log was: what a restore is compared with before anything changes.

Guarantees: a place that should know and cannot be read, or that says what our key did not sign, ends the
restore; it is never passed over. The size in an unsigned head counts too: entries beyond the last signed
checkpoint were acknowledged as well. Nobody but the database itself knows the log's very end: the others are
told of it later.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gatekeeper.errors import GatekeeperError, OperatorError
from gatekeeper.ledger import Checkpoint, SigningKey, VerifierKey, open_checkpoint
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.cosignatures import Cosignature
from gatekeeper.ledger.merkle import Node, consistency_proof, frontier_at, root
from gatekeeper.ledger.rows import Head
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.store import LedgerRows
from gatekeeper.store.copying import Still
from gatekeeper.store.published import PublishedCheckpoints
from gatekeeper.witness.client import ask
from gatekeeper.witness.policy import Policy

SECONDS: Final = 5.0
"""For each witness."""


@dataclass(frozen=True, slots=True)
class Known:
    """How large the log was, and who says so. ``tree``: its root at that size, where that is known too."""

    where: str
    size: int
    tree: Checkpoint | None = None


def kept(file: Path, key: VerifierKey) -> Iterator[Known]:
    """Yield what the checkpoint outside the database says; nothing if there is none. Raises OperatorError."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        raise OperatorError(f"{file} cannot be read: it says how large the log was; mend it first") from None
    yield _signed(f"the checkpoint in {file}", text, key)


def database(file: Path, key: VerifierKey) -> tuple[list[Known], bool]:
    """Return what a database that was in place says, and whether its head could be read.

    Raises OperatorError for a database of another log.
    """
    found: list[Known] = []
    if not file.exists():
        return found, False
    whole = False
    with closing(Still(file, immutable=False)) as still:
        rows = LedgerRows(still)
        with suppress(GatekeeperError):
            head = rows.head()
            found.append(Known(f"the database {file}", head.size))
            whole = True
            if frontier_at(head.size, TileReader(rows).node) == head.frontier:  # else it is damaged
                tree = Checkpoint(key.origin, head.size, root(head.frontier))
                found[0] = Known(f"the database {file}", head.size, tree)
        text = published = None
        with suppress(GatekeeperError):
            text = rows.last_checkpoint()
        with suppress(GatekeeperError):
            published = PublishedCheckpoints(still).last()
    if text is not None:
        found.append(_signed(f"the last checkpoint that {file} keeps", text, key))
    if published is not None:
        found.append(_signed(f"the last published checkpoint that {file} keeps", published.text, key))
    return found, whole


def witnesses(
    policy: Policy, key: SigningKey, head: Head, node: Node, trust: ssl.SSLContext | None
) -> Iterator[Known]:
    """Yield what each witness knows of the log, if that is more than a head.

    It is asked to cosign the head, which it may if it knows no more. Raises OperatorError for a witness that
    cannot be asked, or that knows another history.
    """
    checkpoint = key.sign(head.size, root(head.frontier))
    for witness in policy.witnesses:
        answer = ask(
            witness,
            checkpoint,
            head.size,
            head.size,
            lambda old: consistency_proof(old, head.size, node),
            seconds=SECONDS,
            trust=trust,
        )
        if isinstance(answer, Cosignature):
            continue
        if answer.size is not None and answer.size > head.size:
            yield Known(f"the witness {witness.name}", answer.size)
        elif answer.kind == "refused":
            raise OperatorError(
                f"NOTHING WAS CHANGED: the witness {witness.name} does not vouch for this log: "
                f"{answer.reason}. Use another backup; if it knows another history, find out who wrote "
                "it; if it "
                "does not watch this log, --no-witness-check"
            )
        else:
            raise OperatorError(
                f"NOTHING WAS CHANGED: the witness {witness.name} could not be asked how large the log was "
                f"({answer.reason}): try again, or --no-witness-check, if its word is not needed"
            )


def words(known: Iterable[Known]) -> str:
    """Return who says what, in a sentence's part."""
    return "; ".join(f"{one.where}: {one.size} entries" for one in known)


def _signed(where: str, text: str, key: VerifierKey) -> Known:
    try:
        checkpoint = open_checkpoint(text, key)
    except CheckpointRefused as refused:
        raise OperatorError(
            f"NOTHING WAS CHANGED: {where} is not this log's ({refused}): put back what belongs there"
        ) from None
    return Known(where, checkpoint.size, checkpoint)
