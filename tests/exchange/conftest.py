"""Fixtures of the exchange: the shipped policies, and a fresh city with its gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.policy import Bundle, load, shipped_policies
from tests.exchange.city import City, founded


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """Return the shipped policies."""
    return load(shipped_policies())


@pytest.fixture
def city(tmp_path: Path, bundle: Bundle) -> Iterator[City]:
    """Return a fresh city with a well-standing agency and some that are not."""
    opened = founded(tmp_path / "city", bundle)
    yield opened
    opened.state.close()
