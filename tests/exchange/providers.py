"""An operator who changes which identity providers count, where the law wants one person for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.oversight.issuers import Known, adding, exchanging, reinstating
from gatekeeper.parts import changing, issuers
from gatekeeper.state import State


@dataclass(frozen=True, slots=True)
class Providers:
    """The acts of ``gatekeeper issuer``, without its command line."""

    state: State

    def add(self, url: str, terms: Mapping[str, Any], *, reason: str, by: str) -> None:
        """Take one in."""
        changing(self.state, dict).alone(adding(url, terms), by=by, reason=reason)

    def exchange_keys(self, url: str, jwks: Mapping[str, Any], *, reason: str, by: str) -> None:
        """Give one the keys of a file."""
        self.change(url, {"jwks": jwks}, reason=reason, by=by)

    def change(self, url: str, keys: Mapping[str, Any], *, reason: str, by: str) -> None:
        """Give one other keys."""
        found = Known.of(self.state.registry.snapshot(), url)
        changing(self.state, dict).alone(exchanging(found, keys), by=by, reason=reason)

    def set_status(self, url: str, status: str, *, reason: str, by: str) -> None:
        """Suspend, reinstate or remove one."""
        if status == "active":
            found = Known.of(self.state.registry.snapshot(), url)
            changing(self.state, dict).alone(reinstating(found), by=by, reason=reason)
        else:
            issuers(self.state).end(url, status, reason=reason, by=by)
