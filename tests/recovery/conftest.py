"""A city with a past: a backup of yesterday, receipts of today, and a published copy of all of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatekeeper.policy import Bundle
from tests.exchange.conftest import bundle
from tests.recovery.past import Past, begun

__all__ = ["bundle"]


@pytest.fixture(autouse=True)
def fresh_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every setting out of the environment; publish whenever it is asked."""
    for name in [n for n in os.environ if n.startswith("GATEKEEPER_") and "_TEST_" not in n]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GATEKEEPER_PUBLISH_EVERY", "0")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Past:
    """Return one that no test touches."""
    return begun(tmp_path_factory.mktemp("past"), bundle)


@pytest.fixture
def past(original: Past, tmp_path: Path) -> Past:
    """Return one that a test may break."""
    return original.copied(tmp_path / "past")
