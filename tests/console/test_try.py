"""Trying a request: what the law says of it, why, and what a candidate would say."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.app import application
from gatekeeper.errors import KeyErased, NotExplained
from gatekeeper.policy import shipped_policies
from gatekeeper.policy.layout import files_of
from gatekeeper.revisions.bench import Bench
from gatekeeper.revisions.explain import Explainer
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, City, body

TRY = "/console/policies/try"


@dataclass(frozen=True)
class Named:
    """A revision by its name."""

    id: str
    revision: str
    state: str
    tree: str = ""


@dataclass(frozen=True)
class Copy:
    """A working copy."""

    files: dict[str, str]

    @property
    def changes(self) -> dict[str, str | None]:
        """Return what was changed: all of it."""
        return {**self.files}


@dataclass
class Drawer:
    """Revisions and working copies, out of memory."""

    revisions: list[Named] = field(default_factory=list)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)

    def all(self) -> Sequence[Named]:
        """Return every revision."""
        return self.revisions

    def of(self, staff_id: str, /) -> Copy:
        """Return a person's working copy."""
        return Copy(self.own.get(staff_id, {}))


@pytest.fixture
def drawer(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> Drawer:
    """Return what the bench of the city tries requests on."""
    made = Drawer()
    bench = Bench(made, lambda revision: made.texts[revision.id], made)
    monkeypatch.setattr("gatekeeper.app.Bench", lambda *_: bench)
    city = staffed.city
    staffed.app = application(city.state, city.gate, city.tokens, lambda _: None)
    return made


def _files(**changes: str) -> dict[str, str]:
    files, faults = files_of(shipped_policies())
    assert [] == faults
    return {**files, **changes}


def _city(**settings: Any) -> dict[str, str]:
    document = json.loads(_files()["data/city.json"])
    return _files(**{"data/city.json": json.dumps(document | settings)})


def _form(answer: TestResponse) -> dict[str, str]:
    """Return what the form on a page says, as a browser would send it."""
    text = answer.text.split('action="/console/policies/try#result"')[1]
    typed = dict(re.findall(r'<input class="usa-input[^"]*"[^>]* name="(\w+)" value="([^"]*)"', text))
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        assert chosen is not None
        typed[name] = chosen[1]
    narrative = re.search(r"<textarea[^>]*>(.*?)</textarea>", text, re.DOTALL)
    assert narrative is not None
    return typed | {"narrative": narrative[1]}


def _tried(browser: Browser, **changes: str | list[str]) -> TestResponse:
    page = browser.client.get(TRY)
    return browser.client.post(TRY, data={"form": browser.token(page), **_form(page), **changes})


def _verdicts(answer: TestResponse) -> list[str]:
    return re.findall(r'console-verdict"><strong[^>]*>(\w+)<', answer.text)


def test_the_form_opens_with_a_request_that_is_permitted(staffed: Staffed) -> None:
    """Each provision is met, and what is owed is said with the rules that it comes from."""
    answer = _tried(staffed.signed_in("records"))
    assert 200 == answer.status_code
    assert ["permit"] == _verdicts(answer)
    assert "not met" not in answer.text
    assert "Why these obligations are owed" in answer.text
    assert "max records" in answer.text


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"agency_affirmed": "no"}, "affirm"),
        ({"narrative": "ICE hold on the driver"}, "immigration"),
        ({"case_number": "n/a"}, "case number"),
        ({"stopped": "yes"}, "stopped"),
        ({"agency_state": "wi"}, "declaration"),
        ({"accepted": "no"}, "attest"),
        ({"days_searched": "9"}, "search"),
        ({"officer_known": "suspended"}, "suspended"),
    ],
)
def test_one_changed_field_shows_its_effect(staffed: Staffed, changes: dict[str, str], title: str) -> None:
    """The reason comes with its citation, its remedy, and the statement that did not hold."""
    answer = _tried(staffed.signed_in("auditor"), **changes)
    assert ["deny"] == _verdicts(answer)
    assert title in answer.text.lower()
    assert "What would cure it:" in answer.text
    assert "console-unmet" in answer.text


def test_the_trace_is_in_plain_words(staffed: Staffed) -> None:
    """With the value that stood there, and what was never reached."""
    answer = _tried(staffed.signed_in("legal"), agency_status="suspended")
    said = re.sub(r"<[^>]+>|\s+", " ", answer.text)
    assert "the agency&#39;s standing (“suspended”) is “active”" in answer.text
    assert "not reached" in said


def test_words_are_marked_as_on_the_page_of_a_review(staffed: Staffed) -> None:
    """And what is typed is text, whatever it holds."""
    answer = _tried(staffed.signed_in("legal"), narrative="<b>ICE</b> hold & detainer")
    assert "&lt;b&gt;" in answer.text
    assert "<b>ICE" not in answer.text
    assert "<mark>" in answer.text


def test_a_ruling_counts_for_the_provision_that_it_names(staffed: Staffed) -> None:
    """A vague reason is permitted once staff have ruled on it, and another provision is not."""
    browser = staffed.signed_in("legal")
    vague = {"narrative": "investigation"}
    assert ["deny"] == _verdicts(_tried(browser, **vague))
    ruled = _tried(browser, **vague, ruling="staff", ruled=["stated_reason", "agreement"])
    assert "The reason" not in ruled.text or ["permit"] == _verdicts(ruled)


def test_a_registered_agency_asks_with_its_own_standing(staffed: Staffed) -> None:
    """What the form says of a made-up one does not matter then."""
    browser = staffed.signed_in("records")
    assert ["permit"] == _verdicts(_tried(browser, agency="sample-il-pd", agency_affirmed="no"))
    assert ["deny"] == _verdicts(_tried(browser, agency="nobody-such"))


def test_what_the_gate_cannot_read_is_told_at_its_field(staffed: Staffed) -> None:
    """All at once, each with a way to it; what was typed stands there still."""
    browser = staffed.signed_in("legal")
    answer = _tried(browser, plate="!!", offense="99Z", statute_state="Illinois", limit="0")
    assert 422 == answer.status_code
    for name in ("plate", "statute_state", "limit", "offense"):
        assert f'href="#{name}"' in answer.text
    assert 'value="!!"' in answer.text
    assert [] == _verdicts(answer)
    for changes in ({"first": "x"}, {"days_searched": "many"}, {"kind": "convoy"}, {"agency_state": "long"}):
        assert 422 == _tried(browser, **changes).status_code


def test_nothing_is_logged_of_a_request_that_is_made_up(staffed: Staffed) -> None:
    """It is kept nowhere, and nothing is fetched."""
    browser = staffed.signed_in("legal")
    before, asked = staffed.city.state.rows.head().size, len(staffed.city.reads.asked)
    assert 200 == _tried(browser).status_code
    assert (before, asked) == (staffed.city.state.rows.head().size, len(staffed.city.reads.asked))


# --- Under a candidate. -----------------------------------------------------------------------------------


def test_a_candidate_stands_beside_the_law_in_force(staffed: Staffed, drawer: Drawer) -> None:
    """What differs is marked, and said."""
    drawer.revisions = [
        Named("rev-1", "next+1", "checked"),
        Named("rev-2", "bad+2", "rejected"),
        Named("rev-3", "now+3", "active"),
    ]
    drawer.texts = {"rev-1": _city(most_days_searched=1), "rev-2": _files()}
    browser = staffed.signed_in("legal")
    page = browser.client.get(TRY)
    assert "next+1" in page.text
    assert "bad+2" not in page.text
    assert "now+3" not in page.text
    answer = _tried(browser, candidate="rev-1", days_searched="2")
    assert ["permit", "deny"] == _verdicts(answer)
    assert "The candidate decides this request otherwise." in answer.text
    assert 'class="console-differs"' in answer.text
    same = _tried(browser, candidate="rev-1", days_searched="1")
    assert ["permit", "permit"] == _verdicts(same)
    assert "Both say the same." in same.text


def test_a_rejected_revision_or_one_that_there_is_not_is_not_tried(staffed: Staffed, drawer: Drawer) -> None:
    """The law in force answers all the same."""
    drawer.revisions = [Named("rev-2", "bad+2", "rejected")]
    drawer.texts = {"rev-2": _files()}
    browser = staffed.signed_in("legal")
    for candidate in ("rev-2", "rev-9", "own", "<b>"):
        answer = _tried(browser, candidate=candidate)
        assert ["permit"] == _verdicts(answer)
        assert "there is no such revision to try any more" in answer.text


def test_obligations_that_differ_are_marked(staffed: Staffed, drawer: Drawer) -> None:
    """Both permit; what leaves is not the same."""
    drawer.revisions = [Named("rev-1", "next+1", "draft")]
    limits = json.loads(_files()["data/city.json"])["limits"]
    limits["plate"]["records"] = 7
    drawer.texts = {"rev-1": _city(limits=limits)}
    answer = _tried(staffed.signed_in("legal"), candidate="rev-1", limit="5")
    assert "Both say the same." in answer.text
    drawer.texts = {"rev-1": _city(reads_kept_days=3)}
    answer = _tried(staffed.signed_in("legal", name="L Two"), candidate="rev-1", limit="5")
    assert "Both permit this request, and oblige the city differently." in answer.text


def test_a_working_copy_that_is_no_law_says_why(staffed: Staffed, drawer: Drawer) -> None:
    """Every fault, as the load names it; only its own person is offered it."""
    browser, other = staffed.signed_in("legal"), staffed.signed_in("counsel")
    drawer.own = {browser.made.account.id: _files(**{"data/city.json": "{"})}
    answer = _tried(browser, candidate="own")
    assert ["permit"] == _verdicts(answer)
    assert "This is not yet a law that could be tried:" in answer.text
    assert "data/city.json" in answer.text
    assert "your working copy" not in other.client.get(TRY).text


# --- A past request. --------------------------------------------------------------------------------------


def _permitted(city: City) -> str:
    return str(json.loads(city.ask(body()).body)["query_id"])


def test_a_past_request_is_asked_again_with_its_recorded_facts(staffed: Staffed) -> None:
    """Its plate is not shown, and that it was opened is in the log before the page."""
    query_id = staffed.asked()
    browser = staffed.signed_in("auditor")
    led = browser.client.get(f"{TRY}?query={query_id}")
    assert (303, f"{TRY}/{query_id}?candidate=") == (led.status_code, led.headers["Location"])
    answer = browser.client.get(led.headers["Location"])
    assert ["deny"] == _verdicts(answer)
    assert "investigation" in answer.text
    assert PLATE not in answer.text
    assert "staff.viewed" == staffed.city.events()[-1]["event"]


def test_a_past_request_is_asked_under_a_candidate_with_the_candidates_lexicon(
    staffed: Staffed, drawer: Drawer
) -> None:
    """A word that the candidate adds is found in what was typed then."""
    document = json.loads(_files()["data/lexicon.json"])
    document["classes"]["immigration_enforcement"]["terms"]["en"].append("zebra operation")
    drawer.revisions = [Named("rev-1", "next+1", "replayed")]
    drawer.texts = {"rev-1": _files(**{"data/lexicon.json": json.dumps(document)})}
    query_id = staffed.asked(purpose__narrative="investigation of the Z3bra operation")
    answer = staffed.signed_in("legal").client.get(f"{TRY}/{query_id}?candidate=rev-1")
    assert ["deny", "deny"] == _verdicts(answer)
    assert "The candidate denies this request too, for other reasons." in answer.text


def test_a_past_permit_opens_only_to_who_judges_samples(staffed: Staffed) -> None:
    """Nobody else sees what was asked in a request that nobody reviews; who may not is not in the log."""
    query_id = _permitted(staffed.city)
    size = staffed.city.state.rows.head().size
    for role in ("records", "auditor", "admin"):
        browser = staffed.signed_in(role)
        assert 403 == browser.client.get(f"{TRY}/{query_id}").status_code
    assert "staff.viewed" not in [event["event"] for event in staffed.city.events()[size:]]
    assert ["permit"] == _verdicts(staffed.signed_in("legal").client.get(f"{TRY}/{query_id}"))


def test_a_past_request_that_there_is_not_is_missing(staffed: Staffed) -> None:
    """Also one that is no id, or an entry of something else."""
    browser = staffed.signed_in("legal")
    for query_id in ("q_none", "x" * 500, "..%2f", "event_1"):
        assert 404 == browser.client.get(f"{TRY}/{query_id}").status_code


def test_what_was_erased_is_said_to_be(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision stays; nothing is asked again, because nothing is guessed."""
    query_id = staffed.asked()
    browser = staffed.signed_in("legal")

    def erased(*_: object) -> None:
        raise KeyErased("gone")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "opened", erased)
    answer = browser.client.get(f"{TRY}/{query_id}")
    assert 200 == answer.status_code
    assert "has been erased" in answer.text
    assert [] == _verdicts(answer)


def test_an_explanation_that_takes_too_long_leaves_the_verdict(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so."""

    def late(*_: object) -> None:
        raise NotExplained("late")

    monkeypatch.setattr(Explainer, "explain", late)
    answer = _tried(staffed.signed_in("legal"))
    assert ["permit"] == _verdicts(answer)
    assert "It took too long to find out why." in answer.text
