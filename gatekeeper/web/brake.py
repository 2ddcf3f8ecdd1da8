"""A crude brake on guessing at ``/oauth/*``: so many failures a minute for each address, then 429.

Guarantees: who proves its client, or is told the nonce that its proof lacks, is never counted, so a busy
client is not slowed; whoever shares an address with somebody who fails is shut out until that minute is over
and no longer (what is refused then is not counted); an address is kept as a fingerprint under the day's key;
what cannot be shared is added up here, for its minute, and no memory grows with it.
``X-Forwarded-For`` counts only from the configured proxy, and of it only what the configured number of
proxies have written: what a caller claims about itself is to the left of that. IPv6 addresses count by their
/64.

What it cannot do: who goes on guessing from the same address uses up each minute's failures anew, and whoever
shares that address is heard at the beginning of each minute only. That is for the proxy in front to end.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Protocol

from gatekeeper.errors import Unavailable
from gatekeeper.ledger import DayKeys

WINDOW_MS: Final = 60_000
"""For how long failures count from the first of them."""

_Counted = dict[bytes, tuple[int, int]]


class Counts(Protocol):
    """Failures by address, shared by all processes. Each method raises StoreUnavailable."""

    def of(self, address: bytes, now_ms: int) -> tuple[int, int]:
        """Return how often it failed in the minute that has begun, and when that began."""

    def add(self, counts: Mapping[bytes, tuple[int, int]], now_ms: int) -> None:
        """Add failures of each address: how many, and when the first of them was."""


class Brake:
    """Counts failures; what one process counted it shares once in *share_seconds*, however it is attacked."""

    def __init__(
        self,
        counts: Counts,
        keys: DayKeys,
        now_ms: Callable[[], int],
        *,
        most: int,
        proxy: str,
        hops: int,
        share_seconds: float = 1.0,
    ) -> None:
        self._counts = counts
        self._keys = keys
        self._now_ms = now_ms
        self._most = most
        self._proxy = proxy
        self._hops = hops
        self._share_seconds = share_seconds
        self._pending: _Counted = {}
        self._mutex = threading.Lock()
        self._shared = time.monotonic() - share_seconds

    def caller(self, peer: str | None, forwarded: Sequence[str]) -> bytes:
        """Return what stands for an address today. Raises ClockUnreliable, LedgerUnavailable."""
        day = datetime.fromtimestamp(self._now_ms() / 1000, UTC).date()
        place = network(address_of(peer, forwarded, self._proxy, self._hops))
        return self._keys.fingerprint(day, "address", place.encode())

    def wait(self, caller: bytes) -> int:
        """Return the seconds that it must wait, at most 60; 0 if it is heard. Raises StoreUnavailable."""
        now = self._now_ms()
        number, since = self._counts.of(caller, now)
        own, first = self._pending.get(caller, (0, now))
        if _running(first, now):
            number, since = number + own, min(first, since)
        if number < self._most:
            return 0
        self._share(now)
        return max(1, -(-(since + WINDOW_MS - now) // 1000))

    def failed(self, caller: bytes) -> None:
        """Count one failure; what cannot be shared now is shared later."""
        now = self._now_ms()
        with self._mutex:
            number, first = self._pending.get(caller, (0, now))
            # What was counted here and never shared within its minute is over.
            self._pending[caller] = (number + 1, first) if _running(first, now) else (1, now)
        self._share(now)

    def _share(self, now: int) -> None:
        with self._mutex:
            if not self._pending or time.monotonic() < self._shared + self._share_seconds:
                return
            pending, self._pending, self._shared = self._pending, {}, time.monotonic()
        try:
            self._counts.add(pending, now)
        except Unavailable:
            with self._mutex:
                self._pending = _together(pending, self._pending, now)


def _together(older: _Counted, newer: _Counted, now: int) -> _Counted:
    """Add up what could not be shared and what came since; what is over by now is forgotten."""
    both = {caller: said for caller, said in older.items() if _running(said[1], now)}
    for caller, (number, first) in newer.items():
        before, began = both.get(caller, (0, first))
        both[caller] = (before + number, min(began, first))
    return both


def _running(since: int, now: int) -> bool:
    """Say whether a minute that began then is not over; one that begins in the future is none."""
    return now - WINDOW_MS < since <= now


def address_of(peer: str | None, forwarded: Sequence[str], proxy: str, hops: int) -> str:
    """Return the client's address: what the outermost of our proxies saw, or else who speaks to us.

    *forwarded* are the values of X-Forwarded-For. What is no address, or too short for so many proxies, does
    not count.
    """
    if peer is None or peer != proxy or hops < 1:
        return peer or ""
    chain = [part.strip() for value in forwarded for part in value.split(",")]
    if len(chain) < hops:
        return peer
    with suppress(ValueError):
        return str(ipaddress.ip_address(chain[-hops]))
    return peer


def network(address: str) -> str:
    """Return whose failures count together: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
