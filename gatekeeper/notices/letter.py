"""What an agency is told in words: what happened to its request or which signature ends, and what to do now.

Guarantees: of the notice it says the query's id and the state, or the kind and the days of what was signed;
of the city its name and address; no plate, place, name or word that anybody typed. Plain text, with the same
as HTML beside it.
"""

from __future__ import annotations

import html
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from gatekeeper.notices.outcomes import Agency, Delivery, Notice
from gatekeeper.notices.reminders import ending


@dataclass(frozen=True, slots=True)
class Said:
    """What happened, in a few words and in a sentence, and what to do."""

    short: str
    happened: str
    do: str


_ASK: Final = "Ask for its state with your access token:"
_SAID: Final = {
    "queued": Said(
        "denied, waits for staff",
        "The request was denied, and now waits for the city's records staff.",
        "You need not do anything. What would cure the denial is in the answer that you got. " + _ASK,
    ),
    "needs_information": Said(
        "more information is asked for",
        "The city's records staff ask you for more information.",
        "Read the question, and answer it with an appeal. " + _ASK,
    ),
    "permitted": Said(
        "permitted",
        "The policy permits the request, after what the city's records staff ruled or verified.",
        "Fetch the records before that ends; `valid_until` says when. " + _ASK,
    ),
    "upheld": Said(
        "the denial stands", "The city's records staff let the denial stand.", "Read the reason. " + _ASK
    ),
    "withdrawn": Said("withdrawn", "The request was withdrawn.", "Nothing more will happen to it. " + _ASK),
    "expired": Said("expired", "The review of the request has expired.", "Send a new request. " + _ASK),
}
_OTHERWISE: Final = Said("the review has moved", "The review of the request has moved on.", _ASK)
_WAITS: Final = "You need not do anything. " + _ASK
_BY_EVENT: Final = {
    "review.answered": Said(
        "your answer has arrived",
        "What was sent for the request has arrived, and waits for the city's records staff.",
        _WAITS,
    ),
    "review.withdrawn": Said(
        "no longer permitted",
        "What permitted the request was taken back. It waits for the city's records staff again.",
        _WAITS,
    ),
    "review.escalated": Said(
        "taken up again", "The city's counsel takes up again the denial that was let stand.", _WAITS
    ),
}
_ENDED: Final = frozenset({"permitted", "upheld", "withdrawn", "expired"})


def said_of(notice: Notice) -> Said:
    """Return what a notice says: how it ended, if it has, else what happened, else where it stands."""
    if notice.state not in _ENDED and notice.event in _BY_EVENT:
        return _BY_EVENT[notice.event]
    return _SAID.get(notice.state, _OTHERWISE)


@dataclass(frozen=True, slots=True)
class _Written:
    """What one letter says: its subject, what happened, of what, what to do, and where."""

    subject: str
    happened: str
    facts: tuple[tuple[str, str], ...]
    do: str
    url: str


def letter(delivery: Delivery, agency: Agency, *, city: str, base_url: str, sender: str) -> EmailMessage:
    """Return the e-mail of a delivery, but for its recipient; the same at each try, but for its date.

    Raises StoreUnavailable for a reminder of what the agency never signed.
    """
    notice = delivery.notice
    moved = notice.affirmation_id is None
    written = _moved(notice, base_url) if moved else _reminder(notice, agency, base_url)
    why = _why(city)
    message = _begun(written.subject, city=city, sender=sender, at=notice.at, number=delivery.id)
    facts = "".join(f"{name}: {value}\n" for name, value in written.facts)
    message.set_content(f"{written.happened}\n\n{facts}\n{written.do}\n{written.url}\n\n-- \n{why}\n")
    title, happened, do, link, footer = map(
        html.escape, (written.subject, written.happened, written.do, written.url, why)
    )
    listed = "<br>".join(
        f"{html.escape(name)}: <code>{html.escape(value)}</code>" for name, value in written.facts
    )
    message.add_alternative(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"</head><body><p>{happened}</p><p>{listed}</p>"
        f'<p>{do}<br><a href="{link}">{link}</a></p><hr><p><small>{footer}</small></p></body></html>\n',
        subtype="html",
    )
    return message


def _moved(notice: Notice, base_url: str) -> _Written:
    said, query_id = said_of(notice), notice.query_id or ""
    return _Written(
        f"request {query_id[:12]}, {said.short}",
        said.happened,
        (("Request", query_id), ("State", notice.state.replace("_", " "))),
        said.do,
        f"{base_url}/v1/queries/{query_id}",
    )


def _reminder(notice: Notice, agency: Agency, base_url: str) -> _Written:
    signed = ending(notice, agency)
    return _Written(
        f"your {signed.kind} ends on {signed.expires_on}",
        f"The {signed.kind} that was signed for your agency ends on {signed.expires_on}. From that day on "
        "the city's policy denies what wants one.",
        (("Agency", agency.id), ("Signed on", str(signed.signed_on)), ("Ends on", str(signed.expires_on))),
        "Ask the city for a link by which your signatory reads the text and signs anew. How your agency "
        "stands, your access token shows:",
        f"{base_url}/v1/agency",
    )


def plain(subject: str, text: str, *, city: str, sender: str, at: datetime) -> EmailMessage:
    """Return an e-mail of plain text, but for its recipient. *subject* is one line of ours."""
    message = _begun(subject, city=city, sender=sender, at=at, number=secrets.token_hex(16))
    message.set_content(f"{text.rstrip()}\n\n-- \n{_why(city)}\n")
    return message


def _begun(subject: str, *, city: str, sender: str, at: datetime, number: str) -> EmailMessage:
    """Return an e-mail's headers; *number* tells it from every other."""
    # Nothing in here comes from outside; a line break in a header would still be refused by this policy.
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=sender)
    message["Subject"] = f"{city}: {subject}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{number}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer by a machine, and no loop
    return message


def _why(city: str) -> str:
    return (
        f"This was sent because your agency gave this address to {city}. It was written by a machine: "
        "nobody reads an answer."
    )
