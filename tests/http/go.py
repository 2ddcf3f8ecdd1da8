"""Go's x/oauth2, which other people wrote, as a program that asks the gate; see ``tests/clients/go``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent.parent / "clients" / "go"


def asked_by_go(command: Sequence[str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Run the program; return the status and the document that it was answered."""
    done = subprocess.run(
        command, input=json.dumps(body), capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == done.returncode, done.stderr
    status, _, text = done.stdout.partition("\n")
    document: dict[str, Any] = json.loads(text)
    return int(status), document
