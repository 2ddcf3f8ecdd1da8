"""``gatekeeper policy``: the law of a city: checked, tested, changed by two people, exported."""

from __future__ import annotations

import click

from gatekeeper.cli.policy_cases import cases
from gatekeeper.cli.policy_check import check
from gatekeeper.cli.policy_checked import check_revision
from gatekeeper.cli.policy_diff import diff
from gatekeeper.cli.policy_export import export
from gatekeeper.cli.policy_key import key
from gatekeeper.cli.policy_life import activate, approve, list_, reject, rollback, shadow, show_
from gatekeeper.cli.policy_new import new
from gatekeeper.cli.policy_propose import propose
from gatekeeper.cli.policy_readme import readme
from gatekeeper.cli.policy_replay import replay
from gatekeeper.cli.policy_tests import test


@click.group()
def policy() -> None:
    """Check, test and extend the policies; propose, approve and undo a change of the law."""


for _command in (
    activate,
    approve,
    cases,
    check,
    check_revision,
    diff,
    export,
    key,
    list_,
    new,
    propose,
    readme,
    reject,
    replay,
    rollback,
    shadow,
    show_,
    test,
):
    policy.add_command(_command)
