"""The law as it is in force: section by section, with rules, tests and what they did; and each provision.

Guarantees: the text that is shown is that of the revision in force; a section that nothing carries out says
so; to whoever may not read requests, a provision that the public may not know of is one that does not exist.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response

from gatekeeper.oversight.denials import by_week, lately, tally
from gatekeeper.policy.sections import path_of_tests
from gatekeeper.web.console.dashboard import count_some
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.in_force import Book
from gatekeeper.web.console.languages import later
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.rego import Row, rows
from gatekeeper.web.console.sessions import Sessions

CERTAINTY: Final = {
    "verified": later("compared with the text of the law"),
    "reported": later("as reported, not yet compared with the text"),
    "city": later("the city's own choice"),
    "from_memory": later("to be confirmed before it is relied on"),
}


def add_policies(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of the law in force."""
    book, figures = Book(desk), desk.oversight.figures

    @blueprint.get("/policies")
    @sessions.needs("read_policies")
    def policies() -> Response:
        found, uncounted = book.in_force(), count_some(desk)
        period = lately(desk.gate.clock.now().date())
        return page(
            "policies.html",
            **sessions.shown(),
            law=found.law(),
            faults=found.faults,
            revision=found.revision,
            packs=found.packs(),
            certainty=CERTAINTY,
            period=period,
            decisions=book.decisions(tally(figures, period)),
            uncounted=uncounted,
        )

    @blueprint.get("/policies/provisions/<code>")
    @sessions.needs("read_policies")
    def provision(code: str) -> Response:
        found, uncounted = book.in_force(), count_some(desk)
        carried = found.carried(code)
        if carried is None:
            return page("missing.html", 404, **sessions.shown())
        about, period = carried.provision, lately(desk.gate.clock.now().date())
        agencies = desk.gate.registry.snapshot().agencies()
        unrun = _unrun(desk, found.revision.id, about.path)
        return page(
            "provision.html",
            **sessions.shown(),
            provision=about,
            carried=carried,
            paragraphs=[p for s in found.statutes for p in s.paragraphs if p.code in about.rules],
            certainty=CERTAINTY,
            rule=_rule(found.bundle.modules[about.path], unrun or ()),
            unrun=unrun,
            tests=[(test, rows(test.text, test.line)) for test in carried.tests],
            path_of_tests=path_of_tests(about),
            weeks=by_week(figures, code, agencies, period) if about.public else None,
            did=book.decisions(tally(figures, period)).get(code),
            uncounted=uncounted,
            queue=f"/console/reviews?{urlencode({'provision': code})}",
            changes=book.changes(code),
        )


def _rule(source: str, unrun: tuple[int, ...]) -> list[Row]:
    """Return the rule from its package line on; what stands above it is shown as what it says."""
    above, _, rule = source.partition("\npackage ")
    return rows(f"package {rule}", above.count("\n") + 2, unrun)


def _unrun(desk: Desk, revision_id: str, path: str) -> tuple[int, ...] | None:
    """Return the lines of a file that no test runs, as the revision's check says; None if it does not."""
    result = desk.law.revisions.result(revision_id, "check")
    uncovered = None if result is None else result.document.get("uncovered")
    if uncovered is None:
        return None
    return tuple(each["line"] for each in uncovered if each["file"] == path)
