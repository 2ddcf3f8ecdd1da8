"""One term more, one less or another one in the text of the lexicon, and nothing else changed in it.

The file is legal's own, compared line by line by whoever approves it, so only the list that the term stands
in is written anew, in the file's own manner. Guarantees: what comes out says exactly what the old text says,
with that one change; it fits its schema and can be compiled; else nothing is changed, and the reason is said.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import jsonschema_rs

from gatekeeper.errors import BundleRefused, NotDone
from gatekeeper.exchange.lexicon import Lexicon

PATH: Final = "data/lexicon.json"
SCHEMA: Final = "schema/lexicon.json"
LISTS: Final = ("en", "es", "not_in")
"""The lists of a class: its terms by language, and the contexts in which they are not meant."""
CRIME_CLASSES: Final = "crime_classes"
_WIDTH: Final = 110
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()

List = Literal["en", "es", "not_in"]


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """A term, or a context, where it stands; ``group`` is classes, crimes or crime_classes."""

    group: str
    name: str
    list: str
    text: str

    @property
    def place(self) -> tuple[str, ...]:
        """Return the keys that lead to its list."""
        head = (self.group,) if self.group == CRIME_CLASSES else (self.group, self.name)
        return (*head, self.list) if self.list == "not_in" else (*head, "terms", self.list)


def document_of(text: str) -> dict[str, Any]:
    """Return what a lexicon says. Raises NotDone if it is no JSON object."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise NotDone([("", "The lexicon in your working copy is not JSON. Mend it in the editor first.")])
    return document


def groups_of(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return every class of words: its group, its name, and what the lexicon says it is for."""
    found = []
    for group in ("classes", "crimes"):
        classes = document.get(group)
        for name, said in classes.items() if isinstance(classes, dict) else ():
            found.append((group, str(name), _about(said)))
    if CRIME_CLASSES in document:
        found.append((CRIME_CLASSES, "", _about(document[CRIME_CLASSES])))
    return found


def terms_of(document: Mapping[str, Any]) -> Iterator[Term]:
    """Yield every term and context, in the order of the file."""
    for group, name, _ in groups_of(document):
        for one in LISTS:
            place = Term(group, name, one, "").place
            yield from (Term(group, name, one, text) for text in _listed(document, place))


def tidy(typed: str) -> str:
    """Return a term as the lexicon writes it: small letters without accents, single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", typed.lower()) if not unicodedata.combining(c))
    return " ".join(bare.split())


def changed(text: str, schema: str | None, before: Term | None, after: Term | None) -> str:
    """Return the lexicon with *before* (None: nothing) replaced by *after* (None: nothing).

    Raises NotDone with what is wrong: of the field "term", or of the whole.
    """
    document = document_of(text)
    wanted = json.loads(text)
    if before is not None:
        listed = _own_list(wanted, before)
        if before.text not in listed:
            raise NotDone([("", "Somebody took this term out meanwhile. Look again.")])
        at = listed.index(before.text)
        listed.remove(before.text)
    else:
        at = None
    if after is not None:
        listed = _own_list(wanted, after)
        if after.text in listed:
            raise NotDone([("term", "This term is there already.")])
        same = before is not None and before.place == after.place
        listed.insert(at if same and at is not None else len(listed), after.text)
    _check(wanted, schema, after)
    for place in {one.place for one in (before, after) if one is not None}:
        text = _rewritten(text, place, _at(wanted, place))
    if json.loads(text) != wanted or document == wanted:
        raise NotDone([("", "The lexicon could not be changed. Change it in the editor.")])
    return text


def _check(document: Mapping[str, Any], schema: str | None, term: Term | None) -> None:
    """Raise NotDone if what the lexicon would say is not a lexicon."""
    try:
        validator = None if schema is None else jsonschema_rs.validator_for(json.loads(schema))
    except (ValueError, jsonschema_rs.ValidationError):
        validator = None
    if validator is not None and not validator.is_valid(document):
        said = (
            "A term is words in small letters with single spaces, without punctuation: deport* is any word "
            "that begins so, *immigration* is found inside words too, {person} is each word of that set; in "
            "a context ~ stands for any term of the class."
        )
        raise NotDone([("term" if term is not None else "", said)])
    try:
        Lexicon.load(document)
    except BundleRefused as refused:
        raise NotDone([("term" if term is not None else "", fault) for fault in refused.faults]) from None


def _about(said: Any) -> str:
    about = said.get("about") if isinstance(said, dict) else None
    return about if isinstance(about, str) else ""


def _at(document: Any, place: Sequence[str]) -> Any:
    for key in place:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _listed(document: Mapping[str, Any], place: Sequence[str]) -> list[str]:
    found = _at(document, place)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _own_list(document: dict[str, Any], term: Term) -> list[Any]:
    found = _at(document, term.place)
    if not isinstance(found, list):
        raise NotDone([("class", "The lexicon has no such class.")])
    return found


# --- The text. --------------------------------------------------------------------------------------------


def _rewritten(text: str, place: Sequence[str], items: Sequence[str]) -> str:
    """Return *text* with the list at *place* written anew."""
    start, end = _span(text, place)
    line = text.rfind("\n", 0, start) + 1
    indent = len(text) - len(text[line:].lstrip(" ")) - line
    quoted = [json.dumps(item, ensure_ascii=False) for item in items]
    flat = f"[{', '.join(quoted)}]"
    # A list that was written over several lines stays so.
    if start - line + len(flat) < _WIDTH and "\n" not in text[start:end]:
        return text[:start] + flat + text[end:]
    inner = " " * (indent + 2)
    lines: list[str] = []
    for number, one in enumerate(quoted):
        item = one if number == len(quoted) - 1 else f"{one},"
        if lines and len(lines[-1]) + 1 + len(item) <= _WIDTH:
            lines[-1] += f" {item}"
        else:
            lines.append(f"{inner}{item}")
    return f"{text[:start]}[\n{chr(10).join(lines)}\n{' ' * indent}]{text[end:]}"


def _span(text: str, place: Sequence[str]) -> tuple[int, int]:
    """Return where the value at *place* stands in *text*, which is JSON and has one."""
    at = _space(text, 0)
    for wanted in place:
        at = _value_of(text, at, wanted)
    return at, _DECODER.raw_decode(text, at)[1]


def _value_of(text: str, at: int, wanted: str) -> int:
    """Return where the value of a key stands, in the object that begins at *at*."""
    at = _space(text, at + 1)
    while True:
        key, at = _DECODER.raw_decode(text, at)
        at = _space(text, _space(text, at) + 1)
        if key == wanted:
            return at
        at = _space(text, _DECODER.raw_decode(text, at)[1])
        at = _space(text, at + 1)


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
