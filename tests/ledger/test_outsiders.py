"""Three verifiers that are not ours accept the published log, and refuse each tampering with it.

``metamorphic-log`` (PyPI), Go's ``x/mod/sumdb`` (``tests/verifiers/tlog``) and Tessera's ``fsck``; the last
two over HTTP, from a directory that any web server could serve.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer

import metamorphic_log
import pytest

from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.export import export
from gatekeeper.ledger.merkle import frontier_at, inclusion_proof, leaf_hash, node_hash, root
from gatekeeper.ledger.tiles import TileReader
from tests.conftest import FSCK
from tests.ledger.made import ORIGIN, Log, decided, open_log
from tests.ledger.test_published import at_once, grow
from tests.servers.go import built

SIZE = 600
SOURCE = Path(__file__).parents[1] / "verifiers" / "tlog"
Verifier = Callable[[Path, str], bool]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve a directory on loopback; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory)))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """Return a log of two complete tiles and a part of a third."""
    log = open_log(tmp_path_factory.mktemp("log"))
    grow(log, SIZE)
    yield log
    log.rows.close()


@pytest.fixture(scope="module")
def original(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its published copy."""
    directory = tmp_path_factory.mktemp("published") / "ledger"
    export(at_once(log), log.rows, log.key.verifier, directory)
    return directory


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """Return one that may be tampered with."""
    return shutil.copytree(original, tmp_path / "ledger")


# --- The verifiers. ---------------------------------------------------------------------------------------


def entries_in(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle."""
    found, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        found.append(bundle[at + 2 : end])
        at = end
    return found


def metamorphic(directory: Path, vkey: str) -> bool:
    """Check by ``metamorphic-log``: the signature, and for each entry the path that the hashes there give."""
    note = (directory / "checkpoint").read_text()
    try:
        size = metamorphic_log.checkpoint_verify(note, [vkey]).size
        entries = entries_in(b"".join(file.read_bytes() for file in _parts(directory, "entries", size)))
        hashes = b"".join(file.read_bytes() for file in _parts(directory, "0", size))
        leaves = [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
        if (len(entries), len(leaves)) != (size, size):
            return False
        levels = [leaves]
        while len(levels[-1]) > 1:
            row = levels[-1]
            levels.append([node_hash(*row[i : i + 2]) for i in range(0, len(row) - 1, 2)])
        above = b"".join(file.read_bytes() for file in _parts(directory, "1", size >> 8))
        if above != b"".join(*levels[8:9] or [[]]):
            return False
        for index, entry in enumerate(entries):
            path = inclusion_proof(index, size, lambda level, number: levels[level][number])
            metamorphic_log.checkpoint_verify_inclusion(note, [vkey], index, leaf_hash(entry), list(path))
    except (metamorphic_log.VerifyError, FileNotFoundError):
        return False
    return True


def _parts(directory: Path, level: str, nodes: int) -> Iterator[Path]:
    for number in range(nodes // 256):
        yield directory / "tile" / level / f"{number:03}"
    if nodes % 256:
        yield directory / "tile" / level / f"{nodes // 256:03}.p" / f"{nodes % 256}"


@pytest.fixture(scope="module")
def sumdb(tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """Return the Go program."""
    program = built(SOURCE, tmp_path_factory.mktemp("go") / "tlog")

    def verify(directory: Path, vkey: str, *old: str) -> bool:
        with served(directory) as url:
            command = [str(program), "log", url, vkey, *old]
            return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0

    return verify


def fsck(directory: Path, vkey: str) -> bool:
    """Check by Tessera's fsck; v1.0.2 ends with 0 also where it found a fault, or does not end then."""
    key = directory.parent / "vkey"
    key.write_text(vkey)
    with served(directory) as url:
        command = [str(FSCK), "-N=8", "-ui=false", "-storage_url", url, "-public_key", str(key)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
            late = Timer(4, running.kill)
            late.start()
            try:
                assert running.stderr is not None
                return any(b"Successfully" in line for line in _until_a_fault(running.stderr))
            finally:
                late.cancel()
                running.kill()


def _until_a_fault(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line.startswith((b"E", b"F")):  # klog's error, fatal
            return
        yield line


@pytest.fixture(
    params=[
        "metamorphic-log",
        pytest.param("x/mod/sumdb", marks=pytest.mark.needs("go")),
        pytest.param("fsck", marks=pytest.mark.needs("fsck")),
    ]
)
def verifier(request: pytest.FixtureRequest) -> Verifier:
    """Return each of the three."""
    if request.param == "x/mod/sumdb":
        found: Verifier = request.getfixturevalue("sumdb")
        return found
    return {"metamorphic-log": metamorphic, "fsck": fsck}[request.param]


# --- The tamperings. --------------------------------------------------------------------------------------


def _bundle(entries: list[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _flip(file: str, at: int) -> Callable[[Path], None]:
    def tamper(directory: Path) -> None:
        body = bytearray((directory / file).read_bytes())
        body[at] ^= 1
        (directory / file).write_bytes(body)

    return tamper


def _rewrite(file: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def tamper(directory: Path) -> None:
        (directory / file).write_bytes(change((directory / file).read_bytes()))

    return tamper


def _relist(file: str, change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    return _rewrite(file, lambda body: _bundle(change(entries_in(body))))


def _swap(one: str, two: str) -> Callable[[Path], None]:
    def tamper(directory: Path) -> None:
        first, second = (directory / one).read_bytes(), (directory / two).read_bytes()
        (directory / one).write_bytes(second)
        (directory / two).write_bytes(first)

    return tamper


def _retold(directory: Path) -> None:
    """An entry and its hash are changed, as somebody without the key can change them both."""
    bundle, tile = directory / "tile/entries/000", directory / "tile/0/000"
    entries = entries_in(bundle.read_bytes())
    entries[7] = entries[7].replace(b"stolen_vehicle", b"wanted_person")
    bundle.write_bytes(_bundle(entries))
    hashes = bytearray(tile.read_bytes())
    hashes[7 * 32 : 8 * 32] = leaf_hash(entries[7])
    tile.write_bytes(hashes)


PART = "tile/entries/002.p/88"
TAMPERINGS: dict[str, Callable[[Path], None]] = {
    "an entry altered": _rewrite(
        "tile/entries/000", lambda body: body.replace(b"stolen_vehicle", b"wanted_vehicle", 1)
    ),
    "an entry and its hash altered": _retold,
    "a byte of the last entry": _flip(PART, -2),
    "an entry dropped": _relist("tile/entries/001", lambda entries: entries[:9] + entries[10:]),
    "an entry dropped and another repeated": _relist(
        "tile/entries/001", lambda entries: [*entries[:9], entries[8], *entries[10:]]
    ),
    "two entries swapped": _relist(
        "tile/entries/000", lambda entries: [entries[1], entries[0], *entries[2:]]
    ),
    "an entry inserted": _relist("tile/entries/000", lambda entries: [entries[0], b"{}", *entries[1:]]),
    "the last entry cut off": _relist(PART, lambda entries: entries[:-1]),
    "an entry after the last": _relist(PART, lambda entries: [*entries, b"{}"]),
    "an empty bundle": _rewrite(PART, lambda _: b""),
    "a bundle cut in an entry": _rewrite("tile/entries/001", lambda body: body[:-5]),
    "two bundles swapped": _swap("tile/entries/000", "tile/entries/001"),
    "a bundle missing": lambda directory: (directory / "tile/entries/001").unlink(),
    "a hash of an entry": _flip("tile/0/000", 100),
    "a hash of the last tile": _flip("tile/0/002.p/88", 40),
    "a hash above": _flip("tile/1/000.p/2", 3),
    "two tiles swapped": _swap("tile/0/000", "tile/0/001"),
    "a tile cut": _rewrite("tile/0/001", lambda body: body[:-32]),
    "a tile missing": lambda directory: (directory / "tile/0/001").unlink(),
    "the size": _rewrite("checkpoint", lambda body: body.replace(b"\n600\n", b"\n599\n")),
    "the root": _rewrite("checkpoint", lambda body: body.replace(body.split(b"\n")[2][:1], b"/", 1)
                         if not body.split(b"\n")[2].startswith(b"/") else body.replace(b"\n/", b"\n+", 1)),
    "the origin": _rewrite("checkpoint", lambda body: body.replace(b"gate.", b"gale.")),
    "the signature": _rewrite("checkpoint", lambda body: body[:-6] + b"AAA=\n"),
    "no signature": _rewrite("checkpoint", lambda body: body.split(b"\xe2")[0]),
    "an empty checkpoint": _rewrite("checkpoint", lambda _: b""),
}  # fmt: skip


def test_an_untouched_log_is_accepted(verifier: Verifier, log: Log, copy: Path) -> None:
    """No false alarm."""
    assert verifier(copy, log.key.vkey)


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_tampering_is_refused(verifier: Verifier, log: Log, copy: Path, what: str) -> None:
    """Whoever owns the directory, but not the key."""
    before = {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    TAMPERINGS[what](copy)
    assert before != {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    # fsck reads no further than the entries that the checkpoint covers: what it did read is the log.
    taken = verifier is fsck and what == "an entry after the last"
    assert taken == verifier(copy, log.key.vkey)


def test_another_key_is_refused(verifier: Verifier, copy: Path, tmp_path: Path) -> None:
    """Of the same name; and the log signed anew by it."""
    other = SigningKey.create(tmp_path / "other.pem", ORIGIN)
    assert not verifier(copy, other.vkey)


def test_a_log_signed_by_another_key_is_refused(
    verifier: Verifier, log: Log, copy: Path, tmp_path: Path
) -> None:
    """Everything fits but who signed it."""
    other = SigningKey.create(tmp_path / "other.pem", ORIGIN)
    tree = root(frontier_at(SIZE, TileReader(log.rows).node))
    (copy / "checkpoint").write_text(other.sign(SIZE, tree))
    assert not verifier(copy, log.key.vkey)


@pytest.mark.needs("go")
def test_a_second_history_is_refused_by_who_kept_a_checkpoint(
    log: Log, sumdb: Callable[..., bool], copy: Path, tmp_path: Path
) -> None:
    """Signed by the right key: only an older checkpoint shows it, or that the log was cut short."""
    kept = tmp_path / "kept"
    kept.write_text(log.key.sign(300, root(frontier_at(300, TileReader(log.rows).node))))
    assert sumdb(copy, log.key.vkey, str(kept))
    other = open_log(tmp_path)
    shutil.copy(log.directory / "log.pem", tmp_path / "log.pem")
    second = open_log(tmp_path, rows=other.rows)
    for _ in range(301):
        second.ledger.append(decided())
    forked = tmp_path / "forked"
    export(at_once(second), second.rows, second.key.verifier, forked)
    assert sumdb(forked, log.key.vkey)  # nothing is wrong with it by itself
    assert not sumdb(forked, log.key.vkey, str(kept))
    kept.write_text((copy / "checkpoint").read_text())
    assert not sumdb(forked, log.key.vkey, str(kept))
    other.rows.close()
