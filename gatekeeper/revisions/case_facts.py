"""The facts of a case, as the engine is given them: gathered by the gate's own parser, screen and judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gatekeeper.errors import GatekeeperError, PolicyUnavailable
from gatekeeper.exchange.lines import decide_document
from gatekeeper.exchange.reading import read_json
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Bundle, Verdict
from gatekeeper.policy.cases import Case
from gatekeeper.policy.layout import Json


class _Listener:
    """Stands where the engine stands, notes the facts and decides nothing."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.heard: Mapping[str, Json] | None = None

    def evaluate(self, facts: Mapping[str, Json]) -> Verdict:
        self.heard = facts
        raise PolicyUnavailable("nothing is decided here")

    def ready(self) -> None:
        """Be ready."""

    def close(self) -> None:
        """Hold nothing."""


def facts_of_cases(cases: Iterable[Case], bundle: Bundle) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Yield each case with its facts; one that the gate itself would not let through has none."""
    lexicon, listener = Lexicon.of(bundle), _Listener(bundle)
    for case in cases:
        listener.heard = None
        try:
            decide_document(read_json(case.request.encode()), listener, lexicon)
        except GatekeeperError:
            heard: Mapping[str, Json] | None = listener.heard
            if heard is not None:
                yield case, dict(heard)
