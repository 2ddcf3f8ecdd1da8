"""What staff see of what agencies were told, and that they can have it tried again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.review.queue import PAGE
from gatekeeper.store.notice_reading import NoticeReading
from gatekeeper.store.notices import Outbox, Recipient
from gatekeeper.store.values import Delivery
from tests.console.conftest import Browser, Staffed
from tests.console.test_queue import _denied as denied
from tests.exchange.city import PLATE

NOTICES = "/console/notices"
LETTER: Recipient = ("mail", "mail", "chief@agency.example")


def spread(staffed: Staffed, *recipients: Recipient) -> Sequence[Delivery]:
    """Make deliveries of all there is; return them."""
    state, now = staffed.city.state, staffed.city.state.clock.now()
    outbox = Outbox(state.database)
    told = [(notice, recipients) for notice in outbox.unspread(1000)]
    outbox.spread(told, now, most_waiting=1000)
    return NoticeReading(state.database).page(["waiting"], most=1000)


def failed(staffed: Staffed, code: str, state: str = "waiting") -> Delivery:
    """Claim one delivery and let it fail."""
    outbox, now = Outbox(staffed.city.state.database), staffed.city.state.clock.now()
    (held,) = outbox.claim(now, until=now + timedelta(minutes=2), most=1)
    outbox.settle(held, state, code=code, at=now, next_at=now + timedelta(hours=1))  # type: ignore[arg-type]
    return held


def try_now(browser: Browser, delivery_id: str, **changes: str) -> int:
    """Send the form that has it tried; return the answer's status."""
    form = {"form": browser.token(browser.client.get(NOTICES))} | changes
    return browser.client.post(f"{NOTICES}/{delivery_id}/try", data=form).status_code


def test_what_has_not_arrived_is_shown_with_why(staffed: Staffed) -> None:
    """Which request, what happened, to whom; and nothing that the agency typed."""
    query_id = denied(staffed, "investigation of secrets")
    spread(staffed, LETTER, ("webhook", "hook_unknown", None))
    failed(staffed, "status_503")
    failed(staffed, "recipient_refused", "given_up")
    shown = staffed.signed_in("records").client.get(NOTICES).text
    for said in (query_id[:12], ">queued</a>", "chief@agency.example", "sample-il-pd"):
        assert said in shown
    assert "answered with status 503" in shown
    assert "recipient refused" in shown
    for private in ("secrets", PLATE, "Pat Example"):
        assert private not in shown


def test_when_everything_arrived_the_page_says_so(staffed: Staffed) -> None:
    """Also for a filter that nobody can read, and one for which there is nothing."""
    browser = staffed.signed_in("auditor")
    assert "Every agency has been told everything." in browser.client.get(NOTICES).text
    assert "There is none." in browser.client.get(f"{NOTICES}?pile=dropped").text
    assert "This agency has been told everything." in browser.client.get(f"{NOTICES}?agency=nobody").text
    odd = browser.client.get(f"{NOTICES}?pile=everything")
    assert 400 == odd.status_code
    assert "could not be read" in odd.text
    assert 200 == browser.client.get(f"{NOTICES}?after=nonsense").status_code


def test_a_delivery_is_tried_now_when_staff_say_so(staffed: Staffed) -> None:
    """Of what waits and of what was given up; whoever is late is told."""
    denied(staffed)
    spread(staffed, LETTER)
    held = failed(staffed, "timed_out", "given_up")
    browser = staffed.signed_in("records")
    assert 303 == try_now(browser, held.id)
    now = staffed.city.state.clock.now()
    assert (held.id,) == tuple(
        d.id for d in Outbox(staffed.city.state.database).claim(now, until=now + timedelta(hours=1), most=1)
    )
    assert 409 == try_now(browser, held.id)
    assert 409 == try_now(browser, "msg_unknown")


def test_who_only_reads_tries_nothing_and_who_may_not_read_sees_nothing(staffed: Staffed) -> None:
    """No button, and no way around it; nor with a form that was not ours."""
    denied(staffed)
    (waiting,) = spread(staffed, LETTER)
    failed(staffed, "timed_out")
    reader = staffed.signed_in("auditor")
    assert "Try now" not in reader.client.get(NOTICES).text
    assert 403 == try_now(reader, waiting.id)
    assert 403 == staffed.signed_in("admin").client.get(NOTICES).status_code
    assert 403 == try_now(staffed.signed_in("records"), waiting.id, form="0" * 64)
    assert 303 == staffed.app.test_client().get(NOTICES).status_code
    assert "timed_out" == NoticeReading(staffed.city.state.database).page(["waiting"], most=9)[0].last_code


def test_many_come_in_pages(staffed: Staffed) -> None:
    """Each once, the latest first."""
    denied(staffed)
    spread(staffed, *(("mail", "mail", f"a{n}@agency.example") for n in range(PAGE + 5)))
    browser = staffed.signed_in("records")
    first = browser.client.get(NOTICES).text
    (further,) = re.findall(r'href="(/console/notices\?[^"]*after=[^"]*)"', first)
    second = browser.client.get(further.replace("&amp;", "&")).text
    seen = re.findall(r"a\d+@agency\.example", re.sub(r'aria-label="[^"]*"', "", first + second))
    assert PAGE + 5 == len(seen) == len(set(seen))


def test_an_address_is_text(staffed: Staffed) -> None:
    """Whatever was registered."""
    denied(staffed)
    spread(staffed, ("mail", "mail", '"><script>alert(1)</script>@x.example'))
    shown = staffed.signed_in("records").client.get(NOTICES).text
    assert "<script>alert" not in shown


def test_when_the_store_is_away_the_page_says_that_too(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not an empty list: nobody must believe that all is well."""

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    browser = staffed.signed_in("records")
    monkeypatch.setattr(NoticeReading, "page", away)
    answer = browser.client.get(NOTICES)
    assert 503 == answer.status_code
    assert "told everything" not in answer.text
