"""``gatekeeper policy test``: every Rego test and every case, by provision, and what nothing tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from gatekeeper.cli.opened import json_option, printer
from gatekeeper.cli.policy_check import show_findings
from gatekeeper.cli.policy_directory import directory_argument
from gatekeeper.errors import OperatorError
from gatekeeper.policy import Bundle
from gatekeeper.policy.coverage import Coverage, measure, opa_program
from gatekeeper.policy.examination import examine
from gatekeeper.revisions.runs import Result, owing, results_of

_NOT_MEASURED = "opa is not on PATH: which lines no test runs was not measured"


@click.command("test")
@directory_argument
@click.option("--provision", "only", metavar="CODE", help="Only the tests and cases about this provision.")
@json_option
def test(directory: Path, only: str | None, *, as_json: bool) -> None:
    """Run every Rego test and every case of the policies in DIR, by the gate's own engine and steps.

    A failure is named with its file and line, what was expected and what came; the exit status is then 1.
    Where the opa program is on PATH, the lines of the rules that no test runs are listed too.
    """
    examined = examine(directory)
    bundle = examined.bundle
    if bundle is None or examined.findings:
        show_findings(examined.findings, directory, as_json=as_json)
        sys.exit(1)
    if only is not None and only not in bundle.written:
        near = get_close_matches(only, bundle.written, n=1)
        raise OperatorError(f"there is no provision {only}{f'; did you mean {near[0]}?' if near else ''}")
    results = results_of(examined, bundle, only)
    owed = {code: duties for code, duties in owing(examined, bundle).items() if only in (None, code)}
    program = opa_program()
    coverage = measure(bundle, program) if program else None
    if only is not None and coverage is not None:
        coverage = coverage.of(bundle.written[only].path)
    if as_json:
        _print_json(results, owed, coverage)
    else:
        _print(results, owed, coverage, bundle, only)
    failed = any(not result.passed for result in results)
    sys.exit(1 if failed or (coverage is not None and (coverage.failed or coverage.complaint)) else 0)


def _print_json(results: Sequence[Result], owed: Mapping[str, list[str]], coverage: Coverage | None) -> None:
    lines: list[dict[str, object]] = [asdict(result) for result in results]
    lines += [{"kind": "owed", "about": [code], "tests": duties} for code, duties in owed.items()]
    if coverage is not None:
        lines += [{"kind": "opa", "failed": coverage.failed, "complaint": coverage.complaint}]
        lines += [
            {"kind": "uncovered", "file": path, "lines": rows} for path, rows in coverage.uncovered.items()
        ]
    for line in lines:
        click.echo(json.dumps(line, ensure_ascii=False))


def _print(
    results: Sequence[Result],
    owed: Mapping[str, list[str]],
    coverage: Coverage | None,
    bundle: Bundle,
    only: str | None,
) -> None:
    printer().print(_table(results, bundle, only))
    for result in results:
        if not result.passed:
            click.echo(f"\n{result.file}:{result.line}  {result.name} failed")
            click.echo(f"  expected  {result.expected}")
            click.echo(f"  came      {result.came}")
    for code, duties in owed.items():
        click.echo(f"\n{code} still owes:")
        for duty in duties:
            click.echo(f"  - {duty}")
    click.echo(f"\n{_covered(coverage, bundle)}")
    passed = sum(result.passed for result in results)
    click.echo(f"{bundle.revision}: {passed} of {len(results)} tests and cases passed")


def _table(results: Sequence[Result], bundle: Bundle, only: str | None) -> Table:
    """Return one row for each provision, and one for what stands beside them (main, facts, obligations)."""
    table = Table("Provision", "Review", "Rego tests", "Cases", "", box=None, header_style="bold")
    others = sorted({code for result in results for code in result.about} - set(bundle.written))
    for code in [*bundle.written, *others]:
        mine = [result for result in results if code in result.about]
        if mine and only in (None, code):
            review = bundle.written[code].review if code in bundle.written else ""
            table.add_row(code, review, _tally(mine, "rego"), _tally(mine, "case"), _verdict(mine))
    permitted = [result for result in results if not result.about]
    if permitted:
        table.add_row("permitted requests", "", "", _tally(permitted, "case"), _verdict(permitted))
    return table


def _tally(results: Sequence[Result], kind: str) -> str:
    of_kind = [result for result in results if result.kind == kind]
    passed = sum(result.passed for result in of_kind)
    return f"{passed}" if passed == len(of_kind) else f"{passed} of {len(of_kind)}"


def _verdict(results: Sequence[Result]) -> Text:
    return Text("pass", "green") if all(result.passed for result in results) else Text("FAIL", "bold red")


def _covered(coverage: Coverage | None, bundle: Bundle) -> str:
    """Say which lines no test runs, each with its text."""
    if coverage is None:
        return _NOT_MEASURED
    if coverage.complaint:
        return f"opa test could not be run: {coverage.complaint}"
    if coverage.failed:
        return "On OPA these tests fail: " + ", ".join(coverage.failed)
    if not coverage.uncovered:
        return "opa test: every line of every rule is run by a test"
    said = ["opa test: no test runs these lines:"]
    for path, rows in coverage.uncovered.items():
        lines = bundle.modules.get(path, bundle.checks.get(path, "")).splitlines()
        said += [f"  {path}:{row}  {lines[row - 1].strip() if row <= len(lines) else ''}" for row in rows]
    return "\n".join(said)
