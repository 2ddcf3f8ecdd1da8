"""Suspending takes one person, reinstating two; closing ends everything that an agency has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from gatekeeper import settings
from gatekeeper.cli.agency import register
from gatekeeper.cli.client import register as register_client
from gatekeeper.ledger import Json
from gatekeeper.oversight.changes import Change
from gatekeeper.parts import changing
from gatekeeper.review import secrets
from gatekeeper.state import State, open_state
from gatekeeper.store.database import Database
from gatekeeper.store.tables import agency_proposals
from tests.cli.shell import City, typed

WHY = ("--reason", "Letter of the chief of 3 November")
Made = dict[str, Any]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less memory: the strength of a hash is not what these tests are about."""
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def _staff(city: City, username: str, role: str = "records", *more: str) -> Made:
    (made,) = city.rows("staff", "add", username, "--name", "Pat Sample", "--role", role, *more)
    return made


def _proof(made: Made) -> str:
    return f"{made['password']}\n{made['recovery_codes'].pop()}\n"


def _as(city: City, made: Made, act: str, agency: str = "maple-grove-pd") -> tuple[int, str]:
    result = typed(
        "agency", act, agency, *WHY, "--as", made["username"], "--data", str(city.data), text=_proof(made)
    )
    return result.exit_code, result.output


def _suspended(city: City) -> tuple[Made, Made]:
    city.run("agency", "suspend", city.add_agency(), *WHY)
    return _staff(city, "robin.sample"), _staff(city, "lee.sample", "legal")


def _status(city: City) -> str:
    return str(city.rows("agency", "show", "maple-grove-pd")[0]["status"])


def _opened(city: City) -> State:
    return open_state(settings.load(data=city.data))


def test_one_proposes_and_another_confirms(city: City) -> None:
    """Nothing changes before the second; both, and why, are in the log."""
    first, second = _suspended(city)
    status, said = _as(city, first, "reinstate")
    assert (0, True, "suspended") == (status, "gatekeeper agency confirm" in said, _status(city))
    (row,) = city.rows("agency", "proposals")
    assert ("open", "robin.sample") == (row["state"], row["by"])
    status, said = _as(city, second, "confirm")
    assert (0, "active") == (status, _status(city)), said
    assert "robin.sample: “Letter of the chief" in said
    assert ["done"] == [one["state"] for one in city.rows("agency", "proposals")]
    events = [event for event in city.events() if event.startswith("agency.")]
    assert ["agency.suspended", "agency.change_proposed", "agency.reinstated"] == events[1:]
    state = _opened(city)
    entry = next(e for e in state.rows.entries(0, 99) if e.event == "agency.reinstated")
    said_by = {name: one["value"] for name, one in state.ledger.detail_of(entry.index).openings.items()}
    people = {one.username: one.id for one in state.staff.all()}
    state.close()
    assert (people["lee.sample"], people["robin.sample"]) == (said_by["by"], said_by["proposed_by"])


def test_nobody_confirms_what_they_proposed(city: City) -> None:
    """Two people are two accounts."""
    first, _ = _suspended(city)
    _as(city, first, "reinstate")
    status, said = _as(city, first, "confirm")
    assert (1, "suspended") == (status, _status(city))
    assert "Somebody else must confirm" in said


@pytest.mark.parametrize("who", ["auditor", "of the agency"])
def test_who_may_not_change_a_standing_is_neither_first_nor_second(city: City, who: str) -> None:
    """By their role, or because it is their own agency."""
    first, _ = _suspended(city)
    role, more = ("auditor", ()) if who == "auditor" else ("records", ("--agency", "maple-grove-pd"))
    other = _staff(city, "other.sample", role, *more)
    assert 1 == _as(city, other, "reinstate")[0]
    assert 0 == _as(city, first, "reinstate")[0]
    assert 1 == _as(city, other, "confirm")[0]
    assert 1 == _as(city, other, "withdraw")[0]
    assert "suspended" == _status(city)


def test_a_proposal_of_who_left_since_is_not_confirmed(city: City) -> None:
    """One person would be left who answers for it."""
    first, second = _suspended(city)
    _as(city, first, "reinstate")
    city.run("staff", "remove", "robin.sample", *WHY)
    status, said = _as(city, second, "confirm")
    assert (1, True) == (status, "Propose it anew" in said)
    assert "suspended" == _status(city)


def test_a_wrong_code_proposes_nothing(city: City) -> None:
    """The operator at the shell is nobody."""
    first, _ = _suspended(city)
    first["password"] = "not the password"
    assert 1 == _as(city, first, "reinstate")[0]
    assert [] == city.rows("agency", "proposals")


def test_a_withdrawn_and_an_expired_proposal_are_not_confirmed(city: City) -> None:
    """The first by a person, the second by seven days; then it may be proposed anew."""
    first, second = _suspended(city)
    _as(city, first, "reinstate")
    assert "is proposed already" in _as(city, second, "reinstate")[1]
    assert 0 == _as(city, second, "withdraw")[0]
    assert "nothing is proposed" in _as(city, second, "confirm")[1]
    assert 0 == _as(city, first, "reinstate")[0]
    _expire(city)
    assert "nothing is proposed" in _as(city, second, "confirm")[1]
    assert ["withdrawn", "expired"] == [one["state"] for one in city.rows("agency", "proposals")]
    assert 0 == _as(city, first, "reinstate")[0]
    assert 0 == _as(city, second, "confirm")[0]


def test_a_proposal_of_an_earlier_suspension_lifts_no_later_one(city: City) -> None:
    """To suspend withdraws what is open, whichever way the agency came back before."""
    first, second = _suspended(city)
    _as(city, first, "reinstate")
    state = _opened(city)
    person = state.staff.find("robin.sample")
    one_is_enough: dict[str, Json] = {"two_people_for": []}
    assert person is not None
    changing(state, lambda: one_is_enough).alone(
        Change("reinstate_agency", "maple-grove-pd"), person=person, reason=WHY[1]
    )
    state.close()
    city.run("agency", "suspend", "maple-grove-pd", *WHY)
    assert "nothing is proposed" in _as(city, second, "confirm")[1]
    assert "suspended" == _status(city)


def test_closing_ends_all_that_an_agency_has_in_one_act(city: City) -> None:
    """Clients, keys, webhooks and links; said, and committed to by the one entry."""
    state = _opened(city)
    register(
        state, "quarry-hill-so", name="Quarry Hill", kind="local", state_code="IL", contacts=("a@b.example",)
    )
    made = [register_client(state, "quarry-hill-so").client.id for _ in range(2)]
    state.close()
    hook = city.rows("agency", "webhook", "add", "quarry-hill-so", "https://127.0.0.1:8443/told")[0][
        "webhook"
    ]
    said = city.run("agency", "close", "quarry-hill-so", *WHY)
    for name in (*made, hook, "stays"):
        assert name in said
    assert {"revoked"} == {one["status"] for one in city.rows("client", "list")}
    assert ["disabled"] == [one["status"] for one in city.rows("agency", "webhook", "list")]
    assert "agency.closed" == city.events()[-1]
    assert "nothing was changed" in city.refused("agency", "close", "quarry-hill-so", *WHY)
    assert "nothing was changed" in city.refused("agency", "reinstate", "quarry-hill-so", *WHY)


def test_closing_a_suspended_agency_withdraws_what_was_proposed(city: City) -> None:
    """It never comes back."""
    first, second = _suspended(city)
    _as(city, first, "reinstate")
    city.run("agency", "close", "maple-grove-pd", *WHY)
    assert 1 == _as(city, second, "confirm")[0]
    assert ["withdrawn"] == [one["state"] for one in city.rows("agency", "proposals")]


def _expire(city: City) -> None:
    database = Database.open(settings.load(data=city.data).state_url, lock_file=city.data / "write.lock")
    with database.write() as connection:
        before = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(update(agency_proposals).values(expires_at=before))
    database.close()
