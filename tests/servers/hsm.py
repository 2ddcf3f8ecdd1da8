"""A PKCS#11 token of the tests (SoftHSM) with pairs of Ed25519, made through python-pkcs11."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE = next(
    (
        path
        for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
        if Path(path).exists()
    ),
    "/usr/lib/softhsm/libsofthsm2.so",
)
PIN = "837465"

EDWARDS = b"\x13\x0cedwards25519"  # PKCS#11 3.0, section 6.3.10: a printable string in DER
P256 = bytes.fromhex("06082a8648ce3d030107")


@dataclass(frozen=True, slots=True)
class Token:
    """A token; its PIN's file may be taken away."""

    directory: Path
    label: str = "log"

    @property
    def conf(self) -> str:
        """Where the module's configuration is."""
        return str(self.directory / "conf")

    def uri(self, key: str = "log-1", token: str = "") -> str:
        """Return the URI of a key."""
        pin = self.directory / "pin"
        return f"pkcs11:token={token or self.label};object={key}?module-path={MODULE}&pin-source=file:{pin}"

    def away(self) -> None:
        """Take it away: whoever asks gets nothing."""
        os.rename(self.directory / "pin", self.directory / "gone")  # noqa: PTH104  a plain move

    def back(self) -> None:
        """Put it back."""
        os.rename(self.directory / "gone", self.directory / "pin")  # noqa: PTH104

    def make(self, label: str, *, edwards: bool = True) -> None:
        """Make a pair of that label, once more if there is one."""
        import pkcs11  # noqa: PLC0415  an extra

        module = pkcs11.lib(MODULE)
        with module.get_token(token_label=self.label).open(user_pin=PIN, rw=True) as session:
            for found in session.get_objects({pkcs11.Attribute.LABEL: label}):
                found.destroy()
            kind = pkcs11.KeyType.EC_EDWARDS if edwards else pkcs11.KeyType.EC
            values = {pkcs11.Attribute.EC_PARAMS: EDWARDS if edwards else P256}
            parameters = session.create_domain_parameters(kind, values, local=True)
            how = pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN if edwards else pkcs11.Mechanism.EC_KEY_PAIR_GEN
            parameters.generate_keypair(mechanism=how, store=True, label=label)


@contextmanager
def token_of(directory: Path) -> Iterator[Token]:
    """Make a token with the pairs ``log-1`` and ``log-2``, and ``other`` on another curve."""
    (directory / "tokens").mkdir()
    (directory / "conf").write_text(f"directories.tokendir = {directory / 'tokens'}\nlog.level = ERROR\n")
    (directory / "pin").touch(mode=0o600)
    (directory / "pin").write_text(f"{PIN}\n")
    made = Token(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", made.conf)
        command = ["softhsm2-util", "--init-token", "--free", "--label", made.label, "--so-pin", "48392"]
        subprocess.run([*command, "--pin", PIN], check=True, capture_output=True, timeout=60)
        begin_anew()
        made.make("log-1")
        made.make("log-2")
        made.make("other", edwards=False)
        yield made


def begin_anew() -> None:
    """Have this process's module read its configuration: another test may have begun it with another."""
    import pkcs11  # noqa: PLC0415  an extra

    pkcs11.lib(MODULE).reinitialize()
