"""Promise 3 by the console: after the page that says so no record leaves, in any worker."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pyotp
import requests

from tests.promises.load import AGENCIES, under_load
from tests.promises.made import REASON
from tests.servers.gate import PATIENCE_SECONDS, RunningGate


class _Person:
    """A member of staff with a browser that knows cookies and forms."""

    def __init__(self, gate: RunningGate, username: str) -> None:
        self._console = f"{gate.base_url}/console"
        self._session = requests.Session()
        (own,) = [person for person in gate.document["staff"] if person["username"] == username]
        page = self.get("/sign-in")
        code = pyotp.TOTP(own["totp_secret"]).at(datetime.now(UTC))
        answer = self.send("/sign-in", page, username=username, password=own["password"], code=code)
        assert "/sign-in" not in answer.url, answer.text

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._console + path, timeout=PATIENCE_SECONDS)

    def send(self, path: str, page: requests.Response, **typed: str) -> requests.Response:
        """Send the page's form, with what it hides and what is typed."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        return self._session.post(self._console + path, data=hidden | typed, timeout=PATIENCE_SECONDS)


def test_no_record_leaves_after_the_page_said_so(served: RunningGate) -> None:
    """Two people stop the same at once under load; from the first page on nothing comes, until both lift."""
    people = [_Person(served, name) for name in ("riley.records", "casey.counsel")]
    with under_load(served) as hammer:
        flowing = time.monotonic()
        while time.monotonic() < flowing + 30:  # a worker may be loading the law, the machine be busy
            if any(a.status == 200 and a.at >= flowing for a in list(hammer.seen)):
                break
            time.sleep(0.1)
        time.sleep(0.5)
        asked = time.monotonic()
        stopped = []
        for person in people:
            first = person.get("/stops/new?scope=kind")
            page = person.send("/stops/confirm", first, scope="kind", value="local", reason=REASON)
            assert "Stop now" in page.text
            stopped.append(person.send("/stops", page))
        said = time.monotonic()
        for answer in stopped:
            assert "Nothing in its scope is released from entry" in answer.text
        first_entry = int(re.findall(r"released from entry (\d+) on", stopped[0].text)[0])
        time.sleep(0.5)
        ways = [answer.url.removeprefix(f"{served.base_url}/console") + "/resume" for answer in stopped]
        _lift(people[0], ways[0])
        time.sleep(0.5)
        lifting = time.monotonic()
        _lift(people[1], ways[1])
        time.sleep(0.5)
    assert any(a.status == 200 for a in hammer.seen if flowing <= a.at < asked), "nothing to stop"
    during = [answer for answer in hammer.seen if said <= answer.at < lifting]
    assert {403} == {answer.status for answer in during}, "a record left although the page said none does"
    assert any(answer.status == 200 for answer in hammer.seen if answer.at >= lifting)
    entries = served.entries()
    assert ("stop.set", "kind") == (entries[first_entry]["event"], entries[first_entry]["scope"])
    last = max(n for n, entry in enumerate(entries) if entry["event"] == "stop.lifted")
    released = [e for e in entries[first_entry:last] if e["event"] == "query.released"]
    assert [] == [entry for entry in released if entry["agency"] in AGENCIES]
    assert "consistent" in served.command("ledger", "verify").stdout


def _lift(person: _Person, way: str) -> None:
    page = person.send(way, person.get(way), reason=REASON)
    assert "Was stopped" in person.send(way, page).text
