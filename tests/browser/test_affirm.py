"""A signatory signs in a real browser, without scripts, in both languages, on a small screen, by keyboard."""

from __future__ import annotations

import json

import pytest

from gatekeeper.web.console.languages import translations
from tests.browser.chromium import Chromium, Tab
from tests.browser.town import Town

pytestmark = pytest.mark.needs("chromium")

AGENCY = "cedar-bend-pd"


def _link(town: Town) -> str:
    said = town.gate.command(
        "affirmation", "invite", AGENCY, "--signer-email", "chief@cedar.example", "--json"
    )
    link: str = json.loads(said.stdout.splitlines()[0])["link"]
    return link


def _faults(tab: Tab) -> list[str]:
    seen = tab.facts()
    found = [*seen["complaints"], *tab.axe(), *tab.overflow(360)]
    return found if 1 == len(seen["headings"]) else [*found, f"headings: {seen['headings']}"]


@pytest.fixture(scope="module")
def contact(town: Town) -> None:
    """Give the agency somebody who is told."""
    why = ("--reason", "Their letter of today")
    town.gate.command("agency", "change", AGENCY, "--contact", "chief@cedar.example", *why)


@pytest.mark.usefixtures("contact")
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_signatory_reads_signs_and_keeps_the_receipt(browser: Chromium, town: Town, language: str) -> None:
    """Each page is found good by axe; what is missing is said; the link signs once."""
    say = translations(language).gettext
    # axe is a script itself; that the pages need none is the next test.
    tab, link = browser.tab(language=f"{language}-US"), _link(town)
    tab.open(link)
    assert not _faults(tab)
    tab.fill(say("Your name"), "Pat Example")
    tab.fill(say("Your title"), "Chief of Police")
    tab.fill(say("Your e-mail address"), "chief@cedar.example")
    tab.fill(say("Your signature"), "Pat Exampel")
    tab.choose(say("I have read this text, I sign it for the agency, and I may bind it."))
    tab.press(say("Sign it"))
    assert say("Nothing was signed yet") in tab.text()
    assert not _faults(tab)
    tab.fill(say("Your signature"), "Pat Example")
    assert "/affirm/receipt/" in tab.press(say("Sign it"))
    assert "Signed by: Pat Example" in tab.text()
    assert not _faults(tab)
    tab.open(link)
    assert say("This link was used") in tab.text()
    assert not _faults(tab)
    tab.close()


@pytest.mark.usefixtures("contact")
def test_it_needs_no_script(browser: Chromium, town: Town) -> None:
    """Many offices allow none."""
    tab = browser.tab(scripts=False)
    tab.open(_link(town))
    for label, text in (
        ("Your name", "Pat Example"),
        ("Your title", "Chief"),
        ("Your e-mail address", "chief@cedar.example"),
        ("Your signature", "Pat Example"),
    ):
        tab.fill(label, text)
    tab.choose("I have read this text, I sign it for the agency, and I may bind it.")
    assert "/affirm/receipt/" in tab.press("Sign it")
    tab.close()
