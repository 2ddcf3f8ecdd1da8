"""gatekeeper policy."""
