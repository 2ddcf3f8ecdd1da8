"""What somebody would try who wants more than the law lets them: it does nothing, and nothing is released."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import update

from gatekeeper.exchange import further_records
from gatekeeper.exchange.rulings import LIFE
from gatekeeper.review.case import open_case
from gatekeeper.store.tables import staff, staff_sessions
from tests.console.conftest import Browser, Staffed

QUEUE = "/console/reviews"
WHY = "The report names a stolen blue sedan; read and kept."
GRAVE = {
    "purpose__category": "criminal_investigation",
    "purpose__narrative": "child abuse, mother was pregnant and left the state",
    "purpose__offense": "90Z",
}
MORE = {
    "level": "counsel",
    "role": "counsel",
    "actor": "staff_other",
    "by": "staff_other",
    "expires_at": "2036-01-01T00:00:00Z",
    "two_people": "false",
    "state": "permitted",
    "to": "permitted",
    "agency_id": "",
    "query_id": "q_other",
}


def _fetched(staffed: Staffed, query: str) -> int:
    return further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query).status


def _moves(staffed: Staffed, query: str) -> int:
    return len([e for e in staffed.city.gate.ledger.entries_of(query) if e.event.startswith("review.")])


def test_what_a_form_adds_about_its_sender_is_not_read(staffed: Staffed) -> None:
    """Level, person, time and state come from the session, the clock and the policy."""
    grave, query = staffed.asked(**GRAVE), staffed.asked(purpose__case_number="n/a")
    clerk = staffed.signed_in("records")
    assert 422 == clerk.does(grave, "rule", provision="restrictive_law", reason=WHY, **MORE).status_code
    assert ("queued", 0) == (staffed.state(grave), _moves(staffed, grave))
    assert 303 == clerk.does(query, "rule", provision="stated_reason", reason=WHY, **MORE).status_code
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    ruling = staffed.city.gate.queries.review_events(query)[-1]
    assert ("staff", clerk.made.account.id, ruling.at + LIFE) == (
        ruling.level,
        ruling.actor,
        ruling.expires_at,
    )


def test_counsel_alone_is_not_two(staffed: Staffed) -> None:
    """Whatever is sent twice, in one form or in two browsers of one person."""
    query = staffed.asked(**GRAVE)
    counsel = staffed.signed_in("counsel")
    other = Browser(staffed.app.test_client(), counsel.made)
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE sign_ins SET last_step = 0")
    assert 303 == other.sign_in().status_code
    twice = ["restrictive_law", "restrictive_law"]
    assert 303 == counsel.does(query, "rule", provision=twice, reason=WHY).status_code
    assert 422 == other.does(query, "rule", provision=twice, reason=WHY, **MORE).status_code
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))


def test_a_ruling_on_another_request_s_provision_reaches_nothing(staffed: Staffed) -> None:
    """What denies one request is no matter of another."""
    stolen = "Stolen Example sedan, taken from Sample Avenue overnight"
    vague = staffed.asked()
    unnumbered = staffed.asked(purpose__narrative=stolen, purpose__case_number="n/a")
    clerk = staffed.signed_in("records")
    assert 422 == clerk.does(vague, "rule", provision="case_number", reason=WHY).status_code
    assert 422 == clerk.does(unnumbered, "rule", provision="stated_reason", reason=WHY).status_code
    many = ["stated_reason", *(f"x{n}" for n in range(500))]
    assert 422 == clerk.does(vague, "rule", provision=many, reason=WHY).status_code
    assert [0, 0] == [_moves(staffed, query) for query in (vague, unnumbered)]


def test_a_form_of_one_request_does_nothing_to_another(staffed: Staffed) -> None:
    """The version that it names is of the one that was seen."""
    one, other = staffed.asked(), staffed.asked()
    clerk = staffed.signed_in("records")
    clerk.does(one, "ask", reason=WHY)
    version = clerk.version(clerk.client.get(f"{QUEUE}/{one}"))
    assert 409 == clerk.does(other, "uphold", reason=WHY, version=version).status_code
    assert "queued" == staffed.state(other)


@pytest.mark.parametrize("ended", ["out of time", "removed", "made an auditor", "moved to the agency"])
def test_a_session_that_ends_between_page_and_form_does_nothing(staffed: Staffed, ended: str) -> None:
    """Time ran out, or the person is no longer who they were when they opened the page."""
    query = staffed.asked()
    clerk = staffed.signed_in("records")
    page = clerk.client.get(f"{QUEUE}/{query}")
    form = {"form": clerk.token(page), "version": clerk.version(page), "provision": "stated_reason"}
    long_ago = staffed.city.gate.clock.now() - timedelta(days=2)
    changes: dict[str, Any] = {
        "removed": update(staff).values(status="removed"),
        "made an auditor": update(staff).values(role="auditor"),
        "moved to the agency": update(staff).values(agency_id="sample-il-pd"),
        "out of time": update(staff_sessions).values(seen_at=long_ago, began_at=long_ago),
    }
    with staffed.city.state.database.write() as connection:
        connection.execute(changes[ended])
    answer = clerk.client.post(f"{QUEUE}/{query}/rule", data={**form, "reason": WHY})
    assert {"made an auditor": 403, "moved to the agency": 422}.get(ended, 303) == answer.status_code
    if answer.status_code == 303:
        assert answer.headers["Location"].startswith("/console/sign-in?next=")
    assert ("queued", 0) == (staffed.state(query), _moves(staffed, query))


@pytest.mark.parametrize(
    "query", ["q_none", "..", "%00", "q_' OR 1=1 --", "\u0000", "\ud7ff", "x" * 300], ids=lambda q: q[:8]
)
@pytest.mark.parametrize("act", ["", "/rule", "/ask", "/verify", "/unmask", "/take_back"])
def test_an_address_of_nothing_is_a_page_of_nothing(staffed: Staffed, query: str, act: str) -> None:
    """404 for a form as for a page, whatever stands in the address; nothing of it comes back."""
    counsel = staffed.signed_in("counsel")
    token = counsel.token(counsel.client.get("/console/proof"))
    path = f"{QUEUE}/{quote(query, safe='')}{act}"
    form = {"form": token, "reason": WHY, "version": "1", "provision": "stated_reason"}
    answers = [counsel.client.post(path, data=form) if act else counsel.client.get(path)]
    assert [404] == [answer.status_code for answer in answers]
    assert "OR 1=1" not in answers[0].text


@pytest.mark.parametrize("said", ["\x00" * 40 + WHY, "\u202e" + WHY, "\ufeff" * 30 + WHY, WHY + "\U0001f600"])
def test_whatever_is_typed_as_a_reason_is_kept_or_refused(staffed: Staffed, said: str) -> None:
    """Never half done: the entry and the move are one commit."""
    query = staffed.asked()
    answer = staffed.signed_in("records").does(query, "ask", reason=said)
    assert answer.status_code in {303, 422}
    assert (answer.status_code == 303) == (staffed.state(query) == "needs_information")
    assert (answer.status_code == 303) == (_moves(staffed, query) == 1)


def test_reading_changes_nothing(staffed: Staffed) -> None:
    """No page that is only looked at moves a review, rules, or asks the policy for good."""
    query = staffed.asked()
    counsel = staffed.signed_in("counsel")
    before = open_case(staffed.city.gate, query).review
    for path in ("", "/rule?provision=stated_reason", "/rule", "/rule?provision=civil_immigration"):
        counsel.client.get(f"{QUEUE}/{query}{path}")
    for act in ("ask", "uphold", "escalate", "unmask", "verify", "take_back", "note"):
        assert 405 == counsel.client.get(f"{QUEUE}/{query}/{act}?reason={quote(WHY)}").status_code
    assert before == open_case(staffed.city.gate, query).review
    assert 0 == _moves(staffed, query)
