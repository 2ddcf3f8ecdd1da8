"""The operator's commands, one file a noun; ``gatekeeper COMMAND --help`` describes each.

Guarantees: an error of ours, and one of the operating system, ends with exit status 1 and one message that
says what to do; output that could not be written is never taken for written; nothing prints a secret but the
command that makes it.
"""

from __future__ import annotations

import errno
import importlib
import sys
from typing import Any

import click

from gatekeeper.cli.system import give_up_output, said_of
from gatekeeper.errors import BundleRefused, GatekeeperError, OperatorError, SettingsRefused, Superseded

# Commands are imported when they are called: `gatekeeper decide` needs no web framework.
_COMMANDS = {
    "affirmation": "gatekeeper.cli.affirmation_invite:affirmation",
    "agency": "gatekeeper.cli.agencies:agency",
    "backup": "gatekeeper.cli.backup:backup",
    "client": "gatekeeper.cli.client_stolen:client",
    "decide": "gatekeeper.cli.decide:decide",
    "demo": "gatekeeper.cli.demo:demo",
    "doctor": "gatekeeper.cli.doctor:doctor",
    "export": "gatekeeper.cli.export:export",
    "hold": "gatekeeper.cli.hold:hold",
    "init": "gatekeeper.cli.serve:init",
    "issuer": "gatekeeper.cli.issuer:issuer",
    "ledger": "gatekeeper.cli.ledger:ledger",
    "officer": "gatekeeper.cli.officer:officer",
    "policy": "gatekeeper.cli.policy:policy",
    "purge": "gatekeeper.cli.purge:purge",
    "query": "gatekeeper.cli.query:query",
    "restore": "gatekeeper.cli.restore:restore",
    "resume": "gatekeeper.cli.stop:resume",
    "serve": "gatekeeper.cli.serve:serve",
    "staff": "gatekeeper.cli.staff:staff",
    "stop": "gatekeeper.cli.stop:stop",
    "token-key": "gatekeeper.cli.token_key:token_key",
    "witness": "gatekeeper.cli.witness:witness",
}


class _Commands(click.Group):
    """Finds commands by name and answers our errors in one way."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # what cannot be written is told below, not after the last line
        except BundleRefused as refused:
            click.echo("The policies were refused:", err=True)
            for fault in refused.faults:
                click.echo(f"  - {fault}", err=True)
            sys.exit(1)
        except (OperatorError, SettingsRefused) as error:
            click.echo(str(error), err=True)  # a sentence for a person, which says what to do
            sys.exit(1)
        except Superseded:
            click.echo(
                "somebody else changed this at the same moment, and it was not done: type the command again",
                err=True,
            )
            sys.exit(1)
        except GatekeeperError as error:
            click.echo(f"{error.code}: {error}", err=True)
            sys.exit(1)
        except OSError as error:
            if error.errno in (None, errno.EPIPE):
                raise  # a closed pipe is Click's to end quietly; what no system said is a defect
            give_up_output()
            click.echo(said_of(error), err=True)
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gatekeeper")
def main() -> None:
    """Stand between a city's license-plate reads and everyone who asks for them."""
