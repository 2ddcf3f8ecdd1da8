"""A reason of substance: what a person must say before they act, see what is private, or stop sharing."""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 10
LONGEST: Final = 2000


def tidy(said: str) -> str:
    """Return what was said, its white space made single."""
    return " ".join(said.split())


def fault_of(said: str) -> str | None:
    """Say what a reason lacks, or None if it says something."""
    told = tidy(said)
    if len(told) > LONGEST:
        return f"Say why in at most {LONGEST} characters."
    letters = [letter for letter in told.casefold() if letter.isalpha()]
    # A full stop, a row of one letter or a number says nothing to an auditor or a court.
    if len(told) < SHORTEST or len(letters) < SHORTEST // 2 or len(set(letters)) < SHORTEST // 3:
        return "Say why in a sentence: the agency, an auditor or a court may ask."
    return None
