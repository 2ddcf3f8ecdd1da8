"""The brake on /oauth/*: who guesses is slowed, who proves its client is not, nobody for over a minute."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gatekeeper.errors import StoreUnavailable
from gatekeeper.ledger import DayKeys
from gatekeeper.store.database import Database
from gatekeeper.store.failures import Failures
from gatekeeper.web.brake import WINDOW_MS, Brake, address_of, network
from gatekeeper.web.clients import ASSERTION_TYPE
from gatekeeper.web.presented import Presenting
from gatekeeper.web.proxy import Proxy
from gatekeeper.web.tokens import tokens_blueprint
from tests.oauth.city import NOW, SECRET, City

PROXY = "127.0.0.1"
MOST = 5


class Street:
    """A city behind a brake, with the counts of a real database; *workers* share it."""

    def __init__(self, city: City, database: Database, keys: DayKeys, workers: int = 1) -> None:
        self.city = city
        self.workers = []
        for _ in range(workers):
            brake = Brake(
                Failures(database, WINDOW_MS),
                keys,
                city.clock.now_ms,
                most=MOST,
                proxy=PROXY,
                hops=1,
                share_seconds=0,
            )
            app = Flask("city")
            app.register_blueprint(
                tokens_blueprint(city.config(), Presenting(city.issuer, Proxy(PROXY)), brake)
            )
            self.workers.append(app.test_client())

    def ask(
        self,
        secret: str,
        address: str = "192.0.2.1",
        path: str = "/oauth/token",
        worker: int = 0,
        **form: str,
    ) -> Any:
        """Ask for a token, as the proxy hands it on."""
        header = b64encode(f"secretive:{secret}".encode()).decode()
        return self.workers[worker].post(
            path,
            data={"grant_type": "client_credentials"} | form,
            headers={"Authorization": f"Basic {header}", "X-Forwarded-For": address},
        )


@pytest.fixture
def keys(tmp_path: Path) -> DayKeys:
    """Keys of the day on which the city's clock stands."""
    return DayKeys(tmp_path / "days", today=lambda: datetime.fromtimestamp(NOW, UTC).date())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database."""
    opened = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def street(city: City, database: Database, keys: DayKeys) -> Street:
    """Two workers and what they share."""
    return Street(city, database, keys, workers=2)


def test_who_fails_again_and_again_is_told_to_wait(street: Street) -> None:
    """429 in RFC 6749's shape, with Retry-After, in every worker, also for the right secret."""
    assert [401] * MOST == [street.ask("wrong", worker=n % 2).status_code for n in range(MOST)]
    for worker in (0, 1):
        braked = street.ask(SECRET, worker=worker)
        assert 429 == braked.status_code
        assert {"error", "error_description"} == braked.get_json().keys()
        assert 60 == int(braked.headers["Retry-After"])
        assert "no-store" == braked.headers["Cache-Control"]
        assert "WWW-Authenticate" not in braked.headers


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_each_place_where_a_client_is_proved_is_braked(street: Street, path: str) -> None:
    """Guessing is as good at the one as at the other."""
    assert [401] * MOST == [street.ask("wrong", path=path, token="x").status_code for _ in range(MOST)]
    assert 429 == street.ask("wrong", path=path, token="x").status_code
    assert 200 == street.workers[0].get("/oauth/jwks").status_code


def test_nobody_is_shut_out_for_longer_than_a_minute(street: Street) -> None:
    """The minute begins with the first failure; what is refused within it does not prolong it."""
    for _ in range(MOST):
        street.ask("wrong")
        street.city.clock.seconds += 5
    for _ in range(20):
        assert 429 == street.ask("wrong").status_code
    wait = int(street.ask(SECRET).headers["Retry-After"])
    assert 35 == wait
    street.city.clock.seconds += wait - 1
    assert 429 == street.ask(SECRET).status_code
    street.city.clock.seconds += 1
    assert 200 == street.ask(SECRET).status_code


def test_a_busy_client_is_never_slowed(street: Street) -> None:
    """Who proves its client is not counted, not even for a scope that it may not have."""
    assert {200} == {street.ask(SECRET).status_code for _ in range(3 * MOST)}
    assert {400} == {street.ask(SECRET, scope="admin").status_code for _ in range(3 * MOST)}
    assert 200 == street.ask(SECRET).status_code


def test_a_client_without_a_nonce_yet_is_not_slowed(street: Street) -> None:
    """RFC 9449 section 8: each client's first proof is answered with the nonce that it needs."""
    city, worker = street.city, street.workers[0]
    for expected in [400] * (3 * MOST) + [200]:
        nonce: dict[str, Any] = {"nonce": ...} if expected == 400 else {}
        answer = worker.post(
            "/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": city.assertion("bound"),
            },
            headers={"DPoP": city.proof(**nonce), "X-Forwarded-For": "192.0.2.1"},
        )
        assert expected == answer.status_code, answer.get_json()


def test_another_address_is_heard(street: Street) -> None:
    """One agency's mistake is not another's."""
    for _ in range(MOST + 1):
        street.ask("wrong")
    assert 200 == street.ask(SECRET, "192.0.2.2").status_code


def test_what_a_caller_says_of_its_address_is_not_believed(street: Street) -> None:
    """A header that grows to the left is still the address that the proxy saw."""
    got = [street.ask("wrong", f"203.0.113.{n}, 192.0.2.1").status_code for n in range(MOST + 1)]
    assert [401] * MOST + [429] == got


def test_a_clock_that_was_wrong_shuts_nobody_out(street: Street) -> None:
    """Failures in the future are none."""
    for _ in range(MOST):
        street.ask("wrong")
    street.city.clock.seconds -= 30
    assert 200 == street.ask(SECRET).status_code


def test_no_address_is_kept(street: Street, database: Database) -> None:
    """A fingerprint, a time, a number; and the row goes minutes later."""
    street.ask("wrong", "2001:db8::1")
    with database.read() as connection:
        ((address, _, number),) = connection.exec_driver_sql("SELECT * FROM failures").all()
    assert (32, 1) == (len(address), number)
    street.city.clock.seconds += 121
    street.ask("wrong", "192.0.2.9")
    with database.read() as connection:
        assert 1 == len(connection.exec_driver_sql("SELECT * FROM failures").all())


def test_counts_that_cannot_be_read_let_nobody_in(street: Street, database: Database) -> None:
    """The state is gone: 503, as everywhere."""
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE failures")
    assert 503 == street.ask(SECRET).status_code


def test_an_attack_writes_once_a_second(city: City, database: Database, keys: DayKeys) -> None:
    """Whoever guesses must not keep the log's writers waiting; what is not yet shared counts all the same."""
    brake = Brake(
        Failures(database, WINDOW_MS),
        keys,
        city.clock.now_ms,
        most=MOST,
        proxy=PROXY,
        hops=1,
        share_seconds=60,
    )
    callers = [brake.caller("192.0.2.1", ()), brake.caller("192.0.2.2", ())]
    for _ in range(MOST + 1):
        brake.failed(callers[0])
    assert [60, 0] == [brake.wait(caller) for caller in callers]
    with database.read() as connection:
        assert [1] == list(connection.exec_driver_sql("SELECT number FROM failures").scalars())


@pytest.mark.parametrize("share_seconds", [0, 1e9])
def test_what_was_never_shared_is_over_after_a_minute_too(
    city: City, database: Database, keys: DayKeys, share_seconds: float
) -> None:
    """A burst within one second, then silence: the worker that counted it must not shut the door for good."""
    brake = Brake(
        Failures(database, WINDOW_MS),
        keys,
        city.clock.now_ms,
        most=MOST,
        proxy=PROXY,
        hops=1,
        share_seconds=share_seconds,
    )
    caller = brake.caller("192.0.2.1", ())
    for _ in range(3 * MOST):
        brake.failed(caller)
    assert 60 == brake.wait(caller)
    city.clock.seconds += 60
    assert 0 == brake.wait(caller)
    brake.failed(caller)
    assert 0 == brake.wait(caller)


class FullDisk:
    """Counts that can be read and not written; *meanwhile* happens while that is first tried."""

    meanwhile: Callable[[], None] | None = None

    def of(self, _address: bytes, now_ms: int) -> tuple[int, int]:
        """Return that nothing is known."""
        return (0, now_ms)

    def add(self, _counts: Mapping[bytes, tuple[int, int]], _now_ms: int) -> None:
        """Refuse."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        raise StoreUnavailable("the disk is full")


def test_what_cannot_be_shared_is_neither_lost_nor_kept_for_ever(city: City, keys: DayKeys) -> None:
    """On a full disk each worker counts for itself, and forgets an address after its minute."""
    counts = FullDisk()
    brake = Brake(counts, keys, city.clock.now_ms, most=MOST, proxy=PROXY, hops=1, share_seconds=0)
    caller = brake.caller("192.0.2.1", ())
    for _ in range(MOST - 1):
        brake.failed(caller)

    def fails_again() -> None:
        other = threading.Thread(target=brake.failed, args=(caller,))
        other.start()
        other.join()

    counts.meanwhile = fails_again
    brake.failed(brake.caller("192.0.2.2", ()))
    assert 60 == brake.wait(caller)
    for _ in range(200):
        city.clock.seconds += 1
        brake.failed(brake.caller(f"198.51.100.{city.clock.seconds % 256}", ()))
    assert 61 >= len(brake._pending)


@pytest.mark.parametrize(
    ("peer", "forwarded", "hops", "address"),
    [
        (PROXY, ["192.0.2.1"], 1, "192.0.2.1"),
        (PROXY, ["198.51.100.7, 192.0.2.1"], 1, "192.0.2.1"),
        (PROXY, ["198.51.100.7", "192.0.2.1, 10.0.0.1"], 2, "192.0.2.1"),
        (PROXY, ["192.0.2.1"], 0, PROXY),
        (PROXY, ["192.0.2.1"], 2, PROXY),
        (PROXY, [], 1, PROXY),
        (PROXY, [""], 1, PROXY),
        (PROXY, ["192.0.2.1, unknown"], 1, PROXY),
        (PROXY, ["192.0.2.1:8080"], 1, PROXY),
        (PROXY, ["x" * 10_000], 1, PROXY),
        ("203.0.113.5", ["192.0.2.1"], 1, "203.0.113.5"),
        (None, ["192.0.2.1"], 1, ""),
    ],
)
def test_the_address_is_the_one_that_our_proxy_saw(
    peer: str | None, forwarded: list[str], hops: int, address: str
) -> None:
    """From anybody else the header is a claim; too short or no address, it says nothing."""
    assert address == address_of(peer, forwarded, PROXY, hops)


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_subscriber_counts_as_one(address: str, counted_as: str) -> None:
    """An IPv6 subscriber has a /64 to choose from."""
    assert counted_as == network(address)
