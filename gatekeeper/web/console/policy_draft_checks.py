"""What is wrong with a draft as it is typed, for the editor: asked at each pause, answered in JSON.

Guarantees: nothing is kept; an editor that asks while another draft is examined is told to ask again, so that
people who type take no thread from agencies that ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from gatekeeper.revisions.examiner import Busy
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import HEADERS
from gatekeeper.web.console.policy_draft import MOST_TEXT, me, overlaid, placed, typed_files
from gatekeeper.web.console.sessions import Sessions

_AGAIN: Final = 1500
"""Milliseconds after which an editor asks again."""


def add_policy_draft_checks(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the route that an editor asks."""

    @blueprint.post("/policies/draft/diagnostics")
    @sessions.needs("approve_policies", most_text=MOST_TEXT)
    def policy_draft_diagnostics() -> Response:
        files = overlaid(desk.drafts.of(me()), typed_files())
        try:
            found = desk.examiner.examine(files, "findings", wait=False)
        except Busy:
            return _answer({"again": _AGAIN})
        told = say("Nothing is wrong with the draft as it stands here.")
        if found.findings:
            told = say("Faults in the draft as it stands here: %(count)d", count=len(found.findings))
        findings = [
            {
                "file": one.file,
                "line": one.line,
                "place": one.place or say("The policies as a whole"),
                "message": one.message,
                "cure": one.cure,
                "address": address,
            }
            for one, address in placed(found)
        ]
        return _answer({"findings": findings, "told": told})


def _answer(document: Mapping[str, Any]) -> Response:
    response = jsonify(document)
    response.headers.update(HEADERS)
    return response
