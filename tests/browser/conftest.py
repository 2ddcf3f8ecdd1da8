"""A city that serves, in which things have happened, and one browser over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.browser.chromium import Chromium, Tab, chromium
from tests.browser.town import Town, lively, sign_in
from tests.exchange.conftest import bundle, city
from tests.servers.gate import running_gate, small_city

__all__ = ["bundle", "city"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """Return the browser that every test shares; a tab of it is a person's own."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a demo with requests in the states that a review can have."""
    place = tmp_path_factory.mktemp("browser")
    with running_gate(place / "city", reads=small_city(place)) as gate:
        yield lively(gate)


@pytest.fixture(scope="session")
def signed_in(browser: Chromium, town: Town) -> Callable[[str], Tab]:
    """Return who opens a role's tab, signed in once: a code counts once in half a minute."""

    @cache
    def tab(role: str) -> Tab:
        opened = browser.tab()
        sign_in(opened, town, town.person(role))
        return opened

    return tab
