"""A provision is begun, the draft compared with a law that moved on, and proposed: whole, or not at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from werkzeug.test import TestResponse

from gatekeeper.policy import load_files
from gatekeeper.policy.layout import MANIFEST
from gatekeeper.revisions.examiner import Examined, Examiner
from gatekeeper.web.console.policy_draft_propose import _moment
from tests.console.conftest import Browser, Staffed
from tests.console.test_policy_draft import CITY, DRAFT, FILES, RULE, TEST, form_of, opened, sends
from tests.lawful import put_in_force

NEW = "sharing/quiet_hours/quiet_hours.rego"
REASON = "The council adopted this on 24 November (a sample)."
ALLOWED = FILES[CITY].replace('"about": "The city', '"about": "In short: the city')
BEGIN = {
    "code": "quiet_hours",
    "title": "Quiet hours",
    "citation": 'City Code 9: "An Example"',
    "rules": "EV-7, IL-1",
    "pack": "",
    "review": "none",
}


@pytest.fixture
def legal(staffed: Staffed) -> Browser:
    """Return a lawyer's browser."""
    return staffed.signed_in("legal")


def _posts(browser: Browser, page: str, **typed: Any) -> TestResponse:
    """Open a page, fill in its form, and send it."""
    shown = browser.client.get(f"{DRAFT}/{page}").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
    return browser.client.post(f"{DRAFT}/{page}", data={**hidden, **typed})


def _changed(browser: Browser) -> set[str]:
    shown = browser.client.get(DRAFT).text.partition("What you changed")[2].partition("All files")[0]
    return set(re.findall(r"<code>([^<]+)</code>", shown))


def test_a_provision_is_begun(legal: Browser) -> None:
    """The rule and its tests, and the lists that make every decision ask for it; then its rule is opened."""
    answer = _posts(legal, "new", **BEGIN)
    assert (303, True) == (answer.status_code, "quiet_hours.rego" in answer.headers["Location"])
    assert {NEW, NEW.replace(".rego", "_test.rego"), "main/main.rego", MANIFEST} == _changed(legal)
    shown = opened(legal, NEW)
    assert '<h1 class="console-long">Quiet hours</h1>' in shown.text
    assert [] == sends(legal, shown, "diagnostics").get_json()["findings"]
    again = _posts(legal, "new", **BEGIN)
    assert 422 == again.status_code
    assert "already" in again.text


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("code", "Quiet"),
        ("code", "quiet_hours\n"),
        ("title", "..."),
        ("citation", "x" * 201),
        ("citation", "a\nb"),
        ("rules", "ev7"),
        ("review", "everybody"),
    ],
)
def test_what_no_provision_can_be_called(legal: Browser, field: str, typed: str) -> None:
    """It is said beside the field, and what was typed is still there."""
    answer = _posts(legal, "new", **{**BEGIN, field: typed})
    assert 422 == answer.status_code
    assert f'id="{field}-fault"' in answer.text
    assert field != "rules" or 'value="ev7"' in answer.text
    assert 'value="City Code 9: &#34;An Example&#34;"' in answer.text or field == "citation"
    assert set() == _changed(legal)


@pytest.mark.parametrize(
    "change", [{"pack": "utah"}, {"code": "affirmation"}, {"code": "input"}, {"pack": "evanston"}]
)
def test_what_cannot_be_begun(legal: Browser, change: dict[str, str]) -> None:
    """A pack that is none, a name that is taken or a word of Rego, or outside its pack."""
    assert 422 == _posts(legal, "new", **BEGIN | change).status_code
    assert set() == _changed(legal)


def _keeps(browser: Browser, path: str, text: str) -> None:
    assert 303 == sends(browser, opened(browser, path), rule=text).status_code


def _moves(staffed: Staffed, **files: str) -> str:
    """Let another law come into force; return its id."""
    names = {"city": CITY, "rule": RULE}
    law = {**FILES, **{names[name]: text for name, text in files.items()}}
    return put_in_force(staffed.city.state, load_files(law)).id


def test_the_draft_is_compared_with_its_base(legal: Browser) -> None:
    """Each file line by line; what was added and taken out is told by words as well."""
    empty = legal.client.get(f"{DRAFT}/changes").text
    assert "the draft is the law as it stands" in empty
    _keeps(legal, CITY, ALLOWED)
    shown = legal.client.get(f"{DRAFT}/changes").text
    assert re.search(r"<del>\u2212 .*about.*The city.*</del>", shown)
    assert re.search(r"<ins>\+ .*about.*In short.*</ins>", shown)


def test_it_goes_on_from_a_law_that_moved(staffed: Staffed, legal: Browser) -> None:
    """What both changed is shown with both texts, and its person says whose stays; the rest comes along."""
    mine = FILES[RULE].replace("verified: false", "verified: true")
    _keeps(legal, CITY, ALLOWED)
    _keeps(legal, RULE, mine)
    theirs = FILES[CITY].replace('"affirmation_max_age_days": 730', '"affirmation_max_age_days": 365')
    assert ALLOWED != FILES[CITY] != theirs
    _moves(staffed, city=theirs)
    assert "The law changed after you began" in legal.client.get(DRAFT).text
    shown = legal.client.get(f"{DRAFT}/changes").text
    assert 'name="whose-0"' in shown
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown)) | {"path": [CITY]}
    undecided = legal.client.post(f"{DRAFT}/rebase", data=form)
    assert (422, True) == (undecided.status_code, "Say which of the two stays." in undecided.text)
    stale = legal.client.post(f"{DRAFT}/rebase", data=form | {"whose-0": "mine", "version": "1"})
    assert 409 == stale.status_code
    moved = legal.client.post(f"{DRAFT}/rebase", data=form | {"whose-0": "theirs"})
    assert 303 == moved.status_code
    assert {RULE} == _changed(legal)
    assert "365" in form_of(opened(legal, CITY))["text"][0]


def test_it_is_thrown_away_by_whoever_says_so_twice(legal: Browser) -> None:
    """And only as it was seen."""
    assert 303 == legal.client.get(f"{DRAFT}/discard").status_code  # there is none
    _keeps(legal, CITY, ALLOWED)
    assert 409 == _posts(legal, "discard", version="7").status_code
    assert 409 == _posts(legal, "discard", version="nonsense").status_code
    assert 303 == _posts(legal, "discard").status_code
    assert set() == _changed(legal)


def test_a_draft_without_a_fault_is_proposed(staffed: Staffed, legal: Browser) -> None:
    """As a revision of its own, by its author, with reason and moment; the draft is then empty."""
    before = staffed.city.gate.engine.bundle.revision
    _keeps(legal, CITY, ALLOWED)
    answer = _posts(legal, "propose", reason=REASON, moment="2027-01-04T08:30")
    assert 303 == answer.status_code, answer.text
    found = staffed.city.state.lifecycle().store.get(answer.headers["Location"].rpartition("/")[2])
    assert found is not None
    assert ("draft", "editor", legal.made.account.id, REASON) == (
        found.state,
        found.origin,
        found.author,
        found.reason,
    )
    assert datetime(2027, 1, 4, 8, 30, tzinfo=UTC) == found.effective_at
    assert ALLOWED == staffed.city.state.lifecycle().files(found)[CITY]
    assert set() == _changed(legal)
    assert before == staffed.city.gate.engine.bundle.revision
    assert "policy.proposed" == staffed.city.events()[-1]["event"]


MISTAKES = {
    "an unknown name": (RULE, ("affirms(input.agency)", "affirms(agncy)"), "Nothing gives agncy a value"),
    "a misspelt setting": (
        RULE,
        ("affirms(input.agency)", "affirms(data.city.agncy)"),
        "looks at data.city.agncy, which does not exist",
    ),
    "no remedy": (RULE, ("#   review: none\n", ""), "does not say its review"),
    "a test that fails": (
        TEST,
        ("test_signed_today if", "test_signed_today if not"),
        "The test test_signed_today fails",
    ),
    "a case that fails": (
        CITY,
        ('"affirmation_max_age_days": 730', '"affirmation_max_age_days": 1'),
        "The case ",
    ),
    "data that breaks its schema": (CITY, ('"state": "IL"', '"state": 7'), "must be of type"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_first_version_with_a_mistake_is_refused(staffed: Staffed, legal: Browser, mistake: str) -> None:
    """File, line, what is wrong, what to do; nothing is proposed, and the draft and what was typed stay."""
    path, change, said = MISTAKES[mistake]
    assert change[0] in FILES[path]
    shown = opened(legal, path)
    form = form_of(shown)
    form["text"][form["path"].index(path)] = FILES[path].replace(*change, 1)
    legal.client.post(f"{DRAFT}/save", data=form)
    answer = _posts(legal, "propose", reason=REASON)
    assert 422 == answer.status_code
    assert said in answer.text
    assert re.search(
        r'<li><a href="[^"]+#line-\d+" data-path="[^"]+" data-line="\d+">[^<]+:\d+</a>', answer.text
    )
    assert 'class="console-cure"' in answer.text
    assert REASON in answer.text
    assert {path} == _changed(legal)
    assert 1 == len(staffed.city.state.lifecycle().store.all())


def test_a_provision_that_nothing_lists_is_refused(legal: Browser) -> None:
    """It would bind nobody: it is named, with what to do."""
    _keeps(legal, NEW, FILES[RULE].replace("sharing.affirmation", "sharing.quiet_hours"))
    answer = _posts(legal, "propose", reason=REASON)
    assert 422 == answer.status_code
    assert "not in .manifest, so nothing would require it" in answer.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"reason": "."}, "reason"),
        ({"reason": REASON, "moment": "soon"}, "moment"),
        ({"reason": REASON, "moment": "2027-01-04T08:30+01:00"}, "moment"),
        ({"reason": REASON, "moment": "2001-01-01T00:00"}, None),
    ],
)
def test_a_proposal_says_why_and_from_when(legal: Browser, typed: dict[str, str], field: str | None) -> None:
    """In a sentence, and by the city's clocks; not in the past."""
    _keeps(legal, CITY, ALLOWED)
    answer = _posts(legal, "propose", **typed)
    assert 422 == answer.status_code
    assert field is None or f'id="{field}-fault"' in answer.text
    assert {CITY} == _changed(legal)


def test_nothing_is_no_proposal(legal: Browser) -> None:
    """Nor is what was changed meanwhile in another window."""
    assert 422 == _posts(legal, "propose", version="0", reason=REASON).status_code
    _keeps(legal, CITY, ALLOWED)
    assert 409 == _posts(legal, "propose", version="7", reason=REASON).status_code
    assert {CITY} == _changed(legal)


def test_a_draft_over_an_older_law_is_not_proposed(staffed: Staffed, legal: Browser) -> None:
    """It would undo what became law meanwhile: it is taken in first."""
    _keeps(legal, CITY, ALLOWED)
    _moves(staffed, rule=FILES[RULE].replace("verified: false", "verified: true"))
    shown = legal.client.get(f"{DRAFT}/propose").text
    assert "Another law came into force" in shown
    assert 422 == _posts(legal, "propose", version="1", reason=REASON, form=_token(legal)).status_code
    assert {CITY} == _changed(legal)


def test_a_law_that_comes_into_force_while_it_is_examined(
    staffed: Staffed, legal: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examination takes seconds: what becomes law in them is not undone either."""
    _keeps(legal, CITY, ALLOWED)

    def meanwhile(*_: object, **__: object) -> Examined:
        _moves(staffed, rule=FILES[RULE].replace("verified: false", "verified: true"))
        return Examined(())

    monkeypatch.setattr(Examiner, "examine", meanwhile)
    assert 409 == _posts(legal, "propose", reason=REASON).status_code
    assert {"active", "superseded"} == {one.state for one in staffed.city.state.lifecycle().store.all()}
    assert {CITY} == _changed(legal)


def _token(browser: Browser) -> str:
    return browser.token(browser.client.get(DRAFT))


def test_the_citys_clocks() -> None:
    """A moment that they show twice is the first of the two."""
    zone = ZoneInfo("America/Chicago")
    assert (None, None) == _moment(" ", zone)
    assert (datetime(2027, 7, 1, 5, tzinfo=UTC), None) == _moment("2027-07-01T00:00", zone)
    assert (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), None) == _moment("2026-11-01T01:30", zone)
    assert _moment("2027-03-14T02:30", zone)[0] is None
