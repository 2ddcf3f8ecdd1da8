"""How OPA is reached: a requests session with one deadline, from the first byte sent to the last one read.

``requests`` limits the wait for each packet, so a server that sends a byte a second is never late. Here
every read, of headers too, is given what is left of the whole. Guarantees: no proxy or other environment is
honoured, no redirect is followed, no cookie is kept, no encoding is accepted, no body beyond the cap is
read, and only status 200 is an answer. A connection that the server closed while it was idle is tried once
more, inside the same deadline. Several requests may share one deadline (``within``).
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LARGEST_BODY = 1024 * 1024
_POOLED = 32
_deadline: ContextVar[float] = ContextVar("deadline")


def _left() -> float:
    """Return the seconds that are left. Raises TimeoutError when none are."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give all requests of the block one deadline, whatever each of them was given."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class _TimedReader(io.RawIOBase):
    """Reads from a socket, never for longer than the deadline allows."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """The one method of a socket that http.client's response uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock))


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _SocketPool(HTTPConnectionPool):
    """Connections to one unix socket."""

    def __init__(self, path: str) -> None:
        class ToSocket(_Connection):
            def _new_conn(self) -> socket.socket:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                try:
                    sock.settimeout(_left())
                    sock.connect(path)
                except BaseException:
                    sock.close()
                    raise
                return sock

        self.ConnectionCls = ToSocket
        super().__init__("localhost", maxsize=_POOLED)


class _NetworkAdapter(HTTPAdapter):
    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=_POOLED, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _SocketAdapter(HTTPAdapter):
    def __init__(self, path: str) -> None:
        super().__init__(max_retries=0)
        self._pool = _SocketPool(path)

    def get_connection_with_tls_context(self, *_args: Any, **_kwargs: Any) -> HTTPConnectionPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()


class Session(requests.Session):
    """A session that answers within the time-out of each request, or raises."""

    def __init__(self, *, unix_socket: str | None, ca_file: str | None, headers: dict[str, str]) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = ca_file or True
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update({"Accept-Encoding": "identity", **headers})
        self.adapters.clear()
        if unix_socket is None:
            self.mount("http://", _NetworkAdapter())
            self.mount("https://", _NetworkAdapter())
        else:
            self.mount("http://", _SocketAdapter(unix_socket))

    def request(
        self, method: Any, url: Any, *_: Any, timeout: Any = None, **kwargs: Any
    ) -> requests.Response:
        """Send and read, whole. Raises what requests, urllib3 and sockets raise: the caller catches all."""
        own = time.monotonic() + float(timeout)
        token = _deadline.set(min(own, _deadline.get(own)))
        try:
            kwargs.update(stream=True, allow_redirects=False)
            try:
                return self._once(method, url, **kwargs)
            except requests.Timeout:
                raise
            except requests.ConnectionError:
                # A decision changes nothing, so asking again is harmless; _left() keeps to the deadline.
                return self._once(method, url, **kwargs)
        finally:
            _deadline.reset(token)

    def _once(self, method: Any, url: Any, **kwargs: Any) -> requests.Response:
        response = super().request(method, url, timeout=_left(), **kwargs)
        try:
            if response.status_code != http.HTTPStatus.OK or response.headers.get("Content-Encoding"):
                raise requests.HTTPError("not a plain 200")
            body = response.raw.read(LARGEST_BODY + 1, decode_content=False)
            if len(body) > LARGEST_BODY:
                raise requests.HTTPError("the body is too large")
            _left()
        finally:
            response.close()
        response._content = body  # noqa: SLF001 - requests offers no way to cap what it reads
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        return response
