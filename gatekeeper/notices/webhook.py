"""One try at one webhook, by the Standard Webhooks convention: id, time and signature in three headers.

The procedure: (1) look the name up and check every address; (2) connect to one of those, with the name for
TLS and for ``Host``; (3) send the signed notice; (4) read the status, and nothing more. Guarantees: the
signature covers id, time and body (HMAC-SHA256); no redirect is followed, no proxy asked, no body read;
whatever the other side does, the connection is cut when the time is up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gatekeeper.notices.addresses import Target
from gatekeeper.notices.connecting import connected, cut_off, fault_of, spoken
from gatekeeper.notices.endpoints import PREFIX, Endpoints, Webhook
from gatekeeper.notices.outcomes import DELIVERED, Agency, Delivery, Notice, Outcome, failing
from gatekeeper.notices.reminders import ending

TIMEOUT_S: Final = 5.0
"""For each connection, and for each silence."""

WHOLE_S: Final = 10.0
"""For all of one try, from the connection to the status line: a trickle of bytes gains nothing."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The way to agencies' webhooks."""

    endpoints: Endpoints
    base_url: str
    trust: ssl.SSLContext

    def send(self, delivery: Delivery, agency: Agency, at: datetime) -> Outcome:
        """Try one delivery. Raises StoreUnavailable if the webhook cannot be read."""
        webhook = self.endpoints.store.get(delivery.endpoint)
        if webhook is None or webhook.status != "active" or webhook.agency_id != agency.id:
            return Outcome("dropped", "webhook_disabled")
        notice = delivery.notice
        body = {
            "type": notice.event,
            "timestamp": _iso(notice.at),
            "data": self._data(notice, agency),
        }
        return self._post(webhook, delivery.id, body, at)

    def _data(self, notice: Notice, agency: Agency) -> dict[str, str | None]:
        if notice.affirmation_id is None:
            url = f"{self.base_url}/v1/queries/{notice.query_id}"
            return {"query_id": notice.query_id, "state": notice.state, "url": url}
        signed = ending(notice, agency)
        return {
            "kind": signed.kind,
            "expires_on": str(signed.expires_on),
            "state": notice.state,
            "url": f"{self.base_url}/v1/agency",
        }

    def test(self, webhook_id: str, message_id: str, at: datetime) -> Outcome:
        """Send a message that tells of nothing, to see whether it arrives. Raises OperatorError."""
        body = {"type": "webhook.test", "timestamp": _iso(at), "data": {}}
        return self._post(self.endpoints.active(webhook_id), message_id, body, at)

    def _post(self, webhook: Webhook, message_id: str, body: Mapping[str, object], at: datetime) -> Outcome:
        opened, reach = self.endpoints.open(webhook), self.endpoints.reach
        target = reach.read(opened.url)
        if isinstance(target, str):
            return failing("address_refused")
        try:
            addresses = reach.addresses(target)
        except OSError:
            return failing("no_address")
        if addresses is None:
            return failing("address_refused")
        sent = json.dumps(body, separators=(",", ":")).encode("ascii")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "gatekeeper",
            "Connection": "close",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(sign(s, message_id, at, sent) for s in opened.secrets),
        }
        return _answered(target, addresses, sent, headers, self.trust)


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """Return one signature of the header ``webhook-signature``."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{int(at.timestamp())}.".encode("ascii") + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def _answered(
    target: Target, addresses: Sequence[str], body: bytes, headers: dict[str, str], trust: ssl.SSLContext
) -> Outcome:
    try:
        status = _status(target, connected(addresses, target.port, TIMEOUT_S), body, headers, trust)
    except (OSError, http.client.HTTPException) as error:
        return failing(fault_of(error))
    if 200 <= status < 300:
        return DELIVERED
    return Outcome("gone", "status_410") if status == 410 else failing(f"status_{status}")


def _status(
    target: Target, opened: socket.socket, body: bytes, headers: dict[str, str], trust: ssl.SSLContext
) -> int:
    """Send the request and return the status of the answer. Raises OSError, HTTPException."""
    with cut_off(opened, WHOLE_S), opened:
        connection = spoken(target, opened, trust)
        try:
            connection.request("POST", target.path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
