"""Who is signed in proves it again, before what needs it: a plate, an export, their own secrets, an account.

Guarantees: the proof is of the account that the session belongs to, with nobody else's credentials; it counts
toward the same lock-out as sign-in; the session goes on under a new identifier, as old as it was, and with an
entry in the log.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from marshmallow import fields, validate

from gatekeeper.review.accounts import Session
from gatekeeper.review.sign_in import SignedIn, sign_in
from gatekeeper.web.console.addresses import following
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Form
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.metrics import SIGN_INS


class _Form(Form):
    password = fields.String(load_default="", validate=validate.Length(max=1000))
    code = fields.String(load_default="", validate=validate.Length(max=100))


_FORM = _Form()


def add_proof(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of the proof."""

    @blueprint.get("/proof")
    @sessions.needs("read_policies")  # every role may
    def proof() -> Response:
        return ask(200, refused=False)

    @blueprint.post("/proof")
    @sessions.needs("read_policies")
    def prove() -> Response:
        session: Session = g.session
        if not desk.local_sign_in or _FORM.validate(request.form):
            return ask(403, refused=True)
        typed = _FORM.load(request.form)
        outcome = sign_in(
            desk.staff,
            desk.key(),
            username=session.account.username,
            password=typed["password"],
            code=typed["code"].strip(),
            at=desk.gate.clock.now(),
        )
        if not isinstance(outcome, SignedIn) or outcome.account.id != session.account.id:
            SIGN_INS.labels(outcome.reason if not isinstance(outcome, SignedIn) else "unknown").inc()
            return ask(403, refused=True)
        response = see(following())
        if not sessions.prove(response, outcome.by):
            return see("/console/sign-in")
        SIGN_INS.labels("proved").inc()
        return response

    def ask(status: int, *, refused: bool) -> Response:
        return page(
            "proof.html",
            status,
            **sessions.shown(),
            refused=refused,
            next=following(),
            elsewhere=not g.session.account.password_hash,
        )
