"""What one file of a token key holds: a P-256 key in PEM, maybe encrypted, or the PKCS#11 URI of one.

Guarantees: a file that others may read, or that holds anything else, is refused; a key that is in hardware
stays there, its file holds no secret, and what it signed was verified with its public half; a file that did
not change is not opened again, so that neither its passphrase nor its hardware is asked each second.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from gatekeeper.errors import SettingsRefused
from gatekeeper.hardware import PKCS11, Use
from gatekeeper.policy.hardware_key import HardwareSigner
from gatekeeper.private_keys import content_of, is_encrypted, opened, pem_of

HARDWARE: Final = Use(
    "token key",
    "gatekeeper token-key prepare --pkcs11 'pkcs11:token=LABEL;object=LABEL?module-path=/path/to/module.so"
    "&pin-source=file:/path/to/pin'",
)


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key that can sign access tokens (RFC 9068); ``kept`` says how it is kept."""

    kid: str
    public: ECKey
    kept: str
    digest: bytes
    private: ECKey | None = field(repr=False, default=None)
    hardware: HardwareSigner | None = field(repr=False, default=None)

    def signed(self, claims: Mapping[str, Any]) -> str:
        """Return the token that says this. Raises SettingsRefused if its hardware does not sign."""
        header = {"alg": "ES256", "typ": "at+jwt", "kid": self.kid}
        if self.private is not None:
            return jwt.encode(header, dict(claims), self.private, algorithms=["ES256"])
        head = b".".join(
            urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode())
            for part in (header, dict(claims))
        )
        if self.hardware is None:
            raise SettingsRefused("a token key has neither a file nor hardware")
        return b".".join((head, urlsafe_b64encode(self.hardware.raw(head)))).decode("ascii")


class KeyFiles:
    """Reads files of keys, and remembers what those held that are as they were."""

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase
        self._known: dict[bytes, HeldKey] = {}

    def load(self, file: Path) -> HeldKey:
        """Read one key. Raises OSError, SettingsRefused."""
        return self.key(content_of(file), file)

    def key(self, content: bytes, file: Path) -> HeldKey:
        """Return the key that a file of this content stands for. Raises SettingsRefused."""
        digest = hashlib.sha256(content).digest()
        found = self._known.get(digest)
        if found is None:
            found = self._known[digest] = self._opened(content, file, digest)
        return found

    def keep_only(self, keys: Iterable[HeldKey]) -> None:
        """Forget every key but these: what was destroyed is not to linger in memory."""
        self._known = {key.digest: key for key in keys}

    def _opened(self, content: bytes, file: Path, digest: bytes) -> HeldKey:
        if content.startswith(PKCS11.encode()):
            return _in_hardware(content, file, digest)
        try:
            private = opened(content, file, self._passphrase)
        except ValueError as malformed:
            raise SettingsRefused(f"{file} is not a P-256 private key") from malformed
        if not isinstance(private, EllipticCurvePrivateKey) or private.curve.name != SECP256R1.name:
            raise SettingsRefused(f"{file} is not a P-256 private key")
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        key = ECKey.import_key(pem_of(private, ""))
        kept = "encrypted file" if is_encrypted(content) else "file"
        return HeldKey(key.thumbprint(), ECKey.import_key(public), kept, digest, private=key)


def _in_hardware(content: bytes, file: Path, digest: bytes) -> HeldKey:
    try:
        uri = content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise SettingsRefused(f"{file} holds no PKCS#11 URI: {HARDWARE.cure}") from None
    signer = HardwareSigner.open(uri, HARDWARE)

    public = ECKey.import_key(signer.public_pem)
    return HeldKey(signer.keyid, public, "PKCS#11", digest, hardware=signer)


def made_pem(passphrase: str) -> bytes:
    """Return a fresh key as its file is to hold it. Raises SettingsRefused for a passphrase that is none."""
    while True:
        key = generate_private_key(SECP256R1())
        # One in 64 names begins with a dash, and a command would take it for an option.
        if not ECKey.import_key(pem_of(key, "")).thumbprint().startswith("-"):
            return pem_of(key, passphrase)
