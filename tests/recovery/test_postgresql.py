"""PostgreSQL's own programs put the database back; what they could not comes from a published copy.

The recipes are those of deploy/README.md, run as they stand there.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.app import build_gate
from gatekeeper.ledger import verify
from gatekeeper.policy import Bundle
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from gatekeeper.web.keys import TokenKeys
from tests.cli.shell import typed
from tests.exchange.city import City, MadeUpReads, body, founded
from tests.lawful import steady
from tests.recovery.past import OFTEN, REASON
from tests.servers.postgres import Cluster, cluster, unprivileged

pytestmark = pytest.mark.needs("postgres")

README = Path(__file__).parents[2] / "deploy" / "README.md"


@dataclass
class Served:
    """A city on a server, and all that it promised."""

    root: Path
    bundle: Bundle
    made: Cluster
    shell: pytest.MonkeyPatch
    clients: dict[str, str] = field(default_factory=dict)
    receipts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """The city's directory."""
        return self.root / "city"

    @property
    def copy(self) -> Path:
        """The published copy."""
        return self.root / "published"

    def use(self, url: str) -> None:
        """Let the settings name this database."""
        self.url = url
        self.shell.setenv("GATEKEEPER_DATABASE_URL", url)

    @contextmanager
    def opened(self) -> Iterator[City]:
        """Open the city, as the service does."""
        settings = Settings(
            data=self.data,
            engine="embedded",
            publish_every=0,
            database_url=self.url,
            client_profiles="fapi basic",
        )
        state = open_state(settings)
        try:
            state.check_log()
            tokens, reads = TokenKeys(settings.key_directory / "tokens"), MadeUpReads()
            gate = replace(build_gate(state, steady(self.bundle), tokens), reads=reads)
            yield City(state, gate, reads, tokens, self.clients)
        finally:
            state.close()

    def ask(self, times: int) -> int:
        """Ask, and keep what is promised; return the size of the log."""
        with self.opened() as city:
            for _ in range(times):
                said = city.ask(body())
                assert 200 == said.status, said.body
                self.receipts.append(json.loads(said.body)["receipt"])
            return city.state.rows.head().size

    def type(self, *arguments: str, status: int = 0) -> str:
        """Type a command that ends with this exit status; return all that it says."""
        done = typed(*arguments, "--data", str(self.data))
        said = " ".join((done.stdout + done.stderr).split())
        assert status == done.exit_code, said
        return said

    def restored(self, *more: str, status: int = 0) -> str:
        """Complete the database where it is."""
        return self.type("restore", "--reason", REASON, *more, status=status)

    def all_is_kept(self) -> None:
        """Each receipt's entry is where it was, the log is sound, and nothing leaves until a person lifts."""
        with self.opened() as city:
            state = city.state
            entries = {entry.index: entry.entry.decode() for entry in state.rows.entries(0, 10_000)}
            assert all(entries[receipt["index"]] == receipt["entry"] for receipt in self.receipts)
            kept = state.rows.checkpoints()
            assert [] == list(verify(state.rows, state.log_key.verifier, checkpoints=kept))
            assert 403 == city.ask(body()).status
            for halt in state.registry.stops():
                state.switch().resume(halt.id, reason=REASON, by="Pat Example")
        self.ask(2)
        assert "consistent" in self.type("ledger", "verify")
        self.type("ledger", "export", str(self.copy))


@contextmanager
def city_on(made: Cluster, root: Path, bundle: Bundle, shell: pytest.MonkeyPatch) -> Iterator[Served]:
    """Yield a city that has been asked three times."""
    served = Served(root, bundle, made, shell)
    served.use(made.create("gatekeeper"))
    city = founded(served.data, bundle, served.url)
    served.clients = city.clients
    city.state.close()
    served.ask(3)
    yield served


def command(starts: str) -> str:
    """Return a command as the documentation has it; it must be there."""
    found = re.search(rf"`({re.escape(starts)}[^`]*)`", README.read_text())
    assert found is not None, f"deploy/README.md does not say {starts}"
    return found[1]


def run(made: Cluster, line: str) -> None:
    """Run one of PostgreSQL's programs as its own user."""
    program, *arguments = line.split()
    if not (made.program / program).exists():
        pytest.skip(f"this PostgreSQL came without {program}")
    done = subprocess.run(
        [made.program / program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=made.directory,
        **unprivileged(),
    )
    assert 0 == done.returncode, done.stderr


def test_a_dump_that_is_put_back_is_completed_from_the_published_copy(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is served before; what is missing is said, and who knows of it; a second time nothing is."""
    with cluster() as made, city_on(made, tmp_path, bundle, monkeypatch) as city:
        line = command("pg_dump --format=custom")
        run(
            made,
            line.replace("FILE", f"{made.directory}/dump").replace(
                "postgresql://OWNER@HOST/gatekeeper", city.url
            ),
        )
        size = city.ask(OFTEN)
        city.type("stop", "--kind", "federal", "--reason", REASON)
        city.type("ledger", "export", str(city.copy))
        size += 1
        line = command("pg_restore --exit-on-error")
        city.use(made.create("again"))
        run(
            made, line.replace("--dbname=…", f"--dbname={city.url}").replace("FILE", f"{made.directory}/dump")
        )
        # Nothing is added, and the cure is said.
        for typed_there in (["ledger", "checkpoint"], ["agency", "list"]):
            assert "gatekeeper restore --published" in city.type(*typed_there, status=1)
        stop = city.type("stop", "--all", "--reason", REASON)
        assert "no entry tells of this stop yet" in stop
        # Refused until all of it is known and there.
        assert "THE LOG IS ROLLED BACK" in city.restored(status=3)
        given = ["--published", str(city.copy)]
        assert "--ended-at NUMBER" in city.restored(*given, status=3)
        assert "cannot be" in city.restored(*given, "--ended-at", str(size - 1), status=1)
        assert f"has {size} of {size + 1}" in city.restored(*given, "--ended-at", str(size + 1), status=3)
        said = city.restored(*given, "--ended-at", str(size))
        assert "SHARING IS STOPPED" in said
        with city.opened() as opened:
            halts = {halt.scope for halt in opened.state.registry.stops()}
            assert {"all", "kind"} == halts, "the stop that the dump did not know"
            told = [e["event"] for e in opened.events()][size:]
            assert ["stop.set", "stop.set"] == told, "the restore's, and the one that waited"
        assert "there is nothing to put back" in city.restored(*given, status=1)
        city.all_is_kept()


def test_what_others_write_meanwhile_makes_it_fail(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes to a database that was put back makes a second history: it is not covered up."""
    with cluster() as made, city_on(made, tmp_path, bundle, monkeypatch) as city:
        run(made, f"pg_dump --format=custom --file={made.directory}/dump {city.url}")
        size = city.ask(4)
        city.type("ledger", "export", str(city.copy))
        city.use(made.create("again"))
        run(made, f"pg_restore --exit-on-error --dbname={city.url} {made.directory}/dump")
        kept = (city.data / "checkpoint").read_bytes()
        (city.data / "checkpoint").unlink()
        city.ask(1)  # a node that knew nothing
        (city.data / "checkpoint").write_bytes(kept)
        said = city.restored("--published", str(city.copy), "--ended-at", str(size), status=1)
        assert "were refused: they do not lead to what the log signed" in said


def test_base_backup_and_archive_lose_nothing_or_are_completed(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the newest write-ahead log all is there; to a moment before it the log would forget."""
    with cluster() as made:
        archive = made.directory / "archive"
        archive.mkdir(mode=0o777)
        archive.chmod(0o777)
        made.stop()
        made.start("-c", "archive_mode=on", "-c", f"archive_command=cp %p {archive}/%f")
        with city_on(made, tmp_path, bundle, monkeypatch) as city:
            line = command("pg_basebackup")
            run(made, f"{line} -h {made.directory} -U postgres".replace("DIR", f"{made.directory}/base"))
            size = city.ask(5)
            _sql(made, "SELECT pg_create_restore_point('early')")
            size = city.ask(5)
            city.type("ledger", "export", str(city.copy))
            _archived(made)
            # To the newest write-ahead log.
            _recovered(made, archive, "-c", "recovery_target_timeline=latest")
            assert f"consistent: {size} entries" in city.type("ledger", "verify")
            assert str(size) in city.type("ledger", "checkpoint")
            size = city.ask(1)
            city.type("ledger", "export", str(city.copy))
            # To a moment before it.
            early = ["-c", "recovery_target_name=early", "-c", "recovery_target_action=promote"]
            _recovered(made, archive, "-c", "recovery_target_timeline=current", *early)
            assert "old copy restored" in city.type("ledger", "checkpoint", status=1)
            city.restored("--published", str(city.copy), "--ended-at", str(size))
            city.all_is_kept()


def _sql(made: Cluster, statement: str) -> Any:
    import psycopg  # noqa: PLC0415  not needed where PostgreSQL is missing

    with psycopg.connect(made.url(), autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchone()


def _archived(made: Cluster) -> None:
    """Wait until what was written is in the archive, whole."""
    (last,) = _sql(made, "SELECT pg_walfile_name(pg_switch_wal())")
    deadline = time.monotonic() + 30
    while (_sql(made, "SELECT last_archived_wal FROM pg_stat_archiver")[0] or "") < last:
        assert time.monotonic() < deadline, "the archive does not come"
        time.sleep(0.05)


def _recovered(made: Cluster, archive: Path, *options: str) -> None:
    """Lose the server, and bring it back from the base backup and the archive."""
    made.stop()
    run_as = unprivileged()
    data = made.directory / "data"
    lost = made.directory / f"lost-{time.monotonic_ns()}"
    data.rename(lost)
    subprocess.run(["cp", "-a", made.directory / "base", data], check=True)
    subprocess.run(["touch", data / "recovery.signal"], check=True, **run_as)
    made.start("-c", f"restore_command=cp {archive}/%f %p", *options)
    deadline = time.monotonic() + 30
    while _sql(made, "SELECT pg_is_in_recovery()") != (False,):
        assert time.monotonic() < deadline, "the recovery does not end"
        time.sleep(0.05)
