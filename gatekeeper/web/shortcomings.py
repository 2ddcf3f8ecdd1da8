"""What stands between an agency and any permit, as the registry has it: facts, each with how it is cured.

Guarantees: nothing is judged here. What a provision makes of these facts is the policy's to say (a paper that
is too old, or not the one that the agency needs); what is named here is so, and who can change it is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from gatekeeper.exchange.decide import affirmation_state
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.ledger import Json
from gatekeeper.ledger.rows import Stop
from gatekeeper.ledger.stops import Party, covers

_SAID: Final = {
    "suspended": (
        "The city suspended the agency: each query is denied.",
        "Ask the city's records staff: they reinstate it.",
    ),
    "stopped": (
        "The city stopped sharing with the agency, its kind, or everybody: each query is denied.",
        "Wait, and ask the city's records staff; nothing that you send changes it.",
    ),
    "nothing_signed": (
        "No affirmation and no declaration of the agency is in force.",
        "Ask the city for a link by which your signatory reads the text and signs it.",
    ),
    "lapsed": (
        "An affirmation or a declaration of the agency has ended, and none of its kind is in force.",
        "Ask the city for a link by which your signatory signs anew.",
    ),
    "no_contact": (
        "The agency has no contact on file, so nobody is told of reviews and of signatures that end.",
        "Give the city an e-mail address that somebody reads.",
    ),
}
"""Each code, with what is so and what cures it."""


def shortcomings(agency: Agency, stops: Sequence[Stop], today: date) -> list[Json]:
    """Return what is so and would keep the agency from a permit, or from hearing of one."""
    return [
        {"code": code, "detail": _SAID[code][0], "cure": _SAID[code][1]}
        for code in _codes(agency, stops, today)
    ]


def days_left(expires_on: date | None, today: date) -> int | None:
    """Return for how many days more a paper counts; 0 once it has ended, None if it is open."""
    return None if expires_on is None else max(0, (expires_on - today).days)


def _codes(agency: Agency, stops: Sequence[Stop], today: date) -> Iterator[str]:
    if agency.status == "suspended":
        yield "suspended"
    if any(covers(stop, (Party(agency.id, agency.kind),), ()) for stop in stops):
        yield "stopped"
    states = [(signed.kind, affirmation_state(signed, today)) for signed in agency.affirmations]
    in_force = {kind for kind, state in states if state == "in_force"}
    if not in_force:
        yield "nothing_signed"
    if any(kind not in in_force for kind, state in states if state == "lapsed"):
        yield "lapsed"
    if not agency.contacts:
        yield "no_contact"
