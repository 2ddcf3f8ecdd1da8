"""A key in hardware, by PKCS#11, named by a URI (RFC 7512): the policies' or the tokens'.

It is used through python-pkcs11, the extra ``gatekeeper[pkcs11]``. Guarantees: the key is never copied out;
the PIN comes from a file that only its owner may read, never from the URI, which is printed and logged;
exactly one token and one pair of keys answer to the URI, on P-256, or nothing is signed; what the hardware
signed is verified with the public half before anybody sees it.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gatekeeper.errors import SettingsRefused
from gatekeeper.policy.file_key import keyid_of, pem_of, signatures, signing_input
from gatekeeper.policy.layout import Json


@dataclass(frozen=True, slots=True)
class Use:
    """What a key is for, as its messages call it, and how its URI is given."""

    name: str
    cure: str


POLICY: Final = Use(
    "policy key",
    "set GATEKEEPER_POLICY_KEY to pkcs11:token=LABEL;object=LABEL?module-path=/path/to/module.so"
    "&pin-source=file:/path/to/pin",
)
_PATH = {"token", "object", "serial"}
_QUERY = {"module-path", "pin-source"}
_ATTRIBUTE = re.compile(r"([a-z-]+)=([^=;&?#]+)")
_LONGEST_WAIT_S: Final = 10.0
_one_at_a_time = threading.Lock()  # a token has one login for the whole process


@dataclass(frozen=True, slots=True)
class Place:
    """Where the key is: what the URI says."""

    token: str
    label: str
    serial: bytes | None
    module: str
    pin_file: Path
    use: Use = POLICY

    @classmethod
    def parse(cls, uri: str, use: Use = POLICY) -> Place:
        """Read a PKCS#11 URI. Raises SettingsRefused, which never repeats it."""
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        found = {
            **_attributes(path.split(";"), _PATH, use),
            **_attributes(query.split("&"), _QUERY, use),
        }
        if missing := {"token", "object", "module-path", "pin-source"} - found.keys():
            raise SettingsRefused(f"the PKCS#11 URI lacks {', '.join(sorted(missing))}: {use.cure}")
        source = found["pin-source"].removeprefix("file:").removeprefix("//")
        if not source.startswith("/") or not found["module-path"].startswith("/"):
            raise SettingsRefused(f"the paths of a PKCS#11 URI must be absolute: {use.cure}")
        serial = found.get("serial")
        return cls(
            token=found["token"],
            label=found["object"],
            serial=None if serial is None else serial.encode(),
            module=found["module-path"],
            pin_file=Path(source),
            use=use,
        )

    def pin(self) -> str:
        """Read the PIN. Raises SettingsRefused."""
        try:
            if stat.S_IMODE(self.pin_file.stat().st_mode) & 0o077:
                raise SettingsRefused(f"{self.pin_file} may be read by others: chmod 600 {self.pin_file}")
            return self.pin_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsRefused(
                f"{self.pin_file}, the PIN of the {self.use.name}, cannot be read"
            ) from None


class HardwareSigner:
    """Signs with a key that stays where it is."""

    def __init__(self, place: Place, key: EllipticCurvePublicKey) -> None:
        self._place = place
        self._key = key
        self.public_pem = pem_of(key)
        self.keyid = keyid_of(self.public_pem)

    @classmethod
    def open(cls, uri: str, use: Use = POLICY) -> HardwareSigner:
        """Find the key that the URI names. Raises SettingsRefused."""
        place = Place.parse(uri, use)
        with _session(place) as (pkcs11, session):
            from pkcs11.util.ec import encode_ec_public_key  # noqa: PLC0415  the extra is there by now

            public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=place.label)
            key = load_der_public_key(encode_ec_public_key(public))
        if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != SECP256R1.name:
            raise SettingsRefused(f"the {use.name} in the token is not on P-256: make one that is")
        return cls(place, key)

    def sign(self, claims: Mapping[str, Json]) -> str:
        """Return the text of ``.signatures.json``. Raises SettingsRefused if the token does not sign."""
        head = signing_input(claims, self.keyid)
        return signatures(head, self.raw(head))

    def raw(self, head: bytes) -> bytes:
        """Return an ES256 signature (RFC 7518 section 3.4). Raises SettingsRefused if there is none."""
        with _session(self._place) as (pkcs11, session):
            private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self._place.label)
            signed = bytes(private.sign(hashlib.sha256(head).digest(), mechanism=pkcs11.Mechanism.ECDSA))
        half = len(signed) // 2
        pair = encode_dss_signature(
            int.from_bytes(signed[:half], "big"), int.from_bytes(signed[half:], "big")
        )
        try:
            self._key.verify(pair, head, ECDSA(SHA256()))
        except InvalidSignature:
            raise SettingsRefused(
                "the token signed with another key than its public one: give the pair one label of its own"
            ) from None
        return signed


@contextmanager
def _session(place: Place) -> Iterator[tuple[Any, Any]]:
    """Log in to the token. Raises SettingsRefused, without what the module said: it may hold the PIN."""
    try:
        import pkcs11  # noqa: PLC0415  an extra: only a city with such hardware needs it
    except ImportError:
        raise SettingsRefused(
            f"a {place.use.name} in hardware needs python-pkcs11: pip install 'gatekeeper[pkcs11]'"
        ) from None
    pin = place.pin()
    try:
        with _one_at_a_time, place.pin_file.open("rb") as held:
            # Modules of several processes at one token get into each other's way (SoftHSM's for good).
            _alone(held)
            module = pkcs11.lib(place.module)
            serial = {} if place.serial is None else {"token_serial": place.serial}
            token = module.get_token(token_label=place.token, **serial)
            with token.open(user_pin=pin) as session:
                yield pkcs11, session
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as failed:
        raise SettingsRefused(
            f"the token does not give the {place.use.name} ({type(failed).__name__}): check the module's "
            "path, the labels of token and key, and the PIN"
        ) from None


def _alone(held: IO[bytes]) -> None:
    """Wait for other processes at this token. Raises BlockingIOError if one does not come to its end."""
    ends = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            return fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                raise
        time.sleep(0.002)


def _attributes(parts: list[str], known: set[str], use: Use) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, parts):
        named = _ATTRIBUTE.fullmatch(part)
        if named is None or named[1] not in known or named[1] in found:
            # pin-value is among what is not known: an address is no place for a PIN.
            raise SettingsRefused(f"the PKCS#11 URI says what it may not, or says it twice: {use.cure}")
        found[named[1]] = unquote(named[2])
    return found
