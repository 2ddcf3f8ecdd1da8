"""Where a webhook may lead: a public https address, and nothing inside the city's own network.

An agency chooses the address, and the gatekeeper stands where it could reach what no agency may: a metadata
service, a database, its own console (CWE-918). Guarantees: the name is looked up here, every address that it
has is checked, and the connection is made to one of those very addresses, so that a name which answers
otherwise the next time gains nothing; what an operator has not allowed by network is refused; loopback is
reached only by a gatekeeper that serves on loopback itself, and link-local, multicast and unspecified
addresses never.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gatekeeper.errors import SettingsRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST: Final = 2000
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)
_PATH = re.compile(r"[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e%]*\Z")
_WORLD: Final = ipaddress.ip_network("2000::/3")
# Addresses that hold another one inside: 6to4 (RFC 3056) and Teredo (RFC 4380).
_TUNNELS: Final = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"))


def look_up(host: str, port: int) -> Sequence[str]:
    """Return every address that a name has. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Target:
    """An address, read: its parts fit into a request as they are."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Use:
    """What an address is for, as messages call it; ``proof`` is what stands in a password's place."""

    name: str
    example: str
    proof: str = ""


WEBHOOK: Final = Use(
    "a webhook is reached",
    "give it as https://alpr.example.gov/hooks/gatekeeper",
    ": the signature proves who sends",
)


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached. ``loopback``: the gatekeeper itself serves on this machine alone.

    ``ports`` is None where the port is for whoever registers the address to say.
    """

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] | None = frozenset({443, 8443})
    loopback: bool = False
    look_up: Callable[[str, int], Sequence[str]] = look_up
    use: Use = WEBHOOK

    @classmethod
    def parse(cls, networks: str, ports: str, *, loopback: bool) -> Reach:
        """Read the settings. Raises SettingsRefused."""
        try:
            listed = tuple(ipaddress.ip_network(text.strip()) for text in networks.split(",") if text.strip())
        except ValueError:
            raise SettingsRefused(
                "GATEKEEPER_WEBHOOK_NETWORKS is not a list of networks: set it as 10.20.0.0/16, fd00:1::/64"
            ) from None
        try:
            numbers = frozenset(int(text) for text in ports.split(","))
        except ValueError:
            numbers = frozenset({0})
        if not all(0 < number < 65_536 for number in numbers):
            raise SettingsRefused("GATEKEEPER_WEBHOOK_PORTS is not a list of ports: set it as 443, 8443")
        return cls(listed, numbers, loopback)

    def read(self, url: str) -> Target | str:
        """Return the parts of an address, or what is wrong with it and what to give instead."""
        example = self.use.example
        if not (url.isascii() and url.isprintable()) or len(url) > LONGEST:
            # Read first: the parser below takes line breaks away in silence.
            return f"that is not a web address: {example}"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return f"that is not a web address: {example}"
        host = parts.hostname or ""
        if not (_NAME.match(host) or _literal(host)):
            return f"that is not a web address with a host: {example}"
        if "@" in parts.netloc:
            return f"an address with a name or password in it is refused{self.use.proof}"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if parts.fragment or not _PATH.match(path):
            return "the address has signs that no request can carry: write them as %20 and the like"
        if parts.scheme == "http" and self.loopback and _here(host):
            return Target("http", host, 80 if port is None else port, path)
        if parts.scheme != "https":
            return f"{self.use.name} by https alone: {example}"
        chosen = 443 if port is None else port
        if self.ports is None and chosen == 0:
            return f"there is no port 0: {example}"
        if self.ports is not None and chosen not in self.ports and not (self.loopback and _here(host)):
            allowed = ", ".join(map(str, sorted(self.ports)))
            return f"that port is not allowed: use one of {allowed}, or set GATEKEEPER_WEBHOOK_PORTS"
        return Target("https", host, chosen, path)

    def addresses(self, target: Target) -> tuple[str, ...] | None:
        """Return the addresses that a target may be reached at, or None if it may not be at all.

        One address that is not allowed refuses the name. Raises OSError if the name has none.
        """
        try:
            found = [
                ipaddress.ip_address(text.partition("%")[0])
                for text in self.look_up(target.host, target.port)
            ]
        except (UnicodeError, ValueError):
            return None
        if not found:
            raise OSError("the name has no address")
        if not all(map(self.allows, found)):
            return None
        if target.scheme == "http" and not all(address.is_loopback for address in found):
            return None
        return tuple(map(str, found))

    def allows(self, address: Address) -> bool:
        """Say whether this address may be reached."""
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_loopback:
            return self.loopback
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            return False
        if any(address.version == network.version and address in network for network in self.networks):
            return True
        if not address.is_global or address.is_reserved:
            return False
        # Of the other forms of IPv6, one (64:ff9b::/96) is turned into any IPv4 address on the way.
        return address.version == 4 or (
            address in _WORLD and not any(address in tunnel for tunnel in _TUNNELS)
        )


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _here(host: str) -> bool:
    return host == "localhost" or (_literal(host) and ipaddress.ip_address(host).is_loopback)
