"""A candidate decides beside the law: without effect, and nothing is passed over in silence."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper.app import build_beside
from gatekeeper.errors import PolicyUnavailable
from gatekeeper.exchange import Law
from gatekeeper.policy import Bundle, load_files
from gatekeeper.revisions import beside as module
from gatekeeper.revisions.beside import Beside
from gatekeeper.store.shadows import Shadows
from tests.exchange.city import City, body
from tests.promises.made import document
from tests.revisions.lives import REASON, Life


@pytest.fixture(scope="session")
def strict(bundle: Bundle) -> Bundle:
    """Return a candidate that denies what the law permits: a week is too long for it."""
    city = json.loads(bundle.files["data/city.json"])
    city["limits"]["plate"]["window_hours"] = 24
    return load_files({**bundle.files, "data/city.json": json.dumps(city)})


@pytest.fixture
def beside(life: Life) -> Iterator[Beside]:
    """Return what asks the candidate."""
    made = build_beside(life.city.state)
    made.start()
    yield made
    made.close()


def _end(beside: Beside) -> None:
    """End it once everything that waits was asked."""
    until = time.monotonic() + 20
    while not beside._waiting.empty() and time.monotonic() < until:
        time.sleep(0.01)
    beside.close()


def _watched(city: City, beside: Beside) -> City:
    return city.with_gate(seen=beside.see)


def _counted(life: Life, revision_id: str) -> Counter[tuple[str, str]]:
    shadows = Shadows(life.city.state.database)
    return Counter({(c.kind, c.provision): c.number for c in shadows.counts(revision_id)})


def _candidate(life: Life, bundle: Bundle) -> str:
    revision = life.replayed(bundle)
    life.lifecycle.shadow(revision.id, life.people["counsel"], REASON)
    return revision.id


def test_where_the_two_differ_is_counted_and_the_law_alone_decides(
    life: Life, beside: Beside, strict: Bundle, bundle: Bundle
) -> None:
    """A permit stays a permit; beside it stands which provision would have denied it."""
    city = _watched(life.city, beside)
    city.ask(body())  # nothing is beside the law yet
    candidate = _candidate(life, strict)
    answers = [city.ask(body()) for _ in range(3)]
    assert [200] * 3 == [answer.status for answer in answers]
    assert {bundle.revision} == {document(a)["decision"]["policy"]["revision"] for a in answers}
    _end(beside)
    found = _counted(life, candidate)
    assert 3 == found["newly_denied", ""]
    assert 3 == sum(number for (kind, code), number in found.items() if kind == "newly_denied" and code)
    kept = Shadows(life.city.state.database).examples(candidate)
    assert {("newly_denied", str(a.query_id)) for a in answers} == set(kept)


def test_what_both_say_alike_is_the_same(life: Life, beside: Beside, other: Bundle) -> None:
    """A law that lets agencies look further back says the same of last week."""
    candidate = _candidate(life, other)
    _watched(life.city, beside).ask(body())
    _watched(life.city, beside).ask(body(), dry_run=True)  # a preview is nobody's query
    _end(beside)
    assert {("same", ""): 1} == _counted(life, candidate)
    assert () == Shadows(life.city.state.database).examples(candidate)


@pytest.mark.parametrize("fault", [PolicyUnavailable("made up"), RuntimeError("a defect"), RecursionError()])
def test_a_candidate_that_fails_is_counted_as_that(
    life: Life, strict: Bundle, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never as equal, and the answer to the agency is the law's."""
    candidate, real = _candidate(life, strict), Law.decide

    def decide(law: Law, *given: Any) -> Any:
        if law.bundle.digest == strict.digest:
            raise fault
        return real(law, *given)

    monkeypatch.setattr(Law, "decide", decide)
    beside = build_beside(life.city.state)
    beside.start()
    assert 200 == _watched(life.city, beside).ask(body()).status
    _end(beside)
    assert {("undecided", ""): 1} == _counted(life, candidate)


def test_a_candidate_that_cannot_be_loaded_is_counted_as_that(life: Life, strict: Bundle) -> None:
    """Nobody has to look into a log to know that it decides nothing."""

    def none(_: str) -> Law:
        raise PolicyUnavailable("made up")

    candidate = _candidate(life, strict)
    beside = Beside(Shadows(life.city.state.database), none)
    beside.start()
    assert 200 == _watched(life.city, beside).ask(body()).status
    _end(beside)
    assert {("undecided", ""): 1} == _counted(life, candidate)


def test_what_comes_too_fast_is_passed_over_and_counted(
    life: Life, strict: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request waits for a candidate that is slow: what finds no place is counted as skipped."""
    monkeypatch.setattr(module, "WAITING", 2)
    slow, real = threading.Event(), build_beside(life.city.state)._law_of

    def waits(revision_id: str) -> Law:
        slow.wait(20)
        return real(revision_id)

    candidate = _candidate(life, strict)
    beside = Beside(Shadows(life.city.state.database), waits)
    beside.start()
    began = time.monotonic()
    for _ in range(6):
        assert 200 == _watched(life.city, beside).ask(body()).status
    assert time.monotonic() - began < 15
    slow.set()
    _end(beside)
    found = _counted(life, candidate)
    assert 6 == sum(number for (_, code), number in found.items() if not code)
    assert found["skipped", ""] >= 3


def test_it_ends_with_the_word_of_a_person(life: Life, beside: Beside, strict: Bundle) -> None:
    """Nothing is counted any more from the next request on."""
    candidate = _candidate(life, strict)
    city = _watched(life.city, beside)
    city.ask(body())
    life.lifecycle.shadow(None, life.people["legal"], REASON)
    city.ask(body())
    _end(beside)
    assert 1 == _counted(life, candidate)["newly_denied", ""]


def test_counts_of_two_processes_add_up(life: Life, strict: Bundle) -> None:
    """Each writes what it saw."""
    candidate = _candidate(life, strict)
    for _ in range(2):
        beside = build_beside(life.city.state)
        beside.start()
        _watched(life.city, beside).ask(body())
        _end(beside)
    assert 2 == _counted(life, candidate)["newly_denied", ""]
