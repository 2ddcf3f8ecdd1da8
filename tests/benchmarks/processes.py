"""What the kernel says of a server: the processor and the memory of a master process and its workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def processor_s(master: int) -> float:
    """Return the seconds of processor that they have used since they started; 0 where there is no /proc."""
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in _family(master))  # utime and stime, proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(master: int) -> float:
    """Return the memory that they hold; 0 where there is no /proc."""
    pages = sum(int(fields[21]) for fields in _family(master))  # rss
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _family(master: int) -> Iterator[list[str]]:
    """Yield the fields of /proc/PID/stat after the name, for the master and each of its children."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text("utf-8", "replace")
        except OSError:
            continue  # it ended while we looked
        fields = text.rpartition(")")[2].split()  # a name may hold spaces and parentheses
        if master in (int(stat.parent.name), int(fields[1])):
            yield fields
