"""A denied query, and what its agency and the staff do about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gatekeeper.exchange import Answer, further_records, status_of
from gatekeeper.exchange.appeal import appeal
from gatekeeper.exchange.interfaces import Review
from gatekeeper.exchange.rulings import LIFE
from gatekeeper.ledger import Draft
from gatekeeper.store import reviews
from gatekeeper.store.values import Ruling
from tests.exchange.city import City, body

AGENCY = "sample-il-pd"
MESSAGE = "The case number was left out by mistake; the report is on file."


def facts(**stated: Any) -> dict[str, Any]:
    """Return what an appeal may send, nothing but what is named here."""
    return {"message": MESSAGE, "facts": stated, "documents": []}


@dataclass
class Denied:
    """One denied query."""

    city: City
    query_id: str

    @classmethod
    def of(cls, city: City, **changes: Any) -> Denied:
        """Ask what is denied: without changes, for a case number that says nothing."""
        answer = city.ask(body(**(changes or {"purpose__case_number": "n/a"})))
        assert 403 == answer.status, answer.body
        return cls(city, answer.query_id)

    def appeal(self, sent: Any, agency_id: str = AGENCY, **options: Any) -> Answer:
        """Appeal as the agency."""
        text = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        return appeal(self.city.gate, self.city.presented(agency_id), self.query_id, text, **options)

    def answered(self, sent: Any, **options: Any) -> dict[str, Any]:
        """Appeal and read the answer."""
        given = self.appeal(sent, **options)
        assert 202 == given.status
        return dict(json.loads(given.body))

    def records(self) -> Answer:
        """Ask for the records."""
        return further_records(self.city.gate, self.city.presented(AGENCY), self.query_id)

    def status(self) -> dict[str, Any]:
        """Read how the query stands."""
        return status_of(self.city.gate, self.city.presented(AGENCY), self.query_id)

    @property
    def review(self) -> Review:
        """Read where the review stands."""
        found = self.city.gate.queries.review(self.query_id)
        assert found is not None
        return found

    def moved(self, to: str, event: str = "review.asked", ruling: Ruling | None = None) -> None:
        """Move the review as staff would."""
        review, gate = self.review, self.city.gate
        clear: dict[str, Any] = {"agency": AGENCY, "provisions": [], "review": "staff"}
        if event == "review.ruled":
            clear["ruling"] = "upheld" if to == "upheld" else "permitted"
        rows = reviews.move(
            review,  # type: ignore[arg-type]  # a protocol of the same shape
            to,
            event=event,
            ref=self.query_id,
            at=gate.clock.now(),
            actor="staff-sample",
            ruling=ruling,
        )
        said: dict[str, Any] = {
            "by": "Pat Sample",
            "role": "records",
            "said": "Send the case number, please.",
        }
        secret: dict[str, Any] = {"by": "staff-sample", "reason": said["said"]}
        gate.ledger.append(
            Draft(event=event, ref=self.query_id, clear=clear, secret=secret, detail=said), rows
        )

    def ruled(self, provision: str, digest: str, to: str = "permitted", *, lasting: timedelta = LIFE) -> None:
        """Rule on a provision, for the body of that digest."""
        at, keys = self.city.gate.clock.now(), self.city.gate.keys
        bound = keys.fingerprint(at.date(), "body", digest.encode())
        self.moved(to, "review.ruled", Ruling(provision, "staff", at + lasting, bound, at.date()))
