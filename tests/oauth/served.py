"""The authorization server as a city runs it: gunicorn, two workers, the real store and the real log.

``lay_out`` makes the city on disk; ``create`` is the factory that each gunicorn worker calls; ``serving``
starts gunicorn on a free loopback port and stops it.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from gatekeeper.errors import Unauthenticated
from gatekeeper.exchange.authenticate import TokenVerifier, authenticate
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.ledger import Clock, DayKeys, Draft, Ledger, SigningKey
from gatekeeper.store import administration
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.registry import Registry
from gatekeeper.store.values import Agency, Client, ClientKey
from gatekeeper.web.keys import TokenKeys
from gatekeeper.web.presented import Presenting, offer_nonces
from gatekeeper.web.proxy import Proxy
from gatekeeper.web.tokens import AuthorizationServerConfig, tokens_blueprint

AGENCY = "oakville-police"
_ORIGIN = "gate.example/log"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a city of these tests keeps its things, opened."""

    directory: Path

    def database(self) -> Database:
        """Open the state."""
        return Database.open(
            f"sqlite:///{self.directory / 'state.db'}", lock_file=self.directory / "write.lock"
        )

    def ledger(self, database: Database, clock: Clock) -> Ledger:
        """Open the log."""
        key = SigningKey.load(self.directory / "log.pem", _ORIGIN)
        days = DayKeys(self.directory / "days")
        return Ledger(LedgerRows(database), key, days, clock, self.directory / "checkpoint")


def lay_out(directory: Path, clients: Mapping[str, tuple[str, str | None, tuple[ClientKey, ...]]]) -> None:
    """Make a city with one agency and these clients: profile, hash of the secret, keys."""
    place = Place(directory)
    (directory / "days").mkdir(parents=True, mode=0o700)
    TokenKeys.create(directory / "tokens")
    SigningKey.create(directory / "log.pem", _ORIGIN)
    database = place.database()
    database.migrate()
    ledger = place.ledger(database, Clock())
    agency = Agency(AGENCY, None, "Oakville Police", "local", "IL", "active", False, (), ())
    rows = list(administration.add_agency(agency))
    for name, (profile, secret_sha256, keys) in clients.items():
        scopes = ("reads:query", "ledger:read")
        client: Any = Client(name, AGENCY, profile, "active", secret_sha256, scopes, keys)  # type: ignore[arg-type]
        rows += administration.add_client(client)
    clear: Any = {"agency": AGENCY, "kind": "local", "state": "IL", "status": "active"}
    ledger.append(Draft("agency.added", f"a_{secrets.token_hex(8)}", clear, {"by": "test"}, {}), rows)
    ledger.close()
    database.close()


def create(directory: str, issuer: str) -> Flask:
    """Build one worker's application."""
    place, clock = Place(Path(directory)), Clock()
    database, keys = place.database(), TokenKeys(Path(directory) / "tokens")
    registry, ledger = Registry(database, clock.now), place.ledger(database, clock)

    def revoke(jti: str, client_id: str, agency_id: str, expires_at: datetime) -> None:
        clear: Any = {"agency": agency_id, "client": client_id, "profile": "private_key"}
        draft = Draft("credential.token_revoked", f"t_{secrets.token_hex(8)}", clear, {"jti": jti}, {})
        ledger.append(draft, administration.revoke_token(jti, expires_at))

    nonces, profiles = Nonces(bytes(32)), frozenset({"fapi", "private_key", "basic"})
    presenting = Presenting(issuer, Proxy("127.0.0.1"))
    app = Flask("served")
    app.register_blueprint(
        tokens_blueprint(
            AuthorizationServerConfig(
                issuer=issuer,
                audience=issuer,
                keys=keys,
                registry=registry,
                clock=clock,
                refused=lambda reason: print(reason, file=sys.stderr, flush=True),
                revoke=revoke,
                nonces=nonces,
                profiles=profiles,
            ),
            presenting,
        )
    )
    offer_nonces(app, nonces, clock)
    verifier = TokenVerifier(issuer, issuer, keys, nonces, profiles=profiles)

    @app.route("/v1/queries", methods=["GET", "POST"])
    def who() -> Response:
        caller = authenticate(
            presenting.of(request), verifier=verifier, snapshot=registry.snapshot(), clock=clock
        )
        return jsonify(client=caller.client_id, agency=caller.agency_id, asked=request.get_json(silent=True))

    @app.errorhandler(Unauthenticated)
    def unauthenticated(error: Unauthenticated) -> tuple[Response, int, dict[str, str]]:
        return jsonify(reason=error.reason), 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}

    return app


@contextmanager
def serving(directory: Path) -> Iterator[str]:
    """Serve the city with two workers; yield its issuer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    issuer = f"http://{address}"
    factory = f"tests.oauth.served:create('{directory}', '{issuer}')"
    options = ["--bind", address, "--workers", "2", "--threads", "4", "--no-control-socket"]
    with (directory / "gunicorn.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, factory], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(f"{issuer}/oauth/jwks", server, directory)
        yield issuer
    finally:
        server.terminate()
        server.wait(10)


def _wait(address: str, server: subprocess.Popen[bytes], directory: Path) -> None:
    for _ in range(200):
        if server.poll() is None:
            try:
                urllib.request.urlopen(address, timeout=1).close()  # noqa: S310  # our own loopback address
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise RuntimeError((directory / "gunicorn.log").read_text())
