"""``gatekeeper officer``: suspended, listed, reinstated; what is refused changes nothing."""

from __future__ import annotations

import json

from tests.cli.shell import City, typed

WHY = ("--reason", "Letter of the chief of 3 November")


def test_an_officer_is_suspended_listed_and_reinstated(city: City) -> None:
    """However the badge is spelled; the log tells of both, by one name of ours."""
    city.add_agency()
    said = city.run("officer", "suspend", "maple-grove-pd", "44-11", *WHY)
    assert "gatekeeper officer reinstate maple-grove-pd" in said
    (row,) = city.rows("officer", "list")
    assert ("maple-grove-pd", "44-11", WHY[1]) == (row["agency"], row["badge"], row["reason"])
    assert [row] == city.rows("officer", "list", "--agency", "maple-grove-pd")
    city.run("officer", "reinstate", "maple-grove-pd", "4411", *WHY)
    assert [] == city.rows("officer", "list")
    assert ["agency.added", "officer.suspended", "officer.reinstated"] == city.events()


def test_a_suspension_is_lifted_by_its_id_when_its_key_is_lost(city: City) -> None:
    """Without the old key nobody is found and nothing is answered: this is the way out."""
    city.add_agency()
    city.run("officer", "suspend", "maple-grove-pd", "4411", *WHY)
    (city.data / "keys" / "officers.key").unlink()
    assert "gatekeeper init" in city.refused("officer", "list")
    city.run("init")
    (row,) = city.rows("officer", "list")
    assert ("maple-grove-pd", None) == (row["agency"], row["badge"])
    result = typed("officer", "suspend", "maple-grove-pd", "4412", *WHY, "--data", str(city.data))
    assert 1 == result.exit_code
    assert "keys/officers.key" in result.stderr
    city.run("officer", "lift", row["id"], *WHY)
    city.run("officer", "suspend", "maple-grove-pd", "4412", *WHY)
    assert ["4412"] == [row["badge"] for row in city.rows("officer", "list")]


def test_what_cannot_be_done_says_what_to_type(city: City) -> None:
    """Nothing of it is in the log."""
    city.add_agency()
    assert "gatekeeper agency list" in city.refused("officer", "suspend", "nobody-at-all-pd", "4411", *WHY)
    assert "badge" in city.refused("officer", "suspend", "maple-grove-pd", "...", *WHY)
    assert "officer list" in city.refused("officer", "reinstate", "maple-grove-pd", "4411", *WHY)
    assert "officer list" in city.refused("officer", "lift", "officer_0", *WHY)
    assert "--reason" in city.refused("officer", "suspend", "maple-grove-pd", "4411", "--reason", "...")
    assert ["agency.added"] == city.events()


def test_the_public_side_never_says_who(city: City) -> None:
    """Neither entry holds the badge, the reason or a hash of one that could be guessed."""
    city.add_agency()
    city.run("officer", "suspend", "maple-grove-pd", "BADGE7", *WHY)
    shown = city.run("ledger", "show", "1")
    assert "BADGE7" not in shown
    assert "chief" not in shown
    assert "officer.suspended" in json.dumps(shown)
