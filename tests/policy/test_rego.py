"""Every Rego test of the shipped law, each as a test of its own, on the embedded engine.

The files are read as they lie, without the checks of ``load``: a test tells what is wrong with its rule
even while the bundle as a whole would be refused.
"""

from __future__ import annotations

from functools import cache

import pytest

from gatekeeper.policy import shipped_policies
from gatekeeper.policy.layout import Sources, read
from gatekeeper.policy.rego_tests import RegoTest, RegoTests


@cache
def _sources() -> Sources:
    return read(shipped_policies())


@cache
def _suite() -> RegoTests:
    sources = _sources()
    return RegoTests({**sources.modules, **sources.checks, **sources.tests}, sources.data)


@pytest.mark.parametrize("test", _suite().tests, ids=lambda test: f"{test.package}.{test.name}")
def test_rego(test: RegoTest) -> None:
    """The Rego test of this name holds: it is true, not merely defined."""
    outcome = _suite().run(test)
    assert outcome.passed, f"{test.path}:{outcome.line} expected {outcome.expected}; {outcome.came}"


def test_there_are_rego_tests() -> None:
    """A law without tests would pass the above."""
    assert len(_suite().tests) >= len(_sources().modules)
