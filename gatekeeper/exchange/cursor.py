"""The opaque cursor of a further page: where to go on, readable by us alone.

Guarantees: a cursor holds no plate; it is sealed (AES-256-GCM) under the day's key and bound to the query it
continues and the client it was given to, so it opens for nobody else and dies with the day's private detail.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date

from gatekeeper.errors import InvalidCursor, KeyErased, LedgerCorrupt
from gatekeeper.ledger import DayKeys
from gatekeeper.records import Keyset

_EVENT = "cursor"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: strictly after this read; ``page`` is the number of the page that begins there."""

    after: Keyset
    page: int


def write(keys: DayKeys, day: date, query_id: str, client_id: str, place: Place) -> str:
    """Seal the place for this query and client."""
    plain = json.dumps([place.after.captured_at_us, place.after.id, place.page]).encode("utf-8")
    box = keys.seal(day, _bound(query_id, client_id), _EVENT, plain)
    return f"{day.isoformat()}.{urlsafe_b64encode(box).decode('ascii').rstrip('=')}"


def read(keys: DayKeys, query_id: str, client_id: str, cursor: str) -> Place:
    """Open a cursor that we sealed for this query and client. Raises InvalidCursor."""
    try:
        day, _, sealed = cursor.partition(".")
        box = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        plain = keys.open(date.fromisoformat(day), _bound(query_id, client_id), _EVENT, box)
        captured_at_us, read_id, page = json.loads(plain)
    except (ValueError, TypeError, KeyErased, LedgerCorrupt):
        raise InvalidCursor("not a cursor of this query and client, or its day was purged") from None
    return Place(Keyset(captured_at_us, read_id), page)


def _bound(query_id: str, client_id: str) -> str:
    return f"{query_id} {client_id}"
