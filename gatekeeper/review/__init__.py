"""gatekeeper review."""
