"""Connections: a pool of them, a deadline for each statement, and errors in our own words.

Sits between the store, which owns every statement, and psycopg. SQLAlchemy pools; statements
go to psycopg directly, in autocommit: one row by primary key takes 65 µs this way, 126 µs
through Core, 245 µs through Core with a transaction around it (2 cores, unix socket).
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
import select
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

import psycopg
import sqlalchemy
from psycopg import pq
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection

from streamlit_pgstate import embedded, fork
from streamlit_pgstate.errors import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    StoreUnavailable,
)
from streamlit_pgstate.settings import THREE_WAYS, Settings

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

POOL_SIZE = 5
POOL_OVERFLOW = 15
"""Beyond POOL_SIZE, for bursts: a connection is held for one statement, under 1 ms, at a time."""

_LONGEST = 300
"""Seconds for a statement that sets no deadline of its own: those of migrations."""

_HAS_ROWS = pq.ExecStatus.TUPLES_OK

_WAKE_UP = 0.1
"""Seconds after which a waiting statement lets Ctrl-C through, as in psycopg itself."""

_PERMISSION_DENIED = "42501"
_READ_ONLY = "25006"
_MISSING_TABLE = {"42P01", "3F000", "42703"}
_DISK_FULL = "53100"
_ROLLED_BACK = {"40001", "40P01"}
_ENCODING = {"22021", "22P05"}
_PASSING = ("08", "40", "53", "57")
"""SQLSTATE classes that another try may not meet: connection, rollback, resources, operator."""

_REFUSED = re.compile(r"FATAL:\s+(?P<why>[^\n]+)")
_PASSING_REFUSAL = re.compile(
    r"starting up|shutting down|recovery mode|not yet accepting|too many|remaining connection"
    r"|server login|no more connections"
)


_QUIET = 60.0
"""Seconds without a failure after which another one counts as a new outage, where the server itself
has answered: with it that its disk is full, or that it is read-only."""


def _no_objection(database: Database) -> None:
    """Nobody is to be asked before a statement."""


_before_statement: Callable[[Database], None] = _no_objection


def ask_before(objection: Callable[[Database], None]) -> None:
    """Call `objection` before each statement, which it may refuse with an error of ours."""
    global _before_statement  # one process, one way
    _before_statement = objection


class _TimedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose statements end by `deadline` (of `time.monotonic`), come what may.

    The deadline is kept on this side of the wire: `statement_timeout` would need a startup
    option, which pgbouncer refuses, or a SET, which its transaction mode loses; and neither
    ends the wait for a server that is frozen or cut off.
    """

    deadline: float = math.inf

    def wait(
        self,
        gen: Generator[Any, Any, _T],
        interval: float = _WAKE_UP,
        timeout: float | None = None,
    ) -> _T:
        left = max(0.001, self.deadline - time.monotonic())
        try:
            return super().wait(gen, interval, min(left, timeout or left))
        except psycopg.OperationalError:
            if time.monotonic() < self.deadline or self.closed:
                raise
            self._give_up()
            raise psycopg.errors.QueryCanceled("no answer within `timeout`") from None

    def _give_up(self) -> None:
        """Leave the statement: ask the server to cancel it, as it may still wait for a lock."""
        self.deadline = math.inf
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=1)
        self.pgconn.finish()


_Row: TypeAlias = tuple[Any, ...]


class _OutageLog:
    """Says in the log that the database is not available: once an outage, not once a try."""

    def __init__(self) -> None:
        self._failed_at: float | None = None
        self._has_answered = False

    def note_answer(self) -> None:
        self._has_answered = True

    def note(self, error: StoreUnavailable) -> None:
        now = time.monotonic()
        if _is_new_outage(
            since_last=None if self._failed_at is None else now - self._failed_at,
            has_answered=self._has_answered,
            is_answer=_is_answer(error),
        ):
            _LOG.warning("%s Until it is over, this is not said again.", error)
        self._failed_at, self._has_answered = now, False


def _is_new_outage(*, since_last: float | None, has_answered: bool, is_answer: bool) -> bool:
    """Whether a failure is the first of its outage.

    Args:
        since_last: seconds since the failure before it; None for none.
        has_answered: whether a statement has succeeded between the two.
        is_answer: whether the server itself has answered, so that other statements may succeed.
    """
    if since_last is None:
        return True
    return has_answered and (not is_answer or since_last > _QUIET)


def _is_answer(error: StoreUnavailable) -> bool:
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.QueryCanceled | PoolTimeout):
        return True
    state = getattr(cause, "sqlstate", None)
    return state in {_READ_ONLY, _DISK_FULL, *_ROLLED_BACK}


def _is_silence(error: StoreUnavailable) -> bool:
    """Whether nobody has answered: neither with a refusal, nor with what is wrong."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.QueryCanceled | PoolTimeout):
        return True
    return getattr(cause, "sqlstate", None) is None


class Database:
    """The database of one `Settings`: runs statements, reconnects, translates errors.

    Opens no connection until the first statement. Safe for threads; a forked child has
    connections of its own.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timeout = settings.timeout.total_seconds()
        self._url = settings.url
        if self._url is None and not embedded.installed():
            raise ConfigError(f"No database is configured. {THREE_WAYS}.")
        self._engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=self._timeout,
            pool_use_lifo=True,
            pool_reset_on_return=None,
            use_native_hstore=False,
        )
        event.listen(self._engine, "checkout", self._refuse_dead_connection)
        self._outage_log = _OutageLog()
        self.breaks = 0
        """How often a connection was found broken: a cache from before one is loaded anew."""
        fork.remember(self)

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent, unclosed: to close one would end it."""
        self._engine.dispose(close=False)

    @property
    def place(self) -> str:
        """Where it is, for messages: host, port and database, never user or password."""
        url = self._url
        if url is None:
            return "the embedded PostgreSQL"
        host = url.host or url.query.get("host") or "the local socket"
        host = host if isinstance(host, str) else ",".join(host)
        port = f":{url.port}" if url.port else ""
        return f"{host}{port}/{url.database}"

    @property
    def migration(self) -> str:
        """What an operator types to make the tables, or to upgrade them."""
        return "pgstate migrate --embedded" if self._url is None else "pgstate migrate"

    def query(
        self,
        statement: str,
        parameters: Mapping[str, Any],
        *,
        repeatable: bool = True,
    ) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own and fetch all of its rows.

        Args:
            statement: SQL with ``%(name)s`` for each of `parameters`.
            repeatable: whether it may run once more when the connection broke under it, so
                that nobody knows whether it was committed.

        Raises:
            PgStateError: as `translate` says.
        """

        def fetch(connection: _TimedConnection) -> list[_Row]:
            cursor = connection.cursor(binary=True)
            cursor.execute(statement, parameters)
            found = cursor.pgresult is not None and cursor.pgresult.status == _HAS_ROWS
            return cursor.fetchall() if found else []

        return self._run(fetch, repeatable=repeatable)

    def query_slowly(
        self, statement: str, parameters: Mapping[str, Any], take: Callable[[Iterator[_Row]], _T]
    ) -> _T:
        """Run one reading statement whose rows are large: the setting ``timeout`` is for each.

        They come one by one in one round trip, and nothing holds those that were taken.

        Args:
            statement: as in `query`.
            parameters: as in `query`.
            take: makes the result of the rows; called anew with all of them, where the
                connection broke.

        Raises:
            PgStateError: as `translate` says.
        """

        def rows(connection: _TimedConnection) -> Iterator[_Row]:
            for row in connection.cursor().stream(statement, parameters, binary=True):
                connection.deadline = time.monotonic() + self._timeout
                yield row

        return self._run(lambda connection: take(rows(connection)), repeatable=True)

    def _run(self, fetch: Callable[[_TimedConnection], _T], *, repeatable: bool) -> _T:
        with self._noted():
            return self._run_again_if_broken(fetch, repeatable=repeatable)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Around a statement: whether the database is available, for the log and the run."""
        _before_statement(self)
        began = time.monotonic()
        try:
            yield
        except StoreUnavailable as error:
            error.waited = time.monotonic() - began
            error.ask_again = self.ask
            error.database = self
            error.is_silence = _is_silence(error)
            self._outage_log.note(error)
            raise
        self._outage_log.note_answer()

    def _run_again_if_broken(
        self, fetch: Callable[[_TimedConnection], _T], *, repeatable: bool
    ) -> _T:
        until = time.monotonic() + self._timeout
        try:
            return self._run_once(fetch, until)
        except psycopg.Error as error:
            if not (repeatable and _is_passing(error) and time.monotonic() < until):
                raise self.translate(error) from error
        try:
            return self._run_once(fetch, until)
        except psycopg.Error as error:
            raise self.translate(error) from error

    def _run_once(self, fetch: Callable[[_TimedConnection], _T], until: float) -> _T:
        pooled = self._checkout(until)
        try:
            # SQLAlchemy's type is that of any driver's connection, here and below: it is ours.
            return fetch(pooled.driver_connection)  # type: ignore[arg-type]
        except BaseException as error:
            self._discard_if_broken(pooled, error)
            raise
        finally:
            pooled.close()

    def _checkout(self, until: float) -> PoolProxiedConnection:
        try:
            pooled = self._engine.raw_connection()
        except PoolTimeout as error:
            raise StoreUnavailable(
                f"All {POOL_SIZE + POOL_OVERFLOW} connections to {self.place} were busy for "
                f"{self._timeout:g} s. Try again; if it stays so, the database is overloaded "
                "or frozen."
            ) from error
        pooled.driver_connection.deadline = until  # type: ignore[union-attr]
        return pooled

    def _discard_if_broken(self, pooled: PoolProxiedConnection, error: BaseException) -> None:
        """An error of SQL leaves an autocommit connection as it was; all else may not.

        A Ctrl-C, a reply half read, a server that is read-only since a failover.
        """
        if not isinstance(error, psycopg.Error) or _is_passing(error):
            self.breaks += 1
            pooled.invalidate()

    @contextlib.contextmanager
    def connection(self) -> Iterator[_TimedConnection]:
        """A connection of the pool, in autocommit, for at most the setting ``timeout``.

        Raises:
            PgStateError: as `translate` says.
        """
        with self._noted(), self._translated():
            pooled = self._checkout(time.monotonic() + self._timeout)
            try:
                yield pooled.driver_connection  # type: ignore[misc]
            except BaseException as error:
                self._discard_if_broken(pooled, error)
                raise
            finally:
                pooled.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[_TimedConnection]:
        """Several statements as one: committed at the end of the block, or not at all."""
        with self.connection() as connection, connection.transaction():
            yield connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of psycopg that leave this block are ours."""
        try:
            yield
        except psycopg.Error as error:
            raise self.translate(error) from error

    def transactional(self) -> sqlalchemy.Engine:
        """SQLAlchemy's engine over the same connections, for migrations: in transactions."""
        return self._engine.execution_options(isolation_level="READ COMMITTED")

    def ask(self) -> None:
        """Ask the server for nothing.

        Raises:
            PgStateError: as `translate` says.
        """
        self.query("SELECT", {})

    def close(self) -> None:
        """Close the connections that are not in use; the next statement opens new ones."""
        self._engine.dispose()

    def _refuse_dead_connection(self, driver: Any, record: Any, proxy: Any) -> None:
        """Of a pooled connection whose server has gone, the pool makes a new one.

        An idle connection has nothing to read; if it has, it is the server's farewell (a
        changed setting at the best). Costs 2 µs where a ping (`pool_pre_ping`) costs a round trip.
        """
        driver.deadline = time.monotonic() + _LONGEST
        if driver.closed or not _is_alive(driver.pgconn):
            self.breaks += 1
            raise InvalidatePoolError

    def _connect(self) -> _TimedConnection:
        if self._url is not None:
            return self._open(self._url)
        data = self._settings.home / ".pgstate"
        try:
            return self._open(_embedded_url(data))
        except psycopg.OperationalError:  # it was stopped or killed a moment ago
            return self._open(_embedded_url(data))

    def _open(self, url: URL) -> _TimedConnection:
        _, parameters = self._engine.dialect.create_connect_args(url)
        connection = _TimedConnection.connect(
            **dict(parameters) | {"connect_timeout": max(2, math.ceil(self._timeout))},
            autocommit=True,
            fallback_application_name="streamlit-pgstate",
        )
        connection.deadline = time.monotonic() + self._timeout
        if not _is_direct(connection):
            connection.prepare_threshold = None  # pgbouncer hands out other backends' statements
        _refuse_other_encodings(connection)
        return connection

    def translate(self, error: psycopg.Error) -> PgStateError:
        """The error of ours for one of psycopg's: what happened, where, and the cure.

        `ConfigError` for a refused user, a missing database, a missing right, an encoding;
        `MigrationRequired` for missing tables; `StoreUnavailable` for what may pass.
        """
        state = error.sqlstate
        if state == _PERMISSION_DENIED:
            return ConfigError(
                f"{self._user} may not use schema {self._settings.schema!r} in {self.place}. "
                f"As its owner, run: {self.grant_use}"
            )
        if state in _MISSING_TABLE:
            return MigrationRequired(
                f"Tables are missing in schema {self._settings.schema!r} of {self.place}. "
                f"Run: {self.migration}"
            )
        if state in _ENCODING:
            return ConfigError(
                f"{self.place} cannot hold this text: its encoding is not UTF8. Create one "
                "that can: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
            )
        if isinstance(error, psycopg.errors.QueryCanceled):
            return StoreUnavailable(
                f"{self.place} did not answer within {self._timeout:g} s. Try again; if the "
                "work needs longer, raise the setting `timeout`."
            )
        refused = _REFUSED.search(str(error)) if state is None else None
        if refused and not _PASSING_REFUSAL.search(refused["why"]):
            return self._refusal(refused["why"])
        if state is None and isinstance(error, psycopg.ProgrammingError):
            return ConfigError(f"`url` is not as libpq needs it: {self._redacted(str(error))}")
        if state == _READ_ONLY:
            return StoreUnavailable(
                f"{self.place} is read-only: a standby, or the old primary after a failover. "
                "Point `url` to the primary (several hosts: add ?target_session_attrs=read-write)."
            )
        if state == _DISK_FULL:
            return StoreUnavailable(
                f"The disk of {self.place} is full: nothing was stored. Make room there, then "
                "try again."
            )
        if state in _ROLLED_BACK:
            return StoreUnavailable(
                f"{self.place} gave up this statement in favour of another (SQLSTATE {state}). "
                "Nothing was stored; try again."
            )
        if state is None or _is_passing(error):
            return StoreUnavailable(
                f"{self.place} cannot be reached ({_reason(error)}). Is the server running, "
                "and is the host and port in `url` right? The app goes on when it is back."
            )
        return PgStateError(
            f"{self.place} refused a statement of streamlit-pgstate (SQLSTATE {state}). "
            "Please report it with the server's log of this moment."
        )

    def _refusal(self, why: str) -> ConfigError:
        """The server is there and says no to a new connection."""
        database = self._url.database if self._url is not None else "pgstate"
        if f'database "{database}" does not exist' in why:
            return ConfigError(
                f"There is no database {database!r} at {self.place}. Create it "
                f"(createdb {database}), or name another in `url`."
            )
        return ConfigError(
            f"{self.place} refused {self._user}: {self._redacted(why)}. Check user, password "
            "and database in `url`."
        )

    @property
    def grant(self) -> str:
        """The SQL that lets our user make its tables."""
        user = self._url.username if self._url is not None else None
        owner = user or "the user in `url`"
        return f'CREATE SCHEMA "{self._settings.schema}" AUTHORIZATION "{owner}"'

    @property
    def grant_use(self) -> str:
        """The SQL that lets our user use tables that another made."""
        user = self._url.username if self._url is not None else None
        schema, owner = f'"{self._settings.schema}"', user or "the user in `url`"
        return (
            f'GRANT USAGE ON SCHEMA {schema} TO "{owner}"; GRANT SELECT, INSERT, UPDATE, DELETE '
            f'ON ALL TABLES IN SCHEMA {schema} TO "{owner}"'
        )

    @property
    def _user(self) -> str:
        user = self._url.username if self._url is not None else None
        return f"user {user!r}" if user else "the present user"

    def _redacted(self, text: str) -> str:
        password = self._url.password if self._url is not None else None
        return text.replace(str(password), "***") if password else text


def open(settings: Settings) -> Database:
    """The database of `settings`; connects with its first statement.

    Raises:
        ConfigError: there is no URL and no embedded PostgreSQL.
    """
    return Database(settings)


def _embedded_url(data: Any) -> URL:
    return sqlalchemy.make_url(embedded.start(data)).set(drivername="postgresql+psycopg")


def _is_direct(connection: _TimedConnection) -> bool:
    """Whether no pooler sits between: it makes up the backend's process id.

    Seen with pgbouncer 1.18 in transaction mode; there automatic prepare fails.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def _refuse_other_encodings(connection: _TimedConnection) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in {None, "UTF8"}:
        name = connection.info.dbname
        connection.close()
        raise ConfigError(
            f"The database {name!r} has the encoding {encoding}; values need "
            "UTF8. Create one that has it: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
        )


def _is_alive(connection: pq.abc.PGconn) -> bool:
    try:
        return connection.status == pq.ConnStatus.OK and not _has_input(connection.socket)
    except (psycopg.Error, OSError, ValueError):
        return False


def _has_input(descriptor: int) -> bool:
    if sys.platform == "win32":
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()  # select() refuses numbers over 1023, which a busy server has
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _is_passing(error: psycopg.Error) -> bool:
    """Whether the same statement may succeed on another connection."""
    if isinstance(error, psycopg.errors.QueryCanceled):
        return False  # it had all of its time
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state == _READ_ONLY or state.startswith(_PASSING)


def _reason(error: psycopg.Error) -> str:
    """The kind of trouble in a few words; the whole of it is the cause of our error."""
    text = str(error)
    for known in (
        "Connection refused",
        "Name or service not known",
        "could not translate host name",
        "failed to resolve host",
        "No such file or directory",
        "Network is unreachable",
        "No route to host",
        "timeout expired",
        "too many clients already",
        "starting up",
        "shutting down",
        "SSL",
    ):
        if known in text:
            return known
    return error.sqlstate or "the connection broke"
