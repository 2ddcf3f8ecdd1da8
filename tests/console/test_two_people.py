"""Where the provision asks for two people: what the first ruling does, the second, and what comes between."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.app import application, build_gate
from gatekeeper.exchange import further_records
from gatekeeper.exchange.parse import read_again
from gatekeeper.review import case as cases
from gatekeeper.review.case import open_case
from gatekeeper.state import open_state
from tests.console.conftest import Browser, Staffed
from tests.lawful import steady

QUEUE = "/console/reviews"
WHY = "Read the complaint: the father is charged with assault."
GRAVE = {
    "purpose__category": "criminal_investigation",
    "purpose__narrative": "child abuse, mother was pregnant and left the state",
    "purpose__offense": "90Z",
}
PROVISION = "restrictive_law"


@pytest.fixture
def query(staffed: Staffed) -> str:
    """Return a request that two of counsel must rule on, and nobody else."""
    asked = staffed.asked(**GRAVE)
    assert (PROVISION,) == open_case(staffed.city.gate, asked).unmet
    return asked


@pytest.fixture
def two(staffed: Staffed) -> tuple[Browser, Browser]:
    """Return two of counsel, signed in."""
    return staffed.signed_in("counsel"), staffed.signed_in("counsel", name="Kim Else")


def _rules(browser: Browser, query: str) -> int:
    return browser.does(query, "rule", provision=PROVISION, reason=WHY).status_code


def _fetched(staffed: Staffed, query: str) -> int:
    return further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query).status


def test_the_first_ruling_waits_for_a_second(
    staffed: Staffed, query: str, two: tuple[Browser, Browser]
) -> None:
    """The page says so before and after; nothing is released until another person has ruled too."""
    first, second = two
    before = first.client.get(f"{QUEUE}/{query}/rule?provision={PROVISION}").text
    assert "still denies the request" in before
    assert "A second person is needed." in before
    assert "Once somebody else at this level has ruled as you do, the policy permits" in before
    assert 303 == _rules(first, query)
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    shown = second.client.get(f"{QUEUE}/{query}").text
    assert "waits for a second person" in shown
    assert "Pat Sample (counsel)" in shown
    agreed = second.client.get(f"{QUEUE}/{query}/rule?provision={PROVISION}").text
    assert "the policy permits the request" in agreed
    assert "A second person is needed." not in agreed
    assert 303 == _rules(second, query)
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))
    decided = [e for e in staffed.city.gate.ledger.entries_of(query) if e.event == "query.decided"]
    facts = staffed.city.gate.ledger.opened(decided[-1]).detail["input"]
    assert {PROVISION: "counsel"} == facts["ruling"]  # type: ignore[index,call-overload]


def test_the_same_person_twice_is_one_person(
    staffed: Staffed, query: str, two: tuple[Browser, Browser]
) -> None:
    """And is told that somebody else must."""
    assert 303 == _rules(two[0], query)
    again = two[0].does(query, "rule", provision=PROVISION, reason=WHY)
    assert (422, True) == (again.status_code, "Now a second person must" in again.text)
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    assert 404 == two[0].client.get(f"{QUEUE}/{query}/rule?provision={PROVISION}").status_code


def test_of_two_counsel_in_the_same_moment_one_is_told_and_then_agrees(
    staffed: Staffed, query: str, two: tuple[Browser, Browser]
) -> None:
    """Neither ruling is lost and neither counts twice, whichever was first."""

    def form(browser: Browser) -> dict[str, Any]:
        page = browser.client.get(f"{QUEUE}/{query}")
        return {"form": browser.token(page), "version": browser.version(page), "provision": PROVISION}

    forms = [form(browser) | {"reason": WHY} for browser in two]
    with ThreadPoolExecutor(2) as both:
        sent = [
            both.submit(browser.client.post, f"{QUEUE}/{query}/rule", data=filled)
            for browser, filled in zip(two, forms, strict=True)
        ]
        answers = [answer.result() for answer in sent]
    assert [303, 409] == sorted(answer.status_code for answer in answers)
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    loser = next(n for n, answer in enumerate(answers) if answer.status_code == 409)
    assert WHY in answers[loser].text
    again = forms[loser] | {"version": two[loser].version(answers[loser])}
    assert 303 == two[loser].client.post(f"{QUEUE}/{query}/rule", data=again).status_code
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))


def test_a_restart_between_the_two_forgets_nothing(
    staffed: Staffed, query: str, two: tuple[Browser, Browser]
) -> None:
    """The first ruling is in the state, not in a process."""
    assert 303 == _rules(two[0], query)
    state = open_state(staffed.city.state.settings)
    gate = build_gate(state, steady(staffed.city.gate.engine.bundle), staffed.city.tokens)
    gate = replace(gate, reads=staffed.city.reads)
    app = application(state, gate, staffed.city.tokens, lambda _: None)
    again = replace(staffed, city=replace(staffed.city, state=state, gate=gate), app=app)
    second = again.signed_in("counsel", name="Ann Other")
    assert "waits for a second person" in second.client.get(f"{QUEUE}/{query}").text
    assert 303 == _rules(second, query)
    assert ("permitted", 200) == (again.state(query), _fetched(again, query))
    state.close()


def test_a_first_ruling_that_has_ended_is_no_first(
    staffed: Staffed, query: str, two: tuple[Browser, Browser]
) -> None:
    """The second person then rules alone, and a second is needed again."""
    assert 303 == _rules(two[0], query)
    assert frozenset({PROVISION}) == open_case(staffed.city.gate, query).waits_for_a_second
    real: Any = type(staffed.city.gate.queries).review_events
    ago = timedelta(hours=73)

    def events(self: Any, query_id: str) -> list[Any]:
        return [
            event
            if event.version > 2 or event.expires_at is None
            else replace(event, at=event.at - ago, expires_at=event.expires_at - ago)
            for event in real(self, query_id)
        ]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(staffed.city.gate.queries), "review_events", events)
        assert 303 == _rules(two[1], query)
        assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
        assert frozenset({PROVISION}) == open_case(staffed.city.gate, query).waits_for_a_second
        assert 303 == _rules(two[0], query)
        assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))


def test_what_the_agency_adds_between_the_two_makes_it_another_request(
    staffed: Staffed, query: str, two: tuple[Browser, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first person ruled on what they had read: on what came later both must rule."""
    assert 303 == _rules(two[0], query)
    first = open_case(staffed.city.gate, query).query
    body = json.loads(json.dumps(first.body))
    body["purpose"]["narrative"] += ", told to the officer by the clinic"
    revised = read_again(body)
    monkeypatch.setattr(cases, "asked", lambda _gate, _query: revised)
    monkeypatch.setattr("gatekeeper.exchange.asked", lambda _gate, _query: revised)
    assert frozenset() == open_case(staffed.city.gate, query).waits_for_a_second
    assert 303 == _rules(two[1], query)
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    assert 303 == _rules(two[0], query)
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))


def test_one_of_two_who_takes_theirs_back_undoes_both(
    staffed: Staffed, query: str, two: tuple[Browser, Browser]
) -> None:
    """They say that the provision is not met: to permit again, both must rule again."""
    assert [303, 303] == [_rules(browser, query) for browser in two]
    assert 200 == _fetched(staffed, query)
    back = two[0].does(query, "take_back", provision=PROVISION, reason="The complaint was forged.")
    assert 303 == back.status_code
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    assert 303 == _rules(two[0], query)
    assert ("queued", 403) == (staffed.state(query), _fetched(staffed, query))
    assert 303 == _rules(two[1], query)
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))


def test_a_ruling_outlives_the_account_of_who_made_it(
    staffed: Staffed, query: str, two: tuple[Browser, Browser]
) -> None:
    """It was an act of the office; counsel who is still there can take it back."""
    assert [303, 303] == [_rules(browser, query) for browser in two]
    with staffed.city.state.database.write() as connection:
        account = two[0].made.account.id
        connection.exec_driver_sql(f"UPDATE staff SET status = 'removed' WHERE id = '{account}'")  # noqa: S608
    assert 303 == two[0].client.get(f"{QUEUE}/{query}").status_code
    assert 200 == _fetched(staffed, query)
    assert 303 == two[1].does(query, "take_back", provision=PROVISION, reason=WHY).status_code
    assert 403 == _fetched(staffed, query)


def test_the_catalogue_says_where_two_people_must_rule(staffed: Staffed) -> None:
    """To agencies as well: ``GET /v1/provisions``."""
    header = {"Authorization": staffed.city.header("sample-il-pd")}
    given = staffed.app.test_client().get("/v1/provisions", headers=header).get_json()["provisions"]
    assert {"immigration_crime", "health_data", PROVISION} == {p["code"] for p in given if p["two_people"]}
