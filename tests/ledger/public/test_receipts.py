"""Receipts: every answer of the city is proved by the key alone, and none stands for another."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from gatekeeper.ledger import VerifierKey
from gatekeeper.ledger.proved import prove_answer, prove_text, records_proved
from gatekeeper.ledger.receipts import ReceiptRefused
from tests.ledger.public.asked import Asked, Published


def test_every_answer_is_proved_by_the_key_alone(public: Published, asked: Asked) -> None:
    """Permits with their records, denials with provisions that are public and that are not."""
    key = VerifierKey.parse(public.vkey)
    for one in asked.queries:
        proved = prove_answer(one.answer, [key])
        assert public.documents[proved.index] == proved.entry
        assert () == proved.unopened
        assert (True if one.status == 200 else None) == records_proved(one.answer, proved)
        receipt = one.answer["receipt"]
        alone = prove_text(receipt["tlog_proof"], public.entries[proved.index], [key])
        assert (proved.index, {}) == (alone.index, alone.opened)


def test_a_hidden_provision_is_opened_for_its_asker_alone(public: Published, asked: Asked) -> None:
    """The asker's answer names it, and is held against the opening; the entry does not."""
    key = VerifierKey.parse(public.vkey)
    one = asked.of("case and hidden")[0]
    codes = [each["code"] for each in one.answer["decision"]["provisions"]]
    assert {"case_number", "stated_reason"} == set(codes)
    assert ["case_number"] == prove_answer(one.answer, [key]).entry["provisions"]
    touched: dict[str, Any] = json.loads(json.dumps(one.answer))
    touched["decision"]["provisions"] = [
        each for each in touched["decision"]["provisions"] if each["code"] != "stated_reason"
    ]
    with pytest.raises(ReceiptRefused, match="other provisions"):
        prove_answer(touched, [key])


def test_no_answer_stands_with_the_receipt_of_another(public: Published, asked: Asked) -> None:
    """Each with that of the next one: refused as the receipt of another query."""
    key = VerifierKey.parse(public.vkey)
    for one, other in pairwise(asked.queries):
        with pytest.raises(ReceiptRefused) as refused:
            prove_answer({**one.answer, "receipt": other.answer["receipt"]}, [key])
        assert "answer" == refused.value.step


def test_nothing_is_proved_without_a_key(asked: Asked) -> None:
    """No key is not a key that fits."""
    with pytest.raises(ValueError, match="key"):
        prove_answer(asked.queries[0].answer, [])
