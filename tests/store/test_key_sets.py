"""When keys were fetched, and keys that come and go, on both databases."""

from __future__ import annotations

import threading

import pytest

from gatekeeper.errors import Superseded
from gatekeeper.store import administration
from gatekeeper.store.database import Database
from gatekeeper.store.key_sets import Fetched, KeySetTimes
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.registry import Registry
from gatekeeper.store.values import Agency, Client, ClientKey
from tests.store.making import append

MINUTE = 60_000
NOW = 1_795_000_000_000


def test_one_of_many_is_told_to_fetch(database: Database) -> None:
    """By the database: whichever worker asks first, once in a minute."""
    times = [KeySetTimes(database) for _ in range(3)]
    assert Fetched() == times[0].of("client-1")
    for now in (NOW, NOW + MINUTE):
        won: list[bool] = []
        threads = [
            threading.Thread(
                target=lambda n=n, now=now, won=won: won.append(times[n % 3].claim("client-1", now, MINUTE))
            )
            for n in range(9)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 9 == len(won)
        assert 1 == sum(won)
    assert not times[0].claim("client-1", NOW + 2 * MINUTE - 1, MINUTE)
    assert times[0].claim("client-2", NOW, MINUTE)
    assert times[0].claim("client-1", NOW - MINUTE, MINUTE)  # a clock that was ahead shuts nobody out


def test_how_it_ended(database: Database) -> None:
    """A fault leaves the last success as it was, and ends with the next try."""
    times = KeySetTimes(database)
    times.claim("client-1", NOW, MINUTE)
    times.done("client-1", NOW)
    assert Fetched(NOW, NOW, None) == times.of("client-1")
    times.claim("client-1", NOW + MINUTE, MINUTE)
    times.done("client-1", NOW + MINUTE, "timed_out")
    assert Fetched(NOW + MINUTE, NOW, "timed_out") == times.of("client-1")
    times.claim("client-1", NOW + 2 * MINUTE, MINUTE)
    assert Fetched(NOW + 2 * MINUTE, NOW, None) == times.of("client-1")


def test_keys_come_and_go_and_what_is_revoked_stays_so(database: Database) -> None:
    """Each change bumps the registry; one that meets another is refused whole."""
    rows, registry = LedgerRows(database), Registry(database)
    source = ClientKey("source-1", "jwks_uri", {"jwks_uri": "https://keys.example/"}, "active")
    one, two = (ClientKey(f"jwks:{n}", "ES256", {"kid": n}, "active") for n in "12")
    agency = Agency("oakville-pd", None, "Oakville", "local", "IL", "active", False, (), ())
    client = Client("client-1", agency.id, "fapi", "active", None, ("reads:query",), (source,))

    def write(*made: object) -> None:
        with rows.transaction() as transaction:
            transaction.write(made)  # type: ignore[arg-type]  # rows of ours
            append(transaction)

    def states() -> dict[str, str]:
        found = registry.client(client.id)
        assert found is not None
        return {key.kid: key.status for key in found.keys if key.kid != "source-1"}

    write(*administration.add_agency(agency), *administration.add_client(client))
    write(*administration.fetched_keys(client.id, "source-1", [one, two], [], []))
    assert {"jwks:1": "active", "jwks:2": "active"} == states()
    write(*administration.fetched_keys(client.id, "source-1", [], [], ["jwks:1"]))
    assert {"jwks:1": "withdrawn", "jwks:2": "active"} == states()
    write(*administration.fetched_keys(client.id, "source-1", [], ["jwks:1"], ["jwks:2"]))
    assert {"jwks:1": "active", "jwks:2": "withdrawn"} == states()
    write(*administration.revoke_key(client.id, "jwks:2", "withdrawn"))
    for refused in (
        administration.fetched_keys(client.id, "source-1", [], ["jwks:2"], []),
        administration.fetched_keys(client.id, "source-1", [], [], ["jwks:2"]),
        administration.fetched_keys(client.id, "source-9", [], [], ["jwks:1"]),
    ):
        with pytest.raises(Superseded):
            write(*refused)
    assert {"jwks:1": "active", "jwks:2": "revoked"} == states()
