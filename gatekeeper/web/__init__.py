"""gatekeeper web."""
