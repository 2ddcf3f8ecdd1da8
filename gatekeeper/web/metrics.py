"""Counters for operators: how many, how fast, why not. Labels come from closed lists of ours.

Guarantees: no label holds anything a caller typed (an unknown route is ``none``); where
``PROMETHEUS_MULTIPROC_DIR`` is set the figures are those of all workers together.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST

REQUESTS = Counter("gatekeeper_requests_total", "Answers, by route and status.", ["route", "status"])
SECONDS = Histogram(
    "gatekeeper_request_seconds",
    "Time to answer, by route.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
DECISIONS = Counter("gatekeeper_decisions_total", "Decisions, by outcome.", ["outcome"])
UNMET = Counter("gatekeeper_unmet_provisions_total", "Provisions that denied, by code.", ["provision"])
UNAUTHENTICATED = Counter("gatekeeper_unauthenticated_total", "Callers not believed, by reason.", ["reason"])
OVER_QUOTA = Counter("gatekeeper_over_quota_total", "Queries refused by a limit, by limit.", ["limit"])
BRAKED = Counter("gatekeeper_braked_total", "Requests to /oauth/* refused for their address's failures.")
SIGN_INS = Counter("gatekeeper_sign_ins_total", "Sign-ins of staff, by outcome.", ["outcome"])
NOTICES = Counter(
    "gatekeeper_notices_total", "Tries to tell an agency, by channel and how they ended.", ["channel", "end"]
)
NOTICES_WAITING = Gauge(
    "gatekeeper_notices_waiting", "Notices not delivered yet.", multiprocess_mode="livemostrecent"
)
NOTICES_OLDEST = Gauge(
    "gatekeeper_notices_oldest_seconds",
    "Age of the oldest notice not delivered yet.",
    multiprocess_mode="livemostrecent",
)
WITNESSES_MISSING = Gauge(
    "gatekeeper_witnesses_missing",
    "Witnesses that did not cosign when they were asked last.",
    multiprocess_mode="livemostrecent",
)
FAULTS = Counter("gatekeeper_faults_total", "Answers that were errors, by code.", ["code"])


def exposition() -> bytes:
    """Return all figures in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it ships none
    return generate_latest(registry)
