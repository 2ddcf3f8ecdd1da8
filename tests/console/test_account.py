"""A person's own account: what they see of it, and what it takes to change a secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from werkzeug.test import TestResponse

from gatekeeper.review.roles import ROLES, Role
from tests.console.conftest import Browser, Staffed
from tests.console.test_proof import stale

ACCOUNT = "/console/account"
GOOD = "four words of mine"


def change(browser: Browser, page: str, **typed: str) -> TestResponse:
    """Open a page of the account, fill in its form and send it."""
    opened = browser.client.get(f"{ACCOUNT}/{page}")
    form = {"form": browser.token(opened)} | typed
    sealed = re.search(r'name="sealed" value="([^"]+)"', opened.text)
    if sealed is not None:
        form = {"sealed": sealed[1]} | form
    return browser.client.post(f"{ACCOUNT}/{page}", data=form)


def again(staffed: Staffed, browser: Browser, **changes: str) -> TestResponse:
    """Sign in with another browser, in a later half minute."""
    stale(staffed, timedelta(0))  # every code counts as unused
    return Browser(staffed.app.test_client(), browser.made).sign_in(**changes)


def last(staffed: Staffed) -> tuple[str, dict[str, object]]:
    """Return the last entry of the log: its event, and what it commits to."""
    index = staffed.city.state.rows.head().size - 1
    (entry,) = list(staffed.city.state.rows.entries(index, index + 1))
    openings = staffed.city.state.ledger.detail_of(index).openings
    return entry.event, {name: opening["value"] for name, opening in openings.items() if name != "at"}


@pytest.mark.parametrize("role", ROLES)
def test_everybody_sees_who_they_are_and_what_they_may_do(staffed: Staffed, role: Role) -> None:
    """And the one table of all roles."""
    text = staffed.signed_in(role).client.get(ACCOUNT).text
    assert f"{role}.sample" in text
    assert "add, change and remove accounts" in text
    assert "10 recovery codes are left" in text


def test_other_browsers_can_be_signed_out(staffed: Staffed) -> None:
    """A laptop that was left somewhere; the one at hand stays signed in."""
    browser = staffed.signed_in("records")
    other = Browser(staffed.app.test_client(), browser.made)
    stale(staffed, timedelta(0))
    assert 303 == other.sign_in().status_code
    opened = browser.client.get(ACCOUNT)
    assert 1 == opened.text.count("(this browser)")
    browser.client.post(f"{ACCOUNT}/sessions", data={"form": browser.token(opened)})
    assert (200, 303) == (browser.client.get(ACCOUNT).status_code, other.client.get(ACCOUNT).status_code)


def test_a_new_password_counts_and_the_old_one_does_not(staffed: Staffed) -> None:
    """It is in the log that it changed; every other browser is signed out."""
    browser = staffed.signed_in("records")
    stale(staffed, timedelta(0))
    other = Browser(staffed.app.test_client(), browser.made)
    other.sign_in()
    answer = change(browser, "password", password=GOOD, repeated=GOOD)
    assert (303, f"{ACCOUNT}?done=password") == (answer.status_code, answer.location)
    me = browser.made.account.id
    assert ("staff.changed", {"by": me, "subject": me, "what": "password"}) == last(staffed)
    assert (200, 303) == (browser.client.get(ACCOUNT).status_code, other.client.get(ACCOUNT).status_code)
    assert 403 == again(staffed, browser).status_code
    assert 303 == again(staffed, browser, password=GOOD).status_code


@pytest.mark.parametrize(
    ("password", "repeated", "said"),
    [
        ("", "", "12 characters"),
        ("short", "short", "12 characters"),
        ("Records.Sample!", "Records.Sample!", "user name"),
        ("a" * 20, "a" * 20, "different characters"),
        (GOOD, GOOD + "!", "not what you typed above"),
        (GOOD * 60, GOOD * 60, "Longer than"),
    ],
)
def test_a_password_that_is_none_changes_nothing(
    staffed: Staffed, password: str, repeated: str, said: str
) -> None:
    """The fault is beside its field; what was typed is not shown."""
    browser = staffed.signed_in("records")
    before = staffed.city.state.rows.head().size
    answer = change(browser, "password", password=password, repeated=repeated)
    assert (422, before) == (answer.status_code, staffed.city.state.rows.head().size)
    assert said in answer.text
    assert not password or password not in answer.text


@pytest.mark.parametrize("page", ["password", "authenticator", "recovery-codes"])
def test_a_secret_is_changed_only_after_a_fresh_proof(staffed: Staffed, page: str) -> None:
    """Neither is the page shown; whoever found a screen unlocked changes nothing."""
    browser = staffed.signed_in("records")
    token = browser.token(browser.client.get(ACCOUNT))
    stale(staffed)
    assert (
        f"/console/proof?next=%2Fconsole%2Faccount%2F{page}"
        == browser.client.get(f"{ACCOUNT}/{page}").location
    )
    before = staffed.city.state.rows.head().size
    form = {"form": token, "password": GOOD, "repeated": GOOD, "code": "123456"}
    answer = browser.client.post(f"{ACCOUNT}/{page}", data=form)
    assert (403, True) == (answer.status_code, "Nothing was done yet" in answer.text)
    assert GOOD not in answer.text
    assert before == staffed.city.state.rows.head().size


def secret_on(answer: TestResponse) -> str:
    """Return the new secret that a page shows."""
    found = re.search(r"<code class=\"console-id\">([A-Z2-7 ]+)</code>", answer.text)
    assert found is not None, answer.text
    return found[1].replace(" ", "")


def test_a_new_authenticator_counts_once_it_showed_a_code(staffed: Staffed) -> None:
    """Until then the old one does; the code that it showed is used up."""
    browser = staffed.signed_in("records")
    opened = browser.client.get(f"{ACCOUNT}/authenticator")
    assert "<svg" in opened.text
    assert "style=" not in opened.text
    secret, old = secret_on(opened), browser.made.totp_secret
    sealed = re.search(r'name="sealed" value="([^"]+)"', opened.text)
    assert sealed is not None
    code = pyotp.TOTP(secret).at(datetime.now(UTC))
    wrong = change(browser, "authenticator", sealed=sealed[1], code="000000")
    assert (422, secret) == (wrong.status_code, secret_on(wrong))
    answer = change(browser, "authenticator", sealed=sealed[1], code=code)
    assert f"{ACCOUNT}?done=authenticator" == answer.location
    me = browser.made.account.id
    assert ("staff.changed", {"by": me, "subject": me, "what": "authenticator"}) == last(staffed)
    once_more = Browser(staffed.app.test_client(), browser.made)
    assert 403 == once_more.sign_in(code=code).status_code
    assert 403 == again(staffed, browser, code=pyotp.TOTP(old).at(datetime.now(UTC))).status_code
    assert 303 == again(staffed, browser, code=pyotp.TOTP(secret).at(datetime.now(UTC))).status_code


def test_a_secret_of_another_session_is_not_taken(staffed: Staffed) -> None:
    """Nor one that nobody showed: an attacker's secret does not become a clerk's by a form."""
    browser, other = staffed.signed_in("records"), staffed.signed_in("counsel")
    opened = other.client.get(f"{ACCOUNT}/authenticator")
    theirs = re.search(r'name="sealed" value="([^"]+)"', opened.text)
    assert theirs is not None
    code = pyotp.TOTP(secret_on(opened)).at(datetime.now(UTC))
    before = staffed.city.state.rows.head().size
    for sealed in (theirs[1], "", "AAAA", "not base64", "\x00"):
        assert 422 == change(browser, "authenticator", sealed=sealed, code=code).status_code
    assert before == staffed.city.state.rows.head().size


def test_recovery_codes_are_shown_once(staffed: Staffed) -> None:
    """The old ones are worth nothing from then on."""
    browser = staffed.signed_in("records")
    answer = change(browser, "recovery-codes")
    codes = re.findall(r"<code>([0-9a-f-]{35})</code>", answer.text)
    assert (200, 10) == (answer.status_code, len(set(codes)))
    me = browser.made.account.id
    assert ("staff.changed", {"by": me, "subject": me, "what": "recovery_codes"}) == last(staffed)
    assert codes[0] not in browser.client.get(f"{ACCOUNT}/recovery-codes").text
    assert 403 == again(staffed, browser, code=browser.made.recovery_codes[0]).status_code
    assert 303 == again(staffed, browser, code=codes[0]).status_code
    assert "9 recovery codes are left" in browser.client.get(ACCOUNT).text


def test_what_is_said_to_be_done_is_one_of_ours(staffed: Staffed) -> None:
    """An address cannot put words onto the page."""
    browser = staffed.signed_in("records")
    answer = browser.client.get(f"{ACCOUNT}?done=<b>Call%20555-0100</b>")
    assert (200, False) == (answer.status_code, "555-0100" in answer.text.partition("<main")[2])
