"""``gatekeeper agency webhook``: where an agency is told, over https, that a review of its has moved."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.agency import agency, known
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.notices import Webhooks
from gatekeeper.parts import endpoints, trust
from gatekeeper.store.notice_reading import NoticeReading

__all__ = ["agency", "webhook"]


@agency.group()
def webhook() -> None:
    """Say where an agency is told of its reviews over https, and with which secret that is signed."""


@webhook.command()
@click.argument("agency_id")
@click.argument("url")
@json_option
@data_option
def add(data: Path | None, agency_id: str, url: str, *, as_json: bool) -> None:
    """Tell the agency AGENCY_ID at URL; the secret that signs what is sent is printed once."""
    with city(data) as state:
        found = known(state, agency_id)
        if found.status == "closed":
            raise OperatorError("the agency is closed: it is told nothing")
        webhook_id, secret = endpoints(state).add(found.id, url, by=operator())
    show_one({"webhook": webhook_id, "agency": found.id, "secret": secret}, as_json=as_json)


@webhook.command("list")
@click.option("--agency", "agency_id", help="Only those of one agency.")
@json_option
@data_option
def list_(data: Path | None, agency_id: str | None, *, as_json: bool) -> None:
    """List webhooks, disabled ones too, each with how it went last."""
    with city(data) as state:
        owner = known(state, agency_id).id if agency_id else None
        rows = [
            {
                "webhook": found.id,
                "agency": found.agency_id,
                "host": found.host,
                "status": found.status,
                "last": found.last_code,
                "at": None if found.last_at is None else found.last_at.isoformat(),
            }
            for found in NoticeReading(state.database).places(owner)
        ]
    show(rows, as_json=as_json)


@webhook.command()
@click.argument("webhook_id")
@json_option
@data_option
def rotate(data: Path | None, webhook_id: str, *, as_json: bool) -> None:
    """Give a webhook a new secret, printed once; the former one signs beside it for a day."""
    with city(data) as state:
        secret = endpoints(state).rotate(webhook_id, by=operator())
    show_one({"webhook": webhook_id, "secret": secret}, as_json=as_json)


@webhook.command()
@click.argument("webhook_id")
@reason_option
@data_option
def disable(data: Path | None, webhook_id: str, reason: str) -> None:
    """Disable a webhook for good: nothing more is sent there."""
    with city(data) as state:
        endpoints(state).disable(webhook_id, by=operator(), reason=reason)
    click.echo(f"{webhook_id} is disabled; a new one: gatekeeper agency webhook add …")


@webhook.command()
@click.argument("webhook_id")
@json_option
@data_option
def test(data: Path | None, webhook_id: str, *, as_json: bool) -> None:
    """Send a signed message that tells of nothing; exit status 1 if it does not arrive."""
    with city(data) as state:
        way = Webhooks(endpoints(state), state.settings.issuer, trust(state.settings))
        outcome = way.test(webhook_id, f"msg_{secrets.token_hex(16)}", state.clock.now())
    row: dict[str, Any] = {"webhook": webhook_id, "outcome": outcome.end, "code": outcome.code}
    show_one(row, as_json=as_json)
    if outcome.end != "delivered":
        raise SystemExit(1)
