"""``gatekeeper client … --jwks-uri``: registered once its keys were seen; what fails is told with a cure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.shell import City, typed
from tests.servers.key_host import KeyHost, key_host, new_key, publishing, saying
from tests.servers.nginx import Authority

ONE, TWO = new_key("key-1"), new_key("key-2")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyHost]:
    """An agency's host, and settings by which it may be reached."""
    (tmp_path / "authority").mkdir()
    authority = Authority(tmp_path / "authority")
    monkeypatch.setenv("GATEKEEPER_CA_FILE", str(authority.root.certificate))
    monkeypatch.setenv("GATEKEEPER_KEY_SET_NETWORKS", "127.0.0.1/32")
    with key_host(authority.issue("host"), keys=[ONE]) as made:
        yield made


def test_a_life(city: City, host: KeyHost) -> None:
    """Registered, fetched again, revoked: with the address every key that came from it."""
    agency = city.add_agency()
    (made,) = city.rows("client", "add", agency, "--jwks-uri", host.uri)
    name = made["client_id"]
    assert "fapi" == made["profile"]
    (shown,) = city.rows("client", "show", name)
    assert host.uri == shown["jwks_uri"]
    one, two = (f"jwks:{key.thumbprint()} ES256" for key in (ONE, TWO))
    assert sorted([f"{made['kid']} jwks_uri active", f"{one} active"]) == sorted(shown["keys"])
    host.answer = publishing(TWO)
    assert "1 keys" in city.run("client", "fetch-keys", name)
    (shown,) = city.rows("client", "show", name)
    assert {f"{one} withdrawn", f"{two} active"} < {*shown["keys"]}
    assert "revoke-key" in city.refused("client", "add-key", name, "--jwks-uri", host.uri)
    city.run("client", "revoke-key", name, made["kid"])
    (shown,) = city.rows("client", "show", name)
    assert {"revoked"} == {key.split()[-1] for key in shown["keys"]}
    assert "--jwks-uri" in city.refused("client", "fetch-keys", name)
    wanted = [
        "credential.added",
        "credential.keys_fetched",
        "credential.keys_fetched",
        "credential.key_revoked",
    ]
    assert wanted == [event for event in city.events() if event.startswith("credential.")]
    assert "consistent" in city.run("ledger", "verify")


def test_a_client_of_files_may_change_over(city: City, host: KeyHost, tmp_path: Path) -> None:
    """Its address beside the key that it has, which is revoked afterwards."""
    (tmp_path / "key").write_text(json.dumps(TWO.as_dict(private=False)))
    (made,) = city.rows("client", "add", city.add_agency(), "--key", str(tmp_path / "key"))
    city.run("client", "add-key", made["client_id"], "--jwks-uri", host.uri)
    city.run("client", "revoke-key", made["client_id"], "key-2")
    (shown,) = city.rows("client", "show", made["client_id"])
    assert 2 == sum(key.endswith("active") for key in shown["keys"])


def test_a_key_that_was_stolen_is_published_in_vain(city: City, host: KeyHost) -> None:
    """Also for another client: it is passed over, and a set of nothing else is no set."""
    agency = city.add_agency()
    (made,) = city.rows("client", "add", agency, "--jwks-uri", host.uri)
    city.run("client", "stolen", made["client_id"], "--reason", "A laptop was stolen from a car")
    assert "another pair" in city.refused("client", "add", agency, "--jwks-uri", host.uri)
    host.answer = publishing(ONE, TWO)
    (again,) = city.rows("client", "add", agency, "--jwks-uri", host.uri)
    (shown,) = city.rows("client", "show", again["client_id"])
    assert sorted([f"{again['kid']} jwks_uri active", f"jwks:{TWO.thumbprint()} ES256 active"]) == sorted(
        shown["keys"]
    )


def test_what_cannot_be_fetched_is_not_registered(
    city: City, host: KeyHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fault with who does what; nothing is in the log."""
    agency = city.add_agency()
    add = ("client", "add", agency, "--jwks-uri")
    for answer, told in (
        (saying("", 302, Location="/other"), "redirect is not followed"),
        (saying("<html>"), "not JSON"),
        (publishing(), "no key that can sign"),
        (publishing(ONE.as_dict(private=True)), "PRIVATE key"),
        (saying(" " * 70_000), "64 KiB"),
    ):
        host.answer = answer
        assert told in city.refused(*add, host.uri)
    host.answer = publishing(ONE)
    assert "https alone" in city.refused(*add, host.uri.replace("https", "http"))
    assert "in a key's place" in city.refused(*add, host.uri, "--profile", "basic")
    assert "no such agency" in city.refused("client", "add", "nobody-there-pd", "--jwks-uri", host.uri)
    with monkeypatch.context() as patch:
        patch.delenv("GATEKEEPER_KEY_SET_NETWORKS")
        assert "GATEKEEPER_KEY_SET_NETWORKS" in city.refused(*add, host.uri)
        patch.setenv("GATEKEEPER_KEY_SET_NETWORKS", "here")
        assert "GATEKEEPER_KEY_SET_NETWORKS" in city.refused(*add, host.uri)
    with monkeypatch.context() as patch:
        patch.delenv("GATEKEEPER_CA_FILE")
        assert "GATEKEEPER_CA_FILE" in city.refused(*add, host.uri)
    assert [] == [event for event in city.events() if event.startswith("credential.")]


def test_a_key_with_a_last_day(city: City, tmp_path: Path, host: KeyHost) -> None:
    """Shown, and told by `doctor` a month before; what has no end of ours is refused with one."""
    agency, key = city.add_agency(), tmp_path / "key"
    key.write_text(json.dumps(TWO.as_dict(private=False)))
    soon = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    (made,) = city.rows("client", "add", agency, "--key", str(key), "--until", soon)
    (shown,) = city.rows("client", "show", made["client_id"])
    assert [f"key-2 ES256 active until {soon}"] == shown["keys"]
    rows = [
        json.loads(row) for row in typed("doctor", "--json", "--data", str(city.data)).stdout.splitlines()
    ]
    (told,) = [row for row in rows if row["check"] == "keys"]
    assert "warning" == told["state"]
    assert f"gatekeeper client add-key {made['client_id']} FILE" in told["detail"]
    assert "is over" in city.refused("client", "add", agency, "--key", str(key), "--until", "2020-01-01")
    assert "--until is for" in city.refused("client", "add", agency, "--jwks-uri", host.uri, "--until", soon)
    assert "--until is for" in city.refused(
        "client", "add-key", made["client_id"], "--jwks-uri", host.uri, "--until", soon
    )
    key.write_text(json.dumps({**TWO.as_dict(private=False), "exp": "tomorrow"}))
    assert "seconds since 1970" in city.refused("client", "add", agency, "--key", str(key))
