"""A person's act about the law, in a process that is killed at one of its commits.

python -m tests.revisions.killed DATA REVISION USERNAME COMMIT before|after
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from gatekeeper.ledger import Appended, Ledger
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from tests.revisions.lives import REASON


def main(data: str, revision_id: str, username: str, commit: str, side: str) -> None:
    """Approve a revision, as far as it goes."""
    real, commits = Ledger.append, 0

    def append(self: Ledger, *given: Any) -> Appended:
        nonlocal commits
        commits += 1
        if (commits, side) == (int(commit), "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(self, *given)
        if (commits, side) == (int(commit), "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    Ledger.append = append  # type: ignore[assignment, method-assign]
    state = open_state(Settings(data=Path(data), engine="embedded", client_profiles="fapi basic"))
    lifecycle, person = state.lifecycle(), state.staff.find(username)
    revision = lifecycle.store.get(revision_id)
    assert revision is not None
    assert person is not None
    lifecycle.approve(revision_id, person, seen=lifecycle.seal(revision), reason=REASON)


if __name__ == "__main__":
    main(*sys.argv[1:])
