"""Who on the city's staff may do what: one table, and nothing that is not in it.

Guarantees: a role that is not listed may do nothing, an act that is not listed is nobody's; an auditor only
reads; whoever manages accounts sees no request, and whoever rules on requests manages no account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Role = Literal["records", "legal", "counsel", "auditor", "admin"]
Act = Literal[
    "read_reviews",
    "rule_as_staff",
    "rule_as_counsel",
    "unmask",
    "propose_case",
    "read_figures",
    "judge_samples",
    "read_policies",
    "approve_policies",
    "read_ledger",
    "export",
    "hold_detail",
    "stop_sharing",
    "manage_staff",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
ACTS: Final[Mapping[Act, str]] = {
    "read_reviews": "read the queue and its requests, plates masked",
    "rule_as_staff": "verify process, ask, note, uphold, and rule where staff may",
    "rule_as_counsel": "rule where counsel must",
    "unmask": "see a plate, with a reason that is logged",
    "propose_case": "turn a ruling into a proposed case of the law",
    "read_figures": "see the figures: denials, permits, age of the queue, alerts",
    "judge_samples": "draw a sample of permits and mark each right or wrong",
    "read_policies": "read the provisions and their tests",
    "approve_policies": "propose and approve a change of the law",
    "read_ledger": "search and verify the log",
    "export": "take a decision out of the console",
    "hold_detail": "keep private detail for a court, and let it go",
    "stop_sharing": "stop sharing, and lift a stop",
    "manage_staff": "add, change and remove accounts",
}
_RECORDS: Final[frozenset[Act]] = frozenset(
    {
        "read_reviews",
        "rule_as_staff",
        "unmask",
        "propose_case",
        "read_figures",
        "read_policies",
        "read_ledger",
        "export",
        "stop_sharing",
    }
)
_MAY: Final[Mapping[Role, frozenset[Act]]] = {
    "records": _RECORDS,
    "legal": frozenset(
        {
            "read_reviews",
            "read_figures",
            "judge_samples",
            "read_policies",
            "approve_policies",
            "read_ledger",
            "hold_detail",
            "stop_sharing",
        }
    ),
    "counsel": _RECORDS | {"rule_as_counsel", "judge_samples", "approve_policies", "hold_detail"},
    "auditor": frozenset({"read_reviews", "read_figures", "read_policies", "read_ledger"}),
    "admin": frozenset({"manage_staff", "read_figures", "read_policies", "read_ledger", "stop_sharing"}),
}


def may(role: str, act: Act) -> bool:
    """Say whether a member of staff with this role may do this."""
    return any(known == role and act in acts for known, acts in _MAY.items())
