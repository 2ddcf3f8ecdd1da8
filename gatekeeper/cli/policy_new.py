"""``gatekeeper policy new``: begin a provision, and say what is left to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from gatekeeper.cli.policy_directory import directory_argument
from gatekeeper.errors import OperatorError
from gatekeeper.policy.drafts import Draft, write
from gatekeeper.policy.manifest import Listed
from gatekeeper.policy.provisions import REVIEWS


@click.command()
@click.argument("name")
@directory_argument
@click.option("--citation", required=True, help='The law, as it is cited: "625 ILCS 5/2-130(c)".')
@click.option("--title", default="", help="What it asks, in a few words [default: its name].")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    default=("EV-7",),
    show_default=True,
    help="The paragraph that it carries out, as policies/README.md numbers them; may be repeated.",
)
@click.option("--pack", metavar="PACK", help="The pack that adds it [default: it binds every city].")
@click.option(
    "--review",
    type=click.Choice(REVIEWS),
    default="none",
    show_default=True,
    help="Who may supply a fact to a request that it denied.",
)
def new(
    name: str,
    directory: Path,
    *,
    citation: str,
    title: str,
    rules: tuple[str, ...],
    pack: str | None,
    review: str,
) -> None:
    """Begin the provision NAME in DIR: a rule that denies until it is written, and a test that pins it.

    Its code is added to .manifest and main/main.rego, and to its pack. All of it is written, or nothing.
    """
    if directory.name == "_policies":
        raise OperatorError("these are the policies that were installed: name a directory of your own")
    draft = Draft(
        listed=Listed(name, pack),
        title=title or name.replace("_", " ").capitalize(),
        citation=citation,
        rules=tuple(dict.fromkeys(rules)),
        review=review,
        adopted=datetime.now(UTC).date(),
    )
    for path in write(draft, directory):
        click.echo(f"written  {directory / path}")
    click.echo(f"""
{name} denies every request until its rule is written. Three steps are left, in {directory}:

1. The law: in {draft.listed.path}, say what the law asks (description), what an agency
   reads when it is denied (message) and what would cure that (remedy); then write the rule.
2. The tests: in {draft.listed.test}, what satisfies the rule, a fact that is missing, one of
   the wrong type, the days around a date; and one whole request in cases/denied.
3. Look: gatekeeper policy check {directory}
         gatekeeper policy test {directory} --provision {name}""")
