"""Keys that an agency's identity provider publishes: a real host, a real log, and queries between them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gatekeeper.app import application
from gatekeeper.cli.issuer_key_sets import fetch_now, terms_of
from gatekeeper.errors import LedgerUnavailable, OperatorError, StoreUnavailable, Superseded, Unauthenticated
from gatekeeper.exchange.authenticate import TokenVerifier
from gatekeeper.exchange.key_sets import KeysStale
from gatekeeper.ledger import Draft, Ledger
from gatekeeper.notices.fetching import FetchFailed, Fetching
from gatekeeper.parts import issuer_keys, issuers, key_warnings, trust
from gatekeeper.policy import Bundle
from gatekeeper.state import State
from gatekeeper.store import administration
from gatekeeper.store.key_sets import KeySetTimes
from gatekeeper.web import issuer_keys as fetched_keys
from gatekeeper.web.issuer_keys import EVERY_MS, IssuerKeys
from tests.exchange.conftest import bundle
from tests.exchange.providers import Providers
from tests.exchange.test_issuers import AGENCY, EC, URL, WHY, Town, found_town, named, revoked_of_a_client
from tests.servers.key_host import KeyHost, dripping, key_host, new_key, publishing, saying, silent
from tests.servers.nginx import Authority

__all__ = ["bundle"]

MINUTE, HOUR = 60_000, 3_600_000
NEXT = ECKey.generate_key("P-256")
ONE, TWO = named(EC, "ec"), named(NEXT, "next")


class Fetched(Town):
    """The town of ``test_issuers``, whose one issuer publishes its keys."""

    def __init__(self, town: Town, state: State, host: KeyHost) -> None:
        object.__setattr__(self, "city", town.city)
        object.__setattr__(self, "state", state)
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "keys", issuer_keys(state))
        verifier: TokenVerifier = town.city.gate.verifier
        verifier.key_source = self.keys

    state: State
    host: KeyHost
    keys: IssuerKeys

    @property
    def id(self) -> str:
        """The issuer's id."""
        found = self.state.registry.snapshot().issuer(URL)
        assert found is not None
        return found.id

    def later(self, ms: int) -> None:
        """Let time pass: what was tried and fetched is older by that much."""
        with self.state.database.write() as connection:
            statement = f"UPDATE key_sets SET tried_ms = tried_ms - {ms}, fetched_ms = fetched_ms - {ms}"  # noqa: S608  numbers
            connection.exec_driver_sql(statement)
        self.keys._seen.clear()

    def status(self, kid: str, key: Any) -> int | str:
        """Ask with a token of that key; return 200, 503, or why it is refused."""
        try:
            return self.ask(self.token({"kid": kid}, key)).status
        except Unauthenticated as refused:
            return refused.reason
        except StoreUnavailable:
            return 503

    def settled(self, kid: str, key: Any) -> int | str:
        """Ask until nothing is being fetched any more."""
        ends = time.monotonic() + 10
        while (found := self.status(kid, key)) == 503:
            assert time.monotonic() < ends
            time.sleep(0.02)
        return found

    def fault(self) -> str | None:
        """Return what the last try failed by."""
        return KeySetTimes(self.state.database).of(self.id).fault

    def fetches(self) -> list[tuple[list[str], list[str]]]:
        """Return what was added and withdrawn, entry by entry."""
        told = [each for each in self.city.events() if each["event"] == "issuer.keys_fetched"]
        return [(each["added"], each["withdrawn"]) for each in told]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority made for these tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


def fetching_town(directory: Path, bundle: Bundle, authority: Authority) -> Iterator[Fetched]:
    """A city that fetches from loopback because it says so, and an issuer whose one key is there."""
    made = found_town(directory / "city", bundle)
    settings = replace(
        made.city.state.settings,
        key_set_networks="127.0.0.1/32",
        ca_file=str(authority.root.certificate),
    )
    state = replace(made.city.state, settings=settings)
    with key_host(authority.issue("host"), keys=[ONE]) as host:
        keys = terms_of(state, host.uri, 2, ["ES256", "PS256", "EdDSA"], None)
        Providers(state).change(URL, keys, reason=WHY, by="test")
        assert 1 == fetch_now(state, URL)
        host.asked.clear()
        yield Fetched(made, state, host)
        for thread in threading.enumerate():
            if thread.name == "issuer keys":  # what a test began: the host is there until it has ended
                thread.join(10)
    state.close()


@pytest.fixture
def town(tmp_path: Path, bundle: Bundle, authority: Authority) -> Iterator[Fetched]:
    """A town of the test's own."""
    yield from fetching_town(tmp_path, bundle, authority)


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, bundle: Bundle, authority: Authority
) -> Iterator[Fetched]:
    """One town for what changes nothing in its registry."""
    yield from fetching_town(tmp_path_factory.mktemp("shared"), bundle, authority)


def thumb(*keys: Any) -> list[str]:
    """Return thumbprints."""
    return sorted(key.thumbprint() for key in keys)


def test_a_published_key_counts_once_it_is_in_the_log(town: Fetched) -> None:
    """Registered without a key, fetched, logged; then each token is read without asking anybody."""
    assert [(thumb(EC), [])] == town.fetches()
    assert [200, 200] == [town.status("ec", EC) for _ in range(2)]
    assert [] == town.host.asked
    (entry,) = [each for each in town.city.events() if each["event"] == "issuer.keys_fetched"]
    assert [AGENCY] == entry["agencies"]
    assert "127.0.0.1" not in json.dumps(entry)


def test_keys_are_fetched_in_the_background_and_what_left_is_refused_at_once(town: Fetched) -> None:
    """Every ten minutes, whoever asks meanwhile; each change is an entry."""
    town.keys.round()
    assert [] == town.host.asked
    town.host.answer = publishing(ONE, TWO)
    town.later(EVERY_MS)
    town.keys.round()
    town.keys.round()
    assert 1 == len(town.host.asked)
    assert (thumb(NEXT), []) == town.fetches()[-1]
    assert [200, 200] == [town.status("ec", EC), town.status("next", NEXT)]
    town.host.answer = publishing(TWO)
    town.later(EVERY_MS)
    town.keys.round()
    assert ([], thumb(EC)) == town.fetches()[-1]
    assert ["unknown_key", 200] == [town.settled("ec", EC), town.status("next", NEXT)]
    town.later(EVERY_MS)
    town.keys.round()
    assert 3 == len(town.fetches())


def test_a_key_that_was_revoked_of_a_client_is_not_taken_in(town: Fetched) -> None:
    """Whoever publishes it; the others of the set count."""
    revoked_of_a_client(town.state, NEXT)
    town.host.answer = publishing(ONE, TWO)
    town.later(EVERY_MS)
    town.keys.round()
    assert (1, 1) == (len(town.host.asked), len(town.fetches()))
    assert [200, "unknown_key"] == [town.status("ec", EC), town.settled("next", NEXT)]


def test_a_new_key_is_fetched_when_a_token_names_it(town: Fetched) -> None:
    """Who comes first is told to come again, and waits for nobody."""
    town.later(MINUTE)
    town.host.answer = publishing(ONE, TWO)
    assert 503 == town.status("next", NEXT)
    assert 200 == town.settled("next", NEXT)
    assert 1 == len(town.host.asked)


def test_unknown_keys_make_us_fetch_once_a_minute(town: Fetched) -> None:
    """A thousand strangers' tokens are one fetch, whichever keys they name, in whichever worker."""
    town.later(MINUTE)
    stranger, workers = new_key("x"), [issuer_keys(town.state) for _ in range(3)]
    assert "unknown_key" == town.settled("unknown", stranger)
    for number in range(30):
        town.city.gate.verifier.key_source = workers[number % 3]
        assert "unknown_key" == town.status(f"unknown-{number}", stranger)
    assert 1 == len(town.host.asked)
    town.city.gate.verifier.key_source = town.keys
    town.later(MINUTE)
    assert "unknown_key" == town.settled("unknown", stranger)
    assert 2 == len(town.host.asked)
    assert 1 == len(town.fetches())
    assert 200 == town.status("ec", EC)


def test_a_stranger_makes_nobody_write(town: Fetched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the minute an unknown name is refused without the one place to write."""
    monkeypatch.setattr(type(town.state.database), "write", _fails)
    assert ["unknown_key"] * 3 == [town.status("unknown", NEXT) for _ in range(3)]


def _fails(*_: object, **__: object) -> None:
    raise LedgerUnavailable("the disk is full")


def test_keys_that_were_not_fetched_for_too_long_count_for_nothing(town: Fetched) -> None:
    """Believed for the two hours of the terms; then refused, with the cause in our log alone; then back."""
    town.host.answer = saying("", 500)
    town.later(HOUR)
    town.keys.round()
    assert "status_500" == town.fault()
    assert 200 == town.status("ec", EC)
    town.later(HOUR + MINUTE)
    assert 503 == town.status("ec", EC)
    assert "issuer_keys_stale" == town.settled("ec", EC)
    assert 2 == len(town.host.asked)
    town.host.answer = publishing(ONE)
    town.later(MINUTE)
    assert 200 == town.settled("ec", EC)
    assert 1 == len(town.fetches())


def test_the_bound_holds_in_a_worker_that_remembers(town: Fetched) -> None:
    """What a worker knows of the last fetch ends with it, to the second."""
    assert 200 == town.status("ec", EC)
    real = town.keys.now_ms
    issuer = town.state.registry.snapshot().issuer(URL)
    assert issuer is not None
    fetched = KeySetTimes(town.state.database).of(town.id).fetched_ms
    held = replace(town.keys, now_ms=lambda: fetched + 2 * HOUR)
    held.keys(issuer, "ec")
    held = replace(held, now_ms=lambda: fetched + 2 * HOUR + 1)
    with pytest.raises(StoreUnavailable):
        held.keys(issuer, "ec")
    ahead = replace(town.keys, now_ms=lambda: real() - 2 * MINUTE, _seen={})
    with pytest.raises((KeysStale, StoreUnavailable)):
        ahead.keys(issuer, "ec")  # fetched in the future: a clock was wrong, and says nothing


def test_the_cause_is_not_in_the_answer(town: Fetched) -> None:
    """401 as for any token that is not believed; 503 with Retry-After while it is fetched."""
    refused: list[str] = []
    http: FlaskClient = application(
        town.state, town.city.gate, town.city.tokens, refused.append
    ).test_client()

    def send() -> Any:
        presented = town.presented(town.token())
        headers = {"Authorization": presented.authorization or "", "DPoP": presented.dpop or ""}
        return http.post("/v1/queries", json={}, headers=headers)

    town.host.answer = saying("", 500)
    town.later(3 * HOUR)
    first = send()
    assert (503, True) == (first.status_code, "Retry-After" in first.headers)
    ends = time.monotonic() + 10
    while (answer := send()).status_code == 503:
        assert time.monotonic() < ends
    assert 401 == answer.status_code
    assert "stale" not in answer.get_data(as_text=True) + str(answer.headers)
    assert ["issuer_keys_stale"] == refused
    told = http.get("/readyz")
    assert (200, ["issuer_keys_stale"]) == (told.status_code, told.get_json()["key_warnings"])
    assert URL not in told.get_data(as_text=True)


def test_what_is_wrong_is_told_where_people_look(town: Fetched) -> None:
    """Not the first time that it fails; then failing, then stale; each with the command."""

    def codes() -> list[str]:
        found = key_warnings(town.state, town.city.tokens)
        assert all(f"gatekeeper issuer fetch-keys {URL}" in each.text for each in found)
        return [each.code for each in found]

    assert [] == codes()
    town.host.answer = saying("", 500)
    town.later(11 * MINUTE)
    town.keys.round()
    assert [] == codes()
    town.later(10 * MINUTE)
    assert ["issuer_keys_failing"] == codes()
    town.later(2 * HOUR)
    assert ["issuer_keys_stale"] == codes()
    town.host.answer = publishing()
    town.keys.round()
    assert ["issuer_keys_none"] == codes()
    issuers(town.state).end(URL, "suspended", reason=WHY, by="test")
    assert [] == codes()


def test_a_slow_provider_holds_up_nobody(town: Fetched) -> None:
    """While it drips its own tokens are answered, the log is written, and nobody waits for it."""
    town.host.answer = dripping
    town.later(MINUTE)
    began = time.monotonic()
    assert 503 == town.status("next", NEXT)
    while not town.host.asked:
        time.sleep(0.01)
    for number in range(10):
        clear: Any = {"agency": AGENCY, "client": town.city.clients[AGENCY], "profile": "fapi"}
        draft = Draft("credential.token_revoked", f"token_0123456789{number}", clear, {"jti": "x"}, {})
        expires = town.state.clock.now()
        town.state.ledger.append(draft, administration.revoke_token(f"jti-{number}", expires))
    assert 200 == town.status("ec", EC)
    assert 503 == town.status("next", NEXT)
    assert time.monotonic() - began < 2
    assert "unknown_key" == town.settled("next", NEXT)
    assert 2.5 < time.monotonic() - began < 6
    assert "timed_out" == town.fault()


BIG = " " * 70_000
DOCUMENTS: dict[str, tuple[Any, str]] = {
    "a page": (saying("<html>Sign in</html>"), "not_json"),
    "nothing": (saying(""), "not_json"),
    "no UTF-8": (saying(b'{"keys": ["\xff"]}'), "not_json"),
    "very deep": (saying("[" * 30_000), "not_json"),
    "a list": (saying("[]"), "not_a_key_set"),
    "one key": (saying(json.dumps(ONE)), "not_a_key_set"),
    "keys that are none": (saying('{"keys": {"a": 1}}'), "not_a_key_set"),
    "a key that is none": (saying('{"keys": [1]}'), "not_a_key_set"),
    "a private key beside": (publishing(ONE, RSAKey.generate_key(2048).as_dict(private=True)), "private_key"),
    "a shared key": (publishing(ONE, {**OctKey.generate_key(256).as_dict(), "kid": "k"}), "private_key"),
    "too many": (publishing(*(named(NEXT, f"k{n}") for n in range(51))), "too_many_keys"),
    "a kid twice": (publishing(ONE, named(NEXT, "ec")), "repeated_key"),
    "huge": (saying(BIG), "too_large"),
    "a redirect": (saying("", 302, Location="/other"), "status_302"),
    "a redirect to this machine": (saying("", 307, Location="http://169.254.169.254/"), "status_307"),
    "not found": (saying("", 404), "status_404"),
    "compressed": (saying(b"\x1f\x8b", Content_Encoding="gzip"), "encoded"),
    "silence": (silent, "timed_out"),
}


@pytest.mark.parametrize(("answer", "fault"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_that_does_not_count(shared: Fetched, answer: Any, fault: str) -> None:
    """Nothing of it is taken, and the key that was there goes on; the operator is told what is wrong."""
    town = shared
    town.host.answer = answer
    with pytest.raises(
        OperatorError, match=r"cannot be fetched: [^_]*; afterwards: gatekeeper issuer fetch-keys"
    ):
        fetch_now(town.state, URL)
    assert fault == town.fault()
    assert 200 == town.status("ec", EC)
    assert "unknown_key" == town.status("next", NEXT)
    assert 1 == len(town.fetches())
    with pytest.raises(OperatorError, match="cannot be fetched"):
        terms_of(town.state, town.host.uri, None, ["ES256"], None)


def test_keys_that_are_not_for_us_are_passed_over(town: Fetched) -> None:
    """A provider publishes keys for encryption, other algorithms and other curves beside those that count."""
    ed = OKPKey.generate_key("Ed25519")
    others = [
        named(ECKey.generate_key("P-521"), "p521"),
        named(RSAKey.generate_key(2048), "rs", alg="RS256"),
        named(NEXT, "enc", use="enc"),
        {**named(NEXT, "ops"), "key_ops": ["sign"]},
        {**named(NEXT, "x"), "kid": 7},
        {**named(NEXT, "x"), "kid": "ke y"},
        {**named(NEXT, "x"), "kid": "k" * 129},
        NEXT.as_dict(private=False) | {"kid": None},
        {"kty": "RSA", "n": "zzzz" * 43, "e": "AQAB", "kid": "small"},
        {"kty": "EC", "crv": "P-256", "kid": "half"},
        {"kty": 3, "kid": "three"},
        {**named(ed, "ed"), "x5c": ["MII"], "issuer": "https://x.invalid"},
    ]
    town.host.answer = publishing(ONE, *others)
    assert 2 == fetch_now(town.state, URL)
    assert (thumb(ed), []) == town.fetches()[-1]
    found = town.state.registry.snapshot().issuer(URL)
    assert found is not None
    assert {"crv", "kty", "x", "y", "kid"} == {name for key in found.terms["jwks"]["keys"] for name in key}
    for kid in ("enc", "ops", "x"):
        assert "unknown_key" == town.status(kid, NEXT)


def test_a_set_without_keys_takes_every_key_back(town: Fetched) -> None:
    """A provider that publishes none has none; one that never had any is not taken in."""
    token = town.token()
    town.host.answer = publishing()
    assert 0 == fetch_now(town.state, URL)
    assert ([], thumb(EC)) == town.fetches()[-1]
    with pytest.raises(Unauthenticated, match="unknown_key"):
        town.ask(token)
    with pytest.raises(OperatorError, match="no key of the set"):
        terms_of(town.state, town.host.uri, None, ["ES256"], None)


def test_a_key_with_an_end_of_its_own_counts_until_then(town: Fetched) -> None:
    """To the second, without a fetch; an end that is none is one that is past."""
    now = int(time.time())
    for end, told in ((now + 600, 200), (now - 1, "issuer_key_expired"), ("soon", "issuer_key_expired")):
        town.host.answer = publishing({**ONE, "exp": end})
        fetch_now(town.state, URL)
        assert told == town.status("ec", EC)
    assert ["issuer_keys_none"] == [each.code for each in key_warnings(town.state, town.city.tokens)]


def test_a_key_of_the_same_name_is_another_key(town: Fetched) -> None:
    """A provider that exchanges the key under a name ends what the old one signed."""
    old = town.token()
    town.host.answer = publishing(named(NEXT, "ec"))
    fetch_now(town.state, URL)
    assert (thumb(NEXT), thumb(EC)) == town.fetches()[-1]
    with pytest.raises(Unauthenticated, match="signature"):
        town.ask(old)
    assert 200 == town.status("ec", NEXT)


def test_it_counts_only_once_the_log_has_it(town: Fetched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be written: the new key does not count, and the time of the last fetch stays."""
    town.host.answer = publishing(ONE, TWO)
    town.later(MINUTE)
    before = KeySetTimes(town.state.database).of(town.id).fetched_ms
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", _fails)
        with pytest.raises(LedgerUnavailable):
            town.keys.refresh(URL)
    assert before == KeySetTimes(town.state.database).of(town.id).fetched_ms
    assert 200 == town.settled("next", NEXT)


MEANWHILE: dict[str, Callable[[Fetched], None]] = {
    "keys of a file": lambda t: Providers(t.state).exchange_keys(
        URL, {"keys": [named(OKPKey.generate_key("Ed25519"), "ed")]}, reason=WHY, by="test"
    ),
    "another address": lambda t: Providers(t.state).change(
        URL,
        {"jwks": {"keys": []}, "jwks_uri": "https://other.example", "stale_hours": 2},
        reason=WHY,
        by="test",
    ),
    "suspended": lambda t: Providers(t.state).set_status(URL, "suspended", reason=WHY, by="test"),
    "removed": lambda t: Providers(t.state).set_status(URL, "removed", reason=WHY, by="test"),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE.keys())
def test_what_an_operator_changed_meanwhile_stays(
    town: Fetched, meanwhile: Callable[[Fetched], None]
) -> None:
    """The command and the fetch meet: the fetch loses."""

    def fetch(_: str) -> bytes:
        meanwhile(town)
        return json.dumps({"keys": [TWO]}).encode()

    keys = replace(town.keys, fetch=fetch)
    assert "superseded" == keys.refresh(URL)
    assert 1 == len(town.fetches())
    found = town.state.registry.snapshot().issuer(URL)
    assert found is None or TWO not in found.terms["jwks"]["keys"]


def test_others_that_move_the_registry_do_not_lose_a_fetch(
    town: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is revoked at the same moment is no reason to believe old keys."""
    real, tries = Ledger.append, []

    def append(self: Ledger, *given: Any, **more: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise Superseded
        return real(self, *given, **more)

    monkeypatch.setattr(Ledger, "append", append)
    town.host.answer = publishing(TWO)
    assert 1 == fetch_now(town.state, URL)
    assert 2 == len(tries)


def test_a_suspended_issuers_host_hears_no_more_of_us(town: Fetched) -> None:
    """Nor does anybody else's; reinstated after a day, its keys are fetched before they count."""
    Providers(town.state).set_status(URL, "suspended", reason=WHY, by="test")
    town.later(24 * HOUR)
    town.keys.round()
    assert "issuer_suspended" == town.status("unknown", NEXT)
    assert [] == town.host.asked
    Providers(town.state).set_status(URL, "active", reason=WHY, by="test")
    town.host.answer = publishing(TWO)
    assert 503 == town.status("ec", EC)
    assert "unknown_key" == town.settled("ec", EC)
    assert 200 == town.status("next", NEXT)


def test_another_address_starts_without_keys(town: Fetched, authority: Authority) -> None:
    """What the old host published counts for nothing, also while the new one does not answer."""
    with key_host(authority.issue("other"), keys=[TWO]) as other:
        Providers(town.state).change(
            URL, terms_of(town.state, other.uri, None, ["ES256"], None), reason=WHY, by="test"
        )
        other.answer = saying("", 500)
        assert {503, "unknown_key"} >= {town.status("ec", EC), town.settled("ec", EC)}
        other.answer = publishing(TWO)
        fetch_now(town.state, URL)
        assert ["unknown_key", 200] == [town.settled("ec", EC), town.status("next", NEXT)]
    found = town.state.registry.snapshot().issuer(URL)
    assert found is not None
    assert 24 == found.terms["stale_hours"]


@pytest.mark.parametrize("address", ["10.1.2.3", "169.254.169.254", "127.0.0.2", "::1", "fd00::1", "::"])
def test_a_name_that_leads_inside_is_not_followed(shared: Fetched, address: str) -> None:
    """Whatever it led to when it was registered (DNS rebinding): each fetch looks again, and checks that."""
    town = shared
    fetching = replace(
        Fetching.parse("127.0.0.1/32", trust(town.state.settings)), look_up=lambda *_: [address]
    )
    with pytest.raises(FetchFailed, match="address_refused"):
        fetching.get("https://login.sheriff.example.gov/jwks")
    keys = replace(town.keys, fetch=fetching.get)
    assert "address_refused" == keys.refresh(URL) == town.fault()
    assert 1 == len(town.fetches())


@pytest.mark.parametrize(
    ("uri", "cure"),
    [
        ("http://127.0.0.1/jwks", "https alone"),
        ("https://user@127.0.0.1/jwks", "name or password in it is refused$"),
        ("ftp://127.0.0.1", "https"),
        ("file:///etc/passwd", "https"),
        ("jwks", "https"),
        ("https://", "https"),
        ("https://127.0.0.1/\njwks", "https"),
    ],
)
def test_an_address_that_is_none_is_refused(shared: Fetched, uri: str, cure: str) -> None:
    """With how to give it."""
    with pytest.raises(OperatorError, match=cure):
        terms_of(shared.state, uri, None, ["ES256"], None)


UNFIT: dict[str, dict[str, Any]] = {
    "no address of https": {"jwks_uri": "http://login.example.gov", "jwks": {"keys": []}, "stale_hours": 2},
    "keys beside an address": {"jwks_uri": "https://l.example", "jwks": {"keys": [ONE]}, "stale_hours": 2},
    "believed for ever": {"jwks_uri": "https://l.example", "jwks": {"keys": []}, "stale_hours": 10_000},
    "believed for no time": {"jwks_uri": "https://l.example", "jwks": {"keys": []}, "stale_hours": 0},
    "believed for a word": {"jwks_uri": "https://l.example", "jwks": {"keys": []}, "stale_hours": "two"},
    "believed for a truth": {"jwks_uri": "https://l.example", "jwks": {"keys": []}, "stale_hours": True},
    "no keys": {"jwks": {"keys": []}},
}


@pytest.mark.parametrize("keys", UNFIT.values(), ids=UNFIT.keys())
def test_terms_of_keys_that_are_unfit_change_nothing(shared: Fetched, keys: dict[str, Any]) -> None:
    """Whoever makes them."""
    town = shared
    before = len(town.city.events())
    with pytest.raises(OperatorError):
        Providers(town.state).change(URL, keys, reason=WHY, by="test")
    assert before == len(town.city.events())


def test_a_gate_that_fetches_nothing_believes_nothing_that_is_to_be_fetched(town: Fetched) -> None:
    """Whoever builds a verifier without what fetches has the issuers of files alone."""
    verifier = town.city.gate.verifier
    bare = TokenVerifier(
        verifier.issuer, verifier.issuer, town.city.tokens, verifier.nonces, profiles=frozenset()
    )
    verifier.key_source = bare.key_source
    assert "issuer_keys_stale" == town.status("ec", EC)


def test_the_thread_fetches_what_is_due_and_survives_what_fails(
    town: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that raises is told and followed by the next."""
    rounds = threading.Event()
    calls: list[int] = []

    def fails_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise StoreUnavailable("not now")
        rounds.set()

    keys = town.keys
    fetching = fetched_keys.Fetching(keys, first=0.01, every=0.01)
    with monkeypatch.context() as patch:
        patch.setattr(IssuerKeys, "round", lambda _: fails_once())
        fetching.start()
        assert rounds.wait(5)
        fetching.close()
    with suppress(RuntimeError):
        fetching._thread.join(5)
    assert not fetching._thread.is_alive()
