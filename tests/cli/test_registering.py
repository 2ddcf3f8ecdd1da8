"""``init``, ``agency`` and ``affirmation``: what is refused changes nothing and says what to type."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gatekeeper import settings
from gatekeeper.cli.opened import operator
from gatekeeper.errors import Superseded
from gatekeeper.ledger import Ledger
from gatekeeper.policy import load, shipped_policies
from gatekeeper.state import open_state
from tests.cli.shell import City, spawned, typed
from tests.lawful import put_in_force

WHY = ("--reason", "Letter of the chief")
TODAY = datetime.now(UTC).date()


def test_a_second_init_leaves_everything_alone(tmp_path: Path) -> None:
    """Keys that were overwritten would orphan the log and every client."""
    city = City(tmp_path / "city")
    assert "a city is laid out in" in city.run("init")
    keys = {file: file.read_bytes() for file in (city.data / "keys").rglob("*") if file.is_file()}
    city.add_agency()
    city.run("init")
    assert keys.items() <= {f: f.read_bytes() for f in (city.data / "keys").rglob("*") if f.is_file()}.items()
    assert ["agency.added"] == city.events()


def test_keys_are_readable_by_their_owner_alone(city: City) -> None:
    """Another user of the machine could otherwise sign tokens and checkpoints."""
    for file in (city.data / "keys").rglob("*"):
        if file.name != "log.origin":
            assert 0 == stat.S_IMODE(file.stat().st_mode) & 0o077, file
    assert 0o700 == stat.S_IMODE(city.data.stat().st_mode)


def test_init_says_the_name_that_the_log_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log named after this machine's own address would be so named for ever; the operator is told."""
    here = typed("init", "--data", str(tmp_path / "here"))
    assert "127.0.0.1:8080/ledger" in here.stdout
    assert "GATEKEEPER_BASE_URL" in here.stderr
    monkeypatch.setenv("GATEKEEPER_BASE_URL", "https://alpr.example.gov")
    there = typed("init", "--data", str(tmp_path / "there"))
    assert "alpr.example.gov/ledger" in there.stdout
    assert "" == there.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["agency", "list"],
        ["affirmation", "list"],
        ["client", "list"],
        ["stop", "--list"],
        ["ledger", "key"],
    ],
    ids=" ".join,
)
def test_without_a_city_each_command_names_init_and_makes_nothing(tmp_path: Path, command: list[str]) -> None:
    """A misspelt --data must not become an empty city that is then believed."""
    nowhere = City(tmp_path / "nowhere")
    assert "run `gatekeeper init` first" in nowhere.refused(*command)
    assert not nowhere.data.exists()


def test_without_a_city_nothing_is_verified(tmp_path: Path) -> None:
    """Exit status 2: that there is no log is not that it is inconsistent."""
    nowhere = tmp_path / "nowhere"
    result = typed("ledger", "verify", "--data", str(nowhere))
    assert (2, "") == (result.exit_code, result.stdout)
    assert "run `gatekeeper init` first" in result.stderr
    assert not nowhere.exists()


def test_an_agency_is_registered_listed_and_shown(city: City) -> None:
    """What was typed is what the registry holds; the log tells of it."""
    city.add_agency("maple-grove-pd", "--ori", "il0160000", "--contact", "records@maple.example", "--no-287g")
    expected = {
        "id": "maple-grove-pd",
        "name": "Maple Grove Police",
        "kind": "local",
        "state": "IL",
        "status": "active",
        "ori": "IL0160000",
        "287g": False,
    }
    assert [expected] == city.rows("agency", "list")
    (shown,) = city.rows("agency", "show", "IL0160000")
    flag = {"287g_source": None, "287g_looked_up": None}
    assert {
        **expected,
        **flag,
        "contacts": ["records@maple.example"],
        "affirmations": [],
        "clients": [],
    } == shown
    assert "Maple Grove Police" in city.run("agency", "show", "maple-grove-pd")
    assert ["agency.added"] == city.events()


MISFITS = {
    "id too short": (["short"], "10 to 64"),
    "id with a space": (["maple grove pd"], "10 to 64"),
    "id too long": (["a" * 65], "10 to 64"),
    "id taken": (["maple-grove-pd"], "gatekeeper agency show maple-grove-pd"),
    "ORI taken": (["other-grove-pd", "--ori", "IL0160000"], "gatekeeper agency show maple-grove-pd"),
    "ORI taken in small letters": (["other-grove-pd", "--ori", "il0160000"], "show maple-grove-pd"),
    "ORI malformed": (["other-grove-pd", "--ori", "IL 16"], "7 to 9 letters"),
    "state spelt out": (["other-grove-pd", "--state", "Illinois"], "--state IL"),
    "state that is none": (["other-grove-pd", "--state", "ZZ"], "--state IL"),
    "no name": (["other-grove-pd", "--name", "  "], "--name"),
    "contact with escapes": (["other-grove-pd", "--contact", "a\x1b[2J@b.example"], "--contact"),
    "contact that ends a line": (["other-grove-pd", "--contact", "a@b.example\nBcc:"], "--contact"),
    "two contacts in one": (["other-grove-pd", "--contact", "a@b.example,c@d.example"], "--contact"),
    "federal with a state": (["other-grove-pd", "--kind", "federal"], "leave out --state"),
}


@pytest.mark.parametrize(("arguments", "cure"), MISFITS.values(), ids=MISFITS.keys())
def test_what_is_no_agency_is_refused_with_its_cure(city: City, arguments: list[str], cure: str) -> None:
    """Exit status 1, one line, nothing in the log."""
    city.add_agency("maple-grove-pd", "--ori", "IL0160000")
    flawless = ["--name", "Other Grove Police", "--kind", "local", "--state", "IL"]
    assert cure in city.refused("agency", "add", arguments[0], *flawless, *arguments[1:])
    assert ["agency.added"] == city.events()


def test_a_local_agency_without_a_state_is_refused(city: City) -> None:
    """Without its state no declaration could be asked of it."""
    said = city.refused("agency", "add", "other-grove-pd", "--name", "Other", "--kind", "local")
    assert "--state IL" in said


def test_an_unknown_kind_is_refused_with_the_kinds(city: City) -> None:
    """Click's own usage error: exit status 2 and the choices."""
    result = typed(
        "agency", "add", "other-grove-pd", "--name", "X", "--kind", "martian", "--data", str(city.data)
    )
    assert 2 == result.exit_code
    assert "fusion_center" in result.stderr
    assert [] == city.events()


def test_a_name_with_brackets_is_printed_as_it_is(city: City) -> None:
    """Names are text: read as markup, one of them could hide a row or end the command."""
    city.run(
        "agency", "add", "bracket-city", "--name", "[red]City[/] [/]", "--kind", "state", "--state", "WI"
    )
    assert "[red]City[/] [/]" in city.run("agency", "list")


def test_a_long_table_is_not_cut_when_it_is_piped(city: City) -> None:
    """`gatekeeper agency list | grep` sees one line an agency, whole."""
    name = "Police Department of a Village with a very long Name, Division of Records and Auto Theft"
    city.run("agency", "add", "long-name-village", "--name", name, "--kind", "local", "--state", "IL")
    (line,) = [line for line in city.run("agency", "list").splitlines() if "long-name-village" in line]
    assert name in line


def test_an_agency_is_suspended_and_closed_for_good(city: City) -> None:
    """Each change is an entry; a closed agency does not come back (test_agency_standing has the way back)."""
    agency = city.add_agency()
    for command, status in (("suspend", "suspended"), ("close", "closed")):
        assert f"is {status} from its next request on" in city.run("agency", command, agency, *WHY)
        assert status == city.rows("agency", "show", agency)[0]["status"]
    assert "nothing was changed" in city.refused("agency", "reinstate", agency, *WHY)
    assert "the agency is closed" in city.refused("client", "add", agency, "--profile", "basic")
    assert ["agency.added", "agency.suspended", "agency.closed"] == city.events()


def test_what_another_changed_at_the_same_moment_says_to_type_it_again(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To suspend must work: whoever was a moment too late is told that it did not, and what to do."""
    agency = city.add_agency()

    def overtaken(*_: object) -> None:
        raise Superseded

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", overtaken)
        assert "type the command again" in city.refused("agency", "suspend", agency, *WHY)
    city.run("agency", "suspend", agency, *WHY)


def test_a_second_suspension_and_an_empty_reason_change_nothing(city: City) -> None:
    """The log keeps why: a reason without words is none."""
    agency = city.add_agency()
    assert "--reason" in city.refused("agency", "suspend", agency, "--reason", " .")
    city.run("agency", "suspend", agency, *WHY)
    assert "nothing was changed" in city.refused("agency", "suspend", agency, *WHY)
    assert "gatekeeper agency list" in city.refused(
        "agency", "suspend", "nobody-at-all", "--reason", "A letter"
    )
    assert 2 == len(city.events())


def test_an_affirmation_is_recorded_listed_shown_and_ended(city: City, tmp_path: Path) -> None:
    """Its state follows its days; ending it takes effect today."""
    agency, paper = city.add_agency(), tmp_path / "signed.pdf"
    paper.write_bytes(b"signed")
    signed = ["--signer", "Sam Sample", "--title", "Chief", "--signed-on", (TODAY - timedelta(1)).isoformat()]
    city.run("affirmation", "add", agency, *signed, "--document", str(paper))
    (row,) = city.rows("affirmation", "list")
    ends = str(TODAY + timedelta(730))
    assert ("in_force", ends, "affirmation") == (row["state"], row["expires_on"], row["kind"])
    assert row["id"] in city.run("affirmation", "show", row["id"])
    city.run("affirmation", "suspend", row["id"])
    assert ["lapsed"] == [r["state"] for r in city.rows("affirmation", "list", "--agency", agency)]
    assert "nothing was changed" in city.refused("affirmation", "suspend", row["id"])
    assert ["agency.added", "agency.affirmed", "agency.affirmed"] == city.events()


def test_a_paper_ends_on_the_day_on_which_the_law_finds_it_too_old(city: City) -> None:
    """Recorded so, and so the agency is reminded; what says a day before is recorded without a word."""
    agency, day = city.add_agency(), TODAY - timedelta(1)
    state = open_state(settings.load(data=city.data))
    with closing(state):
        put_in_force(state, load(shipped_policies()))
    signed = ("--signer", "Sam Sample", "--title", "Chief", "--signed-on", day.isoformat())
    add = ("affirmation", "add", agency, *signed, "--data", str(city.data))
    ends = day + timedelta(731)  # affirmation_max_age_days is 730: the last of them counts
    for more in ((), ("--expires-on", (ends + timedelta(1)).isoformat())):
        told = typed(*add, *more)
        assert (0, True) == (told.exit_code, f"it counts until {ends}" in told.stderr), told.output
    earlier = ends - timedelta(1)
    for said in (ends, earlier):
        assert "" == typed(*add, "--expires-on", said.isoformat()).stderr
    kept = [row["expires_on"] for row in city.rows("affirmation", "list", "--agency", agency)]
    assert sorted(map(str, [ends, ends, ends, earlier])) == sorted(kept)


def test_a_paper_is_recorded_also_where_there_is_no_law_yet(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends by the law that the city will begin with; where that cannot be read, it says what to do."""
    agency = city.add_agency()
    signed = ("--signer", "Sam Sample", "--title", "Chief", "--signed-on", TODAY.isoformat())
    add = ("affirmation", "add", agency, *signed, "--data", str(city.data))
    assert f"it counts until {TODAY + timedelta(731)}" in typed(*add).stderr
    monkeypatch.setenv("GATEKEEPER_POLICIES", str(tmp_path / "none"))
    told = typed(*add)
    assert (0, True) == (told.exit_code, "gatekeeper affirmation suspend affirmation_" in told.stderr)


AFFIRMED_BADLY = {
    "nobody signed": ({"--signer": " "}, "--signer"),
    "no office": ({"--title": ""}, "--title"),
    "ends before it begins": ({"--expires-on": "2026-10-31"}, "--expires-on"),
    "ends the day it begins": ({"--expires-on": "2026-11-01"}, "--expires-on"),
}


@pytest.mark.parametrize(("changes", "cure"), AFFIRMED_BADLY.values(), ids=AFFIRMED_BADLY.keys())
def test_what_nobody_could_have_signed_is_refused(city: City, changes: dict[str, str], cure: str) -> None:
    """It would look like a promise in the registry."""
    options = {"--signer": "Sam", "--title": "Chief", "--signed-on": "2026-11-01"} | changes
    agency = city.add_agency()
    typed_options = [word for pair in options.items() for word in pair]
    assert cure in city.refused("affirmation", "add", agency, *typed_options)
    assert [] == city.rows("affirmation", "list")


def test_an_affirmation_of_nobody_and_an_unknown_one_are_refused(city: City) -> None:
    """The message names the command that shows the right ids."""
    options = ["--signer", "Sam", "--title", "Chief", "--signed-on", "2026-11-01"]
    assert "gatekeeper agency list" in city.refused("affirmation", "add", "nobody-at-all", *options)
    assert "gatekeeper affirmation list" in city.refused("affirmation", "show", "affirmation_0")
    assert "gatekeeper affirmation list" in city.refused("affirmation", "suspend", "affirmation_0")


def test_commands_run_where_the_user_has_no_name(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run under a bare number; the log then names that."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert operator().startswith("uid ")
    city.add_agency()


def test_a_misspelt_setting_is_refused(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that its operator believes in must not be ignored in silence."""
    monkeypatch.setenv("GATEKEEPER_WROKERS", "2")
    assert "GATEKEEPER_WROKERS is not a setting" in city.refused("agency", "list")


def test_a_misspelt_setting_in_the_file_is_refused(city: City, tmp_path: Path) -> None:
    """The file is held to the same list as the environment."""
    file = tmp_path / "settings"
    file.write_text("GATEKEEPER_WROKERS=2\n")
    done = spawned("agency", "list", "--data", str(city.data), GATEKEEPER_SETTINGS=str(file))
    assert (1, "") == (done.returncode, done.stdout)
    assert "GATEKEEPER_WROKERS is not a setting" in done.stderr


def test_settings_come_from_a_file_and_secrets_from_their_own(city: City, tmp_path: Path) -> None:
    """GATEKEEPER_SETTINGS names lines; NAME_FILE names a file with one value."""
    (tmp_path / "url").write_text(f"sqlite:///{city.data / 'state.db'}\n")
    file = tmp_path / "settings"
    file.write_text(f"GATEKEEPER_DATA={city.data}\nGATEKEEPER_DATABASE_URL_FILE={tmp_path / 'url'}\n")
    city.add_agency()
    done = spawned("agency", "list", "--json", cwd=tmp_path, GATEKEEPER_SETTINGS=str(file))
    assert "maple-grove-pd" == json.loads(done.stdout)["id"], done.stderr


def test_a_setting_of_the_wrong_type_is_named(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which and what it must be."""
    monkeypatch.setenv("GATEKEEPER_PORT", "eighty")
    assert "GATEKEEPER_PORT must be a readable int" in city.refused("agency", "list")


def test_a_path_that_cannot_be_written_is_named_without_a_traceback(tmp_path: Path) -> None:
    """An operator's typo is one line."""
    result = typed("policy", "export", str(tmp_path / "no" / "where.tar.gz"))
    assert 1 == result.exit_code
    assert "check the path" in result.stderr


@pytest.mark.parametrize("name", ["a?b=1", "50%25", "a#b", "a b", "ä"])
def test_a_city_is_in_its_directory_however_that_is_named(tmp_path: Path, name: str) -> None:
    """A database beside the directory would be open to others, and missing from every backup."""
    City(tmp_path / name).run("init")
    City(tmp_path / name).add_agency()
    assert [name] == [path.name for path in tmp_path.iterdir()]
    assert (tmp_path / name / "state.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory another's")
def test_what_root_types_leaves_nothing_that_the_service_cannot_open(laid_out: Path) -> None:
    """The first command of a day makes the day's key: as root's own it would lock the service out."""
    service = 65534
    with TemporaryDirectory() as there:  # pytest's own directories let nobody through
        Path(there).chmod(0o711)
        city = City(Path(shutil.copytree(laid_out, Path(there) / "city")))
        for path in (city.data, *city.data.rglob("*")):
            os.chown(path, service, service)
        city.add_agency()
        city.run("stop", "--all", "--reason", "Council resolution of today")
        assert list((city.data / "keys" / "days").iterdir())
        assert {service} == {path.stat().st_uid for path in (city.data, *city.data.rglob("*"))}
    assert 0 == os.geteuid()
