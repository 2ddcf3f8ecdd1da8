"""gatekeeper oversight."""
