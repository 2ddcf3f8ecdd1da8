"""What was worked out before, found again by the exact text that it was worked out from.

Guarantees: the text itself is not kept, only its SHA-256 (a text may hold words, names or a token, which must
not stay in memory for it); no more than so many values are held, and the one that was longest unused makes
room; safe to share between threads. Whoever asks must be sure that the text alone decides the value.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Holds at most *most* values; none at all if that is 0."""

    def __init__(self, most: int) -> None:
        self._held: LRUCache[bytes, Value] = LRUCache(most)
        self._lock = threading.Lock()  # a look-up moves what it finds to the young end: it writes too

    def __len__(self) -> int:
        return len(self._held)

    def get(self, text: str) -> Value | None:
        """Return the value of exactly this text, or None."""
        name = _name(text)
        with self._lock:
            return self._held.get(name)

    def keep(self, text: str, value: Value) -> None:
        """Hold the value of this text from now on."""
        if self._held.maxsize:
            name = _name(text)
            with self._lock:
                self._held[name] = value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()


def _name(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()
