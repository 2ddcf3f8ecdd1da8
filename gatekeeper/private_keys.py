"""Private keys in files: opened, written and encrypted in one way, whoever signs with them.

Guarantees: ``content_of`` reads only a file that its owner alone may read, no link; an encrypted key (PKCS#8
under a passphrase) needs the passphrase of ``GATEKEEPER_KEY_PASSPHRASE_FILE``, and what is written while
there is one is encrypted; each fault has its own message, which says what cures it and repeats no secret.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gatekeeper.errors import SettingsRefused
from gatekeeper.whole import write_whole

PASSPHRASE_FILE: Final = "GATEKEEPER_KEY_PASSPHRASE_FILE"  # noqa: S105  a setting's name
_ENCRYPTED: Final = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
_LONGEST: Final = 1023  # what OpenSSL takes
_SHORTEST: Final = 16
_LARGEST: Final = 64 * 1024


def content_of(file: Path) -> bytes:
    """Return what a file of a key holds. Raises OSError, SettingsRefused if others may read it."""
    refused = SettingsRefused(f"{file} may be read by others: chmod 600 {file}")
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise refused from None
        raise
    # Of one and the same file: what has its name may be another by now.
    with os.fdopen(descriptor, "rb") as held:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
            raise refused
        return held.read(_LARGEST + 1)


def is_encrypted(content: bytes) -> bool:
    """Say whether a key's file is under a passphrase."""
    return any(mark in content for mark in _ENCRYPTED)


def opened(content: bytes, file: Path, passphrase: str) -> PrivateKeyTypes:
    """Return the key that a file holds. Raises SettingsRefused; ValueError if it holds none in PEM."""
    if not is_encrypted(content):
        try:
            return load_pem_private_key(content, password=None)
        except (TypeError, UnsupportedAlgorithm) as unknown:
            raise ValueError("not a private key in PEM") from unknown
    if not passphrase:
        raise SettingsRefused(
            f"{file} is encrypted, and no passphrase is set: name its file in {PASSPHRASE_FILE}"
        )
    try:
        return load_pem_private_key(content, password=_secret(passphrase))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsRefused(
            f"the passphrase does not open {file}: {PASSPHRASE_FILE} must name the file of the one that it "
            "was encrypted under"
        ) from None


def pem_of(key: PrivateKeyTypes, passphrase: str) -> bytes:
    """Return a key as it is written: encrypted where there is a passphrase. Raises SettingsRefused."""
    how: KeySerializationEncryption = NoEncryption()
    if passphrase:
        how = BestAvailableEncryption(_secret(passphrase))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def encrypt(file: Path, passphrase: str) -> bool:
    """Put a key's file under the passphrase; False if it is so already, or holds no key.

    Another file takes its place in one step; what the old one held stays on the disk until that is reused.
    Raises SettingsRefused.
    """
    if not passphrase:
        raise SettingsRefused(f"no passphrase is set: name its file in {PASSPHRASE_FILE}")
    try:
        content = content_of(file)
        key = opened(content, file, passphrase)
        if is_encrypted(content):
            return False
        made = file.stat().st_mtime_ns
        write_whole(file, pem_of(key, passphrase), 0o600)
        os.utime(file, ns=(made, made))  # the key is as old as it was
    except OSError as fault:
        raise SettingsRefused(
            f"{file} cannot be encrypted ({fault.strerror}): restore it, or make room"
        ) from None
    except ValueError:
        return False
    return True


def _secret(passphrase: str) -> bytes:
    secret = passphrase.encode("utf-8", "surrogateescape")
    if not _SHORTEST <= len(secret) <= _LONGEST:
        raise SettingsRefused(
            f"the passphrase has to have {_SHORTEST} to {_LONGEST} bytes: openssl rand -base64 32 > FILE, "
            f"and name FILE in {PASSPHRASE_FILE}"
        )
    return secret
