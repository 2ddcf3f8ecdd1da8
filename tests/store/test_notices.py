"""The outbox on both databases: what becomes a notice, who may deliver it, and how it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from gatekeeper.errors import StoreUnavailable, Superseded
from gatekeeper.store import reviews
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.notice_reading import NoticeReading, Undelivered
from gatekeeper.store.notices import Outbox, Recipient
from gatekeeper.store.queries import Queries
from gatekeeper.store.values import Delivery, Notice
from gatekeeper.store.webhooks import Webhooks
from tests.store.making import LATER, NOON, commit, query, register, webhook

SOON = timedelta(minutes=2)
HOOK: Recipient = ("webhook", "hook-1", None)
OTHER: Recipient = ("webhook", "hook-2", None)


def letter(address: str) -> Recipient:
    """Return a recipient of e-mail."""
    return "mail", "mail", address


def queued(rows: LedgerRows, query_id: str, at: datetime = NOON) -> None:
    """Put a denied query before the staff."""
    moved = reviews.queue(
        query_id=query_id,
        agency_id="evanston",
        category="stolen_vehicle",
        level="staff",
        provisions=["case_number"],
        at=at,
        due_at=LATER,
        first=False,
    )
    commit(rows, [query(query_id), *moved])


def move(rows: LedgerRows, database: Database, query_id: str, event: str, to: str) -> None:
    """Move its review on."""
    review = Queries(database).review(query_id)
    assert review is not None
    commit(rows, reviews.move(review, to, event=event, ref=query_id, at=LATER, actor="staff-1"))


@pytest.fixture
def outbox(database: Database, rows: LedgerRows) -> Outbox:
    """The outbox of a city with one agency."""
    register(rows)
    return Outbox(database)


def spread(outbox: Outbox, *recipients: Recipient, most_waiting: int = 100) -> None:
    """Make deliveries of all there is, to the same recipients."""
    told = [(notice, recipients) for notice in outbox.unspread(100)]
    outbox.spread(told, NOON, most_waiting=most_waiting)


def claim(outbox: Outbox, now: datetime = NOON, most: int = 8) -> tuple[Delivery, ...]:
    """Claim what is due."""
    return outbox.claim(now, until=now + SOON, most=most)


def test_a_move_is_told_of_in_its_own_commit(outbox: Outbox, rows: LedgerRows, database: Database) -> None:
    """Which query, what happened, where it stands: nothing that was typed, and nothing of staff's own."""
    assert outbox.due(NOON) is False
    queued(rows, "q1")
    move(rows, database, "q1", "review.asked", "needs_information")
    move(rows, database, "q1", "review.escalated", "escalated")
    move(rows, database, "q1", "review.noted", "escalated")
    move(rows, database, "q1", "review.ruled", "upheld")
    for event, to in (
        ("review.escalated", "escalated"),
        ("review.ruled", "escalated"),  # the first of two people, say: nothing has moved
        ("review.ruled", "permitted"),
        ("review.withdrawn", "queued"),
        ("review.withdrawn", "queued"),
    ):
        move(rows, database, "q1", event, to)
    told = outbox.unspread(10)
    assert {
        ("q1", "evanston", "review.escalated", "escalated"),
        ("q1", "evanston", "review.ruled", "permitted"),
        ("q1", "evanston", "review.withdrawn", "queued"),
        ("q1", "evanston", "review.queued", "queued"),
        ("q1", "evanston", "review.asked", "needs_information"),
        ("q1", "evanston", "review.ruled", "upheld"),
    } == {(n.query_id, n.agency_id, n.event, n.state) for n in told}
    assert 6 == len(told)
    fields = {"id", "query_id", "agency_id", "event", "state", "at", "affirmation_id"}
    assert fields == set(Notice.__dataclass_fields__)
    assert outbox.due(NOON) is True


def test_what_was_not_committed_is_told_to_nobody(
    outbox: Outbox, rows: LedgerRows, database: Database
) -> None:
    """Two people act on one review: the second is refused, and so is its notice."""
    queued(rows, "q1")
    review = Queries(database).review("q1")
    assert review is not None
    asked = reviews.move(
        review, "needs_information", event="review.asked", ref="q1", at=LATER, actor="staff-1"
    )
    upheld = reviews.move(review, "upheld", event="review.ruled", ref="q1", at=LATER, actor="staff-2")
    commit(rows, asked)
    with pytest.raises(Superseded):
        commit(rows, upheld)
    assert ["review.queued", "review.asked"] == [n.event for n in outbox.unspread(10)]


def test_a_notice_is_spread_once_by_whoever_is_first(outbox: Outbox, rows: LedgerRows) -> None:
    """Several workers read the same notice; one makes its deliveries."""
    queued(rows, "q1")
    told = [(notice, [HOOK, letter("a@example.org")]) for notice in outbox.unspread(10)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: outbox.spread(told, NOON, most_waiting=10), range(4)))
    assert () == outbox.unspread(10)
    assert {"hook-1", "mail"} == {d.endpoint for d in claim(outbox)}
    assert () == claim(outbox)


def test_each_delivery_is_one_processs_and_each_endpoint_takes_one_at_a_time(
    outbox: Outbox, rows: LedgerRows
) -> None:
    """Of eight that claim at once, none gets what another has; the oldest comes first."""
    for number in range(6):
        queued(rows, f"q{number}", NOON + timedelta(seconds=number))
    spread(outbox, HOOK, OTHER)
    with ThreadPoolExecutor(8) as pool:
        taken = [d for part in pool.map(lambda _: claim(outbox), range(8)) for d in part]
    assert ["hook-1", "hook-2"] == sorted(d.endpoint for d in taken)
    assert {("q0", 1)} == {(d.notice.query_id, d.attempts) for d in taken}
    assert outbox.due(NOON) is False
    outbox.settle(taken[0], "delivered", code="delivered", at=NOON, next_at=NOON)
    assert outbox.due(NOON) is True
    (following,) = claim(outbox)
    assert (taken[0].endpoint, "q1") == (following.endpoint, following.notice.query_id)


def test_what_a_dead_worker_held_is_tried_again_under_the_same_id(outbox: Outbox, rows: LedgerRows) -> None:
    """And what the dead one says after all, late, changes nothing."""
    queued(rows, "q1")
    spread(outbox, HOOK)
    (first,) = claim(outbox)
    assert () == claim(outbox, NOON + SOON - timedelta(seconds=1))
    (second,) = claim(outbox, NOON + SOON)
    assert (first.id, 2) == (second.id, second.attempts)
    assert outbox.settle(first, "given_up", code="timed_out", at=NOON, next_at=NOON) is False
    assert outbox.settle(second, "delivered", code="delivered", at=NOON, next_at=NOON) is True
    assert () == claim(outbox, NOON + 2 * SOON)


def test_an_endpoint_that_fails_waits_as_a_whole(
    outbox: Outbox, rows: LedgerRows, database: Database
) -> None:
    """Nothing else waits with it; what is too old is given up with it."""
    queued(rows, "q-old", NOON - timedelta(days=4))
    for number in range(3):
        queued(rows, f"q{number}", NOON + timedelta(seconds=number))
    spread(outbox, HOOK, OTHER)
    failed = next(d for d in claim(outbox) if d.endpoint == "hook-1")
    again = NOON + timedelta(minutes=5)
    outbox.settle(failed, "waiting", code="status_503", at=NOON, next_at=again)
    outbox.postpone("hook-1", until=again, code="status_503", given_up_before=NOON - timedelta(days=3))
    assert () == claim(outbox, NOON + timedelta(minutes=1))  # the other one's is still held
    (ready,) = [d for d in claim(outbox, again) if d.endpoint == "hook-1"]
    assert "q0" == ready.notice.query_id
    given_up = NoticeReading(database).page(["given_up"], most=9)
    assert [("q-old", "hook-1", "status_503")] == [
        (d.notice.query_id, d.endpoint, d.last_code) for d in given_up
    ]


def test_more_than_may_wait_are_given_up_and_seen(
    outbox: Outbox, rows: LedgerRows, database: Database
) -> None:
    """A queue that nobody empties does not grow for ever."""
    for number in range(5):
        queued(rows, f"q{number}")
    spread(outbox, HOOK, most_waiting=2)
    reading = NoticeReading(database)
    assert {"waiting": 2, "given_up": 3} == reading.counts()
    assert {"evanston": Undelivered(2, 3, NOON)} == reading.undelivered()
    assert {"too_many_waiting"} == {d.last_code for d in reading.page(["given_up"], most=9)}


def test_staff_may_have_it_tried_now(outbox: Outbox, rows: LedgerRows, database: Database) -> None:
    """What waits or was given up; not what arrived, is held, or is not there."""
    queued(rows, "q1")
    spread(outbox, HOOK)
    (held,) = claim(outbox)
    assert outbox.retry(held.id, NOON) is False
    outbox.settle(held, "given_up", code="status_500", at=NOON, next_at=NOON)
    assert outbox.retry(held.id, NOON) is True
    (again,) = claim(outbox)
    outbox.settle(again, "delivered", code="delivered", at=NOON, next_at=NOON)
    assert outbox.retry(again.id, NOON) is False
    assert outbox.retry("msg_unknown", NOON) is False
    assert (0, None) == NoticeReading(database).backlog()


def test_what_is_old_is_removed_with_its_deliveries_and_what_was_never_spread_is_not(
    outbox: Outbox, rows: LedgerRows, database: Database
) -> None:
    """The review and the log keep what happened; that somebody was told of it need not be kept."""
    queued(rows, "q1", NOON - timedelta(days=100))
    spread(outbox, HOOK)
    queued(rows, "q2", NOON - timedelta(days=100))
    queued(rows, "q3", NOON)
    outbox.prune(NOON - timedelta(days=90))
    assert ["q2", "q3"] == [n.query_id for n in outbox.unspread(10)]
    assert {} == NoticeReading(database).counts()
    assert (2, NOON - timedelta(days=100)) == NoticeReading(database).backlog()


def test_an_endpoint_that_is_no_more_takes_its_deliveries_with_it(
    outbox: Outbox, rows: LedgerRows, database: Database
) -> None:
    """Held ones too: the late word of the one who holds it finds nothing to change."""
    for number in range(3):
        queued(rows, f"q{number}")
    spread(outbox, HOOK)
    (held,) = claim(outbox)
    outbox.drop("hook-1", code="webhook_disabled")
    assert {"dropped": 3} == NoticeReading(database).counts()
    assert outbox.settle(held, "delivered", code="delivered", at=NOON, next_at=NOON) is False


def test_pages_come_latest_first_and_whole(outbox: Outbox, rows: LedgerRows, database: Database) -> None:
    """By key, so that what comes in meanwhile moves nothing."""
    for number in range(7):
        queued(rows, f"q{number}", NOON + timedelta(minutes=number // 2))
    spread(outbox, HOOK)
    reading, seen, after = NoticeReading(database), [], None
    while page := reading.page(["waiting", "given_up"], most=3, after=after):
        seen += [d.notice.query_id or "" for d in page]
        after = page[-1].notice.at, page[-1].id
    assert sorted(f"q{n}" for n in range(7)) == sorted(seen)
    assert "q6" == seen[0]
    assert () == reading.page(["waiting"], most=3, agency_id="nobody")
    assert () == reading.page(["waiting"], most=3, agency_id="nul\x00")


def test_a_webhook_is_changed_as_it_was_read_and_disabled_for_good(
    database: Database, rows: LedgerRows
) -> None:
    """Two operators rotate at once: one secret is the agency's, and the other operator is told."""
    register(rows)
    commit(rows, webhook())
    kept = Webhooks(database)
    found = kept.get("hook-1")
    assert (found,) == kept.all("evanston") == kept.all()
    assert found is not None
    assert "box" not in repr(found)
    commit(rows, kept.resealing(found, b"new"))
    with pytest.raises(Superseded):
        commit(rows, kept.resealing(found, b"newer"))
    commit(rows, kept.disabling(found))
    for late in (kept.disabling(found), kept.resealing(found, b"new")):
        with pytest.raises(Superseded):
            commit(rows, late)
    assert kept.get("hook-2") is None is kept.get("nul\x00")
    with pytest.raises(StoreUnavailable):
        commit(rows, webhook("hook-3", "nobody-there"))
