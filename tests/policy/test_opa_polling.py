"""A real OPA that takes its law from the gate: it asks, waits, verifies, and refuses what was tampered with.

Where OPA itself cannot refuse (it looks at no expiry and at no order of activations) the gate does: a
decision counts only if OPA states the revision that is in force, so whatever it decides by such a bundle is
a denial.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.policy.opa import OpaServer
from gatekeeper.policy.opa_configuration import Token, configuration
from tests.policy.laws import SMALL_PERMITTED, city, law, small
from tests.policy.tampered import CITY, STRANGER, TAMPERED, enactment, signed
from tests.servers.bundles import TOKEN, Bundles, bundle_server
from tests.servers.opa import Opa, opa_of

pytestmark = pytest.mark.needs("opa")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundles]:
    """A bundle server, one for all of these tests."""
    with bundle_server(tmp_path_factory.mktemp("bundles"), signed(small())) as server:
        yield server


@pytest.fixture
def bundles(served: Bundles) -> Bundles:
    """The bundle server, with the small law."""
    served.serve(signed(small()))
    return served


def told(bundles: Bundles, directory: Path, **changes: Any) -> dict[str, Any]:
    """Return the configuration of an OPA, as `gatekeeper policy key opa` writes it."""
    (directory / "token").write_text(f"{TOKEN}\n")
    found = configuration(
        bundles.url, proof=Token(str(directory / "token")), keys={CITY.keyid: CITY.public_pem}, wait=20
    )
    return {**found, **changes}


def until(happens: Callable[[], bool], seconds: float = 10) -> float:
    """Wait until something happens; return how long that took."""
    start = time.monotonic()
    while not happens():
        assert time.monotonic() - start < seconds, "it did not happen"
        time.sleep(0.02)
    return time.monotonic() - start


def decides(opa: Opa, bundle: Bundle) -> Callable[[], bool]:
    """Return a question: does that OPA decide by that law?"""
    engine = OpaServer(bundle, opa.url, timeout=0.5)

    def ready() -> bool:
        try:
            engine.ready()
        except PolicyUnavailable:
            return False
        return True

    return ready


def test_opa_takes_the_law_and_waits_for_the_next(bundles: Bundles, tmp_path: Path) -> None:
    """It decides as the embedded engine does; it waits, a request at a time, and has a new law at once."""
    with opa_of(told(bundles, tmp_path), tmp_path) as opa:
        until(decides(opa, small()))
        assert Embedded(small()).evaluate(SMALL_PERMITTED) == OpaServer(small(), opa.url).evaluate(
            SMALL_PERMITTED
        )
        time.sleep(0.5)
        before = bundles.asked()
        time.sleep(3)
        assert before == bundles.asked()  # it waits: without long polling it would have asked again
        bundles.serve(signed(city("south"), enactment(city("south"), 4)))
        assert until(decides(opa, city("south"))) < 1
        with pytest.raises(PolicyUnavailable, match="another revision"):
            OpaServer(small(), opa.url).evaluate(SMALL_PERMITTED)


def test_many_opas(bundles: Bundles, tmp_path: Path) -> None:
    """More than may wait: each has the law, none asks without a pause, and queries still find a thread."""
    with ExitStack() as stack:
        opas = []
        for number in range(7):
            directory = tmp_path / str(number)
            directory.mkdir()
            opas.append(stack.enter_context(opa_of(told(bundles, directory), directory)))
        for opa in opas:
            until(decides(opa, small()))
        before = bundles.asked()
        time.sleep(4)
        assert bundles.asked() - before <= 4 * len(opas)
        for _ in range(20):
            assert 401 == requests.get(f"{bundles.url}/policy/bundle.tar.gz", timeout=1).status_code
        bundles.serve(signed(city("south"), enactment(city("south"), 4)))
        assert max(until(decides(opa, city("south"))) for opa in opas) < 7


def test_a_query_of_the_minute_of_activation_is_decided(bundles: Bundles, tmp_path: Path) -> None:
    """Asked before OPA has the law that has just come into force: by the new law, within its time."""
    bundle, facts = law("south")
    with opa_of(told(bundles, tmp_path), tmp_path) as opa:
        until(decides(opa, small()))
        time.sleep(0.5)
        bundles.serve(signed(bundle, enactment(bundle, 4)))
        start = time.monotonic()
        verdict = OpaServer(bundle, opa.url, timeout=1).evaluate(facts)
        assert (bundle.revision, True) == (verdict.revision, verdict.permit)
        assert time.monotonic() - start < 1


def test_a_rollback_reaches_opa(bundles: Bundles, tmp_path: Path) -> None:
    """A text that it had before, signed anew, is taken again."""
    with opa_of(told(bundles, tmp_path), tmp_path) as opa:
        for bundle, serial in ((small(), 4), (city("south"), 5), (small(), 6)):
            bundles.serve(signed(bundle, enactment(bundle, serial)))
            until(decides(opa, bundle))


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered(bundles: Bundles, tmp_path: Path, name: str) -> None:
    """OPA refuses it and never becomes ready; or, where it cannot know, the gate denies what it decides.

    OPA ignores `exp` and the order of activations: an expired or an older bundle, validly signed, it takes.
    The gate never put that into force, so the revision that OPA states is not the one that is asked for.
    """
    tampered = TAMPERED[name]
    bundles.serve(tampered.made())
    in_force = small() if tampered.opa_refuses else city("south")
    with opa_of(told(bundles, tmp_path), tmp_path) as opa:
        if tampered.opa_refuses:
            until(lambda: "Bundle load failed" in (tmp_path / "opa.log").read_text())
            with pytest.raises(PolicyUnavailable, match="not activated its bundle"):
                OpaServer(in_force, opa.url).ready()
        else:
            until(decides(opa, small()))
        with pytest.raises(PolicyUnavailable, match="another revision"):
            OpaServer(in_force, opa.url).evaluate(SMALL_PERMITTED)


@pytest.mark.parametrize("name", [name for name, one in TAMPERED.items() if one.opa_refuses])
def test_tampered_after_a_true_one(bundles: Bundles, tmp_path: Path, name: str) -> None:
    """An OPA that has the law keeps it, whatever it is offered instead."""
    with opa_of(told(bundles, tmp_path), tmp_path) as opa:
        until(decides(opa, small()))
        bundles.serve(TAMPERED[name].made())
        until(lambda: "Bundle load failed" in (tmp_path / "opa.log").read_text())
        assert decides(opa, small())()


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": {CITY.keyid: {"algorithm": "ES256", "key": STRANGER.public_pem}}},
        {"keys": {STRANGER.keyid: {"algorithm": "ES256", "key": STRANGER.public_pem}}},
    ],
    ids=["another key in the city's name", "another key"],
)
def test_opa_that_knows_another_key(bundles: Bundles, tmp_path: Path, changes: dict[str, Any]) -> None:
    """After a rotation of which nobody told it, OPA refuses and the gate denies."""
    with opa_of(told(bundles, tmp_path, **changes), tmp_path) as opa:
        until(lambda: "Bundle load failed" in (tmp_path / "opa.log").read_text())
        assert not decides(opa, small())()


def test_opa_with_a_wrong_token(bundles: Bundles, tmp_path: Path) -> None:
    """It gets nothing."""
    said = told(bundles, tmp_path)
    (tmp_path / "token").write_text("x" * 40)
    with opa_of(said, tmp_path) as opa:
        until(lambda: "Unauthorized" in (tmp_path / "opa.log").read_text())
        assert not decides(opa, small())()


def test_who_waits_does_not_hold_up_a_restart(tmp_path: Path) -> None:
    """The bundle server ends within moments, though an OPA waits at it."""
    with (
        bundle_server(tmp_path, signed(small())) as bundles,
        opa_of(told(bundles, tmp_path), tmp_path) as opa,
    ):
        until(decides(opa, small()))
        time.sleep(0.5)
        start = time.monotonic()
        bundles.process.terminate()
        bundles.process.wait(20)
        assert time.monotonic() - start < 5


def test_the_configuration_wants_signatures() -> None:
    """With keys alone OPA takes an unsigned bundle too: it must be told that it may not."""
    said = configuration("https://x/", proof=Token("/t"), keys={"k": "p"}, wait=9)
    assert {"scope": "gatekeeper-policy"} == said["bundles"]["law"]["signing"]  # type: ignore[index,call-overload]
    assert "https://x" == said["services"]["gatekeeper"]["url"]  # type: ignore[index,call-overload]
    assert "exclude_files" not in json.dumps(said)
