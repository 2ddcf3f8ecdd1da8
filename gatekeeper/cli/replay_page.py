"""The replay's page: one file that asks nothing of any other place.

Guarantees: no script, no link, no request (its own policy forbids them); every text from the log or the gate
is escaped; the file appears complete or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from gatekeeper.errors import OperatorError
from gatekeeper.whole import write_whole

_DENIED_BY = "Denied, by provision (a denial may name several)"
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;width:100%;margin:0 0 2rem}
caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .7rem;border-bottom:1px solid #a9aeb1}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
pre{background:#f0f0f0;padding:1rem;overflow-x:auto}
"""


def write_page(summary: Mapping[str, Any], path: Path) -> None:
    """Write the page of a summary's figures, atomically; raises OperatorError if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, page(summary).encode("utf-8", "replace"), 0o600)
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}. Name another --html file") from None


def page(summary: Mapping[str, Any]) -> str:
    """Return the page as HTML; raises nothing."""
    rows = summary["rows"]
    outcomes = [
        ("permitted", summary["permitted"]),
        ("denied", summary["denied"]),
        *summary["undecided"].items(),
    ]
    span = f", {_(summary['first_day'])} to {_(summary['last_day'])}" if summary["first_day"] else ""
    provisions = [
        (p["title"] or p["code"], p["citation"], p["remedy"], p["count"]) for p in summary["provisions"]
    ]
    shares = [(name, count, f"{count / max(1, rows):.1%}") for name, count in outcomes]
    reasons = ("reason as typed", "searches")
    tables = "\n".join(
        (
            _table("Outcome", ("outcome", "searches", "share"), shares),
            _table(_DENIED_BY, ("provision", "citation", "remedy", "denied"), provisions),
            _table("Most frequent remedies", ("what would have helped", "searches"), summary["remedies"]),
            _table("Most frequent reasons denied", reasons, summary["denied_reasons"]),
            _table("Most frequent reasons permitted", reasons, summary["permitted_reasons"]),
        )
    )
    policies = ", ".join(summary["policies"]) or "(none answered)"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Replay of {_(summary["log"])}</title><style>{_STYLE}</style></head><body><main>
<h1>What the law allows of a published log</h1>
<p>{_(summary["log"])}: {rows} searches{span}. Policy {_(policies)}.</p>
<p>{_(summary["note"])}</p>
{tables}
<h2>The request that each row was sent with</h2>
<p>Only <code>purpose.narrative</code> is the row's own.</p>
<pre>{_(json.dumps(summary["template"], indent=2))}</pre>
</main></body></html>
"""


def _(text: object) -> str:
    return escape(str(text), quote=True)


def _table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    kept = [tuple(row) for row in rows]
    cells = "".join(
        "<tr>" + "".join(f"<td{_align(cell)}>{_(cell)}</td>" for cell in row) + "</tr>\n" for row in kept
    )
    if not cells:
        return f"<p>{_(caption)}: none.</p>"
    head = "".join(
        f'<th scope="col"{_align(cell)}>{_(name)}</th>' for name, cell in zip(heads, kept[0], strict=True)
    )
    head = f"<caption>{_(caption)}</caption>\n<thead><tr>{head}</tr></thead>"
    return f"<table>{head}<tbody>\n{cells}</tbody></table>"


def _align(cell: object) -> str:
    return ' class="n"' if isinstance(cell, int) else ""
