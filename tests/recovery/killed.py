"""A backup and a restore, in a process that is killed just before one of their steps."""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

from gatekeeper.cli import main
from gatekeeper.recovery import backup as backing
from gatekeeper.recovery import manifest, placing
from gatekeeper.recovery import restore as restoring
from gatekeeper.recovery import written as writing
from gatekeeper.store.ledger_transaction import LedgerTransaction


def _end(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def backup(data: str, target: str, step: str) -> None:
    """Back up, as far as it goes."""
    setattr(manifest if step in {"digest", "write"} else backing, step, _end)
    main(["backup", target, "--data", data])


def restore(data: str, source: str, copy: str, step: str) -> None:
    """Restore, as far as it goes."""
    places = {"set_aside": placing, "put_in_place": placing, "refill": writing}
    setattr(places.get(step, restoring), step, _end)
    reason = ["--reason", "The disk of the third of November failed"]
    main(["restore", source, "--published", copy, "--data", data, *reason])


def complete(data: str, copy: str, ended: str) -> None:
    """Complete a database where it is, up to the commit."""
    setattr(LedgerTransaction, "append", _end)  # noqa: B010  a method is not to be assigned to, says the checker
    reason = ["--reason", "The disk of the third of November failed"]
    main(["restore", "--published", copy, "--ended-at", ended, "--data", data, *reason])
