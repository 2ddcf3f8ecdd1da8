"""A process of its own that asks one witness for cosignatures, for the tests of several processes.

usage: python -m tests.witness.submitter DIRECTORY KEY FORKED_AT SEED THREADS ROUNDS
Prints ``size root`` after each cosignature, as a server would answer. FORKED_AT -1: the log itself.
"""

from __future__ import annotations

import random
import sys
import threading
from pathlib import Path

from gatekeeper.ledger import SigningKey
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import SubmissionRefused
from tests.witness.made import ORIGIN, History

directory, key_file = Path(sys.argv[1]), Path(sys.argv[2])
forked_at, seed, threads, rounds = map(int, sys.argv[3:])
history = History(SigningKey.load(key_file, ORIGIN), None if forked_at < 0 else forked_at)
keeper = Keeper(directory)
output = threading.Lock()


def work(number: int) -> None:
    """Ask for a few leaves more than the witness said it knows; print what it signed."""
    chance = random.Random(seed * 1000 + number)  # noqa: S311  (not a secret)
    old = 0
    for _ in range(rounds):
        new = old + chance.randrange(3)
        try:
            keeper.add_checkpoint(history.submission(old, new))
        except SubmissionRefused as refused:
            old = refused.size if refused.size is not None else old
            continue
        with output:
            sys.stdout.write(f"{new} {history.root(new).hex()}\n")
            sys.stdout.flush()
        old = new


workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
