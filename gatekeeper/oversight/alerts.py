"""What somebody must look at now, each with what to do about it and where.

Guarantees: an alert is derived from the standing that it is given and from nothing else; a part whose state
is not known is an alert, never silence; the gravest stand first. The sentences are fixed, for the translator.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol

from gatekeeper.exchange.badges import Impossible
from gatekeeper.exchange.interfaces import Affirmation, Agency
from gatekeeper.ledger import Head, StoredEntry, VerifierKey, open_checkpoint
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.oversight.key_warnings import KeyWarning
from gatekeeper.oversight.patterns import Shared, Unusual, Waited

MISSING_PERSON: Final = timedelta(minutes=15)
"""How long a request about a missing person may wait before somebody touches it."""

EXPIRES_WITHIN: Final = timedelta(days=60)
REMINDED_WITHIN: Final = 30
"""Days before the end of what it signed on which an agency is first reminded."""

UNCOVERED: Final = timedelta(hours=1)
"""How old an entry may be that no kept checkpoint covers; one is kept each second while entries come."""

JUMP: Final = 3
JUMP_FROM: Final = 10
"""So many times its usual week's denials, and at least so many, are a jump of an agency's last seven days."""
USUAL_WEEKS: Final = 4

_SHARED: Final[Mapping[Impossible, str]] = {
    "clients": "In seven days %(badges)s badges of %(agency)s asked from several of its systems within an "
    "hour, %(asked)s times. The latest: %(queries)s.",
    "hours": "In seven days %(badges)s badges of %(agency)s asked around the clock, %(asked)s times when "
    "that was plain. The latest: %(queries)s.",
    "sessions": "In seven days %(badges)s badges of %(agency)s asked in several sessions at once, %(asked)s "
    "times. The latest: %(queries)s.",
}
"""Whose badge is in two places at once, or never rests."""

Level = Literal["urgent", "warning", "notice"]
_ORDER: Final[tuple[Level, ...]] = ("urgent", "warning", "notice")


class Alert(NamedTuple):
    """One alert: how grave, what it says (``%(name)s`` stands for a value), what to do, and where."""

    level: Level
    said: str
    values: Mapping[str, object]
    cure: str
    link: str


class Jump(NamedTuple):
    """An agency that was denied far more often than it usually is."""

    agency_id: str
    denied: int
    usual: int


class Expiring(NamedTuple):
    """What an agency signed, and how many days it still counts; below nought it has lapsed."""

    agency: Agency
    kind: str
    expires_on: date
    days: int


class Untold(NamedTuple):
    """An agency that nobody can remind of what it signed: it has no ``contact``, or the city no ``mail``."""

    agency_id: str
    expires_on: date
    why: Literal["contact", "mail"]


class Log(Protocol):
    """Reads the log. Each method raises LedgerUnavailable."""

    def head(self) -> Head: ...
    def entry(self, index: int, /) -> StoredEntry | None: ...
    def last_checkpoint(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand now. ``None`` means not known, which is itself an alert."""

    overdue: int = 0
    missing: int = 0
    locked: int = 0
    undelivered: int = 0
    uncounted: int | None = 0
    """Entries that the figures do not count yet."""
    uncovered: bool = False
    """Whether old entries are covered by no kept checkpoint."""
    checkpoint_fault: str | None = None
    failing: Sequence[str] = ()
    """Parts of the service that do not answer for themselves."""
    unverified: Sequence[str] = ()
    """Titles of provisions in force whose text counsel has not compared."""
    jumps: Sequence[Jump] = ()
    volumes: Sequence[Unusual] = ()
    """Agencies that ask far more than they used to."""
    bursts: Sequence[Unusual] = ()
    """Agencies that asked far more than they used to on one day."""
    off_hours: Sequence[Unusual] = ()
    """Agencies that ask in the city's quiet hours, which they did not use to."""
    waited: Sequence[Waited] = ()
    """Agencies that were permitted what was refused in other words a while before."""
    shared: Sequence[Shared] = ()
    """Agencies whose badges are used as one person cannot use one."""
    expiring: Sequence[Expiring] = ()
    untold: Sequence[Untold] = ()
    keys: Sequence[KeyWarning] = ()


def alerts_of(standing: Standing) -> tuple[Alert, ...]:
    """Return every alert, the gravest first."""
    parts = (_people, _agencies, _parts, _keys, _law)
    found = [alert for part in parts for alert in part(standing)]
    return tuple(sorted(found, key=lambda alert: _ORDER.index(alert.level)))


def sudden(recent: Mapping[str, int], before: Mapping[str, int]) -> tuple[Jump, ...]:
    """Return the agencies whose last week's denials jumped over those of the ``USUAL_WEEKS`` before."""
    jumps = [
        Jump(agency_id, denied, round(before.get(agency_id, 0) / USUAL_WEEKS))
        for agency_id, denied in recent.items()
        if denied >= JUMP_FROM and denied * USUAL_WEEKS >= JUMP * before.get(agency_id, 0)
    ]
    return tuple(sorted(jumps, key=lambda jump: (-jump.denied, jump.agency_id)))


def expiring(agencies: Iterable[Agency], today: date) -> tuple[Expiring, ...]:
    """Return what agencies in good standing signed that has lapsed or soon does, the soonest first.

    Of several of one kind the one that counts longest speaks for the agency.
    """
    found = []
    for agency in agencies:
        for kind, ends in last_ends(agency.affirmations).items():
            if agency.status == "active" and ends is not None and ends - today <= EXPIRES_WITHIN:
                found.append(Expiring(agency, kind, ends, (ends - today).days))
    return tuple(sorted(found, key=lambda each: (each.expires_on, each.agency.id)))


def last_ends(signed: Iterable[Affirmation]) -> dict[str, date | None]:
    """Return until when each kind of what an agency signed counts (None: without end), by the longest."""
    ends: dict[str, date | None] = {}
    for each in signed:
        last = ends.get(each.kind, date.min)
        ends[each.kind] = None if last is None or each.expires_on is None else max(last, each.expires_on)
    return ends


def uncovered(log: Log, key: VerifierKey, now: datetime) -> bool:
    """Say whether the first entry that no kept checkpoint of ours covers is older than ``UNCOVERED``.

    Raises LedgerUnavailable, LedgerCorrupt.
    """
    kept, size = log.last_checkpoint(), log.head().size
    try:
        covered = 0 if kept is None else open_checkpoint(kept, key).size
    except CheckpointRefused:
        return True
    if size <= covered:
        return False
    entry = log.entry(covered)
    if entry is None:
        return True
    hour = datetime.strptime(f"{decoded(entry.entry)['hour']}+0000", "%Y-%m-%dT%HZ%z")
    # The public entry tells the hour alone: it is as young as the hour's end.
    return now - (hour + timedelta(hours=1)) > UNCOVERED


def _people(standing: Standing) -> Iterator[Alert]:
    if standing.missing:
        yield Alert(
            "urgent",
            "%(count)s requests about a missing person wait longer than 15 minutes, touched by nobody.",
            {"count": standing.missing},
            "Open the queue and take the first.",
            "/console/reviews?state=queued",
        )
    if standing.overdue:
        yield Alert(
            "urgent",
            "%(count)s reviews are overdue.",
            {"count": standing.overdue},
            "Rule on them, ask for what is missing, or hand them to counsel.",
            "/console/reviews?overdue=yes",
        )
    if standing.undelivered:
        yield Alert(
            "warning",
            "%(count)s notices to agencies could not be delivered.",
            {"count": standing.undelivered},
            "Look at the agency's address, and tell it in another way meanwhile.",
            "/console/notices",
        )
    if standing.locked:
        yield Alert(
            "warning",
            "%(count)s staff accounts are locked after failed sign-ins.",
            {"count": standing.locked},
            "Ask the person whether it was they who failed; if not, tell whoever runs the service.",
            "/console/ledger?event=staff.signed_in",
        )


def _agencies(standing: Standing) -> Iterator[Alert]:
    for jump in standing.jumps:
        yield Alert(
            "warning",
            "%(agency)s was denied %(denied)s times in seven days; %(usual)s a week are usual for it.",
            {"agency": jump.agency_id, "denied": jump.denied, "usual": jump.usual},
            "Look at what it asks for, and talk to its contact.",
            f"/console/agencies/{jump.agency_id}",
        )
    for more in standing.volumes:
        yield Alert(
            "warning",
            "In seven days %(agency)s asked %(asked)s times; %(usual)s a week are usual for it. Its latest: "
            "%(queries)s.",
            _told(more),
            "Ask its contact what changed.",
            f"/console/agencies/{more.agency_id}",
        )
    for burst in standing.bursts:
        yield Alert(
            "warning",
            "On %(day)s %(agency)s asked %(asked)s times; %(usual)s a day are usual for it. Its latest: "
            "%(queries)s.",
            {**_told(burst), "day": burst.day},
            "Look at who asked, under which badges, and ask its contact what happened.",
            f"/console/agencies/{burst.agency_id}",
        )
    for late in standing.off_hours:
        yield Alert(
            "warning",
            "In the quiet hours of seven days %(agency)s asked %(asked)s times; %(usual)s a week are usual "
            "for it. Its latest: %(queries)s.",
            _told(late),
            "Ask its contact who was on duty.",
            f"/console/agencies/{late.agency_id}",
        )
    for each in standing.waited:
        yield Alert(
            "warning",
            "In seven days %(agency)s was permitted %(asked)s requests that were refused in other words "
            "before, and came again once the law looked back no further. Its latest: %(queries)s.",
            {"agency": each.agency_id, "asked": each.asked, "queries": ", ".join(each.queries)},
            "Look at what it asked for; a city may look back up to a day (rephrasing.within_minutes).",
            f"/console/agencies/{each.agency_id}",
        )

    for badge in standing.shared:
        yield Alert(
            "warning",
            _SHARED[badge.kind],
            {
                "agency": badge.agency_id,
                "badges": badge.badges,
                "asked": badge.asked,
                "queries": ", ".join(badge.queries),
            },
            "See in the queries which badge it is, and ask its contact who used it. If more than one did: "
            "gatekeeper officer suspend %(agency)s BADGE --reason WHY.",
            f"/console/agencies/{badge.agency_id}",
        )


def _told(unusual: Unusual) -> Mapping[str, object]:
    return {
        "agency": unusual.agency_id,
        "asked": unusual.asked,
        "usual": unusual.usual,
        "queries": ", ".join(unusual.queries),
    }


def _parts(standing: Standing) -> Iterator[Alert]:
    for part in standing.failing:
        yield Alert(
            "urgent",
            "The part “%(part)s” of the service does not answer. Requests are refused meanwhile.",
            {"part": part},
            "Tell whoever runs the service: gatekeeper doctor says what to do.",
            "/readyz",
        )
    if standing.checkpoint_fault is not None or standing.uncovered:
        yield Alert(
            "urgent",
            "No checkpoint of the log has been kept for more than an hour of entries.",
            {},
            "Tell whoever runs the service: without it nobody can show later that entries were removed.",
            "/console/ledger",
        )
    if standing.uncounted is None:
        yield Alert(
            "urgent",
            "The figures stand still: the log has an entry that cannot be counted.",
            {},
            "Verify the log: gatekeeper ledger verify says which entry, and in what way.",
            "/console/ledger",
        )
    elif standing.uncounted:
        yield Alert(
            "notice",
            "%(count)s entries of the log are not in these figures yet.",
            {"count": standing.uncounted},
            "Load the page again in a moment.",
            "/console/dashboard",
        )


def _keys(standing: Standing) -> Iterator[Alert]:
    for key in standing.keys:
        yield Alert(
            "warning",
            key.said,
            key.values,
            "Tell whoever runs the service: gatekeeper doctor says what to do.",
            "/readyz",
        )


def _law(standing: Standing) -> Iterator[Alert]:
    lapsed = sum(each.days < 0 for each in standing.expiring)
    if lapsed:
        yield Alert(
            "warning",
            "%(count)s affirmations or declarations have lapsed: the policy denies those agencies.",
            {"count": lapsed},
            "Ask the agency to sign anew.",
            "#expiring",
        )
    for each in standing.untold:
        if each.why == "contact":
            yield Alert(
                "warning",
                "%(agency)s has no contact: nobody reminds it that what it signed ends on %(day)s.",
                {"agency": each.agency_id, "day": each.expires_on},
                "Ask it for an address that somebody reads, and enter it by: gatekeeper agency change "
                "%(agency)s --contact ADDRESS --reason WHY.",
                f"/console/agencies/{each.agency_id}",
            )
    if unsent := sum(each.why == "mail" for each in standing.untold):
        yield Alert(
            "warning",
            "%(count)s agencies are not reminded of what ends: the city has no mail server.",
            {"count": unsent},
            "Tell them yourself, or have GATEKEEPER_SMTP_URL and GATEKEEPER_MAIL_FROM set.",
            "#expiring",
        )
    if standing.unverified:
        yield Alert(
            "notice",
            "%(count)s provisions in force have not been compared with the law by counsel.",
            {"count": len(standing.unverified)},
            "Counsel compares each with its source; until then it binds as it stands.",
            "#unverified",
        )
