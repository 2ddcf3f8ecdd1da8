"""What an agency has in its office: answers as it got them, the log's key, and the command for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.ledger import Json, canonical
from gatekeeper.ledger.batch import Appended
from tests.cli.shell import typed
from tests.ledger.made import Log, decided, new_ref, open_log, released

RECORDS = [{"id": "read-1", "plate": "DEMO123", "confidence": 0.93}, {"id": "read-2", "plate": "DEMO123"}]


@dataclass(frozen=True, slots=True)
class Office:
    """What an agency has: its answers, and the log's key."""

    directory: Path
    log: Log
    permitted: dict[str, Any]
    denied: dict[str, Any]

    @property
    def key(self) -> str:
        """The log's key."""
        return self.log.key.vkey

    def saved(self, document: object, name: str = "answer.json") -> str:
        """Save something; return where."""
        file = self.directory / name
        if not isinstance(document, str | bytes):
            document = json.dumps(document)
        file.write_bytes(document.encode() if isinstance(document, str) else document)
        return str(file)

    def check(self, *arguments: str, status: int = 0, text: str | bytes | None = None) -> str:
        """Run the command with the log's key; return what it says."""
        result = typed("ledger", "check", *arguments, "--key", self.key, text=text)
        assert status == result.exit_code, result.output
        return result.output


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Log, dict[str, Any], dict[str, Any]]]:
    """Yield a log, and two answers of it as an agency gets them."""
    log = open_log(tmp_path_factory.mktemp("log"))
    ref = new_ref()
    permit = log.ledger.append(decided(ref))
    rows: Json = {"sha256": hashlib.sha256(canonical(RECORDS)).hexdigest()}
    draft = released(ref, permit.index)
    release = log.ledger.append(replace(draft, secret={**draft.secret, "count": 2, "rows": rows}))
    denial = log.ledger.append(decided(outcome="deny"))
    for _ in range(4):
        log.ledger.append(decided())
    yield log, _answer(release, "permit") | {"records": RECORDS, "next": None}, _problem(denial)
    log.rows.close()


@pytest.fixture
def office(
    answers: tuple[Log, dict[str, Any], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """Return an agency's office, without a city and away from the log."""
    monkeypatch.chdir(tmp_path)
    log, permitted, denied = answers
    return Office(tmp_path, log, *(json.loads(json.dumps(answer)) for answer in (permitted, denied)))


def _answer(appended: Appended, outcome: str) -> dict[str, Any]:
    entry = json.loads(appended.entry)
    decision = {"outcome": outcome, "policy": entry["policy"]}
    return {"query_id": entry["ref"], "decision": decision, "receipt": appended.receipt().as_json()}


def _problem(appended: Appended) -> dict[str, Any]:
    answer = _answer(appended, "deny")
    answer["decision"]["provisions"] = [{"code": "affirmation", "title": "An affirmation"}]
    return {"type": "/docs#problem-denied", "title": "Denied", "status": 403, **answer}
