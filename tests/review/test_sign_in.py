"""Sign-in of staff: what lets nobody in, what locks, and that nothing works twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from gatekeeper.cli import staff
from gatekeeper.errors import StoreUnavailable
from gatekeeper.review import secrets
from gatekeeper.review.secrets import SecretsKey
from gatekeeper.review.sign_in import LOCKED_FOR, MOST_FAILURES, Refused, SignedIn, sign_in
from gatekeeper.settings import Settings
from gatekeeper.state import State, lay_out, open_state
from gatekeeper.store.tables import staff as accounts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less memory: what is tested is when a hash is asked for, not its strength."""
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(secrets, "_hasher", cheap)
    monkeypatch.setattr(secrets, "_NOBODY", cheap.hash("nobody"))


@dataclass
class Door:
    """One account, and a way to try it."""

    state: State
    made: staff.Made

    def code(self, at: datetime = NOW) -> str:
        """Return the code of that half minute."""
        return pyotp.TOTP(self.made.totp_secret).at(at)

    def tries(
        self,
        username: str = "pat.sample",
        password: str | None = None,
        code: str | None = None,
        at: datetime = NOW,
    ) -> SignedIn | Refused:
        """Try to sign in."""
        return sign_in(
            self.state.staff,
            self.state.staff_key(),
            username=username,
            password=self.made.password if password is None else password,
            code=self.code(at) if code is None else code,
            at=at,
        )


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Return a city with one member of staff."""
    settings = Settings(data=tmp_path / "city")
    lay_out(settings)
    state = open_state(settings)
    yield Door(state, staff.register(state, "pat.sample", name="Pat Sample", role="records"))
    state.close()


def _reason(outcome: SignedIn | Refused) -> str:
    return outcome.reason if isinstance(outcome, Refused) else "signed in"


def test_name_password_and_code_together_let_in(door: Door) -> None:
    """All three, and the name in any case."""
    outcome = door.tries("Pat.Sample")
    assert isinstance(outcome, SignedIn)
    assert (door.made.account.id, "code") == (outcome.account.id, outcome.by)


@pytest.mark.parametrize(
    ("reason", "typed"),
    [
        ("unknown", {"username": "nobody"}),
        ("unknown", {"username": ""}),
        ("unknown", {"username": "pat.sample\x00"}),
        ("unknown", {"username": "\ud800"}),
        ("password", {"password": ""}),
        ("password", {"password": "wrong"}),
        ("password", {"password": "\ud800"}),
        ("code", {"code": ""}),
        ("code", {"code": "000000 "}),
        ("code", {"code": "12345"}),
        ("code", {"code": "\u0661\u0662\u0663\u0664\u0665\u0666"}),
        ("code", {"code": "\ud800"}),
    ],
)
def test_one_thing_wrong_lets_nobody_in(door: Door, reason: str, typed: dict[str, str]) -> None:
    """Each alone is enough to be refused, and none is a fault of ours."""
    assert reason == _reason(door.tries(**typed))  # type: ignore[arg-type]  # none is the time


def test_a_code_is_good_once_and_only_now(door: Door) -> None:
    """Read over a shoulder it is worth nothing: neither again, nor the one before, nor in two minutes."""
    code = door.code()
    assert isinstance(door.tries(code=code), SignedIn)
    assert "code" == _reason(door.tries(code=code))
    before = door.code(NOW - timedelta(seconds=30))
    assert "code" == _reason(door.tries(code=before))
    for late in (timedelta(minutes=2), timedelta(minutes=-2)):
        assert "code" == _reason(door.tries(code=code, at=NOW + late))


def test_a_code_one_step_off_is_good(door: Door) -> None:
    """A telephone's clock may be half a minute off (RFC 6238 section 5.2)."""
    assert isinstance(door.tries(code=door.code(NOW + timedelta(seconds=30))), SignedIn)


def test_a_code_is_good_once_however_many_ask_at_the_same_time(door: Door) -> None:
    """Sixteen threads with one good code: one of them is let in."""
    code = door.code()
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: door.tries(code=code), range(16)))
    assert 1 == sum(isinstance(outcome, SignedIn) for outcome in outcomes)


def test_a_recovery_code_is_good_once(door: Door) -> None:
    """However it is spaced; and it does not need the telephone."""
    code = door.made.recovery_codes[0]
    outcome = door.tries(code=code.upper().replace("-", " "))
    assert isinstance(outcome, SignedIn)
    assert "recovery_code" == outcome.by
    assert "code" == _reason(door.tries(code=code))
    assert isinstance(door.tries(code=door.made.recovery_codes[1]), SignedIn)


def test_ten_failures_lock_also_for_the_right_person(door: Door) -> None:
    """And the lock ends by itself; a success in between begins the count anew."""
    for number in range(MOST_FAILURES):
        outcome = door.tries(password="wrong" if number % 2 else None, code="000000")
        assert isinstance(outcome, Refused)
        assert (number == MOST_FAILURES - 1) is outcome.locked
    assert "locked" == _reason(door.tries())
    after = NOW + LOCKED_FOR
    assert "locked" == _reason(door.tries(at=after - timedelta(seconds=1)))
    assert isinstance(door.tries(at=after), SignedIn)
    for _ in range(MOST_FAILURES - 1):
        door.tries(password="wrong", at=after)
    assert isinstance(door.tries(at=after + timedelta(minutes=1)), SignedIn)


def test_failures_at_the_same_time_are_all_counted(door: Door) -> None:
    """A hundred guesses at once do not share one count."""
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: door.tries(password="wrong"), range(100)))
    assert "locked" == _reason(door.tries())


def test_a_removed_account_lets_nobody_in(door: Door) -> None:
    """Not with the right password and code either."""
    door.state.personnel().remove(door.made.account, reason="left the city", by="test")
    assert "disabled" == _reason(door.tries())


def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the time would tell who works for the city: a hash is checked in both cases."""
    checked: list[str] = []
    real = secrets._hasher

    class Counting:
        def verify(self, hashed: str, password: bytes) -> bool:
            checked.append(hashed)
            return real.verify(hashed, password)

    monkeypatch.setattr(secrets, "_hasher", Counting())
    door.tries("nobody")
    door.tries(password="wrong")
    assert 2 == len(checked)


def test_a_secret_moved_to_another_account_opens_nothing(door: Door) -> None:
    """Whoever may write the database cannot give an account a secret that they know."""
    other = staff.register(door.state, "robin.sample", name="Robin Sample", role="counsel")
    with door.state.database.write() as connection:
        moved = {"totp_box": door.made.account.totp_box}
        connection.execute(update(accounts).where(accounts.c.id == other.account.id).values(**moved))
    with pytest.raises(StoreUnavailable):
        door.tries("robin.sample", password=other.password)


def test_without_the_key_nobody_is_let_in(door: Door, tmp_path: Path) -> None:
    """A key that is gone, cut or another's is an outage, never a way in."""
    file = tmp_path / "city" / "keys" / "staff.key"
    for content in (None, b"", b"short", bytes(32)):
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(StoreUnavailable):
            door.tries()


def test_the_key_is_private_and_made_once(tmp_path: Path) -> None:
    """Laying a city out again must not make every account's secret unreadable."""
    file = tmp_path / "staff.key"
    SecretsKey.create(file)
    before = file.read_bytes()
    SecretsKey.create(file)
    assert (before, 0o600) == (file.read_bytes(), file.stat().st_mode & 0o777)
