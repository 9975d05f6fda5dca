"""Writes: sends each one so that it is made once, also where its answer is lost.

Stands between `entries`, which chooses the statement, and `engine`. Each write has an id, which its
statement records in the row of its session. If the connection breaks before the answer comes,
another statement, SETTLE, asks for the record on a new connection. If there is none, SETTLE rules
the id out: from then on the write does nothing, should it still arrive. So it can be sent again
under another id.

A write also has a deadline, by the server's clock: see `IN_TIME` in `statements/parts/write.py`. A
backend that was frozen and goes on when the client has given up changes nothing.
"""

from __future__ import annotations

import math
import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeAlias, TypeVar

import psycopg

from streamlit_pgstate.errors import PgStateError, StoreUnavailable
from streamlit_pgstate.postgres import fork, limits
from streamlit_pgstate.postgres.connection import (
    TimedConnection,
    limit_statements,
    limited_transaction,
    milliseconds,
)
from streamlit_pgstate.postgres.engine import Database, Failure, Reach, pause_by_chance
from streamlit_pgstate.postgres.faults import (
    NOTHING_STORED,
    PERHAPS_STORED,
    CameTooLate,
    LockHeld,
    is_lock_wait,
    is_passing,
    is_rolled_back,
    saying,
    translate,
)
from streamlit_pgstate.postgres.rows import Reached
from streamlit_pgstate.postgres.statements.parts.write import PUSHED_OUT, TOO_LATE

_T = TypeVar("_T")
Row: TypeAlias = tuple[Any, ...]
Run: TypeAlias = Callable[[str, Mapping[str, Any]], list[Row]]
"""Runs a statement by its name, with its parameters. Those of the write are added."""

_FIRST_NUMBER: Final = 2**32
"""psycopg sends integers from here on as one type, so the statement stays prepared."""

_EARLIER: Final = 0.5
"""A wait for a lock ends so many seconds before the client gives up, or a fifth of the time that is
left before, if that is less. So the client learns that nothing was stored."""

_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.5
"""Seconds between two tries to settle a write. A server that was restarted is back within some."""

_QUICK: Final = 2**18
_SLOWEST: Final = 2**16
"""A write of up to 256 KiB has `timeout`. For each further 64 KiB its deadline is a second later:
over a slow line the last bytes of 4 MiB may arrive a minute after the first."""

_NEVER_IN_DOUBT: Final = {"reached": 2**62, "server": math.inf}
"""Above every version, on any server: this switches off the comparison of `IS_NEW`, for a
transaction of several statements. Once it was given up, nobody sends its COMMIT. So it can be
stored late only if it holds the lock of the session's row, for which SETTLE waits."""

_SETTLED_WITHIN: Final = 1.0
"""Seconds after `timeout` in which a write of more than 256 KiB is still settled. Otherwise it
could be stored long after it was given up, over a newer one."""


class ManyOthersWrote(psycopg.errors.SerializationFailure):
    """So many others have written that a write cannot tell whether it is recorded.

    It changed nothing.
    """


class Step(Enum):
    """What follows a write that has failed."""

    RAISE = "raise"
    SEND_AGAIN = "send again"
    SETTLE = "settle"


def next_step(error: psycopg.Error, reach: Reach, *, has_time: bool, has_failed: bool) -> Step:
    """Decide what follows a write that has failed.

    Args:
        error: what psycopg has raised.
        reach: how far the write has come.
        has_time: whether `timeout` is not over yet.
        has_failed: whether an earlier try has failed for a reason that may go away by itself.
    """
    if not has_time:
        return Step.RAISE
    if reach is Reach.NO_ANSWER:
        return Step.SETTLE
    if is_rolled_back(error):
        return Step.SEND_AGAIN
    may_pass = is_passing(error) or isinstance(error, CameTooLate)
    return Step.SEND_AGAIN if may_pass and not has_failed else Step.RAISE


class Outcome(Enum):
    """What is known of a write whose answer was lost."""

    STORED = "stored"
    NOT_STORED = "not stored"
    """It was not stored, and never will be."""
    UNKNOWN = "unknown"
    HARMLESS = "harmless"
    """It may have been stored, and to make it again changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of a write whose answer was lost."""

    outcome: Outcome
    version: int = 0
    """The session's version after it, if it was stored."""
    deleted: int = 0
    """How many values it deleted."""
    slot: int = 0
    """The slot that it was written by."""


def read_record(rows: list[Row], *, slot: int, number: int) -> Record:
    """Return what the answer to SETTLE says of a write."""
    if not rows:  # the session has no row, and without one no write stores anything
        return Record(outcome=Outcome.NOT_STORED)
    found, version, deleted = rows[0]
    if found != number:
        return Record(outcome=Outcome.UNKNOWN)
    if version <= 0:
        return Record(outcome=Outcome.NOT_STORED)
    return Record(outcome=Outcome.STORED, version=version, deleted=deleted, slot=slot)


def _not_recorded(slot: _Slot, until: float) -> Record:
    return Record(outcome=Outcome.HARMLESS)


@dataclass(frozen=True, slots=True)
class Undone(Generic[_T]):
    """The result of work in a transaction that is to be rolled back, without an error."""

    result: _T


class OutOfTime(Exception):
    """Work in a transaction was to end by now, so its statement was cancelled, or not sent."""


class _Slot:
    """One of the names under which a process writes, for one write at a time."""

    __slots__ = ("name", "number")

    def __init__(self) -> None:
        # Below every version, so that no other number in `session.writes` is taken for it.
        self.name = -(2**62) - secrets.randbits(61)
        self.number = _FIRST_NUMBER


class Writer:
    """Sends writes to one database. Safe for threads and for forked children.

    Args:
        database: where they go.
        sql: the statements, by name.
    """

    def __init__(self, database: Database, sql: Mapping[str, str]) -> None:
        self._database = database
        self._sql = sql
        self.after_fork()
        fork.remember(self)

    def after_fork(self) -> None:
        """Begin with slots of its own: two processes must not write by one."""
        self._free: list[_Slot] = []

    def run(
        self,
        name: str,
        parameters: dict[str, Any],
        *,
        reached: Reached,
        creates: bool = False,
        size: int = 0,
    ) -> list[Row]:
        """Run a statement that writes, in a transaction of its own.

        Args:
            name: of the statement.
            parameters: of the statement, with ``id`` for the session. Those of the write are added.
            reached: a version that the session had at the caller's last read, or later.
            creates: whether the statement creates the session's row.
            size: how many bytes of values it carries.

        Returns:
            Its rows. If its answer was lost, one row: the session's version after the write, and
            how many values it has deleted.

        Raises:
            PgStateError: as `faults.translate` says. If nobody knows whether the write was stored,
                it is a `StoreUnavailable` that says so.
        """
        sql = self._sql[name]
        known = reached

        def send(connection: TimedConnection, mark: Mapping[str, Any]) -> list[Row]:
            nonlocal known
            parameters.update(mark, reached=known.version, server=known.server)
            if size > _QUICK:
                parameters["deadline"] += (size - _QUICK) / _SLOWEST
            try:
                return connection.rows_of(sql, parameters)
            except psycopg.errors.InvalidTextRepresentation as error:
                if (met := _version_met(error)) is None:
                    raise
                # This try has its answer, so it was not ruled out. The next one counts from here.
                known = met
                raise ManyOthersWrote(str(error)) from None

        def settle(slot: _Slot, until: float) -> Record:
            return self._settle(slot, until, parameters, known, creates=creates)

        def recalled(record: Record) -> list[Row]:
            return [(record.version, record.deleted)]

        settled_within = _SETTLED_WITHIN if size > _QUICK else 0.0
        return self._deliver(send, settle, recalled, settled_within=settled_within)

    def transact(
        self,
        work: Callable[[Run], _T | Undone[_T]],
        *,
        session_id: uuid.UUID,
        recall: Callable[[Record], _T],
        reserve: float | None = None,
    ) -> _T:
        """Run statements in one transaction, of which one records the write in a session's row.

        Args:
            work: runs the statements by the function that it is given.
            session_id: the session whose row has the record.
            recall: returns the result from the record, if the answer to COMMIT was lost.
            reserve: how many seconds before the end of `timeout` that function raises `OutOfTime`,
                so that `work` can return `Undone`. None: the whole write fails at that end.

        Raises:
            PgStateError: as `run`.
        """

        def settle(slot: _Slot, until: float) -> Record:
            return self._settle(slot, until, {"id": session_id}, Reached(), creates=False)

        return self._deliver(self._in_transaction(work, reserve=reserve), settle, recall)

    def repeat(self, work: Callable[[Run], _T]) -> _T:
        """Run statements in one transaction that do no harm if they are run a second time.

        Raises:
            PgStateError: as `run`.
        """

        def never(record: Record) -> _T:
            raise AssertionError(record)

        return self._deliver(self._in_transaction(work), _not_recorded, never)

    def _in_transaction(
        self, work: Callable[[Run], _T | Undone[_T]], *, reserve: float | None = None
    ) -> Callable[[TimedConnection, Mapping[str, Any]], _T]:
        def send(connection: TimedConnection, mark: Mapping[str, Any]) -> _T:
            def run(name: str, parameters: Mapping[str, Any]) -> list[Row]:
                return connection.rows_of(
                    self._sql[name], {**parameters, **mark, **_NEVER_IN_DOUBT}
                )

            def run_in_time(name: str, parameters: Mapping[str, Any]) -> list[Row]:
                left = connection.deadline - time.monotonic() - (reserve or 0.0)
                if left <= 0:
                    raise OutOfTime
                limit_statements(connection, left)
                try:
                    return run(name, parameters)
                except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
                    if connection.closed:  # the server has not answered at all
                        raise
                    raise OutOfTime from None

            with limited_transaction(connection):
                found = work(run if reserve is None else run_in_time)
                if isinstance(found, Undone):
                    raise psycopg.Rollback  # ends the block
            return found.result if isinstance(found, Undone) else found

        return send

    # The calls of one try: run, _deliver, _once, Database.once, _sent, send, rows_of.

    def _deliver(
        self,
        send: Callable[[TimedConnection, Mapping[str, Any]], _T],
        settle: Callable[[_Slot, float], Record],
        recall: Callable[[Record], _T],
        *,
        settled_within: float = 0.0,
    ) -> _T:
        until = time.monotonic() + self._database.timeout
        has_failed = is_perhaps_stored = False
        with self._database.tracking_outages():
            while True:
                slot = self._take_slot()
                try:
                    answer = self._once(slot, until, send)
                except Failure as failure:
                    error, reach = failure.error, failure.reach
                except StoreUnavailable as full:  # all connections were in use
                    self._free.append(slot)
                    raise saying(
                        full, PERHAPS_STORED if is_perhaps_stored else NOTHING_STORED
                    ) from None
                else:
                    self._free.append(slot)
                    return answer
                step = next_step(error, reach, has_time=_has_time(until), has_failed=has_failed)
                outcome = Outcome.NOT_STORED if reach is not Reach.NO_ANSWER else Outcome.UNKNOWN
                is_overdue = step is Step.RAISE and reach is Reach.NO_ANSWER
                if step is Step.SETTLE or (is_overdue and settled_within):
                    end = time.monotonic() + settled_within if is_overdue else until
                    record = settle(slot, end)
                    outcome = record.outcome
                    is_perhaps_stored |= outcome is Outcome.HARMLESS
                    if outcome is Outcome.STORED:
                        self._free.append(slot)
                        return recall(record)
                    step = step_after(outcome, has_time=_has_time(until), has_failed=has_failed)
                if outcome is Outcome.NOT_STORED:
                    self._free.append(slot)
                if step is Step.RAISE:
                    # What is known of the last try says nothing of those before.
                    is_perhaps_stored |= outcome is not Outcome.NOT_STORED
                    raise self._told(error, is_perhaps_stored=is_perhaps_stored) from None
                if is_rolled_back(error):
                    pause_by_chance()
                else:
                    has_failed = True

    def _once(
        self,
        slot: _Slot,
        until: float,
        send: Callable[[TimedConnection, Mapping[str, Any]], _T],
    ) -> _T:
        return self._database.once(lambda connection: _sent(connection, slot, until, send), until)

    def _take_slot(self) -> _Slot:
        try:
            slot = self._free.pop()  # the one that was used last: a session's row knows few
        except IndexError:
            slot = _Slot()
        slot.number += 1
        return slot

    def _settle(
        self,
        slot: _Slot,
        until: float,
        parameters: Mapping[str, Any],
        reached: Reached,
        *,
        creates: bool,
    ) -> Record:
        """Find out what has become of a write. As long as that fails, try again until `until`."""
        pause = _FIRST_PAUSE
        while _has_time(until):
            try:
                if creates:  # with a row, a first write does nothing, should it still arrive
                    self._ask(_Slot(), until, "CREATE_SESSION", parameters, reached)
                rows = self._ask(slot, until, "SETTLE", parameters, reached)
                return read_record(rows, slot=slot.name, number=slot.number)
            except Failure as failure:
                error = failure.error
                is_late = isinstance(error, CameTooLate)  # then the clock is read anew
                if not (is_late or is_passing(error) or is_lock_wait(error)):
                    break
            except StoreUnavailable:  # all connections are busy
                break
            # A server that is away tells nobody when it is back.
            time.sleep(max(0.0, min(pause, until - time.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE)
        return Record(outcome=Outcome.UNKNOWN)

    def _ask(
        self,
        slot: _Slot,
        until: float,
        name: str,
        parameters: Mapping[str, Any],
        reached: Reached,
    ) -> list[Row]:
        def send(connection: TimedConnection, mark: Mapping[str, Any]) -> list[Row]:
            values = {**parameters, **mark, "reached": reached.version, "server": reached.server}
            return connection.rows_of(self._sql[name], values)

        return self._once(slot, until, send)

    def _told(self, error: psycopg.Error, *, is_perhaps_stored: bool) -> PgStateError:
        told = limits.told(error) or translate(error, self._database.place)
        if not isinstance(told, StoreUnavailable):
            return told
        if isinstance(error, ManyOthersWrote):
            told.is_outage = False
        return saying(told, PERHAPS_STORED if is_perhaps_stored else NOTHING_STORED)


def _version_met(error: psycopg.Error) -> Reached | None:
    """The session's version where `IS_NEW` could not tell; None if the error is another one."""
    found = re.search(rf"{re.escape(PUSHED_OUT)}(\d+) (\d+)", _said(error))
    return Reached(int(found[1]), float(found[2])) if found else None


def _said(error: psycopg.Error) -> str:
    """The server's message, without the details that may quote what a visitor has stored."""
    return error.diag.message_primary or str(error)


def step_after(outcome: Outcome, *, has_time: bool, has_failed: bool) -> Step:
    """Decide what follows a write that was to be settled, and is not known to be stored."""
    may_be_sent = outcome in {Outcome.NOT_STORED, Outcome.HARMLESS}
    return Step.SEND_AGAIN if may_be_sent and has_time and not has_failed else Step.RAISE


def _has_time(until: float) -> bool:
    return time.monotonic() < until


def _sent(
    connection: TimedConnection,
    slot: _Slot,
    until: float,
    send: Callable[[TimedConnection, Mapping[str, Any]], _T],
) -> _T:
    """Send a write with its id, its deadline, and the limit for its wait for locks."""
    left = until - time.monotonic()
    patience = left - min(_EARLIER, left / 5)
    mark = {
        "slot": slot.name,
        "number": slot.number,
        "deadline": until + connection.clock,
        "wait": milliseconds(min(patience, connection.lock_timeout)),
    }
    try:
        return send(connection, mark)
    except psycopg.errors.LockNotAvailable as error:
        if connection.lock_timeout < patience:
            raise  # the limit of the user in `url`
        raise LockHeld(str(error)) from None
    except psycopg.errors.InvalidTextRepresentation as error:
        said = _said(error)
        if refusal := limits.read_refusal(said):
            raise refusal from None
        if TOO_LATE not in said:
            raise
        # If it was not late by our clock, the server's has been set: read it before the next use.
        connection.clock_read_at = -math.inf
        raise CameTooLate(str(error)) from None
