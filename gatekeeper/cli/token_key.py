"""``gatekeeper token-key``: the keys that sign access tokens, changed in steps that refuse no good token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from gatekeeper import settings as configuration
from gatekeeper.cli.opened import as_its_owner, city, data_option, json_option, operator, reason_option, show
from gatekeeper.errors import OperatorError
from gatekeeper.exchange.authenticate import TOKEN_LIFE_SECONDS
from gatekeeper.ledger import Draft
from gatekeeper.ledger.checkpoint import next_of
from gatekeeper.private_keys import encrypt
from gatekeeper.state import State, log_key_file, policy_keys, token_keys
from gatekeeper.web.keys import JWKS_CACHE_SECONDS, LOOK_AGAIN_SECONDS, Listed, TokenKeys

FOLLOWED_S: Final = 2 * LOOK_AGAIN_SECONDS
"""Within this every worker has read the keys again."""

CACHED_S: Final = JWKS_CACHE_SECONDS + FOLLOWED_S
"""Within this whoever read ``/oauth/jwks`` before has asked for it again."""

ENDED_S: Final = TOKEN_LIFE_SECONDS + FOLLOWED_S
"""Within this the last token that a retired key signed has ended."""

_STATES: Final = ("next", "active", "retired")
_PREPARED: Final = frozenset({"token_key.prepared", "token_key.activated"})
"""What the log told last of a next key: the latter where its activation broke off after the entry."""


@click.group("token-key")
def token_key() -> None:
    """Rotate the keys that sign access tokens: prepare, five minutes later activate, ten later drop."""


@token_key.command("list")
@data_option
@json_option
def list_(data: Path | None, *, as_json: bool) -> None:
    """List the keys: `next` is published, `active` signs, what `retired` signed still counts."""
    settings = configuration.load(data=data)
    with as_its_owner(settings.data):
        keys = token_keys(settings).listed()
    rows = [
        {"key id": key.kid, "state": key.state, "since": _moment(key.since), "kept": key.kept}
        for key in sorted(keys, key=lambda key: (_STATES.index(key.state), key.since))
    ]
    show(rows, as_json=as_json)


@token_key.command()
@click.option("--pkcs11", default="", help="URI of a key in hardware, in place of a new one in a file.")
@reason_option
@data_option
def prepare(data: Path | None, pkcs11: str, reason: str) -> None:
    """Publish the key that is to sign next. A running service follows by itself."""
    with city(data) as state, _changing(state) as keys:
        waiting = _next(keys)
        if waiting is not None and _last(state, waiting.kid) in _PREPARED:
            raise OperatorError(
                f"{waiting.kid} is published already and waits: gatekeeper token-key activate --reason …"
            )
        kid = keys.prepare(_uri(pkcs11)) if waiting is None else waiting.kid
        _log(state, "token_key.prepared", kid, reason)
    click.echo(
        f"{kid}\npublished; caches have it in {JWKS_CACHE_SECONDS // 60} minutes, then: "
        "gatekeeper token-key activate --reason …"
    )


@token_key.command()
@reason_option
@data_option
def activate(data: Path | None, reason: str) -> None:
    """Sign with the next key from now on; the active one is retired, and what it signed still counts."""
    with city(data) as state, _changing(state) as keys:
        waiting = _prepared(state, keys)
        if (wait := waiting.since + CACHED_S - time.time()) > 0:
            raise OperatorError(
                f"{waiting.kid} was published less than {JWKS_CACHE_SECONDS // 60} minutes ago, and caches "
                f"may not have it: wait {wait:.0f} s, then gatekeeper token-key activate --reason … (after a "
                "theft: gatekeeper token-key retire --reason …, which does not wait)"
            )
        retired = _activate(state, keys, waiting.kid, reason)
    _tell_activated(waiting.kid, retired)


@token_key.command()
@reason_option
@data_option
def retire(data: Path | None, reason: str) -> None:
    """Retire the active key at once, as after a theft: another, made now if none waits, signs in its place.

    Workers have the other one before it signs; caches of others may lack it for five minutes. What the
    retired key signed counts until it is dropped.
    """
    with city(data) as state, _changing(state) as keys:
        waiting = _next(keys)
        kid = keys.prepare() if waiting is None else waiting.kid
        if _last(state, kid) not in _PREPARED:
            _log(state, "token_key.prepared", kid, reason)
        published = next(key.since for key in keys.listed() if key.kid == kid)
        # A worker that had not read it yet would refuse what another signs with it.
        time.sleep(min(max(published + FOLLOWED_S - time.time(), 0), FOLLOWED_S))
        retired = _activate(state, keys, kid, reason)
    _tell_activated(kid, retired)
    click.echo(f"if it was stolen: gatekeeper token-key drop {retired} --stolen --reason …")


@token_key.command(context_settings={"ignore_unknown_options": True})  # an id may begin with a dash
@click.argument("key_id")
@click.option("--stolen", is_flag=True, help="Do not wait: tokens that it signed are refused at once.")
@reason_option
@data_option
def drop(data: Path | None, key_id: str, reason: str, *, stolen: bool) -> None:
    """Destroy the retired key KEY_ID: what it signed is refused from now on."""
    with city(data) as state, _changing(state) as keys:
        found = next((key for key in keys.listed() if key.kid == key_id), None)
        if found is None:
            raise OperatorError("there is no token key of that id: gatekeeper token-key list")
        if found.state == "active":
            raise OperatorError(f"{key_id} signs: first gatekeeper token-key retire --reason …")
        if found.state == "next":
            raise OperatorError(f"{key_id} has signed nothing yet: gatekeeper token-key activate --reason …")
        if not stolen and (wait := found.since + ENDED_S - time.time()) > 0:
            raise OperatorError(
                f"tokens that {key_id} signed may still be in use: wait {wait:.0f} s, or, if it was stolen: "
                f"gatekeeper token-key drop {key_id} --stolen --reason …"
            )
        if _last(state, key_id) != "token_key.dropped":
            _log(state, "token_key.dropped", key_id, reason)
        keys.drop(key_id)
    click.echo(f"{key_id} is destroyed: what it signed is refused; clients ask for new tokens by themselves")


@token_key.command("encrypt")
@data_option
def encrypt_keys(data: Path | None) -> None:
    """Put the keys of tokens, policies and log under the passphrase of GATEKEEPER_KEY_PASSPHRASE_FILE.

    A running service has to have that setting first, or it denies everything: restart it with it after this.
    """
    settings = configuration.load(data=data)
    with as_its_owner(settings.data):
        done = token_keys(settings).encrypt()
        done += ["policy key"] if policy_keys(settings).encrypt() else []
        log = log_key_file(settings)
        done += [
            file.name
            for file in (log, next_of(log))
            if file.exists() and encrypt(file, settings.key_passphrase)
        ]
    click.echo(f"encrypted: {', '.join(done)}" if done else "nothing to do: each file is encrypted")


@contextmanager
def _changing(state: State) -> Iterator[TokenKeys]:
    """Hold the keys for one command at a time, from what it reads to what it logs."""
    keys = token_keys(state.settings)
    with keys.changing():
        yield keys


def _uri(text: str) -> str:
    if text and not (text.startswith("pkcs11:") and text.isascii() and text.isprintable()):
        raise OperatorError(
            "that is not a PKCS#11 URI: give it as "
            "'pkcs11:token=LABEL;object=LABEL?module-path=/path/to/module.so&pin-source=file:/path/to/pin'"
        )
    return text


def _next(keys: TokenKeys) -> Listed | None:
    return next((key for key in keys.listed() if key.state == "next"), None)


def _prepared(state: State, keys: TokenKeys) -> Listed:
    """Return the next key, of which the log tells. Raises OperatorError."""
    waiting = _next(keys)
    if waiting is None or _last(state, waiting.kid) not in _PREPARED:
        # A key that came here in another way, whose entry was cut off, or that was destroyed once and is
        # here again: nobody answers for it yet.
        raise OperatorError("there is no next key: gatekeeper token-key prepare --reason …")
    return waiting


def _activate(state: State, keys: TokenKeys, kid: str, reason: str) -> str:
    """Log and do it; return the key that is retired. What was interrupted in between is only done."""
    (retired,) = (key.kid for key in keys.listed() if key.state == "active")
    if _last(state, kid) != "token_key.activated":
        _log(state, "token_key.activated", kid, reason, retired=retired)
    keys.activate()
    return retired


def _tell_activated(kid: str, retired: str) -> None:
    click.echo(
        f"{kid} signs from now on; {retired} is retired: what it signed counts for "
        f"{TOKEN_LIFE_SECONDS // 60} minutes, then: gatekeeper token-key drop {retired} --reason …"
    )


def _ref(kid: str) -> str:
    return f"token_key_{kid}"


def _last(state: State, kid: str) -> str | None:
    """Return what the log told of a key last: what it told before may be of an earlier life of the key."""
    return next((entry.event for entry in reversed(state.ledger.entries_of(_ref(kid)))), None)


def _log(state: State, event: str, kid: str, reason: str, **clear: str) -> None:
    said = {"by": operator(), "reason": reason}
    state.ledger.append(Draft(event, _ref(kid), {"kid": kid, **clear}, said, {}))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
