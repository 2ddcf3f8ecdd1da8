"""Who is told that somebody signed for an agency: its contacts, and whom the city gave the link to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.notices.announced import Announced
from gatekeeper.oversight.documents_signed import sha256_of
from gatekeeper.oversight.signing import Affirmed, Signed
from tests.notices.test_mail import CHIEF, posting, way

PAPER = "SIGNED AFFIRMATION\nSigned by: Pat Éxample\n"
AFFIRMED = Affirmed(
    "affirmation_1", "sample-il-pd", "affirmation", "2026-01", "Pat", "Chief", date(2026, 11, 2), None,
    sha256_of(PAPER),
)  # fmt: skip
SIGNED = Signed(AFFIRMED, PAPER, 7, "receipt-that-is-secret")


@dataclass(frozen=True)
class Link:
    """A link that was passed on."""

    agency_id: str = "sample-il-pd"
    signer_email: str = "signer@agency.example"


def _now() -> datetime:
    return datetime.now(UTC)


def test_contacts_and_whom_the_link_was_given_to_are_told_with_the_document() -> None:
    """A link may have been passed on; the receipt's address is nobody else's."""
    with posting() as post:
        Announced(way(post), lambda _: (CHIEF, "847-555-0100"), _now)(SIGNED, Link())
        for _ in range(200):
            if len(post.taken) == 2:
                break
            time.sleep(0.05)
    assert {"signer@agency.example", CHIEF} == {to for _, (to,), _ in post.taken}
    for _, _, message in post.taken:
        said = message.get_content()
        assert AFFIRMED.document_sha256 in said
        assert "Signed by: Pat Éxample" in said
        assert "receipt-that-is-secret" not in said


def test_a_registry_that_is_down_costs_nobody_the_receipt(capsys: pytest.CaptureFixture[str]) -> None:
    """It is signed by then: whom the link was given to is told, and that the contacts were not is said."""

    def away(_: str) -> tuple[str, ...]:
        raise StoreUnavailable("the registry is down")

    with posting() as post:
        Announced(way(post), away, _now)(SIGNED, Link())
        for _ in range(200):
            if post.taken:
                break
            time.sleep(0.05)
    assert [["signer@agency.example"]] == [to for _, to, _ in post.taken]
    assert "signature_not_announced" in capsys.readouterr().out


def test_a_server_that_is_down_is_told_of_without_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    """A signature does not depend on it."""
    with posting() as post:
        mail = way(post)
    told = Announced(mail, lambda _: (CHIEF,), _now)
    told.send(mail, SIGNED, (CHIEF,))
    said = capsys.readouterr().out
    assert "signature_not_announced" in said
    assert CHIEF not in said


def test_a_city_without_a_mail_server_tells_nobody() -> None:
    """Nor fails."""
    Announced(None, lambda _: (CHIEF,), _now)(SIGNED, Link())
