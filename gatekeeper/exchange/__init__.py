"""gatekeeper exchange."""
