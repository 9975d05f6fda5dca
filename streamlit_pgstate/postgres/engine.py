"""The database: a pool of connections, tries again what broke, and translates errors.

Stands between `access` and psycopg; `faults` translates errors, and `pool` says who gets which
connection. `writes` sends what changes a session, and knows what to do when its answer is lost.
Statements go to psycopg directly, in autocommit. To read one row by primary key takes 50 µs this
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
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

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
    is_lost,
    is_passing,
    is_rolled_back,
    is_silence,
    translate,
)
from streamlit_pgstate.postgres.outage_log import OutageLog
from streamlit_pgstate.postgres.pool import Exhausted, Pool
from streamlit_pgstate.postgres.prepared import PreparedCursor
from streamlit_pgstate.postgres.statements.database import CLOCK, SERVER
from streamlit_pgstate.postgres.trust import Trust, Use, Verdict, judge
from streamlit_pgstate.settings import THREE_WAYS, Settings

_T = TypeVar("_T")

_MIGRATION_TIMEOUT = 300
"""Seconds for each statement of a migration that creates the tables. `migrate` lifts it where there
are older ones."""

_SPARE_AFTER = 300.0
"""A connection that was idle for so many seconds is closed when another one is given back."""

_REPLACED_AFTER = 3600.0
"""A connection is closed after so many seconds, or up to a tenth less, so that all processes find a
server that was added to a name or a load balancer, and backends do not grow."""

_QUEUED_FOR = 0.5
"""For this share of its time a statement waits for a connection. Whoever has waited longest is the
next. So if all waited for their whole time, each would get a connection when nothing is left of it:
of 200 threads with 20 connections, `timeout` 1 s and statements of 0.2 s a tenth was answered that
the server can do, and the others were given up, each with its connection."""

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
        self._pool = self._new_pool()
        self.outage_log = outage_log or OutageLog()
        self._trust = Trust()
        self.remakes = 0
        """How often tables were missing. They may be made anew, with another signing key. So what
        was read of them before is read again."""
        self._closed_at = -math.inf
        """When `close` was called last."""
        self._look_for_spare_at = time.monotonic() + _SPARE_AFTER
        self._opening: set[int] = set()
        """Threads that open a connection. To add one to a set is atomic."""
        fork.remember(self)
        _databases[id(self)] = self

    def _new_pool(self) -> Pool[TimedConnection]:
        return Pool(self._settings.pool_size, note_wait=_note_wait)

    def after_fork(self) -> None:
        """Drop the parent's connections without closing them, because that would end them there."""
        self._pool = self._new_pool()
        self._opening = set()

    @property
    def breaks(self) -> int:
        """See `Trust.breaks`. What was read before the last one is read anew."""
        return self._trust.breaks

    def connections(self) -> Connections:
        """The connections of this database, as of now."""
        pool, opening = self._pool, len(self._opening)
        return Connections(
            in_use=max(0, pool.taken - opening),
            idle=pool.idle,
            waiting=pool.waiting + opening,
            limit=pool.size,
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
            connection = self._checkout(until)
        except psycopg.Error as error:
            raise Failure(error, Reach.NOT_SENT) from None
        try:
            return fetch(connection)
        except psycopg.Error as error:
            is_unanswered = connection.closed or is_lost(error)
            self._note_error(connection, error)
            reach = Reach.NO_ANSWER if is_unanswered else Reach.REFUSED
            raise Failure(error, reach) from None
        except BaseException as error:
            self._note_error(connection, error)
            raise
        finally:
            self._give_back(connection)

    @contextlib.contextmanager
    def connection(self) -> Iterator[TimedConnection]:
        """Take a connection from the pool, in autocommit, for at most the setting ``timeout``.

        Nothing that runs on it is sent again if it breaks.

        Raises:
            PgStateError: as `faults.translate` says.
        """
        with self.tracking_outages(), self._translated():
            connection = self._checkout(time.monotonic() + self.timeout)
            try:
                yield connection
            except BaseException as error:
                self._note_error(connection, error)
                raise
            finally:
                self._give_back(connection)

    def _checkout(self, until: float) -> TimedConnection:
        """Take a connection that works. Whoever gets it gives it back, whatever becomes of it.

        Raises:
            StoreUnavailable: all are in use, for `_QUEUED_FOR` of the time until `until`.
            psycopg.Error: a new one cannot be opened.
        """
        now = time.monotonic()
        patience = _QUEUED_FOR * max(0.0, until - now)
        try:
            connection = self._pool.take(now + patience)
        except Exhausted as error:
            raise self._exhausted(error, patience) from None
        try:
            while connection is not None and not self._works(connection, until):
                connection.close()
                connection = self._pool.another()
            if connection is None:
                connection = self._opened()
        except BaseException:
            if connection is not None:
                connection.close()
            self._pool.give_back(None)
            raise
        connection.deadline = until
        return connection

    def _exhausted(self, cause: Exhausted, waited: float) -> StoreUnavailable:
        return self.place.error(
            StoreUnavailable,
            f"All {self._pool.size} connections of this process to the database were in use for "
            f"{waited:.2g} s. Try again. If it happens often, raise the setting `pool_size` "
            f"({self._pool.size}), as far as the server's max_connections allows. If it stays so, "
            "the database is overloaded or frozen.",
            cause=cause,
        )

    def _works(self, connection: TimedConnection, until: float) -> bool:
        """Whether an idle connection still works. It is asked only where that is in doubt.

        An idle connection has nothing to read. If there is something, the server has ended it (or,
        at best, reports a changed setting). This check takes 2 µs; a question takes a round trip.
        """
        now = time.monotonic()
        if not is_alive(connection.pgconn):
            self._trust.note(Verdict.LOST, connection, at=now)
            return False
        use = self._trust.use_of(connection, at=now)
        if use is Use.NEVER or (use is Use.ONCE_ASKED and not self._answers(connection, until)):
            return False
        self._trust.note_working(connection, since=now)
        return True

    def _answers(self, connection: TimedConnection, until: float) -> bool:
        connection.deadline = min(until, time.monotonic() + self.timeout / 4)
        try:
            row = connection.execute(CLOCK).fetchone()
        except psycopg.errors.QueryCanceled:
            # Those that were used last before this one have heard no more of their server.
            used_at = connection.used_at
            for silent in self._pool.remove(lambda other: other.used_at <= used_at):
                silent.close()
            return False
        except psycopg.Error:
            self._trust.note(Verdict.LOST, connection, at=time.monotonic())
            return False
        if row is not None:
            connection.note_clock(row[0])
        connection.used_at = connection.clock_read_at
        return True

    def _note_error(self, connection: TimedConnection, error: BaseException) -> None:
        """Judge a connection by the error that has ended its statement: see `trust.judge`."""
        verdict = judge(error, is_closed=connection.closed)
        self._trust.note(verdict, connection, at=time.monotonic())
        if verdict is not Verdict.WORKS:
            connection.close()

    def _give_back(self, connection: TimedConnection) -> None:
        """Return a connection to the pool, unless it is closed, too old, or the pool was closed."""
        if connection.pool is not self._pool:
            return  # this process was forked meanwhile, and the connection is its parent's
        now = connection.used_at = time.monotonic()
        if connection.opened_at < self._closed_at or connection.replaced_at < now:
            connection.close()
        self._pool.give_back(None if connection.closed else connection)
        if now > self._look_for_spare_at:
            self._look_for_spare_at = now + _SPARE_AFTER
            for spare in self._pool.remove(lambda other: other.used_at < now - _SPARE_AFTER):
                spare.close()

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
        """Make an engine of SQLAlchemy for a migration: in transactions, with one connection more.

        That one is not of the pool, which other statements of the migration use.
        """
        return sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=self._connect_to_migrate,
            isolation_level="READ COMMITTED",
            poolclass=NullPool,
            pool_reset_on_return=None,
            use_native_hstore=False,
            hide_parameters=True,  # a migration stores the signing key
        )

    def _connect_to_migrate(self) -> TimedConnection:
        connection = self._connect()
        connection.deadline = time.monotonic() + _MIGRATION_TIMEOUT
        return connection

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
        for connection in self._pool.remove(lambda _: True):
            connection.close()

    def _opened(self) -> TimedConnection:
        """A new connection, for a place in the pool."""
        thread = threading.get_ident()
        self._opening.add(thread)
        try:
            connection = self._connect()
        finally:
            self._opening.discard(thread)
        connection.pool = self._pool
        counters.count("connection opened")
        self._trust.note_opened()
        return connection

    def _connect(self) -> TimedConnection:
        if self._url is not None:
            return self._open(self._url)
        data = self._settings.home / ".pgstate"
        try:
            return self._open(_embedded_url(data))
        except psycopg.OperationalError:  # the server was stopped or killed just now
            return self._open(_embedded_url(data))

    def _open(self, url: URL) -> TimedConnection:
        _, parameters = url.get_dialect()().create_connect_args(url)
        ours = {
            "connect_timeout": max(2, math.ceil(self.timeout)),
            # Values are any text. The encoding of the role, the database or the environment may not
            # hold it. Of the few options that pgbouncer takes this is one.
            "client_encoding": "utf8",
            "autocommit": True,
            "cursor_factory": PreparedCursor,
            "fallback_application_name": "streamlit-pgstate",
        }
        connection = TimedConnection.connect(**dict(parameters) | ours)
        connection.timeout = self.timeout
        connection.opened_at = connection.used_at = time.monotonic()
        connection.replaced_at = connection.opened_at + _REPLACED_AFTER * random.uniform(0.9, 1)  # noqa: S311 - no secret
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
            connection.is_direct = process == connection.info.backend_pid
            if not connection.is_direct:
                connection.prepare_threshold = None
        _refuse_other_encodings(connection, self.place)
        return connection


def _note_wait(seconds: float) -> None:
    counters.time_of("connection wait", seconds)


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
