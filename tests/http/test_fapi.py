"""The FAPI 2.0 profile with clients that other people wrote, and with mutual TLS through a real nginx."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.http.go import asked_by_go
from tests.servers.gate import RunningGate, running_gate
from tests.servers.nginx import Authority, Pair, proxy
from tests.servers.node import asked_by_node
from tests.servers.opa import free_port

pytestmark = pytest.mark.servers

CLIENTS = Path(__file__).parent.parent / "clients"
LIBRARIES = ("openid-client", "oauth4webapi")
SECRET = "s" * 40
HOST = "gate.maple-falls.example"


def by_profile(
    gate: RunningGate, directory: Path, library: str, body: dict[str, Any] | None, *options: str
) -> dict[str, Any]:
    """Ask as a client of the profile; return ``{token_type, details, answers}``."""
    agency = gate.agency(profile="fapi")
    key = directory / "key.pem"
    key.write_text(agency["private_key_pem"])
    return asked_by_node(
        "fapi", library, gate.base_url, agency["client_id"], key, agency["kid"], *options, body=body
    )


@pytest.mark.needs("node")
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_of_others_gets_records(gate: RunningGate, tmp_path: Path, library: str) -> None:
    """Discovery, private_key_jwt, DPoP with our nonce at both endpoints, three queries with one token."""
    given = by_profile(gate, tmp_path, library, gate.body(), "--times=3")
    assert "dpop" == given["token_type"]
    assert [200, 200, 200] == [one["status"] for one in given["answers"]]
    assert all(one["body"]["records"] for one in given["answers"])


@pytest.mark.needs("node")
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_of_others_pins_its_token(gate: RunningGate, tmp_path: Path, library: str) -> None:
    """RFC 9396: the query of the case is answered, another is a 403 that names what differs."""
    body = gate.body()
    details = [{"type": "alpr_query", "case_number": body["purpose"]["case_number"]}]
    given = by_profile(gate, tmp_path, library, body, f"--details={json.dumps(details)}")
    assert (details, [200]) == (given["details"], [one["status"] for one in given["answers"]])
    other = gate.body(purpose__case_number="26-99999")
    refused = by_profile(gate, tmp_path, library, other, f"--details={json.dumps(details)}")["answers"][0]
    assert (403, "/docs#problem-token_pinned") == (refused["status"], refused["body"]["type"])
    assert "/purpose/case_number" == refused["body"]["faults"][0]["pointer"]


@pytest.mark.needs("node")
@pytest.mark.parametrize("path", ["/v1/agency", "/v1/provisions"])
def test_a_library_of_others_reads(gate: RunningGate, tmp_path: Path, path: str) -> None:
    """GET is proved as POST is."""
    given = by_profile(gate, tmp_path, "oauth4webapi", None, f"--path={path}")
    assert [200] == [one["status"] for one in given["answers"]]


# --- Mutual TLS, through nginx. ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, city_of_reads: Path) -> Iterator[Town]:
    """A demo behind nginx, and a client that is known by its certificate."""
    directory = tmp_path_factory.mktemp("tls")
    authority = Authority(directory)
    own = authority.issue("client", x509.DNSName(HOST))
    with (
        running_gate(
            directory / "city", reads=city_of_reads, env={"GATEKEEPER_PROXY_SECRET": SECRET}
        ) as gate,
        proxy(
            directory, gate.base_url, authority, certificates=True, secret=SECRET, port=free_port()
        ) as address,
    ):
        done = gate.command(
            *("client", "add", "maple-falls-pd", "--certificate-name", "san_dns", HOST, "--json")
        )
        yield Town(gate, address, authority, own, json.loads(done.stdout)["client_id"])


class Town:
    """What the tests of this part share."""

    def __init__(
        self, gate: RunningGate, address: str, authority: Authority, own: Pair, client_id: str
    ) -> None:
        self.gate, self.address, self.authority = gate, address, authority
        self.own, self.client_id = own, client_id

    def post(self, path: str, pair: Pair | None, address: str = "", **options: Any) -> requests.Response:
        """Send a request with this certificate, or none."""
        cert = None if pair is None else (str(pair.certificate), str(pair.key))
        return requests.post(
            (address or self.address) + path,
            cert=cert,
            verify=str(self.authority.root.certificate),
            timeout=10,
            **options,
        )

    def token(self, pair: Pair | None, **headers: str) -> requests.Response:
        """Ask for a token."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id}
        return self.post("/oauth/token", pair, data=form, headers=headers)


def forged(pair: Pair) -> dict[str, str]:
    """Return what nginx would say of a certificate, as a caller could write it."""
    return {
        "X-Client-Verify": "SUCCESS",
        "X-Client-Certificate": quote(pair.made.public_bytes(Encoding.PEM).decode()),
        "X-Proxy-Secret": SECRET,
    }


@pytest.mark.needs("nginx")
def test_a_certificate_is_enough_and_binds_the_token(town: Town) -> None:
    """Records for the certificate's holder, nothing for whoever took the token."""
    given = town.token(town.own)
    assert 200 == given.status_code, given.text
    headers = {"Authorization": f"Bearer {given.json()['access_token']}"}
    other = town.authority.issue("thief", x509.DNSName("thief.example"))
    body = town.gate.body()
    assert town.post("/v1/queries", town.own, json=body, headers=headers).json()["records"]
    for pair in (None, other):
        assert 401 == town.post("/v1/queries", pair, json=body, headers=headers).status_code
        stolen = town.post("/v1/queries", pair, json=body, headers={**headers, **forged(town.own)})
        assert 401 == stolen.status_code


@pytest.mark.needs("nginx")
def test_authlibs_client_is_known_by_its_certificate(town: Town) -> None:
    """tls_client_auth, then a query with the token that is bound to the certificate."""
    with AuthlibSession(town.client_id, scope="reads:query", token_endpoint_auth_method="none") as session:
        session.cert = (str(town.own.certificate), str(town.own.key))
        root = str(town.authority.root.certificate)
        session.fetch_token(f"{town.address}/oauth/token", grant_type="client_credentials", verify=root)
        answer = session.post(f"{town.address}/v1/queries", json=town.gate.body(), timeout=15, verify=root)
    assert (200, True) == (answer.status_code, bool(answer.json()["records"])), answer.text


@pytest.mark.needs("nginx")
@pytest.mark.needs("go")
def test_gos_oauth2_is_known_by_its_certificate(town: Town, go_oauth2: str) -> None:
    """The same in Go; with another's certificate it gets no token."""
    other = town.authority.issue("stranger", x509.DNSName("stranger.example"))
    root = str(town.authority.root.certificate)

    def command(pair: Pair) -> list[str]:
        files = ["-cert", str(pair.certificate), "-key", str(pair.key), "-ca", root]
        return [go_oauth2, town.address, town.client_id, *files]

    status, answer = asked_by_go(command(town.own), town.gate.body())
    assert (200, True) == (status, bool(answer["records"])), answer
    done = subprocess.run(command(other), input="{}", capture_output=True, text=True, timeout=60, check=False)
    assert (1, True) == (done.returncode, "invalid_client" in done.stderr), done.stderr


@pytest.mark.needs("nginx")
def test_no_other_certificate_gets_a_token(town: Town, tmp_path: Path) -> None:
    """Another's name, another authority's certificate, none, and headers of the caller's own."""
    other = town.authority.issue("other", x509.DNSName("gate.harbor.example"))
    foreign = Authority(tmp_path).issue("foreign", x509.DNSName(HOST))
    assert 401 == town.token(other).status_code
    assert town.token(foreign).status_code in {400, 401}  # nginx itself answers 400
    assert 401 == town.token(None).status_code
    for pair in (None, other):
        assert 401 == town.token(pair, **forged(town.own)).status_code


@pytest.mark.needs("nginx")
def test_the_gate_itself_believes_no_header_without_the_proxys_secret(town: Town) -> None:
    """Another program on the same machine is not the proxy."""
    form = {"grant_type": "client_credentials", "client_id": town.client_id}
    for secret in ("", "x" * 40, SECRET[:-1], f"{SECRET} {SECRET}"):
        headers = {**forged(town.own), "X-Proxy-Secret": secret}
        answer = requests.post(f"{town.gate.base_url}/oauth/token", data=form, headers=headers, timeout=10)
        assert 401 == answer.status_code
    right = requests.post(
        f"{town.gate.base_url}/oauth/token", data=form, headers=forged(town.own), timeout=10
    )
    assert 200 == right.status_code


@pytest.mark.needs("nginx")
def test_a_certificate_that_is_revoked_is_refused_at_once(town: Town) -> None:
    """One command; the next request of its token is a 401."""
    done = town.gate.command(
        *("client", "add", "maple-falls-pd", "--certificate-name", "san_dns", "second." + HOST, "--json")
    )
    client_id = json.loads(done.stdout)["client_id"]
    pair = town.authority.issue("second", x509.DNSName("second." + HOST))
    form = {"grant_type": "client_credentials", "client_id": client_id}
    token = town.post("/oauth/token", pair, data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert 200 == town.post("/v1/queries", pair, json=town.gate.body(), headers=headers).status_code
    kid = town.gate.command("client", "show", client_id, "--json")
    named = json.loads(kid.stdout)["keys"][0].split(" ")[0]
    town.gate.command("client", "revoke-key", client_id, named)
    assert 401 == town.post("/v1/queries", pair, json=town.gate.body(), headers=headers).status_code
    assert 401 == town.post("/oauth/token", pair, data=form).status_code


SMUGGLED = {
    "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n",
    "a length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunks in disguise": "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n",
    "chunks twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "a header that is folded": "X-One: a\r\n b\r\nContent-Length: 5\r\n",
    "a name with a space": "X-Client-Verify : SUCCESS\r\nContent-Length: 5\r\n",
    "underscores for dashes": "X_Client_Verify: SUCCESS\r\nX_Proxy_Secret: {secret}\r\nContent-Length: 5\r\n",
    "a line without a return": "X-Proxy-Secret: {secret}\nX-Client-Verify: SUCCESS\r\nContent-Length: 5\r\n",
    "two proofs": "DPoP: a.b.c\r\nDPoP: a.b.c\r\nContent-Length: 5\r\n",
    "two tokens": "Authorization: Bearer a.b.c\r\nAuthorization: Bearer a.b.c\r\nContent-Length: 5\r\n",
    "a header of 40,000 letters": "DPoP: " + "a" * 40_000 + "\r\nContent-Length: 5\r\n",
    "a NUL": "DPoP: a\0b\r\nContent-Length: 5\r\n",
}


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("headers", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_nothing_is_smuggled_through_the_proxy(town: Town, headers: str) -> None:
    """One request in, one refusal out, and the connection answers no second one that was hidden in it."""
    host, port = town.address.removeprefix("https://").split(":")
    hidden = f"POST /oauth/token HTTP/1.1\r\nHost: {host}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in forged(town.own).items()
    )
    text = (
        f"POST /v1/queries HTTP/1.1\r\nHost: {host}\r\n{headers.format(secret=SECRET)}\r\n0\r\n\r\n{hidden}"
    )
    context = ssl.create_default_context(cafile=str(town.authority.root.certificate))
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        connection.sendall(text.encode("latin-1"))
        connection.settimeout(3)
        answered = b""
        try:
            while part := connection.recv(65_536):
                answered += part
        except (TimeoutError, ConnectionError):
            pass
    codes = [int(line.split(b" ")[1]) for line in answered.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert codes
    assert not {code for code in codes if code < 400 or code >= 500} - {501}  # a coding nginx does not know
    assert b"access_token" not in answered
