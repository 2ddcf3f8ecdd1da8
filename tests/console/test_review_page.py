"""The page of one request: what it says, what it explains, what it keeps back, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from gatekeeper.errors import KeyErased, LedgerUnavailable
from gatekeeper.exchange import asked
from gatekeeper.review.roles import Role
from gatekeeper.store.database import Database
from gatekeeper.store.tables import staff_sessions
from gatekeeper.web.console import pages
from gatekeeper.web.console.marks import LABELS, marked, typed_fields
from gatekeeper.web.console.sessions import FRESH
from gatekeeper.web.console.terms import TERMS
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, body

QUEUE = "/console/reviews"
WHY = "Compared with the report of the theft, page two."
TEMPLATES = Path(pages.__file__).parent / "templates"


def _page(browser: Browser, query: str) -> str:
    answer = browser.client.get(f"{QUEUE}/{query}")
    assert 200 == answer.status_code
    return answer.text


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


# --- What was typed. --------------------------------------------------------------------------------------


def test_matched_words_are_marked_in_every_field(staffed: Staffed) -> None:
    """Not only in the narrative; each class is explained in the words of the law's own data."""
    query = staffed.asked(
        purpose__category="criminal_investigation",
        purpose__offense="09A",
        purpose__narrative="HSI, homicide suspect",
        requester__unit="HSI task force",
        on_behalf_of={"agency": "sample-hsi-office", "component": "HSI", "person": "S. Agent"},
    )
    shown = _page(staffed.signed_in("records"), query)
    assert 3 <= shown.count("<mark>HSI</mark>")
    assert "Names of federal bodies that enforce immigration law" in shown
    assert "Murder and Nonnegligent Manslaughter" in shown


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], "a &lt;b&gt; c"),
        ([(2, 5, "x_y")], 'a <mark>&lt;b&gt;</mark> <span class="meaning">(x y)</span> c'),
        ([(2, 5, "x"), (3, 4, "y")], 'a <mark>&lt;b&gt;</mark> <span class="meaning">(x)</span> c'),
        ([(-1, 2, "x"), (5, 5, "x"), (4, 99, "x"), (6, 2, "x")], "a &lt;b&gt; c"),
        ([(0, 1, "<i>")], '<mark>a</mark> <span class="meaning">(&lt;i&gt;)</span> &lt;b&gt; c'),
    ],
)
def test_a_mark_never_lets_markup_through(spans: list[tuple[int, int, str]], expected: str) -> None:
    """Nor loses a letter, whatever positions it is given."""
    assert expected == str(marked("a <b> c", spans))


def test_what_was_replaced_or_added_later_stands_beside_what_was_said_first() -> None:
    """With the appeal that it came with; its matches are its own."""
    match: dict[str, Any] = {"class": "vague", "field": "statute#0", "start": 0, "end": 3, "term": "old"}
    words = {"statute": "old", "statute#0": "old", "narrative#2": "more", "document#2.0": "a.pdf"}
    found = [(t.name, t.appeal, str(t.text).startswith("<mark>")) for t in typed_fields(words, [match])]
    assert [
        ("statute", None, False),
        ("statute", 0, True),
        ("narrative", 2, False),
        ("document", 2, False),
    ] == found


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}"
TYPED: dict[str, Any] = {
    "purpose__narrative": f"investigation {EVIL}",
    "purpose__case_number": "<b>1</b>\"'>",
    "purpose__statute": f"{EVIL}"[:110],
    "requester__name": f"Pat {EVIL}"[:110],
    "requester__badge": "4411",  # any mark in it is final: no person ever reads one
    "requester__unit": f"{EVIL}"[:110],
    "on_behalf_of": {"agency": "<i>\"'>", "component": EVIL[:110], "person": EVIL[:110]},
    "legal_process": {
        "kind": "criminal_warrant",
        "form": EVIL[:110],
        "court": EVIL[:110],
        "judge": EVIL[:110],
        "number": "<u>\"'>",
        "statute": EVIL[:110],
        "document_sha256": "d" * 64,
    },
}


def test_what_an_agency_types_is_text_in_every_field(staffed: Staffed) -> None:
    """And in its own name: no markup of a caller's reaches a reader's browser."""
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE agencies SET name = '<script>alert(4)</script>'")
        connection.exec_driver_sql("UPDATE registry SET version = version + 1")
    query = staffed.asked(**TYPED)
    clerk = staffed.signed_in("records")
    clerk.does(query, "ask", reason=f"Which car is it? {EVIL}")
    clerk.does(query, "note", reason=f"Which car is it? {EVIL}")
    wrong = clerk.does(query, "ask", reason=EVIL + "x" * 2000)
    clerk.does(query, "uphold", reason=f"Nothing is said. {EVIL}")
    other = _page(staffed.signed_in("counsel"), staffed.asked())  # quotes the one before
    for shown in (_page(clerk, query), wrong.text, other):
        scripts = re.findall(r"<script\b[^>]*>", shown)
        assert ['<script src="/console/static/htmx/htmx.min.js" defer>'] == scripts
        assert not re.search(r"<(img|svg|b|i|u)\b", shown)
        assert "{{7*7}}" in shown or "49" not in shown
    assert "&lt;script&gt;alert(4)" in _page(clerk, query)


def test_every_typed_field_has_a_name(staffed: Staffed) -> None:
    """One that the screen reads and the page does not know would stand under a code."""
    typed = asked(staffed.city.gate, staffed.asked(**TYPED)).typed_words()
    assert typed.keys() | {"document", "legal_process.kind"} == LABELS.keys()


# --- What is explained. -----------------------------------------------------------------------------------


def _used() -> Iterator[str]:
    for template in TEMPLATES.rglob("*.html"):
        yield from re.findall(r'parts\.term\("(\w+)"\)', template.read_text("utf-8"))
    yield from ("affirmation", "declaration")  # in a loop over both


def test_every_term_on_a_page_is_explained_and_none_is_explained_for_nothing() -> None:
    """One table; each explanation is a sentence."""
    assert TERMS.keys() == set(_used())
    assert [] == [key for key, term in TERMS.items() if not term.meaning.endswith(".")]


@pytest.mark.parametrize(
    "term",
    ["ORI", "Affirmation", "Declaration", "Provision", "Offense", "Legal process", "Ledger entry", "Ruling"],
)
def test_a_term_of_the_trade_opens_where_it_stands(staffed: Staffed, term: str) -> None:
    """Without a script and with a key: it is a disclosure of the browser's own."""
    query = staffed.asked(
        legal_process={"kind": "criminal_warrant", "court": "Sample Court", "document_sha256": "d" * 64}
    )
    shown = _page(staffed.signed_in("records"), query)
    opens = f'<details class="console-term"><summary>{term}</summary><span class="console-meaning">'
    assert opens in shown


def test_a_provision_is_shown_with_its_rule_and_the_facts_it_judged(staffed: Staffed) -> None:
    """The text by which it decides, and what it looked at; typed words stand above, and once."""
    query = staffed.asked(purpose__case_number="n/a")
    shown = _page(staffed.signed_in("auditor"), query)
    text = _text(shown)
    assert "package sharing.case_number" in text
    assert "satisfied if" in text
    assert "words.case_number.plausible false" in text
    assert "purpose.case_number as typed, above" in text
    assert "text not yet compared by counsel" in text


def test_similar_rulings_are_quoted_with_their_reasons(staffed: Staffed) -> None:
    """The latest of the same provision: how they ended, by whom and why."""
    clerk = staffed.signed_in("records")
    upheld, met = staffed.asked(), staffed.asked()
    clerk.does(upheld, "uphold", reason="Nothing says what was stolen.")
    clerk.does(met, "rule", provision="stated_reason", reason=WHY)
    shown = _text(_page(clerk, staffed.asked()))
    assert "How it was ruled on before" in shown
    assert "upheld" in shown
    assert "“Nothing says what was stolen.”" in shown
    assert f"“{WHY}”" in shown


def test_what_else_was_asked_is_counted_without_the_plate(staffed: Staffed) -> None:
    """By this officer, and about this target by anybody: found by fingerprints."""
    staffed.city.ask(body())
    staffed.city.ask(body(requester__name="Another", requester__badge="7"))
    earlier, query = staffed.asked(), staffed.asked()
    shown = _page(staffed.signed_in("records"), query)
    officer, target = shown.split('id="by-officer"')[1].split('id="of-target"')
    assert "Permitted: 1 · Denied: 1" in _text(officer)
    assert "Permitted: 2 · Denied: 1" in _text(target)
    assert f'{QUEUE}/{earlier}"' in officer
    assert f'{QUEUE}/{query}"' not in officer + target.split("</section>")[0]
    assert PLATE not in shown


def test_the_decision_leads_to_its_entry_in_the_log(staffed: Staffed) -> None:
    """By its index."""
    query = staffed.asked()
    index = staffed.city.gate.ledger.entries_of(query)[0].index
    assert f'<a href="/console/ledger/{index}">{index}</a>' in _page(staffed.signed_in("auditor"), query)


# --- The plate. -------------------------------------------------------------------------------------------


def _viewed(staffed: Staffed) -> list[dict[str, Any]]:
    ledger = staffed.city.gate.ledger
    return [
        {name: opening["value"] for name, opening in ledger.detail_of(number).openings.items()}
        for number, entry in enumerate(staffed.city.events())
        if entry["event"] == "staff.viewed"
    ]


def test_a_plate_is_shown_once_to_who_says_why(staffed: Staffed) -> None:
    """On the answer to the form, after the log holds who and why; masked again on the next page."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    assert PLATE not in _page(clerk, query)
    answer = clerk.does(query, "unmask", reason=WHY)
    assert (200, True) == (answer.status_code, f">{PLATE}</strong>" in answer.text)
    assert "no-store" == answer.headers["Cache-Control"]
    assert PLATE not in _page(clerk, query)
    told = [v for v in _viewed(staffed) if v["what"] == "plate"]
    assert [(query, WHY, clerk.made.account.id)] == [(v["subject"], v["reason"], v["by"]) for v in told]
    assert [] == [e for e in staffed.city.events() if PLATE in str(e) or WHY in str(e)]


@pytest.mark.parametrize("reason", ["", ".", "because", "x" * 50, "1" * 20])
def test_a_plate_is_not_shown_for_no_reason(staffed: Staffed, reason: str) -> None:
    """What was typed comes back; nothing is in the log of it."""
    query = staffed.asked()
    answer = staffed.signed_in("records").does(query, "unmask", reason=reason)
    assert (422, False) == (answer.status_code, PLATE in answer.text)
    assert "plate" not in {v["what"] for v in _viewed(staffed)}


@pytest.mark.parametrize("role", ["auditor", "legal", "admin"])
def test_a_role_that_only_reads_sees_no_plate(staffed: Staffed, role: Role) -> None:
    """Whatever form it sends."""
    query = staffed.asked()
    browser = staffed.signed_in(role)
    token = browser.token(browser.client.get("/console/proof"))
    answer = browser.client.post(f"{QUEUE}/{query}/unmask", data={"form": token, "reason": WHY})
    assert (403, False) == (answer.status_code, PLATE in answer.text)


def test_a_plate_wants_a_fresh_proof(staffed: Staffed) -> None:
    """A browser left open since the morning shows none."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    past = staffed.city.gate.clock.now() - FRESH
    with staffed.city.state.database.write() as connection:
        connection.execute(update(staff_sessions).values(proved_at=past))
    answer = clerk.does(query, "unmask", reason=WHY)
    assert (403, False) == (answer.status_code, PLATE in answer.text)
    assert "plate" not in {v["what"] for v in _viewed(staffed)}


def test_if_the_log_does_not_take_it_the_plate_is_not_shown(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the entry, then the plate."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    page = clerk.client.get(f"{QUEUE}/{query}")

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(staffed.city.gate.ledger, "append", full)
    form = {"form": clerk.token(page), "reason": WHY}
    answer = clerk.client.post(f"{QUEUE}/{query}/unmask", data=form)
    assert (503, False) == (answer.status_code, PLATE in answer.text)


# --- What is not there, and what it costs. ----------------------------------------------------------------


def test_what_was_erased_is_said_to_be(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision and its provisions stay; nothing can be done about it any more."""
    query = staffed.asked()
    counsel = staffed.signed_in("counsel")
    version = counsel.version(counsel.client.get(f"{QUEUE}/{query}"))

    def erased(*_: object) -> None:
        raise KeyErased("gone")

    monkeypatch.setattr(staffed.city.gate.ledger, "opened", erased)
    shown = _text(_page(counsel, query))
    assert "has been erased at the end of the city's retention" in shown
    assert "The words say what happened" in shown
    for act in ("ask", "note", "uphold", "rule", "take_back", "unverify"):
        answer = counsel.does(query, act, reason=WHY, provision="stated_reason", version=version)
        assert answer.status_code in {404, 409}, act
    assert 409 == counsel.does(query, "unmask", reason=WHY).status_code
    assert "queued" == staffed.state(query)


def test_the_page_asks_the_database_as_often_with_many_requests_as_with_few(staffed: Staffed) -> None:
    """Few questions, and none that is asked once for each of something that grows."""
    clerk = staffed.signed_in("records")

    def cost(query: str) -> int:
        # What is looked up once a minute may fall into one of the two.
        return min(asked_for(query), asked_for(query))

    def asked_for(query: str) -> int:
        asked, database = [], staffed.city.state.database
        real = type(database).read

        def counted(self: Database, **options: Any) -> Any:
            asked.append(1)
            return real(self, **options)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(type(database), "read", counted)
            _page(clerk, query)
        return len(asked)

    for _ in range(4):
        clerk.does(staffed.asked(), "uphold", reason=WHY)
    query = staffed.asked()
    few = cost(query)
    for _ in range(6):
        clerk.does(staffed.asked(), "uphold", reason=WHY)
    assert (True, True) == (cost(query) <= few, few < 60), few
