"""Keys that end, were forgotten or cannot be fetched: told in time, with the command, and not otherwise."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper.oversight import key_warnings
from gatekeeper.oversight.alerts import Standing, alerts_of
from gatekeeper.oversight.key_warnings import of_client_keys, of_issuers, of_key_sets, of_token_keys, unusable
from gatekeeper.store.key_sets import Fetched

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass
class TokenKey:
    """A key of tokens, so many days old."""

    state: str
    days: float
    kept: str = "file"
    kid: str = "kid-1"

    @property
    def since(self) -> float:
        """When it came to its state."""
        return (NOW - timedelta(days=self.days)).timestamp()

    @property
    def made(self) -> float:
        """When it was made."""
        return self.since


@dataclass
class Key:
    """A key of a client that ends in so many days."""

    days: float | None = None
    status: str = "active"
    kid: str = "k"

    @property
    def jwk(self) -> dict[str, Any]:
        """As it is registered."""
        return {} if self.days is None else {"exp": int((NOW + timedelta(days=self.days)).timestamp())}


class Address(Key):
    """Where a client's keys are fetched from."""

    @property
    def jwk(self) -> dict[str, Any]:
        """As it is registered."""
        return {"jwks_uri": "https://keys.example.gov/jwks.json"}


@dataclass
class Issuer:
    """An identity provider whose keys end in so many days."""

    ends: list[float | None]
    more: dict[str, Any] = field(default_factory=dict)
    status: str = "active"
    id: str = "issuer-1"
    url: str = "https://l.example"

    @property
    def terms(self) -> dict[str, Any]:
        """Its terms."""
        keys = [
            {} if days is None else {"exp": int((NOW + timedelta(days=days)).timestamp())}
            for days in self.ends
        ]
        return {"jwks": {"keys": keys}, **self.more}


@dataclass
class Client:
    """A client with keys."""

    keys: list[Key]
    status: str = "active"
    id: str = "client-1"
    profile: str = field(default="fapi")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (TokenKey("active", 399), None),
        (TokenKey("active", 401), "token_key_old"),
        (TokenKey("next", 6), None),
        (TokenKey("next", 8), "token_key_waits"),
        (TokenKey("retired", 6), None),
        (TokenKey("retired", 500), "token_key_retired"),
    ],
)
def test_keys_of_tokens(key: TokenKey, code: str | None) -> None:
    """Too old to sign, never activated, never dropped."""
    found = [*of_token_keys([key], NOW, encrypted=False)]
    assert [code] * (code is not None) == [each.code for each in found]
    assert all(each.command.startswith("gatekeeper token-key ") for each in found)


def test_keys_that_are_plain_beside_a_passphrase() -> None:
    """A passphrase that encrypts nothing is told; keys in hardware need none."""
    keys = [TokenKey("active", 1), TokenKey("next", 1, "encrypted file"), TokenKey("retired", 1, "PKCS#11")]
    assert [] == [*of_token_keys(keys, NOW, encrypted=False)]
    assert ["gatekeeper token-key encrypt"] == [w.command for w in of_token_keys(keys, NOW, encrypted=True)]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ([Key()], None),
        ([Key(31)], None),
        ([Key(29)], "client_key_ends"),
        ([Key(-1)], "client_key_ended"),
        ([Key(-1), Key(5)], "client_key_ends"),
        ([Key(5), Key(300)], None),
        ([Key(5), Key()], None),
        ([Key(5), Key(status="revoked")], "client_key_ends"),
        ([Key(5, status="revoked")], None),
        ([], None),
    ],
)
def test_keys_of_clients(keys: list[Key], code: str | None) -> None:
    """The last that counts speaks for its client; a client that is revoked needs nothing."""
    found = [*of_client_keys([Client(keys), Client(keys, "revoked")], NOW)]
    assert [code] * (code is not None) == [each.code for each in found]
    assert all("gatekeeper client add-key client-1 FILE" in each.text for each in found)


def test_sets_that_cannot_be_fetched() -> None:
    """Told once a fault has lasted ten minutes, for clients in use."""
    ms = int(NOW.timestamp() * 1000)
    old, new = ms - 11 * 60_000, ms - 9 * 60_000
    clients = [Client([Key()]), Client([Key()], "revoked", "client-2")]
    for fetched, expected in (
        (Fetched(old, old, "timed_out"), 1),
        (Fetched(new, new, "timed_out"), 0),
        (Fetched(old, old, None), 0),
    ):
        found = [*of_key_sets(clients, {"client-1": fetched, "client-2": fetched}, NOW)]
        assert expected == len(found)
        assert all("gatekeeper client fetch-keys client-1" in each.text for each in found)
    assert [] == [*of_key_sets(clients, {}, NOW)]


def test_a_set_without_a_key_is_told_and_an_end_of_its_own_is_not() -> None:
    """An agency that publishes nothing is told; a published key with an end is its agency's affair."""
    ms = int(NOW.timestamp() * 1000)
    fetched = {"client-1": Fetched(ms, ms, None)}
    address = Address()
    assert ["key_set_empty"] == [each.code for each in of_key_sets([Client([address])], fetched, NOW)]
    for more in (Key(), Key(5)):
        assert [] == [*of_key_sets([Client([address, more])], fetched, NOW)]
        assert [] == [*of_client_keys([Client([address, more])], NOW)]
    gone = Client([address, Key(status="withdrawn")])
    assert ["key_set_empty"] == [each.code for each in of_key_sets([gone], fetched, NOW)]
    assert [] == [*of_key_sets([Client([address], "revoked")], fetched, NOW)]


@pytest.mark.parametrize(
    ("hours", "fault", "ends", "code"),
    [
        (0.1, None, [None], None),
        (0.1, "timed_out", [None], None),
        (0.5, "timed_out", [None], "issuer_keys_failing"),
        (23.9, None, [None], None),
        (24.1, None, [None], "issuer_keys_stale"),
        (24.1, "timed_out", [], "issuer_keys_stale"),
        (None, None, [None], "issuer_keys_stale"),
        (0.1, None, [], "issuer_keys_none"),
        (0.1, None, [5], None),
        (0.1, None, [-1, 5], None),
        (0.1, None, [-1], "issuer_keys_none"),
    ],
)
def test_keys_that_an_issuer_publishes(
    hours: float | None, fault: str | None, ends: list[float | None], code: str | None
) -> None:
    """Stale before failing, none before failing; an end of their own only when no other is left."""
    ms = 0 if hours is None else int((NOW - timedelta(hours=hours)).timestamp() * 1000)
    issuer = Issuer(ends, {"jwks_uri": "https://l.example/jwks", "stale_hours": 24})
    suspended = Issuer(ends, {"jwks_uri": "https://l.example/jwks", "stale_hours": 24}, "suspended")
    fetched = {"issuer-1": Fetched(ms, ms, fault)} if hours is not None else {}
    found = [*of_issuers([issuer, suspended], fetched, NOW)]
    assert [code] * (code is not None) == [each.code for each in found]
    assert all("gatekeeper issuer fetch-keys https://l.example" in each.text for each in found)


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ([None], None),
        ([31], None),
        ([29], "issuer_key_ends"),
        ([-1], "issuer_key_ended"),
        ([-1, 5], "issuer_key_ends"),
        ([5, None], None),
        ([5, 300], None),
    ],
)
def test_keys_that_were_registered_with_an_issuer(ends: list[float | None], code: str | None) -> None:
    """As for clients: the last that counts speaks for it."""
    found = [*of_issuers([Issuer(ends), Issuer(ends, {}, "suspended")], {}, NOW)]
    assert [code] * (code is not None) == [each.code for each in found]
    assert all("gatekeeper issuer keys https://l.example FILE" in each.text for each in found)


def test_each_kind_is_in_the_contract() -> None:
    """Whoever watches `/readyz` knows which words may come."""
    source = Path(key_warnings.__file__).read_text("utf-8")
    codes = set(re.findall(r'"((?:token|client|issuer)_keys?_[a-z]+|key_set_[a-z]+)"', source))
    contract = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8"))
    ready = json.dumps(contract)
    (said,) = re.findall(r'"enum": (\["token_key_old"[^]]*\])', ready)
    assert codes == {*json.loads(said)}


def test_each_is_an_alert() -> None:
    """On the dashboard, as a warning with what to do."""
    (alert,) = alerts_of(Standing(keys=[unusable("the token does not answer")]))
    assert ("warning", "/readyz") == (alert.level, alert.link)
    assert "the token does not answer" in alert.said % dict(alert.values)
