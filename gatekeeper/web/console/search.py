"""Two ways to one request: by what is public about it, and by a plate or an officer.

By an id or its beginning, an entry of the log, or an agency: a plain address, which anyone may keep. By a
plate or an officer: a form, so that neither ever stands in an address; with a reason, and in the log before
anything is answered. Only fingerprints are compared, under the key of each day that the city still keeps:
what was purged is not found.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from flask import Blueprint, Response, g, request
from marshmallow import Schema, ValidationError, fields, validate

from gatekeeper.exchange.fields import Plate, SafeString
from gatekeeper.exchange.fingerprints import officer_prints, plain, target_prints
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.ledger import Draft, Json
from gatekeeper.review.queue import Card
from gatekeeper.review.reasons import LONGEST, fault_of, tidy
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.filters import QUEUE, Filter
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions

MOST_FOUND: Final = 50
_LONGEST_NUMBER: Final = 18
_FEWEST_LETTERS: Final = 3


class _Search(Schema):
    class Meta:
        unknown = "exclude"

    q = SafeString(200, load_default="")


_SEARCH: Final = _Search()


class _PrivateSearch(Form):
    by = fields.String(
        load_default="plate",
        validate=validate.OneOf(("plate", "officer"), error=later("Choose a plate or an officer.")),
    )
    plate = SafeString(32, load_default="")
    officer_agency = SafeString(128, load_default="")
    badge = SafeString(128, load_default="")
    reason = fields.String(load_default="", validate=validate.Length(max=2 * LONGEST))


_PRIVATE: Final = _PrivateSearch()


def add_search(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of both searches."""

    @blueprint.get("/reviews/search")
    @sessions.needs("read_reviews")
    def search() -> Response:
        if _SEARCH.validate(request.args):
            return shown(400, "")
        typed = str(_SEARCH.load(request.args)["q"]).strip()
        if (address := _straight_to(desk, typed)) is not None:
            return see(address)
        return shown(200, typed, cards=_beginning(desk, typed), agencies=_agencies(desk, typed))

    @blueprint.post("/reviews/search")
    @sessions.needs("unmask", proved_within=FRESH)
    def private_search() -> Response:
        typed, faults = read(_PRIVATE)
        agency = desk.gate.registry.snapshot().agency(typed["officer_agency"])
        faults = faults or [*_lacking(typed, agency)]
        if faults:
            return shown(422, "", faults=faults, typed=typed)
        _log(desk, typed)
        return shown(200, "", typed=typed, cards=_by_prints(desk, typed, agency), private=True)

    def shown(
        status: int,
        asked: str,
        *,
        cards: Sequence[Card] = (),
        agencies: Sequence[Agency] = (),
        private: bool = False,
        faults: Faults = (),  # type: ignore[assignment]  # read only
        typed: dict[str, Any] | None = None,
    ) -> Response:
        every = desk.gate.registry.snapshot().agencies()
        return page(
            "search.html",
            status,
            **sessions.shown(),
            q=asked,
            cards=cards,
            found_agencies=[(agency, Filter({"agency": agency.id}).address()) for agency in agencies],
            private=private,
            faults=faults,
            typed=typed or {},
            most=MOST_FOUND,
            days=len(desk.gate.keys.days()),
            catalogue=desk.gate.engine.bundle.catalogue,
            agencies=sorted(every, key=lambda agency: agency.name),
        )


def _straight_to(desk: Desk, typed: str) -> str | None:
    """Return where a search leads at once: to the request of that id or entry, to the agency of that ORI."""
    if desk.gate.queries.review(typed) is not None:
        return f"{QUEUE}/{typed}"
    if typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER:
        entry = desk.entry(int(typed))
        if entry is not None and desk.gate.queries.review(entry.ref) is not None:
            return f"{QUEUE}/{entry.ref}"
    named = desk.gate.registry.snapshot().agency(typed.upper()) or desk.gate.registry.snapshot().agency(typed)
    return None if named is None else Filter({"agency": named.id}).address()


def _beginning(desk: Desk, typed: str) -> Sequence[Card]:
    """Return the reviews whose id begins so; of a beginning that says something."""
    asked = typed.lower()
    if len(asked) < _FEWEST_LETTERS or not asked.startswith("q_"):
        return ()
    return desk.reviews.starting(asked, most=MOST_FOUND)


def _agencies(desk: Desk, typed: str) -> list[Agency]:
    """Return the agencies whose name or ORI holds what was typed."""
    asked = typed.casefold()
    if len(asked) < _FEWEST_LETTERS:
        return []
    found = [
        agency
        for agency in desk.gate.registry.snapshot().agencies()
        if asked in agency.name.casefold() or asked in (agency.ori or "").casefold()
    ]
    return sorted(found, key=lambda agency: agency.name)[:MOST_FOUND]


# --- By a plate or an officer. ----------------------------------------------------------------------------


def _lacking(typed: dict[str, Any], agency: Agency | None) -> Iterator[tuple[str, str]]:
    """Yield what is missing, each with its field."""
    if typed["by"] == "plate":
        try:
            Plate().deserialize(typed["plate"])
        except ValidationError:
            yield "plate", say("Type the whole plate: 1 to 10 letters and digits.")
    else:
        if agency is None:
            yield "officer_agency", say("Choose the officer's agency.")
        if not plain(typed["badge"]):
            yield "badge", say("Type the officer's badge.")
    if (fault := fault_of(typed["reason"])) is not None:
        yield "reason", say(fault)


def _log(desk: Desk, typed: dict[str, Any]) -> None:
    """Log who searches for whom, and why. Raises LedgerUnavailable: then nothing is answered."""
    by = typed["by"]
    subject: dict[str, Json] = {"plate": typed["plate"]}
    if by == "officer":
        subject = {"agency": typed["officer_agency"], "badge": typed["badge"]}
    draft = Draft(
        event="staff.viewed",
        ref=f"event_{secrets.token_hex(12)}",
        clear={},
        secret={
            "by": g.session.account.id,
            "subject": subject,
            "what": f"search_by_{by}",
            "reason": tidy(typed["reason"]),
        },
        detail={},
    )
    desk.gate.ledger.append(draft)


def _by_prints(desk: Desk, typed: dict[str, Any], agency: Agency | None) -> Sequence[Card]:
    keys = desk.gate.keys
    of: Literal["target_fp", "officer_fp"] = "target_fp"
    if agency is None or typed["by"] == "plate":
        plate = Plate().deserialize(typed["plate"])
        made = target_prints(keys, keys.days(), plate=plate, cameras=())
    else:
        of = "officer_fp"
        made = officer_prints(keys, keys.days(), agency_id=agency.id, badge=typed["badge"])
    return desk.reviews.of_prints(of, made, most=MOST_FOUND)
