"""How clients prove themselves to a running gate: by a secret, by a key, or by DPoP with ES256 (``fapi``)."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PATIENCE_S = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """The value of ``Authorization``, and as many proofs as requests may be sent; none for a bearer."""

    authorization: str
    proofs: tuple[str, ...] = ()


def by_secret(base_url: str, client_id: str, secret: str, scope: str) -> dict[str, Any]:
    """Return what the token endpoint grants for a secret: a token that whoever has it can use."""
    return _granted(_asked(base_url, scope, auth=(client_id, secret)))


def by_key(base_url: str, client_id: str, key: ECKey, scope: str) -> dict[str, Any]:
    """Return what it grants for a key (RFC 7523): a token that whoever has it can use."""
    return _granted(_asked(base_url, scope, _assertion(base_url, client_id, key)))


def bound(base_url: str, agency: Mapping[str, Any], number: int) -> Shown:
    """Get a token that is bound to a key, and that many proofs for queries with it.

    A proof is for one request, so those of a run are signed before it begins: what the client pays is not
    measured.
    """
    own = ECKey.import_key(agency["private_key_pem"], {"kid": agency["kid"]})
    key = ECKey.generate_key("P-256")
    nonce, answer = "", requests.Response()
    for _ in range(2):  # the first answer brings the nonce
        proof = _proof(key, f"{base_url}/oauth/token", nonce)
        assertion = _assertion(base_url, agency["client_id"], own)
        answer = _asked(base_url, "reads:query", assertion, headers={"DPoP": proof})
        nonce = answer.headers["DPoP-Nonce"]
    token = _granted(answer)["access_token"]
    digest = hashlib.sha256(token.encode()).digest()
    ath = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    address = f"{base_url}/v1/queries"
    return Shown(f"DPoP {token}", tuple(_proof(key, address, nonce, ath=ath) for _ in range(number)))


def _asked(
    base_url: str,
    scope: str,
    form: Mapping[str, str] | None = None,
    *,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    return requests.post(
        f"{base_url}/oauth/token",
        data={"grant_type": "client_credentials", "scope": scope, **(form or {})},
        auth=auth,
        headers=headers,
        timeout=_PATIENCE_S,
    )


def _granted(answer: requests.Response) -> dict[str, Any]:
    if answer.status_code != requests.codes.ok:
        raise requests.HTTPError(f"{answer.status_code}: {answer.text}", response=answer)
    granted: dict[str, Any] = answer.json()
    return granted


def _assertion(base_url: str, client_id: str, key: ECKey) -> dict[str, str]:
    now = int(time.time())
    claims: dict[str, Any] = {"iss": client_id, "sub": client_id, "aud": base_url}
    claims |= {"iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(12)}
    signed = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
    return {"client_assertion_type": _ASSERTION, "client_assertion": signed}


def _proof(key: ECKey, address: str, nonce: str, **more: str) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims = {"htm": "POST", "htu": address, "iat": int(time.time()), "jti": secrets.token_urlsafe(12)}
    claims |= more
    return jwt.encode(header, claims | ({"nonce": nonce} if nonce else {}), key)
