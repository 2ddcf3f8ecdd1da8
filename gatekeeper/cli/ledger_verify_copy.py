"""The verification of a published copy, in a directory or at an address, with nothing but the log's key.

Guarantees: no city is opened; of a directory only regular files are read; of a server no more than a file of
that kind can hold, for so many seconds each, without proxy, cookies or redirects; an answer that is not a
file and not "there is none" is never taken for a missing file, nor a missing one for a sound one.
"""

from __future__ import annotations

import http
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from gatekeeper.cli.ledger_verify_told import Heard, Interrupted, Outcome, Unverifiable, key_given
from gatekeeper.cli.ledger_words import printable
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger.copied import Source, examine_copy
from gatekeeper.witness.wire import session, within

SECONDS: Final = 60.0
"""For one file."""

_URL: Final = re.compile(r"[a-z]+://", re.IGNORECASE)
_PIECE: Final = 64 * 1024


def verify_copy(place: str, given: Sequence[str], kept: Sequence[str], heard: Heard) -> Outcome:
    """Verify a copy. Raises Unverifiable, Interrupted, LedgerUnavailable, NoCopy."""
    if not given:
        raise Unverifiable("--copy needs --key: the key that the city published, or gave you")
    key = key_given(given)
    source: Source = _Site(_address(place)) if _URL.match(place) else _Directory(_directory(place))
    try:
        found = examine_copy(source, key, kept=kept, progress=heard)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted after {heard.place} of {heard.size} entries: begin again") from None
    checked = {"published_checkpoints": 1, "kept_checkpoints": len(kept)}
    if found.reached is None:
        return Outcome(found.findings, 0, b"", checked=checked)
    if found.later and not found.findings:
        raise Unverifiable(
            f"a checkpoint that you kept is of {found.later} entries, this copy of {found.reached.size}: "
            "what is there is consistent, but the two can be compared only with a newer copy"
        )
    return Outcome(found.findings, found.reached.size, found.reached.root, checked=checked)


def _directory(place: str) -> Path:
    directory = Path(place)
    try:
        there = directory.is_dir()
    except ValueError:  # a null byte
        there = False
    if not there:
        raise Unverifiable(f"{printable(place)} is no directory: give where the copy is")
    return directory


def _address(place: str) -> str:
    try:
        url = urlsplit(place)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    plain = place.isascii() and place.isprintable() and not {" ", "\\", "@", "?", "#"} & set(place)
    if not usable or not plain:
        raise Unverifiable("--copy: an address is as https://alpr.example.gov/ledger/")
    return place.rstrip("/")


@dataclass(frozen=True, slots=True)
class _Directory:
    """The files of a copy in a directory."""

    directory: Path

    def read(self, name: str, most: int) -> bytes | None:
        file = self.directory / name
        try:
            # Not waiting: a pipe that stands there for a file must not hold us.
            with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
                if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                    raise LedgerUnavailable(f"{printable(str(file))} is not a file")
                return opened.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as fault:
            raise LedgerUnavailable(f"{printable(str(file))} cannot be read: {fault.strerror}") from None


@dataclass(frozen=True, slots=True)
class _Site:
    """The files of a copy at an address."""

    address: str
    session: requests.Session = field(default_factory=session)

    def read(self, name: str, most: int) -> bytes | None:
        url = f"{self.address}/{name}"
        try:
            with within(SECONDS) as watch:
                status, to, body = self._got(url, most, watch.left())
                watch.left()  # what was cut off in the middle was read as an answer that is whole
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as fault:
            raise LedgerUnavailable(f"{url} cannot be fetched: {_why(fault)}") from None
        if status in {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE}:
            return None
        if 300 <= status < 400:
            raise LedgerUnavailable(f"{url} redirects to {printable(to[:200])}: give the address it leads to")
        if status != http.HTTPStatus.OK:
            raise LedgerUnavailable(f"{url} cannot be fetched: the server answers {status}")
        return body

    def _got(self, url: str, most: int, seconds: float) -> tuple[int, str, bytes]:
        with self.session.get(url, timeout=seconds, allow_redirects=False, stream=True) as answer:
            body = b""
            while len(body) <= most and (piece := answer.raw.read(_PIECE, decode_content=False)):
                body += piece
            length = answer.headers.get("Content-Length", "")
            if length.isdecimal() and len(body) <= most and len(body) != int(length):
                raise OSError("the connection ended in the middle of the file")
            return answer.status_code, answer.headers.get("Location", ""), body[: most + 1]


def _why(fault: Exception) -> str:
    found: BaseException | None = fault
    while found is not None:
        if isinstance(found, ConnectionRefusedError):
            return "nobody listens there"
        if "Timeout" in type(found).__name__:
            return "no answer in time"
        found = found.__cause__ or found.__context__
    return str(fault) if type(fault) is OSError else type(fault).__name__
