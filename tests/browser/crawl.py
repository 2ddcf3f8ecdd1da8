"""Every page that a person can come to, looked at as a reader, a small screen and a screen reader would."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect

from tests.browser.chromium import Tab

_NOT_FOLLOWED = ("/console/static/", "/console/language", "/console/sign-")
_EACH = 2  # pages of one route, with one set of parameters: the first two that are linked to
_MOST = 5  # pages of one route in all; so many of revisions, which differ by what became of them
_examined: set[str] = set()
"""The shapes of pages that axe found nothing in: another page of the same shape is not examined again."""


@dataclass
class Crawl:
    """One person's way through the console, from link to link, one or two pages for each route."""

    tab: Tab
    base: str
    routes: Map
    language: str
    reached: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def walk(self, *paths: str) -> None:
        """Visit these pages and every page that they lead to."""
        waiting, visits, most = deque(paths), Counter[tuple[str, frozenset[str]]](), Counter[str]()
        known = set(paths)
        while waiting:
            path = waiting.popleft()
            route = self._route(path)
            kind = route, frozenset(parse_qs(urlsplit(path).query))
            visits[kind] += 1
            most[route] += 1
            each = _MOST if "<revision_id>" in route else _EACH
            if visits[kind] > each or most[route] > _MOST:
                continue
            self.reached.add(route)
            for link in self.look(path):
                if link not in known:
                    known.add(link)
                    waiting.append(link)

    def look(self, path: str) -> list[str]:
        """Examine one page; return where in the console it leads."""
        answer = self.tab.open(self.base + path)
        if not answer["page"]:
            if answer["status"] != HTTPStatus.OK:
                self.faults.append(f"{path}: a link leads to an error: {answer['status']}")
            return []
        seen = self.tab.facts()
        found = [*seen["complaints"], *self._violations(seen["shape"])]
        found += [f"sticks out at 360 pixels: {what}" for what in self.tab.overflow(360)]
        found += [f"an id stands twice: {which}" for which in seen["ids"]]
        if answer["status"] >= HTTPStatus.BAD_REQUEST and self._route(path) != "none":
            found.append(f"a link leads to an error: {answer['status']}")
        if len(seen["headings"]) != 1 or not seen["headings"][0]:
            found.append(f"one h1 says what the page is, not {seen['headings']}")
        if seen["lang"] != self.language:
            found.append(f"the page says that it is in {seen['lang']!r}")
        if not seen["unscripted"]:
            found.append("without scripts the page says something else")
        self.faults += [f"{path}: {what}" for what in found]
        return [within for link in seen["links"] if (within := self._within(link))]

    def _violations(self, shape: str) -> list[str]:
        if shape in _examined:
            return []
        found = self.tab.axe()
        if not found:
            _examined.add(shape)
        return found

    def _within(self, link: str) -> str | None:
        at = urlsplit(link)
        path = at.path + (f"?{at.query}" if at.query else "")
        ours = link.startswith(f"{self.base}/console") and not path.startswith(_NOT_FOLLOWED)
        return path if ours else None

    def _route(self, path: str) -> str:
        try:
            rule, _ = self.routes.bind("gate.test").match(urlsplit(path).path, "GET", return_rule=True)
        except (HTTPException, RequestRedirect):
            return "none"
        return str(rule.rule)
