"""Legal holds in the console: placed and lifted by whom, for what, seen by whom, and what is erased next."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import create_engine
from werkzeug.test import TestResponse

from gatekeeper.app import application
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger import Ledger
from gatekeeper.parts import agreement, holds, outlook_of
from gatekeeper.purge.erase import Plan
from gatekeeper.purge.holds import Told
from gatekeeper.purge.outlook import WHY, Outlook
from gatekeeper.review.roles import Role
from gatekeeper.web.console.placing import MOST
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import City, body
from tests.purge.made import COUNSEL

HOLDS: Final = "/console/holds"
WHY_HELD: Final = "Subpoena 26-CF-0100 of a made-up court"
WHY_LIFTED: Final = "The made-up court closed case 26-CF-0100"
SCRIPT: Final = "<script>alert(1)</script>"


def _token(browser: Browser) -> str:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    return form_token(cookie.value)


def _send(browser: Browser, path: str = "/new", **typed: str) -> TestResponse:
    return browser.client.post(f"{HOLDS}{path}", data={"form": _token(browser), **typed})


def _hidden(answer: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))


def _place(browser: Browser, *query_ids: str, why: str = WHY_HELD) -> TestResponse:
    """Take both steps, as a person does."""
    asked = _send(browser, queries="\n".join(query_ids), reason=why)
    assert 200 == asked.status_code, asked.text
    assert "Nothing is held until you confirm" in asked.text
    return browser.client.post(f"{HOLDS}/new", data=_hidden(asked))


def _in_force(staffed: Staffed) -> list[Told]:
    return holds(staffed.city.state).in_force(COUNSEL)


def _held(staffed: Staffed) -> list[str]:
    return sorted(one.query_id for one in _in_force(staffed))


def _events(staffed: Staffed, *families: str) -> list[str]:
    return [e["event"] for e in staffed.city.events() if e["event"].startswith(families)]


# --- Placing. ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["legal", "counsel"])
def test_who_may_places_and_lifts_in_two_steps_each(staffed: Staffed, role: Role) -> None:
    """The same entries as the command's, by the account, with the reason; its page says so, and the list."""
    query_id, person = staffed.asked(), staffed.signed_in(role)
    answer = _place(person, query_id)
    [hold] = _in_force(staffed)
    assert (303, f"{HOLDS}/{hold.id}") == (answer.status_code, answer.headers["Location"])
    assert (query_id, person.made.account.id, WHY_HELD) == (hold.query_id, hold.by, hold.reason)
    for page in (answer.headers["Location"], HOLDS):
        told = person.client.get(page).text
        for said in (query_id, WHY_HELD, "Pat Sample", "all of it can be read"):
            assert said in told, (page, said)
    review = person.client.get(f"/console/reviews/{query_id}").text
    assert f"{HOLDS}/{hold.id}" in review
    assert "Held for a court" in review

    way = f"/{hold.id}/lift"
    assert WHY_HELD in person.client.get(HOLDS + way).text
    asked = _send(person, way, reason=WHY_LIFTED)
    assert "Step 2 of 2" in asked.text
    assert [hold.id] == [one.id for one in _in_force(staffed)]
    assert 303 == person.client.post(HOLDS + way, data=_hidden(asked)).status_code
    assert [] == _in_force(staffed)
    told = person.client.get(HOLDS).text
    assert WHY_LIFTED in told
    assert "No hold is in force" in told
    assert WHY_LIFTED in person.client.get(f"{HOLDS}/{hold.id}").text
    assert ["purge.held", "purge.unheld"] == _events(staffed, "purge.")
    assert [] == agreement(staffed.city.state).differences()


def test_a_pasted_list_is_one_hold_each(staffed: Staffed) -> None:
    """However it is separated, and however often an id stands in it; a permitted query can be held, too."""
    denied = [staffed.asked() for _ in range(2)]
    permitted = staffed.city.ask(body()).query_id
    person = staffed.signed_in("legal")
    pasted = f" {denied[0]},{denied[1]};\r\n{permitted}\t{denied[0]} "
    answer = _place(person, pasted)
    assert (303, HOLDS) == (answer.status_code, answer.headers["Location"])
    assert sorted([*denied, permitted]) == _held(staffed)
    entry = next(i for i, e in enumerate(staffed.city.events()) if e["ref"] == permitted)
    assert "Held for a court" in person.client.get(f"/console/ledger/{entry}").text


def test_a_form_sent_again_is_no_second_hold(staffed: Staffed) -> None:
    """A second click, or a reload; another form is another hold, as two courts are."""
    query_id, person = staffed.asked(), staffed.signed_in("counsel")
    form = _hidden(_send(person, queries=query_id, reason=WHY_HELD))
    answers = [person.client.post(f"{HOLDS}/new", data=form) for _ in range(3)]
    assert 1 == len({(a.status_code, a.headers["Location"]) for a in answers})
    assert [query_id] == _held(staffed)
    asked = _send(person, queries=query_id, reason=WHY_HELD)
    assert "held already" in asked.text
    person.client.post(f"{HOLDS}/new", data=_hidden(asked))
    assert [query_id] * 2 == _held(staffed)


WRONG: Final = {
    "nothing": {"queries": " ,;"},
    "no such query": {"queries": "q_none"},
    "a script": {"queries": SCRIPT.replace(" ", "")},
    "a NUL": {"queries": "q_\0"},
    "a lone surrogate": {"queries": "q_\ud800"},
    "a book": {"queries": "q" * 100_000},
    "too many": {"queries": " ".join(f"q_{n}" for n in range(MOST + 1))},
    "no reason": {"reason": ""},
    "a dot": {"reason": "."},
    "a long reason": {"reason": "say " * 600},
    "not seen": {"sure": "yes"},
    "a forged form": {"sure": "yes", "act": "0" * 31},
    "another answer": {"sure": "maybe"},
}


def test_what_would_hold_nothing_comes_back_filled_in(staffed: Staffed) -> None:
    """With the fault at its field; nothing is on record; one unknown id of a list holds none of it."""
    query_id, person = staffed.asked(), staffed.signed_in("legal")
    before = len(staffed.city.events())
    for why, typed in WRONG.items():
        given = {"queries": query_id, "reason": WHY_HELD} | typed
        sent = {name: text.encode("utf-8", "surrogatepass") for name, text in given.items()}
        answer = person.client.post(f"{HOLDS}/new", data={"form": _token(person), **sent})
        assert (422, True) == (answer.status_code, "Nothing was done" in answer.text), why
        assert "<script>alert" not in answer.text
        assert ([], before) == (_held(staffed), len(staffed.city.events())), why
    answer = _send(person, queries=f"{query_id} q_none", reason=WHY_HELD, sure="yes", act="0" * 32)
    assert (422, True) == (answer.status_code, "The log has no query q_none." in answer.text)
    assert [] == _held(staffed)


def test_what_is_erased_cannot_be_held(staffed: Staffed) -> None:
    """The page says so at once, and again if it was erased between the two steps."""
    query_id, person = staffed.asked(), staffed.signed_in("legal")
    form = _hidden(_send(person, queries=query_id, reason=WHY_HELD))
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM private_details WHERE ref = '{query_id}'")  # noqa: S608  ours
    for answer in (
        _send(person, queries=query_id, reason=WHY_HELD),
        person.client.post(f"{HOLDS}/new", data=form),
    ):
        assert (422, True) == (answer.status_code, "it has been erased" in answer.text)
    assert [] == _held(staffed)


@pytest.mark.parametrize("role", ["records", "auditor"])
def test_who_sees_and_may_not_place(staffed: Staffed, role: Role) -> None:
    """They read who holds what and why, and find no way to change it."""
    query_id = staffed.asked()
    hold_id, _ = holds(staffed.city.state).place(query_id, COUNSEL, WHY_HELD)
    person = staffed.signed_in(role)
    for page in (HOLDS, f"{HOLDS}/{hold_id}", f"/console/reviews/{query_id}"):
        told = person.client.get(page)
        assert 200 == told.status_code
        assert hold_id in told.text
        assert "/lift" not in told.text
        assert "/holds/new" not in told.text
    assert WHY_HELD in person.client.get(HOLDS).text
    for path in ("/new", f"/{hold_id}/lift"):
        assert 403 == _send(person, path, queries=query_id, reason=WHY_HELD, sure="yes").status_code
    assert [query_id] == _held(staffed)


def test_an_administrator_sees_no_hold(staffed: Staffed) -> None:
    """Whoever manages accounts sees no request, in the log's pages neither."""
    query_id = staffed.asked()
    hold_id, _ = holds(staffed.city.state).place(query_id, COUNSEL, WHY_HELD)
    admin = staffed.signed_in("admin")
    assert 403 == admin.client.get(HOLDS).status_code
    entry = next(i for i, e in enumerate(staffed.city.events()) if e["ref"] == query_id)
    assert hold_id not in admin.client.get(f"/console/ledger/{entry}").text


def test_a_proof_is_asked_for_that_is_not_fresh(staffed: Staffed) -> None:
    """To place and to lift; what was typed is shown, and nothing was done."""
    query_id, person = staffed.asked(), staffed.signed_in("legal")
    hold_id, _ = holds(staffed.city.state).place(query_id, COUNSEL, WHY_HELD)
    form = _hidden(_send(person, queries=query_id, reason=WHY_HELD))
    then = staffed.city.state.clock.now() - timedelta(hours=1)
    with staffed.city.state.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE staff_sessions SET proved_at = '{then:%Y-%m-%d %H:%M:%S.%f}'")  # noqa: S608
    for path in ("/new?query=q_1", f"/{hold_id}/lift"):
        answer = person.client.get(HOLDS + path)
        assert answer.headers["Location"].startswith("/console/proof?next=%2Fconsole%2Fholds%2F")
    for path, typed in (("/new", form), (f"/{hold_id}/lift", {"reason": WHY_LIFTED, "sure": "yes"})):
        answer = _send(person, path, **{name: text for name, text in typed.items() if name != "form"})
        assert 403 == answer.status_code
        assert typed["reason"] in answer.text
    assert ["purge.held"] == _events(staffed, "purge.")
    assert 200 == person.client.get(HOLDS).status_code


# --- When it fails. ---------------------------------------------------------------------------------------


def test_what_the_log_did_not_take_is_said_not_to_be_held(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In red, with what is held; the same form sent again holds the rest, and nothing twice."""
    queries, person = [staffed.asked() for _ in range(3)], staffed.signed_in("legal")
    form = _hidden(_send(person, queries=" ".join(queries), reason=WHY_HELD))
    really, taken = Ledger.append, list[str]()

    def some(self: Ledger, draft: Any, *rest: Any) -> Any:
        if len(taken) == 1:
            raise LedgerUnavailable("gone")
        taken.append(draft.ref)
        return really(self, draft, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", some)
        answer = person.client.post(f"{HOLDS}/new", data=form)
    assert 503 == answer.status_code
    assert "Not everything is held" in answer.text
    assert 2 == answer.text.count("The log did not take it in time")
    assert queries[:1] == _held(staffed)
    assert 303 == person.client.post(f"{HOLDS}/new", data=_hidden(answer)).status_code
    assert sorted(queries) == _held(staffed)


def test_a_hold_whose_answer_was_lost_is_in_force(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was committed: the page looks, and says so."""
    query_id, person = staffed.asked(), staffed.signed_in("legal")
    form = _hidden(_send(person, queries=query_id, reason=WHY_HELD))
    really = Ledger.append

    def lose(self: Ledger, draft: Any, *rest: Any) -> Any:
        really(self, draft, *rest)
        raise LedgerUnavailable("no answer in time")

    monkeypatch.setattr(Ledger, "append", lose)
    assert 303 == person.client.post(f"{HOLDS}/new", data=form).status_code
    assert [query_id] == _held(staffed)


def test_a_lift_that_failed_leaves_it_in_force(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so; one that somebody else lifted meanwhile leads to its page; none twice."""
    hold_id, _ = holds(staffed.city.state).place(staffed.asked(), COUNSEL, WHY_HELD)
    person, typed = staffed.signed_in("counsel"), {"reason": WHY_LIFTED, "sure": "yes"}

    def refuse(*_: Any, **__: Any) -> None:
        raise LedgerUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", refuse)
        answer = _send(person, f"/{hold_id}/lift", **typed)
    assert (503, True) == (answer.status_code, "the hold is still in force" in answer.text)
    assert 1 == len(_in_force(staffed))
    assert 422 == _send(person, f"/{hold_id}/lift", reason=".", sure="yes").status_code
    for _ in range(2):
        answer = _send(person, f"/{hold_id}/lift", **typed)
        assert (303, f"{HOLDS}/{hold_id}") == (answer.status_code, answer.headers["Location"])
    assert 303 == person.client.get(f"{HOLDS}/{hold_id}/lift").status_code
    assert ["purge.held", "purge.unheld"] == _events(staffed, "purge.")
    for path in ("hold_none", "hold_%00", "%ED%A0%80", "x" * 3000):
        for way in ("", "/lift"):
            assert 404 == person.client.get(f"{HOLDS}/{path}{way}").status_code


def test_a_hold_that_only_the_log_has_is_told_in_red(staffed: Staffed) -> None:
    """With its query and reason; nothing is erased until then; anew and lifted, all is well."""
    query_id = staffed.asked()
    hold_id, _ = holds(staffed.city.state).place(query_id, COUNSEL, WHY_HELD)
    engine = create_engine(f"sqlite:///{staffed.city.state.settings.data / 'state.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER legal_holds_no_delete")
        connection.exec_driver_sql("DELETE FROM legal_holds")
    engine.dispose()
    person = staffed.signed_in("legal")
    told = person.client.get(HOLDS).text
    for said in ("The log has a hold that the database does not have", query_id, WHY_HELD, "only in the log"):
        assert said in told
    assert "Only the log has it" in person.client.get(f"{HOLDS}/{hold_id}").text
    _place(person, query_id)
    assert 303 == _send(person, f"/{hold_id}/lift", reason=WHY_LIFTED, sure="yes").status_code
    assert "Only the log has it" not in person.client.get(f"{HOLDS}/{hold_id}").text
    assert "only in the log" not in person.client.get(HOLDS).text
    assert [] == agreement(staffed.city.state).differences()


# --- What is erased next. ---------------------------------------------------------------------------------


def test_what_is_erased_next_is_told_without_a_retention_and_with_one(staffed: Staffed) -> None:
    """By the settings and the law, as the erasure itself would have it; nothing is logged by looking."""
    person, state = staffed.signed_in("auditor"), staffed.city.state
    staffed.asked()
    before, data = len(staffed.city.events()), staffed.city.gate.engine.bundle.data
    assert "None comes by itself" in person.client.get(HOLDS).text
    set_ = replace(state.settings, retention_days=400)
    found = outlook_of(replace(state, settings=set_))(data)
    assert (400, None, None) == (found.city, found.why, found.last)
    today = datetime.now(UTC).date()
    assert (today, today + timedelta(days=401)) == (found.next_day, found.next_on)
    wrong = outlook_of(replace(state, settings=replace(set_, retention_days=3)))(data)
    assert "setting" == wrong.why
    assert "law" == outlook_of(state)({}).why
    assert before == len(staffed.city.events())


ENDED: Final = (date(2026, 1, 2), datetime(2026, 2, 3, 4, 5, tzinfo=UTC))
DUE: Final = Plan(date(2026, 3, 4), (date(2026, 3, 2), date(2026, 3, 3)), 7, 1, 2, 0)
TOLD: Final = (
    (Outlook(0, 0, None, "unset"), ("without end", "None comes by itself", "none yet")),
    (
        Outlook(40, 30, ENDED, "setting"),
        ("40 days", "30 days", "all before 2026-01-02", "not one that may be"),
    ),
    (Outlook(40, 0, ENDED, "law"), ("does not say how long",)),
    (Outlook(40, 0, ENDED, "clock"), ("clock is more than a day",)),
    (Outlook(40, 0, ENDED, "holds"), ("missing from the database",)),
    (Outlook(40, 0, ENDED, "too_many", DUE), ("Waits for a person", "2 days are due")),
    (
        Outlook(40, 0, ENDED, None, DUE, 3),
        (
            "Within the hour.", "2 days are due", "2026-03-02", "2026-03-03", "7 entries", "1 paper",
            "What 2 queries need", "What was kept of 3 queries",
        ),
    ),
    (
        Outlook(40, 0, None, None, replace(DUE, days=()), 0, date(2026, 5, 6), date(2026, 6, 16)),
        ("The detail of 2026-05-06, on 2026-06-16",),
    ),
    (Outlook(40, 0, None, None, replace(DUE, days=())), ("There is nothing to erase",)),
)  # fmt: skip


def test_each_outlook_is_told(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also why nothing is erased; each reason that there is has its words."""
    assert set(WHY) == {found.why for found, _ in TOLD} - {None}
    present = list[Outlook]()
    monkeypatch.setattr("gatekeeper.app.outlook_of", lambda _: lambda _: present[-1])
    person = Staffed(city, application(city.state, city.gate, city.tokens, lambda _: None)).signed_in(
        "records"
    )
    for found, said in TOLD:
        present.append(found)
        told = " ".join(re.sub(r"<[^>]+>", " ", person.client.get(HOLDS).text).split())
        for text in said:
            assert text in told, (found, text)


def test_lifted_holds_go_on_from_page_to_page(staffed: Staffed) -> None:
    """The latest first, none twice and none left out; a place that nobody gave is the beginning."""
    query_id, acts, person = staffed.asked(), holds(staffed.city.state), staffed.signed_in("auditor")
    ids = [acts.place(query_id, COUNSEL, WHY_HELD)[0] for _ in range(27)]
    for hold_id in ids:
        acts.lift(hold_id, COUNSEL, WHY_LIFTED)
    first = person.client.get(HOLDS).text
    further = re.search(r'href="(/console/holds\?after=[^"]+)"', first)
    assert further is not None
    second = person.client.get(further[1].replace("&amp;", "&")).text
    shown = [re.findall(r'href="/console/holds/(hold_\w+)"', text) for text in (first, second)]
    assert [25, 2] == [len(one) for one in shown]
    lifted = {hold_id: acts.record.find(hold_id) for hold_id in ids}
    times = {hold_id: hold.lifted_at for hold_id, hold in lifted.items() if hold and hold.lifted_at}
    assert sorted(times.values()) == [times[hold_id] for hold_id in ids]
    # Of those that were lifted in one thousandth of a second the order is that of their ids.
    assert sorted(ids, key=lambda one: (times[one], one), reverse=True) == [*shown[0], *shown[1]]
    assert 200 == person.client.get(f"{HOLDS}?after={SCRIPT}").status_code


def test_holds_in_force_go_on_from_page_to_page(staffed: Staffed) -> None:
    """The oldest first, none twice and none left out; a place that is none is the first."""
    query_id, acts, person = staffed.asked(), holds(staffed.city.state), staffed.signed_in("auditor")
    ids = [acts.place(query_id, COUNSEL, WHY_HELD)[0] for _ in range(53)]
    first = person.client.get(HOLDS).text
    assert f'href="{HOLDS}?from=50"' in first
    second = person.client.get(f"{HOLDS}?from=50").text
    shown = [re.findall(r'href="/console/holds/(hold_\w+)"', text) for text in (first, second)]
    assert ids == [*shown[0], *shown[1]]
    assert "No further hold is in force" in person.client.get(f"{HOLDS}?from=999999").text
    for typed in ("-1", "x", "9" * 40, "%00", ""):
        assert ids[:50] == re.findall(
            r'href="/console/holds/(hold_\w+)"', person.client.get(f"{HOLDS}?from={typed}").text
        )
