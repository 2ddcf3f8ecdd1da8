"""How a load is sent, the same for both sides of a comparison: keep-alive POSTs, in a closed loop.

wrk (Debian's package) where it is: it costs the measured server next to nothing. Else processes of Python,
which cost more; the result names which was used, and both sides always get the same one. Only loopback is
ever a target.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.loads import MOST, NUMBER, Load
from tests.servers.credentials import Shown

_LUA = """
local bodies = {}
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local n = %(first)d
local headers = {["Content-Type"] = "application/json"%(token)s}
local proofs, used = {}, 0
for line in io.lines("%(proofs)s") do proofs[#proofs + 1] = line end
request = function()
  n = (n + 1) %% %(most)d
  if #proofs > 0 then
    used = used + 1
    headers["DPoP"] = proofs[used]
  end
  local body = string.gsub(bodies[n %% #bodies + 1], "%(number)s", string.format("%%0%(digits)dd", n))
  return wrk.format("POST", "/v1/queries", headers, body)
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests": %%d, "us": %%d, "p50": %%d, "p99": %%d, "status": %%d, '
    .. '"connect": %%d, "read": %%d, "write": %%d, "timeout": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect, e.read, e.write, e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run showed."""

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    refused: int = 0
    """Answers of another status than 200, where the caller takes some."""


def generator() -> str:
    """Name the generator that is used here."""
    return "wrk" if shutil.which("wrk") else "python"


def run(
    base_url: str,
    load: Load,
    shown: Shown | None,
    connections: int,
    seconds: float,
    most_refused: float = 0,
) -> Measured:
    """Send for that long. Raises RuntimeError if an answer was not 200: a denial is not the work measured.

    *most_refused* is the share of answers that may be another one.
    """
    if urlsplit(base_url).hostname != "127.0.0.1":
        raise RuntimeError("only this machine is a target")
    if generator() == "wrk":
        found = _wrk(base_url, load, shown, connections, seconds)
    else:
        found = _processes(base_url, load, shown, connections, seconds)
    if found.refused > most_refused * found.requests or not found.requests:
        raise RuntimeError(f"{found.refused} of {found.requests} answers were not 200")
    return found


def _wrk(base_url: str, load: Load, shown: Shown | None, connections: int, seconds: float) -> Measured:
    with tempfile.TemporaryDirectory() as directory:
        lines = Path(directory) / "bodies"
        lines.write_bytes(b"\n".join(load.bodies) + b"\n")
        script = Path(directory) / "load.lua"
        proofs = Path(directory) / "proofs"
        proofs.write_text("".join(f"{proof}\n" for proof in (() if shown is None else shown.proofs)))
        held = "" if shown is None else f', Authorization = "{shown.authorization}"'
        made = _LUA % {
            "bodies": lines,
            "token": held,
            "proofs": proofs,
            "first": _first(),
            "most": MOST,
            "number": NUMBER,
            "digits": len(NUMBER),
        }
        script.write_text(made, "utf-8")
        said = subprocess.run(
            [
                *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"),
                *("-s", script, base_url),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
    found = json.loads(said.stdout.strip().splitlines()[-1])
    if lost := {name: found[name] for name in ("connect", "read", "write", "timeout") if found[name]}:
        raise RuntimeError(f"beside {found['requests']} answers some never came: {lost}")
    rate = found["requests"] / found["us"] * 1e6
    return Measured(found["requests"], rate, found["p50"] / 1000, found["p99"] / 1000, found["status"])


def _first() -> int:
    """Return where a run begins to count: hardly ever where an earlier one did."""
    return secrets.randbelow(MOST)


def _processes(base_url: str, load: Load, shown: Shown | None, connections: int, seconds: float) -> Measured:
    context = multiprocessing.get_context("spawn")
    # Far enough apart that no two of them ever send the same number.
    first, apart = _first(), MOST // connections
    jobs = [
        (base_url, load, _share(shown, n, connections), seconds, first + n * apart)
        for n in range(connections)
    ]
    with context.Pool(connections) as pool:
        each = pool.starmap(_one_connection, jobs)
    times = sorted(t for found, _ in each for t in found)
    refused = sum(number for _, number in each)
    middle, worst = times[len(times) // 2], times[int(len(times) * 0.99)]
    return Measured(len(times), len(times) / seconds, middle * 1000, worst * 1000, refused)


def _share(shown: Shown | None, number: int, connections: int) -> Shown | None:
    """Return what one of so many connections shows: a proof is good once."""
    return None if shown is None else replace(shown, proofs=shown.proofs[number::connections])


def _one_connection(
    base_url: str, load: Load, shown: Shown | None, seconds: float, first: int
) -> tuple[list[float], int]:
    where = urlsplit(base_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    headers = {"Content-Type": "application/json"}
    proofs = iter(() if shown is None else shown.proofs)
    if shown is not None:
        headers["Authorization"] = shown.authorization
    times: list[float] = []
    refused = 0
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        if shown is not None and shown.proofs:
            headers["DPoP"] = next(proofs)
        connection.request("POST", "/v1/queries", load.body(first + len(times)), headers)
        answer = connection.getresponse()
        answer.read()
        refused += answer.status != http.client.OK
        times.append(time.monotonic() - began)
    return times, refused
