"""Stop and resume: the city's hand on the switch, independent of any policy.

Guarantees (promise 3): a stop is a ledger entry written under the ledger's lock; each release is compared
with the stops in force inside its own commit, so none can be committed after it; ``set_stop`` returns one
lease after its commit, when no body that was committed before can still begin. On a full disk the reserve
is given up, so that a stop can always be set.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from gatekeeper.errors import LedgerUnavailable, OperatorError
from gatekeeper.ledger import Appended, Draft, Ledger, Row
from gatekeeper.ledger.rows import Stop
from gatekeeper.ledger.stops import LEASE_SECONDS, SCOPES

MINIMUM_REASON = 10
# For a thread that had checked its lease and was then kept from the processor for a moment.
MARGIN_SECONDS = 0.1


def new_stop_id() -> str:
    """Return the id of a new stop."""
    return f"stop_{secrets.token_hex(8)}"


def set_stop(
    ledger: Ledger,
    *,
    stop: Stop,
    rows: Sequence[Row],
    reason: str,
    by: str,
    free: Callable[[], bool],
) -> Appended:
    """Stop sharing in the scope; return when no record in it can leave any more.

    *rows* put the stop into the registry; *free* gives up the disk reserve and says whether there was one.
    Raises OperatorError for a scope that does not exist or a reason without substance, LedgerUnavailable if
    the stop could not be committed.
    """
    if stop.scope not in SCOPES or (stop.scope == "all") != (stop.value is None):
        raise OperatorError("say what to stop: --all, --agency ID, --kind KIND or --camera ID")
    _substantial(reason)
    camera = stop.scope == "camera"
    draft = Draft(
        event="stop.set",
        ref=stop.id,
        # Which camera is a place: it is committed to, not published.
        clear={"scope": stop.scope, "value": None if camera else stop.value, "stop": stop.id},
        secret={"reason": reason, "by": by, "camera": stop.value if camera else None},
        detail={},
    )
    try:
        entry = ledger.append(draft, rows)
    except LedgerUnavailable:
        if not free():
            raise
        entry = ledger.append(draft, rows)
    time.sleep(LEASE_SECONDS + MARGIN_SECONDS)
    return entry


def lift_stop(ledger: Ledger, *, stop_id: str, rows: Sequence[Row], reason: str, by: str) -> Appended:
    """Lift a stop. Raises OperatorError for a reason without substance, LedgerUnavailable."""
    _substantial(reason)
    draft = Draft(
        event="stop.lifted",
        ref=stop_id,
        clear={"stop": stop_id},
        secret={"reason": reason, "by": by},
        detail={},
    )
    return ledger.append(draft, rows)


def _substantial(reason: str) -> None:
    if len(reason.strip()) < MINIMUM_REASON or not any(c.isalpha() for c in reason):
        raise OperatorError('say why in a sentence: --reason "Council resolution of 3 November"')
