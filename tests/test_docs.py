"""README, CHANGELOG and links say what is there, and the README's commands run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatekeeper import settings
from gatekeeper.cli import main
from gatekeeper.ledger import EVENTS, event_table
from gatekeeper.records.sample import build
from tests.benchmarks import __main__ as benchmarks
from tests.servers.gate import environment, running_gate, small_city
from tests.servers.opa import free_port

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "deploy" / "README.md",
    ROOT / "policies" / "README.md",
]


def section(title: str) -> str:
    """Return the text of a section of the README."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table in a text, without heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, row in enumerate(cells) if set("".join(row)) == {"-"}]
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def blocks(text: str) -> list[str]:
    """Return what stands between fences."""
    return re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    """Return a block's commands as words, comments and continued lines resolved."""
    lines = block.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_the_settings_table_is_the_settings() -> None:
    """A limit that is described otherwise than it works is worse than none."""
    none = chr(0x2013)

    def shown(default: str) -> str:
        return f"`{default}`" if default else none

    expected = [[f"`{name}`", shown(default), meaning] for name, default, meaning in settings.table()]
    assert expected == rows(section("Settings"))


def subsection(title: str) -> str:
    """Return the text of a part of a section of the README."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def test_the_event_table_is_the_schemas() -> None:
    """Whoever reads the log looks its events up here: what each says in clear, and what it commits to."""
    assert [list(row) for row in event_table.table()] == rows(subsection("Every event"))
    assert event_table.markdown() in subsection("Every event"), event_table.markdown()
    assert len(EVENTS) == len(event_table.table())


def test_what_every_clear_field_of_a_query_tells_is_said() -> None:
    """An honest table names each field that anybody can read of a query or its review, and no other."""
    told = rows(subsection("What anybody learns from it"))
    named = [name for row in told for name in re.findall(r"`([a-z_]+)`", row[0])]
    events = [event for event in EVENTS if event.startswith(("query.", "review."))]
    clear = {field for event in events for field in event_table.clear_fields(event)}
    assert sorted({"ref", "hour"} | clear) == sorted(named)


def test_what_is_told_of_receipts_can_be_typed() -> None:
    """Every command and option that the README names there is one of ``gatekeeper ledger``."""
    group = main.get_command(click.Context(main), "ledger")
    assert isinstance(group, click.Group)
    text = section("What the log says")
    named = set(re.findall(r"gatekeeper ledger ([a-z-]+)", text))
    assert {"show", "check", "prove"} <= named <= set(group.commands)
    options = {option for name in named for given in group.commands[name].params for option in given.opts}
    assert set(re.findall(r"--[a-z-]+", re.sub(r"\|[-|]+\|", "", text))) <= options


def test_the_command_table_names_every_command_and_its_own() -> None:
    """What is missing here is not found; what is too much does not run."""
    context = click.Context(main)
    table = rows(section("Commands"))
    named = [name for row in table for name in re.findall(r"`gatekeeper ([a-z-]+)`", row[0])]
    assert main.list_commands(context) == sorted(named)
    for row in table:
        found = [main.get_command(context, name) for name in re.findall(r"`gatekeeper ([a-z-]+)`", row[0])]
        own = [name for command in found if isinstance(command, click.Group) for name in command.commands]
        assert sorted(own) == sorted(re.findall(r"`([a-z][a-z-]*)`", row[1])), row
        options = {
            option for command in found if command for given in command.params for option in given.opts
        }
        assert set(re.findall(r"`(--[a-z-]+)", row[1])) <= options, row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    """Also those to a heading of the same page."""
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif not re.match(r"https?://|mailto:", target):
            assert (page.parent / target.split("#")[0]).exists(), target


def test_every_path_that_the_readme_names_is_there() -> None:
    """Modules are named from the package's or the project's directory."""
    named = set(re.findall(r"`((?:[\w.-]+/)+(?:[\w.-]+)?|[\w-]+\.(?:py|md|yaml|json))`", README))
    made_when_it_runs = {
        "keys/log.pem",
        "keys/tokens/",
        "keys/days/",
        "keys/staff.key",
        "keys/policy.pem",
        "keys/bundle.token",
        "keys/notices.key",
        "keys/officers.key",
        "gatekeeper-data/credentials.json",
    }
    missing = {
        path
        for path in named - made_when_it_runs
        if not any((top / path).exists() for top in (ROOT, ROOT / "gatekeeper"))
    }
    assert set() == missing
    assert len(named) > 10


def test_the_changelog_has_the_version_of_the_package() -> None:
    """The newest heading is the version that would be released."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert found
    assert version == found[1]


def test_every_make_target_that_is_named_is_there() -> None:
    """In the README, CONTRIBUTING and the CI's own script."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = README + (ROOT / "CONTRIBUTING.md").read_text() + (ROOT / ".ci" / "run").read_text()
    named = set(re.findall(r"(?:`|^|' ?)make ([a-z-]+)", texts, re.MULTILINE))
    assert {"demo", "test", "test-all"} <= named <= targets


@pytest.mark.parametrize("page", ["README.md", "deploy/README.md", "policies/README.md", "CONTRIBUTING.md"])
def test_every_benchmark_that_is_named_is_there(page: str) -> None:
    """Figures that nobody can measure again are worth little."""
    named = re.findall(r"python -m tests\.benchmarks (\w+)", (ROOT / page).read_text(encoding="utf-8"))
    assert set(named) <= benchmarks.MEASURES.keys()


@pytest.mark.servers
def test_the_commands_of_the_first_screen_run(tmp_path: Path) -> None:
    """Beside a running demo: records, a denial with its cure, nothing in other words, a stop, a whole log."""
    first = README.split("\n## ")[0]
    typed = [words for block in blocks(first) for words in commands(block) if "gatekeeper" in words[0]]
    assert ["query", "query", "query", "stop", "ledger"] == [words[1] for words in typed]
    with running_gate(tmp_path / "gatekeeper-data", reads=small_city(tmp_path)):
        said = []
        for words in typed:
            assert ".venv/bin/gatekeeper" == words[0]
            done = run([sys.executable, "-m", "gatekeeper", *words[1:]], tmp_path)
            said.append((done.returncode, done.stdout + done.stderr))
    assert [0, 3, 3, 0, 0] == [status for status, _ in said], said
    assert "permitted by" in said[0][1]
    assert "625 ILCS 5/2-130" in said[1][1]
    assert "other words" in said[2][1]
    assert said[4][1].startswith("consistent: ")


@pytest.mark.servers
def test_the_commands_of_a_city_for_real_run(tmp_path: Path) -> None:
    """As printed but for paths, port and the engine: the embedded one stands in for OPA."""
    (block,) = [block for block in blocks(section("Commands")) if "gatekeeper init" in block]
    key = generate_private_key(SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "their-public-key.pem").write_bytes(pem)
    build(tmp_path / "reads.db", seed=1, reads=300, until=datetime.now(UTC))
    env: dict[str, str] = {}
    for words in commands(block):
        while "=" in words[0] or words[0] == "export":
            if words[0] != "export":
                name, _, value = words[0].partition("=")
                env[name] = value
            words.pop(0)
            if not words:
                break
        if not words:
            continue
        assert "gatekeeper" == words[0]
        changed = [word.replace("/var/lib/gatekeeper", str(tmp_path / "city")) for word in words[1:]]
        if words[1] != "serve":
            done = run([sys.executable, "-m", "gatekeeper", *changed], tmp_path, **env)
            assert (0, "") == (done.returncode, done.stderr), (words, done.stderr)
    assert "opa" == env["GATEKEEPER_ENGINE"]
    assert env.pop("GATEKEEPER_OPA_URL")
    assert env["GATEKEEPER_RECORDS_URL"].startswith("postgresql://")
    env |= {"GATEKEEPER_ENGINE": "embedded", "GATEKEEPER_RECORDS_URL": f"sqlite:///{tmp_path / 'reads.db'}"}
    served(changed, tmp_path, env)


def run(command: list[str], directory: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command from a fresh shell."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=directory,
        env=environment(**env),
        check=False,
    )


def served(arguments: list[str], directory: Path, env: dict[str, str]) -> None:
    """Start ``gatekeeper serve`` and see it answer as the city it was made for."""
    port = free_port()
    command = [sys.executable, "-m", "gatekeeper", *arguments, "--port", str(port)]
    with (directory / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory, env=environment(**env))
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            assert process.poll() is None, (directory / "serve.log").read_text()
            try:
                if requests.get(f"{address}/readyz", timeout=30).status_code == 200:
                    break
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        answer = requests.get(f"{address}/readyz", timeout=30)
        assert 200 == answer.status_code, (answer.text, (directory / "serve.log").read_text())
        metadata = requests.get(f"{address}/.well-known/oauth-authorization-server", timeout=30)
        assert env["GATEKEEPER_BASE_URL"] == json.loads(metadata.text)["issuer"]
    finally:
        process.terminate()
        process.wait(30)
