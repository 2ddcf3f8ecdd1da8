"""What whoever owns the database, but not the signing key, can do to a log, one function for each kind."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.merkle import leaf_hash
from tests.ledger.attacker import KNOWN, SIZE, Attacker, log_key

Attack = Callable[[Attacker], object]


def said(attacker: Attacker, index: int, **changes: object) -> bytes:
    """Return an entry's text with other fields."""
    return canonical({**json.loads(attacker.entries()[index]), **changes})


def moved(attacker: Attacker, *, by: int, at: int) -> None:
    """Move every row from one on up or down by one."""
    rows = range(at, SIZE)
    for index in rows if by < 0 else reversed(rows):
        attacker.sql(
            "UPDATE ledger_entries SET entry_index = :new WHERE entry_index = :i", i=index, new=index + by
        )


def altered(index: int, *, hashed: bool = False, tile: bool = False, head: bool = False) -> Attack:
    """Return the attack that makes an entry say another category, and so much fit to it."""

    def attack(attacker: Attacker) -> None:
        entry = said(attacker, index, category="missing_or_endangered_person")
        attacker.put(index, entry, hashed=hashed)
        if tile:
            leaf = leaf_hash(entry)
            attacker.tile(attacker.hashes()[: index * 32] + leaf + attacker.hashes()[index * 32 + 32 :])
        if head:
            attacker.head(SIZE, attacker.leaves())

    return attack


def rewritten(change: Callable[[list[bytes]], list[bytes]]) -> Attack:
    """Return the attack that writes another history, complete but for its signatures."""
    return lambda attacker: attacker.rewrite(change(attacker.entries()))


def replaced(index: int, change: Callable[[bytes], bytes]) -> Attack:
    """Return the attack that writes history anew with another text of one entry."""
    return rewritten(lambda entries: [*entries[:index], change(entries[index]), *entries[index + 1 :]])


def field(name: str, value: object) -> Callable[[bytes], bytes]:
    """Return what sets a field of an entry."""
    return lambda entry: canonical({**json.loads(entry), name: value})


def dropped_and_closed_up(attacker: Attacker) -> None:
    """Delete a row and move what follows."""
    attacker.drop(42)
    moved(attacker, by=-1, at=43)


def inserted_in_the_middle(attacker: Attacker) -> None:
    """Make room for a row that was never logged."""
    entry = said(attacker, 42, ref="q_" + "0" * 24)
    moved(attacker, by=1, at=42)
    attacker.insert(42, entry)


def foreign(attacker: Attacker, origin: str | None = None) -> SigningKey:
    """Return a key of the attacker's own, of this log's name or another."""
    return SigningKey.create(attacker.city / "own.pem", origin or log_key(attacker.city).origin)


def signed_by_another(attacker: Attacker) -> None:
    """Sign the true head with a key of one's own."""
    own = foreign(attacker)
    attacker.stored(lambda note: own.sign(int(note.splitlines()[1]), base64.b64decode(note.splitlines()[2])))


def of_another_log(attacker: Attacker) -> None:
    """Put a checkpoint of another log there."""
    note = foreign(attacker, "elsewhere.example.org/ledger").sign(1, bytes(32))
    attacker.stored(lambda _: note)


def signature_of_another(attacker: Attacker) -> None:
    """Put the signature of one checkpoint below another."""
    line = (attacker.city.parent / "auditor").read_text().splitlines()[-1]
    attacker.stored(lambda note: f"{note.partition(chr(10) * 2)[0]}\n\n{line}\n")


def second_head(attacker: Attacker) -> None:
    """Put a second head beside the first, and make the first an old one."""
    attacker.sql("INSERT INTO ledger_head SELECT 2, size, frontier, at_ms FROM ledger_head")
    attacker.sql("DELETE FROM ledger_head WHERE id = 1")


def yesterday(attacker: Attacker) -> None:
    """Restore the backup of yesterday's end, whole: log, head and what was signed by then."""
    attacker.cut(KNOWN, checkpoints=True)
    attacker.sql("DELETE FROM published_checkpoints")


def yesterday_with_its_file(attacker: Attacker) -> None:
    """Restore a backup from before what outsiders hold, and yesterday's file beside the database too."""
    attacker.cut(180, checkpoints=True, file=True)


def old_checkpoint_replayed(attacker: Attacker) -> None:
    """Cut the log to what an old, truly signed checkpoint says, and put that in place of every later one."""
    old = (attacker.city.parent / "auditor").read_text()
    attacker.cut(150)
    attacker.stored(lambda _: old)
    attacker.file.write_text(old)
