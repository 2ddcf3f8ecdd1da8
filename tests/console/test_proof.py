"""Who is signed in proves it again: when it is asked for, whose proof counts, and what it is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Response
from sqlalchemy import update
from werkzeug.test import TestResponse

from gatekeeper import app as parts
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.review.sign_in import MOST_FAILURES
from gatekeeper.store.tables import sign_ins, staff_sessions
from gatekeeper.web.console.sessions import FRESH, Sessions
from tests.console.conftest import Browser, Staffed

PAGE = "/console/probe"
PROOF = "/console/proof?next=%2Fconsole%2Fprobe"


@pytest.fixture
def proving(staffed: Staffed) -> Staffed:
    """A console with a page, and a form, that need a fresh proof."""
    state = staffed.city.state
    sessions = Sessions(parts._desk(state.settings, state, staffed.city.gate, lambda: None))

    @staffed.app.route(PAGE, methods=["GET", "POST"])
    @sessions.needs("unmask", proved_within=FRESH)
    def probe() -> Response:
        return Response("done")

    return staffed


def stale(city: Staffed, age: timedelta = FRESH) -> None:
    """Let the last proof of every session be as old as that, and every code unused."""
    past = city.city.state.clock.now() - age
    with city.city.state.database.write() as connection:
        connection.execute(update(staff_sessions).values(proved_at=past))
        connection.execute(update(sign_ins).values(last_step=0))


def prove(browser: Browser, **changes: str) -> TestResponse:
    """Fill in the form of the proof and send it."""
    form = {
        "form": browser.token(browser.client.get(PROOF)),
        "password": browser.made.password,
        "code": pyotp.TOTP(browser.made.totp_secret).at(datetime.now(UTC)),
        "next": PAGE,
    } | changes
    return browser.client.post("/console/proof", data=form)


def test_a_fresh_proof_is_not_asked_for_again(proving: Staffed) -> None:
    """Sign-in is one; a little less than the limit ago is lately."""
    browser = proving.signed_in("records")
    assert "done" == browser.client.get(PAGE).text
    stale(proving, FRESH - timedelta(seconds=5))
    assert "done" == browser.client.get(PAGE).text


def test_an_old_proof_leads_to_the_proof_and_back(proving: Staffed) -> None:
    """Then the session has a new identifier, the old one is worth nothing, and the log has an entry."""
    browser = proving.signed_in("records")
    stale(proving)
    answer = browser.client.get(PAGE)
    assert (303, PROOF) == (answer.status_code, answer.headers["Location"])
    before = browser.client.get_cookie("gatekeeper")
    size = proving.city.state.rows.head().size
    answer = prove(browser)
    assert (303, PAGE) == (answer.status_code, answer.headers["Location"])
    assert "done" == browser.client.get(PAGE).text
    thief = proving.app.test_client()
    assert before is not None
    thief.set_cookie("gatekeeper", before.value)
    assert 303 == thief.get("/console/reviews").status_code
    (entry,) = list(proving.city.state.rows.entries(size, size + 9))
    openings = proving.city.state.ledger.detail_of(entry.index).openings
    assert "staff.signed_in" == entry.event
    assert (browser.made.account.id, "proof_code") == (
        openings["by"]["value"],
        openings["method"]["value"],
    )


def test_a_form_without_a_fresh_proof_does_nothing_and_says_what_was_typed(proving: Staffed) -> None:
    """What a person wrote is not lost in silence; a secret that they typed is not shown."""
    browser = proving.signed_in("records")
    token = browser.token(browser.client.get("/console/reviews"))
    stale(proving)
    form = {"form": token, "reason": "The <b>chief</b> asked for it", "password": "not to be seen"}
    answer = browser.client.post(
        PAGE, data=form, headers={"Referer": "https://elsewhere.invalid/console/reviews?pile=done"}
    )
    assert 403 == answer.status_code
    assert "The &lt;b&gt;chief&lt;/b&gt; asked for it" in answer.text
    assert "not to be seen" not in answer.text
    assert token not in answer.text.partition("<main")[2]
    assert 'href="/console/proof?next=%2Fconsole%2Freviews%3Fpile%3Ddone"' in answer.text


def test_a_forged_form_is_refused_before_a_proof_is_asked_for(proving: Staffed) -> None:
    """Another site's form is not shown back to the person as their own."""
    browser = proving.signed_in("records")
    stale(proving)
    answer = browser.client.post(PAGE, data={"form": "0" * 64, "reason": "forged words"})
    assert (403, False) == (answer.status_code, "forged words" in answer.text)


def test_a_script_is_led_to_the_door_as_a_whole_page(proving: Staffed) -> None:
    """Not into a piece of the page that the script asked for."""
    browser = proving.signed_in("records")
    stale(proving)
    answer = browser.client.get(PAGE, headers={"HX-Request": "true"})
    assert (200, PROOF, None) == (
        answer.status_code,
        answer.headers["HX-Redirect"],
        answer.headers.get("Location"),
    )


def test_a_role_that_may_not_is_not_asked_for_a_proof(proving: Staffed) -> None:
    """A proof is no way to a page of another role."""
    browser = proving.signed_in("auditor")
    stale(proving)
    assert 403 == browser.client.get(PAGE).status_code


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"code": "000000"}, {"code": "x" * 101}])
def test_a_wrong_proof_proves_nothing(proving: Staffed, wrong: dict[str, str]) -> None:
    """And the session is what it was: signed in, not proved."""
    browser = proving.signed_in("records")
    stale(proving)
    assert 403 == prove(browser, **wrong).status_code
    assert 303 == browser.client.get(PAGE).status_code
    assert 200 == browser.client.get("/console/reviews").status_code


def test_another_accounts_proof_is_none(proving: Staffed) -> None:
    """A colleague at the same desk cannot lend theirs, whatever the form names."""
    browser, other = proving.signed_in("records"), proving.person("counsel")
    stale(proving)
    theirs = {
        "username": other.made.account.username,
        "password": other.made.password,
        "code": pyotp.TOTP(other.made.totp_secret).at(datetime.now(UTC)),
    }
    assert 403 == prove(browser, **theirs).status_code
    assert 303 == browser.client.get(PAGE).status_code


def test_failures_lock_as_those_at_the_door_do(proving: Staffed) -> None:
    """Whoever found a screen unlocked cannot guess: after ten the right proof is refused at both doors."""
    browser = proving.signed_in("records")
    stale(proving)
    for _ in range(MOST_FAILURES):
        prove(browser, code="000000")
    assert 403 == prove(browser).status_code
    assert 403 == Browser(proving.app.test_client(), browser.made).sign_in().status_code


def test_a_code_used_at_the_door_proves_nothing(proving: Staffed) -> None:
    """Read over a shoulder at sign-in, it is worth nothing a moment later."""
    browser = proving.person("records")
    code = pyotp.TOTP(browser.made.totp_secret).at(datetime.now(UTC))
    assert 303 == browser.sign_in(code=code).status_code
    assert 403 == prove(browser, code=code).status_code


def test_nothing_is_proved_when_the_log_cannot_be_written(
    proving: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof that the log does not hold did not happen."""
    browser = proving.signed_in("records")
    stale(proving)

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(proving.city.gate.ledger), "append", full)
    assert 503 == prove(browser).status_code
    monkeypatch.undo()
    assert 303 == browser.client.get(PAGE).status_code


@pytest.mark.parametrize("elsewhere", ["//attacker.invalid/", "https://attacker.invalid/", "/oauth/token"])
def test_after_a_proof_only_a_page_of_ours_follows(proving: Staffed, elsewhere: str) -> None:
    """The proof is no open redirector either."""
    browser = proving.signed_in("records")
    stale(proving)
    assert "/console/" == prove(browser, next=elsewhere).headers["Location"]
