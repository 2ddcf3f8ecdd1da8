"""The languages of the console: which one this browser reads, and every text in it.

The catalogues are the ``.po`` files under ``translations/``, read when the worker starts: there is no second,
compiled copy that could differ. Guarantees: a text without a translation is shown in English, never left out;
what an agency typed and what the law says are quoted, not translated.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import g, has_request_context, request

TRANSLATIONS: Final = Path(__file__).parent / "translations"
LANGUAGES: Final = {"en": "English", "es": "Español"}
COOKIE: Final = "gatekeeper_language"


def language() -> str:
    """Return the language of this request: the one chosen here, else the browser's own."""
    if not has_request_context():
        return "en"
    chosen = g.get("language") or request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES), "en") or "en"


@cache
def translations(code: str) -> NullTranslations:
    """Return the texts of one of ``LANGUAGES``."""
    file = TRANSLATIONS / f"{code}.po"
    if not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as opened:
        write_mo(compiled, read_po(opened, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)


def say(text: str, **values: object) -> str:
    """Return a text in this request's language, with the values put in (``%(name)s``)."""
    said = translations(language()).gettext(text)
    return said % values if values else said


def later(text: str) -> str:
    """Mark a text for the catalogue; whoever shows it passes it through ``say``."""
    return text
