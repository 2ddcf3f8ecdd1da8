"""Identity providers of the tests: npm's oidc-provider as it is, and one that forges what it never sends."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.servers.opa import free_port

CLIENTS = Path(__file__).parents[1] / "clients"
CLIENT_ID = "gatekeeper-console"
CLIENT_SECRET = "made-up+secret/of the tests"


@contextmanager
def oidc_provider(base_url: str, directory: Path) -> Iterator[str]:
    """Serve npm's oidc-provider with the console as its client; yield its issuer."""
    after = [f"{base_url}/console/oidc/callback", f"{base_url}/console/signed-out"]
    with _serving("idp.mjs", [CLIENT_ID, CLIENT_SECRET, *after], directory) as issuer:
        yield issuer


@contextmanager
def access_tokens(
    client_id: str, secret: str, resource: str, directory: Path, algorithm: str = "ES256"
) -> Iterator[str]:
    """Serve npm's oidc-provider as an agency's own, which gives tokens for the resource; yield its issuer."""
    with _serving("issuer.mjs", [client_id, secret, resource, algorithm], directory) as issuer:
        yield issuer


@contextmanager
def _serving(program: str, arguments: list[str], directory: Path) -> Iterator[str]:
    port = free_port()
    command = ["node", str(CLIENTS / program), str(port), *arguments]
    log = directory / "idp.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink)
    try:
        until = time.monotonic() + 60
        while b"ready" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def log_in(address: str, subject: str, browser: requests.Session, stop_at: str) -> str:
    """Do what a person does at oidc-provider; return the address that it sends the browser back to."""
    for _ in range(20):
        answer = browser.get(address, allow_redirects=False, timeout=10)
        while answer.is_redirect:
            address = urljoin(address, answer.headers["Location"])
            if address.startswith(stop_at):
                return address
            answer = browser.get(address, allow_redirects=False, timeout=10)
        action = re.search(r'action="([^"]+)"', answer.text)
        assert action is not None, answer.text
        prompt = "login" if 'name="login"' in answer.text else "consent"
        form = {"prompt": prompt, "login": subject, "password": "any"}
        sent = browser.post(urljoin(address, action[1]), data=form, allow_redirects=False, timeout=10)
        assert sent.is_redirect, sent.text
        address = urljoin(address, sent.headers["Location"])
    raise AssertionError("the provider leads in a circle")


def log_out(address: str, browser: requests.Session, stop_at: str) -> str:
    """Confirm the sign-out at oidc-provider; return the address that it sends the browser back to."""
    answer = browser.get(address, timeout=10)
    action = re.search(r'action="([^"]+)"', answer.text)
    token = re.search(r'name="xsrf" value="([^"]+)"', answer.text)
    assert action is not None, answer.text
    assert token is not None, answer.text
    form = {"xsrf": token[1], "logout": "yes"}
    answer = browser.post(urljoin(address, action[1]), data=form, allow_redirects=False, timeout=10)
    back = answer.headers["Location"]
    assert back.startswith(stop_at)
    return str(back)


@dataclass
class Forger:
    """A provider that answers as a test wants it to; ``asked``: what it was asked for, and by whom."""

    issuer: str = ""
    key: Any = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "good", "use": "sig"}))
    rsa: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}))
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signer: Any = None
    token: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    answer: Callable[[], tuple[int, bytes]] | None = None
    asked: list[tuple[dict[str, list[str]], str]] = field(default_factory=list)
    nonce: str = ""

    def id_token(self) -> str:
        """Return the ID token: a flawless one, but for what the test changed (None leaves a claim out)."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "sub-pat",
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": self.nonce,
        }
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        header = {"alg": "ES256", "kid": "good", "typ": "JWT"} | self.header
        header = {name: value for name, value in header.items() if value is not None}
        if self.token is not None:
            return self.token(header, claims)
        return jwt.encode(header, claims, self.signer or self.key, algorithms=[header["alg"]])

    def published(self) -> dict[str, Any]:
        """Return what it says of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a token without a signature."""
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@contextmanager
def forging_provider() -> Iterator[Forger]:
    """Serve a provider that forges."""
    forger = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/openid-configuration"):
                self._send(200, json.dumps(forger.published()).encode())
            else:
                keys = [forger.key.as_dict(private=False), forger.rsa.as_dict(private=False)]
                self._send(200, json.dumps({"keys": keys}).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            forger.asked.append((parse_qs(body), self.headers.get("Authorization", "")))
            if forger.answer is not None:
                self._send(*forger.answer())
                return
            answer = {"access_token": "a", "token_type": "Bearer", "id_token": forger.id_token()}
            self._send(200, json.dumps(answer).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{forger.issuer}/jwks")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forger.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield forger
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
