"""The database: a pool of connections, tries again what broke, and translates errors.

Stands between `access` and psycopg; `faults` translates errors. `writes` sends what changes a
session, and knows what to do when its answer is lost. SQLAlchemy manages the pool.
Statements go to psycopg directly, in autocommit. To read one row by primary key takes 65 µs this
way, 126 µs through SQLAlchemy Core, 245 µs through Core in a transaction (2 cores, unix socket).
"""

from __future__ import annotations

import contextlib
import math
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from streamlit_pgstate.errors import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    StoreUnavailable,
    kind_of,
)
from streamlit_pgstate.postgres import counters, embedded, fork
from streamlit_pgstate.postgres.connection import (
    Row,
    TimedConnection,
    is_alive,
    limited_transaction,
)
from streamlit_pgstate.postgres.faults import (
    Place,
    is_break,
    is_lost,
    is_passing,
    is_rolled_back,
    is_silence,
    translate,
)
from streamlit_pgstate.postgres.outage_log import OutageLog
from streamlit_pgstate.postgres.statements.database import CLOCK, SERVER
from streamlit_pgstate.settings import THREE_WAYS, Settings

_T = TypeVar("_T")

POOL_SIZE = 5
POOL_OVERFLOW = 15
"""Further connections for bursts. Each is in use for one statement at a time, for under 1 ms."""

_DEFAULT_TIMEOUT = 300
"""Seconds on one connection without a deadline of its own: to create the tables. `migrate` lifts it
where there are older ones."""

_PING_AFTER = 30.0
"""A connection that was idle for so many seconds is asked whether it still works. A firewall may
have dropped it without a word, and a statement would wait for its whole `timeout`."""

_CLOCK_LASTS = 600.0
"""Seconds after which a connection reads the server's clock anew. Two clocks that nobody sets drift
apart by a tenth of a second in that time, at most."""

_PAUSE = 0.02
"""Longest random pause, in seconds, after a deadlock or another conflict of two transactions. It is
random, so that the two do not collide again."""


def no_objection(database: Database) -> None:
    """Every statement may run."""


class Reach(Enum):
    """How far a statement has come that has failed."""

    NOT_SENT = "not sent"
    """There was no connection."""
    REFUSED = "refused"
    """The server has answered with an error, so the statement has changed nothing."""
    NO_ANSWER = "no answer"
    """The connection broke, or no answer came in time. It may have been committed."""


class Failure(Exception):
    """A statement has failed. Says how far it has come."""

    def __init__(self, error: psycopg.Error, reach: Reach) -> None:
        super().__init__(error, reach)
        self.error = error
        self.reach = reach


class _Tracking:
    """A block with a statement: see `Database.tracking_outages`.

    A class, because each statement is in such a block: a generator takes 1 µs longer.
    """

    __slots__ = ("_began", "_database", "_log")

    def __init__(self, database: Database, log: OutageLog) -> None:
        self._database = database
        self._log = log
        self._began = time.monotonic()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        waited = time.monotonic() - self._began
        if error is None:
            counters.time_of("database", waited)
            self._log.note_answer()
            return
        if isinstance(error, PgStateError):
            counters.count(("database error", kind_of(error)))
        if isinstance(error, MigrationRequired):
            self._database.remakes += 1
        elif isinstance(error, StoreUnavailable):
            error.waited = waited
            error.ask_again = self._database.ask
            error.database = self._database
            error.is_silence = is_silence(error)
            error.was_reached = self._log.has_ever_answered
            self._log.note(error)


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of one database, or of all databases of a process."""

    in_use: int = 0
    idle: int = 0
    waiting: int = 0
    """Threads that wait for a connection: all are in use, or a new one is being opened."""
    limit: int = 0
    """How many there may be at once."""


_databases: weakref.WeakValueDictionary[int, Database] = weakref.WeakValueDictionary()


def connections() -> Connections:
    """The connections of all databases of this process."""
    known = [reference() for reference in _databases.valuerefs()]  # a copy: no lock is needed
    found = [database.connections() for database in known if database is not None]
    return Connections(
        in_use=sum(each.in_use for each in found),
        idle=sum(each.idle for each in found),
        waiting=sum(each.waiting for each in found),
        limit=sum(each.limit for each in found),
    )


class Database:
    """The database of one `Settings`: runs statements, reconnects, translates errors.

    Opens no connection until the first statement. Safe for threads. A forked child opens its own
    connections.

    Args:
        settings: where the database is.
        before_statement: called before each statement. If it raises `StoreUnavailable`, the
            statement is not sent.
        outage_log: notes outages. None for one of its own.

    Raises:
        ConfigError: there is no URL, and the embedded PostgreSQL is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        before_statement: Callable[[Database], None] = no_objection,
        outage_log: OutageLog | None = None,
    ) -> None:
        self._settings = settings
        self._before_statement = before_statement
        self.timeout = settings.timeout.total_seconds()
        """Seconds for one statement."""
        self._url = settings.url
        self.place = Place(settings.url, schema=settings.schema, timeout=self.timeout)
        if self._url is None and not embedded.installed():
            raise ConfigError(f"No database is configured. {THREE_WAYS}.")
        self._engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=self.timeout,
            pool_use_lifo=True,
            pool_reset_on_return=None,
            use_native_hstore=False,
            hide_parameters=True,  # a migration stores the signing key
        )
        event.listen(self._engine, "checkout", self._refuse_dead_connection)
        self.outage_log = outage_log or OutageLog()
        self.breaks = 0
        """How often a connection was thrown away, see `_discard_if_broken`. The next one may reach
        a server that lacks our last write, such as a standby after a failover. So caches that were
        read before are loaded again."""
        self.remakes = 0
        """How often tables were missing. They may be made anew, with another signing key. So what
        was read of them before is read again."""
        self._closed_at = -math.inf
        """When `close` was called last."""
        self._broke_at = -math.inf
        """When a connection broke last. Those that were opened before are not used again: they lead
        to the same server, which was restarted, or is a standby now."""
        self._waiting: set[int] = set()
        """Threads that wait for a connection. To add one to a set is atomic."""
        fork.remember(self)
        _databases[id(self)] = self

    def after_fork(self) -> None:
        """Drop the parent's connections without closing them, because that would end them there."""
        self._engine.dispose(close=False)
        self._waiting = set()

    def connections(self) -> Connections:
        """The connections of this database, as of now."""
        pool: QueuePool = self._engine.pool  # type: ignore[assignment]  # as `create_engine` makes
        return Connections(
            in_use=pool.checkedout(),
            idle=pool.checkedin(),
            waiting=len(self._waiting),
            limit=POOL_SIZE + POOL_OVERFLOW,
        )

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
            parameters: values by name.
            repeatable: whether it may run once more after an error that `faults.is_passing` names:
                the connection broke, so that nobody knows whether it was committed, or a deadlock
                or a full disk undid it.

        Raises:
            PgStateError: as `faults.translate` says.
        """

        return self._run(
            lambda connection: connection.rows_of(statement, parameters), repeatable=repeatable
        )

    def stream(
        self, statement: str, parameters: Mapping[str, Any], take: Callable[[Iterator[Row]], _T]
    ) -> _T:
        """Run one reading statement with large rows; the setting ``timeout`` applies to each row.

        The rows come one by one in one round trip, and only the present one is kept in memory.

        Args:
            statement: as in `query`.
            parameters: as in `query`.
            take: makes the result from the rows. It is called again with all rows if the
                connection broke.

        Raises:
            PgStateError: as `faults.translate` says.
        """

        def rows(connection: TimedConnection) -> Iterator[Row]:
            for row in connection.cursor().stream(statement, parameters, binary=True):
                connection.deadline = time.monotonic() + self.timeout
                yield row

        return self._run(lambda connection: take(rows(connection)), repeatable=True)

    def _run(self, fetch: Callable[[TimedConnection], _T], *, repeatable: bool) -> _T:
        with self.tracking_outages():
            return self._run_again_if_broken(fetch, repeatable=repeatable)

    def tracking_outages(self) -> _Tracking:
        """Note whether the statement in this block finds the database available; log outages."""
        self._before_statement(self)
        return _Tracking(self, self.outage_log)

    def _run_again_if_broken(
        self, fetch: Callable[[TimedConnection], _T], *, repeatable: bool
    ) -> _T:
        until = time.monotonic() + self.timeout
        has_broken = False
        while True:
            try:
                return self.once(fetch, until)
            except Failure as failure:
                error = failure.error
                if time.monotonic() >= until:
                    raise translate(error, self.place) from None
                if is_rolled_back(error):
                    pause_by_chance()
                elif not repeatable or has_broken or not is_passing(error):
                    raise translate(error, self.place) from None
                else:
                    has_broken = True

    def once(self, fetch: Callable[[TimedConnection], _T], until: float) -> _T:
        """Run statements on one connection, in autocommit. Nothing is sent again.

        Args:
            fetch: sends them, and returns what they bring.
            until: when they are given up, by `time.monotonic`.

        Raises:
            Failure: psycopg has raised an error.
            StoreUnavailable: all connections were busy.
        """
        try:
            pooled, connection = self._checkout(until)
        except psycopg.Error as error:
            raise Failure(error, Reach.NOT_SENT) from None
        try:
            return fetch(connection)
        except psycopg.Error as error:
            is_unanswered = connection.closed or is_lost(error)
            self._discard_if_broken(pooled, error)
            reach = Reach.NO_ANSWER if is_unanswered else Reach.REFUSED
            raise Failure(error, reach) from None
        except BaseException as error:
            self._discard_if_broken(pooled, error)
            raise
        finally:
            self._give_back(pooled, connection)

    def _checkout(self, until: float) -> tuple[PoolProxiedConnection, TimedConnection]:
        thread = threading.get_ident()
        self._waiting.add(thread)
        try:
            pooled = self._engine.pool.connect()
        except PoolTimeout as error:
            raise self.place.error(
                StoreUnavailable,
                f"All {POOL_SIZE + POOL_OVERFLOW} connections to the database were busy for "
                f"{self.timeout:g} s. Try again; if it stays so, the database is overloaded "
                "or frozen.",
                cause=error,
            ) from None
        except InvalidRequestError as error:
            # The pool has tried three connections. While it opened each, others broke.
            raise psycopg.OperationalError("the connection broke") from error
        finally:
            self._waiting.discard(thread)
        # SQLAlchemy has one type for the connections of all drivers. Here it is ours.
        connection: TimedConnection = pooled.driver_connection  # type: ignore[assignment]
        connection.deadline = until
        return pooled, connection

    def _discard_if_broken(self, pooled: PoolProxiedConnection, error: BaseException) -> None:
        """Throw a connection away unless an SQL error ended its statement.

        SQL errors leave an autocommit connection usable; anything else may not. Examples are
        Ctrl-C, an exception inside a transaction, a reply that was read in part, or a server that
        is read-only after a failover. All errors that `is_passing` names count, so a full disk
        does, but not a statement that was rolled back because it met another one.
        """
        if not isinstance(error, psycopg.Error) or (
            is_passing(error) and not is_rolled_back(error)
        ):
            self.breaks += 1
            pooled.invalidate()
            if isinstance(error, psycopg.Error) and is_break(error):
                self._broke_at = time.monotonic()

    @contextlib.contextmanager
    def connection(self) -> Iterator[TimedConnection]:
        """Take a connection from the pool, in autocommit, for at most the setting ``timeout``.

        Nothing that runs on it is sent again if it breaks.

        Raises:
            PgStateError: as `faults.translate` says.
        """
        with self.tracking_outages(), self._translated():
            pooled, connection = self._checkout(time.monotonic() + self.timeout)
            try:
                yield connection
            except BaseException as error:
                self._discard_if_broken(pooled, error)
                raise
            finally:
                self._give_back(pooled, connection)

    def _give_back(self, pooled: PoolProxiedConnection, connection: TimedConnection) -> None:
        """Return a connection to the pool; close it if the pool was closed while it was in use."""
        connection.used_at = time.monotonic()
        if connection.opened_at < self._closed_at and not connection.closed:
            pooled.invalidate()
        pooled.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[TimedConnection]:
        """Run several statements as one transaction, which the end of the block commits.

        It is not run again if the connection breaks: nobody knows whether it was committed.
        """
        with self.connection() as connection, limited_transaction(connection):
            yield connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate errors of psycopg in this block into ours."""
        try:
            yield
        except psycopg.Error as error:
            raise translate(error, self.place) from None

    def transactional(self) -> sqlalchemy.Engine:
        """Return SQLAlchemy's engine over the same connections, in transactions, for migrations."""
        return self._engine.execution_options(isolation_level="READ COMMITTED")

    def ask(self) -> None:
        """Check that the server answers, by an empty query.

        Raises:
            PgStateError: as `faults.translate` says.
        """
        self.query("SELECT", {})

    def close(self) -> None:
        """Close the connections. The next statement opens new ones.

        One that is in use is closed when its statement ends: nobody else would close it.
        """
        self._closed_at = time.monotonic()
        self._engine.dispose()

    def _refuse_dead_connection(self, driver: Any, record: Any, proxy: Any) -> None:
        """Let the pool replace a connection whose server has ended it.

        An idle connection has nothing to read. If there is something, the server has ended the
        connection (or, at best, reports a changed setting). This check takes 2 µs; a ping
        (`pool_pre_ping`) takes a round trip.
        """
        now = time.monotonic()
        may_use = (
            not driver.closed and driver.opened_at >= self._broke_at and is_alive(driver.pgconn)
        )
        if may_use and (
            now - driver.used_at > _PING_AFTER or now - driver.clock_read_at > _CLOCK_LASTS
        ):
            may_use = self._answers(driver)
        driver.deadline = time.monotonic() + _DEFAULT_TIMEOUT
        if not may_use:
            self.breaks += 1
            raise InvalidatePoolError  # the pool drops all that are as old

    def _answers(self, connection: TimedConnection) -> bool:
        connection.deadline = time.monotonic() + self.timeout / 4
        try:
            row = connection.execute(CLOCK).fetchone()
        except psycopg.Error:
            return False
        if row is not None:
            connection.note_clock(row[0])
        return True

    def _connect(self) -> TimedConnection:
        if self._url is not None:
            return self._open(self._url)
        data = self._settings.home / ".pgstate"
        try:
            return self._open(_embedded_url(data))
        except psycopg.OperationalError:  # the server was stopped or killed just now
            return self._open(_embedded_url(data))

    def _open(self, url: URL) -> TimedConnection:
        _, parameters = self._engine.dialect.create_connect_args(url)
        ours = {
            "connect_timeout": max(2, math.ceil(self.timeout)),
            # Values are any text. The encoding of the role, the database or the environment may not
            # hold it. Of the few options that pgbouncer takes this is one.
            "client_encoding": "utf8",
            "autocommit": True,
            "fallback_application_name": "streamlit-pgstate",
        }
        connection = TimedConnection.connect(**dict(parameters) | ours)
        connection.timeout = self.timeout
        connection.opened_at = time.monotonic()
        connection.deadline = connection.opened_at + self.timeout
        row = connection.execute(SERVER).fetchone()
        if row is not None:
            process, server_time, *limits = row
            connection.note_clock(server_time)
            connection.lock_timeout, connection.statement_timeout, connection.idle_timeout = (
                limit or math.inf for limit in limits
            )
            # A pooler reports another process id than the backend's. It may switch to a backend
            # without the statements that psycopg has prepared: pgbouncer 1.18 in transaction mode.
            if process != connection.info.backend_pid:
                connection.prepare_threshold = None
        _refuse_other_encodings(connection, self.place)
        return connection


def _embedded_url(data: Any) -> URL:
    return sqlalchemy.make_url(embedded.start(data)).set(drivername="postgresql+psycopg")


def pause_by_chance() -> None:
    """Wait before a statement is sent again that PostgreSQL rolled back for another one."""
    time.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - no event, no secret


def _refuse_other_encodings(connection: TimedConnection, place: Place) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in {None, "UTF8"}:
        connection.close()
        raise place.error(
            ConfigError,
            f"The database has the encoding {encoding}; values need UTF8. Create one that has "
            "it: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0",
        )
