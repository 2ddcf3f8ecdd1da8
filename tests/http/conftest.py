"""One running gate for the whole HTTP suite, once for each way a city can run it.

``sqlite`` is the demo as shipped; ``postgres`` keeps its state in PostgreSQL; ``opa`` decides by a real OPA
server. The same tests run against each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gatekeeper.policy import load, shipped_policies
from tests.http.go import SOURCE
from tests.servers.gate import RunningGate, running_gate, small_city
from tests.servers.go import built
from tests.servers.opa import opa_server
from tests.servers.postgres import cluster


@pytest.fixture(scope="session")
def city_of_reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small store of sample reads, built once."""
    return small_city(tmp_path_factory.mktemp("reads"))


@pytest.fixture(scope="session")
def go_oauth2(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the program of Go's x/oauth2, built once."""
    return built(SOURCE, tmp_path_factory.mktemp("go") / "oauth")


@pytest.fixture(
    scope="session",
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.needs("postgres")),
        pytest.param("opa", marks=pytest.mark.needs("opa")),
    ],
)
def gate(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, city_of_reads: Path
) -> Iterator[RunningGate]:
    """Return a running gate."""
    data = tmp_path_factory.mktemp(request.param) / "city"
    with ExitStack() as stack:
        arguments: list[str] = []
        env: dict[str, str] = {}
        if request.param == "postgres":
            env["GATEKEEPER_DATABASE_URL"] = stack.enter_context(cluster()).create("gatekeeper")
        if request.param == "opa":
            opa = stack.enter_context(opa_server(load(shipped_policies()), data.parent, unix=True))
            arguments += ["--opa", opa.url]
        yield stack.enter_context(running_gate(data, *arguments, reads=city_of_reads, env=env))
