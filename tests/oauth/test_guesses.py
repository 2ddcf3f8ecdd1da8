"""Who guesses links is shut out, and nobody who only comes through the same proxies."""

from __future__ import annotations

import pytest
from flask import Flask

from gatekeeper.web.guesses import MOST, Guesses

PROXY = "192.0.2.1"


def waits(guesses: Guesses, peer: str, *forwarded: str) -> bool:
    """Say whether a request that comes so is not heard."""
    headers = [("X-Forwarded-For", each) for each in forwarded]
    with Flask("guesses").test_request_context(environ_base={"REMOTE_ADDR": peer}, headers=headers):
        return guesses.wait() > 0


def guessing(guesses: Guesses, peer: str, *forwarded: str) -> None:
    """Guess as often as one may, and be shut out."""
    headers = [("X-Forwarded-For", each) for each in forwarded]
    with Flask("guesses").test_request_context(environ_base={"REMOTE_ADDR": peer}, headers=headers):
        for _ in range(MOST):
            guesses.wrong()
    assert waits(guesses, peer, *forwarded)


@pytest.mark.parametrize(
    ("hops", "his", "others"),
    [
        (1, ["203.0.113.7"], ["203.0.113.8"]),
        (2, ["203.0.113.7, 10.0.0.5"], ["203.0.113.8, 10.0.0.5"]),
        (2, ["203.0.113.7", "10.0.0.5"], ["203.0.113.8", "10.0.0.5"]),
        (2, ["1.1.1.1, 203.0.113.7, 10.0.0.5"], ["203.0.113.7, 203.0.113.8, 10.0.0.5"]),
    ],
)
def test_nobody_is_shut_out_for_who_stands_behind_the_same_proxies(
    hops: int, his: list[str], others: list[str]
) -> None:
    """As many proxies as the city says write the header; what is left of them the caller wrote."""
    guesses = Guesses(PROXY, hops)
    guessing(guesses, PROXY, *his)
    assert not waits(guesses, PROXY, *others)
    assert not waits(guesses, "198.51.100.9", *his)


def test_a_network_of_version_6_is_one_caller() -> None:
    """Or each of its addresses would have guesses of its own, and push the others out of memory."""
    guesses = Guesses(PROXY, 1)
    guessing(guesses, PROXY, "2001:db8::1")
    assert waits(guesses, PROXY, "2001:db8::ffff")
    assert not waits(guesses, PROXY, "2001:db8:0:1::1")


def test_where_no_proxy_of_ours_is_the_header_is_not_read() -> None:
    """Everybody writes it then."""
    guesses = Guesses(PROXY, 0)
    guessing(guesses, "198.51.100.9", "203.0.113.7")
    assert waits(guesses, "198.51.100.9", "203.0.113.8")
    assert not waits(guesses, "198.51.100.10", "203.0.113.7")
