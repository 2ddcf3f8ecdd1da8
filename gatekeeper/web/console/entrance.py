"""Sign-in with name, password and code; sign-out, at the city's identity provider too.

Guarantees: whatever was wrong, the answer is the same; a session begins with a new identifier, and with an
entry in the log: if that cannot be written, nobody is signed in; after sign-in only a page of ours follows.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import Blueprint, Response, g, request
from marshmallow import Schema, fields, validate

from gatekeeper.review.accounts import Session
from gatekeeper.review.sign_in import SignedIn, sign_in
from gatekeeper.web.console.addresses import came_from, following
from gatekeeper.web.console.areas import open_to
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import COOKIE, LANGUAGES
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import Sessions, form_token, ours
from gatekeeper.web.metrics import SIGN_INS


class _Form(Schema):
    class Meta:
        unknown = "exclude"

    username = fields.String(load_default="", validate=validate.Length(max=200))
    password = fields.String(load_default="", validate=validate.Length(max=1000))
    code = fields.String(load_default="", validate=validate.Length(max=100))


_FORM = _Form()


def add_entrance(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of sign-in."""

    @blueprint.get("/sign-in")
    def entrance() -> Response:
        identifier = sessions.identifier()
        if identifier is not None and desk.staff.session(identifier) is not None:
            return see(following())
        return _door(desk, sessions, 200, refused=False)

    @blueprint.post("/sign-in")
    def enter() -> Response:
        before = sessions.identifier()
        if before is None or not ours(before):
            return _door(desk, sessions, 403, refused=False, stale=True)
        if not desk.local_sign_in or _FORM.validate(request.form):
            return _door(desk, sessions, 403, refused=True)
        typed = _FORM.load(request.form)
        outcome = sign_in(
            desk.staff,
            desk.key(),
            username=typed["username"].strip(),
            password=typed["password"],
            code=typed["code"].strip(),
            at=desk.gate.clock.now(),
        )
        if not isinstance(outcome, SignedIn):
            SIGN_INS.labels(outcome.reason).inc()
            return _door(desk, sessions, 403, refused=True)
        response = see(following())
        # Where the provider is the way in, an account of ours is for emergencies: the log tells them apart.
        sessions.begin(
            response, outcome.account, outcome.by if desk.provider is None else f"local_{outcome.by}"
        )
        SIGN_INS.labels("signed_in").inc()
        return response


def add_exit(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of sign-out."""

    @blueprint.post("/sign-out")
    @sessions.needs("read_policies")  # every role may
    def leave() -> Response:
        identifier, token = sessions.identifier(), sessions.id_token()
        if identifier is not None:
            desk.staff.end_session(identifier)
        if desk.provider is None or token is None:
            response = see("/console/sign-in")
            sessions.take(response)
            return response
        response = Response()
        there = desk.provider.farewell(token, _farewell(sessions.give(response)))
        shown = page("signed-out.html", city=desk.city, there=there, ended=False)
        shown.headers.extend([("Set-Cookie", cookie) for cookie in response.headers.getlist("Set-Cookie")])
        if there is not None:
            # Not a redirect: our policy lets a form lead to no other place.
            shown.headers["Refresh"] = f"0; url={there}"
        return shown

    @blueprint.get("/signed-out")
    def left() -> Response:
        identifier, state = sessions.identifier(), request.args.get("state", "")
        ended = identifier is not None and hmac.compare_digest(
            state.encode("utf-8", "replace"), _farewell(identifier).encode()
        )
        return page("signed-out.html", city=desk.city, there=None, ended=ended)


def add_home(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the way to the first area that a person may open, and the choice of a language."""

    @blueprint.get("/")
    @sessions.needs("read_policies")  # every role may
    def home() -> Response:
        session: Session = g.session
        return see(next((area.path for area in open_to(session.account.role)), "/console/account"))

    @blueprint.get("/language")
    def choose_language() -> Response:
        response = see(came_from())
        if (code := request.args.get("to", "")) in LANGUAGES:
            response.set_cookie(COOKIE, code, path="/console", secure=desk.secure, samesite="Lax")
        return response


def _farewell(identifier: str) -> str:
    """Return by what a browser is known that comes back from signing out at the provider."""
    return hmac.new(identifier.encode(), b"gatekeeper console signed out", hashlib.sha256).hexdigest()


def _door(desk: Desk, sessions: Sessions, status: int, *, refused: bool, stale: bool = False) -> Response:
    """Show the form of sign-in, to a browser that has an identifier by which its form can be known."""
    identifier = sessions.identifier()
    response = Response()
    if identifier is None:
        identifier = sessions.give(response)
    shown = page(
        "sign-in.html",
        status,
        city=desk.city,
        form_token=form_token(identifier),
        refused=refused,
        stale=stale,
        next=following(),
        provider=desk.provider is not None,
        local=desk.local_sign_in,
    )
    shown.headers.extend([("Set-Cookie", cookie) for cookie in response.headers.getlist("Set-Cookie")])
    return shown
