"""``gatekeeper ledger check``: what holds is proved offline; what does not is told, each in its own words."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.ledger import Json, SigningKey, canonical
from gatekeeper.ledger.batch import Appended
from tests.cli.shell import spawned, typed
from tests.ledger.made import ORIGIN, Log, decided, new_ref, open_log, released

RECORDS = [{"id": "read-1", "plate": "DEMO123", "confidence": 0.93}, {"id": "read-2", "plate": "DEMO123"}]
DEEP = "[" * 5000 + "]" * 5000
Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Office:
    """What an agency has: its answers, and the log's key."""

    directory: Path
    log: Log
    permitted: dict[str, Any]
    denied: dict[str, Any]

    @property
    def key(self) -> str:
        """The log's key."""
        return self.log.key.vkey

    def saved(self, document: object, name: str = "answer.json") -> str:
        """Save something; return where."""
        file = self.directory / name
        if not isinstance(document, str | bytes):
            document = json.dumps(document)
        file.write_bytes(document.encode() if isinstance(document, str) else document)
        return str(file)

    def check(self, *arguments: str, status: int = 0, text: str | bytes | None = None) -> str:
        """Run the command with the log's key; return what it says."""
        result = typed("ledger", "check", *arguments, "--key", self.key, text=text)
        assert status == result.exit_code, result.output
        return result.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Log, dict[str, Any], dict[str, Any]]]:
    """Yield a log, and two answers of it as an agency gets them."""
    log = open_log(tmp_path_factory.mktemp("log"))
    ref = new_ref()
    permit = log.ledger.append(decided(ref))
    rows: Json = {"sha256": hashlib.sha256(canonical(RECORDS)).hexdigest()}
    draft = released(ref, permit.index)
    release = log.ledger.append(replace(draft, secret={**draft.secret, "count": 2, "rows": rows}))
    denial = log.ledger.append(decided(outcome="deny"))
    for _ in range(4):
        log.ledger.append(decided())
    yield log, _answer(release, "permit") | {"records": RECORDS, "next": None}, _problem(denial)
    log.rows.close()


@pytest.fixture
def office(
    made: tuple[Log, dict[str, Any], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """Return an agency's office, without a city and away from the log."""
    monkeypatch.chdir(tmp_path)
    log, permitted, denied = made
    return Office(tmp_path, log, *(json.loads(json.dumps(answer)) for answer in (permitted, denied)))


def _answer(appended: Appended, outcome: str) -> dict[str, Any]:
    entry = json.loads(appended.entry)
    decision = {"outcome": outcome, "policy": entry["policy"]}
    return {"query_id": entry["ref"], "decision": decision, "receipt": appended.receipt().as_json()}


def _problem(appended: Appended) -> dict[str, Any]:
    answer = _answer(appended, "deny")
    answer["decision"]["provisions"] = [{"code": "affirmation", "title": "An affirmation"}]
    return {"type": "/docs#problem-denied", "title": "Denied", "status": 403, **answer}


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


def test_another_logs_receipt_and_another_key_are_told_apart(office: Office, tmp_path: Path) -> None:
    """Origin and key; with several keys, what the nearest one says."""
    file = office.saved(office.permitted)
    stranger = SigningKey.create(tmp_path / "stranger.pem", ORIGIN).vkey
    elsewhere = SigningKey.create(tmp_path / "elsewhere.pem", "elsewhere.example.org").vkey
    for key, step in ((stranger, "key"), (elsewhere, "origin")):
        result = typed("ledger", "check", file, "--key", key)
        assert (1, True) == (result.exit_code, f"({step})" in result.stdout), result.output
    result = typed("ledger", "check", file, "--key", elsewhere, "--key", stranger)
    assert "(key)" in result.stdout
    for keys in ((stranger, office.key), (office.key, stranger), (elsewhere, office.key)):
        assert 0 == typed("ledger", "check", file, "--key", keys[0], "--key", keys[1]).exit_code
    office.saved(f"{stranger}\n\n{office.key}\n", "keys")
    assert 0 == typed("ledger", "check", file, "--key", "keys").exit_code


def test_a_second_history_is_shown_by_a_kept_checkpoint(office: Office) -> None:
    """Same size, another root, both signed: a fork; the same root holds; another size cannot be compared."""
    size = office.permitted["receipt"]["tree_size"]
    file = office.saved(office.permitted)
    same = office.saved(office.permitted["receipt"]["checkpoint"], "same")
    other_size = office.saved(office.denied["receipt"]["checkpoint"], "larger")
    said = office.check(file, "--checkpoint", same, "--checkpoint", other_size)
    assert f"kept               {same}: the same root" in said
    assert f"kept               {other_size}: of size {size + 1}, cannot be compared without the log" in said
    fork = office.saved(office.log.key.sign(size, bytes(32)), "fork")
    broken = office.saved("hello\n", "broken")
    for kept in ((fork,), (same, fork), (broken, fork)):
        options = [word for each in kept for word in ("--checkpoint", each)]
        assert "not proved (fork). The log has two histories" in office.check(file, *options, status=1)
    assert "shape of a checkpoint" in office.check(file, "--checkpoint", broken, status=2)
    office.permitted["receipt"]["index"] = 0
    assert "(fields)" in office.check(office.saved(office.permitted), "--checkpoint", fork, status=1)


def test_a_kept_checkpoint_of_another_log_compares_nothing(office: Office, tmp_path: Path) -> None:
    """Whoever signs for another name, or with another key, cannot make a fork of it."""
    size = office.permitted["receipt"]["tree_size"]
    file = office.saved(office.permitted)
    stranger = SigningKey.create(tmp_path / "stranger.pem", ORIGIN)
    elsewhere = SigningKey.create(tmp_path / "elsewhere.pem", "elsewhere.example.org")
    for signer in (stranger, elsewhere):
        kept = office.saved(signer.sign(size, bytes(32)), "kept")
        office.check(file, "--checkpoint", kept, status=2)
    assert "another log" in office.check(file, "--checkpoint", kept, "--key", elsewhere.vkey, status=2)


def test_witnesses_are_named_and_not_believed(office: Office) -> None:
    """A cosignature stands beside ours; instead of ours it proves nothing; a line that is none is no note."""
    receipt = office.permitted["receipt"]
    line = f"— witness.example.org {base64.b64encode(b'wits' + bytes(72)).decode()}\n"
    beside = {name: receipt[name] + line for name in ("checkpoint", "tlog_proof")}
    said = office.check(office.saved(receipt | beside))
    assert f"  also signed by witness.example.org+{b'wits'.hex()}, not checked" in said.splitlines()
    document = json.loads(office.check("answer.json", "--json"))
    assert [f"witness.example.org+{b'wits'.hex()}"] == document["also_signed_by"]
    ours = receipt["checkpoint"].partition("\n\n")[2]
    instead = {name: receipt[name].replace(ours, line) for name in ("checkpoint", "tlog_proof")}
    assert "(key)" in office.check(office.saved(receipt | instead), status=1)
    for rest in ("words\n", "— witness.example.org ?\n", "— witness.example.org AAAA\n", "\n"):
        beside = {name: receipt[name] + rest for name in ("checkpoint", "tlog_proof")}
        assert "(shape)" in office.check(office.saved(receipt | beside), status=1), rest


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "neither JSON nor a tlog-proof"),
        ("hello", "neither JSON nor a tlog-proof"),
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('{"index": ' + "9" * 5000 + "}", "not a JSON object"),
        ("{}", "holds no receipt"),
        ('{"receipt": null}', "holds no receipt"),
        ('{"receipt": "text"}', "holds no receipt"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n", "name the file with --entry"),
        ("c2sp.org/tlog-proof@v1\r\nindex 0\r\n", "CR LF"),
    ],
)
def test_what_is_no_receipt_cannot_be_checked(office: Office, content: str | bytes, words: str) -> None:
    """Exit status 2, one line that says what to give instead."""
    said = office.check(office.saved(content), status=2)
    assert said.startswith("it cannot be checked: ")
    assert words in said
    assert 1 == len(said.splitlines())
    result = typed("ledger", "check", "answer.json", "--json", "--key", office.key)
    assert json.loads(result.stdout)["proved"] is None


def test_what_is_not_there_cannot_be_checked(office: Office) -> None:
    """A missing file, a directory, a bad key, two files on one pipe: never status 1, which is the log's."""
    file = office.saved(office.permitted)
    proof = office.saved(office.permitted["receipt"]["tlog_proof"], "proof")
    for arguments, words in (
        (("missing.json",), "No such file"),
        ((".",), "directory"),
        ((proof, "--entry", "missing"), "No such file"),
        ((file, "--entry", proof), "leave --entry out"),
        (("-", "--entry", "-"), "one file"),
        ((file, "--checkpoint", "missing"), "No such file"),
    ):
        assert words in office.check(*arguments, status=2)
    office.saved("not a key\n", "bad")
    office.saved("", "empty")
    for key in (
        "nonsense",
        "",
        "bad",
        "empty",
        ".",
        "x" * 5000,
        "a\x00b",
        office.key[:-2],
        "\u00e9+1+\u00e9",
    ):
        result = typed("ledger", "check", file, "--key", key)
        assert (2, "") == (result.exit_code, result.stdout), key[:20]
        assert result.stderr.startswith("it cannot be checked: --key")
    assert 2 == typed("ledger", "check", file).exit_code
    assert 2 == typed("ledger", "check", "--key", office.key).exit_code


def _logged(log: Log, entry: bytes) -> dict[str, Any]:
    """Return the receipt of a log that holds nothing but these bytes, signed with the log's own key."""
    leaf = hashlib.sha256(b"\0" + entry).digest()
    note = log.key.sign(1, leaf)
    return {
        "index": 0,
        "entry": entry.decode(),
        "leaf_hash": base64.b64encode(leaf).decode(),
        "inclusion_proof": [],
        "tree_size": 1,
        "checkpoint": note,
        "tlog_proof": f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"outcome":"deny"', '"outcome":"permit","outcome":"deny"'),
        ('"outcome":"deny"', '"outcome": "deny"'),
        ('"outcome":"deny"', '"outcome":"perhaps"'),
        ('"v":1', '"v":2'),
        ('"v":1', '"plate":"DEMO9","v":1'),
        ("query.decided", "query.invented"),
        ('"hour":', '"\\u001b[2J":'),
    ],
)
def test_an_entry_that_the_log_may_not_hold_is_not_called_proved(office: Office, old: str, new: str) -> None:
    """Signed, in place, and readable in two ways or on no list: said so, and nothing of it quoted."""
    entry = office.denied["receipt"]["entry"]
    office.check(office.saved(_logged(office.log, entry.encode())))
    touched = _logged(office.log, entry.replace(old, new).encode())
    said = office.check(office.saved(touched), status=1)
    assert "not proved (entry)" in said
    assert "DEMO9" not in said
    assert "\x1b" not in said
    proof = office.saved(touched["tlog_proof"], "proof")
    assert "(entry)" in office.check(proof, "--entry", office.saved(touched["entry"], "entry"), status=1)


@pytest.mark.parametrize(
    "entry", [DEEP, f'{{"commitments":{DEEP}}}', "[]", "3", "null", '{"commitments":[]}', "words"]
)
def test_what_is_no_entry_at_all_ends_in_words(office: Office, entry: str) -> None:
    """Never in a traceback."""
    touched = _logged(office.log, entry.encode())
    office.check(office.saved(touched), status=1)
    proof = office.saved(touched["tlog_proof"], "proof")
    assert "(entry)" in office.check(proof, "--entry", office.saved(entry, "entry"), status=1)


def test_what_an_agency_typed_moves_no_cursor(office: Office) -> None:
    """An opened value and a file's name are spelt out, not obeyed."""
    draft = decided()
    query: Json = {"plate": "DEMO\x1b[2J\u202e\n9"}
    appended = office.log.ledger.append(replace(draft, secret={**draft.secret, "query": query}))
    said = office.check(office.saved(appended.receipt().as_json()))
    assert "query: plate: DEMO\\x1b[2J\\u202e\\n9" in said
    assert "\x1b" not in said
    assert "\x1b" not in office.check("missing\x1b[2J", status=2)


def test_every_cut_is_told(office: Office) -> None:
    """A receipt that was saved in part proves nothing, wherever it ends."""
    text = json.dumps(office.denied)
    for end in range(0, len(text), 97):
        office.check("-", status=2, text=text[:end])
    proof, entry = (
        office.denied["receipt"]["tlog_proof"],
        office.saved(office.denied["receipt"]["entry"], "e"),
    )
    for end in range(40, len(proof)):
        said = office.check("-", "--entry", entry, status=1, text=proof[:end])
        assert "(shape)" in said or "(key)" in said, end
