"""What was published is kept in order, once each, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.store import Database
from gatekeeper.store.published import PublishedCheckpoints
from gatekeeper.store.tables import published_checkpoints

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_the_first_of_two_stands(database: Database) -> None:
    """Of several processes that find the hour over, one publishes; all serve what it published."""
    kept, told = PublishedCheckpoints(database), threading.Barrier(4)
    assert kept.last() is None

    def publish(name: str) -> None:
        told.wait()
        kept.announce(1, 5, name, AT)

    threads = [threading.Thread(target=publish, args=(f"by {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = kept.last()
    assert first is not None
    assert (1, 5, AT) == (first.number, first.size, first.at)
    kept.announce(1, 9, "late", AT)
    assert first == kept.last()
    kept.announce(2, 9, "next", AT)
    assert ["next", first.text] == [row.text for row in reversed([*kept.all()])]


@pytest.mark.parametrize(
    "statement",
    [
        published_checkpoints.update().values(text="another"),
        published_checkpoints.delete(),
    ],
    ids=["changed", "removed"],
)
def test_what_was_published_is_not_changed(database: Database, statement: object) -> None:
    """Whoever copied the log has it."""
    kept = PublishedCheckpoints(database)
    kept.announce(1, 5, "note", AT)
    with pytest.raises(StoreUnavailable), database.write() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    assert ["note"] == [row.text for row in kept.all()]
