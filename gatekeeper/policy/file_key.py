"""The policies' key in a file, and how a signature is written down.

Guarantees: the key is read only from a PEM file of mode 0600, and only on P-256. Whoever holds it can sign a
law that nobody approved; to put that into force takes the database and an entry in the log as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.util import urlsafe_b64encode

from gatekeeper.errors import SettingsRefused
from gatekeeper.policy.layout import Json
from gatekeeper.policy.signing import ALGORITHM, key_of
from gatekeeper.private_keys import content_of, opened

_HALF = 32  # bytes of each half of a P-256 signature


class FileSigner:
    """Signs with a key that was read from a file."""

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public_pem = pem_of(key.public_key())
        self.keyid = keyid_of(self.public_pem)

    @classmethod
    def load(cls, file: Path, passphrase: str = "") -> FileSigner:
        """Read the key. Raises SettingsRefused if it is missing, open to others, or not on P-256."""
        try:
            key = opened(content_of(file), file, passphrase)
        except OSError:
            raise SettingsRefused(f"{file} cannot be read: run `gatekeeper init`, or restore it") from None
        except ValueError:
            raise SettingsRefused(f"{file} is not a private key in PEM") from None
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != SECP256R1.name:
            raise SettingsRefused(f"{file} is not a P-256 key: OPA is told to expect {ALGORITHM}")
        return cls(key)

    def sign(self, claims: Mapping[str, Json]) -> str:
        """Return the text of ``.signatures.json``."""
        head = signing_input(claims, self.keyid)
        r, s = decode_dss_signature(self._key.sign(head, ECDSA(SHA256())))
        return signatures(head, r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))


def signing_input(claims: Mapping[str, Json], keyid: str) -> bytes:
    """Return what is signed: header and payload of the JWT (RFC 7515 section 5.1)."""
    parts = ({"alg": ALGORITHM, "kid": keyid, "typ": "JWT"}, {**claims, "keyid": keyid})
    return b".".join(
        urlsafe_b64encode(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode())
        for part in parts
    )


def signatures(head: bytes, signature: bytes) -> str:
    """Return the text of ``.signatures.json``: what was signed, and the signature (r and s in full)."""
    return json.dumps({"signatures": [b".".join((head, urlsafe_b64encode(signature))).decode()]}) + "\n"


def pem_of(key: EllipticCurvePublicKey) -> str:
    """Return a public key as OPA reads it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def keyid_of(public_pem: str) -> str:
    """Return a key's name: its RFC 7638 thumbprint."""
    return key_of(public_pem.encode()).thumbprint()
