"""The one commit of a restore: what was lost, where it was, and a stop of all sharing after it.

Guarantees: the lost entries, the stops that they set and the stop of the restore with its entry appear
together or not at all, under the log's lock.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper.ledger import Draft
from gatekeeper.ledger.refill import refill, said_by
from gatekeeper.oversight.stops import new_stop_id
from gatekeeper.recovery.compared import Asked, Place
from gatekeeper.recovery.evidence import Known
from gatekeeper.recovery.lost import Lost, lost_of, stops_of
from gatekeeper.store import Database, LedgerRows, administration
from gatekeeper.store.registry import Registry
from gatekeeper.store.values import Stop


def written(
    place: Place,
    asked: Asked,
    database: Database,
    held: int,
    entries: Sequence[bytes],
    known: Sequence[Known],
) -> tuple[Stop, list[Lost], int]:
    """Write what was lost and the stop; return the stop, what was lost, and the stop's entry.

    *held*: entries that the database has. Raises what ``refill`` raises: then nothing was written.
    """
    now = place.clock.now()
    lost = lost_of(held, [said_by(held + offset, entry) for offset, entry in enumerate(entries)])
    stop = Stop(new_stop_id(), "all", None, now)
    word = (
        "" if asked.ended_at is None else f" (the log had {asked.ended_at}, by the word of who restored it)"
    )
    draft = Draft(
        event="stop.set",
        ref=stop.id,
        clear={"scope": stop.scope, "value": None, "stop": stop.id},
        secret={
            "reason": f"restored from a {asked.what} of {held} entries, {len(lost)} put back{word}: "
            f"{asked.reason}",
            "by": asked.by,
            "camera": None,
        },
        detail={"compared_with": [{"where": one.where, "size": one.size} for one in known]},
    )
    in_force = {halt.id for halt in Registry(database, place.clock.now).stops()}
    changes = [*stops_of(lost, in_force, now), *administration.set_stop(stop)]
    copy = asked.published.checkpoint(place.key.verifier) if asked.published and entries else None
    rows = LedgerRows(database)
    index = refill(rows, place.keys, place.clock, lost=entries, signed=copy, draft=draft, changes=changes)
    return stop, lost, index
