"""The served API against the checked-in ``openapi.yaml``: what Schemathesis makes up must not surprise it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.gate import RunningGate, environment

pytestmark = pytest.mark.servers

FILE = Path(__file__).parent.parent.parent / "openapi.yaml"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
)


def test_no_made_up_request_gets_an_undocumented_answer(served: RunningGate, tmp_path: Path) -> None:
    """No 500, no status, media type, header or body that the file does not describe; no way without a token.

    Deterministic and bounded: two runs send the same.
    """
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            str(FILE),
            "--url",
            served.base_url,
            "--header",
            f"Authorization: Bearer {served.token()}",
            "--checks",
            ",".join(CHECKS),
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "10",
            # Served as it stands; Schemathesis would hold the parsed YAML against "a string".
            "--exclude-path",
            "/openapi.yaml",
            "--generation-deterministic",
            "--suppress-health-check",
            "all",
            "--no-shrink",
            "--workers",
            "1",
            "--warnings",
            "off",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env=environment(),
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-20_000:] + done.stderr
