"""The page on which a signatory signs: one link, one signature, of exactly the text that the law names."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from gatekeeper.errors import LedgerUnavailable, OperatorError
from gatekeeper.ledger import Draft
from gatekeeper.oversight import signable
from gatekeeper.oversight.agencies import told_of
from gatekeeper.oversight.signing import Link, digest
from gatekeeper.parts import signing
from gatekeeper.store import administration
from gatekeeper.store.agency_life import Invitations
from gatekeeper.store.tables import affirmation_invitations
from gatekeeper.web.guesses import MOST
from tests.console.conftest import Staffed

AGENCY = "sample-unsigned-pd"
LAW = json.loads((signable.SHIPPED.parents[2] / "policies/data/city.json").read_text("utf-8"))
TEXT = (signable.SHIPPED / "affirmation-2026-01.en.txt").read_text("utf-8")
SIGNED = {
    "name": "Pat  Example",
    "title": "Chief of Police",
    "email": "chief@unsigned.example",
    "signature": "pat example",
    "read": "yes",
    "text": LAW["texts_to_sign"]["affirmation"]["2026-01"]["en"],
}


@dataclass
class Page:
    """A city, and the link that its signatory got."""

    staffed: Staffed
    link: Link

    @property
    def path(self) -> str:
        """Where the link leads."""
        return f"/affirm/{self.link.token}"

    def get(self, path: str = "", **options: Any) -> TestResponse:
        """Open a page as a stranger."""
        return self.staffed.app.test_client().get(path or self.path, **options)

    def sign(self, **changes: str) -> TestResponse:
        """Send the form."""
        return self.staffed.app.test_client().post(self.path, data=SIGNED | changes)

    def affirmations(self) -> list[Any]:
        """Return what the agency has signed."""
        found = self.staffed.city.state.registry.agency(AGENCY)
        assert found is not None
        return list(found.affirmations)

    def rewrite(self, **values: object) -> None:
        """Change the link behind the program's back."""
        with self.staffed.city.state.database.write() as connection:
            connection.execute(update(affirmation_invitations).values(**values))

    def revoke(self) -> None:
        """Revoke the link, as the city does."""
        state = self.staffed.city.state
        found = Invitations(state.database).get(self.link.id)
        assert found is not None
        signing(state, dict).revoke(found, by="staff-1")

    def close(self) -> None:
        """Close the agency, but for its links."""
        state = self.staffed.city.state
        found = state.registry.agency(AGENCY)
        assert found is not None
        draft = Draft(
            "agency.closed", "agency_0000000000000000", told_of(found, status="closed"), {"by": "staff-1"}, {}
        )
        state.ledger.append(draft, administration.set_agency_status(found, "closed"))


@pytest.fixture
def linked(staffed: Staffed) -> Page:
    """Return a page for an agency that has signed nothing."""
    state = staffed.city.state
    found = state.registry.agency(AGENCY)
    assert found is not None
    made = signing(state, lambda: LAW).invite(
        found, kind="affirmation", signer_email="chief@unsigned.example", by="staff-1"
    )
    return Page(staffed, made)


def test_it_shows_the_exact_text_and_looking_uses_nothing_up(linked: Page) -> None:
    """Mail programs open links by themselves."""
    for _ in range(3):
        shown = linked.get()
        assert 200 == shown.status_code
    said = shown.text.replace("&#39;", "'").replace("&#34;", '"')
    assert TEXT in said
    assert SIGNED["text"] in said
    assert [] == linked.affirmations()
    assert 200 == linked.get(headers={"User-Agent": "a scanner"}).status_code


def test_one_signature_is_an_affirmation_an_entry_and_a_document(linked: Page) -> None:
    """The hash in the registry is that of the file that the signatory keeps, word for word."""
    answer = linked.sign()
    assert 303 == answer.status_code
    receipt = answer.headers["Location"].partition("?")[0]
    assert re.fullmatch(r"/affirm/receipt/[A-Za-z0-9_-]{43}", receipt)
    (signed,) = linked.affirmations()
    shown, kept = linked.get(receipt), linked.get(f"{receipt}/document")
    assert hashlib.sha256(kept.data).hexdigest() == signed.document_sha256
    assert signed.document_sha256 in shown.text
    assert "attachment" in kept.headers["Content-Disposition"]
    for line in (
        "Signed by: Pat Example",
        "Title: Chief of Police",
        f"({AGENCY}",
        SIGNED["text"],
        TEXT.rstrip(),
    ):
        assert line in kept.text
    assert ("affirmation", "2026-01", "Pat Example", "Chief of Police") == (
        signed.kind,
        signed.text_version,
        signed.signer,
        signed.title,
    )
    assert signed.expires_on - signed.signed_on == timedelta(days=730)
    state = linked.staffed.city.state
    entry = [e for e in state.rows.entries(0, 999) if e.event == "agency.affirmed"][-1]
    opened = {name: one["value"] for name, one in state.ledger.detail_of(entry.index).openings.items()}
    assert (signed.document_sha256, linked.link.id) == (opened["document_sha256"], opened["by"])
    assert f"<dd>{entry.index}</dd>" in shown.text
    assert b"Pat Example" not in entry.entry


def test_nothing_that_opens_it_is_kept(linked: Page) -> None:
    """Neither the link nor the receipt's address stands in the database or in the log's entries."""
    receipt = linked.sign().headers["Location"].partition("?")[0].rpartition("/")[2]
    state = linked.staffed.city.state
    whole = b"".join(path.read_bytes() for path in state.settings.data.glob("state.db*"))
    for secret in (linked.link.token, receipt):
        assert secret.encode() not in whole
        assert digest(secret) in whole


def test_two_tabs_that_sign_at_once_give_one_affirmation(linked: Page) -> None:
    """The second is told that the link was used."""
    answers: list[int] = []
    start = threading.Barrier(6)

    def tab() -> None:
        start.wait()
        answers.append(linked.sign().status_code)

    tabs = [threading.Thread(target=tab) for _ in range(6)]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()
    assert (1, 5) == (answers.count(303), answers.count(410)), answers
    assert 1 == len(linked.affirmations())
    events = [e.event for e in linked.staffed.city.state.rows.entries(0, 999)]
    assert 1 == events[events.index("agency.invited") :].count("agency.affirmed")


MISSING: dict[str, dict[str, str]] = {
    "name": {"name": " "},
    "name of signs": {"name": "123", "signature": "123"},
    "name too long": {"name": "a" * 201, "signature": "a" * 201},
    "name against the direction": {"name": "Pat \u202eelpmaxE", "signature": "Pat \u202eelpmaxE"},
    "name with NUL": {"name": "Pat\x00Example", "signature": "Pat\x00Example"},
    "name that nobody sees": {"name": "\u3164\u1160", "signature": "\u3164\u1160"},
    "name with a letter that nobody sees": {"name": "Pat\u3164Example", "signature": "Pat\u3164Example"},
    "title that nobody sees": {"title": "\u115f"},
    "what could not be read": {"name": "Pat \ufffd", "signature": "Pat \ufffd"},
    "title": {"title": ""},
    "address": {"email": "nobody"},
    "two addresses": {"email": "a@b.example, c@d.example"},
    "not read": {"read": ""},
    "another signature": {"signature": "Somebody Else"},
    "no signature": {"signature": ""},
    "another text": {"text": "0" * 64},
    "no text": {"text": ""},
}


@pytest.mark.parametrize("changes", MISSING.values(), ids=MISSING.keys())
def test_what_is_missing_signs_nothing_and_what_was_typed_comes_back(
    linked: Page, changes: dict[str, str]
) -> None:
    """With the fault beside its field; the link is still good."""
    data = "&".join(f"{name}={_quoted(text)}" for name, text in (SIGNED | changes).items())
    answer = linked.staffed.app.test_client().post(
        linked.path, data=data, content_type="application/x-www-form-urlencoded"
    )
    assert (422, []) == (answer.status_code, linked.affirmations())
    assert 'id="faults"' in answer.text
    assert 303 == linked.sign().status_code


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def test_a_line_break_makes_no_line_of_the_document(linked: Page) -> None:
    """Nobody types an end date for themselves."""
    name = "Pat Example\nEnds on: 2099-01-01"
    answer = linked.sign(name=name, signature=name)
    kept = linked.get(answer.headers["Location"].partition("?")[0] + "/document").text
    (ends,) = [line for line in kept.splitlines() if line.startswith("Ends on:")]
    assert "2099" not in ends


def test_a_form_of_another_site_signs_nothing(linked: Page) -> None:
    """Even one that knows the link."""
    client = linked.staffed.app.test_client()
    answer = client.post(linked.path, data=SIGNED, headers={"Sec-Fetch-Site": "cross-site"})
    assert (422, []) == (answer.status_code, linked.affirmations())


ENDED: dict[str, tuple[Callable[[Page], object], str]] = {
    "used": (lambda page: page.sign(), "This link was used"),
    "expired": (lambda page: page.rewrite(expires_at=datetime.now(UTC)), "has expired"),
    "revoked": (lambda page: page.revoke(), "was withdrawn"),
    "closed": (lambda page: page.close(), "Nobody signs by this link"),
}


@pytest.mark.parametrize(("end", "said"), ENDED.values(), ids=ENDED.keys())
def test_a_link_that_has_ended_says_so_and_whose_it_was_to_nobody(
    linked: Page, end: Callable[[Page], object], said: str
) -> None:
    """Opened or sent: a plain page that says what to do."""
    end(linked)
    before = len(linked.affirmations())
    for answer in (linked.get(), linked.sign()):
        assert (410, True) == (answer.status_code, said in answer.text)
        assert AGENCY not in answer.text
        assert "chief@" not in answer.text
    assert before == len(linked.affirmations())


def test_no_link_is_made_for_a_text_that_the_law_does_not_take(staffed: Staffed) -> None:
    """It would be signed in vain: the newest that counts is meant, and another is refused by name."""
    state = staffed.city.state
    found = state.registry.agency(AGENCY)
    assert found is not None
    named = LAW["texts_to_sign"]["affirmation"]
    newer = {**LAW["texts_to_sign"], "affirmation": {**named, "2027-01": named["2026-01"]}}
    signs = signing(state, lambda: {**LAW, "texts_to_sign": newer})
    asked: dict[str, Any] = {"kind": "affirmation", "signer_email": "chief@unsigned.example", "by": "staff-1"}
    made = signs.opened(signs.invite(found, **asked).token)
    assert made is not None
    assert "2026-01" == made.text_version
    with pytest.raises(OperatorError, match="signed in vain"):
        signs.invite(found, text_version="2027-01", **asked)
    none = signing(state, lambda: {**LAW, "affirmation_texts": []})
    with pytest.raises(OperatorError, match="names no text"):
        none.invite(found, **asked)
    with pytest.raises(OperatorError, match="names another text"):  # taken back since the link was made
        none.sign(made, name="Pat Example", title="Chief", email="chief@unsigned.example")


def test_a_law_that_names_another_text_signs_nothing_by_an_old_link(linked: Page) -> None:
    """What the signatory was sent for is not what would be signed."""
    linked.rewrite(text_sha256="0" * 64)
    for answer in (linked.get(), linked.sign()):
        assert (409, True) == (answer.status_code, "The text has changed" in answer.text)
    assert [] == linked.affirmations()


def test_a_log_that_cannot_be_written_takes_no_signature(
    linked: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so, and the link is good afterwards."""
    ledger = type(linked.staffed.city.state.ledger)

    def fails(*_: object, **__: object) -> None:
        raise LedgerUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "append", fails)
        answer = linked.sign()
    assert (503, True) == (answer.status_code, "Load the page again" in answer.text)
    assert [] == linked.affirmations()
    assert 303 == linked.sign().status_code


def test_guesses_are_braked_by_address_and_tell_nothing(linked: Page) -> None:
    """Of any shape; another address is heard, whoever the stranger says to be."""
    client, behind = linked.staffed.app.test_client(), {"X-Forwarded-For": "203.0.113.7"}
    for guess in ("a" * 43, "b", "%00" * 20, "é" * 43, "..%2f..", "A" * 5000):
        assert 404 == client.get(f"/affirm/{guess}", headers=behind).status_code
    for number in range(MOST):
        client.get(f"/affirm/receipt/{number:043d}", headers=behind)
    answer = client.get(linked.path, headers=behind)
    assert (429, True) == (answer.status_code, int(answer.headers["Retry-After"]) > 0)
    assert 200 == client.get(linked.path, headers={"X-Forwarded-For": "203.0.113.8"}).status_code
    liar = {"X-Forwarded-For": "203.0.113.9, 203.0.113.7"}
    assert 429 == client.get(linked.path, headers=liar).status_code


def test_every_page_keeps_its_address_to_itself_and_runs_no_script(linked: Page) -> None:
    """The address is the secret: no referrer, no cache, no index, no frame, no script."""
    receipt = linked.sign().headers["Location"].partition("?")[0]
    for path in ("/affirm/" + "a" * 43, linked.path, receipt, f"{receipt}/document"):
        answer = linked.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "no-referrer" == answer.headers["Referrer-Policy"]
        assert "no-store" == answer.headers["Cache-Control"]
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "<script" not in answer.text
        assert "Set-Cookie" not in answer.headers


def test_it_speaks_spanish_and_the_english_text_is_what_is_signed(linked: Page) -> None:
    """The translation stands beside it, for reading."""
    shown = linked.get(f"{linked.path}?lang=es").text
    assert 'lang="es"' in shown
    assert "AFIRMACIÓN DE NO USO" in shown
    assert "AFFIRMATION OF NON-USE" in shown
    answer = linked.staffed.app.test_client().post(f"{linked.path}?lang=es", data=SIGNED | {"read": ""})
    assert 'lang="es"' in answer.text
    browser = linked.get(headers={"Accept-Language": "es-US"}).text
    assert "AFIRMACIÓN" in browser
    assert "AFIRMACIÓN" not in linked.get(f"{linked.path}?lang=xx").text


def test_no_line_of_the_applications_log_holds_the_link(
    linked: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise 8: the route's template, never the path."""
    receipt = linked.sign().headers["Location"].partition("?")[0]
    linked.get(receipt)
    told = capsys.readouterr().out
    assert "/affirm/<token>" in told
    for secret in (linked.link.token, receipt.rpartition("/")[2], "Pat Example", "chief@"):
        assert secret not in told


def test_a_receipt_is_answered_until_its_day(linked: Page) -> None:
    """The document stays with the city."""
    receipt = linked.sign().headers["Location"].partition("?")[0]
    state = linked.staffed.city.state
    later = signing(state, lambda: LAW)
    token = receipt.rpartition("/")[2]
    assert later.receipt(token) is not None
    (signed,) = linked.affirmations()
    assert Invitations(state.database).document(signed.id) is not None
    far = replace(later, now=lambda: datetime.now(UTC) + timedelta(days=91))
    assert far.receipt(token) is None


def test_the_shipped_texts_are_those_that_the_shipped_law_names() -> None:
    """A letter changed in a text, or in a hash, would end every link."""
    for kind, versions in LAW["texts_to_sign"].items():
        for version, hashes in versions.items():
            for language, sha256 in hashes.items():
                found = signable.Texts([signable.SHIPPED]).text(LAW, kind, version, language)
                assert found is not None
                assert sha256 == hashlib.sha256(found.text.encode()).hexdigest()
