"""The pages about the law as one place: each is led to from the navigation, and each leads to the others."""

from __future__ import annotations

import re
from collections import Counter, deque
from html import unescape
from urllib.parse import urlsplit

import pytest

from gatekeeper.review.roles import ROLES, Role, may
from gatekeeper.store.policy_jobs import PolicyJobs
from tests.console.conftest import Browser
from tests.console.lawyers import FILES, RULE, Lawyers, example, governed, replay_of, reworded
from tests.console.test_routes import REACHES
from tests.exchange.city import City

POLICIES = "/console/policies"


@pytest.fixture
def lawyers(city: City) -> Lawyers:
    """Return a city whose law was changed once, with revisions in several states and a draft."""
    found = governed(city)
    ada = found.signed_in("legal", name="Ada Author")
    query = found.asked()
    found.enacted(found.ready(ada))
    found.checked(found.proposed(ada, reworded("A second")))
    third = found.checked(found.proposed(ada, reworded("A third")))
    found.replayed(third, replay_of(third, examples={"newly_denied": (example(query, 3),)}))
    PolicyJobs(city.state.database).begin(third.id, "replay", ada.made.account.id)
    return found


def _walk(lawyers: Lawyers, browser: Browser) -> dict[str, str]:
    """Follow links from the first page of the console; return a page for each route of the law."""
    routes = lawyers.app.url_map.bind("gate.test")
    known, waiting, found = set[str](), deque(["/console/"]), dict[str, str]()
    visits = Counter[tuple[str, str]]()
    while waiting:
        path = waiting.popleft()
        page = browser.client.get(path, follow_redirects=True).text
        if path.startswith(POLICIES):
            found[str(routes.match(urlsplit(path).path, "GET", return_rule=True)[0].rule)] = page
        for link in map(unescape, re.findall(r'(?:href|hx-get)="(/console/policies[^"#]*)', page)):
            rule, values = routes.match(urlsplit(link).path, "GET", return_rule=True)
            # Of each revision every page, of what there is much of (files, provisions) two.
            kind = str(rule.rule), values.get("revision_id", "")
            if link not in known and visits[kind] < 2:
                visits[kind] += 1
                known.add(link)
                waiting.append(link)
    return found


def _draft(browser: Browser) -> None:
    """Keep something in one's draft."""
    page = browser.client.get(f"{POLICIES}/draft/file?path={RULE}")
    form = max(re.findall(r"<form.*?</form>", page.text, re.DOTALL), key=len)
    kept = dict(re.findall(r'type="hidden" name="(form|base)" value="([^"]*)"', form))
    seen = re.findall(r'name="seen" value="([^"]*)"', form)[0]
    changed = {**kept, "path": RULE, "seen": seen, "text": FILES[RULE] + "\n# A remark.\n"}
    assert 303 == browser.client.post(f"{POLICIES}/draft/save", data=changed).status_code


@pytest.mark.parametrize("role", ROLES)
def test_every_page_about_the_law_is_led_to_and_leads_on(lawyers: Lawyers, role: Role) -> None:
    """For each role what it may open; the navigation of the law is on each."""
    reader = lawyers.signed_in(role, name="Pat Reader")
    if may(role, "approve_policies"):
        _draft(reader)
    found = _walk(lawyers, reader)
    open_to = {
        path
        for (method, path), act in REACHES.items()
        if method == "GET" and path.startswith(POLICIES) and may(role, act)
    }
    if not may(role, "approve_policies"):
        open_to.remove(f"{POLICIES}/draft")  # which tells them that it is none of theirs
    assert set() == open_to - found.keys()
    for rule, page in found.items():
        assert '<nav aria-label="The law">' in page, rule
        assert f'href="{POLICIES}/revisions"' in page, rule
