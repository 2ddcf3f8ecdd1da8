"""What the proxy in front says of a connection: the client certificate that it verified.

Guarantees: its headers are believed of its own address alone, which overwrites what a caller sent
(``deploy/nginx.conf``), and, where the operator has set a secret for it, only beside that secret, so that
another program on the same machine is not the proxy; a certificate that was shown and not verified is
refused, not passed over. Whoever can speak as the proxy can pose as any client of mutual TLS, and as no
other.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from cryptography import x509
from werkzeug.datastructures import Headers

from gatekeeper.exchange.authenticate import refusal

VERIFIED = "X-Client-Verify"
CERTIFICATE = "X-Client-Certificate"
SECRET = "X-Proxy-Secret"  # noqa: S105  the name of a header
_LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy in front, by its address and its secret; without a secret the address must do."""

    address: str
    secret: str = ""

    def certificate(self, headers: Headers, peer: str | None) -> x509.Certificate | None:
        """Return the verified certificate of the caller, or None if it showed none.

        Raises Unauthenticated for one that is not verified, or cannot be read.
        """
        shown = headers.get(CERTIFICATE)
        if not shown or not self._speaks(headers, peer):
            return None
        if headers.get(VERIFIED) != "SUCCESS":
            raise refusal("certificate_unverified")
        if len(shown) > _LONGEST:
            raise refusal("oversized")
        try:
            return x509.load_pem_x509_certificate(unquote_to_bytes(shown))
        except (ValueError, x509.InvalidVersion):
            raise refusal("malformed") from None

    def _speaks(self, headers: Headers, peer: str | None) -> bool:
        if peer != self.address:
            return False
        said = headers.get(SECRET, "").encode("utf-8", "replace")
        return not self.secret or hmac.compare_digest(said, self.secret.encode())
