"""A round: all witnesses at once, in its time, whoever of them hangs, lies or is gone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from gatekeeper.errors import LedgerCorrupt, SettingsRefused
from gatekeeper.ledger import open_checkpoint
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.cosignatures import CosignerKey, Quorum
from gatekeeper.ledger.merkle import Node
from gatekeeper.witness.client import Witness
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.policy import Policy
from gatekeeper.witness.rounds import Round
from tests.witness.made import History, answering, cosigner, http_answer, log_key, new_keeper, served

HISTORY = History(log_key())


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[tuple[Keeper, Witness]]]:
    """Serve three witnesses of the log."""
    with ExitStack() as stack:
        keepers = [new_keeper(tmp_path / n, HISTORY.key, name=f"{n}.example") for n in "abc"]
        yield [(keeper, stack.enter_context(served(keeper))) for keeper in keepers]


def silent(connection: socket.socket) -> None:
    """Say nothing."""
    connection.recv(1)


def policy(*witnesses: Witness, least: int = 0) -> Policy:
    """Ask these; ``least``: how many must have cosigned."""
    return Policy(witnesses, Quorum(least, tuple(w.key for w in witnesses)) if least else None)


def test_all_cosign_and_the_sizes_are_remembered(three: list[tuple[Keeper, Witness]]) -> None:
    """One note with three cosignatures; the next round starts each from where it stands."""
    witnesses = [witness for _, witness in three]
    one = Round(HISTORY.key, policy(*witnesses, least=3))
    assert one.last is None
    for size in (4, 4, 9):
        outcome = one.ask(HISTORY.checkpoint(size), HISTORY.node)
        assert (size, True, {}) == (outcome.size, outcome.met, outcome.missing)
        assert {w.name for w in witnesses} == set(outcome.cosigned)
        assert HISTORY.root(size) == open_checkpoint(outcome.checkpoint, HISTORY.key.verifier).root
        assert one.policy.met_by(outcome.checkpoint, HISTORY.key.verifier)
        assert dict(outcome.cosigned) == dict(one.policy.cosigned(outcome.checkpoint))
        assert outcome == one.last
    assert dict.fromkeys(outcome.cosigned, 9) == one._known


def test_a_note_that_was_cosigned_may_be_asked_about_again(three: list[tuple[Keeper, Witness]]) -> None:
    """Its cosignatures are not sent to others, and none is there twice."""
    (_, first), (_, second), _ = three
    once = Round(HISTORY.key, policy(first)).ask(HISTORY.checkpoint(4), HISTORY.node)
    both = Round(HISTORY.key, policy(first, second)).ask(once.checkpoint, HISTORY.node)
    assert 3 == both.checkpoint.count("\n— ")
    assert {first.name, second.name} == set(both.cosigned)
    away = Witness(first.name, first.key, "http://127.0.0.1:9")
    later = Round(HISTORY.key, policy(away, second)).ask(both.checkpoint, HISTORY.node)
    assert ({first.name, second.name}, [first.name]) == (set(later.cosigned), list(later.missing))


def test_who_did_not_cosign_is_said_and_holds_up_nobody(three: list[tuple[Keeper, Witness]]) -> None:
    """One hangs, one has another key, one is gone, one refuses: two of six did, and it ends in time."""
    (_, good), (_, better), (forked, refuses) = three
    forked.add_checkpoint(History(HISTORY.key, 0).submission(0, 4))
    text = HISTORY.checkpoint(4)
    wrong = http_answer(200, cosigner("wrong.example").cosign(text, int(time.time())))
    with answering(silent) as hangs, answering(lambda c: c.sendall(wrong)) as lies, answering(silent) as gone:
        others = [
            Witness("hangs", cosigner("hangs.example").verifier, hangs),
            Witness("wrong", cosigner("wrong.example").verifier, lies),
            Witness("gone", cosigner("gone.example").verifier, gone.rpartition(":")[0] + ":9"),
        ]
        asked = policy(good, better, refuses, *others, least=3)
        began = time.monotonic()
        outcome = Round(HISTORY.key, asked, seconds=0.7).ask(text, HISTORY.node)
        took = time.monotonic() - began
    assert 0.6 < took < 2
    assert {good.name, better.name} == set(outcome.cosigned)
    assert {
        refuses.name: "refused",
        "hangs": "late",
        "wrong": "wrong_key",
        "gone": "unreachable",
    } == {name: failure.kind for name, failure in outcome.missing.items()}
    assert outcome.met is False
    assert not asked.met_by(outcome.checkpoint, HISTORY.key.verifier)


def test_one_that_owes_an_answer_is_not_asked_twice() -> None:
    """Rounds one after the other: it has one question at a time, and threads do not pile up."""
    reached: list[float] = []

    def hang(connection: socket.socket) -> None:
        reached.append(time.monotonic())
        connection.recv(1)

    with answering(hang) as url:
        one = Round(HISTORY.key, policy(Witness("slow", cosigner().verifier, url)), seconds=0.3)
        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(lambda _: one.ask(HISTORY.checkpoint(4), HISTORY.node), range(6)))
    assert {"late"} == {outcome.missing["slow"].kind for outcome in outcomes}
    assert 1 <= len(reached) <= 2
    deadline = time.monotonic() + 3
    while any(thread.name == "witness" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_rounds_of_many_threads_do_not_mix(three: list[tuple[Keeper, Witness]]) -> None:
    """Each outcome is about its own checkpoint; the witnesses are at the largest of them."""
    witnesses = [witness for _, witness in three]
    one = Round(HISTORY.key, policy(*witnesses, least=1), seconds=10)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: one.ask(HISTORY.checkpoint(n), HISTORY.node), range(1, 25)))
    for size, outcome in enumerate(outcomes, 1):
        assert (size, 3) == (outcome.size, len(outcome.cosigned) + len(outcome.missing))
        assert size == open_checkpoint(outcome.checkpoint, HISTORY.key.verifier).size
        assert {"refused"} >= {failure.kind for failure in outcome.missing.values()}
    assert {24} == {keeper.logs()[0].last.size for keeper, _ in three}


def test_the_tree_is_read_by_one_thread_and_not_after_the_round(three: list[tuple[Keeper, Witness]]) -> None:
    """Whoever gives the reader may close it when the round has returned."""
    inside, most, over = 0, 0, False
    counting = threading.Lock()

    def node(level: int, number: int) -> bytes:
        nonlocal inside, most
        assert not over
        with counting:
            inside += 1
            most = max(most, inside)
        time.sleep(0.002)
        with counting:
            inside -= 1
        return HISTORY.node(level, number)

    witnesses = [witness for _, witness in three]
    for keeper, _ in three:
        keeper.add_checkpoint(HISTORY.submission(0, 3))
    outcome = Round(HISTORY.key, policy(*witnesses)).ask(HISTORY.checkpoint(9), node)
    over = True
    assert (3, 1, None) == (len(outcome.cosigned), most, outcome.met)


def test_a_slow_reader_is_not_left_reading(three: list[tuple[Keeper, Witness]]) -> None:
    """The time is up while the tree is read: the round waits for that one, and nobody reads after it."""
    reads: list[str] = []

    def node(level: int, number: int) -> bytes:
        reads.append("begun")
        time.sleep(0.25)
        reads.append("ended")
        return HISTORY.node(level, number)

    for keeper, _ in three:
        keeper.add_checkpoint(HISTORY.submission(0, 4))
    witnesses = [witness for _, witness in three]
    outcome = Round(HISTORY.key, policy(*witnesses), seconds=0.2).ask(HISTORY.checkpoint(5), node)
    count = len(reads)
    assert {"late"} == {failure.kind for failure in outcome.missing.values()}
    assert reads.count("begun") == reads.count("ended") > 0
    time.sleep(0.3)
    assert count == len(reads)


def test_a_size_that_a_witness_told_is_remembered(three: list[tuple[Keeper, Witness]]) -> None:
    """Also from a refusal: the next round begins there."""
    (keeper, witness), *_ = three
    keeper.add_checkpoint(HISTORY.submission(0, 9))
    one = Round(HISTORY.key, policy(witness))
    assert "refused" == one.ask(HISTORY.checkpoint(5), HISTORY.node).missing[witness.name].kind
    assert {witness.name: 9} == one._known
    assert {} == one.ask(HISTORY.checkpoint(12), HISTORY.node).missing


@pytest.mark.parametrize("broken", [LedgerCorrupt("gone"), KeyError((0, 1)), OSError("disk")])
def test_a_reader_that_fails_is_our_own_fault(three: list[tuple[Keeper, Witness]], broken: Exception) -> None:
    """Said for each witness; the checkpoint itself is returned as it was."""

    def node(_: int, __: int) -> bytes:
        raise broken

    reader: Node = node
    for keeper, _ in three:
        keeper.add_checkpoint(HISTORY.submission(0, 3))
    witnesses = [witness for _, witness in three]
    outcome = Round(HISTORY.key, policy(*witnesses, least=1)).ask(HISTORY.checkpoint(9), reader)
    assert {"no_proof"} == {failure.kind for failure in outcome.missing.values()}
    assert (HISTORY.checkpoint(9), False) == (outcome.checkpoint, outcome.met)


def test_a_log_does_not_vouch_for_itself() -> None:
    """Its own key as a witness's would be nobody else's word."""
    key = CosignerKey("other.example", HISTORY.key.verifier.public)
    with pytest.raises(SettingsRefused, match="own key"):
        Round(HISTORY.key, policy(Witness("w", key, "http://127.0.0.1:9")))


def test_only_a_checkpoint_of_this_log_is_asked_about() -> None:
    """What is not ours is our defect: nobody is asked."""
    one = Round(HISTORY.key, policy(Witness("w", cosigner().verifier, "http://127.0.0.1:9")))
    for text in (History(log_key()).checkpoint(3), "", "hello\n\n"):
        with pytest.raises(CheckpointRefused):
            one.ask(text, HISTORY.node)
    assert one.last is None
