"""What is revoked is refused on the next request, in every worker: a token, client, key, agency, officer."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from joserfc.jwk import ECKey

from tests.promises.load import under_load
from tests.promises.made import REASON
from tests.servers import credentials
from tests.servers.gate import PATIENCE_SECONDS, RunningGate

pytestmark = pytest.mark.servers

ASKERS = 12
BADGE = "Sample-77"
KEY = ECKey.generate_key("P-256", parameters={"kid": "made-up"})


@dataclass(frozen=True, slots=True)
class _Own:
    """An agency of this test's own, in good standing, and a client of it."""

    gate: RunningGate
    agency: str
    client: str
    secret: str

    def token(self, *, by_key: bool = False) -> str:
        """Get a token, by the secret or by the key."""
        scope = "reads:query ledger:read"
        if by_key:
            granted = credentials.by_key(self.gate.base_url, self.client, KEY, scope)
        else:
            granted = credentials.by_secret(self.gate.base_url, self.client, self.secret, scope)
        return str(granted["access_token"])


def made(gate: RunningGate, directory: Path, *, by_key: bool = False) -> _Own:
    """Register an agency that may ask, with a client that has a key or a secret."""
    agency = f"sample-{secrets.token_hex(4)}-pd"
    gate.command("agency", "add", agency, "--name", "Sample Police", "--kind", "local", "--state", "IL")
    gate.command(
        *("affirmation", "add", agency, "--signer", "Sam Sample", "--title", "Chief (sample)"),
        *("--signed-on", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))),
    )
    command = ["client", "add", agency, "--json", "--profile", "basic"]
    if by_key:
        file = directory / "key.json"
        file.write_text(json.dumps(KEY.as_dict(private=False)))
        command = [*command[:-1], "private_key", "--key", str(file)]
    said = json.loads(gate.command(*command).stdout)
    return _Own(gate, agency, said["client_id"], said.get("client_secret", ""))


@pytest.mark.parametrize("what", ["token", "client", "stolen", "key", "agency", "officer"])
def test_the_next_request_is_refused_in_every_worker(served: RunningGate, tmp_path: Path, what: str) -> None:
    """No request sent after the command was back is answered with records, and no release follows."""
    own = made(served, tmp_path, by_key=what == "key")
    token = own.token(by_key=what == "key")

    def revoke() -> None:
        match what:
            case "token":
                requests.post(
                    f"{served.base_url}/oauth/revoke",
                    data={"token": token},
                    auth=(own.client, own.secret),
                    timeout=PATIENCE_SECONDS,
                ).raise_for_status()
            case "client":
                served.command("client", "suspend", own.client, "--reason", REASON)
            case "stolen":
                served.command("client", "stolen", own.client, "--reason", REASON, "--out", str(tmp_path))
            case "key":
                served.command("client", "revoke-key", own.client, str(KEY.kid))
            case "agency":
                served.command("agency", "suspend", own.agency, "--reason", REASON)
            case _:
                served.command("officer", "suspend", own.agency, BADGE.lower(), "--reason", REASON)

    with under_load(
        served, {own.agency: token}, threads=ASKERS, keep_alive=False, requester__badge=BADGE
    ) as hammer:
        end = time.monotonic() + 30  # a worker may be loading the law, the machine be busy
        while time.monotonic() < end and sum(one.status == 200 for one in hammer.seen) < ASKERS:
            time.sleep(0.05)
        revoke()
        done = time.monotonic()
        time.sleep(1)
    after = [one.status for one in hammer.seen if one.sent > done]
    assert len(after) >= ASKERS
    assert {403 if what in {"agency", "officer"} else 401} == set(after)
    assert 200 in {one.status for one in hammer.seen if one.sent < done}
    mine = [entry for entry in served.entries() if entry.get("agency") == own.agency]
    revoked = {"credential.token_revoked", "credential.revoked", "credential.key_revoked"}
    revoked |= {"agency.suspended", "officer.suspended"}
    at = max(n for n, entry in enumerate(mine) if entry["event"] in revoked)
    assert [] == [entry for entry in mine[at:] if entry["event"] == "query.released"]
