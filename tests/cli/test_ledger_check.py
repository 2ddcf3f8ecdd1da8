"""``gatekeeper ledger check``: what holds is proved offline; what does not is told, each in its own words."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.office import RECORDS, Office
from tests.cli.shell import spawned
from tests.ledger.made import ORIGIN

Change = Callable[[dict[str, Any]], object]


def test_an_answer_is_proved_with_the_key_alone(office: Office) -> None:
    """A permit with its records, a denial, a bare receipt; from a file, a pipe, and as a process."""
    said = office.check(office.saved(office.permitted))
    for line in (
        f"proved: entry 1 is in the log {ORIGIN}",
        "  event              query.released",
        f"  about              {office.permitted['query_id']}",
        "  opened             officer: name: Pat Example; badge: 4411",
        "  opened             count: 2",
        "  records            those beside the receipt are the ones that were released",
    ):
        assert line in said.splitlines()
    assert "not opened" not in said
    said = office.check("-", text=json.dumps(office.denied))
    assert "  outcome            deny" in said.splitlines()
    assert "  provisions         affirmation" in said.splitlines()
    (office.directory / "key").write_text(f"{office.key}\n")
    file = office.saved(office.denied["receipt"])
    done = spawned("ledger", "check", file, "--key", "key", "--json", cwd=office.directory)
    assert (0, "") == (done.returncode, done.stderr)
    document = json.loads(done.stdout)
    assert (True, 2, 3) == (document["proved"], document["index"], document["size"])
    assert json.loads(office.denied["receipt"]["entry"]) == document["entry"]
    assert "deny" == document["entry"]["outcome"]
    assert "240" == document["opened"]["offense"]
    assert [{"answer.json", "key"}] == [{path.name for path in office.directory.iterdir()}]


def test_nothing_is_opened_but_the_files_that_are_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No address is looked up, no city asked for: also where the settings name one that is broken."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setenv("GATEKEEPER_DATA", str(office.directory / "nowhere"))
    monkeypatch.setenv("GATEKEEPER_SETTINGS", "/nonexistent/settings")
    office.check(office.saved(office.permitted))
    assert ["answer.json"] == [path.name for path in office.directory.iterdir()]


def test_a_tlog_proof_is_checked_with_its_entry(office: Office) -> None:
    """The entry's exact text; a line end that an editor added is no part of it."""
    receipt = office.permitted["receipt"]
    proof, entry = office.saved(receipt["tlog_proof"], "proof"), office.saved(receipt["entry"], "entry")
    said = office.check(proof, "--entry", entry)
    assert "  event              query.released" in said.splitlines()
    assert "not opened         at, count, offense, officer, query, rows" in said
    for end in (b"\n", b"\r\n"):
        office.check(proof, "--entry", office.saved(receipt["entry"].encode() + end, "entry"))
    office.check("-", "--entry", office.saved(receipt["entry"], "entry"), text=receipt["tlog_proof"])
    for touched in (
        receipt["entry"] + "\n\n",
        receipt["entry"] + " ",
        office.denied["receipt"]["entry"],
        "",
        b"\xff\xfe",
    ):
        said = office.check(proof, "--entry", office.saved(touched, "entry"), status=1)
        assert said.startswith("not proved (path). The entry is not in the log")
    extra = receipt["tlog_proof"].replace("\nindex", "\nextra AAAA\nindex")
    office.check(office.saved(extra, "proof"), "--entry", office.saved(receipt["entry"], "entry"))


def _receipt(**changes: Any) -> Change:
    return lambda answer: answer["receipt"].update(changes)


def _opening(name: str, **changes: Any) -> Change:
    return lambda answer: answer["receipt"]["openings"][name].update(changes)


def _nested(depth: int) -> Any:
    return [_nested(depth - 1)] if depth else []


def _other_receipt(answer: dict[str, Any]) -> None:
    answer["query_id"] = "q_of-another-query-01"


TOUCHED: dict[str, tuple[str, str, Change]] = {
    "no proof": ("shape", "not whole", _receipt(tlog_proof="")),
    "a proof that is a number": ("shape", "not whole", _receipt(tlog_proof=3)),
    "no index": ("shape", "not whole", lambda a: a["receipt"].pop("index")),
    "an index that is a truth": ("shape", "not whole", _receipt(index=True)),
    "an index that is a fraction": ("shape", "not whole", _receipt(index=1.0)),
    "an entry that is no text": ("shape", "not whole", _receipt(entry={"event": "query.released"})),
    "an entry that is half a character": ("shape", "not whole", _receipt(entry="\ud800")),
    "another index": ("fields", "contradicts itself", _receipt(index=0)),
    "another size": ("fields", "contradicts itself", _receipt(tree_size=3)),
    "another leaf": ("fields", "contradicts itself", _receipt(leaf_hash="AAAA")),
    "another checkpoint": ("fields", "contradicts itself", _receipt(checkpoint="")),
    "another path": ("fields", "contradicts itself", _receipt(inclusion_proof=[])),
    "a path that is no list": ("shape", "not whole", _receipt(inclusion_proof="")),
    "another value": ("openings", "was not logged so", _opening("count", value=3)),
    "a truth for a number": ("openings", "was not logged so", _opening("count", value=True)),
    "another salt": ("openings", "was not logged so", _opening("count", salt="AAAA")),
    "a salt that is no base64": ("openings", "was not logged so", _opening("count", salt="?")),
    "a salt in other letters": ("shape", "not whole", _opening("count", salt="\u00e9")),
    "a value without end": ("openings", "was not logged so", _opening("count", value=_nested(900))),
    "no salt": ("openings", "was not logged so", lambda a: a["receipt"]["openings"]["count"].pop("salt")),
    "openings that are a list": ("openings", "was not logged so", _receipt(openings=[])),
    "openings that are nothing": ("openings", "was not logged so", _receipt(openings=None)),
    "an opening without commitment": (
        "openings",
        "was not logged so",
        lambda a: a["receipt"]["openings"].update(plate={"salt": "AAAA", "value": "DEMO9"}),
    ),
    "the opening of another name": (
        "openings",
        "was not logged so",
        lambda a: a["receipt"]["openings"].update(offense=a["receipt"]["openings"]["count"]),
    ),
    "another query": ("answer", "not what was logged", _other_receipt),
    "another policy": ("answer", "other policy", lambda a: a["decision"].update(policy={"revision": "x"})),
    "a record left out": ("answer", "not those that were released", lambda a: a["records"].pop()),
    "a record added": ("answer", "not those that were released", lambda a: a["records"].append({"id": "x"})),
    "a record changed": ("answer", "not those", lambda a: a["records"][0].update(plate="DEMO9")),
    "records that are no list": ("answer", "not those", lambda a: a.update(records={"id": "read-1"})),
    "a denial": ("answer", "another outcome", lambda a: a["decision"].update(outcome="deny")),
    "records in another order": ("answer", "not those", lambda a: a["records"].reverse()),
}


@pytest.mark.parametrize(("step", "words", "change"), TOUCHED.values(), ids=TOUCHED.keys())
def test_what_was_touched_is_not_proved(office: Office, step: str, words: str, change: Change) -> None:
    """Each for its own reason, in a sentence, and for a program; without a private word."""
    change(office.permitted)
    said = office.check(office.saved(office.permitted), status=1)
    assert said.startswith(f"not proved ({step}). "), said
    assert words in said
    assert 1 == len(said.splitlines())
    document = json.loads(office.check(office.saved(office.permitted), "--json", status=1))
    assert (False, step) == (document["proved"], document["step"])
    for private in ("DEMO", "Pat Example", "4411"):
        assert private not in said + document["message"]


DENIALS: dict[str, Change] = {
    "a permit": lambda a: a["decision"].update(outcome="permit"),
    "a provision left out": lambda a: a["decision"]["provisions"].pop(),
    "a provision added": lambda a: a["decision"]["provisions"].append({"code": "case_number"}),
    "a provision twice": lambda a: a["decision"]["provisions"].append(a["decision"]["provisions"][0]),
    "another provision": lambda a: a["decision"]["provisions"][0].update(code="case_number"),
    "a provision without a code": lambda a: a["decision"]["provisions"].append(3),
}


@pytest.mark.parametrize("change", DENIALS.values(), ids=DENIALS.keys())
def test_a_denial_that_says_otherwise_is_found(office: Office, change: Change) -> None:
    """The answer around a true receipt is held against the entry."""
    change(office.denied)
    assert "not proved (answer)" in office.check(office.saved(office.denied), status=1)


def test_the_receipt_of_another_answer_proves_nothing_of_this_one(office: Office) -> None:
    """True by itself, and of another query."""
    office.permitted["receipt"] = office.denied["receipt"]
    assert "(answer)" in office.check(office.saved(office.permitted), status=1)


def test_records_beside_a_bare_receipt_are_held_against_it(office: Office) -> None:
    """A receipt that was spread over the answer is an answer all the same."""
    spread = {**office.permitted, **office.permitted["receipt"]}
    office.check(office.saved(spread))
    changes: tuple[dict[str, object], ...] = (
        {"records": []},
        {"query_id": "q_of-another-query-01"},
        {"records": "none"},
    )
    for touched in changes:
        assert "(answer)" in office.check(office.saved(spread | touched), status=1)


def test_records_beside_the_receipt_of_a_denial_are_not_passed_over(office: Office) -> None:
    """No release is proved, so what looks like one is refused."""
    assert "no release" in office.check(office.saved(office.denied | {"records": RECORDS}), status=1)
    office.check(office.saved(office.denied | {"records": []}))  # as a dry run answers


def test_what_is_said_twice_is_not_checked(office: Office) -> None:
    """Two readers could take two things from it."""
    text = json.dumps(office.permitted)
    for twice in (
        text[:-1] + ', "records": []}',
        '{"receipt": null, ' + text[1:],
        text.replace('"index": 1,', '"index": 1, "index": 1,'),
    ):
        assert "one name twice" in office.check(office.saved(twice), status=2)


def test_records_without_their_opening_are_said_not_to_be_proved(office: Office) -> None:
    """Whoever takes an opening away must not get altered records called proved."""
    del office.permitted["receipt"]["openings"]["rows"]
    office.permitted["records"] = []
    said = office.check(office.saved(office.permitted))
    assert "records            NOT proved" in said
    assert "not opened         rows" in said
    assert json.loads(office.check("answer.json", "--json"))["records_proved"] is False
    del office.permitted["receipt"]["openings"]  # as GET /v1/ledger/entries/{n}/proof gives it
    assert "NOT proved" in office.check(office.saved(office.permitted))
