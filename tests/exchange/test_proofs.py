"""Tokens that are bound to a key, and pinned to a case, through the gate and on its real store."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import ECKey

from gatekeeper.cli import client
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.errors import GatekeeperError, TokenPinned, Unauthenticated, UnknownQuery
from gatekeeper.exchange import Answer, admit, answer, covered, further_records, identify, status_of
from gatekeeper.exchange.appeal import appeal
from gatekeeper.exchange.presented import Presented
from tests.exchange.city import City, body
from tests.oauth.city import ath, public, sign

AGENCY = "sample-il-pd"
KEY = ECKey.generate_key("P-256")
CASE = {"type": "alpr_query", "purpose": "stolen_vehicle", "case_number": "26-10494"}


@pytest.fixture
def bound(city: City) -> City:
    """The city, its agency's client one of the profile ``fapi``."""
    key = public_key(KEY.as_pem(private=False))
    made = client.register(city.state, AGENCY, key=key, profile="fapi")
    return city.with_clients({**city.clients, AGENCY: made.client.id})


def shown(city: City, path: str = "/v1/queries", method: str = "POST", **claims: Any) -> Presented:
    """Return a good token with a good proof for a path."""
    scheme, token = city.header(AGENCY, cnf={"jkt": KEY.thumbprint()}, **claims).split(" ")
    uri = city.state.settings.issuer + path
    now = int(datetime.now(UTC).timestamp())
    said = {
        "htm": method,
        "htu": uri,
        "iat": now,
        "jti": secrets.token_urlsafe(9),
        "nonce": city.gate.verifier.nonces.fresh(now),
        "ath": ath(token),
    }
    proof = sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": public(KEY)}, said, KEY)
    assert "Bearer" == scheme
    return Presented(f"DPoP {token}", proof, method, uri)


def asked(city: City, presented: Presented, **changes: Any) -> Answer:
    """Ask for the sample plate."""
    return answer(city.gate, presented, json.dumps(body(**changes)).encode())


def test_a_proof_is_used_up_by_the_decision(bound: City) -> None:
    """The second request with it is refused, whatever it asks; one entry of the log, one set of rows."""
    presented = shown(bound)
    assert 200 == asked(bound, presented).status
    before = len(bound.events())
    for changes in ({}, {"purpose__case_number": ""}):
        with pytest.raises(Unauthenticated) as refused:
            asked(bound, presented, **changes)
        assert "proof_replayed" == refused.value.reason
    assert before == len(bound.events())  # who repeats it is counted at the door, and writes nothing


def test_of_many_requests_with_one_proof_one_is_decided(bound: City) -> None:
    """They race for the log's lock: one is answered, and nothing of the others is kept or fetched."""
    presented = shown(bound)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append(str(asked(bound, presented).status))
        except Unauthenticated as refused:
            outcomes.append(refused.reason)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["200", *["proof_replayed"] * 7] == sorted(outcomes)
    assert 1 == len([e for e in bound.events() if e["event"] == "query.decided"])


def test_a_proof_that_was_not_decided_on_may_come_again(bound: City) -> None:
    """A request that could not be read used nothing up: the agency mends it without a new proof."""
    presented = shown(bound)
    with pytest.raises(GatekeeperError):
        answer(bound.gate, presented, b"{}")
    assert 200 == asked(bound, presented).status


READS: dict[str, Callable[[City, Presented, str], object]] = {
    "its status": lambda city, p, query: status_of(city.gate, p, query),
    "an appeal": lambda city, p, query: appeal(city.gate, p, query, b"{}"),
    "the log": lambda city, p, _: identify(city.gate, p, "ledger:read"),
    "its standing": lambda city, p, _: admit(city.gate, p, None),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_proof_is_used_up_by_what_only_reads(
    bound: City, read: Callable[[City, Presented, str], object]
) -> None:
    """Before anything is answered."""
    presented = shown(bound)
    with suppress(UnknownQuery):
        read(bound, presented, "q_unknown")
    with pytest.raises(Unauthenticated) as refused:
        read(bound, presented, "q_unknown")
    assert "proof_replayed" == refused.value.reason


def test_a_client_of_fapi_is_not_let_in_with_an_unbound_token(bound: City) -> None:
    """Not even with one that carries our signature."""
    with pytest.raises(Unauthenticated) as refused:
        asked(bound, bound.presented(AGENCY))
    assert "bound" == refused.value.reason


def test_a_pinned_token_asks_for_its_case_alone(bound: City) -> None:
    """Another case or purpose is refused before anything is decided; the log says that it was."""
    mine = body(purpose__case_number="26-10494")["purpose"]
    pinned: dict[str, Any] = {"authorization_details": [{**CASE, "purpose": mine["category"]}]}
    assert 200 == asked(bound, shown(bound, **pinned), purpose__case_number="26 10494").status
    before = len(bound.events())
    with pytest.raises(TokenPinned) as refused:
        asked(bound, shown(bound, **pinned), purpose__case_number="26-77777")
    assert ["/purpose/case_number"] == [fault.pointer for fault in refused.value.faults]
    assert ["query.refused"] == [e["event"] for e in bound.events()[before:]]


LATER: dict[str, Callable[[City, Presented, str], object]] = {
    "status": lambda city, p, query: status_of(city.gate, p, query),
    "records": lambda city, p, query: further_records(city.gate, p, query),
    "appeal": lambda city, p, query: appeal(city.gate, p, query, b'{"message": "more"}'),
    "letter": lambda city, p, query: covered(city.gate, admit(city.gate, p, None)[1], query),
}


@pytest.mark.parametrize("read", LATER.values(), ids=LATER.keys())
def test_a_pinned_token_comes_to_no_other_query(
    bound: City, read: Callable[[City, Presented, str], object]
) -> None:
    """Whoever holds the token of one case learns nothing of another of the same agency."""
    other: str = asked(bound, shown(bound), purpose__case_number="26-77777").query_id
    pinned: dict[str, Any] = {"authorization_details": [{"type": "alpr_query", "case_number": "26-10494"}]}
    with pytest.raises(TokenPinned):
        read(bound, shown(bound, **pinned), other)
    with pytest.raises(UnknownQuery):
        read(bound, shown(bound, **pinned), "q_unknown")
