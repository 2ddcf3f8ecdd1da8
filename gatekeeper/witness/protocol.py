"""The request of add-checkpoint (C2SP tlog-witness): an old size, a consistency proof, a checkpoint.

Guarantees: one request has one spelling, so what is read is what was written; nothing is read of a request
that is too long, and no more than 63 proof lines are taken.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gatekeeper.errors import GatekeeperError

MOST_STEPS: Final = 63
"""Proof lines in a request; a tree of 2^63 leaves needs no more."""

MOST_BYTES: Final = 16 * 1024
"""Of a whole request: 63 proof lines are 3 KiB, the rest is the checkpoint with its signatures."""

SIZE_TYPE: Final = "text/x.tlog.size"
"""Media type of a conflict's answer, which is the size that the witness knows."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})\Z")
_STEP = re.compile(r"[A-Za-z0-9+/]{43}=\Z")


class SubmissionRefused(GatekeeperError):
    """A witness does not cosign. ``status`` is the HTTP status; ``size``: what it knows, if that is why."""

    code = "submission_refused"

    def __init__(self, status: int, message: str, size: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.size = size


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log sends to a witness."""

    old: int
    proof: Sequence[bytes]
    checkpoint: str

    def encode(self) -> bytes:
        """Return the request body. Raises ValueError for a proof that no witness may be sent."""
        if len(self.proof) > MOST_STEPS or self.old < 0:
            raise ValueError("a proof has at most 63 steps, and a size is not negative")
        steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in self.proof)
        return f"old {self.old}\n{steps}\n{self.checkpoint}".encode()


def parse(body: bytes) -> Submission:
    """Read a request body. Raises SubmissionRefused (400; 413 for one that is too long)."""
    if len(body) > MOST_BYTES:
        raise SubmissionRefused(413, f"a request has at most {MOST_BYTES} bytes")
    try:
        head, gap, checkpoint = body.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise SubmissionRefused(400, "a request is UTF-8 text") from None
    first, *lines = head.split("\n")
    old = _OLD.match(first)
    if old is None:
        raise SubmissionRefused(400, "the first line is `old` and a size")
    if not gap or not checkpoint:
        raise SubmissionRefused(400, "an empty line and a checkpoint follow the proof")
    if len(lines) > MOST_STEPS:
        raise SubmissionRefused(400, f"a proof has at most {MOST_STEPS} lines")
    return Submission(int(old[1]), tuple(map(_step, lines)), checkpoint)


def _step(line: str) -> bytes:
    step = base64.b64decode(line) if _STEP.match(line) else b""
    # Base64 of 32 bytes has spare bits: two spellings of one hash would be two requests that are alike.
    if base64.b64encode(step).decode() != line or not step:
        raise SubmissionRefused(400, "a line of the proof is not a hash of 32 bytes in base64")
    return step
