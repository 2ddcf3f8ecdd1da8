"""Promise 1: nothing is released without a permit that every applicable provision proved.

Each test breaks one part, before or in the middle of a flawless query, and looks whether anything left.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import agency
from gatekeeper.errors import (
    ClockUnreliable,
    GatekeeperError,
    LedgerUnavailable,
    OverReleased,
    PolicyUnavailable,
    RecordsUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from gatekeeper.exchange import answer as ask
from gatekeeper.exchange.log import new_query_id
from gatekeeper.exchange.rulings import decided_anew
from gatekeeper.ledger import Clock, Draft, Ledger
from gatekeeper.policy import Bundle
from gatekeeper.policy.opa import OpaServer
from gatekeeper.settings import Settings
from gatekeeper.store import administration
from tests.exchange.city import City, body, read, set_status
from tests.policy.hostile import answer, drips, resets, says, serving, silent
from tests.promises.made import built_city, codes, nothing_leaves, once, released, with_ledger
from tests.servers.opa import opa_server
from tests.servers.postgres import cluster

# --- The policy engine. -----------------------------------------------------------------------------------


@pytest.fixture
def truth(steady: City) -> dict[str, Any]:
    """Return what a real OPA would answer to the flawless query: a permit."""
    engine = steady.gate.engine
    bundle = engine.bundle
    facts: list[Any] = []

    @dataclass
    class Listening:
        bundle: Bundle

        def evaluate(self, asked: Any) -> Any:
            facts.append(asked)
            return engine.evaluate(asked)

    steady.with_gate(engine=Listening(bundle)).ask(body(), dry_run=True)
    return {
        "provenance": {"version": "1", "bundles": {"b": {"revision": bundle.revision}}},
        "result": {
            "permit": True,
            "proved": list(bundle.provisions),
            "unmet": [],
            "obligations": dict(engine.evaluate(facts[0]).obligations),
        },
    }


def _without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


def _result(truth: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return truth | {"result": truth["result"] | changes}


LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an empty object, as for a rule that is missing": lambda _: {},
    "an undefined result": lambda t: _without(t, "result"),
    "a bare true": lambda t: t | {"result": True},
    "a result that is a list": lambda t: t | {"result": [t["result"]]},
    "a permit in words": lambda t: _result(t, permit="true"),
    "a permit as a number": lambda t: _result(t, permit=1),
    "a permit and nothing else": lambda t: t | {"result": {"permit": True}},
    "one provision not proved": lambda t: _result(t, proved=t["result"]["proved"][1:]),
    "no provision proved": lambda t: _result(t, proved=[]),
    "a provision that nobody knows": lambda t: _result(t, proved=[*t["result"]["proved"], "made_up"]),
    "the proofs as one text": lambda t: _result(t, proved=" ".join(t["result"]["proved"])),
    "an unmet provision beside a permit": lambda t: _result(t, unmet=[t["result"]["proved"][0]]),
    "no obligations": lambda t: _result(t, obligations={}),
    "an obligation that we could not enforce": lambda t: _result(
        t, obligations=t["result"]["obligations"] | {"blur_faces": True}
    ),
    "a further field": lambda t: _result(t, note="fine"),
    "another revision": lambda t: (
        t | {"provenance": {"bundles": {"b": {"revision": "2020-01+000000000000"}}}}
    ),
    "no revision": lambda t: _without(t, "provenance"),
}


def _asking(city: City, url: str) -> City:
    return city.with_gate(engine=OpaServer(city.gate.engine.bundle, url, timeout=0.4))


def test_what_the_lies_are_made_of_would_be_a_permit(city: City, truth: dict[str, Any]) -> None:
    """The attacks below fail because of the lie in each, not because the answer was never a permit."""
    with serving(says(answer(truth))) as url:
        assert 200 == _asking(city, url).ask(body()).status


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_an_engine_that_answers_anything_but_a_whole_permit_releases_nothing(
    steady: City, truth: dict[str, Any], lie: Callable[[dict[str, Any]], Any]
) -> None:
    """Neither undefined, nor a wrong type, nor a part of a permit counts; the store is not even asked."""
    with serving(says(answer(lie(truth)))) as url:
        _refused_for_the_policy(_asking(steady, url))


@pytest.mark.parametrize("behaviour", ["silent", "resets", "drips", "500", "html", "half", "closed"])
def test_an_engine_that_fails_or_stalls_releases_nothing(
    steady: City, truth: dict[str, Any], behaviour: str
) -> None:
    """An answer that comes late or not at all is no permit."""
    whole = answer(truth)
    behaviours = {
        "silent": silent,
        "resets": resets,
        "drips": drips(whole),
        "500": says(answer(truth, "500 Internal Server Error")),
        "html": says(answer(b"<html>permit</html>")),
        "half": says(whole[: len(whole) // 2]),
        "closed": says(b""),
    }
    with serving(behaviours[behaviour]) as url:
        began = time.monotonic()
        _refused_for_the_policy(_asking(steady, url))
        assert time.monotonic() - began < 3


def _refused_for_the_policy(city: City) -> None:
    nothing_leaves(city, PolicyUnavailable)
    assert [] == city.reads.asked
    last = city.events()[-1]
    assert ("query.refused", "policy_unavailable") == (last["event"], last["reason"])


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_a_real_opa_that_hangs_or_dies_releases_nothing(city: City, tmp_path: Path) -> None:
    """Stopped with SIGSTOP it is late, killed it is gone; woken up it decides again."""
    with opa_server(city.gate.engine.bundle, tmp_path, unix=True) as opa:
        asking = _asking(city, opa.url)
        assert 200 == asking.ask(body()).status
        before = len(released(city))
        for attack, wake in ((signal.SIGSTOP, signal.SIGCONT), (signal.SIGKILL, None)):
            opa.process.send_signal(attack)
            with pytest.raises(PolicyUnavailable):
                asking.ask(body())
            assert before == len(released(city))
            if wake is not None:
                opa.process.send_signal(wake)
                assert 200 == asking.ask(body()).status
                before += 1


@pytest.mark.parametrize("error", [PolicyUnavailable, RuntimeError, MemoryError, RecursionError])
def test_an_engine_that_raises_releases_nothing(steady: City, error: type[BaseException]) -> None:
    """Whatever it raises."""

    @dataclass
    class Failing:
        bundle: Bundle

        def evaluate(self, _: Any) -> Any:
            raise error("failed")

    nothing_leaves(steady.with_gate(engine=Failing(steady.gate.engine.bundle)), error)
    assert [] == steady.reads.asked


# --- The gate's own database. -----------------------------------------------------------------------------


def _state_files(city: City) -> list[Path]:
    return [*city.state.settings.data.glob("state.db*")]


def _remove(city: City) -> None:
    for file in _state_files(city):
        file.unlink()


def _rename(city: City) -> None:
    for file in _state_files(city):
        file.rename(file.with_name(f"moved-{file.name}"))


def _replace_by_a_copy(city: City) -> None:
    """Put a copy in its place, as somebody does who restores a backup under a running gate."""
    for file in _state_files(city):
        shutil.copy(file, file.with_name(f"copy-{file.name}"))
        file.with_name(f"copy-{file.name}").replace(file)


def _truncate(city: City) -> None:
    for file in _state_files(city):
        if not file.name.endswith("-shm"):
            os.truncate(file, 0)


def _garble(city: City) -> None:
    for file in _state_files(city):
        if not file.name.endswith("-shm"):
            file.write_bytes(os.urandom(file.stat().st_size))


GONE = {"removed": _remove, "renamed": _rename, "replaced by a copy": _replace_by_a_copy}
SPOILT = {"truncated": _truncate, "garbled": _garble}


@pytest.mark.parametrize("in_the_middle", [False, True], ids=["before", "in the middle"])
@pytest.mark.parametrize("attack", GONE.values(), ids=GONE.keys())
def test_a_database_that_is_gone_releases_nothing(
    city: City, attack: Callable[[City], None], *, in_the_middle: bool
) -> None:
    """A connection that is still open to a removed file is not a log: nothing written there lasts."""
    assert 200 == city.ask(body()).status
    shown = city.presented("sample-il-pd")
    if in_the_middle:
        once(city.reads, lambda: attack(city))
    else:
        attack(city)
    for _ in range(2):
        with pytest.raises(GatekeeperError):
            ask(city.gate, shown, json.dumps(body()).encode())


@pytest.mark.parametrize("attack", SPOILT.values(), ids=SPOILT.keys())
def test_a_database_that_was_overwritten_releases_nothing(city: City, attack: Callable[[City], None]) -> None:
    """What cannot be read is no registry and no log."""
    shown = city.presented("sample-il-pd")
    attack(city)
    with pytest.raises(GatekeeperError):
        ask(city.gate, shown, json.dumps(body()).encode())
    assert [] == city.reads.asked


@pytest.mark.needs("postgres")
@pytest.mark.servers
def test_a_postgresql_that_stops_in_the_middle_releases_nothing(tmp_path: Path, bundle: Bundle) -> None:
    """Gone between decision and release: no release; gone before: no decision; back again: it serves."""
    with cluster() as postgres:
        url = postgres.create("gatekeeper")
        settings = Settings(
            data=tmp_path / "city",
            engine="embedded",
            client_profiles="fapi basic",
            database_url=url,
        )
        with built_city(settings, bundle) as city:
            assert 200 == city.ask(body()).status
            header = city.header("sample-il-pd")
            assert header
            once(city.reads, postgres.stop)
            began = time.monotonic()
            with pytest.raises(LedgerUnavailable):
                city.ask(body())
            with pytest.raises(StoreUnavailable):
                city.ask(body())
            assert time.monotonic() - began < 20
            postgres.start()
            assert 1 == len(released(city))
            assert 200 == city.ask(body()).status


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 32 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave not a byte."""
    with (disk / "filler").open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


@pytest.mark.needs("tmpfs")
@pytest.mark.parametrize("in_the_middle", [False, True], ids=["before", "in the middle"])
def test_a_full_disk_releases_nothing(small_disk: Path, bundle: Bundle, *, in_the_middle: bool) -> None:
    """What cannot be logged is not released; with room again it is."""
    with built_city(
        Settings(data=small_disk / "city", engine="embedded", client_profiles="fapi basic"),
        bundle,
    ) as city:
        assert 200 == city.ask(body()).status
        # The log's own file may have room in its last page: at most a few more queries fit.
        if in_the_middle:
            once(city.reads, lambda: fill(small_disk))
        else:
            fill(small_disk)
        answers = []
        for _ in range(50):
            try:
                answers.append(city.ask(body()).status)
            except LedgerUnavailable:
                break
        else:
            pytest.fail("a full disk never refused")
        assert 1 + len(answers) == len(released(city))
        (small_disk / "filler").unlink()
        assert 200 == city.ask(body()).status


# --- The store of reads. ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RecordsUnavailable, OSError, ValueError, TimeoutError])
def test_a_store_of_reads_that_fails_releases_nothing(steady: City, error: type[Exception]) -> None:
    """Its failure is the end of the query, and the log says at which stage."""

    def fail() -> None:
        raise error("gone")

    steady.reads.on_fetch = fail
    nothing_leaves(steady, error)


LIE_OF_STORE: dict[str, dict[str, Any]] = {
    "another plate": {"plate": "DEMO2"},
    "another state's plate": {"plate_state": "WI"},
    "a read from before the window": {"captured_at": "2001-01-01T00:00:00Z"},
    "a read from the future": {"captured_at": "2099-01-01T00:00:00Z"},
    "a time without a zone": {"captured_at": "2026-11-01T00:00:00"},
    "no time": {"captured_at": None},
    "no camera": {"camera": None},
    "a field that no read has": {"owner": "Pat Example"},
    "a field hidden in the vehicle": {"vehicle": {"make": "Example", "owner": "Pat Example"}},
    "a plate in lower case": {"plate": "demo1"},
}


@pytest.mark.parametrize("lie", LIE_OF_STORE.values(), ids=LIE_OF_STORE.keys())
def test_one_lie_of_the_store_withholds_the_whole_answer(steady: City, lie: dict[str, Any]) -> None:
    """A store that broke one bound may have broken others that cannot be seen."""
    steady.reads.honest = False
    steady.reads.reads = [read(1), read(2, **lie)]
    nothing_leaves(steady, OverReleased)
    assert "over_released" == steady.events()[-1]["reason"]


def test_a_store_that_answers_with_more_than_was_asked_is_withheld(steady: City) -> None:
    """Thirty reads where ten were permitted: none leaves."""
    steady.reads.honest = False
    nothing_leaves(steady, OverReleased)


# --- The clock. -------------------------------------------------------------------------------------------


class _Wall:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> int:
        return time.time_ns() + int(self.ahead_s * 1e9)


def _with_clock(city: City, clock: Clock) -> City:
    state = city.state
    return with_ledger(city, Ledger(state.rows, state.log_key, state.keys, clock, None), clock=clock)


@pytest.mark.parametrize("step", [2.5, -2.5, 86_400.0, -86_400.0])
def test_a_clock_that_was_set_releases_nothing(city: City, step: float) -> None:
    """Before the query or between decision and release: a stepped clock makes a lapsed paper look fresh."""
    wall = _Wall()
    stepped = _with_clock(city, Clock(wall))

    def step_it() -> None:
        wall.ahead_s = step

    once(city.reads, step_it)
    nothing_leaves(stepped, ClockUnreliable)
    nothing_leaves(stepped, ClockUnreliable)
    wall.ahead_s = 0.5  # ordinary correction
    assert 200 == stepped.ask(body()).status


def test_a_clock_behind_the_log_releases_nothing(city: City) -> None:
    """The log's last entry is from a minute ahead: one of the two clocks is wrong."""
    ahead = _Wall()
    ahead.ahead_s = 60
    fast = Ledger(city.state.rows, city.state.log_key, city.state.keys, Clock(ahead), None)
    fast.append(Draft("query.refused", new_query_id(), {"reasons": {"expired": 1}}, {}, {}))
    nothing_leaves(city, ClockUnreliable)
    assert [] == city.reads.asked


# --- Keys. ------------------------------------------------------------------------------------------------


def _zeroes(file: Path) -> None:
    file.write_bytes(bytes(32))


def _half(file: Path) -> None:
    file.write_bytes(b"x" * 16)


def _no_directory(file: Path) -> None:
    directory = file.parent
    shutil.rmtree(directory)
    directory.write_text("not a directory")


@pytest.mark.parametrize("in_the_middle", [False, True], ids=["before", "in the middle"])
@pytest.mark.parametrize("attack", [_zeroes, _half, _no_directory])
def test_without_the_days_key_nothing_leaves(
    city: City, attack: Callable[[Path], None], *, in_the_middle: bool
) -> None:
    """What cannot be sealed cannot be logged, and what cannot be logged is not released."""
    key = city.state.settings.key_directory / "days" / f"{datetime.now(UTC).date()}.key"
    assert key.exists()
    if in_the_middle:
        once(city.reads, lambda: attack(key))
    else:
        attack(key)
    nothing_leaves(city)


def test_without_the_keys_of_tokens_nobody_is_believed(city: City) -> None:
    """A token whose key is gone is refused within a second, remembered or not."""
    header = city.header("sample-il-pd")
    assert 200 == city.ask(body()).status
    shutil.rmtree(city.state.settings.key_directory / "tokens")
    time.sleep(1.1)
    with pytest.raises((StoreUnavailable, Unauthenticated)):
        city.gate.verifier.verify(header.removeprefix("Bearer "), now=int(time.time()))
    assert 1 == len(released(city))


# --- A change between decision and release. ---------------------------------------------------------------


def _suspend(city: City) -> None:
    set_status(city, "sample-il-pd", "suspended")


def _close(city: City) -> None:
    set_status(city, "sample-il-pd", "closed")


def _change(city: City, event: str, secret: dict[str, Any], rows: tuple[Any, ...]) -> None:
    clear: dict[str, Any] = {
        "agency": "sample-il-pd",
        "client": city.clients["sample-il-pd"],
        "profile": "basic",
    }
    city.state.ledger.append(Draft(event, "credential_made_up", clear, secret | {"by": "test"}, {}), rows)


def _revoke_client(city: City) -> None:
    rows = administration.revoke_client(city.clients["sample-il-pd"])
    _change(city, "credential.revoked", {"reason": "made-up"}, rows)


def test_an_agency_suspended_in_the_middle_is_decided_again_and_denied(city: City) -> None:
    """The first decision was a permit; what is answered is the law as it stands at the release."""
    once(city.reads, lambda: _suspend(city))
    answered = city.ask(body())
    assert 403 == answered.status
    assert "agency_standing" in codes(answered)
    assert [] == released(city)
    assert "superseded" in {entry.get("reason") for entry in city.events()}


@pytest.mark.parametrize("attack", [_close, _revoke_client])
def test_who_is_no_longer_let_in_gets_nothing(city: City, attack: Callable[[City], None]) -> None:
    """Revoked, as closing does, between decision and release: 401, though the first decision was a permit."""
    once(city.reads, lambda: attack(city))
    refused = nothing_leaves(city, Unauthenticated)
    assert isinstance(refused, Unauthenticated)
    assert "client_revoked" == refused.reason


def test_an_affirmation_that_ends_in_the_middle_is_no_longer_counted(city: City) -> None:
    """EV-2: what the agency signed was withdrawn while its query was on the way."""
    found = city.state.registry.agency("sample-il-pd")
    assert found is not None
    signed = found.affirmations[0]

    def end() -> None:
        draft = Draft(
            "agency.affirmed",
            "affirmation_made_up",
            {
                "agency": found.id,
                "kind": signed.kind,
                "text_version": signed.text_version,
                "signed_on": signed.signed_on.isoformat(),
                "expires_on": signed.signed_on.isoformat(),
            },
            {"signer": signed.signer, "title": signed.title, "document_sha256": None, "by": "test"},
            {},
        )
        city.state.ledger.append(draft, administration.end_affirmation(signed.id, signed.signed_on))

    once(city.reads, end)
    answered = city.ask(body())
    assert 403 == answered.status
    assert "affirmation" in codes(answered)
    assert [] == released(city)


def test_a_registry_that_never_rests_is_refused_not_guessed(city: City) -> None:
    """Each attempt is superseded by another change: after a few, nothing is released."""
    numbers = iter(range(1000))

    def disturb() -> None:
        name = f"made-up-agency-{next(numbers)}"
        agency.register(city.state, name, name=name, kind="local", state_code="IL")

    city.reads.on_fetch = disturb
    nothing_leaves(city, LedgerUnavailable)
    assert 1 < len(city.reads.asked) < 10


def _revoke_token(city: City, jti: str) -> None:
    rows = administration.revoke_token(jti, datetime.now(UTC) + timedelta(minutes=10))
    _change(city, "credential.token_revoked", {"jti": jti}, rows)


def test_nobody_keeps_others_from_their_answer_by_revoking_his_own_tokens(city: City) -> None:
    """A client revokes token after token: the query of another is decided once."""
    numbers = iter(range(1000))

    def disturb() -> None:
        for _ in range(3):
            _revoke_token(city, f"jti-made-up-{next(numbers)}")

    city.reads.on_fetch = disturb
    assert [200, 200] == [city.ask(body()).status for _ in range(2)]
    assert 2 == len(city.reads.asked) == len(released(city))


def test_a_change_hides_behind_no_revoked_token(city: City) -> None:
    """A fact taken back, an agency suspended: decided again, however many tokens were revoked beside it."""

    def take_back() -> None:
        _revoke_token(city, "jti-made-up")
        _change(city, "credential.revoked", {"reason": "x"}, (decided_anew(city.state.registry.state()),))

    def suspend() -> None:
        _revoke_token(city, "jti-made-up-too")
        _suspend(city)

    once(city.reads, take_back)
    assert 200 == city.ask(body()).status
    assert (2, 1) == (len(city.reads.asked), len(released(city)))
    once(city.reads, suspend)
    assert 403 == city.ask(body()).status
    assert 1 == len(released(city))


def test_a_change_hides_behind_no_token_that_is_revoked_in_the_same_commit(city: City) -> None:
    """Requests of one moment are committed together: each of their changes is a step of its own."""

    def both() -> None:
        found = city.state.registry.agency("sample-il-pd")
        assert found is not None
        until = datetime.now(UTC) + timedelta(minutes=10)
        rows = (
            *administration.revoke_token("jti-made-up", until),
            *administration.set_agency_status(found, "suspended"),
        )
        _change(city, "credential.token_revoked", {"jti": "jti-made-up"}, rows)

    once(city.reads, both)
    assert 403 == city.ask(body()).status
    assert [] == released(city)


def test_a_token_revoked_in_the_middle_gets_nothing(city: City) -> None:
    """The very one that the query came with."""
    once(city.reads, lambda: _revoke_token(city, "jti-of-this"))
    with pytest.raises(Unauthenticated) as refused:
        ask(city.gate, city.presented("sample-il-pd", jti="jti-of-this"), json.dumps(body()).encode())
    assert "token_revoked" == refused.value.reason
    assert [] == released(city)


def test_an_end_requester_that_changed_in_the_middle_is_decided_again(city: City) -> None:
    """Whom it is asked for counts as whoever asks."""
    behalf = {"agency": "sample-il-pd", "component": None, "person": "Pat Example"}
    assert 200 == city.ask(body(on_behalf_of=behalf), "sample-fusion").status
    once(city.reads, lambda: _suspend(city))
    assert 403 == city.ask(body(on_behalf_of=behalf), "sample-fusion").status
    assert 1 == len(released(city))
    assert "superseded" in {entry.get("reason") for entry in city.events()}


def test_the_gate_was_whole_all_along(city: City) -> None:
    """The query that every attack above spoils is answered with records when nothing is wrong."""
    assert 200 == city.ask(body()).status
    assert 1 == len(released(replace(city)))
