"""A city with a past, made once: every test of a replay only reads it, or takes a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from tests.policy.laws import shipped
from tests.revisions.replay.past import fill

DECISIONS = 700


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a city in which 700 queries were decided in eight months."""
    directory = tmp_path_factory.mktemp("past") / "city"
    settings = Settings(data=directory, engine="embedded", client_profiles="fapi basic")
    lay_out(settings)
    state = open_state(settings)
    fill(state, shipped(), DECISIONS)
    state.close()
    return directory


@pytest.fixture
def own(past: Path, tmp_path: Path) -> Path:
    """Return a copy of that city, to be changed."""
    return Path(shutil.copytree(past, tmp_path / "city"))


@pytest.fixture
def policies(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Return what writes a law into a directory."""

    def written(files: dict[str, str]) -> Path:
        directory = tmp_path / "policies"
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
        return directory

    return written
