"""``gatekeeper staff``: accounts of the city's staff."""

from __future__ import annotations

import pytest

from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from tests.cli.shell import City

ADD = ("staff", "add", "pat.sample", "--name", "Pat Sample", "--role", "records")


def test_an_account_is_added_with_its_secrets_once(city: City) -> None:
    """What is printed is kept nowhere in the clear, and the log tells that somebody was added, not who."""
    (made,) = city.rows(*ADD)
    assert ("pat.sample", "records", "active") == (made["username"], made["role"], made["status"])
    assert made["authenticator"].startswith("otpauth://totp/")
    assert 10 == len(made["recovery_codes"])
    (listed,) = city.rows("staff", "list")
    assert {"username", "name", "role", "agency", "status", "signs_in"} == set(listed)
    kept = b"".join(file.read_bytes() for file in city.data.glob("state.db*"))
    for secret in (made["password"], made["totp_secret"], made["recovery_codes"][0]):
        assert secret.encode() not in kept
    assert "consistent" in city.run("ledger", "verify")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (ADD, "choose another"),
        (("staff", "add", "Pat Sample", "--name", "P", "--role", "records"), "user name"),
        (("staff", "add", "a", "--name", "P", "--role", "records"), "user name"),
        (("staff", "add", "other", "--name", " ", "--role", "records"), "by name"),
        (
            ("staff", "add", "other", "--name", "P", "--role", "legal", "--agency", "none"),
            "gatekeeper agency",
        ),
        (("staff", "reset", "nobody", "--reason", "lost"), "gatekeeper staff list"),
        (("staff", "remove", "pat.sample", "--reason", "."), "--reason"),
    ],
)
def test_a_mistake_is_said_with_its_cure(city: City, arguments: tuple[str, ...], said: str) -> None:
    """One sentence, and nothing is changed."""
    city.run(*ADD)
    assert said in city.refused(*arguments)
    assert ["active"] == [row["status"] for row in city.rows("staff", "list")]


def test_a_reset_gives_new_secrets_and_ends_sessions(city: City) -> None:
    """A lost telephone: the old code, password and browsers are worth nothing."""
    (made,) = city.rows(*ADD)
    state = open_state(Settings(data=city.data))
    account = state.staff.find("pat.sample")
    assert account is not None
    state.staff.begin_session("browser", account.id)
    (renewed,) = city.rows("staff", "reset", "pat.sample", "--reason", "lost the telephone")
    assert state.staff.session("browser") is None
    state.close()
    for secret in ("password", "totp_secret", "recovery_codes"):
        assert made[secret] != renewed[secret]


def test_a_role_is_changed_and_sessions_end(city: City) -> None:
    """The person comes back as what they are now; what is no change, or no role, is said."""
    city.run(*ADD)
    state = open_state(Settings(data=city.data))
    account = state.staff.find("pat.sample")
    assert account is not None
    state.staff.begin_session("browser", account.id)
    city.run("staff", "role", "pat.sample", "auditor", "--reason", "moved to the auditor's office")
    assert state.staff.session("browser") is None
    state.close()
    assert ["auditor"] == [row["role"] for row in city.rows("staff", "list")]
    again = ("staff", "role", "pat.sample", "auditor", "--reason", "moved to the auditor's office")
    assert "has that role" in city.refused(*again)
    assert "consistent" in city.run("ledger", "verify")


def test_who_signs_in_with_the_provider_has_no_secrets(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is printed, nothing can be reset, and one person there is one account here."""
    identity = (*ADD, "--identity", "sub-pat")
    assert "GATEKEEPER_OIDC_ISSUER" in city.refused(*identity)
    monkeypatch.setenv("GATEKEEPER_OIDC_ISSUER", "https://id.example.gov")
    (made,) = city.rows(*identity)
    assert ("provider", False) == (made["signs_in"], "password" in made)
    assert "identity provider" in city.refused("staff", "reset", "pat.sample", "--reason", "lost it all")
    other = ("staff", "add", "other.sample", "--name", "P", "--role", "admin", "--identity")
    assert "already" in city.refused(*other, "sub-pat")
    assert "subject" in city.refused(*other, "sub pat")
    assert "subject" in city.refused(*other, "")


def test_who_was_removed_is_kept_and_can_not_come_back(city: City) -> None:
    """The log speaks of them; their name is given to nobody else."""
    city.run(*ADD)
    city.run("staff", "remove", "pat.sample", "--reason", "left the city")
    assert ["removed"] == [row["status"] for row in city.rows("staff", "list")]
    assert "was removed" in city.refused("staff", "reset", "pat.sample", "--reason", "back again")
    assert "choose another" in city.refused(*ADD)
