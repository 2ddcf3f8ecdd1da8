"""The law as pages show it: every section with its rule, its tests, what it did; nothing hidden is told."""

from __future__ import annotations

import re
from html import unescape

import pytest

from gatekeeper.app import application
from gatekeeper.policy import Bundle
from gatekeeper.policy.statutes import read_statutes
from gatekeeper.review.roles import ROLES, Role
from gatekeeper.revisions.lifecycle import Lifecycle
from tests.console.conftest import Staffed
from tests.console.lawyers import FILES, RULE, check_of, governed, law, reworded, uncovered
from tests.exchange.city import City, body
from tests.lawful import put_in_force, steady

PAGE = "/console/policies"
ONE = f"{PAGE}/provisions/stated_reason"


def _text(html: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def _row(page: str, section: str) -> str:
    found = re.search(rf'<tr id="{section}".*?</tbody>', page, re.DOTALL)
    assert found is not None, section
    return found[0]


def _under(city: City, bundle: Bundle) -> Staffed:
    """Return the console of a city whose law is another one."""
    put_in_force(city.state, bundle)
    other = city.with_gate(laws=steady(bundle))
    return Staffed(other, application(other.state, other.gate, other.tokens, lambda _: None))


@pytest.mark.parametrize("role", ROLES)
def test_every_section_is_there_with_what_carries_it_out(staffed: Staffed, role: Role) -> None:
    """For every role: it is the law."""
    page = staffed.signed_in(role).client.get(PAGE).text
    catalogue = staffed.city.gate.engine.bundle.written
    for statute in read_statutes(FILES):
        for paragraph in statute.paragraphs:
            row = _row(page, paragraph.code)
            for provision in catalogue.values():
                linked = f"{PAGE}/provisions/{provision.code}" in row
                assert (paragraph.code in provision.rules) == linked, (paragraph.code, provision.code)
    for code in catalogue:
        assert f"{PAGE}/provisions/{code}" in page


def test_a_section_without_a_rule_is_said_to_be_one(staffed: Staffed) -> None:
    """In words, with a sign and a colour, at the top and where it stands, and why."""
    page = staffed.signed_in("legal").client.get(PAGE).text
    row = _row(page, "IL-5")
    assert 'class="console-gap"' in row
    assert '<svg class="console-sign" aria-hidden="true"' in row
    assert "No rule. It is about what the gatekeeper publishes" in _text(row)
    assert "1 section without a rule in force" in _text(page)
    assert 1 == page.count('class="console-gap"')


def test_what_is_off_unverified_or_needs_two_is_marked(staffed: Staffed) -> None:
    """In words."""
    page = staffed.signed_in("counsel").client.get(PAGE).text
    bundle = staffed.city.gate.engine.bundle
    assert page.count("two people") >= sum(one.two_people for one in bundle.catalogue.values()) > 0
    unverified = [one for one in bundle.catalogue.values() if not one.verified]
    assert page.count("not compared with the law") >= len(unverified) > 0
    packs = page.partition('id="packs"')[2]
    for name in ("illinois", "california"):
        row = next(r for r in packs.split("<tr>") if f">{name.replace('_', ' ')}</th>" in r)
        assert (name in bundle.packs) == ("<strong>on</strong>" in row)


def test_a_provision_of_a_pack_that_is_off_is_said_to_be_asked_of_nobody(staffed: Staffed) -> None:
    """On its own page too."""
    page = _text(staffed.signed_in("legal").client.get(f"{PAGE}/provisions/virginia_purpose").text)
    assert "pack off: not asked" in page
    assert "Its pack is off: no query is asked about it." in page


def test_decisions_are_counted(staffed: Staffed) -> None:
    """Denied by it, permitted while it was asked; by week and kind of agency on its own page."""
    for _ in range(3):
        staffed.asked()
    assert 200 == staffed.city.ask(body()).status
    legal = staffed.signed_in("legal")
    assert "3 denied by it, 1 permitted" in _text(_row(legal.client.get(PAGE).text, "EV-7"))
    page = legal.client.get(ONE).text
    table = page.partition("<caption>Denied by it, by week and kind of agency")[2].partition("</table>")[0]
    assert "local" in table
    assert "3 queries were denied by it" in _text(page)
    numbers = re.findall(r'<td class="console-number">(\d+)</td>', table)
    assert "3" == numbers[-1]
    assert {"0"} == set(numbers[:-1])


def test_a_provision_is_shown_whole(staffed: Staffed) -> None:
    """What it says, its rule line by line, its tests, its cases, the ways to the queue and to its text."""
    page = staffed.signed_in("records").client.get(ONE).text
    provision = staffed.city.gate.engine.bundle.catalogue["stated_reason"]
    text = _text(page)
    for said in (provision.title, provision.citation, provision.message, provision.remedy, "EV-7"):
        assert " ".join(said.split()) in text
    lines = FILES[RULE].splitlines()
    first = next(n for n, line in enumerate(lines, 1) if line.startswith("package "))
    listing = page.partition('id="rule"')[2].partition("</table>")[0]
    shown = re.findall(r'<tr><th scope="row">(\d+)</th><td>(.*?)</td></tr>', listing)
    assert [*range(first, len(lines) + 1)] == [int(number) for number, _ in shown]
    assert lines[first - 1 :] == [unescape(re.sub(r"<[^>]+>", "", line)) for _, line in shown]
    assert page.count("<details") >= FILES[RULE.replace(".rego", "_test.rego")].count("\ntest_")
    assert 'href="https://www.cityofevanston.org/"' in page
    assert 'href="/console/reviews?provision=stated_reason"' in page
    assert "it was added" in page


def test_lines_that_no_test_runs_are_marked(city: City) -> None:
    """As the check of the revision in force says; without one, that is said."""
    lawyers = governed(city)
    page = _text(lawyers.signed_in("records").client.get(ONE).text)
    assert "No check tells which lines no test runs." in page
    legal = lawyers.signed_in("legal")
    revision = lawyers.proposed(legal)
    report = check_of(revision, uncovered=uncovered(33))
    lawyers.enacted(lawyers.replayed(lawyers.checked(revision, report)))
    page = legal.client.get(ONE).text
    assert "1 line is run by no test." in _text(page)
    assert '<tr class="console-unrun"><th scope="row">33</th>' in page
    assert "Every line is run by a test." in _text(legal.client.get(f"{PAGE}/provisions/case_number").text)


def test_which_revisions_changed_a_provision(city: City) -> None:
    """The latest first, each with what it did; others did not change it."""
    lawyers = governed(city)
    legal = lawyers.signed_in("legal")
    revision = lawyers.enacted(lawyers.ready(legal))
    page = _text(legal.client.get(ONE).text.partition('id="history"')[2])
    changed, added = page.find("its rule or METADATA was changed"), page.find("it was added")
    assert 0 < changed < added
    assert revision.label in page
    other = legal.client.get(f"{PAGE}/provisions/case_number").text
    assert "METADATA was changed" not in other


HIDDEN = (RULE, "#   public: true", "#   public: false")


def test_a_hidden_provision_is_there_only_for_who_reads_requests(city: City) -> None:
    """To anybody else it is as one that does not exist; its section is no gap."""
    console = _under(city, law(HIDDEN))
    admin, auditor = console.signed_in("admin"), console.signed_in("auditor")
    assert "stated_reason" in auditor.client.get(PAGE).text
    assert "not public" in auditor.client.get(ONE).text
    page = admin.client.get(PAGE).text
    assert "stated_reason" not in page
    assert "The words say what happened" not in page
    assert 1 == page.count('class="console-gap"')
    missing, none = admin.client.get(ONE), admin.client.get(f"{PAGE}/provisions/no_such")
    assert (404, 404) == (missing.status_code, none.status_code)
    assert missing.text.replace("stated_reason", "no_such") == none.text


def test_of_a_hidden_provision_nothing_is_counted(city: City) -> None:
    """The public log does not name it, so the page says that it cannot tell."""
    page = _under(city, law(HIDDEN)).signed_in("auditor").client.get(ONE).text
    assert "The public log does not name this provision" in page


@pytest.mark.parametrize("code", ["no_such", "..", "%3Cscript%3E", "STATED_REASON", "stated_reason%00"])
def test_what_is_no_provision_is_missing(staffed: Staffed, code: str) -> None:
    """Whatever it is."""
    assert 404 == staffed.signed_in("auditor").client.get(f"{PAGE}/provisions/{code}").status_code


def test_what_the_law_says_is_text(city: City) -> None:
    """Its authors are trusted with decisions, not with the reader's browser."""
    title = '# title: "<b>x</b> <script>alert(1)</script>"'
    old = next(line for line in FILES[RULE].splitlines() if line.startswith("# title:"))
    ref = "https://www.cityofevanston.org/"
    bundle = law(
        (RULE, old, title),
        (RULE, ref, "javascript:alert(2)"),
        (RULE, "no_doubt\n}", 'no_doubt\n\t"<i>" != ""\n}'),
    )
    legal = _under(city, bundle).signed_in("legal")
    for page in (legal.client.get(PAGE).text, legal.client.get(ONE).text):
        assert "<script>alert" not in page
        assert "<i>" not in page
        assert 'href="javascript' not in page
    assert "javascript:alert(2)" in page


def test_statutes_that_cannot_be_read_are_said_to_be_so(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What there is otherwise is shown."""
    broken = {**FILES, "statutes.json": "{", "cases/denied/x.json": "["}
    monkeypatch.setattr(Lifecycle, "files", lambda *_: broken)
    answer = staffed.signed_in("legal").client.get(PAGE)
    assert (200, True, True) == (
        answer.status_code,
        "statutes.json: not JSON" in answer.text,
        "cases/denied/x.json:1: not JSON" in answer.text,
    )
    assert f"{PAGE}/provisions/stated_reason" in answer.text
    assert 200 == staffed.signed_in("auditor").client.get(ONE).status_code


def test_where_the_law_changes_meanwhile_no_page_mixes_two(city: City) -> None:
    """It says that it cannot be made just now."""
    put_in_force(city.state, reworded())
    console = Staffed(city, application(city.state, city.gate, city.tokens, lambda _: None))
    answer = console.signed_in("legal").client.get(PAGE)
    assert 503 == answer.status_code


def test_a_log_that_cannot_be_counted_is_said_to_be_so(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the law is shown."""
    monkeypatch.setattr("gatekeeper.web.console.policies.count_some", lambda _: None)
    page = staffed.signed_in("legal").client.get(PAGE).text
    assert "The decisions cannot be counted just now" in page
    assert "IL-1" in page
