"""Every text of the console, taken out of its code and templates: ``make texts`` writes them into es.po.

A text is what ``say``, ``later``, ``_`` or ``{% trans %}`` marks; a sentence in ``review``, ``oversight`` or
``exchange`` that a person is told (``say`` shows it); and each code of ours, as ``words`` writes it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from gatekeeper.exchange.bodies import CATEGORIES, PROCESS_KINDS, SERVED_KINDS
from gatekeeper.exchange.rephrased import PARTS
from gatekeeper.ledger.entries import EVENTS
from gatekeeper.ledger.stops import KINDS, SCOPES
from gatekeeper.policy import shipped_policies
from gatekeeper.policy.provisions import REVIEWS
from gatekeeper.review.queue import DONE, WAITING
from gatekeeper.review.roles import ROLES
from gatekeeper.revisions.report import STEPS
from gatekeeper.web.console.languages import TRANSLATIONS
from gatekeeper.web.console.revision_facts import STATES

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "gatekeeper"
CONSOLE: Final = PACKAGE / "web" / "console"
SPANISH: Final = TRANSLATIONS / "es.po"
KEYWORDS: Final[dict[str, Any]] = {"say": None, "later": None, "_": None, "gettext": None, "ngettext": (1, 2)}
TOLD: Final = (
    "review/**/*.py",
    "oversight/**/*.py",
    "revisions/approval.py",
    "revisions/lifecycle.py",
    "revisions/drafts.py",
    "revisions/examiner.py",
    "exchange/documents.py",
    "exchange/containers.py",
)
"""Modules whose faults a person is told; their sentences are marked by being sentences."""
_SENTENCE: Final = re.compile(r"(?:[A-Z“]|%\()[^\n]* [^\n]*[.?!]")

_LEXICON: Final = json.loads((shipped_policies() / "data" / "lexicon.json").read_text(encoding="utf-8"))

CODES: Final = sorted(
    {
        *_LEXICON["classes"], *_LEXICON["crimes"],
        *ROLES, *CATEGORIES, *PARTS,
        *PROCESS_KINDS, *SERVED_KINDS, *KINDS, *SCOPES, *REVIEWS, *WAITING, *DONE,
        *(event.partition(".")[2] for event in EVENTS if event.startswith("review.")),
        "permit", "deny", "proposed", "accepted", "rejected", "active", "suspended", "closed", "removed",
        *STATES, "superseded", *STEPS, *STEPS.values(),
        "affirmation", "declaration", "in_force", "lapsed", "not_yet",
    }
)  # fmt: skip
"""Every code of ours that a page shows as words."""

Text = str | tuple[str, ...]


def texts() -> dict[Text, list[str]]:
    """Return every text, with the files that it stands in."""
    found: dict[Text, list[str]] = {}
    for place, text in [*_marked(), *_sentences(), *(("codes", code.replace("_", " ")) for code in CODES)]:
        found.setdefault(text, [])
        if place not in found[text]:
            found[text].append(place)
    return found


def _marked() -> Iterator[tuple[str, Text]]:
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    options = {"**/templates/**.html": {"trimmed": "true", "silent": "false", "encoding": "utf-8"}}
    for file, _, text, _, _ in extract_from_dir(CONSOLE, methods, options, KEYWORDS):
        yield f"web/console/{file}", text


def _sentences() -> Iterator[tuple[str, Text]]:
    for modules in TOLD:
        for file in sorted(PACKAGE.glob(modules)):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for text in _said(tree):
                if _SENTENCE.fullmatch(text):
                    yield file.relative_to(PACKAGE).as_posix(), text


def _said(tree: ast.Module) -> Iterable[str]:
    """Yield every string of a module that is no docstring and no part of a longer one."""
    skipped = {
        id(part)
        for node in ast.walk(tree)
        for part in (
            node.values
            if isinstance(node, ast.JoinedStr)
            else [node.value]
            if isinstance(node, ast.Expr)
            else []
        )
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def spanish() -> Catalog:
    """Return the Spanish texts."""
    with SPANISH.open("rb") as opened:
        return read_po(opened, locale="es")


def write(to: IO[bytes], catalog: Catalog) -> None:
    """Write a catalogue as it is kept: by files, without line numbers, which would always differ."""
    write_po(to, catalog, width=110, no_location=False, include_lineno=False, ignore_obsolete=True)


def main() -> None:
    """Bring es.po up to date: new texts are added, empty; texts that are gone are dropped."""
    template = Catalog(locale="es", project="gatekeeper", charset="utf-8")
    for text, places in sorted(texts().items(), key=lambda found: (found[1][0], str(found[0]))):
        template.add(text, locations=[(place, 0) for place in places])
    kept = spanish() if SPANISH.exists() else Catalog(locale="es", project="gatekeeper", charset="utf-8")
    template.creation_date = kept.creation_date  # or every run would change the file
    kept.update(template, no_fuzzy_matching=True, update_header_comment=False)
    with SPANISH.open("wb") as opened:
        write(opened, kept)
    empty = [message.id for message in kept if message.id and not message.string]
    print(f"{SPANISH.relative_to(ROOT)}: {len(kept)} texts, {len(empty)} without a translation")


if __name__ == "__main__":
    main()
