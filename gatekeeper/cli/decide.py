"""``gatekeeper decide``: what the policy says about requests in a file (``exchange.lines``)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import click

from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Embedded, Engine, load, shipped_policies
from gatekeeper.policy.opa import OpaServer


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--policies", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Other policies."
)
@click.option("--opa", "opa_url", help="Ask this OPA server (it must hold the same bundle).")
def decide(file: TextIO, policies: Path | None, opa_url: str | None) -> None:
    """Decide the requests in FILE (JSON Lines; - for standard input), one answer a line, in order.

    A line that cannot be decided gives {"error": …}; the exit status is then 1.
    """
    bundle = load(policies or shipped_policies())
    engine: Engine = OpaServer(bundle, opa_url) if opa_url else Embedded(bundle)
    lexicon = Lexicon.of(bundle)
    failed = False
    for line in _lines(file):
        answer = decide_line(line, engine, lexicon)
        failed = failed or "error" in answer
        click.echo(json.dumps(answer, ensure_ascii=False))
    engine.close()
    sys.exit(1 if failed else 0)


def _lines(file: Any) -> Iterable[bytes]:
    return (line for line in file if line.strip())
