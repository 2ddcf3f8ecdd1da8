"""A city with queries of each kind, one of its staff, and a stranger who unpacks what they export."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyotp
from click.testing import Result

from gatekeeper import settings
from gatekeeper.cli.export import KeptPapers
from gatekeeper.court.dossier import Court
from gatekeeper.court.file import court_file
from gatekeeper.exchange import asked, further_records
from gatekeeper.policy import Bundle
from gatekeeper.revisions.past_texts import past_text
from gatekeeper.state import State, open_state
from gatekeeper.store import Documents
from tests.cli.shell import City as Shell
from tests.cli.shell import typed
from tests.exchange.appeals import AGENCY, Denied, facts
from tests.exchange.city import PLATE, body, founded

REASON = "Case 25 CV 17, subpoena of 3 November"
OFFICER, STORY = "Quentin Example", "A violet sample sedan was stolen from Nowhere Lane overnight"
WORDS = "Send the case number, please."
PRIVATE = (PLATE, OFFICER, STORY, WORDS)
KINDS = ("permitted", "paged", "denied", "ruled", "preview")


def made_city(data: Path, bundle: Bundle) -> dict[str, str]:
    """Make the city; return the ids of its queries by kind."""
    city, ids = founded(data, bundle), {}
    try:
        own = {"requester__name": OFFICER, "purpose__narrative": STORY}
        ids["permitted"] = city.ask(body(**own)).query_id
        first = city.ask(body(**own, query__limit=4))
        ids["paged"], cursor = first.query_id, json.loads(first.body)["next"]
        for _ in range(2):
            page = further_records(city.gate, city.presented(AGENCY), ids["paged"], cursor)
            cursor = json.loads(page.body)["next"]
        ids["denied"] = city.ask(body(**own, purpose__case_number="n/a")).query_id
        ruled = Denied.of(city, **{**own, "purpose__narrative": "investigation"})
        ruled.answered(facts())
        ruled.moved("queued")
        ruled.ruled("stated_reason", asked(city.gate, ruled.query_id).digest)
        assert 200 == ruled.records().status
        ids["ruled"] = ruled.query_id
        ids["preview"] = city.ask(body(**own), dry_run=True).query_id
    finally:
        city.state.close()
    return ids


def court_of(state: State) -> Court:
    """Return what gathers, as the command has it."""
    return Court(
        state.ledger,
        state.rows,
        state.log_key.verifier,
        state.publication().covering,
        partial(past_text, state.lifecycle()),
        KeptPapers(Documents(state.database), state.keys),
    )


@dataclass(frozen=True, slots=True)
class Staffed:
    """The city, its queries, and one person of its staff."""

    data: Path
    ids: Mapping[str, str]
    person: Mapping[str, str]

    @property
    def city(self) -> Shell:
        """Its commands."""
        return Shell(self.data)

    def state(self) -> State:
        """Open it; whoever asks closes it."""
        return open_state(settings.load(data=self.data))

    def typing(self, code: str | None = None) -> str:
        """Return what the person types."""
        now = pyotp.TOTP(self.person["totp_secret"]).at(datetime.now(UTC))
        return f"{self.person['password']}\n{code or now}\n"

    def export(self, query_id: str, out: Path, *more: str, code: str | None = None) -> Result:
        """Export a query as that person."""
        options = ("--out", str(out), "--as", self.person["username"], "--data", str(self.data))
        given = more if "--reason" in more else (*more, "--reason", REASON)
        return typed("export", "query", query_id, *options, *given, text=self.typing(code))

    def exported(self, kind: str, *, private: bool = True) -> bytes:
        """Export without the keyboard."""
        state = self.state()
        try:
            account = state.staff.find(self.person["username"])
            assert account is not None
            return court_file(court_of(state).gather(self.ids[kind], account, REASON, private=private))
        finally:
            state.close()

    @property
    def key(self) -> str:
        """The log's key, from elsewhere than the file."""
        return self.city.run("ledger", "key").strip()

    def last_export(self) -> dict[str, Any]:
        """Return what the last ``export.made`` commits to."""
        state = self.state()
        try:
            found = [e for e in state.rows.entries(0, 10_000) if e.event == "export.made"][-1]
            opened = state.ledger.opened(found).openings
            return {name: opening["value"] for name, opening in opened.items() if name != "at"}
        finally:
            state.close()


def staffed(data: Path, ids: Mapping[str, str], role: str = "counsel", name: str = "Lee Sample") -> Staffed:
    """Return the city with a member of staff of that role."""
    (made,) = Shell(data).rows("staff", "add", "lee.sample", "--name", name, "--role", role)
    return Staffed(data, ids, made)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a stranger has: the files, unpacked."""

    directory: Path

    @classmethod
    def of(cls, archive: bytes, directory: Path) -> Unpacked:
        """Unpack it."""
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            assert None is opened.testzip()
            opened.extractall(directory)
        return cls(directory)

    def read(self, name: str) -> bytes:
        """Return a file."""
        return (self.directory / name).read_bytes()

    def json(self, name: str) -> Any:
        """Return a document."""
        return json.loads(self.read(name))

    def names(self, pattern: str = "**/*") -> list[str]:
        """Return the files' names."""
        found = (file for file in self.directory.glob(pattern) if file.is_file())
        return sorted(str(file.relative_to(self.directory)) for file in found)

    @property
    def numbers(self) -> list[int]:
        """The places of the query's entries."""
        return sorted(int(Path(name).stem) for name in self.names("entries/*.json"))

    def damaged(self) -> list[str]:
        """Return what is not as the manifest says, or not named by it."""
        listed = self.json("manifest.json")["sha256"]
        found = {name: hashlib.sha256(self.read(name)).hexdigest() for name in self.names()}
        del found["manifest.json"]
        return sorted(name for name in {*listed, *found} if listed.get(name) != found.get(name))
