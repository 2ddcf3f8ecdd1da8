"""Decisions made on other machines, over Dask: facts go there, private detail never does.

This process reads the log, opens its detail, makes facts alike (``alike``) and counts; the workers of the
cluster have the text of both laws and decide. Guarantees: nothing is sent but treated facts, in which no
plate, name or word that a person typed is left, and a replay for whose rules that cannot be done is refused
with the rule and its line before anything is sent; facts of one request that no stand-in fits are decided
here; off loopback, and wherever ``tls://`` is said, the connection is TLS with a certificate on both sides; a
worker answers only for exactly the two laws that were asked for; what a cluster says is what one process
says.

Trusted with: this process. Dask passes Python objects, so whoever holds a certificate of the cluster could
run code here: the cluster is the city's own.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json
from gatekeeper.policy.bundle import load_files
from gatekeeper.policy.engine import Engine
from gatekeeper.policy.layout import Files
from gatekeeper.revisions.replay.alike import Unhidden
from gatekeeper.revisions.replay.answers import Key, Raw, asked, engine_of
from gatekeeper.revisions.replay.past import Record, Seal
from gatekeeper.revisions.replay.tally import Tally
from gatekeeper.revisions.replay.work import Prepared, Stretch, Work

_AHEAD: Final = 2
"""Stretches that are under way for each processor of the cluster."""


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Where the cluster is, and by what each side knows the other."""

    url: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    patience: float = 30

    def connect(self) -> Any:
        """Return a connection. Raises OperatorError, saying what to do."""
        secured = self.refuse_open()
        try:
            # An extra, which not every city has; untyped.
            distributed: Any = import_module("distributed")
        except ImportError:
            raise OperatorError(
                "Dask is not installed here: install the gatekeeper with its extra, gatekeeper[dask]"
            ) from None
        security = (
            distributed.Security(
                tls_ca_file=_text(self.ca),
                tls_client_cert=_text(self.cert),
                tls_client_key=_text(self.key),
                require_encryption=True,
            )
            if secured
            else None
        )
        try:
            return distributed.Client(
                self.url, security=security, timeout=self.patience, set_as_default=False
            )
        except (OSError, ValueError, TypeError) as error:
            raise OperatorError(
                f"the scheduler at {self.url} does not answer ({type(error).__name__}): "
                "are its address and the certificates right?"
            ) from None

    def refuse_open(self) -> bool:
        """Return whether the connection is TLS. Raises OperatorError where it must be and is not."""
        try:
            found = urlsplit(self.url)
            scheme, host, port = found.scheme, found.hostname, found.port
        except ValueError:
            scheme, host, port = "", None, None
        if scheme not in ("tls", "tcp") or host is None or port is None:
            raise OperatorError(f"{self.url!r} is no scheduler's address: tls://HOST:8786")
        files = {"--tls-ca": self.ca, "--tls-cert": self.cert, "--tls-key": self.key}
        if scheme == "tcp":
            if not _loopback(host):
                raise OperatorError(
                    f"{self.url} is another machine: use tls:// with --tls-ca, --tls-cert and --tls-key"
                )
            return False
        missing = [name for name, file in files.items() if file is None or not file.is_file()]
        if missing:
            raise OperatorError(f"tls:// needs files for {', '.join(missing)}")
        return True


@dataclass(frozen=True, slots=True)
class Cluster:
    """Does stretches with the processors of a cluster; reads and counts here."""

    scheduler: Scheduler
    work: Work
    record: Record
    seal: Seal
    texts: tuple[Files, Files]
    digests: tuple[str, str]

    @contextmanager
    def done(self, stretches: Iterator[Stretch]) -> Iterator[Iterator[tuple[int, Tally]]]:
        """Yield each stretch's number and tally, in order. Raises OperatorError."""
        refuse_unhidden(self.work.unhidden)
        client = self.scheduler.connect()
        try:
            yield self._done(client, stretches)
        finally:
            client.close()

    def _done(self, client: Any, stretches: Iterator[Stretch]) -> Iterator[tuple[int, Tally]]:
        processors = sum(client.ncores().values())
        if not processors:
            raise OperatorError(f"the scheduler at {self.scheduler.url} has no workers: start some")
        laws = client.scatter([dict(files) for files in self.texts], broadcast=True, hash=True)
        flying: deque[tuple[Stretch, Prepared, Any]] = deque()
        for stretch in stretches:
            prepared = self.work.prepare(_found(self.record, stretch), self.seal)
            flying.append((stretch, prepared, self._sent(client, laws, prepared)))
            if len(flying) >= processors * _AHEAD:
                yield self._counted(*flying.popleft())
        while flying:
            yield self._counted(*flying.popleft())

    def _sent(self, client: Any, laws: Any, prepared: Prepared) -> Any:
        lists = [[dict(one.facts) for one in wanted.values() if one.hidden] for wanted in prepared.wanted]
        if not any(lists):
            return None
        return client.submit(decided, *laws, self.digests, lists, pure=False, retries=1)

    def _counted(self, stretch: Stretch, prepared: Prepared, future: Any) -> tuple[int, Tally]:
        found: tuple[dict[Key, Raw], dict[Key, Raw]] = self.work.decide(prepared, everything=False)
        if future is not None:
            try:
                answers = future.result(timeout=600)
            except Exception as error:  # noqa: BLE001 - a worker raises whatever it likes
                raise OperatorError(
                    f"the cluster did not decide ({type(error).__name__}): do its workers run this version "
                    "of the gatekeeper, and have they memory enough?"
                ) from None
            for wanted, raws, into in zip(prepared.wanted, answers, found, strict=True):
                keys = [key for key, one in wanted.items() if one.hidden]
                into.update(zip(keys, map(_raw, raws), strict=True))
        return stretch.number, self.work.counted(prepared, found)


def refuse_unhidden(unhidden: Sequence[Unhidden]) -> None:
    """Refuse laws whose rules ask of a private text what only the text answers. Raises OperatorError."""
    if unhidden:
        said = "\n".join(dict.fromkeys(f"  {one}" for one in unhidden))
        raise OperatorError(
            "not over a cluster: what a person typed would have to be sent, because\n"
            f"{said}\nReplay on this machine (without --scheduler), or let the rule ask less of it"
        )


# --- What runs on a worker. -------------------------------------------------------------------------------

_LOADED: dict[str, Engine] = {}
_LOADING = threading.Lock()


def decided(
    baseline: Files,
    candidate: Files,
    digests: tuple[str, str],
    facts: Sequence[Sequence[Mapping[str, Json]]],
) -> list[list[Raw]]:
    """Return what each law says of its facts. Raises ValueError for a text that is not the law asked for."""
    found = []
    for files, digest, each in zip((baseline, candidate), digests, facts, strict=True):
        engine = _engine(files, digest)
        found.append([asked(engine, one) for one in each])
    return found


def _engine(files: Files, digest: str) -> Engine:
    with _LOADING:
        if digest not in _LOADED:
            bundle = load_files(files)
            if bundle.digest != digest:
                raise ValueError("this text is not the law that was asked for")
            if len(_LOADED) >= 4:
                _LOADED.clear()
            _LOADED[digest] = engine_of(bundle)
        return _LOADED[digest]


def _raw(said: Any) -> Raw:
    """Read what a worker said; anything but the shape of an answer is none. Raises OperatorError."""
    if said is None:
        return None
    match said:
        case (bool(permit), list(unmet), dict(obligations)) if permit is not bool(unmet):
            return permit, unmet, obligations
    raise OperatorError("a worker of the cluster answered what is no decision")


def _found(record: Record, stretch: Stretch) -> Any:
    if stretch.places is not None:
        return record.at(stretch.places)
    return record.between(stretch.start, stretch.stop)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
