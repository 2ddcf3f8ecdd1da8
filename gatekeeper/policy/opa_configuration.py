"""What an OPA must be told to decide by our bundle and by no other (https://www.openpolicyagent.org/docs/configuration).

Guarantees: signatures are required, not merely checked where there are some (that takes ``signing`` beside
``keys``), by keys that are known here, with ES256, for the policies' scope; OPA asks again the moment a wait
ends, so that an activation reaches it at once; it writes down nothing of what it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.policy.layout import Json
from gatekeeper.policy.signing import ALGORITHM, SCOPE

PATH = "/policy/bundle.tar.gz"
LONGEST_WAIT_S = 25
"""Shorter than any proxy's patience: that of ``deploy/nginx.conf`` is 35 s."""


def configuration(url: str, *, token_path: str, keys: Mapping[str, str], wait: int) -> dict[str, Json]:
    """Return OPA's configuration: it takes its bundle from *url*, and believes *keys* (PEM by name)."""
    return {
        "services": {
            "gatekeeper": {
                "url": url.rstrip("/"),
                "credentials": {"bearer": {"token_path": token_path}},
                "response_header_timeout_seconds": 10,
            }
        },
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
