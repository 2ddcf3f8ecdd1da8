"""``gatekeeper witness``: run one, watch a log, ask it; each mistake with its own words and status."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from click.testing import Result

from gatekeeper.ledger import VerifierKey, open_checkpoint
from gatekeeper.ledger.cosignatures import CosignerKey, cosignatures
from tests.cli.conftest import laid_out
from tests.cli.shell import City, spawned, typed
from tests.servers.gate import environment
from tests.servers.opa import free_port
from tests.witness.made import History, answering, cosigner, http_answer, log_key

__all__ = ["laid_out"]


@pytest.fixture
def city(laid_out: Path, tmp_path: Path) -> City:
    """Return a city with an entry in its log."""
    shutil.copytree(laid_out, tmp_path / "city")
    city = City(tmp_path / "city")
    city.add_agency()
    return city


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a witness."""
    assert 0 == typed("witness", "init", str(tmp_path / "w"), "--name", "witness.example.org").exit_code
    return tmp_path / "w"


@contextmanager
def serving(place: Path) -> Iterator[str]:
    """Run ``gatekeeper witness serve`` as a process; stopped by its id."""
    port = free_port()
    command = [sys.executable, "-m", "gatekeeper", "witness", "serve", str(place), "--port", str(port)]
    with (place.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment())
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            assert process.poll() is None, (place.parent / "serve.log").read_text()
            try:
                if requests.get(f"{url}/healthz", timeout=5).ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def silent(connection: socket.socket) -> None:
    """Say nothing."""
    connection.recv(1)


def vkey(place: Path) -> str:
    """Return the witness's key as it is shown."""
    return typed("witness", "show", str(place)).stdout.splitlines()[0]


def ask(city: City, url: str, key: str, *more: str) -> Result:
    """Ask a witness by hand."""
    return typed("witness", "ask", url, "--vkey", key, "--data", str(city.data), *more)


def test_a_city_and_its_witness(city: City, place: Path) -> None:
    """Made, told of the log, served, asked twice as the log grows; a copy that differs is refused."""
    log = city.run("ledger", "key").strip()
    assert 0 == typed("witness", "watch", str(place), log).exit_code
    shutil.copytree(city.data, city.data.with_name("copy"))
    with serving(place) as url:
        for number in (2, 3):
            city.add_agency(f"agency-number-{number}")
            asked = ask(city, url, vkey(place))
            assert 0 == asked.exit_code, asked.output
            assert f"cosigned size {number} at 2" in asked.stderr
            key = VerifierKey.parse(log)
            assert number == open_checkpoint(asked.stdout, key).size
            assert cosignatures(asked.stdout, [CosignerKey.parse(vkey(place))])
        copy = City(city.data.with_name("copy"))
        behind = ask(copy, url, vkey(place))
        assert (5, "") == (behind.exit_code, behind.stdout)
        assert "larger tree" in behind.stderr
        for number in (7, 8):
            copy.add_agency(f"agency-number-{number}")
        forked = ask(copy, url, vkey(place))
        assert (5, "") == (forked.exit_code, forked.stdout)
        assert "another tree" in forked.stderr
        # In pieces, as some clients send: read like any other.
        pieces = requests.post(f"{url}/add-checkpoint", data=iter([b"old", b" 0\n\nx"]), timeout=10)
        assert (404, "this witness does not watch that log\n") == (pieces.status_code, pieces.text)
        endless = requests.post(f"{url}/add-checkpoint", data=iter([b"x" * 9000] * 9), timeout=10)
        assert 413 == endless.status_code
    shown = typed("witness", "show", str(place), "--json").stdout
    assert '"size": 3' in shown
    assert '"forked": true' in shown


def test_the_file_of_witnesses_is_asked_without_an_address(
    city: City, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once; the quorum decides the status, and who is missing is said either way."""
    typed("witness", "watch", str(place), city.run("ledger", "key").strip())
    file = tmp_path / "witnesses"
    monkeypatch.setenv("GATEKEEPER_WITNESSES", str(file))
    with serving(place) as url:
        lines = f"witness ours {vkey(place)} {url}\nwitness gone {cosigner().verifier} http://127.0.0.1:9\n"
        for quorum, status in (
            ("quorum ours", 0),
            ("group both all ours gone\nquorum both", 6),
            ("quorum none", 6),
        ):
            file.write_text(f"{lines}{quorum}\n")
            asked = typed("witness", "ask", "--data", str(city.data))
            assert status == asked.exit_code, asked.output
            assert "ours cosigned size 1" in asked.stderr
            assert "gone did not cosign size 1: nobody listens" in asked.stderr
            assert 2 == asked.stdout.count("\n— ")
    file.write_text(f"{lines}\nquorum nobody\n")
    assert "witnesses, line 4: " in city.refused("witness", "ask")
    monkeypatch.delenv("GATEKEEPER_WITNESSES")
    assert "GATEKEEPER_WITNESSES" in city.refused("witness", "ask")


def test_each_mistake_has_its_own_status(city: City, place: Path, tmp_path: Path) -> None:
    """3 no directory, 4 a wrong key, 5 refused, 6 not reached, 7 nonsense; each with one line of its own."""
    none, other, key = str(tmp_path / "none"), str(cosigner().verifier), vkey(place)
    log = city.run("ledger", "key").strip()
    text = city.run("ledger", "checkpoint")
    signs = cosigner("witness.example.org")
    lies = http_answer(200, signs.cosign(text, int(time.time())))
    early = http_answer(200, signs.cosign(text, 9))
    with (
        answering(lambda c: c.sendall(lies)) as wrong,
        answering(lambda c: c.sendall(early)) as old,
        answering(lambda c: c.sendall(http_answer(403, "unknown log"))) as refuses,
        answering(lambda c: c.sendall(http_answer(200, "hello"))) as nonsense,
        answering(silent) as hangs,
    ):
        said = [
            (3, typed("witness", "show", none)),
            (3, typed("witness", "serve", none, "--port", "1")),
            (3, typed("witness", "watch", none, log)),
            (3, typed("witness", "show", str(city.data))),
            (3, typed("witness", "ask", wrong, "--vkey", key, "--data", none)),
            (4, typed("witness", "watch", str(place), "garbage")),
            (4, typed("witness", "watch", str(place), "a+b+Ä")),
            (4, typed("witness", "watch", str(place), log.replace("127", "\udcff"))),
            (4, typed("witness", "watch", str(place), other)),
            (4, typed("witness", "init", str(place), "--name", "again.example")),
            (4, typed("witness", "init", str(tmp_path / "new"), "--name", "two words")),
            (4, ask(city, wrong, "garbage")),
            (4, ask(city, wrong, log)),
            (4, ask(city, wrong, key)),
            (5, ask(city, refuses, key)),
            (6, ask(city, "http://127.0.0.1:9", key)),
            (6, ask(city, hangs, key, "--seconds", "0.3")),
            (7, ask(city, nonsense, key)),
            (7, ask(city, old, str(signs.verifier))),
            (1, ask(city, "http://witness.example.org", key)),
        ]
    for status, result in said:
        assert (status, "") == (result.exit_code, result.stdout), result.output
        assert 1 == len(result.stderr.splitlines()), result.stderr
    assert len({result.stderr for _, result in said}) > 12
    for arguments in (("ask", wrong), ("ask", "--vkey", key), ("init", none), ("serve", str(place))):
        assert 2 == typed("witness", *arguments).exit_code
    for name in ("init", "watch", "serve", "show", "ask"):
        assert "5 the witness refused" in typed("witness", name, "--help").stdout.replace("\n ", "").replace(
            "  ", " "
        )


def test_a_second_key_is_taken_only_when_it_is_said(place: Path) -> None:
    """A city that rotated its key tells its witnesses; a thief of the key would like to."""
    first, second = log_key(), log_key()
    assert 0 == typed("witness", "watch", str(place), first.vkey).exit_code
    assert "already" in typed("witness", "watch", str(place), first.vkey).stdout
    refused = typed("witness", "watch", str(place), second.vkey)
    assert (4, True) == (refused.exit_code, "--also" in refused.stderr)
    assert 0 == typed("witness", "watch", str(place), second.vkey, "--also").exit_code
    (row,) = typed("witness", "show", str(place), "--json").stdout.splitlines()
    assert first.vkey in row
    assert second.vkey in row


def test_a_key_that_others_may_read_serves_nothing(place: Path) -> None:
    """And a state that is lost does not begin anew: 1, in words, before a port is taken."""
    history = History(log_key())
    typed("witness", "watch", str(place), history.key.vkey)
    (place / "witness.pem").chmod(0o644)
    for command in ("show", "serve"):
        ran = spawned(
            "witness", command, str(place), *(["--port", str(free_port())] if command == "serve" else [])
        )
        assert (4, "") == (ran.returncode, ran.stdout)
        assert "chmod 600" in ran.stderr
    (place / "witness.pem").chmod(0o600)
    (last,) = (place / "logs").glob("*/last")
    last.unlink()
    ran = spawned("witness", "serve", str(place), "--port", str(free_port()))
    assert (1, "") == (ran.returncode, ran.stdout)
    assert "must not go on" in ran.stderr
