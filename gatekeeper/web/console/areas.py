"""The areas of the console, in the order of its navigation, each with the act that opens it."""

from __future__ import annotations

from typing import Final, NamedTuple

from gatekeeper.review.roles import Act, may
from gatekeeper.web.console.languages import later


class Area(NamedTuple):
    """One area: what it is called, where it is, who may open it."""

    label: str
    path: str
    act: Act


AREAS: Final = (
    Area(later("Reviews"), "/console/reviews", "read_reviews"),
    Area(later("Dashboard"), "/console/dashboard", "read_figures"),
    Area(later("Agencies"), "/console/agencies", "read_figures"),
    Area(later("Samples"), "/console/samples", "read_figures"),
    Area(later("Stops"), "/console/stops", "read_figures"),
    Area(later("Legal holds"), "/console/holds", "read_reviews"),
    Area(later("Policies"), "/console/policies", "read_policies"),
    Area(later("Cases"), "/console/cases", "read_policies"),
    Area(later("Log"), "/console/ledger", "read_ledger"),
    Area(later("Notices"), "/console/notices", "read_reviews"),
    Area(later("People"), "/console/people", "manage_staff"),
)


def open_to(role: str) -> tuple[Area, ...]:
    """Return the areas that a role may open."""
    return tuple(area for area in AREAS if may(role, area.act))
