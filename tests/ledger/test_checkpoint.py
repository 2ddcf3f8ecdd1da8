"""Checkpoints and receipts: what tools that we did not write accept, and what they and we refuse."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import metamorphic_log
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.errors import LedgerCorrupt, SettingsRefused, UnknownEntry
from gatekeeper.ledger.checkpoint import CheckpointRefused, SigningKey, VerifierKey, open_checkpoint
from gatekeeper.ledger.merkle import consistency_proof
from gatekeeper.ledger.receipts import check_receipt, check_tlog_proof
from gatekeeper.ledger.tiles import TileReader
from tests.ledger.made import ORIGIN, Log, decided
from tests.servers.go import built

VERIFIER = Path(__file__).parent.parent / "verifiers" / "tlog"


def test_an_outside_verifier_accepts_what_we_sign(log: Log) -> None:
    """metamorphic-log: signature, inclusion of every entry, consistency of every checkpoint with the last."""
    appended = [log.ledger.append(decided()) for _ in range(9)]
    last = log.ledger.checkpoint()
    assert 9 == metamorphic_log.checkpoint_verify(last, [log.key.vkey]).size
    node = TileReader(log.rows).node
    for entry in appended:
        metamorphic_log.checkpoint_verify_inclusion(
            entry.checkpoint, [log.key.vkey], entry.index, entry.leaf_hash, list(entry.proof)
        )
        proof = list(consistency_proof(entry.tree_size, 9, node))
        metamorphic_log.checkpoint_verify_consistency(entry.checkpoint, last, [log.key.vkey], proof)


def test_an_outside_verifier_refuses_what_was_touched(log: Log, tmp_path: Path) -> None:
    """Another leaf, another index, another key, a shrunken tree: refused there as here."""
    one, two = (log.ledger.append(decided()) for _ in range(2))
    other = SigningKey.create(tmp_path / "other.pem", ORIGIN)
    for note, index, leaf, vkey in (
        (two.checkpoint, 1, one.leaf_hash, log.key.vkey),
        (two.checkpoint, 0, two.leaf_hash, log.key.vkey),
        (two.checkpoint, 1, two.leaf_hash, other.vkey),
        (two.checkpoint.replace("\n2\n", "\n3\n"), 1, two.leaf_hash, log.key.vkey),
    ):
        with pytest.raises(metamorphic_log.VerifyError):
            metamorphic_log.checkpoint_verify_inclusion(note, [vkey], index, leaf, list(two.proof))
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.checkpoint_verify_consistency(two.checkpoint, one.checkpoint, [log.key.vkey], [])


@dataclass
class Altered:
    """A replacement in a checkpoint's text, and the reason for its refusal."""

    name: str
    reason: str
    old: str
    new: str


@pytest.mark.parametrize(
    "change",
    [
        Altered("another size", "wrong_key", "\n1\n", "\n2\n"),
        Altered("a leading zero", "malformed", "\n1\n", "\n01\n"),
        Altered("a negative size", "malformed", "\n1\n", "\n-1\n"),
        Altered("another origin", "wrong_origin", ORIGIN + "\n1", "else.example.org\n1"),
        Altered("another signer", "wrong_key", f"— {ORIGIN}", "— else.example.org"),
        Altered("a hyphen for the dash", "malformed", "— ", "- "),
        Altered("no gap", "malformed", "\n\n", "\n"),
        Altered("an extra line", "malformed", "\n\n", "\nmore\n\n"),
        Altered("no end", "malformed", "=\n\n", "=\n\n\n"),
    ],
    ids=lambda change: change.name,
)
def test_a_checkpoint_that_was_touched_is_refused(log: Log, change: Altered) -> None:
    """Each change for its own reason."""
    text = log.ledger.append(decided()).checkpoint
    assert change.old in text
    with pytest.raises(CheckpointRefused) as refused:
        open_checkpoint(text.replace(change.old, change.new), log.key.verifier)
    assert change.reason == refused.value.reason


def test_a_witness_may_sign_beside_us_but_not_instead(log: Log, tmp_path: Path) -> None:
    """Cosignatures are left alone; without ours nothing is accepted."""
    text = log.ledger.append(decided()).checkpoint
    body = text.split("\n\n")[0] + "\n"
    witness = SigningKey.create(tmp_path / "witness.pem", "witness.example.org")
    line = base64.b64encode(witness.verifier.id + bytes(64)).decode()
    beside = f"{text}— witness.example.org {line}\n"
    assert 1 == open_checkpoint(beside, log.key.verifier).size
    with pytest.raises(CheckpointRefused, match="not signed"):
        open_checkpoint(f"{body}\n— witness.example.org {line}\n", log.key.verifier)
    stranger = SigningKey.create(tmp_path / "stranger.pem", ORIGIN)
    with pytest.raises(CheckpointRefused, match="not signed"):
        open_checkpoint(stranger.sign(1, bytes(32)), log.key.verifier)


def test_the_key_is_a_private_file_that_is_never_replaced(tmp_path: Path) -> None:
    """Mode 0600, PKCS#8 PEM; open to others, replaced, missing or of another kind: refused."""
    file = tmp_path / "log.pem"
    made = SigningKey.create(file, ORIGIN)
    assert 0o600 == file.stat().st_mode & 0o777
    assert file.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert made.vkey == SigningKey.load(file, ORIGIN).vkey
    assert made.verifier == VerifierKey.parse(made.vkey)
    with pytest.raises(SettingsRefused, match="exists"):
        SigningKey.create(file, ORIGIN)
    file.chmod(0o640)
    with pytest.raises(SettingsRefused, match="chmod"):
        SigningKey.load(file, ORIGIN)
    with pytest.raises(SettingsRefused, match="cannot be read"):
        SigningKey.load(tmp_path / "none.pem", ORIGIN)
    other = tmp_path / "other.pem"
    other.touch(mode=0o600)
    with pytest.raises(SettingsRefused, match="not a private key"):
        SigningKey.load(other, ORIGIN)
    curve = generate_private_key(SECP256R1())
    other.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(SettingsRefused, match="not an Ed25519"):
        SigningKey.load(other, ORIGIN)
    file.chmod(0o600)
    for origin in ("", "two words", "plus+sign", "line\nline"):
        with pytest.raises(SettingsRefused, match="origin"):
            SigningKey.load(file, origin)


@pytest.mark.parametrize(
    "vkey", ["", "a+b", "a+00000000+AQ==", "{0}+{1}0+{2}", "x{0}+{1}+{2}", "{0}+{1}+A{2}"]
)
def test_a_vkey_that_does_not_fit_itself_is_refused(log: Log, vkey: str) -> None:
    """Cut off, or with another's name or id."""
    with pytest.raises(SettingsRefused):
        VerifierKey.parse(vkey.format(*log.key.vkey.split("+", 2)))


def test_a_receipt_proves_itself(log: Log) -> None:
    """Text and JSON, at once and later under a larger tree; the openings open."""
    for _ in range(5):
        log.ledger.append(decided())
    appended = log.ledger.append(decided())
    log.ledger.append(decided())
    for receipt in (appended.receipt(), log.ledger.receipt_for(5, appended.openings)):
        shape = receipt.as_json()
        assert [
            "index", "entry", "leaf_hash", "inclusion_proof", "tree_size", "checkpoint", "openings",
            "tlog_proof",
        ] == list(shape)  # fmt: skip
        assert "query.decided" == check_receipt(shape, log.key.verifier)["event"]
    assert {} == log.ledger.receipt_for(0).openings
    for index in (-1, 7):
        with pytest.raises(UnknownEntry):
            log.ledger.receipt_for(index)


@pytest.mark.parametrize(
    "change",
    [
        {"index": 1},
        {"tree_size": 4},
        {"leaf_hash": "AAAA"},
        {"entry": "{}"},
        {"entry": 3},
        {"tlog_proof": ""},
        {"openings": None},
        {"openings": {"offense": {"salt": "AAAA", "value": "240"}}},
        {"openings": {"offense": {"salt": "?", "value": "240"}}},
        {"openings": {"offense": {"value": "240"}}},
        {"openings": {"plate": {"salt": "", "value": ""}}},
    ],
)
def test_a_receipt_that_was_touched_proves_nothing(log: Log, change: dict[str, Any]) -> None:
    """Whatever part of it."""
    log.ledger.append(decided())
    log.ledger.append(decided())
    receipt = log.ledger.append(decided()).receipt().as_json()
    with pytest.raises(LedgerCorrupt):
        check_receipt({**receipt, **change}, log.key.verifier)
    with pytest.raises(LedgerCorrupt):
        check_receipt({k: v for k, v in receipt.items() if k not in change}, log.key.verifier)


def test_a_tlog_proof_for_another_leaf_is_refused(log: Log) -> None:
    """The path must lead from this entry to this checkpoint."""
    one, two = (log.ledger.append(decided()) for _ in range(2))
    text = two.receipt().tlog_proof()
    assert 1 == check_tlog_proof(text, two.leaf_hash, log.key.verifier)[0]
    extra = text.replace("\nindex", "\nextra AAAA\nindex")
    assert 1 == check_tlog_proof(extra, two.leaf_hash, log.key.verifier)[0]
    for touched, leaf in (
        (text, one.leaf_hash),
        (text.replace("index 1", "index 0"), two.leaf_hash),
        (text.replace("index 1", "index 01"), two.leaf_hash),
        (text.replace("@v1", "@v2"), two.leaf_hash),
    ):
        with pytest.raises(LedgerCorrupt):
            check_tlog_proof(touched, leaf, log.key.verifier)


@pytest.mark.needs("go")
def test_the_go_libraries_accept_our_receipts_and_refuse_touched_ones(log: Log, tmp_path: Path) -> None:
    """golang.org/x/mod's sumdb/note and sumdb/tlog: the code behind Go's own checksum database."""
    program = built(VERIFIER, tmp_path / "tlog")
    for _ in range(300):
        log.ledger.append(decided())
    appended = log.ledger.append(decided())
    for receipt in (appended.receipt(), log.ledger.receipt_for(5), log.ledger.receipt_for(299)):
        entry, proof = tmp_path / "entry", tmp_path / "receipt.tlog-proof"
        for text, record, expected in (
            (receipt.tlog_proof(), receipt.entry, 0),
            (receipt.tlog_proof(), receipt.entry + b" ", 1),
            (receipt.tlog_proof().replace("\n301\n", "\n302\n"), receipt.entry, 1),
            (receipt.tlog_proof().replace(f"index {receipt.index}", "index 7"), receipt.entry, 1),
        ):
            entry.write_bytes(record)
            proof.write_text(text, encoding="utf-8")
            ran = subprocess.run(
                [str(program), "receipt", log.key.vkey, str(entry), str(proof)],
                check=False,
                capture_output=True,
            )
            assert expected == ran.returncode, ran.stderr
