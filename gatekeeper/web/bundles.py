"""``/policy/bundle.tar.gz``: the law in force, signed, for the OPAs that decide by it.

The protocol is OPA's (https://www.openpolicyagent.org/docs/management-bundles): an ``ETag`` for the bytes,
304 while they have not changed, and long polling: who asks with ``Prefer: wait=N`` is answered the moment
there is another bundle, or after N seconds. Guarantees: nobody is answered but whom ``bundle_access`` lets
in; every answer is of one revision, whole; a few wait at a time and hold a thread each, so that queries
always find one; a worker that is told to end lets them go at once.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flask import Blueprint, Response, current_app, request

from gatekeeper.policy.opa_configuration import LONGEST_WAIT_S, PATH
from gatekeeper.web.bundle_access import BundleAccess
from gatekeeper.web.ending import ending_of

_LOOK_AGAIN_S = 0.1  # an activation is another process's: the registry's row is all that tells of it
_WAITS = "application/vnd.openpolicyagent.bundles"
_DOES_NOT_WAIT = "application/gzip"
_WAIT = re.compile(r"\s*wait\s*=\s*\"?(\d{1,6})\"?\s*")


class ActiveBundle(Protocol):
    """The law in force, as OPA loads it."""

    def active(self) -> tuple[str, str, bytes]:
        """Return revision, digest and the signed bundle of what decides now. Raises Unavailable.

        It is asked ten times a second for each OPA that waits: what has not changed must cost little.
        """


@dataclass(frozen=True, slots=True)
class _Served:
    content: bytes
    etag: str


def bundles_blueprint(law: ActiveBundle, access: BundleAccess, threads: int) -> Blueprint:
    """Return the route by which OPAs get the law; a third of *threads* may be held by those who wait."""
    blueprint = Blueprint("bundles", __name__)
    places = threading.BoundedSemaphore(threads // 3) if threads // 3 else None
    served = _Memory(law)

    @blueprint.get(PATH)
    def bundle() -> Response:
        access.check(request.headers, request.remote_addr)
        wait = _seconds_asked() if request.method == "GET" else 0
        now = served.now()
        if not wait:
            return _answer(now, _WAITS)
        if not request.if_none_match.contains_weak(now.etag):
            return _answer(now, _WAITS)
        if places is None or not places.acquire(blocking=False):
            # OPA asks again at once after a 304 to a wait. This type tells it that nobody waits here: until
            # the next revision it asks every few seconds, as its configuration says.
            return _whole(now, _DOES_NOT_WAIT)
        try:
            return _answer(_changed(served.now, now, wait), _WAITS)
        finally:
            places.release()

    return blueprint


class _Memory:
    """The bundle as it is served, made anew only when it is another."""

    def __init__(self, law: ActiveBundle) -> None:
        self._law = law
        self._last: tuple[bytes, _Served] | None = None

    def now(self) -> _Served:
        """Return what is in force. Raises Unavailable."""
        _, _, content = self._law.active()
        last = self._last
        if last is None or last[0] is not content:
            # Of the bytes, not of the revision: a text may be put into force a second time, signed anew.
            last = (content, _Served(content, hashlib.sha256(content).hexdigest()))
            self._last = last
        return last[1]


def _changed(now: Callable[[], _Served], before: _Served, seconds: float) -> _Served:
    """Wait until another bundle is in force, for so long at most; return the one that then is."""
    until = time.monotonic() + seconds
    ending = ending_of(current_app)
    current = before
    while current.etag == before.etag and (left := until - time.monotonic()) > 0:
        if ending.wait(min(_LOOK_AGAIN_S, left)):
            break
        current = now()
    return current


def _answer(served: _Served, kind: str) -> Response:
    """Return the bundle, or that the caller has it."""
    if request.if_none_match.contains_weak(served.etag):
        return _headed(Response(status=304), served)
    return _whole(served, kind)


def _whole(served: _Served, kind: str) -> Response:
    return _headed(Response(served.content, content_type=kind), served)


def _headed(response: Response, served: _Served) -> Response:
    response.set_etag(served.etag)
    # It may be kept, and must be asked for each time: a law of yesterday is no law.
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization, Prefer"
    return response


def _seconds_asked() -> int:
    """Return how long the caller would wait: ``wait=N`` (RFC 7240), or as OPA has it ``modes=…;wait=N``."""
    for preference in re.split("[,;]", request.headers.get("Prefer", "")):
        if found := _WAIT.fullmatch(preference):
            return min(int(found[1]), LONGEST_WAIT_S)
    return 0
