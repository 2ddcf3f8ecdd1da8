"""policies/README.md to the letter: someone new begins a provision, and ends with an approved revision."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from click.testing import Result

from gatekeeper.cli.opened import city as opened
from gatekeeper.policy import load, shipped_policies
from tests.cli.shell import City, typed
from tests.cli.test_policy_readme import PAGE, follow_the_three_steps
from tests.lawful import put_in_force

CONSOLE = Path(__file__).parents[2] / "gatekeeper/web/console/templates"


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def _commands(section: str) -> Iterator[str]:
    """Yield every command as it is written."""
    for block in re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()


class Reader:
    """Someone who types what the page says, with the passwords and codes that they were given."""

    def __init__(self, city: City, moment: str) -> None:
        self.city = city
        self.given = {"TIME": moment}
        self.secrets: dict[str, tuple[str, str]] = {}

    def type(self, command: str) -> Result:
        """Type a command; answer what it asks."""
        for name, value in self.given.items():
            command = re.sub(rf"\b{name}\b", value, command)
        words = shlex.split(command)[1:]
        answers = ("y\n" if "approve" in words else "") + self._proof(words)
        result = typed(*words, text=answers)
        assert 0 == result.exit_code, f"{command}\n{result.output}"
        if words[:2] == ["staff", "add"]:
            told = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if " " in line)
            self.secrets[words[2]] = told["password"].strip(), told["totp_secret"].strip()
        if words[:2] == ["policy", "propose"]:
            (self.given["REV"],) = re.findall(r"^id +(rev_[0-9a-f]{16})$", result.stdout, re.MULTILINE)
        return result

    def _proof(self, words: list[str]) -> str:
        if "--as" not in words:
            return ""
        password, secret = self.secrets[words[words.index("--as") + 1]]
        return f"{password}\n{pyotp.TOTP(secret).at(datetime.now(UTC))}\n"


def test_a_reader_ends_with_an_approved_and_scheduled_revision(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three people, every command as it is written; the city's law is then due to change at the moment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEKEEPER_DATA", str(city.data))
    monkeypatch.setenv("GATEKEEPER_TIME_ZONE", "America/Chicago")
    with opened(city.data) as state:
        put_in_force(state, load(shipped_policies()))
    # The way to a text of one's own is the page's: a copy of the law in force, and the three steps.
    three_steps = _section("Adding a provision in three steps")
    (copied,) = re.findall(r"`(gatekeeper policy export --tree policies)`", three_steps)
    moment = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT06:00")
    reader = Reader(city, moment)
    reader.type(copied)
    follow_the_three_steps(tmp_path / "policies")
    said = {
        command: reader.type(command).output for command in _commands(_section("From the text to the law"))
    }
    (diff,) = [text for command, text in said.items() if command.startswith("gatekeeper policy diff")]
    assert "statute_of_a_state" in diff
    (checked,) = [text for command, text in said.items() if "check-revision" in command]
    assert "NOT passed" not in checked
    first, second = (text for command, text in said.items() if "policy approve" in command)
    assert "1 of 2" in first
    assert f"decides from {moment[:10]}" in second
    with opened(city.data) as state:
        revision = state.lifecycle().store.get(reader.given["REV"])
        assert revision is not None
        assert "scheduled" == revision.state
        assert revision.signature is not None
        assert 2 == len(state.lifecycle().approvers(revision))
        bundle = state.lifecycle().bundle(revision)
        assert "statute_of_a_state" in bundle.catalogue
    listed = city.rows("policy", "list")
    assert ["scheduled", "active"] == [row["state"] for row in listed]
    events = [event for event in city.events() if event.startswith("policy.")]
    lived = [
        "policy.proposed",
        "policy.checked",
        "policy.replayed",
        *["policy.approved"] * 2,
        "policy.scheduled",
    ]
    assert lived == events[-6:]
    assert json.dumps(listed)


def test_the_words_of_the_console_are_the_consoles() -> None:
    """Each button and page that the README names is there under that name."""
    told = re.search(r"^### In the console\n(.*?)^### ", PAGE, re.MULTILINE | re.DOTALL)
    assert told
    pages = "\n".join(file.read_text("utf-8") for file in sorted(CONSOLE.glob("*.html")))
    named = re.findall(r"\*\*?([^*]+)\*\*?", told[1].replace("\n", " "))
    assert len(named) >= 6
    for words in named:
        assert f'_("{words}")' in pages, words


def test_the_other_commands_of_the_page_are_there() -> None:
    """Those that it only mentions, and those for a repository: each knows the options that are named."""
    told = _section("From the text to the law")
    found = re.findall(r"gatekeeper ((?:policy|staff) [a-z-]+)((?:[^`\n]*))", told)
    assert {"policy reject", "policy rollback", "policy export"} <= {name for name, _ in found}
    for name, rest in found:
        usage = typed(*name.split(), "--help").output
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in usage, (name, option)
