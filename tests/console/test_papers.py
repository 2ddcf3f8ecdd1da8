"""A court's paper is verified by who saw it, for what it is, and can be taken back."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.exchange import documents, further_records, status_of
from gatekeeper.ledger import Draft
from tests.console.conftest import Browser, Staffed
from tests.exchange.papers import paper, picture

QUEUE = "/console/reviews"
WHY = "Seen at the counter, blue ink, with the seal of the court."
WARRANT = paper()
READ = {
    "court": "Sample County Circuit Court",
    "judge": "J. Sample",
    "number": "26-CR-0001",
    "statute": "720 ILCS 5/9-1",
}
HSI: dict[str, Any] = {
    "purpose__category": "criminal_investigation",
    "purpose__narrative": "HSI, homicide suspect",
    "purpose__offense": "09A",
    "on_behalf_of": {"agency": "sample-hsi-office", "component": "HSI", "person": "S. Agent"},
}


def _asked(staffed: Staffed, **changes: Any) -> str:
    process = {"kind": "criminal_warrant", **READ, "document_sha256": WARRANT.sha256} | changes
    return staffed.asked(**HSI, legal_process=process)


def _verifies(browser: Browser, query: str, **changes: Any) -> TestResponse:
    page = browser.client.get(f"{QUEUE}/{query}")
    form: dict[str, Any] = {
        "form": browser.token(page),
        "version": browser.version(page),
        **READ,
        "judge_signed": "yes",
        "days": "7",
        "reason": WHY,
        "upload": (io.BytesIO(WARRANT.content), "warrant.pdf", "application/pdf"),
    } | changes
    sent = {name: value for name, value in form.items() if value is not None}
    return browser.client.post(f"{QUEUE}/{query}/verify", data=sent, content_type="multipart/form-data")


def _fetched(staffed: Staffed, query: str) -> int:
    return further_records(staffed.city.gate, staffed.city.presented("sample-il-pd"), query).status


def _nothing_done(staffed: Staffed, query: str) -> bool:
    return (
        staffed.state(query) == "queued"
        and _fetched(staffed, query) == 403
        and not [e for e in staffed.city.events() if e["event"] == "review.ruled"]
        and not staffed.city.gate.documents.of(query)
    )


def test_a_verified_warrant_lets_the_policy_permit(staffed: Staffed) -> None:
    """What it cures is met at once, for exactly this; the page says who saw it and until when it counts."""
    query = _asked(staffed)
    clerk = staffed.signed_in("records")
    assert 303 == _verifies(clerk, query).status_code
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))
    shown = clerk.client.get(f"{QUEUE}/{query}").text
    for part in ("the paper is verified", "met as things stand now", "Pat Sample", WHY, "warrant.pdf"):
        assert part in shown
    assert [WARRANT.sha256] == [d.sha256 for d in staffed.city.gate.documents.of(query)]
    state = status_of(staffed.city.gate, staffed.city.presented("sample-il-pd"), query)["review"]
    assert "permitted" == state["state"]  # type: ignore[index,call-overload]
    assert WHY not in json.dumps(state)
    ruled = [e for e in staffed.city.events() if e["event"] == "review.ruled"]
    assert [(query, [])] == [(e["ref"], e["provisions"]) for e in ruled]
    assert [word for word in (*READ.values(), WHY, WARRANT.sha256) if word in json.dumps(ruled)] == []


def test_the_document_that_the_agency_sent_can_be_chosen(staffed: Staffed) -> None:
    """Its hash is computed from its bytes again; one of another request is nobody's choice here."""
    # About another plate: what is refused about one at the same time is not permitted in other words.
    query, other = _asked(staffed), staffed.asked(query__plate="DEMO77")
    gate = staffed.city.gate
    for of in (query, other):
        draft = Draft(
            event="review.noted",
            ref=of,
            clear={"agency": "sample-il-pd"},
            secret={"by": "gatekeeper"},
            detail={},
        )
        gate.ledger.append(draft, documents.rows(gate.keys, of, "agency", gate.clock.now(), [WARRANT]))
    mine, others = gate.documents.of(query)[0].id, gate.documents.of(other)[0].id
    clerk = staffed.signed_in("records")
    assert f"/console/documents/{mine}" in clerk.client.get(f"{QUEUE}/{query}").text
    for chosen in (others, "document_none", "x" * 200, "' OR 1=1"):
        answer = _verifies(clerk, query, document=chosen, upload=None)
        assert (422, True) == (answer.status_code, "not of this request" in answer.text)
    both = _verifies(clerk, query, document=mine)
    assert (422, True) == (both.status_code, "not both" in both.text)
    assert 303 == _verifies(clerk, query, document=mine, upload=None).status_code
    assert "permitted" == staffed.state(query)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no document": ({"upload": None}, "Choose the document"),
    "another document": ({"upload": (io.BytesIO(picture()), "w.png", "image/png")}, "not the document"),
    "a picture named as a PDF": (
        {"upload": (io.BytesIO(picture()), "w.pdf", "application/pdf")},
        "is not of",
    ),
    "a script": ({"upload": (io.BytesIO(b"<script>"), "w.html", "text/html")}, "Not a type that is taken"),
    "an empty file": ({"upload": (io.BytesIO(b""), "w.pdf", "application/pdf")}, "empty"),
    "no signature": ({"judge_signed": None}, "judge&#39;s signature"),
    "a signature, perhaps": ({"judge_signed": "maybe"}, ""),
    "no reason": ({"reason": "."}, "Say why in a sentence"),
    "another number": ({"number": "26-CR-0002"}, "You read something else"),
    "another statute": ({"statute": "8 USC 1326", "same": "yes"}, "You read something else"),
    "another judge": ({"judge": "K. Else"}, "You read something else"),
    "nothing read": ({"court": ""}, "Write what you read"),
    "an immigration form": ({"form_number": "Form I-200 (Rev. 09/16)"}, "civil immigration paper"),
    "a detainer": ({"form_number": "i247a"}, "civil immigration paper"),
    "no day": ({"days": "0"}, ""),
    "too many days": ({"days": "31"}, ""),
    "days in words": ({"days": "many"}, ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_paper_that_was_not_seen_counts_for_nothing(staffed: Staffed, name: str) -> None:
    """Nothing is recorded or kept, and the form comes back as it was filled in."""
    changes, told = WRONG[name]
    if "upload" in changes and changes["upload"] is not None:
        stream, *rest = changes["upload"]
        changes = {**changes, "upload": (io.BytesIO(stream.getvalue()), *rest)}
    query = _asked(staffed)
    clerk = staffed.signed_in("records")
    answer = _verifies(clerk, query, **changes)
    assert (422, True) == (answer.status_code, "Nothing was done" in answer.text)
    assert told in answer.text
    assert _nothing_done(staffed, query)
    for field, text in READ.items():
        assert f'name="{field}" value="{changes.get(field, text)}"' in answer.text


def test_names_may_be_written_in_another_way_if_the_person_says_so(staffed: Staffed) -> None:
    """The difference is shown beside the field; a court is a court in either order of words."""
    query = _asked(staffed)
    clerk = staffed.signed_in("records")
    answer = _verifies(clerk, query, court="Circuit Court of Sample County")
    assert (422, True) == (answer.status_code, "If only the writing differs" in answer.text)
    assert "The request says: Sample County Circuit Court" in answer.text
    assert 303 == _verifies(clerk, query, court="Circuit Court of Sample County", same="yes").status_code


def test_what_the_request_does_not_say_cannot_be_verified(staffed: Staffed) -> None:
    """The agency must add it: a paper without a judge's name is not a criminal warrant (TR-6)."""
    query = _asked(staffed, judge=None)
    answer = _verifies(staffed.signed_in("records"), query)
    assert (422, True) == (answer.status_code, "The request does not say this" in answer.text)
    assert _nothing_done(staffed, query)


def test_a_request_without_a_paper_cannot_be_verified(staffed: Staffed) -> None:
    """There is nothing to see."""
    query = staffed.asked()
    answer = _verifies(staffed.signed_in("records"), query)
    assert (422, True) == (answer.status_code, "shows no document" in answer.text)


def test_a_stale_form_verifies_nothing(staffed: Staffed) -> None:
    """Somebody upheld it meanwhile."""
    query = _asked(staffed)
    clerk, counsel = staffed.signed_in("records"), staffed.signed_in("counsel")
    seen = clerk.version(clerk.client.get(f"{QUEUE}/{query}"))
    counsel.does(query, "ask", reason="Which of the two addresses is meant?")
    answer = _verifies(clerk, query, version=seen)
    assert (409, True) == (answer.status_code, "Somebody acted" in answer.text)
    assert [] == list(staffed.city.gate.documents.of(query))


def test_a_verification_is_taken_back_at_once(staffed: Staffed) -> None:
    """By who made it or by counsel; what was permitted waits again, and nothing under way leaves."""
    query = _asked(staffed)
    clerk, other = staffed.signed_in("records"), staffed.signed_in("records", name="Kim Else")
    assert 303 == _verifies(clerk, query).status_code
    refused = other.does(query, "unverify", reason=WHY)
    assert (422, True) == (refused.status_code, "Only who verified" in refused.text)
    done: list[int] = []

    def meanwhile() -> None:
        if not done:
            done.append(clerk.does(query, "unverify", reason="The seal was a copy.").status_code)

    staffed.city.reads.on_fetch = meanwhile
    assert 403 == _fetched(staffed, query)
    assert ([303], "queued") == (done, staffed.state(query))
    assert "query.released" not in {e["event"] for e in staffed.city.events() if e["ref"] == query}
    again = clerk.does(query, "unverify", reason="The seal was a copy.")
    assert (422, True) == (again.status_code, "does not count as verified" in again.text)
    assert 303 == _verifies(clerk, query).status_code
    assert ("permitted", 200) == (staffed.state(query), _fetched(staffed, query))
