"""What the gate really answers is what openapi.yaml says: status, media type, headers and body."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator
from werkzeug.test import TestResponse

from gatekeeper import settings as configuration
from gatekeeper.app import create_app
from gatekeeper.cli.demo import _pending, build_city
from gatekeeper.ledger import VerifierKey
from gatekeeper.ledger.proved import prove_answer
from gatekeeper.parts import load_bundle
from gatekeeper.records.sample import build
from gatekeeper.state import lay_out, open_state
from tests.lawful import put_in_force

FILE = Path(__file__).parent.parent / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
KEYS: list[VerifierKey] = []
"""The log's key, as the city tells it: every receipt of every answer is checked with it."""
NOW = datetime.now(UTC).replace(microsecond=0)


def resolved(node: Any) -> Any:
    """Follow one reference, if it is one."""
    while "$ref" in node:
        target: Any = DOCUMENT
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def check(path: str, method: str, answer: TestResponse) -> Any:
    """Hold one answer against the file; return its body."""
    operation = DOCUMENT["paths"][path][method]
    assert str(answer.status_code) in operation["responses"], f"{answer.status_code}: {answer.data[:400]!r}"
    written = resolved(operation["responses"][str(answer.status_code)])
    for name in written.get("headers", {}):
        if name == "DPoP-Nonce" and "DPoP" not in answer.request.headers:
            assert name not in answer.headers  # it is for those who send a proof
            continue
        # Due with every 401 of the API; from /oauth only where Basic was tried; with a 403 only for a scope.
        if name != "WWW-Authenticate" or (answer.status_code == 401 and not path.startswith("/oauth/")):
            assert name in answer.headers
            rule = resolved(resolved(written["headers"][name])["schema"])
            sent: Any = int(answer.headers[name]) if rule["type"] == "integer" else answer.headers[name]
            Draft202012Validator(rule).validate(sent)
    if "content" not in written:
        assert answer.data == b""
        return None
    assert answer.mimetype is not None
    assert answer.mimetype in written["content"]
    body = answer.get_json() if answer.mimetype.endswith("json") else answer.data.decode("utf-8", "replace")
    schema = {"$ref": "#/it", "components": DOCUMENT["components"]}
    schema["it"] = written["content"][answer.mimetype]["schema"]
    faults = [
        f"{'/'.join(map(str, e.instance_path))}: {e.message[:300]}"
        for e in Draft202012Validator(schema, validate_formats=True).iter_errors(body)
    ]
    assert not faults
    if isinstance(body, dict) and isinstance(body.get("receipt"), dict):
        assert prove_answer(body, KEYS).index == body["receipt"]["index"]
    if isinstance(body, dict) and isinstance(body.get("appeal_receipt"), dict):
        assert "review.answered" == prove_answer(body["appeal_receipt"], KEYS).entry["event"]
    return body


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlaskClient, dict[str, Any]]:
    """Serve a small sample city in this process."""
    settings = configuration.load(
        data=tmp_path_factory.mktemp("city"),
        engine="embedded",
        client_profiles="fapi private_key basic",
        log_level="error",
        publish_every=3600,
    )
    build(settings.data / "reads.db", seed=1, reads=20_000, until=datetime.now(UTC))
    build_city(settings)
    state = open_state(settings)
    put_in_force(state, load_bundle(settings))
    state.close()
    document = json.loads(_pending(settings).read_text("utf-8"))
    KEYS[:] = [VerifierKey.parse(document["ledger"]["vkey"])]
    return create_app(settings).test_client(), document


@pytest.fixture(scope="module")
def client(city: tuple[FlaskClient, dict[str, Any]]) -> FlaskClient:
    """Give the client."""
    return city[0]


def bearer(city: tuple[FlaskClient, dict[str, Any]], agency: str, scope: str) -> dict[str, str]:
    """Get a token of an agency."""
    http, document = city
    found = next(a for a in document["agencies"] if a["id"] == agency and a["profile"] == "basic")
    answer = http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "scope": scope},
        auth=(found["client_id"], found["client_secret"]),
    )
    body = check("/oauth/token", "post", answer)
    return {"Authorization": f"Bearer {body['access_token']}"}


@pytest.fixture(scope="module")
def asking(city: tuple[FlaskClient, dict[str, Any]]) -> dict[str, str]:
    """Give the header of an agency whose queries are permitted."""
    return bearer(city, "maple-falls-pd", "reads:query")


def body_of(city: tuple[FlaskClient, dict[str, Any]], example: str = "PlateQuery") -> dict[str, Any]:
    """Take an example of the file, with a window and a plate of the sample city."""
    samples = city[1]["samples"]
    body = copy.deepcopy(DOCUMENT["components"]["examples"][example]["value"])
    body["query"] |= {"from": samples["from"], "to": samples["to"]}
    if "plate" in body["query"]:
        body["query"] |= {"plate": samples["plates"][0], "limit": 2}
    else:
        start = NOW - timedelta(hours=3)
        body["query"] |= {"from": start.isoformat(), "to": NOW.isoformat(), "cameras": samples["cameras"][:2]}
    return cast("dict[str, Any]", body)


@pytest.mark.parametrize("example", ["PlateQuery", "PlaceQuery", "MissingPersonQuery"])
def test_examples_are_permitted(
    city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str], example: str
) -> None:
    """A developer who pastes an example gets records, not a riddle."""
    body = check(
        "/v1/queries", "post", city[0].post("/v1/queries", json=body_of(city, example), headers=asking)
    )
    assert body["decision"]["outcome"] == "permit"


def test_pages_status_and_proof(city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str]) -> None:
    """The whole path of a permitted query, each answer as written."""
    http = city[0]
    first = check("/v1/queries", "post", http.post("/v1/queries", json=body_of(city), headers=asking))
    assert len(first["records"]) == 2
    path = f"/v1/queries/{first['query_id']}"
    second = check(
        "/v1/queries/{id}/records", "get", http.get(f"{path}/records?cursor={first['next']}", headers=asking)
    )
    assert second["query_id"] == first["query_id"]
    check("/v1/queries/{id}", "get", http.get(path, headers=asking))
    auditor = bearer(city, "maple-falls-pd", "ledger:read")
    check("/v1/ledger/checkpoint", "get", http.get("/v1/ledger/checkpoint", headers=auditor))
    entry = f"/v1/ledger/entries/{first['receipt']['index']}/proof"
    proof = check("/v1/ledger/entries/{n}/proof", "get", http.get(entry, headers=auditor))
    assert proof["leaf_hash"] == first["receipt"]["leaf_hash"]
    plain = auditor | {"Accept": "text/plain"}
    text = check("/v1/ledger/entries/{n}/proof", "get", http.get(entry, headers=plain))
    assert text.startswith(f"c2sp.org/tlog-proof@v1\nindex {proof['index']}\n")
    check("/v1/ledger/entries/{n}/proof", "get", http.get("/v1/ledger/entries/999999/proof", headers=auditor))
    check("/v1/ledger/checkpoint", "get", http.get("/v1/ledger/checkpoint", headers=asking))


def test_denials_are_as_written(city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str]) -> None:
    """Final, queued and dry: the same document with every reason."""
    http = city[0]
    vague, civil = body_of(city), body_of(city)
    vague["purpose"]["narrative"] = "n/a"
    civil["purpose"]["category"] = "civil_immigration"
    for body, plate in zip((vague, civil), city[1]["samples"]["plates"][1:], strict=False):
        # Not the plate of the other tests: what is refused about it is not asked again in other words.
        body["query"]["plate"] = plate
        for path in ("/v1/queries", "/v1/queries?dry_run=true"):
            answer = http.post(path, json=body, headers=asking)
            assert answer.status_code == 403
            denied = check("/v1/queries", "post", answer)
            assert denied["decision"]["outcome"] == "deny"
        check("/v1/queries/{id}", "get", http.get(f"/v1/queries/{denied['query_id']}", headers=asking))
    dry = check(
        "/v1/queries", "post", http.post("/v1/queries?dry_run=true", json=body_of(city), headers=asking)
    )
    assert dry["records"] == []


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (400, {"data": b"{", "content_type": "application/json"}),
        (400, {"data": b'{"query":1,"query":2}', "content_type": "application/json"}),
        (413, {"data": b" " * 300_000, "content_type": "application/json"}),
        (415, {"data": b"a=b", "content_type": "application/x-www-form-urlencoded"}),
        (422, {"json": {}}),
        (422, {"json": []}),
        (422, {"json": {"query": {"kind": "convoy"}}}),
    ],
)
def test_refusals_are_as_written(
    client: FlaskClient, asking: dict[str, str], status: int, sent: dict[str, Any]
) -> None:
    """Each is a problem document of the shape and with the headers that the file gives."""
    answer = client.post("/v1/queries", headers=asking, **sent)
    assert answer.status_code == status
    check("/v1/queries", "post", answer)


@pytest.mark.parametrize(
    "written",
    [
        "dry_run=TRUE",
        "dry_run=1",
        "dry_run=",
        "dry_run=true%20",
        "dry-run=true",
        "dry_run[]=true",
        "DRY_RUN=true",
        "dry_run=false&dry_run=true",
        "dry_run=true&dry_run=true",
    ],
)
def test_a_misspelt_dry_run_releases_nothing(
    city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str], written: str
) -> None:
    """Whoever meant to ask for the verdict alone must not be answered with records."""
    answer = city[0].post(f"/v1/queries?{written}", json=body_of(city), headers=asking)
    assert 422 == answer.status_code
    faults = check("/v1/queries", "post", answer)["faults"]
    assert ["?dry_run" if written.startswith("dry_run=") else "?"] == [fault["pointer"] for fault in faults]


@pytest.mark.parametrize(
    "written", ["cursor=", "cursor=a&cursor=a", "cursor=a&page=2", f"cursor={'a' * 2049}"]
)
def test_a_page_is_asked_for_with_one_cursor(
    client: FlaskClient, asking: dict[str, str], written: str
) -> None:
    """Empty, repeated, too long or beside something else: refused before anything is looked up."""
    answer = client.get(f"/v1/queries/q_none/records?{written}", headers=asking)
    assert 422 == answer.status_code
    assert check("/v1/queries/{id}/records", "get", answer)["type"].endswith("invalid_request")


def test_the_first_page_after_a_ruling_needs_no_cursor(client: FlaskClient, asking: dict[str, str]) -> None:
    """Without one the query itself is looked up, and an unknown one is not found."""
    answer = client.get("/v1/queries/q_none/records", headers=asking)
    assert 404 == answer.status_code
    assert check("/v1/queries/{id}/records", "get", answer)["type"].endswith("unknown_query")


def test_an_appeal_is_as_written(city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str]) -> None:
    """From the denial over the agency's answer to the records; what is refused is written too."""
    client, _ = city
    body = body_of(city)
    body["purpose"]["case_number"] = "n/a"
    denied = check("/v1/queries", "post", client.post("/v1/queries", json=body, headers=asking))
    written, path = "/v1/queries/{id}/appeal", f"/v1/queries/{denied['query_id']}"
    examples = DOCUMENT["components"]["examples"]

    def add(sent: Any, status: int, **more: Any) -> Any:
        given = client.post(f"{path}/appeal", headers=asking, **({"json": sent} | more))
        assert status == given.status_code, given.text
        return check(written, "post", given)

    assert {"/query"} == {fault["pointer"] for fault in add({"message": "x", "query": {}}, 422)["faults"]}
    add(None, 400, json=None, data=b"{", content_type="application/json")
    add(None, 415, json=None, data=b"{}", content_type="text/plain")
    too_much = add(None, 413, json=None, data=b" " * 8_388_609, content_type="application/json")
    assert "8,388,608" in too_much["detail"]
    answer = add(examples["AppealWarrant"]["value"], 202)
    assert ("deny", "queued") == (answer["decision"]["outcome"], answer["review"]["state"])
    letter = "/v1/queries/{id}/letter"
    for form in ("html", "pdf"):
        check(letter, "get", client.get(f"{path}/letter?format={form}", headers=asking))
    check(letter, "get", client.get(f"{path}/letter?format=txt", headers=asking))
    check(letter, "get", client.get("/v1/queries/q_none/letter", headers=asking))
    answer = add(examples["AppealFact"]["value"], 202)
    check(letter, "get", client.get(f"{path}/letter", headers=asking))
    assert ("permit", f"{path}/records") == (answer["decision"]["outcome"], answer["review"]["records"])
    status = check("/v1/queries/{id}", "get", client.get(path, headers=asking))
    assert ["answered", "answered"] == [message["kind"] for message in status["review"]["messages"]]
    assert 1 == len(status["review"]["documents"])
    records = client.get(answer["review"]["records"], headers=asking)
    assert check("/v1/queries/{id}/records", "get", records)["records"]
    assert add(examples["AppealFact"]["value"], 409)["type"].endswith("review_closed")
    unknown = client.post("/v1/queries/q_none/appeal", json={}, headers=asking)
    assert check(written, "post", unknown)["type"].endswith("unknown_query")
    check(written, "post", client.post(f"{path}/appeal", json={}))
    assert 405 == client.get(f"{path}/appeal", headers=asking).status_code


def test_idempotency_is_as_written(city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str]) -> None:
    """The same key and body is the same query; another body under it is refused."""
    http, headers = city[0], asking | {"Idempotency-Key": "6f1c8a52-0d7e-4b57-9a0e-5f0c2f3f7d11"}
    body = body_of(city)
    one, two = (
        check("/v1/queries", "post", http.post("/v1/queries", json=body, headers=headers)) for _ in "ab"
    )
    assert one["query_id"] == two["query_id"]
    body["requester"]["badge"] = "9"
    other = http.post("/v1/queries", json=body, headers=headers)
    assert other.status_code == 422
    check("/v1/queries", "post", other)


@pytest.mark.parametrize("path", ["/v1/provisions", "/v1/agency"])
def test_standing_is_as_written(client: FlaskClient, asking: dict[str, str], path: str) -> None:
    """With a token, without one, and with one that is none."""
    check(path, "get", client.get(path, headers=asking))
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        check(path, "get", answer)


@pytest.mark.parametrize(
    "path",
    [
        *("/oauth/jwks", "/.well-known/oauth-authorization-server", "/healthz", "/readyz", "/metrics"),
        *("/docs", "/openapi.yaml"),
    ],
)
def test_open_routes_are_as_written(client: FlaskClient, path: str) -> None:
    """What anybody may read."""
    answer = client.get(path)
    assert answer.status_code == 200
    check(path, "get", answer)


def test_the_published_log_is_as_written(client: FlaskClient) -> None:
    """Open to everybody, a day's caching for none of it but what never changes, and 404 past its end."""
    answer = client.get("/ledger/checkpoint")
    size = int(check("/ledger/checkpoint", "get", answer).split("\n")[1])
    again = client.get("/ledger/checkpoint", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    check("/ledger/checkpoint", "get", again)
    assert 0 == size  # a city that began within this hour: nothing of it is over
    path = "/ledger/tile/{tile}"
    for tile in ("0/000.p/1", "entries/000.p/1", "0/999", "0/000.p/999", "../log.pem", "%2e%2e/log.pem", "x"):
        missing = client.get(f"/ledger/tile/{tile}")
        assert missing.status_code == 404
        assert "no-store" == missing.headers["Cache-Control"]
    check(path, "get", client.get("/ledger/tile/0/000.p/1"))
    assert client.post("/ledger/checkpoint").status_code == 405


def test_a_published_file_is_as_written(tmp_path: Path) -> None:
    """Where a city publishes at once: bytes, for ever, for scripts in any page."""
    settings = configuration.load(
        data=tmp_path / "city", engine="embedded", client_profiles="basic", log_level="error"
    )
    lay_out(settings)
    state = open_state(settings)
    put_in_force(state, load_bundle(settings))
    state.close()
    http = create_app(settings).test_client()
    size = int(check("/ledger/checkpoint", "get", http.get("/ledger/checkpoint")).split("\n")[1])
    assert size > 0
    for tile in (f"0/000.p/{size}", f"entries/000.p/{size}"):
        found = http.get(f"/ledger/tile/{tile}")
        check("/ledger/tile/{tile}", "get", found)
        assert "*" == found.headers["Access-Control-Allow-Origin"]
        again = http.get(f"/ledger/tile/{tile}", headers={"If-None-Match": found.headers["ETag"]})
        assert (304, b"") == (again.status_code, again.data)
        check("/ledger/tile/{tile}", "get", again)


def test_unknown_things_are_as_written(client: FlaskClient, asking: dict[str, str]) -> None:
    """An unknown id and a bad cursor."""
    check("/v1/queries/{id}", "get", client.get("/v1/queries/" + "0" * 32, headers=asking))
    unknown = client.get(f"/v1/queries/{'0' * 32}/records?cursor=abc", headers=asking)
    assert unknown.status_code in {404, 422}
    check("/v1/queries/{id}/records", "get", unknown)
    check("/v1/queries/{id}/records", "get", client.get(f"/v1/queries/{'0' * 32}/records", headers=asking))


def test_oauth_is_as_written(city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str]) -> None:
    """Errors of RFC 6749, revocation and introspection."""
    http, document = city
    found = next(a for a in document["agencies"] if a["id"] == "maple-falls-pd" and a["profile"] == "basic")
    secret = (found["client_id"], found["client_secret"])
    for form, auth in (
        ({}, secret),
        ({"grant_type": "password"}, secret),
        ({"grant_type": "client_credentials", "scope": "all"}, secret),
        ({"grant_type": "client_credentials"}, (found["client_id"], "wrong")),
        ({"grant_type": "client_credentials"}, None),
    ):
        answer = http.post("/oauth/token", data=form, auth=auth)
        assert answer.status_code in {400, 401}
        check("/oauth/token", "post", answer)
    token = asking["Authorization"].split()[1]
    mine = http.post("/oauth/introspect", data={"token": token}, auth=secret)
    assert check("/oauth/introspect", "post", mine)["active"] is True
    check("/oauth/introspect", "post", http.post("/oauth/introspect", data={"token": "x"}, auth=secret))
    check("/oauth/introspect", "post", http.post("/oauth/introspect", data={"token": token}))
    check("/oauth/revoke", "post", http.post("/oauth/revoke", data={"token": "x"}, auth=secret))
    check("/oauth/revoke", "post", http.post("/oauth/revoke", data={}, auth=secret))


def test_a_path_has_one_spelling(client: FlaskClient, asking: dict[str, str]) -> None:
    """No redirect: its address would be made of the Host header, and a client would send its secret there."""
    for method, path in (("POST", "/oauth//token"), ("POST", "//v1/queries"), ("GET", "/v1//agency")):
        answer = client.open(path, method=method, headers=asking | {"Host": "elsewhere.example"})
        assert (404, "application/problem+json") == (answer.status_code, answer.mimetype)
        assert "Location" not in answer.headers
        assert b"elsewhere" not in answer.data


def test_clients_that_are_not_believed_are_counted(
    city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str]
) -> None:
    """Where a secret is guessed as well as where a token is: an operator watches one figure."""
    http, document = city
    found = next(a for a in document["agencies"] if a["profile"] == "basic")

    def count(reason: str) -> float:
        lines = http.get("/metrics").get_data(as_text=True).splitlines()
        name = f'gatekeeper_unauthenticated_total{{reason="{reason}"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    guessed, malformed = count("secret"), count("malformed")
    http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(found["client_id"], "guess"))
    http.get("/v1/agency", headers={"Authorization": asking["Authorization"] + "."})
    assert (guessed + 1, malformed + 1) == (count("secret"), count("malformed"))


def test_nobody_asks_for_the_head_of_records(
    city: tuple[FlaskClient, dict[str, Any]], asking: dict[str, str]
) -> None:
    """A release would be logged that nobody gets."""
    http = city[0]
    first = http.post("/v1/queries", json=body_of(city), headers=asking).get_json()
    path = f"/v1/queries/{first['query_id']}/records?cursor={first['next']}"
    assert 405 == http.head(path, headers=asking).status_code
    assert 200 == http.get(path, headers=asking).status_code
