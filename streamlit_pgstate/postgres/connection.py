"""A connection: its statements end in time, whatever the server does.

`engine` opens it, and pools it. Statements go to psycopg directly, in autocommit.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import select
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import pq

from streamlit_pgstate.postgres.prepared import PreparedCursor
from streamlit_pgstate.postgres.statements.database import LIMITS

_T = TypeVar("_T")
Row: TypeAlias = tuple[Any, ...]

_LATER = 1.0
"""Seconds after our own deadline at which the server itself ends a transaction of several
statements. By then the client has given up, or is frozen."""

_UNWATCHED = 0.9
"""For this share of a statement's time we do not watch whether bytes come. To watch takes a
microsecond for each wait, and most statements take 100."""

_NOT_READY = 0
"""What psycopg's generators are sent when nothing has come."""

_HAS_ROWS = pq.ExecStatus.TUPLES_OK

_IDLE = pq.TransactionStatus.IDLE

_WAKE_UP = 0.1
"""Ctrl-C can interrupt a waiting statement this often, in seconds, as in psycopg itself."""


class TimedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose statements end at `deadline` (of `time.monotonic`) at the latest.

    If bytes still come shortly before it, it moves on by `timeout`: over a slow line a page load of
    64 MB of small values takes a minute.

    The client enforces the deadline. `statement_timeout` would need a startup option, which
    pgbouncer refuses, or a SET, which its transaction mode loses. Neither would end the wait for a
    server that is frozen or cut off from the network.
    """

    deadline: float = math.inf
    timeout: float = math.inf
    """Seconds without a byte after which a statement is given up."""
    used_at: float = math.inf
    """When its last statement ended, by `time.monotonic`."""
    opened_at: float = -math.inf
    """When it was opened, by `time.monotonic`."""
    replaced_at: float = math.inf
    """After which moment of `time.monotonic` it is closed once its statement has ended."""
    pool: object = None
    """The pool that it belongs to."""
    is_direct: bool = True
    """Whether it leads to PostgreSQL itself, and not to a pooler such as pgbouncer."""
    clock: float = math.nan
    """What is to be added to `time.monotonic()` for the server's clock, in seconds since 1970."""
    clock_read_at: float = -math.inf
    """When `clock` was read, by `time.monotonic`."""
    lock_timeout: float = math.inf
    """Seconds that the user in `url` may wait for a lock; infinite without a limit."""
    statement_timeout: float = math.inf
    idle_timeout: float = math.inf

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._uses: dict[str, int] = {}
        """How often each statement has run here."""
        self._preparing: PreparedCursor | None = None

    def rows_of(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement and fetch all of its rows; none for one that returns none."""
        uses = self._uses[statement] = self._uses.get(statement, 0) + 1
        threshold = self.prepare_threshold
        if (
            threshold is not None
            and uses > threshold
            and self.pgconn.transaction_status == _IDLE
            and (preparing := self._preparing or self._begin_to_prepare())
        ):
            return preparing.execute(statement, parameters).take()
        cursor = self.cursor(binary=True)
        cursor.execute(statement, parameters)
        result = cursor.pgresult  # `cursor.description` would describe each column: 10 µs
        return cursor.fetchall() if result and result.status == _HAS_ROWS else []

    def _begin_to_prepare(self) -> PreparedCursor | None:
        """The cursor for what runs often; None if somebody has set another kind of cursor."""
        cursor = self.cursor()
        if not isinstance(cursor, PreparedCursor):
            return None
        cursor.prepares, self._preparing = True, cursor
        return cursor

    def close(self) -> None:
        self._preparing = None  # it refers to this connection
        super().close()

    def note_clock(self, server_time: float) -> None:
        """Note the server's time, which has just come.

        The time that the answer took to arrive is ignored, so a deadline can be early but not late.
        """
        self.clock_read_at = time.monotonic()
        self.clock = server_time - self.clock_read_at

    def wait(
        self,
        gen: Generator[Any, Any, _T],
        interval: float = _WAKE_UP,
        timeout: float | None = None,
    ) -> _T:
        waits, share = gen, _UNWATCHED
        while True:
            begins = time.monotonic()
            left = max(0.001, share * (self.deadline - begins))
            left = min(left, timeout or left)
            try:
                return super().wait(waits, interval, left)
            except psycopg.OperationalError:
                now = time.monotonic()
                # Errors of the server end the generator, and `super().wait` passes them on. To go
                # on with it would take such an error for an answer without rows.
                if inspect.getgeneratorstate(gen) == inspect.GEN_CLOSED:
                    raise
                if now < begins + left or self.closed:
                    raise
                if now >= self.deadline or timeout:
                    self._give_up()
                    raise psycopg.errors.QueryCanceled("no answer within `timeout`") from None
            waits, share = self._watched(gen), 1.0

    def _watched(self, gen: Generator[Any, Any, _T]) -> Generator[Any, Any, _T]:
        """Go on with `gen`, which has begun, and move the deadline with each byte."""
        ready = _NOT_READY
        while True:
            try:
                state = gen.send(ready)
            except StopIteration as stop:
                result: _T = stop.value
                return result
            ready = yield state
            if ready:
                self.deadline = max(self.deadline, time.monotonic() + self.timeout)

    def _give_up(self) -> None:
        """Ask the server to cancel the statement, as it may wait for a lock, and disconnect."""
        self.deadline = math.inf
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=1)
        self.pgconn.finish()


class Steps:
    """Statements on one connection. Each has the whole `timeout`, and not all of them together.

    Args:
        connection: from `Database.connection`.
        sql: the statements, by name.
        timeout: seconds.
    """

    def __init__(
        self, connection: TimedConnection, sql: Mapping[str, str], *, timeout: float
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._timeout = timeout

    def run(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement and return its rows."""
        self._connection.deadline = time.monotonic() + self._timeout
        return self._connection.rows_of(self._sql[name], parameters)


@contextlib.contextmanager
def limited_transaction(connection: TimedConnection) -> Iterator[None]:
    """Run a transaction that the server ends by itself if the client is frozen or gone."""
    with connection.transaction():
        limit_statements(connection, max(0.0, connection.deadline - time.monotonic()) + _LATER)
        yield


def limit_statements(connection: TimedConnection, left: float) -> None:
    """Have the server end each further statement of the transaction after so many seconds."""
    connection.execute(
        LIMITS,
        {
            "for_statement": milliseconds(min(left, connection.statement_timeout)),
            "when_idle": milliseconds(min(left, connection.idle_timeout)),
        },
    )


def milliseconds(seconds: float) -> str:
    """Return a limit as PostgreSQL takes it. 0 would be no limit."""
    return str(max(1, int(seconds * 1000)))


def is_alive(connection: pq.abc.PGconn) -> bool:
    """Whether its server has not ended it: an idle connection has nothing to read. Takes 2 µs."""
    try:
        return connection.status == pq.ConnStatus.OK and not _has_input(connection.socket)
    except (psycopg.Error, OSError, ValueError):
        return False


def _has_input(descriptor: int) -> bool:
    if sys.platform == "win32":
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()  # select() refuses descriptors over 1023, which a busy server has
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
