"""Clients of mutual TLS: the certificate's name, the token that is bound to it, the proxy that says so."""

from __future__ import annotations

import datetime as dt
import ipaddress
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from flask import request

from gatekeeper.errors import Unauthenticated
from gatekeeper.exchange.authenticate import thumbprint_of
from gatekeeper.exchange.certificate_names import KINDS, bears, registered
from gatekeeper.web.presented import Presenting
from gatekeeper.web.proxy import Proxy
from tests.oauth.city import ISSUER, PROXY, City, Key, named

HOST = "gate.oakville.example"
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(
    *names: x509.GeneralName, subject: str = "CN=gate,O=Oakville (sample)", raw: bytes = b""
) -> x509.Certificate:
    """Make a certificate that bears these names, or this as its names; the proxy judges who signed it."""
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(subject))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sample authority")]))
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )
    if names:
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if raw:
        written = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), raw)
        built = built.add_extension(written, critical=False)
    return built.sign(KEY, SHA256())


GOOD = certificate(x509.DNSName(HOST))
OTHER = certificate(x509.DNSName("gate.harbor.example"))


def shown(one: x509.Certificate | None = GOOD, **headers: str) -> dict[str, str]:
    """Return the headers by which the proxy tells of a certificate."""
    told = {"X-Client-Verify": "SUCCESS", "X-Proxy-Secret": PROXY.secret}
    if one is not None:
        told["X-Client-Certificate"] = quote(one.public_bytes(Encoding.PEM).decode())
    return {name.replace("_", "-"): value for name, value in {**told, **headers}.items()}


def asked(city: City, headers: dict[str, str], client_id: str = "certified", **form: str) -> Any:
    """Ask for a token over mutual TLS."""
    body = {"grant_type": "client_credentials", "client_id": client_id, **form}
    return city.http.post("/oauth/token", data=body, headers=headers)


def test_the_certificate_is_the_client_and_its_token_is_bound_to_it(city: City) -> None:
    """RFC 8705: no secret and no assertion; another certificate, or none, makes the token worthless."""
    answer = asked(city, shown())
    assert (200, "Bearer") == (answer.status_code, answer.get_json()["token_type"])
    token = answer.get_json()["access_token"]
    assert "certified" == city.caller(f"Bearer {token}", certificate=GOOD).client_id
    for other, reason in ((OTHER, "certificate_other"), (None, "certificate_missing")):
        with pytest.raises(Unauthenticated) as refused:
            city.caller(f"Bearer {token}", certificate=other)
        assert reason == refused.value.reason
    with pytest.raises(Unauthenticated) as scheme:
        city.caller(f"DPoP {token}", certificate=GOOD)
    assert "wrong_scheme" == scheme.value.reason


def test_a_new_certificate_of_the_same_name_is_the_same_client(city: City) -> None:
    """It was renewed: tokens from then on are bound to the new one; those from before need the old one."""
    renewed = certificate(x509.DNSName(HOST))
    old, new = (asked(city, shown(one)).get_json()["access_token"] for one in (GOOD, renewed))
    assert city.caller(f"Bearer {new}", certificate=renewed)
    with pytest.raises(Unauthenticated):
        city.caller(f"Bearer {old}", certificate=renewed)


def test_a_client_of_mutual_tls_may_bind_its_token_to_a_key(city: City) -> None:
    """Who sends a proof as well is given a token for that key."""
    answer = asked(city, {**shown(), "DPoP": city.proof()})
    assert (200, "DPoP") == (answer.status_code, answer.get_json()["token_type"])


def test_a_client_with_a_key_may_bind_its_token_to_its_connection(city: City) -> None:
    """private_key_jwt over mutual TLS, without DPoP."""
    answer = city.ask(city.assertion("bound"), headers=shown(OTHER))
    assert (200, "Bearer") == (answer.status_code, answer.get_json()["token_type"])
    assert city.caller(f"Bearer {answer.get_json()['access_token']}", certificate=OTHER)


REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "another name": (shown(OTHER), "certified", "certificate_other"),
    "no name at all": (shown(certificate()), "certified", "certificate_other"),
    "the name in the subject alone": (
        shown(certificate(subject=f"CN={HOST}")),
        "certified",
        "certificate_other",
    ),
    "a name that begins with it": (
        shown(certificate(x509.DNSName(HOST + ".evil.example"))),
        "certified",
        "certificate_other",
    ),
    "a name that stands for many": (
        shown(certificate(x509.DNSName("*.oakville.example"))),
        "certified",
        "certificate_other",
    ),
    "the name as another kind": (
        shown(certificate(x509.UniformResourceIdentifier(HOST))),
        "certified",
        "certificate_other",
    ),
    "a client that has keys": (shown(), "bound", "method"),
    "a client of another profile": (shown(), "signer", "method"),
    "a client with a secret": (shown(), "secretive", "method"),
    "a client that is not there": (shown(), "nobody", "unknown_client"),
    "a client with a name of letters": (shown(), "a b\u00e9", "unknown_client"),
    "not verified": (
        shown(X_Client_Verify="FAILED:self signed certificate"),
        "certified",
        "certificate_unverified",
    ),
    "no verdict": (
        {n: v for n, v in shown().items() if n != "X-Client-Verify"},
        "certified",
        "certificate_unverified",
    ),
    "a verdict in small letters": (shown(X_Client_Verify="success"), "certified", "certificate_unverified"),
    "two verdicts": (shown(X_Client_Verify="SUCCESS,SUCCESS"), "certified", "certificate_unverified"),
    "no certificate": (shown(None), "certified", "no_credentials"),
    "an empty one": (shown(None, X_Client_Certificate=""), "certified", "no_credentials"),
    "one that is none": (
        shown(None, X_Client_Certificate="-----BEGIN%20CERTIFICATE-----"),
        "certified",
        "malformed",
    ),
    "one that is huge": (shown(None, X_Client_Certificate="A" * 20_000), "certified", "oversized"),
    "not from the proxy": (shown(X_Proxy_Secret="q" * 32), "certified", "no_credentials"),
    "without the proxy's secret": (shown(X_Proxy_Secret=""), "certified", "no_credentials"),
    "the proxy's secret twice": (
        shown(X_Proxy_Secret=f"{PROXY.secret},{PROXY.secret}"),
        "certified",
        "no_credentials",
    ),
    "a secret that is not ASCII": (shown(X_Proxy_Secret="\u00e9" * 32), "certified", "no_credentials"),
}


@pytest.mark.parametrize(("headers", "client_id", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_the_clients_certificate_is_refused(
    city: City, headers: dict[str, str], client_id: str, reason: str
) -> None:
    """Each with its own word in the log, and none in the answer."""
    answer = asked(city, headers, client_id)
    assert (401, "invalid_client") == (answer.status_code, answer.get_json()["error"])
    assert [reason] == city.refused
    assert HOST not in answer.get_data(as_text=True)


# A GeneralName that no library of ours reads: x400Address (RFC 5280 section 4.2.1.6).
POSTAL = certificate(raw=bytes.fromhex("3004a3023000"))
SEVENTH = certificate().public_bytes(Encoding.DER).replace(b"\xa0\3\2\1\2", b"\xa0\3\2\1\7", 1)


@pytest.mark.parametrize(
    "der", [POSTAL.public_bytes(Encoding.DER), SEVENTH], ids=["a name of an unread kind", "version 8"]
)
def test_a_certificate_that_cannot_be_read_is_refused_and_breaks_nothing(city: City, der: bytes) -> None:
    """An authority may sign what our library does not read: 401, never 500."""
    pem = f"-----BEGIN CERTIFICATE-----\n{b64encode(der).decode()}\n-----END CERTIFICATE-----\n"
    answer = asked(city, shown(X_Client_Certificate=quote(pem)))
    assert (401, "invalid_client") == (answer.status_code, answer.get_json()["error"])


def test_without_the_proxys_secret_no_certificate_is_believed(city: City) -> None:
    """As the settings say: clients have no mutual TLS, whatever a program at the proxy's address sends."""
    presenting = Presenting(ISSUER, Proxy("127.0.0.1"))
    for headers in (shown(), shown(X_Proxy_Secret=""), shown(X_Client_Verify="FAILED")):
        with city.app.test_request_context("/oauth/token", method="POST", headers=headers):
            assert presenting.of(request).certificate is None


def test_two_proofs_in_one_request_are_refused(city: City) -> None:
    """A secret beside the certificate: the secret alone counts, as for anybody else."""
    answer = city.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": "certified"},
        headers={**shown(), "Authorization": "Basic Y2VydGlmaWVkOng="},
    )
    assert 401 == answer.status_code


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "revoked"}, "client_revoked"),
        ({"agency_id": "nowhere"}, "agency_closed"),
        ({"keys": (named("san_dns", HOST, "revoked"),)}, "credential_revoked"),
        ({"keys": ()}, "method"),
        ({"keys": (Key("k", "tls_client_auth", {}),)}, "certificate_other"),
        ({"keys": (Key("k", "tls_client_auth", {"tls_client_auth_san_dns": ""}),)}, "certificate_other"),
        ({"keys": (Key("k", "tls_client_auth", {"tls_client_auth_san_dns": None}),)}, "certificate_other"),
        ({"keys": (Key("k", "tls_client_auth", {"tls_client_auth_cn": HOST}),)}, "certificate_other"),
    ],
)
def test_what_was_revoked_meanwhile_is_refused(city: City, change: dict[str, Any], reason: str) -> None:
    """The client, its agency, its name; and names that nothing can bear."""
    city.registry.change("certified", **change)
    assert 401 == asked(city, shown()).status_code
    assert [reason] == city.refused


def test_a_token_of_a_name_that_was_revoked_is_refused(city: City) -> None:
    """At the resource, on the next request."""
    token = asked(city, shown()).get_json()["access_token"]
    city.registry.change("certified", keys=(named("san_dns", HOST, "revoked"),))
    with pytest.raises(Unauthenticated) as refused:
        city.caller(f"Bearer {token}", certificate=GOOD)
    assert "credential_revoked" == refused.value.reason


BORNE: dict[str, tuple[str, Callable[[str], x509.Certificate]]] = {
    "subject_dn": ("CN=gate,O=Oakville (sample),C=US", lambda v: certificate(subject=v)),
    "san_dns": ("Gate.Oakville.Example", lambda v: certificate(x509.DNSName(v.lower()))),
    "san_uri": ("urn:sample:gate", lambda v: certificate(x509.UniformResourceIdentifier(v))),
    "san_ip": ("2001:DB8::1", lambda v: certificate(x509.IPAddress(ipaddress.ip_address(v)))),
    "san_email": ("gate@oakville.example", lambda v: certificate(x509.RFC822Name(v))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_name_is_known(kind: str) -> None:
    """All five of RFC 8705 section 2.1.2; a certificate with another name, or none, does not bear it."""
    value, make = BORNE[kind]
    name = registered(kind, value)
    assert {f"tls_client_auth_{kind}"} == name.keys()
    assert bears(make(value), name)
    assert not bears(OTHER, name)
    assert not bears(certificate(subject="CN=other"), name)
    for other in set(KINDS) - {kind}:
        assert not bears(make(value), registered(other, BORNE[other][0]))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("common_name", "gate"),
        ("subject_dn", "gate"),
        ("subject_dn", ""),
        ("san_dns", "*.oakville.example"),
        ("san_dns", "gate\n.example"),
        ("san_dns", "gät.example"),
        ("san_ip", "300.1.1.1"),
        ("san_uri", "a" * 513),
    ],
)
def test_a_name_that_is_none_is_not_registered(kind: str, value: str) -> None:
    """With what is wrong, for the operator."""
    with pytest.raises(ValueError, match=r"."):
        registered(kind, value)


def test_the_thumbprint_is_of_the_whole_certificate() -> None:
    """RFC 8705 section 3.1: SHA-256 of the DER, in base64url without padding."""
    assert 43 == len(thumbprint_of(GOOD))
    assert thumbprint_of(GOOD) != thumbprint_of(certificate(x509.DNSName(HOST)))
