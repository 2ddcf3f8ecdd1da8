"""``gatekeeper client``: a secret is shown once, a private key never gets in, a weak one neither."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.dsa import generate_private_key as new_dsa
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.cli.shell import City, typed

EC = ECKey.generate_key("P-256", parameters={"kid": "ec-2026"})
ED = OKPKey.generate_key("Ed25519")
RSA = RSAKey.generate_key(2048)


def written(file: Path, key: bytes | dict[str, Any]) -> str:
    """Write a key; return where."""
    file.write_bytes(key if isinstance(key, bytes) else json.dumps(key).encode())
    return str(file)


def spki(key: Any) -> bytes:
    """Return a public key as PEM."""
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def test_a_secret_is_printed_once_whole_and_kept_nowhere(city: City) -> None:
    """Broken over two lines it could not be copied; kept, it could be stolen."""
    agency = city.add_agency()
    said = city.run("client", "add", agency, "--profile", "basic")
    (secret,) = re.findall(r"^client_secret +(\S{40,})$", said, re.MULTILINE)
    (client,) = [row["client_id"] for row in city.rows("client", "list")]
    assert secret not in city.run("client", "show", client) + city.run("client", "list")
    for file in city.data.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


KEYS: dict[str, tuple[bytes | dict[str, Any], str, str | None]] = {
    "PEM, P-256": (EC.as_pem(private=False), "ES256", None),
    "PEM, RSA": (RSA.as_pem(private=False), "PS256", None),
    "PEM, Ed25519": (ED.as_pem(private=False), "Ed25519", None),
    "JWK with its kid": (EC.as_dict(private=False), "ES256", "ec-2026"),
    "JWK with its algorithm": ({**ED.as_dict(private=False), "alg": "EdDSA"}, "EdDSA", None),
}


@pytest.mark.parametrize(("key", "algorithm", "kid"), KEYS.values(), ids=KEYS.keys())
def test_a_public_key_is_registered(
    city: City, tmp_path: Path, key: bytes | dict[str, Any], algorithm: str, kid: str | None
) -> None:
    """A JWK keeps its own kid; a PEM gets its thumbprint (RFC 7638)."""
    agency = city.add_agency()
    (made,) = city.rows("client", "add", agency, "--key", written(tmp_path / "key", key))
    assert "fapi" == made["profile"]
    assert "client_secret" not in made
    assert kid is None or kid == made["kid"]
    assert [f"{made['kid']} {algorithm} active"] == city.rows("client", "show", made["client_id"])[0]["keys"]


REFUSED: dict[str, tuple[bytes | dict[str, Any], str]] = {
    "a private PEM": (EC.as_pem(private=True), "private key"),
    "a private JWK": (EC.as_dict(private=True), "private key"),
    "a private RSA JWK": (RSA.as_dict(private=True), "private key"),
    "an RSA key of 1024 bits": (spki(new_rsa(65537, 1024)), "2048"),  # noqa: S505  weak on purpose
    "an EC key on P-521": (ECKey.generate_key("P-521").as_pem(private=False), "P-256"),
    "an EC key on secp256k1": (ECKey.generate_key("secp256k1").as_pem(private=False), "P-256"),
    "an X25519 key": (OKPKey.generate_key("X25519").as_pem(private=False), "Ed25519"),
    "a DSA key": (spki(new_dsa(2048)), "Ed25519"),
    "a symmetric key": (OctKey.generate_key(256).as_dict(), "Ed25519"),
    "a symmetric key for HS256": ({**OctKey.generate_key(256).as_dict(), "alg": "HS256"}, "Ed25519"),
    "an algorithm of another kind of key": ({**EC.as_dict(private=False), "alg": "PS256"}, "Ed25519"),
    "an algorithm that is none": ({**EC.as_dict(private=False), "alg": "none"}, "Ed25519"),
    "an algorithm that is no text": ({**EC.as_dict(private=False), "alg": ["ES256"]}, "Ed25519"),
    "a point off the curve": ({**EC.as_dict(private=False), "x": "AAAA"}, "Ed25519"),
    "a set of keys": ({"keys": [EC.as_dict(private=False)]}, "JWK"),
    "a kid with a line break": ({**EC.as_dict(private=False), "kid": "a\nb"}, "kid"),
    "a kid that is no text": ({**EC.as_dict(private=False), "kid": 7}, "kid"),
    "a certificate": (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "PEM"),
    "not UTF-8": (b"{\xff}", "JWK"),
    "nested without end": (b'{"a":' * 100_000, "JWK"),
    "nothing": (b"", "PEM"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_what_could_not_prove_an_agency_is_refused(
    city: City, tmp_path: Path, key: bytes | dict[str, Any], named: str
) -> None:
    """Private, weak, or of no use: the message says what to send instead, and nothing is registered."""
    agency = city.add_agency()
    assert named in city.refused("client", "add", agency, "--key", written(tmp_path / "key", key))
    assert [] == city.rows("client", "list")


def test_profile_and_key_must_agree(city: City, tmp_path: Path) -> None:
    """A client with neither could never ask; one with both could be stolen twice."""
    agency = city.add_agency()
    key = written(tmp_path / "key", EC.as_pem(private=False))
    assert "--key FILE" in city.refused("client", "add", agency)
    assert "--key FILE" in city.refused("client", "add", agency, "--profile", "basic", "--key", key)
    assert "gatekeeper agency list" in city.refused("client", "add", "nobody-at-all", "--key", key)
    assert "gatekeeper agency list" in city.refused("client", "list", "--agency", "nobody-at-all")


def test_keys_are_rolled_over_and_the_client_revoked(city: City, tmp_path: Path) -> None:
    """The new key is added before the old one goes; a revoked client stays revoked."""
    agency = city.add_agency("maple-grove-pd", "--ori", "IL0160000")
    first = written(tmp_path / "first", EC.as_dict(private=False))
    second = written(tmp_path / "second", ED.as_pem(private=False))
    (made,) = city.rows("client", "add", "IL0160000", "--key", first)
    client = made["client_id"]
    added = city.run("client", "add-key", client, second).split()[-1]
    assert "new kid" in city.refused("client", "add-key", client, second)
    city.run("client", "revoke-key", client, "ec-2026")
    assert f"gatekeeper client show {client}" in city.refused("client", "revoke-key", client, "ec-2026")
    assert "new kid" in city.refused("client", "add-key", client, first)
    keys = sorted(city.rows("client", "show", client)[0]["keys"])
    assert sorted(["ec-2026 ES256 revoked", f"{added} Ed25519 active"]) == keys
    assert [client] == city.rows("agency", "show", agency)[0]["clients"]
    city.run("client", "suspend", client, "--reason", "The key was on a stolen laptop")
    assert "revoked" == city.rows("client", "list", "--agency", "IL0160000")[0]["status"]
    assert "nothing was changed" in city.refused("client", "suspend", client, "--reason", "Once more")
    assert "gatekeeper client add" in city.refused(
        "client", "add-key", client, written(tmp_path / "third", RSA.as_pem(private=False))
    )
    expected = ["agency.added", "credential.added", "credential.key_added", "credential.key_revoked"]
    assert [*expected, "credential.revoked"] == city.events()


def test_an_unknown_client_and_a_secret_with_keys_are_refused(city: City, tmp_path: Path) -> None:
    """Messages name the command that shows the right ids."""
    agency = city.add_agency()
    key = written(tmp_path / "key", EC.as_pem(private=False))
    (made,) = city.rows("client", "add", agency, "--profile", "basic")
    assert "has a secret" in city.refused("client", "add-key", made["client_id"], key)
    for command in (["show"], ["suspend", "--reason", "A letter"]):
        assert "gatekeeper client list" in city.refused("client", command[0], "client-0", *command[1:])


@pytest.mark.parametrize("how", ["key", "client"])
def test_a_key_that_was_revoked_comes_back_under_no_other_name(city: City, tmp_path: Path, how: str) -> None:
    """Whoever stole it has it still: no other client, no other kid and no other agency may bring it."""
    agency, other = city.add_agency(), city.add_agency("maple-falls-pd")
    public = EC.as_dict(private=False)
    (made,) = city.rows("client", "add", agency, "--key", written(tmp_path / "key", public))
    (kept,) = city.rows(
        "client", "add", agency, "--key", written(tmp_path / "kept", ED.as_pem(private=False))
    )
    stolen = ("--kid", "ec-2026") if how == "key" else ()
    city.run("client", "stolen", made["client_id"], *stolen, "--reason", "A laptop was stolen from a car")
    again = written(tmp_path / "again", {**public, "kid": "another", "alg": "ES256", "use": "sig"})
    before = city.events()
    for act in (
        ("add", agency, "--key", again),
        ("add", other, "--key", written(tmp_path / "pem", EC.as_pem(private=False))),
        ("add-key", kept["client_id"], again),
    ):
        said = city.refused("client", *act)
        assert made["client_id"] in said
        assert "another pair" in said
    assert before == city.events()


def test_who_holds_a_stolen_key_is_named_with_each_client_that_it_still_opens(
    city: City, tmp_path: Path
) -> None:
    """One key for two clients is stolen for both: the command says what else to type."""
    agency, other = city.add_agency(), city.add_agency("maple-falls-pd")
    key = written(tmp_path / "key", EC.as_dict(private=False))
    first, second, third = (
        city.rows("client", "add", owner, "--key", key)[0]["client_id"] for owner in (agency, agency, other)
    )
    why = ("--reason", "A laptop was stolen from a car", "--data", str(city.data))
    told = typed("client", "stolen", first, *why).stderr
    assert f"gatekeeper client stolen {second}" in told
    assert f"gatekeeper client stolen {third}" in told
    typed("client", "stolen", second, "--kid", "ec-2026", *why)
    told = typed("client", "stolen", first, *why).stderr
    assert second not in told
    assert f"gatekeeper client stolen {third}" in told
