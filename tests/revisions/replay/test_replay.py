"""What a replay says is what each decision alone says; nothing is guessed, lost or counted twice."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli.policy_replay_process import Opener
from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.exchange.parse import as_recorded
from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.ledger import DayKeys
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.revisions.replay import run
from gatekeeper.revisions.replay.pool import Pool
from gatekeeper.revisions.replay.report import CHANGES, CLASSES, ReplayReport
from gatekeeper.revisions.replay.sheets import csv_of, rows_of
from gatekeeper.store.past import PastDecisions
from tests.policy.laws import shipped
from tests.revisions.replay.conftest import DECISIONS
from tests.revisions.replay.laws import another, with_hidden, with_lexicon, without_provision
from tests.revisions.replay.replaying import Dying, Kept, laws_of, opened, plan_for, replay

SHORT = 100


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in stretches of 100 entries."""
    monkeypatch.setattr(run, "LONG", SHORT)
    monkeypatch.setattr(run, "_SAVED_EVERY", 0.0)


def _one_by_one(directory: Path, baseline: Bundle, candidate: Bundle) -> Counter[str]:
    """Decide each recorded input by itself, untreated, and count what became of it."""
    found: Counter[str] = Counter()
    engines = [Embedded(bundle, budget_ms=10_000) for bundle in (baseline, candidate)]
    lexicons = [Lexicon.of(bundle) for bundle in (baseline, candidate)]
    with opened(directory) as state:
        names = {agency.id: agency.name for agency in state.registry.agencies()}
        for stored in state.rows.entries(0, 10_000):
            if stored.event != "query.decided":
                continue
            detail: Any = state.ledger.opened(stored).detail
            typed = as_recorded(detail["body"]).typed_words()
            typed["agency.name"] = names[detail["input"]["agency"]["id"]]
            said = []
            for engine, lexicon in zip(engines, lexicons, strict=True):
                verdict = engine.evaluate({**detail["input"], "words": screen(typed, lexicon).facts()})
                catalogue = engine.bundle.catalogue
                said.append((verdict, [(code, catalogue[code].public) for code in verdict.unmet]))
            (before, was), (after, now) = said
            if before.permit is not after.permit:
                found["newly_permitted" if after.permit else "newly_denied"] += 1
            elif was != now:
                found["reasons_changed"] += 1
            else:
                found[
                    "same" if dict(before.obligations) == dict(after.obligations) else "obligations_changed"
                ] += 1
    return found


@pytest.mark.parametrize(
    "candidate",
    [
        another(days=20),
        another(letters=45),
        with_lexicon("vandalism"),
        without_provision("stated_reason"),
        with_hidden("affirmation"),
    ],
    ids=["fewer searches", "longer narratives", "another word", "a provision less", "a provision hidden"],
)
def test_a_replay_says_what_each_decision_alone_says(past: Path, candidate: Bundle) -> None:
    """Treated, remembered and in stretches: class by class the same as every input by itself."""
    report = replay(past, laws_of(candidate))
    alone = _one_by_one(past, shipped(), candidate)
    assert {name: alone[name] for name in CLASSES} == report.classes
    assert DECISIONS == report.decisions.replayed == sum(report.classes.values())
    assert sum(report.classes[name] for name in CHANGES) > 0
    assert DECISIONS == report.drift["same"]


def test_the_same_law_changes_nothing(past: Path) -> None:
    """Against itself, nothing: and all that was decided is decided so again."""
    report = replay(past, laws_of(shipped()))
    assert {**dict.fromkeys(CLASSES, 0), "same": DECISIONS} == report.classes == report.drift
    assert 0 == report.rescreened


def test_a_provision_added_or_removed_is_counted_by_its_code(past: Path) -> None:
    """Without it, whom it alone denied is permitted; the other way round it is the other way round."""
    less = without_provision("stated_reason")
    gone, come = replay(past, laws_of(less)), replay(past, laws_of(shipped(), less))
    removed = next(one for one in gone.provisions if one.code == "stated_reason")
    added = next(one for one in come.provisions if one.code == "stated_reason")
    assert ("removed", "added") == (removed.standing, added.standing)
    assert (removed.before, removed.after, removed.added) == (added.after, added.before, added.removed)
    assert removed.removed == added.added > removed.newly_permitted == added.newly_denied > 0
    assert gone.classes["newly_permitted"] == come.classes["newly_denied"] == removed.newly_permitted


def test_a_provision_that_is_newly_hidden_changes_the_reasons(past: Path) -> None:
    """Who is denied stays denied, but is told less: that is a change, and the provision is marked."""
    report = replay(past, laws_of(with_hidden("affirmation")))
    hidden = next(one for one in report.provisions if one.code == "affirmation")
    assert ("hidden", False, 0) == (hidden.standing, hidden.public, hidden.added)
    assert hidden.before == hidden.after == report.classes["reasons_changed"] > 0


def test_another_lexicon_reads_the_words_anew(past: Path) -> None:
    """What was typed then is read with the words of now, and counted as read anew."""
    report = replay(past, laws_of(with_lexicon("vandalism")))
    assert DECISIONS == report.rescreened
    assert report.classes["newly_denied"] + report.classes["reasons_changed"] > 10
    assert {"civil_immigration"} <= {one.code for one in report.provisions if one.added}


def test_groups_add_up(past: Path) -> None:
    """By agency, purpose and month: each adds up to the whole."""
    report = replay(past, laws_of(another(days=20)))
    for groups in (report.agencies, report.categories, report.months):
        assert DECISIONS == sum(group.replayed for group in groups)
        for name in CLASSES:
            assert report.classes[name] == sum(group.classes[name] for group in groups)
    assert 8 == len(report.months) == len(report.agencies)


def test_examples_can_be_opened(past: Path) -> None:
    """Each is a query of the log, at its index, and was decided as it says."""
    report = replay(past, laws_of(without_provision("stated_reason")))
    examples = report.examples["newly_permitted"]
    assert 0 < len(examples) <= 20
    with opened(past) as state:
        for example in examples:
            stored = state.rows.entry(example.index)
            assert stored is not None
            entry = json.loads(stored.entry)
            assert (example.query_id, example.hour) == (stored.ref, entry["hour"])
            assert ("deny", entry["provisions"]) == (example.before.outcome, [*example.before.provisions])


def test_a_period_is_its_days(past: Path) -> None:
    """From a day to a day: only what was decided on them."""
    report = replay(past, laws_of(another(days=20)), since="2026-03-01", until="2026-04-01")
    assert ["2026-03"] == [group.name for group in report.months]
    every = replay(past, laws_of(another(days=20)))
    assert next(group for group in every.months if group.name == "2026-03") == report.months[0]
    assert 0 == replay(past, laws_of(another(days=20)), since="2027-01-01").decisions.replayed
    with pytest.raises(OperatorError, match="exchanged"):
        replay(past, laws_of(another(days=20)), since="2026-04-01", until="2026-03-01")


def test_a_sample_is_the_same_each_time(past: Path) -> None:
    """So many, spread over the log; the same seed draws the same, another draws others."""
    laws = laws_of(another(days=20))
    first, again = (replay(past, laws, sample=250) for _ in range(2))
    assert first.text() == again.text()
    assert 250 == first.decisions.replayed
    assert len(first.months) == 8
    assert first.agencies != replay(past, laws, sample=250, seed="another").agencies


def test_what_was_erased_is_missing_by_day(own: Path) -> None:
    """A destroyed key is no denial and no permit: the day says how many."""
    day = date(2026, 2, 10)
    with opened(own) as state:
        entries = [json.loads(e.entry) for e in state.rows.entries(0, 10_000) if e.event == "query.decided"]
        lost = sum(entry["hour"].startswith(day.isoformat()) for entry in entries)
        DayKeys(state.settings.key_directory / "days").destroy(day)
    report = replay(own, laws_of(another(days=20)))
    assert [(day.isoformat(), lost)] == [(one.day, one.count) for one in report.missing]
    assert (DECISIONS - lost, lost) == (report.decisions.replayed, report.decisions.missing)
    assert lost == sum(group.missing for group in report.agencies) > 0


def test_what_was_altered_ends_it_with_its_index(own: Path) -> None:
    """A changed box is no erased one: the replay stops and says where."""
    with closing(sqlite3.connect(own / "state.db")) as connection:
        connection.execute("DROP TRIGGER IF EXISTS private_details_no_update")
        ((event, box),) = connection.execute(
            "SELECT event, box FROM private_details WHERE event LIKE 'query.decided@%' "
            "ORDER BY rowid LIMIT 1 OFFSET 300"
        ).fetchall()
        spoiled = box[:-1] + bytes([box[-1] ^ 1])
        connection.execute("UPDATE private_details SET box = ? WHERE event = ?", [spoiled, event])
        connection.commit()
    with pytest.raises(LedgerCorrupt, match=f"entry {event.partition('@')[2]}: .*ledger verify"):
        replay(own, laws_of(another(days=20)))


def test_processes_say_what_one_says(past: Path) -> None:
    """Two processes, byte for byte the report of one."""
    laws = laws_of(another(days=20))
    with opened(past) as state:
        pool = Pool(Opener.of(state, laws, "sample-seed"), 2)
    assert replay(past, laws).text() == replay(past, laws, workers=pool).text()


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_killed_process_is_replaced_once(past: Path, tmp_path: Path, deaths: int) -> None:
    """Its stretch is done again by another, and counted once; a second death over it ends the replay."""
    laws, lives = laws_of(another(days=20)), tmp_path / "lives"
    lives.mkdir()
    for number in range(deaths):
        (lives / str(number)).touch()
    with opened(past) as state:
        pool = Pool(Dying(Opener.of(state, laws, "sample-seed"), 3, lives), 2)
    if deaths > 1:
        with pytest.raises(OperatorError, match="two processes died over the entries 300 to 399"):
            replay(past, laws, workers=pool)
    else:
        assert replay(past, laws).text() == replay(past, laws, workers=pool).text()
    assert [] == list(lives.glob("*"))


def test_what_a_process_refuses_ends_the_whole(own: Path) -> None:
    """Altered detail that another process met: the same words."""
    laws = laws_of(another(days=20))
    with closing(sqlite3.connect(own / "state.db")) as connection:
        connection.execute("DROP TRIGGER IF EXISTS private_details_no_update")
        connection.execute("UPDATE private_details SET box = x'01' WHERE event LIKE 'query.decided@%'")
        connection.commit()
    with opened(own) as state:
        pool = Pool(Opener.of(state, laws, "sample-seed"), 2)
    with pytest.raises(LedgerCorrupt, match=r"entry \d+: .*sealed box"):
        replay(own, laws, workers=pool)


def test_an_interrupted_replay_goes_on_and_says_the_same(past: Path) -> None:
    """Whatever was saved when it ended, the rest is done, once, and the report is the same."""
    laws, kept = laws_of(another(days=20)), Kept()
    whole = replay(past, laws, kept=kept).text()
    with opened(past) as state:
        plan, record = plan_for(state, laws), PastDecisions(state.database)
        for most in (1, 3, 6):
            begun = Kept()
            with pytest.raises(KeyboardInterrupt):
                run.replayed(
                    laws, plan, record, _Interrupted(Opener.of(state, laws, "sample-seed"), most), begun
                )
            before: Any = begun.progress
            assert [[0, most - 1]] == before["done"]
            through = Kept(json.loads(json.dumps(before)))  # as a database gives it back
            assert whole == replay(past, laws, kept=through).text()
            assert min(through.places) == most


def test_progress_of_another_question_is_not_gone_on_with(past: Path) -> None:
    """Saved for another law, another period or another log: begun anew."""
    kept = Kept()
    replay(past, laws_of(another(days=20)), kept=kept)
    others: list[tuple[Bundle, dict[str, Any]]] = [(another(days=21), {}), (another(days=20), {"seed": "x"})]
    for law, asked in others:
        laws = laws_of(law)
        other = Kept(kept.progress)
        assert replay(past, laws, **asked).text() == replay(past, laws, kept=other, **asked).text()
        assert 0 == other.places[0]


def test_the_report_goes_through_json_and_csv(past: Path) -> None:
    """Its document is read back as it was; the sheet has every figure and no formula."""
    report = replay(past, laws_of(without_provision("stated_reason")))
    assert report == ReplayReport.read(json.loads(report.text()))
    lines = csv_of(report).splitlines()
    assert len(lines) == 1 + len(list(rows_of(report)))
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.split(","))
    for spoiled in ({}, {"form": "x"}, {**report.document(), "classes": None}):
        with pytest.raises(OperatorError):
            ReplayReport.read(spoiled)


class _Interrupted:
    """Does so many stretches, and is interrupted."""

    def __init__(self, opener: Opener, most: int) -> None:
        self._opener = opener
        self._most = most

    def done(self, stretches: Any) -> Any:
        """Do them."""
        return _Few(self._opener, stretches, self._most)


class _Few:
    def __init__(self, opener: Opener, stretches: Any, most: int) -> None:
        self._opener, self._stretches, self._most = opener, stretches, most

    def __enter__(self) -> Any:
        doer = self._opener()
        for number, stretch in enumerate(self._stretches):
            if number == self._most:
                raise KeyboardInterrupt
            yield stretch.number, doer(stretch)

    def __exit__(self, *_: object) -> None: ...
