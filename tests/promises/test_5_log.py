"""Promise 5: the log has no gap, each receipt is its own asker's, and erasing words leaves every proof."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import KeyErased, LedgerCorrupt
from gatekeeper.ledger import DayKeys, Ledger, VerifierKey, canonical
from gatekeeper.ledger.receipts import check_receipt
from gatekeeper.ledger.verify import verify
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from tests.exchange.city import City, body
from tests.servers.gate import RunningGate


@dataclass
class _Askers:
    """Each request is its own: plate, limit, badge and words."""

    gate: RunningGate
    heard: list[tuple[dict[str, Any], int, dict[str, Any]]] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)

    def run(self, number: int) -> None:
        plates = self.gate.document["samples"]["plates"]
        try:
            for turn in range(6):
                asked = self.gate.body(
                    query__plate=plates[(number * 7 + turn) % len(plates)],
                    query__limit=1 + (number * 6 + turn) % 200,
                    requester__badge=f"B{number:02}{turn:02}",
                    purpose__narrative=f"Stolen Example sedan {number} of {turn} on Sample Avenue",
                    purpose__case_number=f"25-{10_000 + number * 10 + turn}",
                )
                if turn % 3 == 2:
                    asked["attestation"]["accepted"] = False
                given = self.gate.ask(asked)
                self.heard.append((asked, given.status_code, given.json()))
        except BaseException as error:  # noqa: BLE001  a thread's failure is the test's
            self.failed.append(error)


@pytest.mark.servers
def test_no_answer_is_swapped_and_no_index_is_missing(served: RunningGate) -> None:
    """Thirty-two clients, two workers: each answer and receipt is that of its own request."""
    askers = _Askers(served)
    served.token()
    threads = [threading.Thread(target=askers.run, args=(n,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [] == askers.failed
    assert 32 * 6 == len(askers.heard)
    key = VerifierKey.parse(served.document["ledger"]["vkey"])
    entries = served.entries()
    late = [answer for _, status, answer in askers.heard if status == 503]
    assert all(answer["type"].endswith("lease_expired") for answer in late)
    assert len(late) < 20
    for asked, status, answer in askers.heard:
        if answer in late:
            assert "records" not in answer  # a busy machine: committed, but too late to be sent
            continue
        assert (403 if not asked["attestation"]["accepted"] else 200) == status, answer
        receipt = answer["receipt"]
        check_receipt(receipt, key)
        entry = json.loads(receipt["entry"])
        assert entries[receipt["index"]] == entry
        assert answer["query_id"] == entry["ref"]
        opened = {name: opening["value"] for name, opening in receipt["openings"].items()}
        assert asked["requester"]["badge"] == opened["officer"]["badge"]
        assert asked["query"]["plate"] == opened["query"]["plate"]
        assert asked["query"]["limit"] == opened["query"]["limit"]
        if status == 200:
            assert {asked["query"]["plate"]} >= {record["plate"] for record in answer["records"]}
            assert len(answer["records"]) == opened["count"] <= asked["query"]["limit"]
            assert hashlib.sha256(canonical(answer["records"])).hexdigest() == opened["rows"]["sha256"]
        else:
            assert hashlib.sha256(canonical(asked)).hexdigest() == opened["request"]
    heard = [answer for _, _, answer in askers.heard if answer not in late]
    indices = [answer["receipt"]["index"] for answer in heard]
    assert [] == [index for index, times in Counter(indices).items() if times > 1]
    ids = [answer["query_id"] for answer in heard]
    assert len(ids) == len(set(ids))


@pytest.mark.servers
def test_indices_run_without_a_gap(served: RunningGate) -> None:
    """From nought to the head, each once, in the order of the log."""
    served.ask(served.body())
    state = open_state(Settings(data=served.data))
    try:
        head = state.rows.head()
        assert [*range(head.size)] == [entry.index for entry in state.rows.entries(0, head.size)]
        assert [] == verify(state.rows, state.log_key.verifier)
    finally:
        state.database.close()


def test_a_receipt_proves_only_itself(city: City) -> None:
    """With another's entry, opening, index or proof it is refused."""
    one, other = (json.loads(city.ask(body(query__limit=n)).body)["receipt"] for n in (3, 4))
    key = city.state.log_key.verifier
    check_receipt(one, key)
    check_receipt(other, key)
    for name in ("index", "entry", "leaf_hash", "inclusion_proof", "openings", "checkpoint", "tree_size"):
        with pytest.raises(LedgerCorrupt):
            check_receipt(one | {name: other[name]}, key)


def test_a_destroyed_day_leaves_every_proof_and_no_word(city: City, tmp_path: Path) -> None:
    """On a copy of the city: the day's key is destroyed, the words are gone, all proofs still hold."""
    receipt = json.loads(city.ask(body(requester__badge="Sample-441177")).body)["receipt"]
    assert city.state.ledger.detail_of(receipt["index"]).openings
    copy = tmp_path / "copy"
    shutil.copytree(city.state.settings.data, copy)
    today = datetime.now(UTC).date()
    DayKeys(copy / "keys" / "days", today=lambda: today + timedelta(days=1)).destroy(today)

    later = open_state(Settings(data=copy, engine="embedded", client_profiles="fapi basic"))
    try:
        keys = DayKeys(copy / "keys" / "days", today=lambda: today + timedelta(days=1))
        log = Ledger(later.rows, later.log_key, keys, later.clock, None)
        assert [] == verify(later.rows, later.log_key.verifier, checkpoints=later.rows.checkpoints())
        check_receipt(receipt, later.log_key.verifier)
        proof = log.receipt_for(receipt["index"]).as_json()
        assert receipt["entry"] == proof["entry"]
        check_receipt(proof, later.log_key.verifier)
        for index in range(later.rows.head().size):
            with pytest.raises(KeyErased):
                log.detail_of(index)
    finally:
        later.close()
    everything = b"".join(file.read_bytes() for file in copy.rglob("*") if file.is_file())
    for word in (b"DEMO1", b"Sample Avenue", b"Pat Example", b"25-10494", b"Sample-441177"):
        assert word not in everything
