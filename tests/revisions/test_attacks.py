# ruff: noqa: S608  the attacks are made of our own table names
"""Attempts to put a law into force that may not be, and to keep one from deciding for ever."""

from __future__ import annotations

import json
import shutil
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from gatekeeper.cli import serve
from gatekeeper.errors import GatekeeperError, OperatorError, PolicyUnavailable
from gatekeeper.policy import Bundle
from gatekeeper.revisions import LawsInForce
from gatekeeper.revisions.checks import check
from gatekeeper.revisions.in_force import MAX_AGE
from gatekeeper.revisions.interfaces import Revision
from tests.promises.made import nothing_leaves
from tests.revisions.lives import REASON, Life


def _set(life: Life, statement: str) -> None:
    """Change the database behind the program's back, as whoever holds its files could."""
    with life.city.state.database.write() as connection:
        connection.exec_driver_sql(statement)


def _decides(life: Life) -> str:
    """Return by which law the next request would be decided."""
    return life.city.gate.as_in_force().law.bundle.revision


def _back(life: Life, to: Revision) -> Revision:
    """Let two people return to a law."""
    asked = life.lifecycle.roll_back(to.id, life.people["legal"], REASON)
    seen = life.lifecycle.seal(asked)
    return life.lifecycle.confirm(asked.id, life.people["counsel"], seen=seen, reason=REASON)


def test_what_waited_approved_is_not_scheduled_over_another_law(
    life: Life, other: Bundle, third: Bundle
) -> None:
    """It could not come into force; scheduled, it would keep the law in force from deciding anything."""
    at = life.lifecycle.clock.now() + timedelta(hours=2)
    life.scheduled(other, at)
    late = life.replayed(third)
    life.approve(late, "legal 2", at)
    with pytest.raises(OperatorError, match="scheduled already"):
        life.approve(late, "counsel", at)
    life.time.by = timedelta(hours=3)
    assert other.revision == _decides(life)
    with pytest.raises(OperatorError, match="Another policy came into force"):
        life.lifecycle.schedule(late.id)
    assert other.revision == _decides(life)


# --- A law that decides must go on, and one that cannot be verified must have a way back. ------------------


def test_the_service_starts_after_a_moment_that_it_slept_through(
    life: Life, other: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever starts first puts into force what is due, and begins with that."""
    state = life.city.state
    life.scheduled(other, state.clock.now() + timedelta(seconds=2))
    time.sleep(2.1)
    serve._begin_law(state)
    assert f"policy {other.revision} is in force" in capsys.readouterr().out


def test_a_law_that_nobody_tended_is_verified_by_who_asks(life: Life) -> None:
    """A thread that ended must not leave a worker that denies everything until somebody starts it anew."""
    _decides(life)
    life.time.by = MAX_AGE + timedelta(seconds=1)
    _decides(life)
    _set(life, "UPDATE revisions SET signature = NULL WHERE state = 'active'")
    life.time.by = 3 * MAX_AGE
    nothing_leaves(life.city, PolicyUnavailable)


def test_tending_survives_what_is_not_ours(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody thought of is told, and the next second tends again."""
    told, again = list[GatekeeperError](), threading.Event()

    def fails(laws: LawsInForce) -> None:
        assert laws is life.laws
        if told:
            again.set()
        raise KeyError("made up")

    monkeypatch.setattr(LawsInForce, "tend", fails)
    life.laws.start(told.append)
    assert again.wait(10)
    life.laws.close()
    assert "KeyError" in str(told[0])
    assert "made up" not in str(told[0])


def test_a_law_that_was_scheduled_and_lapsed_is_called_off(life: Life, other: Bundle, bundle: Bundle) -> None:
    """A machine that was off for a month denies, says which revision it is, and one command ends that."""
    revision = life.scheduled(other, life.lifecycle.clock.now() + timedelta(hours=2))
    life.time.by = timedelta(days=30)
    with pytest.raises(PolicyUnavailable, match=f"gatekeeper policy reject {revision.id}"):
        _decides(life)
    life.lifecycle.reject(revision.id, life.people["counsel"], REASON)
    assert bundle.revision == _decides(life)


def test_two_people_sign_the_law_in_force_anew_where_its_key_is_lost(life: Life, bundle: Bundle) -> None:
    """With every key gone nothing verifies; the same text, approved by two, decides again at once."""
    keys = life.city.state.settings.key_directory
    (keys / "policy.pem").unlink()
    shutil.rmtree(keys / "policy")
    nothing_leaves(life.city, GatekeeperError)
    life.lifecycle.keys.create()  # gatekeeper init
    nothing_leaves(life.city, PolicyUnavailable)
    founding = life.active()
    renewed = _back(life, founding)
    assert ("active", 2, "superseded") == (renewed.state, renewed.serial, life.now(founding).state)
    assert bundle.revision == _decides(life)


def test_two_people_say_what_is_meant_after_a_restore(life: Life, other: Bundle, bundle: Bundle) -> None:
    """The database is older than what this node saw in force: a rollback is in a place after all of it."""
    before = life.active()
    for _ in range(3):
        life.scheduled(other)
        _back(life, before)
    _decides(life)
    state = life.city.state
    assert 7 == state.serial_mark().read()
    _set(life, "UPDATE revisions SET state = 'superseded', serial = NULL WHERE serial > 1")
    _set(life, f"UPDATE revisions SET state = 'active' WHERE id = '{before.id}'")
    _set(
        life,
        f"UPDATE registry SET policy_revision = '{before.revision}', policy_digest = '{before.digest}', "
        "policy_serial = 1, version = version + 1",
    )
    nothing_leaves(life.city, PolicyUnavailable)
    lifecycle = replace(state.lifecycle(), clock=life.time.clock)
    renewed = _back(replace(life, lifecycle=lifecycle), before)
    assert ("active", 8) == (renewed.state, renewed.serial)
    assert bundle.revision == _decides(life)


def test_a_mark_that_cannot_be_read_is_removed(life: Life, bundle: Bundle) -> None:
    """Which names the file; the operator who removes it says that the database is the latest."""
    file = life.city.state.settings.data / "policy-serial"
    file.write_text("?")
    with pytest.raises(PolicyUnavailable, match=str(file)):
        _decides(life)
    file.unlink()
    assert bundle.revision == _decides(life)


def test_a_rollback_says_at_once_that_another_is_scheduled(
    life: Life, other: Bundle, third: Bundle, bundle: Bundle
) -> None:
    """Not to its second person, when half of it is done: it is called off, and the return takes seconds."""
    first = life.active()
    life.scheduled(other)
    planned = life.scheduled(third, life.lifecycle.clock.now() + timedelta(days=30))
    with pytest.raises(OperatorError, match=r"is scheduled\. Call it off first"):
        _back(life, first)
    assert "scheduled" == life.now(planned).state
    life.lifecycle.reject(planned.id, life.people["legal"], REASON)
    assert "active" == _back(life, first).state
    assert bundle.revision == _decides(life)


# --- What a lawyer might get past the checks. -------------------------------------------------------------


def test_a_law_under_which_no_request_could_be_decided_is_refused(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema wants a fact that no request has, and the cases that would show it were taken out."""
    monkeypatch.setenv("PATH", "")
    schema = json.loads(bundle.files["schema/input.json"])
    schema.setdefault("required", []).append("made_up")
    files = {path: text for path, text in bundle.files.items() if not path.startswith("cases/")}
    report = check({**files, "schema/input.json": json.dumps(schema)}, mutations=0)
    assert not report.passed
    assert ["cases/permitted"] == [finding.file for finding in report.findings]
