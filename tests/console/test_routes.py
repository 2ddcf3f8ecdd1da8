"""Every route of the console: who reaches it, and that a form of another site does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from gatekeeper.review.roles import ROLES, Act, Role, may
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed

EVERYBODY: Final = "read_policies"  # every role may
DOOR: Final = {
    ("GET", "/console/sign-in"),
    ("POST", "/console/sign-in"),
    ("GET", "/console/language"),
    ("GET", "/console/signed-out"),
    ("GET", "/console/static/<path:filename>"),
}
"""What a stranger reaches: the form of sign-in, and what it is shown with."""

ACTS: Final = "ask, note, escalate, uphold, reopen, take_back, unverify"
REACHES: Final[dict[tuple[str, str], Act]] = {
    ("GET", "/console/"): EVERYBODY,
    ("POST", "/console/sign-out"): EVERYBODY,
    ("GET", "/console/proof"): EVERYBODY,
    ("POST", "/console/proof"): EVERYBODY,
    ("GET", "/console/account"): EVERYBODY,
    ("POST", "/console/account/sessions"): EVERYBODY,
    ("GET", "/console/account/password"): EVERYBODY,
    ("POST", "/console/account/password"): EVERYBODY,
    ("GET", "/console/account/authenticator"): EVERYBODY,
    ("POST", "/console/account/authenticator"): EVERYBODY,
    ("GET", "/console/account/recovery-codes"): EVERYBODY,
    ("POST", "/console/account/recovery-codes"): EVERYBODY,
    ("GET", "/console/people"): "manage_staff",
    ("GET", "/console/people/add"): "manage_staff",
    ("POST", "/console/people/add"): "manage_staff",
    ("GET", "/console/people/<account_id>"): "manage_staff",
    ("POST", "/console/people/<account_id>/<any(role, reset, remove):change>"): "manage_staff",
    ("GET", "/console/reviews"): "read_reviews",
    ("GET", "/console/reviews/search"): "read_reviews",
    ("POST", "/console/reviews/search"): "unmask",
    ("POST", "/console/reviews/views"): "read_reviews",
    ("POST", "/console/reviews/views/<any(rename, delete):act>"): "read_reviews",
    ("POST", "/console/reviews/assign"): "rule_as_staff",
    ("POST", "/console/reviews/export"): "export",
    ("GET", "/console/reviews/<query_id>"): "read_reviews",
    ("GET", "/console/documents/<document_id>"): "rule_as_staff",
    ("GET", "/console/reviews/<query_id>/letter"): "read_reviews",
    ("GET", "/console/reviews/<query_id>/rule"): "rule_as_staff",
    ("POST", "/console/reviews/<query_id>/rule"): "rule_as_staff",
    ("POST", f"/console/reviews/<query_id>/<any({ACTS}):act>"): "rule_as_staff",
    ("POST", "/console/reviews/<query_id>/verify"): "rule_as_staff",
    ("POST", "/console/reviews/<query_id>/unmask"): "unmask",
    ("GET", "/console/dashboard"): "read_figures",
    ("POST", "/console/dashboard/<name>.csv"): "export",
    ("GET", "/console/reviews/<query_id>/case"): "propose_case",
    ("POST", "/console/reviews/<query_id>/case"): "propose_case",
    ("GET", "/console/cases"): EVERYBODY,
    ("GET", "/console/cases/<case_id>"): EVERYBODY,
    ("POST", "/console/cases/<case_id>/<any(accept, reject):act>"): "approve_policies",
    ("GET", "/console/policies/draft"): EVERYBODY,
    ("GET", "/console/policies/draft/file"): "approve_policies",
    ("POST", "/console/policies/draft/save"): "approve_policies",
    ("POST", "/console/policies/draft/remove"): "approve_policies",
    ("POST", "/console/policies/draft/restore"): "approve_policies",
    ("POST", "/console/policies/draft/<any(check, tests):ask>"): "approve_policies",
    ("POST", "/console/policies/draft/diagnostics"): "approve_policies",
    ("GET", "/console/policies/draft/new"): "approve_policies",
    ("POST", "/console/policies/draft/new"): "approve_policies",
    ("GET", "/console/policies/draft/changes"): "approve_policies",
    ("POST", "/console/policies/draft/rebase"): "approve_policies",
    ("GET", "/console/policies/draft/discard"): "approve_policies",
    ("POST", "/console/policies/draft/discard"): "approve_policies",
    ("GET", "/console/policies/draft/propose"): "approve_policies",
    ("POST", "/console/policies/draft/propose"): "approve_policies",
    ("GET", "/console/stops"): "read_figures",
    ("GET", "/console/stops/<stop_id>"): "read_figures",
    ("GET", "/console/stops/new"): "stop_sharing",
    ("POST", "/console/stops/confirm"): "stop_sharing",
    ("POST", "/console/stops"): "stop_sharing",
    ("GET", "/console/stops/<stop_id>/resume"): "stop_sharing",
    ("POST", "/console/stops/<stop_id>/resume"): "stop_sharing",
    ("GET", "/console/stops/<stop_id>/resume-all"): "stop_sharing",
    ("POST", "/console/stops/<stop_id>/resume-all"): "stop_sharing",
    ("GET", "/console/holds"): "read_reviews",
    ("GET", "/console/holds/<hold_id>"): "read_reviews",
    ("GET", "/console/holds/new"): "hold_detail",
    ("POST", "/console/holds/new"): "hold_detail",
    ("GET", "/console/holds/<hold_id>/lift"): "hold_detail",
    ("POST", "/console/holds/<hold_id>/lift"): "hold_detail",
    ("GET", "/console/ledger"): "read_ledger",
    ("GET", "/console/ledger/<index>"): "read_ledger",
    ("GET", "/console/ledger/<index>/proof.<any(txt, json):form>"): "read_ledger",
    ("GET", "/console/ledger/checkpoint"): "read_ledger",
    ("GET", "/console/ledger/checks"): "read_ledger",
    ("POST", "/console/ledger/checks"): "read_ledger",
    ("POST", "/console/ledger/export"): "read_ledger",
    ("GET", "/console/samples"): "read_figures",
    ("POST", "/console/samples"): "judge_samples",
    ("GET", "/console/samples/<sample_id>"): "read_figures",
    ("POST", "/console/samples/<sample_id>.csv"): "export",
    ("GET", "/console/samples/<sample_id>/<int:number>"): "judge_samples",
    ("POST", "/console/samples/<sample_id>/<int:number>"): "judge_samples",
    ("GET", "/console/notices"): "read_reviews",
    ("POST", "/console/notices/<delivery_id>/try"): "rule_as_staff",
    ("GET", "/console/policies"): EVERYBODY,
    ("GET", "/console/policies/provisions/<code>"): EVERYBODY,
    ("GET", "/console/policies/revisions"): EVERYBODY,
    ("GET", "/console/policies/revisions/<revision_id>"): EVERYBODY,
    ("GET", "/console/policies/revisions/<revision_id>/progress"): EVERYBODY,
    ("POST", "/console/policies/revisions/<revision_id>/check"): "approve_policies",
    ("POST", "/console/policies/revisions/<revision_id>/replay"): "approve_policies",
    ("POST", "/console/policies/revisions/<revision_id>/replay.<any(json, csv):form>"): "approve_policies",
    ("GET", "/console/policies/revisions/<revision_id>/approve"): "approve_policies",
    ("POST", "/console/policies/revisions/<revision_id>/approve"): "approve_policies",
    ("GET", "/console/policies/revisions/<revision_id>/reject"): "approve_policies",
    ("POST", "/console/policies/revisions/<revision_id>/reject"): "approve_policies",
    ("POST", "/console/policies/revisions/<revision_id>/schedule"): "approve_policies",
    ("GET", "/console/policies/revisions/<revision_id>/rollback"): "approve_policies",
    ("POST", "/console/policies/revisions/<revision_id>/rollback"): "approve_policies",
    ("GET", "/console/policies/revisions/<revision_id>/shadow"): "approve_policies",
    ("POST", "/console/policies/revisions/<revision_id>/shadow/<any(begin, end):act>"): "approve_policies",
    ("GET", "/console/agencies"): "read_figures",
    ("GET", "/console/agencies/<agency_id>"): "read_figures",
    ("GET", "/console/agencies/<agency_id>/<any(suspend, reinstate):act>"): "stop_sharing",
    ("POST", "/console/agencies/<agency_id>/<any(suspend, reinstate):act>"): "stop_sharing",
    ("GET", "/console/policies/lexicon"): EVERYBODY,
    ("POST", "/console/policies/lexicon"): "approve_policies",
    ("POST", "/console/policies/lexicon/count"): EVERYBODY,
    ("GET", "/console/policies/try"): EVERYBODY,
    ("POST", "/console/policies/try"): EVERYBODY,
    ("GET", "/console/policies/try/<query_id>"): "read_reviews",
}
"""Who reaches each route: the act that the table of roles gives or does not give."""


def _routes(staffed: Staffed) -> Iterator[tuple[str, Rule]]:
    for rule in staffed.app.url_map.iter_rules():
        if rule.endpoint.startswith("console."):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, rule


def _path(rule: Rule) -> str:
    """Return an address of the route; what it is about does not exist."""
    text = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: "1" if found[1] == "int" else "none", text)


def _token(browser: Browser) -> str:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return form_token(cookie.value)


def _leads_to_the_door(answer: TestResponse) -> bool:
    return 303 == answer.status_code and answer.headers["Location"].startswith("/console/sign-in?next=")


def test_every_route_is_in_the_table(staffed: Staffed) -> None:
    """A route that is added says here who reaches it; one that is gone is gone from here."""
    found = {(method, rule.rule) for method, rule in _routes(staffed)}
    assert found == REACHES.keys() | DOOR


def test_without_a_session_every_route_leads_to_the_door(staffed: Staffed) -> None:
    """But the door itself."""
    client = staffed.app.test_client()
    inside = [(m, r) for m, r in _routes(staffed) if (m, r.rule) not in DOOR]
    assert [] == [(m, r.rule) for m, r in inside if not _leads_to_the_door(client.open(_path(r), method=m))]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_what_the_table_of_roles_says(staffed: Staffed, role: Role) -> None:
    """No more and no less: a page that it may not open says so, also for what does not exist."""
    wrong = []
    browser = staffed.signed_in(role)
    token = _token(browser)
    for method, rule in sorted(_routes(staffed), key=lambda r: r[1].endpoint.endswith("leave")):
        if (method, rule.rule) in DOOR:
            continue
        answer = browser.client.open(_path(rule), method=method, data={"form": token})
        refused = 403 == answer.status_code and "Not for your role" in answer.text
        if refused is may(role, REACHES[method, rule.rule]):
            wrong.append((method, rule.rule, answer.status_code))
    assert [] == wrong


def test_a_form_that_is_not_ours_does_nothing(staffed: Staffed) -> None:
    """No token, an empty one, another browser's, or a browser that says the form came from elsewhere."""
    counsel, admin = staffed.signed_in("counsel"), staffed.signed_in("admin")
    wrong = []
    for method, rule in _routes(staffed):
        if method != "POST" or (method, rule.rule) in DOOR:
            continue
        own = counsel if may("counsel", REACHES[method, rule.rule]) else admin
        other = admin if own is counsel else counsel
        before = staffed.city.state.rows.head().size
        for form, site in (
            ({}, "same-origin"),
            ({"form": ""}, "same-origin"),
            ({"form": _token(other)}, "same-origin"),
            ({"form": _token(own)}, "cross-site"),
            ({"form": _token(own)}, "same-site"),
            ({"form": _token(own)}, "none"),
        ):
            answer = own.client.post(_path(rule), data=form, headers={"Sec-Fetch-Site": site})
            if 403 != answer.status_code or "Please try again" not in answer.text:
                wrong.append((rule.rule, form.keys(), site, answer.status_code))
        assert before == staffed.city.state.rows.head().size, rule.rule
    assert [] == wrong


def test_every_page_is_under_one_strict_policy(staffed: Staffed) -> None:
    """No script of a caller's, no frame, no cache, no guessing at a type; whoever reads it."""
    people = [staffed.signed_in(role) for role in ("counsel", "admin", "legal")]
    wrong = []
    for method, rule in _routes(staffed):
        if method != "GET" or rule.endpoint == "console.static":
            continue
        for client in [staffed.app.test_client(), *(person.client for person in people)]:
            headers = client.get(_path(rule)).headers
            policy = headers.get("Content-Security-Policy", "")
            sound = (
                "no-store" == headers["Cache-Control"]
                and "nosniff" == headers["X-Content-Type-Options"]
                and policy.startswith("default-src 'none'")
                and "frame-ancestors 'none'" in policy
                and "unsafe" not in policy
            )
            if not sound:
                wrong.append((rule.rule, dict(headers)))
    assert [] == wrong
