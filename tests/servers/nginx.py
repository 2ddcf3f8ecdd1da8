"""nginx as ``deploy/`` configures it, before a server of a test; and an authority made for it."""

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

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.servers.opa import free_port

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

    def issue(self, name: str, *names: x509.GeneralName, expired: bool = False) -> Pair:
        """Return a new certificate, of 127.0.0.1 or of these names; the first is the authority's own."""
        root = not hasattr(self, "root")
        key, now = (
            self._key if root else ec.generate_private_key(ec.SECP256R1()),
            datetime.now(UTC) - 2 * _HOUR * expired,
        )
        issuer = self._named(name) if root else self.root.made.subject
        made = (
            x509.CertificateBuilder(
                issuer, self._named(name), key.public_key(), x509.random_serial_number(), now, now + _HOUR
            )
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName(names or [x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
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
def proxy(
    directory: Path,
    upstream: str,
    authority: Authority,
    *,
    certificates: bool,
    secret: str = "",
    port: int = 0,
) -> Iterator[str]:
    """Start nginx as deploy/ configures it, before a server; yield its address."""
    own, port, text = authority.issue("proxy"), port or free_port(), NGINX.read_text("utf-8")
    text = re.sub(r" /tmp/(\w+)", rf" {directory}/\1", text)
    text = text.replace("/run/secrets/tls_certificate;", f"{own.certificate};")
    text = text.replace("/run/secrets/tls_key;", f"{own.key};")
    text = text.replace("listen 8443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    text = text.replace("server 127.0.0.1:8080 ", f"server {upstream.removeprefix('http://')} ")
    if certificates:
        wanted = f"ssl_client_certificate {authority.root.certificate}; ssl_verify_client optional;"
        text = text.replace("server_name _;", f"server_name _; {wanted}")
    text = text.replace('X-Proxy-Secret "";', f'X-Proxy-Secret "{secret}";')
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
