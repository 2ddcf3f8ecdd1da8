"""The child process in which the law is tried: ``python -I -S stage.py DIRECTORY`` of regorus' package.

It may crash, hang or run out of memory; that is what it is for. It imports nothing of ours. What it is told
on standard input and says on standard output is in ``rehearsal``: one line after parsing, one after
deciding, so that a crash in deciding still leaves the parser's trees.
"""

from __future__ import annotations

import json
import resource
import sys
import time

_MEMORY = 2 * 1024**3
_QUERY = "data.main.decision"


def _complaint(error: BaseException) -> str:
    """Return what the engine says, without its stack."""
    return " ".join(str(error).split("Stack backtrace")[0].split())[:300]


def main() -> None:
    """Parse, say so, decide, say so; each in one line, so that a crash in deciding leaves the trees."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.append(
        sys.argv[1]
    )  # where regorus lies: isolated and without site, it starts three times faster
    import regorus  # noqa: PLC0415 - it can be found only now

    play = json.load(sys.stdin)
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
    sys.stdout.write(json.dumps({"trees": trees, "faults": faults}) + "\n")
    sys.stdout.flush()
    answers: list[object] = []
    slowest, complaints = 0.0, list[str]()
    try:
        engine.set_gather_prints(True)
        engine.add_data_json(json.dumps(play["data"]))
        for number, text in enumerate(play["inputs"] if not faults else []):
            times = []
            for _ in range(
                2
            ):  # the faster of two, in the processor's time: a busy machine is not a slow policy
                start = time.thread_time()
                engine.set_input_json(text)
                answer = json.loads(engine.eval_rule_as_json(_QUERY))
                times.append(time.thread_time() - start)
            answers.append(answer)
            slowest = max(slowest, min(times) if number else 0.0)
    except BaseException as error:  # noqa: BLE001 - the same
        complaints.append(f"the trial failed: {_complaint(error)}")
    sys.stdout.write(
        json.dumps({"answers": answers, "slowest_ms": slowest * 1000, "faults": complaints}) + "\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
