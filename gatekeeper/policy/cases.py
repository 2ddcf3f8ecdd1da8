"""Whole requests with the answer that the law gives them: ``policies/cases/{permitted,denied}/*.json``.

Guarantees: a case that cannot be read, stands in the folder of the other outcome or expects a provision that
does not exist is a fault and never a case fewer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from json import JSONDecodeError

from gatekeeper.policy.layout import Files, Json, strict_json

_FOLDERS = {"permit": "permitted", "deny": "denied"}
_CASE = re.compile(r"cases/[^/]+/[^/]+\.json")
_EXPECTED = {"outcome", "provisions", "review"}


@dataclass(frozen=True, slots=True)
class Case:
    """One case; ``line`` is where it says what it expects, ``request`` the line that decides it."""

    path: str
    line: int
    outcome: str
    provisions: tuple[str, ...]
    review: str
    request: str

    @property
    def name(self) -> str:
        """Return the case's own name, which begins with its paragraph."""
        return self.path.rsplit("/", 1)[-1].removesuffix(".json")

    def expected(self) -> dict[str, Json]:
        """Return what the case expects, in the shape of an answer."""
        return {"outcome": self.outcome, "provisions": [*self.provisions], "review": self.review}


def read_cases(files: Files, provisions: Collection[str]) -> tuple[list[Case], list[str]]:
    """Return the cases among *files*, and what is wrong with them."""
    cases: list[Case] = []
    faults: list[str] = []
    for path in sorted(path for path in files if _CASE.fullmatch(path)):
        text = files[path]
        try:
            document = strict_json(text)
        except ValueError as error:
            row = error.lineno if isinstance(error, JSONDecodeError) else 1
            faults.append(f"{path}:{row}: not JSON")
            continue
        found = re.search(r'^\s*"expect"', text, re.MULTILINE)
        line = text.count("\n", 0, found.end()) + 1 if found else 1
        wrong = _wrong(document, path.split("/")[1], provisions)
        faults += [f"{path}:{line}: {said}" for said in wrong]
        if not wrong and isinstance(document, dict):
            cases.append(_case(path, line, document, text))
    return cases, faults


def _case(path: str, line: int, document: dict[str, Json], text: str) -> Case:
    expect = document["expect"]
    assert isinstance(expect, dict)  # noqa: S101 - _wrong has looked
    codes = expect["provisions"]
    assert isinstance(codes, list)  # noqa: S101 - the same
    provisions = tuple(str(code) for code in codes)
    return Case(path, line, str(expect["outcome"]), provisions, str(expect["review"]), text)


def _wrong(document: Json, folder: str, provisions: Collection[str]) -> list[str]:
    expect = document.get("expect") if isinstance(document, dict) else None
    if not isinstance(expect, dict) or expect.keys() != _EXPECTED:
        return ["a case says in `expect` its outcome, provisions and review"]
    codes = expect["provisions"]
    if not isinstance(codes, list):
        return ["the provisions that a case expects are a list of codes"]
    wrong = [f"no provision is called {code}" for code in codes if code not in provisions]
    if _FOLDERS.get(str(expect["outcome"])) != folder:
        wrong.append("a case stands in permitted or denied, as its outcome says")
    return wrong
