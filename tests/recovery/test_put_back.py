"""A database that was put back by hand: nothing is served, added or signed, and a stop works all the same."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper.app import application
from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger import Draft, open_checkpoint, verify
from gatekeeper.ledger.export import export
from gatekeeper.settings import Settings
from gatekeeper.state import State, open_state
from gatekeeper.store.stops import Stops
from gatekeeper.store.values import Stop
from tests.cli.shell import typed
from tests.exchange.city import City, body
from tests.recovery.past import REASON, Past, run
from tests.servers.gate import environment

DRAFT = Draft("purge.unheld", "ref_0123456789abcdef", {}, {"by": "Pat Example"}, {})


def put_back(past: Past) -> None:
    """Put yesterday's database in the place of today's, as a hurried person does."""
    for end in ("-wal", "-shm"):
        Path(f"{past.database}{end}").unlink(missing_ok=True)
    shutil.copy(past.backup, past.database)


def opened(past: Past, copy: str = "") -> State:
    """Open the city, whatever its log."""
    return open_state(Settings(data=past.data, engine="embedded", publish_every=0, published_copy=copy))


def indices(past: Past) -> tuple[int, list[int]]:
    """Return the size of the log, and those of all checkpoints that the database keeps."""
    state = opened(past)
    try:
        key = state.log_key.verifier
        return state.rows.head().size, [open_checkpoint(t, key).size for t in state.rows.checkpoints()]
    finally:
        state.database.close()


# --- The start. -------------------------------------------------------------------------------------------


def test_with_nothing_but_the_published_copy_the_start_refuses(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DATA burnt, and an old backup was copied there: what was published is seen, and the cure is said."""
    put_back(past)
    past.forget(database=False)
    monkeypatch.setenv("GATEKEEPER_PUBLISHED_COPY", str(past.copy))
    for command in (["ledger", "checkpoint"], ["agency", "list"], ["doctor"]):
        said = typed(*command, "--data", str(past.data))
        assert 1 == said.exit_code
        told = " ".join(said.output.split())
        assert "published copy in" in told.replace("\n", "") or "doctor" in command
        assert f"over {past.size} entries, but only {past.backed_up} are left" in told or "doctor" in command
    assert "gatekeeper restore --published" in typed("ledger", "checkpoint", "--data", str(past.data)).stderr
    monkeypatch.setenv("GATEKEEPER_ENGINE", "embedded")
    verified = typed("ledger", "verify", "--data", str(past.data))
    assert (1, True) == (verified.exit_code, "truncated" in verified.stdout), verified.output
    served = typed("serve", "--data", str(past.data))
    assert (1, True) == (served.exit_code, "published copy" in served.stderr), served.output


def test_another_history_of_the_same_length_is_refused(past: Past) -> None:
    """The signature on it is good; the entries are others."""
    put_back(past)
    past.forget(database=False)
    state = opened(past)
    for _ in range(past.size - past.backed_up + 3):
        state.ledger.append(DRAFT)
    state.close()
    state = opened(past, str(past.copy))
    with pytest.raises(LedgerCorrupt, match="two histories"):
        state.ledger.check_tail()
    state.close()


def test_a_published_checkpoint_in_the_database_counts(past: Past) -> None:
    """Somebody cut the log, its head and its kept checkpoints, and forgot what was published."""
    with past.opened() as city:
        publication = city.state.publication()
        publication.cosigned(publication.latest()[1])
    past.forget(database=False)
    run(
        past.database,
        *unguarded(past),
        "DELETE FROM ledger_checkpoints",
        "UPDATE published_checkpoints SET text = replace(text, '/ledger', '/other')",
    )
    state = opened(past)
    with pytest.raises(LedgerCorrupt, match="published last is refused"):
        state.ledger.check_tail()
    state.database.close()


def unguarded(past: Past) -> list[str]:
    """Return the statements that take the triggers away."""
    with closing(sqlite3.connect(past.database)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    return [f"DROP TRIGGER {name}" for (name,) in found]


@pytest.mark.parametrize("state", ["none", "no checkpoint", "fits", "a directory", "another log's"])
def test_what_a_copy_may_be(past: Past, state: str, tmp_path: Path) -> None:
    """One that is not there yet keeps nobody from starting; one that cannot be read does."""
    copy = tmp_path / "copy"
    match state:
        case "none":
            pass
        case "no checkpoint":
            copy.mkdir()
        case "fits":
            shutil.copytree(past.copy, copy)
        case "a directory":
            (copy / "checkpoint").mkdir(parents=True)
        case _:
            copy.mkdir()
            (copy / "checkpoint").write_text("another.example/log\n1\n" + "A" * 43 + "=\n\n— x AAAA\n")
    city = opened(past, str(copy))
    if state in {"a directory", "another log's"}:
        with pytest.raises(LedgerCorrupt, match=r"cannot be read|is refused"):
            city.ledger.check_tail()
    else:
        city.ledger.check_tail()
    city.database.close()


# --- Nothing is added or signed. --------------------------------------------------------------------------


def test_a_process_that_runs_on_adds_and_signs_nothing(past: Past) -> None:
    """On PostgreSQL the database can be put back under it: it knows how large the log was."""
    with past.opened() as city:
        state = city.state
        past.ask(city, 1)
        size = state.rows.head().size
        put_back_under(past)
        assert past.backed_up == state.rows.head().size
        with pytest.raises(LedgerCorrupt):
            city.ask(body())
        for act in acts(state):
            with pytest.raises(LedgerCorrupt, match=f"{past.backed_up} entries, and had {size}"):
                act()
        assert "does not fit what was signed" in str(state.ledger.checkpoint_fault)
        answers = served(city)
        assert past.backed_up == state.rows.head().size
    assert {(503, "/docs#problem-ledger_corrupt")} == answers
    assert max(indices(past)[1]) <= past.backed_up, "at its end it signed what contradicts the kept file"


def served(city: City) -> set[tuple[int, str]]:
    """Return status and type of what an agency is told: it is no defect of the service, and no secret."""
    http = application(city.state, city.gate, city.tokens, lambda _: None).test_client()
    header = {"Authorization": city.header("sample-il-pd")}
    answers = [
        http.post("/v1/queries", json=body(), headers=header),
        http.get("/v1/ledger/checkpoint", headers=header),
    ]
    assert all("Retry-After" in answer.headers for answer in answers)
    return {(answer.status_code, answer.get_json()["type"]) for answer in answers}


def put_back_under(past: Past) -> None:
    """Make the open database that of yesterday, row by row, as a server's would be."""
    run(
        past.database,
        *unguarded(past),
        f"ATTACH '{past.backup}' AS old",
        "DELETE FROM ledger_entries WHERE entry_index >= (SELECT size FROM old.ledger_head)",
        "DELETE FROM ledger_tiles",
        "DELETE FROM ledger_checkpoints WHERE size > (SELECT size FROM old.ledger_head)",
        "UPDATE ledger_head SET (size, frontier, at_ms) = "
        "(SELECT size, frontier, at_ms FROM old.ledger_head)",
    )


def acts(state: State) -> list[Callable[[], object]]:
    """Return all that signs or adds."""
    return [
        lambda: state.ledger.append(DRAFT),
        state.ledger.checkpoint,
        lambda: state.ledger.receipt_for(0),
        state.publication().latest,
        lambda: state.publication().covering(1),
    ]


@pytest.mark.parametrize("command", [["doctor"], ["ledger", "key"], ["stop", "--list"], ["agency", "list"]])
def test_no_command_signs_it_at_its_end(past: Past, command: list[str]) -> None:
    """Each closes the log, and that signs a last checkpoint."""
    put_back(past)
    kept, before = (past.data / "checkpoint").read_bytes(), indices(past)
    typed(*command, "--data", str(past.data))
    assert before == indices(past)
    assert kept == (past.data / "checkpoint").read_bytes()


# --- A stop. ----------------------------------------------------------------------------------------------


def stopped(past: Past, *scope: str) -> str:
    """Stop, and see that it is in force without an entry; return its id."""
    before = indices(past)
    result = typed("stop", *scope, "--reason", REASON, "--data", str(past.data), "--json")
    assert 0 == result.exit_code, result.output
    row = json.loads(result.stdout)
    assert row["entry"] is None
    assert "no entry tells of this stop yet" in result.stderr
    listed = typed("stop", "--list", "--data", str(past.data), "--json").stdout
    assert row["id"] in listed
    assert before == indices(past), "an index was given twice, or a head was signed that is not the log's"
    return str(row["id"])


@pytest.mark.parametrize("scope", [["--all"], ["--kind", "local"], ["--camera", "cam-1", "--unlisted"]])
def test_a_stop_works_and_its_entry_follows(past: Past, scope: list[str]) -> None:
    """In the restored database too, in one commit; then it is lifted as any other."""
    put_back(past)
    stop = stopped(past, *scope)
    done = past.restored("--published", str(past.copy), "--ended-at", str(past.size))
    assert done["entries"] == past.size + 2, "the stop of the restore, and the one that waited"
    with past.opened() as city:
        state = city.state
        assert stop in {halt.id for halt in state.registry.stops()}
        (entry,) = state.ledger.entries_of(stop)
        told = state.ledger.detail_of(entry.index).openings
        assert REASON in str(told["reason"]["value"])
        if "--camera" in scope:
            assert b"cam-1" not in entry.entry
        assert [] == list(verify(state.rows, state.log_key.verifier, checkpoints=state.rows.checkpoints()))
        for halt in state.registry.stops():
            state.switch().resume(halt.id, reason=REASON, by="Pat Example")
        assert [] == list(verify(state.rows, state.log_key.verifier))
        assert 200 == city.ask(body()).status
    assert not list((past.data / "stops-not-in-log").iterdir())


def test_it_is_completed_where_it_is(past: Past) -> None:
    """No backup is named: the database that is there stays, and has what it lacked, and the stop."""
    put_back(past)
    stop = stopped(past, "--all")
    given = ["restore", "--reason", REASON, "--data", str(past.data)]
    said = typed(*given)
    assert (3, True) == (said.exit_code, "THE LOG IS ROLLED BACK" in said.stderr), said.output
    given += ["--published", str(past.copy)]
    said = typed(*given)
    assert (3, True) == (said.exit_code, "--ended-at NUMBER" in said.stderr), said.output
    done = typed(*given, "--ended-at", str(past.size), "--json")
    assert 0 == done.exit_code, done.output
    document = json.loads(done.stdout)
    assert (past.size + 2, past.backed_up, None) == (
        document["entries"],
        document["in_backup"],
        document["set_aside"],
    )
    assert past.size - past.backed_up == len(document["put_back"])
    with past.opened() as city:
        state = city.state
        entries = {entry.index: entry.entry.decode() for entry in state.rows.entries(0, 10_000)}
        assert all(entries[receipt["index"]] == receipt["entry"] for receipt in past.receipts)
        assert [] == list(verify(state.rows, state.log_key.verifier, checkpoints=state.rows.checkpoints()))
        assert {stop, past.stop, document["stop"]} == {halt.id for halt in state.registry.stops()}
    again = typed(*given, "--ended-at", str(past.size + 2))
    assert (1, True) == (again.exit_code, "there is nothing to put back" in again.stderr), again.output


def test_a_log_that_lacks_nothing_is_left_alone(past: Past) -> None:
    """Nobody gets a stop and an entry in the log for a command that was typed without need."""
    before = indices(past)
    said = typed("restore", "--reason", REASON, "--data", str(past.data), "--published", str(past.copy))
    assert (1, True) == (said.exit_code, "there is nothing to put back" in said.stderr), said.output
    assert before == indices(past)


def test_a_database_that_was_altered_is_not_completed(past: Past) -> None:
    """Only a log that is sound as far as it goes can be gone on with."""
    put_back(past)
    run(past.database, *unguarded(past), "UPDATE ledger_entries SET entry = x'7b7d' WHERE entry_index = 20")
    given = ["--published", str(past.copy), "--ended-at", str(past.size), "--data", str(past.data)]
    said = typed("restore", "--reason", REASON, *given)
    assert (1, True) == (said.exit_code, "does not hold a sound log" in said.stderr), said.output


def test_without_a_database_a_backup_must_be_named(past: Past) -> None:
    """An empty database must not be made by the way."""
    past.forget(kept=False)
    said = typed("restore", "--reason", REASON, "--data", str(past.data))
    assert (1, True) == (said.exit_code, "name the backup" in said.stderr), said.output
    assert not past.database.exists()


def test_a_kill_before_the_commit_leaves_it_as_it_was(past: Past) -> None:
    """And the same command again completes it."""
    put_back(past)
    code = "import sys; from tests.recovery.killed import complete; complete(*sys.argv[1:])"
    arguments = [str(past.data), str(past.copy), str(past.size)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment(), check=False)
    assert -signal.SIGKILL == done.returncode
    assert past.backed_up == indices(past)[0]
    given = ["--published", str(past.copy), "--ended-at", str(past.size), "--data", str(past.data)]
    assert 0 == typed("restore", "--reason", REASON, *given).exit_code
    assert past.size + 1 == indices(past)[0]


def test_a_release_is_stopped_at_once(past: Past) -> None:
    """A worker that still has the database open reads the row in the commit of its release."""
    with past.opened() as city:
        put_back_under(past)
        with pytest.raises(LedgerCorrupt):
            city.ask(body())
        halt, entry = city.state.switch().stop("all", None, reason=REASON, by="Pat Example")
        assert entry is None
        assert halt.id in {stop.id for stop in city.state.registry.snapshot().stops}
        with city.state.rows.transaction() as transaction:
            assert halt.id in {stop.id for stop in transaction.stops()}


def test_a_head_that_is_gone_keeps_nobody_from_stopping(past: Past) -> None:
    """The stop asks nothing of the log."""
    run(past.database, "DROP TABLE ledger_head")
    result = typed("stop", "--all", "--reason", REASON, "--data", str(past.data))
    assert 0 == result.exit_code, result.output


def test_a_stop_that_waits_is_logged_once_by_whichever_is_first(past: Past) -> None:
    """Also where the process was killed between the entry and the removal of the file."""
    put_back(past)
    stop = stopped(past, "--all")
    file = past.data / "stops-not-in-log" / f"{stop}.json"
    waiting = file.read_bytes()
    past.restored("--published", str(past.copy), "--ended-at", str(past.size))
    file.write_bytes(waiting)
    for _ in range(2):
        assert 0 == typed("ledger", "checkpoint", "--data", str(past.data)).exit_code
    with past.opened() as city:
        assert 1 == len(city.state.ledger.entries_of(stop))


def test_a_stop_of_another_node_can_be_lifted(past: Past) -> None:
    """Its reason is kept there; the log tells of it before it tells that it was lifted."""
    with past.opened() as city:
        state = city.state
        Stops(state.database).set_without_entry(Stop("stop_00000000000000aa", "all", None, state.clock.now()))
        assert 403 == city.ask(body()).status
        state.switch().resume("stop_00000000000000aa", reason=REASON, by="Pat Example")
        assert ["stop.set", "stop.lifted"] == [
            entry.event for entry in state.ledger.entries_of("stop_00000000000000aa")
        ]
        assert [] == list(verify(state.rows, state.log_key.verifier))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b'{"id": "stop_1"}', b"null", b'"x"', b"[" * 100_000],
    ids=lambda content: str(content[:9]),
)
def test_a_waiting_stop_that_cannot_be_read_is_not_passed_over(past: Past, content: bytes) -> None:
    """It is said which file, and what to do."""
    directory = past.data / "stops-not-in-log"
    directory.mkdir()
    (directory / "stop_0123456789abcdef.json").write_bytes(content)
    said = typed("ledger", "checkpoint", "--data", str(past.data))
    assert (1, True) == (said.exit_code, "Set it again" in said.stderr), said.output
    assert 0 == typed("stop", "--all", "--reason", REASON, "--data", str(past.data)).exit_code


def test_an_export_into_the_copy_goes_on_as_before(past: Past) -> None:
    """The setting names the directory that export itself writes."""
    state = opened(past, str(past.copy))
    state.check_log()
    for _ in range(3):
        state.ledger.append(DRAFT)
    export(state.published(), state.rows, state.log_key.verifier, past.copy)
    state.check_log()
    state.close()
