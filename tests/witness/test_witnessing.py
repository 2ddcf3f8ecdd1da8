"""A city whose log is witnessed: what is published, and who is said to be missing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.app import application, create_app
from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger import VerifierKey, open_checkpoint
from gatekeeper.parts import load_bundle, witnessed_of, witnesses, witnessing
from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from gatekeeper.witness.client import Witness
from gatekeeper.witness.keeper import Keeper
from tests.exchange.city import City, body
from tests.lawful import put_in_force
from tests.witness.made import new_keeper, served

NAMES = ("maple.example", "herald.example")


@pytest.fixture
def two(city: City, tmp_path: Path) -> Iterator[list[tuple[Keeper, Witness]]]:
    """Two witnesses of a city's log."""
    with ExitStack() as stack:
        keepers = [new_keeper(tmp_path / name, city.state.log_key, name=name) for name in NAMES]
        yield [(keeper, stack.enter_context(served(keeper))) for keeper in keepers]


def named(city: City, *found: Witness, quorum: str = "all") -> City:
    """Return the city with a file of witnesses, published at once."""
    file = city.state.settings.data / "witnesses"
    lines = [f"witness {one.key.name} {one.key} {one.url}" for one in found]
    names = " ".join(one.key.name for one in found)
    lines += [f"group both {quorum} {names}", "quorum both"] if quorum != "none" else ["quorum none"]
    file.write_text("\n".join(lines) + "\n")
    settings = replace(city.state.settings, witnesses=str(file), publish_every=0)
    return replace(city, state=replace(city.state, settings=settings))


def asked(city: City) -> bool:
    """Ask the witnesses once, as the running service does; say whether one more cosigned."""
    asking = witnessing(city.state, lambda _: None)
    assert asking is not None
    return asking.step()


def test_the_published_checkpoint_carries_what_witnesses_signed(
    city: City, two: list[tuple[Keeper, Witness]]
) -> None:
    """Once all have, nobody is asked again until the log has grown."""
    ours = named(city, *(witness for _, witness in two))
    city.ask(body())
    policy, published = witnesses(ours.state.settings), ours.state.published()
    assert policy is not None
    assert not policy.met_by(published.file("checkpoint").decode(), ours.state.log_key.verifier)
    assert asked(ours)
    text = published.file("checkpoint").decode()
    assert policy.met_by(text, ours.state.log_key.verifier)
    assert asked(ours)
    assert text == published.file("checkpoint").decode()
    city.ask(body())
    size = city.state.rows.head().size
    grown = published.file("checkpoint").decode()
    assert size == open_checkpoint(grown, ours.state.log_key.verifier).size
    assert not policy.cosigned(grown)  # published at once; the witnesses follow
    assert asked(ours)
    assert set(NAMES) == set(policy.cosigned(published.file("checkpoint").decode()))
    assert [size, size] == [keeper.logs()[0].last.size for keeper, _ in two]


def test_one_that_stays_away_is_named_and_keeps_nothing_back(
    city: City, two: list[tuple[Keeper, Witness]]
) -> None:
    """The log is published without it; /readyz and the page say who is missing; the service stays ready."""
    here, away = two[0][1], replace(two[1][1], url="http://127.0.0.1:9")
    ours = named(city, here, away)
    client = application(ours.state, ours.gate, ours.tokens, lambda _: None).test_client()
    city.ask(body())
    assert asked(ours)
    ready = client.get("/readyz")
    told = ready.get_json()["witnesses"]
    assert (200, "not_met") == (ready.status_code, told["quorum"])
    assert (["maple.example"], ["herald.example"]) == (told["cosigned"], told["missing"])
    assert not asked(ours)  # nobody new: no further text is kept
    rows = ours.state.published().file("checkpoint")
    assert not asked(ours)
    assert rows == ours.state.published().file("checkpoint")
    enough = named(city, here, away, quorum="any")
    stands = witnessed_of(enough.state)()
    assert stands is not None
    assert stands.met


def test_without_witnesses_nothing_is_said(city: City) -> None:
    """And nobody is asked."""
    client = application(city.state, city.gate, city.tokens, lambda _: None).test_client()
    assert "witnesses" not in client.get("/readyz").get_json()
    assert witnessing(city.state, lambda _: None) is None


def test_a_fork_is_refused_by_every_witness(city: City, two: list[tuple[Keeper, Witness]]) -> None:
    """A second history, signed by the log's own key: nobody cosigns it, and the city sees that."""
    ours = named(city, *(witness for _, witness in two))
    city.ask(body())
    assert asked(ours)
    size = city.state.rows.head().size
    for keeper, _ in two:  # what they saw was another history of this size and more
        watched = keeper.logs()[0]
        forged = ours.state.log_key.sign(size + 5, bytes(32))
        keeper._directory.keep(watched.origin, forged)
    city.ask(body())
    city.ask(body())
    city.ask(body())
    assert not asked(ours)
    stands = witnessed_of(ours.state)()
    assert stands is not None
    assert (set(), False) == (set(stands.cosigned), stands.met)


def test_a_checkpoint_that_is_not_the_latest_is_not_published(
    city: City, two: list[tuple[Keeper, Witness]]
) -> None:
    """The round took long, and meanwhile another was published: it is asked for by the next."""
    ours = named(city, *(witness for _, witness in two))
    city.ask(body())
    publication = ours.state.publication()
    _, old = publication.latest()
    city.ask(body())
    publication.cosigned(old)
    assert publication.latest()[1] != old
    with pytest.raises(Exception, match="not signed by the log"):
        publication.cosigned(old.replace("\n\n", "\n\n— x AAAA\n").split("— 127")[0])


def test_a_running_service_asks_by_itself(tmp_path: Path) -> None:
    """From the settings alone: a file that is wrong refuses the start, one that is right is followed."""
    settings = Settings(
        data=tmp_path / "city",
        engine="embedded",
        client_profiles="fapi basic",
        publish_every=0,
        log_level="error",
    )
    lay_out(settings)
    state = open_state(settings)
    put_in_force(state, load_bundle(settings))
    key = state.log_key
    state.close()
    keeper = new_keeper(tmp_path / "w", key, name=NAMES[0])
    with served(keeper) as witness:
        file = tmp_path / "witnesses"
        file.write_text("witness one nonsense http://127.0.0.1:1\nquorum one\n")
        ours = replace(settings, witnesses=str(file))
        with pytest.raises(SettingsRefused, match="line 1"):
            create_app(ours)
        file.write_text(f"witness one {witness.key} {witness.url}\nquorum one\n")
        client = create_app(ours).test_client()
        until = time.monotonic() + 10
        while client.get("/readyz").get_json()["witnesses"]["quorum"] != "met":
            assert time.monotonic() < until
            time.sleep(0.05)
        note = client.get("/ledger/checkpoint").get_data(as_text=True)
        assert 2 == note.count("\n— ")
        assert open_checkpoint(note, VerifierKey.parse(key.vkey)).size == keeper.logs()[0].last.size
        assert json.loads(client.get("/readyz").data)["witnesses"]["cosigned"] == ["one"]
