"""``gatekeeper issuer``: taken in, listed, given other keys, suspended and removed, a command each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from tests.cli.shell import City

WHY = ("--reason", "Agreement with the department of 3 November")
OFFICER = tuple(
    part
    for claim in ("badge=employee_id", "name=name", "sid=sid", "auth_time=auth_time")
    for part in ("--officer", claim)
)
URL = "https://login.maple.example.gov"


def _jwks(directory: Path, name: str = "jwks.json") -> str:
    file = directory / name
    key = {**ECKey.generate_key("P-256").as_dict(private=False), "kid": name}
    file.write_text(json.dumps({"keys": [key, {"kty": "oct", "kid": "left-out-for-it-cannot-sign"}]}))
    return str(file)


@pytest.fixture
def client(city: City, tmp_path: Path) -> str:
    """Return a client of a registered agency."""
    city.add_agency()
    key = tmp_path / "key.pem"
    key.write_bytes(ECKey.generate_key("P-256").as_pem(private=False))
    (row,) = city.rows("client", "add", "maple-grove-pd", "--key", str(key))
    return str(row["client_id"])


def _add(client: str, jwks: str, *more: str) -> tuple[str, ...]:
    named = ("--agency", "maple-grove-pd", "--client", f"alpr-app={client}")
    return ("issuer", "add", URL, *named, "--jwks", jwks, *WHY, *more)


def test_an_issuer_is_taken_in_listed_given_keys_and_removed(city: City, client: str, tmp_path: Path) -> None:
    """Each act is an entry that names the agencies; what is listed is what counts."""
    city.run(*_add(client, _jwks(tmp_path), *OFFICER))
    (row,) = city.rows("issuer", "list")
    assert (URL, "active", ["jwks.json"]) == (row["issuer"], row["status"], row["keys"])
    assert [f"alpr-app={client}"] == row["clients"]
    city.run("issuer", "keys", URL, _jwks(tmp_path, "new.json"), *WHY)
    city.run("issuer", "suspend", URL, *WHY)
    (row,) = city.rows("issuer", "list")
    assert ("suspended", ["new.json"]) == (row["status"], row["keys"])
    city.run("issuer", "reinstate", URL, *WHY)
    city.run("issuer", "remove", URL, *WHY)
    assert [] == city.rows("issuer", "list")
    city.run(*_add(client, _jwks(tmp_path)))
    acts = ["added", "changed", "suspended", "reinstated", "removed", "added"]
    assert [f"issuer.{act}" for act in acts] == city.events()[2:]


def test_what_is_unfit_changes_nothing_and_says_what_to_give(city: City, client: str, tmp_path: Path) -> None:
    """One line, exit status 1."""
    jwks, broken = _jwks(tmp_path), tmp_path / "broken.json"
    broken.write_bytes(b"\xff\xfe")
    before = city.events()
    for arguments, cure in (
        (_add(client, str(broken)), "jwks_uri"),
        (_add(client, jwks, "--officer", "badge"), "--officer takes NAME=VALUE"),
        (_add(client, jwks, "--client", f"alpr-app={client}"), "each name once"),
        (_add(client, jwks, "--bearer"), "GATEKEEPER_CLIENT_PROFILES"),
        (_add(client, jwks, "--type", "JWT"), "--require"),
        (("issuer", "suspend", URL, *WHY), "gatekeeper issuer list"),
        (("issuer", "keys", URL, jwks, *WHY), "gatekeeper issuer list"),
    ):
        assert cure in city.refused(*arguments), arguments
    assert before == city.events()


def test_done_twice_is_said(city: City, client: str, tmp_path: Path) -> None:
    """Nothing is changed by it."""
    city.run(*_add(client, _jwks(tmp_path)))
    assert "registered already" in city.refused(*_add(client, _jwks(tmp_path)))
    city.run("issuer", "suspend", URL, *WHY)
    assert "nothing was changed" in city.refused("issuer", "suspend", URL, *WHY)
