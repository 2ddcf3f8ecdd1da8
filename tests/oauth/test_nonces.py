"""The key of the nonces for DPoP proofs: one for all processes, or no start."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gatekeeper.errors import SettingsRefused
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.web import secret_file
from tests.oauth.city import NOW


def test_processes_that_begin_at_once_know_each_others_nonces(tmp_path: Path) -> None:
    """One key is made, whoever was first: a nonce of one counts with all others."""
    file, found = tmp_path / "nonces.key", list[Nonces]()

    def begin() -> None:
        secret_file.create(file)
        found.append(Nonces(secret_file.read(file)))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len({nonces.fresh(NOW) for nonces in found})
    assert all(nonces.known(found[0].fresh(NOW), NOW) for nonces in found)
    assert 0o600 == file.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("content", "mode"), [(None, 0), (b"", 0o600), (b"1" * 31, 0o600), (b"1" * 32, 0o644)]
)
def test_a_key_that_is_none_is_said_to_be(tmp_path: Path, content: bytes | None, mode: int) -> None:
    """Missing, not whole, or open to others: with what cures it."""
    file = tmp_path / "nonces.key"
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(SettingsRefused, match=r"gatekeeper init|chmod 600"):
        secret_file.read(file)
