"""``gatekeeper demo --replay FILE.csv``: a published log of searches, sent through the running gate.

Guarantees: each row becomes one real request over HTTP, decided, logged and answered like any other; only
the reason comes from the row, every other field from one flawless template that is printed first (with a
plate and a badge of the row's own: another row's refusal is nothing to it), so that what is denied is denied
for its words. Rows that got no decision are counted apart, never as permitted. The
figures on the terminal, in the page and in the summary are the same object.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gatekeeper.cli.audit_csv import Search, day_of, open_audit_log
from gatekeeper.cli.replay_gate import THREADS, Answer, Gate
from gatekeeper.cli.replay_page import write_page
from gatekeeper.errors import OperatorError

_REMEDIES, _REASONS = 8, 15
WINDOW_NOTE = (
    "The window asked for lies in the sample city's own days: the log's dates are outside what its store "
    "holds. Each row is decided as if it were asked today."
)


DENIED_BY = "Denied, by provision (a denial may name several)"


@dataclass(frozen=True, slots=True)
class ProvisionCount:
    """How many of the log's searches one provision of law denied."""

    code: str
    title: str
    citation: str
    remedy: str
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What the gate made of a log. A denial may name several provisions, so theirs add up to more."""

    log: str
    rows: int
    first_day: str | None
    last_day: str | None
    permitted: int
    denied: int
    undecided: Mapping[str, int]
    provisions: tuple[ProvisionCount, ...]
    remedies: tuple[tuple[str, int], ...]
    denied_reasons: tuple[tuple[str, int], ...]
    permitted_reasons: tuple[tuple[str, int], ...]
    policies: tuple[str, ...]
    seconds: float
    note: str
    template: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the same figures as plain JSON values; raises nothing."""
        return asdict(self)


def template(samples: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with nothing wrong in it but a narrative still to be put in; raises OperatorError.

    ``90Z`` (all other offenses) is the one code that no words contradict.
    """
    try:
        window = {"from": samples["from"], "to": samples["to"]}
        query = {"kind": "plate", "plate": samples["plates"][0], **window, "limit": 25}
    except (KeyError, IndexError, TypeError):
        raise OperatorError("the demo has no sample plate to ask for: remove its --data directory") from None
    return {
        "query": query,
        "purpose": {
            "category": "criminal_investigation",
            "offense": "90Z",
            "narrative": "",
            "case_number": "25-10494",
        },
        "requester": {"name": "Pat Example", "badge": "4411", "unit": "Investigations"},
        "on_behalf_of": None,
        "legal_process": None,
        "attestation": {"text_version": "2026-01", "accepted": True},
    }


def replay(
    csv_path: Path,
    *,
    base_url: str,
    client: Mapping[str, str],
    samples: Mapping[str, Any],
    html_path: Path | None,
    console: Console,
) -> Summary:
    """Send each row of a log through the gate, print and write what became of them, and return the figures.

    Raises OperatorError if the log cannot be read, the client gets no token or the page cannot be written.
    """
    log = open_audit_log(Path(csv_path))
    flawless = template(samples)
    console.print(
        "Every row is sent with this request; only [bold]purpose.narrative[/] is the row's own reason "
        "(and plate and badge are numbered: each row stands for itself):"
    )
    console.print_json(json.dumps(flawless))
    console.print(WINDOW_NOTE)
    gate, tally, began = Gate(base_url, client), _Tally(), monotonic()
    gate.token()  # a client that is refused is found out before the first row
    bar = Progress(
        TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    with bar, ThreadPoolExecutor(THREADS, thread_name_prefix="replay") as pool:
        task = bar.add_task("replaying", total=log.rows)
        for search, answer in _answers(pool, gate, iter(log), flawless):
            tally.count(search, answer)
            bar.advance(task)
    summary = tally.summary(log.path.name, flawless, monotonic() - began)
    show(summary, console)
    if html_path is not None:
        write_page(summary.as_dict(), Path(html_path))
        console.print(f"The same figures as a page: {escape(str(html_path))}")
    return summary


def show(summary: Summary, console: Console) -> None:
    """Print the summary as tables; raises nothing."""
    span = f", {summary.first_day} to {summary.last_day}" if summary.first_day else ""
    console.print(f"\n[bold]{escape(summary.log)}[/]: {summary.rows} searches{span}")
    decided = Table("outcome", "searches", "share")
    for name, count in (
        ("permitted", summary.permitted),
        ("denied", summary.denied),
        *summary.undecided.items(),
    ):
        decided.add_row(escape(name), str(count), f"{count / max(1, summary.rows):.1%}")
    console.print(decided)
    if summary.provisions:
        provisions = Table("provision", "citation", "denied", title=DENIED_BY)
        for one in summary.provisions:
            provisions.add_row(escape(one.title or one.code), escape(one.citation), str(one.count))
        console.print(provisions)
        remedies = Table("what would have helped", "searches", title="Most frequent remedies")
        for text, count in summary.remedies:
            remedies.add_row(escape(text), str(count))
        console.print(remedies)


def _row(flawless: Mapping[str, Any], search: Search, run: str) -> dict[str, Any]:
    own = f"D{run[:3].upper()}{search.number}"
    return {
        **flawless,
        "query": {**flawless["query"], "plate": own},
        "purpose": {**flawless["purpose"], "narrative": search.reason},
        "requester": {**flawless["requester"], "badge": str(search.number)},
    }


def _answers(
    pool: ThreadPoolExecutor, gate: Gate, log: Iterator[Search], flawless: Mapping[str, Any]
) -> Iterator[tuple[Search, Answer]]:
    """Yield each row with its answer as they come, a few in flight; raises what the log raises."""
    run, flying = uuid4().hex, dict[Future[Answer], Search]()
    try:
        for search in log:
            body = _row(flawless, search, run)
            flying[pool.submit(gate.ask, body, f"replay-{run}-{search.number}")] = search
            if len(flying) >= THREADS * 2:
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for one in done:
                    yield flying.pop(one), one.result()
        for one in list(flying):
            yield flying.pop(one), one.result()
    finally:
        for left in flying:
            left.cancel()


class _Tally:
    """Counts answers as they come; one thread only."""

    def __init__(self) -> None:
        self.rows = 0
        self.outcomes, self.codes, self.remedies = Counter[str](), Counter[str](), Counter[str]()
        self.reasons = {"permit": Counter[str](), "deny": Counter[str]()}
        self.described: dict[str, Mapping[str, Any]] = {}
        self.policies: set[str] = set()
        self.days: list[datetime] = []

    def count(self, search: Search, answer: Answer) -> None:
        self.rows += 1
        self.outcomes[answer.outcome] += 1
        day = day_of(search.searched_at)
        if day is not None:
            self.days = [min(day, *self.days), max(day, *self.days)] if self.days else [day]
        if answer.outcome in self.reasons:
            self.reasons[answer.outcome][" ".join(search.reason.split())[:120] or "(nothing)"] += 1
            self.policies.add(answer.policy)
        for one in answer.provisions:
            code = str(one.get("code", "?"))
            self.codes[code] += 1
            self.described.setdefault(code, one)
        self.remedies.update({str(one["remedy"]) for one in answer.provisions if one.get("remedy")})

    def _provision(self, code: str, count: int) -> ProvisionCount:
        title, citation, remedy = (
            str(self.described[code].get(f) or "") for f in ("title", "citation", "remedy")
        )
        return ProvisionCount(code, title, citation, remedy, count)

    def summary(self, log: str, flawless: Mapping[str, Any], seconds: float) -> Summary:
        permitted, denied = self.outcomes.pop("permit", 0), self.outcomes.pop("deny", 0)
        return Summary(
            log=log,
            rows=self.rows,
            first_day=self.days[0].date().isoformat() if self.days else None,
            last_day=self.days[-1].date().isoformat() if self.days else None,
            permitted=permitted,
            denied=denied,
            undecided=dict(self.outcomes.most_common()),
            provisions=tuple(self._provision(code, count) for code, count in self.codes.most_common()),
            remedies=tuple(self.remedies.most_common(_REMEDIES)),
            denied_reasons=tuple(self.reasons["deny"].most_common(_REASONS)),
            permitted_reasons=tuple(self.reasons["permit"].most_common(_REASONS)),
            policies=tuple(sorted(self.policies)),
            seconds=round(seconds, 1),
            note=WINDOW_NOTE,
            template=flawless,
        )
