"""Legal changes the law on the demo: written, refused, mended, tried on the past, approved, in force, undone.

The past is GATEKEEPER_TEST_PAST_QUERIES queries (20,000 if it is not set). GATEKEEPER_TEST_PICTURES names a
directory for pictures of the pages.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gatekeeper import settings as configuration
from gatekeeper.cli.sample_agencies import AGENCIES
from gatekeeper.policy import load, shipped_policies
from gatekeeper.state import lay_out, open_state
from tests.browser.chromium import Chromium, Tab
from tests.browser.town import Town, sign_in
from tests.revisions.replay.past import fill
from tests.servers.gate import RunningGate, running_gate, small_city

pytestmark = pytest.mark.needs("chromium")

PAST = int(os.environ.get("GATEKEEPER_TEST_PAST_QUERIES", "20000"))
AGENCY = "maple-falls-pd"
CODE = "sample_pause"
RULE = f"sharing/{CODE}/{CODE}.rego"
WRITTEN = f'satisfied if "{AGENCY}" != input.agency.id'
TESTS = f"""package sharing.{CODE}_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.{CODE}

test_satisfied_by_another_agency if {CODE}.satisfied with input as request

test_agency_that_pauses if not {CODE}.satisfied with input as having("/agency/id", "{AGENCY}")

test_agency_missing if not {CODE}.satisfied with input as without("/agency/id")
"""
WHY = "The sample council adopted this on 24 November."
CITY_TIME = ZoneInfo("America/Chicago")


@dataclass
class Asked:
    """What an agency was told, and when it asked and heard."""

    status: int
    revision: str
    provisions: list[str]
    asked: datetime
    heard: datetime


@pytest.fixture
def past_town(tmp_path: Path) -> Iterator[Town]:
    """Return a demo that was asked many times before."""
    data = tmp_path / "city"
    city = configuration.load(data=data, engine="embedded", allow_basic=True)
    lay_out(city)
    state, now = open_state(city), datetime.now(UTC)
    agencies = [
        (one.id, one.name, one.kind, one.state, bool(one.affirmed or one.declared))
        for one in AGENCIES
        if one.status == "active"
    ]
    since, until = now - timedelta(days=40), now - timedelta(hours=1)
    fill(state, load(shipped_policies()), PAST, since=since, until=until, agencies=agencies)
    state.close()
    with running_gate(data, reads=small_city(tmp_path)) as gate:
        yield Town(gate)


@dataclass
class Person:
    """One person at the console."""

    tab: Tab
    town: Town
    name: str
    pictures: int = 0

    def opens(self, path: str) -> None:
        """Open a page of the law."""
        self.tab.open(f"{self.town.gate.base_url}/console/policies{path}")

    def sees(self, *texts: str, within: float = 60) -> str:
        """Wait until the page says all of these; nothing on it may be out of reach, or complained of."""
        until = time.monotonic() + within
        while not all(text in (said := self.tab.text()) for text in texts):
            assert time.monotonic() < until, f"{texts} is not on the page: {said}"
            time.sleep(0.3)
        return said

    def looks(self) -> None:
        """Have the page examined, and a picture of it taken if anybody wants one."""
        assert ([], []) == (self.tab.facts()["complaints"], self.tab.axe())
        assert [] == self.tab.overflow(360)
        if where := os.environ.get("GATEKEEPER_TEST_PICTURES"):
            self.pictures += 1
            for width in (1200, 360):
                name = f"policy-{self.name}-{self.pictures:02}-{width}.png".replace(" ", "-")
                self.tab.picture(Path(where) / name, width)


def test_a_law_from_the_first_line_to_its_undoing(browser: Chromium, past_town: Town) -> None:
    """Three people of the city, one agency, and the log at the end."""
    author, second, counsel = (
        _person(browser, past_town, role, which)
        for role, which in (("legal", 0), ("legal", 1), ("counsel", 0))
    )
    _write(author)
    revision = _propose(author)
    _check_and_replay(author, revision)
    with _asking(past_town.gate) as answers:
        moment = _approve(second, counsel, revision)
        _until(lambda: _denied(answers), 90)
        began = time.monotonic()
        _roll_back(second, counsel)
        took = time.monotonic() - began
        back = datetime.now(UTC)
        _until(lambda: any(a.status == 200 and a.asked > back for a in list(answers)), 30)
    assert took < 10, took
    # Whoever asked after the moment was judged by the new law; nobody before it was.
    assert [CODE] == _denied(answers)[0].provisions
    assert all(a.heard >= moment for a in _denied(answers))
    assert not [
        a for a in answers if a.status == 200 and moment <= a.asked and a.heard < _denied(answers)[-1].asked
    ]
    _agrees(past_town.gate)


def _write(author: Person) -> None:
    author.opens("")
    author.looks()
    author.opens("/draft/new")
    tab = author.tab
    for field, typed in (
        ("code", CODE),
        ("title", "Sample pause"),
        ("citation", "City Code 9"),
        ("rules", "EV-7"),
    ):
        tab.reach(field)
        tab.types(typed)
    tab.press("Begin it in the draft")
    author.sees("Sample pause", "Nothing is wrong with the draft")
    # The first version has a mistake, and is refused in plain words.
    tab.reach("text-0-editor")
    tab.key("Control+End")
    tab.key("Enter")
    tab.types(f"{WRITTEN}d")
    author.sees("looks at input.agency.idd, which does not exist", "Correct the spelling")
    author.looks()
    tab.press("Keep in the draft")
    author.opens("/draft/propose")
    tab.fill("Why should the law change?", WHY)
    tab.press("Propose it")
    author.sees("looks at input.agency.idd, which does not exist", RULE)
    author.looks()
    # Mended, and tested beside.
    author.opens(f"/draft/file?path={RULE}")
    tab.reach("text-0-editor")
    tab.key("Control+End")
    tab.key("ArrowLeft")  # before the last line's end
    tab.key("Backspace")
    author.sees("Nothing is wrong with the draft")
    tab.key("Escape")
    tab.reach("text-1-editor")
    tab.key("Control+a")
    tab.types(TESTS)
    tab.key("Escape")
    tab.reach("Run its tests")
    tab.key("Enter")
    author.sees("All 3 pass", "Nothing is wrong with the draft")
    author.looks()
    tab.press("Keep in the draft")


def _propose(author: Person) -> str:
    author.opens("/draft/propose")
    author.tab.fill("Why should the law change?", WHY)
    ended = author.tab.press("Propose it")
    assert "/console/policies/revisions/rev_" in ended, author.tab.text()
    author.looks()
    return ended.rsplit("/", 1)[-1].split("?")[0]


def _check_and_replay(author: Person, revision: str) -> None:
    path = f"/revisions/{revision}"
    author.opens(path)
    author.tab.press("Check it")
    _again(author, path, "Replay it on past queries", within=300)
    author.looks()
    author.tab.press("Replay")
    said = _again(author, path, "Newly denied", within=300)
    assert f"{PAST:,}" in said or str(PAST) in said, said
    author.looks()


def _again(person: Person, path: str, text: str, *, within: float) -> str:
    """Load a page again until it says something, as somebody without scripts would."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        person.opens(path)
        if text in (said := person.tab.text()):
            return said
        time.sleep(1)
    raise AssertionError(person.tab.text())


def _approve(second: Person, counsel: Person, revision: str) -> datetime:
    """Have two people approve it for the next minute but one; return the moment."""
    soon = datetime.now(UTC) + timedelta(seconds=75)
    moment = soon.replace(second=0, microsecond=0) + (
        timedelta(minutes=1) if soon.second > 30 else timedelta()
    )
    if moment < datetime.now(UTC) + timedelta(seconds=40):
        moment += timedelta(minutes=1)
    local = moment.astimezone(CITY_TIME).strftime("%Y-%m-%dT%H:%M")
    second.opens(f"/revisions/{revision}/approve?at={local}")
    second.looks()
    second.tab.fill("Why is it right?", WHY)
    second.tab.press("Approve it as the first person")
    counsel.opens(f"/revisions/{revision}/approve")
    counsel.looks()
    counsel.tab.fill("Why is it right?", WHY)
    counsel.tab.press("Approve it as the second person")
    counsel.looks()
    return moment


def _roll_back(second: Person, counsel: Person) -> None:
    state = open_state(configuration.load(data=second.town.gate.data))
    earlier = state.lifecycle().store.active()
    state.close()
    assert earlier is not None
    second.opens(f"/revisions/{earlier.base}/rollback")
    second.tab.fill("Why?", WHY)
    second.tab.press("Ask for the return")
    counsel.opens(f"/revisions/{earlier.base}/rollback")
    counsel.tab.fill("Why?", WHY)
    counsel.tab.press("Confirm: roll back now")


def _person(browser: Chromium, town: Town, role: str, which: int) -> Person:
    tab = browser.tab()
    sign_in(tab, town, town.person(role, which))
    return Person(tab, town, f"{role} {which}")


class _asking:  # noqa: N801  (used as a function is)
    """An agency asks without pause; what it was told is noted."""

    def __init__(self, gate: RunningGate) -> None:
        self._gate, self._done, self.answers = gate, threading.Event(), list[Asked]()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> list[Asked]:
        self._gate.token(AGENCY)
        self._thread.start()
        return self.answers

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._done.is_set():
            asked = datetime.now(UTC)
            given = self._gate.ask(self._gate.body())
            decision: dict[str, Any] = given.json().get("decision", {})
            codes = [one["code"] for one in decision.get("provisions", [])]
            revision = decision.get("policy", {}).get("revision", "")
            self.answers.append(Asked(given.status_code, revision, codes, asked, datetime.now(UTC)))
            time.sleep(0.05)


def _denied(answers: list[Asked]) -> list[Asked]:
    return [answer for answer in list(answers) if answer.status == 403]


def _until(holds: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def _agrees(gate: RunningGate) -> None:
    """See that each release in the log is by the law that was in force at its place."""
    in_force, changes = None, []
    for entry in gate.entries():
        if entry["event"] in ("policy.activated", "policy.rolled_back"):
            in_force = entry["policy"]["revision"]
            changes.append(entry["event"])
        elif entry["event"] == "query.released":
            assert in_force == entry["policy"]["revision"], json.dumps(entry)
    assert ["policy.activated", "policy.rolled_back"] == changes[-2:]
