"""The log's key in hardware that does not answer: nothing is decided or released, and a stop works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.app import application
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger import rotation
from gatekeeper.ledger.receipts import check_receipt
from gatekeeper.policy import Bundle
from gatekeeper.state import log_key_file
from tests.exchange.city import City, body, founded
from tests.exchange.conftest import bundle
from tests.ledger.made import stop_set
from tests.servers.hsm import Token, token_of

__all__ = ["bundle"]

pytestmark = pytest.mark.needs("softhsm")


@pytest.fixture
def hard(tmp_path: Path, bundle: Bundle) -> Iterator[tuple[City, Token]]:
    """A city whose log's key is in a token, with no memory of when that signed."""
    (tmp_path / "hsm").mkdir()
    with token_of(tmp_path / "hsm") as token:
        city = founded(tmp_path / "city", bundle)
        file, key = log_key_file(city.state.settings), city.state.log_key
        rotation.begin(file, key.origin, pkcs11=token.uri())
        rotation.retire(file, key.origin, city.state.rows.head().size)
        yield city, token
        city.state.close()


def test_nothing_is_released_while_it_does_not_answer(hard: tuple[City, Token]) -> None:
    """503, no entry of an answer, no read; the stop is in force at once; and then it goes on."""
    city, token = hard
    given = city.ask(body())
    assert 200 == given.status
    check_receipt(json.loads(given.body)["receipt"], city.state.log_key.verifier)
    token.away()
    city.state.log_key._answered = -9.0  # a second has passed
    reads: Any = city.gate.reads
    before, size = len(reads.asked), city.state.rows.head().size
    for _ in range(3):
        with pytest.raises(LedgerUnavailable, match="no checkpoint can be signed"):
            city.ask(body())
    assert ["query.refused"] * 3 == [each["event"] for each in city.events()[size:]]
    assert before == len(reads.asked)
    city.state.ledger.append(stop_set("stop_0123456789abcdef"))
    http = application(city.state, city.gate, city.tokens, lambda _: None).test_client()
    ready = http.get("/readyz")
    assert (503, "failed") == (ready.status_code, ready.get_json()["checks"]["ledger"])
    assert str(token.directory) not in ready.get_data(as_text=True)
    token.back()
    assert 200 == city.ask(body()).status
    assert 200 == http.get("/readyz").status_code


def test_records_do_not_leave_without_a_receipt(hard: tuple[City, Token]) -> None:
    """Gone while the reads are fetched, within the second: the answer is an error, and holds nothing."""
    city, token = hard
    reads: Any = city.gate.reads
    reads.on_fetch = token.away
    with pytest.raises(LedgerUnavailable, match="no checkpoint can be signed"):
        city.ask(body())
    assert 1 == len(reads.asked)
    token.back()
    reads.on_fetch = lambda: None
    assert 200 == city.ask(body()).status
