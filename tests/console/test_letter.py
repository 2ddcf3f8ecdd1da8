"""The denial letter: one source, a page and a paper, and nothing private in either."""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.web.console.letter_words import Block, html
from tests.console.conftest import Staffed
from tests.exchange.appeals import AGENCY, Denied, facts
from tests.exchange.city import PLATE, body
from tests.exchange.paper_text import words

PRIVATE = (PLATE, "25-77777", "Pat Example", "4411", "zebra", "cam-", "Auto theft")


def _letter(staffed: Staffed, denied: Denied, query: str = "", **headers: str) -> TestResponse:
    return staffed.app.test_client().get(
        f"/v1/queries/{denied.query_id}/letter{query}",
        headers={"Authorization": staffed.city.header(AGENCY), **headers},
    )


def _plain(page: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    for entity, sign in (("&#39;", "'"), ("&#34;", '"'), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return " ".join(text.split())


def _denied(staffed: Staffed, **changes: Any) -> Denied:
    return Denied.of(staffed.city, **(changes or {"purpose__narrative": "investigation"}))


def test_page_and_paper_say_the_same_and_name_law_cure_and_proof(staffed: Staffed) -> None:
    """Each provision with citation, message and remedy; what to do next; the entry that proves it."""
    denied = _denied(staffed)
    entry = [e for e in staffed.city.gate.ledger.entries_of(denied.query_id) if e.event == "query.decided"][
        -1
    ]
    page, paper = _letter(staffed, denied), _letter(staffed, denied, "?format=pdf")
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["Content-Type"])
    assert (200, "application/pdf") == (paper.status_code, paper.headers["Content-Type"])
    provision = staffed.city.gate.engine.bundle.catalogue["stated_reason"]
    for said in (_plain(page.text), words(paper.data)):
        squeezed = "".join(said.split())
        for told in (
            provision.title,
            provision.citation,
            provision.message,
            provision.remedy,
            f"Entry: {entry.index}",
            entry.leaf_hash.hex(),
            staffed.city.gate.engine.bundle.revision,
            f"/v1/queries/{denied.query_id}/appeal",
            "The request is before the city's records staff.",
        ):
            assert "".join(told.split()) in squeezed, told


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_nothing_private_is_in_it(staffed: Staffed, form: str) -> None:
    """No plate, word, officer, case number or camera; also after words were added."""
    denied = _denied(staffed, purpose__narrative="zebra investigation", purpose__case_number="25-77777")
    denied.answered(facts() | {"message": "Pat Example asks again about the zebra"})
    given = _letter(staffed, denied, f"?format={form}")
    said = "".join((_plain(given.text) if form == "html" else words(given.data)).split())
    assert "".join(denied.query_id.split()) in said
    for private in PRIVATE:
        assert "".join(private.split()) not in said, private


def test_the_law_is_quoted_in_its_own_language(staffed: Staffed) -> None:
    """A Spanish letter says so, and marks what is English in it."""
    denied = _denied(staffed)
    page = _letter(staffed, denied, "?lang=es")
    assert "es" == page.headers["Content-Language"]
    assert '<html lang="es">' in page.text
    provision = staffed.city.gate.engine.bundle.catalogue["stated_reason"]
    assert f'<h3 lang="en">{provision.title}</h3>' in page.text
    assert '<html lang="es">' in _letter(staffed, denied, **{"Accept-Language": "es-MX,es;q=0.9"}).text
    assert '<html lang="en">' in _letter(staffed, denied, "?lang=en", **{"Accept-Language": "es"}).text
    assert b"/Lang (es)" in _letter(staffed, denied, "?lang=es&format=pdf").data


def test_the_form_is_asked_for_by_header_or_by_name(staffed: Staffed) -> None:
    """What is asked for by name counts more; whoever says nothing gets a page."""
    denied = _denied(staffed)
    for accept, query, media in (
        ("", "", "text/html"),
        ("*/*", "", "text/html"),
        ("application/pdf", "", "application/pdf"),
        ("application/pdf;q=0.5, text/html", "", "text/html"),
        ("application/pdf", "?format=html", "text/html"),
        ("image/png", "", "text/html"),
    ):
        given = _letter(staffed, denied, query, **({"Accept": accept} if accept else {}))
        assert media == given.mimetype, accept
    for query in ("?format=docx", "?lang=fr", "?format=pdf&format=html", "?x=1"):
        assert 422 == _letter(staffed, denied, query).status_code


def test_the_page_is_whole_by_itself_and_runs_nothing(staffed: Staffed) -> None:
    """Headings in order, one main, a print style; nothing from elsewhere, nothing framed or kept."""
    given = _letter(staffed, _denied(staffed))
    policy = given.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "no-store" == given.headers["Cache-Control"]
    assert not re.search(r"<script|<link|src=|style=|href=", given.text)
    assert ["1", "2", "3", "2", "2"] == re.findall(r"<h(\d)", given.text)
    assert 1 == given.text.count("<main>")
    assert "@media print" in given.text


def test_equal_letters_are_equal_bytes_with_title_and_date_of_the_decision(staffed: Staffed) -> None:
    """What is printed tomorrow is what was sent today."""
    denied = _denied(staffed)
    first, second = (_letter(staffed, denied, "?format=pdf").data for _ in range(2))
    assert first == second
    assert b"/DisplayDocTitle true" in first
    assert len(first) < 100_000
    assert staffed.city.events()[0]["hour"][:10].replace("-", "").encode() in first


STATES = {
    "needs_information": ("review.asked", "asked you for something"),
    "escalated": ("review.escalated", "before the city's counsel"),
    "upheld": ("review.ruled", "let the denial stand"),
    "withdrawn": ("review.withdrawn", "The review is over"),
}


@pytest.mark.parametrize("state", STATES)
def test_what_to_do_next_follows_the_review(staffed: Staffed, state: str) -> None:
    """Whoever waits for nobody is not told to wait."""
    denied = _denied(staffed)
    event, told = STATES[state]
    denied.moved(state, event)
    said = _plain(_letter(staffed, denied).text)
    assert told in said
    assert (state == "withdrawn") is ("/appeal" not in said)


def test_a_final_denial_says_that_nobody_may_rule(staffed: Staffed) -> None:
    """And where to ask anew."""
    said = _plain(_letter(staffed, _denied(staffed, purpose__category="civil_immigration")).text)
    assert "Nobody may rule on it" in said
    assert "No person reviews the request." in said
    assert "/appeal" not in said


def test_only_a_denial_of_the_agency_itself_has_a_letter(staffed: Staffed) -> None:
    """Another's id as an unknown one; a permit, a dry run: 409."""
    denied = _denied(staffed)
    client = staffed.app.test_client()
    path = f"/v1/queries/{denied.query_id}/letter"
    other = client.get(path, headers={"Authorization": staffed.city.header("sample-wi-pd")})
    unknown = _letter(staffed, Denied(staffed.city, "q_none"))
    assert (404, 404) == (other.status_code, unknown.status_code)
    assert other.json is not None
    assert unknown.json is not None
    assert {**other.json, "request_id": ""} == {**unknown.json, "request_id": ""}
    assert 401 == client.get(path).status_code
    permitted = Denied(staffed.city, staffed.city.ask(body()).query_id)
    dry = Denied(staffed.city, staffed.city.ask(body(purpose__case_number="n/a"), dry_run=True).query_id)
    assert (409, 409) == (_letter(staffed, permitted).status_code, _letter(staffed, dry).status_code)


def test_staff_read_the_same_letter(staffed: Staffed) -> None:
    """In the console's language, or the one asked for; nobody else's eyes are needed for it."""
    denied = _denied(staffed)
    auditor = staffed.signed_in("auditor").client
    path = f"/console/reviews/{denied.query_id}/letter"
    assert _letter(staffed, denied).data == auditor.get(path).data
    assert _letter(staffed, denied, "?format=pdf").data == auditor.get(f"{path}?format=pdf").data
    assert '<html lang="es">' in auditor.get(f"{path}?lang=es").text
    for query in ("?format=x", "?lang=x"):
        assert 404 == auditor.get(path + query).status_code
    assert 404 == auditor.get("/console/reviews/q_none/letter").status_code


def test_what_a_registry_says_is_text() -> None:
    """An agency's name is set as it is, and runs nothing."""
    page, _ = html((Block("title", "<script>alert(1)</script>"), Block("item", "&<b>")), "en")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
