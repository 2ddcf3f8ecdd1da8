"""The console's door: who gets in, what a session is worth, and forms that are not ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from gatekeeper.app import application
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.store.staff import IDLE, LONGEST
from gatekeeper.store.tables import staff_sessions
from tests.console.conftest import Staffed

QUEUE = "/console/reviews"


def test_without_a_session_every_page_leads_to_the_door(staffed: Staffed) -> None:
    """And back to the page that was asked for."""
    answer = staffed.app.test_client().get(f"{QUEUE}?pile=done")
    assert (303, "/console/sign-in?next=%2Fconsole%2Freviews%3Fpile%3Ddone") == (
        answer.status_code,
        answer.headers["Location"],
    )


def test_sign_in_opens_the_queue_and_is_in_the_log(staffed: Staffed) -> None:
    """Who signed in is committed to, not written: the log is public."""
    browser = staffed.person("records")
    before = staffed.city.state.rows.head().size
    assert (303, "/console/") == ((a := browser.sign_in()).status_code, a.headers["Location"])
    assert 200 == browser.client.get(QUEUE).status_code
    entries = [e for e in staffed.city.state.rows.entries(before, before + 9) if e.event == "staff.signed_in"]
    assert 1 == len(entries)
    assert browser.made.account.id.encode() not in entries[0].entry
    assert (
        browser.made.account.id
        == staffed.city.state.ledger.detail_of(entries[0].index).openings["by"]["value"]
    )


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"code": "000000"}, {"username": "nobody"}])
def test_whatever_was_wrong_the_answer_is_the_same(staffed: Staffed, wrong: dict[str, str]) -> None:
    """A guesser does not learn which part was right; what was typed is not shown again."""
    browser = staffed.person("records")
    answer = browser.sign_in(**wrong)
    other = browser.sign_in(username="no.one", password="no", code="no")
    assert 403 == answer.status_code
    assert answer.text == other.text
    assert browser.made.password not in answer.text
    assert 303 == browser.client.get(QUEUE).status_code


def test_an_identifier_from_before_sign_in_is_worth_nothing_after(staffed: Staffed) -> None:
    """Whoever fixed a browser's cookie beforehand does not hold its session (session fixation)."""
    browser = staffed.person("records")
    browser.client.get("/console/sign-in")
    fixed = browser.client.get_cookie("gatekeeper")
    assert fixed is not None
    browser.sign_in()
    thief = staffed.app.test_client()
    thief.set_cookie("gatekeeper", fixed.value)
    assert 303 == thief.get(QUEUE).status_code


def test_a_form_that_another_site_sent_does_nothing(staffed: Staffed) -> None:
    """No token, another browser's token, or a browser that says where the form came from."""
    browser, other = staffed.signed_in("records"), staffed.signed_in("counsel")
    page = browser.client.get(QUEUE)
    for form, headers in (
        ({}, {}),
        ({"form": "0" * 64}, {}),
        ({"form": browser.token(other.client.get(QUEUE))}, {}),
        ({"form": browser.token(page)}, {"Sec-Fetch-Site": "cross-site"}),
        ({"form": browser.token(page)}, {"Sec-Fetch-Site": "same-site"}),
    ):
        assert 403 == browser.client.post("/console/sign-out", data=form, headers=headers).status_code
    assert 200 == browser.client.get(QUEUE).status_code


def test_a_sign_in_that_another_site_sent_signs_nobody_in(staffed: Staffed) -> None:
    """Or an attacker would sign a clerk in to an account of the attacker's (login CSRF)."""
    browser = staffed.person("records")
    assert 403 == browser.sign_in(form="0" * 64).status_code
    assert 403 == staffed.app.test_client().post("/console/sign-in", data={}).status_code
    assert 303 == browser.client.get(QUEUE).status_code


def test_sign_out_ends_the_session_everywhere(staffed: Staffed) -> None:
    """Not only the cookie goes: the identifier is unknown from then on."""
    browser = staffed.signed_in("records")
    kept = browser.client.get_cookie("gatekeeper")
    assert kept is not None
    browser.client.post("/console/sign-out", data={"form": browser.token(browser.client.get(QUEUE))})
    thief = staffed.app.test_client()
    thief.set_cookie("gatekeeper", kept.value)
    assert 303 == thief.get(QUEUE).status_code


@pytest.mark.parametrize(("column", "age"), [("seen_at", IDLE), ("began_at", LONGEST)])
def test_a_session_ends_by_itself(staffed: Staffed, column: str, age: timedelta) -> None:
    """After a quarter of an hour without use, and after a working day in any case."""
    browser = staffed.signed_in("records")
    past = staffed.city.state.clock.now() - age
    with staffed.city.state.database.write() as connection:
        # `began_at` is never changed by us: the row is made anew, as old as it should be.
        if column == "seen_at":
            connection.execute(update(staff_sessions).values(seen_at=past))
        else:
            row = dict(connection.execute(staff_sessions.select()).one()._mapping) | {"began_at": past}
            connection.execute(staff_sessions.delete())
            connection.execute(staff_sessions.insert(), row)
    assert 303 == browser.client.get(QUEUE).status_code


def test_a_removed_account_is_out_with_its_next_request(staffed: Staffed) -> None:
    """Nobody who left the city reads on until their session ends."""
    browser = staffed.signed_in("records")
    staffed.city.state.personnel().remove(browser.made.account, reason="left the city", by="test")
    assert 303 == browser.client.get(QUEUE).status_code


def test_nobody_is_signed_in_when_the_log_cannot_be_written(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in that the log does not hold did not happen."""
    browser = staffed.person("records")

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(staffed.city.gate.ledger), "append", full)
    assert 503 == browser.sign_in().status_code
    monkeypatch.undo()
    assert 303 == browser.client.get(QUEUE).status_code


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://attacker.invalid/",
        "//attacker.invalid/",
        "/\\attacker.invalid",
        "/console/..//attacker.invalid",
        "/console/reviews\r\nX: y",
        "/oauth/token",
        "javascript:alert(1)",
        "/console/sign-out",
        "/console/sign-in?next=/console/reviews",
        "/console/proof",
        "/console/reviews/q_1/uphold",
        "/console/nothing-of-ours",
    ],
)
def test_after_sign_in_only_a_page_of_ours_follows(staffed: Staffed, elsewhere: str) -> None:
    """The door is no open redirector."""
    answer = staffed.person("records").sign_in(next=elsewhere)
    assert "/console/" == answer.headers["Location"]


@pytest.mark.parametrize("role", ["admin"])
def test_a_role_that_may_not_read_requests_sees_none(staffed: Staffed, role: str) -> None:
    """And is not told whether a request exists."""
    browser = staffed.signed_in(role)  # type: ignore[arg-type]
    texts = {browser.client.get(f"{QUEUE}/{name}").text for name in ("q_none", "q_other")}
    assert 1 == len(texts)
    assert 403 == browser.client.get(QUEUE).status_code


def test_every_page_forbids_scripts_frames_and_caches(staffed: Staffed) -> None:
    """What an agency typed could hold a script; no page would run it."""
    browser = staffed.signed_in("records")
    for path in ("/console/sign-in", QUEUE, f"{QUEUE}/q_none", "/console/"):
        headers = browser.client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "no-store" == headers["Cache-Control"]


def test_over_https_the_cookie_belongs_to_this_host_alone(staffed: Staffed) -> None:
    """__Host-, Secure, HttpOnly: no other host, no script and no plain connection gets it."""
    settings = replace(staffed.city.state.settings, base_url="https://alpr.example.gov")
    state = replace(staffed.city.state, settings=settings)
    app = application(state, staffed.city.gate, staffed.city.tokens, lambda _: None)
    cookie = app.test_client().get("/console/sign-in").headers["Set-Cookie"]
    assert cookie.startswith("__Host-gatekeeper=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in cookie
    assert "Domain" not in cookie
