"""The policies' key in a PKCS#11 token: SoftHSM stands in for the hardware, python-pkcs11 is the real one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.errors import SettingsRefused
from gatekeeper.hardware import Place
from gatekeeper.policy.archive import opa_files
from gatekeeper.policy.hardware_key import POLICY, HardwareSigner
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.signing import SIGNATURES, claims_of
from tests.policy.laws import small
from tests.policy.tampered import enactment
from tests.servers.hsm import MODULE, PIN, begin_anew


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A token with two keys, ``policy-1`` and ``policy-2``, one of a wrong curve, and the file of its PIN."""
    directory = tmp_path_factory.mktemp("hsm")
    (directory / "tokens").mkdir()
    (directory / "conf").write_text(f"directories.tokendir = {directory / 'tokens'}\nlog.level = ERROR\n")
    (directory / "pin").write_text(f"{PIN}\n")
    (directory / "pin").chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(directory / "conf"))
        _softhsm("--init-token", "--free", "--label", "policy", "--so-pin", "48392")
        curves: list[tuple[str, ec.EllipticCurve]] = [
            ("policy-1", ec.SECP256R1()),
            ("policy-2", ec.SECP256R1()),
            ("large", ec.SECP384R1()),
        ]
        for number, (label, curve) in enumerate(curves, 1):
            key = ec.generate_private_key(curve)
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            (directory / "key.pem").write_bytes(pem)
            _softhsm(
                *("--import", str(directory / "key.pem"), "--token", "policy"),
                *("--label", label, "--id", f"0{number}"),
            )
        (directory / "key.pem").unlink()
        begin_anew()
        yield directory


def _softhsm(*arguments: str) -> None:
    subprocess.run(["softhsm2-util", *arguments, "--pin", PIN], check=True, capture_output=True, timeout=60)


def uri(directory: Path, label: str = "policy-1", holder: str = "policy") -> str:
    """Return the URI of a key."""
    return f"pkcs11:token={holder};object={label}?module-path={MODULE}&pin-source=file:{directory / 'pin'}"


@pytest.mark.needs("softhsm")
def test_signs_as_a_file_does(token: Path, tmp_path: Path) -> None:
    """What the token signs is believed; a rotation is another label, and the old one still holds."""
    first = PolicyKeys(tmp_path, uri(token))
    first.create()
    claims = claims_of(opa_files(small()), enactment(small()))
    files = {**opa_files(small()), SIGNATURES: first.signer().sign(claims)}
    second = PolicyKeys(tmp_path, uri(token, "policy-2"))
    with pytest.raises(SettingsRefused, match="is not known"):
        second.signer()
    assert second.rotate() == second.signer().keyid != first.signer().keyid
    assert enactment(small()) == second.verifier().verify(files)
    assert not [*tmp_path.glob("*.pem")]


@pytest.mark.needs("softhsm")
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"label": "policy-3"}, "NoSuchKey"),
        ({"holder": "other"}, "NoSuchToken"),
        ({"label": "large"}, "not on P-256"),
    ],
)
def test_no_such_key(token: Path, changed: dict[str, str], words: str) -> None:
    """The operator is told what is missing."""
    with pytest.raises(SettingsRefused, match=words):
        HardwareSigner.open(uri(token, **changed))


@pytest.mark.needs("softhsm")
def test_wrong_pin_is_not_repeated(token: Path, tmp_path: Path) -> None:
    """Neither the PIN nor what the module says of it reaches a log."""
    (tmp_path / "pin").touch(mode=0o600)
    (tmp_path / "pin").write_text("111111")
    with pytest.raises(SettingsRefused, match="the PIN") as refused:
        HardwareSigner.open(uri(token).replace(str(token / "pin"), str(tmp_path / "pin")))
    assert "111111" not in str(refused.value)
    (tmp_path / "pin").chmod(0o644)
    with pytest.raises(SettingsRefused, match="chmod 600"):
        HardwareSigner.open(uri(token).replace(str(token / "pin"), str(tmp_path / "pin")))
    with pytest.raises(SettingsRefused, match="cannot be read"):
        HardwareSigner.open(uri(token).replace(str(token / "pin"), str(tmp_path / "none")))


@pytest.mark.needs("softhsm")
def test_no_module(token: Path) -> None:
    """A library that is not there is told, not a crash."""
    with pytest.raises(SettingsRefused, match="check the module's path"):
        HardwareSigner.open(uri(token).replace(MODULE, "/nonexistent/module.so"))


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:",
        "pkcs11:token=a;object=b",
        "pkcs11:token=a;object=b?module-path=/m",
        "pkcs11:token=a;object=b?module-path=m&pin-source=file:/p",
        "pkcs11:token=a;object=b?module-path=/m&pin-source=|cat",
        "pkcs11:token=a;object=b?module-path=/m&pin-value=918273",
        "pkcs11:token=a;object=b?module-path=/m&pin-source=file:/p&pin-value=918273",
        "pkcs11:token=a;token=b;object=b?module-path=/m&pin-source=file:/p",
        "pkcs11:token;object=b?module-path=/m&pin-source=file:/p",
        "pkcs11:token=a;object=b;type=private?module-path=/m&pin-source=file:/p",
    ],
)
def test_uri_refused(text: str) -> None:
    """A URI that does not say exactly where the key is, or that holds the PIN itself."""
    with pytest.raises(SettingsRefused, match="set GATEKEEPER_POLICY_KEY to pkcs11:") as refused:
        Place.parse(text, POLICY)
    assert "918273" not in str(refused.value)


def test_uri_read() -> None:
    """Escaped characters are what they stand for; the PIN's file is named in either way."""
    text = "pkcs11:token=City%20Hall;object=law%3B1;serial=ab?module-path=/m.so&pin-source=file:///run/pin"
    assert Place("City Hall", "law;1", b"ab", "/m.so", Path("/run/pin"), POLICY) == Place.parse(text, POLICY)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A city without such hardware needs no such library; one that names a token is told what to install."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    (tmp_path / "pin").touch(mode=0o600)
    with pytest.raises(SettingsRefused, match=r"pip install 'gatekeeper\[pkcs11\]'"):
        HardwareSigner.open(uri(tmp_path))
