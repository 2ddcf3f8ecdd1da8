"""The outline of a text that nobody has checked: as much as can be read, and never more open than the law."""

from __future__ import annotations

import pytest

from gatekeeper.policy import files_of, load, shipped_policies
from gatekeeper.policy.outlines import outline_of

FILES = files_of(shipped_policies())[0]
RULE = "sharing/stated_reason/stated_reason.rego"


def test_of_a_sound_law_it_says_what_the_load_says() -> None:
    """Which provisions are written, and which are asked."""
    bundle, outline = load(shipped_policies()), outline_of(FILES)
    assert dict(bundle.written) == dict(outline.written)
    assert set(bundle.provisions) == outline.in_force
    assert frozenset() == outline.hidden
    assert bundle.written.keys() == outline.prints.keys()


@pytest.mark.parametrize("files", [{}, {".manifest": "["}, {".manifest": "{}", "data/city.json": "7"}])
def test_a_text_with_faults_has_an_outline(files: dict[str, str]) -> None:
    """Of what is left."""
    outline = outline_of(files)
    assert (0, frozenset()) == (len(outline.written), outline.in_force)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        FILES[RULE].replace("public: true", "public: perhaps"),
        FILES[RULE].replace("public: true", ""),
    ],
)
def test_a_provision_that_cannot_be_read_is_not_public(text: str) -> None:
    """Nobody can tell, so nobody is told."""
    assert {"stated_reason"} == outline_of({**FILES, RULE: text}).hidden


@pytest.mark.parametrize("manifest", ["[", FILES[".manifest"].replace('"stated_reason",', "")])
def test_a_provision_that_is_not_listed_is_hidden_if_it_says_so(manifest: str) -> None:
    """A draft may name what the public may not know of before its manifest does."""
    hidden = FILES[RULE].replace("public: true", "public: false")
    assert {"stated_reason"} == outline_of({**FILES, ".manifest": manifest, RULE: hidden}).hidden


def test_a_print_changes_with_the_rule_and_with_the_tests() -> None:
    """Each by itself."""
    before = outline_of(FILES).prints["stated_reason"]
    rule = outline_of({**FILES, RULE: FILES[RULE] + "\n"}).prints["stated_reason"]
    test = RULE.replace(".rego", "_test.rego")
    tests = outline_of({**FILES, test: FILES[test] + "\n"}).prints["stated_reason"]
    assert (False, True) == (before[0] == rule[0], before[1] == rule[1])
    assert (True, False) == (before[0] == tests[0], before[1] == tests[1])
