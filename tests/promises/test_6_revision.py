"""Promise 6: every decision names the exact policy, and nothing is released under another than the active."""

from __future__ import annotations

import pytest

from gatekeeper.app import application, create_app
from gatekeeper.errors import LedgerUnavailable, PolicyUnavailable
from gatekeeper.ledger import Draft, Json
from gatekeeper.parts import laws_in_force
from gatekeeper.policy import Bundle, Embedded, load
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from tests.exchange.city import City, body
from tests.lawful import put_in_force
from tests.promises.made import document, nothing_leaves, once, other_policies, released
from tests.servers.gate import RunningGate
from tests.store.making import policy_named


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


def test_the_registry_chooses_the_law_of_each_request(city: City, bundle: Bundle, other: Bundle) -> None:
    """The request after an activation is decided by the new law, in a process that was never restarted."""
    city = city.with_gate(laws=laws_in_force(city.state))
    for active in (bundle, other, bundle):
        put_in_force(city.state, active)
        assert active.revision == document(city.ask(body()))["decision"]["policy"]["revision"]


def test_a_law_that_is_not_there_is_no_law(city: City, other: Bundle) -> None:
    """The registry names a revision of which there is no text: nothing is decided, and /readyz says so."""
    city = city.with_gate(laws=laws_in_force(city.state))
    policy: Json = {"revision": other.revision, "digest": other.digest}
    draft = Draft("policy.activated", "rev_0123456789abcdef", {"policy": policy, "previous": None}, {}, {})
    previous = city.gate.engine.bundle.revision
    city.state.ledger.append(draft, policy_named(other.revision, other.digest, previous=previous))
    nothing_leaves(city, PolicyUnavailable)
    given = application(city.state, city.gate, city.tokens, lambda _: None).test_client().get("/readyz")
    assert (503, "failed") == (given.status_code, given.get_json()["checks"]["policy"])
    with pytest.raises(PolicyUnavailable):
        create_app(city.state.settings)


def test_an_activation_in_the_middle_is_decided_again(city: City, other: Bundle) -> None:
    """The decision was a permit of the old revision; the release's commit sees the new one."""
    city = city.with_gate(laws=laws_in_force(city.state))
    once(city.reads, lambda: put_in_force(city.state, other))
    answered = city.ask(body())
    assert other.revision == document(answered)["decision"]["policy"]["revision"]
    assert [other.revision] == [entry["policy"]["revision"] for entry in released(city)]


def test_an_activation_there_and_back_is_decided_again(city: City, bundle: Bundle, other: Bundle) -> None:
    """The same revision is active again, but in between it was not: the first decision does not count."""
    city = city.with_gate(laws=laws_in_force(city.state))

    def there_and_back() -> None:
        put_in_force(city.state, other)
        put_in_force(city.state, bundle)

    once(city.reads, there_and_back)
    answered = city.ask(body())
    assert 200 == answered.status
    decided = [e for e in city.events() if e["event"] == "query.decided"]
    assert 2 == len(decided)
    assert [answered.query_id] == [entry["ref"] for entry in released(city)]


@pytest.mark.servers
def test_running_workers_follow_an_activation_at_once(served: RunningGate, other: Bundle) -> None:
    """Both workers decide by the new law with the next request, and by the old one when it is back.

    On a machine that others keep busy an answer may miss its lease; what is answered then is asked again.
    """
    before = load(served.data.parent / "policies")  # what the others' tests ask under
    for active in (other, before):
        state = open_state(Settings(data=served.data))
        try:
            put_in_force(state, active)
        finally:
            state.close()
        decided: list[str] = []
        for _ in range(40):
            given = served.ask(served.body())
            if given.status_code == 503:
                assert given.json()["type"].endswith("lease_expired"), given.text
                continue
            decided.append(given.json()["decision"]["policy"]["revision"])
            if len(decided) == 8:
                break
        assert [active.revision] * 8 == decided


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
