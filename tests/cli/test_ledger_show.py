"""``gatekeeper ledger show``: the public side for anybody, the private one logged first."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from click.testing import Result

from gatekeeper import settings
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger import Draft, Json, Ledger
from gatekeeper.ledger.append import Appended
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.state import open_state
from tests.cli.shell import City, typed
from tests.ledger.made import PLATE, decided, released

REASON = "Complaint 25-17, asked for by counsel"
PRIVATE = (PLATE, "Pat Example", "4411", "Stolen sedan")
REF = "q_made-up-for-a-test"


@dataclass(frozen=True, slots=True)
class Staffed:
    """A city whose log holds a decision (entry 1) and a release (entry 2), and one person of its staff."""

    city: City
    person: dict[str, Any]

    def show(self, *arguments: str, code: str | None = None) -> Result:
        """Show an entry's private side as that person."""
        now = pyotp.TOTP(self.person["totp_secret"]).at(datetime.now(UTC))
        given = f"{self.person['password']}\n{code or now}\n"
        options = ("--private", "--as", self.person["username"], "--data", str(self.city.data))
        return typed("ledger", "show", *arguments, *options, text=given)

    def refused(self, *arguments: str, code: str | None = None) -> str:
        """Be refused, without a private word; return what is said."""
        result = self.show(*arguments, code=code)
        assert 1 == result.exit_code, result.output
        assert "" == result.stdout
        assert [] == [word for word in PRIVATE if word in result.output]
        return result.stderr


@pytest.fixture
def staffed(city: City) -> Staffed:
    """Return a city with a member of its records staff."""
    return _with(city, "records")


def _with(city: City, role: str, *more: str, name: str = "Lee Sample") -> Staffed:
    (made,) = city.rows("staff", "add", "lee.sample", "--name", name, "--role", role, *more)
    behalf: dict[str, Json] = {
        "body": {"on_behalf_of": {"agency": "x", "component": "y", "person": "Kim Q. Example"}}
    }
    state = open_state(settings.load(data=city.data))
    try:
        draft = decided(REF, agency="agency-elsewhere", end=("end-elsewhere", "federal"))
        permit = state.ledger.append(replace(draft, detail={**draft.detail, **behalf}))
        state.ledger.append(released(REF, permit.index, end=("end-elsewhere", "federal")))
    finally:
        state.close()
    return Staffed(city, made)


def _viewed(city: City) -> dict[str, Any]:
    """Return what the last entry commits to, opened."""
    state = open_state(settings.load(data=city.data))
    try:
        last = state.rows.head().size - 1
        stored = state.rows.entry(last)
        assert stored is not None
        assert "staff.viewed" == stored.event
        assert {"v", "event", "ref", "hour", "commitments"} == set(json.loads(stored.entry))
        return {name: opening["value"] for name, opening in state.ledger.detail_of(last).openings.items()}
    finally:
        state.close()


def _sql(city: City, statement: str) -> None:
    with closing(sqlite3.connect(city.data / "state.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.executescript(statement)
        database.commit()


def test_the_public_side_is_what_anybody_may_read(staffed: Staffed) -> None:
    """In words and exactly; no private word, nothing logged, nobody asked."""
    before = staffed.city.events()
    said = staffed.city.run("ledger", "show", "2")
    for line in (
        "entry 2 of 3",
        "  event                query.released",
        f"  about                {REF}",
        "  end_requester        end-elsewhere",
        "  count_band           1-9",
        "  commits to           at, count, offense, officer, query, rows",
    ):
        assert line in said.splitlines()
    (document,) = staffed.city.rows("ledger", "show", "2")
    assert ["index", "leaf_hash", "entry"] == list(document)
    leaf = leaf_hash(document["entry"].encode())
    assert base64.b64encode(leaf).decode() == document["leaf_hash"]
    assert f"leaf hash            {document['leaf_hash']}" in said
    assert [] == [word for word in PRIVATE if word in said + document["entry"]]
    assert before == staffed.city.events()
    assert "gatekeeper ledger checkpoint" in staffed.city.refused("ledger", "show", "3")
    assert "--private" in staffed.city.refused("ledger", "show", "2", "--reason", REASON)
    assert "--private" in staffed.city.refused("ledger", "show", "2", "--as", "lee.sample")


@pytest.mark.parametrize("role", ["records", "counsel"])
def test_every_commitment_is_opened_for_who_may_see_a_plate(city: City, role: str) -> None:
    """Each with its value; the log says who, which, what and why, all of it committed to."""
    staffed = _with(city, role)
    before = city.events()
    result = staffed.show("2", "--reason", REASON)
    assert 0 == result.exit_code, result.output
    for line in (
        "opened, and checked against its commitment:",
        "  officer              name: Pat Example; badge: 4411",
        f"  query                kind: plate; plate: {PLATE}",
        "  count                3",
    ):
        assert line in result.stdout.splitlines()
    assert "NOT OPENED" not in result.stdout
    assert [*before, "staff.signed_in", "staff.viewed"] == city.events()
    viewed = _viewed(city)
    state = open_state(settings.load(data=city.data))
    account = state.staff.find("lee.sample")
    state.close()
    assert account is not None
    assert {"by": account.id, "subject": REF, "what": "entry_2", "reason": REASON} == {
        name: value for name, value in viewed.items() if name != "at"
    }


def test_a_program_gets_the_same(staffed: Staffed) -> None:
    """With --json: the exact entry, what was opened, what was not."""
    document = json.loads(staffed.show("1", "--reason", REASON, "--json").stdout)
    assert ["index", "leaf_hash", "entry", "erased", "opened", "not_opened"] == list(document)
    assert (False, []) == (document["erased"], document["not_opened"])
    assert json.loads(document["entry"])["commitments"].keys() == document["opened"].keys()
    assert PLATE == document["opened"]["query"]["plate"]


@pytest.mark.parametrize("role", ["legal", "auditor", "admin"])
def test_who_may_not_see_a_plate_is_told_before_anything_is_typed(city: City, role: str) -> None:
    """And nothing of it is in the log but what was there."""
    staffed = _with(city, role)
    before = city.events()
    assert "may not see a plate" in staffed.refused("2", "--reason", REASON)
    assert before == city.events()


@pytest.mark.parametrize("reason", ["", "why", "..............", "aaaaaaaaaaaaaaaa", "x " * 3000])
def test_a_reason_that_says_nothing_opens_nothing(staffed: Staffed, reason: str) -> None:
    """Nobody is asked for a secret first."""
    before = staffed.city.events()
    assert "Say why" in staffed.refused("2", "--reason", reason)
    assert "Say why" in staffed.refused("2")
    assert before == staffed.city.events()


def test_a_wrong_code_opens_nothing(staffed: Staffed) -> None:
    """A guess is no proof, and a code is good once."""
    assert "nothing was done" in staffed.refused("2", "--reason", REASON, code="000000")
    assert "staff.viewed" not in staffed.city.events()


@pytest.mark.parametrize("agency", ["agency-elsewhere", "end-elsewhere"])
def test_ones_own_agency_is_opened_by_somebody_else(city: City, agency: str) -> None:
    """Whether it asked, or another asked for it."""
    staffed = _with(city, "records")
    _sql(city, f"UPDATE staff SET agency_id = '{agency}'")  # noqa: S608  two made-up names
    assert "your own agency" in staffed.refused("2", "--reason", REASON)
    assert "staff.viewed" not in city.events()


@pytest.mark.parametrize("name", ["Pat Example", "example, PAT", "Example Q. Kim"])
def test_who_is_named_in_the_request_does_not_open_it(city: City, name: str) -> None:
    """The officer, and for whom it was asked, in whatever order the words stand; also the release."""
    staffed = _with(city, "counsel", name=name)
    assert "somebody of your name" in staffed.refused("2", "--reason", REASON)
    assert "staff.viewed" not in city.events()


def test_nothing_is_printed_that_the_log_does_not_hold(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry comes first: where it cannot be committed, not a word is shown."""
    append = Ledger.append

    def failing(self: Ledger, draft: Draft, *more: Any, **options: Any) -> Appended:
        if draft.event == "staff.viewed":
            raise LedgerUnavailable("the entry was not committed")
        return append(self, draft, *more, **options)

    monkeypatch.setattr(Ledger, "append", failing)
    assert "not committed" in staffed.refused("2", "--reason", REASON)
    assert "staff.viewed" not in staffed.city.events()


def test_what_was_erased_is_said_to_be(staffed: Staffed) -> None:
    """Plainly, with the public side; that somebody wanted to see it is in the log as well."""
    _sql(staffed.city, "DELETE FROM private_details WHERE event LIKE 'query.released%'")
    result = staffed.show("2", "--reason", REASON)
    assert 0 == result.exit_code, result.output
    assert "has been erased at the end of its time" in result.stdout
    assert "entry 2 of 3" in result.stdout
    assert [] == [word for word in PRIVATE if word in result.output]
    assert "staff.viewed" == staffed.city.events()[-1]


def test_what_was_erased_is_told_to_a_program(staffed: Staffed) -> None:
    """Erased, and every commitment not opened."""
    _sql(staffed.city, "DELETE FROM private_details WHERE event LIKE 'query.released%'")
    document = json.loads(staffed.show("2", "--reason", REASON, "--json").stdout)
    assert (True, {}) == (document["erased"], document["opened"])
    assert ["at", "count", "offense", "officer", "query", "rows"] == document["not_opened"]


SWAPPED = """
UPDATE private_details SET box = (SELECT box FROM private_details WHERE event LIKE 'query.decided%')
WHERE event LIKE 'query.released%'
"""
BROKEN = "UPDATE private_details SET box = x'00' WHERE event LIKE 'query.released%'"


@pytest.mark.parametrize("statement", [SWAPPED, BROKEN], ids=["another's", "broken"])
def test_a_detail_that_was_exchanged_is_not_shown(staffed: Staffed, statement: str) -> None:
    """Another entry's detail, or no detail at all: an error without a private word."""
    _sql(staffed.city, statement)
    assert "ledger_corrupt" in staffed.refused("2", "--reason", REASON)


def test_an_entry_that_was_exchanged_is_not_shown(staffed: Staffed) -> None:
    """Its hash is not the one in the tree."""
    _sql(
        staffed.city,
        "UPDATE ledger_entries SET entry = (SELECT entry FROM ledger_entries WHERE entry_index = 1) "
        "WHERE entry_index = 0",
    )
    said = typed("ledger", "show", "0", "--data", str(staffed.city.data))
    assert (1, "") == (said.exit_code, said.stdout)
    assert "ledger_corrupt" in said.stderr
