"""A process that opens the log as a service does, and appends with eight threads until somebody kills it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from gatekeeper.ledger import Clock, DayKeys, Ledger, SigningKey
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from tests.ledger.made import ORIGIN, decided, new_ref

READY = "ready\n"


def opened(url: str, directory: Path) -> tuple[Database, LedgerRows, Ledger, SigningKey]:
    """Open it; refuse a log that does not fit what was signed."""
    database = Database.open(url)
    rows, file = LedgerRows(database), directory / "log.pem"
    key = SigningKey.load(file, ORIGIN) if file.exists() else SigningKey.create(file, ORIGIN)
    ledger = Ledger(rows, key, DayKeys(directory / "days"), Clock(), directory / "checkpoint")
    ledger.check_tail()
    return database, rows, ledger, key


def write(url: str, directory: Path, told: Path) -> None:
    """Append; after each, and once it is ready, say so in a file, one whole line at a time."""
    ledger = opened(url, directory)[2]
    # A line is written at once, into the kernel's hands: a process that is killed cannot take it back.
    line = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(line, READY.encode())

    def work() -> None:
        while True:
            ref = new_ref()
            os.write(line, f"{ledger.append(decided(ref)).index} {ref}\n".encode())

    for _ in range(8):
        threading.Thread(target=work).start()
