"""The same replay over a real Dask cluster on loopback: equal results, and nothing typed on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatekeeper.errors import OperatorError
from gatekeeper.revisions.replay import cluster, run
from gatekeeper.revisions.replay.cluster import Cluster, Scheduler
from gatekeeper.revisions.replay.work import Laws
from gatekeeper.store.past import PastDecisions
from tests.revisions.replay.laws import another, with_lexicon
from tests.revisions.replay.replaying import Kept, laws_of, opened, plan_for, replay, work_of
from tests.servers.opa import free_port

_PATIENCE = 60


@contextmanager
def _running(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a part of Dask, and end it by its process."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DASK_DISTRIBUTED__WORKER__DAEMON": "false"}
    with log.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=sink, stderr=sink, env=env)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running(directory: Path, workers: int, *tls: str) -> Iterator[str]:
    """Run a scheduler and so many workers; give its address."""
    scheme, port = "tls" if tls else "tcp", free_port()
    url = f"{scheme}://127.0.0.1:{port}"
    with ExitStack() as stack:
        where = ("--host", f"{scheme}://127.0.0.1", "--port", str(port), "--no-dashboard")
        stack.enter_context(
            _running("distributed.cli.dask_scheduler", *where, *tls, log=directory / "scheduler.log")
        )
        for number in range(workers):
            how = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
            at = ("--local-directory", str(directory / f"worker-{number}"))
            stack.enter_context(
                _running(
                    "distributed.cli.dask_worker", url, *how, *at, *tls, log=directory / f"w{number}.log"
                )
            )
        _wait(directory, workers)
        yield url


def _wait(directory: Path, workers: int) -> None:
    end = time.monotonic() + _PATIENCE
    logs = [directory / f"w{number}.log" for number in range(workers)]
    while not all("Registered to" in log.read_text("utf-8", "replace") for log in logs):
        assert time.monotonic() < end, logs[0].read_text("utf-8", "replace")[-2000:]
        time.sleep(0.2)


def over(url: str, directory: Path, laws: Laws, **files: Any) -> bytes:
    """Replay a city's past over a cluster."""
    with opened(directory) as state:
        workers = Cluster(
            Scheduler(url, **files),
            work_of(state, laws),
            PastDecisions(state.database),
            state.ledger,
            (laws.baseline.files, laws.candidate.files),
            (laws.baseline.digest, laws.candidate.digest),
        )
        plan = plan_for(state, laws)
        return run.replayed(laws, plan, PastDecisions(state.database), workers, Kept()).text()


@pytest.mark.needs("dask")
@pytest.mark.servers
@pytest.mark.parametrize("workers", [1, 2])
def test_a_cluster_says_what_one_process_says(
    past: Path, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one worker and with two, byte for byte; and what is sent holds no text of any request."""
    monkeypatch.setattr(run, "LONG", 100)
    sent: list[Any] = []
    own = Cluster._sent

    def noted(self: Cluster, client: Any, laws: Any, prepared: Any) -> Any:
        sent.extend(one.facts for wanted in prepared.wanted for one in wanted.values())
        return own(self, client, laws, prepared)

    monkeypatch.setattr(Cluster, "_sent", noted)
    with running(tmp_path, workers) as url:
        for candidate in (another(days=20), with_lexicon("vandalism")):
            assert replay(past, laws_of(candidate)).text() == over(url, past, laws_of(candidate))
    told = json.dumps(sent)
    assert len(sent) > 20
    # What the screen concluded (``means``) has the law's own names, such as robbery; what was typed has none.
    for word in (
        "DEMO",
        "Pat",
        "Patrol",
        "Sample",
        "sedan",
        "vandalism",
        '"26-',
        "of this county",
        "downtown",
    ):
        assert word not in told


@pytest.mark.needs("dask")
@pytest.mark.servers
def test_the_connection_is_tls_on_both_sides(past: Path, tmp_path: Path) -> None:
    """With the cluster's own certificates it is as without; with another authority's there is no answer."""
    ours, other = (_certificates(tmp_path / name) for name in ("ours", "other"))
    tls = [f"--tls-{name}={ours[key]}" for name, key in (("ca-file", "ca"), ("cert", "cert"), ("key", "key"))]
    laws = laws_of(another(days=20))
    with running(tmp_path, 1, *tls) as url:
        assert url.startswith("tls://")
        assert replay(past, laws).text() == over(url, past, laws, **ours)
        with pytest.raises(OperatorError, match="does not answer"):
            replace(Scheduler(url, **other), patience=3).connect()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("tcp://192.0.2.7:8786", "use tls://"),
        ("tcp://scheduler.example:8786", "use tls://"),
        ("tls://127.0.0.1:8786", "--tls-ca, --tls-cert, --tls-key"),
        ("tls://scheduler.example:8786", "--tls-ca, --tls-cert, --tls-key"),
        ("http://127.0.0.1:8786", "no scheduler's address"),
        ("ws://scheduler.example:8786", "no scheduler's address"),
        ("inproc://x", "no scheduler's address"),
        ("127.0.0.1:8786", "no scheduler's address"),
        ("tcp://127.0.0.1", "no scheduler's address"),
        ("tcp://[::1", "no scheduler's address"),
        ("tcp://127.0.0.1.example:8786", "use tls://"),
    ],
)
def test_nothing_is_sent_in_the_clear(url: str, said: str) -> None:
    """Off loopback without TLS, or without certificates: refused before any connection is made."""
    with pytest.raises(OperatorError, match=said):
        Scheduler(url).refuse_open()


@pytest.mark.parametrize(
    "answer",
    [
        (True, ["x"], {}),
        (False, [], {}),
        ("yes", [], {}),
        (1, [], {}),
        (True, [], None),
        (True, []),
        "permit",
        7,
    ],
)
def test_a_worker_that_answers_no_decision_ends_it(answer: Any) -> None:
    """A permit with reasons, a denial without, anything else: it is never counted as a verdict."""
    with pytest.raises(OperatorError, match="no decision"):
        cluster._raw(answer)


def test_a_worker_decides_only_by_the_laws_asked_for() -> None:
    """A text of another digest is refused where it would have decided."""
    law = another(days=20)
    with pytest.raises(ValueError, match="not the law"):
        cluster.decided(dict(law.files), dict(law.files), (law.digest, "sha256:other"), [[], []])


def _certificates(directory: Path) -> dict[str, Any]:
    """Make an authority, and one certificate that both sides use."""
    directory.mkdir()
    now = datetime.now(UTC)
    ca_key, own_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def made(name: str, key: Any, issuer: str, by: Any, extensions: Sequence[Any]) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(by, hashes.SHA256())

    authority = f"Sample authority {directory.name}"
    ca = made(authority, ca_key, authority, ca_key, [x509.BasicConstraints(ca=True, path_length=None)])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    own = made("sample-dask", own_key, authority, ca_key, [names])
    files = {name: directory / f"{name}.pem" for name in ("ca", "cert", "key")}
    files["ca"].write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files["cert"].write_bytes(own.public_bytes(serialization.Encoding.PEM))
    files["key"].write_bytes(
        own_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files
