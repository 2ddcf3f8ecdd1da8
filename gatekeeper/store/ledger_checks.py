"""Checks of the whole log that staff began, and what each came to.

Guarantees: one runs at a time, in whichever process; one whose process fell silent is interrupted, never
sound; a verdict stays as it was (the database itself refuses another), and a check that was taken for
interrupted may still tell what it found wrong, but not that all was well. Nothing here is evidence: whoever
doubts it runs the check again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from gatekeeper.store.database import Database
from gatekeeper.store.tables import ledger_checks
from gatekeeper.store.values import LedgerCheck

SILENCE: Final = timedelta(seconds=30)
"""How long a running check may say nothing of itself."""

_COLUMNS: Final = tuple(ledger_checks.c[name] for name in LedgerCheck.__dataclass_fields__)


class LedgerChecks:
    """The record of checks. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def begin(self, actor: str, scope: str, *, start: int, size: int) -> str | None:
        """Begin a check and return its id; None while another one runs."""
        now, check_id = self._now(), f"check_{secrets.token_hex(8)}"
        row = {
            "id": check_id, "actor": actor, "scope": scope, "state": "running", "begun_at": now,
            "beat_at": now, "start": start, "size": size, "place": start,
        }  # fmt: skip
        columns = ledger_checks.c
        silent = (
            update(ledger_checks)
            .where(columns.state == "running", columns.beat_at < now - SILENCE)
            .values(state="interrupted", ended_at=now, fault="silent")
        )
        with self._database.write() as connection:
            connection.execute(silent)
            try:
                with connection.begin_nested():
                    connection.execute(insert(ledger_checks), row)
            except IntegrityError:
                return None
        return check_id

    def beat(self, check_id: str, place: int, size: int) -> bool:
        """Say that a check still runs and how far it has come; False if it is taken for interrupted."""
        values = {"beat_at": self._now(), "place": place, "size": size}
        return self._change(check_id, ("running",), values)

    def end(
        self, check_id: str, state: str, *, outcome: Mapping[str, Any] | None = None, fault: str | None = None
    ) -> bool:
        """Write what a check came to; False if it was told before, or comes too late to say so."""
        from_states = ("running", "interrupted") if state == "inconsistent" else ("running",)
        values = {"state": state, "ended_at": self._now(), "outcome": outcome, "fault": fault}
        return self._change(check_id, from_states, values)

    def latest(self, most: int) -> tuple[LedgerCheck, ...]:
        """Return the checks begun last, the latest first; a silent one as interrupted."""
        found = self._read(
            select(*_COLUMNS).order_by(ledger_checks.c.begun_at.desc(), ledger_checks.c.id).limit(most)
        )
        return tuple(self._as_it_is(check) for check in found)

    def last(self, *states: str) -> LedgerCheck | None:
        """Return the latest check that ended in one of these states, or None."""
        newest = ledger_checks.c.begun_at.desc(), ledger_checks.c.id
        wanted = ledger_checks.c.state.in_(states)
        return next(iter(self._read(select(*_COLUMNS).where(wanted).order_by(*newest).limit(1))), None)

    def _change(self, check_id: str, states: tuple[str, ...], values: Mapping[str, Any]) -> bool:
        columns = ledger_checks.c
        change = update(ledger_checks).where(columns.id == check_id, columns.state.in_(states))
        with self._database.write() as connection:
            return bool(connection.execute(change.values(**values)).rowcount == 1)

    def _read(self, statement: Any) -> list[LedgerCheck]:
        with self._database.read() as connection:
            return [LedgerCheck(*row) for row in connection.execute(statement)]

    def _as_it_is(self, check: LedgerCheck) -> LedgerCheck:
        if check.state != "running" or check.beat_at >= self._now() - SILENCE:
            return check
        return replace(check, state="interrupted", fault="silent")
