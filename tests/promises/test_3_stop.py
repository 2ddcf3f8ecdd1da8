"""Promise 3: after ``stop`` returns no record in its scope leaves, in any worker, whatever the policy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.app import application
from gatekeeper.errors import LedgerUnavailable, PolicyUnavailable
from gatekeeper.exchange import respond
from gatekeeper.ledger.stops import LEASE_SECONDS
from gatekeeper.oversight import stops
from gatekeeper.policy import Bundle
from gatekeeper.policy.opa import OpaServer
from gatekeeper.settings import Settings
from gatekeeper.store import Stop, administration
from gatekeeper.web.metrics import FAULTS
from tests.exchange.city import CAMERAS, City, body
from tests.promises.load import AGENCIES, Seen, under_load
from tests.promises.made import REASON, built_city, codes, document, once, released
from tests.promises.test_1_permit import fill, small_disk
from tests.servers.gate import RunningGate, environment

__all__ = ["small_disk"]

# --- Under load, over real sockets, in two workers. -------------------------------------------------------


@pytest.mark.servers
def test_no_record_leaves_after_stop_returned(served: RunningGate) -> None:
    """Sixteen clients ask without pause; from the moment the command is back none gets what was stopped."""
    camera = served.document["samples"]["cameras"][0]
    scopes = {
        "all": ["--all"],
        "agency": ["--agency", AGENCIES[0]],
        "kind": ["--kind", "local"],
        "camera": ["--camera", camera],
    }
    runs = []
    with under_load(served) as hammer:
        for scope, option in scopes.items():
            flowing = time.monotonic()
            time.sleep(0.3)
            asked = time.monotonic()
            done = served.command("stop", *option, "--reason", REASON, "--json")
            returned = time.monotonic()
            time.sleep(0.5)
            lifting = time.monotonic()
            stop_id = json.loads(done.stdout)["id"]
            served.command("resume", stop_id, "--reason", REASON)
            runs.append((scope, stop_id, (flowing, asked), (returned, lifting)))

    def stopped(answer: Seen, scope: str) -> bool:
        return (answer.agency == AGENCIES[0] or scope != "agency") and bool(
            _cameras_of(answer, scope, camera)
        )

    entries = served.entries()
    for scope, stop_id, before, during in runs:
        flowing_answers = [answer for answer in hammer.seen if before[0] <= answer.at < before[1]]
        answers = [answer for answer in hammer.seen if during[0] <= answer.at < during[1]]
        assert any(stopped(answer, scope) for answer in flowing_answers), f"nothing to stop: {scope}"
        assert answers, scope
        assert [] == [answer for answer in answers if stopped(answer, scope)], scope
        for answer in answers:
            if answer.status == 403:
                named = {p["code"] for p in answer.document["decision"]["provisions"]}
                assert "sharing_stopped" in named
        if scope in {"all", "kind"}:
            assert 200 not in {answer.status for answer in answers}, scope
        else:
            assert 200 in {answer.status for answer in answers}, f"the stop reached further than {scope}"
        receivers = {"camera": (), "agency": AGENCIES[:1]}.get(scope, AGENCIES)
        assert [] == _released_between(entries, stop_id, receivers)
    assert "consistent" in served.command("ledger", "verify").stdout


def _cameras_of(answer: Seen, scope: str, camera: str) -> set[str]:
    """Name the cameras whose reads the answer holds (only the one, where the stop is of a camera)."""
    found = {record["camera"]["id"] for record in answer.document.get("records", ())}
    return found & {camera} if scope == "camera" else found


def _released_between(
    entries: Sequence[Mapping[str, Any]], stop_id: str, agencies: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Return the releases to these agencies that lie between the stop and its lifting."""
    at = {entry["event"]: index for index, entry in enumerate(entries) if entry.get("stop") == stop_id}
    between = entries[at["stop.set"] : at["stop.lifted"]]
    return [e for e in between if e["event"] == "query.released" and e["agency"] in agencies]


# --- Between decision and release, in one process. --------------------------------------------------------


def _halt(city: City, scope: Any, value: str | None = None) -> None:
    stop = Stop(stops.new_stop_id(), scope, value, city.state.clock.now())
    stops.set_stop(
        city.state.ledger,
        stop=stop,
        rows=administration.set_stop(stop),
        reason=REASON,
        by="test",
        free=city.state.database.give_up_reserve,
    )


IN_THE_MIDDLE = [
    ("all", None),
    ("agency", "sample-il-pd"),
    ("kind", "local"),
    ("camera", "cam-1"),
]


@pytest.mark.parametrize(("scope", "value"), IN_THE_MIDDLE, ids=str)
def test_a_stop_between_decision_and_release_is_a_403(city: City, scope: str, value: str | None) -> None:
    """The decision was a permit and the reads are in memory: they stay there."""
    once(city.reads, lambda: _halt(city, scope, value))
    answered = city.ask(body())
    assert 403 == answered.status
    assert {"sharing_stopped"} == codes(answered)
    assert "records" not in document(answered)
    assert [] == released(city)
    last = city.events()[-1]
    assert ("query.refused", "sharing_stopped", "release") == (last["event"], last["reason"], last["stage"])


@pytest.mark.parametrize(("scope", "value"), [("agency", "sample-il-pd"), ("kind", "local")])
def test_a_stop_reaches_the_end_requester(city: City, scope: str, value: str) -> None:
    """Who is stopped cannot have a fusion center ask in its place."""
    asked = body(on_behalf_of={"agency": "sample-il-pd", "component": None, "person": "Pat Example"})
    assert 200 == city.ask(asked, "sample-fusion").status
    before = len(released(city))
    once(city.reads, lambda: _halt(city, scope, value))
    for _ in range(2):
        answered = city.ask(asked, "sample-fusion")
        assert 403 == answered.status
        assert "sharing_stopped" in codes(answered)
    assert before == len(released(city))


def test_a_stopped_camera_is_missing_and_the_others_are_not(city: City) -> None:
    """A stop of a camera stops its reads and no others; the store is not even asked for them."""
    _halt(city, "camera", "cam-1")
    answered = city.ask(body())
    assert 200 == answered.status
    assert set(CAMERAS) - {"cam-1"} == {r["camera"]["id"] for r in document(answered)["records"]}
    assert city.reads.asked[-1].cameras is not None
    assert "cam-1" not in city.reads.asked[-1].cameras


def test_a_page_asked_for_later_meets_the_stop(city: City) -> None:
    """A cursor from before the stop opens nothing after it."""
    from gatekeeper.exchange import further_records  # noqa: PLC0415  named where it is attacked

    first = document(city.ask(body()))
    assert first["next"]
    before = len(released(city))
    _halt(city, "agency", "sample-il-pd")
    answered = further_records(city.gate, city.presented("sample-il-pd"), first["query_id"], first["next"])
    assert 403 == answered.status
    assert before == len(released(city))


# --- The lease. -------------------------------------------------------------------------------------------


def _late(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    made = respond.permitted

    def late(*arguments: Any) -> respond.Answer:
        given = made(*arguments)
        time.sleep(seconds)
        return given

    monkeypatch.setattr(respond, "permitted", late)


def _told() -> float:
    return float(FAULTS.labels("lease_expired")._value.get())


@pytest.mark.parametrize(("seconds", "status"), [(0.0, 200), (LEASE_SECONDS + 0.05, 503)])
def test_a_body_is_not_started_after_its_lease(
    city: City, monkeypatch: pytest.MonkeyPatch, seconds: float, status: int
) -> None:
    """Committed in time, but late at the socket: a stop may have returned meanwhile, so nothing is sent.

    Whoever watches the gate's faults is told of it.
    """
    _late(monkeypatch, seconds)
    before = _told()
    client = application(city.state, city.gate, city.tokens, lambda _: None).test_client()
    given = client.post("/v1/queries", json=body(), headers={"Authorization": city.header("sample-il-pd")})
    assert status == given.status_code
    found = given.get_json(force=True)
    assert (status == 503) == _told() - before
    if status == 503:
        assert "records" not in found
        assert found["type"].endswith("lease_expired")
        assert "application/problem+json" == given.content_type
        assert str(len(given.data)) == given.headers["Content-Length"]
        last = city.events()[-1]
        assert ("query.refused", "lease_expired") == (last["event"], last["reason"])


def test_stop_returns_only_when_no_lease_can_be_left(city: City) -> None:
    """It waits for the longest lease of a release that was committed just before it."""
    began = time.monotonic()
    _halt(city, "all")
    assert time.monotonic() - began >= LEASE_SECONDS


# --- Whatever else is broken. -----------------------------------------------------------------------------


def _command(data: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gatekeeper", *arguments, "--data", str(data)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=30, env=environment(**env), check=False
    )


def test_a_stop_does_not_need_the_policy_engine_or_the_policies(city: City, tmp_path: Path) -> None:
    """The engine is dead, the policies are gone, the store of reads too: the stop is set all the same."""
    data = city.state.settings.data
    env = {
        "GATEKEEPER_ENGINE": "opa",
        "GATEKEEPER_OPA_URL": f"unix://{tmp_path}/nobody.sock",
        "GATEKEEPER_POLICIES": str(tmp_path / "nothing"),
        "GATEKEEPER_RECORDS_URL": "sqlite:////nothing/reads.db",
    }
    done = _command(data, "stop", "--all", "--reason", REASON, **env)
    assert 0 == done.returncode, done.stderr
    assert ["all"] == [stop.scope for stop in city.state.registry.stops()]
    dead = city.with_gate(engine=OpaServer(city.gate.engine.bundle, env["GATEKEEPER_OPA_URL"], timeout=0.3))
    with pytest.raises(PolicyUnavailable):
        dead.ask(body())
    answered = city.ask(body())
    assert (403, []) == (answered.status, released(city))


def test_a_stop_does_not_need_the_keys_of_tokens(city: City) -> None:
    """Whoever lost them is in the middle of an incident: that is when a stop is needed."""
    shutil.rmtree(city.state.settings.key_directory / "tokens")
    done = _command(city.state.settings.data, "stop", "--all", "--reason", REASON)
    assert 0 == done.returncode, done.stderr


@pytest.mark.needs("tmpfs")
@pytest.mark.parametrize("set_by", ["the command", "this process"])
def test_a_stop_commits_on_a_full_disk(
    small_disk: Path,
    bundle: Bundle,
    set_by: str,
) -> None:
    """The reserve is given up for it, and a release does not get that room first."""
    with built_city(
        Settings(data=small_disk / "city", engine="embedded", client_profiles="fapi basic"),
        bundle,
    ) as city:
        assert 200 == city.ask(body()).status
        fill(small_disk)
        _until_refused(lambda: city.ask(body()))
        before = len(released(city))
        if set_by == "the command":
            done = _command(small_disk / "city", "stop", "--all", "--reason", REASON)
            assert 0 == done.returncode, done.stderr
        else:
            _halt(city, "all")
        assert ["all"] == [stop.scope for stop in city.state.registry.stops()]
        assert 403 == city.ask(body()).status
        assert before == len(released(city))


@pytest.mark.needs("tmpfs")
def test_a_stop_commits_on_a_full_disk_on_the_first_of_a_new_day(
    small_disk: Path,
    bundle: Bundle,
) -> None:
    """There is no room for the new day's key either, until the reserve is given up."""
    with built_city(
        Settings(data=small_disk / "city", engine="embedded", client_profiles="fapi basic"),
        bundle,
    ) as city:
        key = city.state.settings.key_directory / "days" / f"{datetime.now(UTC).date()}.key"
        key.unlink()
        fill(small_disk)
        _until_refused(lambda: city.ask(body()))
        _halt(city, "all")
        assert ["all"] == [stop.scope for stop in city.state.registry.stops()]


def _until_refused(attempt: Callable[[], object]) -> None:
    for _ in range(50):
        try:
            attempt()
        except LedgerUnavailable:
            return
    pytest.fail("a full disk never refused")


@pytest.mark.servers
def test_a_stop_set_while_every_worker_hangs_holds_when_they_wake(served: RunningGate) -> None:
    """A worker that was asleep in the middle of a release must not send it when it wakes up."""
    import signal  # noqa: PLC0415  only here

    # A worker that wakes up late closes the connections that seem idle to it, some with a request in them.
    with under_load(served, resets=True) as hammer:
        asleep = served.workers()
        for worker in asleep:
            os.kill(worker, signal.SIGSTOP)
        try:
            # A worker may hold the log's lock in its sleep: then the command says that it could not stop.
            done = served.command("stop", "--all", "--reason", REASON, "--json", check=False)
        finally:
            for worker in asleep:
                os.kill(worker, signal.SIGCONT)
        woken = time.monotonic()
        if done.returncode:
            done = served.command("stop", "--all", "--reason", REASON, "--json")
            woken = time.monotonic()
        time.sleep(0.5)
        lifting = time.monotonic()
        served.command("resume", json.loads(done.stdout)["id"], "--reason", REASON)
    late = [answer for answer in hammer.seen if woken + 0.1 < answer.at < lifting]
    assert [] == [answer.status for answer in late if answer.document.get("records")]
