"""What cannot be had back: the documented way by hand from a log that ended to a new one, step by step."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.cli.shell import City, typed
from tests.recovery.past import REASON, Past

ORIGIN = "alpr.example.gov/ledger-2"


def test_the_log_has_ended_and_a_new_one_begins(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old log's receipts go on proving, nobody goes on with it, and neither is taken for the other."""
    old_key = typed("ledger", "key", "--data", str(past.data)).stdout.strip()
    # Lost: two entries more were written than the published copy has, and the database is gone.
    past.forget()
    said = past.restore("--published", str(past.copy), "--ended-at", str(past.size + 2))
    assert (3, True) == (said[0], f"has {past.size} of {past.size + 2}" in said[1])
    # 1: whoever puts the backup in place by hand cannot go on with the old log.
    monkeypatch.setenv("GATEKEEPER_PUBLISHED_COPY", str(past.copy))
    shutil.copy(past.backup, past.database)
    refused = typed("ledger", "checkpoint", "--data", str(past.data))
    assert (1, True) == (refused.exit_code, "old copy restored" in refused.stderr)
    past.database.unlink()
    # 2: the registry is read.
    archive = past.root / "archive"
    archive.mkdir(mode=0o700)
    shutil.copytree(past.data / "keys", archive / "keys")
    shutil.copy(past.backup, archive / "state.db")
    monkeypatch.delenv("GATEKEEPER_PUBLISHED_COPY")
    agencies = typed("agency", "list", "--json", "--data", str(archive))
    assert "sample-il-pd" in agencies.stdout
    # 3: a new city, under another name and key.
    new = past.root / "new"
    monkeypatch.setenv("GATEKEEPER_LOG_ORIGIN", ORIGIN)
    assert f"its log is named {ORIGIN}" in typed("init", "--data", str(new)).stdout
    new_key = typed("ledger", "key", "--data", str(new)).stdout.strip()
    assert new_key.startswith(f"{ORIGIN}+")
    City(new).add_agency()
    # The old log's copy is verified with the old key, its receipts too; the new key proves none of them.
    copy = ["ledger", "verify", "--copy", str(past.copy), "--key"]
    assert f"consistent: {past.size} entries" in typed(*copy, old_key).stdout
    assert 0 != typed(*copy, new_key).exit_code
    receipt = past.root / "receipt.json"
    receipt.write_text(json.dumps({"receipt": past.receipts[-1]}))
    assert 0 == typed("ledger", "check", str(receipt), "--key", old_key).exit_code
    assert 0 != typed("ledger", "check", str(receipt), "--key", new_key).exit_code
    # Neither is exported over the other, nor taken for it at the start.
    exported = typed("ledger", "export", str(past.copy), "--data", str(new))
    assert (1, True) == (exported.exit_code, "name another directory" in exported.stderr)
    monkeypatch.setenv("GATEKEEPER_PUBLISHED_COPY", str(past.copy))
    assert 1 == typed("ledger", "checkpoint", "--data", str(new)).exit_code
    stopped = typed("stop", "--all", "--reason", REASON, "--data", str(new))
    assert 0 == stopped.exit_code, stopped.output
    monkeypatch.setenv("GATEKEEPER_PUBLISHED_COPY", str(past.root / "published-2"))
    assert 0 == typed("ledger", "export", str(past.root / "published-2"), "--data", str(new)).exit_code
    assert "consistent: 2 entries" in typed("ledger", "verify", "--data", str(new)).stdout
