"""What was typed, as text, with the words that the screen matched marked in it.

Guarantees: every part of what an agency typed is escaped, marked or not; a position that does not fit the
text marks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from gatekeeper.exchange.lexicon import BY_CLASS, SPECIFIC
from gatekeeper.ledger import Json
from gatekeeper.web.console.languages import later, say

_SUPPORTING: Final[Mapping[str, str]] = {
    SPECIFIC: later("Words that name what happened, which every request must say."),
    BY_CLASS: later("Words that name a class of crimes, which is enough beside an offense code."),
}
"""What the lexicon does not describe: the one kind of words that can help a request."""

LABELS: Final[Mapping[str, str]] = {
    "narrative": later("In the officer's words"),
    "case_number": later("Case number"),
    "statute": later("Statute"),
    "requester.name": later("Officer"),
    "requester.badge": later("Badge"),
    "unit": later("Unit"),
    "on_behalf_of.agency": later("On behalf of: agency"),
    "on_behalf_of.component": later("On behalf of: component"),
    "on_behalf_of.person": later("On behalf of: person"),
    "legal_process.form": later("Paper: form"),
    "legal_process.court": later("Paper: court"),
    "legal_process.judge": later("Paper: judge"),
    "legal_process.number": later("Paper: number"),
    "legal_process.statute": later("Paper: statute"),
    "legal_process.kind": later("Paper: kind"),
    "document": later("Name of a document"),
}
"""What a page calls the fields in which a person may have typed words, by the screen's names for them."""


class Typed(NamedTuple):
    """One field: its name, what the page calls it, and what was typed.

    ``appeal``: None for what stands in the request now; 0 for what stood there at first, and was replaced;
    else the number of the appeal that it came with.
    """

    name: str
    label: str
    text: Markup
    appeal: int | None


class Meaning(NamedTuple):
    """A class of words that was found: its name, and what the law's data says that it means."""

    name: str
    about: str


def typed_fields(words: Mapping[str, str], matches: Sequence[Mapping[str, Json]]) -> list[Typed]:
    """Return every typed field with its matches marked, what was replaced or added later among them."""
    fields = []
    for name, text in words.items():
        field, _, came = name.partition("#")
        appeal = int(came.partition(".")[0]) if came else None
        fields.append(Typed(field, LABELS.get(field, field), marked(text, _spans(name, matches)), appeal))
    return fields


def meanings(matches: Sequence[Mapping[str, Json]], lexicon: Any) -> list[Meaning]:
    """Return what each class that was found means, in the words of the law's own data."""
    parts = lexicon if isinstance(lexicon, dict) else {}
    known = parts.get("classes", {})
    found = sorted({str(match["class"]) for match in matches})
    return [Meaning(name, str(known[name]["about"]) if name in known else _own(name)) for name in found]


def _own(name: str) -> str:
    return say(_SUPPORTING[name]) if name in _SUPPORTING else ""


def marked(text: str, spans: Sequence[tuple[int, int, str]]) -> Markup:
    """Return *text* escaped, with the spans (from, to, class) marked; of two that overlap the first."""
    made, at = Markup(), 0
    for start, end, name in sorted(spans):
        if not at <= start < end <= len(text):
            continue
        made += escape(text[at:start])
        made += Markup('<mark>{}</mark> <span class="meaning">({})</span>').format(
            text[start:end], say(name.replace("_", " "))
        )
        at = end
    return made + escape(text[at:])


def _spans(field: str, matches: Sequence[Mapping[str, Json]]) -> list[tuple[int, int, str]]:
    return [*_each(field, matches)]


def _each(field: str, matches: Sequence[Mapping[str, Json]]) -> Iterator[tuple[int, int, str]]:
    for match in matches:
        start, end = match.get("start"), match.get("end")
        if match.get("field") == field and isinstance(start, int) and isinstance(end, int):
            yield start, end, str(match.get("class"))
