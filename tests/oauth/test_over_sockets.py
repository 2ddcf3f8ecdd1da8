"""Clients that other people wrote, over real sockets, against two gunicorn workers on the real store."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient  # type: ignore[import-untyped]  # ships no types
from requests_oauthlib import OAuth2Session

from gatekeeper.store.values import ClientKey
from gatekeeper.web.clients import ASSERTION_TYPE
from tests.oauth.city import EC_KEY, ED_KEY, RSA_KEY, SECRET, SECRET_HASH, sign
from tests.oauth.served import AGENCY, lay_out, serving

CLIENTS = Path(__file__).parents[1] / "clients"
SIGNERS: dict[str, Any] = {"ES256": EC_KEY, "PS256": RSA_KEY, "Ed25519": ED_KEY}
pytestmark = pytest.mark.servers


@dataclass(frozen=True, slots=True)
class Served:
    """A city that is served, and the files of its partner."""

    issuer: str
    directory: Path

    def run(self, script: str, *arguments: str, stdin: str = "") -> Any:
        """Run one of the node scripts; return what it printed."""
        done = subprocess.run(
            ["node", CLIENTS / script, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def pem(self, alg: str) -> str:
        """Return the file of a partner's private key."""
        return str(self.directory / f"{alg}.pem")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a city with a client per algorithm and one with a secret."""
    directory = tmp_path_factory.mktemp("served")
    clients: dict[str, tuple[str, str | None, tuple[ClientKey, ...]]] = {
        f"partner-{alg.lower()}": (
            "private_key",
            None,
            (ClientKey(key.kid, alg, key.as_dict(private=False), "active"),),
        )
        for alg, key in SIGNERS.items()
    }
    lay_out(directory, {**clients, "partner-basic": ("basic", SECRET_HASH, ())})
    for alg, key in SIGNERS.items():
        (directory / f"{alg}.pem").write_bytes(key.as_pem(private=True))
    with serving(directory) as issuer:
        yield Served(issuer, directory)


@pytest.mark.needs("node")
@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_openid_client_lives_a_token_s_life(served: Served, alg: str) -> None:
    """Discovery, private_key_jwt, introspection, revocation at once: with no setting of ours."""
    lived = served.run(
        "lifecycle.mjs", served.issuer, f"partner-{alg.lower()}", served.pem(alg), f"--kid={SIGNERS[alg].kid}"
    )
    assert "failure" not in lived, lived
    assert ("bearer", 600) == (lived["granted"]["token_type"], lived["granted"]["expires_in"])
    assert "reads:query ledger:read" == lived["granted"]["scope"]
    assert "refresh_token" not in lived["granted"]
    assert (True, AGENCY) == (lived["before"]["active"], lived["before"]["agency"])
    assert {"active": False} == lived["after"]


@pytest.mark.needs("node")
def test_openid_client_with_a_secret(served: Served) -> None:
    """client_secret_basic, urlencoded as openid-client does."""
    lived = served.run("lifecycle.mjs", served.issuer, "partner-basic", f"--secret={SECRET}")
    assert (True, False) == (lived["before"]["active"], lived["after"]["active"])


@pytest.mark.needs("node")
def test_openid_client_is_told_why(served: Served) -> None:
    """A refusal has the shape that libraries read."""
    arguments = (served.issuer, "partner-es256", served.pem("ES256"), "--kid=ec-1", "--scope=admin")
    assert "invalid_scope" == served.run("lifecycle.mjs", *arguments)["failure"]["error"]
    wrong_kid = (served.issuer, "partner-es256", served.pem("ES256"), "--kid=other")
    failure = served.run("lifecycle.mjs", *wrong_kid)["failure"]
    assert ("invalid_client", 401) == (failure["error"], failure["status"])


@pytest.mark.needs("node")
def test_oauth4webapi_validates_our_token_by_the_book(served: Served) -> None:
    """RFC 9068 as a third party reads it, with our published keys."""
    token = _token(served)
    claims = served.run("validate.mjs", served.issuer, served.issuer, token)
    assert ("partner-basic", AGENCY) == (claims["sub"], claims["agency"])
    elsewhere = served.run("validate.mjs", served.issuer, "https://other.example", token)
    assert "failure" in elsewhere


@pytest.mark.needs("node")
def test_query_script_asks_and_prints(served: Served) -> None:
    """The script of the HTTP suite: token, request, status and body."""
    arguments = (served.issuer, "partner-ps256", served.pem("PS256"), "--kid=rsa-1")
    answer = served.run("query.mjs", *arguments, stdin='{"query": 1}')
    assert {"client": "partner-ps256", "agency": AGENCY, "asked": {"query": 1}} == answer["body"]
    assert 200 == answer["status"]


def test_requests_oauthlib_with_a_secret(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual Python client: fetch a token, use it."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    session = OAuth2Session(client=BackendApplicationClient("partner-basic"))
    token = session.fetch_token(f"{served.issuer}/oauth/token", auth=("partner-basic", SECRET))
    assert ["reads:query", "ledger:read"] == token["scope"]
    assert "partner-basic" == session.get(f"{served.issuer}/v1/queries").json()["client"]


def test_replay_to_another_process_is_refused(served: Served) -> None:
    """One assertion, sent 24 times at once to two workers: one token, and the store says why not more."""
    now = int(time.time())
    claims = {"iss": "partner-es256", "sub": "partner-es256", "aud": served.issuer, "jti": f"once-{now}"}
    assertion = sign({"alg": "ES256", "kid": "ec-1"}, {**claims, "iat": now, "exp": now + 60}, EC_KEY)
    body = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    with ThreadPoolExecutor(24) as pool:
        answers = pool.map(
            lambda _: requests.post(f"{served.issuer}/oauth/token", body, timeout=10), range(24)
        )
        assert {200: 1, 401: 23} == Counter(answer.status_code for answer in answers)
    assert 23 == (served.directory / "gunicorn.log").read_text().count("replayed")


def test_revocation_reaches_every_worker_at_once(served: Served) -> None:
    """After the answer to a revocation no request with that token is let in, whichever worker takes it."""
    token = _token(served)
    address, header = f"{served.issuer}/v1/queries", {"Authorization": f"Bearer {token}"}
    before = {requests.get(address, headers=header, timeout=5).status_code for _ in range(8)}
    revoked = requests.post(
        f"{served.issuer}/oauth/revoke", {"token": token}, auth=("partner-basic", SECRET), timeout=5
    )
    after = [requests.get(address, headers=header, timeout=5) for _ in range(16)]
    assert ({200}, 200, b"") == (before, revoked.status_code, revoked.content)
    assert {(401, "token_revoked")} == {(answer.status_code, answer.json()["reason"]) for answer in after}


def test_doubled_authorization_header_is_refused(served: Served) -> None:
    """Two headers on the wire, in either order: whatever the server makes of them, nobody gets in."""
    good, bad = f"Bearer {_token(served)}", "Bearer a.b.c"
    assert 200 == _raw(served, "/v1/queries", [good])[0]
    for pair in ([good, bad], [bad, good], [good, good], ["Basic eDp5", good], [good, "Basic eDp5"]):
        assert 401 == _raw(served, "/v1/queries", pair)[0]


def test_token_in_the_address_or_body_is_ignored(served: Served) -> None:
    """RFC 6750 sections 2.2 and 2.3 are not served (FAPI 2.0: header only)."""
    token = _token(served)
    address = f"{served.issuer}/v1/queries"
    assert 401 == requests.get(f"{address}?access_token={token}", timeout=5).status_code
    assert 401 == requests.post(address, {"access_token": token}, timeout=5).status_code


def test_dpop_scheme_is_refused(served: Served) -> None:
    """A bearer token under the DPoP scheme would pretend to a proof that nobody checked."""
    assert (401, {"reason": "wrong_scheme"}) == _raw(served, "/v1/queries", [f"DPoP {_token(served)}"])


def test_chunked_body_without_end_is_cut(served: Served) -> None:
    """A body that does not say its length is capped all the same."""
    place = urlsplit(served.issuer)
    parts = iter([b"grant_type=client_credentials&scope="] + [b"a" * 8192] * 8)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked"}
    with closing(http.client.HTTPConnection(place.netloc, timeout=5)) as connection:
        connection.request("POST", "/oauth/token", body=parts, headers=headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (413, "invalid_request") == (answer.status, json.loads(answer.read())["error"])


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
    ],
)
def test_request_that_two_servers_would_cut_differently_is_refused(served: Served, framing: str) -> None:
    """CVE-2024-1135, CVE-2024-6827: a proxy and gunicorn must not see two different requests."""
    place = urlsplit(served.issuer)
    smuggled = "GET /oauth/jwks HTTP/1.1\r\nHost: x\r\n\r\n"
    text = f"POST /oauth/token HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n0\r\n\r\n{smuggled}"
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as connection:
        connection.sendall(text.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501"))
    assert 1 == answer.count(b"HTTP/1.1 ")


def _token(served: Served) -> str:
    body = {"grant_type": "client_credentials"}
    answer = requests.post(f"{served.issuer}/oauth/token", body, auth=("partner-basic", SECRET), timeout=10)
    return str(answer.json()["access_token"])


def _raw(served: Served, path: str, authorization: list[str]) -> tuple[int, Any]:
    """Send as many Authorization headers as one likes; requests would send one."""
    place = urlsplit(served.issuer)
    with closing(http.client.HTTPConnection(place.netloc, timeout=5)) as connection:
        connection.putrequest("GET", path)
        for value in authorization:
            connection.putheader("Authorization", value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
