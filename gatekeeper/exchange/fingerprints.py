"""What a query was for and who asked it, as fingerprints under a day's key: staff find a query by them again.

Guarantees: nothing is found of a day whose key was destroyed; how a badge is spelled hides nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import Final

from gatekeeper.errors import KeyErased
from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.canonical import canonical


def target_print(keys: DayKeys, day: date, *, plate: str | None, cameras: Sequence[str]) -> bytes:
    """Return the day's fingerprint of a plate, of whichever state, or of cameras. Raises KeyErased."""
    return keys.fingerprint(day, *target_value(plate, cameras))


def target_prints(
    keys: DayKeys, days: Iterable[date], *, plate: str | None, cameras: Sequence[str]
) -> list[bytes]:
    """Return its fingerprints of several days; see ``each_day``."""
    return [made for (made,) in each_day(keys, days, [target_value(plate, cameras)]).values()]


def officer_print(keys: DayKeys, day: date, *, agency_id: str, badge: str) -> bytes:
    """Return the day's fingerprint of an officer of an agency. Raises KeyErased."""
    return keys.fingerprint(day, *officer_value(agency_id, badge))


def officer_prints(keys: DayKeys, days: Iterable[date], *, agency_id: str, badge: str) -> list[bytes]:
    """Return the officer's fingerprints of several days; see ``each_day``."""
    return [made for (made,) in each_day(keys, days, [officer_value(agency_id, badge)]).values()]


def target_value(plate: str | None, cameras: Sequence[str]) -> tuple[str, bytes]:
    """Return purpose and value of a target's fingerprint, for ``each_day``."""
    return "target", canonical({"plate": plate, "cameras": list(cameras)})


def officer_value(agency_id: str, badge: str) -> tuple[str, bytes]:
    """Return purpose and value of an officer's fingerprint, for ``each_day``."""
    return "officer", canonical({"agency": agency_id, "badge": plain(badge)})


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
    """Return the letters and digits of what was typed, as they look.

    Case, width, accents and the scripts of digits are made one, and so are letters that look the same in
    Latin, Cyrillic and Greek; what is not seen, or only stands beside a letter, is none.
    """
    if typed.isascii():
        return "".join(filter(str.isalnum, typed.lower()))
    folded = unicodedata.normalize("NFKD", typed).translate(_UNSEEN).casefold().translate(_ALIKE)
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in folded
        if letter.isalnum() and unicodedata.category(letter) != "Lm"
    )


UNSEEN: Final = "\u115f\u1160\u3164\uffa0\u0345"
"""What counts as a letter, or becomes one in small letters, and is not seen."""
_UNSEEN: Final = dict.fromkeys(map(ord, UNSEEN))
_ALIKE: Final = str.maketrans(
    "\u0430\u0432\u0435\u0455\u0456\u0458\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0501\u04bb\u051b\u051d"
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03f2\u03f3"
    "\u0131\u0142\u00f8\u0111\u0127\u0167\u0261",
    "abesijkmhopctyxdhqwabezhikmnoptyxcjilodhtg",
)
"""Cyrillic and Greek letters that look like a Latin one, large or small, and Latin ones with a stroke."""
