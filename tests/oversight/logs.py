"""Makes logs of entries that look as ours do, without a gate: many, at once, at the times a test chooses."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.store.ledger_rows import LedgerRows
from tests.store.making import head

AGENCIES = ("sample-il-pd", "sample-wi-pd", "sample-fusion")
CATEGORIES = ("stolen_vehicle", "criminal_investigation", "other")
PROVISIONS = ("case_number", "stated_reason", "affirmation")
BEGIN = datetime(2026, 10, 5, tzinfo=UTC)
"""A Monday."""

Said = tuple[str, Mapping[str, Any]]
"""What an entry is about, and what it says."""


def decided(ref: str, at: datetime, **changes: Any) -> Said:
    """Return a denial, changed."""
    said = {
        "event": "query.decided",
        "agency": "sample-il-pd",
        "category": "stolen_vehicle",
        "outcome": "deny",
        "provisions": ["case_number"],
        "review": "staff",
        "replay": False,
    }
    return ref, {**said, "hour": _hour(at), **changes}


def released(ref: str, at: datetime, **changes: Any) -> Said:
    """Return a release, changed."""
    said = {
        "event": "query.released",
        "agency": "sample-il-pd",
        "category": "stolen_vehicle",
        "count_band": "1-9",
        "page": 1,
    }
    return ref, {**said, "hour": _hour(at), **changes}


def other(ref: str, at: datetime, event: str, **fields: Any) -> Said:
    """Return any other entry."""
    return ref, {"event": event, "hour": _hour(at), **fields}


def some(seed: int, number: int) -> Iterator[Said]:
    """Yield made-up entries of a few weeks, in order of time: all sorts, also what comes again and again."""
    chance, at = random.Random(seed), BEGIN  # noqa: S311  a made-up log needs no secret
    for made in range(number):
        at += timedelta(minutes=chance.randrange(120))
        ref = f"q_{chance.randrange(max(1, number // 3)):020}"
        agency, category = chance.choice(AGENCIES), chance.choice(CATEGORIES)
        match chance.randrange(9):
            case 0 | 1 | 2:
                told = chance.sample(PROVISIONS, chance.randrange(4))
                outcome = "deny" if told else "permit"
                yield decided(ref, at, agency=agency, category=category, outcome=outcome, provisions=told)
            case 3 | 4:
                yield released(ref, at, agency=agency, category=category, page=chance.randrange(1, 3))
            case 5:
                event = chance.choice(("review.asked", "review.escalated", "review.answered"))
                yield other(ref, at, event, agency=agency, provisions=[], review="staff")
            case 6:
                ruling = chance.choice(("permitted", "upheld"))
                yield other(ref, at, "review.ruled", agency=agency, provisions=[], ruling=ruling)
            case 7:
                if chance.random() < 0.5:
                    yield other(ref, at, "query.refused", reasons={"no_token": chance.randrange(1, 9)})
                else:
                    yield other(
                        ref, at, "query.refused", agency=agency, reason="sharing_stopped", stage="release"
                    )
            case _:
                yield other(f"stop_{made:020}", at, "stop.set", scope="agency", value=agency)


def write(rows: LedgerRows, said: Sequence[Said]) -> list[StoredEntry]:
    """Append the entries; what their hashes mean is another suite's subject."""
    with rows.transaction() as transaction:
        old = transaction.head()
        entries = [
            StoredEntry(
                old.size + place,
                json.dumps({"v": 1, "ref": ref, **document}).encode(),
                (old.size + place).to_bytes(32, "big"),
                document["event"],
                ref,
            )
            for place, (ref, document) in enumerate(said)
        ]
        transaction.append(entries, (), head(old.size + len(entries), old.at_ms + 1))
    return entries


def _hour(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H}Z"
