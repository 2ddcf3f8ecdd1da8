"""What a request brings to say who asks: a header, a proof of a key, a certificate, an officer's assertion.

Guarantees: all of it comes from one request; ``uri`` is made of our own issuer and the request's path, never
of a Host header; ``certificate`` is there only where the proxy in front has verified it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True)
class Presented:
    """The proofs of one request.

    ``authorization``, ``dpop`` and ``officer`` are whole fields: a server joins repeated ones with a comma,
    which neither a token nor a proof nor an assertion holds, so a doubled header is refused.
    """

    authorization: str | None
    dpop: str | None = None
    method: str = ""
    uri: str = ""
    certificate: Certificate | None = None
    officer: str | None = None
