"""From token to records over real sockets: what an agency gets, and what it never gets."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import Any

import metamorphic_log
import pytest

from gatekeeper.ledger import VerifierKey, canonical
from gatekeeper.ledger.receipts import check_receipt
from tests.servers.gate import RunningGate, changed

pytestmark = pytest.mark.servers

MADE_UP_PERSON = "Pat Example"


def test_a_lawful_query_gets_records_and_a_receipt_that_verifies(gate: RunningGate) -> None:
    """The main job: 200, records within the obligations, and a proof that needs no trust in us."""
    given = gate.ask(gate.body())
    assert 200 == given.status_code, given.text
    answer = given.json()
    assert {"query_id", "decision", "records", "next", "receipt"} == answer.keys()
    assert answer["records"]
    assert "permit" == answer["decision"]["outcome"]
    ledger = gate.document["ledger"]
    check_receipt(answer["receipt"], VerifierKey.parse(ledger["vkey"]))
    entry = json.loads(answer["receipt"]["entry"])
    assert "query.released" == entry["event"]
    # The digest that the log committed to is that of the records as any client parses them.
    digest = hashlib.sha256(canonical(answer["records"])).hexdigest()
    assert {"sha256": digest} == answer["receipt"]["openings"]["rows"]["value"]


def test_a_tool_that_we_did_not_write_verifies_the_receipt(gate: RunningGate) -> None:
    """metamorphic-log checks signature and inclusion; with one byte changed it does not."""
    receipt = gate.ask(gate.body()).json()["receipt"]
    origin, vkey = gate.document["ledger"]["origin"], gate.document["ledger"]["vkey"]
    assert origin == receipt["checkpoint"].splitlines()[0]
    proof = [base64.b64decode(step) for step in receipt["inclusion_proof"]]
    leaf = hashlib.sha256(b"\x00" + receipt["entry"].encode()).digest()
    verify = metamorphic_log.checkpoint_verify_inclusion
    verify(receipt["checkpoint"], [vkey], receipt["index"], leaf, proof)
    altered = hashlib.sha256(b"\x00" + receipt["entry"].encode() + b" ").digest()
    with pytest.raises(metamorphic_log.VerifyError):
        verify(receipt["checkpoint"], [vkey], receipt["index"], altered, proof)


DENIALS: dict[str, tuple[str, dict[str, Any], str]] = {
    "immigration by category": (
        "maple-falls-pd",
        {"purpose__category": "civil_immigration"},
        "civil_immigration",
    ),
    "immigration by words": (
        "maple-falls-pd",
        {"purpose__narrative": "Stolen car, ICE detainer, deportation"},
        "civil_immigration",
    ),
    "health care by category": (
        "maple-falls-pd",
        {"purpose__category": "health_care"},
        "health_care",
    ),
    "health care by words": (
        "maple-falls-pd",
        {"purpose__narrative": "Travelled out of state for an abortion"},
        "health_care",
    ),
    "a purpose the city does not allow": (
        "maple-falls-pd",
        {"purpose__category": "other", "purpose__narrative": "Vehicles at the protest"},
        "city_purpose",
    ),
    "vague words": (
        "maple-falls-pd",
        {"purpose__narrative": "investigation"},
        "stated_reason",
    ),
    "no case number": (
        "maple-falls-pd",
        {"purpose__case_number": "n/a"},
        "case_number",
    ),
    "attestation not accepted": (
        "maple-falls-pd",
        {"attestation__accepted": False},
        "attestation",
    ),
    "an attestation to another text": (
        "maple-falls-pd",
        {"attestation__text_version": "1999-01"},
        "attestation",
    ),
    "too wide a window": (
        "maple-falls-pd",
        {"query__from": "2020-01-01T00:00:00Z"},
        "query_limits",
    ),
    "no affirmation on file": (
        "cedar-bend-pd",
        {},
        "affirmation",
    ),
    "out of state without a declaration": (
        "quarry-hill-so-in",
        {},
        "out_of_state_declaration",
    ),
    "a suspended agency": (
        "willow-creek-pd",
        {},
        "agency_standing",
    ),
    "a fusion center that does not say for whom": (
        "prairie-fusion-center",
        {},
        "end_requester",
    ),
    "an end requester we do not know": (
        "maple-falls-pd",
        {"on_behalf_of": {"agency": "NOBODY", "person": MADE_UP_PERSON}},
        "end_requester",
    ),
    "a federal immigration agency": (
        "hsi-sample-office",
        {},
        "federal_component",
    ),
}


@pytest.mark.parametrize(("agency", "changes", "code"), DENIALS.values(), ids=DENIALS.keys())
def test_each_denial_names_its_law_and_its_cure(
    gate: RunningGate, agency: str, changes: dict[str, Any], code: str
) -> None:
    """403 with code, citation, message and remedy; no record; a receipt of the denial."""
    # About a plate of its own: to ask about it lawfully within the hour would be a rephrasing.
    given = gate.ask(gate.body(**({"query__plate": "DENY1"} | changes)), agency)
    assert 403 == given.status_code, given.text
    assert "application/problem+json" == given.headers["Content-Type"]
    problem = given.json()
    assert "records" not in problem
    provision = next(p for p in problem["decision"]["provisions"] if p["code"] == code)
    assert all(provision[name] for name in ("title", "citation", "message", "remedy", "review"))
    check_receipt(problem["receipt"], VerifierKey.parse(gate.document["ledger"]["vkey"]))
    assert "deny" == json.loads(problem["receipt"]["entry"])["outcome"]


def test_an_out_of_state_agency_with_a_declaration_gets_records(gate: RunningGate) -> None:
    """625 ILCS 5/2-130(c) is met by the declaration on file."""
    given = gate.ask(gate.body(), "birchport-pd-wi")
    assert 200 == given.status_code, given.text


def test_every_reason_is_given_at_once(gate: RunningGate) -> None:
    """An agency must not learn them one denial at a time."""
    problem = gate.ask(
        gate.body(
            query__plate="DENY1",
            purpose__narrative="ICE detainer",
            purpose__case_number="",
            attestation__accepted=False,
        )
    ).json()
    codes = {p["code"] for p in problem["decision"]["provisions"]}
    assert {"civil_immigration", "case_number", "attestation"} <= codes


def test_a_denial_that_staff_may_cure_is_queued_and_can_be_followed(gate: RunningGate) -> None:
    """The review has a state and a due time; a final denial has none."""
    problem = gate.ask(gate.body(purpose__narrative="investigation")).json()
    assert "queued" == problem["review"]["state"]
    followed = gate.request("GET", problem["review"]["url"]).json()
    assert ("queued", "deny") == (followed["review"]["state"], followed["decision"]["outcome"])
    assert followed["review"]["due"]
    final = gate.ask(gate.body(query__plate="DENY1", purpose__category="civil_immigration")).json()
    assert {"state": "none", "url": None} == final["review"]


def test_another_agencys_query_looks_like_none_at_all(gate: RunningGate) -> None:
    """Same status, same body but for the request id: an id tells nobody that it exists."""
    own = gate.ask(gate.body()).json()["query_id"]
    assert 200 == gate.request("GET", f"/v1/queries/{own}").status_code
    seen = []
    for path in (f"/v1/queries/{own}", "/v1/queries/q_aaaaaaaaaaaaaaaaaaaaaaaaaa", "/v1/queries/x"):
        answer = gate.request("GET", path, "birchport-pd-wi")
        document = answer.json()
        del document["request_id"]
        seen.append((answer.status_code, document))
    assert [seen[0]] * 3 == seen
    assert 404 == seen[0][0]


def test_a_dry_run_gives_the_verdict_and_nothing_else(gate: RunningGate) -> None:
    """Same code, same verdict; no records, no review; logged as a preview."""
    permitted = gate.ask(gate.body(), params={"dry_run": "true"})
    assert (200, []) == (permitted.status_code, permitted.json()["records"])
    assert "query.previewed" == json.loads(permitted.json()["receipt"]["entry"])["event"]
    denied = gate.ask(gate.body(purpose__narrative="investigation"), params={"dry_run": "true"}).json()
    assert {"state": "none", "url": None} == denied["review"]


def test_an_idempotency_key_binds_the_body(gate: RunningGate) -> None:
    """Same key and body: decided and logged again, marked; another body: 422."""
    key, body = str(uuid.uuid4()), gate.body()
    first = gate.ask(body, headers={"Idempotency-Key": key}).json()
    again = gate.ask(body, headers={"Idempotency-Key": key}).json()
    assert first["query_id"] == again["query_id"]
    assert first["receipt"]["index"] < again["receipt"]["index"]
    followed = gate.request("GET", f"/v1/queries/{again['query_id']}").json()
    assert json.loads(followed["receipt"]["entry"])["replay"] is True
    other = gate.ask(gate.body(query__limit=7), headers={"Idempotency-Key": key})
    assert 422 == other.status_code
    assert other.json()["type"].endswith("idempotency_mismatch")


def test_pages_go_on_without_gap_and_end(gate: RunningGate) -> None:
    """Each page is decided and logged again; together they are what one large page would hold."""
    asked = gate.body(query__limit=50)
    whole = gate.ask(asked).json()["records"]
    page = gate.ask(changed(asked, {"query__limit": 5})).json()
    found, pages = list(page["records"]), 1
    while page["next"]:
        path = f"/v1/queries/{page['query_id']}/records"
        given = gate.request("GET", path, params={"cursor": page["next"]})
        assert 200 == given.status_code, given.text
        page, pages = given.json(), pages + 1
        assert pages == json.loads(page["receipt"]["entry"])["page"]
        found += page["records"]
    assert [r["id"] for r in whole] == [r["id"] for r in found]


def test_a_cursor_of_another_query_or_client_opens_nothing(gate: RunningGate) -> None:
    """It is bound to both, and sealed."""
    asked = gate.body(query__limit=3)
    page, other = gate.ask(asked).json(), gate.ask(gate.body()).json()
    path = f"/v1/queries/{other['query_id']}/records"
    assert 422 == gate.request("GET", path, params={"cursor": page["next"]}).status_code
    tampered = page["next"][:-4] + "AAAA"
    own = f"/v1/queries/{page['query_id']}/records"
    assert 422 == gate.request("GET", own, params={"cursor": tampered}).status_code
    stolen = gate.request("GET", own, "birchport-pd-wi", params={"cursor": page["next"]})
    assert 404 == stolen.status_code
    sealed = base64.urlsafe_b64decode(page["next"][11:] + "===")
    assert asked["query"]["plate"].encode() not in sealed


def _of_a_place(gate: RunningGate, **purpose: str) -> dict[str, Any]:
    """Return a lawful query for the reads of two cameras."""
    asked = gate.body()
    query = {k: v for k, v in asked["query"].items() if k != "plate"}
    query |= {"kind": "place", "cameras": gate.document["samples"]["cameras"][:2]}
    query["from"] = _hours_before(query["to"], 24)  # at night nobody passes for hours
    return asked | {"query": query, "purpose": asked["purpose"] | purpose}


def test_a_place_query_is_bounded_by_its_cameras(gate: RunningGate) -> None:
    """Reads of the cameras named and of no other."""
    asked = _of_a_place(gate)
    given = gate.ask(asked)
    assert 200 == given.status_code, given.text
    assert {r["camera"]["id"] for r in given.json()["records"]} <= set(asked["query"]["cameras"])


def test_a_theft_shows_no_plate_of_those_who_passed(gate: RunningGate) -> None:
    """What kind of car, when and where; not whose. The contract: withheld fields are absent."""
    theft = {"category": "criminal_investigation", "offense": "23D", "narrative": "Theft from a shop"}
    answer = gate.ask(_of_a_place(gate, **theft)).json()
    assert answer["decision"]["obligations"]["mask_other_plates"] is True
    assert answer["records"]
    for record in answer["records"]:
        assert {"plate", "plate_state", "image_url"}.isdisjoint(record)
        assert record["vehicle"]
        assert all(record["camera"][name] == round(record["camera"][name], 4) for name in ("lat", "lon"))


def test_a_violent_crime_shows_the_plates_and_no_image(gate: RunningGate) -> None:
    """Only under a code of violence that the words bear out; its terms travel with it."""
    stabbing = {"category": "criminal_investigation", "offense": "13A", "narrative": "Stabbing, driver fled"}
    answer = gate.ask(_of_a_place(gate, **stabbing)).json()
    assert answer["decision"]["obligations"]["mask_other_plates"] is False
    assert answer["decision"]["obligations"]["terms"].startswith("Terms of use 2026-01: ")
    assert answer["records"]
    assert all(record["plate"] and "image_url" not in record for record in answer["records"])


def _hours_before(moment: str, hours: int) -> str:
    from datetime import datetime, timedelta  # noqa: PLC0415

    return (datetime.fromisoformat(moment) - timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"{}", None, 415),
        (b" " * 300_000, "application/json", 413),
    ],
)
def test_what_is_not_a_query_is_a_problem_document(
    gate: RunningGate, body: bytes, content_type: str | None, status: int
) -> None:
    """Each has its own status and the same shape."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    given = gate.request("POST", "/v1/queries", data=body, headers=headers)
    assert status == given.status_code
    assert "application/problem+json" == given.headers["Content-Type"]
    assert {"type", "title", "status", "detail", "request_id"} <= given.json().keys()


def test_a_chunked_body_over_the_limit_is_refused_not_cut(gate: RunningGate) -> None:
    """A request that is cut short must not be read as another one."""
    chunks = iter([json.dumps(gate.body()).encode(), b" " * 300_000])
    given = gate.request("POST", "/v1/queries", data=chunks, headers={"Content-Type": "application/json"})
    assert 413 == given.status_code


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer x", "Basic eDp5", "DPoP x"])
def test_nobody_gets_anything_without_a_token(gate: RunningGate, header: str | None) -> None:
    """401 on every route that has anything to give."""
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        ("POST", "/v1/queries"),
        ("GET", "/v1/queries/x"),
        ("GET", "/v1/queries/x/records?cursor=x"),
        ("GET", "/v1/provisions"),
        ("GET", "/v1/agency"),
        ("GET", "/v1/ledger/checkpoint"),
        ("GET", "/v1/ledger/entries/0/proof"),
    ):
        given = gate.session.request(
            method,
            gate.base_url + path,
            headers=headers | {"Content-Type": "application/json"},
            data=json.dumps(gate.body()) if method == "POST" else None,
            timeout=10,
        )
        assert 401 == given.status_code, path
        assert given.headers["WWW-Authenticate"].startswith(("Bearer", "DPoP"))


def test_a_scope_opens_only_its_own_routes(gate: RunningGate) -> None:
    """403 that names the scope that is needed."""
    for scope, path in (("ledger:read", "/v1/queries/x"), ("reads:query", "/v1/ledger/checkpoint")):
        token = gate.token(scope=scope)
        given = gate.session.get(
            gate.base_url + path, headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        assert 403 == given.status_code
        assert "insufficient_scope" in given.headers["WWW-Authenticate"]


def test_an_agency_sees_the_law_and_its_own_standing(gate: RunningGate) -> None:
    """What denials quote can be read beforehand."""
    provisions = gate.request("GET", "/v1/provisions").json()["provisions"]
    assert {"civil_immigration", "affirmation", "sharing_stopped"} <= {p["code"] for p in provisions}
    assert all(p["citation"] and p["remedy"] for p in provisions)
    assert {True, False} == {p["verified"] for p in provisions}
    assert {None} == {p["pack"] for p in provisions}  # Illinois and Evanston: what binds every city
    own = gate.request("GET", "/v1/agency").json()
    signed = own["affirmations"][0]
    assert ("maple-falls-pd", "in_force") == (own["id"], signed["state"])
    assert 0 < signed["days_left"] <= 335
    assert {"active"} == {each["status"] for each in own["clients"]}
    assert {("ES256", "active")} == {
        (key["alg"], key["status"]) for each in own["clients"] for key in each["keys"]
    }
    assert [] == own["missing"]


def test_checkpoint_and_proofs_can_be_fetched_later(gate: RunningGate) -> None:
    """Any entry, under today's checkpoint, without openings."""
    index = gate.ask(gate.body()).json()["receipt"]["index"]
    proof = gate.request("GET", f"/v1/ledger/entries/{index}/proof").json()
    assert "openings" not in proof
    assert index == proof["index"]
    assert 404 == gate.request("GET", "/v1/ledger/entries/99999999/proof").status_code
    assert 404 == gate.request("GET", "/v1/ledger/entries/-1/proof").status_code


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/plain", "text/plain"),
        ("text/plain, application/json;q=0.5", "text/plain"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("image/png", "application/json"),
        ("text/plain;q=0", "application/json"),
        ("\xff nonsense;;;q=x", "application/json"),
    ],
)
def test_a_proof_comes_in_the_form_that_is_asked_for(gate: RunningGate, accept: str, media: str) -> None:
    """The tlog-proof alone for whoever wants text; JSON for everybody else."""
    given = gate.request("GET", "/v1/ledger/entries/0/proof", headers={"Accept": accept})
    assert (200, media) == (given.status_code, given.headers["Content-Type"].partition(";")[0])
    assert "Accept" in given.headers["Vary"]
    proof = given.text if media == "text/plain" else given.json()["tlog_proof"]
    assert proof.startswith("c2sp.org/tlog-proof@v1\nindex 0\n")


def test_the_log_that_all_this_made_is_consistent(gate: RunningGate) -> None:
    """`gatekeeper ledger verify` derives the whole log anew."""
    gate.ask(gate.body())
    done = gate.command("ledger", "verify")
    assert "consistent" in done.stdout
