"""What a machine remembers of its own verifications, so that the next one need not begin at the beginning.

One small file beside the log, written whole: how far the log was last found sound, and how far a verification
that has not ended had come without finding anything. Guarantees: only what the log's own key stated is
believed, all of it or nothing (a size and root alone would do for the tree, but who could drop a stop from
the list would hide a release within it); a file of another log, cut short, altered or too large is as none,
and everything is read again. Who puts an older file back makes the next verification read more, not less.
Who holds the log's key can write such a file, as they can sign a second history: a checkpoint that somebody
else kept shows both, and a verification of the whole shows what was altered before.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gatekeeper.errors import EntryRefused
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.findings import Reached
from gatekeeper.whole import write_whole

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_SECONDS: Final = 24 * 3600
"""How old a verification that was interrupted may be to be gone on with."""

_HASH_BYTES: Final = 32
_LARGEST: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """A size at which the log was sound, and when (seconds since 1970); before `since` nothing was read."""

    reached: Reached
    at: int
    since: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What is remembered: the last verification that found nothing, and one that did not come to its end."""

    sound: Place | None = None
    going: Place | None = None


class Unbelieved(Exception):
    """There is a file, but the log's key did not state what it says; the message says why."""


def recall(file: Path, key: SigningKey) -> Verified:
    """Return what is remembered; nothing where there is no file. Raises Unbelieved, OSError."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Verified()
    if len(content) > MOST_BYTES:
        raise Unbelieved("it is too large")
    try:
        document = json.loads(content)
        signature = base64.b64decode(document.pop("signature"), validate=True)
        stated = canonical(document)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError, binascii.Error, EntryRefused):
        raise Unbelieved("it does not have the shape of what this command writes") from None
    if not key.verifier.stated(stated, signature):
        raise Unbelieved("the log's key did not sign it")
    if document.get("v") != 1 or document.get("origin") != key.origin:
        raise Unbelieved("it is of another log, or of another version of this program")
    try:
        return Verified(_place(document["sound"]), _place(document["going"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unbelieved("it does not have the shape of what this command writes") from None


def remember(file: Path, key: SigningKey, verified: Verified) -> None:
    """Write what is remembered, whole, in place of what was. Raises OSError."""
    document: dict[str, Any] = {
        "v": 1,
        "origin": key.origin,
        "sound": _stated(verified.sound),
        "going": _stated(verified.going),
    }
    signature = base64.b64encode(key.state(canonical(document))).decode()
    write_whole(file, canonical({**document, "signature": signature}) + b"\n", 0o600)


def forget(file: Path) -> None:
    """Remember nothing: something was found. Raises OSError."""
    file.unlink(missing_ok=True)


def _stated(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    reached = place.reached
    stops = {stop: [*said] for stop, said in reached.stops.items()}
    return {
        "size": reached.size, "root": reached.root.hex(), "hour": reached.hour, "stops": stops,
        "at": place.at, "since": place.since,
    }  # fmt: skip


def _place(said: Mapping[str, Any] | None) -> Place | None:
    """Read a place; raises KeyError, TypeError, ValueError or AttributeError for what is none."""
    if said is None:
        return None
    size, at, since = (said[name] for name in ("size", "at", "since"))
    if any(type(number) is not int or not 0 <= number <= _LARGEST for number in (size, at, since)):
        raise ValueError("not a number of entries or of seconds")
    root, hour = bytes.fromhex(said["root"]), said["hour"]
    if len(root) != _HASH_BYTES or not isinstance(hour, str) or since > size:
        raise ValueError("not a place in a log")
    stops = {str(stop): (scope, value) for stop, (scope, value) in said["stops"].items()}
    return Place(Reached(size, root, hour, stops), at, since)
