"""What falls between two parts of the console, tried by somebody who wants more than the law lets them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.app import application
from gatekeeper.exchange import further_records
from gatekeeper.exchange.appeal import appeal
from gatekeeper.policy import Bundle, Catalogue, Embedded
from tests.console.conftest import Staffed
from tests.console.test_acts import WHY
from tests.console.test_papers import HSI, READ, WARRANT, _verifies
from tests.console.test_samples import _drawn, _send, later, permits
from tests.exchange.city import City

__all__ = ["later", "permits"]

HIDDEN = "stated_reason"


@pytest.fixture
def secretive(city: City, bundle: Bundle) -> Staffed:
    """Return a city whose law keeps one provision from the public."""

    def kept(provisions: Catalogue) -> Catalogue:
        return Catalogue([replace(p, public=p.code != HIDDEN) for p in provisions.values()])

    changed = replace(bundle, catalogue=kept(bundle.catalogue), written=kept(bundle.written))
    city = city.with_gate(engine=Embedded(changed))
    return Staffed(city, application(city.state, city.gate, city.tokens, lambda _: None))


def test_a_provision_that_is_not_public_stands_in_no_entry_of_a_review(secretive: Staffed) -> None:
    """Whatever is done about it: the entries commit to it, and the staff's page names it all the same."""
    staffed = secretive
    clerk, counsel = staffed.signed_in("records"), staffed.signed_in("counsel", name="Kim Counsel")
    ruled, upheld = staffed.asked(), staffed.asked()
    assert 303 == clerk.does(ruled, "ask", reason=WHY).status_code
    assert 303 == clerk.does(ruled, "rule", provision=HIDDEN, reason=WHY).status_code
    assert 303 == counsel.does(ruled, "take_back", provision=HIDDEN, reason=WHY).status_code
    assert 303 == clerk.does(upheld, "escalate", reason=WHY).status_code
    assert 303 == counsel.does(upheld, "uphold", reason=WHY).status_code
    moves = [e for e in staffed.city.events() if e["event"].startswith("review.")]
    assert [[]] * 5 == [e["provisions"] for e in moves]
    assert all("hidden_provisions" in e["commitments"] for e in moves)
    page = clerk.client.get(f"/console/reviews/{ruled}").text
    assert "paper is verified" not in page
    assert "met: “" in page
    assert "the denial stands" in clerk.client.get(f"/console/reviews/{upheld}").text


# --- An appealed query, wherever it is read again. --------------------------------------------------------

ADDED = "We have spoken with Zebulon Quix, who saw it"


def _appealed(staffed: Staffed, message: str = ADDED, **asked: Any) -> str:
    query = staffed.asked(**({"purpose__case_number": "26-90317"} | asked))
    sent = {"message": message, "facts": {"case_number": "26-90318"}, "documents": []}
    shown = staffed.city.presented("sample-il-pd")
    assert 202 == appeal(staffed.city.gate, shown, query, json.dumps(sent).encode()).status
    return query


@pytest.mark.usefixtures("later")
def test_a_permit_that_an_appeal_came_before_can_be_judged(staffed: Staffed) -> None:
    """Or one such permit would keep its sample from being marked to its end, and its days from a draw."""
    told = {"purpose__narrative": "Stolen Honda Civic, taken from Ridge Ave overnight"}
    query = _appealed(staffed, **told, purpose__case_number="n/a")
    assert 200 == further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query).status
    legal = staffed.signed_in("legal")
    where = _drawn(legal, size="50")
    items = staffed.city.state.database
    with items.read() as connection:
        drawn = connection.exec_driver_sql("SELECT number, query_id FROM sample_items").all()
    pages = {of: legal.client.get(f"{where}/{number}") for number, of in drawn}
    assert {200} == {page.status_code for page in pages.values()}
    assert "Zebulon" in pages[query].text


def test_a_case_of_an_appealed_request_holds_nothing_that_was_added(staffed: Staffed) -> None:
    """What an appeal added is as private as the rest: it is replaced, and nobody can type it in again."""
    query, clerk = _appealed(staffed), staffed.signed_in("records")
    assert 303 == clerk.does(query, "uphold", reason=WHY).status_code
    address = f"/console/reviews/{query}/case"
    page = clerk.client.get(address)
    assert 200 == page.status_code
    form = {"form": clerk.token(page), "title": "Staff upheld a vague reason", "act": "propose"}
    for word in ("Zebulon", "90317", "90318"):
        again = clerk.client.post(address, data={**form, "title": f"Sample {word} case"})
        assert (422, True) == (again.status_code, "is still of the request" in again.text)
    assert 303 == clerk.client.post(address, data=form).status_code
    with staffed.city.state.database.read() as connection:
        case = str(connection.exec_driver_sql("SELECT document FROM proposed_cases").scalar_one())
    assert [] == [word for word in ("Zebulon", "Quix", "90317", "90318", "spoken") if word in case]


# --- Two reviews that touch each other. -------------------------------------------------------------------


def test_what_is_upheld_while_it_is_fetched_does_not_leave(staffed: Staffed) -> None:
    """Ruled on here, and its paper verified in another review: the law permits it, and nobody has said so."""
    paper = {"kind": "criminal_warrant", **READ, "document_sha256": WARRANT.sha256}
    query = staffed.asked(**HSI, legal_process=paper, purpose__case_number="n/a")
    other, clerk = staffed.asked(**HSI, legal_process=paper), staffed.signed_in("records")
    assert 303 == clerk.does(query, "rule", provision="case_number", reason=WHY).status_code
    assert 303 == _verifies(clerk, other).status_code
    assert "queued" == staffed.state(query)

    def meanwhile() -> None:
        staffed.city.reads.on_fetch = lambda: None
        assert 303 == clerk.does(query, "uphold", reason=WHY).status_code

    gate, shown = staffed.city.gate, staffed.city.presented("sample-il-pd")
    staffed.city.reads.on_fetch = meanwhile
    assert (403, 403) == tuple(further_records(gate, shown, query).status for _ in range(2))
    assert "upheld" == staffed.state(query)
    assert not [e for e in staffed.city.events() if (e["event"], e["ref"]) == ("query.released", query)]


@pytest.mark.usefixtures("later")
def test_nobody_judges_what_was_asked_for_their_own_agency(staffed: Staffed) -> None:
    """The end requester's people are no more its judges than the people of whoever sent it."""
    paper = {"kind": "criminal_warrant", **READ, "document_sha256": WARRANT.sha256}
    query, clerk = staffed.asked(**HSI, legal_process=paper), staffed.signed_in("records")
    assert 303 == _verifies(clerk, query).status_code
    assert 200 == further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query).status
    where = _drawn(staffed.signed_in("legal"), size="50")
    with staffed.city.state.database.read() as connection:
        drawn: dict[str, int] = dict(
            connection.exec_driver_sql("SELECT query_id, number FROM sample_items").all()
        )
    own = staffed.signed_in("counsel", "sample-hsi-office", "Kim Counsel")
    answer = _send(own, f"{where}/{drawn[query]}", verdict="right", marks="0")
    assert (422, True) == (answer.status_code, "Your own agency" in answer.text)
