"""What an agency adds to a denied query: what it cures, what it never does, and all that is refused."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.cli import agency
from gatekeeper.errors import (
    AppealRefused,
    GatekeeperError,
    IdempotencyInFlight,
    IdempotencyMismatch,
    InsufficientScope,
    InvalidCursor,
    InvalidRequest,
    LedgerUnavailable,
    MalformedBody,
    PolicyUnavailable,
    Unauthenticated,
    UnknownQuery,
)
from gatekeeper.exchange import appeal as appeals
from gatekeeper.exchange import asked, further_records, judge, log, reconsider, status_of
from gatekeeper.exchange.appeal import MAX_APPEAL_BYTES
from gatekeeper.exchange.documents import fetched
from gatekeeper.exchange.parse import appealed, read_again
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.status import review_json
from gatekeeper.oversight import stops
from gatekeeper.store import Stop, administration
from tests.exchange.appeals import AGENCY, MESSAGE, Denied, facts
from tests.exchange.city import City, body
from tests.exchange.papers import pdf, picture, sent

WARRANT = {
    "kind": "search_warrant",
    "form": None,
    "court": "Sample County Circuit Court",
    "judge": "Robin Sample",
    "number": "26-SW-001",
    "statute": "725 ILCS 5/108-3",
    "issued_on": "2026-11-20",
    "document_sha256": None,
}


def _codes(answer: dict[str, Any]) -> set[str]:
    return {provision["code"] for provision in answer["decision"].get("provisions", [])}


# --- What it does. ----------------------------------------------------------------------------------------


def test_a_missing_fact_cures_and_the_agency_fetches(city: City) -> None:
    """The law permits by itself; nobody need look; nothing is released by the appeal, all by the fetch."""
    denied = Denied.of(city)
    before = len(city.reads.asked)
    answer = denied.answered(facts(case_number="25-10494"))
    assert "permit" == answer["decision"]["outcome"]
    assert before == len(city.reads.asked)
    assert "records" not in answer
    assert {
        "state": "permitted",
        "due": None,
        "url": f"/v1/queries/{denied.query_id}",
        "records": f"/v1/queries/{denied.query_id}/records",
    } == answer["review"]
    given = denied.records()
    assert (200, "permit") == (given.status, given.outcome)
    events = [e["event"] for e in city.events() if e["ref"] == denied.query_id]
    assert [
        "query.decided",
        "review.answered",
        "query.decided",
        "query.decided",
        "query.released",
    ] == events


def test_the_state_is_no_licence(city: City) -> None:
    """The review says permitted; the agency is suspended since: the fetch is decided anew, and denied."""
    denied = Denied.of(city)
    denied.answered(facts(case_number="25-10494"))
    agency._set_status(city.state.settings.data, AGENCY, "suspended", "made-up reason")
    given = denied.records()
    assert (403, "deny") == (given.status, given.outcome)
    assert "agency_standing" in given.provisions


def test_what_the_review_says_ends_after_72_hours(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to remember a permission for ever: it ends by itself, and then wants a new query."""
    denied = Denied.of(city)
    denied.answered(facts(case_number="25-10494"))
    assert "permitted" == denied.status()["review"]["state"]
    assert denied.status()["review"]["valid_until"] is not None
    real = city.gate.clock.now_ms
    monkeypatch.setattr(type(city.gate.clock), "now_ms", lambda _: real() + (72 * 3600 + 1) * 1000)
    late = review_json(
        city.gate.queries,
        city.gate.engine.bundle.written,
        denied.query_id,
        AGENCY,
        city.gate.clock.now(),
    )
    assert {"state": "expired", "due": None, "valid_until": None} == late
    now = int(city.gate.clock.now().timestamp())
    shown = city.presented(AGENCY, iat=now, exp=now + 300)
    with pytest.raises(InvalidCursor):
        further_records(city.gate, shown, denied.query_id)
    assert [] == [e for e in city.events() if e["event"] == "query.released"]


def test_what_is_not_cured_waits_for_a_person(city: City) -> None:
    """A vague reason is not made good by more words: staff read them, and rule."""
    denied = Denied.of(city, purpose__narrative="investigation")
    denied.moved("needs_information")
    answer = denied.answered(facts() | {"message": "Stolen blue sedan, taken from Sample Avenue overnight"})
    assert ("deny", {"stated_reason"}) == (answer["decision"]["outcome"], _codes(answer))
    assert ("queued", None) == (answer["review"]["state"], answer["review"]["records"])
    assert answer["review"]["due"] is not None
    assert "queued" == denied.review.state
    with pytest.raises(AssertionError):
        assert 200 == denied.records().status


def test_a_new_reason_to_deny_can_be_ruled_on_and_found_in_the_queue(city: City) -> None:
    """The review names what denies it by now, beside what denied it first."""
    denied = Denied.of(city)
    denied.answered(facts(offense="09A"))
    assert {"case_number", "agreement"} <= set(denied.review.provisions)
    denied.ruled("agreement", asked(city.gate, denied.query_id).digest, "queued")
    # Its places in the queue move with it.
    denied.moved("upheld", "review.ruled")
    assert "upheld" == denied.review.state


def test_a_paper_comes_with_its_document_and_both_are_kept(city: City) -> None:
    """The document's hash is what the request then names, and what staff open is what was sent."""
    denied, document = Denied.of(city, purpose__narrative="investigation"), sent()
    hashed = _sha256(pdf())
    answer = denied.answered(
        facts(legal_process=WARRANT | {"document_sha256": hashed}) | {"documents": [document]}
    )
    query = asked(city.gate, denied.query_id)
    assert query.legal_process is not None
    assert hashed == query.legal_process.document_sha256
    (kept,) = city.gate.documents.of(denied.query_id)
    _, opened = fetched(city.gate.documents, city.gate.keys, kept.id)
    assert (hashed, pdf()) == (kept.sha256, opened.content)
    shown = denied.status()["review"]["documents"]
    assert [("warrant.pdf", hashed, len(pdf()))] == [(d["name"], d["sha256"], d["size"]) for d in shown]
    openings = answer["appeal_receipt"]["openings"]
    assert [hashed] == [d["sha256"] for d in openings["documents"]["value"]]
    assert query.digest == openings["request"]["value"]
    # A later appeal may name the document that came with an earlier one.
    denied.answered(facts(legal_process=WARRANT | {"document_sha256": hashed, "number": "26-SW-002"}))


def test_the_agency_reads_what_was_said(city: City) -> None:
    """Who, when, what kind; never what staff wrote to each other."""
    denied = Denied.of(city)
    denied.moved("needs_information")
    denied.answered(facts())
    denied.moved("escalated", "review.escalated")
    denied.moved("upheld", "review.ruled")
    said = denied.status()["review"]["messages"]
    assert [
        ("records_staff", "asked", "Send the case number, please."),
        ("you", "answered", MESSAGE),
        ("records_staff", "upheld", "Send the case number, please."),
    ] == [(m["from"], m["kind"], m["message"]) for m in said]
    assert all(m["at"] for m in said)


# --- Words can only hurt. ---------------------------------------------------------------------------------

SAID: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "in the message": ({}, {"message": "ICE wants the driver for deportation"}, "civil_immigration"),
    "in a case number": ({}, {"facts": {"case_number": "ICE-2026-1"}}, "end_requester"),
    "in a statute": ({}, {"facts": {"statute": "abortion ban"}}, "health_care"),
    "in the name of a document": (
        {},
        {"documents": [sent("ICE detainer.pdf")]},
        "civil_immigration",
    ),
    "in a paper": ({}, {"facts": {"legal_process": WARRANT | {"form": "I-200"}}}, "civil_immigration"),
    "in the kind of a paper": (
        {},
        {"facts": {"legal_process": WARRANT | {"kind": "detainer"}}},
        "civil_immigration",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_new_words_hurt(city: City, name: str) -> None:
    """Wherever they are typed."""
    changes, added, code = SAID[name]
    denied = Denied.of(city, purpose__case_number="n/a", **changes)
    assert code in _codes(denied.answered(facts() | added))
    assert code in {p["code"] for p in denied.status()["decision"]["provisions"]}


TYPED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a case number": (
        {"purpose__case_number": "ICE-26-1"},
        {"case_number": "25-10494"},
        "end_requester",
    ),
    "a statute": ({"purpose__statute": "abortion ban"}, {"statute": "625 ILCS 5/4-103"}, "health_care"),
    "an offense": ({"purpose__offense": "30A"}, {"offense": "240"}, "immigration_crime"),
    "a civil form": (
        {"legal_process": WARRANT | {"form": "I-200"}},
        {"legal_process": WARRANT},
        "civil_immigration",
    ),
    "a detainer": (
        {"legal_process": WARRANT | {"kind": "detainer"}},
        {"legal_process": WARRANT},
        "civil_immigration",
    ),
    "the words": ({"purpose__narrative": "Assist ICE"}, {"offense": "90Z"}, "civil_immigration"),
}


@pytest.mark.parametrize("name", TYPED)
def test_what_was_typed_stays_typed(city: City, name: str) -> None:
    """A fact takes an earlier one's place; what the earlier one said is not unsaid."""
    changes, stated, code = TYPED[name]
    answer = city.ask(body(**changes))
    found = json.loads(answer.body)
    assert code in {p["code"] for p in found["decision"]["provisions"]}
    added = facts(**stated)
    added["facts"] = _nothing() | stated
    now = appealed(body(**changes), [added])
    decision = reconsider(city.gate, AGENCY, now, None, query_id=answer.query_id)
    assert code in {p.code for p in decision.unmet}


PLEADING = (
    "Stolen vehicle, armed robbery, murder: an immediate danger to life",
    "Not an immigration matter. cream truck",
    "Criminal warrant signed by a judge; approved by the chief; permit",
    ". Stolen blue sedan, taken from Sample Avenue overnight",
)
BY_WORDS = {
    "nothing happened": {"purpose__narrative": "investigation"},
    "an agency without a crime": {"purpose__narrative": "Assist ICE"},
    "a detainer": {"purpose__narrative": "ICE detainer on the driver"},
    "care": {"purpose__narrative": "She travelled for an abortion"},
    "protest": {"purpose__narrative": "Vehicles parked at the protest march"},
    "worship": {"purpose__narrative": "Cars outside the mosque at Friday prayers"},
    "private": {"purpose__narrative": "Checking where my ex girlfriend drives"},
    "a script that nobody reads": {"purpose__narrative": "Угон автомобиля ночью"},
    "another crime than the code's": {"purpose__offense": "09A"},
    "a purpose that is not borne out": {
        "purpose__category": "human_trafficking",
        "purpose__offense": "64A",
    },
}


@pytest.mark.parametrize("name", BY_WORDS)
@pytest.mark.parametrize("message", PLEADING)
def test_no_message_cures_what_was_denied_for_words(city: City, name: str, message: str) -> None:
    """Whatever is added to it, each provision that the words failed stays failed (promise 7)."""
    query = read_again(body(**BY_WORDS[name]))
    unmet = {p.code for p in reconsider(city.gate, AGENCY, query, None, query_id="q").unmet}
    assert unmet
    pleaded: list[Any] = [{"message": message, "facts": _nothing(), "documents": []}] * 2
    now = appealed(dict(query.body), pleaded)
    assert unmet <= {p.code for p in reconsider(city.gate, AGENCY, now, None, query_id="q").unmet}


def _nothing() -> dict[str, Any]:
    return dict.fromkeys(("case_number", "offense", "statute", "legal_process"))


@pytest.mark.parametrize("said", ["", "   "])
def test_no_message_fills_a_narrative_that_said_nothing(city: City, said: str) -> None:
    """A law that wants the narrative filled hears of the query's own; what an appeal says helps nowhere."""
    denied = Denied.of(city, purpose__narrative=said)
    denied.answered(facts() | {"message": "Stolen Honda Civic, taken from Ridge Ave overnight"})
    last = [e for e in city.gate.ledger.entries_of(denied.query_id) if e.event == "query.decided"][-1]
    purpose = city.gate.ledger.detail_of(last.index).detail["input"]["purpose"]  # type: ignore[index,call-overload]
    assert said == purpose["narrative"]  # type: ignore[index,call-overload]


def test_a_query_with_appeals_has_every_word_in_order_and_another_digest() -> None:
    """What now stands, what stood before, and a digest of the whole."""
    first = body(purpose__case_number="n/a", legal_process=WARRANT)
    added: list[Any] = [
        {
            "message": "first words",
            "facts": _nothing() | {"case_number": "25-1", "offense": "13A"},
            "documents": [{"name": "a.pdf", "media_type": "application/pdf", "sha256": "0" * 64, "size": 1}],
        },
        {
            "message": "second words",
            "facts": _nothing()
            | {
                "case_number": "25-1",
                "statute": "720 ILCS 5/16-1",
                "legal_process": WARRANT | {"number": "2"},
            },
            "documents": [],
        },
    ]
    query = appealed(first, added)
    assert ("25-1", "13A", "720 ILCS 5/16-1") == (
        query.purpose.case_number,
        query.purpose.offense,
        query.purpose.statute,
    )
    typed = query.typed_words()
    assert first["purpose"]["narrative"] == typed["narrative"]
    assert ("first words", "second words") == (typed["narrative#1"], typed["narrative#2"])
    assert ("n/a", "25-1") == (typed["case_number#0"], typed["case_number"])
    assert ("625 ILCS 5/4-103", "720 ILCS 5/16-1") == (typed["statute#0"], typed["statute"])
    assert ("26-SW-001", "2") == (typed["legal_process.number#0"], typed["legal_process.number"])
    assert ("search warrant", "a.pdf") == (typed["legal_process.kind#0"], typed["document#1.1"])
    assert "case_number#1" not in typed  # said twice, it took nobody's place
    assert ("240",) == query.added.offenses
    digests = {read_again(first).digest, appealed(first, added[:1]).digest, query.digest}
    assert 3 == len(digests)
    assert appealed(first, []).digest == read_again(first).digest


# --- Rulings. ---------------------------------------------------------------------------------------------


def test_an_appeal_takes_earlier_rulings_out_of_force(city: City) -> None:
    """They were made on another request; what remains must be ruled on anew."""
    denied = Denied.of(city, purpose__case_number="n/a", purpose__narrative="investigation")
    first = asked(city.gate, denied.query_id).digest
    denied.ruled("stated_reason", first, "queued")
    assert {"case_number"} == set(denied.records().provisions)
    answer = denied.answered(facts(case_number="25-10494"))
    assert {"stated_reason"} == _codes(answer)
    denied.ruled("stated_reason", first, "permitted")
    assert 403 == denied.records().status
    # A ruling on what it now is counts.
    other = Denied.of(city, purpose__narrative="investigation")
    other.answered(facts())
    other.ruled("stated_reason", asked(city.gate, other.query_id).digest)
    assert 200 == other.records().status


def test_a_permission_ends_with_its_ruling_or_when_it_is_taken_back(city: City) -> None:
    """The records are then denied, whatever was permitted before; each fetch is decided anew."""
    denied = Denied.of(city, purpose__narrative="investigation")
    digest = asked(city.gate, denied.query_id).digest
    denied.ruled("stated_reason", digest, lasting=timedelta(seconds=2))
    assert 200 == denied.records().status
    until = denied.status()["review"]["valid_until"]
    assert until is not None
    time.sleep(2.1)
    assert 403 == denied.records().status
    assert ("expired", None) == (
        denied.status()["review"]["state"],
        denied.status()["review"]["valid_until"],
    )
    other = Denied.of(city, purpose__narrative="investigation")
    other.ruled("stated_reason", asked(city.gate, other.query_id).digest)
    assert 200 == other.records().status
    other.moved("withdrawn", "review.withdrawn")
    assert 403 == other.records().status


def test_a_repeated_question_is_the_query_as_it_now_stands(city: City) -> None:
    """The first body, sent again with its key, does not bring back the request without what was added."""
    first = body(purpose__case_number="n/a", purpose__narrative="investigation")
    answer = city.ask(first, idempotency_key="key-1")
    denied = Denied(city, answer.query_id)
    denied.ruled("stated_reason", asked(city.gate, denied.query_id).digest, "queued")
    denied.ruled("case_number", asked(city.gate, denied.query_id).digest, "queued")
    denied.answered(facts() | {"message": "ICE wants the driver for deportation"})
    again = city.ask(first, idempotency_key="key-1")
    assert denied.query_id == again.query_id
    assert 403 == again.status
    assert "civil_immigration" in again.provisions


# --- What is refused. -------------------------------------------------------------------------------------


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FAULTY: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "/message"),
    "null": (None, ""),
    "a list": ([], ""),
    "a text": ("x", ""),
    "no message": ({"facts": {"case_number": "25-1"}}, "/message"),
    "nothing added": ({"message": " "}, "/message"),
    "a message that is none": ({"message": 7}, "/message"),
    "a message too long": ({"message": "x" * 2001}, "/message"),
    "a message with NUL": ({"message": "a\x00b"}, "/message"),
    "a message with half a pair": ({"message": "a\ud800b"}, "/message"),
    "a line break": ({"message": "a\nb"}, "/message"),
    "facts that are none": (facts() | {"facts": []}, "/facts"),
    "a fact of another type": (facts(case_number=7), "/facts/case_number"),
    "an unknown offense": (facts(offense="99Z"), "/facts/offense"),
    "no offense": (facts(offense="murder"), "/facts/offense"),
    "another target": (facts() | {"query": {"plate": "OTHER1"}}, "/query"),
    "another window": (facts() | {"from": "2026-01-01T00:00:00Z"}, "/from"),
    "another requester": (facts() | {"requester": {"name": "Lee"}}, "/requester"),
    "another category": (facts(category="stolen_vehicle"), "/facts/category"),
    "another narrative": (facts(narrative="Stolen car"), "/facts/narrative"),
    "another statute's state": (facts(statute_state="WI"), "/facts/statute_state"),
    "an attestation": (facts() | {"attestation": {"accepted": True}}, "/attestation"),
    "a name made up": (facts() | {"DEMO123": 1}, ""),
    "documents that are none": (facts() | {"documents": {}}, "/documents"),
    "six documents": (facts() | {"documents": [sent(f"{n}.pdf") for n in range(6)]}, "/documents"),
    "the same twice": (
        facts() | {"documents": [sent("a.pdf"), sent("b.pdf")]},
        "/documents/1/content_base64",
    ),
    "a web page": (
        facts() | {"documents": [sent("a.pdf", content=b"<html>")]},
        "/documents/0/content_base64",
    ),
    "another type": (
        facts() | {"documents": [sent("a.html", "text/html", b"<html>")]},
        "/documents/0/media_type",
    ),
    "a wrong ending": (facts() | {"documents": [sent("a.png")]}, "/documents/0/name"),
    "no base64": (
        facts()
        | {"documents": [{"name": "a.pdf", "media_type": "application/pdf", "content_base64": "%%%"}]},
        "/documents/0/content_base64",
    ),
    "a document without a name": (
        facts() | {"documents": [{"media_type": "image/png", "content_base64": "YQ=="}]},
        "/documents/0/name",
    ),
    "a hash of another document": (
        facts(legal_process=WARRANT | {"document_sha256": "0" * 64}) | {"documents": [sent()]},
        "/facts/legal_process/document_sha256",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_what_is_no_appeal_is_refused_with_every_fault(city: City, name: str) -> None:
    """And with nothing that was sent; nothing is recorded, the review does not move."""
    added, pointer = FAULTY[name]
    denied = Denied.of(city)
    before = denied.review
    with pytest.raises(InvalidRequest) as refused:
        denied.appeal(added)
    assert pointer in [fault.pointer for fault in refused.value.faults], refused.value.faults
    assert all(fault.message and fault.cure for fault in refused.value.faults)
    assert before == denied.review
    assert "query.refused" == city.events()[-1]["event"]
    assert () == city.gate.documents.of(denied.query_id)


def test_what_is_fixed_is_said_to_be(city: City) -> None:
    """Not that the field is unknown: the agency would look for its spelling."""
    denied = Denied.of(city)
    with pytest.raises(InvalidRequest) as refused:
        denied.appeal(facts(category="other") | {"query": {}, "requester": {}, "messag": ""})
    told = {fault.pointer: fault.message for fault in refused.value.faults}
    fixed = "Fixed by the query: an appeal adds, it never replaces."
    assert {
        "/query": fixed,
        "/requester": fixed,
        "/facts/category": fixed,
        "/messag": "Unknown field.",
    } == told


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b'{"message": "a", "message": "b"}',
        b'{"message": NaN}',
        b'{"message": ' + b"[" * 100_000,
        b"[" + b"{}," * 2_000_000 + b"{}]",
        b" " * (MAX_APPEAL_BYTES + 1),
    ],
)
def test_what_is_no_json_or_too_much_of_it_is_refused(city: City, text: bytes) -> None:
    """Millions of values in eight megabytes are not read either."""
    with pytest.raises(MalformedBody):
        Denied.of(city).appeal(text)


def test_only_the_agency_itself_appeals(city: City) -> None:
    """Another's id is answered as an unknown one, whatever else is wrong."""
    denied = Denied.of(city)
    for other in ("sample-wi-pd", "sample-hsi-office"):
        with pytest.raises(UnknownQuery):
            denied.appeal(b"{", other)
    for query_id in ("q_unknown", "", "\x00", "\ud800", "q_" + "a" * 300):
        with pytest.raises(UnknownQuery):
            Denied(city, query_id).appeal(facts(case_number="25-10494"))
    with pytest.raises(InsufficientScope):
        appeals.appeal(city.gate, city.presented(AGENCY, scope="ledger:read"), denied.query_id, b"{}")
    with pytest.raises(Unauthenticated):
        appeals.appeal(city.gate, Presented(None), denied.query_id, b"{}")


def test_a_closed_agency_is_not_let_in(city: City) -> None:
    """Nor is one whose token was revoked: both are asked of the registry each time."""
    denied, shown = Denied.of(city), city.presented(AGENCY)
    agency._set_status(city.state.settings.data, AGENCY, "closed", "made-up reason")
    with pytest.raises(Unauthenticated):
        appeals.appeal(city.gate, shown, denied.query_id, json.dumps(facts()).encode())


def test_where_no_person_looks_nothing_can_be_added(city: City) -> None:
    """Permitted at once, denied for good, or only previewed."""
    permitted = city.ask(body()).query_id
    final = city.ask(body(purpose__category="civil_immigration")).query_id
    previewed = city.ask(body(purpose__case_number="n/a"), dry_run=True).query_id
    for query_id in (permitted, final, previewed):
        with pytest.raises(AppealRefused) as refused:
            Denied(city, query_id).appeal(facts(case_number="25-10494"))
        assert "no_review" == refused.value.code


@pytest.mark.parametrize(
    ("state", "event"),
    [("permitted", "review.ruled"), ("withdrawn", "review.withdrawn"), ("expired", "review.expired")],
)
def test_a_review_that_is_over_takes_nothing(city: City, state: str, event: str) -> None:
    """With a code; what is asked anew is another query."""
    denied = Denied.of(city)
    denied.moved(state, event)
    with pytest.raises(AppealRefused) as refused:
        denied.appeal(facts(case_number="25-10494"))
    assert "review_closed" == refused.value.code


def test_what_was_upheld_can_be_appealed_once_more(city: City) -> None:
    """It goes back before a person; what they uphold again stays upheld."""
    denied = Denied.of(city)
    denied.moved("upheld", "review.ruled")
    assert "queued" == denied.answered(facts())["review"]["state"]
    denied.moved("upheld", "review.ruled")
    with pytest.raises(AppealRefused) as refused:
        denied.appeal(facts())
    assert "review_closed" == refused.value.code
    other = Denied.of(city)
    other.moved("upheld", "review.ruled")
    assert "permitted" == other.answered(facts(case_number="25-10494"))["review"]["state"]


def test_what_is_before_counsel_stays_there(city: City) -> None:
    """The agency's answer does not take it away from counsel."""
    denied = Denied.of(city)
    denied.moved("escalated", "review.escalated")
    due = denied.review.due_at
    assert "escalated" == denied.answered(facts())["review"]["state"]
    assert due == denied.review.due_at


def test_something_can_be_added_as_often_as_the_city_says(city: City) -> None:
    """Five times in the policies that ship; the sixth is a new query."""
    denied = Denied.of(city)
    for _ in range(5):
        denied.answered(facts())
    with pytest.raises(AppealRefused) as refused:
        denied.appeal(facts())
    assert "appeals_exhausted" == refused.value.code


def test_a_repeated_appeal_is_one_appeal(city: City) -> None:
    """The same key and body: the same answer, nothing recorded twice; another body or query: 422."""
    denied, added = Denied.of(city), facts(case_number="25-10494") | {"documents": [sent()]}
    first = denied.answered(added, idempotency_key="key-1")
    again = denied.answered(added, idempotency_key="key-1")
    assert first["appeal_receipt"] is not None
    assert again["appeal_receipt"] is None
    assert (first["decision"]["outcome"], first["review"]) == (again["decision"]["outcome"], again["review"])
    assert 1 == sum(e["event"] == "review.answered" for e in city.events())
    assert 1 == len(city.gate.documents.of(denied.query_id))
    other = Denied.of(city)
    for one, changed in ((denied, facts()), (other, added)):
        with pytest.raises(IdempotencyMismatch):
            one.appeal(changed, idempotency_key="key-1")
    with pytest.raises(IdempotencyMismatch):
        city.ask(body(), idempotency_key="key-1")
    city.ask(body(), idempotency_key="key-2")
    with pytest.raises(IdempotencyMismatch):
        other.appeal(facts(), idempotency_key="key-2")


# --- At once, and when something fails. -------------------------------------------------------------------


def test_two_appeals_at_once_are_both_recorded_one_after_the_other(city: City) -> None:
    """Each is judged with the other's words, or before them; none is lost, none overwrites."""
    denied = Denied.of(city)
    found: list[object] = []

    def go(number: int) -> None:
        try:
            found.append(denied.appeal(facts() | {"message": f"Words of appeal number {number}"}).status)
        except GatekeeperError as error:
            found.append(error)

    threads = [threading.Thread(target=go, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded = [e for e in city.events() if e["event"] == "review.answered"]
    assert found.count(202) == len(recorded) == denied.review.version - 1
    assert found.count(202) >= 2
    assert len(recorded) == len(asked(city.gate, denied.query_id).added.messages)


def test_a_clerk_who_acts_meanwhile_is_not_overwritten(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The appeal looks again: what was closed under its hands takes nothing any more."""
    denied, real = Denied.of(city), judge
    acted: list[str] = []

    def meanwhile(*given: Any) -> Any:
        if not acted:
            acted.append("withdrawn")
            denied.moved("withdrawn", "review.withdrawn")
        return real(*given)

    monkeypatch.setattr(appeals, "judge", meanwhile)
    with pytest.raises(AppealRefused) as refused:
        denied.appeal(facts(case_number="25-10494") | {"documents": [sent()]})
    assert "review_closed" == refused.value.code
    assert "withdrawn" == denied.review.state
    assert () == city.gate.documents.of(denied.query_id)


def test_the_same_appeal_twice_at_once_is_one(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two with one key: the second hears that the first is being decided, or its answer."""
    denied, real = Denied.of(city), appeals._repeated
    both = threading.Barrier(2, timeout=30)
    found: list[object] = []

    def look(*given: Any) -> bool:
        seen = real(*given)
        if both.n_waiting or not both.broken:
            with suppress(threading.BrokenBarrierError):
                both.wait()
            both.abort()
        return seen

    monkeypatch.setattr(appeals, "_repeated", look)

    def go() -> None:
        try:
            found.append(denied.appeal(facts(), idempotency_key="one-key").status)
        except IdempotencyInFlight as error:
            found.append(error)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 202 in found
    assert 1 == sum(e["event"] == "review.answered" for e in city.events())


def test_a_stop_does_not_keep_an_appeal_from_being_recorded_and_nothing_leaves(city: City) -> None:
    """The law's answer names the stop; the review waits for a person; fetching is denied."""
    denied = Denied.of(city)
    stop = Stop(stops.new_stop_id(), "all", None, city.gate.clock.now())
    stops.set_stop(
        city.state.ledger,
        stop=stop,
        rows=administration.set_stop(stop),
        reason="A made-up reason for a stop",
        by="staff",
        free=city.state.database.give_up_reserve,
    )
    answer = denied.answered(facts(case_number="25-10494"))
    assert {"sharing_stopped"} == _codes(answer)
    assert "queued" == answer["review"]["state"]
    assert 403 == denied.records().status


class _Broken:
    def __init__(self, engine: Any) -> None:
        self.bundle = engine.bundle

    def evaluate(self, _facts: Any) -> Any:
        raise PolicyUnavailable("made up")


def test_without_a_policy_nothing_is_recorded(city: City) -> None:
    """An appeal that nobody judged is sent again; the log holds that it ended without an answer."""
    denied = Denied.of(city)
    broken = Denied(city.with_gate(engine=_Broken(city.gate.engine)), denied.query_id)
    with pytest.raises(PolicyUnavailable):
        broken.appeal(facts(case_number="25-10494") | {"documents": [sent()]})
    assert (1, ()) == (denied.review.version, city.gate.documents.of(denied.query_id))
    assert "query.refused" == city.events()[-1]["event"]


class _FullLog:
    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def append(self, *_: Any, **__: Any) -> Any:
        raise LedgerUnavailable("made up")


def test_with_a_full_log_nothing_is_recorded(city: City) -> None:
    """Neither the appeal nor its documents, nor is anything answered."""
    denied = Denied.of(city)
    full = Denied(city.with_gate(ledger=_FullLog(city.gate.ledger)), denied.query_id)
    with pytest.raises(LedgerUnavailable):
        full.appeal(facts(case_number="25-10494") | {"documents": [sent()]})
    assert (1, ()) == (denied.review.version, city.gate.documents.of(denied.query_id))


def _fail(*_: Any, **__: Any) -> Any:
    raise LedgerUnavailable("made up")


def test_a_crash_between_the_appeal_and_its_decision_loses_no_word(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The appeal stands; whoever asks next is judged with it, and the same key gets its answer."""
    denied, added = Denied.of(city), facts(case_number="25-10494")
    with monkeypatch.context() as patched:
        patched.setattr(log, "decided", _fail)
        with pytest.raises(LedgerUnavailable):
            denied.appeal(added, idempotency_key="key-1")
    assert (MESSAGE,) == asked(city.gate, denied.query_id).added.messages
    assert "permit" == denied.answered(added, idempotency_key="key-1")["decision"]["outcome"]
    assert 200 == denied.records().status


def test_what_was_erased_is_neither_added_to_nor_decided_without(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the words of a day are gone nobody can say what was asked."""
    denied = Denied.of(city)
    denied.answered(facts())
    (day,) = {city.gate.ledger.detail_of(0).day}
    monkeypatch.setattr(city.gate.keys, "_today", lambda: day + timedelta(days=1))
    city.gate.keys.destroy(day)
    with pytest.raises(AppealRefused) as refused:
        denied.appeal(facts())
    assert "request_erased" == refused.value.code


def test_the_recorded_input_decides_the_same_again(city: City) -> None:
    """Replay: what the log keeps of the decision, given to the engine, is the decision."""
    denied = Denied.of(city, purpose__narrative="investigation")
    denied.answered(
        facts(offense="13A", legal_process=WARRANT) | {"documents": [sent("p.png", "image/png", picture())]}
    )
    last = [e for e in city.gate.ledger.entries_of(denied.query_id) if e.event == "query.decided"][-1]
    entry, detail = json.loads(last.entry), city.gate.ledger.detail_of(last.index).detail
    given = detail["input"]
    assert isinstance(given, dict)
    verdict = city.gate.engine.evaluate(given)
    assert entry["provisions"] == [c for c in verdict.unmet if city.gate.engine.bundle.catalogue[c].public]
    assert entry["replay"] is True
    recorded = detail["body"]
    assert isinstance(recorded, dict)
    first = {name: value for name, value in recorded.items() if name != "appeals"}
    found = recorded["appeals"]
    assert isinstance(found, list)
    assert asked(city.gate, denied.query_id) == appealed(first, found)


def test_formula_text_is_kept_as_it_was_typed(city: City) -> None:
    """Whoever exports it writes it so that no table program runs it; here it is words."""
    denied = Denied.of(city)
    formula = '=HYPERLINK("http://example.invalid";"x")'
    denied.answered(facts() | {"message": formula})
    assert formula == denied.status()["review"]["messages"][-1]["message"]


def test_the_public_entry_says_nothing_of_what_was_added(city: City) -> None:
    """No word, no name, no hash that could be guessed: commitments alone."""
    denied = Denied.of(city)
    denied.answered(facts(case_number="25-10494") | {"documents": [sent("secret-name.pdf")]})
    (entry,) = [e for e in city.events() if e["event"] == "review.answered"]
    text = json.dumps(entry)
    for private in (MESSAGE, "25-10494", "secret-name", _sha256(pdf()), "n/a"):
        assert private not in text
    assert {"at", "by", "reason", "documents", "request"} == entry["commitments"].keys()


def test_a_gate_that_slept_between_is_the_same(city: City) -> None:
    """All of it is in the store: a new process reads the query as it stands."""
    denied = Denied.of(city)
    denied.answered(facts())
    again = replace(city, gate=replace(city.gate))
    assert asked(city.gate, denied.query_id) == asked(again.gate, denied.query_id)
    assert (
        denied.status()["query_id"]
        == status_of(again.gate, city.presented(AGENCY), denied.query_id)["query_id"]
    )
