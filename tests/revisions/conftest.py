"""A city whose law can be changed."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from gatekeeper.policy import Bundle
from gatekeeper.review import secrets
from tests.exchange.city import City
from tests.exchange.conftest import bundle, city
from tests.revisions.lives import Life, changed

__all__ = ["bundle", "city"]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less memory: the strength of a hash is not what these tests are about."""
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def life(city: City) -> Life:
    """Return the life cycle of a fresh city's law."""
    return Life.of(city)


@pytest.fixture(scope="session")
def other(bundle: Bundle) -> Bundle:
    """Return another law."""
    return changed(bundle)


@pytest.fixture(scope="session")
def third(bundle: Bundle) -> Bundle:
    """Return one more."""
    return changed(bundle, 2)
