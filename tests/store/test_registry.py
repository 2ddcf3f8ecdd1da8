from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.store import administration
from gatekeeper.store.columns import Utc
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.registry import MARGIN, Registry
from gatekeeper.store.values import Stop
from tests.store import making
from tests.store.making import LATER, NOON, agency, client, commit, register, stop


@pytest.fixture
def registry(database: Database) -> Registry:
    """The registry, at noon."""
    return Registry(database, now=lambda: NOON)


def test_what_was_registered_is_what_is_found(rows: LedgerRows, registry: Registry) -> None:
    """Agencies by id and ORI with what they signed, clients with their keys, stops, tokens."""
    register(rows)
    commit(rows, administration.set_stop(stop()))
    commit(rows, administration.revoke_token("t1", LATER))
    commit(rows, making.policy_named("2026-01+a", "sha256:a", previous=None))
    snapshot = registry.snapshot()
    assert agency() == snapshot.agency("evanston") == snapshot.agency("ILEVANSTON")
    assert (agency(),) == snapshot.agencies() == registry.agencies()
    assert client() == snapshot.client("c1") == registry.client("c1")
    assert (client(),) == snapshot.clients("evanston") == registry.clients()
    assert snapshot.clients("wilmette") == ()
    assert (stop(),) == snapshot.stops == registry.stops()
    assert snapshot.token_revoked("t1")
    assert not registry.token_revoked("t2")
    assert ("2026-01+a", "sha256:a") == (snapshot.state.policy_revision, snapshot.state.policy_digest)
    assert snapshot.agency("nobody") is None
    assert snapshot.client("nobody") is None
    assert registry.agency("nobody") is None


def test_a_snapshot_is_never_older_than_the_last_commit(rows: LedgerRows, database: Database) -> None:
    """A revocation that another process committed is seen by the next request; an old view is whole."""
    mine, other = Registry(database), Registry(database)
    register(rows)
    before = mine.snapshot()
    assert before is mine.snapshot()
    commit(rows, administration.revoke_client("c1"))
    commit(rows, administration.set_agency_status(agency(), "suspended"))
    after = mine.snapshot()
    assert ("active", "revoked") == (before.client("c1").status, after.client("c1").status)  # type: ignore[union-attr]
    assert "suspended" == after.agency("evanston").status  # type: ignore[union-attr]
    assert after == other.snapshot()
    assert mine.state() == after.state


def test_a_snapshot_belongs_to_exactly_its_version(rows: LedgerRows, database: Database) -> None:
    """While a writer changes policy and stops together, no reader sees one without the other."""
    register(rows)
    seen: list[bool] = []
    done = False

    def read() -> None:
        registry = Registry(database)
        while not done:
            snapshot = registry.snapshot()
            # The n-th policy comes with the n-th stop, in one commit.
            policy = int((snapshot.state.policy_revision or "0+0").split("+")[1])
            seen.append(policy == len(snapshot.stops))

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        previous = None
        for number in range(1, 25):
            revision = f"r+{number}"
            commit(
                rows,
                [
                    *making.policy_named(revision, "d", previous=previous),
                    *administration.set_stop(Stop(f"s{number}", "kind", "plate", NOON)),
                ],
            )
            previous = revision
        done = True
        for reader in readers:
            reader.result()
    assert seen
    assert all(seen)


def test_an_assertion_identifier_is_used_once(registry: Registry, database: Database) -> None:
    """Of sixteen simultaneous claims one is granted; another client's or another identifier is its own."""
    registries = [Registry(database, now=lambda: NOON) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(lambda i: registries[i % 2].claim_jti("c1", "j1", LATER), range(16)))
    assert 1 == sum(granted)
    assert registry.claim_jti("c1", "j1", LATER + timedelta(days=1)) is False
    assert registry.claim_jti("c2", "j1", LATER) is True
    assert registry.claim_jti("c1", "j2", LATER) is True


def test_hostile_identifiers_are_claimed_like_any_other(registry: Registry) -> None:
    """NUL, half a surrogate pair, great length, and pairs that would run together."""
    for client_id, jti in (("a", "\x00"), ("a", "\ud800"), ("a", "j" * 100_000), ("ab", "c"), ("a", "bc")):
        assert registry.claim_jti(client_id, jti, LATER) is True
        assert registry.claim_jti(client_id, jti, LATER) is False


def test_an_expired_identifier_is_never_granted(registry: Registry) -> None:
    """It may have been forgotten already; and a naive expiry is nobody's time."""
    assert registry.claim_jti("c1", "j1", NOON) is False
    with pytest.raises(ValueError, match="zone"):
        registry.claim_jti("c1", "j1", LATER.replace(tzinfo=None))


def test_what_expired_is_forgotten_and_nothing_sooner(database: Database) -> None:
    """The table stays small, but an identifier outlives its expiry by a margin for other nodes' clocks."""
    assert Registry(database, now=lambda: NOON).claim_jti("c1", "j1", LATER)
    for now, left in ((LATER + MARGIN / 2, 2), (LATER + MARGIN * 2, 2)):
        assert Registry(database, now=lambda now=now: now).claim_jti("c1", str(now), now + MARGIN * 9)  # type: ignore[misc]
        with database.read() as connection:
            assert left == connection.exec_driver_sql("SELECT count(*) FROM jti_seen").scalar()


def test_a_registry_without_its_row_is_no_registry(database: Database, registry: Registry) -> None:
    """No state, no snapshot: the absence of a version is not version nothing."""
    with database.write() as connection:
        for statement in (
            ("DROP TRIGGER registry_no_delete",)
            if database.dialect == "sqlite"
            else ("ALTER TABLE registry DISABLE TRIGGER ALL",)
        ):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("DELETE FROM registry")
    with pytest.raises(StoreUnavailable):
        registry.snapshot()


def test_times_come_back_as_they_were_and_naive_ones_are_refused(
    rows: LedgerRows, registry: Registry
) -> None:
    """An instant given in another zone is the same instant in UTC."""
    chicago = timezone(timedelta(hours=-6))
    commit(rows, administration.set_stop(Stop("s1", "all", None, NOON.astimezone(chicago))))
    (found,) = registry.stops()
    assert NOON == found.set_at
    assert timedelta(0) == found.set_at.utcoffset()
    with pytest.raises(ValueError, match="zone"):
        Utc().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]  # noqa: DTZ001
