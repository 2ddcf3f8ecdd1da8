"""Every page of the console, as every role, in both languages: WCAG 2.1 A and AA, small screens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gatekeeper.app import application
from gatekeeper.review.roles import ROLES
from tests.browser.chromium import Chromium, Tab
from tests.browser.crawl import Crawl
from tests.browser.town import Town, sign_in
from tests.exchange.city import City

pytestmark = pytest.mark.needs("chromium")


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_a_role_comes_to(
    town: Town, city: City, signed_in: Callable[[str], Tab], role: str, language: str
) -> None:
    """A page that was added is found by the links to it; a fault names page, rule and selector."""
    tab, base = signed_in(role), town.gate.base_url
    tab.open(f"{base}/console/language?to={language}")
    app = application(city.state, city.gate, city.tokens, lambda _: None)
    crawl = Crawl(tab, base, app.url_map, language)
    crawl.walk("/console/", "/console/no-such-page")
    assert not crawl.faults, "\n".join(crawl.faults)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_door(browser: Chromium, town: Town, city: City, language: str) -> None:
    """Whoever is not signed in sees the form of sign-in, in the browser's own language."""
    app = application(city.state, city.gate, city.tokens, lambda _: None)
    tab = browser.tab(language=f"{language}-US")
    crawl = Crawl(tab, town.gate.base_url, app.url_map, language)
    crawl.walk("/console/", "/console/sign-in", "/console/no-such-page")
    tab.close()
    assert not crawl.faults, "\n".join(crawl.faults)


def test_a_browser_without_scripts_signs_in_and_out(browser: Chromium, town: Town) -> None:
    """Scripts are an extra."""
    tab = browser.tab(scripts=False)
    sign_in(tab, town, town.person("counsel", 1))
    assert "/sign-in" in tab.press("Sign out")
    tab.close()
