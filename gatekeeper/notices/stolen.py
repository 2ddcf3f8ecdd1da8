"""What a client asked whose key is in somebody else's hands, and the draft of what its agency is told.

Guarantees: every query of the client from the first day on is listed, each with the entries that prove it,
read from the public log and held against the hash that is kept of each; there is no plate, place, name or
word of a query in the list or in the draft, so both can be sent by mail; what the draft says of the
revocation is true.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Final, Protocol

from gatekeeper.cells import cell
from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger import StoredEntry
from gatekeeper.ledger.entries import BANDS
from gatekeeper.ledger.merkle import leaf_hash

_ANSWERS: Final = frozenset({"query.decided", "query.previewed"})


class Row(Protocol):
    """A query that is on record."""

    @property
    def query_id(self) -> str:
        """Its id, by which the log's entries name it."""


class Queries(Protocol):
    """Reads what clients asked. Raises StoreUnavailable."""

    def of_client(self, agency_id: str, client_id: str, since_hour: str) -> Sequence[Row]:
        """Return them from that hour on, oldest first."""


class Entries(Protocol):
    """Reads the log. Raises LedgerUnavailable."""

    def entries_of(self, ref: str) -> Sequence[StoredEntry]:
        """Return those about a query, in the log's order."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query: how it was decided last, and what left. ``hour`` is in UTC; the entries are log indices."""

    query_id: str
    hour: str
    kind: str
    category: str
    outcome: str
    provisions: str
    releases: int
    records: str
    first_entry: int
    last_entry: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """What was revoked, when and why; ``entry`` and ``at`` None: somebody had done so before."""

    agency_id: str
    agency: str
    contacts: tuple[str, ...]
    client_id: str
    kid: str | None
    at: datetime | None
    entry: int | None
    reason: str


def asked_by(
    queries: Queries, entries: Entries, agency_id: str, client_id: str, since: date | None
) -> Iterator[Asked]:
    """Yield every query of a client from that day on (None: all), oldest first.

    Raises LedgerCorrupt for an entry that was altered or is missing, and what the store raises.
    """
    since_hour = "" if since is None else f"{since.isoformat()}T00Z"
    for row in queries.of_client(agency_id, client_id, since_hour):
        yield _asked(row.query_id, entries.entries_of(row.query_id))


def _asked(query_id: str, stored: Sequence[StoredEntry]) -> Asked:
    said = [(one.index, json.loads(one.entry)) for one in stored if leaf_hash(one.entry) == one.leaf_hash]
    decided = [told for _, told in said if told["event"] in _ANSWERS]
    if len(said) != len(stored) or not decided:
        raise LedgerCorrupt(f"the entries of {query_id} are not as they were: gatekeeper ledger verify")
    bands = [told["count_band"] for _, told in said if told["event"] == "query.released"]
    last = decided[-1]
    return Asked(
        query_id,
        decided[0]["hour"],
        last["kind"],
        last["category"],
        last["outcome"],
        " ".join(last["provisions"]),
        len(bands),
        max(bands, key=BANDS.index, default="none"),
        said[0][0],
        said[-1][0],
    )


def as_csv(asked: Sequence[Asked]) -> str:
    """Return the list as CSV (RFC 4180) that opens in any spreadsheet and runs nothing there."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [field.name for field in fields(Asked)]
    writer.writerow(names)
    writer.writerows([cell(getattr(one, name)) for name in names] for one in asked)
    return text.getvalue()


def notice(revoked: Revoked, asked: Sequence[Asked], *, issuer: str, since: date | None) -> str:
    """Return the draft of the letter to the agency: what happened, what was asked, what it is to do.

    What was typed stands on a line of its own: it cannot be taken for another part of the letter.
    """
    agency, released = revoked.agency_id, [one for one in asked if one.releases]
    what = f"The key {revoked.kid} of the client" if revoked.kid else "The client"
    entry = (
        "The city's public log holds the revocation. Counsel adds when that was."
        if revoked.entry is None
        else f"Entry {revoked.entry} of the city's public log holds the revocation;\n"
        f"{issuer}/v1/ledger/entries/{revoked.entry}/proof proves it."
    )
    when = (
        "had been\nrevoked before this letter was drafted"
        if revoked.at is None
        else f"was\nrevoked on {revoked.at:%Y-%m-%d} at {revoked.at:%H:%M} UTC"
    )
    contacts = (
        ", ".join(map(_line, revoked.contacts))
        or f"no contact is registered: gatekeeper agency show {agency}"
    )
    begins = "since it was registered" if since is None else f"from {since.isoformat()} on"
    span = f"The first is of {asked[0].hour}, the last of {asked[-1].hour} (hours in UTC). " if asked else ""
    return f"""\
DRAFT. Counsel reads, completes and sends it; nothing has been sent.

To: {_line(revoked.agency)} ({agency})
    {contacts}
From: the license-plate-reader gatekeeper at {issuer}
About: credentials of yours that are in somebody else's hands

What happened. {what} {revoked.client_id} {when}: {_line(revoked.reason)}
No token of it is accepted since then, on any server of the city.
{entry}

What was asked. With this client {_number(len(asked))} asked {begins}:
{_count(asked, "permit")} permitted, {_count(asked, "deny")} denied; {len(released)} got records.
{span}The file queries.csv lists each one,
with the log entries that prove it. It holds no plate and no name.

What we ask of you:
1. Compare the list with your own records. Tell us which queries no officer of yours
   asked. Until you do, the city treats each of them as not yours.
2. Keep the logs of the machine on which the key was, unchanged.
3. Make a new key on another machine, and send us its public half only. The city
   registers it: gatekeeper client add {agency} --key FILE

For counsel, before this is sent:
- What left, and about whom, is in the file of each query with records:
  gatekeeper export query QUERY_ID --out FILE.zip --reason "…"
- Which law asks the city or the agency to tell those persons, a regulator or the
  council, and until when.
- Whether the agency has other clients on the same machine:
  gatekeeper client list --agency {agency}
"""


def _line(typed: str) -> str:
    return "".join(character if character.isprintable() else " " for character in typed)


def _count(asked: Sequence[Asked], outcome: str) -> int:
    return sum(one.outcome == outcome for one in asked)


def _number(queries: int) -> str:
    return "1 query was" if queries == 1 else f"{queries} queries were"
