"""How long staff have for a denied request, as the city's policy says (``review`` in ``data/city.json``).

Guarantees: of the hours that the city gives for the purpose and for each provision that was not met, the
shortest count; where it gives none, those for everything else do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any


def time_for_review(data: Mapping[str, Any], category: str, provisions: Iterable[str]) -> timedelta:
    """Return how long staff have. *data* is that of a bundle, whose schema has checked it."""
    hours = data["city"]["review"]["hours"]
    given = [hours["by_purpose"].get(category), *(hours["by_provision"].get(code) for code in provisions)]
    return timedelta(hours=min([each for each in given if each is not None], default=hours["otherwise"]))


def goes_first(data: Mapping[str, Any], category: str) -> bool:
    """Say whether a request for this purpose stands before all others, whatever they are due."""
    return category in data["city"]["review"]["first"]
