"""The triggers that keep evidence as it was written, for both databases.

Guarantees: an UPDATE, a DELETE, a TRUNCATE (PostgreSQL) and every form of replacement (SQLite's REPLACE and
INSERT OR REPLACE, which fire neither UPDATE nor DELETE triggers) of a guarded row fails the statement. On
PostgreSQL the triggers are ENABLE ALWAYS: ``session_replication_role`` does not switch them off.

What they do not stop: the owner of the tables (drop, disable) and, on SQLite, whoever may write the file.
Against those stand the roles of ``deploy/roles.sql``, the Merkle log and its witnesses.

Only migrations call this. A changed trigger is a new function and a new migration, never an edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Keys = Sequence[Sequence[str]]
"""The unique keys of a table: a row that meets an old one in any of them would replace it."""


def protect(dialect: str, table: str, keys: Keys, *, update: bool, delete: bool) -> Iterator[str]:
    """Yield the statements that refuse changes of *table*: of replacement always, of the others as named."""
    if dialect == "sqlite":
        yield from _sqlite(table, keys, update=update, delete=delete)
    else:
        yield from _postgresql(table, update=update, delete=delete)


def forward_only(dialect: str) -> Iterator[str]:
    """Yield the statements that refuse a log head which becomes smaller or older."""
    backwards = "NEW.size < OLD.size OR NEW.at_ms < OLD.at_ms"
    if dialect == "sqlite":
        yield (
            f"CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head WHEN {backwards} "
            "BEGIN SELECT RAISE(ABORT, 'ledger_head only grows'); END"
        )
    else:
        yield (
            "CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head FOR EACH ROW "
            f"WHEN ({backwards}) EXECUTE FUNCTION gatekeeper_refuse()"
        )
        yield "ALTER TABLE ledger_head ENABLE ALWAYS TRIGGER ledger_head_forward"


def verdicts(dialect: str) -> Iterator[str]:
    """Yield the statements that refuse another verdict of a check of the log than the one it came to.

    A check that was interrupted may still be told to have found something, but never that all was well.
    """
    other = (
        "OLD.state <> NEW.state AND (OLD.state IN ('consistent', 'inconsistent') "
        "OR (OLD.state = 'interrupted' AND NEW.state <> 'inconsistent'))"
    )
    if dialect == "sqlite":
        yield (
            f"CREATE TRIGGER ledger_checks_verdict BEFORE UPDATE ON ledger_checks WHEN {other} "
            "BEGIN SELECT RAISE(ABORT, 'ledger_checks keeps its verdicts'); END"
        )
    else:
        yield (
            "CREATE TRIGGER ledger_checks_verdict BEFORE UPDATE ON ledger_checks FOR EACH ROW "
            f"WHEN ({other}) EXECUTE FUNCTION gatekeeper_refuse()"
        )
        yield "ALTER TABLE ledger_checks ENABLE ALWAYS TRIGGER ledger_checks_verdict"


def refusal(dialect: str) -> Iterator[str]:
    """Yield what must exist before the triggers: on PostgreSQL the function that they call."""
    if dialect != "sqlite":
        yield (
            "CREATE FUNCTION gatekeeper_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_OP || ' of ' || TG_TABLE_NAME || ' is refused', "
            "ERRCODE = 'integrity_constraint_violation'; END $$"
        )


def _sqlite(table: str, keys: Keys, *, update: bool, delete: bool) -> Iterator[str]:
    met = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(f'{c} = NEW.{c}' for c in key)})"  # noqa: S608
        for key in keys  # our own names: nothing here was typed by anybody
    )
    refused = f"BEGIN SELECT RAISE(ABORT, '{table} keeps its rows'); END"
    yield f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {met} {refused}"
    if update:
        yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refused}"
    else:
        # UPDATE OR REPLACE would delete another row that holds the new key.
        moved = " OR ".join(
            f"NEW.{c} IS NOT OLD.{c}" for c in dict.fromkeys(c for key in keys[:1] for c in key)
        )
        yield f"CREATE TRIGGER {table}_no_rekey BEFORE UPDATE ON {table} WHEN {moved} {refused}"
    if delete:
        yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refused}"


def _postgresql(table: str, *, update: bool, delete: bool) -> Iterator[str]:
    forbidden = [name for name, on in (("UPDATE", update), ("DELETE", delete)) if on]
    if forbidden:
        yield (
            f"CREATE TRIGGER {table}_keep BEFORE {' OR '.join(forbidden)} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION gatekeeper_refuse()"
        )
        yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep"
    if delete:
        yield (
            f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION gatekeeper_refuse()"
        )
        yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all"
