"""Attempts on the pages about the law: by roles that may not, with forms that no page sends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gatekeeper.cli.policy_life import parsed
from gatekeeper.errors import OperatorError
from gatekeeper.policy import Bundle
from gatekeeper.review.roles import Role
from gatekeeper.web.console import policy_draft_propose
from gatekeeper.web.console.approvals import moment_of
from tests.console.lawyers import PATH, RULE, WHY, Lawyers, governed, law
from tests.console.test_try import _tried, _verdicts
from tests.exchange.city import City
from tests.lawful import put_in_force

HIDDEN = (RULE, "#   public: true", "#   public: false")
TITLE = "The words say what happened"


@pytest.fixture
def lawyers(city: City) -> Lawyers:
    """Return a city whose law people change."""
    return governed(city)


@pytest.fixture
def app_context(lawyers: Lawyers) -> Iterator[None]:
    """Speak as a page does."""
    with lawyers.app.test_request_context("/console/policies"):
        yield


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("9999-12-31T23:59", "America/Chicago"), ("0001-01-01T00:00", "Pacific/Auckland")],
)
@pytest.mark.usefixtures("app_context")
def test_a_moment_beyond_every_calendar_is_told_and_no_fault_of_ours(
    city: City, typed: str, zone: str
) -> None:
    """Between the city's clocks and ours such a moment has no name."""
    moment, faults = moment_of(typed, ZoneInfo(zone))
    assert (None, ["at"]) == (moment, [field for field, _ in faults])
    moment, told = policy_draft_propose._moment(typed, ZoneInfo(zone))
    assert (None, True) == (moment, told is not None)
    there = replace(city.state, settings=replace(city.state.settings, time_zone=zone))
    with pytest.raises(OperatorError, match="never show"):
        parsed(there, typed)


def test_a_moment_that_the_clocks_skip_is_refused_at_the_command_line_too(city: City) -> None:
    """It would come into force an hour away from what was typed."""
    there = replace(city.state, settings=replace(city.state.settings, time_zone="America/Chicago"))
    with pytest.raises(OperatorError, match="never show"):
        parsed(there, "2027-03-14T02:30")
    assert datetime(2027, 3, 14, 8, 0, tzinfo=UTC) == parsed(there, "2027-03-14T03:00")


@pytest.mark.parametrize(("role", "shown"), [("admin", False), ("auditor", True)])
def test_a_hidden_provision_is_not_tried_by_who_may_not_know_it(
    lawyers: Lawyers, role: Role, *, shown: bool
) -> None:
    """Neither its title nor its code, before or after a request was tried."""
    put_in_force(lawyers.city.state, law(HIDDEN))
    browser = lawyers.signed_in(role)
    page = browser.client.get("/console/policies/try")
    assert shown == (TITLE in page.text or "stated_reason" in page.text)


def test_who_may_is_told_and_calls_off_what_keeps_everything_from_being_decided(
    lawyers: Lawyers, bundle: Bundle
) -> None:
    """The console's own pages need no law that decides."""
    legal, cal = lawyers.signed_in("legal", name="Ada Author"), lawyers.signed_in("counsel")
    revision = lawyers.ready(legal, at=lawyers.city.state.clock.now() + timedelta(hours=1))
    lawyers.enacted(revision)
    statement = f"UPDATE revisions SET signature = NULL WHERE id = '{revision.id}'"  # noqa: S608
    with lawyers.city.state.database.write() as connection:
        connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE registry SET due_ms = 1")
    assert 503 == cal.client.get("/console/policies").status_code
    for address in (PATH, f"{PATH}/{revision.id}", f"{PATH}/{revision.id}/reject"):
        assert 200 == cal.client.get(address).status_code, address
    page = cal.client.get(f"{PATH}/{revision.id}/reject")
    form = {"form": cal.token(page), "reason": WHY}
    assert 303 == cal.client.post(f"{PATH}/{revision.id}/reject", data=form).status_code
    assert bundle.revision == lawyers.city.gate.as_in_force().law.bundle.revision


def test_nor_is_a_candidate_with_a_hidden_provision(lawyers: Lawyers) -> None:
    """What the law in force answers is shown; what the candidate would, is not."""
    candidate = lawyers.proposed(lawyers.signed_in("legal"), law(HIDDEN))
    answer = _tried(lawyers.signed_in("admin"), candidate=candidate.id)
    assert 200 == answer.status_code
    assert "Only who may read requests tries it" in answer.text
    assert 1 == len(_verdicts(answer))
