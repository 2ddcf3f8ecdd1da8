"""The name by which a client's certificates are known: ``tls_client_auth`` of RFC 8705 section 2.1.

Guarantees: a client registers exactly one name, of one of the five kinds that the RFC has; a certificate that
the proxy verified counts for it only if it bears that very name, compared as its kind is compared. Which
authority may issue certificates is the proxy's: a name alone proves nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from cryptography import x509

from gatekeeper.ledger.canonical import canonical

ALG: Final = "tls_client_auth"
"""What stands in the place of an algorithm where a client registered a name and no key."""

KINDS: Final = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
_PREFIX: Final = "tls_client_auth_"
_LONGEST: Final = 512


def registered(kind: str, value: str) -> dict[str, str]:
    """Return a name as it is registered, in the RFC's own terms, each kind in the form it is compared in.

    Raises ValueError, whose message says what is wrong.
    """
    if kind not in KINDS:
        raise ValueError(f"a certificate is known by one of {', '.join(KINDS)}")
    if not 0 < len(value) <= _LONGEST or not value.isprintable():
        raise ValueError(f"the name has 1 to {_LONGEST} printable characters")
    if kind != "subject_dn" and not value.isascii():
        raise ValueError("the name has ASCII letters only; a host in another script has its xn-- form")
    return {_PREFIX + kind: _comparable(kind, value)}


def kid_of(name: Mapping[str, Any]) -> str:
    """Return how tokens and logs call the name: a digest of it."""
    return urlsafe_b64encode(hashlib.sha256(canonical(dict(name))).digest()[:18]).decode("ascii")


def bears(certificate: x509.Certificate, name: Mapping[str, Any]) -> bool:
    """Return whether a verified certificate bears the registered name. Raises nothing."""
    if len(name) != 1:
        return False
    ((member, value),) = name.items()
    kind = str(member).removeprefix(_PREFIX)
    if kind not in KINDS or not isinstance(value, str) or not value:
        return False
    try:
        return value in _borne(certificate, kind)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False  # a certificate that cannot be read bears nothing


def _borne(certificate: x509.Certificate, kind: str) -> set[str]:
    if kind == "subject_dn":
        return {certificate.subject.rfc4514_string()}
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    match kind:
        case "san_dns":
            return {name.lower() for name in names.get_values_for_type(x509.DNSName)}
        case "san_uri":
            return set(names.get_values_for_type(x509.UniformResourceIdentifier))
        case "san_ip":
            return {str(address) for address in names.get_values_for_type(x509.IPAddress)}
        case _:
            return set(names.get_values_for_type(x509.RFC822Name))


def _comparable(kind: str, value: str) -> str:
    match kind:
        case "subject_dn":
            try:
                return x509.Name.from_rfc4514_string(value).rfc4514_string()
            except ValueError:
                raise ValueError("a subject is written as CN=gate,O=Sample Police,C=US (RFC 4514)") from None
        case "san_dns":
            if "*" in value:
                raise ValueError("a name that stands for many hosts names no client")
            return value.lower()
        case "san_ip":
            return str(ipaddress.ip_address(value))
        case _:
            return value
