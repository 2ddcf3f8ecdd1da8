"""Three denied requests from end to end on the demo: a warrant, a denial that stands, two of counsel.

Staff use Chromium, by mouse and by keyboard; the agency uses a client that other people wrote. Every page on
the way is examined by axe, at the width that its reader has. GATEKEEPER_TEST_PICTURES names a directory for
pictures of the pages.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests
from requests_oauthlib import OAuth2Session

from gatekeeper.web.console.languages import translations
from tests.browser.chromium import Chromium, Tab
from tests.browser.town import Town, sign_in
from tests.exchange.paper_text import words
from tests.exchange.papers import pdf
from tests.http.test_clients import assert_cited, assert_logged, oauthlib_session
from tests.servers.gate import RunningGate, running_gate, small_city

pytestmark = pytest.mark.needs("chromium")

PATIENCE_SECONDS = 20
WIDE, PHONE = 1200, 360


@dataclass
class Agency:
    """A partner agency, by requests-oauthlib alone."""

    session: OAuth2Session
    gate: RunningGate
    plate: str = ""

    def denied(self, **changes: Any) -> dict[str, Any]:
        """Ask what is denied; return the denial."""
        body = self.gate.body(**({"purpose__category": "criminal_investigation"} | changes))
        self.plate = body["query"]["plate"]
        answer = self._send("POST", "", json=body)
        assert 403 == answer.status_code, answer.text
        denial: dict[str, Any] = answer.json()
        return denial

    def reads(self, query: str) -> dict[str, Any]:
        """Read where the review stands."""
        answer = self._send("GET", f"/{query}")
        assert 200 == answer.status_code, answer.text
        review: dict[str, Any] = answer.json()["review"]
        return review

    def appeals(self, query: str, message: str, **more: Any) -> requests.Response:
        """Appeal, with facts and documents."""
        return self._send(
            "POST", f"/{query}/appeal", json={"message": message, "facts": {}, "documents": []} | more
        )

    def fetches(self, query: str) -> requests.Response:
        """Ask for the records."""
        return self._send("GET", f"/{query}/records")

    def letter(self, query: str, form: str, language: str) -> requests.Response:
        """Get the denial as a letter."""
        answer = self._send("GET", f"/{query}/letter", params={"format": form, "lang": language})
        assert 200 == answer.status_code, answer.text
        return answer

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        url = f"{self.gate.base_url}/v1/queries{path}"
        answer: requests.Response = self.session.request(method, url, timeout=PATIENCE_SECONDS, **options)
        return answer


@dataclass
class Person:
    """One of the staff before a screen, who reads one language."""

    tab: Tab
    base: str
    language: str
    width: int

    def words(self, text: str) -> str:
        """Return a text of the console as this person reads it."""
        return translations(self.language).gettext(text)

    def reads(self, *told: str, name: str) -> str:
        """See that the page says all this, and that nothing is wrong with it."""
        directory = os.environ.get("GATEKEEPER_TEST_PICTURES")
        if directory:
            Path(directory).mkdir(parents=True, exist_ok=True)
            for width in {self.width, PHONE}:
                self.tab.picture(Path(directory) / f"{name}-{self.language}-{width}.png", width)
        said, facts = self.tab.text(), self.tab.facts()
        for text in told:
            assert _plain(self.words(text)) in _plain(said), (text, said)
        assert [] == self.tab.axe(), name
        assert [] == facts["complaints"], name
        assert [] == [*self.tab.overflow(self.width), *self.tab.overflow(PHONE)], name
        assert self.language == facts["lang"]
        return said

    def opens(self, query: str) -> None:
        """Find a request in the queue and open it."""
        self.tab.open(f"{self.base}/console/reviews")
        assert self.tab.follow(to=query).endswith(query)

    def finds_by_keys(self, query: str) -> None:
        """Find a request in the queue and open it, without a mouse."""
        self.tab.open(f"{self.base}/console/reviews")
        before = ""
        while not (here := self.tab.key("j")).endswith(query):
            assert before != here, "the request is not in the queue"
            before = here
        self.tab.key("o", leads=True)

    def does(self, act: str, question: str, reason: str) -> None:
        """Unfold an act, say why, and press its button, which has the act's name."""
        self.tab.unfold(self.words(act))
        self.tab.fill(self.words(question), reason)
        self.tab.press(self.words(act))

    def rules(self, reason: str) -> None:
        """Confirm a ruling after what the policy answers was read."""
        self.tab.fill(self.words("Why is it met, although the policy could not tell?"), reason)
        self.tab.press(self.words("Rule that it is met"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a demo in which nothing has happened yet."""
    place = tmp_path_factory.mktemp("paths")
    with running_gate(place / "city", reads=small_city(place)) as gate:
        yield Town(gate)


@pytest.fixture(scope="module")
def staff(browser: Chromium, demo: Town) -> Callable[..., Person]:
    """Return who signs one of the staff in, once each: a code counts once in half a minute."""

    @cache
    def signed_in(role: str, which: int, language: str, width: int) -> Person:
        tab = browser.tab(language=f"{language}-US", width=width)
        sign_in(tab, demo, demo.person(role, which), language)
        return Person(tab, demo.gate.base_url, language, width)

    def person(role: str, which: int = 0, language: str = "en", width: int = WIDE) -> Person:
        return signed_in(role, which, language, width)

    return person


@pytest.fixture
def agency(demo: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agency]:
    """Return an affirmed police department of the city's own state."""
    with oauthlib_session(demo.gate, monkeypatch) as session:
        yield Agency(session, demo.gate)


MISSING = "Please send the warrant itself, with the judge's name on it."
SEEN = "Compared with the court's own copy, the seal and the signature are on page one."
FILED = "The call to the dispatcher is on record, the number follows."
WARRANT = pdf("Sample criminal warrant 26-CR-0001, signed by Judge J. Sample (made up)")
READ = {
    "court": "Sample County Circuit Court",
    "judge": "J. Sample",
    "number": "26-CR-0001",
    "statute": "720 ILCS 5/9-1",
}


def test_a_warrant_that_was_missing(demo: Town, agency: Agency, staff: Callable[..., Person]) -> None:
    """Asked for, sent in an appeal, verified; what no paper cures is ruled on; then the policy permits."""
    denial = agency.denied(
        purpose__narrative="HSI, homicide suspect",
        purpose__offense="09A",
        purpose__case_number="n/a",
        on_behalf_of={"agency": "hsi-sample-office", "component": "HSI", "person": "S. Agent"},
    )
    query = denial["query_id"]
    assert ({"federal_component", "case_number"}, "queued") == (_codes(denial), denial["review"]["state"])
    for code in _codes(denial):
        assert_cited(denial, code)
    assert_logged(denial["receipt"], demo.gate, "query.decided")

    clerk = staff("records")
    clerk.finds_by_keys(query)
    why = [p[part] for p in denial["decision"]["provisions"] for part in ("title", "citation", "remedy")]
    shown = clerk.reads("suspect", "denies it", "Staff may rule.", *why, name="1-denied")
    assert agency.plate not in shown
    clerk.tab.press("Assign to me")
    clerk.does("Ask the agency", "What is missing?", MISSING)
    clerk.reads("needs information", MISSING, "Assigned to: me", name="1-asked")

    review = agency.reads(query)
    assert ("needs_information", MISSING) == (review["state"], review["messages"][-1]["message"])
    assert "records_staff" == review["messages"][-1]["from"]
    process = {"kind": "criminal_warrant", **READ, "document_sha256": hashlib.sha256(WARRANT).hexdigest()}
    document = {
        "name": "warrant.pdf",
        "media_type": "application/pdf",
        "content_base64": b64encode(WARRANT).decode(),
    }
    added = agency.appeals(
        query, "The warrant is attached.", facts={"legal_process": process}, documents=[document]
    )
    assert (202, "queued") == (added.status_code, added.json()["review"]["state"])
    assert 403 == agency.fetches(query).status_code  # a claim so far

    clerk.opens(query)
    clerk.tab.unfold("Verify the legal process")
    clerk.reads("The warrant is attached.", "warrant.pdf", "a claim so far", name="1-appealed")
    clerk.tab.choose("warrant.pdf")
    clerk.tab.choose("I saw the signature of a judge on it")
    clerk.tab.fill("Where and how did you see it?", SEEN)
    clerk.tab.press("Record the verification")
    clerk.reads("Nothing was done", "Court: Write what you read on the paper", name="1-fault")
    for label, text in READ.items():
        clerk.tab.fill(label.capitalize(), text)
    clerk.tab.press("Record the verification")
    clerk.reads("met now", "one provision is not met", SEEN, name="1-verified")
    assert 403 == agency.fetches(query).status_code

    clerk.tab.press("See what the policy would answer")
    clerk.reads("With your ruling, the policy permits the request", name="1-outlook")
    clerk.rules(FILED)
    clerk.reads("permits it", "permitted until", FILED, name="1-permitted")

    assert "permitted" == agency.reads(query)["state"]
    _released(agency, query)
    assert demo.gate.command("ledger", "verify").stdout.startswith("consistent: ")


STANDS = "The report names no vehicle; nothing ties the plate to a crime."
PRIVATE = ("Pat Example", "4411", "Auto theft", "25-77777", "zebra")


@pytest.mark.parametrize(("language", "width"), [("en", WIDE), ("es", PHONE)])
@pytest.mark.usefixtures("demo")
def test_a_denial_that_stands(
    agency: Agency, staff: Callable[..., Person], language: str, width: int
) -> None:
    """The agency reads why and gets the letter, as staff do; it can appeal what stands once."""
    query = agency.denied(purpose__narrative="zebra", purpose__case_number="25-77777")["query_id"]
    clerk = staff("records", int(language != "en"), language, width)
    clerk.tab.open(f"{clerk.base}/console/reviews")
    clerk.reads("Reviews", name="2-queue")
    clerk.opens(query)
    clerk.reads("Why it was denied, and what would cure it", "The denial as a letter", name="2-denied")
    clerk.does("Let the denial stand", "Why does it stand?", ".")
    clerk.reads("Nothing was done", name="2-fault")
    clerk.does("Let the denial stand", "Why does it stand?", STANDS)
    clerk.reads("upheld", STANDS, name="2-upheld")

    review = agency.reads(query)
    assert ("upheld", STANDS) == (review["state"], review["messages"][-1]["message"])
    private = (*PRIVATE, agency.plate)
    for code in ("en", "es"):
        page = agency.letter(query, "html", code)
        paper = agency.letter(query, "pdf", code)
        assert ("%PDF-", code) == (paper.content[:5].decode(), page.headers["Content-Language"])
        for said in (_untagged(page.text), words(paper.content)):
            assert _squeezed(query) in _squeezed(said)
            stands = "That can be appealed once." if code == "en" else "se puede apelar una vez"
            assert _squeezed(stands) in _squeezed(said)
            assert [] == [word for word in private if _squeezed(word) in _squeezed(said)]
    clerk.tab.follow(clerk.words("The denial as a letter"))
    clerk.reads("What you can do next, and by when", name="2-letter")

    again = agency.appeals(query, "The vehicle is on page two of the report.")
    assert (202, "queued") == (again.status_code, again.json()["review"]["state"])
    clerk.opens(query)
    clerk.reads("queued", "The vehicle is on page two of the report.", name="2-appealed")
    clerk.does("Let the denial stand", "Why does it stand?", STANDS)
    assert 409 == agency.appeals(query, "Once more.").status_code
    assert (403, "upheld") == (agency.fetches(query).status_code, agency.reads(query)["state"])


GRAVE = "child abuse, mother was pregnant and left the state"
LEGAL = "A charge of assault, but the words could mean another thing."
RULED = "Read the complaint: the father is charged with assault, no care is meant."


def test_two_of_counsel(agency: Agency, staff: Callable[..., Person]) -> None:
    """One rules and nothing leaves; the same person is no second; another rules and the policy permits."""
    denial = agency.denied(purpose__narrative=GRAVE, purpose__offense="90Z")
    query = denial["query_id"]
    assert {"restrictive_law"} == _codes(denial)
    clerk, first, second = staff("records"), staff("counsel"), staff("counsel", 1)

    clerk.finds_by_keys(query)
    clerk.reads("Counsel may rule.", name="3-denied")
    clerk.tab.focus("Hand to counsel")
    for key in ("Enter", "Tab"):
        clerk.tab.key(key)
    clerk.tab.types(LEGAL)
    assert "Hand to counsel" == clerk.tab.key("Tab")
    clerk.tab.key("Enter", leads=True)
    clerk.reads("escalated", LEGAL, name="3-escalated")
    assert ("escalated", 403) == (agency.reads(query)["state"], agency.fetches(query).status_code)
    assert LEGAL not in json.dumps(agency.reads(query))

    first.opens(query)
    first.reads(LEGAL, "two different people", name="3-counsel")
    first.tab.press("See what the policy would answer")
    first.reads("still denies the request", "A second person is needed.", name="3-outlook-one")
    first.rules(RULED)
    first.reads(
        "waits for a second person", "A ruling waits for a second person.", "Now a second", name="3-waits"
    )
    again = first.tab.open(f"{first.base}/console/reviews/{query}/rule?provision=restrictive_law")
    assert 404 == again["status"]
    assert (403, "escalated") == (agency.fetches(query).status_code, agency.reads(query)["state"])

    second.finds_by_keys(query)
    second.reads("waits for a second person", name="3-second")
    second.tab.press("See what the policy would answer")
    second.reads("With your ruling, the policy permits the request", name="3-outlook-two")
    second.rules(RULED)
    second.reads("permits it", name="3-permitted")
    assert "permitted" == agency.reads(query)["state"]
    _released(agency, query)


def _released(agency: Agency, query: str) -> None:
    """See that the agency gets records now, and a receipt that holds without the gate."""
    given = agency.fetches(query)
    assert 200 == given.status_code, given.text
    assert given.json()["records"]
    assert_logged(given.json()["receipt"], agency.gate, "query.released")
    assert query == json.loads(given.json()["receipt"]["entry"])["ref"]


def _codes(denial: dict[str, Any]) -> set[str]:
    return {provision["code"] for provision in denial["decision"]["provisions"]}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _untagged(page: str) -> str:
    return unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))


def _squeezed(text: str) -> str:
    return "".join(text.split())
