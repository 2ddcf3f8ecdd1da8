"""The bundle endpoint: who may ask, what the caches are told, and how long somebody may wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from flask import Flask, Response
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from gatekeeper.errors import PolicyUnavailable, SettingsRefused, Unauthenticated
from gatekeeper.policy.archive import unpacked
from gatekeeper.policy.opa_configuration import PATH
from gatekeeper.web import bundle_access, problems, requests
from gatekeeper.web.bundle_access import BundleAccess
from gatekeeper.web.bundles import bundles_blueprint
from gatekeeper.web.ending import ending_of
from gatekeeper.web.proxy import CERTIFICATE, VERIFIED, Proxy
from tests.policy.laws import city, small
from tests.policy.tampered import VERIFIER, enactment, signed

TOKEN = "made-up-token-of-more-than-32-characters"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OPAS = "modes=snapshot,delta;wait={}"


@dataclass
class Law:
    """What is in force, as a test sets it."""

    content: bytes = field(default_factory=lambda: signed(small()))
    broken: bool = False

    def active(self) -> tuple[str, str, bytes]:
        """Return it."""
        if self.broken:
            raise PolicyUnavailable("the law cannot be read")
        return small().revision, small().digest, self.content


def certificate(name: str = "opa-1") -> x509.Certificate:
    """Return a client's certificate."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateBuilder(named, named, key.public_key(), 1, now, now + timedelta(hours=1)).sign(
        key, hashes.SHA256()
    )


KNOWN = certificate()
FINGERPRINT = KNOWN.fingerprint(hashes.SHA256()).hex()


def shown(known: x509.Certificate = KNOWN, verified: str = "SUCCESS") -> dict[str, str]:
    """Return the headers by which the proxy shows a client's certificate."""
    return {VERIFIED: verified, CERTIFICATE: quote(known.public_bytes(Encoding.PEM).decode())}


@dataclass
class Endpoint:
    """The endpoint of one worker."""

    app: Flask
    law: Law
    refused: list[str]

    def get(self, *, method: str = "GET", peer: str = "127.0.0.1", **headers: str) -> TestResponse:
        """Ask."""
        return self.app.test_client().open(
            PATH, method=method, headers=headers, environ_base={"REMOTE_ADDR": peer}
        )


def endpoint(threads: int = 6, certificates: str = "") -> Endpoint:
    """Return an endpoint over a law that tests change."""
    law, refused, app = Law(), list[str](), Flask("small")
    requests.install(app)
    problems.install(app)

    @app.errorhandler(Unauthenticated)
    def unauthenticated(error: Unauthenticated) -> Response:
        refused.append(error.reason)
        return problems.problem(error)

    access = BundleAccess.load(TOKEN, Path("none"), certificates, Proxy("127.0.0.1"))
    app.register_blueprint(bundles_blueprint(law, access, threads))
    return Endpoint(app, law, refused)


@pytest.fixture
def opa() -> Endpoint:
    """An endpoint that knows the token and one certificate."""
    return endpoint(certificates=f"{FINGERPRINT.upper()}, {64 * '0'}")


def test_the_law_in_force(opa: Endpoint) -> None:
    """The signed bundle, whole, of a type by which OPA knows that it may wait here."""
    answer = opa.get(**BEARER)
    assert 200 == answer.status_code
    assert enactment(small()) == VERIFIER.verify(unpacked(answer.data))
    assert "application/vnd.openpolicyagent.bundles" == answer.headers["Content-Type"]
    assert "private, no-cache" == answer.headers["Cache-Control"]
    assert "Authorization, Prefer" == answer.headers["Vary"]
    etag, weak = answer.get_etag()
    assert 64 == len(etag or "")
    assert not weak


def test_head(opa: Endpoint) -> None:
    """The same head, no body; and it never waits."""
    whole, head = opa.get(**BEARER), opa.get(method="HEAD", **BEARER)
    assert (200, b"") == (head.status_code, head.data)
    for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control"):
        assert whole.headers[name] == head.headers[name]
    start = time.monotonic()
    known = opa.get(method="HEAD", **BEARER, **{"If-None-Match": whole.headers["ETag"], "Prefer": "wait=20"})
    assert 304 == known.status_code
    assert time.monotonic() - start < 1


def test_not_modified(opa: Endpoint) -> None:
    """Who has it is told so, also among others that it had before; who has another gets this one."""
    etag = opa.get(**BEARER).headers["ETag"]
    for has in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = opa.get(**BEARER, **{"If-None-Match": has})
        assert (304, b"", etag) == (answer.status_code, answer.data, answer.headers["ETag"]), has
        assert "private, no-cache" == answer.headers["Cache-Control"]
    for has in ("", '"x"', etag.strip('"')[:-1], "W/"):
        assert 200 == opa.get(**BEARER, **{"If-None-Match": has}).status_code, has


def test_the_same_text_signed_anew_is_another_bundle(opa: Endpoint) -> None:
    """A rollback brings back a text that an OPA may have had: it must take it again."""
    before = opa.get(**BEARER).headers["ETag"]
    opa.law.content = signed(small(), enactment(small(), 9))
    assert before != opa.get(**BEARER).headers["ETag"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no_credentials"),
        ({"Authorization": f"Bearer {TOKEN}x"}, "secret"),
        ({"Authorization": f"Bearer {TOKEN[:-1]}"}, "secret"),
        ({"Authorization": "Bearer "}, "secret"),
        ({"Authorization": f"Bearer  {TOKEN}"}, "secret"),
        ({"Authorization": "Bearer caf\u00e9"}, "secret"),
        ({"Authorization": TOKEN}, "wrong_scheme"),
        ({"Authorization": f"Basic {TOKEN}"}, "wrong_scheme"),
        ({"Authorization": ""}, "wrong_scheme"),
        (shown(certificate()), "unknown_key"),
        (shown(verified="NONE"), "certificate_unverified"),
        (shown(verified="FAILED:expired"), "certificate_unverified"),
        ({CERTIFICATE: shown()[CERTIFICATE]}, "certificate_unverified"),
        ({VERIFIED: "SUCCESS", CERTIFICATE: "x"}, "malformed"),
        ({VERIFIED: "SUCCESS"}, "no_credentials"),
        ({**shown(), "Authorization": "Bearer x"}, "secret"),
    ],
)
def test_nobody_else(opa: Endpoint, headers: dict[str, str], reason: str) -> None:
    """Refused, counted by a reason of ours, and nothing of what was sent is repeated."""
    answer = opa.get(**headers)
    assert (401, [reason]) == (answer.status_code, opa.refused)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "no-store" == answer.headers["Cache-Control"]
    assert b"package" not in answer.data
    assert "ETag" not in answer.headers


def test_certificate(opa: Endpoint) -> None:
    """A known one lets in, as the proxy shows it, and only from the proxy's address; unless none is known."""
    assert 200 == opa.get(**shown()).status_code
    assert 401 == opa.get(peer="192.0.2.1", **shown()).status_code
    assert 401 == endpoint().get(**shown()).status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_is_read_only(opa: Endpoint, method: str) -> None:
    """There is no way to put a bundle here."""
    assert 405 == opa.get(method=method, **BEARER).status_code


def test_no_law_no_bundle(opa: Endpoint) -> None:
    """What cannot be read is not answered from memory: 503, also to whoever waits."""
    etag = opa.get(**BEARER).headers["ETag"]
    opa.law.broken = True
    assert 503 == opa.get(**BEARER).status_code
    opa.law.broken = False
    with _later(0.3, lambda: setattr(opa.law, "broken", True)):
        answer = opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": OPAS.format(20)})
    assert 503 == answer.status_code


class _later:  # noqa: N801  (it reads as a word)
    """Do something a moment after the block has begun."""

    def __init__(self, seconds: float, act: Callable[[], object]) -> None:
        self._timer = threading.Timer(seconds, act)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.join()


def _timed(ask: Callable[[], TestResponse]) -> tuple[TestResponse, float]:
    start = time.monotonic()
    return ask(), time.monotonic() - start


@pytest.mark.parametrize("prefer", [OPAS.format(1), "wait=1", "respond-async, wait=1", ' wait="1" ;x'])
def test_a_wait_ends(opa: Endpoint, prefer: str) -> None:
    """After the seconds asked for: nothing has changed."""
    etag = opa.get(**BEARER).headers["ETag"]
    answer, took = _timed(lambda: opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": prefer}))
    assert 304 == answer.status_code
    assert 1 <= took < 1.8


@pytest.mark.parametrize(
    "prefer", ["", "wait", "wait=", "wait=x", "wait=-1", "wait=1e3", "waits=9", "wait=9999999"]
)
def test_what_is_no_wait(opa: Endpoint, prefer: str) -> None:
    """An order that cannot be read is none: answered at once."""
    etag = opa.get(**BEARER).headers["ETag"]
    answer, took = _timed(lambda: opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": prefer}))
    assert 304 == answer.status_code
    assert took < 0.5


def test_who_has_nothing_does_not_wait(opa: Endpoint) -> None:
    """Nor who has another revision: there is something to get."""
    for has in ({}, {"If-None-Match": ""}, {"If-None-Match": '"x"'}):
        start = time.monotonic()
        answer = opa.get(**BEARER, **has, Prefer=OPAS.format(20))
        assert 200 == answer.status_code
        assert time.monotonic() - start < 0.5


def test_an_activation_ends_the_wait_at_once(opa: Endpoint) -> None:
    """Within a moment of the change, with the new bundle."""
    etag = opa.get(**BEARER).headers["ETag"]
    newer = signed(city("south"))
    with _later(0.5, lambda: setattr(opa.law, "content", newer)):
        answer, took = _timed(lambda: opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": OPAS.format(20)}))
    assert (200, newer) == (answer.status_code, answer.data)
    assert 0.5 <= took < 0.9


@pytest.fixture
def waiting(opa: Endpoint) -> Iterator[tuple[Endpoint, str, list[TestResponse]]]:
    """Two who wait, as many as a worker of six threads lets."""
    etag, answers = opa.get(**BEARER).headers["ETag"], list[TestResponse]()

    def wait() -> None:
        answers.append(opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": OPAS.format(20)}))

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    yield opa, etag, answers
    opa.law.content = signed(city("south"))
    for thread in threads:
        thread.join(5)


def test_waiters_are_few(waiting: tuple[Endpoint, str, list[TestResponse]]) -> None:
    """The third is answered at once, with a type by which OPA falls back to asking every few seconds.

    A 304 would make it ask again without a pause: it takes that for the end of a wait.
    """
    opa, etag, answers = waiting
    answer, took = _timed(lambda: opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": OPAS.format(20)}))
    assert took < 0.5
    assert (200, "application/gzip") == (answer.status_code, answer.headers["Content-Type"])
    assert 304 == opa.get(**BEARER, **{"If-None-Match": etag}).status_code
    assert [] == answers


def test_a_place_is_free_again_after_a_wait(waiting: tuple[Endpoint, str, list[TestResponse]]) -> None:
    """And after one that failed."""
    opa, _, answers = waiting
    opa.law.broken = True
    time.sleep(0.5)
    assert [503, 503] == [answer.status_code for answer in answers]
    opa.law.broken = False
    etag = opa.get(**BEARER).headers["ETag"]
    answer = opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": OPAS.format(1)})
    assert 304 == answer.status_code


def test_a_worker_that_ends_lets_them_go(waiting: tuple[Endpoint, str, list[TestResponse]]) -> None:
    """A restart does not wait for those who wait."""
    opa, _, answers = waiting
    ending_of(opa.app).set()
    time.sleep(0.3)
    assert [304, 304] == [answer.status_code for answer in answers]


def test_a_worker_of_few_threads_lets_nobody_wait() -> None:
    """Its threads are for queries."""
    opa = endpoint(threads=2)
    etag = opa.get(**BEARER).headers["ETag"]
    answer, took = _timed(lambda: opa.get(**BEARER, **{"If-None-Match": etag, "Prefer": OPAS.format(20)}))
    assert (200, "application/gzip") == (answer.status_code, answer.headers["Content-Type"])
    assert took < 0.5


def test_the_token_of_a_new_city(tmp_path: Path) -> None:
    """Its owner's alone, made once, long enough; one that others may read, or that is short, is refused."""
    file = tmp_path / "bundle.token"
    bundle_access.create(file)
    before = file.read_text()
    bundle_access.create(file)
    assert before == file.read_text()
    BundleAccess.load("", file, "", Proxy("127.0.0.1")).check(
        Headers({"Authorization": f"Bearer {before.strip()}"}), None
    )
    file.chmod(0o644)
    with pytest.raises(SettingsRefused, match="chmod 600"):
        BundleAccess.load("", file, "", Proxy(""))
    file.chmod(0o600)
    for text in ("", "short", "a b" * 20):
        file.write_text(text)
        with pytest.raises(SettingsRefused, match="openssl rand -hex 32"):
            BundleAccess.load("", file, "", Proxy(""))
    file.unlink()
    with pytest.raises(SettingsRefused, match="gatekeeper init"):
        BundleAccess.load("", file, "", Proxy(""))
    with pytest.raises(SettingsRefused, match="GATEKEEPER_BUNDLE_TOKEN"):
        BundleAccess.load("short", file, "", Proxy(""))
    with pytest.raises(SettingsRefused, match="GATEKEEPER_BUNDLE_CERTIFICATES"):
        BundleAccess.load(TOKEN, file, "ab:cd", Proxy(""))
