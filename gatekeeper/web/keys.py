"""The keys that sign access tokens: ES256, in files outside the database, never the log's key.

Guarantees: private keys are PEM files of mode 0600 in a directory of ours, written whole or not at all; the
``kid`` is the key's RFC 7638 thumbprint, so no two keys share one; exactly one key signs. A key goes *next* →
*active* → *retired*: the next one is published one cache time before it signs, a retired one stays published
until the last token it signed has expired. Running servers follow the directory: a key file that is removed
verifies nothing more within a second; a directory that cannot be read refuses every token.

Whoever holds the active key can write tokens for any client, but reads still need that client's agency to be
in good standing, a permit and a log entry.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gatekeeper.errors import OperatorError, SettingsRefused, StoreUnavailable
from gatekeeper.whole import sync, write_new

JWKS_CACHE_SECONDS = 300
_LOOK_AGAIN_SECONDS = 1.0
_ACTIVE, _NEXT, _RETIRED = "active.pem", "next.pem", "retired-"


@dataclass(frozen=True, slots=True)
class _Set:
    """The directory as it was read at one moment."""

    active_kid: str
    active: ECKey
    public: dict[str, ECKey]


class TokenKeys:
    """The token keys of one directory, read again each second."""

    def __init__(self, directory: Path) -> None:
        """Read the keys. Raises SettingsRefused if there is no active key or a file is not safe."""
        self._directory = directory
        self._lock = threading.Lock()
        self._set = _read(directory)
        self._looked = time.monotonic()

    @classmethod
    def create(cls, directory: Path) -> TokenKeys:
        """Load the directory's keys, making the first one if there is none. Raises SettingsRefused."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (directory / _ACTIVE).exists():
                _write_new(directory, _ACTIVE)
        except FileExistsError:
            pass  # another process was first: its key is the one
        except OSError as unwritable:
            raise SettingsRefused(
                f"token keys cannot be written ({unwritable.strerror}): make room, or {directory} writable"
            ) from unwritable
        return cls(directory)

    def signing(self) -> tuple[str, ECKey]:
        """Return the active kid and private key. Raises StoreUnavailable."""
        current = self._current()
        return current.active_kid, current.active

    def public(self, kid: str) -> ECKey | None:
        """Return the published key of that ``kid``, or None. Raises StoreUnavailable."""
        return self._current().public.get(kid)

    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """Return the JSON Web Key Set (RFC 7517 section 5), public members only. Raises StoreUnavailable."""
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": "ES256"}
                for kid, key in sorted(self._current().public.items())
            ]
        }

    def prepare(self) -> str:
        """Make and publish the next key; return its kid. Raises OperatorError if one is waiting."""
        try:
            _write_new(self._directory, _NEXT)
        except FileExistsError as waiting:
            raise OperatorError("a next token key is published already: activate it first") from waiting
        return _kid(_load(self._directory / _NEXT))

    def activate(self) -> str:
        """Sign with the next key from now on and retire the active one; return the new kid.

        Raises OperatorError if none was prepared.
        """
        waiting, active = self._directory / _NEXT, self._directory / _ACTIVE
        if not waiting.exists():
            raise OperatorError("no next token key: prepare one, and wait until caches have seen it")
        retired = self._directory / f"{_RETIRED}{_kid(_load(active))}.pem"
        if not retired.exists():
            os.link(active, retired)
        waiting.replace(active)  # at no moment is there no active key
        sync(self._directory)
        return _kid(_load(active))

    def drop(self, kid: str) -> None:
        """Destroy a retired key: what it signed is refused from now on. Raises OperatorError."""
        try:
            (self._directory / f"{_RETIRED}{kid}.pem").unlink()
        except OSError as absent:
            raise OperatorError("no retired token key of that kid: `activate` retires one") from absent
        sync(self._directory)

    def _current(self) -> _Set:
        # Read again each second: a key that an operator destroys must die in workers that already run, and
        # a directory's time stamp is too coarse to tell.
        if time.monotonic() - self._looked < _LOOK_AGAIN_SECONDS:
            return self._set
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_AGAIN_SECONDS:
                try:
                    self._set = _read(self._directory)
                except SettingsRefused as unreadable:
                    raise StoreUnavailable("token keys cannot be read") from unreadable
                self._looked = time.monotonic()
            return self._set


def _read(directory: Path) -> _Set:
    """Read every key of the directory. Raises SettingsRefused."""
    try:
        if stat.S_IMODE(directory.stat().st_mode) & 0o022:
            raise SettingsRefused(f"others may write {directory}: chmod 700 it")
        keys = {path.name: _load(path) for path in _files(directory)}
    except OSError as unreadable:
        raise SettingsRefused(f"token keys cannot be read: check {directory}") from unreadable
    active = keys.get(_ACTIVE)
    if active is None:
        raise SettingsRefused(f"no active token key in {directory}: run `gatekeeper init`")
    return _Set(_kid(active), active, {_kid(key): _public(key) for key in keys.values()})


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.suffix == ".pem":
            if path.name not in {_ACTIVE, _NEXT} and not path.name.startswith(_RETIRED):
                raise SettingsRefused(f"{path} is not a token key: remove it")
            yield path


def _load(path: Path) -> ECKey:
    """Read one private key. Raises SettingsRefused if others may read it or it is not P-256."""
    if not path.is_file() or path.is_symlink() or stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsRefused(f"{path} may be read by others: chmod 600 it")
    try:
        key = ECKey.import_key(path.read_bytes())
        if key.curve_name != "P-256" or not key.is_private:
            raise SettingsRefused(f"{path} is not a P-256 private key")
    except (JoseError, ValueError, TypeError) as malformed:
        raise SettingsRefused(f"{path} is not a P-256 private key") from malformed
    retired = path.name.removeprefix(_RETIRED).removesuffix(".pem")
    if path.name.startswith(_RETIRED) and retired != _kid(key):
        raise SettingsRefused(f"{path} is named for another key")
    return key


def _write_new(directory: Path, name: str) -> None:
    """Write a fresh key under a name that is free, whole or not at all. Raises FileExistsError, OSError."""
    key = ECKey.generate_key("P-256")
    pem = key.private_key
    if pem is None:
        raise SettingsRefused("a generated token key has no private part")
    # Refused if the name is taken: two processes make one key.
    write_new(directory / name, pem.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)


def _kid(key: ECKey) -> str:
    return key.thumbprint()


def _public(key: ECKey) -> ECKey:
    return ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
