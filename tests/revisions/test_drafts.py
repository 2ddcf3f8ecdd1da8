"""The rules of a working copy: kept over what was seen, of no effect, and taken along with a new law."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper.errors import NotDone, OperatorError, Superseded
from gatekeeper.revisions.drafts import (
    LARGEST,
    MOST_FILES,
    Changes,
    Drafts,
    Typed,
    WorkingCopy,
    mark_of,
    tidy,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
A, B, CITY = "sharing/a/a.rego", "sharing/b/b.rego", "data/city.json"
FILES = {A: "package sharing.a\n", B: "package sharing.b\n", CITY: "{}"}


@dataclass(frozen=True)
class Named:
    """A revision."""

    id: str
    revision: str
    tree: str


@dataclass(frozen=True)
class Row:
    """A stored working copy."""

    base: str
    changes: Changes
    version: int
    changed_at: datetime


@dataclass
class Store:
    """Working copies and revisions in memory; ``meanwhile`` happens once, before the next write."""

    rows: dict[str, Row] = field(default_factory=dict)
    texts: dict[str, dict[str, str]] = field(default_factory=lambda: {"rev_1": FILES})
    in_force: str | None = "rev_1"
    meanwhile: Any = None

    def of(self, staff_id: str) -> Row | None:
        """Return a row."""
        return self.rows.get(staff_id)

    def begin(self, staff_id: str, base: str, changes: Changes, at: datetime) -> bool:
        """Keep a first."""
        self._happen()
        if staff_id in self.rows:
            return False
        self.rows[staff_id] = Row(base, changes, 1, at)
        return True

    def change(self, staff_id: str, seen: int, base: str, changes: Changes, at: datetime) -> bool:
        """Keep a next."""
        self._happen()
        if self.rows[staff_id].version != seen:
            return False
        self.rows[staff_id] = Row(base, changes, seen + 1, at)
        return True

    def discard(self, staff_id: str, seen: int) -> bool:
        """Throw one away."""
        return self.rows.get(staff_id, Row("", {}, -1, NOW)).version == seen and bool(self.rows.pop(staff_id))

    def active(self) -> Named | None:
        """Return what is in force."""
        return None if self.in_force is None else self.get(self.in_force)

    def get(self, revision_id: str) -> Named | None:
        """Return a revision."""
        return Named(revision_id, f"{revision_id}+", revision_id) if revision_id in self.texts else None

    def _happen(self) -> None:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()


@pytest.fixture
def store() -> Store:
    """A city with one revision and no working copy."""
    return Store()


@pytest.fixture
def drafts(store: Store) -> Drafts:
    """Everybody's working copies in it."""
    return Drafts(store, store, lambda revision: store.texts[revision.id], lambda: NOW)


def _typed(path: str, text: str | None, before: str | None = None) -> Typed:
    return Typed(path, text, mark_of(FILES.get(path) if before is None else before))


def _kept(drafts: Drafts, **texts: str) -> WorkingCopy:
    paths = {"a": A, "b": B, "city": CITY}
    return drafts.save("me", "rev_1", [_typed(paths[name], text) for name, text in texts.items()])


def test_nothing_is_kept_until_something_is_changed(store: Store, drafts: Drafts) -> None:
    """Until then it is the law in force; another's changes are not in it."""
    drafts.save("other", "rev_1", [_typed(A, "package sharing.other\n")])
    copy = drafts.of("me")
    assert (0, FILES, "rev_1") == (copy.version, copy.files, copy.base.id)
    assert {"other"} == store.rows.keys()


def test_a_city_without_a_law_has_nothing_to_change(store: Store, drafts: Drafts) -> None:
    """It is said, not guessed."""
    store.in_force = None
    with pytest.raises(OperatorError):
        drafts.of("me")


def test_files_are_changed_added_and_taken_out(drafts: Drafts) -> None:
    """The whole is the base with what was done; what was done is told by file."""
    case = "cases/denied/x.json"
    made = [_typed(A, "package sharing.a\n\n# new\n"), Typed(case, "{}", ""), _typed(CITY, None)]
    copy = drafts.save("me", "rev_1", made)
    assert {A: "package sharing.a\n\n# new\n", B: FILES[B], case: "{}\n"} == copy.files
    assert ["changed", "added", "removed", None] == [copy.how(path) for path in (A, case, CITY, B)]
    restored = drafts.restore("me", "rev_1", CITY, "")
    assert (FILES[CITY], None) == (restored.text(CITY), restored.how(CITY))


def test_what_browsers_do_to_a_text_is_undone() -> None:
    """Their line ends, a byte order mark, a last line that does not end; what was not changed stays."""
    assert "a\nb\n" == tidy("\ufeffa\r\nb", None)
    assert "a\nb\n" == tidy("a\rb\r", None)
    assert "{}" == tidy("{}\r\n", "{}")
    assert "" == tidy("", None)


def test_a_file_that_says_what_it_said_is_no_change(drafts: Drafts) -> None:
    """Neither when it is sent back as it came, nor when a change is undone by hand."""
    _kept(drafts, a="package sharing.x\n")
    copy = drafts.save("me", "rev_1", [_typed(A, FILES[A], "package sharing.x\n"), _typed(CITY, "{}\r\n")])
    assert {} == copy.changes


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("../etc/passwd", "x"),
        ("sharing/a/other.rego", "x"),
        ("/sharing/a/a.rego", "x"),
        ("sharing/a\n/a.rego", "x"),
        ("", "x"),
        (f"sharing/{'a' * 120}/{'a' * 120}.rego", "x"),
        ("sharing/../a.rego", None),
        (A, "a\0b"),
        (A, "\ud800"),
        (A, "ä" * (LARGEST // 2 + 1)),
    ],
)
def test_what_no_directory_of_policies_has_is_not_kept(
    store: Store, drafts: Drafts, path: str, text: str | None
) -> None:
    """The path is named with what is wrong, and nothing else that came with it is kept either."""
    with pytest.raises(NotDone) as refused:
        drafts.save("me", "rev_1", [_typed(B, "package sharing.bb\n"), _typed(path, text)])
    assert [path] == [at for at, _ in refused.value.faults]
    assert {} == store.rows


def test_it_is_bounded(drafts: Drafts) -> None:
    """Neither in files nor in bytes is it more than a person can have meant."""
    many = [Typed(f"cases/denied/x-{n}.json", "{}", "") for n in range(MOST_FILES + 1)]
    large = [Typed(f"cases/denied/x-{n}.json", "1" * (LARGEST - 1), "") for n in range(9)]
    for made in (many, large):
        with pytest.raises(NotDone):
            drafts.save("me", "rev_1", made)


def test_a_second_window_overwrites_nothing_unseen(drafts: Drafts) -> None:
    """Of the same file not; of another file it does, as nobody's text is lost."""
    first = _kept(drafts, a="package sharing.first\n")
    with pytest.raises(Superseded):
        _kept(drafts, a="package sharing.second\n")
    with pytest.raises(Superseded):
        drafts.restore("me", "rev_1", A, mark_of(FILES[A]))
    assert first.changes == drafts.of("me").changes
    assert {A, B} == _kept(drafts, b="package sharing.second\n").changes.keys()


@pytest.mark.parametrize("begun", [False, True])
def test_two_windows_at_the_same_moment(store: Store, drafts: Drafts, begun: bool) -> None:  # noqa: FBT001
    """Who is second does it over, on what the first left; of the same file they are told."""
    if begun:
        _kept(drafts, city='{"a": 1}')
    store.meanwhile = lambda: _kept(drafts, a="package sharing.first\n")
    assert {A, B} <= _kept(drafts, b="package sharing.second\n").changes.keys()
    store.meanwhile = lambda: drafts.save(
        "me", "rev_1", [_typed(B, "package sharing.third\n", "package sharing.second\n")]
    )
    with pytest.raises(Superseded):
        drafts.save("me", "rev_1", [_typed(B, "package sharing.fourth\n", "package sharing.second\n")])


def test_another_base_is_not_what_was_seen(store: Store, drafts: Drafts) -> None:
    """A form that was opened over an older law keeps nothing over a newer one."""
    store.texts["rev_2"], store.in_force = {**FILES, B: "package sharing.moved\n"}, "rev_2"
    with pytest.raises(Superseded):
        _kept(drafts, a="package sharing.x\n")
    with pytest.raises(Superseded):
        drafts.restore("me", "rev_1", A, mark_of(FILES[A]))


def _moved(store: Store, drafts: Drafts) -> WorkingCopy:
    """Change a and b; then a law comes into force with another b, another city, and a new file."""
    copy = _kept(drafts, a="package sharing.mine\n", b="package sharing.mine\n")
    theirs = {**FILES, B: "package sharing.theirs\n", CITY: '{"n": 1}', "data/new.json": "{}"}
    store.texts["rev_2"], store.in_force = theirs, "rev_2"
    return copy


def test_what_became_law_meanwhile_is_told(store: Store, drafts: Drafts) -> None:
    """What it alone changed, and what both changed to something else."""
    copy = _moved(store, drafts)
    drift = drafts.drift(copy)
    assert drift is not None
    assert ("rev_2", (CITY, "data/new.json"), (B,)) == (drift.active.id, drift.theirs, drift.both)
    same = replace(copy, changes={**copy.changes, B: "package sharing.theirs\n"})
    assert () == drafts.drift(same).both  # type: ignore[union-attr]  # it has moved on


@pytest.mark.parametrize("whose", ["mine", "theirs"])
def test_it_goes_on_from_the_law_in_force(store: Store, drafts: Drafts, whose: Any) -> None:
    """What does not conflict is kept on both sides; of the rest what its person said."""
    copy = _moved(store, drafts)
    with pytest.raises(NotDone) as undecided:
        drafts.rebase("me", copy.version, "rev_2", {})
    assert [B] == [path for path, _ in undecided.value.faults]
    assert "rev_1" == drafts.of("me").base.id
    moved = drafts.rebase("me", copy.version, "rev_2", {B: whose})
    assert ("rev_2", "package sharing.mine\n", '{"n": 1}') == (moved.base.id, moved.text(A), moved.text(CITY))
    assert f"package sharing.{whose}\n" == moved.text(B)
    assert (whose == "mine") == (B in moved.changes)
    assert drafts.drift(moved) is None


def test_it_goes_on_only_as_it_was_seen(store: Store, drafts: Drafts) -> None:
    """Not over a change of another window, not onto another law than was shown, not without need."""
    copy = _moved(store, drafts)
    for seen, active in ((copy.version + 1, "rev_2"), (copy.version, "rev_1"), (-1, "rev_2")):
        with pytest.raises(Superseded):
            drafts.rebase("me", seen, active, {B: "mine"})
    store.meanwhile = lambda: store.change("me", copy.version, "rev_1", {}, NOW)
    with pytest.raises(Superseded):
        drafts.rebase("me", copy.version, "rev_2", {B: "mine"})
    store.in_force = "rev_1"
    with pytest.raises(Superseded):
        drafts.rebase("me", drafts.of("me").version, "rev_1", {})


def test_it_is_thrown_away_as_it_was_seen(drafts: Drafts) -> None:
    """Then the person's law is the one in force again."""
    copy = _kept(drafts, a="package sharing.x\n")
    with pytest.raises(Superseded):
        drafts.discard("me", copy.version + 1)
    drafts.discard("me", copy.version)
    assert 0 == drafts.of("me").version
    with pytest.raises(Superseded):
        drafts.discard("me", copy.version)
