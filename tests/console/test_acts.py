"""What a person does about one request: from the question to the records, and everything that is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.exchange import further_records, status_of
from gatekeeper.exchange.appeal import appeal
from gatekeeper.exchange.status import status
from gatekeeper.review.roles import Role
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, body

QUEUE = "/console/reviews"
WHY = "The report names a stolen blue sedan; read and kept."
GRAVE = "child abuse, mother was pregnant and left the state"


def test_a_ruling_lets_the_policy_permit_and_the_agency_fetches(staffed: Staffed) -> None:
    """The page says beforehand what the policy will answer; the agency then fetches the records itself."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    considered = clerk.client.get(f"{QUEUE}/{query}/rule?provision=stated_reason").text
    assert "the policy permits the request" in considered
    assert 303 == clerk.does(query, "rule", provision="stated_reason", reason=WHY).status_code
    assert "permitted" == staffed.state(query)
    given = further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query)
    assert (200, "permit") == (given.status, given.outcome)
    shown = clerk.client.get(f"{QUEUE}/{query}").text
    assert WHY in shown
    assert "Ask the agency" not in shown
    assert "ruled met by" in shown


def test_a_ruling_on_one_of_two_leaves_the_other(staffed: Staffed) -> None:
    """And the page says which, before anything is confirmed."""
    asked = body()
    asked["purpose"] |= {"narrative": "investigation", "case_number": "n/a"}
    query = str(json.loads(staffed.city.ask(asked).body)["query_id"])
    clerk = staffed.signed_in("records")
    considered = clerk.client.get(f"{QUEUE}/{query}/rule?provision=stated_reason").text
    assert "still denies the request" in considered
    clerk.does(query, "rule", provision="stated_reason", reason=WHY)
    assert "queued" == staffed.state(query)
    clerk.does(query, "rule", provision="case_number", reason=WHY)
    assert "permitted" == staffed.state(query)


def test_one_person_may_rule_on_several_at_once(staffed: Staffed) -> None:
    """One reason, one entry that names them, a ruling each; all of them or none."""
    query = staffed.asked(purpose__case_number="n/a")
    clerk = staffed.signed_in("records")
    both = "provision=stated_reason&provision=case_number"
    assert "the policy permits the request" in clerk.client.get(f"{QUEUE}/{query}/rule?{both}").text
    wrong = clerk.does(query, "rule", provision=["stated_reason", "civil_immigration"], reason=WHY)
    assert (422, "queued") == (wrong.status_code, staffed.state(query))
    twice = ["stated_reason", "case_number", "stated_reason"]
    assert 303 == clerk.does(query, "rule", provision=twice, reason=WHY).status_code
    assert "permitted" == staffed.state(query)
    ruled = [e for e in staffed.city.events() if e["event"] == "review.ruled"]
    assert [["stated_reason", "case_number"]] == [e["provisions"] for e in ruled]
    given = further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query)
    assert 200 == given.status


@pytest.mark.parametrize(
    ("act", "state"), [("ask", "needs_information"), ("escalate", "escalated"), ("uphold", "upheld")]
)
def test_each_act_moves_the_review_and_is_in_the_log(staffed: Staffed, act: str, state: str) -> None:
    """With who and why committed to, and shown to those who may read it."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    assert 303 == clerk.does(query, act, reason=WHY).status_code
    assert state == staffed.state(query)
    assert WHY in clerk.client.get(f"{QUEUE}/{query}").text
    entries = [e for e in staffed.city.gate.ledger.entries_of(query) if e.event.startswith("review.")]
    assert 1 == len(entries)
    assert WHY.encode() not in entries[0].entry
    opened = staffed.city.gate.ledger.detail_of(entries[0].index).openings
    assert (clerk.made.account.id, WHY) == (opened["by"]["value"], opened["reason"]["value"])


@pytest.mark.parametrize("reason", ["", ".", "..........", "ok", "x" * 2001, "1234567890123", " a b c "])
@pytest.mark.parametrize("act", ["ask", "escalate", "uphold", "rule", "note"])
def test_a_reason_says_something(staffed: Staffed, act: str, reason: str) -> None:
    """A dot satisfies nobody; what was typed comes back with what is wrong."""
    query = staffed.asked()
    answer = staffed.signed_in("records").does(query, act, reason=reason, provision="stated_reason")
    assert 422 == answer.status_code
    assert "Nothing was done" in answer.text
    assert "queued" == staffed.state(query)


@pytest.mark.parametrize("role", ["auditor", "legal", "admin"])
@pytest.mark.parametrize(
    "act", ["ask", "escalate", "uphold", "rule", "verify", "note", "reopen", "take_back"]
)
def test_a_role_that_only_reads_does_nothing(staffed: Staffed, act: str, role: Role) -> None:
    """Whatever form it sends."""
    query = staffed.asked()
    browser = staffed.signed_in(role)
    page = browser.client.get("/console/")
    form = {"form": _token_of(browser), "reason": WHY, "provision": "stated_reason", "version": "1"}
    assert 303 == page.status_code
    assert 403 == browser.client.post(f"{QUEUE}/{query}/{act}", data=form).status_code
    assert "queued" == staffed.state(query)


def _token_of(browser: Browser) -> str:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return form_token(cookie.value)


def test_a_form_of_another_site_does_nothing(staffed: Staffed) -> None:
    """Without the token of this browser no act is done."""
    query = staffed.asked()
    browser = staffed.signed_in("records")
    for form in ({}, {"form": "0" * 64}):
        sent = {**form, "reason": WHY, "version": "1"}
        answer = browser.client.post(f"{QUEUE}/{query}/uphold", data=sent)
        assert 403 == answer.status_code
    assert "queued" == staffed.state(query)


def test_staff_do_not_rule_where_counsel_must(staffed: Staffed) -> None:
    """They hand it over."""
    query = staffed.asked(purpose__narrative=GRAVE, purpose__offense="90Z")
    clerk = staffed.signed_in("records")
    answer = clerk.does(query, "rule", provision="restrictive_law", reason=WHY)
    assert (422, True) == (answer.status_code, "Counsel must rule" in answer.text)
    assert 404 == clerk.client.get(f"{QUEUE}/{query}/rule?provision=restrictive_law").status_code
    assert 303 == clerk.does(query, "escalate", reason=WHY).status_code
    assert "escalated" == staffed.state(query)


@pytest.mark.parametrize("provision", ["", "civil_immigration", "attestation", "no_such", "stated_reason'"])
def test_no_ruling_reaches_a_provision_that_does_not_deny_or_is_final(
    staffed: Staffed, provision: str
) -> None:
    """Only what denies this request now, and only where the law leaves something to decide."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    assert 422 == clerk.does(query, "rule", provision=provision, reason=WHY).status_code
    assert 404 == clerk.client.get(f"{QUEUE}/{query}/rule?provision={provision}").status_code
    assert "queued" == staffed.state(query)


ACTS = ("ask", "note", "escalate", "uphold", "rule", "reopen", "take_back", "verify", "unverify", "unmask")


@pytest.mark.parametrize("act", ACTS)
def test_nobody_acts_on_what_their_own_agency_asked(staffed: Staffed, act: str) -> None:
    """A clerk who belongs to a police department has no part in its requests, not even to see a plate."""
    query = staffed.asked()
    browser = staffed.signed_in("counsel", agency_id="sample-il-pd")
    answer = browser.does(query, act, reason=WHY, provision="stated_reason", version="1")
    assert (422, True) == (answer.status_code, "own agency" in answer.text)
    assert PLATE not in answer.text
    assert "queued" == staffed.state(query)
    assert "Your own agency asked this" in browser.client.get(f"{QUEUE}/{query}").text


def test_nobody_acts_on_what_was_asked_for_their_own_agency(staffed: Staffed) -> None:
    """The end requester's people are as little judges in their own case."""
    asked = body(on_behalf_of={"agency": "sample-il-pd", "component": None, "person": "Sam Else"})
    asked["purpose"]["narrative"] = "investigation"
    query = str(json.loads(staffed.city.ask(asked, "sample-fusion").body)["query_id"])
    browser = staffed.signed_in("records", agency_id="sample-il-pd")
    answer = browser.does(query, "uphold", reason=WHY, version="1")
    assert (422, True) == (answer.status_code, "own agency" in answer.text)


@pytest.mark.parametrize("name", ["Pat Example", "EXAMPLE, Pat", "Sam Else"])
def test_whoever_is_named_in_a_request_does_not_act_on_it(staffed: Staffed, name: str) -> None:
    """As the officer or as the person it is for: a namesake loses the turn, and nothing else."""
    asked = body(on_behalf_of={"agency": "sample-il-pd", "component": None, "person": "Sam Else"})
    asked["purpose"]["narrative"] = "investigation"
    query = str(json.loads(staffed.city.ask(asked, "sample-fusion").body)["query_id"])
    browser = staffed.signed_in("records", name=name)
    answer = browser.does(query, "uphold", reason=WHY, version="1")
    assert (422, True) == (answer.status_code, "somebody of your name" in answer.text)
    assert "queued" == staffed.state(query)


def test_of_two_who_act_at_once_one_is_told(staffed: Staffed) -> None:
    """The second had opened a state that is no more: they read what happened, and keep what they typed."""
    query = staffed.asked()
    first, second = staffed.signed_in("records"), staffed.signed_in("counsel")
    page = second.client.get(f"{QUEUE}/{query}")
    form = {"form": second.token(page), "version": second.version(page), "reason": "Too vague to be lawful."}
    first.does(query, "ask", reason=WHY)
    answer = second.client.post(f"{QUEUE}/{query}/uphold", data=form)
    assert 409 == answer.status_code
    for part in ("Somebody acted", "What happened since you opened", "The agency was asked", form["reason"]):
        assert part in answer.text
    assert "needs_information" == staffed.state(query)
    again = {**form, "version": second.version(answer)}
    assert 303 == second.client.post(f"{QUEUE}/{query}/uphold", data=again).status_code
    assert "upheld" == staffed.state(query)


def test_of_two_in_the_same_moment_one_wins(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the same version; the commit of the second finds it gone, and writes nothing."""
    query = staffed.asked()
    first, second = staffed.signed_in("records"), staffed.signed_in("counsel")
    stale = staffed.city.gate.queries.review(query)
    page = second.client.get(f"{QUEUE}/{query}")
    form = {"form": second.token(page), "version": second.version(page), "reason": "Too vague to be lawful."}
    first.does(query, "ask", reason=WHY)
    real = staffed.city.gate.queries
    once, really = iter([stale]), type(real).review
    monkeypatch.setattr(
        type(real), "review", lambda self, q, agency=None: next(once, None) or really(self, q, agency)
    )
    answer = second.client.post(f"{QUEUE}/{query}/uphold", data=form)
    assert (409, True) == (answer.status_code, "Somebody acted" in answer.text)
    assert form["reason"] in answer.text
    assert "needs_information" == staffed.state(query)
    assert 1 == len([e for e in staffed.city.gate.ledger.entries_of(query) if e.event.startswith("review.")])


@pytest.mark.parametrize("version", ["", "0", "-1", "2", "x", "9" * 40])
def test_a_form_that_names_no_state_that_was_seen_does_nothing(staffed: Staffed, version: str) -> None:
    """Forged, cut short or kept from another day."""
    query = staffed.asked()
    answer = staffed.signed_in("records").does(query, "uphold", reason=WHY, version=version)
    assert (409, True) == (answer.status_code, WHY in answer.text)
    assert "queued" == staffed.state(query)


@pytest.mark.parametrize("final", ["permitted", "withdrawn"])
def test_what_is_decided_is_not_decided_again(staffed: Staffed, final: str) -> None:
    """No act on a review that is over."""
    query = staffed.asked()
    clerk = staffed.signed_in("counsel")
    if final == "permitted":
        clerk.does(query, "rule", provision="stated_reason", reason=WHY)
    else:
        with staffed.city.state.database.write() as connection:
            connection.exec_driver_sql("UPDATE reviews SET state = 'withdrawn'")
    for act in ("uphold", "ask", "escalate", "rule", "reopen"):
        answer = clerk.does(query, act, reason=WHY, provision="stated_reason")
        assert (422, True) == (answer.status_code, "The review is over" in answer.text)
    assert final == staffed.state(query)
    assert 303 == clerk.does(query, "note", reason=WHY).status_code


def test_the_agency_reads_what_staff_said_to_it(staffed: Staffed) -> None:
    """A question and a ruling, with their times; not what staff wrote to counsel, and no staff name."""
    query = staffed.asked()
    clerk, counsel = staffed.signed_in("records"), staffed.signed_in("counsel")
    clerk.does(query, "note", reason="Rang the front desk, nobody there.")
    clerk.does(query, "ask", reason="Which car, and where was it taken?")
    clerk.does(query, "escalate", reason="I am not sure about this one, please look.")
    counsel.does(query, "uphold", reason="The words say nothing that a law is broken by.")
    given = status_of(staffed.city.gate, staffed.city.presented("sample-il-pd"), query)["review"]
    assert isinstance(given, dict)
    assert (
        "upheld",
        ["Which car, and where was it taken?", "The words say nothing that a law is broken by."],
    ) == (
        given["state"],
        [message["message"] for message in given["messages"]],  # type: ignore[index,call-overload,union-attr]
    )
    assert "Pat Sample" not in json.dumps(given)


def test_a_permission_ends_by_itself(staffed: Staffed) -> None:
    """After 72 hours the agency is told that it has expired, and gets nothing."""
    query = staffed.asked()
    staffed.signed_in("records").does(query, "rule", provision="stated_reason", reason=WHY)
    review = staffed.city.gate.queries.review(query)
    assert review is not None
    for hours, state in ((71, "permitted"), (73, "expired")):
        at = staffed.city.gate.clock.now() + timedelta(hours=hours)
        gate = staffed.city.gate
        given = status(gate, query, review.agency_id, at)
        assert state == given["review"]["state"]  # type: ignore[index,call-overload]


def test_no_act_shows_or_logs_the_plate(staffed: Staffed) -> None:
    """Masked on the page, absent from the public log."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    clerk.does(query, "ask", reason=WHY)
    assert PLATE not in clerk.client.get(f"{QUEUE}/{query}").text
    assert all(PLATE.encode() not in e.entry for e in staffed.city.gate.ledger.entries_of(query))


# --- Notes, and what is taken back or taken up again. -----------------------------------------------------


def test_a_note_is_for_the_staff_and_moves_nothing(staffed: Staffed) -> None:
    """Shown to who reads the request, committed to in the log, and a colleague's open form stays good."""
    query = staffed.asked()
    clerk, other = staffed.signed_in("records"), staffed.signed_in("counsel")
    page = other.client.get(f"{QUEUE}/{query}")
    assert 303 == clerk.does(query, "note", reason=WHY).status_code
    assert WHY in other.client.get(f"{QUEUE}/{query}").text
    noted = [e for e in staffed.city.events() if e["event"] == "review.noted"]
    assert [{"at", "by", "reason"}] == [set(e["commitments"]) for e in noted]
    assert WHY not in json.dumps(noted)
    form = {"form": other.token(page), "version": other.version(page), "reason": WHY}
    assert 303 == other.client.post(f"{QUEUE}/{query}/ask", data=form).status_code


def _permitted(staffed: Staffed, by: Browser) -> str:
    query = staffed.asked()
    assert 303 == by.does(query, "rule", provision="stated_reason", reason=WHY).status_code
    assert "permitted" == staffed.state(query)
    return query


def _messages(staffed: Staffed, query: str) -> list[dict[str, str]]:
    status: Any = status_of(staffed.city.gate, staffed.city.presented("sample-il-pd"), query)
    return list(status["review"]["messages"])


def _fetched(staffed: Staffed, query: str) -> int:
    return further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query).status


@pytest.mark.parametrize("role", ["records", "counsel"])
def test_a_ruling_is_taken_back_by_who_made_it_or_by_counsel(staffed: Staffed, role: Role) -> None:
    """It counts no more at once; the request waits for a person, who may rule anew."""
    maker = staffed.signed_in("records")
    query = _permitted(staffed, maker)
    assert 200 == _fetched(staffed, query)
    taker = maker if role == "records" else staffed.signed_in(role)
    back = taker.does(query, "take_back", provision="stated_reason", reason="The car was another one.")
    assert 303 == back.status_code
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    assert ["review.ruled", "review.withdrawn"] == [
        e["event"] for e in staffed.city.events() if e["event"].startswith("review.")
    ]
    assert 303 == maker.does(query, "rule", provision="stated_reason", reason=WHY).status_code
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))
    status = status_of(staffed.city.gate, staffed.city.presented("sample-il-pd"), query)
    assert "permitted" == status["review"]["state"]  # type: ignore[index,call-overload]
    told = [m for m in _messages(staffed, query) if "taken_back" == m["kind"]]
    assert ["The car was another one."] == [message["message"] for message in told]


def test_another_clerk_does_not_take_a_ruling_back(staffed: Staffed) -> None:
    """Nor anybody one that is not there."""
    query = _permitted(staffed, staffed.signed_in("records"))
    other = staffed.signed_in("records", name="Kim Else")
    for provision, told in (
        ("stated_reason", "Only who made"),
        ("case_number", "on record"),
        ("", "on record"),
    ):
        answer = other.does(query, "take_back", provision=provision, reason=WHY)
        assert (422, True) == (answer.status_code, told in answer.text)
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))


def test_what_was_decided_on_a_ruling_and_not_released_yet_is_decided_again(staffed: Staffed) -> None:
    """A ruling that is taken back while the records are fetched lets none of them out."""
    maker = staffed.signed_in("records")
    query = _permitted(staffed, maker)
    taken: list[int] = []

    def meanwhile() -> None:
        if not taken:
            taken.append(maker.does(query, "take_back", provision="stated_reason", reason=WHY).status_code)

    staffed.city.reads.on_fetch = meanwhile
    assert 403 == _fetched(staffed, query)
    assert [303] == taken
    events = [e["event"] for e in staffed.city.events() if e["ref"] == query]
    assert "query.released" not in events
    assert ["review.withdrawn", "query.refused", "query.decided"] == events[-3:]


def test_what_was_handed_to_counsel_waits_for_counsel(staffed: Staffed) -> None:
    """Records staff may still write a note; what counsel asks for comes back to counsel."""
    query = staffed.asked()
    clerk, counsel = staffed.signed_in("records"), staffed.signed_in("counsel")
    assert 303 == clerk.does(query, "escalate", reason=WHY).status_code
    shown = clerk.client.get(f"{QUEUE}/{query}").text
    assert "you can only write a note" in shown
    assert "Let the denial stand" not in shown
    for act in ("ask", "uphold", "rule", "escalate"):
        answer = clerk.does(query, act, provision="stated_reason", reason=WHY)
        assert (422, True) == (answer.status_code, "handed to counsel" in answer.text)
    assert 303 == clerk.does(query, "note", reason=WHY).status_code
    assert 303 == counsel.does(query, "ask", reason=WHY).status_code
    assert "needs_information" == staffed.state(query)
    sent = json.dumps({"message": "It was the blue one.", "facts": {}, "documents": []}).encode()
    appeal(staffed.city.gate, staffed.city.presented("sample-il-pd"), query, sent)
    assert "escalated" == staffed.state(query)


def test_counsel_takes_up_again_what_was_upheld(staffed: Staffed) -> None:
    """Nobody else; what was ruled before the denial was upheld counts no more."""
    query = staffed.asked(purpose__case_number="n/a")
    clerk, counsel = staffed.signed_in("records"), staffed.signed_in("counsel")
    clerk.does(query, "rule", provision="stated_reason", reason=WHY)
    clerk.does(query, "uphold", reason=WHY)
    answer = clerk.does(query, "reopen", reason=WHY)
    assert (422, True) == (answer.status_code, "Only counsel" in answer.text)
    assert 303 == counsel.does(query, "reopen", reason=WHY).status_code
    assert "escalated" == staffed.state(query)
    counsel.does(query, "rule", provision="case_number", reason=WHY)
    assert "escalated" == staffed.state(query)
    counsel.does(query, "rule", provision="stated_reason", reason=WHY)
    assert "permitted" == staffed.state(query)
