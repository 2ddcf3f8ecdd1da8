"""Whoever revokes token after token does not fill the log, and keeps nobody else from revoking one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import pytest
from werkzeug.test import Client, TestResponse

from gatekeeper.app import application
from gatekeeper.cli import client
from gatekeeper.errors import Unauthenticated
from gatekeeper.exchange import identify, quotas
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.refusals import Refusals
from gatekeeper.ledger.spending import TOKEN, Limit
from tests.exchange.city import City, body

AGENCY = "sample-il-pd"
MOST = 3


@dataclass(frozen=True)
class Revoking:
    """One client of a city, and the city's doors."""

    city: City
    http: Client
    client_id: str
    secret: str

    def token(self) -> str:
        """Return a new token of this client."""
        city = self.city.with_clients({**self.city.clients, AGENCY: self.client_id})
        return city.header(AGENCY, jti=secrets.token_hex(8)).removeprefix("Bearer ")

    def revoke(self, token: str) -> TestResponse:
        """Ask for a token to be revoked, as the client that proves itself."""
        return self.http.post("/oauth/revoke", data={"token": token}, auth=(self.client_id, self.secret))

    def good(self, token: str) -> bool:
        """Say whether a token is still believed."""
        try:
            identify(self.city.gate, Presented(f"Bearer {token}"), None)
        except Unauthenticated:
            return False
        return True

    def entries(self) -> int:
        """Count the tokens whose revocation is in the log."""
        return [e["event"] for e in self.city.events()].count("credential.token_revoked")


@pytest.fixture
def counted(city: City) -> Refusals:
    """Return what counts who was over a limit."""
    return Refusals(city.state.ledger)


@pytest.fixture
def two(city: City, counted: Refusals, monkeypatch: pytest.MonkeyPatch) -> tuple[Revoking, Revoking]:
    """Return two clients of one agency, each of which may revoke a few tokens."""
    monkeypatch.setattr(quotas, "MOST_REVOKED", MOST)
    city = city.with_gate(over=counted.over)
    http = application(city.state, city.gate, city.tokens, lambda _: None).test_client()
    made = []
    for _ in range(2):
        one = client.register(city.state, AGENCY)
        assert one.secret is not None
        made.append(Revoking(city, http, one.client.id, one.secret))
    return made[0], made[1]


def test_no_client_fills_the_log_with_tokens_that_it_revokes(two: tuple[Revoking, Revoking]) -> None:
    """Over its limit it is told when to come again; the token is not revoked, and is not said to be."""
    one, _ = two
    tokens = [one.token() for _ in range(MOST + 4)]
    answers = [one.revoke(token) for token in tokens]
    assert [200] * MOST + [429] * 4 == [answer.status_code for answer in answers]
    assert MOST == one.entries()
    assert [False] * MOST + [True] * 4 == [one.good(token) for token in tokens]
    refused = answers[-1]
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600 // MOST
    assert "temporarily_unavailable" == refused.get_json()["error"]
    assert "not revoked yet" in refused.get_json()["error_description"]
    assert "no-store" == refused.headers["Cache-Control"]
    with one.city.state.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM revoked_tokens").scalar_one()
    assert MOST == rows


def test_another_client_of_the_agency_revokes_all_the_same(two: tuple[Revoking, Revoking]) -> None:
    """Neither its revocations nor the agency's queries are spent by the one that hammers."""
    one, other = two
    for _ in range(MOST + 2):
        one.revoke(one.token())
    mine = other.token()
    assert (200, False) == (other.revoke(mine).status_code, other.good(mine))
    assert 200 == one.city.ask(body()).status


def test_what_makes_no_entry_spends_nothing(two: tuple[Revoking, Revoking]) -> None:
    """A random string, another client's token, and one that is revoked already."""
    one, other = two
    again, theirs = one.token(), other.token()
    assert 200 == one.revoke(again).status_code
    for _ in range(MOST):
        for token in (again, theirs, "random"):
            assert 200 == one.revoke(token).status_code
    assert (1, True) == (one.entries(), one.good(theirs))
    assert [200] * (MOST - 1) == [one.revoke(one.token()).status_code for _ in range(MOST - 1)]
    # Over the limit too, what is revoked already is answered as it was.
    assert [429, 200] == [one.revoke(token).status_code for token in (one.token(), again)]


def test_what_was_refused_can_be_revoked_a_moment_later(two: tuple[Revoking, Revoking]) -> None:
    """The limit comes back by itself, without anybody's help."""
    one, _ = two
    token = [one.token() for _ in range(MOST + 1)]
    assert [200] * MOST + [429] == [one.revoke(each).status_code for each in token]
    with one.city.state.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE quota_buckets SET used = used - ? WHERE bucket LIKE 'revocations %'", (TOKEN,)
        )
    assert (200, False) == (one.revoke(token[-1]).status_code, one.good(token[-1]))


def test_who_is_over_is_counted_and_the_key_is_revoked_all_the_same(
    two: tuple[Revoking, Revoking], counted: Refusals
) -> None:
    """One entry a minute for the agency; what helps against a thief of the key has no limit."""
    one, _ = two
    tokens = [one.token() for _ in range(MOST + 5)]
    for token in tokens:
        one.revoke(token)
    counted.flush()
    assert {"revocations": 5} == one.city.events()[-1]["over"]
    owner = one.city.state.registry.client(one.client_id)
    assert owner is not None
    client.revoke(one.city.state, owner, "the key was stolen")
    assert not [token for token in tokens if one.good(token)]


def test_the_limit_is_one_clients_own_and_names_nobody() -> None:
    """A bucket's name holds no client's id, however long, and as many come back in an hour as there are."""
    names = set()
    for client_id in ("a", "b", "x" * 128):
        spent = quotas.spend_revocation(lambda: 0, AGENCY, client_id)
        (limit,) = spent.limits
        names.add(limit.name)
        assert Limit(limit.name, 3000, 3000 * 24) == limit
        assert len(limit.name) <= 40
        assert (AGENCY, None, False) == (spent.agency_id, spent.officer, spent.urgent)
    assert 3 == len(names)
