"""The keys that agencies publish for their clients: fetched when needed, and logged before they count.

The procedure for a client that registered an address: (1) what was fetched within five minutes, and has the
key that is named, is used as it is; (2) otherwise one worker in a minute is told to fetch, while it holds no
lock and no transaction; (3) what changed is committed with its log entry; (4) what was not fetched for an
hour is believed no more. Guarantees: no token is issued by a key of which the log does not tell; whoever
names keys that are not there makes us fetch once a minute and client, whatever the number of workers; a host
that does not answer, or whose document does not count, denies its own client within the hour and nobody else.

What was fetched is kept in the registry, not in a worker: so each worker sees a change with its next request,
a withdrawn key ends the tokens it obtained, and a restart neither asks all agencies nor forgets an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from gatekeeper.errors import StoreUnavailable, Superseded
from gatekeeper.exchange.key_sets import (
    ALG,
    Changes,
    KeySetRefused,
    KeysStale,
    changes,
    is_published,
    named,
    read,
    source_of,
)
from gatekeeper.exchange.registrations import Client, ClientKey
from gatekeeper.notices.fetching import WHOLE_S, FetchFailed

FRESH_MS: Final = 5 * 60_000
STALE_MS: Final = 60 * 60_000
PAUSE_MS: Final = 60_000
SKEW_MS: Final = 60_000  # another node's clock may be ahead by as much
_BUSY_MS: Final = int(WHOLE_S * 1000) + 2000

_log = structlog.get_logger()


class Fetched(Protocol):
    """When a client's keys were tried and fetched last, in milliseconds since 1970."""

    @property
    def tried_ms(self) -> int:
        """The last try; 0: none."""

    @property
    def fetched_ms(self) -> int:
        """The last success; 0: none."""

    @property
    def fault(self) -> str | None:
        """What the last try failed by."""


class Times(Protocol):
    """Those times, shared by all workers. Each method raises StoreUnavailable."""

    def of(self, owner_id: str, /) -> Fetched:
        """Return those of a client, or of an issuer."""

    def claim(self, owner_id: str, now_ms: int, pause_ms: int, /) -> bool:
        """Say whether this worker is to fetch now."""

    def done(self, owner_id: str, at_ms: int, fault: str | None = None, /) -> None:
        """Keep how the try ended."""


@dataclass(frozen=True, slots=True)
class KeySets:
    """The key sets of all clients. ``commit`` logs what changed, with the rows, and then returns."""

    fetch: Callable[[str], bytes]
    times: Times
    client: Callable[[str], Client | None]
    commit: Callable[[Client, ClientKey, Changes], None]
    now_ms: Callable[[], int]
    revoked: Callable[[], Container[str]] = tuple
    """The thumbprints of keys that were revoked, of whichever client: none of them is entered anew."""

    def current(self, client: Client, kid: object, /) -> Client:
        """Return the client with keys that may be used now, one of which ought to be that of this ``kid``.

        Raises KeysStale, Unavailable.
        """
        source = source_of(client.keys)
        if source is None or client.status != "active":
            return client
        meant = [key for key in named(client.keys, kid) if key.status == "active"]
        if meant and not any(map(is_published, meant)):
            return client  # a key that the city registered itself
        now, found, known = self.now_ms(), self.times.of(client.id), bool(meant)
        if not known or not -SKEW_MS <= now - found.fetched_ms < FRESH_MS:
            if self.times.claim(client.id, now, PAUSE_MS):
                self.refresh(client.id)
            elif not known or now - found.fetched_ms > STALE_MS:
                refuse_while_busy(found, now)
            client, found = self.client(client.id) or client, self.times.of(client.id)
        if not -SKEW_MS <= self.now_ms() - found.fetched_ms <= STALE_MS:
            raise KeysStale
        return client

    def refresh(self, client_id: str) -> str | None:
        """Fetch a client's keys now; return what failed, or None. Raises Unavailable if it is not logged."""
        at, client = self.now_ms(), self.client(client_id)
        source = None if client is None else source_of(client.keys)
        if client is None or source is None:
            return None
        held = client

        def take() -> None:
            published = read(self.fetch(str(source.jwk[ALG])), self.now_ms() // 1000)
            # As the client is now: fetching may have taken its time.
            now = self.client(client_id) or held
            if changed := changes(now.keys, published, self.revoked()):
                self.commit(now, source, changed)

        return attempt(self.times, client_id, at, take)


def attempt(times: Times, owner_id: str, at: int, take: Callable[[], None]) -> str | None:
    """Fetch and keep what *take* does, and keep how that ended; return what failed, or None.

    Raises Unavailable if it could not be logged.
    """
    try:
        take()
    except (FetchFailed, KeySetRefused) as failed:
        _log.warning("key_set_not_fetched", of=owner_id, reason=failed.fault)
        times.done(owner_id, at, failed.fault)
        return failed.fault
    except Superseded:  # an operator changed the keys meanwhile: the next try sees that
        times.done(owner_id, at, "superseded")
        return "superseded"
    times.done(owner_id, at)
    return None


def refuse_while_busy(found: Fetched, now: int) -> None:
    """Ask to come again while somebody fetches what is needed here. Raises StoreUnavailable."""
    if found.fetched_ms < found.tried_ms and found.fault is None and 0 <= now - found.tried_ms < _BUSY_MS:
        raise StoreUnavailable("the keys are being fetched")
