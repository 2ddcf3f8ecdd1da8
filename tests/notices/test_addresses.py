"""Where a webhook may lead, and the many ways to write an address that it must not lead to."""

from __future__ import annotations

import ipaddress

import pytest

from gatekeeper.errors import SettingsRefused
from gatekeeper.notices.addresses import Reach, Target, look_up

PUBLIC = Reach.parse("", "443, 8443", loopback=False)
DEMO = Reach.parse("", "443, 8443", loopback=True)


def answering(*addresses: str, networks: str = "", loopback: bool = False) -> Reach:
    """Return a reach whose DNS answers with these addresses."""
    read = Reach.parse(networks, "443, 8443", loopback=loopback)
    return Reach(read.networks, read.ports, read.loopback, lambda _host, _port: addresses)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example.gov", Target("https", "hooks.example.gov", 443, "/")),
        (
            "https://HOOKS.example.gov:8443/a/b?c=d%20e",
            Target("https", "hooks.example.gov", 8443, "/a/b?c=d%20e"),
        ),
        ("https://[2606:4700::1111]/x", Target("https", "2606:4700::1111", 443, "/x")),
    ],
)
def test_an_https_address_is_read(url: str, expected: Target) -> None:
    """With its port and its query, as they are."""
    assert expected == PUBLIC.read(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.gov",
        "http://hooks.example.gov/",
        "ftp://hooks.example.gov/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@hooks.example.gov/",
        "https://user:secret@hooks.example.gov/",
        "https://hooks.example.gov@127.0.0.1/",
        "https://hooks.example.gov:22/",
        "https://hooks.example.gov:0/",
        "https://hooks.example.gov:99999/",
        "https://hooks.example.gov:port/",
        "https://hooks.example.gov/#fragment",
        "https://hooks.example.gov/a b",
        "https://hooks.example.gov/a\r\nX: y",
        "https://hooks.example.gov/\x00",
        "https://hooks.example.gov\r\n.evil.example/",
        "https://hooks..example.gov/",
        "https://-hooks.example.gov/",
        "https://hooks.example.gov./",
        "https://höoks.example.gov/",
        "https://hooks.example.gov/ü",
        "https://ho%6fks.example.gov/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://127.0.0.1\\@hooks.example.gov/",
        "https://hooks.example.gov/" + "a" * 3000,
    ],
)
def test_whatever_else_it_is_it_is_refused_with_what_to_do(url: str) -> None:
    """A sentence of ours, which does not repeat what was typed."""
    fault = PUBLIC.read(url)
    assert isinstance(fault, str)
    assert "secret" not in fault
    assert "evil" not in fault


def test_plain_http_leads_to_this_machine_alone_and_only_from_this_machine() -> None:
    """The demo's; a city's gatekeeper, which others reach, never sends in the clear."""
    assert Target("http", "127.0.0.1", 9000, "/") == DEMO.read("http://127.0.0.1:9000/")
    assert isinstance(PUBLIC.read("http://127.0.0.1:9000/"), str)
    assert isinstance(DEMO.read("http://hooks.example.gov/"), str)
    local = DEMO.read("http://localhost:9000/")
    assert isinstance(local, Target)
    for elsewhere in ("93.184.216.34", "10.0.0.1"):
        assert answering(elsewhere, loopback=True, networks="10.0.0.0/8").addresses(local) is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",  # noqa: S104  an address that is refused
        "::",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "::ffff:192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "2001:0:a9fe:a9fe::",
        "::a9fe:a9fe",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "224.0.0.1",
        "224.0.1.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "2001:db8::1",
    ],
)
def test_what_is_not_public_is_not_reached(address: str) -> None:
    """Loopback, private, shared, link-local, multicast, reserved, and each form that hides one of these."""
    assert PUBLIC.allows(ipaddress.ip_address(address)) is False
    target = Target("https", "hooks.example.gov", 443, "/")
    assert answering(address).addresses(target) is None
    assert answering("93.184.216.34", address).addresses(target) is None


def test_public_addresses_are_reached_in_the_order_of_the_answer() -> None:
    """Those and no others: whoever connects does not ask again."""
    target = Target("https", "hooks.example.gov", 443, "/")
    found = ("2606:4700::1111", "93.184.216.34")
    assert found == answering(*found).addresses(target)
    with pytest.raises(OSError, match="no address"):
        answering().addresses(target)


def test_a_city_may_allow_its_own_networks_but_not_what_is_never_a_receiver() -> None:
    """All of IPv4 does not allow the metadata service, this machine, or a multicast group."""
    inside = answering("10.20.3.4", networks="10.20.0.0/16, fd00:1::/64")
    assert ("10.20.3.4",) == inside.addresses(Target("https", "hooks.inside", 443, "/"))
    assert inside.allows(ipaddress.ip_address("::ffff:10.20.3.4")) is True
    assert inside.allows(ipaddress.ip_address("10.21.0.1")) is False
    everything = Reach.parse("0.0.0.0/0, ::/0", "443", loopback=False)
    for never in ("127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::1", "fe80::1"):  # noqa: S104
        assert everything.allows(ipaddress.ip_address(never)) is False


@pytest.mark.parametrize(
    "written", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1", "localhost"]
)
def test_every_spelling_of_this_machine_is_looked_up_and_refused(written: str) -> None:
    """The check is on the address that comes out, not on the text."""
    target = PUBLIC.read(f"https://{written}/")
    if isinstance(target, Target):
        assert "127.0.0.1" in look_up(target.host, 443)
        assert PUBLIC.addresses(target) is None


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "ten", "10.0.0.0/8; 10.1.0.0/16"])
def test_a_list_that_cannot_be_read_is_refused(networks: str) -> None:
    """A network that its operator believes to be allowed, or not, must not be guessed."""
    with pytest.raises(SettingsRefused, match="WEBHOOK_NETWORKS"):
        Reach.parse(networks, "443", loopback=False)
    with pytest.raises(SettingsRefused, match="WEBHOOK_PORTS"):
        Reach.parse("", "443, https", loopback=False)
    with pytest.raises(SettingsRefused, match="WEBHOOK_PORTS"):
        Reach.parse("", "70000", loopback=False)
