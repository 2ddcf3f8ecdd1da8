"""Attacks on client_secret_basic, the lower profile that a city may allow."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

import pytest

from gatekeeper.web.clients import make_secret, secret_hash
from tests.oauth.city import SECRET, SECRET_HASH, City, refused


def ask(city: City, header: str | None = None, *, client_id: str = "secretive", secret: str = SECRET) -> Any:
    """Ask for a token with a secret, or with a header of one's own."""
    made = "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()
    return city.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": header if header is not None else made},
    )


def test_right_secret_gets_a_token_that_works(city: City) -> None:
    """A basic client is a caller like any other, and its profile is known."""
    token = ask(city).get_json()["access_token"]
    assert "basic" == city.caller(f"Bearer {token}").profile


def test_urlencoded_credentials_are_decoded(city: City) -> None:
    """RFC 6749 section 2.3.1: id and secret are form-urlencoded; plus and space survive the way."""
    secret = "a b+c%/:é~"
    city.registry.change("secretive", secret_sha256=secret_hash(secret))
    assert 200 == ask(city, secret=quote_plus(secret)).status_code


def test_secret_is_stored_as_a_hash_of_256_random_bits() -> None:
    """Two secrets differ; the stored value is a SHA-256; the secret needs no encoding anywhere."""
    (one, stored), (two, _) = make_secret(), make_secret()
    assert one != two
    assert 47 == len(one) == len(quote_plus(one))
    assert (64, secret_hash(one)) == (len(stored), stored)


@pytest.mark.parametrize(
    "secret",
    ["wrong", "é", "\u2028", SECRET + "x", SECRET[:-1], SECRET.swapcase(), SECRET_HASH, " "],
    ids=len,  # not by value: the secret is another in each process that collects
)
def test_wrong_secret_is_a_clean_401(city: City, secret: str) -> None:
    """Also non-ASCII ones, which crash a comparison of str; the stored hash itself is no secret."""
    answer = ask(city, secret=quote_plus(secret))
    refused(city, answer, "secret")
    assert 'Basic realm="gatekeeper"' == answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Basic", "malformed_header"),
        ("Basic ", "malformed_header"),
        ("Basic !!!", "malformed_header"),
        ("Basic " + b64encode(b"no-colon").decode(), "malformed_header"),
        ("Basic " + b64encode(b"secretive:").decode(), "malformed_header"),
        ("Basic " + b64encode(b":x").decode(), "malformed_header"),
        ("Basic " + b64encode(b"a\x00b:x").decode(), "malformed_header"),
        ("Basic " + b64encode(b"a%00b:x").decode(), "malformed_header"),
        ("Basic " + b64encode(b"\xff:x").decode(), "malformed_header"),
        ("Basic " + b64encode(b"a%FF:x").decode(), "malformed_header"),
        ("Basic " + b64encode(b"a:%ED%A0%80").decode(), "malformed_header"),
        ("Basic " + b64encode(f"secretive:{SECRET}".encode()).decode() + ",Basic eDp5", "malformed_header"),
        ("Basic " + "A" * 4000, "oversized"),
        ("Bearer abc", "wrong_scheme"),
        ("Digest abc", "wrong_scheme"),
        ("", "wrong_scheme"),
    ],
    ids=len,
)
def test_malformed_header_is_a_clean_401(city: City, header: str, reason: str) -> None:
    """Bad base64, NUL, other encodings, two headers in one, other schemes."""
    refused(city, ask(city, header), reason)


def test_unknown_client_answers_like_a_wrong_secret(city: City) -> None:
    """The answer does not tell which clients exist."""
    unknown, wrong = ask(city, client_id="nobody"), ask(city, secret="x")
    assert unknown.get_data() == wrong.get_data()
    assert ["unknown_client", "secret"] == city.refused


def test_city_that_forbids_secrets_refuses_right_ones(city: City) -> None:
    """Without ``basic`` among them: the profile does not exist, whatever is registered."""
    strict = City(city.keys, profiles=frozenset({"fapi", "private_key"}))
    refused(strict, ask(strict), "method")


def test_private_key_client_cannot_use_a_secret(city: City) -> None:
    """Not even if one is stored beside its keys."""
    city.registry.change("signer", secret_sha256=SECRET_HASH)
    refused(city, ask(city, client_id="signer"), "method")


def test_basic_client_cannot_use_a_key(city: City) -> None:
    """Not even if one is registered beside its secret."""
    city.registry.change("secretive", keys=city.registry.clients["signer"].keys)
    refused(city, city.ask(city.assertion("secretive")), "method")


@pytest.mark.parametrize("stored", [None, ""])
def test_client_without_a_secret_is_refused(city: City, stored: str | None) -> None:
    """An absent hash matches nothing, not even the secret of an absent hash."""
    city.registry.change("secretive", secret_sha256=stored)
    refused(city, ask(city, secret="x"), "method")


def test_secret_in_the_body_is_refused(city: City) -> None:
    """client_secret_post is not a method here: bodies are logged more often than headers."""
    answer = city.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": "secretive", "client_secret": SECRET},
    )
    refused(city, answer, "method")


def test_secret_in_the_address_is_refused(city: City) -> None:
    """Addresses are logged."""
    answer = city.http.post(
        f"/oauth/token?client_id=secretive&client_secret={SECRET}", data={"grant_type": "x"}
    )
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])


def test_form_client_id_that_disagrees_is_refused(city: City) -> None:
    """One request names one client."""
    made = "Basic " + b64encode(f"secretive:{SECRET}".encode()).decode()
    body = {"grant_type": "client_credentials", "client_id": "signer"}
    refused(city, city.http.post("/oauth/token", data=body, headers={"Authorization": made}), "subject")


def test_revoked_client_and_closed_agency_get_nothing(city: City) -> None:
    """A right secret does not outlive its registration."""
    city.registry.change("secretive", status="revoked")
    refused(city, ask(city), "client_revoked")
    city.registry.change("secretive", status="active", agency_id="nowhere")
    assert 401 == ask(city).status_code
    assert ["client_revoked", "agency_closed"] == city.refused


def test_replaced_secret_ends_the_tokens_of_the_old_one(city: City) -> None:
    """A leaked secret is replaced: what was got with it stops working at once."""
    header = f"Bearer {ask(city).get_json()['access_token']}"
    assert "secretive" == city.caller(header).client_id
    city.registry.change("secretive", secret_sha256=make_secret()[1])
    with pytest.raises(Exception, match="credential_revoked"):
        city.caller(header)
