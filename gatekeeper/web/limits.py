"""What is left of an agency's limits, as header fields and as the refusal of who is over one.

Fields as draft-ietf-httpapi-ratelimit-headers-10 has them: ``RateLimit-Policy`` names each limit with what it
holds (``q``) and the seconds in which it is full again (``w``), ``RateLimit`` what is left of it (``r``) and
the seconds until it is full, or with nothing left until the next query is taken (``t``). Guarantees: names
are ours, values are whole numbers: nothing of a caller's stands in a field.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response

from gatekeeper.errors import QuotaExceeded
from gatekeeper.ledger import Json
from gatekeeper.ledger.spending import Left


def put(response: Response, left: Sequence[Left]) -> Response:
    """Say in the header what is left; without a limit nothing is said."""
    if left:
        response.headers["RateLimit-Policy"] = ", ".join(
            f'"{one.limit.name}";q={one.limit.capacity};w={one.limit.window_seconds}' for one in left
        )
        response.headers["RateLimit"] = ", ".join(
            f'"{one.limit.name}";r={one.tokens};t={one.reset_seconds}' for one in left
        )
    return response


def told(error: QuotaExceeded) -> dict[str, Json]:
    """Return what a problem document says of the limits that are used up, and when to ask again."""
    return {"violated-policies": [*error.violated], "retry_after": error.wait_seconds}


def refuse(response: Response, error: QuotaExceeded) -> Response:
    """Say in the header when to ask again, and what is left."""
    response.headers["Retry-After"] = str(error.wait_seconds)
    return put(response, error.left)
