"""``gatekeeper policy``: a fault names its file and its rule; an export is what OPA loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import requests

from gatekeeper.policy import load, shipped_policies
from tests.cli.shell import typed
from tests.servers.opa import opa_server


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the law that a test may break."""
    shutil.copytree(shipped_policies(), tmp_path / "policies")
    return tmp_path / "policies"


def test_the_shipped_policies_are_whole() -> None:
    """One line a provision, in the manifest's order."""
    result = typed("policy", "check", "--json")
    assert 0 == result.exit_code, result.output
    codes = [json.loads(row)["code"] for row in result.stdout.splitlines()]
    assert list(load(shipped_policies()).provisions) == codes
    assert f"{len(codes)} provisions" in result.stderr


def test_every_fault_is_named_at_once_and_in_a_line(copied: Path) -> None:
    """Legal staff mend a directory in one go; no fault is a page of data."""
    shutil.rmtree(copied / "sharing" / "affirmation")
    city = json.loads((copied / "data" / "city.json").read_text())
    city |= {"affirmation_max_age_days": "soon", "nonsense": ["long"] * 5_000}
    (copied / "data" / "city.json").write_text(json.dumps(city))
    lexicon = json.loads((copied / "data" / "lexicon.json").read_text())
    lexicon["nonsense"] = True
    (copied / "data" / "lexicon.json").write_text(json.dumps(lexicon))
    result = typed("policy", "check", "--policies", str(copied))
    assert (1, "") == (result.exit_code, result.stdout)
    lines = result.stderr.splitlines()
    assert "The policies were refused:" == lines[0]
    for part in (
        "affirmation_max_age_days",
        "nonsense",
        "data/lexicon.json",
        "sharing/affirmation/affirmation",
    ):
        assert any(part in line for line in lines[1:]), part
    assert all(line.startswith("  - ") and len(line) < 300 for line in lines[1:]), lines


def test_a_directory_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A typo is not a law without provisions."""
    result = typed("policy", "check", "--policies", str(tmp_path / "nowhere"))
    assert 2 == result.exit_code
    assert "does not exist" in result.stderr


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
