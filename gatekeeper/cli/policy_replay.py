"""``gatekeeper policy replay``: what another law would have said to past queries (``revisions.replay``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.opened import city, data_option, day_option, operator
from gatekeeper.cli.policy_directory import chosen
from gatekeeper.cli.policy_replay_audit import replay_audit
from gatekeeper.cli.policy_replay_process import Opener, names_of
from gatekeeper.cli.policy_replay_shown import Bar, show_report
from gatekeeper.errors import GatekeeperError, OperatorError
from gatekeeper.ledger import Json
from gatekeeper.ledger.merkle import root
from gatekeeper.policy import Bundle, load
from gatekeeper.revisions.replay.cluster import Cluster, Scheduler
from gatekeeper.revisions.replay.pool import Alone, Pool
from gatekeeper.revisions.replay.report import Asked, ReplayReport
from gatekeeper.revisions.replay.run import Plan, Progress, Workers, plan_of, planned, replayed, seed_of
from gatekeeper.revisions.replay.sheets import csv_of
from gatekeeper.revisions.replay.work import Laws, Work
from gatekeeper.state import State
from gatekeeper.store.past import PastDecisions
from gatekeeper.store.policy_jobs import PolicyJobs
from gatekeeper.whole import write_whole

_FILE = click.Path(dir_okay=False, path_type=Path)
_REVISION = "rev_"


@click.command()
@click.argument("target", metavar="[REVISION|DIR]", required=False)
@data_option
@day_option("--from", help="First day (UTC).")
@day_option("--to", help="Last day (UTC).")
@click.option("--sample", type=click.IntRange(min=1), help="At most so many, drawn by the log's root.")
@click.option("--seed", help="Draw the sample by this instead.")
@click.option("--against", help="Compare with this revision or directory, not with the law in force.")
@click.option("--processes", type=click.IntRange(1, 256), help="Processes [default: one a processor]")
@click.option("--scheduler", help="Let this Dask cluster decide: tls://HOST:8786. No private text is sent.")
@click.option("--tls-ca", type=_FILE, help="Certificate of the authority of the cluster (PEM).")
@click.option("--tls-cert", type=_FILE, help="Certificate by which the cluster knows us (PEM).")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option("--json", "json_file", type=_FILE, help="Write the report here, as JSON.")
@click.option("--csv", "csv_file", type=_FILE, help="Write the report here, for a spreadsheet.")
@click.option(
    "--audit-csv",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Decide this published log of searches instead; no city is needed.",
)
@click.option("--by", hidden=True, help="Who asked for it in the console.")
def replay(target: str | None, data: Path | None, **options: Any) -> None:
    """Say whom a change of the law would have hit: decide past queries anew, by it and by the law in force.

    The clock and every fact come from the record. Of a REVISION the result is recorded, for those who are to
    approve it; a DIR is only tried, and so is anything --against another law than the one in force. What was
    interrupted goes on where it was. Words and plates stay here.
    """
    if options["audit_csv"] is not None:
        _given(replay_audit(options["audit_csv"], target, options["against"], options["seed"]), options)
        return
    with city(data) as state:
        named = target is not None and target.startswith(_REVISION)
        if named and options["against"] is None:
            _given(_of_revision(state, str(target), options), options)
            return
        candidate = _revision(state, str(target)) if named else load(Path(target) if target else chosen())
        _given(_done(state, candidate, options, _Forgetful()), options)


def _given(report: ReplayReport, options: Mapping[str, Any]) -> None:
    """Hand the report over, as it was asked for."""
    if options["json_file"] is not None:
        write_whole(options["json_file"], report.text())
    if options["csv_file"] is not None:
        write_whole(options["csv_file"], csv_of(report).encode())
    show_report(report)


def _of_revision(state: State, revision_id: str, options: Mapping[str, Any]) -> ReplayReport:
    """Replay a revision as a job, and record what came of it. Raises OperatorError."""
    lifecycle, jobs = state.lifecycle(), PolicyJobs(state.database, state.clock.now)
    revision = lifecycle.store.get(revision_id)
    if revision is None:
        raise OperatorError(f"there is no revision {revision_id}: gatekeeper policy revisions")
    if revision.state not in ("checked", "replayed"):
        raise OperatorError(
            f"{revision_id} is {revision.state}: what is replayed was checked, and is not decided upon yet"
        )
    by = options["by"] or f"operator:{operator()}"
    asked = {name: str(options[name]) for name in ("from", "to", "sample", "seed") if options[name]}
    job = jobs.begin(revision_id, "replay", by, asked)
    if job is None:
        raise OperatorError(f"{revision_id} is being replayed already")
    progress = _Kept(jobs, job.id, job.progress)
    try:
        report = _done(state, lifecycle.bundle(revision), options, progress)
        lifecycle.replayed(revision_id, report.document(), by=by)
    except GatekeeperError as error:
        jobs.end(job.id, "failed", fault=str(error))
        raise
    except BaseException:
        jobs.end(job.id, "interrupted", fault="interrupted")  # it goes on from here when begun again
        raise
    jobs.end(job.id, "done")
    return report


def _done(state: State, candidate: Bundle, options: Mapping[str, Any], progress: Progress) -> ReplayReport:
    laws = Laws(_baseline(state, options["against"]), candidate, _then(state))
    plan = plan_of(progress.saved(), laws) or _plan(state, laws, options)
    record = PastDecisions(state.database)
    with Bar("replaying") as bar:
        return replayed(laws, plan, record, _workers(state, laws, plan, options), progress, bar.tell)


def _plan(state: State, laws: Laws, options: Mapping[str, Any]) -> Plan:
    head, last = state.rows.head(), options["to"]
    top = root(head.frontier)
    asked = Asked(
        source="log",
        since=None if options["from"] is None else options["from"].isoformat(),
        until=None if last is None else (last + timedelta(days=1)).isoformat(),
        sample=options["sample"],
        seed=seed_of(top, options["seed"]),
        size=head.size,
        root=top.hex(),
    )

    def entry(index: int) -> bytes | None:
        stored = state.rows.entry(index)
        return None if stored is None else stored.entry

    return planned(laws, asked, entry)


def _baseline(state: State, against: str | None) -> Bundle:
    """Return the law to compare with. Raises OperatorError, BundleRefused."""
    lifecycle = state.lifecycle()
    if against is not None and not against.startswith(_REVISION):
        return load(Path(against))
    found = lifecycle.store.active() if against is None else lifecycle.store.get(against)
    if found is None:
        raise OperatorError(
            "the city has no law in force to compare with: --against DIR"
            if against is None
            else f"there is no revision {against}: gatekeeper policy revisions"
        )
    return lifecycle.bundle(found)


def _revision(state: State, revision_id: str) -> Bundle:
    """Return a revision to be tried only. Raises OperatorError, BundleRefused."""
    lifecycle = state.lifecycle()
    found = lifecycle.store.get(revision_id)
    if found is None:
        raise OperatorError(f"there is no revision {revision_id}: gatekeeper policy revisions")
    return lifecycle.bundle(found)


def _then(state: State) -> dict[str, Bundle]:
    """Return the laws that were ever in force: whose words need not be read anew."""
    lifecycle = state.lifecycle()
    were = {one.digest: one for one in lifecycle.store.all() if one.serial is not None}
    return {digest: lifecycle.bundle(one) for digest, one in were.items()}


def _workers(state: State, laws: Laws, plan: Plan, options: Mapping[str, Any]) -> Workers:
    if options["scheduler"] is not None:
        return Cluster(
            Scheduler(options["scheduler"], options["tls_ca"], options["tls_cert"], options["tls_key"]),
            Work(laws, names_of(state), plan.asked.seed),
            PastDecisions(state.database),
            state.ledger,
            (laws.baseline.files, laws.candidate.files),
            (laws.baseline.digest, laws.candidate.digest),
        )
    opener = Opener.of(state, laws, plan.asked.seed)
    processes = min(options["processes"] or os.cpu_count() or 1, max(plan.size, 1))
    return Pool(opener, processes) if processes > 1 else Alone(opener)


class _Forgetful:
    """The progress of a trial: nothing is kept."""

    def saved(self) -> None:
        """Return nothing."""

    def save(self, place: int, size: int, progress: Mapping[str, Json] | None) -> None:
        """Keep nothing."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The progress of a job, in its row."""

    jobs: PolicyJobs
    job_id: str
    before: Mapping[str, Any] | None

    def saved(self) -> Mapping[str, Any] | None:
        """Return what the job was taken up with."""
        return self.before

    def save(self, place: int, size: int, progress: Mapping[str, Json] | None) -> None:
        """Save it. Raises OperatorError once the job is taken for interrupted."""
        if not self.jobs.beat(self.job_id, place, size, progress):
            raise OperatorError("this replay was silent for too long, and is taken for interrupted")
