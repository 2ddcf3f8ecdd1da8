"""The running gate as the replay's client reaches it: OAuth, one request, bounded waiting.

Guarantees: a token goes to the gate alone (no proxy, no redirect); a request that is repeated keeps its
idempotency key, so that it is decided once; only a 200 that says permit is a permit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic, sleep
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from gatekeeper.errors import OperatorError

THREADS = 4
_TRIES = 6
_LONGEST_WAIT_S = 20.0
_TIMEOUT_S = (5, 30)
_RENEW_BEFORE_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one row: an outcome, or why there was none."""

    outcome: str
    provisions: tuple[Mapping[str, Any], ...] = ()
    policy: str = ""


class Gate:
    """The running gate, as a partner agency reaches it."""

    def __init__(self, base_url: str, client: Mapping[str, str]) -> None:
        self._base, self._client = base_url.rstrip("/"), client
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy from the environment would carry the secret elsewhere
        self._session.mount("http", HTTPAdapter(pool_maxsize=THREADS))
        self._lock, self._token, self._renew_at = Lock(), "", 0.0

    def token(self, *, stale: str | None = None) -> str:
        """Return an access token that is still good; raises OperatorError if the gate gives none."""
        with self._lock:
            if self._token and self._token != stale and monotonic() < self._renew_at:
                return self._token
            try:
                answer = self._session.post(
                    f"{self._base}/oauth/token",
                    data={"grant_type": "client_credentials", "scope": "reads:query"},
                    auth=(self._client["client_id"], self._client["client_secret"]),
                    timeout=_TIMEOUT_S,
                    allow_redirects=False,
                )
                document = answer.json()
                self._token = str(document["access_token"])
                self._renew_at = monotonic() + max(1.0, float(document["expires_in"]) - _RENEW_BEFORE_S)
            except (requests.RequestException, ValueError, KeyError, TypeError):
                raise OperatorError(
                    f"{self._base} gave the replay's client no token: is the demo running, and is its "
                    "credentials.json the one of this --data directory?",
                ) from None
            return self._token

    def ask(self, body: Mapping[str, Any], key: str) -> Answer:
        """Send one request until it is decided or waiting has no end; raises OperatorError without a token.

        The key makes a repeated request the same request, so a lost answer is never decided twice.
        """
        status, stale = "no answer", None
        for attempt in range(_TRIES):
            token = self.token(stale=stale)
            try:
                answer = self._session.post(
                    f"{self._base}/v1/queries",
                    json=body,
                    headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
                    timeout=_TIMEOUT_S,
                    allow_redirects=False,
                )
            except requests.RequestException:
                status = "no answer"
                _rest(attempt, None)
                continue
            status = f"HTTP {answer.status_code}"
            if answer.status_code in (429, 503, 409):
                _rest(attempt, answer.headers.get("Retry-After"))
            elif answer.status_code == requests.codes.unauthorized and stale != token:
                stale = token
            else:
                return _read(answer)
        return Answer(status)


def _rest(attempt: int, retry_after: str | None) -> None:
    """Wait as the gate asks, within bounds."""
    said = retry_after is not None and retry_after.isascii() and retry_after.isdigit()
    asked = float(retry_after) if retry_after is not None and said else 0.1 * 2**attempt
    sleep(min(asked, _LONGEST_WAIT_S))


def _read(answer: requests.Response) -> Answer:
    """Return what an answer says: only a 200 that says permit is one, only a 403 that says deny a denial."""
    try:
        decision = answer.json()["decision"]
        outcome, revision = decision["outcome"], str(decision["policy"]["revision"])
        provisions = tuple(one for one in decision.get("provisions", ()) if isinstance(one, Mapping))
    except (ValueError, KeyError, TypeError):
        return Answer(f"HTTP {answer.status_code}")
    expected = {requests.codes.ok: "permit", requests.codes.forbidden: "deny"}.get(answer.status_code)
    if outcome != expected:
        return Answer(f"HTTP {answer.status_code} with outcome {outcome!s:.20}")
    return Answer(outcome, provisions, revision)
