"""One city per test; the token keys, which no test changes, are made once."""

from __future__ import annotations

import pytest

from gatekeeper.web.keys import TokenKeys
from tests.oauth.city import City


@pytest.fixture(scope="session")
def token_keys(tmp_path_factory: pytest.TempPathFactory) -> TokenKeys:
    """Return the keys of the city of all tests."""
    return TokenKeys.create(tmp_path_factory.mktemp("city") / "token-keys")


@pytest.fixture
def city(token_keys: TokenKeys) -> City:
    """Return a city with good clients, at a time that stands still."""
    return City(token_keys)
