"""gatekeeper cli."""
