"""gatekeeper ledger."""
