"""The law of each request: the revision that the registry says is in force, loaded and verified.

Guarantees: the answer depends on the state of the registry that was handed in, and on nothing else, so one
request has one law; what is due comes into force before anything more is decided (its approvals are counted
then: ``succession``); a law is given only if its signature was verified within ``max_age`` on this node (time
that nobody can set) to be of the text that decides, and never one older than this node has seen in force,
whatever the database was put back to. What cannot be loaded or verified denies.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from gatekeeper.errors import BundleRefused, GatekeeperError, PolicyUnavailable, Superseded, Unavailable
from gatekeeper.exchange.law import Law, Laws
from gatekeeper.ledger.rows import RegistryState
from gatekeeper.policy import Bundle, Engine, opa_bundle
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.revisions.succession import Succession
from gatekeeper.whole import write_whole

MAX_AGE: Final = timedelta(hours=1)
"""How long a node goes on with a law that it could not verify again."""
EVERY: Final = 20.0
"""Seconds between two verifications; what is due is looked for every second."""
_MOST: Final = 4
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class SerialMark:
    """The greatest place in the order of activations that this node has seen in force: a file of its own."""

    file: Path

    def read(self) -> int:
        """Return the place; 0 if there is none yet. Raises PolicyUnavailable if the file cannot be read."""
        try:
            return int(self.file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            raise PolicyUnavailable(
                f"{self.file} cannot be read: which law is the latest is not known"
            ) from None

    def raise_to(self, serial: int) -> None:
        """Remember a place, unless a greater one is. Raises PolicyUnavailable if it cannot be kept."""
        if serial <= self.read():
            return
        try:
            write_whole(self.file, str(serial).encode())
        except OSError:
            raise PolicyUnavailable(f"{self.file} cannot be written") from None


class SignedLaw:
    """The law in force as OPA loads it, signed; made anew only when another is in force."""

    def __init__(self, laws: Laws, succession: Succession) -> None:
        self._laws = laws
        self._succession = succession
        self._last: tuple[int | None, bytes] = (None, b"")

    def active(self) -> tuple[str, str, bytes]:
        """Return revision, digest and signed bundle of what decides now. Raises PolicyUnavailable."""
        for _ in range(_TRIES):
            state = self._succession.registry.state()
            try:
                bundle = self._laws.of(state).bundle
            except Superseded:
                continue
            serial, content = self._last
            if serial != state.policy_serial:
                active = self._succession.store.active()
                if active is None or active.serial != state.policy_serial:
                    continue
                content = opa_bundle(bundle, active.signature)
                self._last = (state.policy_serial, content)
            return bundle.revision, bundle.digest, content
        raise PolicyUnavailable("the law kept changing")


@dataclass(frozen=True, slots=True)
class _Held:
    """A law that is loaded; in which place it was last verified, and when, in time that nobody can set."""

    law: Law
    serial: int | None = None
    at: float = 0.0


class LawsInForce:
    """The laws of one process; safe to share between threads."""

    def __init__(
        self,
        succession: Succession,
        engine_of: Callable[[Bundle], Engine],
        mark: SerialMark,
        *,
        max_age: timedelta = MAX_AGE,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._succession = succession
        self._engine_of = engine_of
        self._mark = mark
        self._max_age = max_age.total_seconds()
        self._passed = passed
        self._held: dict[str, _Held] = {}
        self._taking = threading.Lock()
        self._activating = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def of(self, state: RegistryState) -> Law:
        """Return the law that is in force by this state of the registry.

        Raises Superseded once what was due has come into force, PolicyUnavailable.
        """
        if state.due_ms is not None and self._succession.clock.now_ms() >= state.due_ms:
            with self._activating:  # one of this process; whoever waited finds it done
                self._succession.activate_due()
            raise Superseded("another law has come into force")
        digest, serial = state.policy_digest, state.policy_serial
        if digest is None or serial is None:
            raise PolicyUnavailable("the city has no law")
        held = self._verified(digest, serial)
        if held is None or self._age(held) > self._max_age:
            return self._take(digest, serial)
        return held.law

    def now(self) -> Law:
        """Return the law that is in force now. Raises PolicyUnavailable, StoreUnavailable."""
        for _ in range(_TRIES):
            try:
                return self.of(self._succession.registry.state())
            except Superseded:
                continue
        raise PolicyUnavailable("the law kept changing")

    def prepare(self, revision: Revision) -> Law:
        """Load a revision that may have to judge soon. Raises PolicyUnavailable."""
        held = self._held.get(revision.digest)
        return held.law if held is not None else self._load(revision)

    def tend(self) -> None:
        """Do what there is to do by now: load what is due, put it into force, verify what is in force again.

        Raises a GatekeeperError if any of that fails; what is in force goes on until it is too old.
        """
        with self._activating:
            self._succession.activate_due()
        state = self._succession.registry.state()
        if state.due_revision is not None and (due := self._succession.store.get(state.due_revision)):
            self.prepare(due)
        digest, serial = state.policy_digest, state.policy_serial
        if digest is None or serial is None:
            return
        held = self._verified(digest, serial)
        if held is None or self._age(held) >= EVERY:
            with self._taking:
                self._verify(digest, serial)

    def start(self, told: Callable[[GatekeeperError], None]) -> None:
        """Tend in a thread of its own, until ``close``; what fails is told."""
        self._thread = threading.Thread(target=self._run, args=(told,), name="laws", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self, told: Callable[[GatekeeperError], None]) -> None:
        while not self._ended.wait(self._rest()):
            try:
                self.tend()
            except GatekeeperError as fault:
                told(fault)
            except Exception as fault:  # noqa: BLE001  a law that nobody verifies again ceases to decide
                told(PolicyUnavailable(f"tending failed: {type(fault).__name__}"))

    def _rest(self) -> float:
        """Return how long to wait: a second, or until what is due."""
        try:
            due_ms, now = self._succession.registry.state().due_ms, self._succession.clock.now_ms()
        except GatekeeperError:
            return 1.0
        return 1.0 if due_ms is None else min(1.0, max(0.05, (due_ms - now) / 1000))

    def _take(self, digest: str, serial: int) -> Law:
        """Load and verify the law in force, once for all who wait for it; also one that nobody tended."""
        with self._taking:
            held = self._verified(digest, serial)
            if held is not None and self._age(held) <= self._max_age:
                return held.law
            try:
                return self._verify(digest, serial)
            except Unavailable as fault:
                if held is None:
                    raise
                raise PolicyUnavailable(
                    f"the law in force could not be verified for too long: {fault}"
                ) from None

    def _verify(self, digest: str, serial: int) -> Law:
        """Verify the law in force from its record, load it if it is not, and remember when."""
        began = self._passed()
        active = self._succession.store.active()
        if active is None or (active.digest, active.serial) != (digest, serial):
            if self._succession.registry.state().policy_serial != serial:
                raise Superseded("another law came into force meanwhile")
            self._forget(digest)
            raise PolicyUnavailable("the registry names a law that no active revision is")
        if serial < self._mark.read():
            self._forget(digest)
            raise PolicyUnavailable(
                f"activation {serial} is older than activation {self._mark.read()}, which was in "
                "force here: the database was put back; gatekeeper policy rollback says what is meant"
            )
        law = self.prepare(active)
        try:
            self._succession.signed_as(active, law.bundle)
        except GatekeeperError as refused:
            self._forget(digest)
            raise PolicyUnavailable(f"the law in force is not as it was signed: {refused}") from None
        self._mark.raise_to(serial)
        self._held[digest] = _Held(law, serial, began)
        return law

    def _verified(self, digest: str, serial: int) -> _Held | None:
        """Return the law of that digest if it was ever verified in that place, and not refused since."""
        held = self._held.get(digest)
        return held if held is not None and held.serial == serial else None

    def _age(self, held: _Held) -> float:
        return self._passed() - held.at

    def _load(self, revision: Revision) -> Law:
        try:
            law = Law.of(self._engine_of(self._succession.bundle(revision)))
        except BundleRefused as refused:
            raise PolicyUnavailable(f"{revision.id} cannot be loaded: {refused}") from None
        while len(self._held) >= _MOST:  # whoever still judges by it holds it
            idle = (digest for digest, held in self._held.items() if held.serial is None)
            del self._held[next(idle, next(iter(self._held)))]
        self._held[revision.digest] = _Held(law)
        return law

    def _forget(self, digest: str) -> None:
        held = self._held.get(digest)
        if held is not None:
            self._held[digest] = _Held(held.law)
