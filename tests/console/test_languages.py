"""English and Spanish: every text has its translation, every code its words, and none stands outside."""

from __future__ import annotations

import re
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from gatekeeper.policy import RelatedResource
from gatekeeper.policy.cases import read_cases
from gatekeeper.policy.sections import written_tests
from gatekeeper.policy.statutes import Statute, read_statutes
from gatekeeper.review.roles import ROLES
from gatekeeper.web.console import languages, pages
from gatekeeper.web.console.languages import LANGUAGES, language, translations
from tests.console import texts
from tests.console.conftest import Staffed
from tests.console.test_acts import WHY

PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]")
TAG: Final = re.compile(r"</?\w+[^>]*>")


def _forms(text: object) -> tuple[str, ...]:
    return tuple(map(str, text)) if isinstance(text, tuple | list) else (str(text),)


def test_every_text_is_in_spanish() -> None:
    """None is missing, empty or a guess, and none is left of a page that is gone: see `make texts`."""
    kept = {_forms(m.id): m for m in texts.spanish() if m.id}
    assert {_forms(text) for text in texts.texts()} == kept.keys()
    assert [] == [text for text, m in kept.items() if not all(_forms(m.string)) or m.fuzzy]


def test_translations_take_the_same_values_and_the_same_marks() -> None:
    """A value that is missing would be shown to nobody; one too many would be an error of the page."""
    wrong = []
    for message in texts.spanish():
        if not message.id:
            continue
        plural, said = _forms(message.id)[-1], _forms(message.string)
        for pattern in (PLACEHOLDER, TAG):
            wrong += [
                (plural, one)
                for one in said
                if sorted(pattern.findall(plural)) != sorted(pattern.findall(one))
            ]
    # The form for one may say so in a word.
    assert [] == [(text, one) for text, one in wrong if not re.search(r"\b(una|el último)\b", one)]


def test_every_code_of_ours_has_its_words() -> None:
    """A role, a state or a category is not shown in English, but where both are the same."""
    spanish = translations("es")
    same = {"federal", "local", "tribal", "no", "sexual"}
    assert [] == [c for c in texts.CODES if spanish.gettext(w := c.replace("_", " ")) == w and c not in same]


@pytest.mark.parametrize(
    ("accepted", "chosen", "expected"),
    [
        ("es-US,es;q=0.9", "", "es"),
        ("es-MX", "en", "en"),
        ("fr", "", "en"),
        ("", "es", "es"),
        ("en;q=0.1, es;q=0.9", "", "es"),
        ("es", "../../etc/passwd", "es"),
        ("*", "", "en"),
    ],
)
def test_a_person_reads_the_language_they_chose_or_their_browsers(
    staffed: Staffed, accepted: str, chosen: str, expected: str
) -> None:
    """What is not offered is English."""
    headers = {"Accept-Language": accepted, "Cookie": f"gatekeeper_language={chosen}"}
    with staffed.app.test_request_context("/console/", headers=headers):
        assert expected == language()
    assert expected in LANGUAGES


class _Brackets(NullTranslations):
    """A language in which every text stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


class _Reading(HTMLParser):
    """Collects what a page says to a person, but for what is quoted by its nature, as code and times."""

    _UNREAD: Final = frozenset({"code", "pre", "textarea", "time", "script", "style"})
    _VOID: Final = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        quoted = tag in self._UNREAD or given.get("translate") == "no"
        if tag not in self._VOID:
            self._open.append("quoted" if quoted else tag)
        if not quoted and "quoted" not in self._open:
            self.said += [given[name] or "" for name in ("aria-label", "placeholder", "alt") if name in given]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs  # a drawing's own elements say nothing

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if "quoted" not in self._open:
            self.said.append(data)


def _happened(staffed: Staffed) -> None:
    """Let things happen, so that pages have something to show."""
    clerk = staffed.signed_in("records", name="Alma Clerk")
    asked = {act: staffed.asked() for act in ("ask", "note", "escalate", "uphold", "rule")}
    for act, query in asked.items():
        clerk.does(query, act, reason=WHY, provision="stated_reason")
    staffed.asked(purpose__narrative="HSI, homicide suspect", purpose__offense="09A")
    page = clerk.client.get(f"/console/reviews/{asked['uphold']}/case")
    form = {"form": clerk.token(page), "act": "propose", "title": "An idle reason"}
    assert 303 == clerk.client.post(f"/console/reviews/{asked['uphold']}/case", data=form).status_code


def _quoted(staffed: Staffed) -> list[str]:
    """Return what pages quote: the law's own words, names, what people typed, and names of things of ours."""
    bundle = staffed.city.gate.engine.bundle
    said: list[object] = [
        text
        for p in bundle.written.values()
        for text in (p.title, p.citation, p.message, p.remedy, p.description)
    ]
    said += [text for p in bundle.written.values() for one in p.related_resources for text in _both(one)]
    said += [text for statute in read_statutes(bundle.files) for text in _both(statute)]
    paragraphs = [one for statute in read_statutes(bundle.files) for one in statute.paragraphs]
    said += [text for one in paragraphs for text in (one.says, one.cited_at, one.without_rule)]
    packs: Any = bundle.data["pack"]
    said += [pack["law"] for pack in packs.values()]
    said += [test.says for source in bundle.tests.values() for test in written_tests(source)]
    said += [case.name.replace("-", " ") for case in read_cases(bundle.files, bundle.written)[0]]
    lexicon: Any = bundle.data["lexicon"]
    said += [part["about"] for kind in ("classes", "crimes") for part in lexicon[kind].values()]
    names = [text for agency in staffed.city.state.registry.agencies() for text in (agency.id, agency.name)]
    people = ["Pat Sample", "Alma Clerk", "Pat Example", "Sam Sample", "Chief (sample)", "test"]
    typed = [WHY, "An idle reason", "investigation", "HSI, homicide suspect", "HSI", "homicide", "suspect"]
    typed += ["Auto theft", "ILCS", "Motor Vehicle Theft", "Murder and Nonnegligent Manslaughter"]
    ours = ["Gatekeeper", "Ch", "English", "Español", "UTC", "ORI", "CSV", "JSON", "PDF"]
    public = ["deny", "staff", "none"]  # what an entry of the log says, as it stands there
    found = {
        re.sub(r"\s+", " ", str(text)).strip()
        for text in (*said, *names, *people, *typed, *ours, *public)
        if text
    }
    return sorted(found, key=len, reverse=True)


def _both(of: Statute | RelatedResource) -> tuple[str, str]:
    return (of.title, of.citation) if isinstance(of, Statute) else (of.ref, of.description)


def _walk(client: FlaskClient, start: str) -> dict[str, str]:
    """Return every page that links lead to from here, by its address; a few of each kind."""
    found: dict[str, str] = {}
    waiting, kinds = [start], dict[str, int]()
    while waiting:
        path = waiting.pop(0)
        kind = re.sub(r"/(q_|case_|stop_)?[a-z0-9]*\d[a-z0-9_]*|=[^&]*", "/*", path)
        kinds[kind] = kinds.get(kind, 0) + 1
        if path in found or kinds[kind] > 3:
            continue
        answer = client.get(path, follow_redirects=True)
        if not answer.content_type.startswith("text/html"):
            continue
        found[path] = answer.text
        links = re.findall(r'<a [^>]*href="(/console/[^"#]*)', answer.text)
        waiting += [link.replace("&amp;", "&") for link in links]
    return found


def _unmarked(page: str, quoted: list[str]) -> list[str]:
    """Return the words of a page that stand outside of every text, and are not quoted, whole or in part."""
    reading = _Reading()
    reading.feed(page)
    said = re.sub(r"\s+", " ", " ".join(reading.said))
    said = re.sub(r"⟦[^⟦⟧]*(?:⟦[^⟦⟧]*⟧[^⟦⟧]*)*⟧", " ", said)
    for text in (text for text in quoted if len(text) > 8 and " " in text):
        said = said.replace(text, " ")
    # An id, the name of an event or of a fact; a postal abbreviation; a date, which Babel writes.
    said = re.sub(r"\S*(?:\d|\w[._]\w)\S*|\b[A-Z]{2}\b|\b[A-Z][a-z]{2} \d+", " ", said)
    for text in quoted:
        said = said.replace(text, " ")
    left = re.findall(r"[^\W\d_]{2,}(?: [^\W\d_]{2,})*", said)
    return [words for words in left if len(words) < 8 or not any(words in text for text in quoted)]


def test_no_text_stands_outside_of_the_catalogue(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """But what agencies and staff typed, and what the law says of itself: those are quoted."""
    _happened(staffed)
    for place in (pages, languages):
        monkeypatch.setattr(place, "translations", lambda _: _Brackets())
    pages._environment.cache_clear()
    try:
        seen: dict[str, str] = {}
        for role in ROLES:
            browser = staffed.signed_in(role)
            for start in ("/console/", "/console/no-such", "/console/sign-in"):
                seen |= {f"{role} {path}": text for path, text in _walk(browser.client, start).items()}
    finally:
        pages._environment.cache_clear()
    wrong = {path: left for path, text in seen.items() if (left := _unmarked(text, _quoted(staffed)))}
    assert not wrong, "\n".join(f"{path}: {left}" for path, left in wrong.items())
    assert len(seen) > 40
