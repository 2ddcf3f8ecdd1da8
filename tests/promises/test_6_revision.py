"""Promise 6: every decision names the exact policy, and nothing is released under another than the active."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gatekeeper.app import application, create_app
from gatekeeper.errors import LedgerUnavailable, PolicyUnavailable
from gatekeeper.parts import activate
from gatekeeper.policy import Bundle, Embedded, load, shipped_policies
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from tests.exchange.city import City, body
from tests.promises.made import document, nothing_leaves, once, other_policies, released
from tests.servers.gate import RunningGate


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return another revision."""
    return other_policies(tmp_path_factory.mktemp("other") / "policies")


def test_answer_and_log_name_the_active_revision(city: City, bundle: Bundle) -> None:
    """Permit, denial, preview and release alike."""
    exact = {"revision": bundle.revision, "digest": bundle.digest}
    for accepted, dry_run in ((True, False), (False, False), (True, True)):
        answered = city.ask(body(attestation__accepted=accepted), dry_run=dry_run)
        assert exact == document(answered)["decision"]["policy"]
        own = [entry for entry in city.events() if entry["ref"] == answered.query_id]
        assert own
        assert all(exact == entry["policy"] for entry in own)
    assert bundle.digest.removeprefix("sha256:")[:12] in bundle.revision


def test_a_worker_with_other_policies_releases_nothing(city: City, other: Bundle) -> None:
    """Last week's law, or one that nobody activated: it may decide, but nothing leaves by it."""
    assert other.revision != city.gate.engine.bundle.revision
    nothing_leaves(city.with_gate(engine=Embedded(other)), LedgerUnavailable, PolicyUnavailable)


def test_a_worker_with_other_policies_says_so(city: City, other: Bundle) -> None:
    """/readyz takes it out of service."""
    for engine, status in ((Embedded(other), 503), (city.gate.engine, 200)):
        gate = city.with_gate(engine=engine).gate
        given = application(city.state, gate, city.tokens, lambda _: None).test_client().get("/readyz")
        assert (status, "ok" if status == 200 else "failed") == (
            given.status_code,
            given.get_json()["checks"]["policy"],
        )


def test_a_worker_with_other_policies_does_not_start(city: City, other: Bundle) -> None:
    """The active revision is what the registry says, not what a directory holds."""
    activate(city.state, other, "test")
    with pytest.raises(PolicyUnavailable):
        create_app(city.state.settings)


def test_an_activation_in_the_middle_releases_nothing_by_the_old_law(city: City, other: Bundle) -> None:
    """The decision was a permit of the old revision; the release's commit sees the new one."""
    once(city.reads, lambda: activate(city.state, other, "test"))
    nothing_leaves(city, LedgerUnavailable, PolicyUnavailable)


def test_an_activation_there_and_back_is_decided_again(city: City, bundle: Bundle, other: Bundle) -> None:
    """The same revision is active again, but in between it was not: the first decision does not count."""

    def there_and_back() -> None:
        activate(city.state, other, "test")
        activate(city.state, bundle, "test")

    once(city.reads, there_and_back)
    answered = city.ask(body())
    assert 200 == answered.status
    decided = [e for e in city.events() if e["event"] == "query.decided"]
    assert 2 == len(decided)
    assert [answered.query_id] == [entry["ref"] for entry in released(city)]


@contextmanager
def _active(gate: RunningGate, bundle: Bundle) -> Iterator[None]:
    def make(active: Bundle) -> None:
        state = open_state(Settings(data=gate.data))
        try:
            activate(state, active, "test")
        finally:
            state.close()

    make(bundle)
    try:
        yield
    finally:
        make(load(shipped_policies()))


@pytest.mark.servers
def test_running_workers_release_nothing_once_another_policy_is_active(
    served: RunningGate, other: Bundle
) -> None:
    """Both workers stop releasing with the next request, and say that they are not ready."""
    assert 200 == served.ask(served.body()).status_code
    with _active(served, other):
        for _ in range(8):
            given = served.ask(served.body())
            assert 503 == given.status_code
            assert "records" not in given.json()
            ready = served.session.get(f"{served.base_url}/readyz", timeout=5)
            assert (503, "failed") == (ready.status_code, ready.json()["checks"]["policy"])
    time.sleep(0.1)
    assert 200 == served.ask(served.body()).status_code


@pytest.mark.servers
def test_every_release_of_a_running_city_is_by_the_revision_that_was_active(served: RunningGate) -> None:
    """Derived from the log alone: the last activation before each release."""
    served.ask(served.body())
    active = None
    for entry in served.entries():
        if entry["event"] == "policy.activated":
            active = entry["policy"]
        elif entry["event"] == "query.released":
            assert active == entry["policy"]
