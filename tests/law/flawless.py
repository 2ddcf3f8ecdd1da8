"""One flawless request, into which a test puts a reason, and the gate's own steps to decide it."""

from __future__ import annotations

import json
from typing import Any

from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Embedded, load, shipped_policies


class Desk:
    """Decides reasons, each in a request that has nothing else wrong with it."""

    def __init__(self) -> None:
        law = load(shipped_policies())
        document = law.data["lexicon"]
        assert isinstance(document, dict)
        self.lexicon = Lexicon.load(document)
        self.engine = Embedded(law)

    def decide(
        self,
        narrative: str,
        category: str = "criminal_investigation",
        offense: str | None = "90Z",
        *,
        kind: str = "local",
        place: bool = False,
    ) -> dict[str, Any]:
        """Return what ``gatekeeper decide`` says of *narrative*."""
        query: dict[str, object] = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}
        query |= {"kind": "plate", "plate": "DEMO123"}
        if place:
            query = {"kind": "place", "cameras": ["cam-01"]}
            query |= {"from": "2026-11-07T20:00:00Z", "to": "2026-11-07T23:00:00Z"}
        line = {
            "agency": {
                "id": "skokie-pd",
                "name": "Skokie Police Department",
                "kind": kind,
                "state": "IL",
                "status": "active",
                "affirmations": [
                    {
                        "kind": "affirmation",
                        "signed_on": "2026-02-01",
                        "expires_on": None,
                        "text_version": "2026-01",
                        "signer": "Pat Chief",
                        "title": "Chief of Police",
                    }
                ],
            },
            "at": "2026-11-22T12:00:00Z",
            "request": {
                "query": query,
                "purpose": {
                    "category": category,
                    "offense": offense,
                    "narrative": narrative,
                    "case_number": "25-10494",
                },
                "requester": {"name": "Pat Example", "badge": "4411"},
                "attestation": {"text_version": "2026-01", "accepted": True},
            },
        }
        return decide_line(json.dumps(line).encode(), self.engine, self.lexicon)

    def permits(self, narrative: str) -> bool:
        """Say whether a request with this reason alone would be permitted."""
        return self.decide(narrative).get("outcome") == "permit"
