"""Programs of Node that ask a gate: other people's libraries, with a few lines around them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

_CLIENTS = Path(__file__).parents[1] / "clients"
_SECONDS = 60


def asked_by_node(program: str, *arguments: str | Path, body: object = None) -> dict[str, Any]:
    """Run ``tests/clients/{program}.mjs`` with a body on its standard input; return what it printed."""
    done = subprocess.run(
        ["node", _CLIENTS / f"{program}.mjs", *arguments],
        input="" if body is None else json.dumps(body),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
