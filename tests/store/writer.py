"""A process that appends with eight threads until told to stop: ``python writer.py URL SECONDS``.

It prints the index of each entry after its commit was acknowledged.
"""

from __future__ import annotations

import sys
import threading
import time

from gatekeeper.errors import GatekeeperError
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from tests.store.making import append, detail


def write(url: str, seconds: float) -> None:
    """Append one entry at a time; say the worst wait at the end."""
    rows = LedgerRows(Database.open(url))
    end = time.monotonic() + seconds
    worst = 0.0
    while (began := time.monotonic()) < end:
        try:
            with rows.transaction() as transaction:
                index = transaction.head().size
                transaction.write([detail(f"r{index}")])
                append(transaction, ref=f"r{index}")
        except GatekeeperError as error:
            sys.stdout.write(f"refused {error.code}\n")
            continue
        worst = max(worst, time.monotonic() - began)
        sys.stdout.write(f"{index}\n")
        sys.stdout.flush()
    sys.stdout.write(f"worst {worst:.3f}\n")


if __name__ == "__main__":
    threads = [threading.Thread(target=write, args=(sys.argv[1], float(sys.argv[2]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
