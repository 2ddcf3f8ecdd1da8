"""Keys that an agency publishes: a real host, a real log, and the token endpoint between them."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gatekeeper.app import application
from gatekeeper.cli import client
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.cli.client_key_sets import fetch_now, source
from gatekeeper.errors import LedgerUnavailable, OperatorError
from gatekeeper.exchange import key_sets as documents
from gatekeeper.ledger import Draft, Ledger
from gatekeeper.parts import key_sets, key_warnings
from gatekeeper.policy import Bundle
from gatekeeper.state import State
from gatekeeper.store import administration
from gatekeeper.store.key_sets import KeySetTimes
from gatekeeper.web.clients import ASSERTION_TYPE
from tests.exchange import test_officer
from tests.exchange.city import City, body, founded
from tests.exchange.conftest import bundle
from tests.oauth.city import sign
from tests.servers.key_host import KeyHost, dripping, key_host, new_key, public, publishing, saying
from tests.servers.nginx import Authority

__all__ = ["bundle"]

AGENCY = "sample-il-pd"
ONE, TWO, THREE = new_key("key-1"), new_key("key-2"), new_key("key-3")
MINUTE = 60_000


@dataclass
class Town:
    """A city with a client whose keys are fetched."""

    city: City
    state: State
    http: FlaskClient
    host: KeyHost
    client_id: str
    refused: list[str]

    def ask(self, key: Any, kid: str | None = None) -> int:
        """Ask for a token; return the status."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.state.settings.issuer,
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + 60,
        }
        assertion = sign({"alg": "ES256", "kid": kid or key.kid}, claims, key)
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        answer = self.http.post("/oauth/token", data={"grant_type": "client_credentials", **form})
        self.token = answer.get_json().get("access_token", "")
        return int(answer.status_code)

    def use(self, token: str) -> int:
        """Use a token."""
        return int(self.http.get("/v1/agency", headers={"Authorization": f"Bearer {token}"}).status_code)

    def officer_proved_by(self, key: Any) -> int:
        """Send a query whose officer is proved with that key, and the token at hand; return the status."""
        own = replace(self.city, clients={**self.city.clients, AGENCY: self.client_id})
        text = test_officer.assertion(own, {"kid": key.kid}, key)
        headers = {"Authorization": f"Bearer {self.token}", "Officer-Assertion": text}
        return int(self.http.post("/v1/queries", json=body(), headers=headers).status_code)

    def later(self, minutes: float) -> None:
        """Let time pass: what was fetched is older by that much."""
        with self.state.database.write() as connection:
            moved = int(minutes * MINUTE)
            connection.exec_driver_sql(
                f"UPDATE key_sets SET tried_ms = tried_ms - {moved}, fetched_ms = fetched_ms - {moved}"  # noqa: S608
            )

    def events(self) -> list[tuple[list[str], list[str]]]:
        """Return what was added and withdrawn, entry by entry."""
        told = [each for each in self.city.events() if each["event"] == "credential.keys_fetched"]
        return [(each["added"], each["withdrawn"]) for each in told]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority made for these tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def town(tmp_path: Path, bundle: Bundle, authority: Authority) -> Iterator[Town]:
    """A city that fetches from loopback because it says so, and a client registered with one key there."""
    city = founded(tmp_path / "city", bundle)
    settings = replace(
        city.state.settings,
        client_profiles="fapi private_key basic",
        key_set_networks="127.0.0.1/32",
        ca_file=str(authority.root.certificate),
    )
    state = replace(city.state, settings=settings)
    verifier = city.gate.verifier
    verifier.profiles = settings.profiles
    refused: list[str] = []
    with key_host(authority.issue("host"), keys=[ONE]) as host:
        found = source(state, "private_key", host.uri, None)
        made = client.register(state, AGENCY, key=found, profile="private_key").client.id
        fetch_now(state, made)
        host.asked.clear()
        gate = replace(city.gate, key_sets=key_sets(state))
        http = application(state, gate, city.tokens, refused.append).test_client()
        yield Town(city, state, http, host, made, refused)
    state.close()


def thumb(*keys: Any) -> list[str]:
    """Return thumbprints."""
    return sorted(key.thumbprint() for key in keys)


def test_a_published_key_proves_its_client(town: Town) -> None:
    """What was fetched at registration is fresh: nothing is asked; the log named the key before any token."""
    assert [(thumb(ONE), [])] == town.events()
    assert 200 == town.ask(ONE)
    assert 200 == town.use(town.token)
    assert [] == town.host.asked
    assert 401 == town.ask(new_key("key-1"))
    assert ["signature"] == town.refused


def test_a_new_key_is_fetched_when_it_is_used(town: Town) -> None:
    """Overlap, then the old one goes: each change is an entry, and the old one's tokens end with it."""
    assert 200 == town.ask(ONE)
    old = town.token
    town.later(1)
    town.host.answer = publishing(ONE, TWO)
    assert 200 == town.ask(TWO)
    assert [(thumb(ONE), []), (thumb(TWO), [])] == town.events()
    assert 200 == town.ask(ONE) == town.use(old)
    town.host.answer = publishing(TWO)
    town.later(5)
    assert 401 == town.ask(ONE)
    assert ["credential_revoked"] == town.refused
    assert (([], thumb(ONE))) == town.events()[-1]
    assert 401 == town.use(old)
    assert 200 == town.ask(TWO)
    town.host.answer = publishing(ONE, TWO)
    town.later(5)
    assert 200 == town.ask(ONE)
    assert ((thumb(ONE), [])) == town.events()[-1]
    assert 4 == len(town.events())


def test_an_officer_is_proved_by_published_keys_as_long_as_they_are_current(town: Town) -> None:
    """New ones are fetched, withdrawn ones count for nothing, and none does after an hour without them."""
    assert 200 == town.ask(ONE)
    assert 200 == town.officer_proved_by(ONE)
    town.later(1)
    town.host.answer = publishing(ONE, TWO)
    assert 200 == town.officer_proved_by(TWO)
    assert [(thumb(ONE), []), (thumb(TWO), [])] == town.events()
    town.host.answer = publishing(ONE)
    town.later(6)
    assert 401 == town.officer_proved_by(TWO)
    assert 200 == town.officer_proved_by(ONE)
    town.host.answer = saying("", 503)
    town.later(30)
    assert 200 == town.officer_proved_by(ONE)
    town.later(31)
    assert 401 == town.officer_proved_by(ONE)
    assert ["officer_key", "officer_keys_stale"] == town.refused


def test_it_is_in_the_log_before_a_token_is_issued(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be written: the new key does not count, the old one does."""
    town.later(1)
    town.host.answer = publishing(ONE, TWO)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", _fails)
        assert 503 == town.ask(TWO)
        assert 200 == town.ask(ONE)
    assert 1 == len(town.events())
    town.later(1)
    assert 200 == town.ask(TWO)
    entries = [each["event"] for each in town.city.events()]
    assert "credential.keys_fetched" == entries[-1]


def _fails(*_: object, **__: object) -> None:
    raise LedgerUnavailable("the disk is full")


def test_unknown_keys_make_us_fetch_once_a_minute(town: Town) -> None:
    """Whoever knows a client's id cannot have its agency's host asked a thousand times."""
    town.later(1)
    stranger = new_key("unknown")
    for _ in range(20):
        assert 401 == town.ask(stranger)
    assert 1 == len(town.host.asked)
    assert {"unknown_key"} == {*town.refused}
    town.later(1)
    assert [401, 401] == [town.ask(stranger, f"unknown-{n}") for n in range(2)]
    assert 2 == len(town.host.asked)
    assert 1 == len(town.events())


def test_several_workers_fetch_once(town: Town) -> None:
    """The minute is shared: of eight at once, by two processes' objects, one asks."""
    town.later(1)
    claims = [KeySetTimes(town.state.database) for _ in range(2)]
    now = town.state.clock.now_ms()
    won: list[bool] = []
    threads = [
        threading.Thread(target=lambda n=n: won.append(claims[n % 2].claim(town.client_id, now, MINUTE)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [True] == [each for each in won if each]
    assert [True, False] == [claims[0].claim("another", now, MINUTE) for _ in range(2)]
    assert claims[0].claim("another", now - MINUTE, MINUTE)  # a clock that was ahead shuts nobody out


def test_a_host_that_is_down_is_believed_for_an_hour(town: Town) -> None:
    """Stale keys work meanwhile, tried again each minute; then nothing does; then it is back."""
    town.host.answer = saying("", 500)
    town.later(6)
    assert [200, 200] == [town.ask(ONE) for _ in range(2)]
    assert 1 == len(town.host.asked)
    town.later(53)
    assert 200 == town.ask(ONE)
    assert 2 == len(town.host.asked)
    town.later(2)
    assert 401 == town.ask(ONE)
    assert ["keys_stale"] == town.refused
    assert "status_500" == KeySetTimes(town.state.database).of(town.client_id).fault
    town.host.answer = publishing(ONE)
    town.later(1)
    assert 200 == town.ask(ONE)
    assert 1 == len(town.events())


def test_a_key_of_the_city_s_own_does_not_wait_for_the_host(town: Town) -> None:
    """Registered beside the address: it proves its client whatever the host does, and has nothing asked."""
    key = public_key(json.dumps(public(TWO)).encode())
    clear: Any = {"agency": AGENCY, "client": town.client_id, "profile": "private_key"}
    draft = Draft("credential.key_added", "credential_0123456789", clear, {"kid": "key-2"}, {})
    town.state.ledger.append(draft, administration.add_key(town.client_id, key))
    town.host.answer = saying("", 500)
    town.later(120)
    assert 200 == town.ask(TWO)
    assert [] == town.host.asked
    assert 401 == town.ask(ONE)


def test_a_kid_of_two_keys_means_neither(town: Town) -> None:
    """One that the city registered and one that the agency publishes, by one name: refused, not guessed."""
    twin = new_key("key-1")
    key = public_key(json.dumps(public(twin)).encode())
    clear: Any = {"agency": AGENCY, "client": town.client_id, "profile": "private_key"}
    draft = Draft("credential.key_added", "credential_0123456789", clear, {"kid": "key-1"}, {})
    town.state.ledger.append(draft, administration.add_key(town.client_id, key))
    assert [401, 401] == [town.ask(ONE), town.ask(twin)]
    assert {"unknown_key"} == {*town.refused}


def test_while_another_worker_fetches(town: Town) -> None:
    """What is stale for an hour, or unknown, is 503 and not 401: the next try may find it."""
    town.later(61)
    times = KeySetTimes(town.state.database)
    assert times.claim(town.client_id, town.state.clock.now_ms(), MINUTE)
    assert 503 == town.ask(ONE)
    assert [] == town.refused
    times.done(town.client_id, town.state.clock.now_ms())
    assert 200 == town.ask(ONE)


def test_a_slow_host_holds_up_nobody(town: Town) -> None:
    """While it drips, the log is written and others get their tokens: no lock, no transaction is held."""
    town.host.answer = dripping
    town.later(6)
    ended: list[float] = []
    began = time.monotonic()

    def wait() -> None:
        assert 200 == town.ask(ONE)  # six minutes old: stale, and still good
        ended.append(time.monotonic() - began)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not town.host.asked:
        time.sleep(0.01)
    for number in range(20):
        clear: Any = {"agency": AGENCY, "client": town.client_id, "profile": "private_key"}
        draft = Draft("credential.token_revoked", f"token_0123456789{number}", clear, {"jti": "x"}, {})
        expires = town.state.clock.now()
        town.state.ledger.append(draft, administration.revoke_token(f"jti-{number}", expires))
    other = town.http.application.test_client().get("/v1/provisions")
    assert other.status_code in {200, 401}
    assert time.monotonic() - began < 2
    assert [] == ended
    waiting.join(10)
    assert 2.5 < ended[0] < 4.5


DOCUMENTS: dict[str, tuple[str | bytes, str]] = {
    "a page": ("<html>Sign in</html>", "not_json"),
    "nothing": ("", "not_json"),
    "no UTF-8": (b'{"keys": ["\xff"]}', "not_json"),
    "very deep": ("[" * 30_000, "not_json"),
    "a list": ("[]", "not_a_key_set"),
    "one key": (json.dumps(public(ONE)), "not_a_key_set"),
    "keys that are none": ('{"keys": {"a": 1}}', "not_a_key_set"),
    "a key that is none": ('{"keys": [1]}', "not_a_key_set"),
    "a private key": (json.dumps({"keys": [ONE.as_dict(private=True)]}), "private_key"),
    "a private key beside": (
        json.dumps({"keys": [public(ONE), RSAKey.generate_key(2048).as_dict(private=True)]}),
        "private_key",
    ),
    "a shared key": (json.dumps({"keys": [public(ONE), OctKey.generate_key(256).as_dict()]}), "private_key"),
    "too many": (json.dumps({"keys": [public(new_key(f"k{n}")) for n in range(17)]}), "too_many_keys"),
    "a key twice": (json.dumps({"keys": [public(ONE), public(ONE)]}), "repeated_key"),
    "a kid twice": (json.dumps({"keys": [public(ONE), public(new_key("key-1"))]}), "repeated_key"),
    "a key by another kid": (json.dumps({"keys": [{**public(ONE), "kid": "key-9"}]}), "renamed_key"),
    "huge": (" " * 70_000, "too_large"),
}


@pytest.mark.parametrize(("text", "fault"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_that_does_not_count(town: Town, text: str | bytes, fault: str) -> None:
    """Nothing of it is taken; what there was goes on for its hour; the operator is told what is wrong."""
    town.host.answer = saying(text)
    town.later(6)
    assert 200 == town.ask(ONE)
    assert fault == KeySetTimes(town.state.database).of(town.client_id).fault
    assert 1 == len(town.events())
    with pytest.raises(OperatorError, match=r"cannot be fetched: [^_]*$"):
        fetch_now(town.state, town.client_id)


def test_keys_that_are_not_for_us_are_passed_over(town: Town) -> None:
    """A set of a real provider has keys for encryption and by other algorithms: they prove nobody."""
    p521, rs, enc = ECKey.generate_key("P-521"), RSAKey.generate_key(2048), new_key("enc")
    ed = OKPKey.generate_key("Ed25519", parameters={"kid": "ed"})
    others = [
        public(p521),
        {**public(rs), "alg": "RS256"},
        {**public(enc), "use": "enc"},
        {**public(TWO), "key_ops": ["sign"]},
        {"kty": "RSA", "n": "zzzz" * 43, "e": "AQAB", "alg": "PS256"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": 3},
        {**public(THREE), "kid": 7},
        public(OKPKey.generate_key("X25519")),
        {**public(ed), "alg": "EdDSA"},
    ]
    town.host.answer = publishing(ONE, *others)
    town.later(6)
    assert 200 == town.ask(ONE)
    assert ((thumb(ed), [])) == town.events()[-1]
    for key in (enc, TWO):
        assert 401 == town.ask(key)
    town.host.answer = publishing(ONE, {**public(ed), "alg": "Ed25519"})  # the same by its newer name
    town.later(6)
    assert 200 == town.ask(ONE)
    assert 2 == len(town.events())


def test_a_key_that_ended_is_as_one_that_left(town: Town) -> None:
    """An `exp` that an agency publishes in its set is heeded with the fetch; one to come changes nothing."""
    now = int(time.time())
    town.host.answer = publishing({**public(ONE), "exp": now + 3600})
    town.later(6)
    assert 200 == town.ask(ONE)
    assert [] == key_warnings(town.state, town.city.tokens)
    for end in (now - 1, "never", True):
        town.host.answer = publishing({**public(ONE), "exp": end})
        town.later(6)
        assert 401 == town.ask(ONE)
    (warning,) = key_warnings(town.state, town.city.tokens)
    assert ("key_set_empty", True) == (warning.code, "gatekeeper client fetch-keys" in warning.text)
    town.host.answer = publishing(ONE)
    town.later(6)
    assert 200 == town.ask(ONE)


def test_an_empty_set_takes_every_key_back(town: Town) -> None:
    """An agency that publishes none has none."""
    assert 200 == town.ask(ONE)
    old = town.token
    town.host.answer = publishing()
    town.later(6)
    assert 401 == town.ask(ONE)
    assert 401 == town.use(old)


def test_what_the_city_revoked_stays_revoked(town: Town) -> None:
    """Whatever the agency's host says of it afterwards."""
    kid = f"jwks:{ONE.thumbprint()}"
    clear: Any = {"agency": AGENCY, "client": town.client_id, "profile": "private_key"}
    draft = Draft("credential.key_revoked", "credential_0123456789", clear, {"kid": kid}, {})
    town.state.ledger.append(draft, administration.revoke_key(town.client_id, kid))
    assert 401 == town.ask(ONE)
    town.later(6)
    assert 401 == town.ask(ONE)
    town.host.answer = publishing()
    town.later(6)
    assert 401 == town.ask(ONE)
    town.host.answer = publishing(ONE)
    town.later(6)
    assert 401 == town.ask(ONE)
    assert {"credential_revoked"} == {*town.refused}
    # Another key of that name is another key.
    again = new_key("key-1")
    town.host.answer = publishing(again)
    town.later(6)
    assert 200 == town.ask(again)
    assert 401 == town.ask(ONE)


def test_an_address_that_was_revoked_meanwhile_adds_nothing(town: Town) -> None:
    """The operator's command and the fetch meet: the fetch loses."""
    sets = key_sets(town.state)
    before = town.state.registry.client(town.client_id)
    assert before is not None
    kid = documents.kid_of(documents.registered(town.host.uri))

    def revoked_meanwhile(uri: str) -> bytes:
        del uri
        clear: Any = {"agency": AGENCY, "client": town.client_id, "profile": "private_key"}
        draft = Draft("credential.key_revoked", "credential_0123456789", clear, {"kid": kid}, {})
        town.state.ledger.append(draft, administration.revoke_key(town.client_id, kid))
        return json.dumps({"keys": [public(TWO)]}).encode()

    racing = replace(sets, fetch=revoked_meanwhile)
    assert "superseded" == racing.refresh(town.client_id)
    assert 1 == len(town.events())
    after = town.state.registry.client(town.client_id)
    assert after is not None
    assert len(before.keys) == len(after.keys)


def test_a_client_that_may_not_ask_is_not_fetched_for(town: Town) -> None:
    """A revoked client's host hears no more of us."""
    clear: Any = {"agency": AGENCY, "client": town.client_id, "profile": "private_key"}
    draft = Draft("credential.revoked", "credential_0123456789", clear, {}, {})
    town.state.ledger.append(draft, administration.revoke_client(town.client_id))
    town.later(6)
    assert 401 == town.ask(ONE)
    assert [] == town.host.asked


def test_who_changes_keys_all_the_time_fills_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are kept for ever, so one client has so many and no more."""
    monkeypatch.setattr(documents, "MOST_ROWS", 3)
    for number in range(4):
        town.host.answer = publishing(ONE, new_key(f"new-{number}"))
        town.later(6)
        town.ask(ONE)
    assert "too_many_changes" == KeySetTimes(town.state.database).of(town.client_id).fault
    found = town.state.registry.client(town.client_id)
    assert found is not None
    assert 3 == sum(documents.is_published(key) for key in found.keys)


def test_a_set_that_fails_is_told_where_people_look(town: Town) -> None:
    """`/readyz` says of what kind, and not whose; it stays ready; the console and `doctor` say whose."""
    assert "key_warnings" not in town.http.get("/readyz").get_json()
    town.host.answer = saying("", 500)
    town.later(11)
    assert 200 == town.ask(ONE)
    told = town.http.get("/readyz")
    assert ["key_set_failing"] == told.get_json()["key_warnings"]
    assert town.client_id not in told.get_data(as_text=True)
    (warning,) = key_warnings(town.state, town.city.tokens)
    assert f"gatekeeper client fetch-keys {town.client_id}" in warning.text
    assert "status_500" in warning.text
    file = town.state.settings.key_directory / "tokens" / "active.pem"
    file.chmod(0o644)
    codes = [warning.code for warning in key_warnings(town.state, town.city.tokens)]
    assert ["token_keys_unusable", "key_set_failing"] == codes
