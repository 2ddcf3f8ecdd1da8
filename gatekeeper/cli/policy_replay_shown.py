"""A replay on a terminal: a bar while it runs, and what it came to. In a pipe there is no bar."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gatekeeper.cli.opened import printer
from gatekeeper.revisions.replay.report import CHANGES, Example, Group, ReplayReport

_MOST_EXAMPLES = 3
_CLASSES = {
    "same": "same",
    "newly_denied": "newly denied",
    "newly_permitted": "newly permitted",
    "reasons_changed": "other reasons",
    "obligations_changed": "other obligations",
    "undecided": "could not be decided",
}


class Bar:
    """A progress bar on a terminal; silent otherwise."""

    def __init__(self, name: str) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(name, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, place: int, size: int) -> None:
        """Move it."""
        self._bar.update(self._task, completed=place, total=size)


def show_report(report: ReplayReport) -> None:
    """Print the report."""
    console = printer()
    total = report.decisions.replayed
    console.print(
        f"[bold]{escape(report.candidate.revision)}[/] beside {escape(report.baseline.revision)}: "
        f"{total} past decisions"
        + (f", and {report.decisions.missing} whose detail was erased" if report.decisions.missing else "")
    )
    for side, name in (("before", report.baseline.revision), ("after", report.candidate.revision)):
        said = report.outcomes[side]
        console.print(
            f"{escape(name)}: {said['permit']} permitted, "
            f"{said['deny']} denied, {said['undecided']} undecided"
        )
    classes = Table("what became of them", "decisions", "share", box=None, header_style="bold")
    for name, count in report.classes.items():
        classes.add_row(_CLASSES[name], str(count), f"{count / max(1, total):.2%}")
    console.print(classes)
    differing = total - report.drift["same"]
    if report.asked.source == "log" and differing:
        console.print(f"{differing} of them the law compared with decides otherwise than was decided then.")
    if report.rescreened:
        console.print(f"{report.rescreened} had their words read anew, by another lexicon.")
    if report.taken_as_alone:
        console.print(
            f"{report.taken_as_alone} were decided before patterns were facts: taken as having none."
        )
    _show_provisions(console, report)
    for title, groups in (
        ("agency", report.agencies),
        ("purpose", report.categories),
        ("month", report.months),
    ):
        _show_groups(console, title, groups)
    for name in CHANGES:
        for example in report.examples.get(name, ())[:_MOST_EXAMPLES]:
            console.print(f"{_CLASSES[name]}: {escape(_line(example))}")


def _show_provisions(console: Console, report: ReplayReport) -> None:
    changed = [one for one in report.provisions if one.added or one.removed or one.standing != "both"]
    if not changed:
        return
    table = Table(
        "provision", "in the law", "newly denied", "newly permitted", "reason added", "reason gone",
        box=None, header_style="bold",
    )  # fmt: skip
    for one in changed:
        counts = (one.newly_denied, one.newly_permitted, one.added, one.removed)
        table.add_row(escape(one.code), one.standing, *map(str, counts))
    console.print(table)


def _show_groups(console: Console, title: str, groups: tuple[Group, ...]) -> None:
    hit = [group for group in groups if any(group.classes[name] for name in CHANGES)]
    if not hit:
        return
    table = Table(title, *(_CLASSES[name] for name in CHANGES), "of", box=None, header_style="bold")
    for group in hit:
        counts = (group.classes[name] for name in CHANGES)
        table.add_row(escape(group.name), *map(str, counts), str(group.replayed))
    console.print(table)


def _line(example: Example) -> str:
    said = " → ".join(" ".join([one.outcome, *one.provisions]) for one in (example.before, example.after))
    return f"{example.query_id or f'row {example.index}'} {example.hour} {example.agency}: {said}"
