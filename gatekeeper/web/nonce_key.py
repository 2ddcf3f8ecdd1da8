"""The key of the nonces for DPoP proofs: a file of its own, made where there is none."""

from __future__ import annotations

import secrets
import stat
from pathlib import Path

from gatekeeper.errors import SettingsRefused
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.whole import write_whole

_BYTES = 32


def load_nonces(file: Path) -> Nonces:
    """Take the key from its file. Raises SettingsRefused."""
    try:
        if not file.exists():
            write_whole(file, secrets.token_bytes(_BYTES), 0o600)
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsRefused(f"{file} may be read by others: chmod 600 {file}")
        key = file.read_bytes()
    except OSError as unreadable:
        raise SettingsRefused(f"{file} cannot be read or written: check its directory") from unreadable
    if len(key) != _BYTES:
        raise SettingsRefused(f"{file} is not {_BYTES} random bytes: remove it, and another is made")
    return Nonces(key)
