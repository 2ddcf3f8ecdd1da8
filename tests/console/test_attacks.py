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
from tests.console.test_samples import _drawn, later, permits
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
    header = staffed.city.header("sample-il-pd")
    assert 202 == appeal(staffed.city.gate, header, query, json.dumps(sent).encode()).status
    return query


@pytest.mark.usefixtures("later")
def test_a_permit_that_an_appeal_came_before_can_be_judged(staffed: Staffed) -> None:
    """Or one such permit would keep its sample from being marked to its end, and its days from a draw."""
    told = {"purpose__narrative": "Stolen Honda Civic, taken from Ridge Ave overnight"}
    query = _appealed(staffed, **told, purpose__case_number="n/a")
    assert 200 == further_records(staffed.city.gate, staffed.city.header("sample-il-pd"), query).status
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
