"""A document leaves the console as it came, to those who may verify it, and never as a page."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask import Blueprint, Flask, Response

from gatekeeper.errors import KeyErased
from gatekeeper.exchange import documents
from gatekeeper.exchange.documents import LARGEST
from gatekeeper.ledger import Draft
from gatekeeper.web import problems
from gatekeeper.web.console.documents import LARGEST_FORM, uploaded
from tests.console.conftest import Staffed
from tests.exchange.city import body
from tests.exchange.papers import paper, pdf, picture


def _handed_in(staffed: Staffed, name: str = "warrant.pdf") -> str:
    gate = staffed.city.gate
    query_id = staffed.city.ask(body(purpose__narrative="investigation")).query_id
    draft = Draft(
        event="review.noted",
        ref=query_id,
        clear={"agency": "sample-il-pd"},
        secret={"by": "gatekeeper"},
        detail={},
    )
    rows = documents.rows(gate.keys, query_id, "agency", gate.clock.now(), [paper(name)])
    gate.ledger.append(draft, rows)
    return gate.documents.of(query_id)[0].id


def _viewed(staffed: Staffed) -> int:
    return sum(event["event"] == "staff.viewed" for event in staffed.city.events())


def test_a_clerk_gets_the_document_as_an_attachment_that_runs_nothing(staffed: Staffed) -> None:
    """After the log holds that it was opened; the name is the agency's, cleaned."""
    document_id = _handed_in(staffed, "orden é.pdf")
    clerk, before = staffed.signed_in("records"), _viewed(staffed)
    given = clerk.client.get(f"/console/documents/{document_id}")
    assert (200, pdf()[:8]) == (given.status_code, given.data[:8])
    assert "application/pdf" == given.headers["Content-Type"]
    policy = given.headers["Content-Security-Policy"]
    assert "default-src 'none'; frame-ancestors 'none'; sandbox" == policy
    assert "nosniff" == given.headers["X-Content-Type-Options"]
    assert "no-store" == given.headers["Cache-Control"]
    assert given.headers["Content-Disposition"].startswith("attachment; filename")
    assert "orden%20%C3%A9.pdf" in given.headers["Content-Disposition"]
    assert before + 1 == _viewed(staffed)
    opened = staffed.city.gate.ledger.detail_of(len(staffed.city.events()) - 1).openings
    assert paper("orden é.pdf").sha256[:16] not in json.dumps(staffed.city.events()[-1])
    assert str(opened["what"]["value"]).startswith("document ")


@pytest.mark.parametrize("role", ["legal", "auditor", "admin"])
def test_who_may_not_verify_a_paper_may_not_open_one(staffed: Staffed, role: str) -> None:
    """A document names plates and people: whoever only reads the queue does not see it, nor whether it is."""
    document_id = _handed_in(staffed)
    person, before = staffed.signed_in(role), _viewed(staffed)  # type: ignore[arg-type]
    for asked in (document_id, "document_none"):
        assert 403 == person.client.get(f"/console/documents/{asked}").status_code
    assert before == _viewed(staffed)


@pytest.mark.parametrize(
    ("agency", "name", "told"),
    [("sample-il-pd", "Kim Sample", "Your own agency"), (None, "Example, PAT", "somebody of your name")],
)
def test_who_has_a_part_in_the_request_does_not_open_its_papers(
    staffed: Staffed, agency: str | None, name: str, told: str
) -> None:
    """As with the plate, which a paper names: they are told why, and get nothing."""
    document_id = _handed_in(staffed)
    person = staffed.signed_in("counsel", agency, name)
    given = person.client.get(f"/console/documents/{document_id}")
    assert (403, True) == (given.status_code, told in given.text)
    assert pdf() not in given.data


def test_where_what_was_asked_is_erased_no_paper_of_it_is_given(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paper of a later day is still there; but nobody can say any more who has a part in the request."""
    document_id, clerk = _handed_in(staffed), staffed.signed_in("records")

    def erased(*_: object) -> None:
        raise KeyErased("destroyed")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "opened", erased)
    assert 404 == clerk.client.get(f"/console/documents/{document_id}").status_code


def test_nobody_is_asked_to_sign_in_and_nothing_is_logged_for_a_head(staffed: Staffed) -> None:
    """A HEAD would be logged as opened by somebody who saw nothing."""
    document_id = _handed_in(staffed)
    nobody = staffed.app.test_client().get(f"/console/documents/{document_id}")
    assert (303, True) == (nobody.status_code, "/console/sign-in" in nobody.headers["Location"])
    clerk, before = staffed.signed_in("records"), _viewed(staffed)
    assert 405 == clerk.client.head(f"/console/documents/{document_id}").status_code
    assert 404 == clerk.client.get("/console/documents/document_none").status_code
    assert before == _viewed(staffed)


@pytest.fixture
def form() -> Flask:
    """Return an application with one form that takes files."""
    app, blueprint = Flask("form"), Blueprint("form", __name__)
    problems.install(app)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM

    @blueprint.post("/")
    def take() -> Response:
        found, faults = uploaded("paper")
        return Response(json.dumps([[d.name for d in found], faults]), content_type="application/json")

    app.register_blueprint(blueprint)
    return app


def test_what_staff_upload_passes_the_same_checks(form: Flask) -> None:
    """Several files in one field; a fault stands beside the field."""
    client = form.test_client()

    def send(*files: tuple[bytes, str, str]) -> list[Any]:
        data = {"paper": [(io.BytesIO(content), name, kind) for content, name, kind in files]}
        answer = client.post("/", data=data)
        answer.request.input_stream.close()
        return list(answer.get_json())

    good = (pdf(), "scans/warrant.pdf", "application/pdf")
    assert [["warrant.pdf", "p.png"], []] == send(good, (picture(), "p.png", "image/png"))
    assert [[], []] == send()
    assert [[], []] == send((b"", "", "application/octet-stream"))
    found, faults = send(good, (b"<html>", "w.pdf", "application/pdf"))
    assert [["warrant.pdf"], [["paper", "The file is not of the declared type."]]] == [found, faults]
    assert [[], [["paper", "Too many files: send at most 5 at once."]]] == send(*[good] * 6)
    assert [] == send((pdf() + b"\n" * LARGEST, "w.pdf", "application/pdf"))[0]


def test_a_form_that_is_larger_than_all_documents_together_is_413(form: Flask) -> None:
    """It is not read to its end."""
    data = {"paper": (io.BytesIO(b"x" * LARGEST_FORM), "w.pdf", "application/pdf")}
    answer = form.test_client().post("/", data=data)
    assert 413 == answer.status_code
    answer.request.input_stream.close()
