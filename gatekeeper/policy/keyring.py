"""The policies' keys: the one that signs, and the public halves that are believed.

Guarantees: the key that signs is none of the log's or the tokens': a file of mode 0600, written whole or not
at all and encrypted where there is a passphrase, or a key in hardware that ``GATEKEEPER_POLICY_KEY`` names
and that never leaves it. The public half of every key that ever signed stays in a directory, each file named
by the key's RFC 7638 thumbprint, until somebody forgets it: a retired key still verifies what it signed, a
forgotten one nothing.
"""

from __future__ import annotations

import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    generate_private_key,
)

from gatekeeper.errors import OperatorError, SettingsRefused
from gatekeeper.policy.file_key import FileSigner
from gatekeeper.policy.signing import PolicySigner, PolicyVerifier, key_of
from gatekeeper.private_keys import encrypt, pem_of
from gatekeeper.whole import sync, write_whole

_PKCS11 = "pkcs11:"


class PolicyKeys:
    """The keys of one city; *named* is the setting: a PEM file, a PKCS#11 URI, or empty."""

    def __init__(self, directory: Path, named: str = "", passphrase: str = "") -> None:
        self._file = directory / "policy.pem"
        self._known = directory / "policy"
        self._named = named
        self._passphrase = passphrase

    def create(self) -> None:
        """Make a new city's key unless it is there or elsewhere, and its public half known.

        Raises SettingsRefused.
        """
        self._known.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._named and not self._file.exists():
            _write(self._file, pem_of(generate_private_key(SECP256R1()), self._passphrase))
        self._publish(self._open())

    def signer(self) -> PolicySigner:
        """Return what signs. Raises SettingsRefused."""
        signer = self._open()
        if signer.keyid not in self.known():  # what it signed would be refused everywhere
            raise SettingsRefused(
                f"the policy key {signer.keyid} is not known: run `gatekeeper policy key rotate`"
            )
        return signer

    def verifier(self) -> PolicyVerifier:
        """Return what believes every known key, as they are now. Raises SettingsRefused."""
        return PolicyVerifier(key_of(pem.encode()) for pem in self.known().values())

    def known(self) -> dict[str, str]:
        """Return the PEM of every public key that is believed, by its name. Raises SettingsRefused."""
        found: dict[str, str] = {}
        try:
            if stat.S_IMODE(self._known.stat().st_mode) & 0o022:
                raise SettingsRefused(f"others may write {self._known}: chmod 700 {self._known}")
            for file in sorted(self._known.glob("[!.]*")):
                found[file.stem] = _public(file)
        except OSError:
            raise SettingsRefused(
                f"{self._known} cannot be read: run `gatekeeper init`, or restore it"
            ) from None
        return found

    def rotate(self) -> str:
        """Sign with another key from now on; return its name.

        A new one in the file; or the one that the setting names by now. The public half is known before
        anything can be signed with it. Raises SettingsRefused, OperatorError.
        """
        signer = self._open()
        if not self._named:
            key = generate_private_key(SECP256R1())
            signer = FileSigner(key)
            self._publish(signer)
            _write(self._file, pem_of(key, self._passphrase))
        elif signer.keyid in self.known():
            raise OperatorError(
                f"GATEKEEPER_POLICY_KEY still names {signer.keyid}: name a new key, and run this again"
            )
        else:
            self._publish(signer)
        return signer.keyid

    def forget(self, keyid: str) -> None:
        """Refuse from now on what a key signed. Raises OperatorError for the key that signs, and for none."""
        if self._open().keyid == keyid:
            raise OperatorError(f"{keyid} is the key that signs: `gatekeeper policy key rotate` first")
        if keyid not in self.known():
            raise OperatorError("no policy key of that name is known: see `gatekeeper policy key show`")
        (self._known / f"{keyid}.pem").unlink()
        sync(self._known)

    def encrypt(self) -> bool:
        """Put the key's file under the passphrase; False if it is, or the key is in hardware.

        Raises SettingsRefused.
        """
        if self._named.startswith(_PKCS11):
            return False
        return encrypt(Path(self._named) if self._named else self._file, self._passphrase)

    def _open(self) -> PolicySigner:
        if not self._named.startswith(_PKCS11):
            return FileSigner.load(Path(self._named) if self._named else self._file, self._passphrase)
        from gatekeeper.policy.hardware_key import HardwareSigner  # noqa: PLC0415  only where there is such

        return HardwareSigner.open(self._named)

    def _publish(self, signer: PolicySigner) -> None:
        _write(self._known / f"{signer.keyid}.pem", signer.public_pem.encode())


def _public(file: Path) -> str:
    """Read one public key. Raises OSError, SettingsRefused if it is not what its name says."""
    content = file.read_bytes()
    try:
        key = key_of(content)
        right = not key.is_private and file.name == f"{key.thumbprint()}.pem"
    except ValueError:
        right = False
    if not right or file.is_symlink() or stat.S_IMODE(file.stat().st_mode) & 0o022:
        raise SettingsRefused(f"{file} is not the public key that its name says: remove it")
    return content.decode("ascii")


def _write(file: Path, content: bytes) -> None:
    """Write a key, for its owner alone. Raises SettingsRefused."""
    try:
        write_whole(file, content, 0o600)
    except OSError as fault:
        raise SettingsRefused(
            f"{file} cannot be written ({fault.strerror}): make room, or {file.parent} writable"
        ) from None
