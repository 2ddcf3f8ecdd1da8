"""One way to answer with a page: a template, escaped, under one strict policy.

Guarantees: no page runs a script of a caller's making (no inline script or style, nothing from elsewhere),
is framed, is kept by a cache, or tells another site where the reader came from; what an agency typed is text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    # Not no-referrer: browsers would then send forms with the origin `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def page(template: str, status: int = 200, **shown: Any) -> Response:
    """Answer with a page."""
    body = _ENVIRONMENT.get_template(template).render(**shown)
    response = Response(body, status=status, content_type="text/html; charset=utf-8")
    response.headers.update(_HEADERS)
    return response


def see(address: str) -> Response:
    """Answer a form: go and look there (RFC 9110 section 15.4.4)."""
    response = Response(status=303)
    response.headers["Location"] = address
    response.headers.update(_HEADERS)
    return response


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago, or in how long, as a person would."""
    seconds = (now - moment).total_seconds()
    size, ending = abs(seconds), "ago" if seconds >= 0 else "left"
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if size >= length:
            count = int(size // length)
            return f"{count} {unit}{'' if count == 1 else 's'} {ending}"
    return "just now" if seconds >= 0 else "less than a minute left"


def utc(moment: datetime) -> str:
    """Write a time for people."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def words(code: str) -> str:
    """Write a code of ours as words."""
    return code.replace("_", " ")


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(ago=ago, utc=utc, words=words)
