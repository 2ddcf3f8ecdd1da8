"""``doctor`` names a cure for each failing part; ``serve`` does not start on what is unsafe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

import pytest

from gatekeeper.records.sample import build
from tests.cli.shell import City, typed

SAFE = {"GATEKEEPER_ENGINE": "embedded", "GATEKEEPER_BASE_URL": "https://alpr.example.gov"}


def doctor(city: City, monkeypatch: pytest.MonkeyPatch, **env: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit status, and each check's state and detail."""
    for name, value in (SAFE | env).items():
        monkeypatch.setenv(name, value)
    result = typed("doctor", "--json", "--data", str(city.data))
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    names = ["settings", "state and log", "keys", "policies", "engine", "plate reads", "erasure"]
    names += ["legal holds", "notices", "disk"]
    assert names == [r["check"] for r in rows]
    return result.exit_code, {row["check"]: (row["state"], row["detail"]) for row in rows}


def test_a_city_in_order_has_nothing_to_mend(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part answers for itself: exit status 0."""
    build(city.data / "reads.db", seed=1, reads=300, until=datetime.now(UTC))
    status, checks = doctor(city, monkeypatch)
    assert (0, {"ok"}) == (status, {state for state, _ in checks.values()}), checks


def test_an_agency_that_nobody_can_write_to_is_named_with_the_command(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing fails by it: it is reminded of nothing, and that is said."""
    agency = city.add_agency()
    _, checks = doctor(city, monkeypatch)
    state, detail = checks["notices"]
    assert ("ok", True) == (state, f"gatekeeper agency change {agency} --contact ADDRESS" in detail)
    city.run(
        "agency", "change", agency, "--contact", "chief@sample.example", "--reason", "Letter of the chief"
    )
    assert "without a contact" not in doctor(city, monkeypatch)[1]["notices"][1]


AILING: dict[str, tuple[dict[str, str], str, str]] = {
    "no engine chosen": ({"GATEKEEPER_ENGINE": ""}, "settings", "GATEKEEPER_ENGINE=embedded"),
    "plain http": ({"GATEKEEPER_BASE_URL": "http://alpr.example.gov"}, "settings", "use https"),
    "OPA that is gone": (
        {"GATEKEEPER_ENGINE": "opa", "GATEKEEPER_OPA_URL": "http://127.0.0.1:1"},
        "engine",
        "gatekeeper policy key opa",
    ),
    "no store of reads": ({}, "plate reads", "set GATEKEEPER_RECORDS_URL"),
    "a store of reads that is gone": (
        {"GATEKEEPER_RECORDS_URL": "sqlite:////nowhere/reads.db"},
        "plate reads",
        "check GATEKEEPER_RECORDS_URL",
    ),
    "a mail server that is gone": (
        {"GATEKEEPER_SMTP_URL": "smtp://127.0.0.1:1", "GATEKEEPER_MAIL_FROM": "alpr@city.example"},
        "notices",
        "check GATEKEEPER_SMTP_URL",
    ),
    "a mail server without a sender": (
        {"GATEKEEPER_SMTP_URL": "smtp://127.0.0.1:1"},
        "notices",
        "GATEKEEPER_MAIL_FROM",
    ),
    "networks that cannot be read": (
        {"GATEKEEPER_WEBHOOK_NETWORKS": "ten"},
        "notices",
        "GATEKEEPER_WEBHOOK_NETWORKS",
    ),
    "a mapping that is not there": (
        {"GATEKEEPER_RECORDS_MAPPING": "/nowhere/mapping.json"},
        "plate reads",
        "GATEKEEPER_RECORDS_MAPPING",
    ),
}


@pytest.mark.parametrize(("env", "check", "cure"), AILING.values(), ids=AILING.keys())
def test_each_failing_part_names_its_cure(
    city: City, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], check: str, cure: str
) -> None:
    """Exit status 1; the other parts are checked all the same."""
    status, checks = doctor(city, monkeypatch, **env)
    assert (1, "failed") == (status, checks[check][0])
    assert cure in checks[check][1]
    assert "ok" == checks["state and log"][0]


BROKEN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no token keys": (lambda keys: rmtree(keys / "tokens"), "keys", "check "),
    "no key that signs": (lambda keys: (keys / "tokens" / "active.pem").unlink(), "keys", "gatekeeper init"),
    "half a day key": (lambda keys: _of_today(keys).write_bytes(b"half"), "keys", "put back"),
    "a day key open to others": (lambda keys: _of_today(keys).chmod(0o644), "keys", "chmod go-rwx"),
    "a log without its name": (lambda keys: (keys / "log.origin").unlink(), "state and log", "put back"),
    "a directory for everybody": (lambda keys: keys.parent.chmod(0o755), "state and log", "chmod 700"),
}


@pytest.mark.parametrize(("breaks", "check", "cure"), BROKEN.values(), ids=BROKEN.keys())
def test_what_serve_would_refuse_is_not_called_well(
    city: City, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[Path], object], check: str, cure: str
) -> None:
    """Without any of these nothing is released: doctor and serve say so before the agencies do."""
    city.add_agency()  # which makes the key of today
    breaks(city.data / "keys")
    status, checks = doctor(city, monkeypatch)
    assert (1, "failed") == (status, checks[check][0])
    assert cure in checks[check][1]
    monkeypatch.setattr("gatekeeper.cli.serving.prepare", lambda: pytest.fail("it would have been served"))
    result = typed("serve", "--data", str(city.data))
    assert (1, "") == (result.exit_code, result.stdout)


def _of_today(keys: Path) -> Path:
    return next((keys / "days").glob("*.key"))


def test_an_address_of_opa_is_not_the_engine(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that decides is the one that was chosen, whatever else is set."""
    _, checks = doctor(city, monkeypatch, GATEKEEPER_OPA_URL="http://127.0.0.1:1")
    assert ("ok", "embedded") == checks["engine"]


def test_a_city_that_is_not_there_is_named_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking must not create what is looked for."""
    status, checks = doctor(City(tmp_path / "nowhere"), monkeypatch)
    assert 1 == status
    assert "gatekeeper init" in checks["state and log"][1]
    assert not (tmp_path / "nowhere").exists()


def test_policies_that_are_refused_are_a_finding(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not the end of the examination."""
    (tmp_path / "empty").mkdir()
    status, checks = doctor(city, monkeypatch, GATEKEEPER_POLICIES=str(tmp_path / "empty"))
    assert (1, "failed", "failed") == (status, checks["policies"][0], checks["engine"][0])


PROVIDER = {
    "GATEKEEPER_OIDC_ISSUER": "https://id.example.gov/realms/city",
    "GATEKEEPER_OIDC_CLIENT_ID": "console",
    "GATEKEEPER_OIDC_CLIENT_SECRET": "made-up",
}
UNSAFE: dict[str, tuple[dict[str, str], str]] = {
    "no engine chosen": ({"GATEKEEPER_ENGINE": ""}, "GATEKEEPER_ENGINE=opa"),
    "an engine that is none": ({"GATEKEEPER_ENGINE": "regorus"}, "GATEKEEPER_ENGINE=opa"),
    "OPA without its address": ({"GATEKEEPER_ENGINE": "opa"}, "GATEKEEPER_OPA_URL"),
    "plain http": ({"GATEKEEPER_BASE_URL": "http://alpr.example.gov"}, "use https"),
    "no address": ({"GATEKEEPER_BASE_URL": "alpr.example.gov"}, "GATEKEEPER_BASE_URL"),
    "an address with a path": (
        {"GATEKEEPER_BASE_URL": "https://alpr.example.gov/gate"},
        "GATEKEEPER_BASE_URL",
    ),
    "an address with a name in it": (
        {"GATEKEEPER_BASE_URL": "https://a@alpr.example.gov"},
        "GATEKEEPER_BASE_URL",
    ),
    "an address with no port": ({"GATEKEEPER_BASE_URL": "https://alpr.example.gov:x"}, "GATEKEEPER_BASE_URL"),
    "an address with a space": ({"GATEKEEPER_BASE_URL": "https://alpr .example.gov"}, "GATEKEEPER_BASE_URL"),
    "more proxies than there are": (
        {"GATEKEEPER_FORWARDED_HOPS": "11"},
        "GATEKEEPER_FORWARDED_HOPS must be 0 to 10",
    ),
    "failures below none": ({"GATEKEEPER_TOKEN_FAILURES": "-1"}, "GATEKEEPER_TOKEN_FAILURES 0 to"),
    "open to the network": ({"GATEKEEPER_BIND": "0.0.0.0"}, "set 127.0.0.1"),  # noqa: S104  refused
    "no port": ({"GATEKEEPER_PORT": "0"}, "GATEKEEPER_PORT"),
    "a port past the last": ({"GATEKEEPER_PORT": "65536"}, "GATEKEEPER_PORT"),
    "no threads": ({"GATEKEEPER_THREADS": "0"}, "GATEKEEPER_THREADS"),
    "patience without end": ({"GATEKEEPER_OPA_TIMEOUT": "999"}, "GATEKEEPER_OPA_TIMEOUT"),
    "a provider in the clear": (
        PROVIDER | {"GATEKEEPER_OIDC_ISSUER": "http://id.example.gov"},
        "GATEKEEPER_OIDC_ISSUER is plain http",
    ),
    "a provider that is none": (
        PROVIDER | {"GATEKEEPER_OIDC_ISSUER": "id.example.gov"},
        "GATEKEEPER_OIDC_ISSUER",
    ),
    "a provider with a question": (
        PROVIDER | {"GATEKEEPER_OIDC_ISSUER": "https://id.example.gov?x=1"},
        "GATEKEEPER_OIDC_ISSUER",
    ),
    "a provider without a port": (
        PROVIDER | {"GATEKEEPER_OIDC_ISSUER": "https://id.example.gov:x"},
        "GATEKEEPER_OIDC_ISSUER",
    ),
    "a provider without a secret": (
        PROVIDER | {"GATEKEEPER_OIDC_CLIENT_SECRET": ""},
        "_CLIENT_SECRET is missing",
    ),
    "a provider without a client": (PROVIDER | {"GATEKEEPER_OIDC_CLIENT_ID": ""}, "_CLIENT_ID is missing"),
    "a client of no provider": (
        PROVIDER | {"GATEKEEPER_OIDC_ISSUER": ""},
        "GATEKEEPER_OIDC_ISSUER is missing",
    ),
    "certificates that are not there": (PROVIDER | {"GATEKEEPER_OIDC_CA_FILE": "/nowhere"}, "_CA_FILE"),
    "an unknown setting": ({"GATEKEEPER_RATE_LIMT": "5"}, "GATEKEEPER_RATE_LIMT"),
    "policies that are not there": ({"GATEKEEPER_POLICIES": "/nowhere"}, "policies were refused"),
}


@pytest.mark.parametrize(("env", "said"), UNSAFE.values(), ids=UNSAFE.keys())
def test_serve_refuses_what_is_unsafe_and_says_which(
    city: City, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], said: str
) -> None:
    """Exit status 1 before anything listens."""
    for name, value in (SAFE | env).items():
        monkeypatch.setenv(name, value)
    result = typed("serve", "--data", str(city.data))
    assert (1, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


def test_serve_names_every_unsafe_setting_at_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator mends them in one go."""
    for name, value in {"BASE_URL": "http://alpr.example.gov", "BIND": "::", "ENGINE": ""}.items():
        monkeypatch.setenv(f"GATEKEEPER_{name}", value)
    result = typed("serve", "--data", str(city.data))
    assert 3 == len(result.stderr.splitlines())


def test_serve_without_a_city_names_init_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt directory must not be served as an empty city."""
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)
    assert "gatekeeper init" in City(tmp_path / "nowhere").refused("serve")
    assert not (tmp_path / "nowhere").exists()


def test_serve_refuses_keys_that_others_can_read(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the command that cures it."""
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)
    os.chmod(city.data / "keys" / "log.pem", 0o644)  # noqa: PTH101  what a careless copy does
    assert "chmod 600" in city.refused("serve")
