"""The result of a replay: what the page shows, the files hold and the approval's seal covers.

``ReplayReport.document()`` is plain JSON, ``ReplayReport.read()`` its inverse. It holds no time at which it
was made and nothing of the machines that made it, so equal logs and laws give equal bytes (``canonical``).
Every list is sorted. Figures are counts of decisions; of one query more than one counts only where it was
decided differently later (after a ruling, say).

The classes, each decision in exactly one of them, baseline beside candidate on the same facts:

- ``same``                 the same verdict, reasons and obligations
- ``newly_denied``         the baseline permits, the candidate denies
- ``newly_permitted``      the baseline denies, the candidate permits
- ``reasons_changed``      both deny: other provisions are unmet, or one is shown or hidden that was not,
  or another review is open
- ``obligations_changed``  both permit, under other obligations
- ``undecided``            one of them could not decide these facts (they do not fit its schema, say): the
  gate would have answered 503

``decisions.missing`` are those whose private detail was erased: nobody can say what became of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gatekeeper.errors import OperatorError
from gatekeeper.ledger.canonical import Json, canonical

FORM = "gatekeeper replay 1"
CLASSES = (
    "same",
    "newly_denied",
    "newly_permitted",
    "reasons_changed",
    "obligations_changed",
    "undecided",
)
CHANGES = CLASSES[1:]
_OTHER = "this is not the result of a replay, or one of another version"
OUTCOMES = ("permit", "deny", "undecided")


@dataclass(frozen=True, slots=True)
class Law:
    """The exact text of the law that decided."""

    revision: str
    digest: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was to be replayed: days in UTC, *until* not included; None is all. *sample*: at most so many.

    ``source`` is ``log``, or ``audit_csv`` for a published log of searches. ``size`` and ``root`` are the
    log's when the replay was begun (its tree, in hex), or the rows and the SHA-256 of the file.
    """

    source: str
    since: str | None
    until: str | None
    sample: int | None
    seed: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """How many decisions were looked at: ``replayed`` on both laws, and ``missing`` because of erasure."""

    replayed: int
    missing: int


@dataclass(frozen=True, slots=True)
class Group:
    """The decisions of one agency, category or month (``name``), by class; ``missing`` among them or not."""

    name: str
    replayed: int
    missing: int
    classes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Missing:
    """How many decisions of one day (UTC) were erased."""

    day: str
    count: int


@dataclass(frozen=True, slots=True)
class ProvisionChange:
    """One provision, in how many decisions it was unmet under each law, and in how many that changed.

    ``added``: unmet only under the candidate; ``newly_denied`` of those are permitted by the baseline.
    ``removed``: unmet only under the baseline; ``newly_permitted`` of those are permitted by the candidate.
    ``public`` is what the candidate says (else the baseline): what is not public is told to nobody outside.
    ``standing``: ``both``, ``added``, ``removed`` (from the law), ``hidden`` or ``shown`` (by the candidate).
    """

    code: str
    title: str
    citation: str
    public: bool
    standing: str
    before: int
    after: int
    added: int
    removed: int
    newly_denied: int
    newly_permitted: int


@dataclass(frozen=True, slots=True)
class Said:
    """What one law says: ``outcome`` is permit, deny or undecided; ``review`` none, staff or counsel."""

    outcome: str
    provisions: tuple[str, ...]
    review: str


@dataclass(frozen=True, slots=True)
class Example:
    """One decision that changed, to be opened in the console by its query and the index of its entry.

    For an audit log there is no query: ``query_id`` is empty, and ``index`` is the row, from 1.
    ``obligations`` names those that differ.
    """

    query_id: str
    index: int
    hour: str
    agency: str
    category: str
    before: Said
    after: Said
    obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Whom a change of the law would have hit."""

    candidate: Law
    baseline: Law
    asked: Asked
    decisions: Decisions
    classes: Mapping[str, int]
    outcomes: Mapping[str, Mapping[str, int]]
    """How many each law (``before``, ``after``) permits and denies, and of how many it could not decide."""
    drift: Mapping[str, int]
    """The baseline's answers now, beside what was recorded then, in the same classes but obligations."""
    rescreened: int
    """How many had their words read anew, because a law has another lexicon than the one that decided."""
    rulings_set_aside: int
    """In how many a recorded ruling does not count under one of the laws."""
    taken_as_alone: int
    """How many were decided before the gate looked at their neighbours, and are taken as having none."""
    provisions: tuple[ProvisionChange, ...]
    agencies: tuple[Group, ...]
    categories: tuple[Group, ...]
    months: tuple[Group, ...]
    missing: tuple[Missing, ...]
    examples: Mapping[str, tuple[Example, ...]]
    """By class, of each that is a change; chosen by a hash of their place in the log, so always the same."""

    def document(self) -> dict[str, Json]:
        """Return the whole as JSON."""
        document: dict[str, Json] = {"form": FORM, **_plain(asdict(self))}
        return document

    def text(self) -> bytes:
        """Return the document's canonical bytes: what a digest of it is made of."""
        return canonical(self.document())

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ReplayReport:
        """Return the report that *document* holds. Raises OperatorError if it is none."""
        if document.get("form") != FORM:
            raise OperatorError(_OTHER)
        try:
            return cls(
                candidate=Law(**document["candidate"]),
                baseline=Law(**document["baseline"]),
                asked=Asked(**document["asked"]),
                decisions=Decisions(**document["decisions"]),
                classes=dict(document["classes"]),
                outcomes={side: dict(found) for side, found in document["outcomes"].items()},
                drift=dict(document["drift"]),
                rescreened=document["rescreened"],
                rulings_set_aside=document["rulings_set_aside"],
                taken_as_alone=document.get("taken_as_alone", 0),
                provisions=tuple(ProvisionChange(**one) for one in document["provisions"]),
                agencies=_groups(document["agencies"]),
                categories=_groups(document["categories"]),
                months=_groups(document["months"]),
                missing=tuple(Missing(**one) for one in document["missing"]),
                examples={
                    name: tuple(example_of(one) for one in found)
                    for name, found in document["examples"].items()
                },
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise OperatorError(_OTHER) from None


def example_of(document: Mapping[str, Any]) -> Example:
    """Return the example that *document* holds. Raises KeyError or TypeError if it is none."""
    said = {
        side: Said(document[side]["outcome"], tuple(document[side]["provisions"]), document[side]["review"])
        for side in ("before", "after")
    }
    return Example(**{**document, **said, "obligations": tuple(document["obligations"])})


def _groups(found: Any) -> tuple[Group, ...]:
    return tuple(Group(**{**one, "classes": dict(one["classes"])}) for one in found)


def _plain(value: Any) -> Any:
    """Return *value* with lists where it has tuples: what JSON reads back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
