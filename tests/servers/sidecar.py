"""A city as deploy/ has it: OPA on a socket takes the law from the very gate that asks it for decisions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.shell import spawned
from tests.servers.gate import RunningGate, running_gate
from tests.servers.opa import free_port, opa_of


@contextmanager
def running_sidecar(directory: Path, reads: Path) -> Iterator[RunningGate]:
    """Serve a demo in ``directory/city``, decided by the OPA beside it; OPA is started first."""
    data, port, told = directory / "city", free_port(), directory / "told.json"
    assert 0 == spawned("init", "--data", str(data)).returncode
    shutil.copy(reads, data / "reads.db")
    said = spawned(
        *("policy", "key", "opa", "--data", str(data), "--url", f"http://127.0.0.1:{port}"),
        *("--token-path", str(data / "keys" / "bundle.token"), str(told)),
    )
    assert 0 == said.returncode, said.stderr
    with (
        opa_of(json.loads(told.read_text()), directory, unix=True) as opa,
        running_gate(data, "--opa", opa.url, port=port) as gate,
    ):
        yield gate
