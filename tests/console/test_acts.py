"""What a person does about one request: from the question to the records, and everything that is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.exchange import further_records, status_of
from gatekeeper.exchange.status import status
from gatekeeper.review.roles import Role
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, body

QUEUE = "/console/reviews"
WHY = "The report names a stolen blue sedan; read and kept."
HASH = "0" * 63 + "1"


def _ask(staffed: Staffed, **changes: Any) -> str:
    asked = body()
    asked["purpose"]["narrative"] = "investigation"
    asked |= changes
    answer = staffed.city.ask(asked)
    found = json.loads(answer.body)
    assert "queued" == found["review"]["state"], found
    return str(found["query_id"])


def _does(browser: Browser, query: str, act: str, **typed: str) -> Any:
    page = browser.client.get(f"{QUEUE}/{query}")
    return browser.client.post(f"{QUEUE}/{query}/{act}", data={"form": browser.token(page), **typed})


def _state(staffed: Staffed, query: str) -> str:
    review = staffed.city.gate.queries.review(query)
    assert review is not None
    return review.state


def test_a_ruling_lets_the_policy_permit_and_the_agency_fetches(staffed: Staffed) -> None:
    """The page says beforehand what the policy will answer; the agency then fetches the records itself."""
    query = _ask(staffed)
    clerk = staffed.signed_in("records")
    considered = clerk.client.get(f"{QUEUE}/{query}/rule/stated_reason").text
    assert "the policy permits the request" in considered
    assert 303 == _does(clerk, query, "rule", provision="stated_reason", reason=WHY).status_code
    assert "permitted" == _state(staffed, query)
    given = further_records(staffed.city.gate, staffed.city.header("sample-il-pd"), query)
    assert (200, "permit") == (given.status, given.outcome)
    shown = clerk.client.get(f"{QUEUE}/{query}").text
    assert WHY in shown
    assert "What you can do" not in shown
    assert "ruled met by staff" in shown


def test_a_ruling_on_one_of_two_leaves_the_other(staffed: Staffed) -> None:
    """And the page says which, before anything is confirmed."""
    asked = body()
    asked["purpose"] |= {"narrative": "investigation", "case_number": "n/a"}
    query = str(json.loads(staffed.city.ask(asked).body)["query_id"])
    clerk = staffed.signed_in("records")
    considered = clerk.client.get(f"{QUEUE}/{query}/rule/stated_reason").text
    assert "still denies the request" in considered
    _does(clerk, query, "rule", provision="stated_reason", reason=WHY)
    assert "queued" == _state(staffed, query)
    _does(clerk, query, "rule", provision="case_number", reason=WHY)
    assert "permitted" == _state(staffed, query)


@pytest.mark.parametrize(
    ("act", "state"), [("ask", "needs_information"), ("escalate", "escalated"), ("uphold", "upheld")]
)
def test_each_act_moves_the_review_and_is_in_the_log(staffed: Staffed, act: str, state: str) -> None:
    """With who and why committed to, and shown to those who may read it."""
    query = _ask(staffed)
    clerk = staffed.signed_in("records")
    assert 303 == _does(clerk, query, act, reason=WHY).status_code
    assert state == _state(staffed, query)
    assert WHY in clerk.client.get(f"{QUEUE}/{query}").text
    entries = [e for e in staffed.city.gate.ledger.entries_of(query) if e.event.startswith("review.")]
    assert 1 == len(entries)
    assert WHY.encode() not in entries[0].entry
    opened = staffed.city.gate.ledger.detail_of(entries[0].index).openings
    assert (clerk.made.account.id, WHY) == (opened["by"]["value"], opened["reason"]["value"])


@pytest.mark.parametrize("reason", ["", ".", "..........", "ok", "x" * 2001, "1234567890123", " a b c "])
@pytest.mark.parametrize("act", ["ask", "escalate", "uphold", "rule"])
def test_a_reason_says_something(staffed: Staffed, act: str, reason: str) -> None:
    """A dot satisfies nobody; what was typed comes back with what is wrong."""
    query = _ask(staffed)
    answer = _does(staffed.signed_in("records"), query, act, reason=reason, provision="stated_reason")
    assert 422 == answer.status_code
    assert "Nothing was done" in answer.text
    assert "queued" == _state(staffed, query)


@pytest.mark.parametrize("role", ["auditor", "legal", "admin"])
@pytest.mark.parametrize("act", ["ask", "escalate", "uphold", "rule", "verify"])
def test_a_role_that_only_reads_does_nothing(staffed: Staffed, act: str, role: Role) -> None:
    """Whatever form it sends."""
    query = _ask(staffed)
    browser = staffed.signed_in(role)
    page = browser.client.get("/console/")
    form = {"form": _token_of(browser), "reason": WHY, "provision": "stated_reason"}
    assert 303 == page.status_code
    assert 403 == browser.client.post(f"{QUEUE}/{query}/{act}", data=form).status_code
    assert "queued" == _state(staffed, query)


def _token_of(browser: Browser) -> str:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return form_token(cookie.value)


def test_a_form_of_another_site_does_nothing(staffed: Staffed) -> None:
    """Without the token of this browser no act is done."""
    query = _ask(staffed)
    browser = staffed.signed_in("records")
    for form in ({}, {"form": "0" * 64}):
        answer = browser.client.post(f"{QUEUE}/{query}/uphold", data={**form, "reason": WHY})
        assert 403 == answer.status_code
    assert "queued" == _state(staffed, query)


def test_staff_do_not_rule_where_counsel_must(staffed: Staffed) -> None:
    """They hand it over; counsel then rules."""
    asked = body()
    asked["purpose"] |= {"narrative": "child abuse, mother was pregnant and left the state", "offense": "90Z"}
    found = json.loads(staffed.city.ask(asked).body)
    codes = {p["code"]: p["review"] for p in found["decision"]["provisions"]}
    assert "counsel" == codes["restrictive_law"], codes
    query = str(found["query_id"])
    clerk, counsel = staffed.signed_in("records"), staffed.signed_in("counsel")
    answer = _does(clerk, query, "rule", provision="restrictive_law", reason=WHY)
    assert (422, True) == (answer.status_code, "Counsel must rule" in answer.text)
    _does(clerk, query, "escalate", reason=WHY)
    assert 303 == _does(counsel, query, "rule", provision="restrictive_law", reason=WHY).status_code
    assert "counsel" in clerk.client.get(f"{QUEUE}/{query}").text


@pytest.mark.parametrize("provision", ["", "civil_immigration", "attestation", "no_such", "stated_reason'"])
def test_no_ruling_reaches_a_provision_that_does_not_deny_or_is_final(
    staffed: Staffed, provision: str
) -> None:
    """Only what denies this request now, and only where the law leaves something to decide."""
    query = _ask(staffed)
    clerk = staffed.signed_in("records")
    assert 422 == _does(clerk, query, "rule", provision=provision, reason=WHY).status_code
    assert 404 == clerk.client.get(f"{QUEUE}/{query}/rule/{provision or 'none'}").status_code
    assert "queued" == _state(staffed, query)


def test_nobody_rules_on_what_their_own_agency_asked(staffed: Staffed) -> None:
    """A clerk who belongs to a police department has no part in its requests."""
    query = _ask(staffed)
    browser = staffed.person("records", agency_id="sample-il-pd")
    browser.sign_in()
    for act in ("ask", "uphold", "rule", "escalate", "verify"):
        answer = _does(browser, query, act, reason=WHY, provision="stated_reason")
        assert (422, True) == (answer.status_code, "own agency" in answer.text)
    assert "queued" == _state(staffed, query)


def test_of_two_who_act_at_once_one_is_told(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second read a state that is no more; nothing of theirs is written."""
    query = _ask(staffed)
    first, second = staffed.signed_in("records"), staffed.signed_in("counsel")
    stale = staffed.city.gate.queries.review(query)
    _does(first, query, "ask", reason=WHY)
    page = second.client.get(f"{QUEUE}/{query}")
    real = staffed.city.gate.queries
    once, really = iter([stale]), type(real).review
    monkeypatch.setattr(
        type(real), "review", lambda self, q, agency=None: next(once, None) or really(self, q, agency)
    )
    answer = second.client.post(
        f"{QUEUE}/{query}/uphold", data={"form": second.token(page), "reason": "Too vague to be lawful."}
    )
    assert (409, True) == (answer.status_code, "Somebody else acted" in answer.text)
    assert "needs_information" == _state(staffed, query)
    assert 1 == len([e for e in real.review_events(query) if e.event == "review.asked"])


@pytest.mark.parametrize("final", ["permitted", "withdrawn"])
def test_what_is_decided_is_not_decided_again(staffed: Staffed, final: str) -> None:
    """No act on a review that is over."""
    query = _ask(staffed)
    clerk = staffed.signed_in("records")
    if final == "permitted":
        _does(clerk, query, "rule", provision="stated_reason", reason=WHY)
    else:
        with staffed.city.state.database.write() as connection:
            connection.exec_driver_sql("UPDATE reviews SET state = 'withdrawn'")
    answer = _does(clerk, query, "uphold", reason=WHY)
    assert 422 == answer.status_code
    assert final == _state(staffed, query)


def _with_paper(staffed: Staffed) -> str:
    asked = body()
    asked["purpose"]["narrative"] = "HSI, homicide suspect"
    asked["purpose"]["offense"] = "09A"
    asked["legal_process"] = {
        "kind": "criminal_warrant",
        "court": "Sample County Circuit Court",
        "judge": "J. Sample",
        "number": "26-CR-0001",
        "statute": "720 ILCS 5/9-1",
        "document_sha256": HASH,
    }
    found = json.loads(staffed.city.ask(asked).body)
    assert "federal_component" in {p["code"] for p in found["decision"]["provisions"]}, found
    return str(found["query_id"])


def test_a_verified_warrant_counts_for_this_request(staffed: Staffed) -> None:
    """The clerk saw the judge's signature: what it cures is met at once, for exactly this."""
    query = _with_paper(staffed)
    clerk = staffed.signed_in("records")
    typed = {"document": HASH, "judge_signed": "yes", "days": "7", "reason": WHY}
    assert 303 == _does(clerk, query, "verify", **typed).status_code
    assert "met as things stand now" in clerk.client.get(f"{QUEUE}/{query}").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"document": "f" * 64},
        {"document": ""},
        {"judge_signed": ""},
        {"judge_signed": "maybe"},
        {"reason": "."},
    ],
)
def test_a_paper_that_was_not_seen_counts_for_nothing(staffed: Staffed, wrong: dict[str, str]) -> None:
    """Another document's hash, no judge's signature, or nothing said about it."""
    query = _with_paper(staffed)
    clerk = staffed.signed_in("records")
    typed = {"document": HASH, "judge_signed": "yes", "days": "7", "reason": WHY} | wrong
    assert 422 == _does(clerk, query, "verify", **typed).status_code
    assert "met as things stand now" not in clerk.client.get(f"{QUEUE}/{query}").text


def test_a_request_without_a_paper_cannot_be_verified(staffed: Staffed) -> None:
    """There is nothing to see."""
    query = _ask(staffed)
    answer = _does(
        staffed.signed_in("records"), query, "verify", document=HASH, judge_signed="yes", reason=WHY
    )
    assert (422, True) == (answer.status_code, "shows no document" in answer.text)


def test_the_agency_reads_what_staff_said_to_it(staffed: Staffed) -> None:
    """A question and a ruling, with their times; not what staff wrote to counsel, and no staff name."""
    query = _ask(staffed)
    clerk, counsel = staffed.signed_in("records"), staffed.signed_in("counsel")
    _does(clerk, query, "ask", reason="Which car, and where was it taken?")
    _does(clerk, query, "escalate", reason="I am not sure about this one, please look.")
    _does(counsel, query, "uphold", reason="The words say nothing that a law is broken by.")
    given = status_of(staffed.city.gate, staffed.city.header("sample-il-pd"), query)["review"]
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
    query = _ask(staffed)
    _does(staffed.signed_in("records"), query, "rule", provision="stated_reason", reason=WHY)
    review = staffed.city.gate.queries.review(query)
    assert review is not None
    for hours, state in ((71, "permitted"), (73, "expired")):
        at = staffed.city.gate.clock.now() + timedelta(hours=hours)
        gate = staffed.city.gate
        given = status(gate.queries, gate.ledger, gate.engine.bundle.written, query, review.agency_id, at)
        assert state == given["review"]["state"]  # type: ignore[index,call-overload]


def test_no_act_shows_or_logs_the_plate(staffed: Staffed) -> None:
    """Masked on the page, absent from the public log."""
    query = _ask(staffed)
    clerk = staffed.signed_in("records")
    _does(clerk, query, "ask", reason=WHY)
    assert PLATE not in clerk.client.get(f"{QUEUE}/{query}").text
    assert all(PLATE.encode() not in e.entry for e in staffed.city.gate.ledger.entries_of(query))
