"""The embedded engines of one thread, each with its owner.

Guarantees: an engine is dropped by the thread that made it, as regorus wants: whoever else collects its owner
collects no engine. Each thread drops those whose owner is gone, or ``closed``, when it next takes
one in, and all when it ends.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any

import regorus


class _Held(threading.local):
    """It outlives every owner."""

    def __init__(self) -> None:
        self.engines: dict[int, tuple[weakref.ref[Any], Any]] = {}


HELD = _Held()


def made(modules: Mapping[str, str], data: str) -> Any:
    """Return an engine of these modules, by their paths, and this data, as JSON. Raises what regorus does."""
    engine = regorus.Engine()
    try:
        engine.set_gather_prints(True)  # a print would put words of a request on the terminal
        for path, source in modules.items():
            engine.add_policy(path, source)
        engine.add_data_json(data)
    except BaseException:
        engine = None  # dropped here: a traceback would carry this frame, and it, to another thread
        raise
    return engine


def engine_of(owner: object) -> Any:
    """Return this thread's engine of the owner, None if it has none."""
    held = HELD.engines.get(id(owner))
    return held[1] if held is not None and held[0]() is owner else None


def hold(owner: object, engine: Any) -> Any:
    """Keep an engine that this thread made for the owner, and return it; what was forgotten is dropped."""
    for key, known in [(key, held[0]()) for key, held in HELD.engines.items()]:
        if known is None or getattr(known, "closed", False):
            del HELD.engines[key]
    HELD.engines[id(owner)] = (weakref.ref(owner), engine)
    return engine


def drop(owner: object) -> None:
    """Drop this thread's engine of the owner, if it has one."""
    HELD.engines.pop(id(owner), None)
