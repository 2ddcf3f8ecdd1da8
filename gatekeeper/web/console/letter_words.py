"""The denial letter in words, in English or Spanish: one list of blocks, which page and paper both set.

Guarantees: what the law says is quoted as it is, in its own language, and marked so; everything in it is
text, escaped where it is set; the page is whole by itself (it loads nothing, runs nothing, and its policy
forbids both), so that it can be kept, printed or handed on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal

from flask import Response, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from gatekeeper.exchange.letter import Letter
from gatekeeper.policy import Provision
from gatekeeper.web.console import languages
from gatekeeper.web.console.languages import LANGUAGES

Kind = Literal["title", "heading", "provision", "text", "item"]
_TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_PAGE, _PDF = "text/html", "application/pdf"


class Wanted(Schema):
    """How a letter is asked for; what is not said is taken from the request's headers."""

    format = fields.String(load_default=None, validate=OneOf(("html", "pdf")))
    lang = fields.String(load_default=None, validate=OneOf(tuple(LANGUAGES)))


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph or heading; ``quoted`` is the law's own text, which is English in every letter."""

    kind: Kind
    text: str
    quoted: bool = False


def answer(letter: Letter, wanted: dict[str, str | None]) -> Response:
    """Answer with the letter, as a page or as a PDF."""
    code = wanted["lang"] or request.accept_languages.best_match(list(LANGUAGES), "en") or "en"
    form = wanted["format"]
    if form is None:
        best = request.accept_mimetypes.best_match([_PAGE, _PDF], _PAGE)
        form = "pdf" if best == _PDF else "html"
    said = tuple(blocks(letter, code))
    if form == "pdf":
        from gatekeeper.web.letter_pdf import pdf  # noqa: PLC0415  its library takes 0.2 s to import

        response = Response(pdf(said, code, _hour(letter)), content_type=_PDF)
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    else:
        page, policy = html(said, code)
        response = Response(page, content_type=f"{_PAGE}; charset=utf-8")
        response.headers["Content-Security-Policy"] = policy
    name = f"denial-{letter.query_id}-{letter.index}.{form}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Content-Language"] = code
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Accept-Language, Authorization, Cookie"
    return response


def blocks(letter: Letter, code: str) -> Iterator[Block]:
    """Yield the letter in one of ``LANGUAGES``, from its title to its proof."""
    _ = languages.translations(code).gettext
    yield Block("title", _("Denial of a request for license-plate reads"))
    yield Block("text", _("%(city)s, to %(agency)s") % {"city": letter.city, "agency": letter.agency})
    day, hour = letter.hour[:10], letter.hour[11:13]
    asked = {"query": letter.query_id, "day": day, "hour": hour}
    yield Block(
        "text",
        _(
            "Your request %(query)s was decided on %(day)s, in the hour from %(hour)s:00 UTC. The city's "
            "policy denies it. Nothing was released."
        )
        % asked,
    )
    yield Block("heading", _("Why it was denied"))
    if not letter.provisions and not letter.unlisted:
        yield Block("text", _("A provision that the city does not publish was not met."))
    for provision in letter.provisions:
        yield from _provision(provision, code)
    for unlisted in letter.unlisted:
        yield Block("provision", unlisted, quoted=True)
        yield Block("text", _("The city's policy does not have this provision any more."))
    yield Block("heading", _("What you can do next, and by when"))
    for told in _next(letter, code):
        yield Block("item", told)
    yield from _proof(letter, code)


def _provision(provision: Provision, code: str) -> Iterator[Block]:
    _ = languages.translations(code).gettext
    yield Block("provision", provision.title, quoted=True)
    yield Block("text", provision.citation, quoted=True)
    if not provision.verified:
        yield Block("text", _("The city's counsel has not yet compared this wording with the law's own."))
    yield Block("text", provision.message, quoted=True)
    yield Block("text", _("What would cure it:"))
    yield Block("text", provision.remedy, quoted=True)
    who = {
        "staff": _("The city's records staff may rule on it."),
        "counsel": _("The city's counsel may rule on it."),
    }
    yield Block(
        "text", who.get(provision.review, _("Nobody may rule on it: the law leaves nothing to decide."))
    )


def _next(letter: Letter, code: str) -> Iterator[str]:
    """Yield what the agency can do, as the review stands."""
    _ = languages.translations(code).gettext
    where = f"{letter.address}/v1/queries/{letter.query_id}"
    waits = letter.state in {"queued", "needs_information", "escalated"}
    if letter.state == "needs_information":
        yield _("The city's staff asked you for something. Read what, at %(where)s.") % {"where": where}
    elif letter.state == "escalated":
        yield _("The request is before the city's counsel.")
    elif waits:
        yield _("The request is before the city's records staff.")
    elif letter.state == "upheld":
        yield _("The city's staff looked at the request and let the denial stand. That can be appealed once.")
    elif letter.state == "none":
        yield _("No person reviews the request.")
    else:
        yield _("The review is over.")
    if waits and letter.due is not None:
        yield _("They mean to have ruled by %(due)s.") % {"due": _moment(letter.due)}
    if waits or letter.state == "upheld":
        yield _(
            "To appeal, add a message, facts or documents: POST %(where)s/appeal. There is no time limit but "
            "one: what you asked is erased at the end of the city's retention, and then nothing can be added."
        ) % {"where": where}
    yield _(
        "At any time you may send a new request that meets what is named above: POST %(address)s/v1/queries."
    ) % {"address": letter.address}


def _proof(letter: Letter, code: str) -> Iterator[Block]:
    _ = languages.translations(code).gettext
    yield Block("heading", _("How to check this letter"))
    yield Block(
        "text",
        _(
            "The proof of this letter is an entry of the city's public log, which nobody can change unseen; "
            "the receipt of your request holds the same entry and its proof."
        ),
    )
    for name, value in (
        (_("Log"), letter.origin),
        (_("Entry"), str(letter.index)),
        (_("Hash of the entry"), letter.leaf_hash),
        (_("Policy"), letter.revision),
        (_("Digest of the policy"), letter.digest),
    ):
        yield Block("item", f"{name}: {value}")
    yield Block(
        "text",
        _("The proof of the entry: GET %(address)s/v1/ledger/entries/%(index)s/proof")
        % {"address": letter.address, "index": letter.index},
    )


def html(said: tuple[Block, ...], code: str) -> tuple[str, str]:
    """Return the page, and the policy under which it is shown."""
    style, policy = _style()
    page = _environment().get_template("letter.html").render(blocks=said, lang=code, style=Markup(style))  # noqa: S704  our own file: quoting would change its hash
    return page, policy


@cache
def _style() -> tuple[str, str]:
    style = (_TEMPLATES / "letter.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
    return style, policy + "frame-ancestors 'none'"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _hour(letter: Letter) -> datetime:
    return datetime.strptime(letter.hour, "%Y-%m-%dT%HZ").replace(tzinfo=UTC)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
