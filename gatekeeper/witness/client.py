"""One witness is asked to cosign one checkpoint, and believed only if its cosignature holds.

Guarantees: an answer is a value, never an exception: a cosignature that was verified over exactly this
checkpoint, by the key that the policy names, at a time within ten minutes of ours; or a failure with a plain
reason. Whatever else the witness sent is dropped. It is asked over https (plain http on this machine alone),
for so many seconds in all; at most 64 KiB are read of an answer, and no redirect is followed. A witness that
tells another size than we thought is asked once more from there, and not a third time.
"""

from __future__ import annotations

import http
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger.cosignatures import Cosignature, CosignerKey, cosignatures, signature_lines
from gatekeeper.witness.protocol import SIZE_TYPE, Submission
from gatekeeper.witness.wire import session, within

MOST_BYTES: Final = 64 * 1024
OFF_S: Final = 600
"""Seconds that a cosignature's time may be off from ours."""

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,15})\n?\Z")
_SAID: Final = 200

Kind = Literal["unreachable", "late", "refused", "wrong_key", "wrong_time", "nonsense", "no_proof"]
Proof = Callable[[int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness as the policy names it. ``url``: the submission prefix, without a slash at its end."""

    name: str
    key: CosignerKey
    url: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a witness did not cosign. ``size``: the size that it said it knows, if it did."""

    kind: Kind
    reason: str
    size: int | None = None


Answer = Cosignature | Failure


def address(text: str) -> str:
    """Return a witness's address in one spelling. Raises SettingsRefused for what is none, or not safe."""
    try:
        url = urlsplit(text)
        plain = text.isascii() and text.isprintable() and not {" ", "\\", "@", "?", "#"} & set(text)
        usable = plain and url.hostname and url.port != 0 and url.scheme in {"http", "https"}
    except ValueError:
        usable = False
    if not usable:
        raise SettingsRefused("a witness's address is as https://witness.example.org")
    if url.scheme == "http" and not _loopback(url.hostname or ""):
        raise SettingsRefused("a witness on another machine is asked over https")
    return text.rstrip("/")


def ask(
    witness: Witness,
    checkpoint: str,
    size: int,
    known: int,
    proof: Proof,
    *,
    seconds: float,
    trust: ssl.SSLContext | None = None,
    now: Callable[[], float] = time.time,
) -> Answer:
    """Ask for a cosignature of a checkpoint of `size`, from the size that the witness is thought to know.

    ``proof`` gives the consistency proof from an old size to this one; what it raises is the caller's own
    fault, told as ``no_proof``. A size that the witness told and that we do not have is a refusal.
    """
    old = min(known, size)
    with within(seconds) as watch:
        for last in (False, True):
            try:
                body = Submission(old, tuple(proof(old)), checkpoint).encode()
            except Exception as error:  # noqa: BLE001 - the log's storage may fail in any way; nobody else is to wait
                return Failure(
                    "no_proof", f"this log could not prove itself from size {old}: {type(error).__name__}"
                )
            try:
                # A connection of its own for each try: one that the witness is about to close fails.
                with session(trust) as to:
                    status, kind, said = _posted(to, witness.url, body, watch.left())
                watch.left()  # what was cut off in the middle was read as an answer that is whole
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                return _unanswered(error, late=watch.over)
            if status == http.HTTPStatus.OK:
                return _believed(witness, checkpoint, said, now())
            told = _SIZE.match(said) if status == http.HTTPStatus.CONFLICT and kind == SIZE_TYPE else None
            if told is None:
                return _refused(status, said)
            old = int(told[1])
            if old > size:
                return Failure(
                    "refused",
                    f"it has cosigned a larger tree of this log, of size {old}: we are at {size}",
                    old,
                )
            if last:
                return Failure("nonsense", f"it told another size each time, at last {old}", old)
    raise AssertionError  # the loop ends in an answer


def _posted(to: requests.Session, url: str, body: bytes, seconds: float) -> tuple[int, str, bytes]:
    """Return status, media type and the beginning of the answer. Raises what requests and urllib3 raise."""
    with to.post(
        f"{url}/add-checkpoint",
        data=body,
        headers={"Content-Type": "text/plain; charset=utf-8"},
        timeout=seconds,
        allow_redirects=False,
        stream=True,
    ) as response:
        said = b""
        while len(said) <= MOST_BYTES and (chunk := response.raw.read(MOST_BYTES, decode_content=False)):
            said += chunk
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return response.status_code, kind, said


def _believed(witness: Witness, checkpoint: str, said: bytes, now: float) -> Answer:
    """Return the witness's cosignature from its answer, or what is wrong with it."""
    if len(said) > MOST_BYTES:
        return Failure("nonsense", "its answer is longer than any cosignature")
    lines = said.decode("utf-8", "replace")
    held = cosignatures(checkpoint, [witness.key], lines)
    if not held:
        names = {name for name, _, _ in signature_lines(lines)}
        if not names:
            return Failure("nonsense", "its answer is not a cosignature")
        return Failure(
            "wrong_key", f"what it signed does not hold for this checkpoint and the key of {witness.key.name}"
        )
    (cosignature,) = held
    off = cosignature.at - now
    if abs(off) > OFF_S:
        way = "behind" if off < 0 else "ahead of"
        return Failure("wrong_time", f"its cosignature's time is {abs(off) / 60:.0f} minutes {way} ours")
    return cosignature


def _refused(status: int, said: bytes) -> Failure:
    if 300 <= status < 400:
        return Failure("nonsense", f"it redirects ({status}): give the address that it leads to")
    # A word of the other side's is shown to the operator: on one line, without what moves a terminal.
    text = said[: 4 * _SAID].decode("utf-8", "replace")
    words = "".join(c if c.isprintable() else " " for c in text).strip()[:_SAID]
    meaning = {
        400: "it could not read the checkpoint",
        403: "it does not know this log, or the key that it signs with",
        404: "it does not watch this log, or is not at this address",
        409: "it has cosigned another tree of this size",
        422: "what it cosigned is not the beginning of this log",
    }.get(status)
    if meaning is None and status >= 500:
        return Failure("unreachable", f"it cannot answer at the moment ({status})")
    return Failure("refused", f"{meaning or 'it refused'} ({status}{': ' + words if words else ''})")


def _unanswered(error: Exception, *, late: bool) -> Failure:
    chain = _chain(error)
    names = {type(one).__name__ for one in chain}
    if late or any("Timeout" in name for name in names):
        return Failure("late", "it did not answer in time")
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return Failure("unreachable", "its certificate does not hold, or TLS failed")
    if any(isinstance(one, socket.gaierror) for one in chain):
        return Failure("unreachable", "its name has no address")
    if any(isinstance(one, ConnectionRefusedError) for one in chain):
        return Failure("unreachable", "nobody listens at its address")
    return Failure("unreachable", "the connection ended without a whole answer")


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and those that it came from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
