"""Many who ask a running gate without pause, and what each was answered when."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.servers.gate import PATIENCE_SECONDS, RunningGate

AGENCIES = ("maple-falls-pd", "birchport-pd-wi")


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer: by whom it was asked, when that was sent, and when the answer's first byte was here."""

    agency: str
    sent: float
    at: float
    status: int
    document: Mapping[str, Any]


@dataclass
class Hammer:
    """What those who ask have seen, and what came of requests that were not answered."""

    gate: RunningGate
    changes: Mapping[str, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, agency: str, token: str, *, keep_alive: bool) -> None:
        """Ask until it ends, over one connection, or over a new one each time: so each worker is asked."""
        plates, number = self.gate.document["samples"]["plates"], 0
        address, asked = f"{self.gate.base_url}/v1/queries", self.gate.body(**self.changes)
        headers = {"Authorization": f"Bearer {token}"}
        # Connection: close makes a new one for the next request.
        headers |= {} if keep_alive else {"Connection": "close"}
        with requests.Session() as session:
            while not self.ended.is_set():
                number += 1
                asked["query"]["plate"] = plates[number % len(plates)]
                sent = time.monotonic()
                try:
                    # With stream, post() returns at the first bytes of the answer.
                    given = session.post(
                        address, json=asked, headers=headers, timeout=PATIENCE_SECONDS, stream=True
                    )
                    at = time.monotonic()
                    self.seen.append(Seen(agency, sent, at, given.status_code, given.json()))
                except requests.RequestException as error:
                    self.failed.append(repr(error))


@contextmanager
def under_load(
    gate: RunningGate,
    tokens: Mapping[str, str] | None = None,
    *,
    threads: int = 16,
    keep_alive: bool = True,
    resets: bool = False,
    **changes: str,
) -> Iterator[Hammer]:
    """Ask without pause until the block ends; no request may fail, but for connections that are reset.

    *tokens* are those of the agencies that ask; without them two of the demo's do. *changes* are those of the
    request, by dotted names.
    """
    hammer = Hammer(gate, changes)
    shown = list((tokens or {agency: gate.token(agency) for agency in AGENCIES}).items())
    askers = [
        threading.Thread(target=hammer.run, args=shown[n % len(shown)], kwargs={"keep_alive": keep_alive})
        for n in range(threads)
    ]
    for asker in askers:
        asker.start()
    try:
        time.sleep(0.6)
        yield hammer
    finally:
        hammer.ended.set()
        for asker in askers:
            asker.join(20)
    assert [] == [why for why in hammer.failed if not (resets and "Connection aborted" in why)]
