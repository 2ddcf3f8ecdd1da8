"""What the tests of `gatekeeper ledger verify` share."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gatekeeper import settings
from gatekeeper.ledger import Draft
from gatekeeper.state import State, open_state
from tests.cli.shell import City, typed
from tests.ledger.bulk import load
from tests.ledger.made import decided

ROOT = Path(__file__).parents[2]
SIZE = 9000
ALTERED = (
    "UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT), 'local', 'state') AS BLOB) WHERE "
)
Told = tuple[int, dict[str, Any]]


@contextmanager
def opened(city: City) -> Iterator[State]:
    """Open a city's state."""
    state = open_state(settings.load(data=city.data))
    try:
        yield state
    finally:
        state.close()


def append(city: City, *drafts: Draft) -> int:
    """Add to the log; return the index of the last."""
    with opened(city) as state:
        return [state.ledger.append(draft).index for draft in drafts][-1]


def verified(city: City, *more: str) -> Told:
    """Verify; return exit status and document."""
    result = typed("ledger", "verify", "--json", "--data", str(city.data), *more)
    return result.exit_code, json.loads(result.stdout)


def codes(told: Told) -> list[str]:
    """Return what was found."""
    return [finding["code"] for finding in told[1]["findings"]]


@pytest.fixture(scope="module")
def long_city(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a city with a log of many tiles, to be copied."""
    data = tmp_path_factory.mktemp("long") / "city"
    shutil.copytree(laid_out, data)
    with opened(City(data)) as state:
        load(state.rows, SIZE)
    return data


@pytest.fixture
def long(long_city: Path, tmp_path: Path) -> City:
    """Return one that may be tampered with."""
    return City(Path(shutil.copytree(long_city, tmp_path / "long")))


@pytest.fixture
def few(city: City) -> City:
    """Return a city with five entries."""
    append(city, *(decided() for _ in range(5)))
    return city
