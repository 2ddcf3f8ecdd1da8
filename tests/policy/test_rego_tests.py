"""Rego tests, run one by one: what a failed one is told to have expected, and what came."""

from __future__ import annotations

import pytest

from gatekeeper.policy.rego_tests import RegoTests

RULE = """package sharing.standing

satisfied if {
	is_string(input.agency.id)
	input.agency.status == "active"
}

codes := ["standing", "purpose"]
"""
HEAD = """package sharing.standing_test

import data.sharing.standing

request := {"agency": {"id": "a-1", "status": "active"}}

test_satisfied if standing.satisfied with input as request

"""
PATH = "sharing/standing/standing_test.rego"


def _suite(test: str) -> RegoTests:
    return RegoTests({"sharing/standing/standing.rego": RULE, PATH: HEAD + test}, {"city": {"days": 3}})


@pytest.mark.parametrize(
    ("test", "row", "expected", "came"),
    [
        (
            'test_x if not standing.satisfied with input.agency as {"id": "a", "status": "active"}',
            0,
            "not standing.satisfied with input.agency as",
            "standing.satisfied is true",
        ),
        (
            "test_x if standing.satisfied with input as {}",
            0,
            "standing.satisfied",
            "standing.satisfied is undefined",
        ),
        (
            "test_x if {\n\tmade := standing.codes with input as request\n\tcount(made) == 3\n}",
            2,
            "count(made) == 3",
            "count(made) is 2",
        ),
        (
            'test_x if {\n\t"a" in ["a"]\n\t"zz" in standing.codes with input as {}\n}',
            2,
            '"zz" in standing.codes with input as {}',
            'standing.codes is ["standing", "purpose"]',
        ),
        ("test_x if {\n\tevery n in [1, 2] {\n\t\tn > 1\n\t}\n}", 1, "every n in [1, 2] {", "does not hold"),
        ("test_x := 3", 0, "true", "3"),
        ("test_x if {\n\tx := data.city.nothing\n\tx\n}", 1, "x := data.city.nothing", "undefined"),
        ("test_x if {\n\tsome x in [1, 2]\n\tx == 3\n}", 2, "x == 3", "one of several values"),
        ("test_x if no_such(1)", 0, "no_such(1)", "could not find function no_such"),
        ("test_x if data.city.days == 4", 0, "data.city.days == 4", "data.city.days is 3"),
    ],
)
def test_a_failed_test_says_where_what_was_expected_and_what_came(
    test: str, row: int, expected: str, came: str
) -> None:
    """The statement that did not hold, and the value that stood there."""
    suite = _suite(test)
    (wanted,) = [one for one in suite.tests if one.name == "test_x"]
    outcome = suite.run(wanted)
    assert (PATH, False) == (wanted.path, outcome.passed)
    assert HEAD.count("\n") + 1 + row == outcome.line
    assert outcome.expected.startswith(expected)
    assert came in outcome.came


def test_a_test_that_holds_passes() -> None:
    """It is true, not merely defined."""
    suite = _suite("test_defined := 3")
    assert [True, False] == [suite.run(test).passed for test in suite.tests]
    assert ["data.sharing.standing_test.test_satisfied"] == [suite.tests[0].rule]


def test_two_bodies_of_one_name_are_one_test() -> None:
    """Why it failed cannot be told from either alone."""
    suite = _suite("test_x if 1 == 2\n\ntest_x if 2 == 3")
    (wanted,) = [one for one in suite.tests if one.name == "test_x"]
    assert ("true", "undefined") == (suite.run(wanted).expected, suite.run(wanted).came)


def test_a_long_value_is_cut() -> None:
    """No failure is a page of data."""
    suite = _suite("test_x if numbers.range(1, 1000) == 3")
    (wanted,) = [one for one in suite.tests if one.name == "test_x"]
    assert len(suite.run(wanted).came) < 600


def test_what_cannot_be_parsed_is_no_suite() -> None:
    """A test that is not read must not look like one that passed."""
    with pytest.raises(RuntimeError, match="expecting"):
        _suite("test_x if {")
