"""A worker process of its own: threads that append and acknowledge, for the tests of several processes.

usage: python -m tests.ledger.writer DIRECTORY THREADS ENTRIES
Prints ``index ref`` after each append returned, as a gate would answer its asker.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.ledger.made import decided, new_ref, open_log

directory, threads, entries = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
log = open_log(directory)
output = threading.Lock()


def work() -> None:
    """Append, and say so only afterwards."""
    for _ in range(entries):
        ref = new_ref()
        appended = log.ledger.append(decided(ref))
        with output:
            sys.stdout.write(f"{appended.index} {ref}\n")
            sys.stdout.flush()


workers = [threading.Thread(target=work) for _ in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
log.ledger.close()
