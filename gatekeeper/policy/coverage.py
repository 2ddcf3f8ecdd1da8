"""Which lines of the rules no test runs, measured by the ``opa`` program over the exact bundle.

Guarantees: what is measured is the bundle that would decide (``archive.export`` with its tests), not the
files beside it; the lines are named, because a percentage alone hides the one that matters.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper.policy.archive import export
from gatekeeper.policy.bundle import Bundle

_SECONDS = 120
_BUNDLE = "bundle.tar.gz"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What ``opa test`` said: *failed* tests by name, and the lines that no test runs, by file."""

    failed: tuple[str, ...]
    uncovered: dict[str, tuple[int, ...]]
    complaint: str = ""

    @property
    def whole(self) -> bool:
        """Say whether every test passed and every line was run."""
        return not self.failed and not self.uncovered and not self.complaint

    def of(self, path: str) -> Coverage:
        """Return what concerns the provision whose rule stands at *path*."""
        package = f"data.{path.rpartition('/')[0].replace('/', '.')}_test."
        mine = tuple(name for name in self.failed if name.startswith(package))
        return Coverage(
            mine, {file: rows for file, rows in self.uncovered.items() if file == path}, self.complaint
        )


def opa_program() -> str | None:
    """Return the ``opa`` program, if it is on PATH."""
    return shutil.which("opa")


def measure(bundle: Bundle, program: str) -> Coverage:
    """Run every Rego test of *bundle* on OPA. Raises OSError if the program cannot be started."""
    with tempfile.TemporaryDirectory() as directory:
        export(bundle, Path(directory, _BUNDLE), tests=True)
        command = [program, "test", "--bundle", _BUNDLE, "--format", "json"]
        tested = _run(command, directory)
        covered = _run([*command, "--coverage"], directory)
    failed, unread = _failed(tested)
    if failed or unread:
        return Coverage(failed, {}, unread)
    return _uncovered(covered, bundle.tests)


def _run(command: Sequence[str], directory: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own opa, on a bundle that was loaded
            command, capture_output=True, text=True, cwd=directory, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"opa did not finish within {_SECONDS} s"
    return done.stdout or done.stderr


def _failed(said: str) -> tuple[tuple[str, ...], str]:
    try:
        results = json.loads(said)
        broken = [f"{one['package']}.{one['name']}" for one in results if one.get("fail") or one.get("error")]
    except (ValueError, TypeError, KeyError, AttributeError):
        return (), " ".join(said.split())[:300] or "opa said nothing"
    return tuple(broken), ""


def _uncovered(said: str, tests: Collection[str]) -> Coverage:
    try:
        files = json.loads(said)["files"]
        # OPA names a file twice, inside the bundle and without it; only one of the two has the lines.
        bare = {
            path.removeprefix(_BUNDLE).lstrip("/"): _rows(file["not_covered"])
            for path, file in files.items()
            if file.get("not_covered")
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return Coverage((), {}, " ".join(said.split())[:300] or "opa said nothing")
    return Coverage((), {path: rows for path, rows in bare.items() if path not in tests})


def _rows(spans: Any) -> tuple[int, ...]:
    rows = {row for span in spans for row in range(span["start"]["row"], span["end"]["row"] + 1)}
    return tuple(sorted(rows))
