"""A key in hardware (``gatekeeper.hardware``) that signs on P-256: the policies' or the tokens'.

Guarantees: the key is never copied out; exactly one token and one pair of keys answer to the URI, on P-256,
or nothing is signed; what the hardware signed is verified with the public half before anybody sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

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
from gatekeeper.hardware import Place, Use, session_of
from gatekeeper.policy.file_key import keyid_of, pem_of, signatures, signing_input
from gatekeeper.policy.layout import Json

POLICY: Final = Use(
    "policy key",
    "set GATEKEEPER_POLICY_KEY to pkcs11:token=LABEL;object=LABEL?module-path=/path/to/module.so"
    "&pin-source=file:/path/to/pin",
)


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
        with session_of(place) as (pkcs11, session):
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
        with session_of(self._place) as (pkcs11, session):
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
