"""What an agency is told in words: what happened to its request, what to do now, and where to ask.

Guarantees: of the notice it says the query's id and the state, of the city its name and address; no plate,
place, name or word that anybody typed. Plain text, with the same as HTML beside it.
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

from gatekeeper.notices.outcomes import Delivery, Notice


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


def letter(delivery: Delivery, *, city: str, base_url: str, sender: str) -> EmailMessage:
    """Return the e-mail of a delivery, but for its recipient; the same at each try, but for its date."""
    notice, said = delivery.notice, said_of(delivery.notice)
    url = f"{base_url}/v1/queries/{notice.query_id}"
    why = (
        f"This was sent because your agency gave this address to {city}. It was written by a machine: "
        "nobody reads an answer."
    )
    # Nothing in here comes from outside; a line break in a header would still be refused by this policy.
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=sender)
    message["Subject"] = f"{city}: request {notice.query_id[:12]}, {said.short}"
    message["Date"] = format_datetime(notice.at)
    message["Message-ID"] = f"<{delivery.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer by a machine, and no loop
    message.set_content(
        f"{said.happened}\n\nRequest: {notice.query_id}\nState: {notice.state.replace('_', ' ')}\n\n"
        f"{said.do}\n{url}\n\n-- \n{why}\n"
    )
    happened, query, state, do, link, footer = map(
        html.escape,
        (said.happened, notice.query_id, notice.state.replace("_", " "), said.do, url, why),
    )
    message.add_alternative(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(said.short)}</title>'
        f"</head><body><p>{happened}</p><p>Request: <code>{query}</code><br>State: {state}</p>"
        f'<p>{do}<br><a href="{link}">{link}</a></p><hr><p><small>{footer}</small></p></body></html>\n',
        subtype="html",
    )
    return message


def plain(subject: str, text: str, *, city: str, sender: str, at: datetime) -> EmailMessage:
    """Return an e-mail of plain text, but for its recipient. *subject* is one line of ours."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=sender)
    message["Subject"] = f"{city}: {subject}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"{text.rstrip()}\n\n-- \nThis was sent because your agency gave this address to {city}. It was "
        "written by a machine: nobody reads an answer.\n"
    )
    return message
