"""A link is made by which an agency's signatory signs, shown once; one is revoked; what was signed is read.

Guarantees: only who may change an agency's standing, and has just proved who they are, makes or revokes one,
and never for their own agency; the link is shown on one page and kept nowhere.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.notices.told import is_address
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import attached, page, see
from gatekeeper.web.console.sessions import FRESH, Sessions

KINDS = ("affirmation", "declaration")


class _Invite(Form):
    kind = fields.String(load_default="affirmation", validate=validate.OneOf(KINDS))
    email = fields.String(load_default="")


_INVITE = _Invite()


def add_invite(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of links and signed documents."""
    pages = _Pages(desk, sessions)

    @blueprint.get("/agencies/<agency_id>/invite")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def ask_invite(agency_id: str) -> Response:
        return pages.first(agency_id)

    @blueprint.post("/agencies/<agency_id>/invite")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def invite(agency_id: str) -> Response:
        return pages.invite(agency_id)

    @blueprint.post("/agencies/<agency_id>/links/<invitation_id>/revoke")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def revoke_link(agency_id: str, invitation_id: str) -> Response:
        return pages.revoke(agency_id, invitation_id)

    @blueprint.get("/agencies/<agency_id>/signed/<affirmation_id>.txt")
    @sessions.needs("read_figures")
    def signed_document(agency_id: str, affirmation_id: str) -> Response:
        links = desk.agencies.links
        kept = links.document(affirmation_id) if affirmation_id in links.documents_of(agency_id) else None
        if kept is None:
            return pages.missing()
        return attached(kept.document, "text/plain", f"{kept.affirmation_id}.txt")


class _Pages:
    """What is shown and done."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    def missing(self) -> Response:
        """Say that there is nothing here."""
        return page("missing.html", 404, **self._sessions.shown())

    def first(self, agency_id: str) -> Response:
        """Ask who is to sign what."""
        found = self._known(agency_id)
        if found is None:
            return self.missing()
        return self._ask(found, 200, {"kind": "affirmation", "email": ""}, [])

    def invite(self, agency_id: str) -> Response:
        """Make the link and show it, this once."""
        found = self._known(agency_id)
        if found is None:
            return self.missing()
        typed, faults = read(_INVITE)
        faults += _in_the_way(found, typed)
        if faults:
            return self._ask(found, 422, typed, faults)
        try:
            link = self._desk.agencies.signing.invite(
                found, kind=typed["kind"], signer_email=typed["email"].strip(), by=g.session.account.id
            )
        except OperatorError:
            said = say("The law in force names no text of this kind to sign, or the text is not there.")
            return self._ask(found, 409, typed, [("kind", said)])
        return page(
            "agency-link.html",
            **self._sessions.shown(),
            agency=found,
            signer=typed["email"].strip(),
            address=f"{self._desk.agencies.base_url}/affirm/{link.token}",
            until=link.expires_at,
        )

    def revoke(self, agency_id: str, invitation_id: str) -> Response:
        """Revoke a link; of one that was used, revoked or expired meanwhile the agency's page says which."""
        found = self._desk.agencies.links.get(invitation_id)
        if found is None or found.agency_id != agency_id or g.session.account.agency_id == agency_id:
            return self.missing()
        with suppress(OperatorError, Superseded):
            self._desk.agencies.signing.revoke(found, by=g.session.account.id)
        return see(f"/console/agencies/{agency_id}#signed")

    def _known(self, agency_id: str) -> Agency | None:
        found = self._desk.gate.registry.snapshot().agency(agency_id)
        return found if found is not None and found.id == agency_id else None

    def _ask(self, found: Agency, status: int, typed: dict[str, Any], faults: Faults) -> Response:
        return page(
            "agency-invite.html",
            status,
            **self._sessions.shown(),
            agency=found,
            typed=typed,
            faults=faults,
            kinds=KINDS,
        )


def _in_the_way(found: Agency, typed: dict[str, Any]) -> Faults:
    faults: Faults = []
    if g.session.account.agency_id == found.id:
        faults.append(("", say("This is your own agency. Somebody else must ask it to sign.")))
    if not is_address(typed["email"].strip()):
        faults.append(("email", say("That is no e-mail address.")))
    if found.status == "closed":
        faults.append(("", say("The agency is closed: nobody signs for it.")))
    return faults
