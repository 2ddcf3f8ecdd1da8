"""What an OPA must be told to decide by our bundle and by no other (https://www.openpolicyagent.org/docs/configuration).

Guarantees: signatures are required, not merely checked where there are some (that takes ``signing`` beside
``keys``), by keys that are known here, with ES256, for the policies' scope; OPA asks again the moment a wait
ends, so that an activation reaches it at once; it writes down nothing of what it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.policy.layout import Json
from gatekeeper.policy.signing import ALGORITHM, SCOPE

PATH = "/policy/bundle.tar.gz"
LONGEST_WAIT_S = 25
"""Shorter than any proxy's patience: that of ``deploy/nginx.conf`` is 35 s."""


@dataclass(frozen=True, slots=True)
class Token:
    """OPA proves itself by the bundle's token, in a file on its own machine."""

    path: str

    def credentials(self) -> dict[str, Json]:
        """Return it as OPA's configuration has it."""
        return {"bearer": {"token_path": self.path}}


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """OPA proves itself by a certificate and its key, in files on its own machine."""

    certificate: str
    key: str

    def credentials(self) -> dict[str, Json]:
        """Return them as OPA's configuration has them."""
        return {"client_tls": {"cert": self.certificate, "private_key": self.key}}


def configuration(
    url: str, *, proof: Token | ClientCertificate, keys: Mapping[str, str], wait: int, ca_file: str = ""
) -> dict[str, Json]:
    """Return OPA's configuration: it takes its bundle from *url*, and believes *keys* (PEM by name)."""
    service: dict[str, Json] = {
        "url": url.rstrip("/"),
        "credentials": proof.credentials(),
        "response_header_timeout_seconds": 10,
    }
    if ca_file:
        service["tls"] = {"ca_cert": ca_file}
    return {
        "services": {"gatekeeper": service},
        "keys": {keyid: {"algorithm": ALGORITHM, "key": pem} for keyid, pem in sorted(keys.items())},
        "bundles": {
            "law": {
                "service": "gatekeeper",
                "resource": PATH,
                # Without this block OPA takes an unsigned bundle too, whatever keys it was given.
                "signing": {"scope": SCOPE},
                "polling": {
                    "min_delay_seconds": 2,
                    "max_delay_seconds": 5,
                    "long_polling_timeout_seconds": wait,
                },
            }
        },
        "decision_logs": {"console": False},
    }
