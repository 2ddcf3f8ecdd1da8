"""``gatekeeper export``, in a process that is killed once the log has its entry.

python -m tests.export.killed ARGUMENTS…
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from gatekeeper.cli import main
from gatekeeper.ledger import Appended, Draft, Ledger

_APPEND = Ledger.append


def _append(self: Ledger, draft: Draft, *more: Any) -> Appended:
    done = _APPEND(self, draft, *more)
    if draft.event == "export.made":
        os.kill(os.getpid(), signal.SIGKILL)
    return done


if __name__ == "__main__":
    Ledger.append = _append  # type: ignore[assignment, method-assign]
    main(sys.argv[1:])
