"""Begin a new provision: the pair of files that denies until somebody has written the rule.

Guarantees: all of it is written or nothing; what is written has first been loaded, checked and tested beside
the law as it stands; until its rule is written the new provision denies, and says so to whoever asks.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gatekeeper.errors import OperatorError
from gatekeeper.policy.examination import examine_files
from gatekeeper.policy.layout import MANIFEST, Files, files_of
from gatekeeper.policy.listing import MAIN, listed_in_main, listed_in_manifest, listed_in_pack, place_of
from gatekeeper.policy.manifest import Listed, manifest_of
from gatekeeper.policy.rego_tests import RegoTests
from gatekeeper.policy.statutes import read_statutes
from gatekeeper.whole import write_whole

_NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
_RULE = re.compile(r"[A-Z]{2}-[0-9]+")
# Words of the language, and names that every test imports: a provision of that name could not be imported.
_WORDS = frozenset({"as", "contains", "data", "default", "else", "every", "false", "if", "import", "input"})
_NAMES = frozenset(
    {"away", "changed", "having", "package", "request", "some", "true", "with", "without", "words"}
)
_FAULTY = "the policies have faults already: mend what `gatekeeper policy check` names first"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a new provision before its rule is written, and where it will stand."""

    listed: Listed
    title: str
    citation: str
    rules: tuple[str, ...]
    review: str
    adopted: date

    @property
    def code(self) -> str:
        """Return its code, which is the name of its directory."""
        return self.listed.code


def refuse(draft: Draft) -> None:
    """Raise OperatorError for a name, a citation or a rule that no provision can have."""
    if not _NAME.fullmatch(draft.code) or draft.code.endswith("_test"):
        raise OperatorError(
            f"{draft.code!r} is no name of a provision: use 3 to 40 small letters, digits and underscores, "
            "beginning with a letter and not ending in _test"
        )
    if draft.listed.pack is not None and not draft.code.startswith(f"{draft.listed.pack}_"):
        raise OperatorError(f"what a pack adds begins with its name: {draft.listed.pack}_{draft.code}")
    for name, text in (("citation", draft.citation), ("title", draft.title)):
        if not text.isprintable() or not any(map(str.isalpha, text)) or len(text) > 200:
            raise OperatorError(f"the {name} must be one line of at most 200 characters that says something")
    for rule in draft.rules:
        if not _RULE.fullmatch(rule):
            raise OperatorError(f"{rule!r} is no paragraph: name it as policies/README.md does, such as IL-1")


def write(draft: Draft, directory: Path) -> list[str]:
    """Add *draft* to the policies in *directory*; return the paths. Raises OperatorError, BundleRefused."""
    refuse(draft)
    files, faults = files_of(directory)
    if faults:
        raise OperatorError(_FAULTY)
    if (directory / draft.listed.directory).exists():
        raise OperatorError(_taken(draft))
    changed = begun(draft, files)
    _replace(directory, changed)
    return list(changed)


def begun(draft: Draft, files: Files) -> dict[str, str]:
    """Return the files that begin *draft* in the policies of *files*: those added, and those that list it.

    Raises OperatorError, BundleRefused.
    """
    refuse(draft)
    found = examine_files(files)
    if found.bundle is None or found.findings:
        raise OperatorError(_FAULTY)
    if draft.code in _WORDS | _NAMES or draft.code in found.bundle.builtins:
        raise OperatorError(f"{draft.code} is a word of Rego or of the tests: choose another name")
    manifest = manifest_of(found.sources.manifest, [])
    taken = {one.code for one in manifest.provisions}
    if draft.code in taken or any(path.startswith(f"{draft.listed.directory}/") for path in files):
        raise OperatorError(_taken(draft))
    pack = draft.listed.pack
    if pack is not None and pack not in manifest.packs:
        raise OperatorError(f"there is no pack {pack}; the packs are {', '.join(sorted(manifest.packs))}")
    documents = found.sources.documents
    place = place_of(draft.rules, manifest.of(None), found.bundle.written, read_statutes(files))
    changed = {
        draft.listed.path: rule_of(draft),
        draft.listed.test: test_of(draft),
        MAIN: listed_in_main(draft.listed, place, found.sources.modules[MAIN], manifest),
        MANIFEST: listed_in_manifest(draft.listed, place, documents[MANIFEST]),
    }
    if pack is not None:
        path = f"packs/{pack}/pack.json"
        changed[path] = listed_in_pack(draft.code, documents[path])
    _rehearse(draft, {**files, **changed})
    return changed


def _taken(draft: Draft) -> str:
    return f"there is a provision {draft.code} already: choose another name"


def rule_of(draft: Draft) -> str:
    """Return the module: the law as far as it is known, and a rule that denies."""
    return f"""# METADATA
# scope: package
# title: {json.dumps(draft.title, ensure_ascii=False)}
# description: >-
#   Not yet written. What the law asks, in a lawyer's words; until the rule is written, all is denied.
# custom:
#   rules: [{", ".join(draft.rules)}]
#   citation: {json.dumps(draft.citation, ensure_ascii=False)}
#   verified: false
#   public: true
#   effective_on: "{draft.adopted.isoformat()}"
#   message: >-
#     The city has adopted this provision and has not yet written its rule, so no request can meet it.
#   remedy: >-
#     Ask the city's records unit when the provision will be written.
#   review: {draft.review}
package {draft.listed.package}

# Denies until this line is replaced by the rule.
default satisfied := false
"""


def test_of(draft: Draft) -> str:
    """Return the tests that pin the draft: it denies."""
    return f"""package {draft.listed.package}_test

import data.facts.flawless_test.request
import data.{draft.listed.package}

# Until its rule is written. Then: what satisfies it, a fact that is missing, one of a wrong type, and the
# days around a date.
test_denies_until_it_is_written if not {draft.code}.satisfied with input as request

test_not_satisfied_by_nothing if not {draft.code}.satisfied with input as {{}}
"""


def _rehearse(draft: Draft, files: Files) -> None:
    """Load, check and test the law with the draft in it. Raises OperatorError."""
    tried = examine_files(files)
    sources = tried.sources
    wrong = [f"{finding.place}: {finding.message}" for finding in tried.findings]
    if not wrong:
        suite = RegoTests({**sources.modules, **sources.checks, **sources.tests}, sources.data)
        mine = [test for test in suite.tests if test.path == draft.listed.test]
        wrong = [f"{test.path}: {test.name} fails" for test in mine if not suite.run(test).passed]
    if wrong:
        raise OperatorError(f"nothing was written: {wrong[0]}")


def _replace(directory: Path, changed: Mapping[str, str]) -> None:
    """Write every file or none. Raises OperatorError; what was there before is there again."""
    before = {path: _text(directory / path) for path in changed}
    made = [directory / path for path in changed if not (directory / path).parent.exists()]
    try:
        for path, text in changed.items():
            (directory / path).parent.mkdir(exist_ok=True)
            write_whole(directory / path, text.encode())
    except OSError as error:
        for path, earlier in before.items():
            if earlier is not None:
                write_whole(directory / path, earlier.encode())
        for file in made:
            shutil.rmtree(file.parent, ignore_errors=True)
        raise OperatorError(f"nothing was written: {error.filename}: {error.strerror}") from None


def _text(file: Path) -> str | None:
    return file.read_text("utf-8") if file.exists() else None
