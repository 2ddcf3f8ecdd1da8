"""A fresh city for each test of a command, and a shell without settings of ours."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gatekeeper.policy import shipped_policies
from tests.cli.office import answers, office
from tests.cli.shell import City

__all__ = ["answers", "office"]


@pytest.fixture(autouse=True)
def fresh_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every setting out of the environment; a narrow terminal, as a person has."""
    for name in [n for n in os.environ if n.startswith("GATEKEEPER_") and "_TEST_" not in n]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a city just laid out, made once, to be copied."""
    data = tmp_path_factory.mktemp("laid-out") / "city"
    City(data).run("init")
    return data


@pytest.fixture
def city(laid_out: Path, tmp_path: Path) -> City:
    """Return a city just laid out."""
    shutil.copytree(laid_out, tmp_path / "city")
    return City(tmp_path / "city")


@pytest.fixture
def law(tmp_path: Path) -> Path:
    """Return a copy of the law that a test may break."""
    return Path(shutil.copytree(shipped_policies(), tmp_path / "policies"))
