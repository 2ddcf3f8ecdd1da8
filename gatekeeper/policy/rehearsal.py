"""Try the law in a process of its own before this one relies on it.

A recursive function kills the embedded engine with a segmentation fault, and no evaluation of it can be
interrupted. So each bundle is parsed and made to decide worst cases in a child first. Guarantees: this
process parses no Rego that a child has not survived; a child that crashes, hangs, exceeds its memory or is
too slow refuses the bundle. The child is ``stage.py``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regorus

RULE = "data.main.decision"
"""What an engine is asked; ``stage``, which imports nothing of ours, says it again."""

_SECONDS = 20
_EACH_SECONDS = 2.0  # of the processor, for one decision


def engine_child(script: str) -> tuple[str, ...]:
    """Return the command of a file beside this one that uses the engine, isolated from the environment."""
    return (
        *(sys.executable, "-I", "-S", "-B"),
        *(str(Path(__file__).with_name(script)), str(Path(regorus.__file__).parents[1])),
    )


STAGE = engine_child("stage.py")
"""The command of this module's child, and of ``audition``'s."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the child saw: the parser's tree of each module, and the answer and slowest time of each input."""

    trees: Mapping[str, Any]
    answers: tuple[Any, ...]
    slowest_ms: float
    faults: tuple[str, ...]
    unfinished: bool = False
    """The child was ended because it took too long, or ended by itself."""


def rehearse(modules: Mapping[str, str], data: Mapping[str, Any], inputs: Sequence[str]) -> Rehearsal:
    """Parse *modules* and decide *inputs* in a child process. Raises nothing: see the faults."""
    play = json.dumps(
        {"modules": dict(modules), "data": dict(data), "inputs": list(inputs), "each_s": _EACH_SECONDS}
    )
    try:
        child = subprocess.run(  # noqa: S603 - our own
            STAGE,
            input=play.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        output, code = child.stdout, child.returncode
    except subprocess.TimeoutExpired as error:
        output, code = error.stdout or b"", None
    lines = [json.loads(line) for line in output.split(b"\n")[:-1]]
    parsed: dict[str, Any] = lines[0] if lines else {"trees": {}, "faults": []}
    played: dict[str, Any] = lines[1] if len(lines) > 1 else {"answers": [], "slowest_ms": 0.0, "faults": []}
    faults = parsed["faults"] + played["faults"]
    if code is None:
        faults.append(f"the engine did not finish its trial within {_SECONDS} s")
    elif code == -signal.SIGPROF:
        faults.append(f"the engine did not finish a decision on the worst facts within {_EACH_SECONDS:.0f} s")
    elif code != 0 or len(lines) != 2:
        faults.append(f"the engine died in its trial (exit {code}): recursion, or too much memory")
    unfinished = code != 0 and bool(lines)
    return Rehearsal(
        parsed["trees"], tuple(played["answers"]), played["slowest_ms"], tuple(faults), unfinished
    )


def worst_inputs(schema: Any, length: int = 4000, items: int = 200) -> list[str]:
    """Return inputs of the shape of *schema* (JSON Schema), each text and list as long as it allows."""
    if not isinstance(schema, dict):
        return []
    longest = (
        "a" * length,
        "(a+)+$ " * (length // 7),
        "é\u200b1mm1gr" * (length // 8),
        '\0\\"\n' * (length // 4),
    )
    return [
        json.dumps(_example(schema, schema, text, n, items, 0), ensure_ascii=False)
        for n, text in enumerate((*longest, *longest))
    ]


def _example(  # noqa: C901 - one case for each keyword of a schema; a walk's state
    root: Any, schema: Any, text: str, turn: int, items: int, depth: int
) -> Any:
    """Make a value of the shape of *schema*; *turn* chooses among alternatives."""
    if not isinstance(schema, dict) or depth > 16:
        return None
    if "$ref" in schema:
        target = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target.get(part, {}) if isinstance(target, dict) else {}
        return _example(root, target, text, turn, items, depth + 1)
    for key in ("oneOf", "anyOf", "enum"):
        if choices := schema.get(key):
            choice = choices[turn % len(choices)]
            return choice if key == "enum" else _example(root, choice, text, turn, items, depth + 1)
    if "const" in schema:
        return schema["const"]
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    kind = kinds[0] if turn % 2 == 0 else kinds[-1]
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return {
                key: _example(root, value, text, turn, items, depth + 1) for key, value in properties.items()
            }
        case "array":
            count = min(items, schema.get("maxItems", items)) if depth < 4 else 2
            return [_example(root, schema.get("items", {}), text, turn, items, depth + 1)] * count
        case "string":
            return text[: schema.get("maxLength", len(text))]
        case "integer" | "number":
            return schema.get("maximum", 2**31)
        case "boolean":
            return turn % 2 == 0
        case _:
            return None
