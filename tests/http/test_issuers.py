"""A token of an agency's own identity provider, npm's oidc-provider, at a running gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.servers.gate import RunningGate
from tests.servers.idp import access_tokens
from tests.servers.node import asked_by_node

pytestmark = [pytest.mark.servers, pytest.mark.needs("node")]

THEIRS, SECRET = "alpr-app", "made-up-secret-of-the-tests"
WHY = ("--reason", "Agreement with the department of 3 November")


@pytest.fixture
def issuer(gate: RunningGate, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve the provider, and take it in while the gate runs; removed afterwards."""
    agency, algorithm = gate.agency(profile="fapi"), getattr(request, "param", "ES256")
    with access_tokens(THEIRS, SECRET, gate.base_url, tmp_path, algorithm) as url:
        keys = tmp_path / "jwks.json"
        keys.write_bytes(requests.get(f"{url}/jwks", timeout=10).content)
        named = ("--agency", agency["id"], "--client", f"{THEIRS}={agency['client_id']}")
        signs = ("--algorithm", algorithm, "--jwks", str(keys))
        gate.command("issuer", "add", url, *named, *signs, "--audience", gate.base_url, *WHY)
        yield url
        gate.command("issuer", "remove", url, *WHY)


def _ask(gate: RunningGate, issuer: str, *options: str) -> dict[str, Any]:
    return asked_by_node("external", issuer, THEIRS, SECRET, gate.base_url, *options, body=gate.body())


@pytest.mark.parametrize("issuer", ["ES256", "PS256", "RS256"], indirect=True)
def test_a_bound_token_of_the_agencys_own_provider_gets_records(gate: RunningGate, issuer: str) -> None:
    """RFC 8707 `resource` at their endpoint, RFC 9068 and DPoP at ours; suspended, it counts for nothing."""
    given = _ask(gate, issuer, "--times=2")
    assert "dpop" == given["token_type"]
    assert [200, 200] == [one["status"] for one in given["answers"]]
    assert all(one["body"]["records"] for one in given["answers"])
    gate.command("issuer", "suspend", issuer, *WHY)
    assert [401] == [one["status"] for one in _ask(gate, issuer)["answers"]]


def test_a_token_of_theirs_that_is_bound_to_nothing_is_refused(gate: RunningGate, issuer: str) -> None:
    """A bearer token of the same provider, otherwise flawless."""
    given = _ask(gate, issuer, "--bearer")
    assert ("bearer", [401]) == (given["token_type"], [one["status"] for one in given["answers"]])
