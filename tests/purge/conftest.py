"""A city with a past, made once a session and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatekeeper.policy import Bundle
from gatekeeper.settings import Settings
from tests.exchange.conftest import bundle
from tests.purge.made import Town, make

__all__ = ["bundle"]


@dataclass(frozen=True)
class Past:
    """The city with a past, closed, and the ids of its queries."""

    data: Path
    ids: dict[str, str]


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Past:
    """Return the city that each test gets a copy of."""
    data = tmp_path_factory.mktemp("past") / "city"
    return Past(data, make(Settings(data=data, engine="embedded", client_profiles="fapi basic"), bundle))


@pytest.fixture
def town(past: Past, tmp_path: Path, bundle: Bundle) -> Iterator[Town]:
    """Return a copy of the city with a past, opened in the present."""
    shutil.copytree(past.data, tmp_path / "city")
    opened = Town.open(tmp_path / "city", past.ids, bundle)
    yield opened
    opened.close()
