"""The files of deploy/ parse, and hold what the README of deploy/ promises of them."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from gatekeeper.cli import main
from gatekeeper.policy.opa_configuration import LONGEST_WAIT_S
from gatekeeper.policy.signing import SCOPE
from gatekeeper.settings import Settings
from gatekeeper.state import lay_out
from gatekeeper.web.proxy import CERTIFICATE, VERIFIED

HERE = Path(__file__).parent.parent
DEPLOY = HERE / "deploy"
LOCKS = DEPLOY / "locks"


def compose() -> dict[str, Any]:
    """Read compose.yaml."""
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return loaded


def test_every_container_is_closed() -> None:
    """One service with a writable root or a capability left would be the way in."""
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("user", "") != "root", name
        assert not service.get("privileged"), name


def test_only_the_proxy_port_is_published_and_opa_listens_on_none() -> None:
    """A database or an engine that listens to the city's network can be asked around the gate."""
    services = compose()["services"]
    assert {name: s["ports"] for name, s in services.items() if "ports" in s} == {"gatekeeper": ["443:8443"]}
    assert services["opa"]["network_mode"] == "service:gatekeeper"  # it fetches the law there
    addresses = [word for word in services["opa"]["command"] if word.startswith("--addr")]
    assert addresses == ["--addr=unix:///run/opa/opa.sock"]
    assert "--unix-socket-perm=600" in services["opa"]["command"]
    assert services["nginx"]["network_mode"] == "service:gatekeeper"
    assert compose()["networks"]["state"]["internal"] is True


def test_what_lays_a_city_out_and_what_serves_it_have_one_address() -> None:
    """The log takes its name from the address when it is laid out: a loopback name would be for ever."""
    services = compose()["services"]
    addresses = {services[name]["environment"]["GATEKEEPER_BASE_URL"] for name in ("init", "gatekeeper")}
    assert 1 == len(addresses)
    assert addresses.pop().startswith("${GATEKEEPER_BASE_URL:?")


def test_who_writes_a_volume_owns_it() -> None:
    """A new volume takes its owner from the image of the container that mounts it first, or from root."""
    services = compose()["services"]
    made = re.search(r"install -d -o 10001 .* -m 0700 (.*)", (DEPLOY / "Containerfile").read_text("utf-8"))
    assert made is not None
    for name in ("data", "configuration", "opa"):
        mounts = [m for s in services.values() for m in s.get("volumes", ()) if m.startswith(f"{name}:")]
        assert {mount.split(":")[1] for mount in mounts} <= set(made[1].split()), name
    # The gate waits for it, and OPA for the gate; so this one is the first, and its image is ours.
    first = services["opa-configuration"]
    assert {"data:/data:ro", "configuration:/configuration", "opa:/run/opa"} == set(first["volumes"])
    assert "opa-configuration" in services["gatekeeper"]["depends_on"]
    assert "gatekeeper" in services["opa"]["depends_on"]
    assert "gatekeeper" == first["image"]


@pytest.mark.parametrize(
    "path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/policy/bundle.tar.gz"]
)
def test_the_brake_on_guessing_is_wherever_a_secret_is_asked_for(path: str) -> None:
    """A secret that may be guessed at one of them is guessed."""
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    braked = re.search(r"location ~ (\S+) \{\s+limit_req zone=token", text)
    assert braked is not None
    assert re.match(braked[1], path)


def test_secrets_are_files() -> None:
    """What is in the environment is in every crash report."""
    services = compose()["services"]
    named = {secret for service in services.values() for secret in service.get("secrets", ())}
    assert named == set(compose()["secrets"])
    for service in services.values():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith(("_URL_FILE", "PASSWORD_FILE", "TOKEN_FILE")):
                assert str(value).startswith("/run/secrets/")


def test_opa_keeps_no_log_of_questions() -> None:
    """Its decision and request logs would hold plates."""
    command = compose()["services"]["opa"]["command"]
    assert "--log-level=error" in command
    assert not [word for word in command if "decision_logs" in word]


def test_opa_takes_only_what_is_signed(tmp_path: Path) -> None:
    """What compose runs writes the configuration that OPA is started with, and it can be read."""
    services = compose()["services"]
    written = services["opa-configuration"]["command"]
    assert f"--config-file={written[-1]}" in services["opa"]["command"]
    settings = Settings(data=tmp_path / "city")
    lay_out(settings)
    arguments = [*written[:-1], str(tmp_path / "opa.json"), "--data", str(settings.data)]
    assert 0 == CliRunner().invoke(main, arguments).exit_code
    said = json.loads((tmp_path / "opa.json").read_text())
    assert {"scope": SCOPE} == said["bundles"]["law"]["signing"]
    assert said["services"]["gatekeeper"]["url"] == "http://127.0.0.1:8080"
    token = said["services"]["gatekeeper"]["credentials"]["bearer"]["token_path"]
    assert token == services["gatekeeper"]["environment"]["GATEKEEPER_BUNDLE_TOKEN_FILE"]


def test_the_proxy_overwrites_what_a_caller_says_of_its_certificate() -> None:
    """The gate believes those headers of the proxy."""
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert f"proxy_set_header {VERIFIED} $ssl_client_verify;" in text
    assert f"proxy_set_header {CERTIFICATE} $ssl_client_escaped_cert;" in text


def test_who_waits_is_not_broken_off_by_the_proxy() -> None:
    """OPA would take that for a failure, and forget what it has."""
    patience = re.search(r"proxy_read_timeout (\d+)s;", (DEPLOY / "nginx.conf").read_text("utf-8"))
    assert patience is not None
    assert int(patience[1]) > LONGEST_WAIT_S + 5


def test_versions_of_opa_agree() -> None:
    """The engine that a city runs is the one that the tests ran."""
    image = compose()["services"]["opa"]["image"]
    built = re.search(
        r"^OPA_VERSION=v(.+)$", (DEPLOY / "install-test-parts").read_text("utf-8"), re.MULTILINE
    )
    assert built is not None
    assert image.endswith(f":{built[1]}-static")


@pytest.mark.parametrize("name", ["gatekeeper.service", "opa.service"])
def test_systemd_unit_is_hardened(name: str) -> None:
    """A unit that systemd cannot read fully is run without what it could not read."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    unit.read(DEPLOY / name)
    service = unit["Service"]
    assert service["User"] == "gatekeeper"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["UMask"] == "0077"
    assert service["LimitCORE"] == "0"


def test_image_runs_as_nobody_from_hashed_locks() -> None:
    """An unhashed package in the image would be trusted with every plate."""
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    installs = re.findall(r"pip install (.*)", text)
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert all(":latest" not in line for line in text.splitlines() if line.startswith("FROM"))


@pytest.mark.parametrize("name", ["runtime", "build", "test"])
def test_locks_are_hashed(name: str) -> None:
    """A line without a hash is whatever the index serves that day."""
    text = (LOCKS / f"{name}.txt").read_text("utf-8")
    pins = re.findall(
        r"^([a-z0-9._-]+)==([^ \\]+)[^\n]*\\\n((?:    --hash=sha256:[0-9a-f]{64}[^\n]*\n)+)",
        text,
        re.MULTILINE,
    )
    names = re.findall(r"^[a-zA-Z0-9]", text, re.MULTILINE)
    assert len(pins) == len(names)


def test_locks_agree() -> None:
    """What is tested is what is run."""

    def pins(name: str) -> dict[str, str]:
        return dict(
            re.findall(
                r"^([a-z0-9._-]+)==([^ \\]+)", (LOCKS / f"{name}.txt").read_text("utf-8"), re.MULTILINE
            )
        )

    runtime, tested = pins("runtime"), pins("test")
    assert set(runtime) <= set(tested)
    for name, version in (*runtime.items(), *pins("build").items()):
        assert tested.get(name, version) == version, name


def test_locks_hold_what_the_project_asks_for() -> None:
    """A dependency that was added without `make lock` is missing from a fresh machine."""
    import tomllib  # noqa: PLC0415

    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))
    for name, wanted in (
        ("runtime", project["project"]["dependencies"]),
        ("test", project["dependency-groups"]["test"]),
    ):
        locked = set(
            re.findall(r"^([a-z0-9._-]+)==", (LOCKS / f"{name}.txt").read_text("utf-8"), re.MULTILINE)
        )
        asked = {re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0].lower().replace("_", "-") for line in wanted}
        assert not asked - locked, f"{name}: run `make lock`"


def test_scripts_parse() -> None:
    """A shell script with a slip ends in the middle of its work."""
    for script in ("deploy/venv", "deploy/locks/make", "deploy/install-test-parts", ".ci/run"):
        path = HERE / script
        assert os.access(path, os.X_OK), script
        subprocess.run(["bash", "-n", path], check=True)


def test_gunicorn_takes_its_configuration(tmp_path: Path) -> None:
    """The file that a supervisor names is read by gunicorn itself, with the values of `gatekeeper serve`."""
    found = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config", "--print-config",
         "-c", DEPLOY / "gunicorn.conf.py", "gatekeeper.cli.serving:Server"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"GATEKEEPER_ENGINE": "embedded", "PYTHONPATH": str(HERE)},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert re.search(r"^control_socket_disable += True$", found.stdout, re.MULTILINE)
    assert re.search(r"^preload_app += False$", found.stdout, re.MULTILINE)


def test_the_proxy_keeps_no_query_and_no_large_body() -> None:
    """One that logs queries is a leak."""
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert "access_log off;" in text
    assert "client_max_body_size 256k;" in text


@pytest.mark.needs("nginx")
def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    """A proxy that does not start is an outage."""
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "1", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    text = re.sub(r" /tmp/(\w+)", rf" {tmp_path}/\1", text)
    for path, real in (("tls_certificate", certificate), ("tls_key", key)):
        text = text.replace(f"/run/secrets/{path};", f"{real};")
    (tmp_path / "nginx.conf").write_text(text, "utf-8")
    checked = subprocess.run(
        ["nginx", "-t", "-q", "-c", tmp_path / "nginx.conf"],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
