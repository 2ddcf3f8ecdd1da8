"""Texts of the law on which a request may be tried, made ready to judge, and what each says of it.

Nothing is decided here that has any effect: nothing is logged as a query, nothing leaves, and no engine made
here ever answers for the gate. Guarantees: what is asked runs the gate's own parse, screen and decide; a text
that is no law is refused with every fault; no more than a few texts are held at once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gatekeeper.errors import BundleRefused, KeyErased, PolicyUnavailable, UnknownQuery
from gatekeeper.exchange import Gate
from gatekeeper.exchange.decide import Permit
from gatekeeper.exchange.law import Law
from gatekeeper.exchange.lines import decide_document
from gatekeeper.exchange.parse import as_recorded
from gatekeeper.ledger import Json, StoredEntry
from gatekeeper.ledger.canonical import decoded
from gatekeeper.policy import Bundle, Embedded, Provision
from gatekeeper.policy.bundle import load_files
from gatekeeper.policy.layout import Files, tree_digest
from gatekeeper.revisions.explain import Explainer
from gatekeeper.revisions.replay.facts import Facts
from gatekeeper.revisions.replay.past import Case, Decided

OWN: Final = "own"
"""The candidate that is the asker's own working copy."""
_HELD: Final = 4
_TRIED: Final = frozenset({"draft", "checked", "replayed", "approved", "scheduled", "superseded"})


class Text(Protocol):
    """A revision of the law, as far as it is named to be tried."""

    # ruff: noqa: D102  # an attribute's name is the whole statement
    @property
    def id(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def tree(self) -> str: ...
    @property
    def state(self) -> str: ...


class Texts(Protocol):
    """The revisions of the law. Raises StoreUnavailable."""

    def all(self) -> Sequence[Text]:
        """Return every revision, the latest first."""


class Copy(Protocol):
    """A person's working copy."""

    @property
    def changes(self) -> Mapping[str, str | None]: ...
    @property
    def files(self) -> Files: ...


class Copies(Protocol):
    """Everybody's working copies. Raises StoreUnavailable, OperatorError."""

    def of(self, staff_id: str, /) -> Copy:
        """Return a person's; without changes, if they keep none."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that a request may be tried under; ``state`` is "own" for a working copy."""

    id: str
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A text of the law, ready to judge and to explain."""

    law: Law
    explainer: Explainer

    @property
    def bundle(self) -> Bundle:
        """Return the text."""
        return self.law.bundle


@dataclass(frozen=True, slots=True)
class Past:
    """A decision of the log: as it was made, and, if it is not erased, what it was made of."""

    query_id: str
    outcome: str
    provisions: tuple[str, ...]
    revision: str
    decided: Decided | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What one text of the law says: ``unmet`` are its reasons, ``words`` what was typed, by field."""

    law: Ready
    facts: Mapping[str, Json]
    unmet: tuple[Provision, ...]
    obligations: Mapping[str, Json] | None
    words: Mapping[str, str]

    @property
    def outcome(self) -> str:
        """Return permit or deny."""
        return "deny" if self.unmet else "permit"

    @property
    def matches(self) -> list[Mapping[str, Json]]:
        """Return the words that were found."""
        words = self.facts["words"]
        found = words.get("matches") if isinstance(words, dict) else None
        return [match for match in found if isinstance(match, dict)] if isinstance(found, list) else []


class Bench:
    """The texts that one process tries requests under."""

    def __init__(self, texts: Texts, files: Callable[[Any], Files], copies: Copies) -> None:
        self._texts = texts
        self._text_of = files
        self._copies = copies
        self._held: OrderedDict[str, Ready] = OrderedDict()
        self._lock = threading.Lock()

    def candidates(self, staff_id: str) -> list[Candidate]:
        """Return what this person may try beside the law in force: what may become law, was, or is their own.

        Raises StoreUnavailable, OperatorError.
        """
        every = self._texts.all()
        found = [Candidate(one.id, one.revision, one.state) for one in every if one.state in _TRIED]
        own = self._own(staff_id)
        return found if own is None else [Candidate(OWN, "", OWN), *found]

    def under(self, candidate_id: str, staff_id: str) -> Ready:
        """Return a candidate, ready. Raises BundleRefused with every fault, or if there is none of it."""
        files = self._files(candidate_id, staff_id)
        if files is None:
            raise BundleRefused(["there is no such revision to try any more"])
        return self._ready(tree_digest(files), lambda: Law.of(Embedded(load_files(files))))

    def in_force(self, law: Law) -> Ready:
        """Return the law in force, as the gate has it, able to explain itself."""
        return self._ready(f"in force {law.bundle.digest} {id(law)}", lambda: law)

    def _files(self, candidate_id: str, staff_id: str) -> Files | None:
        if candidate_id == OWN:
            return self._own(staff_id)
        found = next((one for one in self._texts.all() if one.id == candidate_id), None)
        return self._text_of(found) if found is not None and found.state in _TRIED else None

    def _own(self, staff_id: str) -> Files | None:
        copy = self._copies.of(staff_id)
        return copy.files if copy.changes else None

    def _ready(self, key: str, made: Callable[[], Law]) -> Ready:
        # One at a time: each is tried in a process of its own first, and two people ask for the same one.
        with self._lock:
            if key not in self._held:
                law = made()
                self._held[key] = Ready(law, Explainer(law.bundle))
            self._held.move_to_end(key)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
            return self._held[key]


def tried(law: Ready, line: Json) -> Tried:
    """Say what *law* says of a request, with all that it depends on (``exchange.lines``).

    Raises InvalidRequest (LineRefused), PolicyUnavailable.
    """
    decision = decide_document(line, law.law.engine, law.law.lexicon)
    obliged = decision.obligations.as_json() if isinstance(decision, Permit) else None
    words = decision.query.typed_words()
    return Tried(law, decision.facts, tuple(decision.unmet), obliged, words)


def past(gate: Gate, query_id: str) -> Past:
    """Return the latest decision about a query. Raises UnknownQuery if there is none, LedgerUnavailable."""
    entries = [entry for entry in gate.ledger.entries_of(query_id) if entry.event == "query.decided"]
    if not entries:
        raise UnknownQuery(query_id)
    said: Any = decoded(entries[-1].entry)
    return Past(
        query_id=query_id,
        outcome=str(said["outcome"]),
        provisions=tuple(map(str, said["provisions"])),
        revision=str(said["policy"]["revision"]),
        decided=_opened(gate, entries[-1], said),
    )


def _opened(gate: Gate, entry: StoredEntry, said: Any) -> Decided | None:
    try:
        detail: Any = gate.ledger.opened(entry).detail
    except KeyErased:
        return None
    case = Case(entry.index, entry.ref, said["hour"], said["agency"] or "", said["category"])
    unmet = frozenset(map(str, said["provisions"]))
    digest = said["policy"]["digest"]
    return Decided(case, detail["input"], detail["body"], said["outcome"], unmet, said["review"], digest)


def tried_again(gate: Gate, law: Ready, decided: Decided) -> Tried:
    """Say what *law* says of the recorded facts of a decision, as a replay would (``replay.facts``).

    Raises PolicyUnavailable if they do not fit this law, StoreUnavailable.
    """
    names = {agency.id: agency.name for agency in gate.registry.snapshot().agencies()}
    known = gate.law.bundle
    facts = Facts(law.bundle, {known.digest: known}, names).of(decided).facts
    verdict = law.law.engine.evaluate(facts)
    if not verdict.permit and not verdict.unmet:
        raise PolicyUnavailable("a denial that names no provision")
    unmet = tuple(law.bundle.catalogue[code] for code in verdict.unmet)
    words = as_recorded(decided.body).typed_words()
    return Tried(law, facts, unmet, verdict.obligations if verdict.permit else None, words)
