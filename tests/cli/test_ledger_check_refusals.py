"""``gatekeeper ledger check`` before keys, histories, witnesses and files that are not as they should be."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.ledger import Json, SigningKey
from tests.cli.office import Office
from tests.cli.shell import typed
from tests.ledger.made import ORIGIN, Log, decided

DEEP = "[" * 5000 + "]" * 5000


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
