"""Which keys need somebody before they fail: what it is, until when, and the command that cures it.

Guarantees: derived from what it is given alone; a key that ended, or whose set cannot be fetched, is told for
as long as its client is in use; nothing of a key but its name is in a warning. The sentences are fixed, for
the translator; ``gatekeeper doctor``, ``/readyz`` (the codes alone) and the dashboard tell the same.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from gatekeeper.exchange.key_sets import is_over

ENDS_WITHIN: Final = timedelta(days=30)
TOKEN_KEY_AGE: Final = timedelta(days=400)
"""A key of tokens is changed once a year; a month is left for doing so."""
STANDS_STILL: Final = timedelta(days=7)
"""So long a key may be next, or retired, before somebody forgot the step after."""
_FRESH: Final = timedelta(minutes=10)
_FRESH_ISSUER: Final = timedelta(minutes=20)
"""Keys of issuers are fetched every ten minutes: one time that fails is nobody's concern."""


class KeyWarning(NamedTuple):
    """One warning: what it says (``%(name)s`` stands for a value), and the command that cures it."""

    code: str
    said: str
    values: Mapping[str, object]
    command: str

    @property
    def text(self) -> str:
        """The warning as one line."""
        return f"{self.said % dict(self.values)} {self.command}"


class TokenKey(Protocol):
    """A key of access tokens, as it is listed."""

    @property
    def kid(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def since(self) -> float: ...
    @property
    def made(self) -> float: ...
    @property
    def kept(self) -> str: ...


class ClientKey(Protocol):
    """A key of a client."""

    @property
    def kid(self) -> str: ...
    @property
    def jwk(self) -> Mapping[str, Any]: ...
    @property
    def status(self) -> str: ...


class Client(Protocol):
    """A client of an agency."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def keys(self) -> Sequence[ClientKey]: ...


class Issuer(Protocol):
    """An identity provider of agencies."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def terms(self) -> Mapping[str, Any]: ...


class Fetched(Protocol):
    """When the keys of a client, or of an issuer, were fetched."""

    @property
    def fetched_ms(self) -> int: ...
    @property
    def fault(self) -> str | None: ...


def of_token_keys(keys: Iterable[TokenKey], now: datetime, *, encrypted: bool) -> Iterator[KeyWarning]:
    """Yield what is due of the keys of tokens; *encrypted*: the city set a passphrase for its files."""
    for key in keys:
        since, made = (datetime.fromtimestamp(at, UTC) for at in (key.since, key.made))
        if key.state == "active" and now - made > TOKEN_KEY_AGE:
            yield KeyWarning(
                "token_key_old",
                "The key that signs access tokens is %(days)s days old.",
                {"days": (now - made).days},
                "gatekeeper token-key prepare --reason …",
            )
        if key.state == "next" and now - since > STANDS_STILL:
            yield KeyWarning(
                "token_key_waits",
                "A next key of access tokens waits since %(day)s to be activated.",
                {"day": f"{since:%Y-%m-%d}"},
                "gatekeeper token-key activate --reason …",
            )
        if key.state == "retired" and now - since > STANDS_STILL:
            yield KeyWarning(
                "token_key_retired",
                "A retired key of access tokens is still believed, and nobody needs it.",
                {},
                f"gatekeeper token-key drop {key.kid} --reason …",
            )
        if encrypted and key.kept == "file":
            yield KeyWarning(
                "token_key_plain",
                "A key of access tokens is not encrypted, and there is a passphrase.",
                {},
                "gatekeeper token-key encrypt",
            )


def of_client_keys(clients: Iterable[Client], now: datetime) -> Iterator[KeyWarning]:
    """Yield the keys of clients in use that end within a month, or ended, and were not replaced."""
    for client in clients:
        if client.status != "active":
            continue
        ends = [end_of(key) for key in client.keys if key.status == "active"]
        last = None if None in ends else max((end for end in ends if end is not None), default=None)
        if last is None or last - now > ENDS_WITHIN:
            continue  # another key of this client goes on
        over = last <= now
        yield KeyWarning(
            "client_key_ended" if over else "client_key_ends",
            "The last key of the client %(client)s ended on %(day)s: it gets no token."
            if over
            else "The last key of the client %(client)s ends on %(day)s.",
            {"client": client.id, "day": f"{last:%Y-%m-%d}"},
            f"gatekeeper client add-key {client.id} FILE",
        )


def of_key_sets(
    clients: Iterable[Client], fetched: Mapping[str, Fetched], now: datetime
) -> Iterator[KeyWarning]:
    """Yield the clients in use whose keys cannot be fetched from their agency, or are none at all.

    An end of its own that a published key has is no warning: a key that ended is withdrawn, and an agency
    that publishes has the next one in its set.
    """
    for client in clients:
        found = fetched.get(client.id)
        if client.status != "active" or found is None:
            continue
        since = datetime.fromtimestamp(found.fetched_ms / 1000, UTC)
        if found.fault is not None and now - since > _FRESH:
            yield KeyWarning(
                "key_set_failing",
                "The keys of the client %(client)s were fetched last: %(moment)s (%(fault)s).",
                {"client": client.id, "moment": _moment(found.fetched_ms), "fault": found.fault},
                f"gatekeeper client fetch-keys {client.id}",
            )
        elif found.fetched_ms and _publishes_none(client):
            yield KeyWarning(
                "key_set_empty",
                "The agency of the client %(client)s publishes no key that counts: it gets no token.",
                {"client": client.id},
                f"gatekeeper client fetch-keys {client.id}",
            )


def _publishes_none(client: Client) -> bool:
    """Say whether all that is active of a client is an address where its keys would be."""
    active = [key for key in client.keys if key.status == "active"]
    return bool(active) and all("jwks_uri" in key.jwk for key in active)


def of_issuers(
    issuers: Iterable[Issuer], fetched: Mapping[str, Fetched], now: datetime
) -> Iterator[KeyWarning]:
    """Yield the identity providers in use whose keys end, cannot be fetched, are too old, or are none at all.

    An end of its own that a fetched key has is told once no other is left.
    """
    for issuer in issuers:
        if issuer.status != "active":
            continue
        if issuer.terms.get("jwks_uri") is None:
            yield from _of_registered(issuer, now)
            continue
        found = fetched.get(issuer.id)
        at = 0 if found is None else found.fetched_ms
        since, fault = datetime.fromtimestamp(at / 1000, UTC), None if found is None else found.fault
        stale = now - since > timedelta(hours=int(issuer.terms["stale_hours"]))
        told = {
            "issuer": issuer.url,
            "moment": _moment(at),
            "fault": fault or "not tried",
        }
        cure = f"gatekeeper issuer fetch-keys {issuer.url}"
        if stale:
            yield KeyWarning(
                "issuer_keys_stale",
                "The keys of the issuer %(issuer)s were fetched last: %(moment)s (%(fault)s). Its tokens are "
                "refused.",
                told,
                cure,
            )
        elif all(is_over(jwk, int(now.timestamp())) for jwk in issuer.terms["jwks"]["keys"]):
            yield KeyWarning(
                "issuer_keys_none",
                "The issuer %(issuer)s publishes no key that counts. Its tokens are refused.",
                told,
                cure,
            )
        elif fault is not None and now - since > _FRESH_ISSUER:
            yield KeyWarning(
                "issuer_keys_failing",
                "The keys of the issuer %(issuer)s were fetched last: %(moment)s (%(fault)s).",
                told,
                cure,
            )


def _of_registered(issuer: Issuer, now: datetime) -> Iterator[KeyWarning]:
    """Yield that the last of an issuer's keys of a file ends within a month, or ended."""
    ends = [jwk.get("exp") for jwk in issuer.terms["jwks"]["keys"]]
    if None in ends:
        return
    last = max((datetime.fromtimestamp(end, UTC) for end in ends if type(end) is int), default=now)
    if last - now > ENDS_WITHIN:
        return
    over = last <= now
    yield KeyWarning(
        "issuer_key_ended" if over else "issuer_key_ends",
        "The last key of the issuer %(issuer)s ended on %(day)s. Its tokens are refused."
        if over
        else "The last key of the issuer %(issuer)s ends on %(day)s.",
        {"issuer": issuer.url, "day": f"{last:%Y-%m-%d}"},
        f"gatekeeper issuer keys {issuer.url} FILE --reason …",
    )


def _moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC" if at_ms else "never"


def unusable(fault: str) -> KeyWarning:
    """Return the warning that the keys of tokens cannot be used, as where their hardware does not answer."""
    return KeyWarning(
        "token_keys_unusable",
        "The keys of access tokens cannot be used: %(fault)s.",
        {"fault": fault},
        "gatekeeper token-key list",
    )


def end_of(key: ClientKey) -> datetime | None:
    """Return when a key ends, None where that was not registered."""
    end = key.jwk.get("exp")
    return datetime.fromtimestamp(end, UTC) if type(end) is int else None
