"""A request of Flask's as what it presents to say who asks (``exchange.presented``)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from flask import Flask, Request, Response, request

from gatekeeper.errors import ClockUnreliable
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.exchange.officer import HEADER
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.registrations import Clock
from gatekeeper.web.proxy import Proxy

_OF_A_PATH = "/:@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class Presenting:
    """Reads requests to one issuer, behind one proxy."""

    issuer: str
    proxy: Proxy

    def of(self, asked: Request) -> Presented:
        """Return what the request presents. Raises Unauthenticated for an unverified certificate."""
        return Presented(
            authorization=asked.headers.get("Authorization"),
            dpop=asked.headers.get("DPoP"),
            officer=asked.headers.get(HEADER),
            method=asked.method,
            uri=self.issuer + quote(asked.path, safe=_OF_A_PATH),
            # Without the proxy's secret any program at its address could name any agency's certificate.
            certificate=self.proxy.certificate(asked.headers, asked.remote_addr)
            if self.proxy.secret
            else None,
        )


def scheme_of(asked: Request) -> str:
    """Return the scheme of the request's Authorization header in small letters, "" if it has none."""
    return asked.headers.get("Authorization", "").partition(" ")[0].lower()


def offer_nonces(app: Flask, nonces: Nonces, clock: Clock) -> None:
    """Give whoever proves a key the nonce for its next proof, with every answer (RFC 9449 section 8.2)."""

    @app.after_request
    def offer(response: Response) -> Response:
        if scheme_of(request) == "dpop" or "DPoP" in request.headers:
            with suppress(ClockUnreliable):  # the answer says so already; a proof would not count
                response.headers["DPoP-Nonce"] = nonces.fresh(clock.now_ms() // 1000)
        return response
