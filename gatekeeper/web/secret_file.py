"""A key of 32 random bytes, in a file of its own that nobody else may read."""

from __future__ import annotations

import secrets
import stat
from pathlib import Path

from gatekeeper.errors import SettingsRefused
from gatekeeper.whole import write_once

_BYTES = 32


def create(file: Path) -> None:
    """Make the key's file unless it is there. Raises OSError."""
    write_once(file, secrets.token_bytes(_BYTES), 0o600)


def read(file: Path) -> bytes:
    """Return the key. Raises SettingsRefused for a file that is open, gone, or not whole."""
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsRefused(f"{file} may be read by others: chmod 600 {file}")
        key = file.read_bytes()
    except OSError:
        raise SettingsRefused(f"{file} cannot be read: run `gatekeeper init`") from None
    if len(key) != _BYTES:
        raise SettingsRefused(f"{file} is not {_BYTES} random bytes: remove it, and run `gatekeeper init`")
    return key
