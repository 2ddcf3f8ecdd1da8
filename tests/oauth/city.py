"""A small city for the OAuth tests: a registry in memory, a clock to set, clients with real keys."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import Flask
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, serialize_compact
from joserfc.util import urlsafe_b64decode

from gatekeeper.exchange import certificate_names
from gatekeeper.exchange.authenticate import REASONS, Caller, TokenVerifier, authenticate
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.exchange.presented import Presented
from gatekeeper.web.clients import ASSERTION_TYPE, make_secret
from gatekeeper.web.keys import TokenKeys
from gatekeeper.web.presented import Presenting, offer_nonces
from gatekeeper.web.proxy import Proxy
from gatekeeper.web.tokens import AuthorizationServerConfig, tokens_blueprint

ISSUER = "https://gate.example"
AUDIENCE = "https://gate.example/v1"
NOW = 1_796_000_000
EC_KEY = ECKey.generate_key("P-256", parameters={"kid": "ec-1"})
ED_KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "ed-1"})
RSA_KEY = RSAKey.generate_key(2048, parameters={"kid": "rsa-1"})
KEYS: dict[str, Any] = {"ES256": EC_KEY, "PS256": RSA_KEY, "Ed25519": ED_KEY, "EdDSA": ED_KEY}
SECRET, SECRET_HASH = make_secret()
ALL_PROFILES = frozenset({"fapi", "private_key", "basic"})
NONCES = Nonces(bytes(32))
PROXY = Proxy("127.0.0.1", "p" * 32)


@dataclass(frozen=True, slots=True)
class Key:
    """A registered key."""

    kid: str
    alg: str
    jwk: Mapping[str, Any]
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client."""

    id: str
    agency_id: str
    profile: str
    status: str = "active"
    secret_sha256: str | None = None
    scopes: tuple[str, ...] = ("reads:query", "ledger:read")
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Agency:
    """A registered agency."""

    id: str
    status: str = "active"


@dataclass
class Clock:
    """A clock that stands where a test puts it."""

    seconds: float = NOW

    def now_ms(self) -> int:
        """Return the set time."""
        return int(self.seconds * 1000)


@dataclass
class Registry:
    """Agencies, clients and what was seen, in memory."""

    clients: dict[str, Client] = field(default_factory=dict)
    agencies: dict[str, Agency] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    claimed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def snapshot(self) -> Registry:
        """Return itself: no test changes it within a request."""
        return self

    def client(self, client_id: str, /) -> Client | None:
        """Find a client."""
        return self.clients.get(client_id)

    def agency(self, agency_id: str, /) -> Agency | None:
        """Find an agency."""
        return self.agencies.get(agency_id)

    def token_revoked(self, jti: str, /) -> bool:
        """Look at the denylist."""
        return jti in self.revoked

    has_issuers = False

    def issuer(self, url: str, /) -> None:
        """Know no other issuer."""
        del url

    def claim_jti(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        """Claim under a lock."""
        with self.lock:
            if (client_id, jti) in self.claimed:
                return False
            self.claimed[client_id, jti] = expires_at
            return True

    def change(self, client_id: str, **changes: Any) -> None:
        """Replace a client by a changed one."""
        self.clients[client_id] = replace(self.clients[client_id], **changes)


def registered(key: Any, alg: str, status: str = "active") -> Key:
    """Register the public half of a key."""
    return Key(kid=key.kid, alg=alg, jwk=key.as_dict(private=False), status=status)


def named(kind: str, value: str, status: str = "active") -> Key:
    """Register the name that a client's certificates bear."""
    name = certificate_names.registered(kind, value)
    return Key(certificate_names.kid_of(name), certificate_names.ALG, name, status)


@dataclass
class City:
    """The authorization server and the resource side of one city, and what they told the log."""

    keys: TokenKeys
    issuer: str = ISSUER
    audience: str = AUDIENCE
    profiles: frozenset[str] = ALL_PROFILES
    clock: Clock = field(default_factory=Clock)
    registry: Registry = field(default_factory=Registry)
    refused: list[str] = field(default_factory=list)
    revocations: list[tuple[str, str, str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        all_keys = (registered(EC_KEY, "ES256"), registered(RSA_KEY, "PS256"), registered(ED_KEY, "Ed25519"))
        self.registry.agencies |= {name: Agency(name) for name in ("oakville", "harbor")}
        self.registry.agencies["suspended"] = Agency("suspended", "suspended")
        for client in (
            Client("signer", "oakville", "private_key", keys=all_keys),
            Client("other", "harbor", "private_key", keys=all_keys),
            Client("secretive", "oakville", "basic", secret_sha256=SECRET_HASH),
            Client("paused", "suspended", "private_key", keys=all_keys),
            Client("reader", "oakville", "private_key", scopes=("ledger:read",), keys=all_keys),
            Client("bound", "oakville", "fapi", keys=all_keys),
            Client("certified", "oakville", "fapi", keys=(named("san_dns", "gate.oakville.example"),)),
            Client("scopeless", "oakville", "private_key", scopes=("admin",), keys=all_keys),
        ):
            self.registry.clients[client.id] = client
        self.verifier = TokenVerifier(self.issuer, self.audience, self.keys, NONCES, profiles=self.profiles)
        self.app = Flask("city")
        self.app.register_blueprint(tokens_blueprint(self.config(), Presenting(self.issuer, PROXY)))
        offer_nonces(self.app, NONCES, self.clock)
        self.http = self.app.test_client()

    def config(self, **changes: Any) -> AuthorizationServerConfig:
        """Return the server's configuration."""
        return AuthorizationServerConfig(
            **{
                "issuer": self.issuer,
                "audience": self.audience,
                "keys": self.keys,
                "registry": self.registry,
                "clock": self.clock,
                "refused": self.refused.append,
                "revoke": self.revoke,
                "nonces": NONCES,
                "profiles": self.profiles,
                **changes,
            }
        )

    def revoke(self, jti: str, client_id: str, agency_id: str, expires_at: datetime) -> None:
        """Put a token on the denylist, as the app does through the log."""
        self.revocations.append((jti, client_id, agency_id, expires_at))
        self.registry.revoked.add(jti)

    def claims(self, client_id: str = "signer", **changes: Any) -> dict[str, Any]:
        """Return good assertion claims; a change to ``...`` leaves the claim out."""
        now = int(self.clock.seconds)
        good = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + 60,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not ...}

    def assertion(
        self,
        client_id: str = "signer",
        alg: str = "ES256",
        key: Any = None,
        header: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Sign an assertion, good but for the changes."""
        key = key or KEYS[alg]
        head = {"alg": alg, "kid": getattr(key, "kid", None), **(header or {})}
        head = {name: value for name, value in head.items() if value is not ...}
        return sign(head, self.claims(client_id, **changes), key)

    def ask(
        self,
        assertion: str,
        path: str = "/oauth/token",
        headers: Mapping[str, str] | None = None,
        **form: Any,
    ) -> Any:
        """Post a form with an assertion."""
        grant = {"grant_type": "client_credentials"} if path == "/oauth/token" else {}
        body = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **grant, **form}
        return self.http.post(path, data=body, headers=dict(headers or {}))

    def proof(
        self,
        uri: str = ISSUER + "/oauth/token",
        method: str = "POST",
        key: Any = EC_KEY,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Sign a DPoP proof, good but for the changes; one to ``...`` leaves the member out."""
        now = int(self.clock.seconds)
        good = {
            "htm": method,
            "htu": uri,
            "iat": now,
            "jti": secrets.token_urlsafe(12),
            "nonce": NONCES.fresh(now),
        }
        alg = next(alg for alg, known in KEYS.items() if type(known) is type(key))
        head = {"typ": "dpop+jwt", "alg": alg, "jwk": public(key), **(header or {})}
        said = {name: value for name, value in {**good, **claims}.items() if value is not ...}
        return sign({name: value for name, value in head.items() if value is not ...}, said, key)

    def bound_token(self, client_id: str = "bound", key: Any = EC_KEY, **form: Any) -> str:
        """Get an access token that is bound to a key."""
        answer = self.ask(self.assertion(client_id), headers={"DPoP": self.proof(key=key)}, **form)
        assert (200, "DPoP") == (answer.status_code, answer.get_json()["token_type"])
        return str(answer.get_json()["access_token"])

    def token(self, client_id: str = "signer", **form: Any) -> str:
        """Get an access token."""
        answer = self.ask(self.assertion(client_id), **form)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.get_json()["access_token"])

    def caller(self, header: str | None, **presented: Any) -> Caller:
        """Authenticate on the resource side."""
        shown = Presented(header, **presented)
        return authenticate(shown, verifier=self.verifier, snapshot=self.registry, clock=self.clock)


def public(key: Any) -> dict[str, Any]:
    """Return the public members of a key, as they stand in a proof."""
    members = ("kty", "crv", "x", "y", "n", "e")
    return {name: value for name, value in key.as_dict(private=False).items() if name in members}


def ath(token: str) -> str:
    """Return the hash of a token that a proof for it holds."""
    return b64(hashlib.sha256(token.encode()).digest())


class _Anything(JWSRegistry):
    """Signs what no honest client would; ``EdDSA`` without the library's warning about the old name."""

    algorithms: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # the library declares it on the instance
        **JWSRegistry.algorithms,
        "EdDSA": JWSRegistry.algorithms["Ed25519"],
    }

    def check_header(self, header: Mapping[str, Any]) -> None:
        """Allow any header."""


def sign(header: Mapping[str, Any], claims: Mapping[str, Any] | str, key: Any) -> str:
    """Sign anything at all, with whatever header."""
    payload = claims if isinstance(claims, str) else json.dumps(claims)
    registry = _Anything(algorithms=list(_Anything.algorithms))
    return serialize_compact(dict(header), payload, key, registry=registry)


def at(seconds: float) -> datetime:
    """Return seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def refused(city: City, answer: Any, reason: str) -> None:
    """Assert a 401 invalid_client, counted once under its reason."""
    body = answer.get_json()
    assert (401, "invalid_client") == (answer.status_code, body["error"])
    assert [reason] == city.refused
    assert reason in REASONS
    assert "no-store" == answer.headers["Cache-Control"]


def b64(raw: bytes) -> str:
    """Encode a segment."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Decode a segment."""
    return urlsafe_b64decode(text.encode())
