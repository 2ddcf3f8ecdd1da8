"""The OPA server as an engine: the real one, agreeing, out of date, frozen, stopped, and short of a rule."""

from __future__ import annotations

import copy
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Embedded
from gatekeeper.policy.opa import OpaServer
from tests.policy.laws import SMALL_PERMITTED, small
from tests.servers.opa import Opa, opa_server


@pytest.fixture(params=["port", "socket"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opa]:
    """A real OPA with the small law."""
    with opa_server(small(), tmp_path, unix=request.param == "socket") as server:
        yield server


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_agrees(real: Opa) -> None:
    """The real OPA is ready, and gives the embedded engine's verdicts, from many threads at once."""
    engine, other = OpaServer(small(), real.url, timeout=5), Embedded(small())
    engine.ready()

    def same(number: int) -> bool:
        facts = copy.deepcopy(SMALL_PERMITTED)
        facts["agency"]["status"] = "active" if number % 2 else "closed"
        facts["purpose"]["narrative"] = f'{"Forbidden " if number % 3 else ""}{number}\0"\\é'
        return engine.evaluate(facts) == other.evaluate(facts)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(same, range(200))) == [True] * 200
    engine.close()
    other.close()


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_with_another_law(real: Opa) -> None:
    """A server that still holds yesterday's law is not believed, whatever it says."""
    newer = replace(small(), revision="small-1+ffffffffffff")
    engine = OpaServer(newer, real.url)
    for ask in (engine.ready, lambda: engine.evaluate(SMALL_PERMITTED)):
        with pytest.raises(PolicyUnavailable, match="another revision"):
            ask()


def _freeze(pid: int) -> None:
    """Stop a process, and wait until each of its threads has stopped."""
    os.kill(pid, signal.SIGSTOP)
    for _ in range(200):
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0]
            for task in Path(f"/proc/{pid}/task").iterdir()
        ]
        if set(states) == {"T"}:
            return
        time.sleep(0.01)
    raise TimeoutError(f"process {pid} did not stop")


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_frozen_then_stopped(real: Opa) -> None:
    """A frozen server is given up at the deadline, a revived one believed again, a stopped one not."""
    engine = OpaServer(small(), real.url, timeout=1.0)
    assert engine.evaluate(SMALL_PERMITTED).permit
    _freeze(real.process.pid)
    try:
        start = time.monotonic()
        with pytest.raises(PolicyUnavailable):
            engine.evaluate(SMALL_PERMITTED)
        assert 0.5 < time.monotonic() - start < 2
        with pytest.raises(PolicyUnavailable):
            engine.ready()
    finally:
        os.kill(real.process.pid, signal.SIGCONT)
    assert engine.evaluate(SMALL_PERMITTED).permit
    real.process.terminate()
    real.process.wait(10)
    with pytest.raises(PolicyUnavailable):
        engine.evaluate(SMALL_PERMITTED)
    engine.close()


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_without_a_rule(tmp_path: Path) -> None:
    """OPA answers 200 and an empty object for a rule that is missing: no answer, hence no permit."""
    modules = {path: text for path, text in small().modules.items() if path != "main/main.rego"}
    with (
        opa_server(replace(small(), modules=modules), tmp_path) as server,
        pytest.raises(PolicyUnavailable, match="undefined"),
    ):
        OpaServer(small(), server.url).evaluate(SMALL_PERMITTED)
