"""The life of a revision at a terminal: each act takes a person who proves themselves, a rollback two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from shutil import rmtree
from typing import Any

import pyotp
import pytest
from click.testing import Result

from gatekeeper.cli.opened import city as opened
from gatekeeper.errors import PolicyUnavailable
from gatekeeper.parts import laws_in_force
from gatekeeper.policy import Bundle, load, shipped_policies
from gatekeeper.revisions.interfaces import Revision
from tests.cli.shell import City, typed
from tests.lawful import put_in_force
from tests.revisions.lives import REASON, changed

Made = dict[str, Any]


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """Return the shipped law."""
    return load(shipped_policies())


@pytest.fixture(scope="module")
def other(shipped: Bundle) -> Bundle:
    """Return another."""
    return changed(shipped)


@pytest.fixture
def people(city: City, shipped: Bundle) -> dict[str, Made]:
    """Return two of legal and one of counsel, with their secrets, in a city that has a law."""
    found = {}
    for username, role in (("lee", "legal"), ("lou", "legal"), ("cal", "counsel")):
        (found[username],) = city.rows("staff", "add", username, "--name", "Pat Sample", "--role", role)
    with opened(city.data) as state:
        put_in_force(state, shipped)
    return found


def _replayed(city: City, other: Bundle) -> Revision:
    with opened(city.data) as state:
        lifecycle, author = state.lifecycle(), state.staff.find("lee")
        assert author is not None
        revision = lifecycle.propose(other, author=author, reason=REASON, origin="editor")
        lifecycle.checked(revision.id, {"passed": True}, passed=True, by="test")
        lifecycle.replayed(revision.id, {"classes": {"same": 9, "newly_denied": 1}}, by="test")
    return revision


def _secrets(made: Made) -> str:
    return f"{made['password']}\n{pyotp.TOTP(made['totp_secret']).at(datetime.now(UTC))}\n"


def _typed(city: City, *arguments: str, text: str) -> Result:
    return typed("policy", *arguments, "--data", str(city.data), text=text)


def _refused(city: City, *arguments: str, text: str = "") -> str:
    """Return why a command that must fail did."""
    answer = _typed(city, *arguments, text=text)
    assert (1, "") == (answer.exit_code, answer.stdout)
    return answer.stderr


def _in_name_of(city: City, made: Made, *arguments: str, confirmed: str = "") -> str:
    """Return what a command says that one person proves themselves to."""
    words = (*arguments, "--as", made["username"], "--reason", REASON)
    answer = _typed(city, *words, text=f"{confirmed}{_secrets(made)}")
    assert 0 == answer.exit_code, answer.output
    return answer.stdout


def test_two_people_approve_at_a_terminal(city: City, people: dict[str, Made], other: Bundle) -> None:
    """Each sees what it is they approve; the second one's approval puts it into force."""
    revision = _replayed(city, other)
    (shown,) = city.rows("policy", "show", revision.id)
    assert "newly_denied 1, same 9" in shown["replay"]
    for username, said in (("lou", "approved by 1 of 2"), ("cal", "is the law in force")):
        printed = _in_name_of(city, people[username], "approve", revision.id, confirmed="y\n")
        assert said in printed
        assert shown["digest"] in printed
    (first, second) = city.rows("policy", "list")
    assert ("active", ["lou", "cal"], "superseded") == (first["state"], first["approved_by"], second["state"])


def test_an_approval_names_what_was_seen(city: City, people: dict[str, Made], other: Bundle) -> None:
    """For those who looked elsewhere: the seal. Another one is refused, and so is a shrug."""
    revision = _replayed(city, other)
    words = ("approve", revision.id, "--as", "cal", "--reason", REASON)
    told = _refused(city, *words, "--seen", f"sha256:{'0' * 64}", text=_secrets(people["cal"]))
    assert "Look again" in told
    assert 1 == _typed(city, *words, text="n\n").exit_code
    (shown,) = city.rows("policy", "show", revision.id)
    assert [] == shown["approved_by"]


def test_a_moment_is_in_the_citys_time(
    city: City, people: dict[str, Made], other: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chicago's six o'clock is twelve in UTC, in winter."""
    monkeypatch.setenv("GATEKEEPER_TIME_ZONE", "America/Chicago")
    revision, day = _replayed(city, other), (datetime.now(UTC) + timedelta(days=40)).date()
    given = ("approve", revision.id, "--at", f"{day}T06:00")
    assert "1 of 2" in _in_name_of(city, people["lou"], *given, confirmed="y\n")
    printed = _in_name_of(city, people["cal"], "approve", revision.id, confirmed="y\n")
    assert f"decides from {day}T1" in printed
    told = _refused(city, "approve", revision.id, "--at", f"{day}T07:00", "--reason", REASON)
    assert "its moment was set before" in told
    assert "is no moment" in _refused(city, "approve", revision.id, "--at", "noon", "--reason", REASON)
    assert "is rejected" in _in_name_of(city, people["lee"], "reject", revision.id)


def test_one_command_and_two_people_roll_back(
    city: City, people: dict[str, Made], shipped: Bundle, other: Bundle
) -> None:
    """Without a name: to the law before this one."""
    with opened(city.data) as state:
        put_in_force(state, other)
    text = _secrets(people["lou"]) + _secrets(people["cal"])
    answer = _typed(city, "rollback", "--as", "lou", "--as", "cal", "--reason", REASON, text=text)
    assert 0 == answer.exit_code, answer.output
    assert f"is the law in force: {shipped.revision}, number 3" in answer.stdout
    told = _refused(city, "rollback", "--as", "lou", "--as", "lou", "--reason", REASON, text=text)
    assert "two different people" in told


def test_beside_the_law_and_not_any_more(city: City, people: dict[str, Made], other: Bundle) -> None:
    """One name, or --off: not both, not neither."""
    revision = _replayed(city, other)
    assert "--off" in _refused(city, "shadow", "--reason", REASON)
    said = _in_name_of(city, people["cal"], "shadow", revision.id)
    assert f"{revision.id} decides beside the law" in said
    assert "nothing decides beside the law" in _in_name_of(city, people["lou"], "shadow", "--off")


def test_a_revision_that_is_not_there_is_said_to_be_none(city: City, people: dict[str, Made]) -> None:
    """With the command that lists them."""
    assert people
    for words in (("show",), ("activate",), ("approve", "--reason", REASON)):
        assert "gatekeeper policy list" in _refused(city, *words, "rev_none")


def test_the_law_in_force_is_signed_anew_where_its_keys_are_lost(
    city: City, people: dict[str, Made], shipped: Bundle
) -> None:
    """As deploy/README.md says it: init, then one command and two people, while nothing is decided."""
    with opened(city.data) as state:
        active = state.lifecycle().store.active()
        keys = state.settings.key_directory
    assert active is not None
    (keys / "policy.pem").unlink()
    rmtree(keys / "policy")
    city.run("init")
    with opened(city.data) as state, pytest.raises(PolicyUnavailable, match="not known here"):
        laws_in_force(state).now()
    text = _secrets(people["lee"]) + _secrets(people["cal"])
    acts = ("rollback", active.id, "--as", "lee", "--as", "cal", "--reason", REASON)
    result = _typed(city, *acts, text=text)
    assert 0 == result.exit_code, result.output
    with opened(city.data) as state:
        assert shipped.revision == laws_in_force(state).now().bundle.revision


def test_doctor_examines_the_law_in_force(city: City, people: dict[str, Made], other: Bundle) -> None:
    """Not a directory beside it; and one whose signature is gone is a finding."""
    assert people
    with opened(city.data) as state:
        put_in_force(state, other)
    assert other.revision in typed("doctor", "--data", str(city.data)).output
    with opened(city.data) as state, state.database.write() as connection:
        connection.exec_driver_sql("UPDATE revisions SET signature = NULL WHERE state = 'active'")
    assert "not as it was signed" in typed("doctor", "--data", str(city.data)).output
