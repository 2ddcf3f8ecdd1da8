"""One made-up city for all attacks on its public log, asked once."""

from __future__ import annotations

import pytest

from gatekeeper.policy import load, shipped_policies
from tests.ledger.public.asked import Asked, Published, city_of_queries


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Published, Asked]:
    """Return both sides of the city."""
    return city_of_queries(tmp_path_factory.mktemp("public") / "city", load(shipped_policies()))


@pytest.fixture(scope="session")
def public(city: tuple[Published, Asked]) -> Published:
    """Return what the attacker has."""
    return city[0]


@pytest.fixture(scope="session")
def asked(city: tuple[Published, Asked]) -> Asked:
    """Return what the attacker looks for."""
    return city[1]
