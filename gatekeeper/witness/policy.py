"""The file that names a city's witnesses and says how many are enough (C2SP tlog-policy).

::

    witness maple  witness.maple-grove.example+0f0f0f0f+B…  https://witness.maple-grove.example
    witness herald herald.example/witness+1f1f1f1f+B…       https://witness.herald.example
    group   both   all maple herald
    quorum  both

Guarantees: each line is understood or refused, with its number; nobody counts twice (a key, a name, a member
of two groups); exactly one quorum is named, and one of nobody only by the words `quorum none`. A `log` line
is refused: the log is the city's own. A witness needs an address here, since it is to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger.checkpoint import VerifierKey, open_checkpoint
from gatekeeper.ledger.cosignatures import Cosignature, CosignerKey, Quorum, cosignatures
from gatekeeper.witness.client import Witness, address

MOST_BYTES: Final = 64 * 1024
MOST: Final = 32
"""Witnesses, and groups."""

_NUMBER = re.compile(r"[1-9][0-9]{0,3}\Z")


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is asked, and who must have cosigned. ``quorum``: None where the file says `none`."""

    witnesses: Sequence[Witness]
    quorum: Quorum | None

    def cosigned(self, checkpoint: str) -> Mapping[str, Cosignature]:
        """Return, by the witness's name, each cosignature that a checkpoint carries and that holds for it.

        Raises CheckpointRefused for what is no checkpoint.
        """
        held = {c.key: c for c in cosignatures(checkpoint, [w.key for w in self.witnesses])}
        return {w.name: held[w.key] for w in self.witnesses if w.key in held}

    def met_by(self, checkpoint: str, log: VerifierKey) -> bool:
        """Say whether a checkpoint is its log's and carries enough cosignatures.

        Raises CheckpointRefused if it is not the log's, SettingsRefused if the file asks nobody: that nobody
        is missing is not that somebody vouches.
        """
        if self.quorum is None:
            raise SettingsRefused("the file of witnesses says `quorum none`: no cosignature is asked for")
        open_checkpoint(checkpoint, log)
        return self.quorum.met_by({c.key for c in self.cosigned(checkpoint).values()})


def load(file: Path) -> Policy:
    """Read the file of witnesses. Raises SettingsRefused, with the line that is wrong."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsRefused(f"{file} (GATEKEEPER_WITNESSES) cannot be read: {error.strerror}") from None
    return parse(content, str(file))


def parse(content: bytes, where: str = "witnesses") -> Policy:
    """Read a policy. Raises SettingsRefused, with the line that is wrong; ``where``: what it is part of."""
    if len(content) > MOST_BYTES:
        raise SettingsRefused(f"{where} is too long for a list of witnesses: at most {MOST_BYTES} bytes")
    reading = _Reading()
    for number, line in enumerate(content.split(b"\n"), 1):
        try:
            reading.line(_words(line))
        except SettingsRefused as refused:
            raise SettingsRefused(f"{where}, line {number}: {refused}") from None
    if not reading.witnesses:
        raise SettingsRefused(f"{where} names no witness: add one, or unset GATEKEEPER_WITNESSES")
    if not reading.decided:
        raise SettingsRefused(f"{where} has no quorum: end it with `quorum NAME`, or `quorum none`")
    return Policy(tuple(reading.witnesses.values()), reading.quorum)


def _words(line: bytes) -> list[str]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise SettingsRefused("it is not UTF-8 text") from None
    # A carriage return is one: it would be the last letter of the last word.
    if any((ord(c) < 0x20 and c != "\t") or c == "\x7f" for c in text):
        raise SettingsRefused("it has a control character; lines end with a line feed alone")
    words = [word for word in re.split("[ \t]+", text) if word]
    return [] if not words or words[0].startswith("#") else words


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Quorum] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    quorum: Quorum | None = None
    decided: bool = False

    def line(self, words: list[str]) -> None:
        """Take one line. Raises SettingsRefused."""
        match words:
            case []:
                pass
            case ["witness", name, vkey, url]:
                self._witness(name, vkey, url)
            case ["witness", _, _]:
                raise SettingsRefused("the witness has no address: `witness NAME VKEY https://…`")
            case ["group", name, least, *members]:
                self._group(name, least, members)
            case ["quorum", name]:
                self._quorum(name)
            case ["log", *_]:
                raise SettingsRefused(
                    "`log` is for who checks; here the log is this city's own: leave it out"
                )
            case _:
                raise SettingsRefused(
                    "not understood; a line is `witness NAME VKEY URL`, `group NAME any|all|NUMBER MEMBER…` "
                    "or `quorum NAME`"
                )

    def _witness(self, name: str, vkey: str, url: str) -> None:
        self._refuse_taken(name)
        if len(self.witnesses) >= MOST:
            raise SettingsRefused(f"at most {MOST} witnesses")
        key = CosignerKey.parse(vkey)
        if any(key.public == other.key.public for other in self.witnesses.values()):
            raise SettingsRefused("another witness has the same key: it would count twice")
        self.witnesses[name] = Witness(name, key, address(url))

    def _group(self, name: str, least: str, members: list[str]) -> None:
        self._refuse_taken(name)
        if len(self.groups) >= MOST:
            raise SettingsRefused(f"at most {MOST} groups")
        if not members:
            raise SettingsRefused("a group has at least one member")
        for member in members:
            if member in self.members:
                raise SettingsRefused(f"{member} is a member already: each counts in one way")
            self._found(member)
            self.members.add(member)
        if least not in {"any", "all"} and not _NUMBER.match(least):
            raise SettingsRefused("how many of a group: `any`, `all` or a number")
        count = {"any": 1, "all": len(members)}.get(least) or int(least)
        self.groups[name] = Quorum(count, tuple(self._found(member) for member in members))

    def _quorum(self, name: str) -> None:
        if self.decided:
            raise SettingsRefused("there is a quorum already: exactly one line says it")
        if name != "none":
            found = self._found(name)
            self.quorum = found if isinstance(found, Quorum) else Quorum(1, (found,))
        self.decided = True

    def _found(self, name: str) -> CosignerKey | Quorum:
        if name in self.groups:
            return self.groups[name]
        if name in self.witnesses:
            return self.witnesses[name].key
        raise SettingsRefused(f"no line above names a witness or a group {name}")

    def _refuse_taken(self, name: str) -> None:
        if name == "none" or not name.isprintable():
            raise SettingsRefused("that is not a name; `none` means no quorum")
        if name in self.witnesses or name in self.groups:
            raise SettingsRefused(f"the name {name} is taken")
