"""Who looks after a request: on the queue for several at once, by one of two who try at the same moment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.cli import staff
from gatekeeper.errors import LedgerUnavailable
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import body

QUEUE = "/console/reviews"


def _denied(staffed: Staffed) -> str:
    asked = body()
    asked["purpose"]["narrative"] = "investigation"
    return str(json.loads(staffed.city.ask(asked).body)["query_id"])


def _assign(browser: Browser, picks: list[str], to: str = "me", **more: str) -> TestResponse:
    token = browser.token(browser.client.get(QUEUE))
    return browser.client.post(f"{QUEUE}/assign", data={"form": token, "pick": picks, "to": to, **more})


def _assignee(staffed: Staffed, query_id: str) -> str | None:
    review = staffed.city.gate.queries.review(query_id)
    assert review is not None
    return review.assignee


def _colleague(staffed: Staffed, name: str, role: Any, agency_id: str | None = None) -> str:
    made = staff.register(staffed.city.state, name, name="Sam Sample", role=role, agency_id=agency_id)
    return made.account.id


def test_several_are_taken_at_once_and_given_back(staffed: Staffed) -> None:
    """The way back is the filter that the form stood under; each is an entry that names nobody."""
    made = [_denied(staffed) for _ in range(3)]
    browser = staffed.signed_in("records")
    before = staffed.city.state.rows.head().size
    answer = _assign(browser, [f"{query}:" for query in made[:2]], filter="assigned=nobody")
    assert (303, f"{QUEUE}?assigned=nobody") == (answer.status_code, answer.headers["Location"])
    me = browser.made.account.id
    assert [me, me, None] == [_assignee(staffed, query) for query in made]
    entries = list(staffed.city.state.rows.entries(before, before + 9))
    assert [("review.assigned", query) for query in made[:2]] == [(e.event, e.ref) for e in entries]
    opened = staffed.city.state.ledger.detail_of(entries[0].index).openings
    assert (me, me) == (opened["by"]["value"], opened["assignee"]["value"])
    assert all(me.encode() not in entry.entry for entry in entries)
    assert "<strong>me</strong>" in browser.client.get(f"{QUEUE}?assigned=me").text
    assert 303 == _assign(browser, [f"{made[0]}:{me}"], to="nobody").status_code
    assert _assignee(staffed, made[0]) is None


def test_of_two_clerks_one_wins_and_the_other_is_told(staffed: Staffed) -> None:
    """Whoever saw nobody there takes nothing from the one who was quicker."""
    query, other = _denied(staffed), _denied(staffed)
    first, second = staffed.signed_in("records"), staffed.signed_in("counsel")
    assert 303 == _assign(first, [f"{query}:"]).status_code
    answer = _assign(second, [f"{query}:", f"{other}:"])
    assert 409 == answer.status_code
    assert "somebody else assigned it just now" in answer.text
    assert first.made.account.id == _assignee(staffed, query)
    assert second.made.account.id == _assignee(staffed, other)


def test_a_race_is_decided_in_the_commit(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if both had read the same: the second change finds another row than it names."""
    query = _denied(staffed)
    seen = staffed.city.gate.queries.review(query)
    first, second = staffed.signed_in("records"), staffed.signed_in("counsel")
    _assign(first, [f"{query}:"])
    monkeypatch.setattr(type(staffed.city.gate.queries), "review", lambda *_: seen)
    assert 409 == _assign(second, [f"{query}:"]).status_code
    monkeypatch.undo()
    assert first.made.account.id == _assignee(staffed, query)


def test_only_who_may_rule_is_given_a_request(staffed: Staffed) -> None:
    """No auditor, nobody of the agency that asked, nobody who left, no stranger."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")
    good = _colleague(staffed, "sam.good", "counsel")
    bad = [
        _colleague(staffed, "sam.auditor", "auditor"),
        _colleague(staffed, "sam.legal", "legal"),
        _colleague(staffed, "sam.own", "records", "sample-il-pd"),
        "stranger",
        "",
        "\x00",
    ]
    for colleague in bad:
        answer = _assign(browser, [f"{query}:"], to="colleague", colleague=colleague)
        assert 422 == answer.status_code, colleague
        assert _assignee(staffed, query) is None
    assert 303 == _assign(browser, [f"{query}:"], to="colleague", colleague=good).status_code
    assert good == _assignee(staffed, query)


def test_nobody_chooses_who_judges_their_own_agency(staffed: Staffed) -> None:
    """Neither themselves nor a friend."""
    query = _denied(staffed)
    browser = staffed.person("records", "sample-il-pd")
    assert 303 == browser.sign_in().status_code
    answer = _assign(browser, [f"{query}:"])
    assert (422, None) == (answer.status_code, _assignee(staffed, query))
    assert "Your own agency asked this" in answer.text


@pytest.mark.parametrize("role", ["auditor", "legal", "admin"])
def test_who_only_reads_assigns_nothing(staffed: Staffed, role: Any) -> None:
    """Whatever they send."""
    query = _denied(staffed)
    browser = staffed.signed_in(role)
    token = browser.token(browser.client.get(QUEUE))
    form = {"form": token, "pick": f"{query}:", "to": "me"}
    assert 403 == browser.client.post(f"{QUEUE}/assign", data=form).status_code
    assert _assignee(staffed, query) is None


def test_what_is_done_is_assigned_to_nobody(staffed: Staffed) -> None:
    """Nobody has to act on it any more."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")
    token = browser.token(browser.client.get(f"{QUEUE}/{query}"))
    said = {"form": token, "version": "1", "reason": "The words do not say what happened."}
    assert 303 == browser.client.post(f"{QUEUE}/{query}/uphold", data=said).status_code
    answer = _assign(browser, [f"{query}:"])
    assert (422, None) == (answer.status_code, _assignee(staffed, query))


@pytest.mark.parametrize(
    "changes",
    [
        {"form": "0" * 64},
        {"form": ""},
        {"filter": "state=nonsense"},
        {"to": "x" * 200},
        {"pick": []},
        {"pick": ["q_none:"]},
        {"pick": ["\x00"]},
        {"to": ""},
    ],
)
def test_a_form_that_is_not_ours_or_not_whole_does_nothing(staffed: Staffed, changes: dict[str, Any]) -> None:
    """Forged, empty, about what does not exist."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")
    before = staffed.city.state.rows.head().size
    form = {"form": browser.token(browser.client.get(QUEUE)), "pick": [f"{query}:"], "to": "me", **changes}
    assert browser.client.post(f"{QUEUE}/assign", data=form).status_code in {403, 404, 422}
    assert before == staffed.city.state.rows.head().size


def test_without_an_entry_nothing_is_assigned(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log and the change are one commit."""
    query = _denied(staffed)
    browser = staffed.signed_in("records")

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    token = browser.token(browser.client.get(QUEUE))
    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    form = {"form": token, "pick": f"{query}:", "to": "me"}
    assert 503 == browser.client.post(f"{QUEUE}/assign", data=form).status_code
    assert _assignee(staffed, query) is None


def test_an_open_form_stays_good_when_the_request_is_assigned(staffed: Staffed) -> None:
    """A colleague who writes a long answer is not told to begin anew."""
    query = _denied(staffed)
    writer, other = staffed.signed_in("records"), staffed.signed_in("counsel")
    token = writer.token(writer.client.get(f"{QUEUE}/{query}"))
    assert 303 == _assign(other, [f"{query}:"]).status_code
    said = {"form": token, "version": "1", "reason": "Which car was it, and where was it taken from?"}
    assert 303 == writer.client.post(f"{QUEUE}/{query}/ask", data=said).status_code
    shown = writer.client.get(f"{QUEUE}/{query}").text
    assert "Which car was it" in shown
    review = staffed.city.gate.queries.review(query)
    assert review is not None
    assert ("needs_information", other.made.account.id) == (review.state, review.assignee)
