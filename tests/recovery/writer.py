"""A process that writes to a city's log until it is ended."""

from __future__ import annotations

import sys
from pathlib import Path

from gatekeeper.ledger import Draft
from gatekeeper.settings import Settings
from gatekeeper.state import open_state


def main(data: str) -> None:
    """Write."""
    state = open_state(Settings(data=Path(data), engine="embedded", client_profiles="fapi basic"))
    draft = Draft("purge.unheld", "ref_0123456789abcdef", {}, {"by": "Pat Example"}, {})
    state.ledger.append(draft)
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    while True:
        state.ledger.append(draft)
