"""One document fetched from an address that an operator registered: by https, small, soon, or not at all.

The host is an agency's, and treated like a webhook's (CWE-918). Guarantees: only https, to the registered
host and port; the name is looked up once, every address that it has is checked, and the connection is made to
one of those very addresses, so that a name which answers otherwise the next time gains nothing; private,
loopback, link-local, multicast and reserved addresses only where the setting lists their network, link-local,
multicast and unspecified ones never; the certificate is checked against the name; no redirect is followed, no
proxy asked; at most 64 KiB are read; all of it, from the look-up on, is over within three seconds.
"""

from __future__ import annotations

import http.client
import ipaddress
import queue
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gatekeeper.errors import SettingsRefused
from gatekeeper.notices.addresses import Network, Reach, Target, Use, look_up
from gatekeeper.notices.connecting import MOST_ADDRESSES, connected, cut_off, fault_of, spoken

WHOLE_S: Final = 3.0
LARGEST: Final = 64 * 1024
_OK: Final = 200
_HEADERS: Final = {
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "gatekeeper",
    "Connection": "close",
}

_KEY_SET: Final = Use("a key set is fetched", "give it as https://keys.example.gov/jwks.json")


class FetchFailed(Exception):
    """The document was not fetched; ``fault`` is a word of ours, with nothing of the other side's making."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Fetching:
    """The way to such documents."""

    networks: tuple[Network, ...]
    trust: ssl.SSLContext
    look_up: Callable[[str, int], Sequence[str]] = look_up

    @classmethod
    def parse(cls, networks: str, trust: ssl.SSLContext) -> Fetching:
        """Read the setting. Raises SettingsRefused."""
        try:
            listed = tuple(ipaddress.ip_network(text.strip()) for text in networks.split(",") if text.strip())
        except ValueError:
            raise SettingsRefused(
                "GATEKEEPER_KEY_SET_NETWORKS is not a list of networks: set it as 10.20.0.0/16, fd00:1::/64"
            ) from None
        return cls(listed, trust)

    def fault_in(self, url: str) -> str | None:
        """Return what is wrong with an address and what to give instead, or None."""
        found = self._read(url)
        return found if isinstance(found, str) else None

    def get(self, url: str) -> bytes:
        """Return the document at an address. Raises FetchFailed."""
        ends = time.monotonic() + WHOLE_S
        target = self._read(url)
        if isinstance(target, str):
            raise FetchFailed("address_refused")
        addresses = self._addresses(target, ends)
        try:
            return self._answered(target, addresses, ends)
        except (OSError, http.client.HTTPException) as error:
            raise FetchFailed(fault_of(error)) from None

    def _read(self, url: str) -> Target | str:
        found = self._reach().read(url)
        if isinstance(found, Target) and found.scheme != "https":
            return f"{_KEY_SET.name} by https alone: {_KEY_SET.example}"
        return found

    def _reach(self) -> Reach:
        loopback = any(network.is_loopback for network in self.networks)
        return Reach(self.networks, None, loopback, self.look_up, _KEY_SET)

    def _addresses(self, target: Target, ends: float) -> tuple[str, ...]:
        """Return the checked addresses of a target. Raises FetchFailed."""
        answered: queue.SimpleQueue[tuple[str, ...] | str | None] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answered.put(self._reach().addresses(target))
            except OSError:
                answered.put("no_address")

        # A resolver cannot be interrupted: it is left to itself when the time is up.
        threading.Thread(target=ask, name="look-up", daemon=True).start()
        try:
            found = answered.get(timeout=max(ends - time.monotonic(), 0.001))
        except queue.Empty:
            raise FetchFailed("timed_out") from None
        if isinstance(found, str):
            raise FetchFailed(found)
        if found is None or not all(map(self._listed, found)):
            raise FetchFailed("address_refused")
        return found

    def _listed(self, text: str) -> bool:
        """Say whether an address of loopback is in a network that is listed; any other was checked."""
        address = ipaddress.ip_address(text)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return not address.is_loopback or any(
            address.version == network.version and address in network for network in self.networks
        )

    def _answered(self, target: Target, addresses: Sequence[str], ends: float) -> bytes:
        """Ask, and return the body of the answer. Raises FetchFailed, OSError, HTTPException."""
        opened = connected(addresses, target.port, _left(ends) / min(len(addresses), MOST_ADDRESSES))
        with cut_off(opened, _left(ends)), opened:
            opened.settimeout(_left(ends))
            connection = spoken(target, opened, self.trust)
            try:
                connection.request("GET", target.path, headers=_HEADERS)
                with connection.getresponse() as answer:
                    return _body(answer)
            finally:
                connection.close()


def _body(answer: http.client.HTTPResponse) -> bytes:
    """Return the body of an answer that is one. Raises FetchFailed, OSError, HTTPException."""
    if answer.status != _OK:
        raise FetchFailed(f"status_{answer.status}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed("encoded")
    body = answer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise FetchFailed("too_large")
    if answer.length:  # what was announced and never came
        raise http.client.IncompleteRead(body, answer.length)
    return body


def _left(ends: float) -> float:
    return max(ends - time.monotonic(), 0.001)
