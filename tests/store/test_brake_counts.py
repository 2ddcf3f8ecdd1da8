"""The counts of the brake, in both databases: added up within a minute, and in no time: the log waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from gatekeeper.store.database import Database
from gatekeeper.store.failures import Failures
from gatekeeper.web.brake import WINDOW_MS

NOW = 1_796_000_000_000
ONE, TWO = b"\1" * 32, b"\2" * 32


def test_each_minute_of_an_address_is_counted_for_itself(database: Database) -> None:
    """What goes on is added up from its beginning; what is over, or in the future, begins anew."""
    counts = Failures(database, WINDOW_MS)
    counts.add({ONE: (2, NOW), TWO: (1, NOW)}, NOW)
    counts.add({ONE: (3, NOW + 5000)}, NOW + 5000)
    assert [(5, NOW), (1, NOW)] == [counts.of(one, NOW + 5000) for one in (ONE, TWO)]
    later = NOW + WINDOW_MS
    counts.add({ONE: (4, later)}, later)
    assert [(4, later), (0, later)] == [counts.of(one, later) for one in (ONE, TWO)]
    counts.add({ONE: (7, NOW)}, NOW)
    assert (7, NOW) == counts.of(ONE, NOW)
    counts.add({ONE: (9, NOW - WINDOW_MS)}, NOW)
    assert (7, NOW) == counts.of(ONE, NOW)


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(database._writer, "before_cursor_execute", note)
    yield sent
    event.remove(database._writer, "before_cursor_execute", note)


def test_many_addresses_at_once_are_one_statement(database: Database) -> None:
    """Who guesses from ten thousand networks must not hold the log's lock for seconds."""
    counts = Failures(database, WINDOW_MS)
    with _statements(database) as sent:
        counts.add({number.to_bytes(32, "big"): (1, NOW) for number in range(1000)}, NOW)
    assert 2 == len(sent)
    assert (1, NOW) == counts.of((999).to_bytes(32, "big"), NOW)
