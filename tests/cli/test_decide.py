"""``gatekeeper decide``: one answer for each line, in order, from any directory, on either engine."""

from __future__ import annotations

import copy
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.policy import load, shipped_policies
from tests.cli.shell import spawned, typed
from tests.servers.opa import opa_server

AT = "2026-11-22T12:00:00Z"
SIGNED = {
    "kind": "affirmation",
    "signed_on": "2026-11-01",
    "expires_on": None,
    "text_version": "2026-01",
    "signer": "Pat Chief",
    "title": "Chief",
}
AGENCY = {
    "id": "skokie-pd",
    "name": "Skokie Police Department",
    "kind": "local",
    "state": "IL",
    "status": "active",
    "has_287g": False,
    "affirmations": [SIGNED],
}
REQUEST = {
    "query": {
        "kind": "plate",
        "plate": "DEMO123",
        "from": "2026-11-01T00:00:00Z",
        "to": "2026-11-08T00:00:00Z",
    },
    "purpose": {
        "category": "stolen_vehicle",
        "offense": "240",
        "narrative": "Stolen Honda Civic, taken from Ridge Ave overnight",
        "case_number": "25-10494",
    },
    "requester": {"name": "Pat Example", "badge": "4411"},
    "attestation": {"text_version": "2026-01", "accepted": True},
}  # fmt: skip
LINE: dict[str, Any] = {"agency": AGENCY, "request": REQUEST, "at": AT}
FUSION = {**AGENCY, "id": "prairie-fusion", "kind": "fusion_center"}


def line(**changes: Any) -> dict[str, Any]:
    """Return the flawless line, changed by dotted names (``agency__status=…``); ``...`` takes a name away."""
    made = copy.deepcopy(LINE)
    for name, value in changes.items():
        *path, last = name.split("__")
        place = made
        for step in path:
            place = place[step]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return made


def decided(lines: list[Any], *options: str, exit_code: int = 0) -> list[dict[str, Any]]:
    """Decide lines (JSON values, or bytes as they are); return the answers."""
    text = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)
    result = typed("decide", *options, "-", text=text)
    assert exit_code == result.exit_code, result.output
    return [json.loads(answer) for answer in result.stdout.splitlines()]


def test_an_answer_has_exactly_the_fields_that_are_documented() -> None:
    """Programs that read it rely on them; a denial has no obligations."""
    permit, denial = decided([LINE, line(request__purpose__narrative="investigation")])
    assert {"outcome", "provisions", "review", "obligations", "policy"} == permit.keys() == denial.keys()
    assert ("permit", [], "none") == (permit["outcome"], permit["provisions"], permit["review"])
    names = "fields max_records from to cameras coordinate_decimals mask_other_plates terms"
    assert set(names.split()) <= permit["obligations"].keys()
    assert ("deny", ["stated_reason"], "staff") == (denial["outcome"], denial["provisions"], denial["review"])
    assert denial["obligations"] is None
    bundle = load(shipped_policies())
    assert {"revision": bundle.revision, "digest": bundle.digest} == permit["policy"] == denial["policy"]


UNLAWFUL: dict[str, tuple[dict[str, Any], set[str]]] = {
    "an absent agency": (line(agency=...), {"agency_standing", "affirmation"}),
    "an agency that is null": (line(agency=None), {"agency_standing", "affirmation"}),
    "a suspended agency": (line(agency__status="suspended"), {"agency_standing"}),
    "a closed agency": (line(agency__status="closed"), {"agency_standing"}),
    "nothing affirmed": (line(agency__affirmations=[]), {"affirmation"}),
    "affirmations left out": (line(agency__affirmations=...), {"affirmation"}),
    "signed by nobody": (line(agency__affirmations=[{**SIGNED, "signer": " "}]), {"affirmation"}),
    "expired today": (line(agency__affirmations=[{**SIGNED, "expires_on": AT[:10]}]), {"affirmation"}),
    "signed tomorrow": (line(agency__affirmations=[{**SIGNED, "signed_on": "2026-11-23"}]), {"affirmation"}),
    "another state, undeclared": (line(agency__state="WI"), {"out_of_state_declaration"}),
    "no state": (line(agency__state=None), {"out_of_state_declaration"}),
    "all stopped": (line(facts={"stops": [{"scope": "all"}]}), {"sharing_stopped"}),
    "its kind stopped": (line(facts={"stops": [{"scope": "kind", "value": "local"}]}), {"sharing_stopped"}),
    "it is stopped": (
        line(facts={"stops": [{"scope": "agency", "value": "skokie-pd"}]}),
        {"sharing_stopped"},
    ),
    "a fusion center for nobody": (line(agency=FUSION), {"end_requester"}),
    "a fusion center for an agency unknown": (
        line(agency=FUSION, request__on_behalf_of={"agency": "skokie-pd", "person": "Pat Example"}),
        {"end_requester"},
    ),
    "a fusion center for one suspended": (
        line(
            agency=FUSION,
            request__on_behalf_of={"agency": "skokie-pd", "person": "Pat Example"},
            end_requester={**AGENCY, "status": "suspended"},
        ),
        {"agency_standing"},
    ),
    "a fusion center for another than it names": (
        line(
            agency=FUSION,
            request__on_behalf_of={"agency": "skokie-pd", "person": "Pat Example"},
            end_requester={**AGENCY, "id": "evanston-pd"},
        ),
        {"end_requester"},
    ),
}  # fmt: skip
LAWFUL: dict[str, dict[str, Any]] = {
    "flawless": LINE,
    "extra names in the line": line(expect={"outcome": "deny"}, comment="a case file"),
    "facts of nothing": line(facts={"stops": [], "history": {}, "officer": {}, "ruling": None}),
    "facts that are null": line(facts=None),
    "no end requester": line(end_requester=None),
    "an end requester that nobody named": line(end_requester={**AGENCY, "status": "closed"}),
    "another agency stopped": line(facts={"stops": [{"scope": "agency", "value": "evanston-pd"}]}),
    "a stop as the command lists it": line(
        facts={"stops": [{"id": "stop_1", "scope": "kind", "value": "federal", "set_at": AT}]}
    ),
    "a fusion center for one in good standing": line(
        agency=FUSION,
        request__on_behalf_of={"agency": "skokie-pd", "person": "Pat Example"},
        end_requester=AGENCY,
    ),
    "a fusion center for one named by its ORI": line(
        agency=FUSION,
        request__on_behalf_of={"agency": "IL0160000", "person": "Pat Example"},
        end_requester={**AGENCY, "ori": "IL0160000"},
    ),
}  # fmt: skip


def test_lines_are_answered_in_order() -> None:
    """Each unlawful line is denied for its reason, each lawful one permitted, at its own place."""
    lines = [*UNLAWFUL.values(), *((made, set[str]()) for made in LAWFUL.values())]
    answers = decided([made for made, _ in lines])
    names = [*UNLAWFUL, *LAWFUL]
    for name, answer, (_, missing) in zip(names, answers, lines, strict=True):
        assert ("deny" if missing else "permit") == answer.get("outcome"), (name, answer)
        assert missing <= set(answer["provisions"]), (name, answer["provisions"])


BROKEN: dict[str, Any] = {
    "not JSON": b"{",
    "a list": [],
    "a number": 7,
    "null": None,
    "not UTF-8": b'{"request": "\xff"}',
    "a name twice": b'{"request": {}, "request": {}}',
    "no request": {"agency": AGENCY},
    "a request that is text": line(request="plate"),
    "a request without a purpose": line(request__purpose=...),
    "a kind of query that is not served": line(request__query__kind="convoy"),
    "an unknown status": line(agency__status="fine"),
    "an unknown kind": line(agency__kind="martian"),
    "a status left out": line(agency__status=...),
    "a misspelt name in the agency": line(agency__afirmations=[]),
    "a naive time": line(at="2026-11-22T12:00:00"),
    "a time that is a number": line(at=5),
    "a time before time": line(at="0001-01-01T00:00:00+14:00"),
    "a time after time": line(at="9999-12-31T23:59:59-14:00"),
    "a stop without a scope": line(facts={"stops": [{"value": "local"}]}),
    "facts that are text": line(facts="none"),
    "an unknown fact": line(facts={"stop": []}),
    "deep nesting": b'{"request": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


def test_a_bad_line_gives_an_error_at_its_place_and_the_others_are_answered() -> None:
    """Exit status 1 at the end; never a permit; what was typed is not repeated."""
    answers = decided([LINE, *BROKEN.values(), LINE], exit_code=1)
    assert len(BROKEN) + 2 == len(answers)
    assert ["permit", "permit"] == [answers[0]["outcome"], answers[-1]["outcome"]]
    for name, answer in zip(BROKEN, answers[1:-1], strict=True):
        assert answer.keys() <= {"error", "faults"}, (name, answer)
        assert answer["error"], name


def test_an_absent_time_is_now() -> None:
    """Also where it is null: days are counted from today."""
    today = datetime.now(UTC)
    window = {"from": (today - timedelta(days=2)).isoformat(), "to": (today - timedelta(days=1)).isoformat()}
    signed = {**SIGNED, "signed_on": today.date().isoformat()}
    current = line(at=..., agency__affirmations=[signed])
    current["request"]["query"].update(window)
    answers = decided([current, {**current, "at": None}, {**current, "at": "2024-01-01T00:00:00Z"}])
    assert ["permit", "permit", "deny"] == [answer["outcome"] for answer in answers]


def test_it_runs_from_any_directory_on_a_file_and_on_standard_input(tmp_path: Path) -> None:
    """As processes of their own, the file with Windows line ends and blank lines."""
    (tmp_path / "lines.jsonl").write_bytes(
        json.dumps(LINE).encode() + b"\r\n\r\n" + json.dumps(LINE).encode()
    )
    of_file = spawned("decide", "lines.jsonl", cwd=tmp_path)
    of_input = spawned("decide", cwd=Path("/"), text=json.dumps(LINE) + "\n")
    assert (0, "") == (of_file.returncode, of_file.stderr)
    assert (0, "") == (of_input.returncode, of_input.stderr)
    assert of_input.stdout * 2 == of_file.stdout
    assert "permit" == json.loads(of_input.stdout)["outcome"]


def test_other_policies_decide_under_their_own_name(tmp_path: Path) -> None:
    """The city closes a purpose: denied there, permitted by those shipped, and the digest tells which."""
    shutil.copytree(shipped_policies(), tmp_path / "policies")
    file = tmp_path / "policies" / "data" / "city.json"
    city = json.loads(file.read_text())
    city["purposes"].remove("stolen_vehicle")
    file.write_text(json.dumps(city))
    (theirs,) = decided([LINE], "--policies", str(tmp_path / "policies"))
    (ours,) = decided([LINE])
    assert ("deny", ["city_purpose"]) == (theirs["outcome"], theirs["provisions"])
    assert "permit" == ours["outcome"]
    assert theirs["policy"]["digest"] != ours["policy"]["digest"]


def test_policies_that_are_refused_decide_nothing(tmp_path: Path) -> None:
    """A law with a piece missing must not be asked."""
    shutil.copytree(shipped_policies(), tmp_path / "policies")
    shutil.rmtree(tmp_path / "policies" / "sharing" / "affirmation")
    result = typed("decide", "--policies", str(tmp_path / "policies"), "-", text=json.dumps(LINE))
    assert (1, "") == (result.exit_code, result.stdout)
    assert "sharing/affirmation/affirmation.rego" in result.stderr


def test_a_server_that_is_gone_gives_errors_and_no_answers() -> None:
    """Nothing listens at port 1: each line says so."""
    answers = decided([LINE, LINE], "--opa", "http://127.0.0.1:1", exit_code=1)
    assert [{"error"}, {"error"}] == [answer.keys() for answer in answers]
    assert "policy_unavailable" in answers[0]["error"]


@pytest.mark.needs("opa")
def test_opa_answers_as_the_embedded_engine_does(tmp_path: Path) -> None:
    """Every line of this file and every case of the law, byte for byte."""
    cases = [json.loads(file.read_text()) for file in sorted((shipped_policies() / "cases").rglob("*.json"))]
    lines = [*(made for made, _ in UNLAWFUL.values()), *LAWFUL.values(), *BROKEN.values(), *cases]
    with opa_server(load(shipped_policies()), tmp_path) as opa:
        assert decided(lines, exit_code=1) == decided(lines, "--opa", opa.url, exit_code=1)
