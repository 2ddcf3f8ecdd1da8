"""What is revoked is refused on the next request, in every worker: a token, a client, a key, an agency."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.promises.made import REASON
from tests.servers.gate import PATIENCE_SECONDS, RunningGate

pytestmark = pytest.mark.servers

ASKERS = 12
KEY = ECKey.generate_key("P-256", parameters={"kid": "made-up"})
FORM = {"grant_type": "client_credentials", "scope": "reads:query ledger:read"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class _Askers:
    """Ask without pause with one token; each answer with the moment in which its request was sent."""

    gate: RunningGate
    token: str
    seen: list[tuple[float, int]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        while not self.ended.is_set():
            sent = time.monotonic()
            # A connection of its own each time, so that every worker is asked.
            given = requests.post(
                f"{self.gate.base_url}/v1/queries",
                json=self.gate.body(),
                headers=headers,
                timeout=PATIENCE_SECONDS,
            )
            self.seen.append((sent, given.status_code))

    def while_they_ask(self, act: Callable[[], Any]) -> float:
        """Do something while they ask, and for a while after; return when it was done."""
        threads = [threading.Thread(target=self.run) for _ in range(ASKERS)]
        for thread in threads:
            thread.start()
        try:
            end = time.monotonic() + 30  # a worker may be loading the law, the machine be busy
            while time.monotonic() < end and sum(status == 200 for _, status in self.seen) < ASKERS:
                time.sleep(0.05)
            act()
            done = time.monotonic()
            time.sleep(1)
        finally:
            self.ended.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
        return done


@dataclass(frozen=True, slots=True)
class _Own:
    """An agency of this test's own, in good standing, and a client of it."""

    gate: RunningGate
    agency: str
    client: str
    secret: str

    def token(self, *, by_key: bool = False) -> str:
        """Get a token, by the secret or by the key."""
        url = f"{self.gate.base_url}/oauth/token"
        if by_key:
            now = int(time.time())
            claims = {"iss": self.client, "sub": self.client, "aud": self.gate.document["issuer"]}
            claims |= {"iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(12)}
            signed = jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims, KEY)
            proved = {"client_assertion_type": ASSERTION, "client_assertion": signed}
            given = requests.post(url, data=FORM | proved, timeout=PATIENCE_SECONDS)
        else:
            given = requests.post(url, data=FORM, auth=(self.client, self.secret), timeout=PATIENCE_SECONDS)
        assert 200 == given.status_code, given.text
        return str(given.json()["access_token"])


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


@pytest.mark.parametrize("what", ["token", "client", "stolen", "key", "agency"])
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
            case _:
                served.command("agency", "suspend", own.agency, "--reason", REASON)

    askers = _Askers(served, token)
    done = askers.while_they_ask(revoke)
    after = [status for sent, status in askers.seen if sent > done]
    assert len(after) >= ASKERS
    assert {403 if what == "agency" else 401} == set(after)
    assert 200 in {status for sent, status in askers.seen if sent < done}
    mine = [entry for entry in served.entries() if entry.get("agency") == own.agency]
    revoked = {"credential.token_revoked", "credential.revoked", "credential.key_revoked", "agency.suspended"}
    at = max(n for n, entry in enumerate(mine) if entry["event"] in revoked)
    assert [] == [entry for entry in mine[at:] if entry["event"] == "query.released"]
