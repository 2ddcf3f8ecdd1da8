"""The working copy in which one person changes the law, before they propose it.

A working copy is what differs from the files of one revision, its base. Guarantees: it is of no effect: what
is in force is read from revisions alone; it is changed by the person whose it is, and only over what they saw
(a second window cannot overwrite the first unseen); a file in it may stand in a directory of policies; it is
small. Whether it is law that could be relied on is not asked here: an unfinished thought may be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from gatekeeper.errors import NotDone, OperatorError, Superseded
from gatekeeper.policy.layout import Files, role_of
from gatekeeper.remembered import Remembered

LARGEST: Final = 256 * 1024
"""Bytes of one file."""
MOST_FILES: Final = 200
MOST_TEXT: Final = 2 * 1024 * 1024
"""Files that a working copy may change, and the bytes of all of them."""
LONGEST_PATH: Final = 200
_TRIES: Final = 3
_HELD: Final = 4  # texts of revisions, a megabyte each

Whose = Literal["mine", "theirs"]
Changes = Mapping[str, str | None]
"""By path what a file says now; None where it was taken out."""


class Kept(Protocol):
    """A working copy as it is stored."""

    # ruff: noqa: D102  # an attribute's name is the whole statement
    @property
    def base(self) -> str: ...
    @property
    def changes(self) -> Changes: ...
    @property
    def version(self) -> int: ...
    @property
    def changed_at(self) -> datetime: ...


class DraftRows(Protocol):
    """Where working copies are stored. Each raises StoreUnavailable."""

    def of(self, staff_id: str, /) -> Kept | None:
        """Return the one that a person has, or None."""

    def begin(self, staff_id: str, base: str, changes: Changes, at: datetime, /) -> bool:
        """Store a person's first; False if they have one."""

    def change(self, staff_id: str, seen: int, base: str, changes: Changes, at: datetime, /) -> bool:
        """Store what it is now; False if it is not at the version that was seen."""

    def discard(self, staff_id: str, seen: int, /) -> bool:
        """Throw it away; False if it is not at the version that was seen."""


class Named(Protocol):
    """A revision, as far as a working copy needs it."""

    @property
    def id(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def tree(self) -> str: ...


class Standing(Protocol):
    """The revisions that a working copy may begin from. Each raises StoreUnavailable."""

    def active(self) -> Named | None:
        """Return the revision in force."""

    def get(self, revision_id: str, /) -> Named | None:
        """Return one, or None."""


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """What a person's law would be; ``version`` is 0 while nothing is kept of it."""

    base: Named
    before: Files
    changes: Changes
    version: int
    changed_at: datetime | None

    @property
    def files(self) -> dict[str, str]:
        """Return the whole of it: the base, with what was changed."""
        whole = {**self.before, **{path: text for path, text in self.changes.items() if text is not None}}
        return {path: text for path, text in whole.items() if self.changes.get(path, "") is not None}

    def text(self, path: str) -> str | None:
        """Return what a file says; None if there is none."""
        return self.changes[path] if path in self.changes else self.before.get(path)

    def how(self, path: str) -> Literal["added", "changed", "removed"] | None:
        """Say what was done to a file; None if nothing."""
        if path not in self.changes:
            return None
        if self.changes[path] is None:
            return "removed"
        return "changed" if path in self.before else "added"


@dataclass(frozen=True, slots=True)
class Typed:
    """A file as somebody typed it (None: to be taken out), and the mark of what they saw there before."""

    path: str
    text: str | None
    seen: str


@dataclass(frozen=True, slots=True)
class Drift:
    """What became law since a working copy was begun: the files that it alone changed, and those of both."""

    active: Named
    now: Files
    theirs: tuple[str, ...]
    both: tuple[str, ...]


def mark_of(text: str | None) -> str:
    """Return what a form says of the text that its person saw; "" where there was none."""
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()


def tidy(typed: str, before: str | None) -> str:
    """Return a text as it is kept: the line ends that browsers make are ours again, and the last line ends.

    What was sent back as it stood stays as it stands in the base.
    """
    text = typed.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if before is not None and text.rstrip("\n") == before.rstrip("\n"):
        return before
    return text if text.endswith("\n") or not text else f"{text}\n"


class Drafts:
    """Everybody's working copies; *files* gives the whole text of a revision, or raises BundleRefused."""

    def __init__(
        self,
        rows: DraftRows,
        revisions: Standing,
        files: Callable[[Any], Files],
        now: Callable[[], datetime],
    ) -> None:
        self._rows = rows
        self._revisions = revisions
        self._unpacked = files
        self._held: Remembered[Files] = Remembered(_HELD)
        self._now = now

    def of(self, staff_id: str) -> WorkingCopy:
        """Return a person's working copy; that of the revision in force, unchanged, if they keep none.

        Raises OperatorError if there is no such revision, StoreUnavailable.
        """
        kept = self._rows.of(staff_id)
        base = self._revisions.active() if kept is None else self._revisions.get(kept.base)
        if base is None:
            raise OperatorError("no law is in force yet that could be changed: start the service once")
        before = self._files(base)
        if kept is None:
            return WorkingCopy(base, before, {}, 0, None)
        return WorkingCopy(base, before, kept.changes, kept.version, kept.changed_at)

    def save(self, staff_id: str, base: str, typed: Sequence[Typed]) -> WorkingCopy:
        """Keep what was typed, all of it or nothing.

        Raises NotDone with the path of each file that cannot be kept, Superseded if one of them, or the base,
        is not what was seen, OperatorError, StoreUnavailable.
        """

        def changed(copy: WorkingCopy) -> Changes:
            if copy.base.id != base or any(mark_of(copy.text(one.path)) != one.seen for one in typed):
                raise Superseded
            faults = [(one.path, fault) for one in typed for fault in _faults(one)]
            if faults:
                raise NotDone(faults)
            changes = dict(copy.changes)
            for one in typed:
                _put(changes, copy.before, one.path, one.text)
            return changes

        return self._kept(staff_id, changed)

    def restore(self, staff_id: str, base: str, path: str, seen: str) -> WorkingCopy:
        """Let a file be again what it is in the base. Raises as ``save``."""

        def changed(copy: WorkingCopy) -> Changes:
            if copy.base.id != base or mark_of(copy.text(path)) != seen:
                raise Superseded
            return {at: text for at, text in copy.changes.items() if at != path}

        return self._kept(staff_id, changed)

    def discard(self, staff_id: str, seen: int) -> None:
        """Throw all of it away. Raises Superseded if it is not what was seen, StoreUnavailable."""
        if not self._rows.discard(staff_id, seen):
            raise Superseded

    def drift(self, copy: WorkingCopy) -> Drift | None:
        """Say what became law since *copy* was begun; None if its base is still in force."""
        active = self._revisions.active()
        if active is None or active.id == copy.base.id:
            return None
        now = self._files(active)
        moved = [path for path in sorted({*copy.before, *now}) if copy.before.get(path) != now.get(path)]
        both = [path for path in moved if path in copy.changes and copy.changes[path] != now.get(path)]
        return Drift(active, now, tuple(path for path in moved if path not in both), tuple(both))

    def rebase(self, staff_id: str, seen: int, active: str, chosen: Mapping[str, Whose]) -> WorkingCopy:
        """Go on from the revision in force; *chosen* says of each file that both changed whose stays.

        Raises NotDone with the path of each for which nothing was chosen, Superseded if the working copy or
        what is in force is not what was seen, StoreUnavailable.
        """
        copy = self.of(staff_id)
        drift = self.drift(copy)
        if copy.version != seen or drift is None or drift.active.id != active:
            raise Superseded
        if undecided := [path for path in drift.both if chosen.get(path) not in ("mine", "theirs")]:
            raise NotDone([(path, "Say which of the two stays.") for path in undecided])
        changes: dict[str, str | None] = {}
        for path, text in copy.changes.items():
            if path not in drift.both or chosen[path] == "mine":
                _put(changes, drift.now, path, text)
        if not self._rows.change(staff_id, seen, drift.active.id, changes, self._now()):
            raise Superseded
        return self.of(staff_id)

    def _files(self, revision: Named) -> Files:
        """Return the whole text of a revision; the digest of the tree alone decides it."""
        files = self._held.get(revision.tree)
        if files is None:
            files = MappingProxyType(dict(self._unpacked(revision)))
            self._held.keep(revision.tree, files)
        return files

    def _kept(self, staff_id: str, changed: Callable[[WorkingCopy], Changes]) -> WorkingCopy:
        """Store what *changed* makes of the working copy; again if another window stored something else."""
        for _ in range(_TRIES):
            copy = self.of(staff_id)
            changes = changed(copy)
            _bounded(changes)
            if copy.version == 0:
                stored = self._rows.begin(staff_id, copy.base.id, changes, self._now())
            else:
                stored = self._rows.change(staff_id, copy.version, copy.base.id, changes, self._now())
            if stored:
                return self.of(staff_id)
        raise Superseded


def _put(changes: dict[str, str | None], before: Files, path: str, text: str | None) -> None:
    """Note what a file says now; what it said before is no change."""
    said = None if text is None else tidy(text, before.get(path))
    if said == before.get(path):
        changes.pop(path, None)
    else:
        changes[path] = said


def _faults(typed: Typed) -> list[str]:
    if len(typed.path) > LONGEST_PATH or role_of(typed.path) == "unknown":
        return ["No file may stand there: the README of the policies says what stands where."]
    if typed.text is None:
        return []
    try:
        size = len(typed.text.encode())
    except UnicodeEncodeError:
        return ["It holds letters that no file can hold. Type them anew."]
    if "\0" in typed.text:
        return ["It holds letters that no file can hold. Type them anew."]
    return ["It is too large: a file has 256 kB at most."] if size > LARGEST else []


def _bounded(changes: Changes) -> None:
    """Raise NotDone if a working copy would be more than one person can have meant."""
    size = sum(len(text.encode()) for text in changes.values() if text is not None)
    if len(changes) > MOST_FILES or size > MOST_TEXT:
        raise NotDone([("", "This changes too much at once: propose what there is, then go on.")])
