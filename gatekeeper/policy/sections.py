"""The law by its paragraphs: which provisions carry each out, how each is tested, and where nothing does.

For whoever reads the law, never for a decision. Guarantees: every paragraph that is listed and every
provision that is written appears; a paragraph that only a pack carries out which is off is one that nothing
carries out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.cases import Case
from gatekeeper.policy.provisions import Catalogue, Provision
from gatekeeper.policy.statutes import Paragraph, Statute

_BEGINS: Final = re.compile(r"^(?=[a-zA-Z_#])", re.MULTILINE)
_TEST: Final = re.compile(r"test_\w+")

Gap = Literal["no_rule", "pack_off"]


@dataclass(frozen=True, slots=True)
class WrittenTest:
    """A test as it is written: where it begins, and its text."""

    name: str
    line: int
    text: str

    @property
    def says(self) -> str:
        """What it is about, in the words of its name."""
        return self.name.removeprefix("test_").replace("_", " ")


@dataclass(frozen=True, slots=True)
class Carried:
    """A provision of a paragraph: whether it is asked of queries, and what it is tested by."""

    provision: Provision
    in_force: bool
    tests: tuple[WrittenTest, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A paragraph with the provisions that carry it out.

    ``gap`` is why nothing does: there is no rule, or every one is of a pack that is off.
    """

    paragraph: Paragraph
    carried: tuple[Carried, ...]
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class Chapter:
    """A statute with its sections."""

    statute: Statute
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Law:
    """All of it. ``others`` are the provisions that carry out no listed paragraph, by their packs."""

    chapters: tuple[Chapter, ...]
    others: Mapping[str, tuple[Carried, ...]]

    @property
    def gaps(self) -> tuple[Section, ...]:
        """The sections that nothing carries out."""
        return tuple(each for chapter in self.chapters for each in chapter.sections if each.gap)

    def seen_by(self, sees: Callable[[Provision], bool]) -> Law:
        """Return it without the provisions that somebody may not see; sections and their gaps stay."""
        return Law(
            tuple(
                Chapter(
                    chapter.statute,
                    tuple(replace(each, carried=_seen(each.carried, sees)) for each in chapter.sections),
                )
                for chapter in self.chapters
            ),
            {pack: seen for pack, carried in self.others.items() if (seen := _seen(carried, sees))},
        )


def law_of(bundle: Bundle, statutes: Sequence[Statute], cases: Sequence[Case]) -> Law:
    """Return the law of *bundle*, in the order of its statutes."""
    carried = {provision.code: carried_out(bundle, provision, cases) for provision in bundle.written.values()}
    chapters, listed = [], set()
    for statute in statutes:
        sections = []
        for paragraph in statute.paragraphs:
            codes = [provision.code for provision in provisions_of(paragraph, bundle.written)]
            listed.update(codes)
            sections.append(_section(paragraph, tuple(carried[code] for code in codes)))
        chapters.append(Chapter(statute, tuple(sections)))
    others: dict[str, tuple[Carried, ...]] = {}
    for code, each in carried.items():
        if code not in listed:
            pack = each.provision.pack or ""
            others[pack] = (*others.get(pack, ()), each)
    return Law(tuple(chapters), others)


def provisions_of(paragraph: Paragraph, catalogue: Catalogue) -> list[Provision]:
    """Return the provisions that carry out a paragraph."""
    return [one for one in catalogue.values() if paragraph.code in one.rules]


def carried_out(bundle: Bundle, provision: Provision, cases: Sequence[Case]) -> Carried:
    """Return a provision with whatever tests it."""
    return Carried(
        provision,
        provision.code in bundle.catalogue,
        written_tests(bundle.tests.get(path_of_tests(provision), "")),
        tuple(case for case in cases if _is_about(case, provision)),
    )


def path_of_tests(provision: Provision) -> str:
    """Return where a provision's tests stand."""
    return provision.path.removesuffix(".rego") + "_test.rego"


def written_tests(source: str) -> tuple[WrittenTest, ...]:
    """Return the tests of a file as they are written, also of one that no engine can read."""
    found, line = [], 1
    for block in _BEGINS.split(source):
        if name := _TEST.match(block):
            found.append(WrittenTest(name[0], line, block.rstrip()))
        line += block.count("\n")
    return tuple(found)


def _seen(carried: Sequence[Carried], sees: Callable[[Provision], bool]) -> tuple[Carried, ...]:
    return tuple(each for each in carried if sees(each.provision))


def _section(paragraph: Paragraph, carried: tuple[Carried, ...]) -> Section:
    gap: Gap | None = None if any(each.in_force for each in carried) else "pack_off"
    return Section(paragraph, carried, gap if carried else "no_rule")


def _is_about(case: Case, provision: Provision) -> bool:
    """Say whether a case names the provision, or is named for a paragraph that the provision carries out."""
    begins = tuple(f"{rule.lower()}-" for rule in provision.rules)
    return provision.code in case.provisions or case.name.startswith(begins)
