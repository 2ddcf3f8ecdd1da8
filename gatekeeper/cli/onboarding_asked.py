"""An agency asked for, one thing after the other, each with what it is for; a wrong answer is asked again.

Works in a plain terminal. Guarantees: nothing is written here; whoever ends it (Ctrl-C, end of input) has
changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from gatekeeper.cli.agency import misfits
from gatekeeper.cli.onboarding import (
    LONGEST_SOURCE,
    MOST_CONTACTS,
    Application,
    NewClient,
    Paper,
    digest,
    key_in,
    one_of,
)
from gatekeeper.errors import OperatorError
from gatekeeper.ledger.stops import KINDS
from gatekeeper.notices.told import is_address
from gatekeeper.settings import PROFILES

_T = TypeVar("_T")
_NONE = "-"


def ask(today: date) -> Application:
    """Ask for everything. Raises click.Abort if the person ends it."""
    click.echo(
        "Nothing is entered before you confirm at the end; Ctrl-C leaves everything as it was.", err=True
    )
    agency_id = _asked(
        "Id",
        "The log names the agency by this, for ever: 10 to 64 letters, digits, dots, dashes.",
        lambda text: _fits(text, "id"),
    )
    name = _asked("Name", "Its full name, as on its letters.", lambda text: _fits(text, "name"))
    kind = _asked("Kind", f"One of {', '.join(KINDS)}. The law tells them apart.", one_of(KINDS))
    state = None
    if kind != "federal":
        state = _asked(
            "State",
            f"Two letters; {_NONE} for none (only private or tribal agencies have none).",
            lambda text: _state(text, kind),
        )
    ori = _asked(
        "ORI", f"Originating Agency Identifier of the FBI, 7 to 9 characters; {_NONE} for none.", _ori
    )
    contacts = _asked(
        "Contacts",
        "E-mail addresses of who answers for the agency, with commas between. They are told of reviews.",
        _contacts,
    )
    has = _asked("287(g)", "Has it an agreement under 8 USC 1357(g)? yes or no.", _truth)
    source = _asked("Source", "Where does that stand? An address, or a document by its name.", _source)
    looked_up = _asked("Looked up on", "The day on which you looked there, as 2026-11-22.", _past(today))
    papers = _papers(today)
    client = _client()
    return Application(agency_id, name, kind, state, ori, contacts, has, source, looked_up, papers, client)


def _papers(today: date) -> tuple[Paper, ...]:
    found: list[Paper] = []
    while True:
        kind = _asked(
            "Signed",
            f"A paper it has signed: affirmation, declaration, or {_NONE} for none (or no more).\n"
            "Without one, send a link afterwards: gatekeeper affirmation invite.",
            lambda text: None if text == _NONE else one_of(("affirmation", "declaration"))(text),
        )
        if kind is None:
            return tuple(found)
        version = _asked("Text version", "Stands at the head of the text, as 2026-01.", _words)
        signer = _asked("Signer", "Who signed, by name.", _words)
        title = _asked("Title", "The signer's office, as Chief of Police.", _words)
        signed_on = _asked("Signed on", "The day of the signature, as 2026-11-22.", _past(today))
        expires_on = _asked(
            "Ends on",
            f"The first day on which it no longer counts; {_NONE} if it says none (then the law does).",
            partial(_later, signed_on=signed_on, today=today),
        )
        paper = _asked(
            "Document",
            f"The file of the signed paper, whose SHA-256 is kept; {_NONE} for none.",
            lambda text: None if text == _NONE else digest(Path(text)),
        )
        found.append(Paper(kind, version, signer, title, signed_on, expires_on, paper))


def _client() -> NewClient | None:
    profile = _asked(
        "Client",
        "How it proves who it is: fapi (a key, and tokens that are of no use to a thief), private_key (a "
        f"key), basic (it gets a secret), or {_NONE} for later.",
        lambda text: None if text == _NONE else one_of(PROFILES)(text),
    )
    if profile is None:
        return None
    if profile == "basic":
        return NewClient("basic")
    key = _asked(
        "Key",
        "The file of its public key (PEM or JWK). The private half stays with the agency.",
        lambda text: key_in(Path(text)),
    )
    return NewClient(profile, keys=(key,))


def _asked(label: str, help_text: str, read: Callable[[str], _T]) -> _T:
    def checked(text: Any) -> _T:
        try:
            return read(str(text).strip())
        except (OperatorError, ValueError) as fault:
            raise click.UsageError(str(fault)) from None
        except OSError as fault:
            raise click.UsageError(f"the file cannot be read ({fault.strerror}): check its path") from None

    click.echo(f"\n{help_text}", err=True)
    answer: _T = click.prompt(label, value_proc=checked, err=True)
    return answer


def _fits(text: str, where: str) -> str:
    """Return the text if it fits; the other attributes are ones that do."""
    values = {"id": "sample-city-pd", "name": "A", where: text}
    for fault, cure in misfits(values["id"], values["name"], "federal", None, None):
        if fault == where:
            raise ValueError(cure)
    return text


def _state(text: str, kind: str) -> str | None:
    state = None if text == _NONE else text.upper()
    for _, cure in misfits("sample-city-pd", "A", kind, state, None):
        raise ValueError(cure)
    return state


def _ori(text: str) -> str | None:
    ori = None if text == _NONE else text.upper()
    for _, cure in misfits("sample-city-pd", "A", "federal", None, ori):
        raise ValueError(cure)
    return ori


def _contacts(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found or len(found) > MOST_CONTACTS or not all(map(is_address, found)):
        raise ValueError(f"1 to {MOST_CONTACTS} e-mail addresses, as chief@example.gov, records@example.gov")
    return found


def _source(text: str) -> str:
    if not text.isprintable() or len(text) > LONGEST_SOURCE:
        raise ValueError(f"at most {LONGEST_SOURCE} characters on one line")
    return _words(text)


def _words(text: str) -> str:
    if not any(letter.isalnum() for letter in text) or not text.isprintable():
        raise ValueError("say it in words")
    return text


def _truth(text: str) -> bool:
    if text.casefold() not in {"yes", "no", "y", "n"}:
        raise ValueError("yes or no")
    return text.casefold().startswith("y")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a day, as 2026-11-22") from None


def _past(today: date) -> Callable[[str], date]:
    def read(text: str) -> date:
        if (day := _day(text)) > today:
            raise ValueError("that day is still to come")
        return day

    return read


def _later(text: str, signed_on: date, today: date) -> date | None:
    if text == _NONE:
        return None
    if (day := _day(text)) <= max(signed_on, today):
        raise ValueError("it would have ended already: have it signed anew, or give the right day")
    return day
