"""The city's staff: their accounts, how their sign-ins went, and the browsers that are signed in.

Guarantees: an account is changed only together with its log entry (``add``, ``change`` return rows for the
log); a time step, and a recovery code, is used up by one of any number of processes; a session is known only
by the SHA-256 of its identifier, and is over for every process once it is ended, too old, too long unused,
or its account is not active any more. A count of failures is no evidence and no log entry: whoever guesses
must not be able to fill the log.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import case, delete, func, insert, or_, select, update

from gatekeeper.errors import OperatorError
from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import recovery_codes, sign_ins, staff, staff_sessions
from gatekeeper.store.values import OpenSession, StaffAccount, StaffSession, Standing
from gatekeeper.store.writing import storable

IDLE: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(hours=8)
_TOUCH_EVERY: Final = timedelta(seconds=30)  # a write for each click would queue behind the log for nothing


class Account(Protocol):
    """An account, of whatever class: what a change of it needs to know."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def status(self) -> str: ...


def _account_columns() -> list[Any]:
    return [staff.c[name] for name in StaffAccount.__dataclass_fields__]


class Staff:
    """Accounts and sessions of the city's staff. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def find(self, username: str) -> StaffAccount | None:
        """Return the account of that user name (case does not matter), or None."""
        return self._one(staff.c.username == username.casefold()) if storable(username) else None

    def get(self, account_id: str) -> StaffAccount | None:
        """Return the account of that id, or None."""
        return self._one(staff.c.id == account_id) if storable(account_id) else None

    def all(self) -> tuple[StaffAccount, ...]:
        """Return every account, removed ones too, by user name."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_account_columns()).order_by(staff.c.username)).all()
        return tuple(StaffAccount(*row) for row in rows)

    def locked_until(self, account_id: str) -> datetime | None:
        """Return until when sign-in is refused, or None."""
        with self._database.read() as connection:
            until: datetime | None = connection.execute(
                select(sign_ins.c.locked_until).where(sign_ins.c.staff_id == account_id)
            ).scalar_one_or_none()
        return until

    def standings(self) -> dict[str, Standing]:
        """Return how sign-ins went, by account."""
        columns = sign_ins.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(columns.staff_id, columns.locked_until, columns.signed_in_at)
            ).all()
        return {row.staff_id: Standing(row.locked_until, row.signed_in_at) for row in rows}

    def failed(self, account_id: str, *, most: int, until: datetime) -> bool:
        """Count one more failure; with the *most*-th in a row lock until then, and return whether it did."""
        columns = sign_ins.c
        locks = columns.failures + 1 >= most
        change = (
            update(sign_ins)
            .where(columns.staff_id == account_id)
            .values(
                failures=case((locks, 0), else_=columns.failures + 1),
                locked_until=case((locks, until), else_=columns.locked_until),
            )
        )
        with self._database.write() as connection:
            connection.execute(change)
            found = connection.execute(
                select(columns.locked_until, columns.failures).where(columns.staff_id == account_id)
            ).one_or_none()
        return found is not None and found.failures == 0 and found.locked_until == until

    def succeeded(self, account_id: str, *, step: int | None) -> bool:
        """Forget failures and use up the time step; False if that step, or a later one, was used before."""
        columns = sign_ins.c
        values: dict[str, Any] = {"failures": 0, "locked_until": None}
        change = update(sign_ins).where(columns.staff_id == account_id)
        if step is not None:
            change = change.where(columns.last_step < step)
            values["last_step"] = step
        with self._database.write() as connection:
            changed = connection.execute(change.values(**values)).rowcount
        return bool(changed == 1)

    def use_recovery_code(self, account_id: str, code_sha256: bytes) -> bool:
        """Use up a recovery code; False if there is none such (any more)."""
        codes = recovery_codes.c
        with self._database.write() as connection:
            used = connection.execute(
                delete(recovery_codes).where(codes.staff_id == account_id, codes.code_sha256 == code_sha256)
            ).rowcount
        return bool(used == 1)

    def recovery_codes_left(self, account_id: str) -> int:
        """Return how many recovery codes an account has."""
        with self._database.read() as connection:
            return connection.execute(
                select(func.count())
                .select_from(recovery_codes)
                .where(recovery_codes.c.staff_id == account_id)
            ).scalar_one()

    def replace_recovery_codes(self, account_id: str, codes_sha256: Sequence[bytes]) -> None:
        """Make these the account's recovery codes; those before are worth nothing."""
        with self._database.write() as connection:
            connection.execute(delete(recovery_codes).where(recovery_codes.c.staff_id == account_id))
            connection.execute(
                insert(recovery_codes),
                [{"staff_id": account_id, "code_sha256": code} for code in codes_sha256],
            )

    # --- Sessions. ----------------------------------------------------------------------------------------

    def begin_session(
        self,
        session_id: str,
        account_id: str,
        *,
        proved_at: datetime | None = None,
        id_token_box: bytes | None = None,
    ) -> None:
        """Remember a browser that has just signed in, of a person who proved themselves now or then."""
        now = self._now()
        row = _session(session_id, account_id, now, now, id_token_box)
        row["proved_at"] = now if proved_at is None else min(proved_at, now)
        with self._database.write() as connection:
            connection.execute(delete(staff_sessions).where(_over(now)))
            connection.execute(insert(staff_sessions), row)
            connection.execute(
                update(sign_ins).where(sign_ins.c.staff_id == account_id).values(signed_in_at=now)
            )

    def session(self, session_id: str) -> StaffSession | None:
        """Return a session that is still good, and note that it was used; None for any other."""
        now, columns = self._now(), staff_sessions.c
        statement = (
            select(
                columns.began_at,
                columns.seen_at,
                columns.proved_at,
                columns.id_token_box,
                *_account_columns(),
            )
            .join(staff, staff.c.id == columns.staff_id)
            .where(columns.id_sha256 == _digest(session_id), staff.c.status == "active", ~_over(now))
        )
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            return None
        found = StaffSession(StaffAccount(*row[4:]), *row[:4])
        if now - found.seen_at >= _TOUCH_EVERY:
            self._set(session_id, seen_at=now)
        return found

    def prove_session(self, session_id: str, renewed_id: str, *, id_token_box: bytes | None = None) -> bool:
        """Go on under another identifier, as just proved; False if the session is over.

        When it began stays as it was: a proof does not make a working day longer.
        """
        now, columns = self._now(), staff_sessions.c
        with self._database.write() as connection:
            mine = columns.id_sha256 == _digest(session_id), ~_over(now)
            row = connection.execute(
                select(columns.staff_id, columns.began_at, columns.id_token_box).where(*mine)
            ).one_or_none()
            # Of those who read the row at the same time one deletes it, and has the session.
            gone = connection.execute(delete(staff_sessions).where(*mine)).rowcount
            if row is None or gone != 1:
                return False
            box = row.id_token_box if id_token_box is None else id_token_box
            renewed = _session(renewed_id, row.staff_id, row.began_at, now, box)
            connection.execute(insert(staff_sessions), renewed)
        return True

    def end_session(self, session_id: str) -> None:
        """Forget a session: no process knows it any more."""
        with self._database.write() as connection:
            connection.execute(
                delete(staff_sessions).where(staff_sessions.c.id_sha256 == _digest(session_id))
            )

    def end_sessions(self, account_id: str, *, but: str | None = None) -> None:
        """Forget every session of an account, but for the one that is named."""
        columns = staff_sessions.c
        ended = delete(staff_sessions).where(columns.staff_id == account_id)
        if but is not None:
            ended = ended.where(columns.id_sha256 != _digest(but))
        with self._database.write() as connection:
            connection.execute(ended)

    def sessions_of(self, account_id: str, session_id: str) -> tuple[OpenSession, ...]:
        """Return an account's sessions, the latest first, as they are seen from one of them."""
        columns = staff_sessions.c
        statement = (
            select(columns.began_at, columns.seen_at, columns.id_sha256)
            .where(columns.staff_id == account_id, ~_over(self._now()))
            .order_by(columns.began_at.desc(), columns.id_sha256)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        here = _digest(session_id)
        return tuple(OpenSession(row.began_at, row.seen_at, bytes(row.id_sha256) == here) for row in rows)

    def _set(self, session_id: str, **values: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(staff_sessions)
                .where(staff_sessions.c.id_sha256 == _digest(session_id))
                .values(**values)
            )

    def _one(self, condition: Any) -> StaffAccount | None:
        with self._database.read() as connection:
            row = connection.execute(select(*_account_columns()).where(condition)).one_or_none()
        return None if row is None else StaffAccount(*row)


def add(account: Account) -> tuple[Row, ...]:
    """Return the rows of a new account."""
    values = {name: getattr(account, name) for name in StaffAccount.__dataclass_fields__}
    counts = {"staff_id": account.id, "failures": 0, "locked_until": None, "last_step": 0}
    return Insert("staff", values), Insert("sign_ins", counts)


def change(account: Account, /, **columns: object) -> tuple[Row, ...]:
    """Return the row that changes an account. Raises OperatorError for one that was removed."""
    if account.status == "removed":
        raise OperatorError("the account was removed: add a new one with `gatekeeper staff add`")
    # As it was read: of two who change its role or its secrets at the same time, one does.
    seen = {name: getattr(account, name) for name in ("id", "status", "role", "password_hash")}
    return (Alter("staff", seen, columns),)


def still(account: Account) -> tuple[Row, ...]:
    """Return a row that changes nothing, and is refused unless the account is active and in its role."""
    return (
        Alter(
            "staff",
            {"id": account.id, "status": "active", "role": account.role},
            {"name": account.name},
        ),
    )


def counts(account: Account, /, **columns: object) -> tuple[Row, ...]:
    """Return the row that changes how an account's sign-ins count: failures, its lock, the step used last."""
    return (Alter("sign_ins", {"staff_id": account.id}, columns),)


def _over(now: datetime) -> Any:
    columns = staff_sessions.c
    return or_(columns.began_at <= now - LONGEST, columns.seen_at <= now - IDLE)


def _session(
    session_id: str, account_id: str, began_at: datetime, now: datetime, id_token_box: bytes | None
) -> dict[str, object]:
    return {
        "id_sha256": _digest(session_id),
        "staff_id": account_id,
        "began_at": began_at,
        "seen_at": now,
        "proved_at": now,
        "id_token_box": id_token_box,
    }


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()
