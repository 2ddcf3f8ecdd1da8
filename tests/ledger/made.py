"""Made-up drafts, visibly so, and a log to put them in."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gatekeeper.ledger import Clock, DayKeys, Draft, Json, Ledger, SigningKey
from tests.ledger.sqlite_rows import SqliteRows

ORIGIN = "gate.example.org/ledger"
POLICY: dict[str, Json] = {"revision": "2026-01+0123456789ab", "digest": "sha256:" + "ab" * 32}
PLATE = "DEMO123"


def _who(agency: str, kind: str, end: str | None, end_kind: str | None) -> dict[str, Json]:
    return {
        "agency": agency,
        "agency_kind": kind,
        "end_requester": end,
        "end_requester_kind": end_kind,
        "category": "stolen_vehicle",
        "kind": "plate",
        "policy": POLICY,
    }


def new_ref() -> str:
    """Return a random query id."""
    return f"q_{secrets.token_hex(12)}"


def decided(
    ref: str | None = None,
    outcome: str = "permit",
    agency: str = "agency-elsewhere",
    kind: str = "local",
    end: tuple[str, str] | None = None,
) -> Draft:
    """Return a decision about a made-up query."""
    end_id, end_kind = end or (None, None)
    return Draft(
        "query.decided",
        ref or new_ref(),
        {
            **_who(agency, kind, end_id, end_kind),
            "outcome": outcome,
            "provisions": [] if outcome == "permit" else ["affirmation"],
            "review": "none",
            "replay": False,
        },
        {
            "offense": "240",
            "officer": {"name": "Pat Example", "badge": "4411"},
            "query": {"kind": "plate", "plate": PLATE},
            "hidden_provisions": [],
            "request": "ab" * 32,
        },
        {"words": "Stolen sedan, taken overnight", "input": {"plate": PLATE}},
    )


def released(
    ref: str,
    index: int,
    agency: str = "agency-elsewhere",
    kind: str = "local",
    end: tuple[str, str] | None = None,
    page: int = 1,
) -> Draft:
    """Return a release of three made-up records."""
    end_id, end_kind = end or (None, None)
    return Draft(
        "query.released",
        ref,
        {
            **_who(agency, kind, end_id, end_kind),
            "decided": index,
            "page": page,
            "count_band": "1-9",
        },
        {
            "officer": {"name": "Pat Example", "badge": "4411"},
            "offense": "240",
            "query": {"kind": "plate", "plate": PLATE},
            "count": 3,
            "rows": {"sha256": "cd" * 32},
        },
        {"cameras": ["cam-1"]},
    )


def stop_set(stop: str, scope: str = "all", value: str | None = None) -> Draft:
    """Return the setting of a stop."""
    secret: dict[str, Json] = {"reason": "Council resolution", "by": "Sam Example"}
    if scope == "camera":
        secret["camera"] = value
        value = None
    return Draft("stop.set", stop, {"scope": scope, "value": value, "stop": stop}, secret, {})


def stop_lifted(stop: str) -> Draft:
    """Return the lifting of a stop."""
    return Draft(
        "stop.lifted", stop, {"stop": stop}, {"reason": "Council resolution", "by": "Sam Example"}, {}
    )


@dataclass
class Log:
    """A log with all that it stands on."""

    directory: Path
    rows: SqliteRows
    key: SigningKey
    keys: DayKeys
    clock: Clock
    ledger: Ledger

    @property
    def file(self) -> Path:
        """Where the last checkpoint is kept."""
        return self.directory / "checkpoint"


def open_log(
    directory: Path,
    clock: Clock | None = None,
    rows: SqliteRows | None = None,
    today: Callable[[], date] | None = None,
) -> Log:
    """Open (or begin) the log in a directory, as a process does when it starts."""
    file = directory / "log.pem"
    key = SigningKey.load(file, ORIGIN) if file.exists() else SigningKey.create(file, ORIGIN)
    rows = rows or SqliteRows(directory / "log.sqlite")
    keys = DayKeys(directory / "keys", today=today) if today else DayKeys(directory / "keys")
    clock = clock or Clock()
    return Log(directory, rows, key, keys, clock, Ledger(rows, key, keys, clock, directory / "checkpoint"))
