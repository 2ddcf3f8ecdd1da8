"""The thread that delivers: at least once, one at a time to each, or given up in the end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatekeeper.cli import agency
from gatekeeper.errors import ClockUnreliable, StoreUnavailable
from gatekeeper.notices import Outcome
from gatekeeper.notices.delivery import AT_ONCE, LONGEST, Watch, pause
from gatekeeper.notices.outcomes import DELIVERED, Agency, Delivery, failing
from gatekeeper.notices.told import addresses, is_address, recipients
from gatekeeper.store import administration
from tests.notices.conftest import AGENCY, OTHER, Receiver, Told, respond
from tests.servers.gate import environment
from tests.store.making import commit


@dataclass
class Way:
    """A channel that answers as a test says, and notes how many it is asked at once."""

    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[tuple[str, str, int]] = field(default_factory=list)
    wait: float = 0.0
    at_once: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, delivery: Delivery, _agency: Agency, _at: datetime) -> Outcome:
        """Take it, or not."""
        with self.lock:
            self.sent.append((delivery.endpoint, delivery.id, delivery.attempts))
            for key in (delivery.endpoint, "all"):
                self.at_once[key] += 1
                self.most[key] = max(self.most[key], self.at_once[key])
        time.sleep(self.wait)
        with self.lock:
            self.at_once.subtract([delivery.endpoint, "all"])
            return self.outcomes.pop(0) if self.outcomes else DELIVERED


@pytest.fixture
def way(told: Told) -> Way:
    """A city whose one channel is this."""
    made = Way()
    told.ways = {"webhook": made}
    return made


def hook(told: Told, agency_id: str = AGENCY, url: str = "http://127.0.0.1:9/") -> str:
    """Register a webhook."""
    return told.endpoints.add(agency_id, url, by="test")[0]


def many(told: Told, count: int, agency_id: str = AGENCY) -> None:
    """Make many notices of one review, as fast as the store takes them."""
    query_id, moment = told.denied(agency_id), datetime.now(UTC)
    rows = [
        {
            "id": f"notice_{number:06}",
            "query_id": query_id,
            "agency_id": agency_id,
            "event": "review.asked",
            "state": "needs_information",
            "at": moment + timedelta(microseconds=number),
        }
        for number in range(count)
    ]
    from gatekeeper.ledger.rows import Insert  # noqa: PLC0415

    commit(told.city.state.rows, [Insert("notices", row) for row in rows])


def test_every_move_arrives_once_and_in_the_order_in_which_it_happened(
    told: Told, receiver: Receiver
) -> None:
    """Queued, asked, ruled; that it was handed to counsel is between staff."""
    hook(told, url=receiver.url)
    query_id = told.denied()
    told.move(query_id, "review.asked", "needs_information")
    told.move(query_id, "review.escalated", "escalated")
    told.move(query_id, "review.ruled", "upheld")
    told.turns()
    sent = [got.body.decode() for got in receiver.got]
    assert ["review.queued", "review.asked", "review.ruled"] == [s.split('"')[3] for s in sent]
    assert 3 == len({got.headers["webhook-id"] for got in receiver.got})
    assert {"delivered"} == {d.state for d in told.all()}


def test_it_is_tried_again_later_each_time_under_the_same_id(told: Told, way: Way) -> None:
    """Until it arrives."""
    hook(told)
    told.denied()
    way.outcomes = [failing("status_503"), failing("timed_out"), DELIVERED]
    deliverer = told.deliverer()
    told.turns(deliverer)
    assert 1 == len(way.sent)
    told.late = timedelta(seconds=11)
    told.turns(deliverer)
    assert 2 == len(way.sent)
    told.late = timedelta(seconds=22)
    told.turns(deliverer)
    assert 2 == len(way.sent)  # the second pause is three times the first
    told.late = timedelta(seconds=60)
    told.turns(deliverer)
    assert [1, 2, 3] == [attempts for _, _, attempts in way.sent]
    assert 1 == len({delivery_id for _, delivery_id, _ in way.sent})
    assert ["delivered"] == [d.state for d in told.all()]


def test_pauses_grow_from_seconds_to_hours_and_are_spread() -> None:
    """And never beyond: who comes back after a night is told within hours."""
    for tries, longest in ((0, 10), (1, 10), (2, 30), (3, 90), (4, 270), (8, 14_400), (10_000, 14_400)):
        found = [pause(tries).total_seconds() for _ in range(100)]
        assert longest * 2 / 3 <= min(found) < max(found) <= longest


def test_after_three_days_it_is_given_up_and_seen(told: Told, way: Way) -> None:
    """And staff may still have it tried: nothing is lost."""
    hook(told)
    told.denied()
    way.outcomes = [failing("status_500"), failing("status_500")]
    told.turns()
    told.late = LONGEST + timedelta(minutes=1)
    told.turns()
    (given_up,) = told.all()
    assert ("given_up", "status_500") == (given_up.state, given_up.last_code)
    assert 1 == told.reading.undelivered()[AGENCY].given_up
    assert told.outbox.retry(given_up.id, told.now()) is True
    told.turns()
    assert ["delivered"] == [d.state for d in told.all()]


def test_a_worker_that_dies_in_the_middle_loses_nothing(told: Told, way: Way) -> None:
    """Another tries again when its time is up: twice perhaps, never not at all."""
    hook(told)
    told.denied()
    told.turns(told.deliverer(ways={}))  # makes the delivery; its channel is off, so it waits
    told.late = timedelta(minutes=1)
    (held,) = told.outbox.claim(told.now(), until=told.now() + timedelta(minutes=2), most=8)
    # Here its worker was killed: after sending, before it could say so.
    told.turns()
    assert [] == way.sent
    told.late = timedelta(minutes=4)
    told.turns()
    assert [("delivered", held.id)] == [(d.state, d.id) for d in told.all()]


def test_a_thousand_at_once_go_one_by_one_and_hold_nobody_up(told: Told, way: Way) -> None:
    """While one agency's endpoint is slow, another's notice passes it."""
    hook(told)
    other = hook(told, OTHER)
    many(told, 300)
    deliverer, way.wait = told.deliverer(), 0.01
    deliverer.start()
    until = time.monotonic() + 60
    while len(way.sent) < 20 and time.monotonic() < until:
        time.sleep(0.01)
    query_id = told.denied(OTHER)
    began = len(way.sent)
    while other not in {endpoint for endpoint, _, _ in way.sent} and time.monotonic() < until:
        time.sleep(0.01)
    assert len(way.sent) - began < 250
    while told.reading.backlog()[0] and time.monotonic() < until:
        time.sleep(0.05)
    deliverer.close()
    assert {"delivered": 302} == told.reading.counts()
    assert 302 == len({delivery_id for _, delivery_id, _ in way.sent}) == len(way.sent)
    assert 1 == way.most[other]
    assert 2 >= way.most["all"]
    assert query_id in {d.notice.query_id for d in told.all()}


def test_many_slow_endpoints_take_so_many_threads_and_no_more(told: Told, way: Way) -> None:
    """Of this worker's own; a query waits for none of them."""
    for agency_id in (AGENCY, OTHER):
        for _ in range(5):
            hook(told, agency_id)
    told.denied()
    told.denied(OTHER)
    way.wait = 0.3
    deliverer = told.deliverer()
    deliverer.turn()
    began = time.monotonic()
    told.denied()
    assert time.monotonic() - began < 0.3 * 5
    told.turns(deliverer)
    assert AT_ONCE == way.most["all"]
    assert 1 == max(count for endpoint, count in way.most.items() if endpoint != "all")


def test_several_deliverers_send_each_notice_once(told: Told, way: Way) -> None:
    """Workers and nodes alike: the database says whose turn it is."""
    hook(told)
    hook(told, OTHER)
    many(told, 40)
    told.denied(OTHER)
    workers = [told.deliverer() for _ in range(4)]
    for worker in workers:
        worker.start()
    until = time.monotonic() + 60
    while told.reading.backlog()[0] and time.monotonic() < until:
        time.sleep(0.05)
    for worker in workers:
        worker.close()
    assert {"delivered": 42} == told.reading.counts()
    assert 42 == len(way.sent)
    assert 1 == max(count for endpoint, count in way.most.items() if endpoint != "all")


def test_an_agency_that_was_closed_is_told_nothing_more(told: Told, way: Way) -> None:
    """Not of what happens after, and not of what waited."""
    hook(told)
    query_id = told.denied()
    way.outcomes = [failing("status_503")]
    told.turns()
    found = agency.known(told.city.state, AGENCY)
    commit(told.city.state.rows, administration.set_agency_status(found, "closed"))
    told.move(query_id, "review.asked", "needs_information")
    told.late = timedelta(hours=1)
    told.turns()
    assert 1 == len(way.sent)
    assert [("dropped", "agency_closed")] == [(d.state, d.last_code) for d in told.all()]


def test_what_a_disabled_webhook_waited_for_is_dropped(told: Told, receiver: Receiver) -> None:
    """Disabled between the two tries: the second is not made."""
    webhook_id = hook(told)
    told.denied()
    told.turns()
    told.endpoints.disable(webhook_id, by="test", reason="the agency has moved")
    told.late = timedelta(hours=1)
    told.turns()
    assert [("dropped", "webhook_disabled")] == [(d.state, d.last_code) for d in told.all()]
    assert [] == receiver.got


def test_a_clock_that_is_off_tells_nobody_and_gives_nothing_up(told: Told, way: Way) -> None:
    """After it jumped a year ahead everything would be three days old."""
    hook(told)
    told.denied()

    def off() -> datetime:
        raise ClockUnreliable("the wall clock jumped")

    deliverer = told.deliverer(now=off)
    assert deliverer.turn() is False
    assert [] == way.sent
    assert () == told.all()
    told.turns()
    assert ["delivered"] == [d.state for d in told.all()]


def test_a_database_that_is_away_is_waited_for(told: Told, way: Way) -> None:
    """In the middle of a delivery too: it is tried again, under the same id."""

    class Failing:
        """An outbox that cannot be written when a try has ended."""

        def __getattr__(self, name: str) -> Any:
            if name == "settle":
                raise StoreUnavailable("away")
            return getattr(told.outbox, name)

    hook(told)
    told.denied()
    told.turns(told.deliverer(outbox=Failing()))
    assert ["waiting"] == [d.state for d in told.all()]
    told.late = timedelta(minutes=3)
    told.turns()
    assert ["delivered"] == [d.state for d in told.all()]
    assert [1, 2] == [attempts for _, _, attempts in way.sent]
    assert 1 == len({delivery_id for _, delivery_id, _ in way.sent})


def test_whoever_watches_is_told(told: Told, way: Way) -> None:
    """By channel and end: words of ours."""
    hook(told)
    told.denied()
    way.outcomes = [failing("status_503")]
    counted: list[tuple[str, str]] = []
    observed: list[datetime] = []
    watch = Watch(lambda channel, end: counted.append((channel, end)), observed.append)
    deliverer = told.deliverer(watch=watch)
    told.turns(deliverer)
    told.late = timedelta(seconds=20)
    told.turns(deliverer)
    assert [("webhook", "failed"), ("webhook", "delivered")] == counted
    assert 1 == len(observed)


def test_a_worker_that_ends_leaves_soon(told: Told, way: Way) -> None:
    """What is under way has a moment; nothing new is begun."""
    hook(told)
    told.denied()
    way.wait = 0.3
    deliverer = told.deliverer()
    deliverer.start()
    until = time.monotonic() + 10
    while not way.sent and time.monotonic() < until:
        time.sleep(0.01)
    deliverer.close()
    assert ["delivered"] == [d.state for d in told.all()]
    told.denied()
    time.sleep(0.1)
    assert 1 == len(way.sent)


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "chief",
        "847-555-0100",
        "chief@example.org\r\nBcc: all@example.net",
        "chief@example.org\n",
        "chief@example.org, other@example.net",
        "chief@example.org other@example.net",
        "Chief <chief@example.org>",
        '"a b"@example.org',
        "chief@example.org>",
        "<chief@example.org",
        "chief@",
        "@example.org",
        "chief@@example.org",
        "a..b@example.org",
        "chief@-example.org",
        "chief@[127.0.0.1]",
        "chief@exämple.org",
        "chief@example.org\x00",
        "a" * 65 + "@example.org",
        "a@" + "b" * 260,
    ],
)
def test_a_contact_that_is_not_one_address_gets_no_mail(contact: str) -> None:
    """No header, no second recipient, no name."""
    assert is_address(contact) is False
    assert contact.endswith("\n") or () == addresses([contact])


def test_a_list_of_addresses_is_told_one_by_one_each_once_and_not_without_end() -> None:
    """Spaces around are not a part of it; case is no difference."""
    written = [" chief@example.org ", "CHIEF@example.org", "847-555-0100", "desk+alpr@mail.example.org"]
    assert ("chief@example.org", "desk+alpr@mail.example.org") == addresses(written)
    assert 10 == len(addresses([f"a{n}@example.org" for n in range(50)]))


def test_nobody_is_told_for_an_agency_that_is_not_there() -> None:
    """An unknown one, or one without webhook and address."""
    assert [] == recipients(None, [], mail=True)


KILLED = """
import sys, time
from datetime import timedelta
from pathlib import Path
from gatekeeper import app, settings, state
from gatekeeper.notices import delivery
delivery.HELD = timedelta(seconds=5)
opened = state.open_state(settings.load(data=Path(sys.argv[1])))
app.build_deliverer(opened).start()
time.sleep(60)
"""


def test_a_worker_that_is_killed_while_it_sends_is_followed_by_another(
    told: Told, receiver: Receiver
) -> None:
    """``kill -9`` between what was sent and what is recorded: it comes again, under the same id."""
    told.endpoints.add(AGENCY, receiver.url, by="test")
    held = threading.Event()

    def slowly(handler: Any) -> None:
        held.wait(30)
        respond(handler, 204)

    receiver.answer = slowly
    told.denied()
    command = [sys.executable, "-c", KILLED, str(told.city.state.settings.data)]
    with subprocess.Popen(command, env=environment()) as worker:
        until = time.monotonic() + 30
        while not receiver.got and time.monotonic() < until:
            time.sleep(0.05)
        worker.kill()
    receiver.answer = lambda handler: respond(handler, 204)
    held.set()
    assert ["waiting"] == [d.state for d in told.all()]
    told.turns()
    assert 1 == len(receiver.got)  # its time is not up
    told.late = timedelta(seconds=6)
    told.turns()
    assert ["delivered"] == [d.state for d in told.all()]
    assert 2 == len(receiver.got)
    assert 1 == len({got.headers["webhook-id"] for got in receiver.got})
