"""An OPA on another machine: it shows a client certificate to nginx as deploy/ has it, and no token."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gatekeeper.policy.opa_configuration import PATH, ClientCertificate, configuration
from gatekeeper.web.proxy import CERTIFICATE, VERIFIED
from tests.policy.laws import small
from tests.policy.tampered import CITY, signed
from tests.policy.test_bundle_server import shown
from tests.policy.test_opa_polling import decides, until
from tests.servers.bundles import bundle_server
from tests.servers.opa import free_port, opa_of

pytestmark = [pytest.mark.needs("nginx"), pytest.mark.servers]

NGINX = Path(__file__).parents[2] / "deploy" / "nginx.conf"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path
    made: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """As an operator copies it from openssl."""
        return self.made.fingerprint(hashes.SHA256()).hex(":").upper()


class Authority:
    """Signs certificates for 127.0.0.1."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = self.issue("authority")

    def issue(self, name: str) -> Pair:
        """Return a new certificate; the first is the authority's own."""
        root = not hasattr(self, "root")
        key, now = self._key if root else ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        issuer = self._named(name) if root else self.root.made.subject
        made = (
            x509.CertificateBuilder(
                issuer, self._named(name), key.public_key(), x509.random_serial_number(), now, now + _HOUR
            )
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        pair = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key", made)
        pair.certificate.write_bytes(made.public_bytes(Encoding.PEM))
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return pair

    @staticmethod
    def _named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


_HOUR = timedelta(hours=1)


@contextmanager
def _proxy(directory: Path, upstream: str, authority: Authority, *, certificates: bool) -> Iterator[str]:
    """Start nginx as deploy/ configures it, before a bundle server; yield its address."""
    own, port, text = authority.issue("proxy"), free_port(), NGINX.read_text("utf-8")
    text = re.sub(r" /tmp/(\w+)", rf" {directory}/\1", text)
    text = text.replace("/run/secrets/tls_certificate;", f"{own.certificate};")
    text = text.replace("/run/secrets/tls_key;", f"{own.key};")
    text = text.replace("listen 8443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    text = text.replace("server 127.0.0.1:8080 ", f"server {upstream.removeprefix('http://')} ")
    if certificates:
        wanted = f"ssl_client_certificate {authority.root.certificate}; ssl_verify_client optional;"
        text = text.replace("server_name _;", f"server_name _; {wanted}")
    (directory / "nginx.conf").write_text(text, "utf-8")
    process = subprocess.Popen(
        [
            shutil.which("nginx") or "/usr/sbin/nginx",
            "-e",
            "stderr",
            "-g",
            "daemon off;",
            "-c",
            directory / "nginx.conf",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"https://127.0.0.1:{port}"
        for _ in range(200):
            try:
                requests.get(address, verify=str(authority.root.certificate), timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.02)
        yield address
    finally:
        process.terminate()
        process.wait(10)


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
        with _proxy(tmp_path, bundles.url, authority, certificates=True) as address:
            assert 200 == asked(address, known)
            assert 401 == asked(address, other)
            assert 401 == asked(address, None)
            forged = shown(known.made)
            assert {VERIFIED, CERTIFICATE} == forged.keys()
            assert 401 == asked(address, None, **forged)
            assert 401 == asked(address, other, **forged)
        with _proxy(tmp_path, bundles.url, authority, certificates=False) as address:
            assert 401 == asked(address, known)
            assert 401 == asked(address, None, **forged)


@pytest.mark.needs("opa")
def test_opa_by_certificate(tmp_path: Path) -> None:
    """A real OPA takes its law through the proxy, by its certificate alone, and waits there for the next."""
    authority = Authority(tmp_path)
    own = authority.issue("opa-1")
    with (
        bundle_server(tmp_path, signed(small()), own.fingerprint) as bundles,
        _proxy(tmp_path, bundles.url, authority, certificates=True) as address,
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
