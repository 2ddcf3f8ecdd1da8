"""What falls between two parts of the console: tried as somebody would who wants more than the law lets them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.app import application
from gatekeeper.policy import Bundle, Catalogue, Embedded
from tests.console.conftest import Staffed
from tests.console.test_acts import WHY
from tests.exchange.city import City

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
