"""Who is signed in, whether they may do this, and whether a form is one that we showed them.

The cookie holds 256 random bits and nothing else; a form carries an HMAC of it. Guarantees: a page is shown
and an act done only for a session that the store knows now, whose role may do it; a form that another site
sent (no token, or ``Sec-Fetch-Site`` says so) does nothing; whoever may not see a page is not told whether
what it is about exists.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import quote

from flask import Response, g, request

from gatekeeper.review.accounts import Session
from gatekeeper.review.roles import Act, may
from gatekeeper.web.console.areas import open_to
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.pages import page, see

FORM_TOKEN = "form"  # noqa: S105  a field's name
_P = ParamSpec("_P")


class Sessions:
    """The console's browsers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # __Host-: only this host, over https, for every path; nobody else's cookie passes for it.
        self._cookie = "__Host-gatekeeper" if desk.secure else "gatekeeper"

    def needs(self, act: Act) -> Callable[[Callable[_P, Response]], Callable[_P, Response]]:
        """Return a decorator for a route that only a role which may *act* reaches."""

        def decorate(view: Callable[_P, Response]) -> Callable[_P, Response]:
            @wraps(view)
            def guarded(*args: _P.args, **kwargs: _P.kwargs) -> Response:
                identifier = self.identifier()
                session = None if identifier is None else self._desk.staff.session(identifier)
                if session is None or identifier is None:
                    return see(f"/console/sign-in?next={quote(_asked(), safe='')}")
                g.session = session
                g.form_token = form_token(identifier)
                if not may(session.account.role, act):
                    return page("forbidden.html", 403, **self.shown())
                if request.method == "POST" and not ours(identifier):
                    return page("stale.html", 403, **self.shown())
                return view(*args, **kwargs)

            return guarded

        return decorate

    def shown(self) -> dict[str, Any]:
        """Return what every page of a signed-in person shows."""
        session: Session = g.session
        role = session.account.role
        return {
            "city": self._desk.city,
            "person": session.account,
            "form_token": g.form_token,
            "may": lambda act: may(role, act),
            "areas": open_to(role),
            "here": request.path,
            "now": self._desk.gate.clock.now(),
            "zone": self._desk.zone,
        }

    def identifier(self) -> str | None:
        """Return what the browser's cookie holds, if it could be one of ours."""
        value = request.cookies.get(self._cookie)
        return value if value is not None and len(value) == 43 and value.isascii() else None

    def give(self, response: Response) -> str:
        """Give the browser a new identifier: one that was known before sign-in is worth nothing."""
        identifier = secrets.token_urlsafe(32)
        response.set_cookie(
            self._cookie, identifier, path="/", secure=self._desk.secure, httponly=True, samesite="Lax"
        )
        return identifier

    def take(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(
            self._cookie, path="/", secure=self._desk.secure, httponly=True, samesite="Lax"
        )


def form_token(identifier: str) -> str:
    """Return the token of every form that is shown to this browser."""
    return hmac.new(identifier.encode(), b"gatekeeper console form", hashlib.sha256).hexdigest()


def ours(identifier: str) -> bool:
    """Say whether the form that came is one that we showed to this browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    sent = request.form.get(FORM_TOKEN, "").encode("utf-8", "replace")
    return hmac.compare_digest(sent, form_token(identifier).encode())


def _asked() -> str:
    """Return the page that was asked for, to come back to; after a form, the page that it stood on."""
    if request.method != "GET":
        return "/console/reviews"
    return request.full_path.rstrip("?")
