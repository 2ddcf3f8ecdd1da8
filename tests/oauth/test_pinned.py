"""What a token is asked for: a resource (RFC 8707), a purpose and a case (RFC 9396), a profile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.errors import TokenPinned, Unauthenticated
from gatekeeper.exchange.details import MOST, Detail, DetailsRefused, read, within
from tests.oauth.city import AUDIENCE, ISSUER, City, ath

CASE = {"type": "alpr_query", "purpose": "stolen_vehicle", "case_number": "26-10494"}


def test_the_details_are_in_the_answer_and_in_the_token(city: City) -> None:
    """Section 7: whoever asked is told what was granted; the resource finds it in the token."""
    answer = city.ask(city.assertion(), authorization_details=json.dumps([CASE]))
    assert [CASE] == answer.get_json()["authorization_details"]
    token = answer.get_json()["access_token"]
    assert (Detail("stolen_vehicle", "26-10494"),) == city.caller(f"Bearer {token}").details
    told = city.ask(city.assertion(), "/oauth/introspect", token=token).get_json()
    assert [CASE] == told["authorization_details"]


BAD: dict[str, str] = {
    "no JSON": "{",
    "an object": json.dumps(CASE),
    "an empty list": "[]",
    "too many": json.dumps([CASE] * (MOST + 1)),
    "a list of texts": '["alpr_query"]',
    "no type": json.dumps([{"purpose": "stolen_vehicle"}]),
    "another type": json.dumps([{**CASE, "type": "payment_initiation"}]),
    "a list as type": json.dumps([{**CASE, "type": ["alpr_query"]}]),
    "neither purpose nor case": json.dumps([{"type": "alpr_query"}]),
    "one that names nothing": json.dumps([CASE, {"type": "alpr_query"}]),
    "another member": json.dumps([{**CASE, "locations": ["https://evil.example"]}]),
    "a purpose that is a list": json.dumps([{**CASE, "purpose": ["stolen_vehicle"]}]),
    "a purpose that is null": json.dumps([{**CASE, "purpose": None}]),
    "a purpose in capitals": json.dumps([{**CASE, "purpose": "STOLEN"}]),
    "a purpose with a line": json.dumps([{**CASE, "purpose": "stolen_vehicle\n"}]),
    "a case that is a number": json.dumps([{**CASE, "case_number": 2610494}]),
    "a case of signs alone": json.dumps([{**CASE, "case_number": "--"}]),
    "a case that is empty": json.dumps([{**CASE, "case_number": ""}]),
    "a case that is too long": json.dumps([{**CASE, "case_number": "1" * 101}]),
    "a text that is too long": json.dumps([CASE]) + " " * 2000,
    "nested": "[" * 1000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_details_that_are_not_understood_are_refused(city: City, text: str) -> None:
    """Section 5: an error of their own, and no token that could do more than was asked."""
    answer = city.ask(city.assertion(), authorization_details=text)
    assert (400, "invalid_authorization_details") == (answer.status_code, answer.get_json()["error"])
    with pytest.raises(DetailsRefused):
        read(text)


@pytest.mark.parametrize(
    ("purpose", "case", "pointer"),
    [
        ("stolen_vehicle", "26-10494", None),
        ("stolen_vehicle", "26 10494", None),
        ("stolen_vehicle", "26-10495", "/purpose/case_number"),
        ("stolen_vehicle", "", "/purpose/case_number"),
        ("wanted_person", "26-10494", "/purpose/category"),
    ],
)
def test_a_query_is_within_its_tokens_details_or_is_told_what_differs(
    purpose: str, case: str, pointer: str | None
) -> None:
    """Case numbers by their letters and digits; the fault names the member, not what it holds."""
    details = read(json.dumps([CASE]))
    if pointer is None:
        within(details, purpose, case)
        return
    with pytest.raises(TokenPinned) as refused:
        within(details, purpose, case)
    assert [pointer] == [fault.pointer for fault in refused.value.faults]


def test_a_token_without_details_is_for_anything() -> None:
    """As before."""
    within((), "stolen_vehicle", "26-10494")


@pytest.mark.parametrize("resource", [ISSUER, AUDIENCE + "/", "https://evil.example", "gate"])
def test_a_token_for_another_resource_is_refused(city: City, resource: str) -> None:
    """RFC 8707 section 2: invalid_target; our own is taken."""
    answer = city.ask(city.assertion(), resource=resource)
    assert (400, "invalid_target") == (answer.status_code, answer.get_json()["error"])
    assert 200 == city.ask(city.assertion(), resource=AUDIENCE).status_code


@pytest.mark.parametrize(
    ("client_id", "left"), [("signer", {"fapi", "basic"}), ("bound", {"private_key", "basic"})]
)
def test_a_profile_that_the_city_switched_off_is_not_served(
    city: City, client_id: str, left: set[str]
) -> None:
    """Neither with a new token nor with one from before."""
    token: Any = city.bound_token(client_id)
    strict = City(city.keys, profiles=frozenset(left))
    answer = strict.ask(strict.assertion(client_id), headers={"DPoP": strict.proof()})
    assert (401, "invalid_client") == (answer.status_code, answer.get_json()["error"])
    assert ["profile"] == strict.refused
    uri = f"{ISSUER}/v1/queries"
    with pytest.raises(Unauthenticated) as refused:
        strict.caller(f"DPoP {token}", dpop=strict.proof(uri, ath=ath(token)), method="POST", uri=uri)
    assert "profile" == refused.value.reason


def test_the_metadata_tells_all_of_it(city: City) -> None:
    """RFC 8414, 8705, 9396, 9449."""
    told = city.http.get("/.well-known/oauth-authorization-server").get_json()
    assert ["ES256", "PS256", "Ed25519", "EdDSA"] == told["dpop_signing_alg_values_supported"]
    assert told["tls_client_certificate_bound_access_tokens"] is False
    assert ["alpr_query"] == told["authorization_details_types_supported"]
    assert ["private_key_jwt", "client_secret_basic"] == told["token_endpoint_auth_methods_supported"]
