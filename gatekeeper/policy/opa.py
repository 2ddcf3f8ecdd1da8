"""The OPA server as an engine, asked through opa-python-client.

Guarantees: every answer states the revision of the bundle that gave it, and one from any other revision is
no answer; builtin errors are errors, never "undefined"; the time-out is a deadline for the whole exchange.
For some seconds after OPA was first seen to hold another revision it is asked again within that deadline: a
law that has just come into force takes OPA a moment to fetch. After that, the mismatch denies at once.
OPA's own decision logs must be off (they would hold plates), and it must listen on a socket with
permissions or with authorization.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from opa_client.opa import OpaClient

from gatekeeper.errors import PolicyUnavailable, SettingsRefused
from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.engine import Facts, Verdict, known_answer, verdict_of
from gatekeeper.policy.layout import Json
from gatekeeper.policy.rehearsal import RULE
from gatekeeper.policy.wire import Session, within

_PACKAGE, _NAME = RULE.removeprefix("data.").rsplit(".", 1)
_PATIENCE_S = 10.0  # OPA polls every 5 s where it may not wait at us (``opa_configuration``)
_PAUSE_S = 0.03
_ASKED = {"strict-builtin-errors": "true", "provenance": "true"}


class _Client(OpaClient):  # type: ignore[misc]  # it ships no types
    """opa-python-client over our session: its own retries, honours proxies and knows no unix socket."""

    def __init__(self, url: str, *, timeout: float, token: str | None, ca_file: str | None) -> None:
        parts = urlsplit(url)
        self._socket = parts.path if parts.scheme == "unix" else None
        self._ca_file = ca_file
        host, secure = parts.hostname or "localhost", parts.scheme == "https"
        super().__init__(
            host=f"[{host}]" if ":" in host else host,
            port=parts.port or (443 if secure else 80),
            ssl=secure,
            token=token,
            retries=0,
            timeout=timeout,
        )

    def _init_session(self) -> Session:
        return Session(unix_socket=self._socket, ca_file=self._ca_file, headers=self.headers or {})


class OpaServer:
    """Evaluates one bundle on an OPA server, at ``http(s)://host:port`` or ``unix:///path/to/socket``."""

    def __init__(
        self,
        bundle: Bundle,
        url: str,
        *,
        timeout: float = 1.0,
        token: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        _check(url)
        self.bundle = bundle
        self._facts = Facts(bundle)
        self._timeout = timeout
        self._client = _Client(url, timeout=timeout, token=token, ca_file=ca_file)
        self._apart_since: float | None = None
        self._closed = False

    def evaluate(self, facts: Mapping[str, Json]) -> Verdict:
        """Return the verdict on *facts*. Raises PolicyUnavailable."""
        self._facts.text(facts)
        return verdict_of(self._ask(facts), self.bundle)

    def ready(self) -> None:
        """Check OPA's health, then ask with no facts: all must be unmet. Raises PolicyUnavailable."""
        try:
            healthy = self._client.check_health({"bundles": "true"})
        except Exception as error:  # noqa: BLE001 - foreign exceptions stop here
            raise PolicyUnavailable(f"OPA failed: {type(error).__name__}") from None
        if healthy is not True:
            raise PolicyUnavailable("OPA has not activated its bundle")
        known_answer(verdict_of(self._ask({}), self.bundle), self.bundle)

    def close(self) -> None:
        """Close the pooled connections."""
        self._closed = True
        self._client.close_connection()

    def _ask(self, facts: Mapping[str, Json]) -> object:
        if self._closed:
            raise PolicyUnavailable("the engine is closed")
        until = time.monotonic() + self._timeout
        with within(self._timeout):
            answer = self._once(facts)
            while not self._ours(answer):
                if not self._may_catch_up(until):
                    raise PolicyUnavailable("OPA answers from another revision of the law")
                time.sleep(_PAUSE_S)
                answer = self._once(facts)
        self._apart_since = None
        if "result" not in answer:
            raise PolicyUnavailable("OPA has no decision: it is undefined")
        return answer["result"]

    def _once(self, facts: Mapping[str, Json]) -> Any:
        try:
            return self._client.query_rule(facts, _PACKAGE, _NAME, query_params=_ASKED)
        except Exception as error:  # noqa: BLE001 - foreign exceptions stop here
            # Its text may quote the request: only the kind of failure is told.
            raise PolicyUnavailable(f"OPA failed: {type(error).__name__}") from None

    def _ours(self, answer: Any) -> bool:
        return type(answer) is dict and self._revisions(answer) == [self.bundle.revision]

    def _may_catch_up(self, until: float) -> bool:
        """Say whether there is time to ask again, in this exchange and since OPA first held another law."""
        now = time.monotonic()
        if self._apart_since is None:
            self._apart_since = now
        return now - self._apart_since < _PATIENCE_S and until - now > 2 * _PAUSE_S

    @staticmethod
    def _revisions(answer: Mapping[str, Any]) -> list[object]:
        """Return the revision of each bundle that OPA holds; only one may have spoken."""
        provenance = answer.get("provenance")
        bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
        if not isinstance(bundles, dict):
            return []
        return [held.get("revision") if isinstance(held, dict) else None for held in bundles.values()]


def answers(url: str, timeout: float = 1.0) -> bool:
    """Say whether an OPA is at that address, with a law or without. Raises SettingsRefused."""
    _check(url)
    client = _Client(url, timeout=timeout, token=None, ca_file=None)
    try:
        return client.check_health() is True
    except Exception:  # noqa: BLE001 - foreign exceptions stop here
        return False
    finally:
        client.close_connection()


def _check(url: str) -> None:
    """Refuse an address that would not reach one server exactly. Raises SettingsRefused."""
    cure = "set GATEKEEPER_OPA_URL to http(s)://host:port or unix:///path/to/socket"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsRefused(f"OPA's address cannot be read: {cure}") from None
    if parts.query or parts.fragment or parts.username is not None:
        raise SettingsRefused(f"OPA's address has a query, a fragment or a user: {cure}")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/"):
            raise SettingsRefused(f"a unix socket's path must be absolute: {cure}")
    elif (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or port == 0
    ):
        raise SettingsRefused(f"OPA's address is not one: {cure}")
