"""``gatekeeper issuer``: taken in, listed, given other keys, suspended and removed, a command each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from gatekeeper import settings
from gatekeeper.state import open_state
from tests.cli.shell import City, typed
from tests.servers.key_host import KeyHost, key_host, new_key, publishing, saying
from tests.servers.nginx import Authority

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


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyHost]:
    """A provider's host, and settings by which it may be reached."""
    (tmp_path / "authority").mkdir()
    authority = Authority(tmp_path / "authority")
    monkeypatch.setenv("GATEKEEPER_CA_FILE", str(authority.root.certificate))
    monkeypatch.setenv("GATEKEEPER_KEY_SET_NETWORKS", "127.0.0.1/32")
    with key_host(authority.issue("host"), keys=[new_key("one")]) as made:
        yield made


def _published(client: str, uri: str, *more: str) -> tuple[str, ...]:
    named = ("--agency", "maple-grove-pd", "--client", f"alpr-app={client}")
    return ("issuer", "add", URL, *named, "--jwks-uri", uri, *WHY, *more)


def test_keys_by_address_a_file_and_back(city: City, client: str, tmp_path: Path, host: KeyHost) -> None:
    """Taken in with its keys, fetched again by a command, changed over to a file, and back."""
    city.run(*_published(client, host.uri, "--stale-hours", "4"))
    (row,) = city.rows("issuer", "list")
    assert (["one"], host.uri, 4, None) == tuple(
        row[name] for name in ("keys", "keys_from", "stale_hours", "fault")
    )
    host.answer = publishing(new_key("one"), new_key("two"))
    assert "2 keys" in city.run("issuer", "fetch-keys", URL)
    city.run("issuer", "keys", URL, _jwks(tmp_path), *WHY)
    (row,) = city.rows("issuer", "list")
    assert (["jwks.json"], "file") == (row["keys"], row["keys_from"])
    assert "--jwks-uri" in city.refused("issuer", "fetch-keys", URL)
    city.run("issuer", "keys", URL, "--jwks-uri", host.uri, *WHY)
    (row,) = city.rows("issuer", "list")
    assert (["one", "two"], 24) == (row["keys"], row["stale_hours"])
    city.run("issuer", "suspend", URL, *WHY)
    assert "reinstate" in city.refused("issuer", "fetch-keys", URL)
    acts = ["added", "keys_fetched", "keys_fetched", "changed", "changed", "keys_fetched", "suspended"]
    assert [f"issuer.{act}" for act in acts] == city.events()[2:]
    assert "consistent" in city.run("ledger", "verify")


def test_what_cannot_be_fetched_is_not_taken_in(
    city: City, client: str, tmp_path: Path, host: KeyHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fault with who does what; nothing is in the log."""
    before = city.events()
    for answer, told in (
        (saying("", 302, Location="/other"), "redirect is not followed"),
        (saying("<html>"), "not JSON"),
        (publishing(), "no key of the set can sign"),
        (publishing(ECKey.generate_key("P-256").as_dict(private=True)), "PRIVATE key"),
        (saying(" " * 70_000), "64 KiB"),
    ):
        host.answer = answer
        assert told in city.refused(*_published(client, host.uri))
    host.answer = publishing(new_key("one"))
    assert "https alone" in city.refused(*_published(client, host.uri.replace("https", "http")))
    assert "one of the two" in city.refused(*_published(client, host.uri, "--jwks", _jwks(tmp_path)))
    assert "--jwks-uri" in city.refused(*_add(client, _jwks(tmp_path), "--stale-hours", "3"))
    named = ("--agency", "maple-grove-pd", "--client", f"alpr-app={client}")
    assert "--jwks-uri" in city.refused("issuer", "add", URL, *named, *WHY)
    assert "gatekeeper issuer list" in city.refused("issuer", "fetch-keys", URL)
    with monkeypatch.context() as patch:
        patch.delenv("GATEKEEPER_KEY_SET_NETWORKS")
        assert "GATEKEEPER_KEY_SET_NETWORKS" in city.refused(*_published(client, host.uri))
    with monkeypatch.context() as patch:
        patch.delenv("GATEKEEPER_CA_FILE")
        assert "GATEKEEPER_CA_FILE" in city.refused(*_published(client, host.uri))
    assert before == city.events()


def test_doctor_says_which_issuer_and_the_command(city: City, client: str, host: KeyHost) -> None:
    """Once its keys are older than its terms allow."""
    city.run(*_published(client, host.uri, "--stale-hours", "1"))
    state = open_state(settings.load(data=city.data))
    with state.database.write() as connection:
        connection.exec_driver_sql("UPDATE key_sets SET fetched_ms = fetched_ms - 4000000")
    state.close()
    told = typed("doctor", "--json", "--data", str(city.data)).stdout.splitlines()
    (row,) = [row for row in map(json.loads, told) if row["check"] == "keys"]
    assert "warning" == row["state"]
    assert f"gatekeeper issuer fetch-keys {URL}" in row["detail"]
    city.run("issuer", "fetch-keys", URL)
    told = typed("doctor", "--json", "--data", str(city.data)).stdout.splitlines()
    (row,) = [row for row in map(json.loads, told) if row["check"] == "keys"]
    assert "ok" == row["state"]


def test_rs256_is_taken_with_a_warning_and_never_by_itself(city: City, client: str, tmp_path: Path) -> None:
    """Named for that provider; what an ordinary one is taken in with does not have it."""
    file = tmp_path / "rsa.json"
    key = {**RSAKey.generate_key(2048).as_dict(private=False), "kid": "rsa"}
    file.write_text(json.dumps({"keys": [key]}))
    assert "no key of the set can sign by ES256" in city.refused(*_add(client, str(file)))
    words = _add(client, str(file), "--algorithm", "RS256", "--id-claim", "uti")
    result = typed(*words, "--data", str(city.data))
    assert (0, True) == (result.exit_code, "FAPI 2.0 forbids RS256" in result.stderr)
    (row,) = city.rows("issuer", "list")
    assert (["RS256"], ["rsa"]) == (row["algorithms"], row["keys"])
    city.run("issuer", "remove", URL, *WHY)
    result = typed(*_add(client, _jwks(tmp_path)), "--data", str(city.data))
    assert (0, False) == (result.exit_code, "RS256" in result.output)
