"""The sample city of the demo: invented streets, cars and drives, the same for the same seed.

Guarantees: nothing in it is anyone's. Every plate begins with ``DEMO`` and follows no state's sequence,
streets do not exist, images lie under ``.invalid`` (RFC 2606), where nothing ever answers. Times, places and
counts are plausible, so that caps, pages and denials can be tried: residents commute on weekdays past
neighbouring cameras in the time the drive takes, vans deliver, others pass through, nights are quiet, some
cars are stolen and seen again. The file appears complete or not at all, and one that is there is never built
anew.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from gatekeeper.errors import RecordsUnavailable
from gatekeeper.records.city import MINUTE, City, Sighting
from gatekeeper.records.reads import Json, microseconds
from gatekeeper.records.times import rfc3339

_SAMPLE_DAYS = 7

_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE cameras (id TEXT PRIMARY KEY, name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL);
CREATE TABLE vehicles (plate TEXT PRIMARY KEY, plate_state TEXT NOT NULL, make TEXT NOT NULL,
    model TEXT NOT NULL, color TEXT NOT NULL, type TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sightings (id INTEGER PRIMARY KEY, captured_at INTEGER NOT NULL, plate TEXT NOT NULL,
    camera_id TEXT NOT NULL, confidence REAL NOT NULL, direction INTEGER NOT NULL);
CREATE TABLE samples (document TEXT NOT NULL);
CREATE VIEW plate_reads AS
    SELECT s.id, s.captured_at, s.plate, s.camera_id, s.confidence, s.direction,
        v.plate_state, v.make, v.model, v.color, v.type,
        'https://images.demo.invalid/reads/' || s.id || '.jpg' AS image_url
    FROM sightings s LEFT JOIN vehicles v ON v.plate = s.plate;
"""
# Made last: filling an index while rows come in costs several times as much. An INTEGER PRIMARY KEY is part
# of each, so that (captured_at, id) order comes out of them without sorting.
_INDEXES = """
CREATE INDEX sightings_of_plate ON sightings (plate, captured_at);
CREATE INDEX sightings_of_camera ON sightings (camera_id, captured_at);
ANALYZE;
"""


def build(
    path: Path, *, seed: int, reads: int = 500_000, days: int = 30, cameras: int = 20, until: datetime
) -> None:
    """Build the city at ``path`` unless one is there; raises RecordsUnavailable if it cannot be written.

    Exactly ``reads`` reads lie in the ``days`` before ``until``, whose fraction of a minute is dropped.
    """
    if reads < 1 or days < 1 or cameras < 1:
        raise ValueError("a city has at least one read, one day and one camera")
    end = microseconds(until) // 1_000 // MINUTE * MINUTE
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            _write(part, City(seed, reads, days, cameras, end))
            with part.open("rb") as file:
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was first: its city is served
                os.link(part, path)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        failed = type(error).__name__
    else:
        return
    raise RecordsUnavailable(f"the sample city cannot be written to {path} ({failed})")


def samples(path: Path) -> dict[str, Json]:
    """Return plates and cameras worth asking for, and the window in which their reads are counted.

    ``plates`` begins with a car that has a page of reads; ``reads`` gives the number of each plate's reads
    between ``from`` and ``to`` (the last 7 days). Raises RecordsUnavailable if there is no finished city at
    ``path``.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            (document,) = connection.execute("SELECT document FROM samples").fetchone()
        found = json.loads(document)
    except (OSError, sqlite3.Error, TypeError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise RecordsUnavailable(f"{path} is not a sample city: remove it, and the next start builds it")
    return found


def _write(part: Path, city: City) -> None:
    """Write the whole city to one file; raises sqlite3.Error."""
    sightings = city.sightings()
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO cameras VALUES (?,?,?,?)", city.cameras)
        connection.executemany("INSERT INTO vehicles VALUES (?,?,?,?,?,?)", sorted(city.vehicles.values()))
        connection.executemany(
            "INSERT INTO sightings (captured_at, plate, camera_id, confidence, direction) VALUES (?,?,?,?,?)",
            sightings,
        )
        connection.execute(
            "INSERT INTO samples VALUES (?)", (json.dumps(_worth_asking_for(city, sightings)),)
        )
        connection.execute("COMMIT")
        connection.executescript(_INDEXES)
        connection.execute("PRAGMA synchronous=FULL")


def _worth_asking_for(city: City, sightings: Sequence[Sighting]) -> Mapping[str, Json]:
    """Choose cars with a page of reads, stolen ones, a van, two from elsewhere and one seen once."""
    start = max(city.start, city.end - timedelta(days=_SAMPLE_DAYS) // timedelta(milliseconds=1))
    count: dict[str, int] = {}
    for sighting in sightings:
        if sighting[0] >= start:
            count[sighting[1]] = count.get(sighting[1], 0) + 1
    local = [plate for plate in city.commuters if plate in count and city.vehicles[plate][1] == "IL"]
    away = [plate for plate in city.commuters if plate in count and city.vehicles[plate][1] != "IL"]
    nearest = sorted(local, key=lambda plate: (abs(count[plate] - 25), plate))
    chosen = [*nearest[:6], *city.stolen[:2], *city.vans[:1], *away[:2]]
    chosen += [plate for plate in city.passing if count.get(plate) == 1][:1]
    plates = [plate for plate in dict.fromkeys(chosen) if plate in count] or sorted(count)[:1]
    return {
        "plates": list(plates),
        "reads": {plate: count[plate] for plate in plates},
        "cameras": [camera[0] for camera in city.cameras],
        "from": rfc3339(start * 1_000),
        "to": rfc3339(city.end * 1_000),
    }
