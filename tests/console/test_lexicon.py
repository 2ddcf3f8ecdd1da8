"""The lexicon as a page: searched, changed in a working copy, counted on past words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.errors import KeyErased
from gatekeeper.review.roles import Role
from gatekeeper.revisions import past_words
from gatekeeper.revisions.drafts import Drafts, Typed, mark_of
from gatekeeper.revisions.lexicon_text import PATH
from gatekeeper.store.policy_drafts import PolicyDrafts
from tests.console.conftest import Browser, Staffed

LEXICON = "/console/policies/lexicon"
ZEBRA = {"kind": "classes/religion", "list": "en", "term": "zebra temple"}


@dataclass(frozen=True)
class Kept:
    """What people keep in their working copies."""

    drafts: Drafts

    def text(self, browser: Browser) -> str:
        """Return somebody's lexicon."""
        text = self.drafts.of(browser.made.account.id).text(PATH)
        assert text is not None
        return text

    def religion(self, browser: Browser) -> list[str]:
        """Return the English terms of one class in it."""
        found: list[str] = json.loads(self.text(browser))["classes"]["religion"]["terms"]["en"]
        return found


@pytest.fixture
def kept(staffed: Staffed) -> Kept:
    """Return the working copies of the city's people."""
    state = staffed.city.state
    lifecycle = state.lifecycle()
    rows = PolicyDrafts(state.database)
    return Kept(Drafts(rows, lifecycle.store, lifecycle.files, state.clock.now))


def _does(browser: Browser, address: str = LEXICON, /, **typed: str) -> TestResponse:
    """Open the page, fill in its form, and send it."""
    opened = browser.client.get(LEXICON)
    seen = re.search(r'name="seen" value="([0-9a-f]*)"', opened.text)
    assert seen is not None
    return browser.client.post(address, data={"form": browser.token(opened), "seen": seen[1], **typed})


def _counts(browser: Browser, **typed: str) -> TestResponse:
    return _does(browser, f"{LEXICON}/count", **typed)


def _said(answer: TestResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_terms_are_found_by_word_class_and_language(staffed: Staffed) -> None:
    """With what the class is for, page by page."""
    client = staffed.signed_in("auditor").client
    answer = client.get(f"{LEXICON}?q=Deport&list=es")
    assert "*deportacion*" in answer.text
    assert "<code>deport*</code>" not in answer.text
    whole = client.get(LEXICON)
    assert "page=1" in whole.text
    assert client.get(f"{LEXICON}?page=1").text != whole.text
    for odd in ("page=-1", "page=x", "page=999999", "kind=none", "list=none", "q=" + "x" * 5000, "change=["):
        assert 200 == client.get(f"{LEXICON}?{odd}").status_code
    assert "No term fits." in client.get(f"{LEXICON}?q=zebra").text


def test_a_term_is_added_changed_and_removed_in_ones_own_working_copy(staffed: Staffed, kept: Kept) -> None:
    """In nobody else's, and not in the law in force."""
    browser, other = staffed.signed_in("legal"), staffed.signed_in("counsel")
    added = _does(browser, **ZEBRA)
    assert 303 == added.status_code
    assert "zebra temple" in kept.religion(browser)
    assert "zebra temple" not in kept.religion(other)
    assert "zebra temple" in browser.client.get(f"{LEXICON}?q=zebra").text
    assert "zebra temple" not in other.client.get(f"{LEXICON}?q=zebra t").text.replace("q=zebra", "")
    was = json.dumps(["classes", "religion", "en", "zebra temple"])
    opened = browser.client.get(LEXICON, query_string={"change": was})
    assert 'value="change"' in opened.text
    assert 303 == _does(browser, act="change", was=was, **{**ZEBRA, "term": "zebra shrine"}).status_code
    assert "zebra shrine" in kept.religion(browser)
    was = was.replace("temple", "shrine")
    assert 303 == _does(browser, act="remove", was=was, **{**ZEBRA, "term": "zebra shrine"}).status_code
    assert kept.religion(other) == kept.religion(browser)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({**ZEBRA, "term": "a.b"}, "term"),
        ({**ZEBRA, "term": ""}, "term"),
        ({**ZEBRA, "term": "x" * 81}, "term"),
        ({**ZEBRA, "kind": "classes/immigration_enforcement", "term": "Deport*"}, "term"),
        ({**ZEBRA, "kind": ""}, "kind"),
        ({**ZEBRA, "kind": "sets/person"}, "kind"),
        ({**ZEBRA, "kind": "classes/none"}, "class"),
        ({**ZEBRA, "list": "fr"}, "list"),
        ({**ZEBRA, "act": "remove"}, ""),
        ({**ZEBRA, "act": "change", "was": "[1, 2, 3, 4]"}, ""),
        ({**ZEBRA, "act": "change", "was": '["classes", "religion", "en", "nothing"]'}, ""),
        ({**ZEBRA, "act": "drop"}, "act"),
    ],
)
def test_what_would_be_no_lexicon_is_said_at_its_field(
    staffed: Staffed, kept: Kept, typed: dict[str, str], field: str
) -> None:
    """Nothing was changed; what was typed stands there still."""
    browser = staffed.signed_in("legal")
    answer = _does(browser, **typed)
    assert 422 == answer.status_code
    assert "Nothing was done" in answer.text
    assert not kept.drafts.of(browser.made.account.id).changes
    assert not field or f'href="#{field}"' in answer.text


def test_a_working_copy_that_changed_meanwhile_is_not_overwritten(staffed: Staffed, kept: Kept) -> None:
    """A second window is told."""
    browser = staffed.signed_in("legal")
    opened = browser.client.get(LEXICON)
    seen = re.search(r'name="seen" value="([0-9a-f]*)"', opened.text)
    assert seen is not None
    assert 303 == _does(browser, **ZEBRA).status_code
    late = {"form": browser.token(opened), "seen": seen[1], **ZEBRA, "term": "zebra shrine"}
    assert 409 == browser.client.post(LEXICON, data=late).status_code
    assert "zebra shrine" not in kept.religion(browser)


def test_a_working_copy_that_is_no_lexicon_is_said_to_be(staffed: Staffed, kept: Kept) -> None:
    """The page opens all the same, and changes nothing."""
    browser = staffed.signed_in("legal")
    copy = kept.drafts.of(browser.made.account.id)
    typed = Typed(PATH, "{", mark_of(copy.text(PATH)))
    kept.drafts.save(browser.made.account.id, copy.base.id, [typed])
    answer = browser.client.get(LEXICON)
    assert 422 == answer.status_code
    assert "is not JSON" in answer.text
    assert 422 == _does(browser, **ZEBRA).status_code
    assert 422 == _counts(browser, **ZEBRA).status_code


# --- Counting on past words. ------------------------------------------------------------------------------


def _ask(staffed: Staffed, words: str, times: int) -> list[str]:
    return [staffed.asked(purpose__narrative=f"investigation {words}") for _ in range(times)]


def test_a_count_tells_of_many_and_is_in_the_log_first(staffed: Staffed, kept: Kept) -> None:
    """Rounded down to tens; evasions are read as the gate reads them."""
    _ask(staffed, "zebra temple", 11)
    _ask(staffed, "z3bra t.e.m.p.l.e.", 2)
    _ask(staffed, "nothing", 1)
    browser = staffed.signed_in("legal")
    said = _said(_counts(browser, **ZEBRA))
    assert "Of the latest 14 requests" in said
    assert "would be read otherwise at least 10" in said
    assert "had words of this class already fewer than 10" in said
    assert "staff.viewed" in [event["event"] for event in staffed.city.events()[-5:]]
    assert not kept.drafts.of(browser.made.account.id).changes


@pytest.mark.parametrize("times", [0, 1, 9])
def test_a_count_tells_nothing_of_a_few(staffed: Staffed, times: int) -> None:
    """None, one and nine look alike to whoever may not read the requests."""
    _ask(staffed, "zebra temple", times)
    answer = _counts(staffed.signed_in("admin"), **ZEBRA)
    assert "would be read otherwise fewer than 10" in _said(answer)
    assert "zebra temple</mark>" not in answer.text
    assert "investigation" not in answer.text


@pytest.mark.parametrize("term", ["zeb", "z*", "a1 2 3", "{person} z", "ab c"])
def test_a_short_term_is_not_counted(staffed: Staffed, term: str) -> None:
    """Nor logged: nothing was looked at."""
    browser = staffed.signed_in("legal")
    size = staffed.city.state.rows.head().size
    answer = _counts(browser, **{**ZEBRA, "term": term})
    assert 422 == answer.status_code
    assert size == staffed.city.state.rows.head().size


def test_examples_are_masked_and_each_is_in_the_log(staffed: Staffed) -> None:
    """Numbers and the officer's name do not stand in them."""
    _ask(staffed, "by Example of 4711 Ave, zebra temple", 1)
    browser = staffed.signed_in("auditor")
    size = staffed.city.state.rows.head().size
    answer = _counts(browser, **ZEBRA)
    found = re.search(r"<li><a [^>]*>[^<]*</a>:(.*?)</li>", answer.text, re.DOTALL)
    assert found is not None
    assert "<mark>zebra temple</mark>" in found[1]
    for private in ("4711", "Example"):
        assert private not in found[1]
    assert 2 == len(staffed.city.events()[size:])


def test_examples_of_permits_are_for_who_judges_samples(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that nobody reviews is not opened by who only reads reviews."""
    query_id = _ask(staffed, "zebra temple", 1)[0]
    monkeypatch.setattr(type(staffed.city.gate.queries), "review", lambda *_: None)
    role: Role
    for role, sees in (("records", False), ("auditor", False), ("legal", True)):
        assert sees is (query_id in _counts(staffed.signed_in(role), **ZEBRA).text)


def test_a_count_ends_when_its_time_is_over(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that there are more."""
    _ask(staffed, "zebra temple", 3)
    monkeypatch.setattr("gatekeeper.web.console.lexicon.count", partial(past_words.count, seconds=0))
    said = _said(_counts(staffed.signed_in("legal"), **ZEBRA))
    assert "there are more; time was up" in said


def test_what_was_erased_is_counted_as_such(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not guessed."""
    _ask(staffed, "zebra temple", 2)
    browser = staffed.signed_in("legal")

    def erased(*_: Any) -> None:
        raise KeyErased("gone")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "opened", erased)
    said = _said(_counts(browser, **ZEBRA))
    assert "Of the latest 0 requests" in said
    assert "erased 2" in said
