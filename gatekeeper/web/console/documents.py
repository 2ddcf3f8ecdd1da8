"""The papers that came with a request: given out as they came, taken in from a form.

Guarantees: a document is given only to whoever may verify one and has no part in the request (as with the
plate, ``unmask``), after the log holds that they opened it; it is an attachment under a policy that runs
nothing, of the type that its bytes were checked to be, and no page shows it; what a form brings passes the
same checks as what an agency sends.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

from flask import Blueprint, Response, g, request, send_file
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import MethodNotAllowed

from gatekeeper.errors import DocumentRefused, KeyErased, UnknownDocument, UnknownQuery
from gatekeeper.exchange.documents import LARGEST, MOST, Document, examined, fetched
from gatekeeper.review.case import open_case
from gatekeeper.review.rule import Hearing
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.reviews import Sent, Show, seen
from gatekeeper.web.console.sessions import Sessions

LARGEST_FORM: Final = 8 * 1024 * 1024
"""``sessions.needs(act, most=LARGEST_FORM)``: a form with documents, all of it."""

_RUNS_NOTHING: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Cookie",
}
_TOO_MANY: Final = later("Too many files: send at most 5 at once.")


def add_documents(blueprint: Blueprint, desk: Desk, sessions: Sessions, show: Show) -> None:
    """Add the route of one document; ``show`` answers with its request's page, and what is in the way."""

    @blueprint.get("/documents/<document_id>")
    @sessions.needs("rule_as_staff")
    def document(document_id: str) -> Response:
        if request.method == "HEAD":  # it would be logged as opened by somebody who saw nothing
            raise MethodNotAllowed(["GET"])
        try:
            kept, paper = fetched(desk.gate.documents, desk.gate.keys, document_id)
            case = open_case(desk.gate, kept.query_id)
        except (UnknownDocument, UnknownQuery, KeyErased):
            # Where what was asked has been erased, nobody can say any more who has a part in it.
            return page("missing.html", 404, **sessions.shown())
        if barred := Hearing(desk.gate, case, g.session.account).barred():
            return show(kept.query_id, 403, Sent("document", [("", say(told)) for told in barred]))
        seen(desk, kept.query_id, f"document {kept.sha256}")
        return _attached(paper)


def uploaded(field: str) -> tuple[list[Document], Faults]:
    """Return the documents of a form's file field, and what is wrong with those that are none."""
    sent = [file for file in request.files.getlist(field) if file.filename]
    if len(sent) > MOST:
        return [], [(field, say(_TOO_MANY))]
    documents: list[Document] = []
    faults: Faults = []
    for file in sent:
        try:
            documents.append(_examined(file))
        except DocumentRefused as refused:
            faults += [(field, say(message)) for _, message in refused.faults]
    return documents, faults


def _examined(file: FileStorage) -> Document:
    return examined(file.filename or "", file.mimetype, file.stream.read(LARGEST + 1))


def _attached(paper: Document) -> Response:
    response = send_file(
        BytesIO(paper.content), paper.media_type, as_attachment=True, download_name=paper.name, etag=False
    )
    response.headers.update(_RUNS_NOTHING)
    return response
