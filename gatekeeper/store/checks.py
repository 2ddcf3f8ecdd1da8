"""What a database must be before the gatekeeper serves from it.

Guarantees: each refusal is a ``SettingsRefused`` that says what is unsafe and ends with the command that
cures it. A commit that the server has not put on a disk is not a commit: a record would leave that no log
knows of.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gatekeeper.errors import SettingsRefused
from gatekeeper.store.tables import APPEND_ONLY, REVISION

OLDEST_POSTGRESQL: Final = 150_000
SQLITE_FULL: Final = 2

_DURABLE: Final = ("fsync", "full_page_writes")


def check_sqlite(connection: Connection) -> None:
    """Refuse another schema, another journal than WAL, and any other durability than FULL.

    Raises SettingsRefused.
    """
    _check_revision(connection)
    if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
        raise SettingsRefused(
            "the SQLite state is not in WAL mode, so readers would block writers: run `gatekeeper init`"
        )
    if connection.exec_driver_sql("PRAGMA synchronous").scalar() != SQLITE_FULL:
        raise SettingsRefused("SQLite is not durable (synchronous is not FULL): run `gatekeeper doctor`")


def check_postgresql(connection: Connection) -> None:
    """Refuse another schema, an old or read-only server, and one that acknowledges before it has written.

    Raises SettingsRefused.
    """
    version = int(str(connection.exec_driver_sql("SHOW server_version_num").scalar()))
    if version < OLDEST_POSTGRESQL:
        raise SettingsRefused("PostgreSQL 15 or later is needed: upgrade the server with `pg_upgrade`")
    for name in _DURABLE:
        if connection.exec_driver_sql(f"SHOW {name}").scalar() != "on":
            raise SettingsRefused(
                f"PostgreSQL may lose commits ({name} is off): run `ALTER SYSTEM SET {name} = on; "
                "SELECT pg_reload_conf();` as a superuser"
            )
    if connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "off":
        raise SettingsRefused(
            "PostgreSQL answers before it has written (synchronous_commit is off): run "
            "`ALTER DATABASE … SET synchronous_commit = on;` and look at `ALTER ROLE` and postgresql.conf"
        )
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
        raise SettingsRefused("this PostgreSQL is a standby: set GATEKEEPER_DATABASE_URL to the primary")
    _check_revision(connection)


def may_rewrite(connection: Connection) -> bool:
    """Return whether this login is a superuser or (a member of) the owner of a table that only grows."""
    tables = ", ".join(f"'{name}'" for name in APPEND_ONLY)
    return bool(
        connection.exec_driver_sql(
            "SELECT bool_or(pg_has_role(relowner, 'MEMBER')) FROM pg_class "  # noqa: S608  our own names
            f"WHERE relname IN ({tables}) AND relkind = 'r' AND pg_table_is_visible(oid)"
        ).scalar()
    )


def _check_revision(connection: Connection) -> None:
    try:
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    except DBAPIError as cause:
        # A lost server is not an empty one, and a table that may not be read is not a missing one.
        if connection.dialect.name == "sqlite":
            missing = "no such table" in str(cause.orig)
        else:
            missing = getattr(cause.orig, "sqlstate", None) in {"42P01", "3F000"}
        if not missing:
            raise
        revision = None
    if revision is None:
        raise SettingsRefused("the database is empty: run `gatekeeper init`")
    if revision != REVISION:
        raise SettingsRefused(
            f"the database has schema {revision}, this program needs {REVISION}: run `gatekeeper init`"
        )
