# ruff: noqa: S608  the attacks are made of our own table names
"""The law of each request: verified, of this moment, never an older one than was seen."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.errors import GatekeeperError, PolicyUnavailable, StoreUnavailable
from gatekeeper.parts import laws_in_force
from gatekeeper.policy import Bundle, unpacked
from gatekeeper.policy.signing import SIGNATURES
from gatekeeper.revisions import SignedLaw
from gatekeeper.revisions.in_force import EVERY, MAX_AGE, SerialMark
from tests.exchange.city import body
from tests.lawful import put_in_force
from tests.promises.made import document, nothing_leaves
from tests.revisions.lives import Life


def _set(life: Life, statement: str) -> None:
    with life.city.state.database.write() as connection:
        connection.exec_driver_sql(statement)


def test_a_law_is_verified_before_it_decides(life: Life) -> None:
    """A signature that somebody removed: nothing is decided, by the first request or by any other."""
    _set(life, "UPDATE revisions SET signature = NULL WHERE state = 'active'")
    nothing_leaves(life.city, PolicyUnavailable)


def test_a_law_whose_signature_is_gone_ceases_to_decide(life: Life) -> None:
    """It was verified once; the next verification finds out, and does not wait until the law is too old."""
    life.city.ask(body())
    _set(life, "UPDATE revisions SET signature = NULL WHERE state = 'active'")
    life.time.by = timedelta(seconds=EVERY)
    with pytest.raises(PolicyUnavailable, match="not as it was signed"):
        life.laws.tend()
    with pytest.raises(PolicyUnavailable):
        life.city.ask(body())


def test_a_law_that_cannot_be_verified_again_decides_for_a_while(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that lost its store of laws goes on for the greatest age, and not a second longer."""
    life.city.gate.as_in_force()
    store = type(life.lifecycle.store)

    def gone(_: object) -> None:
        raise StoreUnavailable("made up")

    monkeypatch.setattr(store, "active", gone)
    life.time.by = MAX_AGE - timedelta(seconds=5)
    with pytest.raises(StoreUnavailable):
        life.laws.tend()
    life.city.gate.as_in_force()
    life.time.by = MAX_AGE + timedelta(seconds=1)
    with pytest.raises(PolicyUnavailable, match="too long"):
        life.city.gate.as_in_force()
    monkeypatch.undo()
    life.laws.tend()
    life.city.gate.as_in_force()


def test_a_node_never_goes_back(life: Life, other: Bundle) -> None:
    """The database is put back to yesterday's: the node has seen a later law in force, and denies."""
    before = life.active()
    life.scheduled(other)
    life.city.gate.as_in_force()
    _set(life, "UPDATE revisions SET state = 'superseded' WHERE state = 'active'")
    _set(life, f"UPDATE revisions SET state = 'active' WHERE id = '{before.id}'")
    _set(
        life,
        f"UPDATE registry SET policy_revision = '{before.revision}', policy_digest = '{before.digest}', "
        "policy_serial = 1, version = version + 1",
    )
    nothing_leaves(life.city, PolicyUnavailable)
    again = life.city.with_gate(laws=laws_in_force(life.city.state))  # nor another process on this node
    nothing_leaves(again, PolicyUnavailable)


@pytest.mark.parametrize("content", ["", "two", "-", "1\x00"])
def test_a_mark_that_cannot_be_read_denies(life: Life, content: str) -> None:
    """Nobody can say then which law is the latest."""
    (life.city.state.settings.data / "policy-serial").write_text(content)
    nothing_leaves(life.city, PolicyUnavailable)


def test_a_mark_only_rises(tmp_path: Path) -> None:
    """Written whole, whoever comes second."""
    mark = SerialMark(tmp_path / "mark")
    for serial in (3, 2, 5, 4):
        mark.raise_to(serial)
    assert (5, [tmp_path / "mark"]) == (mark.read(), list(tmp_path.iterdir()))


def test_every_request_is_decided_by_one_law(life: Life, bundle: Bundle, other: Bundle) -> None:
    """Threads ask without pause while the law changes there and back: a release is by what was in force."""
    done, wrong = threading.Event(), list[object]()

    def ask() -> None:
        while not done.is_set():
            try:
                revision = document(life.city.ask(body()))["decision"]["policy"]["revision"]
            except GatekeeperError as fault:
                wrong.append(fault)
                return
            wrong.extend([revision] if revision not in (bundle.revision, other.revision) else [])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for active in (other, bundle, other):
        put_in_force(life.city.state, active)
    done.set()
    for thread in threads:
        thread.join()
    assert [] == wrong
    in_force = bundle.revision
    for entry in life.city.events():
        if entry["event"] == "policy.activated":
            in_force = entry["policy"]["revision"]
        elif entry["event"] == "query.released":
            assert in_force == entry["policy"]["revision"]


def test_a_law_comes_into_force_though_nobody_asks(life: Life, other: Bundle) -> None:
    """A thread loads it before its moment, and puts it into force at it."""
    told = list[object]()
    life.laws.start(told.append)
    revision = life.scheduled(other, life.lifecycle.clock.now() + timedelta(seconds=3))
    until = time.monotonic() + 30
    while "active" != life.now(revision).state and time.monotonic() < until:
        time.sleep(0.05)
    life.laws.close()
    assert ("active", []) == (life.now(revision).state, told)
    late = life.now(revision).activated_at - revision.effective_at  # type: ignore[operator]
    assert timedelta(0) <= late


def test_the_law_in_force_is_handed_to_opa_as_it_was_signed(life: Life, other: Bundle) -> None:
    """The same bytes until another law is in force; then that one, with its own signature."""
    served = SignedLaw(life.laws, life.lifecycle)
    first, again = served.active(), served.active()
    assert first[2] is again[2]
    revision = life.scheduled(other)
    name, digest, content = served.active()
    assert (other.revision, other.digest) == (name, digest)
    assert revision.signature == unpacked(content)[SIGNATURES]
