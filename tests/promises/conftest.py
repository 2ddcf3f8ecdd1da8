"""Fixtures of the attacks: a gate in one process, and one that is served by two workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.policy import Bundle
from gatekeeper.settings import Settings
from tests.exchange.city import City, MadeUpReads
from tests.exchange.conftest import bundle, city
from tests.http.conftest import city_of_reads
from tests.lawful import roomy_policies
from tests.promises.made import built_city
from tests.servers.gate import RunningGate, running_gate


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attacks take their time: stops, leases, deaths. They are not part of the unit suite."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.servers)


__all__ = ["bundle", "city", "city_of_reads"]


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[City]:
    settings = Settings(
        data=tmp_path_factory.mktemp("steady") / "city",
        engine="embedded",
        client_profiles="fapi basic",
    )
    with built_city(settings, bundle) as built:
        yield built


@pytest.fixture
def steady(_kept: City) -> City:
    """Return a city that is built once, for attacks that change nothing in it: nothing is ever released."""
    own = _kept.with_gate(reads=MadeUpReads())
    assert isinstance(own.gate.reads, MadeUpReads)
    own.reads = own.gate.reads
    return own


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, city_of_reads: Path) -> Iterator[RunningGate]:
    """Return a demo with two workers; whoever stops its sharing resumes it."""
    data = tmp_path_factory.mktemp("promises") / "city"
    # Sixteen clients without pause would be over the shipped limits within a second.
    roomy = str(roomy_policies(data.parent / "policies"))
    workers = {"GATEKEEPER_WORKERS": "2", "GATEKEEPER_THREADS": "16", "GATEKEEPER_POLICIES": roomy}
    with running_gate(data, reads=city_of_reads, env=workers) as gate:
        yield gate
