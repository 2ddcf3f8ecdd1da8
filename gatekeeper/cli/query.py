"""``gatekeeper query``: a small agency's client, which speaks only the HTTP contract."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import click
import requests
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gatekeeper import settings
from gatekeeper.cli.opened import json_option, printer, read_credentials
from gatekeeper.errors import OperatorError

_TIMEOUT = 15
_OF_A_PROVISION = ("title", "code", "citation", "message", "remedy")


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Use the credentials of this demo."
)
@click.option("--agency", "agency_id", help="As which of the demo's agencies [default: the first].")
@click.option("--base-url", help="Address of a gate, with --client-id and --client-secret.")
@click.option("--client-id")
@click.option("--client-secret", "secret_file", type=click.File("r"), help="File that holds the secret.")
@click.option("--plate", help="The plate to ask for [default: a sample plate].")
@click.option("--camera", "cameras", multiple=True, help="Ask for a camera's reads instead; may be repeated.")
@click.option("--hours", type=click.IntRange(1), help="How far back [default: 168; 24 for cameras]")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--category", default="stolen_vehicle", show_default=True)
@click.option("--offense", default="240", show_default=True, help="NIBRS code.")
@click.option("--narrative", default="Stolen sedan, taken from Sample Avenue overnight", show_default=True)
@click.option("--case-number", default="25-10494", show_default=True)
@click.option("--request", "file", type=click.File("r"), help="Send this JSON body as it is.")
@click.option("--dry-run", is_flag=True, help="Ask for the verdict only.")
@json_option
def query(
    data: Path | None,
    agency_id: str | None,
    base_url: str | None,
    client_id: str | None,
    secret_file: TextIO | None,
    file: Any,
    *,
    dry_run: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Ask a gate for reads, and print them or every reason of the denial.

    Exit status: 0 permitted, 3 denied, 1 otherwise.
    """
    samples: dict[str, Any] = {}
    client_secret = None if secret_file is None else secret_file.read().strip()
    if base_url is None:
        document = read_credentials(data or settings.load().data)
        found = [a for a in document["agencies"] if a["profile"] == "basic" and agency_id in {None, a["id"]}]
        if not found:
            raise OperatorError("no such agency with a secret: see credentials.json")
        base_url, samples = document["base_url"], document["samples"]
        client_id, client_secret = found[0]["client_id"], found[0]["client_secret"]
    if client_id is None or client_secret is None or base_url is None:
        raise OperatorError("give --client-id and --client-secret, or --data of a running demo")
    body = _read(file) if file is not None else _body(asked, samples)
    status, answer = _ask(base_url, (client_id, client_secret), body, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        _print(status, answer)
    sys.exit({200: 0, 403: 3}.get(status, 1))


def _ask(
    base_url: str, secret: tuple[str, str], body: dict[str, Any], *, dry_run: bool
) -> tuple[int, dict[str, Any]]:
    session = requests.Session()
    # The secret goes to the gate alone: a proxy from the environment would carry it elsewhere, or not at all.
    session.trust_env = False
    try:
        given = session.post(
            f"{base_url}/oauth/token",
            data={"grant_type": "client_credentials", "scope": "reads:query"},
            auth=secret,
            timeout=_TIMEOUT,
            allow_redirects=False,  # the gate sends nobody on; whoever does would be sent the plate
        )
        if not given.ok:
            raise OperatorError(f"no token: {given.json().get('error', given.status_code)}")
        answer = session.post(
            f"{base_url}/v1/queries",
            params={"dry_run": "true"} if dry_run else None,
            json=body,
            headers={"Authorization": f"Bearer {given.json()['access_token']}"},
            timeout=_TIMEOUT,
            allow_redirects=False,  # the gate sends nobody on; whoever does would be sent the plate
        )
        return answer.status_code, answer.json()
    except (requests.RequestException, ValueError, KeyError) as error:
        raise OperatorError(f"the gate at {base_url} did not answer: {type(error).__name__}") from None


def _read(file: Any) -> Any:
    try:
        return json.load(file)
    except ValueError:
        raise OperatorError("--request is not a JSON file: send the body of POST /v1/queries") from None


def _body(asked: dict[str, Any], samples: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).replace(microsecond=0)
    hours = asked["hours"] or (24 if asked["cameras"] else 168)
    what: dict[str, Any] = {
        "from": (now - timedelta(hours=hours)).isoformat(),
        "to": now.isoformat(),
        "limit": asked["limit"],
    }
    if asked["cameras"]:
        what |= {"kind": "place", "cameras": list(asked["cameras"])}
    else:
        plates = samples.get("plates") or []
        plate = asked["plate"] or (plates[0] if plates else None)
        if plate is None:
            raise OperatorError("say what to ask for: --plate or --camera")
        what |= {"kind": "plate", "plate": plate}
    return {
        "query": what,
        "purpose": {
            "category": asked["category"],
            "offense": asked["offense"],
            "narrative": asked["narrative"],
            "case_number": asked["case_number"],
        },
        "requester": {"name": "Pat Example", "badge": "4411", "unit": "Auto theft"},
        "on_behalf_of": None,
        "legal_process": None,
        "attestation": {"text_version": "2026-01", "accepted": True},
    }


def _print(status: int, answer: dict[str, Any]) -> None:
    console = printer()
    if status == 200:
        table = Table("captured at", "plate", "camera", "direction", box=None, header_style="bold")
        for read in answer["records"]:
            camera = read.get("camera", {})
            shown_as = (
                read.get("captured_at", ""),
                read.get("plate", "withheld"),
                camera.get("name") or camera.get("id", ""),
                read.get("direction", ""),
            )
            table.add_row(*(Text(str(value)) for value in shown_as))  # a name with brackets is no markup
        console.print(table)
        console.print(
            f"permitted by {answer['decision']['policy']['revision']}: {len(answer['records'])} records, "
            f"log entry {answer['receipt']['index']}"
        )
        return
    title, detail = escape(str(answer.get("title", ""))), escape(str(answer.get("detail", "")))
    console.print(f"[bold]{status} {title}[/]: {detail}")
    for provision in answer.get("decision", {}).get("provisions", []):
        shown = {name: escape(str(provision.get(name, ""))) for name in _OF_A_PROVISION}
        console.print(f"\n[bold]{shown['title']}[/] ({shown['code']})  {shown['citation']}")
        console.print(f"  {shown['message']}")
        console.print(f"  [green]{shown['remedy']}[/]")
    for fault in answer.get("faults", []):
        console.print(f"  {fault['pointer']}: {fault['message']} {fault['cure']}", markup=False)
