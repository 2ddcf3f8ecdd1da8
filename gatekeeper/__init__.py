"""gatekeeper package."""
