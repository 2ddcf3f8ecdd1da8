"""``/affirm/<token>``: the page on which an agency's signatory reads a text and signs it, without an account.

The link's 256 bits are the credential; they are looked up by their hash. Guarantees: to open the page uses
nothing up (mail programs open links by themselves), only the form signs, once; the text is the one that the
law names, shown whole; name, title and e-mail are the signatory's, the time is the server's; no page runs
a script, is framed, indexed or kept by a cache, or tells another site its address; a link that does not sign
says what to do, and nothing of whose it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal

from flask import Blueprint, Response, g, request
from marshmallow import fields
from werkzeug.exceptions import HTTPException

from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.notices.told import is_address
from gatekeeper.oversight import documents_signed
from gatekeeper.oversight.signing import Invitation, Kept, Signed, Signing
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import LANGUAGES, language, later, say
from gatekeeper.web.console.pages import attached, page, see
from gatekeeper.web.guesses import Guesses
from gatekeeper.web.problems import RETRY_SECONDS, note

Told = Callable[[Signed, Invitation], None]
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_TWICE: Final = later("Type your name here exactly as above: this is your signature.")
_READ: Final = later("Tick this when you have read the text and sign it for the agency.")
_ADDRESS: Final = later("That is no e-mail address.")
_OTHER: Final = later("This is not the text that you were shown. Read it again before you sign.")
_AGAIN: Final = later("Something changed at the same moment, and nothing was signed. Sign again.")
_ELSEWHERE: Final = later("This form did not come from this page. Load the page again.")

Why = Literal["unknown", "used", "revoked", "expired", "closed", "text", "slow", "failed", "receipt"]
_SAID: Final[dict[Why, tuple[int, str, str]]] = {
    "unknown": (
        404,
        later("This link does not work"),
        later("Copy it whole from the message that brought it: it may have been cut in two. If that does not "
              "help, ask the city for a new one."),
    ),
    "used": (
        410,
        later("This link was used"),
        later("Somebody has signed by it, and it signs once. If it was you, you have a receipt, and the "
              "agency's contacts were told. If it was not, tell the city at once."),
    ),
    "revoked": (
        410,
        later("This link was withdrawn"),
        later("The city does not take a signature by it any more. Ask the city for a new link."),
    ),
    "expired": (
        410,
        later("This link has expired"),
        later("Nothing was signed by it. Ask the city for a new link."),
    ),
    "closed": (
        410,
        later("Nobody signs by this link any more"),
        later("The agency's registration has ended. Ask the city what to do."),
    ),
    "text": (
        409,
        later("The text has changed"),
        later("The city's law names another text than this link was made for: nothing can be signed by it. "
              "Ask the city for a new link."),
    ),
    "slow": (
        429,
        later("Too many links that do not work"),
        later("Wait ten minutes, and open the link from the message that brought it."),
    ),
    "failed": (
        503,
        later("Not available just now"),
        later("Load the page again in a moment: it says whether you have signed."),
    ),
    "receipt": (
        404,
        later("No receipt is here"),
        later("Its time is over, or the address was cut in two. The agency's contacts and the city have the "
              "signed document."),
    ),
}  # fmt: skip


class _Signature(Form):
    name = fields.String(load_default="")
    title = fields.String(load_default="")
    email = fields.String(load_default="")
    signature = fields.String(load_default="")
    read = fields.String(load_default="")
    text = fields.String(load_default="")


_SIGNATURE: Final = _Signature()


def affirm_blueprint(signing: Signing, guesses: Guesses, told: Told) -> Blueprint:
    """Return the routes by which a signatory signs, and has the receipt."""
    blueprint = Blueprint("affirm", __name__, url_prefix="/affirm")
    pages = _Pages(signing, guesses, told)

    @blueprint.before_request
    def chosen() -> None:
        asked = request.args.get("lang", "")
        g.language = asked if asked in LANGUAGES else None

    blueprint.after_request(_safe)

    @blueprint.get("/<token>")
    def show(token: str) -> Response:
        return pages.show(token)

    @blueprint.post("/<token>")
    def sign(token: str) -> Response:
        return pages.sign(token)

    @blueprint.get("/receipt/<token>")
    def receipt(token: str) -> Response:
        kept = pages.kept(token)
        return kept if isinstance(kept, Response) else pages.receipt(token, kept)

    @blueprint.get("/receipt/<token>/document")
    def document(token: str) -> Response:
        kept = pages.kept(token)
        if isinstance(kept, Response):
            return kept
        return attached(kept.document, "text/plain", f"{kept.affirmation_id}.txt")

    @blueprint.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        status, _ = note(error)
        response = pages.closed("unknown" if isinstance(error, HTTPException) else "failed")
        response.status_code = status
        if status == 503:
            response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response

    return blueprint


class _Pages:
    """The pages, and the one act."""

    def __init__(self, signing: Signing, guesses: Guesses, told: Told) -> None:
        self._signing = signing
        self._guesses = guesses
        self._told = told

    def show(self, token: str) -> Response:
        """Show the text and the form, or say why nothing can be signed."""
        invitation = self._open(token)
        return invitation if isinstance(invitation, Response) else self._form(invitation, 200, {}, [])

    def sign(self, token: str) -> Response:
        """Sign, and lead to the receipt; what is missing is said, and what was typed shown again."""
        invitation = self._open(token)
        if isinstance(invitation, Response):
            return invitation
        typed, faults = read(_SIGNATURE)
        typed = {name: documents_signed.tidy(str(text)) for name, text in typed.items()}
        faults += self._faults(invitation, typed)
        if faults:
            return self._form(invitation, 422, typed, faults)
        try:
            signed = self._signing.sign(
                invitation, name=typed["name"], title=typed["title"], email=typed["email"]
            )
        except Superseded:
            # Two tabs, or the city revoked it: the link says by now what happened.
            now = self._open(token)
            return now if isinstance(now, Response) else self._form(now, 409, typed, [("", say(_AGAIN))])
        except OperatorError:
            return self.closed("text")
        self._told(signed, invitation)
        return see(f"/affirm/receipt/{signed.receipt}?lang={language()}")

    def kept(self, token: str) -> Kept | Response:
        """Return the document of a receipt's address, or the page that says there is none."""
        if (wait := self._guesses.wait()) > 0:
            return self.closed("slow", wait)
        kept = self._signing.receipt(token) if _TOKEN.match(token) else None
        if kept is None:
            self._guesses.wrong()
            return self.closed("receipt")
        return kept

    def receipt(self, token: str, kept: Kept) -> Response:
        """Show the signed document with its hash."""
        return page(
            "affirm-receipt.html",
            **self._shown(),
            document=kept.document,
            sha256=documents_signed.sha256_of(kept.document),
            entry=self._signing.entry(kept),
            until=kept.receipt_until.date(),
            token=token,
        )

    def closed(self, why: Why, wait: int = 0) -> Response:
        """Say why nothing can be signed, and what to do."""
        status, heading, cure = _SAID[why]
        response = page("affirm-closed.html", status, **self._shown(), heading=say(heading), cure=say(cure))
        if wait:
            response.headers["Retry-After"] = str(wait)
        return response

    def _open(self, token: str) -> Invitation | Response:
        if (wait := self._guesses.wait()) > 0:
            return self.closed("slow", wait)
        invitation = self._signing.opened(token) if _TOKEN.match(token) else None
        if invitation is None:
            self._guesses.wrong()
            return self.closed("unknown")
        state = self._signing.state(invitation)
        return invitation if state == "open" else self.closed(state)

    def _faults(self, invitation: Invitation, typed: dict[str, str]) -> Faults:
        found: Faults = []
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            found.append(("", say(_ELSEWHERE)))
        if typed["text"] != invitation.text_sha256:
            found.append(("", say(_OTHER)))
        for field in ("name", "title"):
            if (fault := documents_signed.fault_of(typed[field])) is not None:
                found.append((field, say(fault)))
        if not is_address(typed["email"]):
            found.append(("email", say(_ADDRESS)))
        if typed["read"] != "yes":
            found.append(("read", say(_READ)))
        if not typed["signature"] or not documents_signed.same_name(typed["signature"], typed["name"]):
            found.append(("signature", say(_TWICE)))
        return found

    def _form(self, invitation: Invitation, status: int, typed: dict[str, str], faults: Faults) -> Response:
        try:
            text = self._signing.text(invitation)
            other = None if language() == "en" else self._signing.text(invitation, language())
        except OperatorError:
            return self.closed("text")
        empty = dict.fromkeys(("name", "title", "email", "signature", "read"), "")
        agency = self._signing.agency(invitation.agency_id)
        if agency is None or text is None:
            return self.closed("closed")
        return page(
            "affirm.html",
            status,
            **self._shown(),
            agency=agency,
            invitation=invitation,
            text=text,
            translation=other,
            typed={**empty, **typed},
            faults=faults,
        )

    def _shown(self) -> dict[str, Any]:
        return {"city": self._signing.name, "path": request.path}


def _safe(response: Response) -> Response:
    """Give each answer at a link, whose address is a secret, the headers of one."""
    response.headers["Content-Security-Policy"] = _CSP
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response
