"""Every error the gatekeeper raises, in one small family.

Guarantees: this file imports nothing of ours, so any module may raise any of them; each error carries a
*code* from a closed vocabulary and never a caller's words, a plate or a token, so it may be logged. What the
outside world sees of them is decided in one place, ``gatekeeper.web.problems``. A denial is not an error: it
is a value (``exchange.decide.Denial``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class GatekeeperError(Exception):
    """The root of the family; catching it catches everything of ours and nothing foreign."""

    code = "internal"


class Unavailable(GatekeeperError):
    """A part that the release depends on cannot answer for itself: 503, nothing is released."""

    code = "unavailable"


class ClockUnreliable(Unavailable):
    """The wall clock disagrees with monotonic time or with the log's head: no time of ours can be trusted."""

    code = "clock_unreliable"


class PolicyUnavailable(Unavailable):
    """The engine failed, timed out, or answered anything but the exact shape of a decision."""

    code = "policy_unavailable"


class RecordsUnavailable(Unavailable):
    """The plate-read store is slow, gone, or answered with what was not asked for."""

    code = "records_unavailable"


class LedgerUnavailable(Unavailable):
    """An entry could not be committed (or we were not told in time that it was)."""

    code = "ledger_unavailable"


class StoreUnavailable(Unavailable):
    """The gatekeeper's own state cannot be read or written."""

    code = "store_unavailable"


class OverReleased(RecordsUnavailable):
    """The store returned a row or a field that the permit does not cover: the whole answer is withheld."""

    code = "over_released"


class LeaseExpired(Unavailable):
    """The release was committed, but its lease ran out before the body was started; nothing was sent."""

    code = "lease_expired"


class Superseded(GatekeeperError):
    """Agency, credential or policy changed between decision and release: the query must be decided again."""

    code = "superseded"


class SharingStopped(GatekeeperError):
    """A stop that covers this release is in force: 403, whatever the policy says."""

    code = "sharing_stopped"


class Unauthenticated(GatekeeperError):
    """The caller did not prove who it is: 401. ``reason`` is from a closed list and is counted in the log."""

    code = "unauthenticated"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InsufficientScope(GatekeeperError):
    """The token is good but was not issued for this: 403 (RFC 6750 section 3.1)."""

    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request.

    ``pointer`` is a JSON pointer (RFC 6901) into the body, ``message`` says what is wrong and ``cure`` what
    to send instead. Neither repeats what the caller sent, but for an offense code that does not exist.
    """

    pointer: str
    message: str
    cure: str = ""


class InvalidRequest(GatekeeperError):
    """The body does not have the shape of a query: 422, every fault named at once."""

    code = "invalid_request"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


class MalformedBody(GatekeeperError):
    """The body is not JSON at all: 400."""

    code = "malformed_body"


class TokenPinned(InvalidRequest):
    """The token was asked for one purpose or case, and is used for another: 403 (RFC 9396)."""

    code = "token_pinned"


class IdempotencyMismatch(GatekeeperError):
    """The Idempotency-Key was used before with another body: 422."""

    code = "idempotency_mismatch"


class IdempotencyInFlight(GatekeeperError):
    """The same Idempotency-Key is being decided at this moment: 409."""

    code = "idempotency_in_flight"


class QuotaExceeded(GatekeeperError):
    """A limit of the agency or of the officer is used up: 429, nothing was decided or recorded.

    ``violated`` names the limits, ``wait_seconds`` says when the next query can be taken, ``left`` is what is
    left of each limit (``ledger.spending.Left``).
    """

    code = "too_many_requests"

    def __init__(self, violated: Sequence[str], wait_seconds: int, left: Sequence[Any] = ()) -> None:
        super().__init__(", ".join(violated))
        self.violated = tuple(violated)
        self.wait_seconds = wait_seconds
        self.left = tuple(left)


class UnknownQuery(GatekeeperError):
    """No such query of this agency; another agency's id is answered in exactly the same way: 404."""

    code = "unknown_query"


class UnknownEntry(GatekeeperError):
    """The log has no entry of that index: 404."""

    code = "unknown_entry"


class UnknownTile(GatekeeperError):
    """The published log has no such file, or not yet: 404."""

    code = "unknown_tile"


class AppealRefused(GatekeeperError):
    """There is nothing (any more) that could be added to the query: 409, nothing was recorded."""

    code = "review_closed"


class NoReview(AppealRefused):
    """No person reviews the query: it was permitted, previewed, or denied for good."""

    code = "no_review"


class AppealsExhausted(AppealRefused):
    """Something was added as often as the city's policy allows."""

    code = "appeals_exhausted"


class RequestErased(AppealRefused):
    """What was asked has been erased: nobody can say what would be added to."""

    code = "request_erased"


class NotDenied(GatekeeperError):
    """There is no letter of a query that was not denied: 409."""

    code = "not_denied"


class UnknownDocument(GatekeeperError):
    """No such document (any more): 404."""

    code = "unknown_document"


class DocumentRefused(GatekeeperError):
    """A document is not taken. ``faults`` pairs each part (name, media_type, content) with what is wrong.

    The sentences are fixed, each with its cure, and repeat nothing of the document.
    """

    code = "document_refused"

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


class InvalidCursor(GatekeeperError):
    """The cursor was not made by us for this query and client, or has expired: 422."""

    code = "invalid_cursor"


class KeyErased(GatekeeperError):
    """The day's key was destroyed by a purge: what it sealed can no longer be read, by anyone."""

    code = "key_erased"


class EntryRefused(GatekeeperError):
    """An entry does not fit its schema or is too large for the log: our defect; nothing is released."""

    code = "entry_refused"


class LedgerCorrupt(GatekeeperError):
    """The log does not agree with its own signed checkpoint: the service refuses to start."""

    code = "ledger_corrupt"


class BundleRefused(GatekeeperError):
    """A policy bundle was not loaded. ``faults`` names every reason, each with the file it is about."""

    code = "bundle_refused"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class NotExplained(GatekeeperError):
    """What a decision rests on could not be found out in time; the decision itself is not touched by it."""

    code = "not_explained"


class SettingsRefused(GatekeeperError):
    """A setting is missing or unsafe; the message ends with the command or variable that cures it."""

    code = "settings_refused"


class OperatorError(GatekeeperError):
    """An operator's command cannot be carried out; the message says which command fixes it."""

    code = "operator_error"


class NotDone(OperatorError):
    """An act of the staff cannot be done; each of ``faults`` names the form's field, or "" for the whole."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(message for _, message in faults))
        self.faults = tuple(faults)
