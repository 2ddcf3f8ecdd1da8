"""``gatekeeper purge``: erase the private detail that the city's retention has ended for."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from gatekeeper.cli.opened import city, data_option, day_option, json_option, operator, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.parts import eraser, retention
from gatekeeper.purge.erase import Erasing
from gatekeeper.purge.timer import because
from gatekeeper.review.reasons import fault_of, tidy


@click.command()
@day_option("--before", help="Erase every day before this one [default: by GATEKEEPER_RETENTION_DAYS].")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--reason", help="Why, in a sentence; kept with the log [default: the city's retention].")
@click.option("--clock-is-right", is_flag=True, help="Although the log's last entry is over a day old.")
@json_option
@data_option
def purge(
    data: Path | None,
    before: date | None,
    reason: str | None,
    *,
    dry_run: bool,
    clock_is_right: bool,
    as_json: bool,
) -> None:
    """Erase private detail for good: keys, then rows. Holds and open reviews are kept; proofs hold."""
    if reason is not None and (fault := fault_of(reason)) is not None:
        raise OperatorError(f'{fault} For example --reason "Council resolution of 3 November"')
    with city(data) as state:
        kept = retention(state)
        first_kept = before or kept.first_kept(state.clock.now().date())
        work = eraser(state)
        if dry_run:
            plan = asdict(work.plan(first_kept, kept, clock_is_right=clock_is_right))
            days = plan.pop("days")
            show_one(plan | {"days": len(days), "from": days[0] if days else None}, as_json=as_json)
            return
        said = tidy(reason) if reason is not None else because(kept) if kept.city else None
        if said is None:
            raise OperatorError('say why: --reason "Council resolution of 3 November"')
        done = work.run(first_kept, kept, Erasing(operator(), said), clock_is_right=clock_is_right)
    if not done and not as_json:
        click.echo("nothing to erase")
        return
    show([asdict(one) for one in done], as_json=as_json)
