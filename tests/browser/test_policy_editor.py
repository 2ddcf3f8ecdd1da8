"""The law changed in the console: by the keyboard alone, and by a browser that runs no scripts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from gatekeeper.policy import shipped_policies
from tests.browser.chromium import Chromium, Tab
from tests.browser.town import Town, sign_in

pytestmark = pytest.mark.needs("chromium")

RULE = "sharing/affirmation/affirmation.rego"
TESTS = """package sharing.quiet_hours_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.quiet_hours

test_satisfied_by_words if quiet_hours.satisfied with input as request

test_words_missing if not quiet_hours.satisfied with input as without("/purpose/narrative")

test_words_mistyped if not quiet_hours.satisfied with input as having("/purpose/narrative", 7)
"""
REASON = "The council adopted this on 24 November (a sample)."


@pytest.fixture
def lawyer(browser: Chromium, town: Town) -> Iterator[Tab]:
    """Return a lawyer's tab."""
    tab = browser.tab()
    sign_in(tab, town, town.person("legal", 1))
    yield tab
    tab.close()


def _says(tab: Tab, *texts: str) -> str:
    """Wait until the page says all of these."""
    until = time.monotonic() + 40
    while time.monotonic() < until:
        said = tab.text()
        if all(text in said for text in texts):
            return said
        time.sleep(0.2)
    raise AssertionError(f"{texts} is not on the page: {tab.text()}")


def _soundly(tab: Tab) -> None:
    """See that the page breaks no policy of its own, and that anybody can use it."""
    assert ([], []) == (tab.facts()["complaints"], tab.axe())
    assert [] == tab.overflow(360)


def _waits(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_provision_by_the_keyboard_alone(lawyer: Tab, town: Town) -> None:
    """Begun, mistyped, marked in the gutter, mended, tested, proposed; Tab leaves the editor after Escape."""
    draft = f"{town.gate.base_url}/console/policies/draft"
    lawyer.open(f"{draft}/new")
    for field, typed in (
        ("code", "quiet_hours"),
        ("title", "Quiet hours"),
        ("citation", "City Code 9"),
        ("rules", "EV-7"),
    ):
        lawyer.reach(field)
        lawyer.types(typed)
    lawyer.reach("Begin it in the draft")
    lawyer.key("Enter", leads=True)
    _says(lawyer, "Quiet hours", "Nothing is wrong with the draft")

    lawyer.reach("text-0-editor")
    lawyer.key("Control+End")
    lawyer.key("Enter")
    lawyer.types("satisfied if is_string(input.purpose.narrativ)")
    _says(lawyer, "looks at input.purpose.narrativ, which does not exist", "Correct the spelling")
    assert 1 == lawyer.count(".cm-lint-marker-error")
    _soundly(lawyer)
    lawyer.key("Control+End")
    lawyer.key("ArrowLeft")
    lawyer.types("e")
    _says(lawyer, "Nothing is wrong with the draft")
    assert 0 == lawyer.count(".cm-lint-marker-error")

    lawyer.key("Tab")  # indents
    lawyer.key("Control+z")
    for editor in ("text-1-editor", "Run its tests"):
        lawyer.key("Escape")
        lawyer.reach(editor)
    lawyer.key("Enter")
    _says(lawyer, "1 of 2 fail", "test_denies_until_it_is_written")
    _waits(lambda: lawyer.count(".cm-lint-marker-error") == 1)
    _soundly(lawyer)
    lawyer.reach("text-1-editor", key="Shift+Tab")
    lawyer.key("Control+a")
    lawyer.types(TESTS)
    assert [] == lawyer.facts()["complaints"]
    lawyer.key("Escape")
    lawyer.reach("Run its tests")
    lawyer.key("Enter")
    _says(lawyer, "All 3 pass", "Nothing is wrong with the draft")
    lawyer.reach("Keep in the draft", key="Shift+Tab")
    lawyer.key("Enter", leads=True)

    for page in (f"{draft}/changes", f"{draft}/file?path={RULE}"):
        lawyer.open(page)
        _soundly(lawyer)
        assert lawyer.facts()["unscripted"]
    lawyer.open(f"{draft}/propose")
    lawyer.reach("reason")
    lawyer.types(REASON)
    lawyer.reach("Propose it")
    lawyer.key("Enter", leads=True)
    assert "/console/policies/revisions/rev_" in lawyer.facts()["url"], lawyer.text()
    lawyer.open(draft)
    _says(lawyer, "Nothing yet.")


def test_without_scripts(browser: Chromium, town: Town) -> None:
    """A plain field: what is typed is examined, tested, refused in words, and kept."""
    tab = browser.tab(scripts=False)
    sign_in(tab, town, town.person("counsel", 1))
    draft = f"{town.gate.base_url}/console/policies/draft"
    tab.open(f"{draft}/file?path={RULE}")
    text = (shipped_policies() / RULE).read_text(encoding="utf-8")
    tab.fill(f"Rule {RULE}", text.replace("affirms(input.agency)", "affirms(agncy)"))
    tab.press("Examine")
    _says(tab, "Nothing gives agncy a value", "Correct its spelling", f"{RULE}:")
    tab.fill(f"Rule {RULE}", f"{text}\n# A remark.\n")
    tab.press("Run its tests")
    _says(tab, "pass")
    tab.press("Keep in the draft")
    tab.open(f"{draft}/changes")
    _says(tab, "+ # A remark.")
    tab.close()
