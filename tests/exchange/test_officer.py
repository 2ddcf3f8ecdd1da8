"""The officer behind a query: merely named, proved by an assertion, or refused; and suspended."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gatekeeper.app import application
from gatekeeper.cli import client
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.cli.officer import officers
from gatekeeper.errors import (
    InvalidRequest,
    OfficerRefused,
    OperatorError,
    PolicyUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from gatekeeper.exchange import Answer, answer, further_records
from gatekeeper.exchange.appeal import appeal
from gatekeeper.exchange.authenticate import REASONS
from gatekeeper.exchange.officer import OfficerMarks
from gatekeeper.exchange.parse import read_again
from gatekeeper.exchange.presence import presence
from gatekeeper.exchange.presented import Presented
from gatekeeper.ledger import Draft
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.review.secrets import SecretsKey
from gatekeeper.store import administration
from tests.exchange.city import City, body
from tests.exchange.test_proofs import KEY, shown
from tests.oauth.city import public, sign
from tests.policy.laws import shipped_with

AGENCY = "sample-il-pd"
HERE = {"clients_this_hour": 1, "hours_today": 1}
WHY = "Letter of the chief of 3 November"
ED, RSA = OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
STRANGER = ECKey.generate_key("P-256")


@pytest.fixture
def bound(city: City) -> City:
    """The city, its agency's client one of the profile ``fapi``."""
    made = client.register(city.state, AGENCY, key=public_key(KEY.as_pem(private=False)), profile="fapi")
    return city.with_clients({**city.clients, AGENCY: made.client.id})


def claims(city: City, **changes: Any) -> dict[str, Any]:
    """Return what a good assertion says; a change to None leaves a claim out."""
    now = int(datetime.now(UTC).timestamp())
    said = {
        "iss": city.clients[AGENCY],
        "sub": "officer-17",
        "aud": city.state.settings.issuer,
        "iat": now,
        "exp": now + 300,
        "jti": secrets.token_urlsafe(9),
        "name": "Pat Example",
        "badge": "4411",
        "role": "detective",
        "training": (datetime.now(UTC) - timedelta(days=40)).date().isoformat(),
        "sid": "session-1",
        "auth_time": now - 3 * 3600,
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def assertion(city: City, header: dict[str, Any] | None = None, key: Any = KEY, **changes: Any) -> str:
    """Return a signed assertion."""
    own = {"typ": "officer-assertion+jwt", "alg": "ES256", "kid": KEY.thumbprint()}
    return sign(own | (header or {}), claims(city, **changes), key)


def sworn(city: City, text: str | None) -> Presented:
    """Return what a good request presents, with that assertion."""
    return replace(shown(city), officer=text)


def ask(city: City, text: str | None, **changes: Any) -> Answer:
    """Ask for the sample plate with that assertion."""
    return answer(city.gate, sworn(city, text), json.dumps(body(**changes)).encode())


def judged(city: City) -> dict[str, Any]:
    """Return the officer of the last decision, as the policy was told of it."""
    decided = [e for e in city.state.rows.entries(0, 10_000) if e.event == "query.decided"]
    found: Any = city.state.ledger.detail_of(decided[-1].index).detail["input"]
    officer: dict[str, Any] = found["officer"]
    return officer


def codes(given: Answer) -> set[str]:
    """Return what a denial names."""
    assert 403 == given.status
    return set(given.provisions)


def test_an_officer_who_is_merely_named_may_ask_as_before(bound: City) -> None:
    """Existing clients go on, and the facts say that nothing was proved."""
    assert 200 == ask(bound, None).status
    merely = {"role": None, "training_age_days": None, "session_age_hours": None} | HERE
    assert {"proved": False, "suspended": False, **merely} == judged(bound)


def test_a_good_assertion_proves_the_officer(bound: City) -> None:
    """Role, age of the training and of the session become facts; the session's name does not."""
    text = assertion(bound)
    assert 200 == ask(bound, text).status
    known = {"role": "detective", "training_age_days": 40, "session_age_hours": 3} | HERE
    assert {"proved": True, "suspended": False, **known} == judged(bound)
    public_log = json.dumps(bound.events())
    for private in ("session-1", "officer-17", "detective", text):
        assert private not in public_log


@pytest.mark.parametrize("badge", ["44-11", " 4411 ", "4411.", "\uff14\uff14\uff11\uff11"])
def test_how_the_officer_is_spelled_makes_no_difference(bound: City, badge: str) -> None:
    """Badge and name are compared by their letters and digits, as everywhere."""
    assert 200 == ask(bound, assertion(bound, badge=badge, name="PAT  Example")).status


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"badge": "4412"}, "/requester/badge"),
        ({"name": "Lee Example"}, "/requester/name"),
        ({"badge": "4411a"}, "/requester/badge"),
    ],
)
def test_another_officer_than_the_query_names_is_refused(
    bound: City, changes: dict[str, Any], pointer: str
) -> None:
    """422, and the fault says which; nothing is decided, and the assertion is not used up by it."""
    with pytest.raises(InvalidRequest) as refused:
        ask(bound, assertion(bound, **changes))
    assert [pointer] == [fault.pointer for fault in refused.value.faults]
    assert "query.decided" not in [entry["event"] for entry in bound.events()]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unsigned(city: City, alg: str) -> str:
    head = _b64(json.dumps({"typ": "officer-assertion+jwt", "alg": alg, "kid": KEY.thumbprint()}).encode())
    return f"{head}.{_b64(json.dumps(claims(city)).encode())}."


def _by_hmac(city: City) -> str:
    head = _unsigned(city, "HS256").rstrip(".")
    secret = KEY.as_pem(private=False)
    return f"{head}.{_b64(hmac.digest(secret, head.encode(), sha256))}"


def moment() -> int:
    """Return this second: a table that is made at import is old by the time that it is tried."""
    return int(datetime.now(UTC).timestamp())


WRONG: dict[str, tuple[Any, str]] = {
    "empty": (lambda _: "", "officer_malformed"),
    "no JWT": (lambda _: "Pat Example, 4411", "officer_malformed"),
    "two of them": (lambda c: f"{assertion(c)}, {assertion(c)}", "officer_malformed"),
    "a letter that is none": (lambda c: assertion(c) + "é", "officer_malformed"),
    "oversized": (lambda c: assertion(c, role="x" * 9000), "officer_malformed"),
    "alg none": (lambda c: _unsigned(c, "none") + "x", "officer_algorithm"),
    "no signature": (lambda c: _unsigned(c, "ES256"), "officer_malformed"),
    "HS256 with the public key": (_by_hmac, "officer_algorithm"),
    "crit": (lambda c: assertion(c, {"crit": ["b64"]}), "officer_malformed"),
    "an embedded key": (
        lambda c: assertion(c, {"jwk": public(STRANGER)}, STRANGER),
        "officer_malformed",
    ),
    "a key's address": (lambda c: assertion(c, {"jku": "https://x.invalid"}), "officer_malformed"),
    "a stranger's key": (lambda c: assertion(c, key=STRANGER), "officer_signature"),
    "an unknown kid": (lambda c: assertion(c, {"kid": "other"}), "officer_key"),
    "no kid": (lambda c: assertion(c, {"kid": ""}), "officer_key"),
    "another algorithm than the key's": (
        lambda c: assertion(c, {"alg": "PS256"}, RSA),
        "officer_algorithm",
    ),
    "a client assertion": (lambda c: assertion(c, {"typ": "JWT"}), "officer_type"),
    "an access token": (lambda c: assertion(c, {"typ": "at+jwt"}), "officer_type"),
    "another client": (lambda c: assertion(c, iss="client-other"), "officer_issuer"),
    "no issuer": (lambda c: assertion(c, iss=None), "officer_issuer"),
    "a list of audiences": (lambda c: assertion(c, aud=[c.state.settings.issuer]), "officer_audience"),
    "the token endpoint": (
        lambda c: assertion(c, aud=c.state.settings.issuer + "/oauth/token"),
        "officer_audience",
    ),
    "no audience": (lambda c: assertion(c, aud=None), "officer_audience"),
    "no jti": (lambda c: assertion(c, jti=None), "officer_claims"),
    "a jti that is a number": (lambda c: assertion(c, jti=7), "officer_claims"),
    "no end": (lambda c: assertion(c, exp=None), "officer_claims"),
    "an end that is a fraction": (lambda c: assertion(c, exp=moment() + 99.5), "officer_claims"),
    "a time that is true": (lambda c: assertion(c, iat=True), "officer_claims"),
    "eleven minutes": (lambda c: assertion(c, exp=moment() + 660), "officer_life"),
    "over": (lambda c: assertion(c, iat=moment() - 500, exp=moment() - 100), "officer_expired"),
    "not yet": (lambda c: assertion(c, iat=moment() + 120, exp=moment() + 240), "officer_not_yet"),
    "not before": (lambda c: assertion(c, nbf=moment() + 120), "officer_not_yet"),
    "no subject": (lambda c: assertion(c, sub=None), "officer_claims"),
    "no name": (lambda c: assertion(c, name=None), "officer_claims"),
    "a name of signs": (lambda c: assertion(c, name="--"), "officer_claims"),
    "no badge": (lambda c: assertion(c, badge=None), "officer_claims"),
    "a badge that is a number": (lambda c: assertion(c, badge=4411), "officer_claims"),
    "a role with a line break": (lambda c: assertion(c, role="a\nb"), "officer_claims"),
    "half a pair": (lambda c: assertion(c, role="\ud800"), "officer_claims"),
    "a training that is no day": (lambda c: assertion(c, training="2026-02-30"), "officer_claims"),
    "a training in another notation": (lambda c: assertion(c, training="20261122"), "officer_claims"),
    "a training that is a number": (lambda c: assertion(c, training=7), "officer_claims"),
    "no session": (lambda c: assertion(c, sid=None), "officer_session"),
    "no beginning": (lambda c: assertion(c, auth_time=None), "officer_session"),
    "a session that begins tomorrow": (lambda c: assertion(c, auth_time=moment() + 86400), "officer_session"),
    "a beginning that is true": (lambda c: assertion(c, auth_time=True), "officer_session"),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[City]:
    """One city for all that is refused: nothing of it is left there."""
    from tests.exchange.city import founded  # noqa: PLC0415  the other tests have a city of their own

    opened = founded(tmp_path_factory.mktemp("officers") / "city", bundle)
    made = client.register(opened.state, AGENCY, key=public_key(KEY.as_pem(private=False)), profile="fapi")
    yield opened.with_clients({**opened.clients, AGENCY: made.client.id})
    opened.state.close()


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_assertion_is_never_taken_for_none(shared: City, name: str) -> None:
    """Refused with its cause in our words; nothing is decided, fetched or used up."""
    made, reason = WRONG[name]
    with pytest.raises(OfficerRefused) as refused:
        ask(shared, made(shared))
    assert reason == refused.value.reason
    assert reason in REASONS
    assert [] == shared.reads.asked
    assert "query.decided" not in [entry["event"] for entry in shared.events()]


def test_a_revoked_key_proves_nobody(bound: City) -> None:
    """The token of another key still holds; the officer's assertion does not."""
    other = public_key(ED.as_pem(private=False))
    owner = bound.state.registry.client(bound.clients[AGENCY])
    assert owner is not None
    append = bound.state.ledger.append
    draft = Draft(
        "credential.key_added",
        "credential_0123456789abcdef",
        {"agency": AGENCY, "client": owner.id, "profile": "fapi"},
        {"kid": other.kid, "by": "test"},
        {},
    )
    append(draft, administration.add_key(owner.id, other))
    head = {"alg": "Ed25519", "kid": other.kid}
    assert 200 == ask(bound, assertion(bound, head, ED)).status
    revoked = replace(draft, event="credential.key_revoked")
    append(revoked, administration.revoke_key(owner.id, other.kid))
    with pytest.raises(OfficerRefused, match="officer_key"):
        ask(bound, assertion(bound, head, ED))


def test_a_key_past_its_last_day_proves_nobody(bound: City) -> None:
    """As with the token: the day that it was registered until counts for all that it signs."""
    given = public_key(ED.as_pem(private=False))
    client_id, now = bound.clients[AGENCY], int(datetime.now(UTC).timestamp())
    for kid, end in (("until-later", now + 600), ("until-now", now)):
        draft = Draft(
            "credential.key_added",
            "credential_0123456789abcdef",
            {"agency": AGENCY, "client": client_id, "profile": "fapi"},
            {"kid": kid, "by": "test"},
            {},
        )
        key = replace(given, kid=kid, jwk={**given.jwk, "exp": end})
        bound.state.ledger.append(draft, administration.add_key(client_id, key))
    assert 200 == ask(bound, assertion(bound, {"alg": "Ed25519", "kid": "until-later"}, ED)).status
    with pytest.raises(OfficerRefused, match="officer_key"):
        ask(bound, assertion(bound, {"alg": "Ed25519", "kid": "until-now"}, ED))


def test_an_assertion_works_once(bound: City) -> None:
    """It is used up by the decision, whatever is asked the second time; the log says nothing of that."""
    text = assertion(bound)
    assert 200 == ask(bound, text).status
    before = len(bound.events())
    for changes in ({}, {"purpose__case_number": ""}):
        with pytest.raises(OfficerRefused, match="officer_replayed"):
            ask(bound, text, **changes)
    assert before == len(bound.events())


def test_an_assertion_that_was_not_decided_on_may_come_again(bound: City) -> None:
    """A request that could not be read uses nothing up."""
    text = assertion(bound)
    with pytest.raises(InvalidRequest):
        answer(bound.gate, sworn(bound, text), b"{}")
    assert 200 == ask(bound, text).status


def test_of_many_requests_with_one_assertion_one_is_decided(bound: City) -> None:
    """Each with a proof of its own: they race for the log's lock."""
    text, outcomes = assertion(bound), list[str]()

    def once() -> None:
        try:
            outcomes.append(str(ask(bound, text).status))
        except Unauthenticated as refused:
            outcomes.append(refused.reason)

    threads = [threading.Thread(target=once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["200", *["officer_replayed"] * 7] == sorted(outcomes)


def _further(city: City, query_id: str, cursor: str, text: str | None) -> Answer:
    presented = shown(city, f"/v1/queries/{query_id}/records", "GET")
    return further_records(city.gate, replace(presented, officer=text), query_id, cursor)


def test_each_page_is_decided_on_what_it_proves_itself(bound: City) -> None:
    """A page without an assertion is one of somebody merely named; one of another officer is refused."""
    given = ask(bound, assertion(bound))
    following = json.loads(given.body)["next"]
    assert 200 == _further(bound, given.query_id, following, None).status
    assert judged(bound)["proved"] is False
    assert 200 == _further(bound, given.query_id, following, assertion(bound)).status
    assert judged(bound)["proved"] is True
    with pytest.raises(InvalidRequest):
        _further(bound, given.query_id, following, assertion(bound, badge="4412"))


def _appeal(city: City, query_id: str, text: str | None) -> Answer:
    presented = replace(shown(city, f"/v1/queries/{query_id}/appeal"), officer=text)
    return appeal(city.gate, presented, query_id, json.dumps({"message": "The car was stolen"}).encode())


def test_an_appeal_may_prove_the_officer_too(bound: City) -> None:
    """Once, of the officer of the query, and before anything is recorded."""
    given = ask(bound, None, purpose__narrative="investigation")
    assert "stated_reason" in codes(given)
    text = assertion(bound)
    _appeal(bound, given.query_id, text)
    assert judged(bound)["proved"] is True
    before = len(bound.events())
    with pytest.raises(OfficerRefused, match="officer_replayed"):
        _appeal(bound, given.query_id, text)
    with pytest.raises(InvalidRequest):
        _appeal(bound, given.query_id, assertion(bound, name="Lee Example"))
    assert before == len(bound.events())


REQUIRED = {"officer_proof": dict.fromkeys(("local", "state", "federal", "tribal"), "required")}


@pytest.fixture(scope="module")
def strict() -> Bundle:
    """Return the law of a city that requires proof, a session of today and a training of this year."""
    kinds = {"fusion_center": "asked", "private": "required"}
    return shipped_with(
        officer_proof=REQUIRED["officer_proof"] | kinds,
        officer_session_hours=12,
        officer_training_days=365,
    )


def test_where_the_city_requires_it_the_officer_is_proved_and_trained(bound: City, strict: Bundle) -> None:
    """Each reason is named, and each is cured by the assertion that the remedy asks for."""
    city = bound.with_gate(engine=Embedded(strict))
    assert {"officer_proof", "officer_training"} <= codes(_dry(city, None))
    assert 200 == _dry(city, assertion(city)).status
    assert {"officer_training"} == codes(_dry(city, assertion(city, training=None)))
    assert {"officer_training"} == codes(_dry(city, assertion(city, training="2020-01-01")))
    assert {"officer_proof"} == codes(_dry(city, assertion(city, auth_time=moment() - 13 * 3600)))


def _dry(city: City, text: str | None) -> Answer:
    return answer(city.gate, sworn(city, text), json.dumps(body()).encode(), dry_run=True)


def test_over_http_the_cause_is_in_our_count_and_not_in_the_answer(bound: City) -> None:
    """One header: good, wrong, and doubled; a wrong one is a 401 that says what to do, and no more."""
    counted: list[str] = []
    app = application(bound.state, bound.gate, bound.tokens, counted.append)

    def post(*officers_of: str) -> Any:
        presented = shown(bound)
        assert presented.dpop is not None
        headers = [("Authorization", str(presented.authorization)), ("DPoP", presented.dpop)]
        headers += [("Officer-Assertion", text) for text in officers_of]
        return app.test_client().post("/v1/queries", json=body(), headers=headers)

    assert 200 == post(assertion(bound)).status_code
    assert judged(bound)["proved"] is True
    wrong, doubled = post(assertion(bound, key=STRANGER)), post(assertion(bound), assertion(bound))
    for refused in (wrong, doubled):
        assert 401 == refused.status_code
        assert "/docs#problem-officer_not_proved" == refused.json["type"]
        assert "signature" not in refused.text.replace("Sign a new one", "")
        assert 'DPoP error="insufficient_user_authentication"' == refused.headers["WWW-Authenticate"]
    assert ["officer_signature", "officer_malformed"] == counted
    other = post(assertion(bound, badge="4412"))
    assert (422, "/requester/badge") == (other.status_code, other.json["faults"][0]["pointer"])
    assert "4412" not in other.text


# --- Suspended. -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "badge", ["4411", "44-11", "  4 4 1 1", "\uff14\uff14\uff11\uff11", "44\u316411", "4411\u0345"]
)
def test_a_suspended_officer_is_denied_however_the_badge_is_spelled(bound: City, badge: str) -> None:
    """From the next request on, through every client of the agency, and nobody else is."""
    officers(bound.state).suspend(AGENCY, "4411", reason=WHY, by="test")
    assert "officer_standing" in codes(ask(bound, None, requester__badge=badge))
    assert 200 == ask(bound, None, requester__badge="4412").status
    officers(bound.state).reinstate(AGENCY, "44 11", reason=WHY, by="test")
    assert "officer_standing" not in ask(bound, None, requester__badge=badge).provisions


def test_proof_does_not_help_a_suspended_officer(bound: City) -> None:
    """Nor does another agency's officer of the same badge suffer for it."""
    officers(bound.state).suspend("sample-wi-pd", "4411", reason=WHY, by="test")
    assert 200 == ask(bound, assertion(bound)).status
    officers(bound.state).suspend(AGENCY, "4411", reason=WHY, by="test")
    assert {"officer_standing"} == codes(ask(bound, assertion(bound)))


def test_an_officer_suspended_between_decision_and_release_gets_nothing(bound: City) -> None:
    """The release is held against the registry in its own commit, and the query is decided anew."""

    def suspend() -> None:
        bound.reads.on_fetch = lambda: None
        officers(bound.state).suspend(AGENCY, "4411", reason=WHY, by="test")

    bound.reads.on_fetch = suspend
    given = ask(bound, assertion(bound))
    assert {"officer_standing"} == codes(given)
    assert "query.released" not in [entry["event"] for entry in bound.events()]


def test_a_suspension_says_nothing_to_who_reads_the_log_or_the_database(bound: City) -> None:
    """Badge, reason and person are committed to and sealed; the mark is under a key outside the database."""
    officers(bound.state).suspend(AGENCY, "BADGE-4411-X", reason=WHY, by="somebody")
    (entry,) = [e for e in bound.events() if e["event"] == "officer.suspended"]
    assert AGENCY == entry["agency"]
    assert {"at", "badge", "by", "reason"} == entry["commitments"].keys()
    with bound.state.database.read() as connection:
        rows = repr(connection.exec_driver_sql("SELECT * FROM officer_suspensions").all())
    for private in ("4411", "chief", "somebody"):
        assert private not in json.dumps(entry) + rows
    (known,) = officers(bound.state).in_force()
    assert ("BADGE-4411-X", WHY, "somebody") == (known.badge, known.reason, known.by)


def test_nothing_of_the_officer_is_left_once_reinstated(bound: City) -> None:
    """The row stays, with neither mark nor box."""
    officers(bound.state).suspend(AGENCY, "4411", reason=WHY, by="test")
    officers(bound.state).reinstate(AGENCY, "4411", reason=WHY, by="test")
    with bound.state.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT mark, box FROM officer_suspensions").all()
    assert [(None, None)] == [tuple(row) for row in kept]
    refs = [e["ref"] for e in bound.events() if e["event"].startswith("officer.")]
    assert 2 == len(refs)
    assert 1 == len(set(refs))


def test_a_lost_key_is_no_way_out_of_a_suspension(bound: City) -> None:
    """With another key nobody would be found: the gate answers nothing, and says what to put back."""
    officers(bound.state).suspend(AGENCY, "4411", reason=WHY, by="test")
    with pytest.raises(StoreUnavailable, match=r"officers\.key"):
        ask(bound.with_gate(officers=OfficerMarks(b"x" * 32)), None, requester__badge="4412")
    other = replace(officers(bound.state), marks=OfficerMarks(b"x" * 32), box=SecretsKey(b"x" * 32))
    with pytest.raises(StoreUnavailable, match=r"officers\.key"):
        other.suspend(AGENCY, "4412", reason=WHY, by="test")
    (lost,) = other.in_force()
    assert (AGENCY, None, None) == (lost.agency, lost.badge, lost.reason)
    other.lift(lost.id, reason=WHY, by="test")
    assert [] == other.in_force()
    with pytest.raises(OperatorError, match="officer list"):
        other.lift(lost.id, reason=WHY, by="test")


def test_a_law_that_knows_no_officers_does_not_let_a_suspended_one_ask(bound: City, tmp_path: Path) -> None:
    """It goes on for everybody else; the suspended officer gets no answer at all."""
    del tmp_path
    law = bound.gate.engine.bundle
    schema: Any = json.loads(json.dumps(law.schemas["input"]))
    del schema["properties"]["officer"]
    schema["required"].remove("officer")
    older = replace(law, schemas={**law.schemas, "input": schema})
    city = bound.with_gate(engine=Embedded(older))
    assert {"officer_standing", "officer_proof", "officer_training"} <= codes(_dry(city, None))
    officers(city.state).suspend(AGENCY, "4411", reason=WHY, by="test")
    with pytest.raises(PolicyUnavailable, match="suspended officers"):
        _dry(city, None)


@pytest.mark.parametrize("badge", ["", "---", "x" * 33, "44\n11"])
def test_what_is_no_badge_is_refused(bound: City, badge: str) -> None:
    """A suspension that finds nobody is worse than none."""
    with pytest.raises(OperatorError, match="a badge has letters or digits"):
        officers(bound.state).suspend(AGENCY, badge, reason=WHY, by="test")


def test_what_was_done_is_not_done_again(bound: City) -> None:
    """Suspended once, reinstated once, and never without a reason."""
    act = officers(bound.state)
    with pytest.raises(OperatorError, match="is suspended"):
        act.reinstate(AGENCY, "4411", reason=WHY, by="test")
    with pytest.raises(OperatorError, match="Say why"):
        act.suspend(AGENCY, "4411", reason=".", by="test")
    act.suspend(AGENCY, "4411", reason=WHY, by="test")
    with pytest.raises(OperatorError, match="suspended already"):
        act.suspend(AGENCY, "44-11", reason=WHY, by="test")


# --- In one place, and not around the clock. --------------------------------------------------------------


def test_a_badge_from_two_clients_within_the_hour_is_counted_and_may_wait_for_staff(bound: City) -> None:
    """As a fact always; as a denial for staff where the city's data sets a limit, whatever is asked."""
    second = bound.with_clients({**bound.clients, AGENCY: client.register(bound.state, AGENCY).client.id})
    assert 200 == ask(bound, None).status
    assert HERE == {name: judged(bound)[name] for name in HERE}
    assert 200 == second.ask(body(query__plate="DEMO2")).status
    assert 2 == judged(bound)["clients_this_hour"]
    one = shipped_with(officer_most_clients_an_hour=1)
    limited = bound.with_gate(engine=Embedded(one))
    assert {"officer_presence"} == codes(_dry(limited, None))
    other = answer(limited.gate, shown(bound), json.dumps(body(requester__badge="7")).encode(), dry_run=True)
    assert 200 == other.status


@dataclass(frozen=True)
class _Seen:
    """What is on record of one officer today."""

    pairs: frozenset[tuple[str, str]]

    def seen_today(self, _: bytes, /) -> frozenset[tuple[str, str]]:
        return self.pairs


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], (1, 1)),
        ([("c-1", "2026-11-22T20Z")], (1, 1)),
        ([("c-2", "2026-11-22T20Z")], (2, 1)),
        ([("c-2", "2026-11-22T19Z")], (1, 2)),
        ([("c-1", f"2026-11-22T{hour:02}Z") for hour in range(24)], (1, 24)),
        ([(f"c-{n}", "2026-11-22T20Z") for n in range(5)], (5, 1)),
    ],
)
def test_presence_counts_clients_of_the_hour_and_hours_of_the_day(
    seen: list[tuple[str, str]], expected: tuple[int, int]
) -> None:
    """The request at hand among them."""
    at = datetime(2026, 11, 22, 20, 59, 59, tzinfo=UTC)
    stored: Any = _Seen(frozenset(seen))
    query, keys = read_again(body()), _Keys()
    found = presence(stored, keys, agency_id=AGENCY, client_id="c-1", query=query, at=at)  # type: ignore[arg-type]
    assert expected == (found.clients_this_hour, found.hours_today)


class _Keys:
    """Day keys of a day that is over: only their fingerprints are asked for."""

    def fingerprint(self, _day: object, _purpose: str, value: bytes) -> bytes:
        return value
