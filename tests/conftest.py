"""What every test shares: real parts that may be missing on a machine are skipped by name, never silently."""

from __future__ import annotations

import io
import logging
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import structlog

from tests.servers.postgres import programs

FSCK = Path(__file__).parents[1] / ".parts" / "bin" / "fsck"
"""Tessera's, by its place: every system has another program of that name."""


def _find(program: str, *places: str) -> str | None:
    return shutil.which(program) or next((p for p in places if Path(p).exists()), None)


def _missing(thing: str) -> str | None:  # noqa: C901, PLR0912  (one line for each thing)
    """Return what is missing and how to get it, or None if the thing is here."""
    found: object
    match thing:
        case "opa":
            found = os.environ.get("GATEKEEPER_TEST_OPA") or _find("opa", str(Path.home() / "go/bin/opa"))
        case "postgres":
            found = programs()
        case "node":
            found = shutil.which("node") and (Path(__file__).parent / "clients" / "node_modules").is_dir()
        case "npm":
            found = shutil.which("npm")
        case "go":
            found = shutil.which("go")
        case "fsck":
            found = FSCK.exists()
        case "litewitness":
            found = shutil.which("litewitness") and shutil.which("ssh-agent")
        case "chromium":
            drivers = Path(__file__).parent / "browser" / "node_modules"
            found = shutil.which("chromium") and shutil.which("node") and drivers.is_dir()
        case "nginx":
            found = _find("nginx", "/usr/sbin/nginx")
        case "dask":
            found = find_spec("distributed")
        case "softhsm":
            found = shutil.which("softhsm2-util") and find_spec("pkcs11")
        case "tmpfs":
            found = os.geteuid() == 0 and shutil.which("mount")
        case _:
            raise pytest.UsageError(f"unknown need: {thing}")
    return None if found else f"{thing} is not on this machine: `make test-all` installs it"


_SERVED = {"opa", "postgres", "chromium", "litewitness"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run here, by name; under GATEKEEPER_TEST_ALL=1 nothing is skipped.

    What needs a server starts it, so it is not part of the unit suite (``-m "not servers"``).
    """
    for item in items:
        if any(_SERVED.intersection(mark.args) for mark in item.iter_markers("needs")):
            item.add_marker(pytest.mark.servers)
    if os.environ.get("GATEKEEPER_TEST_ALL") == "1":
        return
    for item in items:
        for mark in item.iter_markers("needs"):
            for reason in filter(None, map(_missing, mark.args)):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def application_log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what the application's log holds, whatever stream and level a test before had it set to."""
    written = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(written),
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    )
    for name, module in list(sys.modules.items()):
        if name.startswith("gatekeeper.") and hasattr(module, "_log"):
            monkeypatch.setattr(module, "_log", logger)
    return written
