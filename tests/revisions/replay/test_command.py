"""``gatekeeper policy replay`` as an operator types it: on a directory, on a revision, on a published log."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli.policy_replay_audit import replay_audit
from gatekeeper.cli.replay import template
from gatekeeper.errors import OperatorError
from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.revisions.replay.report import ReplayReport
from gatekeeper.store.policy_jobs import PolicyJobs
from tests.cli.shell import typed
from tests.policy.laws import shipped
from tests.revisions.replay.conftest import DECISIONS
from tests.revisions.replay.laws import another, files, with_lexicon
from tests.revisions.replay.replaying import laws_of, opened, replay

Written = Callable[[dict[str, str]], Path]


@pytest.fixture(autouse=True)
def fresh_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every setting out of the environment."""
    for name in [n for n in os.environ if n.startswith("GATEKEEPER_") and "_TEST_" not in n]:
        monkeypatch.delenv(name)


def _refused(*arguments: str) -> str:
    result = typed("policy", "replay", *arguments)
    assert 1 == result.exit_code, result.output
    return result.stderr


def test_a_directory_is_tried_and_nothing_is_recorded(past: Path, tmp_path: Path, policies: Written) -> None:
    """The figures on the terminal, as JSON and as CSV; no entry, and no private word in any of them."""
    directory, report, sheet = policies(dict(another(days=20).files)), tmp_path / "r.json", tmp_path / "r.csv"
    with opened(past) as state:
        size = state.rows.head().size
    result = typed(
        "policy", "replay", str(directory), "--data", str(past), "--processes", "1",
        "--json", str(report), "--csv", str(sheet),
    )  # fmt: skip
    assert 0 == result.exit_code, result.output
    found = ReplayReport.read(json.loads(report.read_bytes()))
    assert (DECISIONS, 0) == (found.decisions.replayed, found.decisions.missing)
    assert f"{DECISIONS} past decisions" in result.stdout
    assert "repeated_search" in result.stdout
    rows = list(csv.reader(sheet.read_text("utf-8").splitlines()))
    assert ["class", "newly_permitted", "", "", str(found.classes["newly_permitted"])] in rows
    for text in (result.stdout, report.read_text("utf-8"), sheet.read_text("utf-8")):
        assert not any(word in text for word in ("DEMO", "Pat Example", "sedan", "4411"))
    with opened(past) as state:
        assert size == state.rows.head().size


def test_days_samples_and_other_laws_are_asked_for(past: Path, tmp_path: Path, policies: Written) -> None:
    """A period by its first and last day, a sample, and another law to compare with."""
    directory, report = policies(dict(another(days=20).files)), tmp_path / "r.json"
    asked = (
        "policy",
        "replay",
        str(directory),
        "--data",
        str(past),
        "--json",
        str(report),
        "--processes",
        "1",
    )
    assert 0 == typed(*asked, "--from", "2026-02-01", "--to", "2026-02-28").exit_code
    assert ["2026-02"] == [one["name"] for one in json.loads(report.read_bytes())["months"]]
    assert 0 == typed(*asked, "--sample", "50", "--seed", "mine").exit_code
    assert 50 == json.loads(report.read_bytes())["decisions"]["replayed"]
    assert 0 == typed(*asked, "--against", str(directory)).exit_code
    assert DECISIONS == json.loads(report.read_bytes())["classes"]["same"]


def test_what_cannot_be_replayed_is_said(past: Path, tmp_path: Path, policies: Written) -> None:
    """No such revision, days exchanged, a cluster in the clear, no Dask, an audit log with a revision."""
    city = ("--data", str(past))
    assert "there is no revision rev_0" in _refused("rev_0", *city)
    assert "there is no revision rev_0" in _refused("--against", "rev_0", *city)
    assert "exchanged" in _refused("--from", "2026-03-01", "--to", "2026-01-01", *city)
    assert "use tls://" in _refused("--scheduler", "tcp://192.0.2.7:8786", *city)
    whole = 'input.requester.name == "Pat Example"'
    unhidden = policies(dict(another(rule=whole).files))
    said = _refused(str(unhidden), "--scheduler", "tcp://127.0.0.1:1", *city)
    assert "sharing/repeated_search/repeated_search.rego:" in said
    assert whole in said
    log = tmp_path / "log.csv"
    log.write_text("searched_at,reason\n2026-01-02,Robbery\n")
    assert "without a city" in _refused("rev_0", "--audit-csv", str(log))


@dataclass(frozen=True)
class _Author:
    id: str = "acct_sample"
    username: str = "lee.legal"
    name: str = "Lee Legal (sample)"
    role: str = "legal"
    agency_id: str | None = None
    status: str = "active"
    password_hash: str = ""
    totp_box: bytes = b""


def _proposed(directory: Path, bundle: Bundle) -> str:
    """Propose a law and record that it was checked; return the revision's id."""
    with opened(directory) as state:
        lifecycle = state.lifecycle()
        revision = lifecycle.propose(
            bundle, author=_Author(), reason="Fewer false alarms, as the chief asked.", origin="editor"
        )
        lifecycle.checked(revision.id, {"form": "made up"}, passed=True, by="test")
        return revision.id


def test_a_revision_s_replay_is_recorded_for_its_approvers(own: Path) -> None:
    """The document is kept with it, its state moves on, and the job is over."""
    candidate = another(days=20)
    revision_id = _proposed(own, candidate)
    result = typed("policy", "replay", revision_id, "--data", str(own), "--by", "acct_sample")
    assert 0 == result.exit_code, result.output
    with opened(own) as state:
        store, job = state.lifecycle().store, PolicyJobs(state.database).latest(revision_id, "replay")
        revision, kept = store.get(revision_id), store.result(revision_id, "replay")
        assert revision is not None
        assert kept is not None
        assert job is not None
        assert ("replayed", "done", "acct_sample") == (revision.state, job.state, job.by)
        report = ReplayReport.read(kept.document)
        assert candidate.digest == report.candidate.digest
        assert DECISIONS == report.decisions.replayed
        assert json.loads(list(state.rows.entries_of(revision_id))[-1].entry)["event"] == "policy.replayed"


def test_a_revision_that_was_not_checked_is_not_replayed(own: Path) -> None:
    """Said before any work is done."""
    with opened(own) as state:
        revision = state.lifecycle().propose(
            another(days=20), author=_Author(), reason="Not checked yet, as the test wants.", origin="editor"
        )
    assert f"{revision.id} is draft" in _refused(revision.id, "--data", str(own))


def test_against_another_law_than_the_one_in_force_nothing_is_recorded(own: Path) -> None:
    """A candidate changes nothing in itself: no approver is shown that as what it would have done."""
    revision_id = _proposed(own, another(days=20))
    asked = ("policy", "replay", revision_id, "--data", str(own), "--processes", "1")
    assert 0 == typed(*asked, "--against", revision_id).exit_code
    with opened(own) as state:
        store = state.lifecycle().store
        assert store.result(revision_id, "replay") is None
        assert "checked" == getattr(store.get(revision_id), "state", None)


def test_one_replay_of_a_revision_at_a_time(own: Path) -> None:
    """A second one is told that the first runs."""
    revision_id = _proposed(own, another(days=20))
    with opened(own) as state:
        assert PolicyJobs(state.database).begin(revision_id, "replay", "somebody", {}) is not None
    assert "is being replayed already" in _refused(revision_id, "--data", str(own))


_SLOWLY = """
import sys, time
from gatekeeper.revisions.replay import run
run.LONG, run._SAVED_EVERY = 25, 0.0
if sys.argv.pop(1) == "slowly":
    from gatekeeper.cli import policy_replay
    once = policy_replay._Kept.save
    def save(self, *given):
        once(self, *given)
        time.sleep(0.2)
    policy_replay._Kept.save = save
from gatekeeper.cli import main
main()
"""


@contextmanager
def _begun(how: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen([sys.executable, "-c", _SLOWLY, how, *arguments], env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_replay_goes_on_where_it_was(own: Path) -> None:
    """``kill -9`` in the middle; begun again it does the rest alone, and says what a whole one says."""
    revision_id = _proposed(own, another(days=20))
    command = ("policy", "replay", revision_id, "--data", str(own), "--processes", "1")
    with _begun("slowly", *command) as process:
        end, place = time.monotonic() + 60, 0
        while place < 5 and time.monotonic() < end and process.poll() is None:
            time.sleep(0.1)
            with opened(own) as state:
                job = PolicyJobs(state.database).latest(revision_id, "replay")
            place = 0 if job is None else job.place
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert place >= 5
    with closing(sqlite3.connect(own / "state.db")) as connection:  # a minute of silence later
        connection.execute("UPDATE policy_jobs SET beat_at = '2026-01-01 00:00:00.000000'")
        connection.commit()
    with _begun("again", *command) as process:
        assert 0 == process.wait(120)
    with opened(own) as state:
        kept, job = (
            state.lifecycle().store.result(revision_id, "replay"),
            PolicyJobs(state.database).latest(revision_id, "replay"),
        )
    assert kept is not None
    assert job is not None
    report = ReplayReport.read(kept.document)
    asked = {name: getattr(report.asked, name) for name in ("size", "root", "seed")}
    assert report.text() == replay(own, laws_of(another(days=20)), **asked).text()
    assert DECISIONS == report.decisions.replayed


_LOG = (
    ("2026-03-01 10:00", "Robbery of a shop, dark sedan"),
    ("03/02/2026 11:00:00", "ICE assist"),
    ("", "vandalism of cars on Sample Avenue"),
    ("2026-03-04T10:00:00Z", "inv"),
    ("2026-03-05", '=HYPERLINK("x")'),
    ("2026-03-05", "stolen car"),
    ("2026-03-05", "stolen car"),
    ("2026-03-05", "x" * 2500),
    ("2026-03-05", ""),
)


def test_an_audit_log_is_decided_without_a_city(tmp_path: Path, policies: Written) -> None:
    """Each row as the gate would decide it; a reason that is no request is undecided, none is left out."""
    log, report = tmp_path / "log.csv", tmp_path / "r.json"
    with log.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Search Time", "Reason"), *_LOG])
    candidate = with_lexicon("vandalism")
    there, here = policies(dict(candidate.files)), tmp_path / "here"
    for path, text in files().items():
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_text(text, encoding="utf-8")
    result = typed(
        "policy", "replay", str(there), "--against", str(here), "--audit-csv", str(log), "--json", str(report)
    )
    assert 0 == result.exit_code, result.output
    found = ReplayReport.read(json.loads(report.read_bytes()))
    assert ("audit_csv", len(_LOG)) == (found.asked.source, found.asked.size)
    assert len(_LOG) == found.decisions.replayed
    assert 1 == found.outcomes["before"]["undecided"] == found.outcomes["after"]["undecided"]
    (one,) = found.examples["newly_denied"]
    assert 3 == one.index
    alone = [_alone(reason, shipped()) for _, reason in _LOG]
    assert alone.count("permit") == found.outcomes["before"]["permit"] == 4
    assert alone.count("deny") == found.outcomes["before"]["deny"]


def _alone(reason: str, bundle: Bundle) -> str:
    window: dict[str, Any] = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-05T00:00:00Z"}
    body = template({"plates": ["DEMO1"], **window})
    body["purpose"]["narrative"] = reason
    signed = {"signer": "Sam Sample", "title": "Chief", "signed_on": "2026-02-01", "text_version": "2026-01"}
    kinds = ("affirmation", "declaration")
    line = {
        "agency": {
            "id": "flawless", "name": "Flawless Sample Police", "kind": "local", "state": "IL",
            "status": "active",
            "affirmations": [{**signed, "kind": kind} for kind in kinds],
        },
        "request": body,
        "at": "2026-03-05T12:00:00Z",
    }  # fmt: skip
    engine = Embedded(bundle)
    return str(decide_line(json.dumps(line).encode(), engine, Lexicon.of(bundle)).get("outcome"))


def test_a_log_that_is_none_is_said(tmp_path: Path) -> None:
    """A file of other columns: what was found, and what is needed."""
    log = tmp_path / "log.csv"
    log.write_text("plate,when\nDEMO1,now\n")
    with pytest.raises(OperatorError, match="not a search-audit log"):
        replay_audit(log, None, None, None)
