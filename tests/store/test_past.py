"""Past decisions, as a replay reads them: in order, each with its own box and the decision before it."""

from __future__ import annotations

from gatekeeper.ledger.rows import Insert, StoredEntry
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.past import PastDecisions
from tests.store.making import DAY, head


def _log(rows: LedgerRows, *entries: tuple[str, str, bool]) -> None:
    """Append entries: their event, what they are about, and whether their detail is still there."""
    with rows.transaction() as transaction:
        stored = []
        for index, (event, ref, kept) in enumerate(entries):
            text = b'{"n":%d}' % index
            stored.append(StoredEntry(index, text, bytes([index % 256]) * 32, event, ref))
            if kept:
                box = {"ref": ref, "event": f"{event}@{index}", "day": DAY, "box": b"box %d" % index}
                transaction.write([Insert("private_details", box)])
        transaction.append(stored, (), head(len(stored), 1))


def test_each_decision_comes_with_its_own_box_and_the_one_before(
    rows: LedgerRows, database: Database
) -> None:
    """Of a query decided twice, each decision has its detail; what was purged has none; other events none."""
    _log(
        rows,
        ("query.decided", "q_a", True),
        ("query.released", "q_a", True),
        ("query.decided", "q_b", False),
        ("query.previewed", "q_c", True),
        ("query.decided", "q_a", True),
        ("query.decided", "q_a", True),
    )
    past = PastDecisions(database)
    found = [(e.index, e.ref, e.entry, box, before) for e, box, before in past.between(0, 6)]
    assert [
        (0, "q_a", b'{"n":0}', (DAY, b"box 0"), None),
        (2, "q_b", b'{"n":2}', None, None),
        (4, "q_a", b'{"n":4}', (DAY, b"box 4"), b'{"n":0}'),
        (5, "q_a", b'{"n":5}', (DAY, b"box 5"), b'{"n":4}'),
    ] == found
    assert [2, 4] == [e.index for e, _, _ in past.between(1, 5)]
    assert [0, 5] == [e.index for e, _, _ in past.at([0, 3, 5])]
    assert [0, 2, 4, 5] == list(past.places(0, 6))
    assert [] == list(past.between(6, 100))


def test_more_than_is_read_at_once_comes_whole(rows: LedgerRows, database: Database) -> None:
    """Beyond a thousand entries none is left out and none comes twice."""
    _log(rows, *(("query.decided" if n % 2 else "query.refused", f"q_{n}", True) for n in range(2500)))
    past = PastDecisions(database)
    odd = list(range(1, 2500, 2))
    assert odd == [e.index for e, _, _ in past.between(0, 2500)] == list(past.places(0, 2500))
    assert odd == [e.index for e, _, _ in past.at(odd)]
