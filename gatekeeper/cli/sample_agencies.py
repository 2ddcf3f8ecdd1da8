"""The made-up people of ``gatekeeper demo``: agencies, one for each way the law tells them apart; staff."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.review.roles import Role
from gatekeeper.store.values import Profile


@dataclass(frozen=True, slots=True)
class Sample:
    """An agency that the demo registers, with what it has signed and how it authenticates."""

    id: str
    name: str
    kind: str
    state: str | None
    ori: str
    affirmed: bool = True
    declared: bool = False
    status: str = "active"
    profiles: tuple[Profile, ...] = ("basic",)


AGENCIES = (
    Sample(
        "maple-falls-pd",
        "Maple Falls Police Department (sample)",
        "local",
        "IL",
        "ILSAMPLE1",
        profiles=("basic", "private_key", "fapi"),
    ),
    Sample(
        "cedar-bend-pd",
        "Cedar Bend Police Department (sample)",
        "local",
        "IL",
        "ILSAMPLE2",
        affirmed=False,
    ),
    Sample(
        "birchport-pd-wi",
        "Birchport Police Department (sample)",
        "local",
        "WI",
        "WISAMPLE1",
        declared=True,
        profiles=("basic", "fapi"),
    ),
    Sample("quarry-hill-so-in", "Quarry Hill Sheriff (sample)", "local", "IN", "INSAMPLE1"),
    Sample("prairie-fusion-center", "Prairie Fusion Center (sample)", "fusion_center", "IL", "ILSAMPLE3"),
    Sample(
        "hsi-sample-office",
        "Homeland Security Investigations (sample office)",
        "federal",
        None,
        "USSAMPLE1",
    ),
    Sample(
        "willow-creek-pd",
        "Willow Creek Police Department (sample)",
        "local",
        "IL",
        "ILSAMPLE4",
        status="suspended",
    ),
)

STAFF: tuple[tuple[str, str, Role], ...] = (
    ("riley.records", "Riley Records (sample)", "records"),
    ("robin.records", "Robin Records (sample)", "records"),
    ("lee.legal", "Lee Legal (sample)", "legal"),
    ("logan.legal", "Logan Legal (sample)", "legal"),
    ("casey.counsel", "Casey Counsel (sample)", "counsel"),
    ("corey.counsel", "Corey Counsel (sample)", "counsel"),
    ("avery.auditor", "Avery Auditor (sample)", "auditor"),
    ("adrian.admin", "Adrian Admin (sample)", "admin"),
)
"""The made-up staff of the sample city: user name, name, role."""
