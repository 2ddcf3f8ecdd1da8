"""The key of the nonces for DPoP proofs: a file of its own."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.exchange.nonces import Nonces
from gatekeeper.web import secret_file
from gatekeeper.web.secret_file import create

__all__ = ["create", "load"]


def load(file: Path) -> Nonces:
    """Take the key from its file. Raises SettingsRefused."""
    return Nonces(secret_file.read(file))
