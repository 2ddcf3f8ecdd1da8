"""A document of an agency's host: fetched from the address that was checked, small and soon, or refused."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509

from gatekeeper.errors import SettingsRefused
from gatekeeper.notices.fetching import LARGEST, FetchFailed, Fetching
from tests.notices.conftest import free_port
from tests.servers.key_host import Answer, dripping, key_host, publishing, raw, saying, silent
from tests.servers.nginx import Authority

LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority made for these tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


def way(authority: Authority, networks: str = LOOPBACK, **answers: Sequence[str]) -> Fetching:
    """Return the way to hosts; names may be given addresses."""
    trust = ssl.create_default_context(cafile=str(authority.root.certificate))
    made = Fetching.parse(networks, trust)
    if not answers:
        return made

    def look_up(host: str, _: int) -> Sequence[str]:
        return answers[host.partition(".")[0]]

    return Fetching(made.networks, trust, look_up)


def fault(fetching: Fetching, uri: str) -> str:
    """Return why nothing was fetched."""
    with pytest.raises(FetchFailed) as failed:
        fetching.get(uri)
    return failed.value.fault


def test_a_listed_host_is_asked(authority: Authority) -> None:
    """The real thing, over TLS that is checked."""
    with key_host(authority.issue("host"), saying('{"keys": []}')) as host:
        assert b'{"keys": []}' == way(authority).get(f"{host.uri}?set=1")
        assert ["/jwks.json?set=1"] == host.asked


ANSWERS: dict[str, tuple[Answer, str]] = {
    "moved": (saying("", 301, Location="https://127.0.0.1/other"), "status_301"),
    "moved for now": (saying("", 302, Location="http://169.254.169.254/"), "status_302"),
    "moved, with a body": (saying('{"keys": []}', 307, Location="/other"), "status_307"),
    "no content": (saying("", 204), "status_204"),
    "a part": (saying("{}", 206), "status_206"),
    "not there": (saying("no", 404), "status_404"),
    "broken": (saying("no", 500), "status_500"),
    "huge": (saying(b" " * (LARGEST + 1)), "too_large"),
    "compressed": (saying(b"\x1f\x8b", Content_Encoding="gzip"), "encoded"),
    "cut short": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), "no_http_answer"),
    "not HTTP": (raw(b"SSH-2.0-sample\r\n"), "no_http_answer"),
    "endless headers": (raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500), "no_http_answer"),
    "nothing": (raw(b""), "no_http_answer"),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_that_is_refused(authority: Authority, answer: Answer, expected: str) -> None:
    """No redirect is followed, nothing large or half is taken; each in a word of ours."""
    with key_host(authority.issue("host"), answer) as host:
        if expected == "no_http_answer":
            assert fault(way(authority), host.uri) in {"no_http_answer", "no_connection"}
        else:
            assert expected == fault(way(authority), host.uri)
        assert 1 == len(host.asked)


def test_the_largest_document(authority: Authority) -> None:
    """64 KiB are taken."""
    with key_host(authority.issue("host"), saying(b" " * LARGEST)) as host:
        assert LARGEST == len(way(authority).get(host.uri))


@pytest.mark.parametrize("answer", [dripping, silent])
def test_a_slow_host_has_three_seconds(authority: Authority, answer: Answer) -> None:
    """A byte now and then gains nothing."""
    with key_host(authority.issue("host"), answer) as host:
        began = time.monotonic()
        assert "timed_out" == fault(way(authority), host.uri)
        assert 2.5 < time.monotonic() - began < 4


def test_a_slow_resolver_has_them_too(authority: Authority) -> None:
    """The look-up cannot be interrupted, and is not waited for."""
    fetching = way(authority)
    slow = Fetching(fetching.networks, fetching.trust, lambda *_: time.sleep(6) or ["127.0.0.1"])  # type: ignore[func-returns-value]
    began = time.monotonic()
    assert "timed_out" == fault(slow, "https://keys.example/jwks.json")
    assert time.monotonic() - began < 4


def test_nobody_there(authority: Authority) -> None:
    """No connection, and no name."""
    assert "no_connection" == fault(way(authority), f"https://127.0.0.1:{free_port()}/")

    def unknown(*_: object) -> Sequence[str]:
        raise OSError

    fetching = way(authority)
    assert "no_address" == fault(Fetching((), fetching.trust, unknown), "https://keys.example/")


def test_certificates(authority: Authority, tmp_path: Path) -> None:
    """Expired, of another name, by an authority that nobody named: refused before anything is asked."""
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    for pair in (
        authority.issue("expired", expired=True),
        authority.issue("named", x509.DNSName("other.example")),
        stranger.issue("host"),
    ):
        with key_host(pair) as host:
            assert "certificate_refused" == fault(way(authority), host.uri)
            assert [] == host.asked


def test_the_certificate_is_held_against_the_name(authority: Authority) -> None:
    """Not against the address that it is reached at."""
    with key_host(authority.issue("named", x509.DNSName("keys.example")), publishing()) as host:
        fetching = way(authority, keys=["127.0.0.1"], other=["127.0.0.1"])
        assert fetching.get(f"https://keys.example:{host.port}/jwks.json")
        assert "certificate_refused" == fault(fetching, f"https://other.example:{host.port}/jwks.json")


REFUSED = [
    "127.0.0.1",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "fe80::1",
    "fd00::1",
    "0.0.0.0",  # noqa: S104  an address that is refused
    "::",
    "224.0.0.1",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "64:ff9b::a01:203",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a01:203",
    "2002:a01:203::1",
    "2001::1",
    "::7f00:1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", REFUSED)
@pytest.mark.parametrize("beside", [[], ["93.184.216.34"]])
def test_an_address_that_is_not_public(
    authority: Authority, address: str, beside: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither alone nor among good ones; nothing is connected to."""
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("connected"))
    assert "address_refused" == fault(way(authority, "", keys=[*beside, address]), "https://keys.example/")


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::"])  # noqa: S104
def test_some_addresses_no_setting_allows(authority: Authority, address: str) -> None:
    """A metadata service is no agency."""
    everything = "0.0.0.0/0, ::/0"
    assert "address_refused" == fault(way(authority, everything, keys=[address]), "https://keys.example/")


def test_loopback_is_allowed_by_its_own_network_alone(authority: Authority) -> None:
    """One address of it says nothing of the others."""
    with key_host(authority.issue("host"), saying("{}")) as host:
        assert b"{}" == way(authority, "127.0.0.1/32").get(host.uri)
        assert "address_refused" == fault(way(authority, "127.0.0.2/32"), host.uri)
        assert "address_refused" == fault(way(authority, "10.0.0.0/8"), host.uri)
        assert "address_refused" == fault(way(authority, ""), host.uri)
        assert 1 == len(host.asked)


def test_a_name_that_answers_otherwise_the_next_time(authority: Authority) -> None:
    """It is looked up once, and what was checked is what is connected to (no rebinding)."""
    asked = []

    def rebinding(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    pair = authority.issue("named", x509.DNSName("keys.example"))
    with key_host(pair, saying("{}")) as host:
        base = way(authority, "127.0.0.1/32")
        fetching = Fetching(base.networks, base.trust, rebinding)
        uri = f"https://keys.example:{host.port}/jwks.json"
        assert b"{}" == fetching.get(uri)
        assert ["keys.example"] == asked
        assert "address_refused" == fault(fetching, uri)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://keys.example/", "https alone"),
        ("http://127.0.0.1/", "https alone"),
        ("file:///etc/passwd", "web address"),
        ("https://pat:secret@keys.example/", "password"),
        ("https://keys.example/#a", "signs that no request"),
        ("https://keys.example/a b", "signs that no request"),
        ("https://keys.example:0/", "port"),
        ("https://keys.example:99999/", "not a web address"),
        ("https://keys.example/\r\nHost: other", "not a web address"),
        ("https:///jwks.json", "with a host"),
        ("", "web address"),
        ("https://keys.example/" + "a" * 3000, "not a web address"),
        ("https://k\u00e9ys.example/", "not a web address"),
    ],
)
def test_an_address_that_is_not_registered(authority: Authority, uri: str, words: str) -> None:
    """Each is told what to give instead; and if it were registered all the same, it is not asked."""
    told = way(authority).fault_in(uri)
    assert told is not None
    assert words in told
    assert "address_refused" == fault(way(authority), uri)


def test_any_port_that_an_operator_registers(authority: Authority) -> None:
    """443 where none is said."""
    assert way(authority).fault_in("https://keys.example/jwks.json") is None
    assert way(authority).fault_in("https://keys.example:8443/jwks.json") is None


def test_networks_that_are_none() -> None:
    """Said at the start."""
    with pytest.raises(SettingsRefused, match="GATEKEEPER_KEY_SET_NETWORKS"):
        Fetching.parse("10.0.0.0/33", ssl.create_default_context())
