"""Accounts, as administrators see and change them; and what nobody else, and no forged form, changes."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.cli import staff
from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.review.roles import ROLES, Role, may
from gatekeeper.review.sign_in import MOST_FAILURES
from gatekeeper.store import StaffAccount
from tests.console.conftest import Browser, Staffed
from tests.console.test_account import last
from tests.console.test_proof import stale

PEOPLE = "/console/people"
WHY = "Letter of the city manager of 3 November"


def do(browser: Browser, account_id: str, change: str, **typed: str) -> TestResponse:
    """Send a form of an account's page."""
    token = browser.token(browser.client.get(PEOPLE))
    form = {"form": token, "reason": WHY} | typed
    return browser.client.post(f"{PEOPLE}/{account_id}/{change}", data=form)


def add(browser: Browser, **typed: str) -> TestResponse:
    """Send the form of a new account."""
    form = {
        "form": browser.token(browser.client.get(f"{PEOPLE}/add")),
        "username": "new.sample",
        "name": "New Sample",
        "role": "legal",
        "agency": "",
    } | typed
    return browser.client.post(f"{PEOPLE}/add", data=form)


def account(staffed: Staffed, username: str) -> StaffAccount:
    """Return an account as it is now."""
    found = staffed.city.state.staff.find(username)
    assert found is not None
    return found


def test_an_administrator_sees_everybody_and_the_table_of_roles(staffed: Staffed) -> None:
    """Role, agency, status, how they sign in, when they last did, and whether an account is locked."""
    clerk = staffed.person("records", agency_id="sample-il-pd")
    for _ in range(MOST_FAILURES):
        clerk.sign_in(password="wrong")
    text = staffed.signed_in("admin").client.get(PEOPLE).text
    for said in ("records.sample", "sample-il-pd", "locked for a while", "never", "with password and code"):
        assert said in text
    assert "take a decision out of the console" in text


def test_every_page_opens(staffed: Staffed) -> None:
    """Of an account that may be changed, of one's own, and of one that is to be."""
    admin, clerk = staffed.signed_in("admin"), staffed.person("records")
    for page in ("add", clerk.made.account.id, admin.made.account.id):
        assert 200 == admin.client.get(f"{PEOPLE}/{page}").status_code


def test_an_account_is_added_and_its_secrets_are_shown_once(staffed: Staffed) -> None:
    """Who was added, by whom and in which role is committed to; they sign in with what was shown."""
    admin = staffed.signed_in("admin")
    answer = add(admin)
    shown = re.findall(r"<dd><code>([^<]+)</code></dd>", answer.text)
    assert (200, "new.sample") == (answer.status_code, shown[0])
    made = account(staffed, "new.sample")
    by = admin.made.account.id
    assert ("staff.added", {"by": by, "subject": made.id, "role": "legal"}) == last(staffed)
    assert shown[1] not in admin.client.get(f"{PEOPLE}/{made.id}").text
    person = Browser(staffed.app.test_client(), staff.Made(made, shown[1], shown[2]))
    assert 303 == person.sign_in().status_code


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"role": "root"}, "Choose a role"),
        ({"role": ""}, "Choose a role"),
        ({"username": "New Sample"}, "small letters"),
        ({"username": "admin.sample"}, "choose another"),
        ({"name": " "}, "by name"),
        ({"name": "Pat\u202eSample"}, "by name"),
        ({"agency": "no-such-agency"}, "Choose an agency"),
        ({"identity": "sub-1"}, "no identity provider"),
    ],
)
def test_an_account_that_is_none_is_not_added(staffed: Staffed, typed: dict[str, str], said: str) -> None:
    """The form comes back filled in, with what is wrong."""
    admin = staffed.signed_in("admin")
    before = len(staffed.city.state.staff.all())
    answer = add(admin, **typed)
    assert (422, before) == (answer.status_code, len(staffed.city.state.staff.all()))
    assert said in answer.text
    assert "name" in typed or 'value="New Sample"' in answer.text


def test_a_role_is_changed_with_a_reason_and_the_person_signed_out(staffed: Staffed) -> None:
    """They come back as what they are now."""
    admin, clerk = staffed.signed_in("admin"), staffed.signed_in("records")
    assert 303 == do(admin, clerk.made.account.id, "role", role="auditor").status_code
    assert "auditor" == account(staffed, "records.sample").role
    event, private = last(staffed)
    assert ("staff.changed", WHY, "auditor", "role") == (
        event,
        private["reason"],
        private["role"],
        private["what"],
    )
    assert 303 == clerk.client.get("/console/reviews").status_code


def test_a_reset_gives_new_secrets_and_unlocks(staffed: Staffed) -> None:
    """What the person had before is worth nothing, to whoever guessed at it too."""
    admin, clerk = staffed.signed_in("admin"), staffed.signed_in("records")
    for _ in range(MOST_FAILURES):
        Browser(staffed.app.test_client(), clerk.made).sign_in(password="wrong")
    answer = do(admin, clerk.made.account.id, "reset")
    shown = re.findall(r"<dd><code>([^<]+)</code></dd>", answer.text)
    assert 303 == clerk.client.get("/console/reviews").status_code
    stale(staffed, timedelta(0))
    assert 403 == Browser(staffed.app.test_client(), clerk.made).sign_in().status_code
    made = staff.Made(account(staffed, "records.sample"), shown[1], shown[2])
    assert 303 == Browser(staffed.app.test_client(), made).sign_in().status_code


def test_a_removed_account_is_kept_and_out(staffed: Staffed) -> None:
    """The log speaks of it; it is changed no more."""
    admin, clerk = staffed.signed_in("admin"), staffed.signed_in("records")
    assert 303 == do(admin, clerk.made.account.id, "remove").status_code
    assert 303 == clerk.client.get("/console/reviews").status_code
    assert ("staff.removed", WHY) == ((entry := last(staffed))[0], entry[1]["reason"])
    for change in ("role", "reset", "remove"):
        assert 422 == do(admin, clerk.made.account.id, change, role="admin").status_code
    assert "removed for good" in admin.client.get(f"{PEOPLE}/{clerk.made.account.id}").text


@pytest.mark.parametrize("reason", ["", ".", "because", "aaaaaaaaaaaaaaaa"])
@pytest.mark.parametrize("change", ["role", "reset", "remove"])
def test_without_a_reason_nothing_is_changed(staffed: Staffed, change: str, reason: str) -> None:
    """A full stop is none; the form comes back."""
    admin, clerk = staffed.signed_in("admin"), staffed.person("records")
    before = staffed.city.state.rows.head().size
    answer = do(admin, clerk.made.account.id, change, role="auditor", reason=reason)
    assert (422, before) == (answer.status_code, staffed.city.state.rows.head().size)
    assert f'id="{change}-reason-fault"' in answer.text


@pytest.mark.parametrize("change", ["role", "reset", "remove"])
def test_nobody_changes_their_own_account(staffed: Staffed, change: str) -> None:
    """So there is always an administrator: the last one cannot remove themselves."""
    admin = staffed.signed_in("admin")
    before = account(staffed, "admin.sample")
    answer = do(admin, admin.made.account.id, change, role="counsel")
    assert (422, before) == (answer.status_code, account(staffed, "admin.sample"))
    assert "another administrator" in answer.text


@pytest.mark.parametrize("role", [role for role in ROLES if not may(role, "manage_staff")])
def test_no_other_role_changes_an_account(staffed: Staffed, role: Role) -> None:
    """Whatever the form says: neither their own role, nor another's, nor a new one."""
    browser, other = staffed.signed_in(role), staffed.person("admin")
    token = browser.token(browser.client.get("/console/account"))
    before, size = staffed.city.state.staff.all(), staffed.city.state.rows.head().size
    form = {"form": token, "reason": WHY, "role": "admin", "username": "x.y", "name": "X", "agency": ""}
    for path in (
        f"{PEOPLE}/add",
        *(
            f"{PEOPLE}/{who.made.account.id}/{c}"
            for who in (browser, other)
            for c in ("role", "reset", "remove")
        ),
    ):
        assert 403 == browser.client.post(path, data=form).status_code
    assert (before, size) == (staffed.city.state.staff.all(), staffed.city.state.rows.head().size)


def test_a_role_in_a_form_of_ones_own_account_is_not_read(staffed: Staffed) -> None:
    """A field that the page does not have changes nothing (mass assignment)."""
    browser = staffed.signed_in("records")
    token = browser.token(browser.client.get("/console/account"))
    good = "four words of mine"
    form = {"form": token, "password": good, "repeated": good, "role": "admin", "status": "active", "id": "x"}
    assert 303 == browser.client.post("/console/account/password", data=form).status_code
    assert "records" == account(staffed, "records.sample").role


@pytest.mark.parametrize("change", ["role", "reset", "remove"])
def test_every_change_needs_a_fresh_proof(staffed: Staffed, change: str) -> None:
    """Whoever found an administrator's screen unlocked changes nobody."""
    admin, clerk = staffed.signed_in("admin"), staffed.person("records")
    stale(staffed)
    before = staffed.city.state.rows.head().size
    answer = do(admin, clerk.made.account.id, change, role="auditor")
    assert (403, before) == (answer.status_code, staffed.city.state.rows.head().size)
    assert WHY in answer.text
    assert 303 == admin.client.get(f"{PEOPLE}/{clerk.made.account.id}").status_code
    assert 303 == admin.client.get(f"{PEOPLE}/add").status_code


def test_who_is_no_administrator_any_more_changes_nothing(staffed: Staffed) -> None:
    """Also when they lose the role between the click and the commit; two cannot remove each other."""
    personnel = staffed.city.state.personnel()
    one = staff.register(staffed.city.state, "one.admin", name="One Sample", role="admin").account
    two = staff.register(staffed.city.state, "two.admin", name="Two Sample", role="admin").account

    def remove(pair: tuple[Any, Any]) -> bool:
        try:
            personnel.remove(pair[0], reason=WHY, by=pair[1])
        except (Superseded, OperatorError):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(remove, [(one, two), (two, one)]))
    assert 1 == sum(done)
    assert 1 == sum(a.role == "admin" and a.status == "active" for a in staffed.city.state.staff.all())


def test_two_changes_at_once_one_is_told(staffed: Staffed) -> None:
    """What was read before somebody else changed it is not written over it."""
    admin, clerk = staffed.person("admin"), staffed.person("records")
    personnel = staffed.city.state.personnel()
    personnel.change_role(clerk.made.account, "auditor", reason=WHY, by=admin.made.account)
    with pytest.raises(Superseded):
        personnel.renew(clerk.made.account, reason=WHY, by=admin.made.account)


def test_an_unknown_account_is_not_found(staffed: Staffed) -> None:
    """Nor is an address that cannot be one."""
    admin = staffed.signed_in("admin")
    for name in ("staff_none", "%00", "..%2f"):
        assert 404 == admin.client.get(f"{PEOPLE}/{name}").status_code
