"""What a query was for and who asked it, as fingerprints under a day's key: staff find a query by them again.

Guarantees: nothing is found of a day whose key was destroyed; how a badge is spelled hides nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date

from gatekeeper.errors import KeyErased
from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.canonical import canonical


def target_print(keys: DayKeys, day: date, *, plate: str | None, cameras: Sequence[str]) -> bytes:
    """Return the day's fingerprint of a plate, of whichever state, or of cameras. Raises KeyErased."""
    return keys.fingerprint(day, "target", _target(plate, cameras))


def target_prints(
    keys: DayKeys, days: Iterable[date], *, plate: str | None, cameras: Sequence[str]
) -> list[bytes]:
    """Return its fingerprints of several days; see ``each_day``."""
    return [made for (made,) in each_day(keys, days, [("target", _target(plate, cameras))]).values()]


def officer_print(keys: DayKeys, day: date, *, agency_id: str, badge: str) -> bytes:
    """Return the day's fingerprint of an officer of an agency. Raises KeyErased."""
    return keys.fingerprint(day, "officer", canonical({"agency": agency_id, "badge": plain(badge)}))


def each_day(
    keys: DayKeys, days: Iterable[date], values: Sequence[tuple[str, bytes]]
) -> dict[date, list[bytes]]:
    """Return the fingerprints of the same purposes and values on each of these days.

    A day that was purged, or on which nothing was asked, is left out.
    """
    made = {}
    for day in days:
        with suppress(KeyErased):
            made[day] = keys.fingerprints(day, values)
    return made


def who(badge: str, name: str) -> str:
    """Return what tells an officer from the others of an agency: the badge, or the name if that says nothing.

    A badge of signs only is nobody's.
    """
    return plain(badge) or plain(name)


def plain(typed: str) -> str:
    """Return the letters and digits of what was typed; case, width, accents and scripts are made one."""
    folded = unicodedata.normalize("NFKD", typed).casefold()
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in folded
        if letter.isalnum()
    )


def _target(plate: str | None, cameras: Sequence[str]) -> bytes:
    return canonical({"plate": plate, "cameras": list(cameras)})
