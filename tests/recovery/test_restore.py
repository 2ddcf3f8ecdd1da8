"""``gatekeeper restore``: a log that would forget is not put in place, and each who knows it says so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.ledger import Clock, Draft, verify
from gatekeeper.recovery import manifest
from gatekeeper.witness.client import Witness
from tests.cli.shell import City, typed
from tests.exchange.city import body, founded
from tests.ledger.test_outsiders import metamorphic
from tests.ledger.test_outsiders import served as web
from tests.recovery.past import REASON, Past, run
from tests.servers.gate import environment
from tests.witness.made import new_keeper, served

# --- A log that would forget. -----------------------------------------------------------------------------


def refused(past: Past, *more: str, status: int = 3) -> str:
    """Restore without success; nothing is changed. Return what is said."""
    before = past.contents()
    found, said = past.restore(*more)
    assert status == found, said
    assert before == past.contents()
    assert "Traceback" not in said
    return said


def test_the_kept_checkpoint_alone_is_enough_to_find_it(past: Past) -> None:
    """The file outside the database is why it is there."""
    past.forget(kept=False)
    said = refused(past)
    assert f"the checkpoint in {past.data / 'checkpoint'}: {past.size} entries" in said
    assert "THE LOG WOULD BE ROLLED BACK" in said
    assert f"{past.size - past.backed_up} entries ({past.backed_up} to {past.size - 1}) are missing" in said


def test_the_database_that_is_there_is_enough_to_find_it(past: Past) -> None:
    """Also where nothing was signed over its last entries."""
    past.forget(database=False)
    assert f"the database {past.database}: {past.size} entries" in refused(past)


def test_the_published_table_alone_is_enough_to_find_it(past: Past) -> None:
    """A database whose head and checkpoints cannot be read still says what was published."""
    with past.opened() as city:
        kept = city.state.publication()
        city.state.publication().cosigned(kept.latest()[1])
    past.forget(database=False)
    run(past.database, "DROP TABLE ledger_head", "DROP TABLE ledger_checkpoints")
    said = refused(past)
    assert f"the last published checkpoint that {past.database} keeps: {past.size} entries" in said
    assert "THE LOG WOULD BE ROLLED BACK" in said


@contextmanager
def witnessed(past: Past, monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """Serve a witness that the city names, and that has cosigned all there is."""
    with past.opened() as city:
        key = city.state.log_key
    with served(new_keeper(past.root / "witness", key)) as witness:
        file = past.root / "witnesses"
        file.write_text(f"witness maple {witness.key} {witness.url}\nquorum maple\n")
        monkeypatch.setenv("GATEKEEPER_WITNESSES", str(file))
        asked = typed("witness", "ask", "--data", str(past.data))
        assert 0 == asked.exit_code, asked.output
        yield witness


def test_a_witness_alone_is_enough_to_find_it(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """What burnt with the machine, somebody else still knows."""
    with witnessed(past, monkeypatch):
        past.forget()
        said = refused(past, "--ended-at", str(past.backed_up), status=1)
        assert f"the witness maple: {past.size} entries" in said
        said = refused(past)
    assert f"the witness maple: {past.size} entries" in said


def test_a_witness_that_cannot_be_asked_ends_the_restore(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its silence is not its word; the operator may do without it, by name."""
    with witnessed(past, monkeypatch):
        pass
    assert "the witness maple could not be asked" in refused(past, "--witness-check", status=1)
    assert "WOULD BE ROLLED BACK" in refused(past, "--no-witness-check")


def test_where_nobody_knows_how_the_log_ended_the_operator_must_say_it(past: Past) -> None:
    """An index beyond the last checkpoint may be on a receipt: silence must not give it out again."""
    past.forget()
    assert "--ended-at NUMBER" in refused(past)
    assert "--ended-at 3 cannot be" in refused(past, "--ended-at", "3", status=1)
    assert "ROLLED BACK" in refused(past, "--ended-at", str(past.backed_up + 1))
    assert past.backed_up + 1 == past.restored("--ended-at", str(past.backed_up))["entries"]


def test_an_old_copy_put_there_by_hand_is_not_taken_for_the_last_word(past: Past) -> None:
    """The database that is there says less than the file: it is not the one that was in use last."""
    Path(f"{past.database}-wal").unlink(missing_ok=True)
    shutil.copy(past.backup, past.database)
    assert "nobody can say how far the log went on" in refused(past, "--published", str(past.copy))


# --- Whole again. -----------------------------------------------------------------------------------------


def test_with_the_published_copy_no_promise_is_broken(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each receipt's entry is where it was; witness and verifier go on; all is stopped, and logged."""
    before = {r["index"]: r["entry"] for r in past.receipts}
    with witnessed(past, monkeypatch):
        done = past.restored("--published", str(past.copy), "--witness-check")
        assert (past.size + 1, past.backed_up) == (done["entries"], done["in_backup"])
        past.publish()
        with past.opened() as city:
            state = city.state
            # no index is given twice
            assert before == {i: e.entry.decode() for i in before if (e := state.rows.entry(i)) is not None}
            assert [] == list(
                verify(state.rows, state.log_key.verifier, checkpoints=state.rows.checkpoints())
            )
            assert metamorphic(past.copy, state.log_key.vkey)
            # the restore is in the log, with its reason
            last = state.rows.head().size - 1
            assert "stop.set" == city.events()[last]["event"]
            told = state.ledger.detail_of(last).openings["reason"]["value"]
            assert REASON in str(told)
            # nothing leaves until a person has looked
            said = json.loads(city.ask(body()).body)
            assert "sharing_stopped" in json.dumps(said)
            state.switch().resume(done["stop"], reason=REASON, by="Pat Example")
            past.ask(city, 2)
            assert {r["index"] for r in past.receipts[-2:]}.isdisjoint(before)
            # also the stop that the backup did not know
            assert [past.stop] == [halt.id for halt in state.registry.stops()]
            state.switch().resume(past.stop, reason=REASON, by="Pat Example")
            assert [] == list(
                verify(state.rows, state.log_key.verifier, checkpoints=state.rows.checkpoints())
            )
        asked = typed("witness", "ask", "--data", str(past.data))
        assert 0 == asked.exit_code, asked.output
    for number, receipt in enumerate(past.receipts):
        (past.root / "receipt.json").write_text(json.dumps({"receipt": receipt}))
        if number % 40 == 0:
            key = typed("ledger", "key", "--data", str(past.data)).stdout.strip()
            checked = typed("ledger", "check", str(past.root / "receipt.json"), "--key", key)
            assert 0 == checked.exit_code, checked.output


def test_what_must_be_done_again_is_named(past: Past) -> None:
    """An agency that was suspended today is in good standing in yesterday's records."""
    status, said = past.restore("--published", str(past.copy))
    assert 0 == status
    assert "agency.suspended" in said
    assert "sample-wi-pd" in said
    assert "SHARING IS STOPPED" in said
    assert "do each again" in said


def test_the_copy_may_be_at_an_address(past: Past) -> None:
    """A newspaper's mirror is as good as a directory."""
    with web(past.copy) as url:
        assert past.size + 1 == past.restored("--published", url)["entries"]


def test_a_new_machine_goes_on_with_keys_backup_and_copy(past: Past) -> None:
    """Nothing else is left; how far the log went is the operator's word, and it is in the log's detail."""
    past.forget()
    assert "and can be had back" in refused(past, "--published", str(past.copy))
    arguments = ["--published", str(past.copy), "--ended-at"]
    assert "cannot be" in refused(past, *arguments, str(past.size - 1), status=1)
    assert f"has {past.size} of {past.size + 1}" in refused(past, *arguments, str(past.size + 1))
    done = past.restored(*arguments, str(past.size))
    assert (past.size + 1, None) == (done["entries"], done["set_aside"])
    with past.opened() as city:
        told = city.state.ledger.detail_of(past.size)
    assert f"the log had {past.size}, by the word of" in str(told.openings["reason"]["value"])
    assert "what you say by --ended-at" in json.dumps(told.detail)


def test_a_database_that_nobody_can_read_says_nothing_and_is_kept(past: Past) -> None:
    """Its silence is not the word that nothing came after the last checkpoint."""
    past.database.write_bytes(b"not a database " * 1000)
    arguments = ["--published", str(past.copy)]
    assert "nobody can say" in refused(past, *arguments)
    done = past.restored(*arguments, "--ended-at", str(past.size))
    assert past.size + 1 == done["entries"]
    assert b"not a database " * 1000 == Path(done["set_aside"]).read_bytes()


def test_a_log_that_never_began_can_be_put_back(tmp_path: Path) -> None:
    """The first backup is of an empty log."""
    city = City(tmp_path / "city")
    city.run("init")
    city.run("backup", str(tmp_path / "b.db"))
    assert "restored: 1 entries" in city.run("restore", str(tmp_path / "b.db"), "--reason", REASON)


def test_a_restore_on_a_full_disk_changes_nothing(past: Past) -> None:
    """``ulimit -f`` ends writing as a full disk does."""
    before = past.contents()
    code = (
        "import resource, signal, sys, os; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000)); os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-m", "gatekeeper", "restore", str(past.backup), "--data", str(past.data)]
    more = ["--published", str(past.copy), "--reason", REASON]
    done = subprocess.run(
        [sys.executable, "-c", code, *command, *more],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert (1, True) == (done.returncode, "make room" in done.stderr), done.stderr
    assert before == past.contents()


def test_a_clock_that_is_behind_the_lost_entries_is_set_first(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry of the restore comes after them, and an entry's hour never runs backwards."""
    monkeypatch.setattr(Clock, "now", lambda _: datetime.now(UTC) - timedelta(hours=2))
    assert "set the clock" in refused(past, "--published", str(past.copy), status=1)


def test_a_second_restore_of_the_same_backup_would_forget_the_first(past: Past) -> None:
    """It is refused until the copy has what the first one wrote; then the log goes on again."""
    first = past.restored("--published", str(past.copy))
    said = refused(past, "--published", str(past.copy))
    assert f"has {past.size} of {past.size + 1}" in said
    past.publish()
    second = past.restored("--published", str(past.copy))
    assert first["entries"] + 1 == second["entries"]
    assert first["set_aside"] != second["set_aside"]
    with past.opened() as city:
        assert {first["stop"], second["stop"], past.stop} == {h.id for h in city.state.registry.stops()}
        assert [] == list(verify(city.state.rows, city.state.log_key.verifier))


def test_where_nothing_is_lost_all_is_as_it_was_but_stopped(past: Past) -> None:
    """A backup of this moment, and a database that no program can open."""
    status = typed("backup", str(past.root / "now.db"), "--data", str(past.data)).exit_code
    assert 0 == status
    past.backup.unlink()
    shutil.move(past.root / "now.db", past.backup)
    shutil.move(manifest.beside(past.root / "now.db"), manifest.beside(past.backup))
    old = past.database.read_bytes()
    done = past.restored()
    assert (past.size + 1, []) == (done["entries"], done["put_back"])
    assert old == Path(done["set_aside"]).read_bytes()
    with past.opened() as city:
        assert 3 + 130 == len(past.receipts)
        opened = city.state.ledger.detail_of(past.receipts[-1]["index"])
        assert opened.openings, "what was asked can still be read"


def test_a_camera_stop_that_was_lost_stops_everything(past: Past) -> None:
    """Only the lost detail named the camera: the stop must not come back narrower than it was."""
    with past.opened() as city:
        halt, _ = city.state.switch().stop("camera", "cam-1", reason=REASON, by="Pat Example")
        city.state.switch().resume(past.stop, reason=REASON, by="Pat Example")
    past.publish()
    done = past.restored("--published", str(past.copy))
    with past.opened() as city:
        assert {(halt.id, "all"), (done["stop"], "all")} == {
            (stop.id, stop.scope) for stop in city.state.registry.stops()
        }


# --- A copy that is not to be believed. -------------------------------------------------------------------


def _wrong_key(past: Past) -> None:
    other = founded(past.root / "other", past.bundle)
    other.state.close()
    note = typed("ledger", "checkpoint", "--data", str(past.root / "other")).stdout
    (past.copy / "checkpoint").write_text(note)


def _altered(past: Past) -> None:
    file = next((past.copy / "tile/entries").glob("*.p/*"))
    content = file.read_bytes()
    at = content.rindex(b'"hour":"20') + 10
    file.write_bytes(content[:at] + b"9" + content[at + 1 :])


def _cut(past: Past) -> None:
    file = past.copy / "tile/entries/000"
    file.write_bytes(file.read_bytes()[:-9])


def _gone(past: Past) -> None:
    shutil.rmtree(past.copy / "tile")


def _fork(past: Past) -> None:
    """Another history under the same key: yesterday's copy grown by hand to the same size and published."""
    fork = past.copied(past.root / "fork")
    fork.forget()
    shutil.copy(fork.backup, fork.database)
    with fork.opened() as city:
        draft = Draft("purge.unheld", "ref_0123456789abcdef", {}, {"by": "Pat Example"}, {})
        for _ in range(past.size - past.backed_up):
            city.state.ledger.append(draft)
    shutil.rmtree(fork.copy)
    fork.publish()
    shutil.rmtree(past.copy)
    shutil.copytree(fork.copy, past.copy)


def _no_checkpoint(past: Past) -> None:
    (past.copy / "checkpoint").write_bytes(b"\xff\x00 not a checkpoint")


def _huge(past: Past) -> None:
    (past.copy / "checkpoint").write_bytes(b"a" * 100_000)


@pytest.mark.parametrize("forge", [_wrong_key, _altered, _cut, _gone, _fork, _no_checkpoint, _huge])
def test_a_forged_copy_changes_nothing(past: Past, forge: Callable[[Past], None]) -> None:
    """Whoever serves the copy could else write entries that nobody decided."""
    forge(past)
    assert "NOTHING WAS CHANGED" in refused(past, "--published", str(past.copy), status=1)


@pytest.mark.parametrize("where", ["/nowhere/at/all", "http://example.org/ledger", "http://", "https://a b"])
def test_a_copy_that_cannot_be_had_is_named(past: Past, where: str) -> None:
    """Neither a misspelt path nor plain http across the network."""
    assert "--published" in refused(past, "--published", where, status=1)


def test_a_backup_of_a_fork_is_refused(past: Past) -> None:
    """Whoever holds the key can grow another history; what is kept outside tells them apart."""
    fork = past.copied(past.root / "fork")
    fork.forget()
    shutil.copy(fork.backup, fork.database)
    with fork.opened() as city:
        draft = Draft("purge.unheld", "ref_0123456789abcdef", {}, {"by": "Pat Example"}, {})
        for _ in range(past.size + 9):
            city.state.ledger.append(draft)
    forked = past.root / "forked.db"
    assert 0 == typed("backup", str(forked), "--data", str(fork.data)).exit_code
    before = past.contents()
    status, said = past.restore(backup=forked)
    assert (1, True) == (status, "two histories" in said)
    assert before == past.contents()


# --- What is not to be restored. --------------------------------------------------------------------------


def test_the_day_keys_directory_must_be_there(past: Past) -> None:
    """Without it nothing could be logged, and nobody would know that what was asked is gone."""
    shutil.rmtree(past.data / "keys" / "days")
    said = refused(past, "--published", str(past.copy), status=1)
    assert f"mkdir -m 700 {past.data / 'keys' / 'days'}" in said


def test_day_keys_that_are_gone_are_told(past: Past) -> None:
    """An empty directory is a city that was erased: it goes on, and somebody may have the keys."""
    for file in (past.data / "keys" / "days").iterdir():
        file.unlink()
    status, said = past.restore("--published", str(past.copy))
    assert (0, True) == (status, "There was no day key" in said)


def test_another_citys_backup_is_refused(past: Past, tmp_path: Path) -> None:
    """Its records are another council's business."""
    other = founded(tmp_path / "other", past.bundle)
    other.state.close()
    assert 0 == typed("backup", str(tmp_path / "o.db"), "--data", str(tmp_path / "other")).exit_code
    status, said = past.restore("--published", str(past.copy), backup=tmp_path / "o.db")
    assert (1, True) == (status, "not a backup of this city" in said)


def _manifest(**changes: object) -> Callable[[Past], None]:
    def change(past: Past) -> None:
        file = manifest.beside(past.backup)
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def _unlinked(past: Past) -> None:
    manifest.beside(past.backup).unlink()


def _flipped(past: Past) -> None:
    content = bytearray(past.backup.read_bytes())
    content[len(content) // 2] ^= 1
    past.backup.write_bytes(content)


def _missing(past: Past) -> None:
    past.backup.unlink()


def _listed(past: Past) -> None:
    manifest.beside(past.backup).write_text("[]")


@pytest.mark.parametrize(
    ("break_it", "word"),
    [
        (_manifest(schema="0015"), "gatekeeper init"),
        (_manifest(schema="0099"), "gatekeeper init"),
        (_manifest(size="many"), "not the manifest"),
        (_manifest(size=True), "not the manifest"),
        (_manifest(more=1), "not the manifest"),
        (_manifest(manifest=2), "another version"),
        (_manifest(sha256="0" * 64), "altered or cut short"),
        (_manifest(bytes=1), "altered or cut short"),
        (_manifest(checkpoint="none"), "not a backup of this city"),
        (_unlinked, "did not come to its end"),
        (_flipped, "altered or cut short"),
        (_missing, "no backup"),
        (_listed, "not the manifest"),
    ],
)
def test_what_is_no_backup_of_this_program_is_refused(
    past: Past, break_it: Callable[[Past], None], word: str
) -> None:
    """Each with what to do, and before anything is changed."""
    break_it(past)
    assert word in refused(past, status=1)


def test_a_database_that_is_open_is_not_exchanged(past: Past) -> None:
    """The service would go on in the old file, and a stop in the new one would never be seen."""
    code = "import sys; from tests.recovery.writer import main; main(*sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(past.data)], stdout=subprocess.PIPE, env=environment()
    ) as writer:
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            status, said = past.restore("--published", str(past.copy))
            assert (1, True) == (status, "end the service" in said)
            assert not list(past.data.glob("state.db.before*"))
        finally:
            os.kill(writer.pid, signal.SIGTERM)


@pytest.mark.parametrize("step", ["refill", "checked", "set_aside", "put_in_place"])
def test_a_kill_at_any_step_is_made_good_by_the_same_command(past: Past, step: str) -> None:
    """In between the service does not start on half of it, and no entry is lost or given twice."""
    code = "import sys; from tests.recovery.killed import restore; restore(*sys.argv[1:])"
    arguments = [str(past.data), str(past.backup), str(past.copy), step]
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment(), check=False)
    assert -signal.SIGKILL == done.returncode
    looked = typed("ledger", "verify", "--data", str(past.data))
    if step in {"set_aside", "put_in_place"}:
        assert 2 == looked.exit_code
        assert "run the same `gatekeeper restore` again" in looked.stderr
    else:
        assert f"consistent: {past.size} entries" in looked.stdout
    assert past.size + 1 == past.restored("--published", str(past.copy))["entries"]
    assert "consistent" in typed("ledger", "verify", "--data", str(past.data)).stdout
    assert not (past.data / "restoring").exists()


def test_a_reason_that_says_nothing_is_refused(past: Past) -> None:
    """It is what the log keeps of the restore."""
    done = typed("restore", str(past.backup), "--reason", "x", "--data", str(past.data))
    assert (1, True) == (done.exit_code, "Say why" in done.stderr)
