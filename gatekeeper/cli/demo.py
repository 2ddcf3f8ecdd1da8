"""``gatekeeper demo``: a sample city in one command, on embedded defaults.

The city, its agencies, people and plates are made up. A second run serves the same data. ``credentials.json``
is renamed into place once ``/readyz`` answers 200, so whoever waits for that file can begin.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import requests
from joserfc.jwk import ECKey
from rich.console import Console

from gatekeeper import settings as configuration
from gatekeeper.cli import affirmation, agency, client, staff
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.cli.opened import data_option, read_credentials
from gatekeeper.cli.sample_agencies import AGENCIES, STAFF
from gatekeeper.cli.serve import run
from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json
from gatekeeper.records.sample import build, samples
from gatekeeper.settings import PROFILES, Settings
from gatekeeper.state import State, lay_out, open_state
from gatekeeper.store.values import Profile
from gatekeeper.whole import write_whole

SEED = 20260101


@click.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--opa", "opa_url", help="Decide by this OPA server instead of the embedded engine.")
@click.option(
    "--replay",
    "log",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send a published search-audit log (CSV) through the running demo.",
)
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Where --replay writes its page."
)
def demo(data: Path | None, port: int, opa_url: str | None, log: Path | None, page: Path | None) -> None:
    """Serve a sample city: agencies, keys, plate reads, policies. Runs in the foreground."""
    settings = configuration.load(
        data=data,
        port=port,
        base_url=f"http://127.0.0.1:{port}",
        bind="127.0.0.1",
        client_profiles=" ".join(PROFILES),
        engine="opa" if opa_url else "embedded",
        opa_url=opa_url or "",
        time_zone="America/Chicago",
    )
    if log is not None:
        _replay(settings, log, page)
        return
    _refuse_taken(port)  # before the credentials of a demo that serves there are taken away
    _refuse_a_second(settings)
    _refuse_no_opa(settings)
    build_city(settings)
    master = os.getpid()
    try:
        run(settings, post_worker_init=lambda worker: _announce(settings, worker.app.callable))
    finally:
        if os.getpid() == master:  # a worker ends through here too
            _hide(settings)


def build_city(settings: Settings) -> None:
    """Make the sample city in the data directory, unless it is there; nothing half made is served.

    Raises OperatorError where a real city, or its reads, would be opened to made-up agencies.
    """
    if settings.records_url:
        raise OperatorError(
            "the demo would show the city's reads to made-up agencies: unset GATEKEEPER_RECORDS_URL"
        )
    lay_out(settings)
    if _kept(settings, "agencies") is None:
        _refuse_a_real_city(settings)
    _hide(settings)  # whoever waits for the file waits for this run
    reads = settings.data / "reads.db"
    if not reads.exists():
        click.echo("building the sample city: 500,000 plate reads of 30 days …")
    build(reads, seed=SEED, until=datetime.now(UTC))
    found = samples(reads)
    state = open_state(settings)
    try:
        agencies = _kept(settings, "agencies") or _register_all(state)
        people = _kept(settings, "staff") or _add_staff(state)
        document: dict[str, Json] = {
            "base_url": settings.issuer,
            "issuer": settings.issuer,
            "ledger": {"origin": state.log_key.origin, "vkey": state.log_key.vkey},
            "agencies": agencies,
            "staff": people,
            "samples": {name: found[name] for name in ("plates", "cameras", "from", "to")},
        }
    finally:
        state.close()
    _write(_pending(settings), document)


def _refuse_a_real_city(settings: Settings) -> None:
    """Refuse a city that no demo made: its log would name made-up agencies for ever."""
    state = open_state(settings)
    try:
        strangers = {found.id for found in state.registry.agencies()} - {sample.id for sample in AGENCIES}
        named = state.log_key.origin
        if strangers or not (named == settings.origin or named.startswith("127.0.0.1:")):
            raise OperatorError(
                f"{settings.data} holds a city that no demo made: give the demo a directory of its own, as "
                "--data demo-data"
            )
    finally:
        state.close()


def _register_all(state: State) -> list[Json]:
    today = datetime.now(UTC).date()
    made: list[Json] = []
    for sample in AGENCIES:
        if state.registry.agency(sample.id) is None:
            agency.register(
                state,
                sample.id,
                name=sample.name,
                kind=sample.kind,
                state_code=sample.state,
                ori=sample.ori,
                status=sample.status,
                contacts=(sample.contact,),
            )
        for signed, what in ((sample.affirmed, "affirmation"), (sample.declared, "declaration")):
            if signed:
                _sign(state, sample.id, what, today + timedelta(days=sample.days_left))
        shown: dict[str, Json] = {
            "id": sample.id,
            "name": sample.name,
            "kind": sample.kind,
            "state": sample.state,
            "status": sample.status,
        }
        made += [{**shown, **_client(state, sample.id, profile)} for profile in sample.profiles]
    return made


def _add_staff(state: State) -> list[Json]:
    made: list[Json] = []
    for username, name, role in STAFF:
        found = state.staff.find(username)
        if found is None:
            account = staff.register(state, username, name=name, role=role)
        else:  # a first run that ended before its secrets were written down
            account = staff.renew(state, found, "the sample city's credentials were not written down")
        made.append(
            {
                "name": name,
                "role": role,
                "username": username,
                "password": account.password,
                "totp_secret": account.totp_secret,
            }
        )
    return made


def _sign(state: State, agency_id: str, kind: str, ends: date) -> None:
    affirmation.record(
        state,
        agency_id,
        kind=kind,
        text_version="2026-01",
        signer="Sam Sample",
        title="Chief (sample)",
        signed_on=ends - timedelta(days=365),
        expires_on=ends,
    )


def _client(state: State, agency_id: str, profile: Profile) -> dict[str, Json]:
    if profile == "basic":
        made = client.register(state, agency_id)
        return {"profile": profile, "client_id": made.client.id, "client_secret": made.secret}
    private = ECKey.generate_key("P-256")
    key = public_key(private.as_pem(private=False))
    made = client.register(state, agency_id, key=key, profile=profile)
    return {
        "profile": profile,
        "client_id": made.client.id,
        "private_key_pem": private.as_pem(private=True).decode("ascii"),
        "kid": key.kid,
        "alg": key.alg,
    }


def _announce(settings: Settings, app: Any) -> None:
    """In the first worker that is ready: put the credentials in place and say where to look."""
    if not _said_ready(settings, app):
        # An OPA that fetches its law from here can do so only once this worker answers.
        threading.Thread(target=_announce_later, args=(settings, app), name="announce", daemon=True).start()


def _announce_later(settings: Settings, app: Any) -> None:
    while not _said_ready(settings, app):
        time.sleep(1)


def _said_ready(settings: Settings, app: Any) -> bool:
    """Say whether the city is ready, and tell of it, once."""
    if not _pending(settings).exists():
        return True  # another worker was first
    if app.test_client().get("/readyz").status_code != 200:
        return False
    try:
        _pending(settings).rename(_credentials(settings))
    except FileNotFoundError:
        return True
    click.echo(
        f"\n  the gate       {settings.issuer}\n"
        f"  API reference  {settings.issuer}/docs\n"
        f"  staff console  {settings.issuer}/console\n"
        f"  credentials    {_credentials(settings)}\n"
        f"  try            gatekeeper query --data {settings.data}\n"
        f"  stop sharing   gatekeeper stop --data {settings.data} --all --reason '…'\n"
    )
    return True


def _replay(settings: Settings, log: Path, page: Path | None) -> None:
    from gatekeeper.cli.replay import replay  # noqa: PLC0415  only this needs an HTTP client

    with _running(settings) as document:
        basic = next(a for a in document["agencies"] if a["profile"] == "basic" and a["status"] == "active")
        replay(
            log,
            base_url=document["base_url"],
            client=basic,
            samples=document["samples"],
            html_path=page or settings.data / f"replay-{log.stem}.html",
            console=Console(),
        )


@contextmanager
def _running(settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the credentials of the demo that serves this directory; start one, and end it, if none does."""
    if _answers(settings):
        yield read_credentials(settings.data)
        return
    command = [sys.executable, "-m", "gatekeeper", "demo", "--data", str(settings.data)]
    command += ["--port", str(settings.port), *(["--opa", settings.opa_url] if settings.opa_url else [])]
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    output = settings.data / "demo.log"
    with output.open("wb") as sink, subprocess.Popen(command, stdout=sink) as served:  # noqa: S603  ourselves
        try:
            while not _answers(settings):
                if served.poll() is not None:
                    raise OperatorError(f"the demo did not start: see {output}")
                time.sleep(0.2)
            yield read_credentials(settings.data)
        finally:
            served.terminate()


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise OperatorError(f"port {port} cannot be listened on: give another, as --port 8081") from None


def _refuse_a_second(settings: Settings) -> None:
    """Refuse a directory that a demo serves on another port: its credentials would be taken away."""
    try:
        address = str(read_credentials(settings.data)["base_url"])
    except (OperatorError, KeyError):
        return
    if _answers(replace(settings, base_url=address)):
        raise OperatorError(f"a demo serves {settings.data} at {address}: end it, or give another --data")


def _refuse_no_opa(settings: Settings) -> None:
    """Refuse to wait for an OPA that is not there. Raises OperatorError."""
    if not settings.opa_url:
        return
    from gatekeeper.policy.opa import answers  # noqa: PLC0415  its client library takes 0.3 s to import

    if not answers(settings.opa_url):
        raise OperatorError(
            f"no OPA answers at {settings.opa_url}: start it first (deploy/README.md, OPA as a sidecar), "
            "or leave out --opa for the embedded engine"
        )


def _answers(settings: Settings) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy does not reach this machine's own address
            ready = session.get(f"{settings.issuer}/readyz", timeout=2).ok
        return ready and read_credentials(settings.data)["base_url"] == settings.issuer
    except (requests.RequestException, OperatorError):
        return False


def _hide(settings: Settings) -> None:
    """Put the credentials aside for the next run: the file in its place says that a demo serves."""
    with suppress(FileNotFoundError):
        _credentials(settings).rename(_pending(settings))


def _kept(settings: Settings, what: str) -> list[Json] | None:
    for file in (_pending(settings), _credentials(settings)):
        try:
            found: list[Json] = json.loads(file.read_text(encoding="utf-8"))[what]
        except (OSError, ValueError, KeyError):
            continue
        return found
    return None


def _write(file: Path, document: dict[str, Json]) -> None:
    # Half a file would lose every secret of the city.
    write_whole(file, json.dumps(document, indent=2).encode(), 0o600)


def _credentials(settings: Settings) -> Path:
    return settings.data / "credentials.json"


def _pending(settings: Settings) -> Path:
    return settings.data / ".credentials.json"
