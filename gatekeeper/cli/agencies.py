"""``gatekeeper agency`` with all its commands: each module adds its own to the group."""

from __future__ import annotations

from gatekeeper.cli import agency_onboard, agency_standing, webhook
from gatekeeper.cli.agency import agency

__all__ = ["agency", "agency_onboard", "agency_standing", "webhook"]
