"""Fixtures of the attacks: a gate in one process, and one that is served by two workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.conftest import bundle, city
from tests.http.conftest import city_of_reads
from tests.servers.gate import RunningGate, running_gate

__all__ = ["bundle", "city", "city_of_reads"]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, city_of_reads: Path) -> Iterator[RunningGate]:
    """Return a demo with two workers; whoever stops its sharing resumes it."""
    data = tmp_path_factory.mktemp("promises") / "city"
    workers = {"GATEKEEPER_WORKERS": "2", "GATEKEEPER_THREADS": "16"}
    with running_gate(data, reads=city_of_reads, env=workers) as gate:
        yield gate
