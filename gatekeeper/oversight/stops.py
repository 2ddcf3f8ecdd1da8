"""Stop and resume: the city's hand on the switch, independent of any policy.

Guarantees (promise 3): a stop is a ledger entry written under the ledger's lock; each release is compared
with the stops in force inside its own commit, so none can be committed after it; ``Switch.stop`` returns one
lease after its commit, when no body that was committed before can still begin. On a full disk the reserve
is given up, so that a stop can always be set. Where the log does not fit what was signed, because an old copy
was put back, it is not added to: the stop is in force by its row alone, at once and everywhere, and its entry
follows when the log fits again (``unlogged``). The command and the console stop by this one path.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from operator import eq
from typing import TYPE_CHECKING, Any, Protocol

from gatekeeper.errors import KeyErased, LedgerCorrupt, LedgerUnavailable, OperatorError, Unavailable
from gatekeeper.ledger import Appended, Clock, Draft, Ledger, Row
from gatekeeper.ledger.rows import Stop
from gatekeeper.ledger.stops import KINDS, LEASE_SECONDS, SCOPES
from gatekeeper.oversight.unlogged import Unlogged, late, logged
from gatekeeper.review.reasons import fault_of, tidy

if TYPE_CHECKING:  # at run time a stop needs neither the exchange nor the policy, and starts sooner
    from gatekeeper.exchange.interfaces import Registry

# For a thread that had checked its lease and was then kept from the processor for a moment.
MARGIN_SECONDS = 0.1


class StopRows(Protocol):
    """Makes the rows of a change to the stops, for the log to commit with its entry."""

    def set_stop(self, stop: Any, /) -> Sequence[Row]:
        """Return the rows that put a stop in force."""

    def lift_stop(self, stop_id: str, at: datetime, /) -> Sequence[Row]:
        """Return the rows that lift one."""


@dataclass(frozen=True, slots=True)
class Halt:
    """A stop as it is set."""

    id: str
    scope: str
    value: str | None
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch of one city. ``free`` gives up the disk's reserve, ``restore`` makes it again."""

    ledger: Ledger
    registry: Registry
    clock: Clock
    rows: StopRows
    free: Callable[[], bool]
    restore: Callable[[], object]
    unlogged: Unlogged

    def stop(
        self, scope: str, value: str | None, *, reason: str, by: str, stop_id: str | None = None
    ) -> tuple[Halt, int | None]:
        """Stop sharing in the scope; return the stop and its entry when no record in it can leave any more.

        The entry is None where the log does not fit what was signed: it comes once the log fits.
        A ``stop_id`` that was used before is refused, so that one decision is one stop however often it is
        sent. Raises OperatorError for what would stop nothing or says nothing, and what ``set_stop`` raises:
        then the stop may not be in force.
        """
        agency = None if value is None else self.registry.snapshot().agency(value)
        if scope == "agency" and (agency is None or agency.id != value):  # an ORI would stop nothing
            raise OperatorError("NOTHING WAS STOPPED: no such agency is registered")
        if scope == "kind" and value not in KINDS:
            raise OperatorError("NOTHING WAS STOPPED: there is no such kind of agency")
        halt = Halt(stop_id or new_stop_id(), scope, value, self.clock.now())
        _refuse_scope(halt)
        said = _substantial(reason)
        if self._fits():
            with suppress(LedgerCorrupt):  # it was put back just now
                rows = self.rows.set_stop(halt)
                told = set_stop(self.ledger, stop=halt, rows=rows, reason=said, by=by, free=self.free)
                return halt, told.index
        self.unlogged.set(halt, halt.set_at, reason=said, by=by, free=self.free)
        settle()
        return halt, None

    def _fits(self) -> bool:
        """Say whether the log is known to be the one that was signed, so that it may be added to."""
        try:
            self.ledger.check_tail()
        except (LedgerCorrupt, Unavailable):
            return False
        return True

    def resume(self, stop_id: str, *, reason: str, by: str) -> int:
        """Lift a stop in force; return the entry that says so.

        Raises OperatorError if none of that id is in force or the reason says nothing, Superseded if somebody
        else lifted it just now, LedgerUnavailable: then it is still in force.
        """
        if all(halt.id != stop_id for halt in self.registry.snapshot().stops):
            raise OperatorError("no such stop is in force: gatekeeper stop --list")
        rows = self.rows.lift_stop(stop_id, self.clock.now())
        self._tell(stop_id, by)
        appended = lift_stop(self.ledger, stop_id=stop_id, rows=rows, reason=reason, by=by)
        self.restore()
        return appended.index

    def _tell(self, stop_id: str, by: str) -> None:
        """Have the log tell of a stop before it tells that it was lifted: another node kept its reason."""
        if not logged(self.ledger, stop_id):
            halt = next(each for each in self.registry.snapshot().stops if each.id == stop_id)
            self.ledger.append(late(halt, "its reason is kept where it was set, if anywhere", by))


def new_stop_id() -> str:
    """Return the id of a new stop."""
    return f"stop_{secrets.token_hex(8)}"


def set_stop(
    ledger: Ledger,
    *,
    stop: Stop,
    rows: Sequence[Row],
    reason: str,
    by: str,
    free: Callable[[], bool],
) -> Appended:
    """Stop sharing in the scope; return when no record in it can leave any more.

    *rows* put the stop into the registry; *free* gives up the disk reserve and says whether there was one.
    Raises OperatorError for a scope that does not exist or a reason without substance, LedgerUnavailable if
    the stop could not be committed.
    """
    _refuse_scope(stop)
    camera = stop.scope == "camera"
    draft = Draft(
        event="stop.set",
        ref=stop.id,
        # Which camera is a place: it is committed to, not published.
        clear={"scope": stop.scope, "value": None if camera else stop.value, "stop": stop.id},
        secret={"reason": _substantial(reason), "by": by, "camera": stop.value if camera else None},
        detail={},
    )
    try:
        entry = ledger.append(draft, rows)
    except LedgerUnavailable:
        if not free():
            raise
        entry = ledger.append(draft, rows)
    settle()
    return entry


def _refuse_scope(stop: Stop) -> None:
    if stop.scope not in SCOPES or (stop.scope == "all") != (stop.value is None):
        raise OperatorError("say what to stop: --all, --agency ID, --kind KIND or --camera ID")


def settle() -> None:
    """Wait until no body can begin any more that was committed before now."""
    time.sleep(LEASE_SECONDS + MARGIN_SECONDS)


def lift_stop(ledger: Ledger, *, stop_id: str, rows: Sequence[Row], reason: str, by: str) -> Appended:
    """Lift a stop. Raises OperatorError for a reason without substance, LedgerUnavailable."""
    draft = Draft(
        event="stop.lifted",
        ref=stop_id,
        clear={"stop": stop_id},
        secret={"reason": _substantial(reason), "by": by},
        detail={},
    )
    return ledger.append(draft, rows)


def _substantial(reason: str) -> str:
    if (fault := fault_of(reason)) is not None:
        raise OperatorError(f'{fault} For example --reason "Council resolution of 3 November"')
    return tidy(reason)


def near(camera: str, cameras: Iterable[str]) -> list[str]:
    """Return the cameras whose ids are most like one that does not exist."""
    known = list(cameras)
    close = get_close_matches(camera, known, n=20, cutoff=0.5) or known
    return sorted(close, key=lambda each: (-sum(map(eq, each, camera)), each))[:3]


@dataclass(frozen=True, slots=True)
class Told:
    """What the log tells of a change: in which entry, and by whom and why (None once that was erased)."""

    index: int
    by: str | None
    reason: str | None


def told(ledger: Ledger, stop_id: str, event: str) -> Told | None:
    """Return what the log tells of a stop's ``stop.set`` or ``stop.lifted``, or None if it does not.

    Raises LedgerUnavailable, LedgerCorrupt.
    """
    found = [entry for entry in ledger.entries_of(stop_id) if entry.event == event]
    if not found:
        return None
    try:
        openings = ledger.detail_of(found[0].index).openings
    except KeyErased:
        return Told(found[0].index, None, None)
    return Told(found[0].index, _value(openings, "by"), _value(openings, "reason"))


def _value(openings: dict[str, dict[str, Any]], name: str) -> str | None:
    opened = openings.get(name, {}).get("value")
    return None if opened is None else str(opened)
