"""A person keeps views of the queue under names that only they see."""

from __future__ import annotations

import re

from werkzeug.test import TestResponse

from gatekeeper.store.views import MOST_VIEWS
from tests.console.conftest import Browser, Staffed

QUEUE = "/console/reviews"
VIEWS = "/console/reviews/views"


def _send(browser: Browser, path: str, **form: str) -> TestResponse:
    return browser.client.post(path, data={"form": browser.token(browser.client.get(QUEUE)), **form})


def _ids(browser: Browser) -> list[str]:
    return re.findall(r'name="view" value="(view_[0-9a-f]+)"', browser.client.get(QUEUE).text)


def test_a_view_is_kept_renamed_and_deleted(staffed: Staffed) -> None:
    """It leads to the filter that was shown when it was kept."""
    browser = staffed.signed_in("auditor")
    answer = _send(browser, VIEWS, name=" Wisconsin <b>", filter="agency=sample-wi-pd&state=upheld")
    assert (303, f"{QUEUE}?state=upheld&agency=sample-wi-pd") == (
        answer.status_code,
        answer.headers["Location"],
    )
    shown = browser.client.get(QUEUE).text
    assert f'href="{QUEUE}?state=upheld&amp;agency=sample-wi-pd">Wisconsin &lt;b&gt; ' in shown
    (view,) = _ids(browser)
    assert 303 == _send(browser, f"{VIEWS}/rename", view=view, name="Other").status_code
    assert ">Other <" in browser.client.get(QUEUE).text
    assert 303 == _send(browser, f"{VIEWS}/delete", view=view).status_code
    assert [] == _ids(browser)


def test_nobody_elses_view_is_seen_or_changed(staffed: Staffed) -> None:
    """Whoever knows its id learns and does nothing."""
    owner, other = staffed.signed_in("records"), staffed.signed_in("counsel")
    _send(owner, VIEWS, name="Mine alone", filter="due=4h")
    (view,) = _ids(owner)
    assert "Mine alone" not in other.client.get(QUEUE).text
    assert 404 == _send(other, f"{VIEWS}/rename", view=view, name="Stolen").status_code
    assert 404 == _send(other, f"{VIEWS}/delete", view=view).status_code
    assert 404 == _send(other, f"{VIEWS}/delete", view="\x00").status_code
    assert [view] == _ids(owner)
    assert "Stolen" not in owner.client.get(QUEUE).text


def test_faults_stand_beside_their_field(staffed: Staffed) -> None:
    """No name, a name that is taken, too many views, a filter that is none."""
    browser = staffed.signed_in("records")
    for number in range(MOST_VIEWS):
        assert 303 == _send(browser, VIEWS, name=f"View {number}", filter="due=1d").status_code
    full = _send(browser, VIEWS, name="One more", filter="due=1d")
    assert (422, True) == (full.status_code, "Delete one first" in full.text)
    first, second = _ids(browser)[:2]
    taken = _send(browser, f"{VIEWS}/rename", view=first, name="View 1")
    assert (422, True) == (taken.status_code, f'href="#name-{first}"' in taken.text)
    assert 303 == _send(browser, f"{VIEWS}/rename", view=second, name="View 1").status_code
    for name in ("", " ", "a\x00b", "x" * 81):
        answer = _send(browser, VIEWS, name=name, filter="")
        assert (422, True) == (answer.status_code, 'href="#name"' in answer.text), name
    assert 404 == _send(browser, VIEWS, name="Bad", filter="state=nonsense").status_code
    assert 403 == browser.client.post(VIEWS, data={"name": "Forged", "filter": ""}).status_code
