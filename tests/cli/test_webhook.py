"""``gatekeeper agency webhook``: added with a secret that is said once, rotated, disabled, tried."""

from __future__ import annotations

import json

import pytest

from tests.cli.shell import City, typed
from tests.notices.conftest import Receiver, free_port, receiver, respond

__all__ = ["receiver"]

AGENCY = "sample-city-pd"
HOOK = ("agency", "webhook")


@pytest.fixture
def registered(city: City) -> City:
    """A city with an agency."""
    city.run("agency", "add", AGENCY, "--name", "Sample City Police", "--kind", "local", "--state", "IL")
    return city


def test_a_secret_is_printed_once_and_kept_nowhere(registered: City, receiver: Receiver) -> None:
    """Not in a list, not in the database, not in the log; a rotation prints another."""
    (made,) = registered.rows(*HOOK, "add", AGENCY, receiver.url)
    assert {"webhook", "agency", "secret"} == made.keys()
    (listed,) = registered.rows(*HOOK, "list", "--agency", AGENCY)
    assert {"webhook", "agency", "host", "status", "last", "at"} == listed.keys()
    assert ("127.0.0.1", "active", None) == (listed["host"], listed["status"], listed["last"])
    (again,) = registered.rows(*HOOK, "rotate", made["webhook"])
    assert again["secret"].startswith("whsec_")
    assert made["secret"] != again["secret"]
    kept = b"".join(file.read_bytes() for file in registered.data.glob("state.db*"))
    for secret in (made["secret"], again["secret"], "hooks/gatekeeper"):
        assert secret.removeprefix("whsec_").encode() not in kept
        assert secret not in json.dumps(listed)
    registered.run(*HOOK, "disable", made["webhook"], "--reason", "The agency has moved")
    assert "disabled" == registered.rows(*HOOK, "list")[0]["status"]
    assert "consistent" in registered.run("ledger", "verify")


def test_a_test_says_whether_it_arrived(registered: City, receiver: Receiver) -> None:
    """With the exit status too, for a script."""
    (made,) = registered.rows(*HOOK, "add", AGENCY, receiver.url)
    (went,) = registered.rows(*HOOK, "test", made["webhook"])
    assert ("delivered", "delivered") == (went["outcome"], went["code"])
    assert "webhook.test" == json.loads(receiver.got[0].body)["type"]
    receiver.answer = lambda handler: respond(handler, 500)
    failed = typed(*HOOK, "test", made["webhook"], "--data", str(registered.data))
    assert 1 == failed.exit_code
    assert "status_500" in failed.stdout
    assert made["secret"] not in failed.stdout


def test_a_mistake_is_said_with_its_cure(registered: City) -> None:
    """And nothing is registered."""
    local = f"http://127.0.0.1:{free_port()}/"
    for arguments, said in (
        (("add", "nobody-there", local), "gatekeeper agency list"),
        (("add", AGENCY, "http://hooks.example.gov/"), "https"),
        (("add", AGENCY, "https://user@hooks.example.gov/"), "signature"),
        (("add", AGENCY, "https://10.0.0.1/"), "GATEKEEPER_WEBHOOK_NETWORKS"),
        (("add", AGENCY, "https://169.254.169.254/latest"), "GATEKEEPER_WEBHOOK_NETWORKS"),
        (("rotate", "hook_unknown"), "webhook list"),
        (("test", "hook_unknown"), "webhook list"),
        (("disable", "hook_unknown", "--reason", "."), "--reason"),
    ):
        assert said in registered.refused(*HOOK, *arguments)
    assert [] == registered.rows(*HOOK, "list")
    registered.run("agency", "close", AGENCY, "--reason", "Letter of the chief")
    assert "closed" in registered.refused(*HOOK, "add", AGENCY, local)
