"""``gatekeeper backup``: whole or not there, whatever is written meanwhile and whenever it is killed."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from gatekeeper.ledger import Draft, open_checkpoint
from gatekeeper.ledger.tail import check_tail
from gatekeeper.recovery import manifest
from gatekeeper.recovery.backup import back_up
from gatekeeper.store import LedgerRows
from gatekeeper.store.copying import Still, address_of, file_of
from tests.cli.shell import City, typed
from tests.recovery.past import REASON, Past, run
from tests.servers.gate import environment
from tests.servers.postgres import cluster


def backed_up(past: Past, target: Path, *more: str) -> tuple[int, str, str]:
    """Back up; return status, standard output and standard error."""
    result = typed("backup", str(target), "--data", str(past.data), *more)
    return result.exit_code, result.stdout, result.stderr


def test_what_threads_append_meanwhile_is_in_it_whole_or_not_at_all(past: Past) -> None:
    """Each copy is one moment of the log, not before the checkpoint that it began with; no writer fails."""
    ended, faults, written = threading.Event(), [], []

    with past.opened() as city:
        state = city.state

        def write() -> None:
            draft = Draft("purge.unheld", "ref_0123456789abcdef", {}, {"by": "Pat Example"}, {})
            try:
                while not ended.is_set():
                    written.append(state.ledger.append(draft).index)
            except Exception as fault:  # noqa: BLE001  whatever it is, it is told
                faults.append(fault)

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        made = []
        for number in range(6):
            key, now = state.log_key.verifier, state.clock.now()
            target = past.root / "backups" / f"{number}.db"
            made.append(back_up(past.database, target, key, state.ledger.checkpoint, now, "0.1.0"))
        ended.set()
        for thread in threads:
            thread.join()
        assert [] == faults
        sizes = []
        for file, described in made:
            with closing(Still(file)) as still:
                check_tail(LedgerRows(still), key, None)
                head = LedgerRows(still).head().size
                assert head == described.size == len(list(LedgerRows(still).entries(0, 1 << 40)))
            assert open_checkpoint(described.checkpoint, key).size <= head
            sizes.append(head)
        assert sorted(sizes) == sizes
        assert sizes[0] < sizes[-1] <= max(written) + 1, "nobody wrote while it was copied"


def test_another_process_can_write_between_any_two_steps(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the snapshot that is held, each commit of the service would begin the copy anew."""
    monkeypatch.setattr("gatekeeper.store.copying.PAGES", 1)
    code = "import sys; from tests.recovery.writer import main; main(*sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(past.data)], stdout=subprocess.PIPE, env=environment()
    ) as writer:
        try:
            assert writer.stdout is not None
            assert b"writing\n" == writer.stdout.readline()
            status, _, said = backed_up(past, past.root / "busy.db")
            assert 0 == status, said
            assert writer.poll() is None
        finally:
            os.kill(writer.pid, signal.SIGTERM)
    assert manifest.read(past.root / "busy.db").size >= past.size


def test_the_manifest_says_what_is_in_the_file(past: Past) -> None:
    """Size, root, schema and digest are those of the copy; nothing of a key is in either."""
    status, said, told = backed_up(past, past.root / "b.db", "--json")
    assert 0 == status, told
    described, file = json.loads(said), past.root / "b.db"
    assert sha256(file.read_bytes()).hexdigest() == described["sha256"]
    assert (past.size, "127.0.0.1:8080/ledger") == (described["size"], described["log"])
    assert {"b.db", "b.db.manifest.json"} == {
        f.name for f in past.root.iterdir() if f.name.startswith("b.db")
    }
    assert 0o600 == file.stat().st_mode & 0o777
    keys = [f for f in (past.data / "keys").rglob("*") if f.is_file() and f.name != "log.origin"]
    assert len(keys) > 5
    content = file.read_bytes() + manifest.beside(file).read_bytes()
    assert [] == [key.name for key in keys if key.read_bytes().strip() in content]
    assert "No key is in it" in told
    assert "days" in told


def test_a_directory_gets_a_name_of_the_moment(past: Past) -> None:
    """A timer's line needs no name."""
    status, said, _ = backed_up(past, past.root / "backups")
    assert 0 == status
    assert "gatekeeper-20" in said


@pytest.mark.parametrize("there", ["b.db", "b.db.manifest.json"])
def test_nothing_that_exists_is_overwritten(past: Past, there: str) -> None:
    """Yesterday's backup is all that there is if today's is of a damaged disk."""
    (past.root / there).write_text("yesterday")
    status, _, said = backed_up(past, past.root / "b.db")
    assert 1 == status
    assert "exists" in said
    assert "yesterday" == (past.root / there).read_text()


def test_a_place_that_is_not_there_is_named_with_the_command(past: Past) -> None:
    """A misspelt path must not end in a traceback at night."""
    status, _, said = backed_up(past, past.root / "none" / "b.db")
    assert (1, True) == (status, "mkdir -p" in said)


def test_a_full_disk_leaves_nothing(past: Past) -> None:
    """``ulimit -f`` ends writing as a full disk does, with EFBIG."""
    target = past.root / "full.db"
    command = [sys.executable, "-m", "gatekeeper", "backup", str(target), "--data", str(past.data)]
    code = (
        "import resource, signal, sys, os; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000)); os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, env=environment(), check=False
    )
    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    assert "room" in done.stderr
    assert not [f.name for f in past.root.iterdir() if "full" in f.name]


@pytest.mark.parametrize("step", ["copy", "examine", "digest", "named", "write"])
def test_a_kill_at_any_step_leaves_nothing_that_could_be_restored(past: Past, step: str) -> None:
    """Under the final name is a whole file or none; without a manifest it is not taken for a backup."""
    target = past.root / "backups" / "killed.db"
    code = "import sys; from tests.recovery.killed import backup; backup(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(past.data), str(target), step], env=environment(), check=False
    )
    assert -signal.SIGKILL == done.returncode
    assert not manifest.beside(target).exists()
    if step == "write":
        with closing(sqlite3.connect(f"file:{target}?immutable=1", uri=True)) as found:
            assert [("ok",)] == found.execute("PRAGMA integrity_check").fetchall()
        before = past.contents()
        status, said = past.restore(backup=target)
        assert (1, True) == (status, "did not come to its end" in said)
        assert before == past.contents()
    else:
        assert not target.exists()
    assert 0 == backed_up(past, target.with_name("next.db"))[0]
    assert not [f.name for f in target.parent.iterdir() if f.name.startswith(".")], "left behind"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger_head SET size = size + 1",
        "DROP TRIGGER IF EXISTS none; -- ",
    ],
)
def test_a_log_that_does_not_fit_its_checkpoint_is_not_called_backed_up(past: Past, damage: str) -> None:
    """A backup of what is broken would be found out when it is needed."""
    if damage.startswith("DROP"):
        with past.database.open("r+b") as file:
            file.seek(4096 * 3)
            file.write(os.urandom(4096 * 20))
    else:
        run(past.database, damage)
    status, _, said = backed_up(past, past.root / "b.db")
    assert 1 == status
    assert "Traceback" not in said
    assert not (past.root / "b.db").exists()


def test_no_password_is_in_the_commands_for_a_server() -> None:
    """They are printed, and kept by whoever runs them in a timer."""
    url = "postgresql+psycopg://owner:hush@db.example.gov/gatekeeper?sslmode=require&passfile=hush"
    assert file_of(url) is None
    assert "postgresql://owner@db.example.gov/gatekeeper?sslmode=require" == address_of(url)


@pytest.mark.needs("postgres")
def test_on_postgresql_the_commands_that_it_says_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is called backed up; what is restored by them is the log, and an old one is found out."""
    with cluster() as made:
        city = City(tmp_path / "city")
        monkeypatch.setenv("GATEKEEPER_DATABASE_URL", made.create("city"))
        city.run("init")
        city.add_agency()
        done = typed("backup", str(tmp_path / "dump"), "--data", str(city.data))
        assert (1, True) == (done.exit_code, "NOTHING WAS BACKED UP" in done.stderr)
        dump = next(line.partition("one copy:")[2] for line in done.stderr.splitlines() if "one copy" in line)
        assert dump.split()[0] == "pg_dump"
        done = typed("restore", str(tmp_path / "dump"), "--reason", REASON, "--data", str(city.data))
        assert (1, True) == (done.exit_code, "NOTHING WAS RESTORED" in done.stderr)
        program = made.program / "pg_dump"
        if not program.exists():
            pytest.skip("this PostgreSQL came without pg_dump")
        subprocess.run([program, *shlex.split(dump)[1:]], check=True)
        again = made.create("again")
        restore = [str(made.program / "pg_restore"), "--exit-on-error", "--dbname", again]
        subprocess.run([*restore, str(tmp_path / "dump")], check=True)
        monkeypatch.setenv("GATEKEEPER_DATABASE_URL", again)
        assert "consistent: 1 entries" in city.run("ledger", "verify")
        monkeypatch.setenv("GATEKEEPER_DATABASE_URL", made.url("city"))
        city.add_agency("sample-city-pd")
        monkeypatch.setenv("GATEKEEPER_DATABASE_URL", again)
        assert "an old copy restored" in city.refused("ledger", "checkpoint")
