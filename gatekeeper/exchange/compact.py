"""Signed JSON in compact form (RFC 7515 section 7.1), read strictly and checked against one known key.

Guarantees: sizes are capped before anything is decoded; header and payload are UTF-8 JSON objects without a
repeated member; the header holds only the parameters the caller names, so an embedded key (``jwk``, ``x5c``,
``jku``), ``crit`` and ``b64`` are refused by absence from that list; only ES256, PS256 and Ed25519 can verify
anything (RFC 9864 names; ``EdDSA`` is read as Ed25519), each with a key of its own kind, and RS256 where the
caller asks for it by name: for tokens of a provider that has nothing else. The key is chosen by
the caller, never by the text; a DPoP proof alone brings its own, which proves nothing but that whoever signed
it holds that key (``read_keyed``). A fault names what is wrong, never what was sent.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

RS256 = "RS256"
MAX_HEADER = 512
MAX_PAYLOAD = 4096
MAX_SIGNATURE = 700  # 683 characters are an RSA signature of 4096 bits
MAX_KEYED_HEADER = 2048  # an RSA key of 4096 bits as a JWK

_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,256}\Z", re.ASCII)

VerifyingKey = ECKey | RSAKey | OKPKey


Fault = Literal["malformed", "oversized", "header", "algorithm", "signature"]


class CompactFault(Exception):
    """The text is refused, for that ``fault``."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Unverified:
    """Text that parsed. Its payload is held back until a signature has been checked."""

    text: str
    header: Mapping[str, Any]
    algorithms: jws.JWSRegistry

    def claimed_subject(self) -> str:
        """Return ``sub`` as claimed, or "": good for finding whose keys to try, for nothing else.

        Raises CompactFault.
        """
        subject = _members(_decoded(self.text.split(".")[1])).get("sub")
        return subject if isinstance(subject, str) else ""

    def verified(self, key: VerifyingKey) -> dict[str, Any]:
        """Return the payload if ``key`` signed it with the header's algorithm. Raises CompactFault."""
        try:
            signed = jws.deserialize_compact(self.text, key, registry=self.algorithms)
        except (JoseError, ValueError, TypeError) as refused:
            # One answer for a wrong key type and a wrong signature: neither proves possession of the key.
            raise CompactFault("signature") from refused
        return _members(signed.payload or b"")


class _Algorithms(jws.JWSRegistry):
    """The only algorithms there are: an alg outside this table cannot be named, so it cannot be confused.

    ``EdDSA`` points at the Ed25519 implementation: the curve is checked (Ed448 is refused), and the library's
    warning about the old name, which partners' libraries still send, is not raised.
    """

    algorithms: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # the library declares it on the instance
        "ES256": jws.JWSRegistry.algorithms["ES256"],
        "PS256": jws.JWSRegistry.algorithms["PS256"],
        "Ed25519": jws.JWSRegistry.algorithms["Ed25519"],
        "EdDSA": jws.JWSRegistry.algorithms["Ed25519"],
    }
    max_header_length = MAX_HEADER
    max_payload_length = MAX_PAYLOAD
    max_signature_length = MAX_SIGNATURE


class _WithRs256(_Algorithms):
    """The same, and RS256, which FAPI 2.0 forbids (section 5.4): for no client of ours."""

    algorithms: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # as above
        **_Algorithms.algorithms,
        RS256: jws.JWSRegistry.algorithms[RS256],
    }


class _Keyed(_Algorithms):
    """The same, where the header holds a key."""

    max_header_length = MAX_KEYED_HEADER


ALGORITHMS = tuple(_Algorithms.algorithms)
_REGISTRY = _Algorithms(algorithms=ALGORITHMS)
_KEYED = _Keyed(algorithms=ALGORITHMS)
_WITH_RS256 = _WithRs256(algorithms=[*ALGORITHMS, RS256])


def read(text: str, parameters: frozenset[str], *, rs256: bool = False) -> Unverified:
    """Parse compact text whose header may hold only ``parameters``, each a string.

    *rs256*: whether it may be signed with RS256 too. Raises CompactFault.
    """
    header = _header(text, MAX_HEADER)
    if not header.keys() <= parameters or not all(isinstance(value, str) for value in header.values()):
        raise CompactFault("header")
    return _known(text, header, _WITH_RS256 if rs256 else _REGISTRY)


def read_keyed(text: str) -> Unverified:
    """Parse compact text whose header holds ``typ``, ``alg`` and ``jwk`` alone. Raises CompactFault."""
    header = _header(text, MAX_KEYED_HEADER)
    kinds = {"typ": str, "alg": str, "jwk": dict}
    if header.keys() != kinds.keys() or not all(type(header[name]) is kinds[name] for name in kinds):
        raise CompactFault("header")
    return _known(text, header, _KEYED)


def claimed(text: str, name: str) -> object:
    """Return a member of a payload that nobody has verified: good for finding who is to verify it.

    Raises CompactFault.
    """
    _header(text, MAX_HEADER)
    return _members(_decoded(text.split(".")[1])).get(name)


def is_identifier(jti: object) -> bool:
    """Return whether this can be the ``jti`` of what works once: 1 to 256 printable ASCII characters."""
    return isinstance(jti, str) and _IDENTIFIER.match(jti) is not None


def _header(text: str, most: int) -> dict[str, Any]:
    """Check the three parts' sizes and read the first. Raises CompactFault."""
    if len(text) > most + MAX_PAYLOAD + MAX_SIGNATURE + 2:
        raise CompactFault("oversized")
    if not text.isascii():
        raise CompactFault("malformed")
    segments = text.split(".")
    if len(segments) != 3 or not all(segments):  # header, payload, signature
        raise CompactFault("malformed")  # an empty signature is how ``alg: none`` looks
    caps = (most, MAX_PAYLOAD, MAX_SIGNATURE)
    if any(len(segment) > cap for segment, cap in zip(segments, caps, strict=True)):
        raise CompactFault("oversized")
    return _members(_decoded(segments[0]))


def _known(text: str, header: Mapping[str, Any], registry: jws.JWSRegistry) -> Unverified:
    if header.get("alg") not in registry.algorithms:
        raise CompactFault("algorithm")
    return Unverified(text, header, registry)


def _decoded(segment: str) -> bytes:
    try:
        return urlsafe_b64decode(segment.encode("ascii"))
    except (binascii.Error, ValueError) as malformed:
        raise CompactFault("malformed") from malformed


def _members(text: bytes) -> dict[str, Any]:
    """Read a JSON object in UTF-8 whose members are all different. Raises CompactFault."""
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as malformed:
        raise CompactFault("malformed") from malformed
    if not isinstance(value, dict):
        raise CompactFault("malformed")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers that keep different twins of a member would see two different tokens.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _refuse(_: str) -> None:
    raise ValueError("not a JSON number")
