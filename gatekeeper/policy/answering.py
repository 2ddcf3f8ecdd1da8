"""The child process that answers for ``asking``: ``python -I -S answering.py DIRECTORY`` of regorus' package.

It may crash, hang or run out of memory; that is what it is for. It imports nothing of ours. On standard input
it is told the law and the facts in one line, and then asked one question a line; it answers each in one line,
and ends by itself when its time is over, whatever it is doing then.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import Any

_MEMORY = 2 * 1024**3
_LONGEST = 1024 * 1024


def _complaint(error: BaseException) -> str:
    """Return what the engine says, without its stack."""
    return " ".join(str(error).split("Stack backtrace")[0].split("error: ")[-1].split())[:300]


def _engine(regorus: Any, told: dict[str, Any], beside: dict[str, str]) -> Any:
    engine = regorus.Engine()
    engine.set_gather_prints(True)
    for path, source in {**told["modules"], **beside}.items():
        engine.add_policy(path, source)
    # A question is a line, and holds whole facts: the law itself was read under the engine's own limits.
    engine.set_policy_length_config(max_col=_LONGEST, max_file_bytes=_LONGEST, max_lines=_LONGEST)
    engine.add_data_json(told["data"])
    engine.set_input_json(told["input"])
    engine.eval_query("true")
    return engine


def _made(regorus: Any, told: dict[str, Any]) -> Any:
    """Return an engine with the law and as many of the modules beside it as it takes."""
    try:
        return _engine(regorus, told, told["beside"])
    except BaseException:  # noqa: BLE001 - PanicException is a BaseException
        taken = {}
        for path, source in told["beside"].items():
            try:
                _engine(regorus, told, {path: source})
            except BaseException:  # noqa: BLE001, S112 - the questions of this module cannot be asked
                continue
            taken[path] = source
        return _engine(regorus, told, taken)


def _answer(engine: Any, asked: str) -> dict[str, Any]:
    try:
        found = engine.eval_query(asked)["result"]
    except BaseException as error:  # noqa: BLE001 - the same
        return {"fault": _complaint(error)}
    return {"values": [row["expressions"][0]["value"] for row in found]}


def main() -> None:
    """Read the law and the facts, then answer until there are no more questions."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.append(sys.argv[1])
    import regorus  # noqa: PLC0415 - it can be found only now

    told = json.loads(sys.stdin.readline())
    # The system ends the process, even in the middle of an evaluation that nothing else can interrupt.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, told["seconds"])
    engine = _made(regorus, told)
    for line in sys.stdin:
        answer = json.dumps(_answer(engine, json.loads(line)), default=list)
        if len(answer) > _LONGEST:
            answer = json.dumps({"fault": "more than can be shown"})
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
