"""What a person read on a paper, beside what the request says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from gatekeeper.errors import NotDone
from gatekeeper.exchange.parse import read_again
from gatekeeper.review.case import open_case
from gatekeeper.review.paper import NOT_APPROVED, Reading, differences, take_back, verify
from gatekeeper.review.rule import Hearing
from tests.exchange.city import City, body
from tests.exchange.conftest import bundle, city
from tests.lawful import Steady, law_of

__all__ = ["bundle", "city"]

HASH = "d" * 64
READ = {
    "court": "Sample County Court",
    "judge": "J. Sample",
    "number": "26-CR-1",
    "statute": "720 ILCS 5/9-1",
}
READING = Reading(**READ, sha256=HASH, form="", judge_signed=True, same_in_other_words=False, days=7)
WHY = "Seen at the counter, blue ink."


@dataclass(frozen=True)
class _Clerk:
    id: str = "staff-1"
    username: str = "clerk"
    name: str = "Kim Clerk"
    role: str = "records"
    agency_id: str | None = None
    status: str = "active"
    password_hash: str = ""
    totp_box: bytes = b""


def _hearing(city: City, **process: Any) -> Hearing:
    paper = {"kind": "criminal_warrant", **READ, "document_sha256": HASH}
    asked = body(purpose__narrative="investigation", legal_process=paper)
    query_id = city.ask(asked).query_id
    case = open_case(city.gate, query_id)
    changed = json.loads(json.dumps(asked)) | {"legal_process": paper | process}
    return Hearing(city.gate, replace(case, query=read_again(changed)), _Clerk())


def _faults(hearing: Hearing, reading: Reading = READING) -> list[tuple[str, str]]:
    size = len(hearing.gate.ledger.entries_of(hearing.case.query_id))
    with pytest.raises(NotDone) as refused:
        verify(hearing, reading, WHY)
    assert size == len(hearing.gate.ledger.entries_of(hearing.case.query_id))
    return list(refused.value.faults)


@pytest.mark.parametrize(
    "process",
    [
        {"kind": "administrative_warrant"},
        {"kind": "detainer"},
        {"form": "I-200"},
        {"form": "Warrant for arrest (l-2OO)"},
        {"form": "i 205"},
        {"form": "I-247A"},
    ],
    ids=lambda process: next(iter(process.values())),
)
def test_a_paper_that_no_judge_approves_is_refused_whatever_is_ticked(
    city: City, process: dict[str, str]
) -> None:
    """TR-1 and TR-2: with the reason, and without a look at anything else."""
    assert [("", NOT_APPROVED)] == _faults(_hearing(city, **process))


@pytest.mark.parametrize("form", ["I-200", "DHS Form I-205", "i247a", "\u0406-200", "200"])
def test_so_is_one_whose_form_the_person_read(city: City, form: str) -> None:
    """The request may call it what it likes."""
    fields = [field for field, _ in _faults(_hearing(city), replace(READING, form=form))]
    assert ["form"] == fields


@pytest.mark.parametrize("settings", [{}, {"civil_forms": ["I-200"]}, {"civil_process_kinds": "detainer"}])
def test_a_policy_that_does_not_name_such_papers_verifies_none(city: City, settings: dict[str, Any]) -> None:
    """What is not known to be approved by judges is not."""
    hearing, real = _hearing(city), city.gate.engine.bundle
    engine: Any = SimpleNamespace(bundle=replace(real, data={**real.data, "city": settings}))
    other = replace(hearing, gate=replace(hearing.gate, laws=Steady(law_of(engine))))
    assert [""] == [field for field, _ in _faults(other)]


def test_every_difference_is_named_at_once(city: City) -> None:
    """Each beside its field, in one answer."""
    nothing = Reading(None, "", "", "", "", "", judge_signed=False, same_in_other_words=True, days=0)
    found = [field for field, _ in _faults(_hearing(city), nothing)]
    assert ["document", "court", "judge", "number", "statute", "judge_signed", "days"] == found


def test_marks_and_capitals_are_no_difference(city: City) -> None:
    """But digits and letters are."""
    paper = _hearing(city).case.query.legal_process
    assert paper is not None
    assert [] == differences(paper, replace(READING, number="26 cr 1", court="SAMPLE COUNTY COURT."))
    assert ["number"] == [f for f, _, _ in differences(paper, replace(READING, number="26-CR-11"))]


def test_what_is_verified_can_be_taken_back_whatever_became_of_the_review(city: City) -> None:
    """It would otherwise count for the next request that shows the paper."""
    hearing = _hearing(city)
    verify(hearing, READING, WHY)
    again = replace(hearing, case=open_case(city.gate, hearing.case.query_id))
    again.uphold("The words say nothing at all.")
    upheld = replace(hearing, case=open_case(city.gate, hearing.case.query_id))
    assert upheld.case.decision.situation.legal_process_verified
    take_back(upheld, "The seal was a copy.")
    after = open_case(city.gate, hearing.case.query_id)
    assert ("upheld", False) == (after.review.state, after.decision.situation.legal_process_verified)
    with pytest.raises(NotDone):
        take_back(replace(hearing, case=after), "The seal was a copy.")
