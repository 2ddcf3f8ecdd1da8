"""``gatekeeper policy new``: a provision is begun whole or not at all, and denies until it is written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gatekeeper.policy import Embedded, drafts, load
from gatekeeper.whole import write_whole
from tests.cli.shell import typed
from tests.policy.laws import SHIPPED_PERMITTED
from tests.servers.opa import opa_program

CITATION = 'City Code: Title 9, "An Example"'


def _files(law: Path) -> dict[str, str]:
    return {str(p.relative_to(law)): p.read_text("utf-8") for p in law.rglob("*") if p.is_file()}


def test_what_is_begun_passes_check_and_its_own_test(law: Path) -> None:
    """The pair of files, the line in main, the code in the manifest; three steps are left."""
    before = _files(law)
    result = typed("policy", "new", "quiet_hours", str(law), "--citation", CITATION, "--rule", "IL-1")
    assert 0 == result.exit_code, result.output
    changed = {path for path, text in _files(law).items() if before.get(path) != text}
    own = "sharing/quiet_hours/quiet_hours"
    assert {f"{own}.rego", f"{own}_test.rego", "main/main.rego", ".manifest"} == changed
    assert all(f"\n{step}. " in result.stdout for step in (1, 2, 3))
    assert 0 == typed("policy", "check", str(law)).exit_code
    tested = typed("policy", "test", str(law), "--provision", "quiet_hours", "--json")
    assert 0 == tested.exit_code, tested.output
    provision = load(law).catalogue["quiet_hours"]
    assert (CITATION, ("IL-1",), False) == (provision.citation, provision.rules, provision.verified)


@pytest.mark.parametrize(("rule", "next_one"), [("IL-1", "health_care"), ("ZZ-1", None)])
def test_it_stands_where_its_statute_has_it(law: Path, rule: str, next_one: str | None) -> None:
    """A denial names provisions in the order of the statutes; what no statute here has comes last."""
    done = typed("policy", "new", "quiet_hours", str(law), "--citation", CITATION, "--rule", rule)
    assert 0 == done.exit_code, done.output
    codes = [code for code, provision in load(law).written.items() if provision.pack is None]
    assert next_one == next(iter(codes[codes.index("quiet_hours") + 1 :]), None)
    main = (law / "main" / "main.rego").read_text()
    assert codes == re.findall(r'^proved contains "(\w+)" if data\.sharing', main, re.MULTILINE)


def test_a_pack_is_added_to(law: Path) -> None:
    """Its rule stands with the pack, and is asked for only where a city selected the pack."""
    before = _files(law)
    name = "evanston_health_data"
    result = typed("policy", "new", name, str(law), "--citation", CITATION, "--pack", "evanston")
    assert 0 == result.exit_code, result.output
    changed = {path for path, text in _files(law).items() if before.get(path) != text}
    own = f"packs/evanston/{name}/{name}"
    pack = "packs/evanston/pack.json"
    assert {f"{own}.rego", f"{own}_test.rego", "main/main.rego", ".manifest", pack} == changed
    bundle = load(law)
    assert name == bundle.provisions[-1]
    assert "evanston" == bundle.written[name].pack
    result = typed("policy", "new", "virginia_hours", str(law), "--citation", CITATION, "--pack", "virginia")
    assert 0 == result.exit_code, result.output
    assert "virginia_hours" in load(law).written
    assert "virginia_hours" not in load(law).catalogue


@pytest.mark.parametrize(
    ("name", "pack", "said"),
    [("quiet_hours", "evanston", "evanston_quiet_hours"), ("utah_hours", "utah", "there is no pack utah")],
)
def test_a_pack_that_is_none_or_a_name_outside_it_is_refused(
    law: Path, name: str, pack: str, said: str
) -> None:
    """A code names one provision of one pack."""
    before = _files(law)
    result = typed("policy", "new", name, str(law), "--citation", CITATION, "--pack", pack)
    assert 1 == result.exit_code
    assert said in result.stderr
    assert before == _files(law)


def test_until_it_is_written_it_denies(law: Path) -> None:
    """A provision that was adopted and is not yet written must not let anything through."""
    assert 0 == typed("policy", "new", "quiet_hours", str(law), "--citation", CITATION).exit_code
    verdict = Embedded(load(law)).evaluate(SHIPPED_PERMITTED)
    assert ("quiet_hours",) == verdict.unmet


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Quiet", "no name"),
        ("../quiet", "no name"),
        ("quiet-hours", "no name"),
        ("9_lives", "no name"),
        ("x", "no name"),
        ("x" * 41, "no name"),
        ("quiet_test", "no name"),
        ("affirmation", "already"),
        ("request", "a word of"),
        ("default", "a word of"),
        ("count", "a word of"),
    ],
)
def test_a_name_that_cannot_be_is_refused(law: Path, name: str, said: str) -> None:
    """And nothing is written."""
    before = _files(law)
    result = typed("policy", "new", name, str(law), "--citation", CITATION)
    assert 1 == result.exit_code
    assert said in result.stderr
    assert before == _files(law)


@pytest.mark.parametrize(
    "more", [("--citation", ""), ("--citation", "a\nb"), ("--citation", CITATION, "--rule", "IL")]
)
def test_a_citation_or_paragraph_that_says_nothing_is_refused(law: Path, more: tuple[str, ...]) -> None:
    """A provision rests on a law that can be found."""
    before = _files(law)
    assert 1 == typed("policy", "new", "quiet_hours", str(law), *more).exit_code
    assert before == _files(law)


def test_a_law_with_faults_is_not_added_to(law: Path) -> None:
    """It could not be told whether the addition is sound."""
    (law / "data" / "city.json").write_text("{")
    before = _files(law)
    result = typed("policy", "new", "quiet_hours", str(law), "--citation", CITATION)
    assert 1 == result.exit_code
    assert "policy check" in result.stderr
    assert before == _files(law)


def test_a_write_that_fails_leaves_everything_as_it_was(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of the four files cannot be written: the first three are taken back."""
    before = _files(law)

    def failing(file: Path, content: bytes) -> None:
        if file.name == ".manifest" and b"quiet_hours" in content and law in file.parents:
            raise OSError(28, "No space left on device", str(file))
        write_whole(file, content)

    monkeypatch.setattr(drafts, "write_whole", failing)
    result = typed("policy", "new", "quiet_hours", str(law), "--citation", CITATION)
    assert 1 == result.exit_code
    assert "No space left" in result.stderr
    assert before == _files(law)
    assert not (law / "sharing" / "quiet_hours").exists()


def test_a_main_that_lists_otherwise_is_refused(law: Path) -> None:
    """The line's place could not be found: better none than a wrong one."""
    main = law / "main" / "main.rego"
    text = main.read_text()
    main.write_text(text.replace('\t"agency_standing",\n', '\t"agency_standing", # first\n'))
    before = _files(law)
    result = typed("policy", "new", "quiet_hours", str(law), "--citation", CITATION)
    assert 1 == result.exit_code
    assert "main/main.rego" in result.stderr
    assert before == _files(law)


def test_the_installed_policies_are_not_written_to(law: Path) -> None:
    """They belong to the program; a city has its own."""
    installed = law.rename(law.parent / "_policies")
    assert 1 == typed("policy", "new", "quiet_hours", str(installed), "--citation", CITATION).exit_code


@pytest.mark.needs("opa")
def test_opa_formats_what_is_begun_as_it_is_written(law: Path) -> None:
    """As a person would have to write it."""
    assert 0 == typed("policy", "new", "quiet_hours", str(law), "--citation", CITATION).exit_code
    command = [opa_program(), "fmt", "--list", str(law)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "" == listed.stdout
