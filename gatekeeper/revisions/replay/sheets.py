"""A replay's report as one CSV file: a figure a row, so that a spreadsheet can filter and add them.

Guarantees: every figure of the report is there; no cell is taken for a formula (``gatekeeper.cells``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from gatekeeper.cells import cell
from gatekeeper.revisions.replay.report import Group, ReplayReport

HEAD = ("part", "name", "about", "figure", "value")


def csv_of(report: ReplayReport) -> str:
    """Return the report as the text of a CSV file."""
    written = io.StringIO()
    writer = csv.writer(written)
    for row in (HEAD, *rows_of(report)):
        writer.writerow([cell(value) for value in row])
    return written.getvalue()


def rows_of(report: ReplayReport) -> Iterator[tuple[object, ...]]:  # noqa: C901 - one loop for each part
    """Yield its rows, in the report's own order."""
    yield "law", report.candidate.revision, report.candidate.digest, "candidate", ""
    yield "law", report.baseline.revision, report.baseline.digest, "baseline", ""
    asked = report.asked
    for name in ("source", "since", "until", "sample", "seed", "size", "root"):
        yield "asked", name, "", "", getattr(asked, name)
    yield "decisions", "", "", "replayed", report.decisions.replayed
    yield "decisions", "", "", "missing", report.decisions.missing
    yield "decisions", "", "", "rescreened", report.rescreened
    yield "decisions", "", "", "rulings_set_aside", report.rulings_set_aside
    yield "decisions", "", "", "taken_as_alone", report.taken_as_alone
    for name, count in report.classes.items():
        yield "class", name, "", "", count
    for side, counts in report.outcomes.items():
        for name, count in counts.items():
            yield "outcome", side, "", name, count
    for name, count in report.drift.items():
        yield "drift", name, "", "", count
    for one in report.provisions:
        about = f"{one.title} ({one.citation}); {one.standing}; {'public' if one.public else 'not public'}"
        for figure in ("before", "after", "added", "removed", "newly_denied", "newly_permitted"):
            yield "provision", one.code, about, figure, getattr(one, figure)
    for part, groups in (
        ("agency", report.agencies),
        ("category", report.categories),
        ("month", report.months),
    ):
        for group in groups:
            yield from _group(part, group)
    for day in report.missing:
        yield "missing", day.day, "", "", day.count
    for name, examples in report.examples.items():
        for example in examples:
            about = f"entry {example.index}, {example.hour}, {example.agency}, {example.category}"
            said = [" ".join([said.outcome, *said.provisions]) for said in (example.before, example.after)]
            yield "example", example.query_id, about, name, " → ".join([*said, *example.obligations])


def _group(part: str, group: Group) -> Iterator[tuple[object, ...]]:
    yield part, group.name, "", "replayed", group.replayed
    yield part, group.name, "", "missing", group.missing
    for name, count in group.classes.items():
        yield part, group.name, "", name, count
