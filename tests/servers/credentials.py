"""How clients prove themselves in a benchmark: by a secret, or by DPoP with ES256 (the profile ``fapi``).

A proof is for one request, so those of a run are signed before it begins: what the client pays is not
measured.
"""

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


def by_secret(base_url: str, agency: Mapping[str, Any], scope: str = "reads:query") -> Shown:
    """Get a token that whoever has it can use."""
    answer = requests.post(
        f"{base_url}/oauth/token",
        data={"grant_type": "client_credentials", "scope": scope},
        auth=(agency["client_id"], agency["client_secret"]),
        timeout=_PATIENCE_S,
    )
    answer.raise_for_status()
    return Shown(f"Bearer {answer.json()['access_token']}")


def by_key(base_url: str, agency: Mapping[str, Any], number: int) -> Shown:
    """Get a token that is bound to a key, and that many proofs for queries with it."""
    own, bound = ECKey.import_key(agency["private_key_pem"]), ECKey.generate_key("P-256")
    nonce, answer = "", requests.Response()
    for _ in range(2):  # the first answer brings the nonce
        answer = requests.post(
            f"{base_url}/oauth/token",
            data={
                "grant_type": "client_credentials",
                "scope": "reads:query",
                "client_assertion_type": _ASSERTION,
                "client_assertion": _assertion(base_url, agency, own),
            },
            headers={"DPoP": _proof(bound, f"{base_url}/oauth/token", nonce)},
            timeout=_PATIENCE_S,
        )
        nonce = answer.headers["DPoP-Nonce"]
    answer.raise_for_status()
    token = answer.json()["access_token"]
    digest = hashlib.sha256(token.encode()).digest()
    ath = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    address = f"{base_url}/v1/queries"
    return Shown(f"DPoP {token}", tuple(_proof(bound, address, nonce, ath=ath) for _ in range(number)))


def _assertion(base_url: str, agency: Mapping[str, Any], key: ECKey) -> str:
    now = int(time.time())
    claims = {"iss": agency["client_id"], "sub": agency["client_id"], "aud": base_url}
    claims |= {"iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(12)}
    return jwt.encode({"alg": "ES256", "kid": agency["kid"]}, claims, key)


def _proof(key: ECKey, address: str, nonce: str, **more: str) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims = {
        "htm": "POST",
        "htu": address,
        "iat": int(time.time()),
        "jti": secrets.token_urlsafe(12),
        **more,
    }
    return jwt.encode(header, claims | ({"nonce": nonce} if nonce else {}), key)
