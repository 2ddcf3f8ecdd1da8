"""A page for whatever goes wrong under ``/console``: what it means, and what to do.

Guarantees: whoever is not signed in is sent to sign in by every address of the console but its door, whether
there is anything at it or not; an error page holds nothing of the request, of the state or of the exception;
what the log and the figures are told is the same as everywhere (``web.problems``).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from gatekeeper.errors import GatekeeperError
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.problems import RETRY_SECONDS, note

HOME: Final = "/console/"


class _Said(NamedTuple):
    title: str
    cure: str


_LOOK: Final = later("Before you repeat what you did, load the page again and see whether it was done.")
_STATUS: Final = {
    405: _Said(
        later("Nothing to see here"),
        later("This address takes a form and shows nothing. Go back to the page on which the form stands."),
    ),
    413: _Said(
        later("Too large"),
        later("This is larger than we take. Nothing was done. Go back and send less."),
    ),
    415: _Said(
        later("Not a form"),
        later("What you sent is not what the page's form sends. Nothing was done. Go back and use the form."),
    ),
    503: _Said(later("Not available just now"), _LOOK),
}
_REFUSED: Final = _Said(
    later("That could not be read"),
    later("What came was broken or not what the page asks for. Nothing was done. Go back and try again."),
)
_FAILED: Final = _Said(later("Something here failed"), _LOOK)
_PARTS: Final = {
    "clock_unreliable": later("The clock of this server cannot be trusted, so nothing is decided."),
    "entry_refused": later("What you did could not be written into the log, so it was not done."),
    "key_erased": later("What was asked has been erased: its key no longer exists."),
    "ledger_corrupt": later(
        "The log is not as it was signed, so nothing is added to it. "
        "Stop all sharing, and have the log verified."
    ),
    "ledger_unavailable": later("The log cannot be written. What is not logged is not shown or done."),
    "policy_unavailable": later("The policy could not be asked just now, so nothing can be decided."),
    "records_unavailable": later("The store of plate reads does not answer as it should just now."),
    "store_unavailable": later("The gatekeeper cannot read its own state just now."),
    "superseded": later("Somebody else changed this at the same moment."),
}


def add_errors(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Answer every error of the console with a page."""

    @blueprint.before_app_request
    def astray() -> Response | None:
        """Answer what no route of ours takes: to those who are signed in."""
        wrong = _astray()
        if wrong is None:
            return None

        @sessions.needs("read_policies")  # every role may
        def nothing() -> Response:
            return failed(wrong)

        try:
            return see(HOME) if isinstance(wrong, RequestRedirect) else nothing()
        except Exception as error:  # noqa: BLE001 - there is no route, so no other place makes a page of it
            return failed(error)

    @blueprint.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        status, code = note(error)
        if status == 404:
            return page("missing.html", 404, **_dress(desk, sessions))
        said = _STATUS.get(status, _FAILED if status >= 500 else _REFUSED)
        response = page(
            "error.html",
            status,
            **_dress(desk, sessions),
            heading=say(said.title),
            part=say(_PARTS[code]) if code in _PARTS else None,
            cure=say(said.cure),
            reference=g.request_id if status >= 500 else None,
        )
        if status == 503:
            response.headers["Retry-After"] = str(RETRY_SECONDS)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response


def _astray() -> HTTPException | None:
    """Return what is wrong with the address or the method, if they are the console's."""
    if request.path != "/console" and not request.path.startswith(HOME):
        return None
    if request.method == "OPTIONS":
        return MethodNotAllowed()  # Flask's own answer would tell a stranger which pages there are
    wrong = request.routing_exception
    return wrong if wrong is None or isinstance(wrong, RequestRedirect | MethodNotAllowed) else NotFound()


def _dress(desk: Desk, sessions: Sessions) -> dict[str, Any]:
    """Return what the page shows of its reader: no more than is known without the part that failed."""
    try:
        return sessions.shown() if "session" in g else {"city": desk.city}
    except GatekeeperError:
        return {"city": desk.city}
