"""A token key in a PKCS#11 token (SoftHSM stands in for the hardware), beside keys in files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatekeeper.errors import OperatorError, SettingsRefused, StoreUnavailable
from gatekeeper.web.keys import TokenKeys
from tests.oauth.city import City
from tests.policy.test_hardware_key import token, uri

__all__ = ["token"]

pytestmark = pytest.mark.needs("softhsm")


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenKeys:
    """Return keys that are read again at each use."""
    monkeypatch.setattr("gatekeeper.web.keys.LOOK_AGAIN_SECONDS", 0.0)
    return TokenKeys.create(tmp_path / "keys")


def test_signs_as_a_file_does(token: Path, keys: TokenKeys, tmp_path: Path) -> None:
    """From a file to hardware, to other hardware and back: each token is believed, each in its turn."""
    city = City(keys)
    tokens = [city.token()]
    for where in (uri(token), uri(token, "policy-2"), ""):
        kid = keys.prepare(where)
        assert kid == keys.activate()
        tokens.append(city.token())
    assert 4 == len(keys.jwks()["keys"])
    assert {"signer"} == {city.caller(f"Bearer {each}").client_id for each in tokens}
    assert ["PKCS#11", "PKCS#11", "file", "file"] == sorted(key.kept for key in keys.listed())
    for file in (tmp_path / "keys").iterdir():
        assert 0o600 == file.stat().st_mode & 0o777


def test_the_private_half_is_nowhere_here(token: Path, keys: TokenKeys, tmp_path: Path) -> None:
    """Its file holds the URI, without a PIN; nothing is encrypted that is no key."""
    keys.prepare(uri(token))
    keys.activate()
    text = (tmp_path / "keys" / "active.pem").read_text()
    assert uri(token) == text.strip()
    assert "837465" not in text
    with pytest.raises(StoreUnavailable, match="does not leave"):
        keys.signing()
    assert 1 == len(
        TokenKeys(tmp_path / "keys", "correct horse battery").encrypt()
    )  # the retired one, in a file
    assert uri(token) == (tmp_path / "keys" / "active.pem").read_text().strip()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"label": "policy-3"}, "does not give the token key .NoSuchKey.: check"),
        ({"holder": "other"}, "does not give the token key .NoSuchToken.: check"),
        ({"label": "large"}, "the token key in the token is not on P-256"),
    ],
)
def test_no_such_key_is_not_published(
    token: Path, keys: TokenKeys, changed: dict[str, str], words: str
) -> None:
    """Told at `prepare`, when nothing depends on it yet."""
    with pytest.raises(SettingsRefused, match=words):
        keys.prepare(uri(token, **changed))
    assert 1 == len(keys.listed())


def test_a_key_is_in_one_state(token: Path, keys: TokenKeys) -> None:
    """The pair that signs already cannot follow itself."""
    keys.prepare(uri(token))
    keys.activate()
    with pytest.raises(OperatorError, match="is a token key already"):
        keys.prepare(uri(token))


def test_hardware_that_went_away_refuses_every_token(token: Path, keys: TokenKeys) -> None:
    """503 where it would sign; what it signed is still checked; a start says what to do; back: it goes on."""
    keys.prepare(uri(token))
    keys.activate()
    city = City(keys)
    good = f"Bearer {city.token()}"
    os.rename(token / "pin", token / "pin-elsewhere")  # noqa: PTH104  a plain move
    try:
        answer = city.ask(city.assertion())
        assert (503, "temporarily_unavailable") == (answer.status_code, answer.get_json()["error"])
        assert "signer" == city.caller(good).client_id
        with pytest.raises(SettingsRefused, match="the PIN of the token key, cannot be read"):
            TokenKeys(keys._directory)
    finally:
        os.rename(token / "pin-elsewhere", token / "pin")  # noqa: PTH104
    assert 200 == city.ask(city.assertion()).status_code
