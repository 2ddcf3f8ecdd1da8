"""The key of the nonces for DPoP proofs: a file of its own."""

from __future__ import annotations

import secrets
import stat
from pathlib import Path

from gatekeeper.errors import SettingsRefused
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.whole import write_once

_BYTES = 32


def create(file: Path) -> None:
    """Make the key's file unless it is there. Raises OSError."""
    write_once(file, secrets.token_bytes(_BYTES), 0o600)


def load(file: Path) -> Nonces:
    """Take the key from its file. Raises SettingsRefused."""
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsRefused(f"{file} may be read by others: chmod 600 {file}")
        key = file.read_bytes()
    except OSError:
        raise SettingsRefused(f"{file} cannot be read: run `gatekeeper init`") from None
    if len(key) != _BYTES:
        raise SettingsRefused(f"{file} is not {_BYTES} random bytes: remove it, and run `gatekeeper init`")
    return Nonces(key)
