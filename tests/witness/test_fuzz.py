"""Whatever bytes come, each reader takes them or refuses them in its own words."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger import VerifierKey
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.cosignatures import CosignerKey, cosignatures, signed_only_by
from gatekeeper.witness.client import address
from gatekeeper.witness.directory import opened_by
from gatekeeper.witness.policy import parse as parse_policy
from gatekeeper.witness.protocol import SubmissionRefused, parse
from tests.witness.made import History, cosigner, log_key

BY, HISTORY = cosigner(), History(log_key())
PIECES = [
    "old ", "0", "7", "\n", "\n\n", "— ", " ", "+", "=", "\t", "witness ", "group ", "quorum ", "any ",
    "all ", "none", "one", "#", "https://w.example", str(BY.verifier), HISTORY.key.vkey,
    HISTORY.checkpoint(3), HISTORY.checkpoint(3).partition("\n\n")[0], BY.cosign(HISTORY.checkpoint(3), 9),
    "A" * 43 + "=", "\u2028",
]  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text())
BYTES = st.one_of(TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary())


@given(BYTES)
def test_a_request_is_read_as_it_would_be_written_or_refused(body: bytes) -> None:
    """One request has one spelling."""
    with suppress(SubmissionRefused):
        assert body == parse(body).encode()


@given(BYTES)
def test_a_policy_is_read_or_refused(content: bytes) -> None:
    """And what is read has a witness, and no quorum of nobody."""
    with suppress(SettingsRefused):
        policy = parse_policy(content)
        assert policy.witnesses
        assert policy.quorum is None or not policy.quorum.met_by(())


@given(TEXTS)
def test_a_key_or_an_address_is_read_or_refused(text: str) -> None:
    """A key as it is written."""
    for read in (VerifierKey.parse, CosignerKey.parse, address):
        with suppress(SettingsRefused):
            assert text.strip().rstrip("/") == str(read(text)).rstrip("/")


@given(TEXTS, TEXTS)
def test_no_text_forges_a_signature(text: str, lines: str) -> None:
    """What is found below a text that was put together was signed over exactly it."""
    with suppress(CheckpointRefused):
        for held in cosignatures(text, [BY.verifier], lines):
            assert text.startswith(HISTORY.checkpoint(3).partition("\n\n")[0] + "\n\n")
            assert 9 == held.at
    with suppress(CheckpointRefused):
        own = signed_only_by(text, [(HISTORY.key.origin, HISTORY.key.verifier.id)])
        assert 3 == opened_by(own, [HISTORY.key.verifier]).size
