"""Token keys on disk: made once, readable by nobody else, rotated without a moment of none."""

from __future__ import annotations

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from joserfc.jwk import ECKey, RSAKey

from gatekeeper.errors import OperatorError, SettingsRefused, StoreUnavailable
from gatekeeper.web.keys import TokenKeys
from tests.oauth.city import City


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory with one active key."""
    TokenKeys.create(tmp_path / "keys")
    return tmp_path / "keys"


def write(directory: Path, name: str, pem: bytes, mode: int = 0o600) -> None:
    """Put a file among the keys."""
    (directory / name).write_bytes(pem)
    (directory / name).chmod(mode)


def test_first_key_is_private_to_its_owner(directory: Path) -> None:
    """0600 in 0700, a whole PEM, no partial file left behind."""
    assert ["active.pem"] == sorted(path.name for path in directory.iterdir())
    assert 0o600 == stat.S_IMODE((directory / "active.pem").stat().st_mode)
    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)


def test_kid_is_the_rfc_7638_thumbprint(directory: Path) -> None:
    """So no two keys share a name, and a name says nothing."""
    key = ECKey.import_key((directory / "active.pem").read_bytes())
    assert key.thumbprint() == TokenKeys(directory).signing()[0]


def test_second_start_keeps_the_key(directory: Path) -> None:
    """Tokens survive a restart."""
    assert TokenKeys(directory).signing()[0] == TokenKeys.create(directory).signing()[0]


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    """Two first starts at once must not sign with two keys of which one is lost."""
    with ThreadPoolExecutor(8) as pool:
        kids = set(pool.map(lambda _: TokenKeys.create(tmp_path / "new").signing()[0], range(8)))
    assert 1 == len(kids)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_key_that_others_can_read_is_refused(directory: Path, mode: int) -> None:
    """A key that others can read is not a secret: the service does not start."""
    (directory / "active.pem").chmod(mode)
    with pytest.raises(SettingsRefused, match="chmod 600"):
        TokenKeys(directory)


def test_directory_that_others_can_write_is_refused(directory: Path) -> None:
    """Whoever can add a file can add a key."""
    directory.chmod(0o777)
    with pytest.raises(SettingsRefused, match="chmod 700"):
        TokenKeys(directory)


def test_symlink_is_refused(directory: Path, tmp_path: Path) -> None:
    """A key lives where it is looked after."""
    (directory / "active.pem").rename(tmp_path / "elsewhere.pem")
    (directory / "active.pem").symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(SettingsRefused):
        TokenKeys(directory)


@pytest.mark.parametrize(
    "pem",
    [
        lambda: b"",
        lambda: b"no key",
        lambda: ECKey.generate_key("P-384").as_pem(private=True),
        lambda: ECKey.generate_key("P-256").as_pem(private=False),
        lambda: RSAKey.generate_key(2048).as_pem(private=True),
    ],
)
def test_key_of_another_kind_is_refused(directory: Path, pem: Callable[[], bytes]) -> None:
    """Only a whole P-256 private key signs tokens."""
    write(directory, "active.pem", pem())
    with pytest.raises(SettingsRefused, match="P-256"):
        TokenKeys(directory)


def test_no_active_key_is_refused(directory: Path) -> None:
    """Nothing is signed by accident with a retired key."""
    (directory / "active.pem").rename(directory / "next.pem")
    with pytest.raises(SettingsRefused, match="no active"):
        TokenKeys(directory)
    with pytest.raises(SettingsRefused, match="cannot be read"):
        TokenKeys(directory / "absent")


def test_stray_files_are_refused(directory: Path) -> None:
    """A key under an unknown or another key's name would be published unasked."""
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    write(directory, "retired-abc.pem", pem)
    with pytest.raises(SettingsRefused, match="another key"):
        TokenKeys(directory)
    (directory / "retired-abc.pem").rename(directory / "spare.pem")
    with pytest.raises(SettingsRefused, match="not a token key"):
        TokenKeys(directory)


def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A file in the way is an error with its cure."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsRefused, match="writable"):
        TokenKeys.create(tmp_path / "file" / "keys")


def test_rotation_never_refuses_a_good_token(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Next is published before it signs; retired is published after it signed; dropped is gone."""
    monkeypatch.setattr("gatekeeper.web.keys.LOOK_AGAIN_SECONDS", 0.0)
    keys = TokenKeys(directory)
    city = City(keys)
    old, _ = keys.signing()
    before = f"Bearer {city.token()}"
    new = keys.prepare()
    assert (old, {old, new}) == (keys.signing()[0], {key["kid"] for key in keys.jwks()["keys"]})
    with pytest.raises(OperatorError, match="already"):
        keys.prepare()
    assert new == keys.activate()
    assert (new, {old, new}) == (keys.signing()[0], {key["kid"] for key in keys.jwks()["keys"]})
    after = f"Bearer {city.token()}"
    assert "signer" == city.caller(before).client_id == city.caller(after).client_id
    with pytest.raises(OperatorError, match="no next"):
        keys.activate()
    keys.drop(old)
    assert "signer" == city.caller(after).client_id
    with pytest.raises(Exception, match="unknown_key"):
        city.caller(before)
    with pytest.raises(OperatorError, match="no retired"):
        keys.drop(new)


def test_running_server_refuses_when_its_keys_cannot_be_read(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that became unsafe or went away: 503, not the keys of a moment ago."""
    monkeypatch.setattr("gatekeeper.web.keys.LOOK_AGAIN_SECONDS", 0.0)
    keys = TokenKeys(directory)
    kid, _ = keys.signing()
    (directory / "active.pem").chmod(0o644)
    for use in (keys.signing, keys.jwks, lambda: keys.public(kid)):
        with pytest.raises(StoreUnavailable):
            use()
    assert (503, "temporarily_unavailable") == _jwks(keys)
    (directory / "active.pem").chmod(0o600)
    assert kid == keys.signing()[0]


def _jwks(keys: TokenKeys) -> tuple[int, str]:
    answer = City(keys).http.get("/oauth/jwks")
    return answer.status_code, answer.get_json()["error"]


def test_readers_never_meet_a_rotation_half_done(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are renamed and dropped while others read: each reading finds one active key and its own."""
    monkeypatch.setattr("gatekeeper.web.keys.LOOK_AGAIN_SECONDS", 0.0)
    readers = [TokenKeys(directory) for _ in range(3)]
    over = Event()

    def read(keys: TokenKeys) -> int:
        times = 0
        while not over.is_set():
            kid, _ = keys.signing()
            times += 1
            assert keys.listed()
            assert kid
        return times

    with ThreadPoolExecutor(3) as pool:
        reading = [pool.submit(read, keys) for keys in readers]
        changing = TokenKeys(directory)
        try:
            for _ in range(40):
                changing.prepare()
                old = next(key.kid for key in changing.listed() if key.state == "active")
                changing.activate()
                changing.drop(old)
        finally:
            over.set()
        assert all(each.result() > 0 for each in reading)
    assert 1 == len(changing.listed())


def test_a_step_of_activate_that_broke_off_leaves_one_active_key(directory: Path) -> None:
    """Retired already by name, active still: it signs, and the step can be done again."""
    keys = TokenKeys(directory)
    kid, _ = keys.signing()
    keys.prepare()
    (directory / f"retired-{kid}.pem").hardlink_to(directory / "active.pem")
    again = TokenKeys(directory)
    assert ["active", "next"] == sorted(key.state for key in again.listed())
    new = again.activate()
    assert {kid: "retired", new: "active"} == {key.kid: key.state for key in again.listed()}
