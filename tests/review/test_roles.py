"""Who may do what: one table, also in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.review.roles import ACTS, ROLES, may


def test_an_auditor_only_reads() -> None:
    """Whoever checks the city does not act for it."""
    assert {"read_reviews", "read_figures", "read_policies", "read_ledger"} == {
        a for a in ACTS if may("auditor", a)
    }


def test_who_manages_accounts_sees_no_request() -> None:
    """And who rules on requests manages no account: nobody makes themselves a second pair of eyes."""
    for role in ROLES:
        assert not (may(role, "manage_staff") and may(role, "read_reviews"))


def test_only_counsel_rules_as_counsel() -> None:
    """The law's strictest review is one person's office."""
    assert ["counsel"] == [role for role in ROLES if may(role, "rule_as_counsel")]


@pytest.mark.parametrize("role", ["", "Records", "root", "records "])
def test_a_role_that_is_not_listed_may_do_nothing(role: str) -> None:
    """A typo in a role is not a role."""
    assert not any(may(role, act) for act in ACTS)


def test_the_readme_shows_the_table() -> None:
    """What a role may do is read there by whoever gives it to somebody."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"| act | {' | '.join(ROLES)} |" in readme
    for act, text in ACTS.items():
        assert f"| {text} | {' | '.join('yes' if may(role, act) else 'no' for role in ROLES)} |" in readme
