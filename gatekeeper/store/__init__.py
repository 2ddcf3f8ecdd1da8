"""gatekeeper store."""
