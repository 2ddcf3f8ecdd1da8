"""What the yearly reports need of a contact with an immigration body is sealed with its decision."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.exchange.contacts import contact
from gatekeeper.exchange.decide import Denial, Situation, decide
from gatekeeper.exchange.history import FIRST
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.parse import read_again
from gatekeeper.exchange.patterns import ALONE
from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.ledger import Json
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.store import Agency
from tests.exchange.city import NOW, City, body

PD = Agency("sample-il-pd", None, "Sample PD", "local", "IL", "active", False, (), ())
HSI = Agency("hsi-office", None, "Homeland Security Investigations", "federal", None, "active", False, (), ())
BLAND = Agency("office-nine", None, "Field Office Nine", "federal", None, "active", False, (), ())


def _contact(
    bundle: Bundle, agency: Agency = PD, end: Agency | None = None, listed: Any = (), **changes: Any
) -> dict[str, Json] | None:
    query = read_again(body(**changes))
    situation = Situation(agency, end, (), NOW, FIRST, patterns=ALONE, officer=NAMED)
    document, city = bundle.data["lexicon"], bundle.data["city"]
    assert isinstance(document, dict)
    assert isinstance(city, dict)
    words = screen(query.typed_words() | situation.names(), Lexicon.load(document))
    decision = decide(query, words, situation, Embedded(bundle))
    assert isinstance(decision, Denial)
    return contact(decision, {"city": {**city, "immigration_bodies": [*listed]}})


def test_an_ordinary_request_is_no_contact(bundle: Bundle) -> None:
    """Nor is one whose words only resemble such a body."""
    assert _contact(bundle) is None
    assert _contact(bundle, purpose__narrative="Ice cream truck robbery") is None


def test_a_body_that_asks_is_named_by_its_registry_id(bundle: Bundle) -> None:
    """By its registered name, or by the city's list where the name is bland."""
    asks = _contact(bundle, HSI)
    assert asks is not None
    assert ("hsi-office", None, None) == (asks["asks"], asks["asked_for"], asks["paper"])
    assert _contact(bundle, BLAND) is None
    listed = _contact(bundle, BLAND, listed=["office-nine"])
    assert listed is not None
    assert "office-nine" == listed["asks"]


def test_a_body_that_is_asked_for_is_told_with_its_component(bundle: Bundle) -> None:
    """The component as the request gives it."""
    behalf = {"agency": "hsi-office", "component": "HSI Chicago", "person": "Sam Agent"}
    asked = _contact(bundle, end=HSI, on_behalf_of=behalf)
    assert asked is not None
    assert (None, "hsi-office", "HSI Chicago") == (asked["asks"], asked["asked_for"], asked["component"])
    bland = _contact(bundle, end=BLAND, listed=["office-nine"], on_behalf_of=behalf | {"component": None})
    assert bland is not None
    assert "office-nine" == bland["asked_for"]


def test_a_body_that_is_only_named_is_told_by_the_words(bundle: Bundle) -> None:
    """And where they stand."""
    named = _contact(bundle, purpose__narrative="Stolen Honda, assist ICE")
    assert named is not None
    assert {"field": "narrative", "term": "ice"} in named["named"]  # type: ignore[operator]
    assert (None, None) == (named["asks"], named["asked_for"])


@pytest.mark.parametrize(
    ("process", "paper"),
    [
        ({"kind": "detainer"}, {"kind": "detainer", "forms": []}),
        ({"kind": "administrative_warrant"}, {"kind": "administrative_warrant", "forms": []}),
        ({"kind": "court_order", "form": "I 247a"}, {"kind": "court_order", "forms": ["I-247"]}),
    ],
    ids=lambda value: value["kind"],
)
def test_a_civil_paper_is_a_contact_whatever_the_words_are(
    bundle: Bundle, process: dict[str, Json], paper: dict[str, Json]
) -> None:
    """Each detainer and civil warrant received is reported."""
    received = _contact(bundle, legal_process=process)
    assert received is not None
    assert paper == received["paper"]


def test_the_contact_is_sealed_and_never_public(city: City) -> None:
    """In the private detail of the decision, and nowhere in its entry."""
    asked = city.ask(body(purpose__narrative="Stolen Honda, HSI case"))
    (entry,) = city.state.ledger.entries_of(asked.query_id)
    sealed = city.state.ledger.detail_of(entry.index).detail["immigration_contact"]
    assert isinstance(sealed, dict)
    assert {"field": "narrative", "term": "hsi"} in sealed["named"]  # type: ignore[operator]
    assert b"hsi" not in entry.entry
    ordinary = city.ask(body())
    first = city.state.ledger.entries_of(ordinary.query_id)[0]
    assert city.state.ledger.detail_of(first.index).detail["immigration_contact"] is None
