"""The desk that decides reasons, made once for this folder."""

from __future__ import annotations

import pytest

from tests.law.flawless import Desk


@pytest.fixture(scope="session")
def desk() -> Desk:
    """Return the one Desk."""
    return Desk()
