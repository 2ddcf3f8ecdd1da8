"""``gatekeeper export query``: who gets a file, and that the log has it first."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gatekeeper import settings
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger import Draft, Ledger
from gatekeeper.ledger.append import Appended
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.state import open_state
from tests.exchange.appeals import AGENCY
from tests.export.made import OFFICER, PRIVATE, REASON, Staffed, Unpacked, staffed
from tests.promises.test_1_permit import fill, small_disk
from tests.servers.gate import environment

__all__ = ["small_disk"]


def _sql(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "state.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.executescript(statement)
        database.commit()


def _nothing(office: Staffed, out: Path) -> None:
    """Hold that no file is there, not even a half of one, and none is told of."""
    assert [] == [*out.parent.glob("*zip*"), *out.parent.glob(".*")]
    assert "export.made" not in office.city.events()


def test_a_query_is_taken_along(office: Staffed, tmp_path: Path) -> None:
    """Whole, for its owner alone; the log says who, what and why, all of it committed to."""
    out, query_id = tmp_path / "court.zip", office.ids["ruled"]
    before = office.city.events()
    result = office.export(query_id, out)
    assert 0 == result.exit_code, result.output
    assert [] == [word for word in PRIVATE if word in result.output]
    assert 0o600 == stat.S_IMODE(out.stat().st_mode)
    file = Unpacked.of(out.read_bytes(), tmp_path / "unpacked")
    assert [] == file.damaged()
    assert [*before, "staff.signed_in", "export.made"] == office.city.events()
    assert len(before) + 1 == file.json("export.json")["entry"]
    said = office.last_export()
    assert (REASON, query_id) == (said["reason"], said["subject"]["query"])
    assert file.numbers == said["subject"]["entries"]
    assert {"facts", "openings", "words", "policy"} <= {*said["subject"]["parts"]}
    state = office.state()
    account = state.staff.find("lee.sample")
    state.close()
    assert account is not None
    assert account.id == said["by"]
    assert "consistent" in office.city.run("ledger", "verify")


def test_a_records_request_opens_nothing(office: Staffed, tmp_path: Path) -> None:
    """No private part in the file, and the log says so."""
    out = tmp_path / "public.zip"
    result = office.export(office.ids["ruled"], out, "--public")
    assert 0 == result.exit_code, result.output
    assert "facts" not in office.last_export()["subject"]["parts"]
    file = Unpacked.of(out.read_bytes(), tmp_path / "unpacked")
    assert [] == file.names("facts/*") + file.names("query/*")


@pytest.mark.parametrize("public", [(), ("--public",)], ids=["private", "public"])
@pytest.mark.parametrize("role", ["legal", "auditor", "admin"])
def test_nobody_without_the_role_gets_a_file(
    unstaffed: tuple[Path, dict[str, str]], tmp_path: Path, role: str, public: tuple[str, ...]
) -> None:
    """They are told before anything is typed."""
    office, out = staffed(*unstaffed, role=role), tmp_path / "court.zip"
    before = office.city.events()
    result = office.export(office.ids["denied"], out, *public)
    assert 1 == result.exit_code
    assert "may not take a decision out" in result.stderr
    _nothing(office, out)
    assert before == office.city.events()


def test_a_wrong_code_opens_nothing(office: Staffed, tmp_path: Path) -> None:
    """A guess is no proof."""
    result = office.export(office.ids["denied"], tmp_path / "court.zip", code="000000")
    assert (1, True) == (result.exit_code, "nothing was done" in result.stderr)
    _nothing(office, tmp_path / "court.zip")


@pytest.mark.parametrize("reason", ["", "why", "..............", "x " * 3000])
def test_a_reason_that_says_nothing_takes_nothing_along(office: Staffed, tmp_path: Path, reason: str) -> None:
    """Before anybody is asked for a secret."""
    before = office.city.events()
    result = office.export(office.ids["denied"], tmp_path / "court.zip", "--reason", reason)
    assert (1, True) == (result.exit_code, "Say why" in result.stderr)
    _nothing(office, tmp_path / "court.zip")
    assert before == office.city.events()


@pytest.mark.parametrize("query_id", ["q_no-such-query-at-all", "../../etc/passwd", "", "q\x00", "é" * 9999])
def test_an_unknown_query_is_said_to_be(office: Staffed, tmp_path: Path, query_id: str) -> None:
    """Also a name that no query has, and one that leads elsewhere."""
    before = office.city.events()
    result = office.export(query_id, tmp_path / "court.zip")
    assert (1, True) == (result.exit_code, "no such query" in result.stderr)
    _nothing(office, tmp_path / "court.zip")
    assert before == office.city.events()


def test_what_is_no_query_is_not_taken_for_one(office: Staffed, tmp_path: Path) -> None:
    """A revision of the law has entries, but nobody asked it."""
    state = office.state()
    revision = next(e.ref for e in state.rows.entries(0, 100) if e.event == "policy.activated")
    state.close()
    assert "no such query" in office.export(revision, tmp_path / "court.zip").stderr


@pytest.mark.parametrize(
    ("name", "agency", "said"),
    [(OFFICER, "NULL", "somebody of your name"), ("Lee Sample", f"'{AGENCY}'", "your own agency")],
    ids=["namesake", "agency"],
)
def test_who_has_a_part_in_it_is_refused(
    unstaffed: tuple[Path, dict[str, str]], tmp_path: Path, name: str, agency: str, said: str
) -> None:
    """The officer's namesake, and whoever belongs to the agency; the public side they may have."""
    office, out = staffed(*unstaffed, name=name), tmp_path / "court.zip"
    _sql(office.data, f"UPDATE staff SET agency_id = {agency}")  # noqa: S608  ours
    assert said in office.export(office.ids["denied"], out).stderr
    _nothing(office, out)
    Unpacked.of(office.exported("denied", private=False), tmp_path / "public")


def test_what_the_log_does_not_hold_is_not_written(
    office: Staffed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry comes first: where it cannot be committed, there is no file."""
    append = Ledger.append

    def failing(self: Ledger, draft: Draft, *more: Any, **options: Any) -> Appended:
        if draft.event == "export.made":
            raise LedgerUnavailable("the entry was not committed")
        return append(self, draft, *more, **options)

    monkeypatch.setattr(Ledger, "append", failing)
    result = office.export(office.ids["denied"], tmp_path / "court.zip")
    assert (1, True) == (result.exit_code, "not committed" in result.stderr)
    _nothing(office, tmp_path / "court.zip")


def test_who_dies_in_between_leaves_an_entry_and_no_file(office: Staffed, tmp_path: Path) -> None:
    """Killed (-9) as soon as the log has it; the log stands, and the next export is whole."""
    out = tmp_path / "court.zip"
    given = ["export", "query", office.ids["denied"], "--out", str(out), "--reason", REASON]
    given += ["--public", "--as", "lee.sample", "--data", str(office.data)]
    died = subprocess.run(
        [sys.executable, "-m", "tests.export.killed", *given],
        input=office.typing(),
        text=True,
        cwd=Path(__file__).parents[2],
        env=environment(),
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert -signal.SIGKILL == died.returncode, died.stderr
    assert "export.made" == office.city.events()[-1]
    assert [] == [*tmp_path.glob("*zip*"), *tmp_path.glob(".*")]
    assert "consistent" in office.city.run("ledger", "verify")


@pytest.mark.parametrize("place", ["nowhere/court.zip", "file/court.zip"])
def test_a_place_that_cannot_be_written_is_told_before_the_log(
    office: Staffed, tmp_path: Path, place: str
) -> None:
    """No entry of a file that could not be."""
    (tmp_path / "file").write_text("")
    result = office.export(office.ids["denied"], tmp_path / place)
    assert (1, True) == (result.exit_code, "may write into" in result.stderr)
    assert "export.made" not in office.city.events()


@pytest.mark.needs("tmpfs")
def test_a_full_disk_leaves_no_half_file(office: Staffed, small_disk: Path) -> None:
    """What was there before stays."""
    out = small_disk / "court.zip"
    out.write_text("an earlier file")
    fill(small_disk)
    result = office.export(office.ids["permitted"], out)
    assert (1, True) == (result.exit_code, "No space left" in result.stderr), result.output
    assert ["court.zip", "filler"] == sorted(file.name for file in small_disk.iterdir())
    assert "an earlier file" == out.read_text()


ALTERED = {
    "an entry": (
        (
            "UPDATE ledger_entries SET entry = replace(CAST(entry AS TEXT), 'deny', 'perm') "
            "WHERE event = 'query.decided'"
        ),
        "ledger_corrupt",
    ),
    "an entry and its hash": (
        (
            "UPDATE ledger_entries SET entry = CAST('{{}}' AS BLOB), leaf_hash = x'{hash}' "
            "WHERE ref = '{ref}' AND event = 'query.decided'"
        ),
        "ledger_corrupt",
    ),
    "an event of another query": (
        "UPDATE ledger_entries SET ref = '{ref}' WHERE event = 'query.previewed'",
        "ledger_corrupt",
    ),
    "an event's name": (
        "UPDATE ledger_entries SET event = 'query.previewed' WHERE ref = '{ref}'",
        "ledger_corrupt",
    ),
    "a detail": ("UPDATE private_details SET box = x'01' WHERE ref = '{ref}'", "ledger_corrupt"),
    "the law": ("UPDATE revision_trees SET archive = x'00'", "refused"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_not_handed_out(office: Staffed, tmp_path: Path, what: str) -> None:
    """Somebody wrote into the database: no file that a stranger would refuse, or worse, believe."""
    statement, said = ALTERED[what]
    _sql(office.data, statement.format(ref=office.ids["denied"], hash=leaf_hash(b"{}").hex()))
    result = office.export(office.ids["denied"], tmp_path / "court.zip")
    assert 1 == result.exit_code
    assert said in result.stderr
    assert [] == [word for word in PRIVATE if word in result.output]
    assert [] == [*tmp_path.glob("*zip*")]


def test_a_release_without_its_decision_is_not_handed_out(office: Staffed, tmp_path: Path) -> None:
    """Somebody hid the permit from the query's entries: half a query would look like all of it."""
    _sql(
        office.data,
        f"UPDATE ledger_entries SET ref = 'elsewhere' WHERE event = 'query.decided' "  # noqa: S608  ours
        f"AND ref = '{office.ids['permitted']}'",
    )
    result = office.export(office.ids["permitted"], tmp_path / "court.zip")
    assert (1, True) == (result.exit_code, "ledger_corrupt" in result.stderr)


def test_a_text_that_is_not_kept_is_said_to_be_missing(office: Staffed, tmp_path: Path) -> None:
    """An old city has no text of its first law: the rest leaves, and says so."""
    _sql(office.data, "UPDATE revisions SET digest = 'sha256:' || digest")
    file = Unpacked.of(office.exported("denied"), tmp_path / "unpacked")
    assert [] == file.names("policy/**/*")
    assert "WHICH TEXT OF THE LAW IS MISSING" in file.read("README.txt").decode()
    assert [{"code": "case_number"}] == file.json("decision.json")[0]["provisions"]


def test_the_published_checkpoint_is_used_once_it_covers_the_query(office: Staffed, tmp_path: Path) -> None:
    """It is what others keep, and what witnesses signed; before, one of just its entries is signed."""
    fresh = Unpacked.of(office.exported("paged"), tmp_path / "fresh")
    assert fresh.numbers[-1] + 1 == int(fresh.read("checkpoint").split(b"\n")[1])
    state = open_state(settings.load(data=office.data))
    kept = state.publication()._announcements
    number = 1 if (last := kept.last()) is None else last.number + 1
    head = state.rows.head().size
    kept.announce(number, head, state.ledger.checkpoint(), state.clock.now())
    state.close()
    published = Unpacked.of(office.exported("paged"), tmp_path / "published")
    assert head == int(published.read("checkpoint").split(b"\n")[1])
