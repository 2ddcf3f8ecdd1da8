"""Programs of Go, built by the toolchain that is here: other people's libraries, and lines that call them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def built(source: Path, program: Path) -> str:
    """Build what stands in a directory into a program; return its file."""
    done = subprocess.run(
        ["go", "build", "-o", str(program), "."],
        cwd=source,
        capture_output=True,
        text=True,
        env={**os.environ, "CGO_ENABLED": "0"},
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return str(program)
