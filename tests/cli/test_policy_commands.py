"""Policies compared, proposed, checked as a revision and written back, at a terminal."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyotp
import pytest
from click.testing import Result

from gatekeeper.cli.opened import city as opened
from gatekeeper.policy import Bundle, files_of, load, shipped_policies
from gatekeeper.revisions import checks
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.revisions.trials import trials
from gatekeeper.store.policy_jobs import PolicyJob, PolicyJobs
from tests.cli.shell import City, typed
from tests.lawful import put_in_force
from tests.revisions.lives import REASON, changed

Made = dict[str, Any]
CITY = "data/city.json"


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """Return the shipped law."""
    return load(shipped_policies())


@pytest.fixture(autouse=True)
def _few_trials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Find no programs but git, and try one in fifty of the facts: the check has tests of its own."""
    git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs/git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setattr(checks, "trials", lambda *given: islice(trials(*given), 0, None, 50))


@pytest.fixture
def lee(city: City, shipped: Bundle) -> Made:
    """Return one of legal, in a city that has a law."""
    with opened(city.data) as state:
        put_in_force(state, shipped)
    (made,) = city.rows("staff", "add", "lee", "--name", "Lee Sample", "--role", "legal")
    return made


@pytest.fixture
def edited(law: Path, shipped: Bundle) -> Path:
    """Return a copy of the law with one setting changed."""
    (law / CITY).write_text(changed(shipped).files[CITY])
    return law


@pytest.fixture
def sound(law: Path) -> Path:
    """Return a copy of the law with one word more, which every test and case allows."""
    file = law / "data/lexicon.json"
    file.write_text(file.read_text().replace('"immig",', '"immig", "made up raid",', 1))
    return law


def _proof(made: Made) -> str:
    return f"{made['password']}\n{pyotp.TOTP(made['totp_secret']).at(datetime.now(UTC))}\n"


def _propose(city: City, made: Made, *arguments: str) -> Result:
    words = ("policy", "propose", *arguments, "--reason", REASON, "--as", made["username"])
    return typed(*words, "--data", str(city.data), text=_proof(made))


def _proposed(city: City, made: Made, *arguments: str) -> Revision:
    """Propose, as it must succeed; return the revision."""
    result = _propose(city, made, *arguments, "--json")
    assert 0 == result.exit_code, result.output
    with opened(city.data) as state:
        revision = state.lifecycle().store.get(json.loads(result.stdout)["id"])
    assert revision is not None
    return revision


def _repository(law: Path) -> Path:
    """Return a repository whose branch main holds the law below policies."""
    made = law.parent / "repository"
    made.mkdir()
    law.rename(made / "policies")
    who = ("-c", "user.name=Lee", "-c", "user.email=lee@city.example")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "made up")):
        _git(made, *who, *command)
    return made


def _git(repository: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _jobs(city: City, revision: Revision) -> Iterator[PolicyJob]:
    with opened(city.data) as state:
        job = PolicyJobs(state.database).latest(revision.id, "check")
        if job is not None:
            yield job


@pytest.mark.usefixtures("lee")
def test_what_a_directory_changes_in_the_law_in_force(city: City, edited: Path) -> None:
    """One setting, as a number, with its line and the provisions that read it; and as JSON."""
    said = city.run("policy", "diff", str(edited))
    assert "active (" in said.splitlines()[0]
    assert f"{CITY}:" in said
    assert "/limits/plate/days_ago" in said
    assert "query_limits  reads what changed" in said
    (document,) = city.rows("policy", "diff", "active", str(edited))
    ((change),) = document["files"][0]["data"]
    assert ("/limits/plate/days_ago", "changed") == (change["pointer"], change["how"])
    assert document["decide"]
    assert "Nothing differs." in city.run("policy", "diff", str(edited), str(edited))


def test_two_directories_are_compared_without_a_city(law: Path, tmp_path: Path) -> None:
    """METADATA is named by its field, and what speaks about decisions is said to decide nothing."""
    rule = law / "sharing/case_number/case_number.rego"
    rule.write_text(rule.read_text().replace("verified: false", "verified: true"))
    (law / "README.md").write_text("# Another\n")
    (law / "link.rego").symlink_to(tmp_path)
    result = typed("policy", "diff", str(shipped_policies()), str(law))
    assert 0 == result.exit_code, result.output
    assert "METADATA verified: false → true" in result.stdout
    assert "decides nothing" in result.stdout
    assert "link.rego" in result.stderr


@pytest.mark.usefixtures("lee")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("diff", "rev_0000000000000000"), "gatekeeper policy list"),
        (("diff", "2026-01+000000000000"), "gatekeeper policy list"),
        (("diff", "nowhere"), "--repo"),
        (("export",), "name one of them"),
        (("export", "f", "--tree", "d"), "name one of them"),
        (("export", "--git", "r"), "belong together"),
        (("propose", "active", "--reason", REASON), "a revision already"),
        (("check-revision", "rev_0000000000000000"), "gatekeeper policy list"),
        (("check-revision", "active"), "nothing to check"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_cure(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """In one line."""
    monkeypatch.chdir(tmp_path)
    assert said in city.refused("policy", *words)


def test_a_directory_is_proposed_by_whoever_proves_themselves(city: City, lee: Made, edited: Path) -> None:
    """The whole text is kept, the author is the person, and nothing decides otherwise yet."""
    revision = _proposed(city, lee, str(edited), "--at", "2027-01-15T06:00")
    assert ("directory", "draft") == (revision.origin, revision.state)
    assert datetime(2027, 1, 15, 6, tzinfo=UTC) == revision.effective_at
    with opened(city.data) as state:
        account = state.staff.find("lee")
        assert account is not None
        assert account.id == revision.author
        assert files_of(edited)[0] == state.lifecycle().files(revision)
    again = _propose(city, lee, str(edited))
    assert 1 == again.exit_code


def test_what_cannot_be_law_is_not_proposed(city: City, lee: Made, edited: Path) -> None:
    """Its faults are named before anybody types a password, and a link is a fault."""
    (edited / "data/more.json").symlink_to(edited / CITY)
    result = typed("policy", "propose", str(edited), "--reason", REASON, "--data", str(city.data))
    assert 1 == result.exit_code
    assert "more.json" in result.stderr
    assert "Password" not in result.output
    with opened(city.data) as state:
        assert 1 == len(state.lifecycle().store.all())
    assert lee


def test_who_may_not_proposes_nothing(city: City, lee: Made, edited: Path) -> None:
    """Another role; a wrong code."""
    (other,) = city.rows("staff", "add", "rec", "--name", "R", "--role", "records")
    for made in (other, {**lee, "password": "guess"}):
        assert 1 == _propose(city, made, str(edited)).exit_code
    with opened(city.data) as state:
        assert 1 == len(state.lifecycle().store.all())


def test_a_commit_is_proposed_and_written_back(city: City, lee: Made, edited: Path) -> None:
    """The revision records its id; what is written back is the same text, and says whose it is."""
    repository = _repository(edited)
    revision = _proposed(city, lee, "main", "--repo", str(repository))
    assert f"git:{_git(repository, 'rev-parse', 'main')}" == revision.origin
    words = ("policy", "export", "--git", str(repository), "--branch", "in-force", "--revision", revision.id)
    assert "says just this" not in city.run(*words, "--subdir", "law")
    said = _git(repository, "log", "-1", "--format=%an%n%B", "in-force")
    for part in ("Lee Sample", revision.id, revision.digest, revision.revision, REASON):
        assert part in said
    assert "says just this already" in city.run(*words, "--subdir", "law")
    compare = ("policy", "diff", revision.id, "in-force", "--repo", str(repository), "--subdir", "law")
    assert "Nothing differs." in city.run(*compare)
    assert "/limits/plate/days_ago" in city.run("policy", "diff", "main", "--repo", str(repository))


def test_the_law_in_force_is_written_as_files(city: City, lee: Made, tmp_path: Path) -> None:
    """Into a directory that is new; one that holds something is left alone; and as OPA's bundle."""
    assert lee
    there = tmp_path / "law-in-force"
    city.run("policy", "export", "--tree", str(there))
    assert files_of(shipped_policies()) == files_of(there)
    assert "holds something" in city.refused("policy", "export", "--tree", str(there))
    city.run("policy", "export", "--revision", "active", str(tmp_path / "bundle.tar.gz"))
    assert (tmp_path / "bundle.tar.gz").stat().st_size > 1000


def test_a_check_is_recorded_with_its_verdict(city: City, lee: Made, sound: Path) -> None:
    """The verdict is what approvers rely on; what was measured stays with the job."""
    revision = _proposed(city, lee, str(sound))
    result = typed("policy", "check-revision", revision.id, "--data", str(city.data), "--by", "staff_x")
    assert 0 == result.exit_code, result.output
    assert "go install github.com/open-policy-agent/opa" in result.stdout
    with opened(city.data) as state:
        store = state.lifecycle().store
        found, after = store.result(revision.id, "check"), store.get(revision.id)
    assert found is not None
    assert after is not None
    assert ("checked", True) == (after.state, found.passed)
    assert found.digest in result.stdout
    assert ("policy.checked", True) == (city.events()[-1], found.document["passed"])
    (job,) = _jobs(city, revision)
    assert ("done", "staff_x") == (job.state, job.by)
    assert job.progress is not None
    assert "measured" in job.progress


def test_a_check_that_refuses_rejects_the_revision(city: City, lee: Made, sound: Path) -> None:
    """With each finding where it stands; from a rejected one nothing goes on."""
    test = sound / "sharing/case_number/case_number_test.rego"
    test.write_text(test.read_text() + "\ntest_wrong if 1 == 2\n")
    revision = _proposed(city, lee, str(sound))
    result = typed("policy", "check-revision", revision.id, "--data", str(city.data), "--json")
    assert 1 == result.exit_code
    document = json.loads(result.stdout)
    assert not document["verdict"]["passed"]
    assert ["test_wrong"] == [one["name"] for one in document["verdict"]["failed"]]
    with opened(city.data) as state:
        after = state.lifecycle().store.get(revision.id)
    assert after is not None
    assert "rejected" == after.state
    assert "nothing to check" in city.refused("policy", "check-revision", revision.id)


def test_where_opa_decides_a_missing_opa_records_nothing(
    city: City, lee: Made, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no verdict of the law: the revision waits until OPA is there."""
    revision = _proposed(city, lee, str(sound))
    monkeypatch.setenv("GATEKEEPER_ENGINE", "opa")
    monkeypatch.setenv("GATEKEEPER_OPA_URL", "unix:///nowhere.sock")
    result = typed("policy", "check-revision", revision.id, "--data", str(city.data))
    assert 1 == result.exit_code
    assert "NOT passed" in result.stdout
    with opened(city.data) as state:
        store = state.lifecycle().store
        after = store.get(revision.id)
        assert after is not None
        assert ("draft", None) == (after.state, store.result(revision.id, "check"))
    (job,) = _jobs(city, revision)
    assert job.state == "failed"
    assert "opa is not on PATH" in (job.fault or "")


def test_one_check_of_a_revision_at_a_time(city: City, lee: Made, sound: Path) -> None:
    """A second would record the same again under another number."""
    revision = _proposed(city, lee, str(sound))
    with opened(city.data) as state:
        assert PolicyJobs(state.database).begin(revision.id, "check", "somebody") is not None
    assert "just now" in city.refused("policy", "check-revision", revision.id)


def test_a_check_that_breaks_off_says_so(
    city: City, lee: Made, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And can be begun again."""
    revision = _proposed(city, lee, str(sound))

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as within:
        within.setattr("gatekeeper.cli.policy_checked.check", broken)
        typed("policy", "check-revision", revision.id, "--data", str(city.data))
    (job,) = _jobs(city, revision)
    assert "interrupted" == job.state
    assert 0 == typed("policy", "check-revision", revision.id, "--data", str(city.data)).exit_code


def test_a_directory_is_checked_as_a_whole(law: Path) -> None:
    """As a revision would be, with no city at all; what is wrong ends with status 1."""
    result = typed("policy", "check", str(law), "--all")
    assert 0 == result.exit_code, result.output
    assert "verdict sha256:" in result.stdout
    (law / "extra.txt").write_text("x")
    result = typed("policy", "check", str(law), "--all", "--json")
    assert 1 == result.exit_code
    assert "extra.txt" in json.dumps(json.loads(result.stdout)["verdict"]["steps"][0])
