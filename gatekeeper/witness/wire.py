"""A requests session whose connections are cut when the time is up.

``requests`` limits the wait for each packet, so a server that sends a byte now and then is never late.
Guarantees: inside ``within`` every connection that this thread opens is shut when the seconds are over,
wherever it stands (connecting, TLS, headers or body); no proxy or other environment is honoured, no redirect
followed, no cookie kept, no encoding accepted.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _Watch:
    """The connections of one question, and the moment at which they end."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._over = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError when none are."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self._over or time.monotonic() >= self._ends

    def add(self, connected: socket.socket) -> None:
        """Take a connection under watch, by a second handle: TLS takes the first one apart."""
        with self._lock:
            if self._over:
                raise TimeoutError("the time is up")
            self._handles.append(socket.socket(fileno=os.dup(connected.fileno())))

    def _cut(self) -> None:
        with self._lock:
            self._over = True
            for handle in self._handles:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Let the connections go."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            for handle in self._handles:
                handle.close()
            self._handles.clear()


_watch: ContextVar[_Watch] = ContextVar("watch")


@contextmanager
def within(seconds: float) -> Iterator[_Watch]:
    """Give everything that this thread asks in the block so many seconds, together."""
    watch = _Watch(seconds)
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)
        watch.end()


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


def _watched(connected: socket.socket) -> socket.socket:
    try:
        _watch.get().add(connected)
    except BaseException:
        connected.close()
        raise
    return connected


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def __init__(self, trust: ssl.SSLContext | None) -> None:
        self._trust = trust
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._trust, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def session(trust: ssl.SSLContext | None = None) -> requests.Session:
    """Return a session for one question. ``trust``: further authorities for certificates."""
    made = requests.Session()
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.headers.clear()
    made.headers.update({"User-Agent": "gatekeeper", "Accept-Encoding": "identity", "Connection": "close"})
    made.adapters.clear()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(trust))
    return made
