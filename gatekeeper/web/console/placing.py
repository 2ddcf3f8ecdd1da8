"""Placing a legal hold and lifting one, each in two steps: what and why, and then, having seen it, once more.

Guarantees: it is the command's own act (``purge.holds``), by a person who may and who has just proved who
they are; one form places one hold on each query however often it is sent, and sent again after a failure
places only those that are missing; a query that the log does not know, or of which nothing is left, is named,
and nothing is placed until all of a list can be; what the log did not take is said not to be held.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any, Final

from flask import Blueprint, Response, g, request
from marshmallow import fields, validate

from gatekeeper.errors import GatekeeperError, OperatorError
from gatekeeper.purge.holds import Held
from gatekeeper.review import reasons
from gatekeeper.review.accounts import Session
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.holds import left, others, shown
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions

MOST: Final = 50
"""Queries of one form."""

_LONGEST_ID: Final = 128
_BETWEEN: Final = re.compile(r"[\s,;]+")
_UNTAKEN: Final = later("The log did not take it in time: %(query)s is not held. Send the form again.")


class _Place(Form):
    queries = fields.String(load_default="")
    reason = fields.String(load_default="")
    sure = fields.String(load_default="", validate=validate.OneOf(("", "yes")))
    act = fields.String(load_default="", validate=validate.Regexp(r"(?:[0-9a-f]{32})?\Z"))


class _Lift(Form):
    reason = fields.String(load_default="")
    sure = fields.String(load_default="", validate=validate.OneOf(("", "yes")))


_PLACE, _LIFT = _Place(), _Lift()


def add_placing(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the two steps to place holds, and the two to lift one."""
    placing, lifting = _Placing(desk, sessions), _Lifting(desk, sessions)

    @blueprint.get("/holds/new")
    @sessions.needs("hold_detail", proved_within=FRESH)
    def ask_hold() -> Response:
        return placing.ask(200, {"queries": request.args.get("query", "")[:_LONGEST_ID], "reason": ""}, [])

    @blueprint.post("/holds/new")
    @sessions.needs("hold_detail", proved_within=FRESH)
    def place_hold() -> Response:
        return placing.next()

    @blueprint.get("/holds/<hold_id>/lift")
    @sessions.needs("hold_detail", proved_within=FRESH)
    def ask_lift(hold_id: str) -> Response:
        return lifting.first(hold_id)

    @blueprint.post("/holds/<hold_id>/lift")
    @sessions.needs("hold_detail", proved_within=FRESH)
    def lift_hold(hold_id: str) -> Response:
        return lifting.next(hold_id)


class _Placing:
    """The two steps to place holds."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    def next(self) -> Response:
        """Show what will be held, or, confirmed, hold it."""
        typed, faults = read(_PLACE)
        query_ids = list(dict.fromkeys(filter(None, _BETWEEN.split(typed["queries"]))))
        if typed["sure"] == "yes" and not typed["act"]:
            faults.append(("", say("Look at what it will do first, then confirm.")))
        faults += self._in_the_way(query_ids, placed=_Ids(self._desk, typed["act"]))
        if (fault := reasons.fault_of(typed["reason"])) is not None:
            faults.append(("reason", say(fault)))
        if faults:
            return self.ask(422, typed, faults)
        if typed["sure"] != "yes":
            return self._confirm(query_ids, typed)
        return self._place(query_ids, typed)

    def ask(self, status: int, typed: dict[str, Any], faults: Faults) -> Response:
        """Ask which, and why."""
        return page(
            "hold-new.html",
            status,
            **self._sessions.shown(),
            typed=typed,
            faults=faults,
            most=MOST,
            shortest=reasons.SHORTEST,
        )

    def _in_the_way(self, query_ids: list[str], *, placed: _Ids) -> Faults:
        """Say what keeps these from being held; what this very form holds already is in nobody's way."""
        if not query_ids:
            return [("queries", say("Give the id of a query: q_ and 26 letters and digits."))]
        if len(query_ids) > MOST:
            return [("queries", say("At most %(most)s queries at once.", most=MOST))]
        faults: Faults = []
        for query_id in query_ids:
            short = query_id[:40]
            standing = "unknown" if len(query_id) > _LONGEST_ID else self._desk.holds.standing(query_id)
            if standing == "unknown":
                faults.append(("queries", say("The log has no query %(query)s.", query=short)))
            elif standing == "erased" and not placed.there(query_id):
                told = say("Nothing private of %(query)s is left to hold: it has been erased.", query=short)
                faults.append(("queries", told))
        return faults

    def _confirm(self, query_ids: list[str], typed: dict[str, Any]) -> Response:
        record = self._desk.holds.record
        meant = [
            {
                "query_id": query_id,
                "left": left(self._desk, query_id),
                "held": [hold.id for hold in record.of(query_id)],
            }
            for query_id in query_ids
        ]
        act = secrets.token_hex(16)
        return page("hold-confirm.html", **self._sessions.shown(), typed=typed, meant=meant, act=act)

    def _place(self, query_ids: list[str], typed: dict[str, Any]) -> Response:
        session: Session = g.session
        ids, faults = _Ids(self._desk, typed["act"]), Faults()
        for query_id in query_ids:
            if ids.there(query_id):
                continue
            try:
                self._desk.holds.place(query_id, session.account, typed["reason"], hold_id=ids.of(query_id))
            except OperatorError:
                # Erased, or no longer this person's to hold, since the faults were looked for.
                faults.append(("queries", say(_REFUSED, query=query_id)))
            except GatekeeperError as error:
                if ids.there(query_id):
                    continue  # sent twice at once, or committed though the answer was lost
                g.fault = error.code
                faults.append(("queries", say(_UNTAKEN, query=query_id)))
        if faults:
            return self._failed(query_ids, typed, faults)
        if len(query_ids) == 1:
            return see(f"/console/holds/{ids.of(query_ids[0])}")
        return see("/console/holds")

    def _failed(self, query_ids: list[str], typed: dict[str, Any], faults: Faults) -> Response:
        ids = _Ids(self._desk, typed["act"])
        return page(
            "hold-failed.html",
            503,
            **self._sessions.shown(),
            typed=typed,
            faults=faults,
            held=[query_id for query_id in query_ids if ids.there(query_id)],
        )


_REFUSED: Final = later(
    "%(query)s was not held: nothing of it is left, or it may not be held by you any more."
)


class _Ids:
    """The ids of the holds that one form places: the same form gives the same, and no other form does."""

    def __init__(self, desk: Desk, act: str) -> None:
        self._desk = desk
        self._act = act

    def of(self, query_id: str) -> str:
        """Return the id of the form's hold on a query."""
        return f"hold_{hashlib.sha256(f'{self._act} {query_id}'.encode('utf-8', 'replace')).hexdigest()[:24]}"

    def there(self, query_id: str) -> bool:
        """Say whether it was placed. Raises StoreUnavailable."""
        return bool(self._act) and self._desk.holds.record.find(self.of(query_id)) is not None


class _Lifting:
    """The two steps to lift a hold."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    def first(self, hold_id: str) -> Response:
        """Ask why."""
        hold = self._desk.holds.find(hold_id)
        if hold is None:
            return page("missing.html", 404, **self._sessions.shown())
        if hold.lifted_at is not None:
            return see(f"/console/holds/{hold.id}")
        return self._ask(hold, 200, {"reason": ""}, [])

    def next(self, hold_id: str) -> Response:
        """Show what it will do, or, confirmed, do it."""
        hold = self._desk.holds.find(hold_id)
        if hold is None:
            return page("missing.html", 404, **self._sessions.shown())
        typed, faults = read(_LIFT)
        if (fault := reasons.fault_of(typed["reason"])) is not None:
            faults.append(("reason", say(fault)))
        if faults or typed["sure"] != "yes":
            return self._ask(hold, 422 if faults else 200, typed, faults, sure=not faults)
        session: Session = g.session
        try:
            self._desk.holds.lift(hold.id, session.account, typed["reason"])
        except OperatorError:
            return see(f"/console/holds/{hold.id}")  # somebody else lifted it: the page says who
        except GatekeeperError as error:
            g.fault = error.code
            said = say("The log did not take it in time: the hold is still in force. Try again.")
            return self._ask(hold, 503, typed, [("", said)])
        return see(f"/console/holds/{hold.id}")

    def _ask(
        self, hold: Held, status: int, typed: dict[str, Any], faults: Faults, *, sure: bool = False
    ) -> Response:
        return page(
            "hold-lift.html",
            status,
            **self._sessions.shown(),
            hold=shown(self._desk, hold),
            others=others(self._desk, hold),
            typed=typed,
            faults=faults,
            sure=sure,
            shortest=reasons.SHORTEST,
        )
