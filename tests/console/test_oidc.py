"""Sign-in by the city's identity provider: who gets in, and every way in which nobody does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pyotp
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import update
from werkzeug.test import TestResponse

from gatekeeper.app import application
from gatekeeper.cli import staff
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.review.roles import Role
from gatekeeper.store.tables import provider_sign_ins, staff_sessions
from gatekeeper.web.console.sessions import FRESH, form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import City
from tests.servers.idp import (
    CLIENT_ID,
    CLIENT_SECRET,
    Forger,
    forging_provider,
    log_in,
    log_out,
    oidc_provider,
    unsigned,
)
from tests.servers.opa import free_port

QUEUE = "/console/reviews"
BASE = "http://127.0.0.1:8080"


@dataclass
class Door:
    """A console whose people sign in with a provider."""

    city: City
    app: Flask
    forger: Forger

    def browser(self) -> FlaskClient:
        """Return a browser."""
        return self.app.test_client()

    def send(self, browser: FlaskClient, way: str = "/console/oidc") -> dict[str, str]:
        """Follow the link to the provider; return what it is told."""
        answer = browser.get(way)
        assert 303 == answer.status_code, answer.text
        told = {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}
        self.forger.nonce = told["nonce"]
        return told

    def back(self, browser: FlaskClient, told: dict[str, str], **changes: str | None) -> TestResponse:
        """Come back from the provider."""
        answer = {"code": "a-code", "state": told["state"], "iss": self.forger.issuer} | changes
        return browser.get(
            "/console/oidc/callback",
            query_string={name: value for name, value in answer.items() if value is not None},
        )

    def sign_in(self, browser: FlaskClient, **changes: str | None) -> TestResponse:
        """Go there and back."""
        return self.back(browser, self.send(browser), **changes)

    def signed_in(self, browser: FlaskClient) -> bool:
        """Say whether the browser is signed in."""
        return browser.get("/console/sign-in").status_code == 303


def with_provider(city: City, issuer: str, **settings: Any) -> City:
    """Return the city with a provider in its settings."""
    known = replace(
        city.state.settings,
        oidc_issuer=issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        **settings,
    )
    return replace(city, state=replace(city.state, settings=known))


def served(city: City) -> Flask:
    """Return the application over a city."""
    return application(city.state, city.gate, city.tokens, lambda _: None)


@pytest.fixture(scope="module")
def forging() -> Iterator[Forger]:
    """Serve a provider that forges."""
    with forging_provider() as forger:
        yield forger


@pytest.fixture
def door(city: City, forging: Forger) -> Door:
    """Return a console with one person, Pat, whom the provider knows."""
    fresh = Forger(issuer=forging.issuer, rsa=forging.rsa)
    forging.__dict__.update(fresh.__dict__)
    known = with_provider(city, forging.issuer)
    staff.register(known.state, "pat.sample", name="Pat Sample", role="records", subject="sub-pat")
    return Door(known, served(known), forging)


# --- The flow. --------------------------------------------------------------------------------------------


def test_the_browser_is_sent_with_everything_that_binds_it(door: Door) -> None:
    """Code flow, PKCE, state, nonce, and a person whom the provider asked not long ago."""
    told = door.send(door.browser())
    assert (CLIENT_ID, "code", "S256", f"{BASE}/console/oidc/callback", "900") == (
        told["client_id"],
        told["response_type"],
        told["code_challenge_method"],
        told["redirect_uri"],
        told["max_age"],
    )
    assert "openid" == told["scope"]
    assert all(len(told[name]) == 43 for name in ("state", "nonce", "code_challenge"))


def test_who_comes_back_is_signed_in_and_in_the_log(door: Door) -> None:
    """To the page that was asked for, with a new identifier; and the code is used as a client of it."""
    browser = door.browser()
    told = door.send(browser, f"/console/oidc?next={quote(QUEUE + '?pile=done')}")
    before = browser.get_cookie("gatekeeper")
    size = door.city.state.rows.head().size
    answer = door.back(browser, told)
    assert (303, f"{QUEUE}?pile=done") == (answer.status_code, answer.location)
    assert 200 == browser.get(QUEUE).status_code
    after = browser.get_cookie("gatekeeper")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    (entry,) = list(door.city.state.rows.entries(size, size + 9))
    assert "provider" == door.city.state.ledger.detail_of(entry.index).openings["method"]["value"]
    asked, authorization = door.forger.asked[-1]
    assert (["authorization_code"], ["a-code"]) == (asked["grant_type"], asked["code"])
    assert 43 == len(asked["code_verifier"][0])
    # RFC 6749 section 2.3.1: name and secret are form-encoded before they are joined.
    pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
    assert f"{CLIENT_ID}:{quote(CLIENT_SECRET, safe='')}" == pair


def test_the_way_back_works_once(door: Door) -> None:
    """Whoever saw the address in a history or a log cannot use it, not even in the same browser."""
    browser = door.browser()
    told = door.send(browser)
    assert 303 == door.back(browser, told).status_code
    assert 403 == door.back(browser, told).status_code


def test_another_browser_cannot_end_a_sign_in(door: Door) -> None:
    """An attacker's own sign-in is not finished in a victim's browser (login CSRF), nor the other way."""
    attacker, victim = door.browser(), door.browser()
    told = door.send(attacker)
    assert 403 == door.back(victim, told).status_code
    door.send(victim)
    assert 403 == door.back(victim, told).status_code
    assert not door.signed_in(victim)


@pytest.mark.parametrize("state", ["", "wrong", "\x00", None])
def test_a_state_of_nobody_signs_nobody_in(door: Door, state: str | None) -> None:
    """Made up, empty or absent."""
    browser = door.browser()
    door.send(browser)
    told = {} if state is None else {"state": state}
    answer = browser.get(
        "/console/oidc/callback", query_string={"code": "a-code", "iss": door.forger.issuer} | told
    )
    assert 403 == answer.status_code
    assert not door.signed_in(browser)


def test_who_stays_away_too_long_begins_anew(door: Door) -> None:
    """Ten minutes are enough for a password and a code."""
    browser = door.browser()
    told = door.send(browser)
    past = door.city.state.clock.now() - timedelta(minutes=10)
    with door.city.state.database.write() as connection:
        row = dict(connection.execute(provider_sign_ins.select()).one()._mapping) | {"began_at": past}
        connection.execute(provider_sign_ins.delete())
        connection.execute(provider_sign_ins.insert(), row)
    assert 403 == door.back(browser, told).status_code


@pytest.mark.parametrize("said", ["https://attacker.invalid", "", None])
def test_another_providers_answer_signs_nobody_in(door: Door, said: str | None) -> None:
    """A code of one provider is not taken to another (RFC 9207)."""
    browser = door.browser()
    assert 403 == door.sign_in(browser, iss=said).status_code
    assert not door.signed_in(browser)
    assert [] == door.forger.asked


def test_an_issuer_that_is_not_promised_may_be_absent_but_not_wrong(door: Door) -> None:
    """Many providers do not send it."""
    door.forger.metadata["authorization_response_iss_parameter_supported"] = False
    assert 303 == door.sign_in(door.browser(), iss=None).status_code
    assert 403 == door.sign_in(door.browser(), iss="https://attacker.invalid").status_code


@pytest.mark.parametrize(
    "changes", [{"error": "access_denied", "code": None}, {"error": "server_error"}, {"code": ""}]
)
def test_an_error_of_the_provider_signs_nobody_in(door: Door, changes: dict[str, str | None]) -> None:
    """And what it says of it is not shown: it could be anybody's words."""
    browser = door.browser()
    answer = door.sign_in(browser, **changes, error_description="Call 555-0100 to unlock")
    assert (403, False) == (answer.status_code, "555-0100" in answer.text)
    assert not door.signed_in(browser)
    assert [] == door.forger.asked


def test_a_doubled_parameter_is_none(door: Door) -> None:
    """Which of two codes counts would be anybody's guess."""
    browser = door.browser()
    told = door.send(browser)
    address = f"/console/oidc/callback?state={told['state']}&code=a&code=b&iss={quote(door.forger.issuer)}"
    assert 403 == browser.get(address).status_code


@pytest.mark.parametrize("elsewhere", ["//attacker.invalid/", "https://attacker.invalid/", "/oauth/token"])
def test_after_sign_in_only_a_page_of_ours_follows(door: Door, elsewhere: str) -> None:
    """The way over the provider is no open redirector."""
    browser = door.browser()
    answer = door.back(browser, door.send(browser, f"/console/oidc?next={quote(elsewhere)}"))
    assert "/console/" == answer.location


def test_nobody_is_signed_in_when_the_log_cannot_be_written(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in that the log does not hold did not happen."""
    browser = door.browser()
    told = door.send(browser)

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(door.city.gate.ledger), "append", full)
    assert 503 == door.back(browser, told).status_code
    monkeypatch.undo()
    assert not door.signed_in(browser)


# --- The ID token. ----------------------------------------------------------------------------------------

OTHER = ECKey.generate_key("P-256", {"kid": "good"})


class After(int):
    """So many seconds after the test runs."""


def _public_as_secret(forger: Forger) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        unsigned_part = unsigned(header | {"alg": "HS256"}, claims).rstrip(".")
        secret = forger.key.as_pem(private=False)
        mac = hmac.new(secret, unsigned_part.encode(), hashlib.sha256).digest()
        return f"{unsigned_part}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return forge


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://attacker.invalid"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": []},
        {"aud": None},
        {"azp": "another-client"},
        {"exp": After(-120)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": After(300)},
        {"iat": After(-3600)},
        {"iat": None},
        {"nbf": After(300)},
        {"nonce": "another"},
        {"nonce": ""},
        {"nonce": 7},
        {"nonce": None},
        {"auth_time": After(-3600)},
        {"auth_time": After(3600)},
        {"auth_time": "2026-11-25"},
        {"auth_time": True},
        {"auth_time": 1e300},
        {"auth_time": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "sub-pat\n"},
        {"sub": "s" * 256},
        {"sub": ["sub-pat"]},
    ],
    ids=lambda claims: json.dumps(claims)[:40],
)
def test_a_claim_that_is_not_as_it_must_be_names_nobody(door: Door, claims: dict[str, Any]) -> None:
    """Each alone."""
    now = int(time.time())
    door.forger.claims = {n: now + v if isinstance(v, After) else v for n, v in claims.items()}
    browser = door.browser()
    assert 403 == door.sign_in(browser).status_code
    assert not door.signed_in(browser)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES384"},
        {"kid": "unknown"},
        {"crit": ["exp"], "exp": 1},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
    ],
    ids=json.dumps,
)
def test_a_header_that_is_not_as_it_must_be_names_nobody(door: Door, header: dict[str, Any]) -> None:
    """Another algorithm, another key, another kind of token, something critical that we do not know."""
    door.forger.token = lambda known, claims: unsigned(known | header, claims) + "AAAA"
    assert 403 == door.sign_in(door.browser()).status_code


def test_a_signature_of_nobody_we_know_names_nobody(door: Door) -> None:
    """None at all, another key under the same name, and the public key used as a shared secret."""
    for forged in (
        lambda header, claims: unsigned(header | {"alg": "none"}, claims),
        unsigned,
        lambda header, claims: jwt.encode(header, claims, OTHER),
        lambda _, claims: jwt.encode({"alg": "ES256", "jwk": OTHER.as_dict(private=False)}, claims, OTHER),
        lambda header, claims: jwt.encode(
            header | {"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), algorithms=["HS256"]
        ),
        _public_as_secret(door.forger),
    ):
        door.forger.token = forged
        browser = door.browser()
        assert 403 == door.sign_in(browser).status_code
        assert not door.signed_in(browser)


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_key_signs_with_either_padding(door: Door, alg: str) -> None:
    """RS256 is what most providers use."""
    door.forger.header, door.forger.signer = {"alg": alg, "kid": "rsa"}, door.forger.rsa
    assert 303 == door.sign_in(door.browser()).status_code


def test_a_new_key_of_the_provider_is_looked_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers change their keys; a set that is a few seconds old is not asked for again."""
    monkeypatch.setattr("gatekeeper.web.console.provider._REST_S", 0.0)
    assert 303 == door.sign_in(door.browser()).status_code
    door.forger.key = ECKey.generate_key("P-256", {"kid": "new", "use": "sig"})
    door.forger.header = {"kid": "new"}
    assert 303 == door.sign_in(door.browser()).status_code


# --- Accounts. --------------------------------------------------------------------------------------------


def test_whom_the_city_did_not_add_is_not_let_in(door: Door) -> None:
    """No account is made by signing in, whatever the provider says of the person."""
    door.forger.claims = {"sub": "sub-stranger", "role": "admin", "groups": ["admin"]}
    browser, before = door.browser(), len(door.city.state.staff.all())
    answer = door.sign_in(browser)
    assert (403, True) == (answer.status_code, "sub-stranger" in answer.text)
    assert not door.signed_in(browser)
    assert before == len(door.city.state.staff.all())


def test_a_removed_account_is_not_let_in_and_the_person_may_return(door: Door) -> None:
    """With another account, which is made as the first one was."""
    account = door.city.state.staff.find("pat.sample")
    assert account is not None
    door.city.state.personnel().remove(account, reason="left the city", by="test")
    browser = door.browser()
    assert 403 == door.sign_in(browser).status_code
    staff.register(door.city.state, "pat.returns", name="Pat Sample", role="auditor", subject="sub-pat")
    assert 303 == door.sign_in(browser).status_code
    assert "Pat Sample</a>, auditor" in browser.get(QUEUE).text


def test_whom_the_provider_knows_has_no_password_here(door: Door) -> None:
    """Nor one that could be made: what is empty fits nothing."""
    account = door.city.state.staff.find("pat.sample")
    assert account is not None
    assert ("", b"") == (account.password_hash, account.totp_box)
    city = with_provider(door.city, door.forger.issuer, oidc_local_sign_in=True)
    for password in ("", "anything"):
        browser = Browser(served(city).test_client(), staff.Made(account, password=password))
        browser.made = replace(browser.made, totp_secret="JBSWY3DPEHPK3PXP" * 2)
        assert 403 == browser.sign_in().status_code


def test_local_accounts_are_for_emergencies(door: Door) -> None:
    """They sign in where the city says so, and the log tells such a sign-in apart."""
    made = staff.register(door.city.state, "glass.sample", name="Glass Sample", role="admin")
    closed = door.browser()
    closed.get("/console/sign-in")
    known = closed.get_cookie("gatekeeper")
    assert known is not None
    form = {
        "form": form_token(known.value),
        "username": made.account.username,
        "password": made.password,
        "code": pyotp.TOTP(made.totp_secret).at(datetime.now(UTC)),
    }
    assert 403 == closed.post("/console/sign-in", data=form).status_code
    city = with_provider(door.city, door.forger.issuer, oidc_local_sign_in=True)
    size = city.state.rows.head().size
    assert 303 == Browser(served(city).test_client(), made).sign_in().status_code
    (entry,) = list(city.state.rows.entries(size, size + 9))
    assert "local_code" == city.state.ledger.detail_of(entry.index).openings["method"]["value"]


# --- The proof. -------------------------------------------------------------------------------------------


def stale(door: Door) -> None:
    """Let the last proof of every session be too old."""
    past = door.city.state.clock.now() - FRESH
    with door.city.state.database.write() as connection:
        connection.execute(update(staff_sessions).values(proved_at=past))


def proved_at(door: Door, browser: FlaskClient) -> Any:
    """Return when this browser's person last proved who they are."""
    cookie = browser.get_cookie("gatekeeper")
    assert cookie is not None
    session = door.city.state.staff.session(cookie.value)
    assert session is not None
    return session.proved_at


def test_a_proof_asks_the_person_anew(door: Door) -> None:
    """The provider is told to; the session goes on under another identifier, as just proved."""
    browser = door.browser()
    door.sign_in(browser)
    stale(door)
    assert "/console/oidc/proof?next=" in browser.get("/console/proof").text
    told = door.send(browser, f"/console/oidc/proof?next={quote(QUEUE)}")
    assert ("login", "0") == (told["prompt"], told["max_age"])
    before, old = proved_at(door, browser), browser.get_cookie("gatekeeper")
    answer = door.back(browser, told)
    assert (303, QUEUE) == (answer.status_code, answer.location)
    assert proved_at(door, browser) > before
    thief = door.browser()
    assert old is not None
    thief.set_cookie("gatekeeper", old.value)
    assert not door.signed_in(thief)


def test_a_provider_that_did_not_ask_anew_proves_nothing(door: Door) -> None:
    """It may have been told to, and have let the person through as they were."""
    browser = door.browser()
    door.sign_in(browser)
    told = door.send(browser, "/console/oidc/proof")
    door.forger.claims = {"auth_time": int(time.time()) - 120}
    before = proved_at(door, browser)
    assert 403 == door.back(browser, told).status_code
    assert before == proved_at(door, browser)


def test_a_proof_of_somebody_else_is_none(door: Door) -> None:
    """A colleague at the same screen cannot lend theirs; nor does it change who is signed in."""
    staff.register(door.city.state, "robin.sample", name="Robin Sample", role="counsel", subject="sub-robin")
    browser = door.browser()
    door.sign_in(browser)
    told = door.send(browser, "/console/oidc/proof")
    door.forger.claims = {"sub": "sub-robin"}
    before = proved_at(door, browser)
    assert 403 == door.back(browser, told).status_code
    assert before == proved_at(door, browser)
    assert "Pat Sample" in browser.get(QUEUE).text


def test_a_sign_in_of_a_while_ago_is_no_fresh_proof(door: Door) -> None:
    """A provider that let the person through as they were proves what it proved then."""
    door.forger.claims = {"auth_time": int(time.time()) - 840}
    browser = door.browser()
    assert 303 == door.sign_in(browser).status_code
    assert door.city.state.clock.now() - proved_at(door, browser) >= FRESH


# --- The provider itself. ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://attacker.invalid"},
        {"token_endpoint": "http://attacker.invalid/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example.gov@attacker.invalid/"},
        {"jwks_uri": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=json.dumps,
)
def test_a_provider_that_is_not_as_it_must_be_is_not_asked(door: Door, metadata: dict[str, Any]) -> None:
    """Another's name, an address in the clear, no PKCE: a clear page, and nobody is sent anywhere."""
    door.forger.metadata = metadata
    answer = door.browser().get("/console/oidc")
    assert (503, None) == (answer.status_code, answer.headers.get("Location"))
    assert "did not answer as it should" in answer.text


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (302, b"{}"),
        (400, b'{"error": "invalid_grant"}'),
        (200, b'{"error": "invalid_grant"}'),
        (200, b"not JSON"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"id_token": 7}'),
        (200, b'{"id_token": "a.b.c"}'),
        (200, b'{"id_token": "' + b"a" * 40_000 + b'"}'),
        (200, b" " * (1024 * 1024 + 2)),
    ],
    ids=lambda answer: f"{answer[0]} {answer[1][:20].decode()}",
)
def test_an_answer_of_another_shape_signs_nobody_in(door: Door, answer: tuple[int, bytes]) -> None:
    """A page of ours says so; no redirect is followed."""
    door.forger.answer = lambda: answer
    browser = door.browser()
    assert door.sign_in(browser).status_code in {403, 503}
    assert not door.signed_in(browser)


def test_a_provider_that_is_down_is_said_to_be(city: City) -> None:
    """Nobody is signed in, and a second attempt does not wait for it again."""
    app = served(with_provider(city, f"http://127.0.0.1:{free_port()}"))
    for _ in range(2):
        answer = app.test_client().get("/console/oidc")
        assert (503, True) == (answer.status_code, "did not answer as it should" in answer.text)


def test_without_a_provider_there_is_no_such_way(staffed: Staffed) -> None:
    """Nor a link to it."""
    browser = staffed.app.test_client()
    assert browser.get("/console/oidc").headers["Location"].startswith("/console/sign-in?next=")
    assert "/console/oidc" not in browser.get("/console/sign-in").text


# --- oidc-provider. ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve oidc-provider."""
    directory: Path = tmp_path_factory.mktemp("idp")
    with oidc_provider(BASE, directory) as issuer:
        yield issuer


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


@pytest.mark.servers
@pytest.mark.needs("node")
@pytest.mark.parametrize("role", ["records", "admin"])
def test_with_oidc_provider_there_and_back(city: City, idp: str, role: Role) -> None:
    """Sign in, prove it again, sign out there too: a provider that others wrote agrees with each step."""
    known = with_provider(city, idp)
    staff.register(known.state, f"{role}.real", name="Real Sample", role=role, subject=f"{role}-real")
    browser, person = served(known).test_client(), requests.Session()
    sent = browser.get("/console/oidc")
    back = log_in(sent.location, f"{role}-real", person, BASE)
    assert 303 == browser.get(_path(back)).status_code
    assert 403 == browser.get(_path(back)).status_code
    home = browser.get("/console/", follow_redirects=True)
    assert "Real Sample" in home.text
    # The provider knows the person still, and asks them all the same.
    sent = browser.get("/console/oidc/proof")
    back = log_in(sent.location, f"{role}-real", person, BASE)
    assert 303 == browser.get(_path(back)).status_code
    token = Browser(browser, staff.Made(known.state.staff.all()[0])).token(
        browser.get("/console/", follow_redirects=True)
    )
    answer = browser.post("/console/sign-out", data={"form": token})
    assert 200 == answer.status_code
    there = answer.headers["Refresh"].removeprefix("0; url=")
    assert there.startswith(f"{idp}/session/end?")
    ended = log_out(there, person, BASE)
    said = browser.get(_path(ended)).text
    assert "at the city" in said, said
    assert 303 == browser.get(QUEUE).status_code
    # Signed out there: the next sign-in asks again.
    sent = browser.get("/console/oidc")
    assert 'name="login"' in person.get(sent.location, timeout=10).text


@pytest.mark.servers
@pytest.mark.needs("node")
def test_with_oidc_provider_somebody_else_comes_back(city: City, idp: str) -> None:
    """Whom the city did not add stays outside."""
    known = with_provider(city, idp)
    browser = served(known).test_client()
    back = log_in(browser.get("/console/oidc").location, "stranger", requests.Session(), BASE)
    answer = browser.get(_path(back))
    assert (403, True) == (answer.status_code, "stranger" in answer.text)
