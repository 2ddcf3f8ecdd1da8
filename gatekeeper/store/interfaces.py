"""What the store is asked in more than a few words: the shapes of it, which the exchange fills in.

``gatekeeper.exchange.questions`` says what each is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SearchQuestion(Protocol):
    """On which days there are searches, by their fingerprints and the case's; refusals since the hour."""

    @property
    def prints(self) -> Sequence[tuple[bytes, bytes]]: ...
    @property
    def since_hour(self) -> str: ...


class MarkQuestion(Protocol):
    """Which marks: under each of these fingerprints the last ``most`` of this time, both ends included."""

    @property
    def prints(self) -> Sequence[bytes]: ...
    @property
    def since_ms(self) -> int: ...
    @property
    def until_ms(self) -> int: ...
    @property
    def most(self) -> int: ...


class DayQuestion(Protocol):
    """What an officer is on record with on the day of the fingerprint."""

    @property
    def officer_fp(self) -> bytes: ...
    @property
    def target_fp(self) -> bytes: ...
    @property
    def hour(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def agency_id(self) -> str: ...
    @property
    def before(self) -> Sequence[bytes]: ...


class LookQuestion(Protocol):
    """How many marks are under each group of fingerprints until the end of ``latest``."""

    @property
    def groups(self) -> Sequence[Sequence[bytes]]: ...
    @property
    def latest(self) -> MarkQuestion: ...
    @property
    def but(self) -> str: ...


class Questions(Protocol):
    """All of them."""

    @property
    def searches(self) -> SearchQuestion: ...
    @property
    def marks(self) -> MarkQuestion: ...
    @property
    def day(self) -> DayQuestion: ...
    @property
    def looks(self) -> LookQuestion | None: ...
