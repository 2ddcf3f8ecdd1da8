"""What a permit obliges to, by purpose, kind of query and kind of agency, through the gate's own steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.law.flawless import Desk

MISSING = ("Missing girl, last seen at Sample Park", "missing_or_endangered_person", None)
SHOOTING = ("Shooting on Sample Street, dark sedan fled", "criminal_investigation", "13A")
ROBBERY = ("Armed robbery of a shop", "criminal_investigation", "120")
WANTED = ("Wanted for murder", "wanted_person", "09A")
TRAFFICKING = ("Human trafficking at a motel", "human_trafficking", "64A")
STOLEN = ("Stolen Example sedan, taken overnight", "stolen_vehicle", "240")
SHOPLIFTING = ("Shoplifting, grey van", "criminal_investigation", "23C")
DRUGS = ("Narcotics, controlled buy", "criminal_investigation", "35A")
UNSAID = ("Armed robbery of a shop", "criminal_investigation", "90Z")
UNSAID_TRAFFICKING = ("Human trafficking at a motel", "human_trafficking", "90Z")
WANTED_FOR_THEFT = ("Wanted for burglary", "wanted_person", "220")


def _owed(desk: Desk, reason: tuple[str, str, str | None], **options: Any) -> dict[str, Any]:
    said = desk.decide(*reason, **options)
    assert [] == said["provisions"], said
    owed: dict[str, Any] = said["obligations"]
    return owed


@pytest.mark.parametrize("reason", [MISSING, SHOOTING, ROBBERY, WANTED, TRAFFICKING], ids=str)
def test_a_place_query_that_needs_the_plates_shows_them(
    desk: Desk, reason: tuple[str, str, str | None]
) -> None:
    """Somebody is missing, or a violent crime is named by its own code."""
    owed = _owed(desk, reason, place=True)
    assert owed["mask_other_plates"] is False
    assert "plate" in owed["fields"]
    assert "image_url" not in owed["fields"]


@pytest.mark.parametrize(
    "reason", [STOLEN, SHOPLIFTING, DRUGS, UNSAID, UNSAID_TRAFFICKING, WANTED_FOR_THEFT], ids=str
)
def test_every_other_place_query_shows_none(desk: Desk, reason: tuple[str, str, str | None]) -> None:
    """Words alone uncover nobody: 90Z agrees with all of them."""
    owed = _owed(desk, reason, place=True)
    assert owed["mask_other_plates"] is True
    assert {"plate", "plate_state", "image_url"}.isdisjoint(owed["fields"])
    assert {"vehicle.make", "captured_at", "camera.id"} <= set(owed["fields"])


@pytest.mark.parametrize(
    "reason", [MISSING, SHOOTING, TRAFFICKING, STOLEN, SHOPLIFTING, UNSAID, WANTED], ids=str
)
def test_a_plate_query_shows_the_plate_that_it_named(desk: Desk, reason: tuple[str, str, str | None]) -> None:
    """There is no other in its answer."""
    owed = _owed(desk, reason)
    assert owed["mask_other_plates"] is False
    assert ("image_url" in owed["fields"]) is (reason != STOLEN)


@pytest.mark.parametrize("kind", ["federal", "tribal", "state"])
def test_the_kind_of_agency_narrows_too(desk: Desk, kind: str) -> None:
    """An image is for those who answer to a state or a tribe."""
    assert ("image_url" in _owed(desk, SHOOTING, kind=kind)["fields"]) is (kind != "federal")


def test_a_place_is_less_exact_than_a_plate(desk: Desk) -> None:
    """Where a known car was is asked to the metre; where everybody was is not."""
    assert 5 == _owed(desk, SHOOTING)["coordinate_decimals"]
    assert 4 == _owed(desk, SHOOTING, place=True)["coordinate_decimals"]


def test_the_terms_say_their_version_and_what_they_forbid(desk: Desk) -> None:
    """They are text, not a reference to one."""
    terms = _owed(desk, STOLEN)["terms"]
    assert terms.startswith("Terms of use 2026-01: ")
    assert all(said in terms for said in ("immigration", "passed on", "30 days", "receipt"))
