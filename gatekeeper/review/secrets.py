"""What a member of staff proves themselves by: a password (Argon2id), a time-based code, recovery codes.

RFC 9106 for the password's hash, RFC 6238 for the code. Guarantees: a password is kept only as its hash; the
secret of the codes is sealed under a key that is kept outside the database (AES-256-GCM, bound to its
account); a recovery code is 128 random bits and kept only as its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from datetime import datetime
from pathlib import Path
from typing import Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gatekeeper.errors import StoreUnavailable
from gatekeeper.whole import write_once

STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10
SHORTEST_PASSWORD: Final = 12
_DIFFERENT: Final = 5
_NONCE: Final = 12
_KEY: Final = 32
_STEPS: Final = (-1, 0, 1)  # RFC 6238 section 5.2: a clock may be one step off

_hasher: Final = PasswordHasher()  # the library follows RFC 9106's choices as they change
# Each check takes 64 MiB: whoever tries passwords by the thousand must not take the gate's memory.
_checking: Final = threading.BoundedSemaphore(2)
_PATIENCE_S: Final = 5.0
_NOBODY: Final = _hasher.hash(secrets.token_hex(16))


class SecretsKey:
    """A key under which secrets are sealed, each bound to its name; a file of 32 bytes, mode 0600."""

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)

    @classmethod
    def create(cls, file: Path) -> None:
        """Make the key file unless it is there. Raises OSError."""
        write_once(file, secrets.token_bytes(_KEY), 0o600)

    @classmethod
    def load(cls, file: Path) -> SecretsKey:
        """Read the key. Raises StoreUnavailable if it is not there, or not whole."""
        try:
            key = file.read_bytes()
        except OSError:
            raise StoreUnavailable(f"keys/{file.name} cannot be read: run `gatekeeper init`") from None
        if len(key) != _KEY:
            raise StoreUnavailable(f"keys/{file.name} is not whole: restore it")
        return cls(key)

    def seal(self, name: str, secret: str) -> bytes:
        """Seal a secret (of an account's codes, say) under its name."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._box.encrypt(nonce, secret.encode("ascii"), name.encode())

    def open(self, name: str, box: bytes) -> str:
        """Open a sealed secret. Raises StoreUnavailable if it was altered or is another's."""
        try:
            return self._box.decrypt(box[:_NONCE], box[_NONCE:], name.encode()).decode("ascii")
        except (InvalidTag, ValueError):
            raise StoreUnavailable("a sealed secret was altered, or its key file is another") from None


def hash_password(password: str) -> str:
    """Return the password's hash."""
    return _hasher.hash(password)


def password_fault(password: str, username: str) -> str | None:
    """Say what a new password lacks, or None. Length is what counts (NIST SP 800-63B section 3.1.1)."""
    if len(password) < SHORTEST_PASSWORD:
        return "Choose at least 12 characters."
    if username.casefold() in password.casefold():
        return "Choose a password that does not hold your user name."
    if len(set(password)) < _DIFFERENT:
        return "Choose a password of more than a few different characters."
    return None


def password_fits(password: str, hashed: str | None) -> bool:
    """Say whether the password is the one that was hashed; without a hash, do the same work and say no.

    Raises StoreUnavailable if too many are being checked at once.
    """
    if not _checking.acquire(timeout=_PATIENCE_S):
        raise StoreUnavailable("too many sign-ins at once")
    try:
        typed = password.encode("utf-8", "replace")
        return _hasher.verify(_NOBODY if hashed is None else hashed, typed) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False
    finally:
        _checking.release()


def new_totp_secret() -> str:
    """Return a new secret for time-based codes, in base 32, of 160 bits (RFC 4226 section 4)."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, username: str, city: str) -> str:
    """Return the address that an authenticator app reads the secret from."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=city)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """Return the time step whose code this is, or None; the caller makes sure that a step is used once."""
    totp, now, found = pyotp.TOTP(secret), int(at.timestamp()) // STEP_SECONDS, None
    typed = code.encode("utf-8", "replace")
    for step in (now + offset for offset in _STEPS):  # all of them: the time must not tell which one fitted
        if hmac.compare_digest(totp.generate_otp(step).encode("ascii"), typed):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Return ten codes of 128 random bits, in groups that can be read aloud."""
    codes = [secrets.token_hex(16) for _ in range(RECOVERY_CODES)]
    return ["-".join(code[i : i + 8] for i in range(0, 32, 8)) for code in codes]


def recovery_code_sha256(code: str) -> bytes:
    """Return under what a recovery code is kept; spaces, dashes and case do not matter."""
    bare = "".join(c for c in code.lower() if c.isalnum())
    return hashlib.sha256(b"gatekeeper recovery code\0" + bare.encode("utf-8", "replace")).digest()
