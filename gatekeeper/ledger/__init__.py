"""The tamper-evident log: what was decided and released, provable to people who do not trust us.

Guarantees: an entry that was acknowledged is on disk, has the index it was given and can be proved to lie
under a signed checkpoint; nothing private is in an entry; what changes, drops, reorders or forks the log is
found by `verify`, and by tools that we did not write (RFC 6962 tree, RFC 8785 entries, C2SP checkpoints,
tiles and proofs).

The map, in the order in which one append passes through it:

- ``clock``        the time of an entry, or a refusal to tell one
- ``canonical``    one byte string per JSON value (RFC 8785)
- ``commitments``  salted promises about what an entry must not say in clear
- ``detail``       the private detail beside an entry, under a key per day that can be destroyed
- ``held``         keys of their own for what is kept beyond its day
- ``entries``      the closed list of events, their schemas, and the sealing of one entry
- ``merkle``       the tree: pure functions (RFC 6962)
- ``checkpoint``   signed tree heads (C2SP tlog-checkpoint)
- ``cosignatures`` what witnesses sign below them (C2SP tlog-cosignature), and how many are enough
- ``rotation``     another key for the same log
- ``rows``         what the log asks of its storage
- ``stops``        what a stop covers, and the lease of a release
- ``append``       group commit: who leads, who waits, who hears
- ``batch``        one transaction: guards, rows, entries, head
- ``tree``         the tree that a batch led to: its proofs and its signature, for who asks
- ``kept``         checkpoints kept for the next start
- ``tail``         what is checked before the service starts
- ``tiles``        the tree's hashes as static files (C2SP tlog-tiles)
- ``refill``       entries that a restored log had lost, put back exactly
- ``published``    which checkpoint is public, and the files under it
- ``receipts``     what an asker takes home (C2SP tlog-proof)
- ``stretches``    many entries at once, where nothing is wrong with them
- ``findings``     what a verification finds, and how far it read
- ``audit``        the state of one verification
- ``verify``       what an auditor runs over the whole log
- ``verified``     what a machine remembers of that
- ``copied``       the same over a published copy
"""

from __future__ import annotations

from gatekeeper.ledger.append import Detail, Ledger
from gatekeeper.ledger.batch import Appended
from gatekeeper.ledger.canonical import Json, canonical
from gatekeeper.ledger.checkpoint import Checkpoint, SigningKey, VerifierKey, open_checkpoint
from gatekeeper.ledger.clock import Clock
from gatekeeper.ledger.detail import DayKeys
from gatekeeper.ledger.entries import EVENTS, Draft, count_band
from gatekeeper.ledger.findings import Finding
from gatekeeper.ledger.published import Publication, Published
from gatekeeper.ledger.receipts import Receipt
from gatekeeper.ledger.rows import Alter, Claim, Guard, Head, Insert, Row, Rows, StoredEntry, Transaction
from gatekeeper.ledger.tiles import Tile
from gatekeeper.ledger.verify import verify

__all__ = [
    "EVENTS", "Alter", "Appended", "Checkpoint", "Claim", "Clock", "DayKeys", "Detail", "Draft", "Finding",
    "Guard", "Head", "Insert", "Json", "Ledger", "Publication", "Published", "Receipt", "Row", "Rows",
    "SigningKey", "StoredEntry", "Tile", "Transaction", "VerifierKey", "canonical", "count_band",
    "open_checkpoint", "verify",
]  # fmt: skip
