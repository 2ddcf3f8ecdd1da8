"""The keys that identity providers publish: fetched beside the requests, and logged before they count.

The procedure for an issuer that was registered with an address: (1) every ten minutes one worker fetches, in
a thread of its own; (2) a ``kid`` that is not there, or keys that are too old, have one worker in a minute
begin to fetch, and whoever asks meanwhile is told to come again; (3) what changed is committed with its log
entry; (4) what was not fetched for as many hours as the issuer's terms say is believed no more. Guarantees:
no request waits for a provider; whoever names keys that are not there makes us fetch once a minute and
issuer, whatever the number of workers; a provider that does not answer, or whose document does not count,
ends its own tokens alone. A key that left the set counts for nothing from the commit on, in every worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from gatekeeper.errors import GatekeeperError, StoreUnavailable
from gatekeeper.exchange.issuer_keys import address_of, keys_of
from gatekeeper.exchange.key_sets import KeysStale, parsed
from gatekeeper.exchange.registrations import Issuer
from gatekeeper.web.key_sets import PAUSE_MS, SKEW_MS, Times, attempt, refuse_while_busy

EVERY_MS: Final = 10 * 60_000
"""How often an issuer's keys are fetched."""
ROUND_SECONDS: Final = 30.0
FIRST_SECONDS: Final = 1.0
_HOUR_MS: Final = 3_600_000

_log = structlog.get_logger()


class Registered(Protocol):
    """The registry as it is now."""

    def issuer(self, url: str, /) -> Issuer | None:
        """Return the issuer of that name."""

    def issuers(self) -> Sequence[Issuer]:
        """Return every issuer that was not removed."""


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """The keys of all issuers. ``take`` keeps what was fetched of one: its URL, the address, the document."""

    fetch: Callable[[str], bytes]
    times: Times
    registry: Callable[[], Registered]
    take: Callable[[str, str, object], None]
    now_ms: Callable[[], int]
    _seen: dict[str, int] = field(default_factory=dict)
    """When the keys of each were fetched, as this worker last read it: a time that only grows."""

    def keys(self, issuer: Issuer, kid: str, /) -> Sequence[Mapping[str, Any]]:
        """Return the keys that may be used now, one of which ought to be that of this ``kid``.

        Raises KeysStale, Unavailable.
        """
        keys = keys_of(issuer)
        if address_of(issuer) is None:
            return keys
        now = self.now_ms()
        known = any(jwk.get("kid") == kid for jwk in keys)
        if known and _within(self._seen.get(issuer.id, 0), now, stale_ms(issuer)):
            return keys
        found = self.times.of(issuer.id)
        self._seen[issuer.id] = found.fetched_ms
        fresh = _within(found.fetched_ms, now, stale_ms(issuer))
        if known and fresh:
            return keys
        if issuer.url is not None and self.times.claim(issuer.id, now, PAUSE_MS):
            self._begin(issuer.url)
            raise StoreUnavailable("the issuer's keys are being fetched")
        refuse_while_busy(self.times.of(issuer.id), now)
        if not fresh:
            raise KeysStale
        return keys

    def refresh(self, url: str) -> str | None:
        """Fetch an issuer's keys now; return what failed, or None. Raises Unavailable if it is not logged."""
        at, issuer = self.now_ms(), self.registry().issuer(url)
        address = None if issuer is None else address_of(issuer)
        if issuer is None or address is None:
            return None
        return attempt(
            self.times, issuer.id, at, lambda: self.take(url, address, parsed(self.fetch(address)))
        )

    def round(self) -> None:
        """Fetch what is due, one after the other. Raises Unavailable."""
        for issuer in self.registry().issuers():
            if address_of(issuer) is None or issuer.status != "active" or issuer.url is None:
                continue
            now = self.now_ms()
            due = not _within(self.times.of(issuer.id).fetched_ms, now, EVERY_MS)
            if due and self.times.claim(issuer.id, now, PAUSE_MS):
                self.refresh(issuer.url)

    def _begin(self, url: str) -> None:
        # With no thread to be had the next minute tries again, or the round does.
        with suppress(RuntimeError):
            threading.Thread(target=self._apart, args=(url,), name="issuer keys", daemon=True).start()

    def _apart(self, url: str) -> None:
        try:
            self.refresh(url)
        except GatekeeperError as fault:
            _log.warning("issuer_keys_not_kept", code=fault.code, reason=str(fault))


class Fetching:
    """Fetches what is due, in a thread of its own, in each process; of all of them one is told to."""

    def __init__(
        self, keys: IssuerKeys, *, first: float = FIRST_SECONDS, every: float = ROUND_SECONDS
    ) -> None:
        self._keys, self._first, self._every = keys, first, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="issuers' keys", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after what is being fetched."""
        self._ended.set()

    def _run(self) -> None:
        pause = self._first
        while not self._ended.wait(pause):
            pause = self._every
            try:
                self._keys.round()
            except GatekeeperError as fault:
                _log.warning("issuer_keys_not_kept", code=fault.code, reason=str(fault))


def stale_ms(issuer: Issuer) -> int:
    """Return for how long keys that were fetched are believed."""
    return int(issuer.terms["stale_hours"]) * _HOUR_MS


def _within(fetched_ms: int, now: int, most_ms: int) -> bool:
    # A time in the future is no time: a clock that was wrong must not keep old keys alive.
    return -SKEW_MS <= now - fetched_ms <= most_ms
