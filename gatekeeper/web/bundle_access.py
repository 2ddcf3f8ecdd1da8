"""Who may fetch the law in force: an OPA that holds the bundle's token, or a known client certificate.

Guarantees: the token is one of its own, no client's and no key of ours, in a file that only its owner may
read; it is compared in constant time. A certificate counts only where the operator listed its SHA-256
fingerprint, and only as the proxy in front has verified it (``web.proxy``). Nothing else lets anybody in.

Whoever holds the token can read the policies that are in force, the city's word list among them, and keep a
few connections waiting; and can change nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from werkzeug.datastructures import Headers

from gatekeeper.errors import SettingsRefused, Unauthenticated
from gatekeeper.web.proxy import Proxy
from gatekeeper.whole import write_once

_SHORTEST = 32
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class BundleAccess:
    """Says who may fetch the bundle."""

    def __init__(self, token: str, certificates: frozenset[str], proxy: Proxy) -> None:
        self._token = token.encode()
        self._certificates = certificates
        self._proxy = proxy

    @classmethod
    def load(cls, token: str, file: Path, certificates: str, proxy: Proxy) -> BundleAccess:
        """Take the token from its setting or else from its file. Raises SettingsRefused."""
        found = token or _read(file)
        if len(found) < _SHORTEST or not found.isascii() or not found.isprintable() or " " in found:
            where = "GATEKEEPER_BUNDLE_TOKEN" if token else str(file)
            raise SettingsRefused(f"{where} is not a token: set 32 characters or more (openssl rand -hex 32)")
        listed = frozenset(
            part.strip().replace(":", "").lower() for part in certificates.split(",") if part.strip()
        )
        if not all(_FINGERPRINT.fullmatch(one) for one in listed):
            raise SettingsRefused(
                "GATEKEEPER_BUNDLE_CERTIFICATES must be SHA-256 fingerprints (openssl x509 -noout "
                "-fingerprint -sha256 -in FILE), separated by commas"
            )
        return cls(found, listed, proxy)

    def check(self, headers: Headers, peer: str | None) -> None:
        """Let a caller pass. Raises Unauthenticated."""
        authorization = headers.get("Authorization")
        if authorization is None:
            if not self._by_certificate(headers, peer):
                raise Unauthenticated("no_credentials")
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("wrong_scheme")
        # A header is decoded as Latin-1; a token of ours is ASCII, so coding it again loses nothing.
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            raise Unauthenticated("secret")

    def _by_certificate(self, headers: Headers, peer: str | None) -> bool:
        certificate = self._proxy.certificate(headers, peer) if self._certificates else None
        if certificate is None:
            return False
        fingerprint = certificate.fingerprint(SHA256()).hex()
        if not any([hmac.compare_digest(fingerprint, known) for known in self._certificates]):  # noqa: C419
            raise Unauthenticated("unknown_key")
        return True


def create(file: Path) -> None:
    """Make the token's file unless it is there. Raises OSError."""
    write_once(file, f"{secrets.token_urlsafe(32)}\n".encode("ascii"), 0o600)


def _read(file: Path) -> str:
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsRefused(f"{file} may be read by others: chmod 600 {file}")
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsRefused(f"{file} cannot be read: run `gatekeeper init`") from None
