"""Revisions on their pages: where each stands and whose turn it is, what it changes, what was found of it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from gatekeeper.errors import KeyErased
from gatekeeper.policy.findings import Finding
from gatekeeper.review.roles import ROLES, Role
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.store.policy_jobs import PolicyJobs
from gatekeeper.web.console.revision_jobs import SLOWEST
from tests.console.conftest import Browser
from tests.console.lawyers import (
    PATH,
    RULE,
    WHY,
    Lawyers,
    check_of,
    example,
    governed,
    law,
    replay_of,
    reworded,
    uncovered,
)
from tests.exchange.city import City

HIDDEN = (RULE, "#   public: true", "#   public: false")


@pytest.fixture
def lawyers(city: City) -> Lawyers:
    """Return a city whose law people change."""
    return governed(city)


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def _section(page: str, name: str) -> str:
    found = re.search(rf'<section[^>]*aria-labelledby="{name}">.*?</section>', page, re.DOTALL)
    assert found is not None, name
    return found[0]


def _posts(browser: Browser, revision: Revision, what: str, **typed: str) -> Any:
    page = browser.client.get(f"{PATH}/{revision.id}")
    return browser.client.post(f"{PATH}/{revision.id}/{what}", data={"form": browser.token(page)} | typed)


def _jobs(monkeypatch: pytest.MonkeyPatch, *, free: bool = True) -> list[tuple[Any, ...]]:
    """Take note of what would be begun, instead of beginning it."""
    begun: list[tuple[Any, ...]] = []

    def begin(_settings: Any, _jobs: Any, *which: str, by: str, options: Mapping[str, str]) -> bool:
        begun.append((*which, by, options))
        return free

    monkeypatch.setattr("gatekeeper.app.begin_job", begin)
    return begun


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_what_is_in_force_and_what_waits_for_whom(lawyers: Lawyers, role: Role) -> None:
    """A city's law is no secret of those who make it."""
    legal = lawyers.signed_in("legal", name="Ada Author")
    lawyers.proposed(legal)
    page = _text(lawyers.signed_in(role, name="Pat Reader").client.get(PATH).text)
    assert f"Revision {lawyers.active().label}" in page
    assert "Waits for: Begin its checks. By legal or counsel." in page
    assert "Ada Author" in page
    assert WHY in page


def test_without_a_proposal_nothing_waits(lawyers: Lawyers) -> None:
    """That is said."""
    page = lawyers.signed_in("auditor").client.get(PATH).text
    assert "Nothing is proposed." in page


def test_the_way_of_a_revision_is_told_step_by_step(lawyers: Lawyers) -> None:
    """What is done, what comes next, and who can do it by who cannot."""
    ada, cal = lawyers.signed_in("legal", name="Ada Author"), lawyers.signed_in("counsel", name="Cal First")
    revision, shown = lawyers.proposed(ada), []

    def look() -> None:
        page = _section(ada.client.get(f"{PATH}/{revision.id}").text, "where")
        done = re.findall(r"<strong>(\w+)</strong><span[^>]*>: done", page)
        shown.append((done, _text(page).partition("Next: ")[2]))

    look()
    lawyers.checked(revision)
    look()
    lawyers.replayed(revision)
    look()
    lawyers.approves(cal, revision, look="?at=2027-01-05T08:00", at="2027-01-05T08:00")
    look()
    lawyers.approves(lawyers.signed_in("counsel", name="Eve Second"), revision)
    look()
    barred = "By legal or counsel, but not by Ada Author or Cal First."
    states = ["draft", "checked", "replayed", "approved", "scheduled"]
    assert [states[:1], states[:2], states[:3], states[:3], states] == [done for done, _ in shown]
    assert [
        "Begin its checks. By legal or counsel.",
        "Replay it on past queries. By legal or counsel.",
        "A first person approves it. By legal or counsel, but not by Ada Author.",
        "A second person approves it; then it is signed and has its moment. " + barred,
        "It comes into force at its moment. Legal or counsel may call it off.",
    ] == [following for _, following in shown]


def test_a_revision_that_was_overtaken_says_so(lawyers: Lawyers) -> None:
    """It was made for a law that is not in force any more."""
    ada = lawyers.signed_in("legal", name="Ada Author")
    old, new = lawyers.ready(ada, reworded("One")), lawyers.ready(ada, reworded("Other"))
    lawyers.enacted(new)
    page = ada.client.get(f"{PATH}/{old.id}").text
    assert "Another law came into force since it was begun. Propose it anew." in page
    assert "not in force any more" in page


def test_what_it_changes_is_shown_against_its_base(lawyers: Lawyers) -> None:
    """Data as data, rules line by line, and which provisions are touched."""
    ada = lawyers.signed_in("legal")
    bundle = law(
        ("data/city.json", '"narrative_fewest_letters": ', '"narrative_fewest_letters": 1'),
        (RULE, '"The words say what happened"', '"<i>Other</i> words"'),
    )
    page = ada.client.get(f"{PATH}/{lawyers.proposed(ada, bundle).id}").text
    changes = _section(page, "changes")
    assert "/narrative_fewest_letters" in changes
    lines = re.findall(r"<(del|ins)><code>(.*?)</code></\1>", changes)
    assert ("del", "# title: &#34;The words say what happened&#34;") in lines
    assert ("ins", "# title: &#34;&lt;i&gt;Other&lt;/i&gt; words&#34;") in lines
    assert "<i>" not in changes
    assert "Removed:" in changes
    assert "Added:" in changes
    assert f'href="{PATH}/{lawyers.active().id}"' in changes


def test_the_law_that_a_city_begins_with_changes_nothing(lawyers: Lawyers) -> None:
    """It has no base."""
    page = lawyers.signed_in("auditor").client.get(f"{PATH}/{lawyers.active().id}").text
    assert "It has no base: the city began with it." in page


def test_what_the_checks_refuse_is_shown_with_its_cure(lawyers: Lawyers) -> None:
    """File, line, what is wrong, what to do; what could not be run; lines that no test runs."""
    ada = lawyers.signed_in("legal")
    revision = lawyers.proposed(ada)
    finding = Finding(RULE, 33, "The rule <b>reads</b> nothing.", "Name a fact.")
    lawyers.checked(revision, check_of(revision, finding, uncovered=uncovered(34)))
    page = ada.client.get(f"{PATH}/{revision.id}").text
    checks = _text(_section(page, "check"))
    for said in (f"{RULE}:33", "The rule <b>reads</b> nothing.", "Name a fact.", "Refused.", f"{RULE}:34"):
        assert said in checks
    assert "<b>reads" not in page
    assert "Mend what the checks refuse, and propose it anew." in _text(page)
    assert "rejected" == lawyers.now(revision).state


def test_whom_it_would_have_hit_is_shown(lawyers: Lawyers) -> None:
    """By provision, agency and purpose; erased is said to be missing; examples lead to what may be opened."""
    ada = lawyers.signed_in("legal")
    query = lawyers.asked()
    revision = lawyers.checked(lawyers.proposed(ada))
    report = replay_of(revision, examples={"newly_denied": (example(query, 3), example("q_permitted", 5))})
    lawyers.replayed(revision, report)
    page = ada.client.get(f"{PATH}/{revision.id}").text
    replay = _section(page, "replay")
    text = _text(replay)
    for said in (
        "Replayed 42",
        "Newly denied 2",
        "Missing: erased 3",
        "2026-08-01",
        "sample-il-pd",
        "stolen vehicle",
    ):
        assert said in text, said
    assert "nobody can say what would have become of them, and it is not guessed" in text
    assert f'href="/console/reviews/{query}"' in replay
    assert 'href="/console/ledger/5"' in replay
    assert 'href="/console/ledger/3"' not in replay
    admin = lawyers.signed_in("admin").client.get(f"{PATH}/{revision.id}").text
    assert "/console/reviews/" not in _section(admin, "replay")
    assert 'href="/console/ledger/3"' in admin


@pytest.mark.parametrize("which", ["candidate", "base"])
def test_a_hidden_provision_is_in_no_page_of_who_may_not_read_requests(city: City, which: str) -> None:
    """Not in what is changed, checked or replayed, nor in a title; the rest is there."""
    lawyers = governed(city)
    ada = lawyers.signed_in("legal")
    hidden, other = law(HIDDEN), law(HIDDEN, (RULE, '"The words say what happened"', '"Hidden words"'))
    if which == "base":
        lawyers.enacted(lawyers.ready(ada, hidden))
    revision = lawyers.ready(ada, other if which == "base" else hidden)
    lawyers.checked(revision, check_of(revision, uncovered=uncovered(34)))
    admin = lawyers.signed_in("admin")
    page = admin.client.get(f"{PATH}/{revision.id}").text
    for word in ("stated_reason", "Hidden words", "The words say what", "newly denied (", "Every line of"):
        assert word not in page
    assert "Only who may read requests sees what is changed." in page
    assert revision.digest in page
    seen = lawyers.signed_in("auditor").client.get(f"{PATH}/{revision.id}").text
    assert "stated_reason" in seen


@pytest.mark.parametrize("path", ["no_such", "rev_0", "..", "%00", "%3Cscript%3E"])
@pytest.mark.parametrize("what", ["", "/progress", "/approve", "/reject", "/rollback"])
def test_what_is_no_revision_is_missing(lawyers: Lawyers, path: str, what: str) -> None:
    """On every page."""
    assert 404 == lawyers.signed_in("legal").client.get(f"{PATH}/{path}{what}").status_code


def test_a_check_and_a_replay_are_begun_from_the_page(
    lawyers: Lawyers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a period that means its last day too, or a sample; by whom is told to the process."""
    begun = _jobs(monkeypatch)
    ada = lawyers.signed_in("legal")
    revision = lawyers.proposed(ada)
    assert 303 == _posts(ada, revision, "check").status_code
    lawyers.checked(revision)
    assert 303 == _posts(ada, revision, "replay").status_code
    answer = _posts(ada, revision, "replay", since="2026-11-01", until="2026-11-30", sample="500")
    assert 303 == answer.status_code
    by = ada.made.account.id
    assert [
        ("check", revision.id, by, {}),
        ("replay", revision.id, by, {}),
        ("replay", revision.id, by, {"from": "2026-11-01", "to": "2026-11-30", "sample": "500"}),
    ] == begun


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"since": "2026-11-02", "until": "2026-11-01"}, "The last day must not be before the first."),
        ({"since": "yesterday"}, "Give a day, or leave it empty."),
        ({"sample": "0"}, "Give a whole number, at least 1, or leave it empty."),
        ({"sample": "--data=/elsewhere"}, "Give a whole number, at least 1, or leave it empty."),
        ({"until": "9999-12-31"}, "Give a day, or leave it empty."),
    ],
)
def test_a_replay_of_no_period_is_not_begun(
    lawyers: Lawyers, monkeypatch: pytest.MonkeyPatch, typed: dict[str, str], told: str
) -> None:
    """The form comes back filled in, the fault beside its field."""
    begun = _jobs(monkeypatch)
    ada = lawyers.signed_in("legal")
    revision = lawyers.checked(lawyers.proposed(ada))
    answer = _posts(ada, revision, "replay", **typed)
    assert 422 == answer.status_code, answer.text
    assert re.search(rf'<span class="usa-error-message" id="\w+-fault">{told}', answer.text)
    for value in typed.values():
        assert f'value="{value}"' in answer.text
    assert [] == begun


@pytest.mark.parametrize("state", ["draft", "rejected", "scheduled", "active", "running"])
def test_what_cannot_be_replayed_now_is_not(
    lawyers: Lawyers, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """The page says why."""
    _jobs(monkeypatch, free=state != "running")
    ada = lawyers.signed_in("legal")
    revision = lawyers.proposed(ada)
    if state == "rejected":
        lawyers.checked(revision, check_of(revision, Finding("", None, "No.", "Yes.")))
    elif state == "running":
        lawyers.checked(revision)
    elif state == "active":
        revision = lawyers.active()
    elif state == "scheduled":
        lawyers.replayed(lawyers.checked(revision))
        for name in ("Cal First", "Eve Second"):
            at = "2027-01-05T08:00"
            person = lawyers.signed_in("counsel", name=name)
            assert 303 == lawyers.approves(person, revision, look=f"?at={at}", at=at).status_code
    page = ada.client.get(PATH)
    answer = ada.client.post(f"{PATH}/{revision.id}/replay", data={"form": ada.token(page)})
    assert (409, True) == (answer.status_code, 'role="alert"' in answer.text)


@pytest.mark.parametrize("kind", ["check", "replay"])
def test_what_runs_is_watched(lawyers: Lawyers, kind: str) -> None:
    """How far it has come, by whom it was begun; a script loads it anew, a link does without one."""
    ada = lawyers.signed_in("legal", name="Ada Author")
    revision = lawyers.proposed(ada)
    if kind == "replay":
        revision = lawyers.checked(revision)
    jobs = PolicyJobs(lawyers.city.state.database)
    job = jobs.begin(revision.id, kind, ada.made.account.id)
    assert job is not None
    jobs.beat(job.id, 3, 7)
    for address in (f"{PATH}/{revision.id}", f"{PATH}/{revision.id}/progress"):
        page = ada.client.get(address).text
        assert '<progress max="7" value="3"' in page
        assert "begun by Ada Author" in _text(page)
        assert f'hx-get="{PATH}/{revision.id}/progress" hx-trigger="every 2s" hx-select="#running"' in page
        assert f'<a id="again-{kind}" href="{PATH}/{revision.id}">Load again</a>' in page
    jobs.end(job.id, "done")
    page = ada.client.get(f"{PATH}/{revision.id}/progress").text
    assert "hx-trigger" not in page
    assert f'<a href="{PATH}/{revision.id}?done={kind}#{kind}">Look at the result</a>' in page


@pytest.mark.parametrize(("kind", "named"), [("check", "checks"), ("replay", "replay")])
def test_what_was_asked_for_is_watched_before_it_runs(
    lawyers: Lawyers, monkeypatch: pytest.MonkeyPatch, kind: str, named: str
) -> None:
    """A process takes its time to begin: the page says so, then that it runs, or that it never came."""
    _jobs(monkeypatch)
    ada = lawyers.signed_in("legal", name="Ada Author")
    revision = lawyers.checked(lawyers.proposed(ada))
    jobs = PolicyJobs(lawyers.city.state.database)
    earlier = jobs.begin(revision.id, kind, ada.made.account.id)
    assert earlier is not None
    jobs.end(earlier.id, "done")
    address = _posts(ada, revision, kind).headers["Location"]
    page = ada.client.get(address).text
    assert f"The {named} begin" in page
    assert "done." not in page
    assert f'hx-get="{escape(address)}" hx-trigger="every 2s"' in page
    moment = datetime.now(UTC) - SLOWEST - timedelta(seconds=5)
    late = {"begun": kind, "since": moment.isoformat()}
    jobs_gone = ada.client.get(f"{PATH}/{revision.id}/progress?{urlencode(late)}").text
    assert f"The {named} did not begin" not in jobs_gone  # the earlier one did, since then
    assert jobs.begin(revision.id, kind, ada.made.account.id) is not None
    assert f"The {named} run" in ada.client.get(address).text


def test_what_never_began_is_said_to_have_not(lawyers: Lawyers) -> None:
    """With what an operator can do; an address that was made up says nothing."""
    ada = lawyers.signed_in("legal")
    revision = lawyers.proposed(ada)
    moment = datetime.now(UTC) - SLOWEST - timedelta(seconds=5)

    def look(**asked: str) -> str:
        return str(ada.client.get(f"{PATH}/{revision.id}/progress?{urlencode(asked)}").text)

    page = look(begun="check", since=moment.isoformat())
    assert "The checks did not begin" in page
    assert f"gatekeeper policy check-revision {revision.id}" in page
    assert "hx-trigger" not in page
    for since in ("", "yesterday", moment.replace(tzinfo=None).isoformat()):
        assert "Nothing runs." in look(begun="check", since=since)
    assert "Nothing runs." in look(begun="<b>", since=moment.isoformat())


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_what_broke_off_says_nothing_about_the_revision(lawyers: Lawyers, state: str) -> None:
    """Why, as far as it is known, and what to do."""
    ada = lawyers.signed_in("legal")
    revision = lawyers.checked(lawyers.proposed(ada))
    jobs = PolicyJobs(lawyers.city.state.database)
    job = jobs.begin(revision.id, "replay", "operator:test")
    assert job is not None
    jobs.beat(job.id, 3, 7)
    jobs.end(job.id, state, fault="the database <b>is</b> gone")
    page = ada.client.get(f"{PATH}/{revision.id}").text
    assert "The replay did not come to its end" in page
    assert "the database &lt;b&gt;is&lt;/b&gt; gone" in page
    assert "It came to 3 of 7, and says nothing." in page


def test_a_report_of_another_version_is_said_to_be_one(lawyers: Lawyers) -> None:
    """It is not guessed what it means, and the rest of the page is there."""
    ada = lawyers.signed_in("legal")
    revision = lawyers.checked(lawyers.proposed(ada))
    lawyers.lifecycle.replayed(revision.id, {"form": "of another version"}, by="operator:test")
    answer = ada.client.get(f"{PATH}/{revision.id}")
    assert (200, True) == (answer.status_code, "Replay it again before you rely on it." in answer.text)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_replay_is_taken_out_with_an_entry_in_the_log(lawyers: Lawyers, form: str) -> None:
    """The whole report, or its tables; whose cells no spreadsheet takes for a formula."""
    ada = lawyers.signed_in("legal")
    revision = lawyers.ready(ada)
    answer = _posts(ada, revision, f"replay.{form}")
    assert 200 == answer.status_code
    assert f'filename="replay-{revision.id}.{form}"' in answer.headers["Content-Disposition"]
    if form == "json":
        assert replay_of(revision).document() == json.loads(answer.text)
    else:
        rows = {tuple(row) for row in csv.reader(io.StringIO(answer.text))}
        assert {("decisions", "", "", "replayed", "42"), ("class", "newly_denied", "", "", "2")} <= rows
        assert any(row[0] == "provision" and row[3:] == ("after", "7") for row in rows)
    exported = [e for e in lawyers.city.events() if e["event"] == "export.made"]
    assert 1 == len(exported)


def test_without_a_replay_there_is_nothing_to_take_out(lawyers: Lawyers) -> None:
    """Nor does the log say that something was."""
    ada = lawyers.signed_in("legal")
    revision = lawyers.proposed(ada)
    assert 404 == _posts(ada, revision, "replay.json").status_code
    assert not [e for e in lawyers.city.events() if e["event"] == "export.made"]


def test_an_old_proof_takes_nothing_out(lawyers: Lawyers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that was left open is no person."""
    ada = lawyers.signed_in("legal")
    revision = lawyers.ready(ada)
    page = ada.client.get(f"{PATH}/{revision.id}")
    monkeypatch.setattr("gatekeeper.web.console.sessions.Sessions._proved", lambda *_: False)
    answer = ada.client.post(f"{PATH}/{revision.id}/replay.csv", data={"form": ada.token(page)})
    assert 403 == answer.status_code
    assert not [e for e in lawyers.city.events() if e["event"] == "export.made"]


def test_who_did_what_and_why_is_told_from_the_log(lawyers: Lawyers, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way to each entry; what was erased is said to be."""
    ada = lawyers.signed_in("legal", name="Ada Author")
    revision = lawyers.enacted(lawyers.ready(ada))
    address = f"{PATH}/{revision.id}"
    told = _text(_section(ada.client.get(address).text, "history"))
    assert f"Ada Author: “{WHY}”" in told
    assert "Another policy decides from here on." in told
    assert 2 == told.count("was approved by one of two people")
    assert 7 == len(lawyers.told(revision))

    def erased(*_: object) -> None:
        raise KeyErased("destroyed")

    monkeypatch.setattr(type(lawyers.city.gate.ledger), "opened", erased)
    told = _text(_section(ada.client.get(address).text, "history"))
    assert WHY not in told
    assert 7 == told.count("who it was has been erased")


def test_who_only_reads_finds_no_button(lawyers: Lawyers) -> None:
    """Records staff and auditors see the page and nothing to press."""
    revision = lawyers.ready(lawyers.signed_in("legal"))
    page = lawyers.signed_in("records").client.get(f"{PATH}/{revision.id}").text
    for what in ("check", "replay", "approve", "reject", "replay.json"):
        assert f'{PATH}/{revision.id}/{what}"' not in page
