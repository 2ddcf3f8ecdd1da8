"""The embedded engine: threads, crashes, time, and inputs made to break it."""

from __future__ import annotations

import copy
import ctypes
import gc
import os
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from unittest import mock

import pytest
import regorus

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import BUDGET_MS, Bundle, Embedded, held
from gatekeeper.policy.rego_tests import RegoTests
from tests.policy.laws import SMALL_PERMITTED, dumps, small


@pytest.fixture(autouse=True)
def no_garbage() -> None:
    """Drop here, on the thread that made it, what earlier tests left in cycles: a collection runs on any."""
    gc.collect()


def _facts(**purpose: Any) -> dict[str, Any]:
    facts = copy.deepcopy(SMALL_PERMITTED)
    facts["purpose"].update(purpose)
    return facts


def _with(bundle: Bundle, path: str, source: str) -> Bundle:
    """Return *bundle* with another module, past every check of ``load``."""
    return replace(bundle, modules=MappingProxyType({**bundle.modules, path: source}))


def test_permit_and_denial() -> None:
    """One engine gives both, and names the law."""
    engine = Embedded(small())
    assert engine.evaluate(SMALL_PERMITTED).permit
    denial = engine.evaluate(_facts(narrative="Forbidden"))
    assert (denial.permit, denial.unmet, denial.obligations) == (False, ("purpose",), {})
    assert small().digest == denial.digest


def test_ready_then_closed() -> None:
    """A closed engine answers nothing, not even that it is ready."""
    engine = Embedded(small())
    engine.ready()
    engine.close()
    for ask in (engine.ready, lambda: engine.evaluate(SMALL_PERMITTED)):
        with pytest.raises(PolicyUnavailable, match="closed"):
            ask()


def test_no_answer_is_swapped_between_threads() -> None:
    """Sixteen threads with different facts each get the answer to their own."""
    engine = Embedded(small())
    start = threading.Barrier(16)

    def ask(number: int) -> list[tuple[bool, tuple[str, ...]]]:
        facts = copy.deepcopy(SMALL_PERMITTED)
        facts["agency"]["status"] = "active" if number % 2 else "suspended"
        facts["purpose"]["category"] = "stolen_vehicle" if number % 3 else "other"
        start.wait()
        return [(v.permit, v.unmet) for v in (engine.evaluate(facts) for _ in range(60))]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    for number, given in enumerate(answers):
        unmet = (() if number % 2 else ("standing",)) + (() if number % 3 else ("purpose",))
        assert [(not unmet, unmet)] * 60 == given


def test_answer_does_not_outlive_its_facts() -> None:
    """A denial after a permit, and a permit after a denial, on one engine: nothing is remembered."""
    engine = Embedded(small())
    for number in range(50):
        permitted = number % 2 == 0
        assert (
            permitted is engine.evaluate(_facts(category="stolen_vehicle" if permitted else "other")).permit
        )


class _Panics:
    """Stands for an engine that panics, by a real panic: another thread's engine is used here."""

    def __init__(self) -> None:
        made: list[Any] = []
        thread = threading.Thread(target=lambda: made.append(regorus.Engine()))
        thread.start()
        thread.join()
        # Never dropped: a drop on this thread is a warning, in whichever test runs when it comes.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(made[0]))
        self.made = made

    def set_input_json(self, text: str) -> None:
        self.made[0].set_input_json(text)


def test_panic_is_unavailable_and_the_engine_is_replaced(capfd: pytest.CaptureFixture[str]) -> None:
    """A PanicException, which no `except Exception` catches, refuses one query; the next is answered anew."""
    engine = Embedded(small())
    engine.evaluate(SMALL_PERMITTED)
    owner, _ = held.HELD.engines[id(engine)]
    held.HELD.engines[id(engine)] = (owner, _Panics())
    with pytest.raises(PolicyUnavailable, match="PanicException"):
        engine.evaluate(SMALL_PERMITTED)
    assert id(engine) not in held.HELD.engines
    assert engine.evaluate(SMALL_PERMITTED).permit
    gc.collect()
    capfd.readouterr()


class _Interrupts:
    def __init__(self, signal: type[BaseException]) -> None:
        self._signal = signal

    def set_input_json(self, _text: str) -> None:
        raise self._signal


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass(signal: type[BaseException]) -> None:
    """An operator's interrupt and a worker's exit are not mistaken for a failed decision."""
    engine = Embedded(small())
    engine.evaluate(SMALL_PERMITTED)
    owner, _ = held.HELD.engines[id(engine)]
    held.HELD.engines[id(engine)] = (owner, _Interrupts(signal))
    with pytest.raises(signal):
        engine.evaluate(SMALL_PERMITTED)
    assert engine.evaluate(SMALL_PERMITTED).permit


def test_late_answer_is_discarded() -> None:
    """A permit that took longer than the budget is no permit."""
    with pytest.raises(PolicyUnavailable, match="too late"):
        Embedded(small(), budget_ms=0.0).evaluate(SMALL_PERMITTED)


def test_a_busy_machine_is_not_a_slow_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation that stood in the queue for the processor for a second is no reason to refuse a query."""
    engine = Embedded(small())
    engine.evaluate(SMALL_PERMITTED)
    owner, real = held.HELD.engines[id(engine)]

    class Waits:
        def set_input_json(self, text: str) -> None:
            time.sleep(2 * BUDGET_MS / 1000)
            real.set_input_json(text)

        def eval_rule_as_json(self, rule: str) -> str:
            return str(real.eval_rule_as_json(rule))

    monkeypatch.setitem(held.HELD.engines, id(engine), (owner, Waits()))
    assert engine.evaluate(SMALL_PERMITTED).permit


BROKEN = {
    "conflicting rules": "\npermit := 1 if input.agency\n\npermit := 2 if input.agency\n",
    "builtin error": "\npermit if startswith(input.agency, 3)\n",
    "unknown function": "\npermit if no_such(1)\n",
    "does not parse": "\npermit if {\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_rules_never_permit(name: str) -> None:
    """Rules that reached the engine broken, past the checks of load, refuse every query."""
    main = small().modules["main/main.rego"] + BROKEN[name]
    engine = Embedded(_with(small(), "main/main.rego", main))
    for _ in range(2):
        with pytest.raises(PolicyUnavailable):
            engine.evaluate(SMALL_PERMITTED)


def test_words_of_the_facts_are_not_in_the_error() -> None:
    """An engine's complaint may quote an officer's words; ours does not, nor does it chain it."""
    main = small().modules["main/main.rego"] + "\npermit if startswith(input.purpose.narrative, 3)\n"
    with pytest.raises(PolicyUnavailable) as refusal:
        Embedded(_with(small(), "main/main.rego", main)).evaluate(_facts(narrative="SECRETPLATE"))
    assert "SECRETPLATE" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_no_print_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """A print in a rule that got past the checks does not show a request's words to whoever reads the log."""
    main = small().modules["main/main.rego"] + "\npermit if { print(input.purpose.narrative); false }\n"
    Embedded(_with(small(), "main/main.rego", main)).evaluate(_facts(narrative="SECRETPLATE"))
    output = capfd.readouterr()
    assert "SECRETPLATE" not in output.out + output.err


HOSTILE: dict[str, Any] = {
    "NUL hides nothing": ("\0Forbidden", True),
    "forbidden before NUL": ("Forbidden\0 words", False),
    "two thousand characters": ("x" * 2000, True),
    "quotes and separators": ('"\\\n\u2028', True),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(name: str) -> None:
    """Text is judged as it is: not cut at NUL, not mangled by quotes."""
    narrative, permitted = HOSTILE[name]
    assert permitted is Embedded(small()).evaluate(_facts(narrative=narrative)).permit


def test_raw_depth_and_size_are_refused_by_the_engine_itself() -> None:
    """Even past our own limits, depth and numbers out of range are errors of the engine and not crashes."""
    engine = Embedded(small())
    for text in (
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a":1e999}',
        '{"a":NaN}',
        "",
        "[]x",
        '{"a":"\\ud800"}',
    ):
        with pytest.raises(PolicyUnavailable):
            engine._ask(text)
    assert engine.evaluate(SMALL_PERMITTED).permit


def test_engines_of_closed_and_forgotten_owners_are_dropped() -> None:
    """A change of policy does not leave the old law's engine in a thread for ever."""
    before = len(held.HELD.engines)
    for _ in range(20):
        Embedded(small()).evaluate(SMALL_PERMITTED)  # its owner is forgotten here
    gc.collect()
    last = Embedded(small())
    last.evaluate(SMALL_PERMITTED)
    assert len(held.HELD.engines) <= before + 1


def test_an_owner_that_another_thread_collects_leaves_its_engine_to_the_thread_that_made_it() -> None:
    """A drop elsewhere would be told as an exception that nobody can catch, and free nothing."""
    held.HELD.engines.clear()
    embedded = Embedded(small())
    embedded.evaluate(SMALL_PERMITTED)
    circle: list[object] = [embedded, RegoTests({}, {})]
    circle.append(circle)  # found by the collector alone
    del embedded, circle
    told: list[object] = []
    with mock.patch("sys.unraisablehook", told.append):
        thread = threading.Thread(target=gc.collect)
        thread.start()
        thread.join()
    assert ([], 2) == (told, len(held.HELD.engines))
    Embedded(small()).evaluate(SMALL_PERMITTED)
    assert 1 == len(held.HELD.engines)


def test_owner_closed_by_another_thread() -> None:
    """An engine closed elsewhere answers no more here, and is dropped by the thread that made it."""
    engine = Embedded(small())
    engine.evaluate(SMALL_PERMITTED)
    thread = threading.Thread(target=engine.close)
    thread.start()
    thread.join()
    with pytest.raises(PolicyUnavailable):
        engine.evaluate(SMALL_PERMITTED)


def test_fork_keeps_answers_right() -> None:
    """A worker forked from a process that has decided already decides for itself."""
    engine = Embedded(small())
    assert engine.evaluate(SMALL_PERMITTED).permit
    child = os.fork()
    if child == 0:
        code = 1
        try:
            right = (
                engine.evaluate(SMALL_PERMITTED).permit
                and not engine.evaluate(_facts(category="other")).permit
            )
            code = 0 if right else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.servers
def test_memory_stays_flat() -> None:
    """Twenty thousand different decisions, errors among them, leave no memory behind."""
    engine = Embedded(small())
    wrong = dumps({"agency": 1e308, "purpose": ["x"]})

    def ask(count: int) -> None:
        for number in range(count):
            engine.evaluate(_facts(narrative=f"Stolen car {number} " + "x" * (number % 1000)))
            if number % 10 == 0:
                engine._ask(wrong)
            if number % 100 == 0:
                with pytest.raises(PolicyUnavailable):
                    engine._ask("{")

    ask(2000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ask(20_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096  # KiB


def test_decision_is_quick() -> None:
    """A crude alarm for a policy or an engine that became ten times slower; benchmarks measure."""
    engine = Embedded(small())
    engine.evaluate(SMALL_PERMITTED)
    times = []
    for _ in range(200):
        start = time.perf_counter()
        engine.evaluate(SMALL_PERMITTED)
        times.append(time.perf_counter() - start)
    assert sorted(times)[100] < 0.01
