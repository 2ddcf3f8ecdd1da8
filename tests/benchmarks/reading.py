"""The screen by itself: how long it reads usual requests and the worst texts, and what it gets wrong."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from gatekeeper.exchange.screen import screen
from tests.law.flawless import Desk

LISTS = Path(__file__).resolve().parents[1] / "law" / "reasons"
USUAL = {
    "narrative": "Stolen Honda Civic, taken from Ridge Ave overnight",
    "case_number": "25-10494",
    "statute": "625 ILCS 5/4-103",
    "requester.name": "Pat Example",
    "requester.badge": "4411",
    "requester.unit": "Auto theft",
}
WORST = {
    "one name": "ICE ",
    "usual words": "stolen honda-civic 25-1234, ",
    "accents": "\u00e9",
    "digits": "1",
    "marks": ".",
    "dotted letters": "a.",
    "invisible": "\u200b",
    "misspelt": "deportatoin ",
    "terms with contexts": "protest shooting ",
    "contexts without terms": "stabbing at ",
}
_LONG = 100_000


def measure() -> dict[str, Any]:
    """Return the milliseconds that the screen takes: p50 of a usual request, and of 100 KB of anything."""
    lexicon = Desk().lexicon
    texts = {name: (unit * _LONG)[:_LONG] for name, unit in WORST.items()}
    return {
        "usual_request_ms": _p50(lambda: screen(USUAL, lexicon), 3000),
        "worst_100_kb_ms": {
            name: _p50(lambda text=text: screen({"narrative": text}, lexicon), 21)  # type: ignore[misc]
            for name, text in texts.items()
        },
    }


def judge() -> dict[str, Any]:
    """Return, for each list of labelled reasons, what was decided otherwise than it should be."""
    desk = Desk()
    return {path.stem: mistakes(path, desk) for path in sorted(LISTS.glob("*.csv"))}


def mistakes(path: Path, desk: Desk) -> dict[str, Any]:
    """Return the forbidden reasons of one list that are permitted, and the lawful ones that are held."""
    permitted, held, lawful = [], [], 0
    rows = list(labelled(path))
    for text, label in rows:
        if label == "legitimate":
            lawful += 1
            if not desk.permits(text):
                held.append(text)
        elif desk.permits(text):
            permitted.append(text)
    return {
        "forbidden": len(rows) - lawful,
        "forbidden_permitted": permitted,
        "legitimate": lawful,
        "legitimate_permitted_percent": round(100 * (1 - len(held) / max(1, lawful)), 1),
        "legitimate_held": held,
    }


def labelled(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (text, label) of a list."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["text"], row["label"]


def _p50(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return round(median(taken) * 1000, 4)
