"""An OPA of our own for a moment: the ``opa`` program serves one exact bundle on a private unix socket.

For checking a bundle, never for deciding. Guarantees: nobody but this user reaches it, and it reaches
nobody; every question has an answer, a fault or "too slow" within its time; it ends with the ``with``. The
time of an answer is what OPA says of its evaluation (``timer_rego_query_eval_ns``).
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy.archive import export
from gatekeeper.policy.audition import Said
from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.wire import Session

_STARTS_WITHIN: Final = 20.0
_SLACK: Final = 1.0  # for sending and reading, beside the evaluation
_ASKED: Final = {"strict-builtin-errors": "true", "metrics": "true"}


class OpaProcess:
    """The *program* with *bundle*. Raises PolicyUnavailable if it does not start."""

    def __init__(self, program: str, bundle: Bundle) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="gatekeeper-opa-")  # mode 0700
        place = Path(self._directory.name)
        export(bundle, place / "bundle.tar.gz")
        self._socket = place / "opa.sock"
        self._process = subprocess.Popen(  # noqa: S603 - the operator's own opa, on a bundle that was loaded
            [
                *(program, "run", "--server", "--disable-telemetry", "--log-level", "error"),
                *("--addr", f"unix://{self._socket}", "--unix-socket-perm", "600"),
                *("--set", "decision_logs.console=false", "--bundle", "bundle.tar.gz"),
            ],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._session = Session(unix_socket=str(self._socket), ca_file=None, headers={})
        try:
            self._wait()
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def ask(self, rule: str, text: str, *, seconds: float) -> Said:
        """Return what *rule* is on the facts *text* (JSON), within *seconds*."""
        path = rule.removeprefix("data.").replace(".", "/")
        began = time.monotonic()
        try:
            response = self._session.request(
                "POST",
                f"http://localhost/v1/data/{path}",
                params=_ASKED,
                data=b'{"input":' + text.encode() + b"}",
                headers={"Content-Type": "application/json"},
                timeout=seconds + _SLACK,
            )
            document: Any = json.loads(response.content)
            ms = document["metrics"]["timer_rego_query_eval_ns"] / 1e6
        except Exception as error:  # noqa: BLE001 - foreign exceptions stop here
            if self._process.poll() is not None:
                return Said(died=True)
            late = time.monotonic() - began >= seconds
            return Said(slow=late, fault="" if late else f"OPA failed: {type(error).__name__}")
        return Said(document.get("result"), ms)

    def _wait(self) -> None:
        """Wait until it listens. Raises PolicyUnavailable."""
        until = time.monotonic() + _STARTS_WITHIN
        while self._process.poll() is None and time.monotonic() < until:
            try:
                with socket.socket(socket.AF_UNIX) as tried:
                    tried.connect(str(self._socket))
            except OSError:
                time.sleep(0.02)
                continue
            return
        raise PolicyUnavailable("the opa program does not serve the bundle")

    def _end(self) -> None:
        self._session.close()
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()
