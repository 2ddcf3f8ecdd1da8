"""The keys that sign access tokens: ES256, in files outside the database, never the log's key.

Guarantees: private keys are files of mode 0600 in a directory of ours (see ``key_files``), written whole or
not at all; the ``kid`` is the key's RFC 7638 thumbprint, so no two keys share one; exactly one key signs. A
key goes *next* → *active* → *retired*: the next one is published one cache time before it signs, a retired
one stays published until the last token it signed has expired. Running servers follow the directory: a key
file that is removed verifies nothing more within a second; a directory that cannot be read refuses every
token; a directory that is being changed is read again, so that no rotation refuses a good one.

Whoever holds the active key can write tokens for any client, but reads still need that client's agency to be
in good standing, a permit and a log entry.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from joserfc.jwk import ECKey

from gatekeeper.errors import OperatorError, SettingsRefused, StoreUnavailable
from gatekeeper.private_keys import encrypt
from gatekeeper.web.key_files import HeldKey, KeyFiles, made_pem
from gatekeeper.whole import alone, sync, write_new

JWKS_CACHE_SECONDS = 300
LOOK_AGAIN_SECONDS: Final = 1.0
"""Within this a running worker has read the directory again."""

_ACTIVE, _NEXT, _RETIRED = "active.pem", "next.pem", "retired-"
_READINGS: Final = 20
State = Literal["next", "active", "retired"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One key of the directory: when it came to its state, and when it was made, in seconds of the epoch."""

    kid: str
    state: State
    since: float
    made: float
    kept: str


@dataclass(frozen=True, slots=True)
class _Set:
    """The directory as it was read at one moment."""

    active: HeldKey
    public: dict[str, ECKey]
    listed: tuple[Listed, ...]


class TokenKeys:
    """The token keys of one directory, read again each second."""

    def __init__(self, directory: Path, passphrase: str = "") -> None:
        """Read the keys. Raises SettingsRefused if there is no active key or a file is not safe."""
        self._directory = directory
        self._passphrase = passphrase
        self._lock = threading.Lock()
        self._files = KeyFiles(passphrase)
        self._set = self._read()
        self._looked = time.monotonic()

    @classmethod
    def create(cls, directory: Path, passphrase: str = "") -> TokenKeys:
        """Load the directory's keys, making the first one if there is none. Raises SettingsRefused."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (directory / _ACTIVE).exists():
                write_new(directory / _ACTIVE, made_pem(passphrase), 0o600)
        except FileExistsError:
            pass  # another process was first: its key is the one
        except OSError as unwritable:
            raise SettingsRefused(
                f"token keys cannot be written ({unwritable.strerror}): make room, or {directory} writable"
            ) from unwritable
        return cls(directory, passphrase)

    def signed(self, claims: Mapping[str, Any]) -> str:
        """Return an access token that says this, signed with the active key. Raises StoreUnavailable."""
        try:
            return self._current().active.signed(claims)
        except SettingsRefused as unusable:  # a token of PKCS#11 that does not answer
            raise StoreUnavailable("the active token key cannot be used") from unusable

    def signing(self) -> tuple[str, ECKey]:
        """Return the active kid and private key. Raises StoreUnavailable, also where it stays in hardware."""
        active = self._current().active
        if active.private is None:
            raise StoreUnavailable("the active token key does not leave its hardware")
        return active.kid, active.private

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

    def listed(self) -> tuple[Listed, ...]:
        """Return every key as the directory has it now. Raises SettingsRefused."""
        return self._read().listed

    def usable(self) -> tuple[Listed, ...]:
        """Return every key as ``listed`` does, once the active one has signed. Raises SettingsRefused."""
        found = self._read()
        found.active.signed({})
        return found.listed

    def prepare(self, pkcs11: str = "") -> str:
        """Publish the next key, a new one or that of a PKCS#11 URI; return its kid.

        Raises OperatorError if one is waiting or the key is here already, SettingsRefused.
        """
        if (self._directory / _NEXT).exists():
            raise OperatorError("a next token key is published already: activate it first")
        content = made_pem(self._passphrase)
        if pkcs11:
            content = f"{pkcs11}\n".encode()
            kid = self._files.key(content, self._directory / _NEXT).kid
            if kid in self._read().public:
                raise OperatorError(f"{kid} is a token key already: make another pair in the token")
        try:
            write_new(self._directory / _NEXT, content, 0o600)
        except FileExistsError as waiting:
            raise OperatorError("a next token key is published already: activate it first") from waiting
        except OSError as unwritable:
            raise self._unwritable(unwritable) from unwritable
        return self._files.load(self._directory / _NEXT).kid

    def activate(self) -> str:
        """Sign with the next key from now on and retire the active one; return the new kid.

        Raises OperatorError if none was prepared.
        """
        waiting, active = self._directory / _NEXT, self._directory / _ACTIVE
        if not waiting.exists():
            raise OperatorError("no next token key: prepare one, and wait until caches have seen it")
        retired = self._directory / f"{_RETIRED}{self._read().active.kid}.pem"
        try:
            if not retired.exists():
                os.link(active, retired)
            waiting.replace(active)  # at no moment is there no active key
            sync(self._directory)
        except OSError as unwritable:
            raise self._unwritable(unwritable) from unwritable
        return self._read().active.kid

    def drop(self, kid: str) -> None:
        """Destroy a retired key: what it signed is refused from now on. Raises OperatorError."""
        try:
            (self._directory / f"{_RETIRED}{kid}.pem").unlink()
        except OSError as absent:
            raise OperatorError("no retired token key of that kid: `activate` retires one") from absent
        sync(self._directory)

    def encrypt(self) -> list[str]:
        """Put under the passphrase each file that is not; return their names. Raises SettingsRefused."""
        with self.changing():  # or what was read as the active key is written over another that is it by then
            return [path.name for path in _pems(self._directory) if encrypt(path, self._passphrase)]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the directory against another command, not against readers. Raises SettingsRefused."""
        with ExitStack() as held:
            try:
                held.enter_context(alone(self._directory, wait=True))
            except OSError as fault:
                raise self._unwritable(fault) from fault
            yield

    def _unwritable(self, fault: OSError) -> SettingsRefused:
        return SettingsRefused(
            f"token keys cannot be written ({fault.strerror}): make room, or {self._directory} writable"
        )

    def _current(self) -> _Set:
        # Read again each second: a key that an operator destroys must die in workers that already run, and
        # a directory's time stamp is too coarse to tell.
        if time.monotonic() - self._looked < LOOK_AGAIN_SECONDS:
            return self._set
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_AGAIN_SECONDS:
                try:
                    self._set = self._read()
                except SettingsRefused as unreadable:
                    raise StoreUnavailable("token keys cannot be read") from unreadable
                self._looked = time.monotonic()
            return self._set

    def _read(self) -> _Set:
        """Read every key of the directory. Raises SettingsRefused."""
        directory = self._directory
        for _ in range(_READINGS):
            try:
                return self._read_once()
            except FileNotFoundError:
                if not directory.is_dir():
                    break  # else a key was renamed or dropped between the listing and the reading
            except OSError:
                break
        raise SettingsRefused(f"token keys cannot be read: check {directory}")

    def _read_once(self) -> _Set:
        """Read every key of the directory. Raises OSError, SettingsRefused."""
        directory = self._directory
        if stat.S_IMODE(directory.stat().st_mode) & 0o022:
            raise SettingsRefused(f"others may write {directory}: chmod 700 it")
        found = {path.name: (self._files.load(path), path.stat()) for path in _pems(directory)}
        if _ACTIVE not in found:
            raise SettingsRefused(f"no active token key in {directory}: run `gatekeeper init`")
        for name, (key, _) in found.items():
            if name.startswith(_RETIRED) and name != f"{_RETIRED}{key.kid}.pem":
                raise SettingsRefused(f"{directory / name} is named for another key")
        active = found[_ACTIVE][0]
        self._files.keep_only(key for key, _ in found.values())
        # Between the two steps of `activate` one key has two names: it is the active one.
        listed = {
            key.kid: Listed(key.kid, _state(name), at.st_ctime, at.st_mtime, key.kept)
            for name, (key, at) in sorted(found.items(), key=lambda item: item[0] == _ACTIVE)
        }
        return _Set(active, {key.kid: key.public for key, _ in found.values()}, tuple(listed.values()))


def _state(name: str) -> State:
    return "active" if name == _ACTIVE else "next" if name == _NEXT else "retired"


def _pems(directory: Path) -> list[Path]:
    """Return the files of keys, by name. Raises OSError, SettingsRefused for any other file."""
    found = sorted(path for path in directory.iterdir() if path.suffix == ".pem")
    for path in found:
        if path.name not in {_ACTIVE, _NEXT} and not path.name.startswith(_RETIRED):
            raise SettingsRefused(f"{path} is not a token key: remove it")
    return found
