"""A published copy of the log: a directory that ``gatekeeper ledger export`` wrote, or an address.

Guarantees: nothing of it is believed here but a checkpoint that our key signed; what its entries lead to is
compared with that by who uses them. A file is read up to the size that it can have and no further; an address
on another machine is asked over https, and no redirect is followed.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import requests
import urllib3.exceptions

from gatekeeper.errors import LedgerCorrupt, OperatorError, SettingsRefused
from gatekeeper.ledger import Checkpoint, VerifierKey, open_checkpoint
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.entries import MAX_ENTRY_BYTES
from gatekeeper.ledger.tiles import WIDTH, entries_of, path
from gatekeeper.witness.client import address
from gatekeeper.witness.wire import session, within

SECONDS: Final = 30.0
"""For each file."""
_LARGEST: Final = WIDTH * (MAX_ENTRY_BYTES + 2)
_CHECKPOINT_BYTES: Final = 64 * 1024


class PublishedCopy:
    """One copy; each method raises OperatorError for what cannot be read or is not this log's."""

    def __init__(self, where: str, trust: ssl.SSLContext | None = None) -> None:
        self.where = where
        self._checkpoint: Checkpoint | None = None
        self._trust = trust
        self._url = None
        if where.startswith(("http://", "https://")):
            try:
                self._url = address(where)
            except SettingsRefused:
                raise OperatorError(
                    f"--published {where}: an address is as https://alpr.example.gov/ledger, and https but "
                    "on this machine"
                ) from None
        elif not Path(where).is_dir():
            raise OperatorError(f"--published {where}: no such directory, and no address")

    def checkpoint(self, key: VerifierKey) -> Checkpoint:
        """Return what the copy's checkpoint says; the same each time, though the copy may grow."""
        if self._checkpoint is None:
            self._checkpoint = self._opened(key)
        return self._checkpoint

    def _opened(self, key: VerifierKey) -> Checkpoint:
        text = self._file("checkpoint", _CHECKPOINT_BYTES).decode("utf-8", "replace")
        try:
            return open_checkpoint(text, key)
        except CheckpointRefused as refused:
            raise OperatorError(
                f"NOTHING WAS CHANGED: the copy in {self.where} is not of this log: {refused}"
            ) from None

    def entries(self, start: int, size: int) -> list[bytes]:
        """Return the entries from *start* on of a copy that holds *size* of them."""
        found: list[bytes] = []
        for number in range(start // WIDTH, -(-size // WIDTH)):
            width = min(WIDTH, size - number * WIDTH)
            name = path("entries", number, width)
            try:
                bundle = entries_of(self._file(name, _LARGEST))
            except LedgerCorrupt:
                bundle = []
            if len(bundle) != width:
                raise OperatorError(
                    f"NOTHING WAS CHANGED: {name} in {self.where} does not hold its {width} entries: the "
                    "copy is damaged; use another one"
                )
            found += bundle[max(0, start - number * WIDTH) :]
        return found

    def _file(self, name: str, most: int) -> bytes:
        try:
            content = self._read(name, most) if self._url is None else self._got(name, most)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as fault:
            why = fault.strerror if isinstance(fault, OSError) and fault.strerror else type(fault).__name__
            raise OperatorError(
                f"NOTHING WAS CHANGED: {name} of the copy in {self.where} cannot be read ({why})"
            ) from None
        if len(content) > most:
            raise OperatorError(f"NOTHING WAS CHANGED: {name} in {self.where} is longer than it can be")
        return content

    def _read(self, name: str, most: int) -> bytes:
        with (Path(self.where) / name).open("rb") as opened:
            return opened.read(most + 1)

    def _got(self, name: str, most: int) -> bytes:
        with (
            within(SECONDS) as watch,
            session(self._trust) as to,
            to.get(
                f"{self._url}/{name}", timeout=watch.left(), allow_redirects=False, stream=True
            ) as response,
        ):
            if response.status_code != requests.codes.ok:
                raise ValueError
            said = b""
            while len(said) <= most and (chunk := response.raw.read(1 << 20, decode_content=False)):
                said += chunk
            watch.left()  # what was cut off in the middle was read as an answer that is whole
            return said
