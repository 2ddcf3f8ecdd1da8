"""Accounts, sign-ins, sessions and the queue of reviews, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.store import staff
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.staff import IDLE, Staff
from gatekeeper.store.values import Standing
from tests.store.making import NOON, commit, member


@pytest.fixture
def people(database: Database, rows: LedgerRows) -> Staff:
    """A city with one member of staff, whose clock stands at noon."""
    commit(rows, staff.add(member()))
    return Staff(database, now=lambda: NOON)


def test_an_account_is_found_by_its_name_in_any_case(people: Staff) -> None:
    """What no database could hold is found by none."""
    assert member() == people.find("Pat.Sample") == people.get(member().id)
    assert (member(),) == people.all()
    for name in ("", "pat", "pat.sample\x00", "\ud800"):
        assert people.find(name) is None


def test_a_user_name_is_given_once(people: Staff, rows: LedgerRows) -> None:
    """Two accounts of one name would be one person with two roles."""
    with pytest.raises(StoreUnavailable):
        commit(rows, staff.add(member("pat.sample")))
    assert 1 == len(people.all())


def test_a_time_step_is_used_once_and_never_an_older_one(people: Staff) -> None:
    """Whoever asks at the same time: one of them."""
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda _: people.succeeded(member().id, step=100), range(8)))
    assert 1 == sum(used)
    assert people.succeeded(member().id, step=99) is False
    assert people.succeeded(member().id, step=101) is True
    assert people.succeeded("staff-nobody", step=1) is False


def test_failures_are_counted_one_by_one_and_lock(people: Staff) -> None:
    """Also when they come at the same time."""
    until = NOON + timedelta(minutes=15)
    with ThreadPoolExecutor(8) as pool:
        locked = list(pool.map(lambda _: people.failed(member().id, most=8, until=until), range(8)))
    assert 1 == sum(locked)
    assert until == people.locked_until(member().id)
    people.succeeded(member().id, step=None)
    assert people.locked_until(member().id) is None
    assert people.failed("staff-nobody", most=1, until=until) is False


def test_recovery_codes_are_replaced_whole(people: Staff) -> None:
    """The old ones are worth nothing, and each new one once."""
    people.replace_recovery_codes(member().id, [b"a" * 32, b"b" * 32])
    people.replace_recovery_codes(member().id, [b"c" * 32])
    assert people.use_recovery_code(member().id, b"a" * 32) is False
    assert people.use_recovery_code(member().id, b"c" * 32) is True
    assert people.use_recovery_code(member().id, b"c" * 32) is False


def test_a_session_lives_while_it_is_used(database: Database, people: Staff) -> None:
    """Each use keeps it; after it is over nothing brings it back, and its row goes with the next sign-in."""
    people.begin_session("one", member().id)
    almost = IDLE - timedelta(seconds=1)
    for passed in (almost, 2 * almost):
        found = Staff(database, now=lambda passed=passed: NOON + passed).session("one")  # type: ignore[misc]
        assert found is not None
        assert member() == found.account
    late = Staff(database, now=lambda: NOON + 2 * almost + IDLE)
    assert late.session("one") is None
    assert late.prove_session("one", "renewed") is False
    assert (None, None) == (late.session("one"), late.session("renewed"))
    late.begin_session("two", member().id)
    with database.read() as connection:
        assert 1 == connection.exec_driver_sql("SELECT count(*) FROM staff_sessions").scalar()


def test_a_proof_renews_the_identifier_and_not_the_day(database: Database, people: Staff) -> None:
    """The identifier of before is worth nothing, and is renewed by one of any number who try."""
    people.begin_session("before", member().id)
    later = NOON + timedelta(minutes=14)
    at_14 = Staff(database, now=lambda: later)
    with ThreadPoolExecutor(8) as pool:
        renewed = list(pool.map(lambda n: at_14.prove_session("before", f"after-{n}"), range(8)))
    assert 1 == sum(renewed)
    found = at_14.session(f"after-{renewed.index(True)}")
    assert found is not None
    assert (NOON, later) == (found.began_at, found.proved_at)
    assert at_14.session("before") is None


def test_every_session_of_an_account_can_be_ended(people: Staff) -> None:
    """A laptop that was lost is signed out from the office."""
    for name in ("one", "two"):
        people.begin_session(name, member().id)
    people.end_session("one")
    assert (None, True) == (people.session("one"), people.session("two") is not None)
    people.end_sessions(member().id)
    assert people.session("two") is None


def test_all_sessions_but_this_one_can_be_ended(people: Staff) -> None:
    """Whoever changed a password stays where they are; and sees which browser that is."""
    for name in ("one", "two", "three"):
        people.begin_session(name, member().id)
    assert [True] == [s.here for s in people.sessions_of(member().id, "two") if s.here]
    people.end_sessions(member().id, but="two")
    assert [True] == [session.here for session in people.sessions_of(member().id, "two")]
    assert () == people.sessions_of("staff-nobody", "two")


def test_a_proof_of_before_is_as_old_as_it_was(people: Staff) -> None:
    """Signed in by a provider that asked for the password an hour ago: nothing was proved just now."""
    then = NOON - timedelta(hours=1)
    people.begin_session("one", member().id, proved_at=then, id_token_box=b"sealed")
    people.begin_session("two", member().id, proved_at=NOON + timedelta(hours=1))
    one, two = people.session("one"), people.session("two")
    assert one is not None
    assert two is not None
    assert (then, NOON, b"sealed") == (one.proved_at, one.began_at, one.id_token_box)
    assert NOON == two.proved_at
    assert people.prove_session("one", "renewed")
    renewed = people.session("renewed")
    assert renewed is not None
    assert b"sealed" == renewed.id_token_box


def test_how_sign_ins_went_is_kept(people: Staff) -> None:
    """When the last one was, and until when an account is locked."""
    assert {member().id: Standing(None, None)} == people.standings()
    people.begin_session("one", member().id)
    until = NOON + timedelta(minutes=15)
    people.failed(member().id, most=1, until=until)
    assert {member().id: Standing(until, NOON)} == people.standings()
    people.replace_recovery_codes(member().id, [b"a" * 32, b"b" * 32])
    people.use_recovery_code(member().id, b"a" * 32)
    assert 1 == people.recovery_codes_left(member().id)
