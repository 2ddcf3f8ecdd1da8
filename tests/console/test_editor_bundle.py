"""The editor's script is what its sources and its lock make, with the licences of all that is in it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from gatekeeper.web.console.pages import STATIC

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "deploy" / "console-editor"
MADE = STATIC / "codemirror"
SCRIPT, LICENSES = "editor.min.js", "LICENSES.txt"


def test_what_is_served_is_what_was_built() -> None:
    """A script that was touched by hand, or built and not recorded, is found without npm."""
    recorded = dict(line.split("  ")[::-1] for line in (SOURCES / "SHA256SUMS").read_text().splitlines())
    assert {SCRIPT, LICENSES} == recorded.keys() == {file.name for file in MADE.iterdir()}
    for name, digest in recorded.items():
        assert digest == hashlib.sha256((MADE / name).read_bytes()).hexdigest()


def test_every_package_in_it_is_locked_and_licensed() -> None:
    """By its hash, at one version; its licence is in the file beside the script."""
    lock = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    wanted = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    texts = (MADE / LICENSES).read_text()
    assert all(version == lock[f"node_modules/{name}"]["version"] for name, version in wanted.items())
    for place, package in lock.items():
        name = place.removeprefix("node_modules/")
        if not place or name.startswith(("esbuild", "@esbuild/")):
            continue
        assert package["integrity"].startswith("sha512-")
        assert f"{name} {package['version']} (MIT)" in texts
    assert texts.count("Permission is hereby granted") == texts.count("(MIT)\n")


def test_it_asks_for_no_more_than_the_page_allows() -> None:
    """No code is made of text, and no inline style but those that carry the page's nonce."""
    script = (MADE / SCRIPT).read_text(encoding="utf-8")
    assert "new Function(" not in script
    assert "eval(" not in script
    assert 'setAttribute("style"' not in script
    assert 'setAttribute("nonce"' in script


@pytest.mark.servers
@pytest.mark.needs("npm")
def test_it_is_built_again_byte_for_byte(tmp_path: Path) -> None:
    """From the lock, in a place where nothing was built before."""
    sources = tmp_path / "deploy" / "console-editor"
    shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("node_modules"))
    built = tmp_path / "built"
    subprocess.run([sources / "build", built], check=True, timeout=300)
    for name in (SCRIPT, LICENSES):
        assert (MADE / name).read_bytes() == (built / name).read_bytes(), name
