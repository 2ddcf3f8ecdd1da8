"""A crude brake on guessing: an address that came with too many wrong secrets is not heard for a while.

The secrets have 256 bits, so nobody guesses one; this spares the database, and says so. Guarantees: only
wrong guesses count; whose they are is what our proxies saw, as for ``brake``, so nobody is shut out who only
stands behind the same proxy; it is one process's own and holds a bounded number of addresses, the longest
silent forgotten first. nginx has a brake of its own before it (``deploy/nginx.conf``).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from flask import request

from gatekeeper.web.brake import address_of, network

MOST: Final = 20
WITHIN_S: Final = 600.0
ADDRESSES: Final = 10_000


class Guesses:
    """Counts wrong guesses by address; safe to share between threads."""

    def __init__(self, proxy: str, hops: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._proxy = proxy
        self._hops = hops
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self) -> int:
        """Return for how many seconds this request's address is not heard; 0 for not at all."""
        with self._lock:
            times = self._wrong.get(self._address())
            if times is None or len(times) < MOST:
                return 0
            return max(0, int(times[0] + WITHIN_S - self._clock() + 1))

    def wrong(self) -> None:
        """Count a wrong guess of this request's address."""
        address = self._address()
        with self._lock:
            self._wrong.setdefault(address, deque(maxlen=MOST)).append(self._clock())
            self._wrong.move_to_end(address)
            if len(self._wrong) > ADDRESSES:
                self._wrong.popitem(last=False)

    def _address(self) -> str:
        """Return who asks: whom the outermost of our proxies saw, an IPv6 address by its /64."""
        forwarded = request.headers.getlist("X-Forwarded-For")
        return network(address_of(request.remote_addr, forwarded, self._proxy, self._hops))
