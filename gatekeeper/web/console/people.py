"""The people of the console: who has an account, in which role, and what a role may do; for administrators.

Guarantees: each change is made after a fresh proof, with a reason and an entry in the log, by an
administrator who is one still when it is committed (``review.personnel``); nobody changes their own account
here, so there is always an administrator; secrets are shown once, to who made them.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.review import reasons
from gatekeeper.review.accounts import Account
from gatekeeper.review.personnel import Made
from gatekeeper.review.roles import ACTS, ROLES, may
from gatekeeper.review.secrets import provisioning_uri
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions

PEOPLE: Final = "/console/people"
_CHANGED: Final = later("Somebody else changed this at the same moment. Look again first.")


class _Added(Form):
    username = fields.String(load_default="", validate=validate.Length(max=64))
    name = fields.String(load_default="", validate=validate.Length(max=200))
    role = fields.String(load_default="", validate=validate.Length(max=40))
    agency = fields.String(load_default="", validate=validate.Length(max=128))
    identity = fields.String(load_default="", validate=validate.Length(max=255))


class _Changed(Form):
    role = fields.String(load_default="", validate=validate.Length(max=40))
    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))


_ADDED, _CHANGE = _Added(), _Changed()


def privileges() -> list[tuple[str, list[bool]]]:
    """Return the one table of who may do what: each act, and for each of ``ROLES`` whether it may."""
    return [(text, [may(role, act) for role in ROLES]) for act, text in ACTS.items()]


def add_people(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of accounts."""
    office = _Office(desk, sessions)

    @blueprint.get("/people")
    @sessions.needs("manage_staff")
    def people() -> Response:
        return office.everybody()

    @blueprint.get("/people/add")
    @sessions.needs("manage_staff", proved_within=FRESH)
    def adding() -> Response:
        return office.adding({}, [])

    @blueprint.post("/people/add")
    @sessions.needs("manage_staff", proved_within=FRESH)
    def add() -> Response:
        return office.add()

    @blueprint.get("/people/<account_id>")
    @sessions.needs("manage_staff", proved_within=FRESH)
    def person(account_id: str) -> Response:
        account = desk.staff.get(account_id)
        return office.missing() if account is None else office.one(account, {}, [])

    @blueprint.post("/people/<account_id>/<any(role, reset, remove):change>")
    @sessions.needs("manage_staff", proved_within=FRESH)
    def change(account_id: str, change: str) -> Response:
        account = desk.staff.get(account_id)
        return office.missing() if account is None else office.change(account, change)


class _Office:
    """Where accounts are kept."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    def everybody(self) -> Response:
        return page(
            "people.html",
            **self._sessions.shown(),
            accounts=self._desk.staff.all(),
            standings=self._desk.staff.standings(),
            agencies={agency.id: agency.name for agency in self._desk.gate.registry.snapshot().agencies()},
            roles=ROLES,
            privileges=privileges(),
        )

    def adding(self, typed: dict[str, Any], faults: Faults) -> Response:
        return page(
            "people-add.html",
            422 if faults else 200,
            **self._sessions.shown(),
            typed=typed,
            faults=faults,
            roles=ROLES,
            agencies=self._desk.gate.registry.snapshot().agencies(),
            provider=self._desk.provider is not None,
        )

    def add(self) -> Response:
        typed, faults = read(_ADDED)
        known = {agency.id for agency in self._desk.gate.registry.snapshot().agencies()}
        if not faults and typed["role"] not in ROLES:
            faults.append(("role", say("Choose a role.")))
        if not faults and typed["agency"] and typed["agency"] not in known:
            faults.append(("agency", say("Choose an agency that is registered, or none.")))
        if faults:
            return self.adding(typed, faults)
        try:
            made = self._desk.personnel.add(
                typed["username"].strip(),
                name=typed["name"],
                role=typed["role"],
                agency_id=typed["agency"] or None,
                subject=typed["identity"].strip() or None,
                by=g.session.account,
            )
        except (OperatorError, Superseded) as fault:
            return self.adding(typed, [("", _said(fault))])
        return self._secrets(made)

    def one(self, account: Account, typed: dict[str, Any], faults: Faults) -> Response:
        return page(
            "people-one.html",
            422 if faults else 200,
            **self._sessions.shown(),
            account=account,
            own=account.id == g.session.account.id,
            standing=self._desk.staff.standings().get(account.id),
            typed=typed,
            faults=faults,
            roles=ROLES,
            shortest=reasons.SHORTEST,
        )

    def change(self, account: Account, change: str) -> Response:
        typed, faults = read(_CHANGE)
        if not faults and (fault := reasons.fault_of(typed["reason"])) is not None:
            faults.append((f"{change}-reason", say(fault)))
        typed["change"] = change
        if faults:
            return self.one(account, typed, faults)
        personnel, reason, by = self._desk.personnel, reasons.tidy(typed["reason"]), g.session.account
        try:
            if change == "reset":
                return self._secrets(personnel.renew(account, reason=reason, by=by))
            if change == "role":
                personnel.change_role(account, typed["role"], reason=reason, by=by)
            else:
                personnel.remove(account, reason=reason, by=by)
        except (OperatorError, Superseded) as fault_of_it:
            return self.one(account, typed, [("", _said(fault_of_it))])
        return see(PEOPLE)

    def missing(self) -> Response:
        return page("missing.html", 404, **self._sessions.shown())

    def _secrets(self, made: Made) -> Response:
        """Show what an account was given: it is kept nowhere else, and shown this once."""
        uri = (
            provisioning_uri(made.totp_secret, made.account.username, self._desk.city)
            if made.password
            else ""
        )
        return page("people-secrets.html", **self._sessions.shown(), made=made, authenticator=uri)


def _said(fault: OperatorError | Superseded) -> str:
    said = say(_CHANGED) if isinstance(fault, Superseded) else say(str(fault))
    return said[:1].upper() + said[1:]
