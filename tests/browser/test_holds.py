"""A legal hold in Chromium: by the keyboard without scripts, and page by page in both languages under axe.

GATEKEEPER_TEST_PICTURES names a directory for pictures of the pages.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium, Tab
from tests.browser.test_paths import WIDE, Person
from tests.browser.town import Town, sign_in
from tests.servers.gate import running_gate, small_city

pytestmark = pytest.mark.needs("chromium")

WHY = "Subpoena 26-CF-0100 of a made-up court"
OVER = "The made-up court closed case 26-CF-0100"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a demo in which nothing has happened yet."""
    place = tmp_path_factory.mktemp("holds")
    with running_gate(place / "city", reads=small_city(place)) as gate:
        yield Town(gate)


def _asked(demo: Town) -> str:
    answer = demo.gate.ask(demo.gate.body(purpose__case_number="n/a"))
    assert 403 == answer.status_code
    return str(answer.json()["query_id"])


def _types(tab: Tab, field: str, text: str) -> None:
    tab.reach(field)
    tab.types(text)


def _presses(tab: Tab, what: str) -> str:
    """Press Enter on a button of this name, or a link to this address."""
    tab.reach(what)
    return tab.key("Enter", leads=True)


def test_a_hold_is_placed_and_lifted_by_the_keyboard_without_scripts(browser: Chromium, demo: Town) -> None:
    """From the request's own page and back; no mouse, no script."""
    query, tab = _asked(demo), browser.tab(scripts=False)
    sign_in(tab, demo, demo.person("legal", 0))
    tab.open(f"{demo.gate.base_url}/console/reviews/{query}")
    _presses(tab, f"{demo.gate.base_url}/console/holds/new?query={query}")
    _types(tab, "reason", WHY)
    _presses(tab, "Look at what it will do …")
    assert "Hold 1 query?" in tab.text()
    _presses(tab, "Place the hold")
    assert "In force since" in tab.text()
    assert WHY in tab.text()
    [lift] = [link for link in tab.facts()["links"] if link.endswith("/lift")]
    _presses(tab, lift)
    _types(tab, "reason", OVER)
    _presses(tab, "Look at what it will do …")
    _presses(tab, "Lift the hold")
    assert OVER in tab.text()
    tab.open(f"{demo.gate.base_url}/console/reviews/{query}")
    assert "Held for a court" not in tab.text()
    tab.close()


@pytest.mark.parametrize(("language", "which"), [("en", 1), ("es", 2)])
def test_every_page_of_a_hold(browser: Chromium, demo: Town, language: str, which: int) -> None:
    """A list with faults, two steps, the hold, the list of holds, the request's page, and the end."""
    queries, tab = [_asked(demo) for _ in range(2)], browser.tab(language=f"{language}-US")
    people = [demo.person(role, n) for role, n in (("legal", 1), ("counsel", 0))]
    sign_in(tab, demo, people[which - 1], language)
    person = Person(tab, demo.gate.base_url, language, WIDE)
    said = person.words
    tab.open(f"{demo.gate.base_url}/console/holds")
    person.reads("What is erased next", name="hold-0-list")
    tab.follow(said("Place a legal hold …"))
    tab.fill(said("Ids of queries"), "q_none")
    tab.fill(said("Why"), ".")
    tab.press(said("Look at what it will do …"))
    person.reads("Nothing was done", name="hold-1-faults")
    tab.fill(said("Ids of queries"), "\n".join(queries))
    tab.fill(said("Why"), WHY)
    tab.press(said("Look at what it will do …"))
    person.reads("Step 2 of 2. Nothing is held until you confirm.", *queries, WHY, name="hold-2-confirm")
    assert tab.press(said("Place the hold")).endswith("/console/holds")
    person.reads(*queries, WHY, "all of it can be read", name="hold-3-list")
    tab.open(f"{demo.gate.base_url}/console/reviews/{queries[0]}")
    person.reads("Held for a court", "Place another legal hold …", name="hold-4-request")
    tab.follow(to="/console/holds/hold_")
    person.reads("In force since", WHY, name="hold-5-hold")
    tab.follow(said("Lift it …"))
    tab.fill(said("Why it may end"), OVER)
    tab.press(said("Look at what it will do …"))
    person.reads("Step 2 of 2. The hold is in force until you confirm.", OVER, name="hold-6-lift")
    tab.press(said("Lift the hold"))
    person.reads("Lifted", OVER, name="hold-7-lifted")
    tab.open(f"{demo.gate.base_url}/console/holds")
    person.reads(OVER, name="hold-8-list")
    tab.close()
