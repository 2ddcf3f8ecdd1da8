"""``gatekeeper ledger new-key``: another key for the log, in two steps that nobody has to hurry between."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.opened import city, data_option, operator, reason_option
from gatekeeper.errors import OperatorError
from gatekeeper.hardware import PKCS11
from gatekeeper.ledger import Draft, VerifierKey, rotation
from gatekeeper.ledger.hardware_key import LOG
from gatekeeper.state import State, log_key_file


@click.command(name="new-key")
@click.option("--retire-old", is_flag=True, help="The second step: the new key signs alone from now on.")
@click.option(
    "--pkcs11", default="", metavar="URI", help="The new key is in a PKCS#11 token, an Ed25519 pair."
)
@reason_option
@data_option
def new_key(data: Path | None, reason: str, *, retire_old: bool, pkcs11: str) -> None:
    """Give the log another signing key, under the same name.

    First without --retire-old: a key is made, and both sign every checkpoint. Publish the new key as you
    published the old one, and have each witness take it (gatekeeper witness watch DIR VKEY --also). Then,
    days or weeks later, with --retire-old. A running service follows by itself; restart it afterwards. Old
    checkpoints and receipts stay good: up to the entry that retires it, the old key counts.

    A key in hardware is made there, and named by --pkcs11; from then on nothing is released while the token
    does not answer.
    """
    if pkcs11 and (retire_old or not pkcs11.startswith(PKCS11)):
        raise OperatorError(f"--pkcs11 names the key of the first step: {LOG.cure} --reason …")
    with city(data) as state:
        file = log_key_file(state.settings)
        if retire_old:
            _retire(state, file, reason)
        else:
            _begin(state, file, reason, pkcs11)


def _begin(state: State, file: Path, reason: str, pkcs11: str) -> None:
    there = rotation.following(file, state.log_key.origin, state.settings.key_passphrase)
    if there is not None and state.ledger.entries_of(_ref(there)):
        raise OperatorError(
            f"there is a new key already, and both sign: {there}\n"
            "once everybody has it: gatekeeper ledger new-key --retire-old --reason …"
        )
    key = rotation.begin(file, state.log_key.origin, state.settings.key_passphrase, pkcs11)
    _log(state, "ledger.key_added", key, reason)
    click.echo(str(key))
    click.echo("both keys sign from now on: publish this one, tell the witnesses, keep the old one published")


def _retire(state: State, file: Path, reason: str) -> None:
    there, old = (
        rotation.following(file, state.log_key.origin, state.settings.key_passphrase),
        state.log_key.verifier,
    )
    if there is None or not state.ledger.entries_of(_ref(there)):
        raise OperatorError("there is no new key to take its place: gatekeeper ledger new-key --reason …")
    upto = state.rows.head().size + 1
    _log(state, "ledger.key_retired", old, reason, upto=upto)
    # What was written meanwhile is signed by both.
    rotation.retire(file, state.log_key.origin, upto, state.settings.key_passphrase)
    click.echo(str(there))
    click.echo(f"this key signs alone from now on; the old one, {old}, counts up to {upto} entries")


def _ref(key: VerifierKey) -> str:
    return f"log_key_{key.public.hex()[:24]}"


def _log(state: State, event: str, key: VerifierKey, reason: str, **clear: int) -> None:
    said = {"by": operator(), "reason": reason}
    state.ledger.append(Draft(event, _ref(key), {"vkey": str(key), **clear}, said, {}))
