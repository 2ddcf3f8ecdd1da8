"""A city with a past, made once a session and copied for each test, in a shell without settings of ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gatekeeper.policy import Bundle
from tests.cli.conftest import fresh_shell
from tests.exchange.conftest import bundle
from tests.export.made import Staffed, made_city, staffed
from tests.purge.conftest import past, town

__all__ = ["bundle", "fresh_shell", "past", "town"]


@pytest.fixture(scope="session")
def past_queries(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> tuple[Path, dict[str, str]]:
    """Return a closed city, and the ids of its queries."""
    data = tmp_path_factory.mktemp("court") / "city"
    return data, made_city(data, bundle)


@pytest.fixture
def unstaffed(past_queries: tuple[Path, dict[str, str]], tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Return a copy without staff."""
    data, ids = past_queries
    return Path(shutil.copytree(data, tmp_path / "city")), ids


@pytest.fixture
def office(unstaffed: tuple[Path, dict[str, str]]) -> Staffed:
    """Return a copy with a counsel."""
    return staffed(*unstaffed)
