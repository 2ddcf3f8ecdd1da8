"""A small store without types, which a test fills as it likes, and the mapping of its columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.records.mapping import ColumnMapping

COLUMNS = (
    "id", "captured_at", "plate", "plate_state", "confidence", "camera_id", "camera_name", "lat", "lon",
    "direction", "make", "model", "color", "type", "image_url",
)  # fmt: skip
FLAT = ColumnMapping(
    table="reads",
    id="id",
    captured_at="captured_at",
    plate="plate",
    camera_id="camera_id",
    plate_state="plate_state",
    confidence="confidence",
    direction="direction",
    make="make",
    model="model",
    color="color",
    type="type",
    image_url="image_url",
    camera_name="camera_name",
    camera_lat="lat",
    camera_lon="lon",
)
GOOD: dict[str, object] = {
    "id": "r1", "captured_at": 1_000_000, "plate": "DEMO123", "plate_state": "IL", "confidence": 0.93,
    "camera_id": "c1", "camera_name": "Elm & 3rd", "lat": 42.05, "lon": -87.7, "direction": 90,
    "make": "Honda", "model": "Civic", "color": "blue", "type": "sedan", "image_url": "https://i.invalid/1.jpg",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table without types, as a store that lies would have it: any value fits any column."""

    path: Path

    @property
    def url(self) -> str:
        """Return the store's URL."""
        return f"sqlite:///{self.path}"

    def fill(self, *changes: Mapping[str, object]) -> None:
        """Add one read for each set of changes to the good one."""
        rows = [tuple({**GOOD, **change}[name] for name in COLUMNS) for change in changes]
        places = ",".join("?" * len(COLUMNS))
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(f"INSERT INTO reads VALUES ({places})", rows)  # noqa: S608 - only ?

    def run(self, script: str) -> None:
        """Run a script on the file itself."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(script)
