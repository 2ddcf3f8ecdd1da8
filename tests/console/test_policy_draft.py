"""The draft of the law in the console: its files in the editor, kept over what was seen, and of no effect."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.policy import shipped_policies
from gatekeeper.policy.layout import files_of
from gatekeeper.revisions import examiner
from gatekeeper.revisions.drafts import mark_of
from tests.console.conftest import Browser, Staffed

DRAFT = "/console/policies/draft"
RULE, TEST = "sharing/affirmation/affirmation.rego", "sharing/affirmation/affirmation_test.rego"
CITY = "data/city.json"
FILES, _ = files_of(shipped_policies())
CHANGED = f"{FILES[RULE]}\n# A remark.\n"


@pytest.fixture
def legal(staffed: Staffed) -> Browser:
    """Return a lawyer's browser."""
    return staffed.signed_in("legal")


def opened(browser: Browser, path: str = RULE) -> TestResponse:
    """Open a file in the editor."""
    return browser.client.get(f"{DRAFT}/file", query_string={"path": path})


def form_of(answer: TestResponse) -> dict[str, Any]:
    """Return what the page's form would send, as a browser without scripts does."""
    form = answer.text.partition('<form method="post" action="/console/policies/draft/save"')[2].partition(
        "</form>"
    )[0]
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    texts = re.findall(
        r'<textarea class="usa-textarea console-code"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    )
    sent: dict[str, Any] = {name: value for name, value in hidden if name in ("form", "base")}
    sent["path"] = [value for name, value in hidden if name == "path"]
    sent["seen"] = [value for name, value in hidden if name == "seen"]
    # A browser sends its own line ends.
    sent["text"] = [html.unescape(text).replace("\n", "\r\n") for text in texts]
    return sent


def sends(browser: Browser, shown: TestResponse, act: str = "save", **texts: str) -> TestResponse:
    """Type into the fields of a page (``rule``, ``test``) and press one of its buttons."""
    form = form_of(shown)
    for place, name in enumerate(("rule", "test")):
        if name in texts:
            form["text"][place] = texts[name]
    return browser.client.post(f"{DRAFT}/{act}", data=form)


def test_a_file_is_changed_and_comes_back_as_it_was_kept(staffed: Staffed, legal: Browser) -> None:
    """Its rule stands beside its test; what was not changed is no change, whatever browsers do to lines."""
    shown = opened(legal)
    assert (200, [RULE, TEST]) == (shown.status_code, form_of(shown)["path"])
    kept = sends(legal, shown, rule=CHANGED)
    assert (303, f"{DRAFT}/file?path=sharing%2Faffirmation%2Faffirmation.rego") == (
        kept.status_code,
        kept.headers["Location"],
    )
    again = opened(legal)
    assert CHANGED == form_of(again)["text"][0].replace("\r\n", "\n")
    overview = legal.client.get(DRAFT).text
    assert 1 == overview.partition("What you changed")[2].partition("All files")[0].count("<li>")
    assert "# A remark." not in staffed.city.gate.engine.bundle.modules[RULE]


def test_nothing_of_it_is_in_the_log(staffed: Staffed, legal: Browser) -> None:
    """Not law, and nothing that the log speaks of."""
    before = len(staffed.city.events())
    sends(legal, opened(legal), rule=CHANGED)
    legal.client.get(f"{DRAFT}/changes")
    assert before == len(staffed.city.events())


def test_it_is_nobody_elses(staffed: Staffed, legal: Browser) -> None:
    """Another lawyer changes the law as it stands; who may not change it has no draft at all."""
    sends(legal, opened(legal), rule=CHANGED)
    other = staffed.signed_in("counsel", name="Robin Sample")
    assert "# A remark." not in opened(other).text
    assert "Nothing yet" in other.client.get(DRAFT).text
    reader = staffed.signed_in("auditor", name="Sam Sample")
    page = reader.client.get(DRAFT)
    assert (200, False) == (page.status_code, "All files" in page.text)
    assert "Only legal and counsel change the law" in page.text


def test_a_second_window_keeps_nothing_unseen(legal: Browser) -> None:
    """It is told, sees what is kept now, has what was typed, and may then keep it knowingly."""
    first, second = opened(legal), opened(legal)
    sends(legal, first, rule=CHANGED)
    refused = sends(legal, second, rule="# Mine.\n")
    assert 409 == refused.status_code
    assert "in another window of yours" in refused.text
    assert "# A remark." in refused.text
    assert "# Mine." in form_of(refused)["text"][0]
    assert 303 == sends(legal, refused).status_code
    assert "# Mine." in form_of(opened(legal))["text"][0]


def test_a_file_is_added_taken_out_and_put_back(legal: Browser) -> None:
    """By its path; the way back is on its page."""
    path = "cases/denied/ev-7-new.json"
    assert 303 == sends(legal, opened(legal, path), rule="{}").status_code
    overview = legal.client.get(DRAFT).text
    assert path in overview.partition("What you changed")[2].partition("All files")[0]
    form = form_of(opened(legal, CITY))
    one = {"form": form["form"], "base": form["base"], "path": CITY, "seen": form["seen"][0]}
    assert 303 == legal.client.post(f"{DRAFT}/remove", data=one).status_code
    assert "taken out" in legal.client.get(DRAFT).text
    assert "Undo what I changed in it" in opened(legal, CITY).text
    assert 409 == legal.client.post(f"{DRAFT}/remove", data=one).status_code
    assert 303 == legal.client.post(f"{DRAFT}/restore", data={**one, "seen": ""}).status_code
    assert "taken out" not in legal.client.get(DRAFT).text


@pytest.mark.parametrize(
    "path", ["", "../x", "sharing/a/b.rego", "/etc/passwd", "data/city.json\n", "x" * 5000]
)
def test_a_file_that_no_law_has(legal: Browser, path: str) -> None:
    """There is no page of it, and it is not kept."""
    assert 404 == opened(legal, path).status_code
    form = form_of(opened(legal))
    form |= {"path": [path], "seen": [""], "text": ["x"]}
    assert 404 == legal.client.post(f"{DRAFT}/save", data=form).status_code
    assert "Nothing yet" in legal.client.get(DRAFT).text


@pytest.mark.parametrize(
    "changes",
    [
        {"path": []},
        {"text": []},
        {"seen": []},
        {"path": [RULE, RULE]},
        {"path": [RULE], "text": ["a", "b"], "seen": [""]},
        {"path": [RULE, TEST, CITY], "text": ["", "", ""], "seen": ["", "", ""]},
    ],
)
@pytest.mark.parametrize("act", ["save", "check", "tests", "diagnostics"])
def test_a_form_that_no_page_shows(legal: Browser, act: str, changes: Mapping[str, Any]) -> None:
    """It is refused, and nothing is kept."""
    answer = legal.client.post(f"{DRAFT}/{act}", data={**form_of(opened(legal)), **changes})
    assert 400 == answer.status_code
    assert "Nothing yet" in legal.client.get(DRAFT).text


def test_what_cannot_be_kept_is_said_beside_its_field(legal: Browser) -> None:
    """And what was typed is still there."""
    answer = sends(legal, opened(legal), test=f"# Mine.{'ä' * 140_000}")
    assert 422 == answer.status_code
    assert 'href="#text-1"' in answer.text
    assert 'id="text-1-fault"' in answer.text
    assert "# Mine." in form_of(answer)["text"][1]


def test_what_is_wrong_is_told_as_it_is_typed(legal: Browser) -> None:
    """For the editor as JSON; for whoever has no scripts on the page. Nothing is kept."""
    wrong = FILES[RULE].replace("affirms(input.agency)", "affirms(agncy)")
    shown = opened(legal)
    told = sends(legal, shown, "diagnostics", rule=wrong)
    (found,) = told.get_json()["findings"]
    line = wrong[: wrong.index("agncy")].count("\n") + 1
    assert (RULE, line, f"{RULE}:{line}") == (found["file"], found["line"], found["place"])
    assert "Nothing gives agncy a value" in found["message"]
    assert "spelling" in found["cure"]
    assert found["address"].endswith(f"#line-{line}")
    assert "no-store" == told.headers["Cache-Control"]
    page = sends(legal, shown, "check", rule=wrong)
    assert 200 == page.status_code
    assert "Nothing gives agncy a value" in page.text
    assert "agncy" in form_of(page)["text"][0]
    assert "Nothing yet" in legal.client.get(DRAFT).text


def test_the_whole_draft_is_examined(legal: Browser) -> None:
    """A fault in another file of it is found too."""
    sends(legal, opened(legal, CITY), rule=FILES[CITY].replace('"state": "IL"', '"state": 7'))
    findings = sends(legal, opened(legal), "diagnostics").get_json()["findings"]
    assert CITY in {found["file"] for found in findings}


def test_tests_run_on_what_is_typed(legal: Browser) -> None:
    """Each result with what was expected and what came; with a fault none is run, and that is said."""
    shown = opened(legal)
    page = sends(
        legal, shown, "tests", test=f"{FILES[TEST]}\ntest_mine if affirmation.satisfied with input as {{}}\n"
    )
    row = page.text.partition('data-failed="test_mine"')[2].partition("</li>")[0]
    assert "affirmation.satisfied with input as {}" in html.unescape(row)
    assert "is undefined" in row
    assert "1 of " in page.text
    broken = sends(legal, shown, "tests", rule="package")
    assert "No test was run" in broken.text
    case = sends(legal, opened(legal, CITY), "tests")
    assert "Nothing is wrong with the draft" in case.text  # it has no tests of its own: it is examined


def test_while_another_is_examined(legal: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The editor is told to ask again; a form says so, and nothing that was typed is lost."""

    def busy(*_: object, **__: object) -> None:
        raise examiner.Busy("Another draft is being examined just now. Nothing is lost: ask again.")

    monkeypatch.setattr(examiner.Examiner, "examine", busy)
    shown = opened(legal)
    answer = sends(legal, shown, "diagnostics")
    assert ["again"] == list(answer.get_json())
    page = sends(legal, shown, "check", rule="# Mine.\n")
    assert "Nothing is lost" in page.text
    assert "# Mine." in form_of(page)["text"][0]


def test_only_the_editor_may_add_styles(legal: Browser) -> None:
    """By a word that is new on each page and that no text of the page holds otherwise."""
    words = set()
    for _ in range(2):
        page = opened(legal)
        policy = page.headers["Content-Security-Policy"]
        (word,) = re.findall(r"style-src 'self' 'nonce-([\w-]{20,})';", policy)
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert 1 == page.text.count(word)
        words.add(word)
    assert 2 == len(words)
    assert "nonce" not in legal.client.get(DRAFT).headers["Content-Security-Policy"]


def test_what_was_typed_is_text(legal: Browser) -> None:
    """Neither a file's text nor its name becomes part of the page."""
    bad = "</textarea><script>alert(1)</script>\n"
    sends(legal, opened(legal), rule=bad)
    for page in (opened(legal), legal.client.get(f"{DRAFT}/changes"), sends(legal, opened(legal), "check")):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text
    assert bad == form_of(opened(legal))["text"][0].replace("\r\n", "\n")


def test_a_text_that_begins_with_an_empty_line(legal: Browser) -> None:
    """HTML drops the first line end of a field: one of ours stands before it."""
    sends(legal, opened(legal), rule=f"\n{FILES[RULE]}")
    assert mark_of(f"\n{FILES[RULE]}") == form_of(opened(legal))["seen"][0]
    assert form_of(opened(legal))["text"][0].startswith("\r\n#")
