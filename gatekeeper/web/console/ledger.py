"""The log: searched, and one entry of it with the proof that it is there.

Guarantees: what is shown of an entry is its public text, exactly; the private side is not here. A proof is
checked by the log's own code, against the text that is shown; whatever does not fit is said in red and never
passed over. What an agency is called is quoted.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from marshmallow import fields, validate

from gatekeeper.errors import LedgerCorrupt, UnknownEntry
from gatekeeper.ledger import EVENTS
from gatekeeper.ledger.receipts import check_receipt
from gatekeeper.oversight.search import Asked
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Form
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.log_words import FAMILY, families, sentence
from gatekeeper.web.console.pages import attached, page, see
from gatekeeper.web.console.sessions import Sessions

_INDEX: Final = re.compile(r"(0|[1-9][0-9]{0,15})\Z")
_HOUR: Final = "%Y-%m-%dT%HZ"
_OWN: Final = frozenset({"v", "event", "ref", "hour", "commitments"})


class Narrow(Form):
    """What the log is narrowed by, as it stands in an address or a form."""

    ref = fields.String(load_default="", validate=validate.Length(max=128))
    agency = fields.String(load_default="", validate=validate.Length(max=128))
    event = fields.String(load_default="", validate=validate.OneOf(("", *EVENTS, *FAMILY)))
    since = fields.String(load_default="")
    until = fields.String(load_default="")
    before = fields.String(load_default="", validate=validate.Regexp(r"(?:0|[1-9][0-9]{0,15})?\Z"))


_NARROW: Final = Narrow()


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A question to the log: as typed, as asked, and whether it could be read."""

    typed: dict[str, Any]
    asked: Asked
    before: int | None
    readable: bool


def narrowed(desk: Desk, sent: Any) -> Narrowed:
    """Return what was asked; what cannot be read does not narrow, and is said to be so."""
    refused = bool(_NARROW.validate(sent))
    typed = _NARROW.load({} if refused else sent)
    try:
        since, until = (_moment(desk, typed[name]) for name in ("since", "until"))
    except (ValueError, OverflowError):
        return Narrowed(_NARROW.load({}), Asked(), None, readable=False)
    asked = Asked(typed["ref"].strip(), typed["agency"], typed["event"], since, until)
    return Narrowed(typed, asked, int(typed["before"]) if typed["before"] else None, readable=not refused)


def add_ledger(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the pages of the log, of its checkpoint and of one entry."""
    _add_entry(blueprint, desk, sessions)

    @blueprint.get("/ledger")
    @sessions.needs("read_ledger")
    def ledger() -> Response:
        wanted = request.args.get("entry", "").strip()
        if _INDEX.match(wanted):
            return see(f"/console/ledger/{wanted}")
        question = narrowed(desk, request.args)
        found = desk.search.page(question.asked, before=question.before)
        narrow = {name: text for name, text in question.typed.items() if text and name != "before"}
        snapshot = desk.gate.registry.snapshot()
        readable = question.readable and not wanted
        return page(
            "ledger.html",
            200 if readable else 400,
            **sessions.shown(),
            readable=readable,
            typed=question.typed,
            narrow=narrow,
            found=found,
            rows=[_row(desk, entry) for entry in found.entries],
            older=None if found.further is None else urlencode({**narrow, "before": found.further}),
            families=families(),
            family=FAMILY,
            checks=desk.checks.latest(1),
            agencies=sorted(snapshot.agencies(), key=lambda agency: agency.name),
        )

    @blueprint.get("/ledger/checkpoint")
    @sessions.needs("read_ledger")
    def ledger_checkpoint() -> Response:
        head = desk.search.head()
        return page(
            "checkpoint.html",
            **sessions.shown(),
            note=desk.gate.ledger.checkpoint(),
            key=desk.log_key,
            key_id=desk.log_key.id.hex(),
            size=head.size,
            last_at=datetime.fromtimestamp(head.at_ms / 1000, UTC) if head.size else None,
            witnesses=desk.witnesses(),
        )


def _add_entry(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    @blueprint.get("/ledger/<index>")
    @sessions.needs("read_ledger")
    def ledger_entry(index: str) -> Response:
        if not _INDEX.match(index):
            return page("missing.html", 404, **sessions.shown())
        return _entry(desk, sessions, int(index), check="check" in request.args)

    @blueprint.get("/ledger/<index>/proof.<any(txt, json):form>")
    @sessions.needs("read_ledger")
    def ledger_proof(index: str, form: str) -> Response:
        if not _INDEX.match(index):
            return page("missing.html", 404, **sessions.shown())
        try:
            receipt = desk.gate.ledger.receipt_for(int(index))
            shown = json.dumps(receipt.as_json(), indent=2)
        except UnknownEntry:
            return page("missing.html", 404, **sessions.shown())
        except LedgerCorrupt:
            return see(f"/console/ledger/{index}")  # the page says what does not fit
        if form == "txt":
            return attached(receipt.tlog_proof(), "text/plain", f"entry-{index}.tlog-proof.txt")
        return attached(shown, "application/json", f"entry-{index}.json")


def _entry(desk: Desk, sessions: Sessions, index: int, *, check: bool) -> Response:
    stored, size = desk.search.entry(index), desk.search.head().size
    if stored is None and index >= size:
        return page("missing.html", 404, **sessions.shown())
    text = "" if stored is None else stored.entry.decode("utf-8", "replace")
    document = decoded(text)
    receipt, broken = _proved(desk, index, check=check)
    review = None if stored is None else desk.gate.queries.review(stored.ref)
    return page(
        "ledger-entry.html",
        404 if stored is None else 200,
        **sessions.shown(),
        index=index,
        size=size,
        stored=stored,
        said=None if stored is None else sentence(stored.event),
        facts=_facts(desk, document),
        promised=sorted(document.get("commitments") or ()),
        at=_hour(document.get("hour")),
        text=text,
        pretty=json.dumps(document, indent=2, ensure_ascii=False) if document else None,
        shown=receipt,
        broken=broken,
        checked=check,
        held=None
        if stored is None or not stored.event.startswith("query.")
        else desk.holds.record.of(stored.ref),
        request_is_there=review is not None,
    )


def _proved(desk: Desk, index: int, *, check: bool) -> tuple[dict[str, Any] | None, str | None]:
    """Return the proof of an entry, checked as whoever holds it would, and what does not fit."""
    receipt = None
    try:
        receipt = desk.gate.ledger.receipt_for(index).as_json()
        if check:
            check_receipt(receipt, desk.log_key)
    except (LedgerCorrupt, UnknownEntry) as error:
        return receipt, str(error)
    return receipt, None


def _row(desk: Desk, entry: Any) -> dict[str, Any]:
    document = decoded(entry.entry.decode("utf-8", "replace"))
    agency = document.get("agency")
    known = desk.gate.registry.snapshot().agency(agency) if isinstance(agency, str) else None
    return {
        "index": entry.index,
        "event": entry.event,
        "said": sentence(entry.event),
        "agency": agency if known is None else known.name,
        "outcome": document.get("outcome"),
        "at": _hour(document.get("hour")),
        "ref": entry.ref,
    }


def _facts(desk: Desk, document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what an entry says in clear, in words; codes of provisions as their titles."""
    catalogue, snapshot = desk.gate.engine.bundle.catalogue, desk.gate.registry.snapshot()
    facts = []
    for name, value in document.items():
        if name in _OWN:
            continue
        match value:
            case None | [] | {}:
                said = say("none")
            case bool():
                said = say("yes") if value else say("no")
            case list():
                said = "; ".join(catalogue[v].title if v in catalogue else str(v) for v in map(str, value))
            case dict():
                said = "; ".join(f"{key}: {each}" for key, each in value.items())
            case str() if name in ("agency", "end_requester"):
                agency = snapshot.agency(value)
                said = value if agency is None else f"{agency.name} ({value})"
            case _:
                said = str(value)
        facts.append((name, said))
    return facts


def decoded(text: str) -> dict[str, Any]:
    """Return an entry's text as an object; an empty one for what is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _hour(hour: object) -> datetime | None:
    try:
        return datetime.strptime(str(hour), _HOUR).replace(tzinfo=UTC)
    except ValueError:
        return None


def _moment(desk: Desk, text: str) -> datetime | None:
    """Read a time that was typed by the city's clocks. Raises ValueError, OverflowError."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=desk.zone) if moment.tzinfo is None else moment).astimezone(UTC)
