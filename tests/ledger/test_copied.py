"""``gatekeeper ledger verify --copy``: a published copy, verified with nothing but the log's key.

Every tampering that outsiders' verifiers refuse is refused here, from a directory and over HTTP.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.export import export
from gatekeeper.ledger.findings import CODES
from gatekeeper.ledger.merkle import frontier_at, root
from gatekeeper.ledger.tiles import TileReader
from tests.cli.shell import typed
from tests.ledger.made import ORIGIN, Log, decided, open_log, released
from tests.ledger.test_outsiders import SIZE, TAMPERINGS, copy, log, original, served
from tests.ledger.test_published import at_once, grow

__all__ = ["copy", "log", "original"]


def verified(place: Path | str, key: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Verify a copy; return exit status and document."""
    result = typed("ledger", "verify", "--json", "--copy", str(place), "--key", key, *more)
    return result.exit_code, json.loads(result.stdout)


def found(told: tuple[int, dict[str, Any]]) -> list[str]:
    """Return what was found, as `code index`."""
    codes = [(one["code"], one["index"]) for one in told[1]["findings"]]
    assert {code for code, _ in codes} <= set(CODES)
    return [f"{code} {'-' if index is None else index}" for code, index in codes]


def test_an_untouched_copy_is_consistent(log: Log, copy: Path, tmp_path: Path) -> None:
    """From a directory and over HTTP, with the key or a file that holds it."""
    (tmp_path / "vkey").write_text(log.key.vkey + "\n")
    for key in (log.key.vkey, str(tmp_path / "vkey")):
        code, document = verified(copy, key)
        assert (0, True, SIZE) == (code, document["consistent"], document["size"])
    with served(copy) as url:
        assert document == verified(url, log.key.vkey)[1]
    result = typed("ledger", "verify", "--copy", str(copy), "--key", log.key.vkey)
    assert (0, "consistent: 600 entries\n", "") == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_tampering_is_refused(log: Log, copy: Path, what: str) -> None:
    """Whoever owns the directory, but not the key: exit status 1, from both places alike."""
    TAMPERINGS[what](copy)
    told = verified(copy, log.key.vkey)
    assert (1, True) == (told[0], bool(found(told)))
    with served(copy) as url:
        assert told == verified(url, log.key.vkey)


@pytest.mark.parametrize(
    ("what", "finding", "words"),
    [
        ("an entry altered", "altered 0", "its text does not have the hash"),
        ("an entry dropped", "dropped 265", "entry 265 was dropped"),
        ("two entries swapped", "reordered 0", "stands in the place of"),
        ("a bundle missing", "bundle 256", "tile/entries/001 is missing"),
        ("a bundle cut in an entry", "bundle 511", "tile/entries/001 ends within an entry"),
        ("an empty bundle", "bundle 512", "should hold 88 entries, and holds 0"),
        ("an entry after the last", "bundle 600", "should hold 88 entries, and holds 89"),
        ("a tile missing", "tile 256", "tile/0/001 is missing"),
        ("a tile cut", "tile 256", "tile/0/001 does not hold 256 hashes"),
        ("a hash above", "tile -", "does not hold the roots"),
        ("the origin", "wrong_origin -", "another log"),
        ("the signature", "wrong_key -", "not signed by the log's key"),
        ("an empty checkpoint", "malformed -", "does not have the shape"),
    ],
)
def test_each_defect_has_its_words(log: Log, copy: Path, what: str, finding: str, words: str) -> None:
    """The file is named, or the entry."""
    TAMPERINGS[what](copy)
    told = verified(copy, log.key.vkey)
    assert finding in found(told)
    assert any(words in one["message"] for one in told[1]["findings"])


def test_another_key_is_refused(copy: Path, tmp_path: Path) -> None:
    """Of the same name: the checkpoint bears another signature."""
    other = SigningKey.create(tmp_path / "other.pem", ORIGIN)
    told = verified(copy, other.vkey)
    assert (1, ["wrong_key -"]) == (told[0], found(told))


def test_every_size_is_accepted(tmp_path: Path) -> None:
    """Empty, within a tile, at its edge, and beyond."""
    log = open_log(tmp_path)
    for size in (0, 1, 255, 256, 257, 512, 513):
        grow(log, size - log.rows.head().size)
        export(at_once(log), log.rows, log.key.verifier, tmp_path / "copy")
        code, document = verified(tmp_path / "copy", log.key.vkey)
        assert (0, size) == (code, document["size"])
    log.rows.close()


def test_a_copy_that_grows_meanwhile_is_no_false_alarm(tmp_path: Path) -> None:
    """The parts that the checkpoint counts on are tidied away once their tile is complete."""
    log = open_log(tmp_path)
    grow(log, 300)
    export(at_once(log), log.rows, log.key.verifier, tmp_path / "copy")
    old = (tmp_path / "copy" / "checkpoint").read_bytes()
    grow(log, 300)
    export(at_once(log), log.rows, log.key.verifier, tmp_path / "copy")
    assert not (tmp_path / "copy/tile/entries/001.p").exists()
    (tmp_path / "copy" / "checkpoint").write_bytes(old)
    code, document = verified(tmp_path / "copy", log.key.vkey)
    assert (0, 300) == (code, document["size"])
    log.rows.close()


def test_a_copy_that_is_not_there_or_not_ended_is_no_verdict(log: Log, copy: Path, tmp_path: Path) -> None:
    """Exit status 2, each with its own words."""
    (copy / "checkpoint").unlink()
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "checkpoint")
    for place, words in (
        (copy, "its export has not come to its end"),
        (tmp_path / "none", "is no directory"),
        (tmp_path / "a\0b", "is no directory"),
        (tmp_path / "pipe", "is not a file"),
        ("ftp://gate.example/", "an address is as https://"),
        ("http://user@gate.example/", "an address is as https://"),
    ):
        code, document = verified(place, log.key.vkey)
        assert (2, None, True) == (code, document["consistent"], words in document["message"]), document
    with served(copy) as url:
        assert 2 == verified(url, log.key.vkey)[0]
    result = typed("ledger", "verify", "--copy", str(copy))
    assert (2, True) == (result.exit_code, "--copy needs --key" in result.stderr)
    result = typed("ledger", "verify", "--copy", str(copy), "--key", log.key.vkey, "--resume")
    assert (2, True) == (result.exit_code, "leave --since-last" in result.stderr)


def test_a_kept_checkpoint_shows_a_second_history(log: Log, copy: Path, tmp_path: Path) -> None:
    """Signed by the right key: only who kept a checkpoint sees it; one of a larger log is no verdict."""
    kept = tmp_path / "kept"
    kept.write_text(log.key.sign(300, root(frontier_at(300, TileReader(log.rows).node))))
    assert 0 == verified(copy, log.key.vkey, "--checkpoint", str(kept))[0]
    shutil.copy(log.directory / "log.pem", tmp_path / "log.pem")
    second = open_log(tmp_path)
    for _ in range(301):
        second.ledger.append(decided())
    forked = tmp_path / "forked"
    export(at_once(second), second.rows, second.key.verifier, forked)
    assert 0 == verified(forked, log.key.vkey)[0]
    told = verified(forked, log.key.vkey, "--checkpoint", str(kept))
    assert (1, ["forked 299"]) == (told[0], found(told))
    kept.write_bytes((copy / "checkpoint").read_bytes())
    code, document = verified(forked, log.key.vkey, "--checkpoint", str(kept))
    assert (2, True) == (code, "600 entries, this copy of 301" in document["message"])
    second.rows.close()


def test_what_entries_say_is_judged_in_a_copy_too(tmp_path: Path) -> None:
    """A log that is signed and whole, but says what must not be."""
    log = open_log(tmp_path)
    ref = "q_" + "0" * 24
    log.ledger.append(released(ref, 0))
    export(at_once(log), log.rows, log.key.verifier, tmp_path / "copy")
    assert ["release_without_decision 0"] == found(verified(tmp_path / "copy", log.key.vkey))
    log.rows.close()


# --- Servers that behave badly. ---------------------------------------------------------------------------


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve by a function; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ledger/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _redirect(to: BaseHTTPRequestHandler) -> None:
    to.send_response(302)
    to.send_header("Location", "http://127.0.0.1:1/elsewhere")
    to.end_headers()


def _fault(to: BaseHTTPRequestHandler) -> None:
    to.send_error(500)


def _short(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "500")
    to.end_headers()
    to.wfile.write(b"gate")


def _endless(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.end_headers()
    try:
        while True:
            to.wfile.write(bytes(65536))
    except OSError:
        pass


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (_redirect, 2, "redirects to http://127.0.0.1:1/elsewhere"),
        (_fault, 2, "the server answers 500"),
        (_short, 2, "cannot be fetched"),
        (_endless, 1, "over 64 KiB"),
    ],
)
def test_a_server_that_behaves_badly_is_no_verdict(
    log: Log, answer: Callable[[BaseHTTPRequestHandler], None], status: int, words: str
) -> None:
    """Nothing is followed, nothing is read without end, nothing cut off is taken for a file."""
    with answering(answer) as url:
        told = verified(url, log.key.vkey)
    assert (status, True) == (told[0], words in json.dumps(told[1])), told


def test_a_server_that_is_not_there_is_said(log: Log) -> None:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        code, document = verified(f"http://127.0.0.1:{taken.getsockname()[1]}", log.key.vkey)
    assert (2, True) == (code, "nobody listens there" in document["message"])
