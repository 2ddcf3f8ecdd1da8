"""The log's key in hardware (``gatekeeper.hardware``): Ed25519 by EDDSA of PKCS#11, and the file naming it.

The file holds two lines, the PKCS#11 URI and the public half in base64. Guarantees: the private half is
nowhere here, and no PIN; to read the log's name, to verify and to append a stop nobody asks the hardware;
what it signed is verified with the public half of the file before anybody sees it, so a token whose key was
exchanged signs nothing; one that does not answer is said, with what to do.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatekeeper.errors import SettingsRefused
from gatekeeper.hardware import PKCS11, Place, Use, session_of

LOG: Final = Use(
    "log's key",
    "gatekeeper ledger new-key --pkcs11 'pkcs11:token=LABEL;object=LABEL?module-path=/path/to/module.so"
    "&pin-source=file:/path/to/pin'",
)
_BYTES: Final = 32
_POINT: Final = bytes((4, _BYTES))  # DER of an octet string, as PKCS#11 has it; some leave it out


@dataclass(frozen=True, slots=True)
class HardwareKey:
    """A key that stays where it is."""

    uri: str
    place: Place
    public: bytes

    @classmethod
    def find(cls, uri: str) -> HardwareKey:
        """Ask the hardware for the pair that the URI names, and for a signature. Raises SettingsRefused."""
        place = Place.parse(uri, LOG)
        if not uri.isascii() or not uri.isprintable() or " " in uri:
            raise SettingsRefused(f"the PKCS#11 URI is not one word: {LOG.cure}")
        with session_of(place) as (pkcs11, session):
            public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=place.label)
            point = _point(pkcs11, public)
        if point is None:
            raise SettingsRefused("the log's key in the token is not one of Ed25519: make one that is")
        found = cls(uri, place, point)
        found.sign(b"")
        return found

    @classmethod
    def read(cls, content: bytes, file: Path) -> HardwareKey:
        """Read the file of one, without asking the hardware. Raises SettingsRefused."""
        try:
            uri, encoded = content.decode("ascii").splitlines()
            public = base64.b64decode(encoded, validate=True)
        except (UnicodeDecodeError, ValueError, binascii.Error):
            public = b""
        if len(public) != _BYTES:
            raise SettingsRefused(
                f"{file} does not hold a PKCS#11 URI and a public key: put it back from a backup"
            )
        return cls(uri, Place.parse(uri, LOG), public)

    def content(self) -> bytes:
        """Return what the key's file holds."""
        return f"{self.uri}\n{base64.b64encode(self.public).decode()}\n".encode()

    def sign(self, data: bytes) -> bytes:
        """Return the key's signature (RFC 8032). Raises SettingsRefused if there is none."""
        with session_of(self.place) as (pkcs11, session):
            private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.place.label)
            signed = bytes(private.sign(data, mechanism=pkcs11.Mechanism.EDDSA))
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signed, data)
        except InvalidSignature:
            raise SettingsRefused(
                "the token signed with another key than the log's: put the log's own key back into it, or "
                "name another by gatekeeper ledger new-key"
            ) from None
        return signed


def is_in_hardware(content: bytes) -> bool:
    """Say whether a key's file names one in hardware."""
    return content.startswith(PKCS11.encode())


def _point(pkcs11: Any, public: Any) -> bytes | None:
    """Return the 32 bytes of an Ed25519 key, None for any other."""
    if public.key_type != pkcs11.KeyType.EC_EDWARDS:
        return None
    point = bytes(public[pkcs11.Attribute.EC_POINT])
    point = point.removeprefix(_POINT) if len(point) == _BYTES + len(_POINT) else point
    return point if len(point) == _BYTES else None  # else one of Ed448
