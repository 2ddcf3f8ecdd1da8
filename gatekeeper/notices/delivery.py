"""The thread that delivers notices: it tries, waits longer each time, tries again, gives up after three days.

The procedure, each turn: (1) the clock must be one to trust, and once an hour whoever is to be reminded of a
signature that ends gets a notice; (2) each new notice becomes a delivery to each
recipient; (3) due deliveries are claimed, the oldest of each endpoint, one at a time to each; (4) each is
tried in a thread of its own; (5) how it went is recorded. Guarantees: every delivery is tried at least once,
by one process at a time, and under the same id each time (a receiver that remembers ids is told once); an
endpoint that fails waits as a whole, and none waits for another; whatever goes wrong, the gate goes on.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from gatekeeper.errors import GatekeeperError
from gatekeeper.notices.endpoints import Endpoints
from gatekeeper.notices.outcomes import Agency, Delivery, Notice, Outcome, failing
from gatekeeper.notices.reminders import lasting
from gatekeeper.notices.told import MAIL, Recipient, recipients

LONGEST: Final = timedelta(hours=72)
KEPT: Final = timedelta(days=90)
HELD: Final = timedelta(minutes=2)
"""How long one try may hold its endpoint: longer than every time-out within it together."""

AT_ONCE: Final = 8
MOST_WAITING: Final = 5_000
"""Of one agency for one endpoint: a notice beyond that is given up at once."""

_FIRST, _FACTOR, _MOST = timedelta(seconds=10), 3, timedelta(hours=4)
_EVERY_S: Final = 1.0
_OBSERVED_EVERY_S: Final = 15.0
_PRUNED_EVERY_S: Final = 3600.0
_REMINDED_EVERY_S: Final = 3600.0
_BATCH: Final = 100
_LEAVING_S: Final = 5.0
_log = structlog.get_logger()


class Outbox(Protocol):
    """What is to be delivered. Each method raises StoreUnavailable, nothing else."""

    def due(self, now: datetime, /) -> bool:
        """Say whether there is anything to do."""

    def unspread(self, most: int, /) -> Sequence[Notice]:
        """Return notices that nobody has been told of yet."""

    def spread(
        self,
        told: Iterable[tuple[Any, Sequence[Recipient]]],
        now: datetime,
        /,
        *,
        most_waiting: int,
    ) -> None:
        """Make a delivery for each recipient of each notice."""

    def claim(self, now: datetime, /, *, until: datetime, most: int) -> Sequence[Delivery]:
        """Take due deliveries, one of each endpoint, and hold each endpoint until then."""

    def settle(self, delivery: Any, state: Any, /, *, code: str, at: datetime, next_at: datetime) -> bool:
        """Record how a try went."""

    def postpone(self, endpoint: str, /, *, until: datetime, code: str, given_up_before: datetime) -> None:
        """Let everything wait that goes to an endpoint which fails."""

    def drop(self, endpoint: str, /, *, code: str) -> None:
        """End everything that waits for an endpoint which is no more."""

    def prune(self, before: datetime, /) -> None:
        """Remove what is older."""


class Way(Protocol):
    """One channel: tries a delivery once. Raises GatekeeperError where the state cannot be read."""

    def send(self, delivery: Delivery, agency: Agency, at: datetime, /) -> Outcome:
        """Return how it went."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom the deliverer tells of itself: one try ended (channel, outcome), and how things stand."""

    counted: Callable[[str, str], None] = lambda _channel, _end: None
    observed: Callable[[datetime], None] = lambda _now: None


class Deliverer:
    """Delivers notices, from a thread of its own in each worker."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        agency: Callable[[str], Agency | None],
        endpoints: Endpoints,
        ways: Mapping[str, Way],
        now: Callable[[], datetime],
        watch: Watch | None = None,
        remind: Callable[[], object] = lambda: None,
    ) -> None:
        self._outbox = outbox
        self._agency = agency
        self._endpoints = endpoints
        self._ways = ways
        self._now = now
        self._watch = watch or Watch()
        self._remind = remind
        self._failures: Counter[str] = Counter()
        self._free = AT_ONCE
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._wake = threading.Event()
        self._done: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def close(self) -> None:
        """Begin nothing more, and leave what is under way a moment to end."""
        self._ended.set()
        self._wake.set()
        with self._changed:
            self._changed.wait_for(lambda: self._free == AT_ONCE, timeout=_LEAVING_S)

    def turn(self) -> bool:
        """Do what is to be done now; say whether there was anything."""
        try:
            now = self._now()
            self._sometimes("observe", _OBSERVED_EVERY_S, lambda: self._watch.observed(now))
            self._sometimes("prune", _PRUNED_EVERY_S, lambda: self._outbox.prune(now - KEPT))
            self._sometimes("remind", _REMINDED_EVERY_S, self._remind)
            if not self._outbox.due(now):
                return False
            spread = self._spread(now)
            with self._changed:
                free = self._free
            claimed = self._outbox.claim(now, until=now + HELD, most=free) if free else ()
        except GatekeeperError as fault:
            # The database is away, or the clock is off: what waits, waits.
            _log.warning("notices_wait", code=fault.code)
            return False
        for delivery in claimed:
            with self._changed:
                self._free -= 1
            threading.Thread(target=self._deliver, args=[delivery], name="notice", daemon=True).start()
        return spread or bool(claimed)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                busy = self.turn()
            except Exception as fault:  # noqa: BLE001  a defect in here must not end the telling for good
                _log.error("notices_failed", kind=type(fault).__name__)
                busy = False
            if not busy:
                self._wake.wait(_EVERY_S)
            self._wake.clear()

    def _spread(self, now: datetime) -> bool:
        told = []
        for notice in self._outbox.unspread(_BATCH):
            agency = self._agency(notice.agency_id)
            hooks = self._endpoints.store.all(notice.agency_id)
            told.append((notice, recipients(agency, hooks, mail=MAIL in self._ways)))
        if told:
            self._outbox.spread(told, now, most_waiting=MOST_WAITING)
        return bool(told)

    def _deliver(self, delivery: Delivery) -> None:
        try:
            outcome = self._tried(delivery)
            self._watch.counted(delivery.channel, outcome.end)
            self._record(delivery, outcome)
        except GatekeeperError as fault:
            # Not recorded: its time will be up, and it is tried again under the same id.
            _log.warning("notice_not_recorded", code=fault.code)
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
            self._wake.set()

    def _tried(self, delivery: Delivery) -> Outcome:
        try:
            agency = self._agency(delivery.notice.agency_id)
            if agency is None or agency.status == "closed":
                return Outcome("dropped", "agency_closed")
            if _replaced(delivery.notice, agency):
                return Outcome("dropped", "signed_anew")
            way = self._ways.get(delivery.channel)
            if way is None:
                return failing("mail_is_off")
            return way.send(delivery, agency, self._now())
        except GatekeeperError as fault:
            return failing(fault.code)
        except Exception as fault:  # noqa: BLE001  whatever a library raises: one delivery fails, not the thread
            _log.error("notice_failed", kind=type(fault).__name__)  # its text may hold an address
            return failing("internal")

    def _record(self, delivery: Delivery, outcome: Outcome) -> None:
        now, endpoint, code = self._now(), delivery.endpoint, outcome.code
        settle = self._outbox.settle
        if not outcome.whole:
            self._failures.pop(endpoint, None)
        match outcome.end:
            case "delivered":
                settle(delivery, "delivered", code=code, at=now, next_at=now)
            case "refused":
                settle(delivery, "given_up", code=code, at=now, next_at=now)
            case "dropped":
                settle(delivery, "dropped", code=code, at=now, next_at=now)
            case "gone":
                settle(delivery, "dropped", code=code, at=now, next_at=now)
                self._endpoints.disable(endpoint, by="gatekeeper", reason="its server answered 410 Gone")
                self._outbox.drop(endpoint, code="webhook_disabled")
            case "failed":
                self._failures[endpoint] += outcome.whole
                tries = self._failures[endpoint] if outcome.whole else delivery.attempts
                again = now + pause(tries)
                too_old = delivery.notice.at + LONGEST <= now
                settle(delivery, "given_up" if too_old else "waiting", code=code, at=now, next_at=again)
                if outcome.whole:
                    self._outbox.postpone(endpoint, until=again, code=code, given_up_before=now - LONGEST)

    def _sometimes(self, name: str, every: float, work: Callable[[], object]) -> None:
        if time.monotonic() - self._done.get(name, -every) >= every:
            self._done[name] = time.monotonic()
            work()


def _replaced(notice: Notice, agency: Agency) -> bool:
    """Say whether what a reminder is about has ended otherwise: something else of its kind counts longer."""
    about = notice.affirmation_id
    return about is not None and all(one.id != about for one in lasting(agency.affirmations).values())


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many failures: ten seconds, then three times as long, at most 4 hours.

    Spread by a third, so that many gatekeepers do not come back to one server in the same second.
    """
    longest = min(_FIRST * int(_FACTOR ** min(max(tries, 1) - 1, 10)), _MOST)
    return longest * random.uniform(2 / 3, 1)  # noqa: S311  nobody gains by guessing it
