"""Another key for the log, under the same name: first both sign, then the new one alone.

(1) ``begin``: the next key is made; from then on every process signs with both, so that whoever knows either
can check. (2) The log says so, under the signature of the old one. (3) People and witnesses take the new key.
(4) The log says that the old one ends, and with which entry. (5) ``retire``: the next key takes the place of
the old one, whose public half is kept with the size up to which it counts. Guarantees: at no moment, also not
after a crash, is there a checkpoint that the keys known then do not verify; a retired key signs nothing
larger, whoever found it; each step can be done again where it was interrupted.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from gatekeeper.errors import OperatorError, SettingsRefused
from gatekeeper.ledger.checkpoint import SigningKey, VerifierKey, former_keys, former_of, next_of
from gatekeeper.ledger.hardware_key import HardwareKey
from gatekeeper.whole import write_new, write_whole


def begin(file: Path, origin: str, passphrase: str = "", pkcs11: str = "") -> VerifierKey:
    """Return the key that is to follow the one in *file*, made now unless there is one; or that of a URI.

    It appears whole, or not at all: other processes sign with it at once. Raises SettingsRefused, and
    OperatorError if what the URI names is one of the log's keys already, or another one waits.
    """
    made = next_of(file).with_name(f".{next_of(file).name}.{secrets.token_hex(8)}")
    named = HardwareKey.find(pkcs11) if pkcs11 else None
    if named is not None:
        _refuse_known(file, origin, passphrase, named)
    try:
        if named is None:
            SigningKey.create(made, origin, passphrase)
        else:
            write_new(made, named.content(), 0o600)
        with suppress(FileExistsError):
            os.link(made, next_of(file))
    except OSError as error:
        raise _not_written(file, error) from None
    finally:
        made.unlink(missing_ok=True)
    found = SigningKey.load(next_of(file), origin, passphrase).verifier
    if named is not None and found.public != named.public:
        raise OperatorError(
            f"another key waits to take its place: {found}\nfinish with that one first: "
            "gatekeeper ledger new-key --reason …"
        )
    return found


def _refuse_known(file: Path, origin: str, passphrase: str, named: HardwareKey) -> None:
    """Refuse a key that the log has, or had. Raises OperatorError, SettingsRefused."""
    own = SigningKey.load(file, origin, passphrase).verifier.public
    if named.public in {own, *(key.public for key, _ in former_keys(file))}:
        raise OperatorError("that is a key of this log already: make another pair in the token")


def following(file: Path, origin: str, passphrase: str = "") -> VerifierKey | None:
    """Return the key that is to follow the one in *file*, or None. Raises SettingsRefused."""
    return SigningKey.load(next_of(file), origin, passphrase).verifier if next_of(file).exists() else None


def retire(file: Path, origin: str, upto: int, passphrase: str = "") -> VerifierKey:
    """Let the next key take the place of the one in *file*, which counts up to a tree of *upto* entries.

    Returns the key in use from now on. Raises OperatorError without a next key, SettingsRefused.
    """
    new = following(file, origin, passphrase)
    if new is None:
        raise OperatorError("there is no new key to take its place: gatekeeper ledger new-key")
    old = SigningKey.load(file, origin, passphrase).verifier
    former = [(str(key), most) for key, most in former_keys(file) if key.public != old.public]
    former.append((str(old), upto))
    try:
        write_whole(former_of(file), "".join(f"{key} {most}\n" for key, most in former).encode(), 0o600)
        next_of(file).replace(file)
    except OSError as error:
        raise _not_written(file, error) from None
    return new


def _not_written(file: Path, error: OSError) -> SettingsRefused:
    return SettingsRefused(
        f"the keys in {file.parent} cannot be written ({error.strerror}): make it writable, run it again"
    )
