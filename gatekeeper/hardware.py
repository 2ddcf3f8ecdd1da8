"""Keys in hardware, by PKCS#11, named by a URI (RFC 7512): where one is, and a login to its token.

It is used through python-pkcs11, the extra ``gatekeeper[pkcs11]``. Guarantees: the PIN comes from a file that
only its owner may read, never from the URI, which is printed and logged; one process at a time is at a token,
and none uses what another began: a worker that was forked begins by itself; what fails is told without what
the module said of it. What is signed, and with which kind of key, is for those who use it.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import unquote

from gatekeeper.errors import SettingsRefused

PKCS11: Final = "pkcs11:"


@dataclass(frozen=True, slots=True)
class Use:
    """What a key is for, as its messages call it, and how its URI is given."""

    name: str
    cure: str


_PATH = {"token", "object", "serial"}
_QUERY = {"module-path", "pin-source"}
_ATTRIBUTE = re.compile(r"([a-z-]+)=([^=;&?#]+)")
_LONGEST_WAIT_S: Final = 10.0
_one_at_a_time = threading.Lock()  # a token has one login for the whole process
_begun: dict[str, int] = {}
"""In which process each library was begun."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the key is: what the URI says."""

    token: str
    label: str
    serial: bytes | None
    module: str
    pin_file: Path
    use: Use

    @classmethod
    def parse(cls, uri: str, use: Use) -> Place:
        """Read a PKCS#11 URI. Raises SettingsRefused, which never repeats it."""
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        found = {
            **_attributes(path.split(";"), _PATH, use),
            **_attributes(query.split("&"), _QUERY, use),
        }
        if missing := {"token", "object", "module-path", "pin-source"} - found.keys():
            raise SettingsRefused(f"the PKCS#11 URI lacks {', '.join(sorted(missing))}: {use.cure}")
        source = found["pin-source"].removeprefix("file:").removeprefix("//")
        if not source.startswith("/") or not found["module-path"].startswith("/"):
            raise SettingsRefused(f"the paths of a PKCS#11 URI must be absolute: {use.cure}")
        serial = found.get("serial")
        return cls(
            token=found["token"],
            label=found["object"],
            serial=None if serial is None else serial.encode(),
            module=found["module-path"],
            pin_file=Path(source),
            use=use,
        )

    def pin(self) -> str:
        """Read the PIN. Raises SettingsRefused."""
        try:
            if stat.S_IMODE(self.pin_file.stat().st_mode) & 0o077:
                raise SettingsRefused(f"{self.pin_file} may be read by others: chmod 600 {self.pin_file}")
            return self.pin_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsRefused(
                f"{self.pin_file}, the PIN of the {self.use.name}, cannot be read"
            ) from None


@contextmanager
def session_of(place: Place) -> Iterator[tuple[Any, Any]]:
    """Log in to the token. Raises SettingsRefused, without what the module said: it may hold the PIN."""
    try:
        import pkcs11  # noqa: PLC0415  an extra: only a city with such hardware needs it
    except ImportError:
        raise SettingsRefused(
            f"a {place.use.name} in hardware needs python-pkcs11: pip install 'gatekeeper[pkcs11]'"
        ) from None
    pin = place.pin()
    try:
        with _in_turn(), place.pin_file.open("rb") as held:
            # Modules of several processes at one token get into each other's way (SoftHSM's for good).
            _alone(held)
            module = _module(pkcs11, place.module)
            serial = {} if place.serial is None else {"token_serial": place.serial}
            token = module.get_token(token_label=place.token, **serial)
            with token.open(user_pin=pin) as opened:
                yield pkcs11, opened
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as failed:
        raise SettingsRefused(
            f"the token does not give the {place.use.name} ({type(failed).__name__}): check the module's "
            "path, the labels of token and key, and the PIN"
        ) from None


@contextmanager
def _in_turn() -> Iterator[None]:
    """Wait for this process's other threads at the hardware. Raises TimeoutError behind one that hangs."""
    turn = _one_at_a_time
    if not turn.acquire(timeout=_LONGEST_WAIT_S):
        raise TimeoutError
    try:
        yield
    finally:
        turn.release()


def _module(pkcs11: Any, path: str) -> Any:
    """Return the library, begun in this very process: a child may use nothing of what its parent began."""
    module = pkcs11.lib(path)
    if _begun.setdefault(path, os.getpid()) != os.getpid():
        with suppress(pkcs11.PKCS11Error):  # some know by themselves that they were forked
            module.finalize()
        with suppress(pkcs11.PKCS11Error):
            module.initialize()
        _begun[path] = os.getpid()
    return module


def _after_fork() -> None:
    global _one_at_a_time  # noqa: PLW0603  one that a thread of the parent held would never be released here
    _one_at_a_time = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _alone(held: IO[bytes]) -> None:
    """Wait for other processes at this token. Raises BlockingIOError if one does not come to its end."""
    ends = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            return fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                raise
        time.sleep(0.002)


def _attributes(parts: list[str], known: set[str], use: Use) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, parts):
        named = _ATTRIBUTE.fullmatch(part)
        if named is None or named[1] not in known or named[1] in found:
            # pin-value is among what is not known: an address is no place for a PIN.
            raise SettingsRefused(f"the PKCS#11 URI says what it may not, or says it twice: {use.cure}")
        found[named[1]] = unquote(named[2])
    return found
