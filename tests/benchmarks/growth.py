"""What the log costs as it grows: appends, proofs, checkpoints, tiles, copies and verification at each size.

A log of each size is loaded at once (see ``loading``), and then read and written by the real code alone. It
is read first, at just its size. Reading a log whole is bounded: past ``WHOLE`` entries no copy is made, and
of the verification only the last ``STRETCH`` entries are read, as with ``ledger verify --since-last``.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

from gatekeeper.ledger import Ledger, Publication, Published, SigningKey
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.export import export
from gatekeeper.ledger.findings import Reached
from gatekeeper.ledger.merkle import consistency_proof, frontier_at, inclusion_proof, root
from gatekeeper.ledger.stretches import SIZE as ALIGNED
from gatekeeper.ledger.tiles import WIDTH, Roots, TileReader, path
from gatekeeper.ledger.verify import examine
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from tests.benchmarks.appending import GOAL_P99_MS, GOAL_PER_SECOND, appends
from tests.benchmarks.chart import bars
from tests.benchmarks.floor import bare_commits
from tests.benchmarks.loading import load
from tests.benchmarks.long_log import LongLog
from tests.benchmarks.timing import spent
from tests.ledger.test_published import Day, Kept
from tests.servers.postgres import cluster, programs
from tests.store.mortal import opened

SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)
KINDS: Final = ("sqlite", "postgres")
_Kind = TypeVar("_Kind")
WHOLE, STRETCH = 1_000_000, 300_000
GOAL_PROOF_MS: Final = 5
"""At ten million entries."""
_ASKED: Final = 500
_BYTES: Final = {"sqlite": 1300, "postgres": 2000}
"""Of an entry on the disk with all that belongs to it, at most."""
_SHOWN: Final = (
    "appends_per_second_at_32", "append_p99_ms_at_32", "proof_p50_ms", "proof_p99_ms", "proof_processor_ms",
    "first_proof_ms", "consistency_p50_ms", "checkpoint_p50_ms", "start_ms", "about_p50_ms", "tile_p50_ms",
    "bundle_p50_ms", "verify_per_second", "verify_processor_us_each", "export_per_second",
)  # fmt: skip


def add_to(kinds: Any) -> None:
    """Add the arguments of this benchmark."""
    asked = kinds.add_parser("growth", help="the log as it grows: appends, proofs, copies, verification")
    asked.add_argument("--sizes", type=_listed(int), default=SIZES, help="10000,100000: so many entries each")
    asked.add_argument("--databases", type=_listed(str), default=KINDS, help="sqlite,postgres")
    asked.add_argument("--seconds", type=float, default=5, help="of each number of writers")
    asked.add_argument("--out", type=Path, help="a directory for growth.json and growth.txt, the chart")


def _listed(kind: Callable[[str], _Kind]) -> Callable[[str], tuple[_Kind, ...]]:
    return lambda text: tuple(kind(one) for one in text.split(","))


def measure(sizes: Sequence[int], kinds: Sequence[str], seconds: float, out: Path | None) -> dict[str, Any]:
    """Measure each size on each kind of database; *seconds* of appends by each number of writers.

    With *out*, what was found so far stands there as ``growth.json`` and ``growth.txt`` after each size.
    """
    found: dict[str, Any] = {
        "goals": {
            "appends_per_second_at_32": GOAL_PER_SECOND,
            "append_p99_ms_at_32": GOAL_P99_MS,
            f"proof_p99_ms_at_{SIZES[-1]}": GOAL_PROOF_MS,
        }
    }
    for kind in kinds:
        if kind == "postgres" and programs() is None:
            continue
        found[kind] = {"sizes": {}}
        for size in sorted(sizes):
            with database(kind, size) as (url, place):
                found[kind]["sizes"][str(size)] = _measured(url, place, size, seconds)
            found[kind]["growth"] = _growth(found[kind]["sizes"])
            found["chart"] = [
                line for one in kinds if one in found for line in _chart(one, found[one]["sizes"])
            ]
            if out is not None:
                _write(out, found)
    return found


def _measured(url: str, place: Path, size: int, seconds: float) -> dict[str, Any]:
    log = LongLog(size)
    began, processor = time.monotonic(), time.process_time()
    load(url, log)
    found: dict[str, Any] = {
        "load_per_second": round(size / (time.monotonic() - began)),
        "load_processor_us_each": round((time.process_time() - processor) / size * 1e6, 1),
    }
    found |= _reading(url, place, size)
    bare = bare_commits(place / "bare.db", min(seconds, 2))
    found["bare_durable_commits_per_second"] = round(bare)
    found["appends"] = appends(url, place, seconds)
    most = found["appends"]["32"]
    return found | {
        "appends_per_second_at_32": most["per_second"],
        "appends_at_32_of_bare_commits": round(most["per_second"] / bare, 2),
        "append_p99_ms_at_32": most["p99_ms"],
    }


@contextmanager
def database(kind: str, size: int) -> Iterator[tuple[str, Path]]:
    """Yield the URL of a migrated database, and a directory; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-growth-") as directory:
        place = Path(directory)
        _refuse_without_room(place, size * _BYTES[kind])
        if kind == "sqlite":
            url = f"sqlite:///{place / 'state.db'}"
            _migrate(url)
            yield url, place
            return
        with cluster() as made:
            url = made.create("growth")
            _migrate(url)
            yield url, place


def _migrate(url: str) -> None:
    with closing(Database.open(url)) as database:
        database.migrate()


def _refuse_without_room(place: Path, wanted: int) -> None:
    free = shutil.disk_usage(place).free
    if free < wanted + 2**30:
        raise SystemExit(
            f"{place.parent} has {free >> 20} MiB free, and {(wanted >> 20) + 1024} are wanted: "
            "set TMPDIR, or leave the largest of --sizes out"
        )


def _reading(url: str, place: Path, size: int) -> dict[str, Any]:
    began = time.perf_counter()
    database, rows, ledger, key = opened(url, place)
    start_ms = (time.perf_counter() - began) * 1000
    with closing(database):
        checkpoint = ledger.checkpoint()
        return {
            "start_ms": round(start_ms, 2),
            **_proofs(rows, ledger, size),
            **_published(rows, key, size, place),
            **_verified(rows, key, size, checkpoint),
        }


def _proofs(rows: LedgerRows, ledger: Ledger, size: int) -> dict[str, Any]:
    dice = random.Random(size)  # noqa: S311  a benchmark's dice
    indices = [dice.randrange(size) for _ in range(_ASKED)]
    roots: Roots = {}
    entries = [rows.entry(index) for index in indices[:100]]
    return {
        "first_proof_ms": spent("", ledger.receipt_for, indices[:1])["_p50_ms"],
        **spent("proof", lambda i: inclusion_proof(i, size, TileReader(rows, roots).node), indices),
        **spent("consistency", lambda i: consistency_proof(i, size, TileReader(rows, roots).node), indices),
        **spent("receipt", ledger.receipt_for, indices),
        **spent("checkpoint", lambda _: ledger.checkpoint(), indices),
        **spent("about", ledger.entries_of, [one.ref for one in entries if one is not None]),
    }


def _published(rows: LedgerRows, key: SigningKey, size: int, place: Path) -> dict[str, Any]:
    published = Published(rows, Publication(rows, key, Kept(), Day().now, 0).latest)
    dice = random.Random(size)  # noqa: S311  a benchmark's dice
    numbers = [dice.randrange(size // WIDTH) for _ in range(_ASKED)] if size >= WIDTH else []
    found = {
        **spent("tile", published.file, [path(0, number) for number in numbers]),
        **spent("bundle", published.file, [path("entries", number) for number in numbers]),
    }
    if size <= WHOLE:
        began = time.monotonic()
        export(published, rows, key.verifier, place / "public")
        found["export_per_second"] = round(size / (time.monotonic() - began))
        shutil.rmtree(place / "public")
    return found


def _verified(rows: LedgerRows, key: SigningKey, size: int, checkpoint: str) -> dict[str, Any]:
    start = 0 if size <= WHOLE else (size - STRETCH) // ALIGNED * ALIGNED
    since = None if start == 0 else _reached(rows, start)
    began, processor = time.monotonic(), time.process_time()
    examined = examine(rows, key.vkey, kept=[checkpoint], since=since)
    seconds, processor = time.monotonic() - began, time.process_time() - processor
    if examined.findings or examined.reached.size != size:
        raise RuntimeError(f"the log does not verify: {examined.findings[:3]}")
    return {
        "verified_from": start,
        "verify_per_second": round((size - start) / seconds),
        "verify_processor_us_each": round(processor / (size - start) * 1e6, 1),
    }


def _reached(rows: LedgerRows, size: int) -> Reached:
    """Return what an earlier verification of so many entries would have left."""
    last = rows.entry(size - 1)
    if last is None:
        raise RuntimeError("the log was not loaded")
    frontier = frontier_at(size, TileReader(rows).node)
    return Reached(size, root(frontier), str(decoded(last.entry)["hour"]), {})


# --- What is shown. ---------------------------------------------------------------------------------------


def _growth(sizes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[float]]:
    """Return by how much each figure changed from one size to the next: 1 is not at all."""
    shown = {name: list(_values(name, sizes).values()) for name in _SHOWN}
    return {
        name: [round(after / before, 2) for before, after in pairwise(values)]
        for name, values in shown.items()
        if len(values) > 1 and all(values)
    }


def _chart(kind: str, sizes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name in _SHOWN:
        if values := _values(name, sizes):
            yield from bars(f"{kind}: {name}", values)


def _values(name: str, sizes: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {size: one[name] for size, one in sizes.items() if name in one}


def _write(out: Path, found: Mapping[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "growth.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    (out / "growth.txt").write_text("\n".join(found["chart"]) + "\n", "utf-8")
