"""policies/README.md: its tables are true, and its three steps lead a reader to a provision that passes."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.errors import BundleRefused
from gatekeeper.policy import Catalogue, files_of, load, shipped_policies
from gatekeeper.policy.statute_tables import BEGIN, END
from gatekeeper.policy.statutes import disagreements, read_statutes
from tests.cli.shell import typed

PAGE = (shipped_policies() / "README.md").read_text(encoding="utf-8")


def _steps() -> str:
    found = re.search(r"^## Adding a provision in three steps\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_tables_of_the_shipped_readme_are_true() -> None:
    """Whoever adds a provision, a test or a case runs `gatekeeper policy readme`."""
    result = typed("policy", "readme", "--check")
    assert 0 == result.exit_code, result.output


def test_every_paragraph_and_every_provision_is_in_the_tables() -> None:
    """Section by section, each with how sure we are of it."""
    for statute in read_statutes(files_of(shipped_policies())[0]):
        for paragraph in statute.paragraphs:
            assert f"| {paragraph.code} | {paragraph.says} |" in PAGE
            assert not paragraph.without_rule or f"- **{paragraph.code}** {paragraph.without_rule}" in PAGE
    for code in load(shipped_policies()).written:
        assert f"| [`{code}`](" in PAGE


def test_tables_that_are_not_true_any_more_are_found_and_mended(law: Path) -> None:
    """--check writes nothing; without it the tables are written anew and the rest is left alone."""
    page = law / "README.md"
    page.write_text(PAGE.replace("| IL-1 |", "| IL-9 |"), encoding="utf-8")
    assert 1 == typed("policy", "readme", str(law), "--check").exit_code
    assert "| IL-9 |" in page.read_text(encoding="utf-8")
    assert 0 == typed("policy", "readme", str(law)).exit_code
    assert PAGE == page.read_text(encoding="utf-8")


@pytest.mark.parametrize("lost", [BEGIN, END])
def test_a_page_without_its_marks_is_not_written_to(law: Path, lost: str) -> None:
    """Where the tables belong could only be guessed."""
    page = law / "README.md"
    page.write_text(PAGE.replace(lost, ""), encoding="utf-8")
    result = typed("policy", "readme", str(law))
    assert 1 == result.exit_code
    assert BEGIN in result.stderr
    assert PAGE.replace(lost, "") == page.read_text(encoding="utf-8")


def test_paragraphs_and_metadata_say_the_same() -> None:
    """No rule without its paragraph, no paragraph without its rule or the reason why."""
    statutes, law = read_statutes(files_of(shipped_policies())[0]), load(shipped_policies()).written
    assert [] == disagreements(statutes, law)
    code = next(iter(law))
    strayed = Catalogue([replace(p, rules=("IL-99",)) if p.code == code else p for p in law.values()])
    assert any("IL-99" in fault for fault in disagreements(statutes, strayed))
    publishing = Catalogue([replace(p, rules=("IL-5",)) if p.code == code else p for p in law.values()])
    assert any("IL-5" in fault for fault in disagreements(statutes, publishing))
    assert any("IL-1 is carried out by no" in fault for fault in disagreements(statutes, Catalogue([])))
    of_another = Catalogue([replace(p, rules=("ZZ-1",)) if p.code == code else p for p in law.values()])
    assert not any("ZZ-1" in fault for fault in disagreements(statutes, of_another))


@pytest.mark.parametrize("text", ["{", "{}", '{"about": "x", "statutes": []}', None])
def test_a_list_of_paragraphs_that_cannot_be_read_is_refused(law: Path, text: str | None) -> None:
    """An empty table would look like a law without paragraphs."""
    (law / "statutes.json").unlink()
    if text is not None:
        (law / "statutes.json").write_text(text)
    with pytest.raises(BundleRefused, match=r"statutes\.json"):
        read_statutes(files_of(law)[0])


def test_a_reader_who_follows_the_three_steps_ends_with_a_provision_that_passes(
    law: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the letter: the commands, the texts and the places are those of the page."""
    monkeypatch.chdir(law.parent)
    follow_the_three_steps(law)
    lines = typed("policy", "test", "policies", "--provision", "statute_of_a_state", "--json").stdout
    found = [json.loads(line) for line in lines.splitlines()]
    assert all(line["passed"] for line in found if line["kind"] in ("rego", "case"))
    assert {"rego", "case"} == {line["kind"] for line in found} - {"opa"}  # and no test is owed
    assert "statute_of_a_state" in (law / "README.md").read_text(encoding="utf-8").split(BEGIN)[1]


def follow_the_three_steps(law: Path) -> None:
    """Do what the page says, in the directory above *law*."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", _steps(), re.MULTILINE | re.DOTALL)
    shell = [text for language, text in blocks if language == "sh"]
    rule, tests, imports = [text for language, text in blocks if language == "rego"]
    (begin,) = shell[0].splitlines()
    assert 0 == typed(*shlex.split(begin)[1:]).exit_code
    own = law / "sharing" / "statute_of_a_state"
    _put(own / "statute_of_a_state.rego", r"^default satisfied := false\n", rule)
    _put(own / "statute_of_a_state_test.rego", r"^test_denies_until_it_is_written .*\n", tests)
    _put(own / "statute_of_a_state_test.rego", r"^import data\.facts\.flawless_test\.request\n", imports)
    source, target = re.findall(r"`policies/(cases/[\w/.-]+\.json)`", _steps())
    case = (law / source).read_text(encoding="utf-8")
    for before, after in re.findall(r"^- `(.*?)` becomes `(.*?)`$", _steps(), re.MULTILINE):
        assert 1 == case.count(before), before
        case = case.replace(before, after)
    (law / target).write_text(case, encoding="utf-8")
    for command in shell[1].splitlines():
        result = typed(*shlex.split(command)[1:])
        assert 0 == result.exit_code, result.output


def _put(file: Path, place: str, text: str) -> None:
    """Put *text* where the page says."""
    before = file.read_text(encoding="utf-8")
    after, times = re.subn(place, lambda _: text, before, flags=re.MULTILINE)
    assert 1 == times, place
    file.write_text(after, encoding="utf-8")
