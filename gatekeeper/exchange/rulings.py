"""The rulings of staff, as facts: which of those on record bind this request at this moment.

A ruling is never a branch around the policy: it is ``input.ruling``, and only the provision that it names may
read it. Guarantees: a ruling counts only if it was made on this very request (its body's digest), for a
provision that the law lets a person of that level rule on, and has not expired; it lives 72 hours at most.
Where the provision asks for two people, the policy hears of it only while the rulings of two different people
count, and then at the lower of their levels; one person twice is one person. A later ruling takes the place
of an earlier one, one that was taken back takes every ruling on that provision with it, and a review that was
upheld, withdrawn or has expired takes them all. Anything else counts for nothing.

A ruling is an act of the office, as a clerk's stamp is: that its maker's account was removed since does not
undo it. Counsel can take it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.errors import KeyErased
from gatekeeper.exchange.interfaces import Queries, ReviewEvent
from gatekeeper.ledger import Alter, DayKeys, Json
from gatekeeper.ledger.rows import RegistryState
from gatekeeper.policy import Provision

RULED = "review.ruled"
TAKEN_BACK = "review.withdrawn"
ANSWERED = "review.answered"
LIFE = timedelta(hours=72)
_LEVELS = {"staff": frozenset({"staff", "counsel"}), "counsel": frozenset({"counsel"})}
_CLOSED = frozenset({"upheld", "withdrawn", "expired"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What people have said of one provision, as far as it counts: one ruling a person, the latest last."""

    made: tuple[ReviewEvent, ...]
    needed: int

    @property
    def in_force(self) -> bool:
        """Whether as many people have ruled as the provision asks for."""
        return len(self.made) >= self.needed

    @property
    def level(self) -> str:
        """The lowest level at which anybody of them ruled."""
        return "counsel" if all(event.level == "counsel" for event in self.made) else "staff"

    def by(self, person: str) -> bool:
        """Say whether this person's ruling is among them."""
        return any(event.actor == person for event in self.made)


def rulings(
    queries: Queries,
    keys: DayKeys,
    catalogue: Mapping[str, Provision],
    *,
    query_id: str,
    digest: str,
    at: datetime,
) -> Mapping[str, Json] | None:
    """Return ``input.ruling`` for a query that was asked before, None if no ruling binds it.

    Raises StoreUnavailable: a record that cannot be read is not an empty one.
    """
    recorded = (e for e in queries.review_events(query_id) if e.query_id == query_id)
    return in_force(standing(recorded, keys, catalogue, digest, at)) or None


def standing(
    recorded: Iterable[ReviewEvent],
    keys: DayKeys,
    catalogue: Mapping[str, Provision],
    digest: str,
    at: datetime,
) -> dict[str, Standing]:
    """Return what counts of one query's review, by the provision ruled on; a first of two is among it."""

    def binds(event: ReviewEvent) -> bool:
        return _permits(event, catalogue, at) and _of_this_request(event, keys, digest)

    return {
        code: Standing(tuple(made.values()), _people(catalogue[code]))
        for code, made in _folded(recorded, catalogue, binds).items()
    }


def in_force(found: Mapping[str, Standing]) -> dict[str, Json]:
    """Return ``input.ruling``: the provisions that enough people have ruled on, each with their level."""
    return {code: said.level for code, said in found.items() if said.in_force}


def still_binding(
    recorded: Mapping[str, Json] | None, then: Mapping[str, Provision], catalogue: Mapping[str, Provision]
) -> dict[str, Json] | None:
    """Return what of a recorded ``input.ruling`` another law lets count; None if nothing.

    How many people ruled is not in the facts: where *catalogue* asks for two and the law of *then* did not,
    nobody can say that there were, and the ruling counts for nothing.
    """
    kept: dict[str, Json] = {}
    for code, level in (recorded or {}).items():
        provision, before = catalogue.get(code), then.get(code)
        people = provision is not None and (
            not provision.two_people or (before is not None and before.two_people)
        )
        if provision is not None and people and level in _LEVELS.get(provision.review, frozenset()):
            kept[code] = level
    return kept or None


def permitted_until(recorded: Iterable[ReviewEvent], catalogue: Mapping[str, Provision]) -> datetime | None:
    """Return when the permission that a review ended in ends by itself, None if it is permitted no more.

    It lasts as long as each ruling and each verified paper that it came with; what the law permits by itself,
    because of what the agency added, as long as that move says.
    """
    moves = list(recorded)
    if not moves or moves[-1].state != "permitted":
        return None
    folded = _folded(moves, catalogue, lambda event: event.expires_at is not None)
    ends = [
        sorted(e.expires_at for e in made.values() if e.expires_at is not None)[-_people(catalogue[code]) :]
        for code, made in folded.items()
    ]
    papers: list[datetime] = []
    for event in moves:
        if event.provision is None and event.event in {RULED, TAKEN_BACK}:
            papers = [event.expires_at] if event.expires_at is not None else []
    last = moves[-1]
    own = [last.expires_at] if last.event == ANSWERED and last.expires_at is not None else []
    return min([*(least[0] for least in ends if least), *papers, *own], default=None)


def decided_anew(state: RegistryState) -> Alter:
    """Return the row that goes with whatever takes a fact back.

    It changes nothing but the registry's number, which each release compares inside its own commit: what was
    decided on the fact, and is not yet released, is decided again.
    """
    same = {"policy_revision": state.policy_revision, "policy_digest": state.policy_digest}
    return Alter("registry", {"id": 1, **same}, same)


def _folded(
    recorded: Iterable[ReviewEvent],
    catalogue: Mapping[str, Provision],
    counts: Callable[[ReviewEvent], bool],
) -> dict[str, dict[str, ReviewEvent]]:
    """Return the rulings that *counts* lets count, by provision and by person, in the order of the record."""
    found: dict[str, dict[str, ReviewEvent]] = {}
    for event in recorded:
        code = event.provision
        if code is None:
            if event.state in _CLOSED:
                found.clear()
            continue
        provision, made = catalogue.get(code), found.pop(code, {})
        if provision is None or event.event != RULED or event.state in _CLOSED:
            continue
        # Of two people each has a word of their own; where one is enough, the last word is the only one.
        made = {by: earlier for by, earlier in made.items() if provision.two_people and by != event.actor}
        if event.actor and counts(event):
            made[event.actor] = event
        if made:
            found[code] = made
    return found


def _people(provision: Provision) -> int:
    return 2 if provision.two_people else 1


def _permits(event: ReviewEvent, catalogue: Mapping[str, Provision], at: datetime) -> bool:
    provision = catalogue.get(event.provision or "")
    return (
        event.event == RULED
        and event.state not in _CLOSED
        and provision is not None
        and event.level in _LEVELS.get(provision.review, frozenset())
        and event.expires_at is not None
        and event.at <= at < event.expires_at <= event.at + LIFE
    )


def _of_this_request(event: ReviewEvent, keys: DayKeys, digest: str) -> bool:
    """Say whether the ruling was made on this body; once the day's key is gone nobody can say so."""
    if event.body_fp is None or event.fp_day is None:
        return False
    try:
        return keys.fingerprint(event.fp_day, "body", digest.encode("ascii")) == event.body_fp
    except KeyErased:
        return False
