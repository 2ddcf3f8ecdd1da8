"""Who is signed in, whether they may do this, and whether a form is one that we showed them.

The cookie holds 256 random bits and nothing else; a form carries an HMAC of it. Guarantees: a page is shown
and an act done only for a session that the store knows now, whose role may do it; a form that another site
sent (no token, or ``Sec-Fetch-Site`` says so) does nothing; whoever may not see a page is not told whether
what it is about exists; what needs a fresh proof is done only for a person who proved themselves as lately as
it says. A session begins, and goes on after a proof, under a new identifier and with an entry in the log: if
that cannot be written, nobody is signed in and nothing counts as proved.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final, ParamSpec
from urllib.parse import quote

from flask import Response, g, request

from gatekeeper.ledger import Draft
from gatekeeper.review.accounts import Account, Session
from gatekeeper.review.roles import Act, may
from gatekeeper.web.console.addresses import came_from
from gatekeeper.web.console.areas import open_to
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.pages import page, see

FORM_TOKEN = "form"  # noqa: S105  a field's name
FRESH: Final = timedelta(minutes=10)
"""How long a person counts as having just proved who they are."""
_NEVER_SHOWN: Final = frozenset({FORM_TOKEN, "password", "repeated", "code", "sealed"})
_P = ParamSpec("_P")


class Sessions:
    """The console's browsers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # __Host-: only this host, over https, for every path; nobody else's cookie passes for it.
        self._cookie = "__Host-gatekeeper" if desk.secure else "gatekeeper"

    def needs(
        self,
        act: Act,
        *,
        proved_within: timedelta | None = None,
        most: int | None = None,
        most_text: int | None = None,
    ) -> Callable[[Callable[_P, Response]], Callable[_P, Response]]:
        """Return a decorator for a route that only a role which may *act* reaches.

        With ``proved_within=FRESH``, only who proved themselves lately: a page leads to the proof and back; a
        form does nothing, says so, and shows what was typed, to be repeated. ``most`` is how many bytes a
        form may have that brings documents, ``most_text`` one that brings long texts; others have the app's
        own limit.
        """

        def decorate(view: Callable[_P, Response]) -> Callable[_P, Response]:
            @wraps(view)
            def guarded(*args: _P.args, **kwargs: _P.kwargs) -> Response:
                identifier = self.identifier()
                session = None if identifier is None else self._desk.staff.session(identifier)
                if session is None or identifier is None:
                    return _led_to("sign-in")
                g.session = session
                g.form_token = form_token(identifier)
                if not may(session.account.role, act):
                    return page("forbidden.html", 403, **self.shown())
                if most is not None:
                    request.max_content_length = most
                if most_text is not None:
                    request.max_content_length = request.max_form_memory_size = most_text
                if request.method == "POST" and not ours(identifier):
                    return page("stale.html", 403, **self.shown())
                if proved_within is not None and not self._proved(session, proved_within):
                    return self._unproved()
                return view(*args, **kwargs)

            return guarded

        return decorate

    def begin(
        self,
        response: Response,
        account: Account,
        method: str,
        *,
        proved_at: datetime | None = None,
        id_token: str | None = None,
    ) -> None:
        """Sign a person in, who proved themselves now or then. Raises LedgerUnavailable, StoreUnavailable."""
        self._log(account, method)
        before = self.identifier()
        self._desk.staff.begin_session(
            self.give(response),
            account.id,
            proved_at=proved_at,
            id_token_box=None if id_token is None else self._desk.key().seal(_token_of(account), id_token),
        )
        if before is not None:
            self._desk.staff.end_session(before)

    def prove(self, response: Response, method: str, *, id_token: str | None = None) -> bool:
        """Go on with this session as just proved; False if it ended meanwhile.

        Raises LedgerUnavailable, StoreUnavailable.
        """
        session: Session = g.session
        before = self.identifier()
        if before is None:
            return False
        account = session.account
        self._log(account, f"proof_{method}")
        box = None if id_token is None else self._desk.key().seal(_token_of(account), id_token)
        return self._desk.staff.prove_session(before, self.give(response), id_token_box=box)

    def id_token(self) -> str | None:
        """Return the ID token that this session began with, if it did. Raises StoreUnavailable."""
        session: Session = g.session
        if session.id_token_box is None:
            return None
        return self._desk.key().open(_token_of(session.account), session.id_token_box)

    def _proved(self, session: Session, within: timedelta) -> bool:
        return self._desk.gate.clock.now() - session.proved_at < within

    def _unproved(self) -> Response:
        """Ask for a proof first; what a form said is shown, so that it can be said again."""
        if request.method != "POST":
            return _led_to("proof")
        typed = [
            (name, text)
            for name, text in request.form.items(multi=True)
            if name not in _NEVER_SHOWN and text.strip()
        ]
        return page("unproved.html", 403, **self.shown(), typed=typed, back=quote(came_from(), safe=""))

    def _log(self, account: Account, method: str) -> None:
        g.person = account.id
        draft = Draft(
            event="staff.signed_in",
            ref=f"event_{secrets.token_hex(12)}",
            clear={},
            secret={"by": account.id, "method": method},
            detail={},
        )
        self._desk.gate.ledger.append(draft)

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
            "stopped": self._desk.gate.registry.snapshot().stops,
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


def _token_of(account: Account) -> str:
    return f"{account.id} ID token"  # what is sealed as one thing is not opened as another


def form_token(identifier: str) -> str:
    """Return the token of every form that is shown to this browser."""
    return hmac.new(identifier.encode(), b"gatekeeper console form", hashlib.sha256).hexdigest()


def ours(identifier: str) -> bool:
    """Say whether the form that came is one that we showed to this browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    sent = request.form.get(FORM_TOKEN, "").encode("utf-8", "replace")
    return hmac.compare_digest(sent, form_token(identifier).encode())


def _led_to(door: str) -> Response:
    """Lead to a door, and from there back to what was asked for; after a form, to the page it stood on."""
    back = request.full_path.rstrip("?") if request.method == "GET" else came_from()
    address = f"/console/{door}?next={quote(back, safe='')}"
    response = see(address)
    if request.headers.get("HX-Request") == "true":
        # A script follows a 303 by itself and would put the door into a piece of the page.
        response.status_code = 200
        del response.headers["Location"]
        response.headers["HX-Redirect"] = address
    return response
