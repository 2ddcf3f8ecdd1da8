"""Operator's commands as a person types them, in this process and as one of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gatekeeper.cli import main
from tests.servers.gate import environment


def typed(*arguments: str, text: str | bytes | None = None) -> Result:
    """Run a command in this process. An error that is not ours is raised, as a user would see it."""
    result = CliRunner().invoke(main, arguments, input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def spawned(
    *arguments: str, cwd: Path | None = None, text: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, from a fresh shell."""
    return subprocess.run(
        [sys.executable, "-m", "gatekeeper", *arguments],
        capture_output=True,
        text=True,
        input=text,
        timeout=60,
        cwd=cwd,
        env=environment(**env),
        check=False,
    )


@dataclass(frozen=True, slots=True)
class City:
    """A city's directory, and the commands on it."""

    data: Path

    def run(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it prints."""
        result = typed(*arguments, "--data", str(self.data))
        assert 0 == result.exit_code, result.output
        return result.stdout

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command with --json; return what it prints."""
        return [json.loads(line) for line in self.run(*arguments, "--json").splitlines()]

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail with exit status 1 and one line on standard error; return it."""
        result = typed(*arguments, "--data", str(self.data))
        assert 1 == result.exit_code, result.output
        assert "" == result.stdout
        lines = result.stderr.splitlines()
        assert 1 == len(lines), result.stderr
        return lines[0]

    def add_agency(self, agency_id: str = "maple-grove-pd", *more: str) -> str:
        """Register an agency; return its id."""
        self.run(
            "agency",
            "add",
            agency_id,
            "--name",
            "Maple Grove Police",
            "--kind",
            "local",
            "--state",
            "IL",
            *more,
        )
        return agency_id

    def events(self) -> list[str]:
        """Return the events of the log, oldest first."""
        from gatekeeper import settings  # noqa: PLC0415  only some tests read the state
        from gatekeeper.state import open_state  # noqa: PLC0415

        state = open_state(settings.load(data=self.data))
        try:
            return [entry.event for entry in state.rows.entries(0, 1_000_000)]
        finally:
            state.close()
