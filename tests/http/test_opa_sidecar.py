"""A city as deploy/ has it: OPA on a socket takes the law from the very gate that asks it for decisions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from gatekeeper import settings
from gatekeeper.policy import Bundle, load, shipped_policies, unpacked
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.opa_configuration import PATH
from gatekeeper.state import open_state
from tests.lawful import put_in_force
from tests.revisions.lives import changed
from tests.servers.gate import RunningGate
from tests.servers.sidecar import running_sidecar

pytestmark = pytest.mark.needs("opa")


@pytest.fixture
def sidecar(tmp_path: Path, city_of_reads: Path) -> Iterator[RunningGate]:
    """A gate and the OPA beside it."""
    with running_sidecar(tmp_path, city_of_reads) as gate:
        yield gate


def test_opa_as_a_sidecar(sidecar: RunningGate) -> None:
    """Neither waited for the other to start; OPA decides by the signed law in force, which few may fetch."""
    assert 200 == requests.get(f"{sidecar.base_url}/readyz", timeout=10).status_code
    answer = sidecar.ask(sidecar.body())
    assert 200 == answer.status_code, answer.text
    token = (sidecar.data / "keys" / "bundle.token").read_text().strip()
    headers, url = {"Authorization": f"Bearer {token}"}, f"{sidecar.base_url}{PATH}"
    fetched = requests.get(url, headers=headers, timeout=10)
    assert 200 == fetched.status_code
    signed = PolicyKeys(sidecar.data / "keys").verifier().verify(unpacked(fetched.content))
    assert {"revision": signed.revision, "digest": signed.digest} == answer.json()["decision"]["policy"]
    for _ in range(8):  # whichever worker answers: all of them have the same bytes
        known = requests.get(url, headers=headers | {"If-None-Match": fetched.headers["ETag"]}, timeout=10)
        assert 304 == known.status_code
    assert 401 == sidecar.request("GET", PATH).status_code  # an agency's token is not the bundle's
    figures = requests.get(f"{sidecar.base_url}/metrics", timeout=10).text
    assert 'gatekeeper_unauthenticated_total{reason="secret"} 1.0' in figures


def test_an_activation_under_load(sidecar: RunningGate) -> None:
    """Queries without pause while another law comes into force: each is decided by one of the two, or denied.

    Nobody has an answer of the old one who asked after somebody had one of the new.
    """
    before = load(shipped_policies())
    after = changed(before)
    with _asking(sidecar, 4) as answers:
        time.sleep(1)
        began = time.monotonic()
        _put_in_force(sidecar, after)
        while time.monotonic() - began < 15 and not _of(answers, after):
            time.sleep(0.1)
        time.sleep(1)
    assert _of(answers, before)
    assert _of(answers, after)
    assert {200, 503} >= {status for status, _, _, _ in answers}
    assert {before.revision, after.revision, None} >= {revision for _, revision, _, _ in answers}
    first = min(ended for _, _, _, ended in _of(answers, after))
    assert [] == [one for one in _of(answers, before) if one[2] > first]


_Answer = tuple[int, str | None, float, float]


def _of(answers: list[_Answer], bundle: Bundle) -> list[_Answer]:
    return [one for one in list(answers) if one[1] == bundle.revision]


@contextmanager
def _asking(gate: RunningGate, threads: int) -> Iterator[list[_Answer]]:
    """Ask without pause; note of each answer its status, its revision, and when it was asked and answered."""
    answers, done = list[_Answer](), threading.Event()

    def ask() -> None:
        while not done.is_set():
            began = time.monotonic()
            given = gate.ask(gate.body())
            revision = given.json()["decision"]["policy"]["revision"] if given.status_code == 200 else None
            answers.append((given.status_code, revision, began, time.monotonic()))

    gate.token()
    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in asking:
        thread.start()
    try:
        yield answers
    finally:
        done.set()
        for thread in asking:
            thread.join()


def _put_in_force(gate: RunningGate, bundle: Bundle) -> None:
    state = open_state(settings.load(data=gate.data))
    try:
        put_in_force(state, bundle)
    finally:
        state.database.close()
