"""OPA's and Regal's own tools over the shipped law: checker, formatter, tests with coverage, linter."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.policy import Bundle, export, opa_capabilities, shipped_policies
from tests.policy.laws import SMALL, law
from tests.servers.opa import opa_program

pytestmark = pytest.mark.servers
LAWS = ("small", "shipped")


def _run(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    return done.stdout


def _directory(name: str) -> Path:
    return SMALL if name == "small" else shipped_policies()


def _exported(bundle: Bundle, directory: Path, *, tests: bool) -> str:
    export(bundle, directory / "bundle.tar.gz", tests=tests)
    return "bundle.tar.gz"


@pytest.mark.needs("opa")
@pytest.mark.parametrize("name", LAWS)
def test_check_strict(name: str, tmp_path: Path) -> None:
    """OPA's compiler accepts the law in strict mode, tests and all."""
    exported = _exported(law(name)[0], tmp_path, tests=True)
    _run(opa_program(), "check", "--strict", "--bundle", exported, cwd=tmp_path)


@pytest.mark.needs("opa")
@pytest.mark.parametrize("name", LAWS)
def test_check_capabilities(name: str, tmp_path: Path) -> None:
    """OPA's compiler, given only the closed list of builtins, accepts every rule that decides."""
    bundle = law(name)[0]
    current = json.loads(_run(opa_program(), "capabilities", "--current", cwd=tmp_path))
    known = {builtin["name"] for builtin in current["builtins"]}
    assert set() == set(bundle.builtins) - known
    (tmp_path / "capabilities.json").write_text(json.dumps(opa_capabilities(bundle, current)))
    exported = _exported(bundle, tmp_path, tests=False)
    _run(opa_program(), "check", "--capabilities", "capabilities.json", "--bundle", exported, cwd=tmp_path)


@pytest.mark.needs("opa")
@pytest.mark.parametrize("name", LAWS)
def test_opa_tests_and_coverage(name: str, tmp_path: Path) -> None:
    """Every Rego test passes on OPA too, and together they run every line of every rule."""
    exported = _exported(law(name)[0], tmp_path, tests=True)
    _run(opa_program(), "test", "--bundle", exported, cwd=tmp_path)
    report = json.loads(
        _run(opa_program(), "test", "--bundle", exported, "--coverage", "--format", "json", cwd=tmp_path)
    )
    bare = {
        path: [f"{line['start']['row']}-{line['end']['row']}" for line in file["not_covered"]]
        for path, file in report["files"].items()
        if file.get("not_covered") and not path.endswith("_test.rego")
    }
    assert bare == {}


@pytest.mark.needs("opa")
@pytest.mark.parametrize("name", LAWS)
def test_format(name: str) -> None:
    """Every .rego file is as `opa fmt` writes it."""
    files = [str(path) for path in sorted(_directory(name).rglob("*.rego"))]
    assert files
    assert _run(opa_program(), "fmt", "--list", "--fail", *files, cwd=_directory(name)) == ""


@pytest.mark.needs("opa")
@pytest.mark.parametrize("name", LAWS)
def test_opa_reads_the_same_metadata(name: str, tmp_path: Path) -> None:
    """OPA's own reader of annotations finds what our catalogue quotes."""
    bundle = law(name)[0]
    inspected = json.loads(
        _run(
            opa_program(),
            "inspect",
            "--annotations",
            "--format",
            "json",
            _exported(bundle, tmp_path, tests=False),
            cwd=tmp_path,
        )
    )
    found: dict[str, Any] = {
        item["location"]["file"].rsplit("/", 1)[-1]: item["annotations"] for item in inspected["annotations"]
    }
    for code, provision in bundle.catalogue.items():
        theirs = found[f"{code}.rego"]
        custom = theirs["custom"]
        assert provision.title == theirs["title"]
        assert provision.description == theirs["description"].strip()
        assert list(provision.rules) == custom["rules"]
        assert (provision.verified, provision.public) == (custom["verified"], custom["public"])
        assert provision.effective_on.isoformat() == custom["effective_on"][:10]
        for key in ("citation", "message", "remedy", "review"):
            assert getattr(provision, key) == custom[key].strip()


@pytest.mark.skipif(shutil.which("regal") is None, reason="regal is not on this machine")
def test_regal() -> None:
    """The Rego linter, with the law's own configuration, has nothing to say."""
    _run("regal", "lint", ".", cwd=shipped_policies())
