"""A store of plate reads in any SQL database, asked read-only through a column mapping.

Guarantees: only ``SELECT`` is ever sent; what a caller typed is always a bound parameter and identifiers come
quoted from a checked mapping; no question fetches more rows than its limit; a question that is not answered
in ``timeout_s`` is not answered; every row is judged by ``rows``; no exception of a database, which would
carry the plate among its parameters, ever leaves this module: what does is RecordsUnavailable.

Pages are found by key, newest first: (captured_at, id) strictly below the last read of the page before, so
that nothing is repeated or left out where many reads have one time, or new reads come in meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from time import monotonic
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa

from gatekeeper.errors import RecordsUnavailable
from gatekeeper.records.connections import open_read_only
from gatekeeper.records.mapping import SAMPLE, ColumnMapping
from gatekeeper.records.questions import Question, Shape, all_cameras, question, table_of
from gatekeeper.records.reads import Camera, Criteria, Page, comparable, microseconds
from gatekeeper.records.rows import Row, UnknownCamera, camera, decoder
from gatekeeper.records.times import time_column

_T = TypeVar("_T")
_P = ParamSpec("_P")
_CAMERAS_FOR_S = 60.0
_MOST_CAMERAS = 10_000
_SHAPES_KEPT = 256
# Up to here one index walk per camera is merged, which ends after `limit` rows; above, the database's own
# plan.
_MERGED_CAMERAS = 64


def _nothing_foreign(ask: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let our own errors through; turn every other into RecordsUnavailable without its text or parameters."""

    @wraps(ask)
    def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return ask(*args, **kwargs)
        except RecordsUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - drivers raise what they like; nothing of theirs may leave
            failed = type(error).__name__
        # Raised here, outside the handler, so that the foreign error is not even its context.
        raise RecordsUnavailable(f"the store of reads cannot be asked, or did not answer in time ({failed})")

    return asked


@dataclass(frozen=True, slots=True)
class _Statement:
    """Compiled once for each shape: SQLAlchemy's own path costs several times the query itself."""

    statement: Question
    text: str | None  # None: this driver's parameters are left to SQLAlchemy
    order: tuple[str, ...] | None  # of positional parameters; None where they are named
    fixed: Mapping[str, object]  # what the dialect added itself, such as OFFSET 0

    def values(self, parameters: Mapping[str, object]) -> Any:
        """Return the parameters as this driver takes them; raises nothing."""
        named = {**self.fixed, **parameters}
        return named if self.order is None else tuple([named[name] for name in self.order])

    def run(self, connection: sa.Connection, parameters: dict[str, object], most: int) -> Sequence[Row]:
        """Return at most ``most`` rows; raises what the driver raises."""
        if self.text is None:
            return connection.execute(self.statement, parameters).fetchmany(most)
        return connection.exec_driver_sql(self.text, self.values(parameters)).fetchmany(most)


class SqlReads:
    """``Reads`` over SQLAlchemy; raises SettingsRefused for a URL that cannot be made read-only.

    ``plate`` is compared as ``reads.comparable`` writes it (upper case, no spaces or dashes) with the mapped
    column as it stands, so that an index on (plate, captured_at) serves it.
    """

    def __init__(
        self,
        url: str,
        mapping: ColumnMapping = SAMPLE,
        timeout_s: float = 2.0,
        *,
        login_cannot_write: bool = False,
    ) -> None:
        self._mapping = mapping
        self._timeout_s = timeout_s
        self._engine = open_read_only(url, timeout_s, login_cannot_write=login_cannot_write)
        self._time = time_column(mapping)
        self._decode = decoder(mapping)
        self._statements: dict[Shape, _Statement] = {}
        self._known: tuple[float, Mapping[str, Camera]] | None = None
        self._loading = Lock()

    @_nothing_foreign
    def fetch(self, criteria: Criteria) -> Page:
        """Return the newest reads that meet the criteria, at most its limit; raises RecordsUnavailable."""
        if criteria.cameras == () or criteria.start == criteria.end:
            return Page((), None)
        cameras = None if criteria.cameras is None else tuple(dict.fromkeys(criteria.cameras))
        shape = Shape(
            criteria.plate is not None,
            criteria.plate_state is not None,
            None if cameras is None else len(cameras),
            criteria.after is not None,
        )
        parameters = self._parameters(criteria, cameras or ())
        statement = self._statements.get(shape) or self._prepare(shape)
        # At most one row beyond the limit is read, and that one only to catch a store that ignores it.
        rows = self._rows(statement, parameters, criteria.limit + 1)
        try:
            return self._decode(rows, criteria, self.cameras() if self._mapping.cameras else {})
        except UnknownCamera:  # perhaps one that was put up since we last looked
            return self._decode(rows, criteria, self._load_cameras())

    def cameras(self) -> Mapping[str, Camera]:
        """Return every camera by its id, at most a minute old; raises RecordsUnavailable."""
        known = self._known
        if known is not None and monotonic() - known[0] < _CAMERAS_FOR_S:
            return known[1]
        return self._load_cameras()

    @_nothing_foreign
    def ready(self) -> None:
        """Prove that the store answers, has every mapped column and that this login cannot write to it.

        Raises RecordsUnavailable with what is wrong and, where a login may write, the statement that cures
        it.
        """
        nothing = self._prepare(Shape(plate=True, state=False, cameras=1, after=False), keep=False)
        parameters: dict[str, object] = {
            "plate": "", "camera0": "", "limit": 1, "start": self._time.bound(0), "end": self._time.bound(0),
        }  # fmt: skip
        self._ask(lambda c: nothing.run(c, parameters, 1))
        self._ask(self._refuse_a_writer)
        if not self._load_cameras():
            raise RecordsUnavailable("the store of reads has no cameras")

    def close(self) -> None:
        """Close every pooled connection; raises nothing."""
        self._engine.dispose()

    def _refuse_a_writer(self, connection: sa.Connection) -> None:
        if self._engine.dialect.name == "sqlite":
            if connection.exec_driver_sql("PRAGMA query_only").scalar() != 1:
                raise RecordsUnavailable("the SQLite connection is not read-only")
        elif self._engine.dialect.name == "postgresql":
            preparer = self._engine.dialect.identifier_preparer
            table = preparer.format_table(table_of(self._mapping.table, self._mapping.schema))
            row = connection.execute(_MAY_WRITE, {"table": table}).one()
            if row.may_write is not False:
                role = preparer.quote_identifier(row.login)
                raise RecordsUnavailable(
                    f"the login {role} could write to the store of reads {table}. Use one that only reads: "
                    f"CREATE ROLE gatekeeper_reader LOGIN; GRANT SELECT ON {table} TO gatekeeper_reader",
                )

    def _rows(self, statement: _Statement, parameters: dict[str, object], most: int) -> Sequence[Row]:
        """Return a question's rows, past SQLAlchemy's own layers, which would cost as much as the rows do."""
        if statement.text is None:
            return self._ask(lambda c: statement.run(c, parameters, most))
        deadline = monotonic() + self._timeout_s
        pooled = self._engine.raw_connection()
        try:
            cursor = pooled.cursor()
            cursor.execute(statement.text, statement.values(parameters))
            rows: Sequence[Row] = cursor.fetchmany(most)
            cursor.close()
        except self._engine.dialect.loaded_dbapi.Error as error:
            died = self._engine.dialect.is_disconnect(error, pooled.dbapi_connection, cursor)
            pooled.invalidate()  # whatever went wrong, its next answer could belong to this question
            if not died or monotonic() >= deadline:
                raise
        else:
            if monotonic() > deadline:
                raise RecordsUnavailable("the store of reads answered too late")
            return rows
        finally:
            pooled.close()
        return self._ask(lambda c: statement.run(c, parameters, most))  # reading twice harms nothing

    def _ask(self, question: Callable[[sa.Connection], _T]) -> _T:
        """Return the answer, if it comes in time; once more on a new connection if a pooled one had died."""
        deadline = monotonic() + self._timeout_s
        for last in (False, True):
            try:
                with self._engine.connect() as connection:
                    answer = question(connection)
            except sa.exc.DBAPIError as error:
                if last or not error.connection_invalidated or monotonic() >= deadline:
                    raise
            else:
                if monotonic() > deadline:
                    raise RecordsUnavailable("the store of reads answered too late")
                return answer
        raise AssertionError("unreachable")

    def _parameters(self, criteria: Criteria, cameras: tuple[str, ...]) -> dict[str, object]:
        parameters: dict[str, object] = {
            "start": self._time.bound(microseconds(criteria.start)),
            "end": self._time.bound(microseconds(criteria.end)),
            "limit": criteria.limit,
        }
        if criteria.plate is not None:
            parameters["plate"] = comparable(criteria.plate)
        if criteria.plate_state is not None:
            parameters["state"] = criteria.plate_state
        for number, ident in enumerate(cameras):
            parameters[f"camera{number}"] = ident
        if criteria.after is not None:
            parameters["at"] = self._time.exact(criteria.after.captured_at_us)
            parameters["after"] = (
                int(criteria.after.id) if self._mapping.id_kind == "integer" else criteria.after.id
            )
        return parameters

    def _prepare(self, shape: Shape, *, keep: bool = True) -> _Statement:
        statement = question(self._mapping, shape)
        compiled = statement.compile(dialect=self._engine.dialect)
        if self._engine.dialect.name in ("sqlite", "postgresql"):
            order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
            fixed = {name: value for name, value in compiled.params.items() if value is not None}
            prepared = _Statement(statement, compiled.string, order, fixed)
        else:
            prepared = _Statement(statement, None, None, {})
        if keep:
            if len(self._statements) >= _SHAPES_KEPT:
                self._statements.clear()
            self._statements[shape] = prepared
        return prepared

    @_nothing_foreign
    def _load_cameras(self) -> Mapping[str, Camera]:
        with self._loading:
            statement = all_cameras(self._mapping)
            rows: Sequence[Row] = self._ask(lambda c: c.execute(statement).fetchmany(_MOST_CAMERAS + 1))
            if len(rows) > _MOST_CAMERAS:
                raise RecordsUnavailable("the store names more cameras than any city has")
            found: dict[str, Camera] = {}
            for row in rows:
                try:
                    one = camera(*row)
                except (ValueError, TypeError, ArithmeticError):
                    raise RecordsUnavailable("the store describes a camera that is malformed") from None
                if found.setdefault(one.id, one) != one:
                    # Two places for one camera: whichever were released, a read would be shown where it was
                    # not.
                    raise RecordsUnavailable("the store describes one camera in two ways")
            self._known = (monotonic(), found)
            return found


_MAY_WRITE = sa.text("""
    SELECT current_user AS login, bool_or(
        has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
        OR has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE') OR c.relowner = r.oid) AS may_write
    FROM pg_roles r, pg_class c
    WHERE c.oid = to_regclass(:table) AND pg_has_role(current_user, r.oid, 'MEMBER')
""")
# Every role that the login could become is asked about: SET ROLE would give it their privileges.
