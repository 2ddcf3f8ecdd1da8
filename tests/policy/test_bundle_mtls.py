"""An OPA on another machine: it shows a client certificate to nginx as deploy/ has it, and no token."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

from gatekeeper.policy.opa_configuration import PATH, ClientCertificate, configuration
from gatekeeper.web.proxy import CERTIFICATE, VERIFIED
from tests.policy.laws import small
from tests.policy.tampered import CITY, signed
from tests.policy.test_bundle_server import shown
from tests.policy.test_opa_polling import decides, until
from tests.servers.bundles import bundle_server
from tests.servers.nginx import Authority, Pair, proxy
from tests.servers.opa import opa_of

pytestmark = [pytest.mark.needs("nginx"), pytest.mark.servers]


def test_by_certificate(tmp_path: Path) -> None:
    """A listed one lets in; one that is not, a forged header and no certificate do not."""
    authority = Authority(tmp_path)
    known, other = authority.issue("opa-1"), authority.issue("opa-2")
    trusted = str(authority.root.certificate)

    def asked(address: str, pair: Pair | None, **headers: str) -> int:
        cert = None if pair is None else (str(pair.certificate), str(pair.key))
        return requests.get(
            f"{address}{PATH}", cert=cert, verify=trusted, headers=headers, timeout=10
        ).status_code

    with bundle_server(tmp_path, signed(small()), known.fingerprint) as bundles:
        with proxy(tmp_path, bundles.url, authority, certificates=True) as address:
            assert 200 == asked(address, known)
            assert 401 == asked(address, other)
            assert 401 == asked(address, None)
            forged = shown(known.made)
            assert {VERIFIED, CERTIFICATE} == forged.keys()
            assert 401 == asked(address, None, **forged)
            assert 401 == asked(address, other, **forged)
        with proxy(tmp_path, bundles.url, authority, certificates=False) as address:
            assert 401 == asked(address, known)
            assert 401 == asked(address, None, **forged)


@pytest.mark.needs("opa")
def test_opa_by_certificate(tmp_path: Path) -> None:
    """A real OPA takes its law through the proxy, by its certificate alone, and waits there for the next."""
    authority = Authority(tmp_path)
    own = authority.issue("opa-1")
    with (
        bundle_server(tmp_path, signed(small()), own.fingerprint) as bundles,
        proxy(tmp_path, bundles.url, authority, certificates=True) as address,
    ):
        said = configuration(
            address,
            proof=ClientCertificate(str(own.certificate), str(own.key)),
            keys={CITY.keyid: CITY.public_pem},
            wait=20,
            ca_file=str(authority.root.certificate),
        )
        with opa_of(said, tmp_path) as opa:
            until(decides(opa, small()))
            time.sleep(0.5)
            before = bundles.asked()
            time.sleep(2)
            assert before == bundles.asked()
