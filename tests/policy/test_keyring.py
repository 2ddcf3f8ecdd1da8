"""The policies' keys: one signs, known ones are believed, a forgotten one proves nothing."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.errors import BundleRefused, OperatorError, SettingsRefused
from gatekeeper.policy.archive import opa_files
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.signing import SIGNATURES, PolicySigner, claims_of
from tests.policy.laws import small
from tests.policy.tampered import CITY, enactment


@pytest.fixture
def keys(tmp_path: Path) -> PolicyKeys:
    """The keys of a city that has just been laid out."""
    made = PolicyKeys(tmp_path)
    made.create()
    return made


def signed(signer: PolicySigner) -> dict[str, str]:
    """Return the small law, signed."""
    said = enactment(small())
    return {**opa_files(small()), SIGNATURES: signer.sign(claims_of(opa_files(small()), said))}


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """Return a private key as a file would hold it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_new_city(keys: PolicyKeys, tmp_path: Path) -> None:
    """The private key is its owner's alone, the public one believed; a second start changes nothing."""
    assert 0o600 == stat.S_IMODE((tmp_path / "policy.pem").stat().st_mode)
    before = (tmp_path / "policy.pem").read_bytes()
    keys.create()
    assert before == (tmp_path / "policy.pem").read_bytes()
    assert [keys.signer().keyid] == list(keys.known())
    assert enactment(small()) == keys.verifier().verify(signed(keys.signer()))


def test_openssl_reads_the_public_key(keys: PolicyKeys, tmp_path: Path) -> None:
    """It is plain PEM, as OPA wants it."""
    file = tmp_path / "policy" / f"{keys.signer().keyid}.pem"
    read = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", file, "-noout", "-text"], capture_output=True, check=True
    )
    assert b"P-256" in read.stdout


def test_rotation(keys: PolicyKeys, tmp_path: Path) -> None:
    """The next signature is the new key's; what the old one signed still holds; it signs no more."""
    old = keys.signer()
    before = signed(old)
    name = keys.rotate()
    assert name == keys.signer().keyid != old.keyid
    assert {name, old.keyid} == set(keys.known())
    for files in (before, signed(keys.signer())):
        assert enactment(small()) == keys.verifier().verify(files)
    assert [b"PRIVATE"] == [
        b"PRIVATE" for f in tmp_path.rglob("*") if f.is_file() and b"PRIVATE" in f.read_bytes()
    ]


def test_forgetting(keys: PolicyKeys) -> None:
    """A stolen key's signatures are refused; the one that signs cannot be forgotten."""
    old = keys.signer()
    with pytest.raises(OperatorError, match="rotate` first"):
        keys.forget(old.keyid)
    keys.rotate()
    keys.forget(old.keyid)
    with pytest.raises(BundleRefused, match="not known here"):
        keys.verifier().verify(signed(old))
    for absent in (old.keyid, "../policy", ""):
        with pytest.raises(OperatorError, match="no policy key of that name"):
            keys.forget(absent)


def test_a_named_key(tmp_path: Path) -> None:
    """A key that the setting names is never written; a rotation takes up what was put in its place."""
    file = tmp_path / "elsewhere.pem"
    keys = PolicyKeys(tmp_path / "keys", str(file))
    with pytest.raises(SettingsRefused, match="cannot be read"):
        keys.create()
    file.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    file.chmod(0o600)
    keys.create()
    first = keys.signer().keyid
    with pytest.raises(OperatorError, match="still names"):
        keys.rotate()
    file.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(SettingsRefused, match="is not known: run `gatekeeper policy key rotate`"):
        keys.signer()
    assert first != keys.rotate() == keys.signer().keyid
    assert not (tmp_path / "keys" / "policy.pem").exists()


def _linked(directory: Path) -> None:
    (directory / "policy.pem").rename(directory / "x.pem")
    (directory / "policy.pem").symlink_to(directory / "x.pem")


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "open to others": (lambda d: (d / "policy.pem").chmod(0o640), "may be read by others: chmod 600"),
    "missing": (lambda d: (d / "policy.pem").unlink(), "cannot be read: run `gatekeeper init`"),
    "empty": (lambda d: (d / "policy.pem").write_bytes(b""), "not a private key"),
    "another curve": (
        lambda d: (d / "policy.pem").write_bytes(pem(ec.generate_private_key(ec.SECP384R1()))),
        "not a P-256 key",
    ),
    "the log's kind": (
        lambda d: (d / "policy.pem").write_bytes(pem(ed25519.Ed25519PrivateKey.generate())),
        "not a P-256 key",
    ),
    "a link": (_linked, "may be read by others"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_private_key(keys: PolicyKeys, tmp_path: Path, name: str) -> None:
    """Nothing is signed, and the operator is told what to do."""
    spoil, words = SPOILED[name]
    spoil(tmp_path)
    with pytest.raises(SettingsRefused, match=words):
        keys.signer()


def _put(name: str, text: str | bytes) -> Callable[[Path], object]:
    content = text if isinstance(text, bytes) else text.encode()
    return lambda known: (known / name).write_bytes(content)


def _open_to_others(known: Path) -> None:
    _put(f"{CITY.keyid}.pem", CITY.public_pem)(known)
    (known / f"{CITY.keyid}.pem").chmod(0o666)


def _nothing(known: Path) -> None:
    for file in known.iterdir():
        file.unlink()


UNKNOWABLE: dict[str, Callable[[Path], object]] = {
    "a key by another's name": _put("x.pem", CITY.public_pem),
    "no key": _put("x.pem", "x"),
    "a private key": lambda known: (known / f"{CITY.keyid}.pem").write_bytes(pem(CITY._key)),
    "a key that others may write": _open_to_others,
    "a directory": lambda known: (known / "x").mkdir(),
    "a directory that others may write": lambda known: known.chmod(0o770),
    "nothing": _nothing,
    "not even a directory": lambda known: known.rename(known.parent / "x"),
}


@pytest.mark.parametrize("name", UNKNOWABLE)
def test_what_cannot_be_believed(keys: PolicyKeys, tmp_path: Path, name: str) -> None:
    """Whoever may add a key may write the law: a directory that is not right believes nobody."""
    UNKNOWABLE[name](tmp_path / "policy")
    with pytest.raises(SettingsRefused):
        keys.verifier()
