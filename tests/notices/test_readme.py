"""The receivers of the README verify what we send, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.notices.conftest import AGENCY, Got, Receiver, Told

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "tests" / "clients"


def block(language: str) -> str:
    """Return the one block of the README in a language."""
    (found,) = re.findall(
        rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    return str(found)


@pytest.fixture
def sent(told: Told, receiver: Receiver) -> tuple[str, Got]:
    """Return a secret and what was sent with it."""
    webhook_id, _ = told.endpoints.add(AGENCY, receiver.url, by="test")
    secret = told.endpoints.rotate(webhook_id, by="test")  # two signatures, of which one fits
    told.denied()
    told.turns()
    return secret, receiver.got[0]


def test_the_receiver_in_python(sent: tuple[str, Got]) -> None:
    """It believes ours; not another body, another secret, or what is old."""
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102  our own page
    genuine: Callable[[str, dict[str, str], bytes], bool] = names["genuine"]
    secret, got = sent
    assert genuine(secret, got.headers, got.body) is True
    assert genuine(secret, got.headers, got.body + b" ") is False
    assert genuine("whsec_" + "A" * 44, got.headers, got.body) is False
    old = str(int(got.headers["webhook-timestamp"]) - 301)
    assert genuine(secret, got.headers | {"webhook-timestamp": old}, got.body) is False


@pytest.mark.needs("node")
def test_the_receiver_in_node(sent: tuple[str, Got], tmp_path: Path) -> None:
    """As printed, with the package that it names."""
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    (tmp_path / "receiver.mjs").write_text(block("js"))
    (tmp_path / "run.mjs").write_text(
        "import { received } from './receiver.mjs'\n"
        "const { secret, headers, body } = JSON.parse(process.argv[2])\n"
        "console.log(JSON.stringify(received(secret, headers, body)))\n"
    )
    secret, got = sent

    def run(body: str) -> subprocess.CompletedProcess[str]:
        asked = json.dumps({"secret": secret, "headers": got.headers, "body": body})
        return subprocess.run(
            ["node", "run.mjs", asked],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            check=False,
        )

    assert json.loads(got.body) == json.loads(run(got.body.decode()).stdout)
    assert 0 != run(got.body.decode().replace("queued", "permitted")).returncode
