"""An erasure, in a process that is killed at one of its steps.

python -m tests.purge.killed DATA STEP NUMBER before|after
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gatekeeper.ledger import DayKeys, Ledger, detail, held
from gatekeeper.ledger.held import HeldKeys
from gatekeeper.parts import eraser
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from gatekeeper.store.database import Database
from gatekeeper.store.erasure import Erasure
from tests.purge.made import KEPT, WHO

STEPS: dict[str, tuple[Any, str]] = {
    "log": (Ledger, "append"),
    "make a key": (HeldKeys, "make"),
    "hold": (Erasure, "hold"),
    "destroy": (DayKeys, "destroy"),
    "overwrite": (detail, "overwrite"),
    "let a key go": (HeldKeys, "destroy"),
    "overwrite what was held": (held, "overwrite"),
    "remove": (Erasure, "remove"),
    "empty": (Database, "empty_wal"),
}


def main(data: str, step: str, number: str, side: str) -> None:
    """Erase, as far as it goes."""
    where, name = STEPS[step]
    real: Callable[..., Any] = getattr(where, name)
    calls = 0

    def killing(*given: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if (calls, side) == (int(number), "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*given, **more)
        if (calls, side) == (int(number), "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(where, name, killing)
    state = open_state(Settings(data=Path(data), engine="embedded", client_profiles="fapi basic"))
    before = datetime.now(UTC).date() - timedelta(days=40)
    eraser(state).run(before, KEPT, WHO)


if __name__ == "__main__":
    main(*sys.argv[1:])
