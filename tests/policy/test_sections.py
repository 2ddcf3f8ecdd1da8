"""The law by its paragraphs: nothing is left out, and a paragraph that nothing carries out says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.policy import Bundle, Catalogue, files_of, load, shipped_policies
from gatekeeper.policy.cases import read_cases
from gatekeeper.policy.sections import Law, law_of, written_tests
from gatekeeper.policy.statutes import read_statutes

FILES = files_of(shipped_policies())[0]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Return the shipped policies."""
    return load(shipped_policies())


def _law(bundle: Bundle) -> Law:
    return law_of(bundle, read_statutes(FILES), read_cases(FILES, bundle.written)[0])


def test_every_paragraph_and_every_provision_is_there(bundle: Bundle) -> None:
    """Those of packs that are off too."""
    law = _law(bundle)
    sections = [section for chapter in law.chapters for section in chapter.sections]
    listed = [p.code for statute in read_statutes(FILES) for p in statute.paragraphs]
    assert listed == [section.paragraph.code for section in sections]
    carried = [each for section in sections for each in section.carried]
    carried += [each for others in law.others.values() for each in others]
    assert {each.provision.code for each in carried} == set(bundle.written)
    assert {each.provision.code for each in carried if each.in_force} == set(bundle.catalogue)


def test_a_paragraph_without_a_rule_is_a_gap(bundle: Bundle) -> None:
    """Whether or not somebody said why."""
    assert ["IL-5"] == [section.paragraph.code for section in _law(bundle).gaps]
    assert "no_rule" == _law(bundle).gaps[0].gap


def test_a_paragraph_whose_rules_are_all_off_is_a_gap(bundle: Bundle) -> None:
    """A rule that no query is asked about carries nothing out."""
    without = [one for code, one in bundle.catalogue.items() if code != "immigration_crime"]
    gaps = {
        each.paragraph.code: each.gap for each in _law(replace(bundle, catalogue=Catalogue(without))).gaps
    }
    assert {"IL-5": "no_rule", "TR-6": "pack_off"} == gaps


def test_what_somebody_may_not_see_is_gone_and_its_section_is_no_gap(bundle: Bundle) -> None:
    """The paragraph is public; which rule carries it out need not be."""
    seen = _law(bundle).seen_by(lambda provision: provision.code != "immigration_crime")
    section = next(s for c in seen.chapters for s in c.sections if s.paragraph.code == "TR-6")
    assert ((), None) == (section.carried, section.gap)


def test_tests_are_as_they_are_written(bundle: Bundle) -> None:
    """Each with its line and whole text, without what stands beside it."""
    provision = bundle.catalogue["civil_immigration"]
    source = bundle.tests["sharing/civil_immigration/civil_immigration_test.rego"]
    found = written_tests(source)
    assert len(found) == sum(line.startswith("test_") for line in source.splitlines())
    lines = source.splitlines()
    for test in found:
        assert lines[test.line - 1].startswith(test.name)
        assert test.text == "\n".join(lines[test.line - 1 : test.line + test.text.count("\n")])
    assert provision.code in found[0].text


@pytest.mark.parametrize("source", ["", "no rego at all", "test_", "\n\n#test_x", "package x\n\ntest"])
def test_a_file_without_tests_has_none(source: str) -> None:
    """Whatever it is."""
    assert () == written_tests(source)


def test_a_test_that_no_engine_can_read_is_shown_all_the_same() -> None:
    """It is text."""
    found = written_tests("package x\n\n# about\ntest_one if {\n\t1 ==\n}\nother := 1\ntest_two if {")
    assert [("test_one", 4, "test_one if {\n\t1 ==\n}"), ("test_two", 8, "test_two if {")] == [
        (test.name, test.line, test.text) for test in found
    ]
