"""What the operating system refuses (a full disk, say), in words for a person; and output that is lost by it.

Guarantees: each message names the cause and what to do, and the file where it is known.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import click

_ROOM: Final = "make room, or name another place, and run this again"
_CURES: Final = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), and run this again",
    errno.EROFS: "name a place that can be written, and run this again",
    errno.EIO: "the disk fails: look at it before anything else",
    errno.EMFILE: "raise the limit on open files (ulimit -n), and run this again",
    errno.ENFILE: "the machine has too many files open: end what is not needed, and run this again",
}


def said_of(error: OSError) -> str:
    """Return a sentence for a person: which file, if it is known, what the system said, and what to do."""
    why = error.strerror or type(error).__name__
    cure = _CURES.get(error.errno or 0)
    if error.filename is not None:
        return f"{error.filename}: {why}; {cure or 'check the path and its permissions'}"
    if cure is not None:
        return f"a file could not be read or written: {why}; {cure}"
    return f"the system refused what this command needs: {why}; mend that, and run this again"


def give_up_output() -> None:
    """Let go of output that cannot be written: Python would try once more at its end, and say so."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):  # it has no descriptor in a test
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def output_or(status: int) -> Iterator[None]:
    """End with this exit status where what is printed cannot be written: 1 would be read as an answer."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_output()
        click.echo(said_of(error), err=True)
        sys.exit(status)
