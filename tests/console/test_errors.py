"""Whatever goes wrong under /console is answered by a page: what it means, what to do, nothing private."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from gatekeeper.errors import ClockUnreliable, PolicyUnavailable
from gatekeeper.exchange.reading import MAX_BODY_BYTES
from gatekeeper.store.review_queue import ReviewQueue
from gatekeeper.store.tables import staff_sessions
from gatekeeper.web.metrics import FAULTS
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import PLATE, body

QUEUE = "/console/reviews"
SECRET = "The words that an officer typed"


def _is_page(answer: TestResponse, status: int) -> str:
    """Assert that this is an error page of the console, under its policy; return its words."""
    assert (status, "text/html; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
    assert "no-store" == answer.headers["Cache-Control"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert 1 == answer.text.count("<h1>")
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    return answer.text


def _counted(fault: str) -> float:
    return float(FAULTS.labels(fault)._value.get())


def _denied(staffed: Staffed) -> str:
    asked = body(purpose__narrative="investigation")
    return str(json.loads(staffed.city.ask(asked).body)["query_id"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/console/no-such", "/console/reviews", "/console/reviews/query_1", "/console/reviews/q/uphold"]
)
def test_a_stranger_learns_nothing_of_what_there_is(staffed: Staffed, path: str, method: str) -> None:
    """Whatever the address and the method, the answer is the way to the door."""
    answer = staffed.app.test_client().open(path, method=method)
    assert (303, "/console/sign-in") == (answer.status_code, answer.headers["Location"].partition("?")[0])
    assert "Allow" not in answer.headers


def test_an_address_without_its_slash_leads_to_the_one_with_it(staffed: Staffed) -> None:
    """And not to whatever host the caller named."""
    answer = staffed.app.test_client().get("/console", headers={"Host": "attacker.invalid"})
    assert (303, "/console/") == (answer.status_code, answer.headers["Location"])


def test_an_unknown_page(staffed: Staffed) -> None:
    """In the console's dress, with the way back; counted as everywhere."""
    browser, before = staffed.signed_in("records"), _counted("not_found")
    shown = _is_page(browser.client.get("/console/<script>"), 404)
    assert "Nothing here" in shown
    assert "Pat Sample" in shown
    assert "script>" not in shown.replace("</script>", "").replace("<script src", "")
    assert before + 1 == _counted("not_found")


def test_an_unknown_static_file(staffed: Staffed) -> None:
    """Static files are public, and so is their absence."""
    _is_page(staffed.app.test_client().get("/console/static/no-such.css"), 404)


def test_a_page_that_takes_a_form_only(staffed: Staffed) -> None:
    """It says so, and names the method."""
    browser = staffed.signed_in("records")
    answer = browser.client.get("/console/sign-out")
    assert "Nothing to see here" in _is_page(answer, 405)
    assert "POST" in answer.headers["Allow"]
    assert "OPTIONS" not in browser.client.open(QUEUE, method="OPTIONS").headers.get("Allow", "")


def test_a_form_that_is_too_large(staffed: Staffed) -> None:
    """Nothing of it is read."""
    browser = staffed.signed_in("records")
    token = browser.token(browser.client.get(QUEUE))
    path = f"{QUEUE}/{_denied(staffed)}/uphold"
    answer = browser.client.post(path, data={"form": token, "reason": SECRET + "x" * MAX_BODY_BYTES})
    assert "Too large" in _is_page(answer, 413)


def test_a_form_that_breaks_off(staffed: Staffed) -> None:
    """What cannot be read is not guessed."""
    browser = staffed.signed_in("records")

    class Broken:
        def read(self, _: int = -1) -> bytes:
            raise OSError(SECRET)

    environ: dict[str, Any] = {
        "wsgi.input": Broken(),
        "CONTENT_LENGTH": "10",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }
    answer = browser.client.post("/console/sign-out", environ_overrides=environ)
    assert "could not be read" in _is_page(answer, 400)


def test_without_a_store_nobody_is_known(staffed: Staffed) -> None:
    """Not even whose page it is: then a page without a name, also where there is no page."""
    browser = staffed.signed_in("records")
    with staffed.city.state.database.write() as connection:
        connection.execute(text("ALTER TABLE staff_sessions RENAME TO lost"))
    for path in (QUEUE, "/console/no-such", "/console/"):
        answer = browser.client.get(path)
        shown = _is_page(answer, 503)
        assert "cannot read its own state" in shown
        assert "Pat Sample" not in shown
        assert "Retry-After" in answer.headers


def test_without_the_log_nothing_private_is_shown(staffed: Staffed) -> None:
    """Whoever looks at a request is logged first; if that fails, the page says that the log failed."""
    query, browser = _denied(staffed), staffed.signed_in("records")
    with staffed.city.state.database.write() as connection:
        connection.execute(text("ALTER TABLE ledger_entries RENAME TO lost"))
    shown = _is_page(browser.client.get(f"{QUEUE}/{query}"), 503)
    assert "investigation" not in shown
    assert "Pat Sample" in shown


@pytest.mark.parametrize(
    ("part", "fault"), [("laws", PolicyUnavailable("closed")), ("clock", ClockUnreliable("jumped"))]
)
def test_without_a_part_the_page_names_it(staffed: Staffed, part: str, fault: Exception) -> None:
    """The law in force, or the clock (which the page itself would show the time by)."""
    query, browser = _denied(staffed), staffed.signed_in("records")

    class Failing:
        def __getattr__(self, _: str) -> Any:
            raise fault

    object.__setattr__(staffed.city.gate, part, Failing())
    shown = _is_page(browser.client.get(f"{QUEUE}/{query}"), 503)
    assert ("The policy" if part == "laws" else "The clock") in shown
    assert "closed" not in shown


def test_a_defect_of_ours_says_nothing_but_its_number(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception's text may quote what was typed; the number finds it in the log."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{SECRET} {PLATE}")

    monkeypatch.setattr(ReviewQueue, "page", broken)
    answer = staffed.signed_in("records").client.get(QUEUE)
    shown = _is_page(answer, 500)
    assert PLATE not in shown
    assert answer.headers["X-Request-Id"] in shown


def test_elsewhere_errors_stay_problem_documents(staffed: Staffed) -> None:
    """A client of the API reads JSON, whatever it says that it accepts."""
    browser: Browser = staffed.signed_in("records")
    for path in ("/v1/no-such", "/no-such", "/consoles", "//console/"):
        answer = browser.client.get(path, headers={"Accept": "text/html"})
        assert (404, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])


def test_a_session_that_ends_meanwhile_leads_to_the_door(staffed: Staffed) -> None:
    """An unknown page is no way around sign-in."""
    browser = staffed.signed_in("records")
    with staffed.city.state.database.write() as connection:
        past = staffed.city.state.clock.now() - timedelta(days=1)
        connection.execute(update(staff_sessions).values(seen_at=past))
    assert 303 == browser.client.get("/console/no-such").status_code
