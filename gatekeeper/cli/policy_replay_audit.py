"""``gatekeeper policy replay --audit-csv``: the law on a published log of searches, without any city."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from gatekeeper.cli.audit_csv import AuditLog, day_of, open_audit_log
from gatekeeper.cli.policy_directory import chosen
from gatekeeper.cli.policy_replay_shown import Bar
from gatekeeper.cli.replay import template
from gatekeeper.errors import OperatorError
from gatekeeper.policy import load
from gatekeeper.revisions.replay import audit
from gatekeeper.revisions.replay.audit import Search
from gatekeeper.revisions.replay.report import Asked, ReplayReport
from gatekeeper.revisions.replay.run import report
from gatekeeper.revisions.replay.tally import Tally
from gatekeeper.revisions.replay.work import Laws

# Its window is set for each row; the plate is nobody's.
_SAMPLES = {"plates": ["DEMO1"], "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}


def replay_audit(file: Path, target: str | None, against: str | None, seed: str | None) -> ReplayReport:
    """Decide every row by the law in *target*, and by the one in *against* (the same one, if there is none).

    Raises OperatorError if a log or a law cannot be read.
    """
    for named in (target, against):
        if named is not None and not Path(named).is_dir():
            raise OperatorError(
                f"{named} is no directory of policies: an audit log is replayed without a city"
            )
    candidate = load(Path(target) if target is not None else chosen())
    laws = Laws(candidate if against is None else load(Path(against)), candidate)
    log, digest = open_audit_log(file), _sha256(file)
    asked = Asked("audit_csv", None, None, None, seed or digest, log.rows, digest)
    tally = Tally()
    with Bar("deciding") as bar:
        for some in audit.replayed(laws, _searches(log), template(_SAMPLES), seed=asked.seed):
            tally.add(some)
            bar.tell(tally.decisions, log.rows)
    return report(laws, asked, tally)


def _searches(log: AuditLog) -> Iterator[Search]:
    for search in log:
        day = day_of(search.searched_at)
        yield Search(search.number, None if day is None else day.date(), search.reason)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
