"""From ruling to law: what becomes a case, what never gets into one, and who makes it law."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.errors import KeyErased, OperatorError
from gatekeeper.exchange.lines import decide_line
from gatekeeper.policy import shipped_policies
from gatekeeper.review.cases import recorded
from gatekeeper.store.proposed_cases import ProposedCase, ProposedCases
from tests.cli.shell import City, typed
from tests.console.conftest import Browser, Staffed
from tests.console.test_acts import WHY
from tests.exchange.city import body

TITLE = "Staff ruled on a vague reason"
NARRATIVE = "Deportation of Maria Gonzalez, blue Honda near 1200 Ridge Avenue, she works at the bakery"


def _asked(staffed: Staffed, agency: str = "sample-il-pd", **changes: Any) -> str:
    asked = body(**changes)
    asked["requester"] = {"name": "Quentin Hollowell", "badge": "BX-7719", "unit": "Robbery desk North"}
    return str(json.loads(staffed.city.ask(asked, agency).body)["query_id"])


def _permitted(staffed: Staffed, clerk: Browser) -> str:
    query = _asked(staffed, purpose__narrative="investigation", purpose__case_number="26-90317")
    assert 303 == clerk.does(query, "rule", provision="stated_reason", reason=WHY).status_code
    return query


def _upheld(staffed: Staffed, clerk: Browser, **changes: Any) -> str:
    query = _asked(staffed, **({"purpose__narrative": "see file"} | changes))
    assert 303 == clerk.does(query, "uphold", reason=WHY).status_code
    return query


def _proposes(browser: Browser, query: str, **typed: str) -> TestResponse:
    address = f"/console/reviews/{query}/case"
    page = browser.client.get(address)
    form = {"form": browser.token(page), "title": TITLE, "act": "propose"} | typed
    return browser.client.post(address, data=form)


def _settles(browser: Browser, case: str, act: str = "accept", reason: str = WHY) -> TestResponse:
    page = browser.client.get("/console/cases")
    return browser.client.post(
        f"/console/cases/{case}/{act}", data={"form": browser.token(page), "reason": reason}
    )


def _case(staffed: Staffed) -> ProposedCase:
    return ProposedCases(staffed.city.state.database).all()[0]


def _decided(staffed: Staffed, case: ProposedCase) -> dict[str, Any]:
    answer = decide_line(case.document.encode(), staffed.city.gate.engine, staffed.city.gate.lexicon)
    return {name: answer.get(name) for name in ("outcome", "provisions", "review")}


def test_a_ruling_becomes_a_case_that_is_decided_as_the_request_was(staffed: Staffed) -> None:
    """With the ruling among its facts, and nothing of the request in it; both steps are in the log."""
    clerk, legal = staffed.signed_in("records"), staffed.signed_in("legal")
    query = _permitted(staffed, clerk)
    assert "Propose a case" in clerk.client.get(f"/console/reviews/{query}").text
    answer = _proposes(clerk, query)
    assert 303 == answer.status_code, answer.text
    case = _case(staffed)
    document = json.loads(case.document)
    assert ("proposed", "stated_reason", "permit") == (case.state, case.provision, case.outcome)
    assert case.name.endswith("-staff-ruled-on-a-vague-reason")
    assert {"stated_reason": "staff"} == document["facts"]["ruling"]
    assert document["expect"] == _decided(staffed, case)
    for private in ("DEMO1", "Quentin", "Hollowell", "7719", "90317", "sample-il-pd", query):
        assert private not in case.document
    assert "Accept the case" in legal.client.get(f"/console/cases/{case.id}").text
    assert 303 == _settles(legal, case.id).status_code
    assert "accepted" == _case(staffed).state
    assert WHY in clerk.client.get(f"/console/cases/{case.id}").text
    events = [e["event"] for e in staffed.city.events() if e["event"].startswith("policy.case_")]
    assert ["policy.case_proposed", "policy.case_accepted"] == events


def test_a_denial_that_stands_becomes_a_case_too(staffed: Staffed) -> None:
    """With every provision that denied it, in their order."""
    clerk = staffed.signed_in("records")
    query = _upheld(staffed, clerk, purpose__case_number="n/a")
    assert 303 == _proposes(clerk, query).status_code
    case = _case(staffed)
    expected = json.loads(case.document)["expect"]
    assert ("deny", expected) == (case.outcome, _decided(staffed, case))
    assert {"stated_reason", "case_number"} <= set(expected["provisions"])


def test_what_the_policy_judged_stays_and_the_rest_goes(staffed: Staffed) -> None:
    """The terms of the lexicon are the law's own words; a name, a number or a street is nobody's business."""
    clerk = staffed.signed_in("records")
    query = _asked(
        staffed,
        purpose__narrative="HSI, homicide suspect Maria Gonzalez near 1200 Ridge Avenue",
        purpose__offense="09A",
    )
    clerk.does(query, "uphold", reason=WHY)
    answer = _proposes(clerk, query)
    assert 303 == answer.status_code, answer.text
    document = json.loads(_case(staffed).document)
    narrative = document["request"]["purpose"]["narrative"]
    assert "HSI" in narrative
    assert "homicide" in narrative
    for private in ("Maria", "Gonzalez", "1200", "Ridge"):
        assert private not in narrative
    assert "federal_component" in document["expect"]["provisions"]


@pytest.mark.parametrize(
    ("again", "told"),
    [
        ({"narrative": "investigation by Hollowell"}, "hollowell"),
        ({"narrative": "investigation 90317"}, "90317"),
        ({"narrative": "investigation of D-E-M-O 1"}, "The plate"),
        ({"unit": "The robbery unit"}, "robbery"),
        ({"requester-name": "QUENTIN Example"}, "quentin"),
        ({"requester-badge": "bx 7719"}, "7719"),
        ({"case_number": "26-90317"}, "90317"),
        ({"title": "Hollowell ruled on"}, "hollowell"),
        ({"title": "x"}, "plain words"),
        ({"title": "../../main/main"}, "plain words"),
        ({"narrative": "Stolen sedan, taken overnight"}, "answers otherwise"),
        ({"narrative": "x" * 3000}, "answers otherwise"),
        ({"narrative": "bell\x07"}, "answers otherwise"),
    ],
)
def test_what_is_still_of_the_request_is_refused(staffed: Staffed, again: dict[str, str], told: str) -> None:
    """Whoever typed it back in, however it is written; the form comes back filled in."""
    clerk = staffed.signed_in("records")
    answer = _proposes(clerk, _permitted(staffed, clerk), **again)
    assert (422, True) == (answer.status_code, told in answer.text), answer.text
    assert 0 == sum(e["event"] == "policy.case_proposed" for e in staffed.city.events())


def test_three_words_in_a_row_are_refused(staffed: Staffed) -> None:
    """Two may be chance; three tell the story."""
    clerk = staffed.signed_in("records")
    query = _upheld(staffed, clerk, purpose__narrative="looking for the one with that bakery thing")
    answer = _proposes(clerk, query, narrative="that bakery thing")
    assert (422, True) == (answer.status_code, "that bakery thing" in answer.text)


def test_the_page_never_shows_the_plate(staffed: Staffed) -> None:
    """Whoever proposes a case need not have unmasked it."""
    clerk = staffed.signed_in("records")
    query = _permitted(staffed, clerk)
    assert "DEMO1" not in clerk.client.get(f"/console/reviews/{query}/case").text


def test_to_open_a_proposal_is_in_the_log(staffed: Staffed) -> None:
    """It shows what was typed."""
    clerk = staffed.signed_in("records")
    query = _permitted(staffed, clerk)
    before = staffed.city.state.rows.head().size
    clerk.client.get(f"/console/reviews/{query}/case")
    entry = next(iter(staffed.city.state.rows.entries(before, before + 1)))
    openings = staffed.city.state.ledger.detail_of(entry.index).openings
    assert ("staff.viewed", query, "case") == (
        entry.event,
        openings["subject"]["value"],
        openings["what"]["value"],
    )


@pytest.mark.parametrize("act", ["ask", "escalate"])
def test_of_what_nobody_ruled_on_no_case_is_made(staffed: Staffed, act: str) -> None:
    """A request that waits says nothing about the law."""
    clerk = staffed.signed_in("records")
    query = _asked(staffed, purpose__narrative="investigation")
    clerk.does(query, act, reason=WHY)
    answer = clerk.client.get(f"/console/reviews/{query}/case")
    assert (409, True) == (answer.status_code, "neither" in answer.text)


def test_nobody_proposes_a_case_of_what_their_own_agency_asked(staffed: Staffed) -> None:
    """As nobody rules on it."""
    query = _permitted(staffed, staffed.signed_in("records"))
    own = staffed.person("counsel", agency_id="sample-il-pd")
    own.sign_in()
    answer = own.client.get(f"/console/reviews/{query}/case")
    assert (409, True) == (answer.status_code, "own agency" in answer.text)


def test_whoever_proposed_a_case_does_not_accept_it(staffed: Staffed) -> None:
    """Counsel may do both, but not of one case."""
    counsel = staffed.signed_in("counsel")
    _proposes(counsel, _permitted(staffed, counsel))
    case = _case(staffed)
    answer = _settles(counsel, case.id)
    assert (422, True) == (answer.status_code, "Somebody else must accept" in answer.text)
    assert "Accept the case" not in counsel.client.get(f"/console/cases/{case.id}").text
    assert "proposed" == _case(staffed).state


@pytest.mark.parametrize(("act", "reason"), [("accept", "."), ("reject", ""), ("accept", "x" * 4001)])
def test_a_case_is_decided_with_a_reason(staffed: Staffed, act: str, reason: str) -> None:
    """Of substance, either way."""
    clerk, legal = staffed.signed_in("records"), staffed.signed_in("legal")
    _proposes(clerk, _permitted(staffed, clerk))
    assert 422 == _settles(legal, _case(staffed).id, act, reason).status_code
    assert "proposed" == _case(staffed).state


def test_a_case_is_decided_once(staffed: Staffed) -> None:
    """Of two who decide at once the second is told, and nothing of theirs is written."""
    clerk, legal, counsel = (staffed.signed_in(role) for role in ("records", "legal", "counsel"))
    _proposes(clerk, _permitted(staffed, clerk))
    case = _case(staffed)
    assert 303 == _settles(legal, case.id, "reject").status_code
    assert 422 == _settles(counsel, case.id, "accept").status_code
    assert ("rejected", legal.made.account.id) == (_case(staffed).state, _case(staffed).decided_by)


def test_of_two_who_decide_at_once_one_is_told(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the case while nobody had decided it."""
    clerk, legal, counsel = (staffed.signed_in(role) for role in ("records", "legal", "counsel"))
    _proposes(clerk, _permitted(staffed, clerk))
    stale = _case(staffed)
    _settles(legal, stale.id, "reject")
    monkeypatch.setattr(ProposedCases, "get", lambda *_: stale)
    answer = _settles(counsel, stale.id, "accept")
    assert (409, True) == (answer.status_code, "Somebody else acted" in answer.text)
    assert "rejected" == _case(staffed).state
    assert 0 == sum(e["event"] == "policy.case_accepted" for e in staffed.city.events())


def test_after_a_purge_nothing_leads_from_a_case_to_its_request(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case stays; which request it came from was in the sealed detail alone."""
    clerk = staffed.signed_in("records")
    query = _permitted(staffed, clerk)
    _proposes(clerk, query)

    def erased(*_: object) -> None:  # the key of a day that is not over is never destroyed
        raise KeyErased("destroyed")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "opened", erased)
    answer = clerk.client.get(f"/console/reviews/{query}/case")
    assert (409, True) == (answer.status_code, "erased" in answer.text)
    case = _case(staffed)
    assert 200 == clerk.client.get(f"/console/cases/{case.id}").status_code
    rows = [e.entry.decode() for e in staffed.city.state.rows.entries(0, 9999) if e.ref == case.id]
    assert 1 == len(rows)
    for text in (case.document, case.name, *rows):
        assert query not in text


def test_a_law_that_answers_otherwise_now_makes_no_case(staffed: Staffed) -> None:
    """What is kept as a case is what the law says, not what it said."""
    clerk = staffed.signed_in("records")
    query = _permitted(staffed, clerk)
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE reviews SET state = 'upheld'")
    with pytest.raises(OperatorError):
        recorded(staffed.city.gate, query, clerk.made.account)


def test_times_are_as_far_apart_and_are_not_those_of_the_request(staffed: Staffed) -> None:
    """A window is judged by its length and its age."""
    clerk = staffed.signed_in("records")
    query = _permitted(staffed, clerk)
    found = recorded(staffed.city.gate, query, clerk.made.account)
    texts = found.original.stand_ins(staffed.city.gate.lexicon)
    moved = replace(found, today=date(2031, 2, 3)).document(texts)
    assert "2031-02-03T12:00:00Z" == moved["at"]
    agency = moved["agency"]
    assert isinstance(agency, dict)
    assert "2031-01-04" == agency["affirmations"][0]["signed_on"]  # type: ignore[index,call-overload]


def test_accepted_cases_are_taken_out_as_files_and_pass(staffed: Staffed, tmp_path: Path) -> None:
    """They stand where the other cases stand, and ``gatekeeper policy test`` runs them."""
    clerk, legal = staffed.signed_in("records"), staffed.signed_in("legal")
    for settled in ("accept", "accept", "reject"):
        assert 303 == _proposes(clerk, _permitted(staffed, clerk)).status_code
        assert 303 == _settles(legal, _case(staffed).id, settled).status_code
    assert 303 == _proposes(clerk, _upheld(staffed, clerk)).status_code
    assert 303 == _settles(legal, _case(staffed).id).status_code
    policies, city = tmp_path / "policies", City(staffed.city.state.settings.data)
    shutil.copytree(shipped_policies(), policies)
    before = set((policies / "cases").glob("*/*.json"))
    for _ in range(2):  # a second time nothing is written again
        city.run("policy", "cases", "--accepted", "--out", str(policies / "cases"))
        made = set((policies / "cases").glob("*/*.json")) - before
        assert 3 == len(made), made
    assert {"permitted": 2, "denied": 1} == Counter(file.parent.name for file in made)
    results = [
        json.loads(line) for line in typed("policy", "test", str(policies), "--json").output.splitlines()
    ]
    ours = [r for r in results if r.get("file") in {f.relative_to(policies).as_posix() for f in made}]
    assert [True] * 3 == [result["passed"] for result in ours]
    assert 4 == len(city.rows("policy", "cases"))
    assert 3 == len(city.rows("policy", "cases", "--accepted"))


def test_no_file_is_written_over(staffed: Staffed, tmp_path: Path) -> None:
    """A directory that cannot be written to is named."""
    clerk, legal = staffed.signed_in("records"), staffed.signed_in("legal")
    _proposes(clerk, _permitted(staffed, clerk))
    _settles(legal, _case(staffed).id)
    city, taken = City(staffed.city.state.settings.data), tmp_path / "permitted"
    taken.write_text("a file of somebody's")
    assert "cannot be written" in city.refused("policy", "cases", "--out", str(tmp_path))
    assert "a file of somebody's" == taken.read_text()
