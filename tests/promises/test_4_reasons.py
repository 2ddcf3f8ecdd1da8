"""Promise 4: a denial tells every reason at once, each with its law and its cure."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from tests.exchange.city import City, body
from tests.promises.made import REASON, codes, document

# Each breaks one provision and no other.
BROKEN: dict[str, dict[str, Any]] = {
    "case_number": {"purpose__case_number": "n/a"},
    "attestation": {"attestation__accepted": False},
    "query_limits": {"query__from": "2020-01-01T00:00:00Z"},
    # About a plate of their own: to ask about it lawfully within the hour would be a rephrasing.
    "civil_immigration": {"purpose__category": "civil_immigration", "query__plate": "DENY1"},
    "health_care": {"purpose__category": "health_care", "query__plate": "DENY1"},
    "end_requester": {
        "query__plate": "DENY1",
        "on_behalf_of": {"agency": "NOBODY", "component": None, "person": "Pat Example"},
    },
}
EXCLUSIVE = {"civil_immigration", "health_care"}  # one field holds either
PAIRS = [pair for pair in combinations(BROKEN, 2) if set(pair) != EXCLUSIVE]


@pytest.mark.parametrize("broken", PAIRS, ids="+".join)
def test_two_broken_provisions_are_both_named(steady: City, broken: tuple[str, str]) -> None:
    """An agency must not learn its reasons one denial at a time."""
    alone = [codes(steady.ask(body(**BROKEN[code]))) for code in broken]
    together = codes(steady.ask(body(**(BROKEN[broken[0]] | BROKEN[broken[1]]))))
    assert set(broken) <= together
    assert set.union(*alone) <= together, "a reason was lost when another joined it"


def test_all_that_can_be_wrong_is_named_at_once(city: City) -> None:
    """An agency that signed nothing, a stop, and every field that is worthless: one answer."""
    from tests.promises.test_3_stop import _halt  # noqa: PLC0415  the same stop

    _halt(city, "agency", "sample-unsigned-pd")
    wrong = {name: value for code in BROKEN if code != "health_care" for name, value in BROKEN[code].items()}
    answered = city.ask(body(**wrong, purpose__narrative="investigation"), "sample-unsigned-pd")
    expected = set(BROKEN) - {"health_care"} | {"affirmation", "sharing_stopped", "stated_reason"}
    assert expected <= codes(answered)
    assert REASON not in answered.body.decode()


def test_each_reason_is_whole_and_in_the_order_of_the_law(steady: City) -> None:
    """Code, rules, title, citation, message, remedy, review; the revision that said so; manifest order."""
    answered = steady.ask(body(**BROKEN["case_number"], **BROKEN["attestation"], **BROKEN["query_limits"]))
    decision = document(answered)["decision"]
    named = [provision["code"] for provision in decision["provisions"]]
    law = list(steady.gate.engine.bundle.provisions)
    assert sorted(named, key=law.index) == named
    for provision in decision["provisions"]:
        expected = {"code", "pack", "rules", "title", "citation", "verified", "message", "remedy", "review"}
        assert expected == provision.keys()
        assert all(provision[name] for name in ("title", "citation", "message", "remedy", "review"))
        assert "unmet" != provision["message"]
    bundle = steady.gate.engine.bundle
    assert {"revision": bundle.revision, "digest": bundle.digest} == decision["policy"]


@pytest.mark.parametrize(
    ("broken", "review"), [(("case_number",), "queued"), (("case_number", "civil_immigration"), "none")]
)
def test_one_final_reason_makes_the_whole_final(steady: City, broken: tuple[str, ...], review: str) -> None:
    """What staff could cure beside what nobody may cure is not put before them."""
    wrong = {name: value for code in broken for name, value in BROKEN[code].items()}
    assert review == document(steady.ask(body(**wrong)))["review"]["state"]


def test_the_log_names_the_same_reasons_as_the_answer(steady: City) -> None:
    """What an agency was told is what the public log says."""
    answered = steady.ask(body(**BROKEN["case_number"], **BROKEN["attestation"]))
    entry = next(e for e in steady.events() if e["ref"] == answered.query_id)
    assert codes(answered) == set(entry["provisions"])
