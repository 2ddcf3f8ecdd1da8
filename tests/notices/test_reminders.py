"""An agency is reminded 30, 14 and 3 days before what it signed ends: each once, whatever happens."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal

import pytest

from gatekeeper.cli import affirmation
from gatekeeper.errors import ClockUnreliable
from gatekeeper.ledger.canonical import decoded
from gatekeeper.notices.reminders import Reminding, due, hindrance
from gatekeeper.store import administration
from gatekeeper.store.notices import reminder_rows
from gatekeeper.store.values import Affirmation, Agency
from tests.exchange.city import NOW
from tests.notices.conftest import AGENCY, Receiver, Told
from tests.notices.test_mail import CHIEF, Post, contacts, posting, way
from tests.store.making import commit

TODAY = date(2026, 11, 25)
Kind = Literal["affirmation", "declaration"]
ENDS = 60


def _signed(left: int | None, *, whole: int = 365, kind: Kind = "affirmation", **more: Any) -> Affirmation:
    ends = None if left is None else TODAY + timedelta(days=left)
    signed_on = TODAY - timedelta(days=1) if ends is None else ends - timedelta(days=whole)
    return Affirmation(
        f"{kind}-{left}", AGENCY, kind, "2026-01", "Pat Sample", "Chief", signed_on, ends, None, **more
    )


def _agency(*signed: Affirmation, status: str = "active") -> Agency:
    return Agency(AGENCY, None, "Sample", "local", "IL", status, False, (CHIEF,), signed)


@pytest.mark.parametrize(
    ("signed", "days"),
    [
        ([_signed(31)], []),
        ([_signed(30)], [30]),
        ([_signed(15)], [30]),
        ([_signed(14)], [14]),
        ([_signed(4)], [14]),
        ([_signed(3)], [3]),
        ([_signed(1)], [3]),
        ([_signed(0)], []),
        ([_signed(-1)], []),
        ([_signed(None)], []),
        ([_signed(30, reminded_days=30)], []),
        ([_signed(14, reminded_days=30)], [14]),
        # A clock that was put back.
        ([_signed(14, reminded_days=3)], []),
        # Signed for a week: the reminder of 14 days would come with the signature.
        ([_signed(7, whole=7)], []),
        ([_signed(3, whole=7)], [3]),
        # Signed anew: what counts longest speaks for its kind, and only for it.
        ([_signed(3), _signed(300)], []),
        ([_signed(3), _signed(None)], []),
        ([_signed(3), _signed(300, kind="declaration")], [3]),
        ([_signed(3), _signed(14, kind="declaration")], [3, 14]),
        ([], []),
    ],
)
def test_what_is_due_follows_from_the_days_and_from_what_was_sent(
    signed: Sequence[Affirmation], days: Sequence[int]
) -> None:
    """Of several that were missed only the last."""
    assert [*days] == [each for _, each in due(_agency(*signed), TODAY)]


def test_a_closed_agency_is_reminded_of_nothing_and_a_suspended_one_is() -> None:
    """The second may come back."""
    assert [] == [*due(_agency(_signed(3), status="closed"), TODAY)]
    assert 1 == len([*due(_agency(_signed(3), status="suspended"), TODAY)])


def test_who_cannot_be_told_is_told_why() -> None:
    """No contact, or no mail server; a webhook is enough."""
    assert hindrance(_agency(), [], mail=True) is None
    assert "mail" == hindrance(_agency(), [], mail=False)
    silent = Agency(AGENCY, None, "Sample", "local", "IL", "active", False, ("847-555-0100",), ())
    assert "contact" == hindrance(silent, [], mail=True)
    assert "contact" == hindrance(silent, [], mail=False)


@pytest.fixture
def ending(told: Told) -> Told:
    """A city whose agency signed for sixty days more, and is told by mail."""
    contacts(told, CHIEF)
    told.ways = {}
    _sign(told, ENDS)
    return told


def _sign(told: Told, days: int) -> None:
    affirmation.record(
        told.city.state,
        AGENCY,
        kind="affirmation",
        text_version="2026-01",
        signer="Pat Sample",
        title="Chief (sample)",
        signed_on=(NOW - timedelta(days=300)).date(),
        expires_on=(NOW + timedelta(days=days)).date(),
    )


def _reminding(told: Told, **parts: Any) -> Reminding:
    state = told.city.state
    made: dict[str, Any] = {
        "ledger": state.ledger,
        "agencies": lambda: [found for found in state.registry.agencies() if found.id == AGENCY],
        "webhooks": told.endpoints.store.all,
        "rows": reminder_rows,
        "mail": True,
        "now": told.now,
    }
    return Reminding(**{**made, **parts})


def _left(told: Told, days: int) -> None:
    """Let it be so many days before the end."""
    told.late = timedelta(days=ENDS - days)


def _entries(told: Told) -> list[dict[str, Any]]:
    found = told.city.state.rows.entries(0, 10_000)
    return [decoded(each.entry) for each in found if each.event == "agency.reminded"]


def _mailed(told: Told, post: Post) -> list[str]:
    told.ways["mail"] = way(post)
    told.turns(told.deliverer(remind=_reminding(told)))
    return [str(message["Subject"]) for _, _, message in post.taken]


@pytest.fixture
def only_the_one(told: Told) -> None:
    """The city of the tests has signed before: that ends, so that one paper speaks."""
    state = told.city.state
    found = state.registry.agency(AGENCY)
    assert found is not None
    for signed in found.affirmations:
        commit(state.rows, administration.end_affirmation(signed.id, NOW.date()))


@pytest.mark.usefixtures("only_the_one")
def test_each_reminder_is_sent_once_by_mail_and_is_in_the_log(ending: Told) -> None:
    """Whatever is run again: another turn, another process, a restart, a clock that was put back."""
    with posting() as post:
        for left, letters in (
            (31, 0),
            (30, 1),
            (29, 1),
            (14, 2),
            (14, 2),
            (30, 2),
            (3, 3),
            (14, 3),
            (1, 3),
            (0, 3),
        ):
            _left(ending, left)
            assert letters == len(_mailed(ending, post)), left
    assert [30, 14, 3] == [entry["days"] for entry in _entries(ending)]
    ends = str((NOW + timedelta(days=ENDS)).date())
    assert {("affirmation", ends, AGENCY)} == {
        (entry["kind"], entry["expires_on"], entry["agency"]) for entry in _entries(ending)
    }
    message = post.taken[0][2]
    assert f"city.example: your affirmation ends on {ends}" == message["Subject"]
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "https://alpr.city.example/v1/agency" in plain.get_content()
    assert "signs anew" in plain.get_content()
    assert "Pat Sample" not in message.as_string()


@pytest.mark.usefixtures("only_the_one")
def test_of_processes_that_remind_at_once_one_does(ending: Told) -> None:
    """The others are refused by the mark, and go on."""
    _left(ending, 14)
    agencies = ending.city.state.registry.agencies()
    start, sent = threading.Barrier(4), []

    def run() -> None:
        reminding = _reminding(ending, agencies=lambda: [one for one in agencies if one.id == AGENCY])
        start.wait()
        sent.append(reminding())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [0, 0, 0, 1] == sorted(sent)
    assert 1 == len(_entries(ending))


@pytest.mark.usefixtures("only_the_one")
def test_who_could_not_be_told_is_reminded_as_soon_as_it_can_be(ending: Told) -> None:
    """Without a contact, or without a mail server, nothing says that it was."""
    contacts(ending, "847-555-0100")
    _left(ending, 20)
    assert 0 == _reminding(ending)()
    contacts(ending, CHIEF)
    assert 0 == _reminding(ending, mail=False)()
    assert [] == _entries(ending)
    assert 1 == _reminding(ending)()
    assert [30] == [entry["days"] for entry in _entries(ending)]


@pytest.mark.usefixtures("only_the_one")
def test_a_clock_that_is_off_reminds_nobody(ending: Told) -> None:
    """Nor does it end the thread."""

    def off() -> Any:
        raise ClockUnreliable("the clock is off")

    _left(ending, 14)
    deliverer = ending.deliverer(remind=_reminding(ending, now=off))
    assert deliverer.turn() is False
    assert [] == _entries(ending)


@pytest.mark.usefixtures("only_the_one")
def test_what_was_signed_anew_meanwhile_is_not_told(ending: Told) -> None:
    """The mail server was away; when it is back, the letter would be wrong."""
    _left(ending, 14)
    assert 1 == _reminding(ending)()
    _sign(ending, 600)
    with posting() as post:
        assert [] == _mailed(ending, post)
    (delivery,) = ending.all()
    assert ("dropped", "signed_anew") == (delivery.state, delivery.last_code)


@pytest.mark.usefixtures("only_the_one")
def test_a_webhook_is_told_what_ends_and_when(told: Told, receiver: Receiver) -> None:
    """And where its standing is shown; signed as every notice is."""
    _sign(told, ENDS)
    told.endpoints.add(AGENCY, receiver.url, by="operator")
    _left(told, 3)
    told.turns(told.deliverer(remind=_reminding(told, mail=False)))
    (got,) = receiver.got
    sent = json.loads(got.body)
    assert "agency.reminded" == sent["type"]
    assert {
        "kind": "affirmation",
        "expires_on": str((NOW + timedelta(days=ENDS)).date()),
        "state": "ending",
        "url": f"{told.city.state.settings.issuer}/v1/agency",
    } == sent["data"]
