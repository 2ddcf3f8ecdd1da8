"""The programs that check a law beside us, where they are on PATH: ``opa check`` and Regal.

Guarantees: each is given the exact text, in a private directory, without our environment; what it says is a
finding with its file, its line and a cure; a program that fails, or says what is not understood, refuses.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from gatekeeper.policy import Bundle, export, opa_capabilities
from gatekeeper.policy.findings import Finding
from gatekeeper.policy.layout import Files

INSTALL: Final = {
    "opa": "go install github.com/open-policy-agent/opa@v1.22.2",
    "regal": "go install github.com/open-policy-agent/regal@v0.41.1",
}
"""The command that installs each, with the release that these policies were written with."""
_SECONDS: Final = 120.0
_BUNDLE: Final = "bundle.tar.gz"
_REMOTE: Final = re.compile(r"^[^#\n]*\burl\s*:", re.MULTILINE)
_CURES: Final = (
    (r"assigned var .* unused|declared var .* unused", "Use the name, or take it out."),
    (r"unused argument .*", "Write _ in place of the argument, or use it."),
    (r"import .* unused", "Take the import out."),
    (
        r"undefined ref: input\.?.*",
        "Look in schema/input.json for how the fact is called: there is none of this name.",
    ),
    (r"undefined function .*", "Use what capabilities.json lists; the world outside is closed to rules."),
    (r"match error.*", "Compare what has one type: schema/input.json and the data files say which."),
)
_OPA_CURE: Final = "Compare the line with a provision that works; the OPA documentation explains the message."
_REGAL_CURE: Final = "Follow {where}, or say in .regal/config.yaml why the rule does not apply."


def programs() -> dict[str, str | None]:
    """Return the version of each program, None where it is not on PATH."""
    return {
        "embedded": version("gordon-to-regorus"),
        "opa": _version("opa", r"Version: (\S+)"),
        "regal": _version("regal", r"Version:\s+(\S+)"),
    }


def _version(name: str, pattern: str) -> str | None:
    program = shutil.which(name)
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as directory:
        code, said, _ = _run([program, "version"], directory)
    found = re.search(pattern, said)
    return found[1] if code == 0 and found else "unknown"


def opa_check(bundle: Bundle, program: str) -> list[Finding]:
    """Return what ``opa check --strict`` refuses of the exact bundle.

    1. What decides, with the closed list of builtins, no network, and the schema of the facts. 2. All of it,
    tests and checks too, which may use more.
    """
    with tempfile.TemporaryDirectory() as directory:
        code, said, complaint = _run([program, "capabilities", "--current"], directory)
        try:
            reduced = opa_capabilities(bundle, json.loads(said if code == 0 else ""))
        except (ValueError, KeyError, TypeError):
            return [_failed("opa capabilities", complaint)]
        place = Path(directory)
        (place / "capabilities.json").write_text(json.dumps(reduced), "utf-8")
        (place / "input.json").write_text(json.dumps(bundle.schemas.get("input", {})), "utf-8")
        check = [program, "check", "--strict", "--format", "json", "--max-errors", "100", "--bundle", _BUNDLE]
        export(bundle, place / _BUNDLE)
        closed = ["--capabilities", "capabilities.json", "--schema", "input.json"]
        findings = _of_opa(*_run([*check, *closed], directory))
        export(bundle, place / _BUNDLE, tests=True)
        findings += _of_opa(*_run(check, directory))
    return list(dict.fromkeys(findings))


def _of_opa(code: int | None, _: str, complaint: str) -> list[Finding]:
    if code == 0:
        return []
    try:
        errors = json.loads(complaint)["errors"]
        found = [_opa_finding(error) for error in errors]
    except (ValueError, TypeError, KeyError, AttributeError):
        found = []
    return found or [_failed("opa check", complaint)]


def _opa_finding(error: Mapping[str, Any]) -> Finding:
    location = error.get("location") or {}
    file = str(location.get("file", "")).removeprefix(_BUNDLE).lstrip("/")
    said = str(error["message"])
    cure = next((cure for pattern, cure in _CURES if re.match(pattern, said, re.DOTALL)), _OPA_CURE)
    return Finding(file, location.get("row"), f"OPA refuses this: {said}.", cure)


def regal_lint(files: Files, program: str) -> list[Finding]:
    """Return what Regal calls an error, with the law's own configuration."""
    if _REMOTE.search(files.get(".regal/config.yaml", "")):
        cure = "Take the address out: what checks the law may not come from elsewhere."
        said = "Regal's configuration names an address to load from."
        return [Finding(".regal/config.yaml", None, said, cure)]
    with tempfile.TemporaryDirectory() as directory:
        for path, text in files.items():
            file = Path(directory, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8", newline="")
        code, said, complaint = _run([program, "lint", ".", "--format", "json"], directory)
    try:
        violations = [one for one in json.loads(said)["violations"] if one["level"] == "error"]
        found = [_regal_finding(one) for one in violations]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [_failed("regal lint", complaint or said)]
    return found if found or code == 0 else [_failed("regal lint", complaint or said)]


def _regal_finding(one: Mapping[str, Any]) -> Finding:
    location = one["location"]
    resources = one.get("related_resources") or [{}]
    where = resources[0].get("ref", "the documentation of Regal")
    return Finding(
        str(location["file"]).removeprefix("./"),
        location.get("row"),
        f"{one['description']} (Regal: {one['category']}/{one['title']}).",
        _REGAL_CURE.format(where=where),
    )


def _failed(what: str, complaint: str) -> Finding:
    said = " ".join(complaint.split())[:300] or "nothing was said"
    program = what.split(maxsplit=1)[0]
    return Finding("", None, f"{what} could not be run: {said}.", f"Mend or update {program} here.")


def _run(command: Sequence[str], directory: str) -> tuple[int | None, str, str]:
    """Run a program in *directory*; return its exit status (None: not in time), and what it said."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": directory,
        "REGAL_DISABLE_VERSION_CHECK": "1",
    }
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own program
            command,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=directory,
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, "", f"it did not end within {_SECONDS:.0f} s"
    except OSError as error:
        return None, "", f"{error.strerror}"
    return done.returncode, done.stdout, done.stderr
