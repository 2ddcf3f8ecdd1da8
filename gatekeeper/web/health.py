"""``/healthz``, ``/readyz`` and ``/metrics``: each part answers for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from flask import Blueprint, Response

from gatekeeper.errors import GatekeeperError, LedgerUnavailable
from gatekeeper.exchange import Gate
from gatekeeper.ledger import Json
from gatekeeper.oversight.key_warnings import KeyWarning
from gatekeeper.web.documents import as_json
from gatekeeper.web.metrics import CONTENT_TYPE, exposition
from gatekeeper.web.problems import RETRY_SECONDS
from gatekeeper.witness.witnessing import Witnessed

_log = structlog.get_logger()


def health_blueprint(
    gate: Gate,
    stands: Callable[[], Witnessed | None],
    key_warnings: Callable[[], Sequence[KeyWarning]] = tuple,
) -> Blueprint:
    """Return the routes that whoever runs the service watches.

    A witness that is missing, or a key that ends soon, is said, and nothing more: no release waits for them.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return as_json({"status": "ok"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        checks = readiness(gate)
        ready = all(checks.values())
        told: dict[str, Json] = {
            "status": "ready" if ready else "not_ready",
            "checks": {name: "ok" if well else "failed" for name, well in checks.items()},
        }
        if (witnesses := _witnesses(stands)) is not None:
            told["witnesses"] = witnesses
        if warned := _warned(key_warnings):
            told["key_warnings"] = warned
        response = as_json(told, 200 if ready else 503)
        if not ready:
            response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), content_type=CONTENT_TYPE)

    return blueprint


def readiness(gate: Gate) -> dict[str, bool]:
    """Return whether each part that a release depends on answers for itself now."""

    def policy() -> None:
        gate.engine.ready()

    def ledger() -> None:
        gate.ledger.checkpoint()
        gate.keys.fingerprint(gate.clock.now().date(), "ready", b"")  # an entry is sealed under today's key
        if gate.ledger.checkpoint_fault is not None:
            raise LedgerUnavailable("the checkpoint could not be saved")

    parts: dict[str, Callable[[], object]] = {
        "clock": gate.clock.now,
        "store": gate.registry.snapshot,
        "ledger": ledger,
        "policy": policy,
        "records": gate.reads.ready,
    }
    return {name: _checked(name, check) for name, check in parts.items()}


def _warned(key_warnings: Callable[[], Sequence[KeyWarning]]) -> list[Json]:
    """Return the codes alone: which client it is concerns whoever runs the service, not the network."""
    try:
        return [*sorted({warning.code for warning in key_warnings()})]
    except GatekeeperError:
        return []  # what failed is among the checks


def _witnesses(stands: Callable[[], Witnessed | None]) -> dict[str, Json] | None:
    try:
        found = stands()
    except GatekeeperError:
        return {"quorum": "unknown", "cosigned": [], "missing": []}  # what failed is among the checks
    if found is None:
        return None
    quorum = {None: "not_asked", True: "met", False: "not_met"}[found.met]
    return {
        "quorum": quorum,
        "size": found.size,
        "cosigned": [*sorted(found.cosigned)],
        "missing": [*sorted(found.missing)],
    }


def _checked(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except GatekeeperError as fault:
        _log.warning("not_ready", part=name, code=fault.code, reason=str(fault))
        return False
    return True
