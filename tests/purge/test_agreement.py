"""Holds in the database against those in the log: what no entry tells of is found, and erases nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import pytest
from sqlalchemy import create_engine

from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.parts import agreement
from gatekeeper.policy import Bundle
from gatekeeper.purge.agreement import LOST, UNLOGGED
from gatekeeper.purge.timer import erase_once
from gatekeeper.settings import Settings
from tests.cli.shell import typed
from tests.purge.made import COUNSEL, GONE, HELD, KEPT, LATER, OPEN, REASON, RECENT, UPHELD, Town, make
from tests.servers.postgres import cluster


@dataclass(frozen=True)
class Writer:
    """Whoever owns the tables, and so can switch off what guards them."""

    town: Town
    run: Callable[[str], None]

    def codes(self) -> list[str]:
        """Return what is found."""
        return [one.code for one in agreement(self.town.state).differences()]


def _owner_of_sqlite(town: Town) -> Callable[[str], None]:
    def run(statement: str) -> None:
        engine = create_engine(f"sqlite:///{town.state.settings.data / 'state.db'}")
        with engine.begin() as connection:
            asked = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'legal_holds'"
            for name in connection.exec_driver_sql(asked).scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            connection.exec_driver_sql(statement)
        engine.dispose()

    return run


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgres"))])
def writer(request: pytest.FixtureRequest, tmp_path: Path, bundle: Bundle) -> Iterator[Writer]:
    """Return a city with a past on each database, and whoever can write there."""
    if request.param == "sqlite":
        town = request.getfixturevalue("town")
        yield Writer(town, _owner_of_sqlite(town))
        return
    with cluster() as server:
        url = server.create("state")
        ids = make(
            Settings(
                data=tmp_path / "town", engine="embedded", client_profiles="fapi basic", database_url=url
            ),
            bundle,
        )

        def run(statement: str) -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER TABLE legal_holds DISABLE TRIGGER ALL")
                connection.execute(statement.encode())

        opened = Town.open(tmp_path / "town", ids, bundle, url)
        yield Writer(opened, run)
        opened.close()


def _removed(_: Writer, hold: str) -> str:
    return f"DELETE FROM legal_holds WHERE id = '{hold}'"  # noqa: S608  ours


def _lifted(_: Writer, hold: str) -> str:
    return f"UPDATE legal_holds SET lifted_at = placed_at WHERE id = '{hold}'"  # noqa: S608  ours


def _turned(writer: Writer, hold: str) -> str:
    other = writer.town.ids[RECENT]
    return f"UPDATE legal_holds SET query_id = '{other}' WHERE id = '{hold}'"  # noqa: S608  ours


def _unreadable(_: Writer, hold: str) -> str:
    return f"DELETE FROM private_details WHERE ref = '{hold}'"  # noqa: S608  ours


ADDED: Final = f"hold_{'a' * 24}"
LOSSES: Final = (
    (_removed, "does not have it"),
    (_lifted, "it is lifted"),
    (_turned, "on another query"),
    (_unreadable, "cannot be read any more"),
)


def test_what_was_lost_in_the_database_alone_is_found_and_erases_nothing(writer: Writer) -> None:
    """Removed, lifted, turned to another query, or made unreadable: by a person, a timer, a dry run."""
    town, lost = writer.town, list[str]()
    for tamper, why in LOSSES:
        hold = town.hold()
        assert [LOST] * len(lost) == writer.codes()
        writer.run(tamper(writer, hold))
        lost.append(hold)
        found = agreement(town.state).differences()
        [one] = [one for one in found if hold in one.message]
        assert (LOST, True) == (one.code, why in one.message)
        assert one.index is not None
        before = town.state.rows.head().size
        for erase in (
            town.erase,
            lambda: town.purge.plan(town.before, KEPT),
            lambda: erase_once(town.purge, KEPT),
        ):
            with pytest.raises(OperatorError, match=hold):
                erase()
        assert before == town.state.rows.head().size
    assert all(town.readable(plate) for plate in (GONE, UPHELD, HELD, LATER))
    # Whoever may lift them is told which query each was on, as far as the log can still be opened.
    listed = [(one.id, one.lost, one.query_id) for one in town.holds.in_force(COUNSEL)]
    query_id = town.ids[HELD]
    assert [
        (hold, True, "" if tamper is _unreadable else query_id)
        for hold, (tamper, _) in zip(lost, LOSSES, strict=True)
    ] == listed
    # The cure that it names: anew where a court needs it, and each lost one lifted, by the same acts.
    anew = town.hold()
    for hold in lost:
        town.holds.lift(hold, COUNSEL, REASON)
    assert [] == writer.codes()
    assert len(LOSSES) == len(town.events("purge.unheld"))
    town.erase()
    assert town.readable(HELD)
    assert not town.readable(GONE)
    with pytest.raises(OperatorError, match="no hold"):
        town.holds.lift(lost[0], COUNSEL, REASON)
    town.holds.lift(anew, COUNSEL, REASON)


def test_what_was_added_in_the_database_alone_is_found(writer: Writer) -> None:
    """It keeps, and keeps nobody from erasing the rest; lifting it is an entry, and settles it."""
    town, place = writer.town, "INSERT INTO legal_holds (id, query_id, placed_at) "
    lifted = town.hold(UPHELD)
    town.holds.lift(lifted, COUNSEL, REASON)
    assert [] == writer.codes()
    other = f"FROM legal_holds WHERE id = '{lifted}'"
    writer.run(f"{place} SELECT '{ADDED}', query_id, placed_at {other}")
    assert [UNLOGGED] == writer.codes()
    writer.run(f"UPDATE legal_holds SET lifted_at = NULL WHERE id = '{lifted}'")  # noqa: S608  ours
    assert [UNLOGGED] * 2 == writer.codes()
    assert [2] == [done.days for done in town.erase()]
    assert town.readable(UPHELD)
    for hold in (ADDED, lifted):
        town.holds.lift(hold, COUNSEL, REASON)
    assert [] == writer.codes()
    town.erase()
    assert not town.readable(UPHELD)


def test_sound_holds_are_no_finding(writer: Writer) -> None:
    """In force, lifted, held beyond their day, and none at all."""
    town = writer.town
    assert [] == writer.codes()
    first, _ = town.hold(), town.hold(OPEN)
    town.erase()
    assert [] == writer.codes()
    town.holds.lift(first, COUNSEL, REASON)
    town.erase()
    assert [] == writer.codes()


def test_a_hold_that_goes_in_the_middle_is_missed_before_a_key_is_destroyed(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the log's lock: whoever waits until an erasure has looked gains nothing."""
    hold, run = town.hold(), _owner_of_sqlite(town)
    store = type(town.purge.store)
    real = store.days

    def days(self: object, *given: object) -> object:
        run(f"DELETE FROM legal_holds WHERE id = '{hold}'")  # noqa: S608  ours
        return real(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "days", days)
    with pytest.raises(OperatorError, match=hold):
        town.erase()
    assert all(town.readable(plate) for plate in (GONE, HELD))
    assert town.consistent()


def test_a_hold_placed_while_it_looks_is_no_difference(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log and rows are read one after the other; what moved in between is looked at again."""
    found = agreement(town.state)
    record = type(found.record)
    real, placed = record.all, list[str]()

    def all_(self: object) -> object:
        if not placed:
            placed.append(town.hold())
        return real(self)  # type: ignore[arg-type]

    monkeypatch.setattr(record, "all", all_)
    assert [] == found.differences()
    assert placed


def test_an_entry_filed_as_another_is_not_believed(town: Town) -> None:
    """Who makes an entry of the log say that a hold was lifted is told of by its hash."""
    hold = town.hold()
    [index] = [entry.index for entry in town.state.rows.entries_of(hold)]
    forged = json.dumps({"event": "purge.unheld", "ref": hold}).encode().hex()
    engine = create_engine(f"sqlite:///{town.state.settings.data / 'state.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_entries_no_update")
        connection.exec_driver_sql(
            f"UPDATE ledger_entries SET event = 'purge.unheld', entry = X'{forged}' "  # noqa: S608  ours
            f"WHERE entry_index = {index}"
        )
    engine.dispose()
    with pytest.raises(LedgerCorrupt, match=f"entry {index} was altered"):
        town.erase()


def test_verify_and_doctor_tell(town: Town) -> None:
    """Each with the code, the hold and what to do; a sound city says how many are in force."""
    hold = town.hold()
    data = str(town.state.settings.data)
    town.close()
    doctor = typed("doctor", "--json", "--data", data)
    [row] = [one for one in map(json.loads, doctor.output.splitlines()) if one["check"] == "legal holds"]
    assert ("ok", "1 in force, as the log has them") == (row["state"], row["detail"])
    assert 0 == typed("ledger", "verify", "--data", data).exit_code
    _owner_of_sqlite(town)(f"DELETE FROM legal_holds WHERE id = '{hold}'")  # noqa: S608  ours
    verified = typed("ledger", "verify", "--json", "--data", data)
    [finding] = json.loads(verified.output.splitlines()[-1])["findings"]
    assert (1, LOST, True) == (verified.exit_code, finding["code"], hold in finding["message"])
    assert "gatekeeper hold lift" in finding["meaning"]
    told = typed("ledger", "verify", "--since-last", "--data", data)
    assert (1, True) == (told.exit_code, "inconsistent" in told.output)
    doctor = typed("doctor", "--json", "--data", data)
    [row] = [one for one in map(json.loads, doctor.output.splitlines()) if one["check"] == "legal holds"]
    assert ("failed", True) == (row["state"], LOST in row["detail"] and hold in row["detail"])
    erased = typed("purge", "--before", str(town.before), "--reason", REASON, "--data", data)
    assert (1, True) == (erased.exit_code, hold in erased.output)
