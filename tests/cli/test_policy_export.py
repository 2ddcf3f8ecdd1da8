"""``gatekeeper policy export``: an export is what OPA loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from gatekeeper.policy import load, shipped_policies
from tests.cli.shell import typed
from tests.servers.opa import opa_server


def test_two_exports_are_the_same_bytes(tmp_path: Path) -> None:
    """Whoever compares digests compares policies."""
    for name in ("one", "two"):
        assert 0 == typed("policy", "export", str(tmp_path / name)).exit_code
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.needs("opa")
def test_opa_loads_an_export(tmp_path: Path) -> None:
    """The real server answers under the bundle's revision."""
    bundle = load(shipped_policies())
    with opa_server(bundle, tmp_path) as opa:
        made = tmp_path / "exported.tar.gz"
        assert 0 == typed("policy", "export", str(made)).exit_code
        assert (tmp_path / "bundle.tar.gz").read_bytes() == made.read_bytes()
        answer = requests.post(
            f"{opa.url}/v1/data/main/decision?provenance=true", json={"input": {}}, timeout=5
        )
    assert bundle.revision in json.dumps(answer.json()["provenance"])
    assert answer.json()["result"]["permit"] is False
