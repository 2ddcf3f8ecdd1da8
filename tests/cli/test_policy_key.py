"""``gatekeeper policy key``: an operator shows, rotates and forgets keys, and tells OPA of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.policy.archive import opa_bundle, opa_files
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.opa_configuration import PATH
from gatekeeper.policy.signing import claims_of
from tests.cli.shell import City, typed
from tests.policy.laws import small
from tests.policy.tampered import enactment, signed

KEY = ("policy", "key")


def signing(city: City) -> tuple[str, set[str]]:
    """Return the key that signs, and all that are believed."""
    rows = city.rows(*KEY, "show")
    (signs,) = [row["key id"] for row in rows if row["signs"]]
    return signs, {row["key id"] for row in rows}


def test_a_new_city_has_one_and_shows_it(city: City) -> None:
    """With its PEM, to be copied; never the private half."""
    keyid, known = signing(city)
    assert {keyid} == known
    shown = city.run(*KEY, "show")
    assert keyid in shown
    assert "-----BEGIN PUBLIC KEY-----" in shown
    assert "PRIVATE" not in shown


def test_rotate_and_forget(city: City) -> None:
    """The new one signs, the old one is believed until it is forgotten, and each says what to do next."""
    old, _ = signing(city)
    assert "gatekeeper policy key opa FILE" in city.run(*KEY, "rotate")
    new, known = signing(city)
    assert {old, new} == known
    assert "is the key that signs" in city.refused(*KEY, "forget", new)
    assert "no policy key of that name" in city.refused(*KEY, "forget", "../../log")
    assert "Restart the gate" in city.run(*KEY, "forget", old)
    assert (new, {new}) == signing(city)


def test_check_a_bundle(city: City, tmp_path: Path) -> None:
    """An auditor who has the file is told what it is, or every fault of it, each with what to do."""
    file, signer = tmp_path / "bundle.tar.gz", PolicyKeys(city.data / "keys").signer()
    claims = claims_of(opa_files(small()), enactment(small(), 7))
    whole = opa_bundle(small(), signature=signer.sign(claims))
    file.write_bytes(whole)
    (said,) = city.rows(*KEY, "check", str(file))
    assert (small().revision, small().digest, 7) == (said["revision"], said["digest"], said["serial"])
    assert small().revision in city.run(*KEY, "check", str(file))
    for content, words in (
        (whole[:-40], "it was copied in part"),
        (signed(small()), "signed by a key that is not known here"),
        (opa_bundle(small()), "the bundle is unsigned"),
    ):
        file.write_bytes(content)
        done = typed(*KEY, "check", str(file), "--data", str(city.data))
        assert (1, "") == (done.exit_code, done.stdout)
        assert words in done.stderr


def test_what_opa_is_told(city: City, tmp_path: Path) -> None:
    """Every key that is believed, where the bundle is and that it must be signed; no secret is in it."""
    city.run(*KEY, "rotate")
    file = tmp_path / "opa.json"
    city.run(*KEY, "opa", "--token-path", "/run/secrets/bundle_token", "--url", "https://gate/", str(file))
    said = json.loads(file.read_text())
    assert signing(city)[1] == said["keys"].keys()
    assert {
        "url": "https://gate",
        "credentials": {"bearer": {"token_path": "/run/secrets/bundle_token"}},
    } == {name: said["services"]["gatekeeper"][name] for name in ("url", "credentials")}
    law = said["bundles"]["law"]
    assert (PATH, {"scope": "gatekeeper-policy"}) == (law["resource"], law["signing"])
    assert "PRIVATE" not in file.read_text()
    assert (city.data / "keys" / "bundle.token").read_text().strip() not in file.read_text()


def test_an_opa_that_shows_a_certificate(city: City, tmp_path: Path) -> None:
    """In place of the token; one way must be said, and only one."""
    file = tmp_path / "opa.json"
    by = ("--certificate", "/c.pem", "--key", "/c.key")
    city.run(*KEY, "opa", *by, "--ca-file", "/ca.pem", str(file))
    service = json.loads(file.read_text())["services"]["gatekeeper"]
    assert {"client_tls": {"cert": "/c.pem", "private_key": "/c.key"}} == service["credentials"]
    assert {"ca_cert": "/ca.pem"} == service["tls"]
    for wrong in ((), by[:2], by[2:], (*by, "--token-path", "/t")):
        assert "say how OPA proves itself" in city.refused(*KEY, "opa", *wrong, str(file))


@pytest.mark.parametrize("wait", ["0", "26"])
def test_longer_than_the_proxy_waits(city: City, tmp_path: Path, wait: str) -> None:
    """A wait that the proxy breaks off would look to OPA like a failure."""
    done = typed(
        *KEY, "opa", "--token-path", "/t", "--wait", wait, str(tmp_path / "x"), "--data", str(city.data)
    )
    assert 2 == done.exit_code
