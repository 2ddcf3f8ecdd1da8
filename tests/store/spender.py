"""A process that spends of one bucket with many threads: ``python spender.py URL DIRECTORY THREADS TIMES``.

It prints a line for each grant, after its entry was acknowledged, and one for each refusal.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

from gatekeeper.errors import KeyErased, LedgerUnavailable, QuotaExceeded
from gatekeeper.exchange.fingerprints import officer_print
from gatekeeper.ledger import Clock, DayKeys, Ledger
from gatekeeper.ledger.spending import Limit, Spend
from tests.ledger.made import decided
from tests.store.mortal import opened

AGENCY = "agency-elsewhere"
MOST = 500
LIMITS = (Limit("agency", MOST, 1), Limit("plate", 2 * MOST, 1))
"""One comes back in a day: none during a test."""


def spend(ledger: Ledger, keys: DayKeys, clock: Clock) -> bool:
    """Append one entry that costs a token; say whether it was granted. Raises LedgerUnavailable."""
    cost = Spend(
        AGENCY,
        LIMITS,
        Limit("officer", 3 * MOST, 1),
        _prints(keys),
        False,
        clock.now_ms,
        lambda _left: None,
    )
    try:
        ledger.append(decided(agency=AGENCY), [cost])
    except QuotaExceeded:
        return False
    return True


def _prints(keys: DayKeys) -> Callable[[date], bytes | None]:
    def of(day: date) -> bytes | None:
        with suppress(KeyErased):
            return officer_print(keys, day, agency_id=AGENCY, badge="4411")
        return None

    return of


def main(url: str, directory: str, threads: int, times: int) -> None:
    """Spend with all threads at once, each so often."""
    ledger = opened(url, Path(directory))[2]
    keys, clock = DayKeys(Path(directory) / "days"), Clock()
    begin = threading.Barrier(threads)

    def work() -> None:
        begin.wait()
        for _ in range(times):
            try:
                said = b"granted\n" if spend(ledger, keys, clock) else b"refused\n"
            except LedgerUnavailable:
                said = b"unheard\n"  # it may be in the log all the same: never less
            os.write(1, said)

    started = [threading.Thread(target=work) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
