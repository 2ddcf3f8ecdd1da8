"""Checks and replays of revisions under way, one of a kind at a time for each revision.

Guarantees: one whose process fell silent is interrupted, and goes on from its last progress when it is begun
again; what it came to is recorded with the revision, in the log's commit, not here. Nothing here is evidence.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from gatekeeper.store.database import Database
from gatekeeper.store.tables import policy_jobs

SILENCE: Final = timedelta(seconds=60)
"""How long a running job may say nothing of itself."""


@dataclass(frozen=True, slots=True)
class PolicyJob:
    """A check or replay, as its row says it: ``place`` of ``size`` is where it has come to."""

    id: str
    revision_id: str
    kind: Literal["check", "replay"]
    by: str
    options: Mapping[str, Any]
    state: Literal["running", "done", "failed", "interrupted"]
    begun_at: datetime
    beat_at: datetime
    ended_at: datetime | None
    place: int
    size: int
    progress: Mapping[str, Any] | None
    fault: str | None


_JOB: Any = select(*(policy_jobs.c[name] for name in PolicyJob.__dataclass_fields__))


class PolicyJobs:
    """The record of checks and replays. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def begin(
        self, revision_id: str, kind: str, by: str, options: Mapping[str, Any] | None = None
    ) -> PolicyJob | None:
        """Begin a job; None while one of that kind runs for the revision.

        One that was interrupted with the same options is taken up where it was.
        """
        now, columns, wanted = self._now(), policy_jobs.c, dict(options or {})
        mine = columns.revision_id == revision_id, columns.kind == kind
        silent = (
            update(policy_jobs)
            .where(*mine, columns.state == "running", columns.beat_at < now - SILENCE)
            .values(state="interrupted", ended_at=now, fault="silent")
        )
        with self._database.write() as connection:
            connection.execute(silent)
            last = connection.execute(_JOB.where(*mine).order_by(columns.begun_at.desc()).limit(1)).first()
            job_id = f"job_{secrets.token_hex(8)}"
            row = {
                "id": job_id, "revision_id": revision_id, "kind": kind, "by": by, "options": wanted,
                "state": "running", "begun_at": now, "beat_at": now, "place": 0, "size": 0,
            }  # fmt: skip
            if last is not None and last.state == "interrupted" and dict(last.options) == wanted:
                row |= {"place": last.place, "size": last.size, "progress": last.progress}
            try:
                with connection.begin_nested():
                    connection.execute(insert(policy_jobs), row)
            except IntegrityError:
                return None
            return PolicyJob(*connection.execute(_JOB.where(columns.id == job_id)).one())

    def beat(self, job_id: str, place: int, size: int, progress: Mapping[str, Any] | None = None) -> bool:
        """Say that a job still runs and how far it has come; False if it is taken for interrupted."""
        values: dict[str, Any] = {"beat_at": self._now(), "place": place, "size": size}
        return self._change(job_id, values if progress is None else {**values, "progress": dict(progress)})

    def end(self, job_id: str, state: str, *, fault: str | None = None) -> bool:
        """Say that a job is over (``done``, ``failed`` or ``interrupted``); False if it was before."""
        return self._change(job_id, {"state": state, "ended_at": self._now(), "fault": fault})

    def latest(self, revision_id: str, kind: str) -> PolicyJob | None:
        """Return the job of that kind that was begun last; a silent one as interrupted."""
        mine = policy_jobs.c.revision_id == revision_id, policy_jobs.c.kind == kind
        with self._database.read() as connection:
            row = connection.execute(
                _JOB.where(*mine).order_by(policy_jobs.c.begun_at.desc()).limit(1)
            ).first()
        if row is None:
            return None
        job = PolicyJob(*row)
        if job.state == "running" and job.beat_at < self._now() - SILENCE:
            return replace(job, state="interrupted", fault="silent")
        return job

    def _change(self, job_id: str, values: Mapping[str, Any]) -> bool:
        columns = policy_jobs.c
        change = update(policy_jobs).where(columns.id == job_id, columns.state == "running")
        with self._database.write() as connection:
            return bool(connection.execute(change.values(**values)).rowcount == 1)
