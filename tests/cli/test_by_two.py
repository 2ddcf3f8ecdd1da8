"""Commands in a city whose law wants two people for every change: proposed, shown, confirmed, handed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from joserfc.jwk import ECKey

from gatekeeper import settings
from gatekeeper.cli.onboarding_file import EXAMPLE
from gatekeeper.oversight.changes import ACTS
from gatekeeper.policy import load
from gatekeeper.review import secrets
from gatekeeper.state import open_state
from tests.cli.shell import City, typed
from tests.lawful import put_in_force
from tests.servers.key_host import key_host, new_key, publishing
from tests.servers.nginx import Authority

WHY = ("--reason", "Letter of the chief of 3 November")
AGENCY = "maple-grove-pd"
NEW = ("--name", "Maple Grove Police", "--kind", "local", "--state", "IL")
Made = dict[str, Any]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less memory: the strength of a hash is not what these tests are about."""
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def _law(city: City, law: Path, *acts: str) -> None:
    """Put a law into force that wants two people for these."""
    file = law / "data" / "city.json"
    data = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**data, "two_people_for": list(acts)}), "utf-8")
    state = open_state(settings.load(data=city.data))
    try:
        put_in_force(state, load(law))
    finally:
        state.close()


@pytest.fixture
def people(city: City, law: Path) -> tuple[Made, Made]:
    """Two members of staff of a city whose law wants two people for everything."""
    _law(city, law, *ACTS)
    return _staff(city, "robin.sample"), _staff(city, "lee.sample")


def _staff(city: City, username: str) -> Made:
    (made,) = city.rows("staff", "add", username, "--name", "Pat Sample", "--role", "records")
    return made


def _as(city: City, made: Made, *words: str) -> tuple[int, str]:
    proof = f"{made['password']}\n{made['recovery_codes'].pop()}\n"
    result = typed(*words, *WHY, "--as", made["username"], "--data", str(city.data), text=proof)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def _confirm(city: City, made: Made, named: str = "") -> str:
    waits = [row["proposal"] for row in city.rows("agency", "proposals") if row["state"] == "open"]
    status, said = _as(city, made, "agency", "confirm", named or waits[-1])
    assert 0 == status, said
    return said


def _key(tmp_path: Path) -> str:
    path = tmp_path / "key.pem"
    path.write_bytes(ECKey.generate_key("P-256").as_pem(private=False))
    return str(path)


def test_an_agencys_life_takes_two_at_each_step(
    city: City, people: tuple[Made, Made], tmp_path: Path
) -> None:
    """Entered, changed, given a client with a secret and one with a key, and closed."""
    first, second = people
    status, said = _as(city, first, "agency", "add", AGENCY, *NEW)
    assert (0, []) == (status, city.rows("agency", "list"))
    assert "gatekeeper agency confirm proposal-" in said
    said = _confirm(city, second, AGENCY)
    assert "name: Maple Grove Police" in said
    assert f"done: add agency of {AGENCY}" in said

    assert 0 == _as(city, first, "agency", "change", AGENCY, "--contact", "chief@maple.example")[0]
    assert [] == city.rows("agency", "show", AGENCY)[0]["contacts"]
    _confirm(city, second)
    assert ["chief@maple.example"] == city.rows("agency", "show", AGENCY)[0]["contacts"]

    status, said = _as(city, first, "client", "add", AGENCY, "--profile", "basic")
    assert (0, False) == (status, "gks_" in said)
    assert "client_secret  gks_" in _confirm(city, second)

    assert 0 == _as(city, first, "client", "add", AGENCY, "--key", _key(tmp_path))[0]
    _confirm(city, second)
    client_id = next(row["client_id"] for row in city.rows("client", "list") if row["profile"] == "fapi")
    assert 0 == _as(city, first, "client", "add-key", client_id, _key(tmp_path))[0]
    _confirm(city, second)
    assert 2 == len(city.rows("client", "show", client_id)[0]["keys"])

    assert 0 == _as(city, first, "agency", "close", AGENCY)[0]
    assert "active" == city.rows("agency", "show", AGENCY)[0]["status"]
    _confirm(city, second)
    assert "closed" == city.rows("agency", "show", AGENCY)[0]["status"]
    assert {"revoked"} == {row["status"] for row in city.rows("client", "list")}


def test_without_a_reason_or_a_person_nothing_is_proposed(city: City, people: tuple[Made, Made]) -> None:
    """The message says what is wanted."""
    assert "--reason … --as USER" in city.refused("agency", "add", AGENCY, *NEW)
    first, _ = people
    first["password"] = "not the password"
    assert 1 == _as(city, first, "agency", "add", AGENCY, *NEW)[0]
    assert [] == city.rows("agency", "proposals")


def test_what_cannot_be_done_is_said_before_anybody_types_a_password(
    city: City, people: tuple[Made, Made]
) -> None:
    """An id that is registered; a second time the same."""
    first, second = people
    _as(city, first, "agency", "add", AGENCY, *NEW)
    _confirm(city, second)
    assert "is registered" in city.refused("agency", "add", AGENCY, *NEW, *WHY)
    _as(city, first, "agency", "close", AGENCY)
    assert "proposed already" in _as(city, second, "agency", "close", AGENCY)[1]


def test_several_that_wait_are_named_to_be_chosen_from(city: City, people: tuple[Made, Made]) -> None:
    """By the agency alone nobody confirms what they did not mean."""
    first, second = people
    _as(city, first, "agency", "add", AGENCY, *NEW)
    _confirm(city, second)
    _as(city, first, "agency", "close", AGENCY)
    _as(city, first, "client", "add", AGENCY, "--profile", "basic")
    said = city.refused("agency", "confirm", AGENCY, *WHY)
    assert "name one: proposal-" in said
    assert "nothing is proposed" in city.refused("agency", "confirm", "nobody-at-all", *WHY)
    status, _ = _as(city, second, "agency", "withdraw", city.rows("agency", "proposals")[1]["proposal"])
    assert 0 == status
    assert ["done", "withdrawn", "open"] == [row["state"] for row in city.rows("agency", "proposals")]


def test_suspending_and_revoking_take_one_person_whatever_the_law_says(
    city: City, people: tuple[Made, Made], tmp_path: Path
) -> None:
    """And work at once."""
    first, second = people
    _as(city, first, "agency", "add", AGENCY, *NEW)
    _confirm(city, second)
    _as(city, first, "client", "add", AGENCY, "--key", _key(tmp_path))
    _confirm(city, second)
    (client,) = city.rows("client", "list")
    city.run("client", "suspend", client["client_id"], *WHY)
    city.run("agency", "suspend", AGENCY, *WHY)
    assert "suspended" == city.rows("agency", "show", AGENCY)[0]["status"]


def test_an_agency_is_taken_in_whole_step_by_step(
    city: City, people: tuple[Made, Made], tmp_path: Path
) -> None:
    """Each run enters what the last one could not; nothing twice."""
    first, second = people
    (tmp_path / "affirmation.pdf").write_bytes(b"signed")
    (tmp_path / "sample-city-pd.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=False))
    file = tmp_path / "agency.yaml"
    file.write_text(EXAMPLE, "utf-8")
    words = ("agency", "onboard", "--file", str(file))
    for _ in range(2):
        status, said = _as(city, first, *words)
        assert 0 == status, said
        assert "run this again" in said
        _confirm(city, second)
    status, said = _as(city, first, *words)
    assert (0, True) == (status, "nothing was changed" in said)
    events = [event for event in city.events() if event.startswith(("agency.", "credential."))]
    assert [
        "agency.change_proposed",
        "agency.added",
        "agency.affirmed",
        "agency.change_proposed",
        "credential.added",
    ] == events


def test_where_the_law_wants_one_for_reinstating_one_does_it(city: City, law: Path) -> None:
    """A member of staff all the same, who proves it."""
    _law(city, law)
    city.run("agency", "suspend", city.add_agency(), *WHY)
    status, said = _as(city, _staff(city, "robin.sample"), "agency", "reinstate", AGENCY)
    assert (0, True) == (status, "active from its next request on" in said)
    assert "agency.reinstated" in city.events()


def test_an_identity_provider_takes_two_and_its_end_takes_one(
    city: City, people: tuple[Made, Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proposed with its terms, shown, confirmed; what it publishes is fetched then, and not before."""
    first, second = people
    _as(city, first, "agency", "add", AGENCY, *NEW)
    _confirm(city, second)
    _as(city, first, "client", "add", AGENCY, "--key", _key(tmp_path))
    _confirm(city, second)
    (client,) = city.rows("client", "list")
    (tmp_path / "authority").mkdir()
    authority, url = Authority(tmp_path / "authority"), "https://login.maple.example.gov"
    monkeypatch.setenv("GATEKEEPER_CA_FILE", str(authority.root.certificate))
    monkeypatch.setenv("GATEKEEPER_KEY_SET_NETWORKS", "127.0.0.1/32")
    named = ("--agency", AGENCY, "--client", f"app={client['client_id']}")
    with key_host(authority.issue("host"), keys=[new_key("one")]) as host:
        status, said = _as(city, first, "issuer", "add", url, *named, "--jwks-uri", host.uri)
        assert (0, True) == (status, "nothing is changed until another person" in said)
        assert [] == city.rows("issuer", "list")
        status, said = _as(city, first, "agency", "confirm", AGENCY)
        assert (1, True) == (status, "Somebody else must confirm it" in said)
        host.answer = publishing(new_key("two"))
        said = _confirm(city, second)
        assert {True} == {word in said for word in (url, host.uri, "add issuer of")}
        assert ["two"] == city.rows("issuer", "list")[0]["keys"]
        file = tmp_path / "jwks.json"
        file.write_text(json.dumps({"keys": [new_key("three").as_dict(private=False)]}))
        _as(city, first, "issuer", "keys", url, str(file))
        assert ["two"] == city.rows("issuer", "list")[0]["keys"]
        _confirm(city, second)
        assert ["three"] == city.rows("issuer", "list")[0]["keys"]
    city.run("issuer", "suspend", url, *WHY)
    _as(city, first, "issuer", "reinstate", url)
    assert "suspended" == city.rows("issuer", "list")[0]["status"]
    _confirm(city, second)
    assert "active" == city.rows("issuer", "list")[0]["status"]
    events = [event for event in city.events() if event.startswith(("issuer.", "agency.change"))]
    acts = ["added", "keys_fetched", "changed", "suspended", "reinstated"]
    assert [f"issuer.{act}" for act in acts] == [event for event in events if event.startswith("issuer.")]
    assert "consistent" in city.run("ledger", "verify")
