"""What a query was for and who asked it, as fingerprints under a day's key: staff find a query by them again.

Guarantees: nothing is found of a day whose key was destroyed; how a badge is spelled hides nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date

from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.canonical import canonical


def target_print(keys: DayKeys, day: date, *, plate: str | None, cameras: Sequence[str]) -> bytes:
    """Return the day's fingerprint of a plate, of whichever state, or of cameras. Raises KeyErased."""
    return keys.fingerprint(day, "target", canonical({"plate": plate, "cameras": list(cameras)}))


def officer_print(keys: DayKeys, day: date, *, agency_id: str, badge: str) -> bytes:
    """Return the day's fingerprint of an officer of an agency. Raises KeyErased."""
    return keys.fingerprint(day, "officer", canonical({"agency": agency_id, "badge": plain(badge)}))


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
