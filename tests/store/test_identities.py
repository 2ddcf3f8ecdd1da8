"""Who is whom at the identity provider, and browsers that were sent there, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.errors import OperatorError, StoreUnavailable, Superseded
from gatekeeper.store import staff
from gatekeeper.store.database import Database
from gatekeeper.store.identities import LONGEST, Identities
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.values import ProviderSignIn
from tests.store.making import NOON, commit, member

ISSUER = "https://id.example.gov"
SENT: dict[str, Any] = {
    "nonce": "nonce",
    "verifier": "verifier",
    "back": "/console/reviews",
    "staff_id": None,
}
UNDER_WAY = ProviderSignIn(**SENT, began_at=NOON)


@pytest.fixture
def provider(database: Database, rows: LedgerRows) -> Identities:
    """A city with two members of staff, one of them known at the provider, at noon."""
    commit(rows, staff.add(member()))
    commit(rows, staff.add(member("robin.sample")))
    found = Identities(database, now=lambda: NOON)
    commit(rows, found.bind(ISSUER, "sub-1", member().id))
    return found


def test_a_person_is_found_by_issuer_and_subject_together(provider: Identities) -> None:
    """The same subject at another provider is somebody else; case matters."""
    assert member() == provider.find(ISSUER, "sub-1")
    for issuer, subject in (
        ("https://other.example.gov", "sub-1"),
        (ISSUER, "SUB-1"),
        (ISSUER, ""),
        (ISSUER, "sub-1\x00"),
        (ISSUER, "\ud800"),
    ):
        assert provider.find(issuer, subject) is None


def test_a_person_has_one_account(provider: Identities, rows: LedgerRows) -> None:
    """Two accounts of one person would be one person with two roles; also when two are made at once."""
    with pytest.raises(OperatorError):
        provider.bind(ISSUER, "sub-1", member("robin.sample").id)
    rows_of_two = [
        provider.bind(ISSUER, "sub-2", member("robin.sample").id),
        provider.bind(ISSUER, "sub-2", member().id),
    ]
    commit(rows, rows_of_two[0])
    with pytest.raises(StoreUnavailable):
        commit(rows, rows_of_two[1])


def test_an_account_is_one_person(provider: Identities, rows: LedgerRows) -> None:
    """A second person at the provider does not get in by the first one's account."""
    with pytest.raises(StoreUnavailable):
        commit(rows, provider.bind(ISSUER, "sub-9", member().id))


def test_who_returns_has_a_new_account(provider: Identities, rows: LedgerRows) -> None:
    """The account that was removed stays so; of two who bind it anew, one does."""
    commit(rows, staff.change(member(), status="removed"))
    found = provider.find(ISSUER, "sub-1")
    assert found is not None
    assert "removed" == found.status
    back = member("robin.returns")
    commit(rows, [*provider.bind(ISSUER, "sub-1", back.id), *staff.add(back)])
    assert back == provider.find(ISSUER, "sub-1")
    commit(rows, staff.change(back, status="removed"))
    again, twice = (provider.bind(ISSUER, "sub-1", member("robin.sample").id) for _ in range(2))
    commit(rows, again)
    assert member("robin.sample") == provider.find(ISSUER, "sub-1")
    with pytest.raises(Superseded):
        commit(rows, twice)


def test_a_browser_comes_back_once(provider: Identities) -> None:
    """Of any number who bring the same state, one goes on."""
    provider.begin("state", "browser", **SENT)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: provider.take("state", "browser"), range(8)))
    assert [UNDER_WAY] == [found for found in taken if found is not None]


def test_another_browser_takes_nothing_and_spoils_nothing(provider: Identities) -> None:
    """Neither with a state that it saw, nor with one that never was."""
    provider.begin("state", "browser", **SENT)
    for state, browser in (("state", "another"), ("other", "browser"), ("", ""), ("\ud800", "browser")):
        assert provider.take(state, browser) is None
    assert UNDER_WAY == provider.take("state", "browser")


def test_who_stays_away_too_long_begins_anew(provider: Identities, database: Database) -> None:
    """And what never came back is forgotten with the next one that is sent."""
    provider.begin("state", "browser", **SENT)
    late = Identities(database, now=lambda: NOON + LONGEST)
    assert late.take("state", "browser") is None
    late.begin("another", "browser", **SENT)
    with database.read() as connection:
        assert 1 == connection.exec_driver_sql("SELECT count(*) FROM provider_sign_ins").scalar()
    almost = Identities(database, now=lambda: NOON + 2 * LONGEST - timedelta(seconds=1))
    assert almost.take("another", "browser") is not None
