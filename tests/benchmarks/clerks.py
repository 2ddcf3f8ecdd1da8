"""Clerks at work: each opens a page, reads for a while, opens the next; what a page took is noted by kind."""

from __future__ import annotations

import html
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests

QUEUE = "/console/reviews"
PATIENCE_S = 30
LONGEST_REST_S = 10.0
"""Shorter than the gate holds a connection that nobody uses."""

_NEXT = re.compile(r'href="([^"]+)" rel="(?:next|prev)"')
_TOKEN = re.compile(r'name="form" value="([0-9a-f]{64})"')
_PICK = re.compile(r'name="pick"[^>]* value="([^":]+):([^"]*)"')


@dataclass
class Times:
    """How long the pages took, by kind, and which of them failed."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float, *, good: bool) -> None:
        """Note one page."""
        with self._lock:
            self.taken[kind].append(seconds)
            self.failed[kind] += not good

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the percentiles of each kind in milliseconds, the slowest kind first."""
        found = {}
        for kind, taken in self.taken.items():
            taken.sort()
            found[kind] = {
                "pages": len(taken),
                **{f"p{part}_ms": _percentile(taken, part) for part in (50, 95, 99)},
                "failed": self.failed[kind],
            }
        return dict(sorted(found.items(), key=lambda each: -each[1]["p95_ms"]))


def _percentile(ordered: Sequence[float], part: int) -> float:
    return round(1000 * ordered[min(len(ordered) - 1, len(ordered) * part // 100)], 1)


@dataclass
class Clerk:
    """One person with a browser, who goes through the kinds of page in an order of their own."""

    base_url: str
    cookie: str
    number: int
    filters: Sequence[Mapping[str, str]]
    opened: Sequence[str]
    known: Sequence[str]
    times: Times
    shown: str = ""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.number)  # noqa: S311  dice
        self._browser = requests.Session()
        self._browser.cookies.set("gatekeeper", self.cookie)

    def work(self, until: float, think_s: float) -> None:
        """Open pages until then; *think_s* is how long each is read, on the average."""
        kinds: list[Callable[[], None]] = [
            *[self._queue] * 2, *[self._page] * 4, *[self._filter] * 5, *[self._open] * 3,
            *[self._search] * 2, self._assign,
        ]  # fmt: skip
        self._rest(think_s, until)
        while time.monotonic() < until:
            self._dice.choice(kinds)()
            self._rest(think_s, until)

    def _rest(self, think_s: float, until: float) -> None:
        if think_s:
            rest = min(self._dice.expovariate(1 / think_s), LONGEST_REST_S, until - time.monotonic())
            time.sleep(max(0.0, rest))

    def _get(self, kind: str, path: str) -> str:
        begun = time.perf_counter()
        answer = self._browser.get(self.base_url + path, timeout=PATIENCE_S, allow_redirects=False)
        self.times.note(kind, time.perf_counter() - begun, good=answer.status_code in (200, 303))
        return answer.text

    def _queue(self) -> None:
        self.shown = self._get("queue", QUEUE)

    def _page(self) -> None:
        way = _NEXT.findall(self.shown)
        if way:
            self.shown = self._get("another_page", html.unescape(self._dice.choice(way)))
        else:
            self._queue()

    def _filter(self) -> None:
        chosen = self._dice.choice(self.filters)
        self.shown = self._get(f"filter: {urlencode(chosen)}", f"{QUEUE}?{urlencode(chosen)}")

    def _search(self) -> None:
        beginning = self._dice.choice(self.known)[: self._dice.randint(4, 12)]
        self._get("search", f"{QUEUE}/search?{urlencode({'q': beginning})}")

    def _open(self) -> None:
        self._get("request", f"{QUEUE}/{self._dice.choice(self.opened)}")

    def _assign(self) -> None:
        picks, token = _PICK.findall(self.shown), _TOKEN.search(self.shown)
        if not picks or token is None:
            self._queue()
            return
        query_id, seen = self._dice.choice(picks)
        form = {"form": token[1], "pick": f"{query_id}:{seen}", "to": "nobody" if seen else "me"}
        begun = time.perf_counter()
        answer = self._browser.post(
            f"{self.base_url}{QUEUE}/assign", data=form, timeout=PATIENCE_S, allow_redirects=False
        )
        # 409: a colleague was first, and this one is told.
        good = answer.status_code in (303, 409)
        self.times.note("assign", time.perf_counter() - begun, good=good)
        self.shown = ""


def at_work(clerks: Sequence[Clerk], seconds: float, think_s: float) -> None:
    """Let them all work for that long."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=clerk.work, args=(until, think_s)) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
