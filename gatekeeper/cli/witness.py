"""``gatekeeper witness``: run a witness of other cities' logs, and try one with this city's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

import click

from gatekeeper import settings as configuration
from gatekeeper.cli.opened import as_its_owner, city, data_option, json_option, show
from gatekeeper.errors import OperatorError, SettingsRefused
from gatekeeper.ledger import VerifierKey
from gatekeeper.ledger.cosignatures import CosignerKey, Quorum
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.settings import Settings
from gatekeeper.witness.client import Witness, address
from gatekeeper.witness.directory import KeyRefused, NoWitness, WitnessDirectory
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.policy import Policy, load
from gatekeeper.witness.rounds import Outcome, Round

MISSING: Final = 3
WRONG_KEY: Final = 4
REFUSED: Final = 5
UNREACHABLE: Final = 6
NONSENSE: Final = 7
# The gravest first: a refusal may be a fork, and a machine that is down is not.
_STATUS: Final = {
    "refused": REFUSED,
    "wrong_key": WRONG_KEY,
    "wrong_time": NONSENSE,
    "nonsense": NONSENSE,
    "no_proof": 1,
    "unreachable": UNREACHABLE,
    "late": UNREACHABLE,
}
_STATUSES: Final = (
    "Exit status: 0 done, 1 another error, 2 wrong usage, 3 no such directory (or nothing of ours in it), "
    "4 wrong key, 5 the witness refused the checkpoint, 6 the witness cannot be reached or did not answer in "
    "time, 7 it answered something else, or its clock is more than ten minutes off."
)


@click.group(epilog=_STATUSES)
def witness() -> None:
    """Vouch for other cities' logs, and try who vouches for this one's.

    A witness remembers the largest tree that it saw of a log and signs only what continues it, so that the
    log cannot show two histories. `init`, `watch` and `serve` run one (for a partner city or a newspaper: no
    city of one's own is needed); `ask` is for the city whose log is witnessed.
    """


_directory = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))


@witness.command(epilog=_STATUSES)
@_directory
@click.option("--name", required=True, help="Its name in cosignatures: a host name, with a path or without.")
def init(directory: Path, name: str) -> None:
    """Make a witness in DIR: its key, for ever. Prints the verifier key that is to be published."""
    with _told():
        made = WitnessDirectory.create(directory, name)
        click.echo(made.cosigner().verifier)
    click.echo(
        f"never put {directory} back from a backup: a witness that forgot would vouch for a second "
        f"history. Next: gatekeeper witness watch {directory} VKEY, gatekeeper witness serve {directory}",
        err=True,
    )


@witness.command(epilog=_STATUSES)
@_directory
@click.argument("vkey")
@click.option("--also", is_flag=True, help="A further key of a log that is watched, after it was rotated.")
def watch(directory: Path, vkey: str, *, also: bool) -> None:
    """Cosign, from now on, the log whose verifier key is VKEY (`gatekeeper ledger key` prints it there)."""
    with _told(), as_its_owner(directory):
        opened = WitnessDirectory(directory)
        try:
            key = VerifierKey.parse(vkey)
        except SettingsRefused as refused:
            raise KeyRefused(str(refused)) from None
        new = opened.watch(key, also=also)
    click.echo(f"{key.origin} is watched" if new else f"{key.origin} was watched with this key already")


@witness.command(epilog=_STATUSES)
@_directory
@click.option("--port", type=click.IntRange(1, 65_535), required=True, help="Port to listen on.")
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
def serve(directory: Path, port: int, bind: str) -> None:
    """Serve the witness in DIR. Logs on other machines ask over https: put a proxy that ends TLS in front."""
    with _told():
        Keeper(directory).logs()
    from gatekeeper.cli import serving  # noqa: PLC0415  gunicorn is needed by this command alone
    from gatekeeper.witness.server import create_app  # noqa: PLC0415  so is Flask

    # One process: what is done there is a signature and a write to the disk, one after the other.
    settings = Settings(bind=bind, port=port, workers=1, threads=16)
    serving.Server(settings, lambda _: create_app(Keeper(directory)), proc_name="gatekeeper-witness").run()


@witness.command("show", epilog=_STATUSES)
@_directory
@json_option
def show_(directory: Path, *, as_json: bool) -> None:
    """Show the witness's key, and each log: size and root last cosigned, keys, and whether it forked."""
    with _told(), as_its_owner(directory):
        keeper = Keeper(directory)
        logs = keeper.logs()
    if not as_json:
        click.echo(keeper.key)
    rows = [
        {
            "log": log.origin,
            "size": log.last.size,
            "root": log.last.root.hex(),
            "keys": [str(key) for key in log.keys],
            "forked": log.forked,
        }
        for log in logs
    ]
    show(rows, as_json=as_json)


@witness.command("ask", epilog=_STATUSES)
@click.argument("url", required=False)
@click.option("--vkey", help="The verifier key of the witness at URL, as its operator published it.")
@click.option("--seconds", type=click.FloatRange(0.1, 60), default=10.0, show_default=True, help="To wait.")
@data_option
def ask_(url: str | None, vkey: str | None, data: Path | None, seconds: float) -> None:
    """Ask the witness at URL to cosign this city's checkpoint; without URL, those of GATEKEEPER_WITNESSES.

    Prints the checkpoint with the cosignatures that hold; whoever keeps it can show what was vouched for.
    """
    if (url is None) != (vkey is None):
        raise click.UsageError(
            "URL and --vkey go together; without both, GATEKEEPER_WITNESSES says whom to ask"
        )
    with _told():
        policy = _policy(data) if url is None or vkey is None else _alone(url, vkey)
    # Here: the web's parts are slow to import, and no other command of this file needs them.
    from gatekeeper.parts import trust  # noqa: PLC0415

    with ExitStack() as stack:
        try:
            state = stack.enter_context(city(data))
        except OperatorError as error:
            _end(str(error), MISSING)
        asked = Round(state.log_key, policy, seconds=seconds, trust=trust(state.settings))
        outcome = asked.ask(state.ledger.checkpoint(), TileReader(state.rows).node)
    _tell(outcome)


def _policy(data: Path | None) -> Policy:
    file = configuration.load(data=data).witnesses
    if not file:
        raise OperatorError(
            "no witnesses are set: give URL and --vkey, or name a file in GATEKEEPER_WITNESSES (README.md)"
        )
    return load(Path(file))


def _alone(url: str, vkey: str) -> Policy:
    try:
        key = CosignerKey.parse(vkey)
    except SettingsRefused as refused:
        raise KeyRefused(str(refused)) from None
    return Policy((Witness(key.name, key, address(url)),), Quorum(1, (key,)))


def _tell(outcome: Outcome) -> None:
    """Print what became of the round, and end with the status that says it."""
    if outcome.cosigned:
        click.echo(outcome.checkpoint, nl=False)
    for name, cosignature in outcome.cosigned.items():
        at = datetime.fromtimestamp(cosignature.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        click.echo(f"{name} cosigned size {outcome.size} at {at}", err=True)
    for name, failure in outcome.missing.items():
        click.echo(f"{name} did not cosign size {outcome.size}: {failure.reason}", err=True)
    if outcome.met or (outcome.met is None and not outcome.missing):
        return
    sys.exit(next(_STATUS[kind] for kind in _STATUS if kind in {f.kind for f in outcome.missing.values()}))


@contextmanager
def _told() -> Iterator[None]:
    """End with a status of its own where a directory is missing or a key is wrong."""
    try:
        yield
    except NoWitness as error:
        _end(str(error), MISSING)
    except KeyRefused as error:
        _end(str(error), WRONG_KEY)


def _end(message: str, status: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(status)
