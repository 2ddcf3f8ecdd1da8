"""What an erasure leaves: nothing of what it erased, all of what must be kept, and every proof."""

from __future__ import annotations

import base64
import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import InvalidCursor, KeyErased
from gatekeeper.exchange import further_records, status_of
from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.commitments import SALT_BYTES, opens
from gatekeeper.ledger.verify import verify
from tests.exchange.appeals import Denied
from tests.exchange.city import body
from tests.exchange.papers import pdf
from tests.purge.made import AGENCY, CASE, GONE, HELD, LATER, OFFICER, OPEN, RECENT, STORY, UPHELD, Town

ERASED = (GONE, UPHELD, LATER)


def files_of(town: Town) -> dict[str, bytes]:
    """Return every file of the state but the keys, by name."""
    data = town.state.settings.data
    return {f.name: f.read_bytes() for f in data.iterdir() if f.is_file() and f.name != "reserve"}


def boxes_of(town: Town, plate: str) -> list[bytes]:
    """Return the sealed boxes of a query, its document's among them."""
    with town.state.database.read() as connection:
        of = (town.ids[plate],)
        found = (
            connection.exec_driver_sql("SELECT box FROM private_details WHERE ref = ?", of).scalars().all()
        )
        papers = (
            connection.exec_driver_sql("SELECT box FROM documents WHERE query_id = ?", of).scalars().all()
        )
    return [*found, *papers]


def salts_of(town: Town, plate: str) -> list[bytes]:
    """Return the salts of a query's commitments, as they are written down in the box."""
    entries = town.state.rows.entries_of(town.ids[plate])
    found = [town.state.ledger.opened(e).openings for e in entries]
    return [str(opening["salt"]).encode() for openings in found for opening in openings.values()]


def test_nothing_of_it_is_in_any_file(town: Town) -> None:
    """Not the words, not the salts, not even the sealed boxes: in the file, -wal, -shm, entries, proofs."""
    boxes = [box for plate in ERASED for box in boxes_of(town, plate)]
    salts = [salt for plate in ERASED for salt in salts_of(town, plate)]
    assert len(boxes) > 6
    before = b"".join(files_of(town).values())
    assert all(box[-64:] in before for box in boxes if len(box) < 2000)
    [done] = town.erase()
    assert done.wal_emptied
    assert 2 == done.days
    words = [w.encode() for w in (GONE, UPHELD, LATER, HELD, OPEN, RECENT, OFFICER, CASE, STORY)]
    entries = b"".join(e.entry for e in town.state.rows.entries(0, 10_000))
    receipts = "".join(town.state.ledger.receipt_for(n).tlog_proof() for n in range(20)).encode()
    town.close()
    for name, content in (files_of(town) | {"entries": entries, "receipts": receipts}).items():
        for word in [*words, *salts]:
            assert word not in content, (name, word)
        for box in boxes:
            # An overflow page holds four kilobytes: any 64 bytes of a box would be a piece of it.
            for at in range(1, max(2, len(box) - 64), 512):
                assert box[at : at + 64] not in content, name


def test_a_backup_of_before_is_ciphertext(town: Town, tmp_path: Path) -> None:
    """A copy of the database that is older than the erasure: its boxes open with no key that is left."""
    copy = tmp_path / "backup.db"
    with sqlite3.connect(town.state.settings.data / "state.db") as real, sqlite3.connect(copy) as kept:
        real.backup(kept)
    town.erase()
    with sqlite3.connect(copy) as kept:
        rows = kept.execute("SELECT ref, event, day, box FROM private_details").fetchall()
    assert not any(word in copy.read_bytes() for word in (GONE.encode(), STORY.encode(), OFFICER.encode()))
    keys = DayKeys(town.state.settings.key_directory / "days")
    opened = set()
    for ref, event, day, box in rows:
        try:
            keys.open(date.fromisoformat(day), ref, event.partition("@")[0], box)
        except KeyErased:
            continue
        opened.add(ref)
    assert opened.isdisjoint(town.ids[plate] for plate in (*ERASED, HELD, OPEN))
    assert town.ids[RECENT] in opened


def test_no_guess_opens_a_commitment_without_its_salt(town: Town) -> None:
    """Every plate that there could be, tried against the public commitment: none fits."""
    [entry] = [e for e in town.state.rows.entries_of(town.ids[GONE]) if e.event == "query.decided"][:1]
    opening = town.state.ledger.opened(entry).openings["query"]
    value: Any = opening["value"]
    commitment = str(json.loads(entry.entry)["commitments"]["query"])
    salt = base64.b64decode(str(opening["salt"]))
    assert opens("query", value, salt, commitment)  # the guess is right, and with the salt it shows
    town.erase()
    with pytest.raises(KeyErased):
        town.state.ledger.opened(entry)
    for number in range(100):
        guess = value | {"plate": f"DEMO{number}"}
        assert not opens("query", guess, bytes(SALT_BYTES), commitment)


def test_every_proof_still_verifies(town: Town) -> None:
    """The log derives anew, an old receipt still proves its entry, and a new one can be made for it."""
    old = [town.state.ledger.receipt_for(n).as_json() for n in range(town.state.rows.head().size)]
    town.erase()
    assert town.consistent()
    rows, key = town.state.rows, town.state.log_key.verifier
    checkpoints = [str(receipt["checkpoint"]) for receipt in old]
    assert [] == verify(rows, key, checkpoints=rows.checkpoints(), kept=checkpoints)
    for index, receipt in enumerate(old):
        assert receipt["leaf_hash"] == town.state.ledger.receipt_for(index).as_json()["leaf_hash"]


def test_the_log_says_what_was_done_and_never_how_much(town: Town) -> None:
    """Intent before act: begun, then done, under one name; counts are bands."""
    [done] = town.erase()
    [begun], [ended] = town.events("purge.begun"), town.events("purge.done")
    assert begun["ref"] == ended["ref"] == done.id
    assert str(town.before) == begun["before"]
    said = {name: ended[name] for name in ("before", "days", "details", "documents", "held")}
    bands = {"days": "1-9", "details": "10-99", "documents": "1-9", "held": "1-9"}
    assert {"before": str(town.before), **bands} == said


def test_a_second_run_has_nothing_to_do(town: Town) -> None:
    """And says nothing in the log."""
    town.erase()
    size = town.state.rows.head().size
    assert [] == town.erase()
    assert size == town.state.rows.head().size


def test_what_is_under_review_is_kept_until_it_is_ruled_on(town: Town) -> None:
    """The reviewer reads it as before, with its paper; once it is upheld, the next erasure takes it."""
    town.erase()
    assert not any(town.readable(plate) for plate in (GONE, UPHELD, HELD, LATER))
    assert town.readable(OPEN)
    assert town.readable(RECENT)
    assert pdf() == town.paper(OPEN)
    assert None is town.paper(UPHELD)
    Denied(town.city(), town.ids[OPEN]).moved("upheld", "review.ruled")
    town.erase()
    entries = town.state.rows.entries_of(town.ids[OPEN])
    with pytest.raises(KeyErased):
        town.state.ledger.opened(entries[0])
    assert None is town.paper(OPEN)
    assert [] == list((town.state.settings.key_directory / "days" / "held").iterdir())


def test_a_ruling_that_still_permits_keeps_what_it_permits(town: Town) -> None:
    """Staff ruled today on what was asked two months ago: the agency has its time to fetch it."""
    denied = Denied(town.city(), town.ids[OPEN])
    entry = town.state.rows.entries_of(denied.query_id)[0]
    denied.ruled("case_number", "sha256:" + "0" * 64)
    assert "permitted" == denied.review.state
    town.erase()
    town.erase()
    assert town.state.ledger.opened(entry).detail["body"]


def test_the_agency_is_told_that_it_was_erased(town: Town) -> None:
    """The decision and its proof stay; there are no openings, no further pages, and no failure."""
    city, query_id = town.city(), town.ids[GONE]
    before = status_of(town.gate, city.presented(AGENCY), query_id)
    assert not before["erased"]
    town.erase()
    after: dict[str, Any] = status_of(town.gate, city.presented(AGENCY), query_id)
    assert after["erased"]
    assert "permit" == after["decision"]["outcome"]
    assert None is after["decision"]["obligations"]
    assert {} == after["receipt"]["openings"]
    with pytest.raises(InvalidCursor):
        further_records(town.gate, city.presented(AGENCY), query_id)
    upheld: dict[str, Any] = status_of(town.gate, city.presented(AGENCY), town.ids[UPHELD])
    assert ([], []) == (upheld["review"]["messages"], upheld["review"]["documents"])
    json.dumps([after, upheld])


def test_the_gate_goes_on_as_before(town: Town) -> None:
    """A new query is answered, an old Idempotency-Key begins a query of its own."""
    town.erase()
    city = town.city()
    given = city.ask(body(), idempotency_key=f"key of {GONE}")
    assert 200 == given.status
    assert given.query_id != town.ids[GONE]
    assert given.query_id == city.ask(body(), idempotency_key=f"key of {GONE}").query_id


def test_no_bucket_of_an_officer_outlives_its_day(town: Town) -> None:
    """What was used of an officer's limit is found by a fingerprint under the day's key: it goes with it."""
    with town.state.database.write() as connection:
        for number in range(3):
            row = (AGENCY, bytes([number]) * 32, "officer", str(town.first), 1, 1)
            connection.exec_driver_sql("INSERT INTO quota_buckets VALUES (?, ?, ?, ?, ?, ?)", row)
    town.erase()
    with town.state.database.read() as connection:
        days = connection.exec_driver_sql("SELECT day FROM quota_buckets WHERE officer_fp <> x''").scalars()
        assert [] == [day for day in days if day < str(town.before)]
        own = connection.exec_driver_sql("SELECT count(*) FROM quota_buckets WHERE officer_fp = x''")
        assert 0 < own.scalar_one()


def test_another_process_notices_at_once(town: Town) -> None:
    """It had the key in memory a moment ago."""
    elsewhere = DayKeys(town.state.settings.key_directory / "days")
    box = boxes_of(town, GONE)[0]
    ref, day = town.ids[GONE], town.first
    plain = elsewhere.open(day, ref, "query.decided", box)
    assert GONE.encode() in plain
    town.erase()
    with pytest.raises(KeyErased):
        elsewhere.open(day, ref, "query.decided", box)
