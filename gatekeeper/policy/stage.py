"""The child process in which the law is tried: ``python -I -S stage.py DIRECTORY`` of regorus' package.

It may crash, hang or run out of memory; that is what it is for. It imports nothing of ours. What it is told
on standard input and says on standard output is in ``rehearsal`` (one line after parsing, one after deciding,
so that a crash in deciding still leaves the parser's trees) and in ``audition`` (a line for each question).
An evaluation cannot be interrupted, so one that takes more of the processor than it may ends the process.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from typing import Any

_MEMORY = 2 * 1024**3
_QUERY = "data.main.decision"


def _complaint(error: BaseException) -> str:
    """Return what the engine says, without its stack."""
    return " ".join(str(error).split("Stack backtrace")[0].split())[:300]


def main() -> None:
    """Parse and say so; then decide what is to be decided, or answer what is asked."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    sys.path.append(
        sys.argv[1]
    )  # where regorus lies: isolated and without site, it starts three times faster
    import regorus  # noqa: PLC0415 - it can be found only now

    play = json.loads(sys.stdin.readline())
    trees: dict[str, object] = {}
    faults: list[str] = []
    engine = regorus.Engine()
    for path, source in play["modules"].items():
        alone = regorus.Engine()
        try:
            alone.add_policy(path, source)
            trees[path] = json.loads(alone.get_ast_as_json())[0]
            engine.add_policy(path, source)
        except BaseException as error:  # noqa: BLE001 - PanicException is a BaseException
            faults.append(f"{path}: {_complaint(error)}")
    _say({"trees": {} if play.get("asks") else trees, "faults": faults})
    try:
        engine.set_gather_prints(True)
        engine.add_data_json(json.dumps(play["data"]))
    except BaseException as error:  # noqa: BLE001 - the same
        faults.append(f"the trial failed: {_complaint(error)}")
    if play.get("asks"):
        _answer(engine)
    else:
        _decide(engine, [] if faults else play["inputs"], play["each_s"])


def _decide(engine: Any, inputs: list[str], each_s: float) -> None:
    """Decide each input twice; the faster counts, of the processor's time: a busy machine is no slow law."""
    answers: list[object] = []
    slowest, complaints = 0.0, list[str]()
    try:
        for number, text in enumerate(inputs):
            times = []
            for _ in range(2):
                answer, took = _asked(engine, _QUERY, text, each_s)
                times.append(took)
            answers.append(answer)
            slowest = max(slowest, min(times) if number else 0.0)
    except BaseException as error:  # noqa: BLE001 - the same
        complaints.append(f"the trial failed: {_complaint(error)}")
    _say({"answers": answers, "slowest_ms": slowest * 1000, "faults": complaints})


def _answer(engine: Any) -> None:
    """Answer one question a line, until there are no more."""
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer, took = _asked(engine, question["rule"], question["input"], question["each_s"])
            said = {"answer": answer, "ms": took * 1000}
        except BaseException as error:  # noqa: BLE001 - the same
            said = {"fault": _complaint(error)}
        _say(said)


def _asked(engine: Any, rule: str, text: str, each_s: float) -> tuple[object, float]:
    """Return an answer and the seconds that it took; beyond *each_s*, this process ends."""
    start = time.thread_time()
    signal.setitimer(signal.ITIMER_PROF, each_s)
    try:
        engine.set_input_json(text)
        said = engine.eval_rule_as_json(rule)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return json.loads(said), time.thread_time() - start


def _say(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
