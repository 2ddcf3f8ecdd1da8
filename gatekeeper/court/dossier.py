"""All that the city has of one query, gathered for a court or a records request.

The procedure: (1) the query's entries are found; (2) who may not have them is refused; (3) that the file is
taken along is committed to the log; (4) only then is anything opened to be taken, and each entry proved,
under one checkpoint, as a stranger will check it. Guarantees: what is proved here is proved by the log's key
alone; what was erased by (4) stays closed, and is named; the same query under the same checkpoint gathers the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gatekeeper.court.papers import Paper, Papers, gathered
from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError
from gatekeeper.ledger import Json, Ledger, Rows, StoredEntry, VerifierKey
from gatekeeper.ledger.append import Detail
from gatekeeper.ledger.batch import Appended
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.merkle import inclusion_proof, leaf_hash
from gatekeeper.ledger.proved import prove_answer
from gatekeeper.ledger.receipts import Receipt
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.review.accounts import Account
from gatekeeper.review.viewing import refuse_own, taken_along

PARTS: Final = (
    "decision", "policy", "released", "review", "entries", "receipts", "checkpoint", "export", "manifest",
)  # fmt: skip
"""What is in every file."""
PRIVATE_PARTS: Final = ("query", "facts", "openings", "words", "papers")
"""What is in one with the private side, too."""


class Law(Protocol):
    """A text of the law, whose digest was counted anew; see ``revisions.past_texts``."""

    @property
    def revision(self) -> str:
        """Its name."""

    @property
    def digest(self) -> str:
        """The SHA-256 of its listing, as entries name it."""

    @property
    def files(self) -> Mapping[str, str]:
        """The whole text, by path."""

    @property
    def listing(self) -> bytes:
        """The path and SHA-256 of each file that decides."""

    @property
    def opa(self) -> Mapping[str, str]:
        """The files that OPA loads; none where this program cannot apply that text any more."""

    @property
    def provisions(self) -> Mapping[str, Mapping[str, Json]]:
        """Title, citation, message and the like, by code."""


@dataclass(frozen=True, slots=True)
class Told:
    """One entry with its proof; `private` is None where it was not asked for, or was erased."""

    stored: StoredEntry
    entry: Mapping[str, Any]
    receipt: Receipt
    private: Detail | None
    erased: bool

    @property
    def index(self) -> int:
        """Its place in the log."""
        return self.stored.index

    def opened(self, name: str) -> Json:
        """Return the value behind a commitment; None if it is not open."""
        return None if self.private is None else self.private.openings.get(name, {}).get("value")

    @property
    def detail(self) -> Mapping[str, Json]:
        """What was only sealed; nothing if it is not open."""
        return {} if self.private is None else self.private.detail


@dataclass(frozen=True, slots=True)
class Dossier:
    """One query: its entries in order, the laws that judged it (None: not kept), and the log's word.

    `export` is the entry by which it was taken along; it is later than the checkpoint.
    """

    query_id: str
    told: Sequence[Told]
    laws: Mapping[tuple[str, str], Law | None]
    vkey: str
    checkpoint: str
    size: int
    private: bool
    export: Appended
    papers: Sequence[Paper] = ()

    @property
    def erased(self) -> tuple[int, ...]:
        """The entries whose private side is gone."""
        return tuple(told.index for told in self.told if told.erased)


@dataclass(frozen=True, slots=True)
class Court:
    """What gathers. `law` returns the text that an entry's policy names, `covering` a checkpoint."""

    ledger: Ledger
    rows: Rows
    key: VerifierKey
    covering: Callable[[int], tuple[int, str]]
    law: Callable[[Mapping[str, Any], int], Law | None]
    papers: Papers

    def entries(self, query_id: str) -> Sequence[StoredEntry]:
        """Return every entry about a query. Raises OperatorError if it is none, LedgerCorrupt if altered."""
        found = self.ledger.entries_of(query_id)
        if not any(stored.event.startswith("query.") for stored in found):
            raise OperatorError(
                "the log knows no such query: its id is in the answer that the agency got (q_…), and in the "
                "table of gatekeeper export log"
            )
        places = {stored.index for stored in found}
        for stored in found:
            if leaf_hash(stored.entry) != stored.leaf_hash or not _about(query_id, stored, places):
                raise LedgerCorrupt(f"entry {stored.index} was altered: gatekeeper ledger verify")
        return found

    def gather(self, query_id: str, person: Account, reason: str, *, private: bool) -> Dossier:
        """Log that *person* takes the query along, then gather it.

        Raises OperatorError for no such query, or one that the person has a part in; LedgerCorrupt,
        BundleRefused for what is not as it was logged, a paper too; LedgerUnavailable, StoreUnavailable.
        """
        # (1) The entries.
        found = self.entries(query_id)
        # (2) Who has no part in it.
        if private:
            refuse_own(self.ledger, found, person)
        # (3) The log has it first; if that fails, nothing is opened.
        subject: dict[str, Json] = {
            "query": query_id,
            "entries": [stored.index for stored in found],
            "parts": [*PARTS, *(PRIVATE_PARTS if private else ())],
        }
        export = self.ledger.append(taken_along(person.id, subject, reason))
        # (4) Opened and proved.
        size, checkpoint = self.covering(found[-1].index + 1)
        reader = TileReader(self.rows)
        told = [self._told(stored, size, checkpoint, reader, private=private) for stored in found]
        return Dossier(
            query_id=query_id,
            told=told,
            laws=self._laws(told),
            vkey=str(self.key),
            checkpoint=checkpoint,
            size=size,
            private=private,
            export=export,
            papers=gathered(self.papers, query_id, told) if private else (),
        )

    def _told(
        self, stored: StoredEntry, size: int, checkpoint: str, reader: TileReader, *, private: bool
    ) -> Told:
        opened, erased = None, False
        if private:
            try:
                opened = self.ledger.opened(stored)
            except KeyErased:
                erased = True
        receipt = Receipt(
            index=stored.index,
            entry=stored.entry,
            leaf_hash=stored.leaf_hash,
            proof=inclusion_proof(stored.index, size, reader.node),
            tree_size=size,
            checkpoint=checkpoint,
            openings={} if opened is None else dict(opened.openings),
        )
        prove_answer(receipt.as_json(), [self.key])  # what a stranger will refuse does not leave
        return Told(stored, decoded(stored.entry), receipt, opened, erased)

    def _laws(self, told: Sequence[Told]) -> dict[tuple[str, str], Law | None]:
        laws: dict[tuple[str, str], Law | None] = {}
        for one in told:
            if (policy := one.entry.get("policy")) is not None:
                named = policy["revision"], policy["digest"]
                if named not in laws:
                    laws[named] = self.law(policy, one.index)
        return laws


def _about(query_id: str, stored: StoredEntry, places: Collection[int]) -> bool:
    """Say whether an entry says of itself what the table says of it, and its decision is there, too."""
    entry = decoded(stored.entry)
    told = entry.get("ref"), entry.get("event")
    return told == (query_id, stored.event) and entry.get("decided", stored.index) in places
