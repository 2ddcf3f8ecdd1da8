"""How a worker tells its application that it is about to end, so that nothing there waits any longer."""

from __future__ import annotations

import threading
from typing import Any

_NAME = "gatekeeper.ending"


def ending_of(app: Any) -> threading.Event:
    """Return the event that is set when the worker of this application begins to end."""
    event: threading.Event = app.extensions.setdefault(_NAME, threading.Event())
    return event
