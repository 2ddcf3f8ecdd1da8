"""Every Rego test of the shipped law, each as a test of its own, on the embedded engine.

The files are read as they lie, without the checks of ``load``: a test tells what is wrong with its rule
even while the bundle as a whole would be refused.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
import regorus

from gatekeeper.policy import shipped_policies
from gatekeeper.policy.layout import Sources, read

_PACKAGE = re.compile(r"^package\s+(\S+)", re.MULTILINE)
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)


@cache
def _sources() -> Sources:
    return read(shipped_policies())


@cache
def _engine() -> Any:
    engine = regorus.Engine()
    sources = _sources()
    for path, text in {**sources.modules, **sources.checks, **sources.tests}.items():
        engine.add_policy(path, text)
    engine.add_data_json(json.dumps(sources.data))
    return engine


def _tests() -> list[Any]:
    found = []
    for path, text in _sources().tests.items():
        package = _PACKAGE.search(text)
        names = sorted(set(_TEST.findall(text)))
        rules = [f"data.{package[1]}.{name}" for name in names] if package else [f"no package in {path}"]
        found += [pytest.param(rule, id=rule.removeprefix("data.")) for rule in rules]
    return found


@pytest.mark.parametrize("rule", _tests())
def test_rego(rule: str) -> None:
    """The Rego test of this name holds: it is true, not merely defined."""
    engine = _engine()
    engine.set_input_json("{}")
    assert engine.eval_rule_as_json(rule) == "true"


def test_there_are_rego_tests() -> None:
    """A law without tests would pass the above."""
    assert len(_tests()) >= len(_sources().modules)
