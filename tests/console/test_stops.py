"""The switch in the console: two steps, red, true in what it says, and quicker than anything that waits."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gatekeeper.cli import agency
from gatekeeper.errors import LedgerUnavailable, RecordsUnavailable, StoreUnavailable
from gatekeeper.ledger import Ledger
from gatekeeper.ledger.stops import LEASE_SECONDS
from gatekeeper.oversight import stops as switch
from gatekeeper.review.roles import Role
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import body

STOPS = "/console/stops"
WHY = "Council resolution of the made-up day"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait out leases where no body is under way."""
    monkeypatch.setattr(switch, "LEASE_SECONDS", 0.0)
    monkeypatch.setattr(switch, "MARGIN_SECONDS", 0.0)


def _token(browser: Browser) -> str:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return form_token(cookie.value)


def _send(browser: Browser, path: str = "", **typed: str) -> TestResponse:
    return browser.client.post(f"{STOPS}{path}", data={"form": _token(browser), **typed})


def _hidden(answer: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))


def _confirm(browser: Browser, scope: str = "all", value: str = "", why: str = WHY) -> TestResponse:
    """Take both steps, as a person does."""
    asked = _send(browser, "/confirm", scope=scope, value=value, reason=why)
    assert 200 == asked.status_code, asked.text
    return browser.client.post(STOPS, data=_hidden(asked))


def _in_force(staffed: Staffed) -> list[tuple[str, str | None]]:
    return [(stop.scope, stop.value) for stop in staffed.city.state.registry.stops()]


def _resume(browser: Browser, stop_id: str, way: str = "resume", **typed: str) -> TestResponse:
    return _send(browser, f"/{stop_id}/{way}", **({"reason": WHY, "sure": "yes"} | typed))


def _id(staffed: Staffed) -> str:
    (stop,) = staffed.city.state.registry.stops()
    return stop.id


# --- Stopping. --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["records", "legal", "counsel", "admin"])
def test_who_may_stop_stops_in_two_steps(staffed: Staffed, role: Role) -> None:
    """The page that says so comes when no record can leave any more; the next request is refused."""
    assert 200 == staffed.city.ask(body()).status
    person = staffed.signed_in(role)
    asked = _send(person, "/confirm", scope="all", reason=WHY)
    for said in ("All sharing", WHY, "within one second", "5 agencies", "1 answer with records", "Stop now"):
        assert said in asked.text
    assert [] == _in_force(staffed)
    began = time.monotonic()
    answer = person.client.post(STOPS, data=_hidden(asked))
    assert time.monotonic() - began >= LEASE_SECONDS
    assert (303, f"{STOPS}/{_id(staffed)}") == (answer.status_code, answer.headers["Location"])
    told = person.client.get(answer.headers["Location"]).text
    last = staffed.city.events()[-1]
    assert "stop.set" == last["event"]
    index = len(staffed.city.events()) - 1
    assert f"Nothing in its scope is released from entry {index} on" in told
    assert (WHY in told, "Pat Sample" in told) == (True, True)
    assert 403 == staffed.city.ask(body()).status


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("scope", "value", "stopped", "said"),
    [
        ("agency", "sample-il-pd", True, "1 agency that may ask today"),
        ("agency", "sample-wi-pd", False, "0 answers with records"),
        ("kind", "local", True, "3 agencies that may ask today"),
        ("kind", "tribal", False, "0 agencies"),
        ("camera", "cam-1", False, "camera cam-1"),
    ],
)
def test_each_scope_stops_what_it_says(
    staffed: Staffed, scope: str, value: str, said: str, *, stopped: bool
) -> None:
    """And no more; the camera is in no public entry."""
    person = staffed.signed_in("records")
    asked = _send(person, "/confirm", scope=scope, value=value, reason=WHY)
    assert said in asked.text, asked.text
    assert 303 == person.client.post(STOPS, data=_hidden(asked)).status_code
    assert [(scope, value)] == _in_force(staffed)
    assert (403 if stopped else 200) == staffed.city.ask(body()).status
    assert "cam-1" not in json.dumps([e for e in staffed.city.events() if e["event"] == "stop.set"])


WRONG = {
    "no scope": {"scope": ""},
    "an unknown scope": {"scope": "everything"},
    "no reason": {"reason": ""},
    "a dot": {"reason": "."},
    "one letter": {"reason": "aaaaaaaaaaaaaaa"},
    "a book": {"reason": "say " * 600},
    "no agency": {"scope": "agency"},
    "an unknown agency": {"scope": "agency", "value": "nobody-at-all"},
    "an ORI": {"scope": "agency", "value": "ILSAMPLE9"},
    "an unknown kind": {"scope": "kind", "value": "martian"},
    "no camera": {"scope": "camera", "value": " "},
    "a misspelt camera": {"scope": "camera", "value": "cam-o1"},
    "a camera with NUL": {"scope": "camera", "value": "cam\0", "unlisted": "yes"},
    "a forged id": {"stop": "stop_0"},
    "a forged id with a tail": {"stop": "stop_0123456789abcdef/../x"},
}


@pytest.mark.parametrize("step", ["/confirm", ""])
def test_what_would_stop_nothing_comes_back_filled_in(staffed: Staffed, step: str) -> None:
    """With the fault at its field, and nothing is on record; a misspelt camera is caught at step one."""
    agency.register(
        staffed.city.state, "sample-ori-pd", name="Sample", kind="local", state_code="IL", ori="ILSAMPLE9"
    )
    person = staffed.signed_in("records")
    before = len(staffed.city.events())
    for why, typed in WRONG.items():
        given = {"scope": "all", "value": "", "reason": WHY, "stop": "stop_0123456789abcdef"} | typed
        if step == "" and why == "a misspelt camera":
            continue
        answer = _send(person, step, **given)
        assert (422, True) == (answer.status_code, "Nothing was done" in answer.text), why
        assert ([], before) == (_in_force(staffed), len(staffed.city.events())), why
        if why == "a misspelt camera":
            assert "cam-1" in answer.text


def test_the_second_step_cannot_be_skipped(staffed: Staffed) -> None:
    """Without what the red page gave nothing is stopped."""
    answer = _send(staffed.signed_in("records"), scope="all", reason=WHY)
    assert (422, []) == (answer.status_code, _in_force(staffed))


@pytest.mark.usefixtures("quick")
def test_a_confirmation_sent_twice_is_one_stop(staffed: Staffed) -> None:
    """A second click, or a reload, leads to the same stop."""
    person = staffed.signed_in("records")
    form = _hidden(_send(person, "/confirm", scope="all", reason=WHY))
    answers = [person.client.post(STOPS, data=form) for _ in range(3)]
    assert {(303, f"{STOPS}/{form['stop']}")} == {(a.status_code, a.headers["Location"]) for a in answers}
    assert [("all", None)] == _in_force(staffed)
    assert 1 == [event["event"] for event in staffed.city.events()].count("stop.set")


@pytest.mark.usefixtures("quick")
def test_a_confirmation_of_a_stop_that_was_lifted_stops_nothing_in_silence(staffed: Staffed) -> None:
    """Sent again from an old page it is no stop any more: the page says in red that sharing goes on."""
    person = staffed.signed_in("records")
    form = _hidden(_send(person, "/confirm", scope="kind", value="local", reason=WHY))
    person.client.post(STOPS, data=form)
    _resume(person, form["stop"])
    answer = person.client.post(STOPS, data=form)
    assert (503, True) == (answer.status_code, "sharing goes on" in answer.text)


@pytest.mark.usefixtures("quick")
def test_two_people_who_stop_the_same_at_once_both_have(staffed: Staffed) -> None:
    """Two stops are in force: lifting one leaves the other, and the second was told of the first."""
    people = [staffed.signed_in("records"), staffed.signed_in("counsel")]
    forms = [_hidden(_send(person, "/confirm", scope="all", reason=WHY)) for person in people]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda each: each[0].client.post(STOPS, data=each[1]), zip(people, forms, strict=True))
        )
    assert [303, 303] == [answer.status_code for answer in answers]
    assert [("all", None)] * 2 == _in_force(staffed)
    asked = _send(people[0], "/confirm", scope="all", reason=WHY).text
    assert "The same is stopped already" in asked
    assert 303 == _resume(people[0], forms[0]["stop"], "resume-all").status_code
    assert [forms[1]["stop"]] == [stop.id for stop in staffed.city.state.registry.stops()]
    assert 403 == staffed.city.ask(body()).status


@pytest.mark.usefixtures("quick")
def test_to_stop_nobody_proves_again_who_they_are(staffed: Staffed) -> None:
    """Whoever must stop is in the middle of an incident; to let all sharing go on, they do."""
    person = staffed.signed_in("records")
    _long_ago(staffed)
    assert 303 == _confirm(person).status_code
    stop_id = _id(staffed)
    for answer in (
        _resume(person, stop_id, "resume-all"),
        person.client.get(f"{STOPS}/{stop_id}/resume-all"),
    ):
        assert answer.status_code in (303, 403)
        assert "proof" in answer.text + answer.headers.get("Location", "")
    assert [("all", None)] == _in_force(staffed)
    assert 404 == _resume(person, stop_id, "resume").status_code
    assert [("all", None)] == _in_force(staffed)


def _long_ago(staffed: Staffed) -> None:
    then = staffed.city.state.clock.now() - timedelta(hours=1)
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE staff_sessions SET proved_at = '{then:%Y-%m-%d %H:%M:%S.%f}'")  # noqa: S608


# --- When it fails. ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [LedgerUnavailable("gone"), StoreUnavailable("gone"), RuntimeError("odd")])
def test_a_stop_that_failed_is_said_in_red(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Sharing goes on, and what to do: again, on the server, or switch the service off."""

    def refuse(*_: Any, **__: Any) -> None:
        raise error

    person = staffed.signed_in("records")
    form = _hidden(
        _send(person, "/confirm", scope="agency", value="sample-il-pd", reason="It's a test; $(x)")
    )
    form = {name: value.replace("&#39;", "'") for name, value in form.items()}
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", refuse)
        answer = person.client.post(STOPS, data=form)
    assert (503, []) == (answer.status_code, _in_force(staffed))
    for said in (
        "sharing goes on",
        "Try again",
        "gatekeeper stop --agency sample-il-pd",
        "switch the service off",
    ):
        assert said in answer.text
    assert "In force since" not in answer.text
    assert 200 == staffed.city.ask(body()).status
    again = {name: value.replace("&#39;", "'") for name, value in _hidden(answer).items()}
    assert 303 == person.client.post(STOPS, data=again).status_code
    assert [("agency", "sample-il-pd")] == _in_force(staffed)


@pytest.mark.usefixtures("quick")
def test_a_stop_whose_answer_was_lost_is_in_force(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was committed: the page looks, and says so."""
    really = Ledger.append

    def lose(self: Ledger, draft: Any, *rest: Any) -> Any:
        really(self, draft, *rest)
        raise LedgerUnavailable("no answer in time")

    person = staffed.signed_in("records")
    form = _hidden(_send(person, "/confirm", scope="all", reason=WHY))
    monkeypatch.setattr(Ledger, "append", lose)
    answer = person.client.post(STOPS, data=form)
    assert (303, f"{STOPS}/{form['stop']}") == (answer.status_code, answer.headers["Location"])


def test_what_is_said_of_a_new_stop_waits_until_it_is_true(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks at a stop while another still waits for its lease is not told too early."""
    person = staffed.signed_in("records")
    with monkeypatch.context() as patched:
        patched.setattr(switch, "LEASE_SECONDS", 0.0)
        patched.setattr(switch, "MARGIN_SECONDS", 0.0)
        _confirm(person, "kind", "tribal")
    began = time.monotonic()
    assert "In force since" in person.client.get(f"{STOPS}/{_id(staffed)}").text
    assert time.monotonic() - began >= LEASE_SECONDS


@pytest.mark.usefixtures("quick")
def test_a_store_of_reads_that_is_gone_keeps_nobody_from_stopping_a_camera(staffed: Staffed) -> None:
    """The page says that the id could not be checked."""

    class Gone:
        def cameras(self) -> dict[str, object]:
            raise RecordsUnavailable("gone")

    object.__setattr__(staffed.city.gate, "reads", Gone())
    person = staffed.signed_in("records")
    assert "check the id yourself" in person.client.get(f"{STOPS}/new?scope=camera").text
    assert 303 == _confirm(person, "camera", "cam-77").status_code


@pytest.mark.usefixtures("quick")
def test_stops_can_be_read_and_set_while_nothing_can_be_counted(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the search nor the words of earlier stops are needed."""

    def gone(*_: Any, **__: Any) -> None:
        raise LedgerUnavailable("gone")

    person = staffed.signed_in("records")
    _confirm(person, "kind", "tribal")
    monkeypatch.setattr(Ledger, "entries_of", gone)
    monkeypatch.setattr("gatekeeper.oversight.search.LogSearch.releases", gone)
    shown = person.client.get(STOPS)
    assert (200, True) == (shown.status_code, "cannot be read just now" in shown.text)
    assert 303 == _confirm(person).status_code


# --- Letting go on. ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("scope", "value", "way"), [("all", "", "resume-all"), ("kind", "local", "resume")])
def test_a_stop_is_lifted_in_two_steps(staffed: Staffed, scope: str, value: str, way: str) -> None:
    """With a reason of its own; afterwards both reasons and the span of the log are shown."""
    person = staffed.signed_in("records")
    _confirm(person, scope, value)
    stop_id = _id(staffed)
    assert f"{STOPS}/{stop_id}/{way}" in person.client.get(STOPS).text
    assert "Step 1 of 2" in person.client.get(f"{STOPS}/{stop_id}/{way}").text
    assert 422 == _resume(person, stop_id, way, reason=".").status_code
    asked = _resume(person, stop_id, way, sure="")
    assert (200, True) == (asked.status_code, "Step 2 of 2" in asked.text)
    assert [(scope, value or None)] == _in_force(staffed)
    lifted = person.client.post(f"{STOPS}/{stop_id}/{way}", data=_hidden(asked))
    assert (303, []) == (lifted.status_code, _in_force(staffed))
    told = person.client.get(f"{STOPS}/{stop_id}").text
    assert 2 == told.count(WHY)
    assert "Was stopped" in told
    assert 200 == staffed.city.ask(body()).status
    assert f"{STOPS}/{stop_id}" in person.client.get(STOPS).text
    assert 303 == _resume(person, stop_id, way).status_code
    assert 1 == [event["event"] for event in staffed.city.events()].count("stop.lifted")


@pytest.mark.usefixtures("quick")
def test_of_two_who_lift_one_stop_at_once_one_does(staffed: Staffed) -> None:
    """The other is led to the page that says who did."""
    people = [staffed.signed_in("records"), staffed.signed_in("counsel")]
    _confirm(people[0], "kind", "local")
    stop_id = _id(staffed)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda person: _resume(person, stop_id), people))
    assert [303, 303] == [answer.status_code for answer in answers]
    assert 1 == [event["event"] for event in staffed.city.events()].count("stop.lifted")


@pytest.mark.usefixtures("quick")
def test_a_stop_that_could_not_be_lifted_is_said_to_be_in_force(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so, filled in."""

    def refuse(*_: Any, **__: Any) -> None:
        raise LedgerUnavailable("gone")

    person = staffed.signed_in("records")
    _confirm(person, "kind", "local")
    monkeypatch.setattr(Ledger, "append", refuse)
    answer = _resume(person, _id(staffed))
    assert (503, True) == (answer.status_code, "still in force" in answer.text)
    assert [("kind", "local")] == _in_force(staffed)


# --- Who, and what is shown. ------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_nobody_lifts_the_stop_of_their_own_agency(staffed: Staffed) -> None:
    """As nobody reinstates it; a colleague of no agency lifts it."""
    _confirm(staffed.signed_in("records"), "agency", "sample-il-pd")
    stop_id, own = _id(staffed), staffed.signed_in("counsel", "sample-il-pd")
    for sure in ("", "yes"):
        answer = _resume(own, stop_id, sure=sure)
        assert (422, True) == (answer.status_code, "This is your own agency" in answer.text)
    assert [("agency", "sample-il-pd")] == _in_force(staffed)
    assert 303 == _resume(staffed.signed_in("legal"), stop_id).status_code
    assert [] == _in_force(staffed)


@pytest.mark.usefixtures("quick")
def test_an_auditor_reads_stops_and_changes_none(staffed: Staffed) -> None:
    """Whatever form is sent."""
    _confirm(staffed.signed_in("records"), "kind", "local")
    stop_id, auditor = _id(staffed), staffed.signed_in("auditor")
    shown = auditor.client.get(STOPS).text
    assert WHY in shown
    assert "stops/new" not in shown
    assert "resume" not in shown
    assert 200 == auditor.client.get(f"{STOPS}/{stop_id}").status_code
    before = len(staffed.city.events())
    for path in ("/confirm", "", f"/{stop_id}/resume", f"/{stop_id}/resume-all"):
        answer = _send(auditor, path, scope="all", reason=WHY, stop="stop_0123456789abcdef", sure="yes")
        assert 403 == answer.status_code, path
    for path in ("/new", f"/{stop_id}/resume"):
        assert 403 == auditor.client.get(f"{STOPS}{path}").status_code, path
    assert ([("kind", "local")], before) == (_in_force(staffed), len(staffed.city.events()))


@pytest.mark.usefixtures("quick")
def test_a_form_of_another_site_stops_and_lifts_nothing(staffed: Staffed) -> None:
    """Without this browser's token, or from elsewhere."""
    person = staffed.signed_in("records")
    _confirm(person, "kind", "local")
    stop_id = _id(staffed)
    typed = {"scope": "all", "reason": WHY, "stop": "stop_0123456789abcdef", "sure": "yes"}
    for path in ("", "/confirm", f"/{stop_id}/resume"):
        for form, headers in (
            ({}, {}),
            ({"form": "0" * 64}, {}),
            ({"form": _token(person)}, {"Sec-Fetch-Site": "cross-site"}),
        ):
            answer = person.client.post(f"{STOPS}{path}", data={**typed, **form}, headers=headers)
            assert 403 == answer.status_code
    assert [("kind", "local")] == _in_force(staffed)


@pytest.mark.usefixtures("quick")
def test_every_page_says_that_something_is_stopped(staffed: Staffed) -> None:
    """Also those that a person may not open; none does when nothing is."""
    person = staffed.signed_in("records")
    assert "is stopped" not in person.client.get("/console/reviews").text
    _confirm(person, "kind", "tribal")
    assert "Part of the sharing is stopped" in person.client.get("/console/reviews").text
    _confirm(person)
    for page in ("/console/reviews", STOPS, f"{STOPS}/new", f"{STOPS}/nothing"):
        assert "All sharing is stopped" in person.client.get(page).text, page
    assert "2 stops are in force" in staffed.signed_in("admin").client.get("/console/reviews").text


@pytest.mark.usefixtures("quick")
def test_what_an_agency_is_called_is_text(staffed: Staffed) -> None:
    """On every page of a stop."""
    agency.register(staffed.city.state, "sample-xss-pd", name=SCRIPT, kind="local", state_code="IL")
    person = staffed.signed_in("records")
    pages = [
        person.client.get(f"{STOPS}/new?scope=agency"),
        _send(person, "/confirm", scope="agency", value="sample-xss-pd", reason=f"{WHY} {SCRIPT}"),
        _confirm(person, "agency", "sample-xss-pd"),
        person.client.get(STOPS),
        person.client.get(f"{STOPS}/{_id(staffed)}"),
        person.client.get(f"{STOPS}/{_id(staffed)}/resume"),
        _resume(person, _id(staffed), sure="", reason=f"{WHY} {SCRIPT}"),
    ]
    for page in pages:
        assert SCRIPT not in page.text
    assert sum("&lt;script&gt;" in page.text for page in pages) >= 6


@pytest.mark.usefixtures("quick")
def test_a_reason_that_was_erased_is_said_to_be(staffed: Staffed) -> None:
    """The stop itself, and its entry, stay."""
    person = staffed.signed_in("records")
    _confirm(person, "kind", "tribal")
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM private_details")
    for page in (STOPS, f"{STOPS}/{_id(staffed)}"):
        shown = person.client.get(page).text
        assert ("erased at the end" in shown, WHY in shown) == (True, False)


@pytest.mark.parametrize(
    "path", ["/nothing", "/stop_0123456789abcdef", "/nothing/resume", "/%00", "/%ed%a0%80"]
)
def test_a_stop_that_never_was_is_a_page_that_says_so(staffed: Staffed, path: str) -> None:
    """Whatever was typed."""
    answer = staffed.signed_in("records").client.get(STOPS + path)
    assert (404, "text/html") == (answer.status_code, answer.mimetype)


def test_an_address_that_was_tampered_with_shows_the_beginning(staffed: Staffed) -> None:
    """Places are ours; anything else is no place."""
    person = staffed.signed_in("records")
    for after in ("x", "W10", "%00", "a" * 5000):
        assert 200 == person.client.get(f"{STOPS}?after={after}").status_code
    assert "No stop was ever lifted" in person.client.get(STOPS).text
    assert "All sharing" in person.client.get(f"{STOPS}/new?scope=%00").text
