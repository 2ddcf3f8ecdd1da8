"""What a witness does with one checkpoint (C2SP tlog-witness, add-checkpoint).

The procedure, in the order in which the protocol orders the answers: (1) the request has its shape (400);
(2) the log is one that is watched (404); (3) one of its keys signed the checkpoint (403, or 400 where it is
none); (4) the old size is not past the new one (400); then, alone among all threads and processes: (5) the
old size is the one last cosigned (409, which tells it); (6) at that very size the root is the same (409);
(7) the proof leads from the old tree to the new one (422); (8) what is about to be cosigned is on disk; and
only then (9) the cosignature leaves.

Guarantees: the sizes cosigned of one log never shrink and there is one root of each, whoever asks at once and
whenever the process is killed; what cannot be kept is not cosigned (503).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.cosignatures import CosignerKey, signed_only_by
from gatekeeper.ledger.merkle import verify_consistency
from gatekeeper.witness.directory import Watched, WitnessDirectory, opened_by
from gatekeeper.witness.protocol import SubmissionRefused, parse


class Keeper:
    """One witness. Any number of them, in any number of processes, may share a directory."""

    def __init__(self, directory: Path, now: Callable[[], float] = time.time) -> None:
        self._directory = WitnessDirectory(directory)
        self._cosigner = self._directory.cosigner()
        self._now = now

    @property
    def key(self) -> CosignerKey:
        """The public half of the witness's key."""
        return self._cosigner.verifier

    def logs(self) -> list[Watched]:
        """Return the logs that are watched. Raises StoreUnavailable if what was seen of one is lost."""
        return self._directory.logs()

    def add_checkpoint(self, body: bytes) -> str:
        """Return the cosignature line for a submission. Raises SubmissionRefused, StoreUnavailable."""
        # (1) the shape
        submission = parse(body)
        text = submission.checkpoint
        # (2) the log
        known = self._directory.log(text.partition("\n")[0])
        if known is None:
            raise SubmissionRefused(404, "this witness does not watch that log")
        # (3) its signature
        try:
            checkpoint = opened_by(text, known.keys)
            # Kept, and shown as proof, is what was verified: nobody else's lines.
            text = signed_only_by(text, [(key.origin, key.id) for key in known.keys])
        except CheckpointRefused as refused:
            raise SubmissionRefused(403 if refused.reason == "wrong_key" else 400, str(refused)) from None
        # (4) forwards
        if submission.old > checkpoint.size:
            raise SubmissionRefused(400, "the old size is larger than the checkpoint's")
        with self._directory.locked():
            # (5) from where this witness stands: read anew, now that nobody else can move it
            watched = self._directory.log(known.origin)
            if watched is None:
                raise SubmissionRefused(404, "this witness does not watch that log")
            last = watched.last
            if submission.old != last.size:
                raise SubmissionRefused(409, "that is not the size that was last cosigned", last.size)
            # (6) one root of one size
            if checkpoint.size == last.size and checkpoint.root != last.root:
                self._directory.keep_fork(watched, text)
                raise SubmissionRefused(
                    409, f"a fork: another tree of size {last.size} was cosigned; both checkpoints are kept"
                )
            # (7) its past begins it
            if not verify_consistency(
                last.size, checkpoint.size, submission.proof, last.root, checkpoint.root
            ):
                raise SubmissionRefused(
                    422, "the proof does not lead from the tree last cosigned to this one"
                )
            # (8) durable, also where nothing is new: an earlier writing may have failed after its last step
            line = self._cosigner.cosign(text, int(self._now()))
            self._directory.keep(watched.origin, text)
        # (9) the answer
        return line
