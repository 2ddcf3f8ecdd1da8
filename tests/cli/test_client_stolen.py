"""``gatekeeper client stolen``: found at noon, of no use at noon; then all that it asked is known."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli.client import register
from gatekeeper.errors import Unauthenticated
from gatekeeper.policy import load, shipped_policies
from gatekeeper.settings import Settings
from gatekeeper.store.database import Database
from tests.cli.shell import typed
from tests.exchange.city import City, body
from tests.promises.made import built_city

AGENCY = "sample-il-pd"
REASON = "A laptop was stolen from a car"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """A city whose clients have secrets, as they are easiest to steal."""
    settings = Settings(data=tmp_path / "city", engine="embedded", client_profiles="fapi basic")
    with built_city(settings, load(shipped_policies())) as built:
        yield built


def stolen(city: City, *more: str, status: int = 0) -> Any:
    """Type the command for the agency's client."""
    data = str(city.state.settings.data)
    command = ["client", "stolen", city.clients[AGENCY], "--reason", REASON, "--data", data]
    done = typed(*command, *more)
    assert status == done.exit_code, done.output
    return done


def asked(city: City) -> list[str]:
    """Ask one query that is permitted and one that is denied; return their ids."""
    permitted = json.loads(city.ask(body()).body)
    denied = json.loads(city.ask(body(attestation__accepted=False)).body)
    assert "records" in permitted
    assert "records" not in denied
    return [permitted["query_id"], denied["query_id"]]


def test_at_noon_it_is_of_no_use_and_every_query_is_known(city: City, tmp_path: Path) -> None:
    """Revoked before the list is read; each query with the entries that prove it; a notice says the rest."""
    first, second = asked(city)
    out = tmp_path / "incident"
    done = stolen(city, "--out", str(out), "--json")
    with pytest.raises(Unauthenticated):
        city.ask(body())
    document = json.loads(done.stdout)
    entries = [json.loads(entry.entry) for entry in city.state.rows.entries(0, 10_000)]
    revoked = entries[document["revoked"]["entry"]]
    assert ("credential.revoked", city.clients[AGENCY]) == (revoked["event"], revoked["client"])
    rows = {row["query_id"]: row for row in csv.DictReader(io.StringIO((out / "queries.csv").read_text()))}
    assert {first, second} == rows.keys() == {row["query_id"] for row in document["queries"]}
    assert ("permit", "1") == (rows[first]["outcome"], rows[first]["releases"])
    assert ("deny", "0", "none") == tuple(rows[second][of] for of in ("outcome", "releases", "records"))
    for query, row in rows.items():
        assert query == entries[int(row["first_entry"])]["ref"] == entries[int(row["last_entry"])]["ref"]
    notice = (out / "notice.txt").read_text()
    assert document["notice"] == notice
    for said in (
        "2 queries were asked since it was registered",
        "1 permitted, 1 denied; 1 got records",
        f"/v1/ledger/entries/{document['revoked']['entry']}/proof",
        "no contact is registered",
        REASON,
    ):
        assert said in notice
    assert 0o600 == (out / "notice.txt").stat().st_mode & 0o777


def test_what_is_sent_by_mail_holds_no_plate_and_no_name(city: City) -> None:
    """What was typed into a query stays in the city."""
    sent = body(purpose__narrative="Stolen Example sedan on Sample Avenue", requester__name="Sam Sample")
    city.ask(sent)
    said = stolen(city, "--json").stdout
    for private in (sent["query"]["plate"], "Sam Sample", "Sample Avenue", sent["requester"]["badge"]):
        assert private not in said


def test_typed_again_it_lists_again_and_revokes_nothing(city: City) -> None:
    """Somebody may have revoked it in a hurry; the list and the draft are wanted all the same."""
    asked(city)
    stolen(city)
    size = city.state.rows.head().size
    again = stolen(city)
    assert size == city.state.rows.head().size
    assert "was revoked before" in again.stderr
    assert 2 == sum(line.strip().startswith("q_") for line in again.stdout.splitlines())
    assert "It had been revoked before this letter was drafted." in again.stdout


def test_other_clients_are_neither_revoked_nor_listed(city: City) -> None:
    """One key was stolen; who else asks for the same agency goes on."""
    mine, stolen_one = asked(city), city.clients[AGENCY]
    other = register(city.state, AGENCY, profile="basic").client.id
    city.clients[AGENCY] = other
    theirs = asked(city)
    city.clients[AGENCY] = stolen_one
    listed = json.loads(stolen(city, "--json").stdout)["queries"]
    assert set(mine) == {row["query_id"] for row in listed}
    assert not set(mine) & set(theirs)
    city.clients[AGENCY] = other
    assert 200 == city.ask(body()).status


def test_from_a_day_on(city: City) -> None:
    """What was asked before it was stolen is the agency's own."""
    asked(city)
    assert [] == json.loads(stolen(city, "--json", "--since", "2999-01-01").stdout)["queries"]
    said = stolen(city, "--since", "2999-01-01").stdout
    assert "0 queries were asked from 2999-01-01 on" in said


def test_the_revocation_stands_where_nothing_can_be_written(city: City, tmp_path: Path) -> None:
    """A full disk at noon must not leave the door open."""
    asked(city)
    file = tmp_path / "file"
    file.write_text("")
    done = stolen(city, "--out", str(file / "incident"), status=1)
    assert "it is revoked, but" in done.stderr
    with pytest.raises(Unauthenticated):
        city.ask(body())
    assert 2 == len(json.loads(stolen(city, "--json").stdout)["queries"])


def altered(city: City, query: str) -> None:
    """Alter what the log says of a query, as somebody with the database's password could."""
    with closing(Database.open(city.state.settings.state_url)) as database, database.write() as connection:
        guards = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
        for name in guards.all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(
            "UPDATE ledger_entries SET entry = replace(entry, 'permit', 'deny') WHERE ref = ?", (query,)
        )


def test_the_revocation_stands_where_the_list_was_altered(city: City) -> None:
    """An entry of long ago is not what it was, and that is said; the key is of no use all the same."""
    first, _ = asked(city)
    for _ in range(120):
        asked(city)
    city.state.ledger.checkpoint()
    altered(city, first)
    done = stolen(city, status=1)
    assert "is revoked from entry" in done.stderr
    assert "gatekeeper ledger verify" in done.stderr
    with pytest.raises(Unauthenticated):
        city.ask(body())


def test_where_nothing_can_be_revoked_the_command_that_can_is_said(city: City) -> None:
    """A log that is not as it was signed takes no revocation; it takes a stop."""
    first, _ = asked(city)
    altered(city, first)
    said = stolen(city, status=1).stderr
    assert "nothing is revoked" in said
    assert "gatekeeper stop --agency" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("client-0000", "--reason", REASON), "gatekeeper client list"),
        (("CLIENT", "--reason", "?"), "say why in words"),
        (("CLIENT", "--reason", REASON, "--kid", "nobody"), "has no key nobody"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(city: City, arguments: tuple[str, ...], said: str) -> None:
    """A slip is told, and nothing is revoked."""
    known = [city.clients[AGENCY] if one == "CLIENT" else one for one in arguments]
    size = city.state.rows.head().size
    done = typed("client", "stolen", *known, "--data", str(city.state.settings.data))
    assert (1, True) == (done.exit_code, said in done.stderr), done.output
    assert size == city.state.rows.head().size
