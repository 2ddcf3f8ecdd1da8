"""A person's own account: who they are, what they may do, where they are signed in, and their secrets.

Guarantees: a secret is changed only after a fresh proof, with an entry in the log, and ends every other
session; a new authenticator counts once it has shown a good code, and its secret is shown to nobody but the
session that asked for it; recovery codes are shown once; nobody reads or changes another's account here.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import segno
from flask import Blueprint, Response, g, request
from markupsafe import Markup
from marshmallow import fields, validate

from gatekeeper.errors import StoreUnavailable
from gatekeeper.review.accounts import Account
from gatekeeper.review.roles import ACTS, ROLES
from gatekeeper.review.secrets import new_totp_secret, password_fault, provisioning_uri, step_of
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.people import privileges
from gatekeeper.web.console.sessions import FRESH, Sessions

ACCOUNT: Final = "/console/account"
_DONE: Final = {
    "password": later("Your password is changed. Every other browser of yours is signed out."),
    "authenticator": later("Codes of the new authenticator count from now on; those of the old one do not."),
    "sessions": later("Every other browser of yours is signed out."),
}


class _Password(Form):
    password = fields.String(load_default="", validate=validate.Length(max=1000))
    repeated = fields.String(load_default="", validate=validate.Length(max=1000))


class _Authenticator(Form):
    sealed = fields.String(load_default="", validate=validate.Length(max=1000))
    code = fields.String(load_default="", validate=validate.Length(max=100))


_PASSWORD, _AUTHENTICATOR = _Password(), _Authenticator()


def add_account(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of a person's own account."""
    own = _Own(desk, sessions)

    @blueprint.get("/account")
    @sessions.needs("read_policies")  # every role may
    def account() -> Response:
        return own.shown()

    @blueprint.post("/account/sessions")
    @sessions.needs("read_policies")
    def end_others() -> Response:
        desk.staff.end_sessions(g.session.account.id, but=sessions.identifier())
        return see(f"{ACCOUNT}?done=sessions")

    @blueprint.get("/account/password")
    @sessions.needs("read_policies", proved_within=FRESH)
    def password() -> Response:
        return own.password(())

    @blueprint.post("/account/password")
    @sessions.needs("read_policies", proved_within=FRESH)
    def change_password() -> Response:
        return own.change_password()

    @blueprint.get("/account/authenticator")
    @sessions.needs("read_policies", proved_within=FRESH)
    def authenticator() -> Response:
        return own.authenticator(new_totp_secret(), ())

    @blueprint.post("/account/authenticator")
    @sessions.needs("read_policies", proved_within=FRESH)
    def change_authenticator() -> Response:
        return own.change_authenticator()

    @blueprint.get("/account/recovery-codes")
    @sessions.needs("read_policies", proved_within=FRESH)
    def recovery_codes() -> Response:
        return own.recovery_codes(None)

    @blueprint.post("/account/recovery-codes")
    @sessions.needs("read_policies", proved_within=FRESH)
    def new_recovery_codes() -> Response:
        return own.new_recovery_codes()


class _Own:
    """The account of whoever is signed in."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    def shown(self) -> Response:
        account: Account = g.session.account
        return page(
            "account.html",
            **self._sessions.shown(),
            privileges=privileges(),
            roles=ROLES,
            acts=ACTS,
            open_sessions=self._desk.staff.sessions_of(account.id, self._here()),
            local=bool(account.password_hash),
            left=self._desk.staff.recovery_codes_left(account.id),
            done=say(_DONE[done]) if (done := request.args.get("done", "")) in _DONE else None,
        )

    def password(self, faults: Faults | tuple[()]) -> Response:
        if not g.session.account.password_hash:
            return self._elsewhere()
        return page("account-password.html", 422 if faults else 200, **self._sessions.shown(), faults=faults)

    def change_password(self) -> Response:
        account: Account = g.session.account
        if not account.password_hash:
            return self._elsewhere()
        typed, faults = read(_PASSWORD)
        if not faults:
            if (fault := password_fault(typed["password"], account.username)) is not None:
                faults.append(("password", say(fault)))
            elif typed["password"] != typed["repeated"]:
                faults.append(("repeated", say("This is not what you typed above. Type both again.")))
        if faults:
            return self.password(faults)
        self._desk.personnel.set_password(account, typed["password"], session=self._here())
        return see(f"{ACCOUNT}?done=password")

    def authenticator(self, secret: str, faults: Faults | tuple[()]) -> Response:
        account: Account = g.session.account
        if not account.password_hash:
            return self._elsewhere()
        address = provisioning_uri(secret, account.username, self._desk.city)
        drawn = segno.make(address, error="m").svg_inline(scale=4, dark="#000", light="#fff")
        return page(
            "account-authenticator.html",
            422 if faults else 200,
            **self._sessions.shown(),
            faults=faults,
            drawn=Markup(drawn),  # noqa: S704  made of squares by the library
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            sealed=base64.b64encode(self._desk.key().seal(self._pending(), secret)).decode(),
        )

    def change_authenticator(self) -> Response:
        account: Account = g.session.account
        if not account.password_hash:
            return self._elsewhere()
        typed, faults = read(_AUTHENTICATOR)
        secret = None if faults else self._opened(typed["sealed"])
        if secret is None:
            # Of another session, or altered: nothing that we showed to this one.
            return self.authenticator(
                new_totp_secret(), [("code", say("Scan this new secret, and try again."))]
            )
        step = step_of(secret, typed["code"].replace(" ", ""), self._desk.gate.clock.now())
        if step is None:
            said = say("That is not a code of the new secret. Wait for the next code and type it.")
            return self.authenticator(secret, [("code", said)])
        self._desk.personnel.set_totp(account, secret, step, session=self._here())
        return see(f"{ACCOUNT}?done=authenticator")

    def recovery_codes(self, codes: tuple[str, ...] | None) -> Response:
        account: Account = g.session.account
        if not account.password_hash:
            return self._elsewhere()
        left = self._desk.staff.recovery_codes_left(account.id)
        return page("account-recovery-codes.html", **self._sessions.shown(), codes=codes, left=left)

    def new_recovery_codes(self) -> Response:
        account: Account = g.session.account
        if not account.password_hash:
            return self._elsewhere()
        return self.recovery_codes(self._desk.personnel.set_recovery_codes(account, session=self._here()))

    def _elsewhere(self) -> Response:
        """Who signs in with the identity provider has no secrets here."""
        return page("missing.html", 404, **self._sessions.shown())

    def _here(self) -> str:
        identifier = self._sessions.identifier()
        assert identifier is not None  # noqa: S101  the type checker's question: there is a session
        return identifier

    def _pending(self) -> str:
        return f"{g.session.account.id} pending secret of {g.form_token}"

    def _opened(self, sealed: str) -> str | None:
        try:
            return self._desk.key().open(self._pending(), base64.b64decode(sealed, validate=True))
        except (StoreUnavailable, binascii.Error, ValueError):
            return None
