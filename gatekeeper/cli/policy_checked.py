"""``gatekeeper policy check-revision``: the whole check of a revision, recorded; of a directory, shown."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gatekeeper import settings
from gatekeeper.cli.opened import city, data_option, json_option, operator
from gatekeeper.cli.policy_texts import revision_of
from gatekeeper.errors import GatekeeperError, OperatorError
from gatekeeper.policy.layout import files_of
from gatekeeper.revisions.checks import Heard, check
from gatekeeper.revisions.interfaces import Job, Jobs, Revision
from gatekeeper.revisions.report import STEPS, CheckReport, StepName
from gatekeeper.state import State
from gatekeeper.store.policy_jobs import PolicyJobs

_CHECKED_IN: Final = ("draft", "checked", "replayed")
_BEAT_S: Final = 5.0
_SIGNS: Final = {"passed": "✓", "refused": "✗", "not_run": "·"}


@click.command("check-revision")
@click.argument("named", metavar="ID")
@click.option("--by", help="Who asked for it, as the record names them [default: the operator].")
@json_option
@data_option
def check_revision(data: Path | None, named: str, by: str | None, *, as_json: bool) -> None:
    """Check the revision ID as a whole, and record what came of it.

    Both engines compile it, run every test and case, and decide thousands of requests that nobody sent: in
    time, and alike. What is refused is named with its file, its line and its cure, and the revision is then
    rejected. What could not be run is said by name; if this city's engine needs it, nothing is recorded.
    """
    by = by or f"operator:{operator()}"
    with _ending_in_order(), city(data) as state:
        jobs = PolicyJobs(state.database, state.clock.now)
        revision = revision_of(state.lifecycle(), named)
        if revision.state not in _CHECKED_IN:
            raise OperatorError(f"{revision.id} is {revision.state}: there is nothing to check any more")
        job = jobs.begin(revision.id, "check", by)
        if job is None:
            raise OperatorError(
                f"{revision.id} is being checked just now: gatekeeper policy list shows how far"
            )
        try:
            report = _checked(state, jobs, job, revision)
            _record(state, jobs, job, report, by)
        except GatekeeperError as error:
            jobs.end(job.id, "failed", fault=str(error))
            raise
        except BaseException:
            jobs.end(job.id, "interrupted", fault="ended")
            raise
    show_report(report, as_json=as_json)
    sys.exit(0 if report.passed else 1)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Told to end, end what was begun (an OPA, an engine) and say so in the record."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def check_directory(directory: Path, *, as_json: bool) -> None:
    """Check the policies in a directory as a whole, show what came of it, and end with its exit status."""
    files, faults = files_of(directory)
    with _progress() as heard:
        report = check(files, faults=faults, opa_decides=_opa_decides(settings.load()), heard=heard)
    show_report(report, as_json=as_json)
    sys.exit(0 if report.passed else 1)


def _checked(state: State, jobs: Jobs, job: Job, revision: Revision) -> CheckReport:
    files = state.lifecycle().files(revision)
    with _progress() as shown, _beating(jobs, job) as beat:

        def heard(step: StepName, place: int, size: int) -> None:
            shown(step, place, size)
            beat(step, place, size)

        return check(files, opa_decides=_opa_decides(state.settings), heard=heard)


def _record(state: State, jobs: Jobs, job: Job, report: CheckReport, by: str) -> None:
    """Record what came of it; a check that could not be made whole is no verdict, and rejects nothing."""
    missing = [step for step in report.steps if not step.lets_pass and step.outcome == "not_run" and step.why]
    if not report.passed and not report.findings:
        fault = "; ".join(f"{step.name}: {step.why} ({step.cure})" for step in missing)
        jobs.end(job.id, "failed", fault=fault)
        return
    state.lifecycle().checked(job.revision_id, report.verdict(), passed=report.passed, by=by)
    jobs.beat(job.id, len(STEPS), len(STEPS), {"measured": report.document()["measured"]})
    jobs.end(job.id, "done")


def _opa_decides(chosen: settings.Settings) -> bool:
    return chosen.engine == "opa" or (not chosen.engine and bool(chosen.opa_url))


@dataclass(slots=True)
class _Place:
    """Where a check has come to; written by it, read by what beats."""

    step: StepName = "load"
    place: int = 0
    size: int = 0
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _beating(jobs: Jobs, job: Job) -> Iterator[Heard]:
    """Say every few seconds that the job runs, whatever the check is waiting for."""
    at = _Place()

    def heard(step: StepName, place: int, size: int) -> None:
        at.step, at.place, at.size = step, place, size

    def beat() -> None:
        while not at.over.wait(_BEAT_S):
            try:
                jobs.beat(job.id, at.place, at.size, {"step": at.step})
            except GatekeeperError:
                continue  # a busy database; the next beat says it

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        at.over.set()
        thread.join()


@contextmanager
def _progress() -> Iterator[Heard]:
    """Show where a check has come to, on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def heard(step: StepName, place: int, size: int) -> None:
            bar.update(task, description=STEPS[step], completed=place, total=size or None)

        yield heard


def show_report(report: CheckReport, *, as_json: bool) -> None:
    """Print a report: one JSON document, or step by step for a person."""
    if as_json:
        click.echo(json.dumps(report.document(), ensure_ascii=False))
        return
    for step in report.steps:
        click.echo(f"{_SIGNS[step.outcome]} {STEPS[step.name]}" + (f" ({step.count})" if step.count else ""))
        if step.why:
            cure = f": {step.cure}" if step.cure else ""
            click.echo(f"    not run: {step.why}{cure}")
        for finding in step.findings:
            click.echo(f"\n    {finding.place or 'the policies as a whole'}")
            click.echo(f"      {finding.message}")
            click.echo(f"      → {finding.cure}")
    if report.uncovered:
        click.echo("\nNo test runs these lines:")
        for line in report.uncovered:
            click.echo(f"    {line.file}:{line.line}  {line.text}")
    for tested in report.tested:
        for duty in tested.owed:
            click.echo(f"\n{tested.code} still owes {duty}")
    took = report.measured
    slowest = f"slowest decision {took.slowest_embedded_ms:.1f} ms embedded"
    if took.slowest_opa_ms is not None:
        slowest += f", {took.slowest_opa_ms:.1f} ms on OPA"
    said = "passed" if report.passed else "NOT passed"
    click.echo(f"\n{report.revision or 'These policies'}: {said}; {slowest} (budget {took.budget_ms:.0f} ms)")
    click.echo(f"verdict {report.digest_of_verdict()}")
