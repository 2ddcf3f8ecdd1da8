"""``gatekeeper doctor``: is everything here that the settings need, and what to do where it is not."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from gatekeeper import settings as configuration
from gatekeeper.cli.opened import as_its_owner, data_option, json_option, show
from gatekeeper.cli.token_key import refuse_destroyed
from gatekeeper.errors import GatekeeperError, KeyErased, OperatorError
from gatekeeper.notices import Reach
from gatekeeper.notices.told import addresses
from gatekeeper.parts import (
    agreement,
    build_engine,
    holds,
    key_warnings,
    laws_in_force,
    load_bundle,
    mail,
    open_reads,
    retention,
)
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.review.secrets import SecretsKey
from gatekeeper.settings import Settings
from gatekeeper.state import open_state, token_keys
from gatekeeper.store.erasure import Erasure

_FREE_BYTES = 256 * 1024 * 1024


class Warned(str):
    """What a part says that answers for itself, and will not for ever."""

    __slots__ = ()


@click.command()
@data_option
@json_option
def doctor(data: Path | None, *, as_json: bool) -> None:
    """Check settings, log, keys, law, engine, reads, erasure, holds, notices, disk. Exit 1: one fails."""
    settings = configuration.load(data=data)
    rows: list[dict[str, Any]] = []
    for name, check in _checks(settings):
        try:
            with as_its_owner(settings.data):
                found = check() or ""
            state = "warning" if isinstance(found, Warned) else "ok"
            rows.append({"check": name, "state": state, "detail": found})
        except GatekeeperError as error:
            rows.append({"check": name, "state": "failed", "detail": str(error)})
    show(rows, as_json=as_json)
    sys.exit(1 if any(row["state"] == "failed" for row in rows) else 0)


def _checks(settings: Settings) -> Iterator[tuple[str, Callable[[], str | None]]]:
    yield "settings", settings.refuse_unsafe
    yield "state and log", lambda: _state(settings)
    yield "keys", lambda: _keys(settings)
    yield "policies", lambda: _law(settings).revision
    yield "engine", lambda: _engine(settings)
    yield "plate reads", lambda: _reads(settings)
    yield "erasure", lambda: _erasure(settings)
    yield "legal holds", lambda: _holds(settings)
    yield "notices", lambda: _notices(settings)
    yield "disk", lambda: _disk(settings)


def _state(settings: Settings) -> str:
    state = open_state(settings)
    try:
        state.ledger.check_tail()
        if state.database.dialect == "postgresql" and state.database.may_rewrite():
            raise OperatorError("this login could switch off the append-only triggers: see deploy/roles.sql")
        return f"{state.rows.head().size} entries, last checkpoint consistent"
    finally:
        state.close()


def _keys(settings: Settings) -> str:
    state = open_state(settings)
    try:
        state.log_key.state(b"doctor")  # a key in hardware signs, or says why not
        tokens = token_keys(settings)
        tokens.usable()
        refuse_destroyed(state, tokens)
        state.policy_keys().signer()
        state.bundle_access()
        state.nonces()
        state.officer_marks()
        today = state.clock.now().date()
        state.keys.fingerprint(today, "doctor", b"")  # as each request does: without it nothing can be logged
        warnings = key_warnings(state, tokens)
    except KeyErased as error:
        raise OperatorError(
            f"{error}: put back {today}.key of {settings.key_directory / 'days'}; nothing is logged, and so "
            "nothing released, without it"
        ) from None
    finally:
        state.close()
    if warnings:
        return Warned("; ".join(warning.text for warning in warnings))
    return "log, tokens, policies, private detail of today"


def _erasure(settings: Settings) -> str:
    state = open_state(settings)
    try:
        kept = retention(state)
        if (fault := kept.fault()) is not None:
            raise OperatorError(fault)
        store = Erasure(state.database, settings.data / "purge.lock")
        begun = len(store.unfinished())
        last = store.last_done()
    finally:
        state.close()
    if begun:
        raise OperatorError("an erasure was begun and did not end: run gatekeeper purge again")
    reach = "nothing was erased yet" if last is None else f"all before {last} is erased"
    if not kept.city:
        return f"{reach}; nothing ends by itself: GATEKEEPER_RETENTION_DAYS is not set"
    return f"{reach}; private detail is kept {kept.city} days"


def _holds(settings: Settings) -> str:
    state = open_state(settings)
    try:
        differences = agreement(state).differences()
        in_force = len(holds(state).record.in_force())
    finally:
        state.close()
    if differences:
        told = "; ".join(f"{one.code}: {one.message}" for one in differences)
        raise OperatorError(f"{told}. gatekeeper ledger verify says what to do")
    return f"{in_force} in force, as the log has them"


def _law(settings: Settings) -> Bundle:
    """Return the law in force, verified; before a city has one, what it would begin with."""
    try:
        state = open_state(settings)
    except OperatorError:
        return load_bundle(settings)  # there is no city yet, which the check of its state says
    try:
        founded = state.lifecycle().store.active() is not None
        return laws_in_force(state).now().bundle if founded else load_bundle(settings)
    finally:
        state.close()


def _engine(settings: Settings) -> str:
    engine = build_engine(settings, _law(settings))
    try:
        engine.ready()
    except GatekeeperError as error:
        if not isinstance(engine, Embedded):
            raise OperatorError(
                f"{error}; tell it where its law is: gatekeeper policy key opa opa.json --token-path FILE, "
                "and start it: opa run --server --config-file opa.json --addr <that of GATEKEEPER_OPA_URL>"
            ) from None
        raise
    finally:
        engine.close()
    return "embedded" if isinstance(engine, Embedded) else "opa"


def _reads(settings: Settings) -> str:
    reads = open_reads(settings)
    try:
        reads.ready()
    except GatekeeperError as error:
        if settings.records_url:
            cure = "check GATEKEEPER_RECORDS_URL and GATEKEEPER_RECORDS_MAPPING, and that the store is up"
        else:
            cure = "set GATEKEEPER_RECORDS_URL to the city's store of reads (`gatekeeper demo` has a sample)"
        raise OperatorError(f"{error}; {cure}") from None
    return f"{len(reads.cameras())} cameras"


def _notices(settings: Settings) -> str:
    way = mail(settings, "")
    Reach.parse(settings.webhook_networks, settings.webhook_ports, loopback=settings.on_loopback)
    SecretsKey.load(settings.key_directory / "notices.key")
    silent = _without_contact(settings)
    if way is None:
        return f"webhooks; no mail (GATEKEEPER_SMTP_URL is not set){silent}"
    if (fault := way.fault()) is not None:
        raise OperatorError(
            f"the mail server takes no mail: {fault.replace('_', ' ')}; check GATEKEEPER_SMTP_URL and that "
            "it is up. Nothing else waits for it: notices are tried again for three days"
        )
    return f"webhooks, mail{silent}"


def _without_contact(settings: Settings) -> str:
    """Say which agencies nobody can write to, with the command that cures it."""
    state = open_state(settings)
    try:
        silent = [
            found.id
            for found in state.registry.agencies()
            if found.status != "closed" and not addresses(found.contacts)
        ]
    finally:
        state.close()
    if not silent:
        return ""
    return (
        f"; {len(silent)} without a contact, reminded of nothing: gatekeeper agency change {silent[0]} "
        "--contact ADDRESS --reason WHY"
    )


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.data if settings.data.exists() else ".").free
    if free < _FREE_BYTES:
        raise OperatorError(
            f"{free // 2**20} MiB are left, and the gate denies everything on a full disk: free some on the "
            f"file system of {settings.data}"
        )
    return f"{free // 2**20} MiB free"
