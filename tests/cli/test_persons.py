"""A command that changes the law asks who is there: a member of staff, twice proved, and in the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pyotp
import pytest
from click.testing import CliRunner, Result

from gatekeeper.cli.opened import city as opened_city
from gatekeeper.cli.persons import as_option, proved, two_as_option, two_proved
from gatekeeper.errors import GatekeeperError
from tests.cli.shell import City

Made = dict[str, Any]


@click.command()
@as_option
@click.option("--data", type=click.Path(path_type=Path))
def one(data: Path, username: str | None) -> None:
    """Ask one person."""
    with opened_city(data) as state:
        click.echo(f"proved {proved(state, username, 'approve_policies').account.username}")


@click.command()
@two_as_option
@click.option("--data", type=click.Path(path_type=Path))
def two(data: Path, usernames: tuple[str, ...]) -> None:
    """Ask two."""
    with opened_city(data) as state:
        first, second = two_proved(state, usernames, "approve_policies")
    click.echo(f"proved {first.account.username} and {second.account.username}")


def _add(city: City, username: str, role: str) -> Made:
    (made,) = city.rows("staff", "add", username, "--name", "Pat Sample", "--role", role)
    return made


def _code(made: Made, *, ago: int = 0) -> str:
    return pyotp.TOTP(made["totp_secret"]).at(datetime.now(UTC) - timedelta(seconds=ago))


def _asked(command: click.Command, city: City, *arguments: str, typed: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--data", str(city.data)], input=typed)


def _refused(command: click.Command, city: City, *arguments: str, typed: str = "") -> str:
    result = _asked(command, city, *arguments, typed=typed)
    assert isinstance(result.exception, GatekeeperError), result.output
    assert "proved" not in result.stdout
    return str(result.exception)


def test_a_person_proves_themselves_and_the_log_has_it(city: City) -> None:
    """Named or asked for; nothing that was typed is shown; the code is used up."""
    made = _add(city, "lee.sample", "legal")
    typed = f"{made['password']}\n{_code(made)}\n"
    result = _asked(one, city, typed=f"lee.sample\n{typed}")
    assert "proved lee.sample\n" == result.stdout
    for secret in (made["password"], _code(made)):
        assert secret not in result.output
    assert "staff.signed_in" == city.events()[-1]
    assert "good once" in _refused(one, city, "--as", "lee.sample", typed=typed)
    recovery = f"{made['password']}\n{made['recovery_codes'][0]}\n"
    assert "proved lee.sample\n" == _asked(one, city, "--as", "lee.sample", typed=recovery).stdout
    assert "good once" in _refused(one, city, "--as", "lee.sample", typed=recovery)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (lambda made: f"wrong password\n{_code(made)}\n", "not the password"),
        (lambda made: f"{made['password']}\n000000\n", "new code"),
        (lambda made: f"{made['password']}\n{_code(made, ago=600)}\n", "new code"),
    ],
)
def test_what_is_wrong_proves_nothing(city: City, typed: Callable[[Made], str], said: str) -> None:
    """And it is not in the log as if it had."""
    made = _add(city, "lee.sample", "counsel")
    assert said in _refused(one, city, "--as", "lee.sample", typed=typed(made))
    assert "staff.signed_in" not in city.events()


def test_guesses_lock_the_account_as_in_the_console(city: City) -> None:
    """Ten failures; then the right ones do not help either."""
    made = _add(city, "lee.sample", "legal")
    for _ in range(10):
        _refused(one, city, "--as", "lee.sample", typed="guess\n000000\n")
    typed = f"{made['password']}\n{_code(made)}\n"
    assert "is locked" in _refused(one, city, "--as", "lee.sample", typed=typed)


def test_who_may_not_is_told_before_anything_is_typed(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody, another role, an account that was removed, one that only the identity provider knows."""
    _add(city, "records.sample", "records")
    _add(city, "gone.sample", "legal")
    city.run("staff", "remove", "gone.sample", "--reason", "left the city")
    assert "no such account" in _refused(one, city, "--as", "nobody")
    assert "may not propose and approve" in _refused(one, city, "--as", "records.sample")
    assert "was removed" in _refused(one, city, "--as", "gone.sample")
    _add(city, "lee.sample", "legal")
    monkeypatch.setenv("GATEKEEPER_OIDC_ISSUER", "https://id.example.gov")
    city.run(
        *("staff", "add", "oidc.sample", "--name", "P", "--role", "counsel", "--identity", "sub-pat"),
    )
    assert "console" in _refused(one, city, "--as", "oidc.sample")
    assert "GATEKEEPER_OIDC_LOCAL_SIGN_IN" in _refused(one, city, "--as", "lee.sample")
    monkeypatch.setenv("GATEKEEPER_OIDC_LOCAL_SIGN_IN", "true")
    assert "not the password" in _refused(one, city, "--as", "lee.sample", typed="guess\n000000\n")
    assert "console" in _refused(one, city, "--as", "oidc.sample")


def test_two_people_are_two_accounts(city: City) -> None:
    """The same one twice is refused before a secret is typed; a third is one too many."""
    first, second = _add(city, "lee.sample", "legal"), _add(city, "max.sample", "counsel")
    assert "different" in _refused(two, city, "--as", "lee.sample", "--as", "lee.sample")
    assert "different" in _refused(two, city, "--as", "lee.sample", typed="lee.sample\n")
    assert "no more" in _refused(two, city, *("--as", "lee.sample") * 3)
    typed = f"max.sample\n{first['password']}\n{_code(first)}\n{second['password']}\n{_code(second)}\n"
    result = _asked(two, city, "--as", "lee.sample", typed=typed)
    assert "proved lee.sample and max.sample\n" == result.stdout
    assert ["staff.signed_in"] * 2 == city.events()[-2:]
