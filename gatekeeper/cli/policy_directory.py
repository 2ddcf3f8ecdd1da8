"""Which directory of policies a command is about."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper import settings
from gatekeeper.policy import shipped_policies


def _chosen(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return chosen() if value is None else value


def chosen() -> Path:
    """Return the directory that the settings name, or the policies that were shipped."""
    configured = settings.load().policies
    return Path(configured) if configured else shipped_policies()


directory_argument = click.argument(
    "directory",
    metavar="[DIR]",
    required=False,
    callback=_chosen,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
"""DIR, or GATEKEEPER_POLICIES, or the policies that were shipped."""
