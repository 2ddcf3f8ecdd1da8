"""What else is asked of a gate under load, all the while and one thing after another.

Dry runs, denials with their state and letter, the law, the log's proofs and published files, health: what is
kept for each of them would be seen in the gate's memory.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import requests

from tests.benchmarks.city import Served
from tests.benchmarks.loads import Load

PAUSE_S: Final = 0.02
"""After each: this is a tenth of the load, and no measure of speed."""
_HOURLY: Final = (200, 404)
"""Of a published file: it is there once an hour is over."""


@contextmanager
def asked_beside(served: Served, load: Load) -> Iterator[None]:
    """Ask for as long as the block lasts; raise RuntimeError at its end if an answer was not as it is due."""
    ended, faults = threading.Event(), list[str]()

    def ask() -> None:
        try:
            with requests.Session() as session:
                session.headers["Authorization"] = served.shown("reads:query ledger:read").authorization
                while not ended.is_set():
                    _round(_Asker(session, served.base_url, ended), load)
        except (requests.RequestException, RuntimeError, KeyError, ValueError) as fault:
            faults.append(f"beside the load: {fault or type(fault).__name__}")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if faults:
        raise RuntimeError(faults[0])


class _Asker:
    def __init__(self, session: requests.Session, base_url: str, ended: threading.Event) -> None:
        self._session, self._base_url, self._ended = session, base_url, ended

    def __call__(self, path: str, body: object = None, due: tuple[int, ...] = (200,)) -> requests.Response:
        """Ask; raise RuntimeError for an answer of another status."""
        self._ended.wait(PAUSE_S)
        method = "GET" if body is None else "POST"
        answer = self._session.request(method, self._base_url + path, json=body, timeout=10)
        if answer.status_code not in due:
            raise RuntimeError(f"{method} {path} was answered {answer.status_code}: {answer.text[:200]}")
        return answer


def _round(ask: _Asker, load: Load) -> None:
    dice = random.SystemRandom()
    body: dict[str, Any] = json.loads(load.body(dice.randrange(10**7)))
    ask("/v1/queries?dry_run=true", body)
    body["attestation"]["accepted"] = False
    body["query"]["plate"] = f"DEMO{dice.randrange(1000):03}"  # whoever asks again after a denial is denied
    query = ask("/v1/queries", body, due=(403,)).json()["query_id"]
    ask(f"/v1/queries/{query}")
    ask(f"/v1/queries/{query}/letter")
    size = int(ask("/v1/ledger/checkpoint").text.splitlines()[1])
    for _ in range(5):
        ask(f"/v1/ledger/entries/{dice.randrange(size)}/proof")
    for path in ("checkpoint", "tile/0/000", "tile/entries/000"):
        ask(f"/ledger/{path}", due=_HOURLY)
    for path in ("/v1/provisions", "/v1/agency", "/healthz", "/readyz"):
        ask(path)
