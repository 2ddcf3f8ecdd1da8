"""Fixtures of the exchange: the shipped policies, and a fresh city with its gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.app import build_gate
from gatekeeper.cli import affirmation, agency, client
from gatekeeper.policy import Bundle, load, shipped_policies
from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from gatekeeper.web.keys import TokenKeys
from tests.exchange.city import NOW, City, MadeUpReads
from tests.lawful import put_in_force, steady


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """Return the shipped policies."""
    return load(shipped_policies())


@pytest.fixture
def city(tmp_path: Path, bundle: Bundle) -> Iterator[City]:
    """Return a fresh city with a well-standing agency and some that are not."""
    settings = Settings(data=tmp_path / "city", engine="embedded")
    lay_out(settings)
    state = open_state(settings)
    tokens = TokenKeys(settings.key_directory / "tokens")
    clients = {}
    for agency_id, kind, code, signed in (
        ("sample-il-pd", "local", "IL", True),
        ("sample-unsigned-pd", "local", "IL", False),
        ("sample-wi-pd", "local", "WI", True),
        ("sample-hsi-office", "federal", None, True),
        ("sample-fusion", "fusion_center", "IL", True),
    ):
        agency.register(state, agency_id, name=agency_id, kind=kind, state_code=code)
        if signed:
            affirmation.record(
                state,
                agency_id,
                kind="affirmation",
                text_version="2026-01",
                signer="Sam Sample",
                title="Chief (sample)",
                signed_on=(NOW - timedelta(days=30)).date(),
            )
        clients[agency_id] = client.register(state, agency_id).client.id
    put_in_force(state, bundle)
    reads = MadeUpReads()
    gate = replace(build_gate(state, steady(bundle), tokens), reads=reads)
    yield City(state, gate, reads, tokens, clients)
    state.close()
