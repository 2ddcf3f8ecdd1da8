"""gatekeeper records."""
