"""Real cities for the attacks: one process, real database, log, policies and engine, made-up reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.app import build_gate
from gatekeeper.cli import affirmation, agency, client
from gatekeeper.errors import GatekeeperError
from gatekeeper.exchange import Answer
from gatekeeper.ledger import Ledger
from gatekeeper.policy import Bundle, load, shipped_policies
from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from gatekeeper.web.keys import TokenKeys
from tests.exchange.city import NOW, City, MadeUpReads, body
from tests.lawful import put_in_force, steady

REASON = "Order of the made-up council"


@contextmanager
def built_city(settings: Settings, bundle: Bundle) -> Iterator[City]:
    """Build a city with one agency in good standing, wherever the settings put its state."""
    lay_out(settings)
    state = open_state(settings)
    agency.register(state, "sample-il-pd", name="sample-il-pd", kind="local", state_code="IL")
    affirmation.record(
        state,
        "sample-il-pd",
        kind="affirmation",
        text_version="2026-01",
        signer="Sam Sample",
        title="Chief (sample)",
        signed_on=(NOW - timedelta(days=30)).date(),
    )
    clients = {"sample-il-pd": client.register(state, "sample-il-pd").client.id}
    put_in_force(state, bundle)
    tokens, reads = TokenKeys(settings.key_directory / "tokens"), MadeUpReads()
    gate = replace(build_gate(state, steady(bundle), tokens), reads=reads)
    try:
        yield City(state, gate, reads, tokens, clients)
    finally:
        state.close()


def other_policies(directory: Path) -> Bundle:
    """Return policies that decide as those shipped do, but are another revision."""
    shutil.copytree(shipped_policies(), directory)
    file = directory / "data" / "city.json"
    document = json.loads(file.read_text("utf-8"))
    document["limits"]["plate"]["days_ago"] += 1
    file.write_text(json.dumps(document), "utf-8")
    return load(directory)


def once(reads: MadeUpReads, attack: Callable[[], object]) -> None:
    """Run the attack in the middle of the next query, and only of that one."""

    def run() -> None:
        reads.on_fetch = lambda: None
        attack()

    reads.on_fetch = run


def released(city: City) -> list[dict[str, Any]]:
    """Return the releases in the log."""
    return [entry for entry in city.events() if entry["event"] == "query.released"]


def nothing_leaves(city: City, *errors: type[BaseException], **options: Any) -> BaseException:
    """Ask a flawless question; it must end in an error, without a release in the log."""
    with pytest.raises(errors or (GatekeeperError,)) as refused:
        city.ask(body(), **options)
    assert [] == released(city)
    return refused.value


def document(answer: Answer) -> dict[str, Any]:
    """Return an answer's body."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


def codes(answer: Answer) -> set[str]:
    """Return the provisions that a denial names."""
    return {provision["code"] for provision in document(answer)["decision"]["provisions"]}


def with_ledger(city: City, ledger: Ledger, **parts: Any) -> City:
    """Return the city with another log object in front of the same log."""
    changed = city.with_gate(ledger=ledger, **parts)
    changed.state = replace(city.state, ledger=ledger)
    return changed
