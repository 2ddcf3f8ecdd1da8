# ruff: noqa: S608  the attacks are made of our own table names
"""What becomes of a proposed law, and everything that must not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from gatekeeper.errors import OperatorError, PolicyUnavailable, SettingsRefused, StoreUnavailable, Superseded
from gatekeeper.ledger import Draft, Json
from gatekeeper.parts import found, laws_in_force
from gatekeeper.policy import Bundle, packed, tree_digest
from gatekeeper.revisions import Lifecycle, approval
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from tests.exchange.city import body
from tests.promises.made import document
from tests.revisions.lives import REASON, Life, changed
from tests.store.making import policy_named

WHOLE = [
    "policy.proposed",
    "policy.checked",
    "policy.replayed",
    "policy.approved",
    "policy.approved",
    "policy.scheduled",
    "policy.activated",
]


def _set(life: Life, statement: str) -> None:
    """Change the database behind the program's back, as whoever holds its files could."""
    with life.city.state.database.write() as connection:
        connection.exec_driver_sql(statement)


def _leaves(life: Life, who: str, role: str | None) -> None:
    """Somebody's account is removed, or given another role."""
    personnel, account = life.city.state.personnel(), life.people[who]
    if role is None:
        personnel.remove(account, reason=REASON, by="operator")
    else:
        personnel.change_role(account, role, reason=REASON, by="operator")


def _told(life: Life, attempt: Callable[[], object]) -> str:
    """Return why an attempt is refused; the log must not have grown."""
    before = len(life.city.events())
    with pytest.raises((OperatorError, Superseded)) as refused:
        attempt()
    assert before == len(life.city.events())
    return str(refused.value)


def test_two_people_put_a_law_into_force(life: Life, other: Bundle) -> None:
    """Each step is in the log; the next request is decided by the new law, the old one is superseded."""
    before = life.active()
    revision = life.scheduled(other)
    assert ("active", 2, "superseded") == (revision.state, revision.serial, life.now(before).state)
    assert WHOLE == life.events(revision)
    assert other.revision == document(life.city.ask(body()))["decision"]["policy"]["revision"]


def test_what_the_log_says_of_it_names_no_person_and_no_reason(life: Life, other: Bundle) -> None:
    """Who, and why, are committed to; which text, from when, as the how-manieth, anyone may know."""
    revision = life.scheduled(other)
    entries = [entry for entry in life.city.events() if entry["ref"] == revision.id]
    said = str(entries)
    assert REASON not in said
    assert all(person.id not in said and person.name not in said for person in life.people.values())
    assert [2, 2] == [entry["serial"] for entry in entries if "serial" in entry]


def test_it_waits_for_its_moment(life: Life, other: Bundle, bundle: Bundle) -> None:
    """Until then the old law decides; from then on the new one, though nothing but a request looked."""
    at = life.lifecycle.clock.now() + timedelta(hours=2)
    revision = life.scheduled(other, at)
    assert "scheduled" == revision.state
    assert bundle.revision == document(life.city.ask(body()))["decision"]["policy"]["revision"]
    life.time.by = timedelta(hours=2)
    assert other.revision == life.city.gate.as_in_force().law.bundle.revision
    assert "active" == life.now(revision).state


def test_a_decision_of_the_old_law_is_not_released_after_the_moment(life: Life, other: Bundle) -> None:
    """It was decided before, its release comes after: it is decided again, by the new law."""
    life.scheduled(other, life.lifecycle.clock.now() + timedelta(minutes=1))
    gate = replace(life.city.gate, clock=life.time.clock)

    def moment() -> None:
        life.city.reads.on_fetch = lambda: None
        life.time.by = timedelta(minutes=1)

    life.city.reads.on_fetch = moment
    answered = replace(life.city, gate=gate).ask(body())
    assert other.revision == document(answered)["decision"]["policy"]["revision"]
    assert 1 == sum(entry["event"] == "query.released" for entry in life.city.events())


# --- Who may not. -----------------------------------------------------------------------------------------


def test_nobody_approves_their_own(life: Life, other: Bundle) -> None:
    """Its author is not one of the two."""
    revision = life.replayed(other)
    assert "You wrote this" in _told(life, lambda: life.approve(revision, "legal"))


def test_nobody_is_two_people(life: Life, other: Bundle) -> None:
    """The second approval is somebody else's."""
    revision = life.replayed(other)
    life.approve(revision, "counsel")
    assert "approved this already" in _told(life, lambda: life.approve(revision, "counsel"))
    assert "replayed" == life.now(revision).state


def test_records_staff_neither_propose_nor_approve(life: Life, other: Bundle) -> None:
    """Nor reject, nor roll back, nor set beside."""
    records = life.people["records"]
    assert "does not propose" in _told(life, lambda: life.proposed(other, author=records))
    revision = life.replayed(other)
    for attempt in (
        lambda: life.approve(revision, "records"),
        lambda: life.lifecycle.reject(revision.id, records, REASON),
        lambda: life.lifecycle.roll_back(life.active().id, records, REASON),
        lambda: life.lifecycle.shadow(revision.id, records, REASON),
    ):
        assert "Your role does not approve policies" in _told(life, attempt)


def test_a_removed_person_approves_nothing(life: Life, other: Bundle) -> None:
    """A session that outlived the account is none."""
    gone = replace(life.people["counsel"], status="removed")  # type: ignore[type-var]
    revision = life.replayed(other)
    seen = life.lifecycle.seal(revision)
    attempt = lambda: life.lifecycle.approve(revision.id, gone, seen=seen, reason=REASON)  # noqa: E731
    assert "was removed" in _told(life, attempt)


@pytest.mark.parametrize("role", [None, "records"])
def test_who_left_before_the_second_approval_no_longer_counts(
    life: Life, other: Bundle, role: str | None
) -> None:
    """Removed, or in a role that approves nothing: the second approval is the first that counts."""
    revision = life.replayed(other)
    life.approve(revision, "counsel")
    _leaves(life, "counsel", role)
    assert () == life.lifecycle.approvers(life.now(revision))
    assert "replayed" == life.approve(revision, "legal 2").state
    assert "active" == life.approve(revision, "counsel 2").state


def test_who_left_before_it_was_signed_no_longer_counts(life: Life, other: Bundle) -> None:
    """Two approved, the key was away, one of the two left: a third is needed."""
    key = life.city.state.settings.key_directory / "policy.pem"
    away = key.rename(key.with_suffix(".away"))
    revision = life.replayed(other)
    life.approve(revision, "legal 2")
    with pytest.raises(SettingsRefused):
        life.approve(revision, "counsel")
    away.rename(key)
    _leaves(life, "counsel", None)
    with pytest.raises(OperatorError, match="not approved by 2 people"):
        life.lifecycle.schedule(revision.id)
    assert "active" == life.approve(revision, "counsel 2").state


def test_who_is_removed_while_they_approve_has_not_approved(
    life: Life, other: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading of their account and the commit."""
    revision, real = life.replayed(other), approval.faults_of

    def meanwhile(*given: object, **more: object) -> list[str]:
        _leaves(life, "counsel", None)
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("gatekeeper.revisions.lifecycle.faults_of", meanwhile)
    with pytest.raises(Superseded):
        life.approve(revision, "counsel")
    assert () == life.lifecycle.approvers(life.now(revision))
    assert "policy.approved" not in life.events(revision)


def test_who_is_removed_while_it_is_signed_did_not_approve_it(
    life: Life, other: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two approved, one left while the key signed: it is not scheduled, and a third is needed."""
    revision, real = life.replayed(other), Lifecycle._signature

    def meanwhile(*given: object, **more: object) -> str:
        _leaves(life, "counsel", None)
        return real(*given, **more)  # type: ignore[arg-type]

    life.approve(revision, "counsel")
    with monkeypatch.context() as patched:
        patched.setattr(Lifecycle, "_signature", meanwhile)
        with pytest.raises(Superseded):
            life.approve(revision, "legal 2")
    assert "approved" == life.now(revision).state
    assert (life.people["legal 2"].id,) == life.lifecycle.approvers(life.now(revision))
    assert "active" == life.approve(revision, "counsel 2").state


def test_who_leaves_after_it_was_signed_does_not_stop_it(life: Life, other: Bundle) -> None:
    """Else whoever manages accounts could leave the city with a law that is due and cannot come."""
    moment = life.lifecycle.clock.now() + timedelta(hours=1)
    revision = life.scheduled(other, at=moment)
    _leaves(life, "counsel", None)
    life.time.by = timedelta(hours=2)
    assert life.lifecycle.activate_due()
    assert "active" == life.now(revision).state


def test_who_asked_for_a_rollback_and_left_no_longer_counts(life: Life, other: Bundle) -> None:
    """The second person then asks anew, or a third confirms."""
    first = life.active()
    life.scheduled(other)
    asked = life.lifecycle.roll_back(first.id, life.people["legal"], REASON)
    _leaves(life, "legal", None)
    assert "replayed" == life.approve(asked, "counsel").state
    assert "active" == life.approve(asked, "legal 2").state


def test_an_approval_says_why(life: Life, other: Bundle) -> None:
    """A reason of substance, as everywhere."""
    revision = life.replayed(other)
    seen = life.lifecycle.seal(revision)
    counsel = life.people["counsel"]
    assert "Say why" in _told(
        life, lambda: life.lifecycle.approve(revision.id, counsel, seen=seen, reason="ok")
    )


# --- What may not be. -------------------------------------------------------------------------------------


def test_what_was_not_checked_or_not_tried_is_not_approved(life: Life, other: Bundle) -> None:
    """Every reason at once."""
    revision = life.proposed(other)
    told = _told(life, lambda: life.approve(revision, "counsel"))
    assert ("has not been checked" in told, "checks have not passed" in told, "not been tried" in told) == (
        (True,) * 3
    )
    assert "is draft" in _told(life, lambda: life.lifecycle.replayed(revision.id, {}, by="test"))


def test_what_its_checks_refuse_is_rejected(life: Life, other: Bundle) -> None:
    """Its text cannot change, so nothing can make it pass."""
    revision = life.proposed(other)
    life.lifecycle.checked(revision.id, {"findings": ["a fault"]}, passed=False, by="test")
    assert "rejected" == life.now(revision).state
    assert "is rejected" in _told(
        life, lambda: life.lifecycle.checked(revision.id, {}, passed=True, by="test")
    )
    assert "was turned down" in _told(life, lambda: life.approve(revision, "counsel"))


def test_an_approval_is_of_what_was_seen(life: Life, other: Bundle) -> None:
    """Another replay, or another moment, and the first approval does not count any more."""
    revision = life.replayed(other)
    seen = life.lifecycle.seal(revision)
    life.approve(revision, "legal 2")
    life.lifecycle.replayed(revision.id, {"newly_denied": 9}, by="test")
    counsel = life.people["counsel"]
    attempt = lambda: life.lifecycle.approve(revision.id, counsel, seen=seen, reason=REASON)  # noqa: E731
    assert "Look again" in _told(life, attempt)
    assert "replayed" == life.approve(revision, "counsel").state
    assert "active" == life.approve(revision, "legal 2").state


def test_the_first_who_approves_says_when_and_the_second_approves_that(life: Life, other: Bundle) -> None:
    """Another moment is another seal."""
    at = life.lifecycle.clock.now() + timedelta(hours=1)
    revision = life.replayed(other)
    life.approve(revision, "legal 2", at)
    later = life.approve(revision, "counsel", at + timedelta(hours=5))
    assert ("scheduled", at) == (later.state, later.effective_at)


@pytest.mark.parametrize(
    ("ahead", "told"), [(timedelta(minutes=-1), "still to come"), (timedelta(days=400), "at most a year")]
)
def test_a_moment_is_to_come_and_not_far_off(life: Life, other: Bundle, ahead: timedelta, told: str) -> None:
    """A slip of the keyboard must not put off the law for ever."""
    at = life.lifecycle.clock.now() + ahead
    assert told in _told(life, lambda: life.proposed(other, effective_at=at))
    revision = life.replayed(other)
    assert told in _told(life, lambda: life.approve(revision, "counsel", at))


def test_what_was_made_for_another_law_is_made_anew(life: Life, other: Bundle, third: Bundle) -> None:
    """Its diff and its replay are of a law that is no more."""
    late = life.replayed(third)
    life.approve(late, "counsel")
    life.scheduled(other)
    assert "Another policy came into force" in _told(life, lambda: life.approve(late, "legal 2"))


def test_the_same_text_is_proposed_once(life: Life, other: Bundle, bundle: Bundle) -> None:
    """And the law in force not at all."""
    life.proposed(other)
    assert "is proposed already" in _told(life, lambda: life.proposed(other))
    assert "in force, word for word" in _told(life, lambda: life.proposed(bundle))


def test_one_is_scheduled_at_a_time(life: Life, other: Bundle, third: Bundle) -> None:
    """The second waits, approved, until the first is in force or called off."""
    at = life.lifecycle.clock.now() + timedelta(hours=2)
    first = life.scheduled(other, at)
    second = life.replayed(third)
    life.approve(second, "legal 2", at)
    with pytest.raises(OperatorError, match="scheduled already"):
        life.approve(second, "counsel", at)
    assert "approved" == life.now(second).state
    life.lifecycle.reject(first.id, life.people["legal"], REASON)
    assert "scheduled" == life.lifecycle.schedule(second.id).state


def test_a_scheduled_law_can_be_called_off(life: Life, other: Bundle, bundle: Bundle) -> None:
    """Also by its author; it never decides."""
    revision = life.scheduled(other, life.lifecycle.clock.now() + timedelta(hours=2))
    assert "rejected" == life.lifecycle.reject(revision.id, life.people["legal"], REASON).state
    life.time.by = timedelta(hours=3)
    assert not life.lifecycle.activate_due()
    assert bundle.revision == life.city.gate.as_in_force().law.bundle.revision


def test_of_two_who_approve_at_once_one_is_told(
    life: Life, other: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read that nobody had: one approval is the first, the other is refused and can be made again."""
    revision, both, outcomes = life.replayed(other), threading.Barrier(2, timeout=10), list[str]()
    real = approval.faults_of

    def together(*given: object, **more: object) -> list[str]:
        found = real(*given, **more)  # type: ignore[arg-type]
        both.wait()
        return found

    monkeypatch.setattr("gatekeeper.revisions.lifecycle.faults_of", together)

    def approve(who: str) -> None:
        try:
            outcomes.append(life.approve(revision, who).state)
        except Superseded:
            outcomes.append("told")

    threads = [threading.Thread(target=approve, args=(who,)) for who in ("legal 2", "counsel")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["replayed", "told"] == sorted(outcomes)
    monkeypatch.undo()
    left = (
        "counsel"
        if life.lifecycle.approvers(life.now(revision)) == (life.people["legal 2"].id,)
        else "legal 2"
    )
    assert "active" == life.approve(revision, left).state


# --- What somebody made of the database. ------------------------------------------------------------------


def _due(life: Life, other: Bundle) -> Revision:
    revision = life.scheduled(other, life.lifecycle.clock.now() + timedelta(hours=2))
    life.time.by = timedelta(hours=2)
    return revision


def _refused(life: Life, why: str) -> None:
    """What is due does not come into force, and nothing is decided by the old law either."""
    with pytest.raises(PolicyUnavailable, match=why):
        life.lifecycle.activate_due()
    with pytest.raises(PolicyUnavailable):
        life.city.ask(body())
    assert "query.released" not in [entry["event"] for entry in life.city.events()]


def test_an_unsigned_law_does_not_come_into_force(life: Life, other: Bundle) -> None:
    """Whoever can write the row cannot sign."""
    revision = _due(life, other)
    _set(life, f"UPDATE revisions SET signature = NULL WHERE id = '{revision.id}'")
    _refused(life, "unsigned")


def test_a_signature_of_another_law_is_none(life: Life, other: Bundle, third: Bundle) -> None:
    """Signed it is, but not this."""
    first = life.scheduled(third)
    revision = _due(life, other)
    assert first.signature is not None
    _set(life, f"UPDATE revisions SET signature = '{first.signature}' WHERE id = '{revision.id}'")
    _refused(life, "cannot come into force")


def test_approvals_are_counted_again(life: Life, other: Bundle) -> None:
    """A row that says scheduled, for a text that one person approved."""
    revision = life.replayed(other)
    life.approve(revision, "counsel")
    now = life.lifecycle.clock.now()
    signature = life.lifecycle._signature(
        life.lifecycle.keys.signer(), other, revision, serial=9, now=now, lapses=now + timedelta(days=1)
    )
    _set(
        life,
        f"UPDATE revisions SET state = 'scheduled', serial = 9, signature = '{signature}' "
        f"WHERE id = '{revision.id}'",
    )
    _set(life, f"UPDATE registry SET due_revision = '{revision.id}', due_ms = 1, version = version + 1")
    _refused(life, "not approved by 2 people")


def test_an_author_who_approved_behind_the_programs_back_does_not_count(life: Life, other: Bundle) -> None:
    """The record has the author's name on it: it is still the author's."""
    revision = life.replayed(other)
    life.approve(revision, "counsel")
    seal, author = life.lifecycle.seal(life.now(revision)), life.people["legal"].id
    _set(
        life,
        "INSERT INTO revision_approvals (revision_id, account_id, seal, role, at) "
        f"VALUES ('{revision.id}', '{author}', '{seal}', 'legal', '2026-01-01 00:00:00')",
    )
    assert 1 == len(life.lifecycle.approvers(life.now(revision)))
    _set(life, f"UPDATE revisions SET state = 'approved' WHERE id = '{revision.id}'")
    with pytest.raises(OperatorError, match="not approved by 2 people"):
        life.lifecycle.schedule(revision.id)


def test_an_approval_lapses(life: Life, other: Bundle) -> None:
    """What was approved for one week does not come into force a month later, when the machine is back."""
    life.scheduled(other, life.lifecycle.clock.now() + timedelta(hours=2))
    life.time.by = timedelta(days=30)
    _refused(life, "expired")


def test_a_place_in_the_order_is_taken_once(life: Life, other: Bundle, third: Bundle) -> None:
    """The row of a law that was superseded, made to be due again: an old signature is an older place."""
    old = life.scheduled(other)
    life.scheduled(third)
    _set(life, f"UPDATE revisions SET state = 'scheduled', base = '{life.active().id}' WHERE id = '{old.id}'")
    _set(life, f"UPDATE registry SET due_revision = '{old.id}', due_ms = 1, version = version + 1")
    _refused(life, "order of activations")


def test_the_text_is_the_one_that_was_proposed(life: Life, other: Bundle, third: Bundle) -> None:
    """A row that points at another text, and a text that is half there."""
    revision = _due(life, other)
    tree = tree_digest(third.files)
    with life.city.state.database.write() as connection:
        statement = "INSERT INTO revision_trees (tree, archive) VALUES (?, ?)"
        connection.exec_driver_sql(statement, (tree, packed(third.files)))
    _set(life, f"UPDATE revisions SET tree = '{tree}' WHERE id = '{revision.id}'")
    _refused(life, "not what was proposed")


def test_a_text_cannot_be_changed_where_it_is_kept(life: Life, other: Bundle) -> None:
    """Not by anything of ours; and half a text is no text."""
    revision = life.proposed(other)
    with pytest.raises(StoreUnavailable):
        _set(life, "UPDATE revision_trees SET archive = x'00'")
    with pytest.raises(StoreUnavailable):
        _set(life, f"DELETE FROM revisions WHERE id = '{revision.id}'")


def test_without_the_key_nothing_is_scheduled_and_the_approvals_stay(life: Life, other: Bundle) -> None:
    """Signing can be done again when the key is back."""
    key = life.city.state.settings.key_directory / "policy.pem"
    away = key.rename(key.with_suffix(".away"))
    revision = life.replayed(other)
    life.approve(revision, "legal 2")
    with pytest.raises(SettingsRefused):
        life.approve(revision, "counsel")
    assert "approved" == life.now(revision).state
    away.rename(key)
    assert "active" == life.lifecycle.schedule(revision.id).state


# --- Undone. ----------------------------------------------------------------------------------------------


def test_two_people_roll_back(life: Life, other: Bundle, bundle: Bundle) -> None:
    """One asks, another confirms, and the earlier law decides: as a new revision, in a new place."""
    first = life.active()
    life.scheduled(other)
    asked = life.lifecycle.roll_back(first.id, life.people["legal"], REASON)
    seen = life.lifecycle.seal(asked)
    done = life.lifecycle.confirm(asked.id, life.people["counsel"], seen=seen, reason=REASON)
    assert ("active", 3, bundle.digest) == (done.state, done.serial, done.digest)
    assert "policy.rolled_back" == life.events(done)[-1]
    assert bundle.revision == document(life.city.ask(body()))["decision"]["policy"]["revision"]


def test_who_asks_for_a_rollback_does_not_confirm_it(life: Life, other: Bundle) -> None:
    """It takes two people, also in a hurry; and nothing else is confirmed like this."""
    first = life.active()
    life.scheduled(other)
    asked = life.lifecycle.roll_back(first.id, life.people["legal"], REASON)
    seen, author = life.lifecycle.seal(asked), life.people["legal"]
    attempt = lambda: life.lifecycle.confirm(asked.id, author, seen=seen, reason=REASON)  # noqa: E731
    assert "Somebody else must confirm" in _told(life, attempt)
    assert "waits for its second person" in _told(
        life, lambda: life.lifecycle.roll_back(first.id, life.people["counsel"], REASON)
    )


def test_only_a_law_that_was_in_force_is_returned_to(life: Life, other: Bundle) -> None:
    """A draft is no law."""
    target = life.proposed(other).id
    told = _told(life, partial(life.lifecycle.roll_back, target, life.people["legal"], REASON))
    assert "was in force before" in told


def test_a_new_city_has_one_founding(life: Life, bundle: Bundle) -> None:
    """After it the life cycle alone changes the law."""
    assert "has a law already" in _told(life, lambda: life.lifecycle.found(bundle, "test"))


def test_a_revision_decides_beside_the_law_until_it_is_the_law(
    life: Life, other: Bundle, third: Bundle
) -> None:
    """Once in force, or turned down, it is not beside any more."""
    state = life.city.state.registry.state
    draft = life.proposed(third)
    counsel = life.people["counsel"]
    assert "was checked" in _told(life, lambda: life.lifecycle.shadow(draft.id, counsel, REASON))
    revision = life.replayed(other)
    life.lifecycle.shadow(revision.id, counsel, REASON)
    assert revision.id == state().shadow_revision
    life.approve(revision, "legal 2")
    life.approve(revision, "counsel")
    assert (None, "active") == (state().shadow_revision, life.now(revision).state)
    again = life.replayed(changed(other, 5))
    life.lifecycle.shadow(again.id, counsel, REASON)
    life.lifecycle.reject(again.id, counsel, REASON)
    assert state().shadow_revision is None


def test_a_city_from_before_the_life_cycle_keeps_its_law(
    tmp_path: Path, bundle: Bundle, other: Bundle
) -> None:
    """Its registry names a policy of which no text is kept: that one is founded, and no other."""
    settings = Settings(data=tmp_path / "city", engine="embedded", client_profiles="fapi basic")
    lay_out(settings)
    state = open_state(settings)
    policy: Json = {"revision": bundle.revision, "digest": bundle.digest}
    named = Draft("policy.activated", "policy_0123456789ab", {"policy": policy, "previous": None}, {}, {})
    state.ledger.append(named, policy_named(bundle.revision, bundle.digest, previous=None))
    with pytest.raises(OperatorError, match="GATEKEEPER_POLICIES"):
        found(state, other, "test")
    assert found(state, bundle, "test")
    assert bundle.revision == laws_in_force(state).of(state.registry.state()).bundle.revision
    assert not found(state, other, "test")  # from here on the life cycle alone changes it
    state.close()
