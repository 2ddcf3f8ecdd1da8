"""``gatekeeper client stolen``: revoke at once, then see what was asked, then write to the agency.

Guarantees: the revocation is committed before anything is read or written, and stands whatever fails
afterwards; typed again it lists and drafts anew, and revokes nothing twice; another client that the same
key opens is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from gatekeeper.cli.agency import known
from gatekeeper.cli.client import client, known_client, revoke, revoke_one
from gatekeeper.cli.opened import city, data_option, day_option, json_option, reason_option, show
from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.exchange.key_sets import ALG
from gatekeeper.exchange.public_keys import thumbprint
from gatekeeper.ledger import Json
from gatekeeper.notices.stolen import Asked, Revoked, as_csv, asked_by, notice
from gatekeeper.state import State
from gatekeeper.store import Client
from gatekeeper.whole import write_whole

__all__ = ["client"]

_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700


@client.command()
@click.argument("client_id")
@click.option("--kid", help="Only this key; the client's other keys stay. The list is of the whole client.")
@day_option("--since", help="List queries from this day on [default: all that it ever asked].")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for queries.csv and notice.txt [default: both are printed].",
)
@reason_option
@json_option
@data_option
def stolen(
    data: Path | None,
    client_id: str,
    kid: str | None,
    since: date | None,
    out: Path | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Revoke the client CLIENT_ID, list every query it made, and draft the notice to its agency.

    Its tokens are refused from its next request on, in every worker, before the list is read.
    """
    done = None
    try:
        with city(data) as state:
            found = known_client(state, client_id)
            done = _revoked(state, found, kid, reason)
            click.echo(_told(done), err=True)
            for other in _opened_too(state, found, kid):
                click.echo(
                    f"the same key opens {other.id} of {other.agency_id}, which is NOT revoked: gatekeeper "
                    f"client stolen {other.id} --reason …",
                    err=True,
                )
            asked = list(asked_by(state.queries, state.ledger, done.agency_id, client_id, since))
            letter = notice(done, asked, issuer=state.settings.issuer, since=since)
    except LedgerCorrupt as fault:
        if done is not None:
            raise
        raise OperatorError(
            f"nothing is revoked, for the log is not as it was ({fault}). Stop the agency now, which works "
            'whatever the log: gatekeeper stop --agency AGENCY --reason "…"'
        ) from fault
    if out is not None:
        _write(out, asked, letter)
        click.echo(f"wrote {out / 'queries.csv'} and {out / 'notice.txt'}", err=True)
    if as_json:
        document = {"revoked": asdict(done), "queries": [asdict(one) for one in asked], "notice": letter}
        click.echo(json.dumps(document, ensure_ascii=False, default=str))
    elif out is None:
        show([asdict(one) for one in asked], as_json=False)
        click.echo(f"\n{letter}")


def _revoked(state: State, found: Client, kid: str | None, reason: str) -> Revoked:
    """Revoke what is not revoked yet. Raises OperatorError for a key that the client never had."""
    if kid is not None and all(key.kid != kid for key in found.keys):
        raise OperatorError(f"the client has no key {kid}: gatekeeper client show {found.id}")
    why: dict[str, Json] = {"reason": reason}
    entry = revoke(state, found, reason) if kid is None else revoke_one(state, found, kid, why)
    agency = known(state, found.agency_id)
    return Revoked(
        agency_id=agency.id,
        agency=agency.name,
        contacts=tuple(agency.contacts),
        client_id=found.id,
        kid=kid,
        at=None if entry is None else state.clock.now(),
        entry=entry,
        reason=reason,
    )


def _opened_too(state: State, found: Client, kid: str | None) -> Iterator[Client]:
    """Yield each other client that a key of this one, or the one that was stolen, proves as well."""
    whole = kid is None or any(key.kid == kid and key.alg == ALG for key in found.keys)
    stolen = {thumbprint(key.alg, key.jwk) for key in found.keys if whole or key.kid == kid} - {None}
    for other in state.registry.clients():
        active = other.keys if other.status == "active" and other.id != found.id else ()
        if any(key.status == "active" and thumbprint(key.alg, key.jwk) in stolen for key in active):
            yield other


def _told(done: Revoked) -> str:
    what = f"{done.client_id}, key {done.kid}," if done.kid else done.client_id
    if done.entry is None:
        return f"{what} was revoked before; nothing was changed"
    return f"{what} is revoked from entry {done.entry} on: none of its tokens is accepted"


def _write(out: Path, asked: list[Asked], letter: str) -> None:
    """Write both files whole. Raises OperatorError; what was revoked stays so."""
    try:
        out.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        write_whole(out / "queries.csv", as_csv(asked).encode(), _PRIVATE_FILE)
        write_whole(out / "notice.txt", letter.encode(), _PRIVATE_FILE)
    except OSError as fault:
        raise OperatorError(
            f"it is revoked, but {fault.filename} could not be written ({fault.strerror}): "
            "type the command again with another --out"
        ) from None
