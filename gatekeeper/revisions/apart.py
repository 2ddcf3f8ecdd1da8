"""Start a process of our own for what somebody typed: it may recurse, hang or fill its memory there.

Guarantees: the process finds our modules where this one does, and knows neither the environment nor the
working directory, so no setting and no key; its memory is bounded once it has called ``bounded``.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ENVIRONMENT: Final[Mapping[str, str]] = {"PATH": os.defpath}
_ROOT: Final = Path(__file__).resolve().parents[2]
_MEMORY: Final = 2 * 1024**3


def command(module: str, function: str) -> list[str]:
    """Return the command that calls a function of a module of ``gatekeeper.revisions``."""
    start = f"from gatekeeper.revisions.{module} import {function}; {function}()"
    places = [str(_ROOT), *(place for place in sys.path if Path(place).is_absolute())]
    told = dict.fromkeys(places)
    return [sys.executable, "-I", "-B", "-c", f"import sys; sys.path[:] = sys.argv[1:]; {start}", *told]


def bounded() -> None:
    """Bound this process: it is the one that was started."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
