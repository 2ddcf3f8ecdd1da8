"""One way to answer with a page: a template, escaped, under one strict policy, in the reader's language.

Guarantees: no page runs a script of a caller's making (no inline script or style, nothing from elsewhere),
is framed, is kept by a cache, or tells another site where the reader came from; what an agency typed is text.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.dates import format_datetime, format_timedelta
from flask import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gatekeeper.revisions.interfaces import Revision
from gatekeeper.web.console.languages import LANGUAGES, language, translations
from gatekeeper.web.console.terms import TERMS
from gatekeeper.web.console.timeline import WHAT

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    # Not no-referrer: browsers would then send forms with the origin `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
}


def page(template: str, status: int = 200, *, nonce: str | None = None, **shown: Any) -> Response:
    """Answer with a page; its own script may add styles if the page was given a *nonce* to mark them with."""
    body = _environment(language()).get_template(template).render(**shown, nonce=nonce)
    response = Response(body, status=status, content_type="text/html; charset=utf-8")
    response.headers.update(HEADERS)
    if nonce is not None:
        marked = POLICY.replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'")
        response.headers["Content-Security-Policy"] = marked
    return response


def see(address: str) -> Response:
    """Answer a form: go and look there (RFC 9110 section 15.4.4)."""
    response = Response(status=303)
    response.headers["Location"] = address
    response.headers.update(HEADERS)
    return response


def attached(text: str, media_type: str, name: str) -> Response:
    """Answer with a file to keep; its name is ours."""
    response = Response(text, content_type=f"{media_type}; charset=utf-8")
    response.headers.update(HEADERS)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def named(revision: Revision) -> str:
    """Name a revision so that it is told from the others: many have one label."""
    return f"{revision.label} ({revision.digest.removeprefix('sha256:')[:12]})"


def utc(moment: datetime) -> str:
    """Write a time for people, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _environment(code: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    texts = translations(code)
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]  # by the extension

    def ago(moment: datetime, now: datetime) -> str:
        """Say how long ago, or in how long, as a person would."""
        return format_timedelta(moment - now, add_direction=True, locale=code)

    def local(moment: datetime, zone: tzinfo) -> str:
        """Write a time for people, as the city's clocks show it."""
        return format_datetime(moment, "medium", tzinfo=zone, locale=code)

    def words(name: str) -> str:
        """Write a code of ours as words."""
        return texts.gettext(name.replace("_", " "))

    environment.filters.update(ago=ago, local=local, named=named, utc=utc, words=words)
    environment.globals.update(lang=code, languages=LANGUAGES, terms=TERMS, what=WHAT)
    return environment
