"""One restore of a database that is in its place already: put back by its server's own programs, or by hand.

The procedure: (1) what is there holds a sound log; (2) everybody who knows how large the log was is asked,
and what each signed must be of this history; (3) the lost entries are had back from a published copy, or this
ends here; (4) they and a stop of all sharing are written in one commit. Guarantees: until (4) nothing is
changed, and (4) is compared with what was signed once more under the log's lock, so that whoever writes
meanwhile makes it fail; a log that lacks nothing is left alone. How far the log went on after the last
checkpoint nobody here can know, so the operator must say it.
"""

from __future__ import annotations

from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.ledger.export import seen
from gatekeeper.ledger.tail import check_tail
from gatekeeper.recovery.compared import Asked, Place, Restored, had_back, known_of, same, unsure
from gatekeeper.recovery.evidence import Known, words
from gatekeeper.recovery.placing import asides
from gatekeeper.recovery.written import written
from gatekeeper.store import Database, LedgerRows
from gatekeeper.store.copying import in_use
from gatekeeper.store.published import PublishedCheckpoints


def complete(place: Place, asked: Asked, url: str) -> Restored:
    """Complete the database at *url*. Raises RolledBack, OperatorError, or another error: nothing changed."""
    if place.file is not None and not place.file.exists():
        raise OperatorError(f"{place.file} is not there: name the backup to restore")
    if place.file is not None and in_use(place.file):
        raise OperatorError(
            f"{place.file} is open: end the service and every command first; nothing was changed"
        )
    database = Database.open(url, lock_file=place.lock)
    try:
        database.check()
        return _completed(place, asked, database)
    finally:
        database.close()


def _completed(place: Place, asked: Asked, database: Database) -> Restored:
    # (1) what is there
    rows = LedgerRows(database)
    try:
        check_tail(rows, place.key.verifier, None, seen(PublishedCheckpoints(database).last, ""))
    except LedgerCorrupt as fault:
        why = str(fault).partition(". ")[0]
        raise OperatorError(
            f"NOTHING WAS CHANGED: the database does not hold a sound log ({why}): put another backup of it "
            "in its place"
        ) from None
    head = rows.head()
    # (2) who knows how large the log was
    files = () if place.file is None else asides(place.file)
    known, _ = known_of(place, asked, rows, head, files)
    same(asked.what, rows, known)
    # (3) what is lost
    largest = max([head.size, *(one.size for one in known)])
    if largest == head.size:
        raise OperatorError(
            f"NOTHING WAS CHANGED: the log has {head.size} entries, and nobody asked knows of more "
            f"({_words(known)}): there is nothing to put back. If you know of a receipt with a higher index, "
            "say how many entries there were: --ended-at NUMBER"
        )
    entries = had_back(place, asked, head, largest, known)
    if asked.ended_at is None:
        raise unsure(asked.what, head.size, largest, known)
    # (4) one commit
    stop, lost, index = written(place, asked, database, head.size, entries, known)
    return Restored(head.size, lost, stop.id, index, None, known)


def _words(known: list[Known]) -> str:
    return words(known) or "nobody else was there to ask"
