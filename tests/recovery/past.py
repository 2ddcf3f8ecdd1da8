"""A city whose database can be put back: what it had promised by then is kept beside it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gatekeeper.app import build_gate
from gatekeeper.ledger.export import export
from gatekeeper.policy import Bundle
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from gatekeeper.web.keys import TokenKeys
from tests.cli.shell import typed
from tests.exchange.city import City, MadeUpReads, body, founded
from tests.lawful import steady

REASON = "The disk of the third of November failed"
OFTEN = 130
"""Queries of today: their entries complete a tile."""


@dataclass
class Past:
    """``size``: of the log at its end; ``backed_up``: of the backup; ``receipts``: all that were given."""

    root: Path
    bundle: Bundle
    clients: dict[str, str]
    receipts: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0
    backed_up: int = 0
    stop: str = ""

    @property
    def data(self) -> Path:
        """The city."""
        return self.root / "city"

    @property
    def database(self) -> Path:
        """Its database."""
        return self.data / "state.db"

    @property
    def backup(self) -> Path:
        """The backup of yesterday."""
        return self.root / "backups" / "yesterday.db"

    @property
    def copy(self) -> Path:
        """The published copy."""
        return self.root / "published"

    def copied(self, root: Path) -> Past:
        """Return the same elsewhere."""
        shutil.copytree(self.root, root)
        return replace(self, root=root, receipts=[*self.receipts])

    @contextmanager
    def opened(self) -> Iterator[City]:
        """Open the city."""
        state = open_state(
            Settings(data=self.data, engine="embedded", client_profiles="fapi basic", publish_every=0)
        )
        try:
            state.ledger.check_tail()
            tokens, reads = TokenKeys(state.settings.key_directory / "tokens"), MadeUpReads()
            gate = replace(build_gate(state, steady(self.bundle), tokens), reads=reads)
            yield City(state, gate, reads, tokens, self.clients)
        finally:
            state.close()

    def ask(self, city: City, times: int) -> None:
        """Ask, and keep what is promised."""
        for _ in range(times):
            said = city.ask(body())
            assert 200 == said.status, said.body
            self.receipts.append(json.loads(said.body)["receipt"])

    def publish(self) -> None:
        """Copy the published log."""
        with self.opened() as city:
            state = city.state
            export(state.published(), state.rows, state.log_key.verifier, self.copy)

    def restore(self, *more: str, backup: Path | None = None) -> tuple[int, str]:
        """Restore; return the exit status and all that was said."""
        result = typed(
            "restore", str(backup or self.backup), "--reason", REASON, "--data", str(self.data), *more
        )
        return result.exit_code, " ".join((result.stdout + result.stderr).split())

    def restored(self, *more: str) -> dict[str, Any]:
        """Restore with success; return what is said to a machine."""
        status, said = self.restore("--json", *more)
        assert 0 == status, said
        found: dict[str, Any] = json.loads(said)
        return found

    def forget(self, *, kept: bool = True, database: bool = True) -> None:
        """Take away who knows how large the log was."""
        if kept:
            (self.data / "checkpoint").unlink()
        if database:
            self.database.unlink()

    def contents(self) -> dict[str, bytes]:
        """Return every file of the city, but what only opening a database makes; the keys are among them."""
        return {
            str(file.relative_to(self.data)): file.read_bytes()
            for file in sorted(self.data.rglob("*"))
            if file.is_file() and not file.name.endswith(("-shm", "-wal")) and file.name != "write.lock"
        }


def begun(root: Path, bundle: Bundle) -> Past:
    """Return a city with a past."""
    city = founded(root / "city", bundle)
    past = Past(root, bundle, city.clients)
    past.ask(city, 3)
    city.state.close()
    past.backup.parent.mkdir()
    made = typed("backup", str(past.backup), "--data", str(past.data), "--json")
    past.backed_up = json.loads(made.stdout)["size"]
    with past.opened() as again:
        past.ask(again, OFTEN)
        halt, _ = again.state.switch().stop("kind", "federal", reason=REASON, by="Pat Example")
        past.stop = halt.id
        past.size = again.state.rows.head().size
    suspended = typed("agency", "suspend", "sample-wi-pd", "--reason", REASON, "--data", str(past.data))
    assert 0 == suspended.exit_code, suspended.output
    with past.opened() as again:
        past.size = again.state.rows.head().size
    past.publish()
    return past


def run(file: Path, *statements: str) -> None:
    """Change a database by hand."""
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
