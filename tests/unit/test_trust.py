"""What one connection says of the others, and of what was read by them: without a server."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest

from streamlit_pgstate.postgres.faults import LockHeld
from streamlit_pgstate.postgres.trust import Trust, Use, Verdict, judge


@dataclass
class Connection:
    """As others see it: opened at 0, and used at 100, if nothing else is said."""

    opened_at: float = 0.0
    used_at: float = 100.0
    clock_read_at: float = 100.0
    is_direct: bool = True


OTHER = Connection()


@pytest.mark.parametrize(
    ("error", "is_closed", "verdict"),
    [
        (psycopg.errors.UniqueViolation(), False, Verdict.WORKS),
        (psycopg.errors.InvalidParameterValue(), False, Verdict.WORKS),
        (psycopg.errors.DeadlockDetected(), False, Verdict.WORKS),
        (psycopg.errors.SerializationFailure(), False, Verdict.WORKS),
        (psycopg.errors.LockNotAvailable(), False, Verdict.WORKS),
        (LockHeld(), False, Verdict.WORKS),
        (psycopg.errors.QueryCanceled(), False, Verdict.WORKS),  # by an operator, say
        (psycopg.errors.QueryCanceled(), True, Verdict.SILENT),  # by us
        (psycopg.errors.DiskFull(), False, Verdict.UNFIT),
        (psycopg.errors.TooManyConnections(), False, Verdict.UNFIT),
        (psycopg.InterfaceError(), False, Verdict.UNFIT),
        (KeyboardInterrupt(), False, Verdict.UNFIT),
        (ValueError(), True, Verdict.UNFIT),
        (psycopg.OperationalError("server closed the connection"), True, Verdict.LOST),
        (psycopg.errors.AdminShutdown(), True, Verdict.LOST),
        (psycopg.errors.CrashShutdown(), True, Verdict.LOST),
        (psycopg.errors.IdleInTransactionSessionTimeout(), True, Verdict.LOST),
        (psycopg.errors.ConnectionFailure(), False, Verdict.LOST),
        (psycopg.errors.ReadOnlySqlTransaction(), False, Verdict.READ_ONLY),
    ],
)
def test_what_an_error_says_of_its_connection(
    error: BaseException, is_closed: bool, verdict: Verdict
) -> None:
    assert judge(error, is_closed=is_closed) is verdict


@pytest.mark.parametrize(
    ("verdict", "others", "breaks"),
    [
        (Verdict.WORKS, Use.AT_ONCE, 0),
        (Verdict.UNFIT, Use.AT_ONCE, 0),
        (Verdict.SILENT, Use.ONCE_ASKED, 0),
        (Verdict.LOST, Use.ONCE_ASKED, 0),  # it shows by the others
        (Verdict.READ_ONLY, Use.NEVER, 1),
    ],
)
def test_what_it_means_for_others(verdict: Verdict, others: Use, breaks: int) -> None:
    trust = Trust()
    trust.note(verdict, Connection(), at=110.0)
    assert trust.use_of(OTHER, at=111.0) is others
    assert trust.use_of(Connection(opened_at=111.0, used_at=111.0), at=112.0) is Use.AT_ONCE
    assert trust.breaks == breaks


@pytest.mark.parametrize("verdict", [Verdict.SILENT, Verdict.LOST])
def test_one_that_has_answered_since_is_used_at_once(verdict: Verdict) -> None:
    trust = Trust()
    trust.note(verdict, Connection(), at=110.0)
    assert trust.use_of(Connection(used_at=110.1), at=111.0) is Use.AT_ONCE


@pytest.mark.parametrize(
    ("connection", "use"),
    [
        (Connection(used_at=271.0, clock_read_at=271.0), Use.AT_ONCE),
        (Connection(used_at=269.0, clock_read_at=269.0), Use.ONCE_ASKED),
        (Connection(used_at=299.0, clock_read_at=-299.0), Use.AT_ONCE),
        (Connection(used_at=299.0, clock_read_at=-301.0), Use.ONCE_ASKED),
    ],
)
def test_one_that_was_idle_for_long_or_does_not_know_the_time_is_asked(
    connection: Connection, use: Use
) -> None:
    assert Trust().use_of(connection, at=300.0) is use


def lost_at_110() -> Trust:
    trust = Trust()
    trust.note(Verdict.LOST, Connection(), at=110.0)
    return trust


def test_a_server_was_not_restarted_if_another_works_that_was_opened_before() -> None:
    trust = lost_at_110()
    trust.note_working(OTHER, since=111.0)
    trust.note_opened()
    assert trust.breaks == 0


def test_it_may_have_been_if_none_works_and_then_all_caches_are_read_anew_once() -> None:
    trust = lost_at_110()
    trust.note(Verdict.LOST, OTHER, at=111.0)
    trust.note_opened()
    trust.note_opened()
    assert trust.breaks == 1


def test_one_that_worked_before_the_loss_or_may_be_of_the_restarted_server_shows_nothing() -> None:
    trust = lost_at_110()
    trust.note_working(OTHER, since=110.0)
    trust.note_working(Connection(opened_at=110.5), since=111.0)
    trust.note_working(Connection(opened_at=105.0), since=111.0)  # it had answered at 100 last
    trust.note_opened()
    assert trust.breaks == 1


def test_a_thread_that_looks_on_while_a_loss_is_noted_shows_no_more_than_one_afterwards() -> None:
    class LookedAt(Trust):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name in {"_lost_at", "_answered_at"}:
                self.note_working(Connection(opened_at=105.0), since=111.0)

    trust = LookedAt()
    trust.note(Verdict.LOST, Connection(), at=110.0)
    trust.note_opened()
    assert trust.breaks == 1


def test_of_several_that_are_lost_the_one_that_had_answered_first_counts() -> None:
    trust = lost_at_110()
    trust.note(Verdict.LOST, Connection(used_at=50.0), at=111.0)
    trust.note_working(Connection(opened_at=60.0), since=112.0)
    trust.note_opened()
    assert trust.breaks == 1
    trust.note(Verdict.LOST, Connection(used_at=120.0), at=121.0)
    trust.note_working(Connection(opened_at=60.0), since=122.0)
    trust.note_opened()
    assert trust.breaks == 1


def test_behind_a_pooler_others_show_nothing() -> None:
    trust = Trust()
    trust.note(Verdict.LOST, Connection(is_direct=False), at=110.0)
    assert trust.breaks == 1
    trust.note_working(Connection(is_direct=False), since=111.0)
    trust.note_opened()
    assert trust.breaks == 1
