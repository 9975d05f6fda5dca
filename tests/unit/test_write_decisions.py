"""What follows a write that has failed, and one whose answer was lost: every case, as a table."""

from __future__ import annotations

import psycopg
import pytest

from streamlit_pgstate.postgres.engine import Reach
from streamlit_pgstate.postgres.faults import CameTooLate, LockHeld
from streamlit_pgstate.postgres.writes import (
    Outcome,
    Record,
    Step,
    next_step,
    read_record,
    step_after,
)

REFUSED, NOT_SENT, NO_ANSWER = Reach.REFUSED, Reach.NOT_SENT, Reach.NO_ANSWER
RAISE, AGAIN, SETTLE = Step.RAISE, Step.SEND_AGAIN, Step.SETTLE
errors = psycopg.errors


@pytest.mark.parametrize(
    ("error", "reach", "at_first", "the_second_time"),
    [
        # The connection could not be opened, or broke.
        (psycopg.OperationalError("refused"), NOT_SENT, AGAIN, RAISE),
        (errors.TooManyConnections(), NOT_SENT, AGAIN, RAISE),
        (psycopg.OperationalError("the connection broke"), NO_ANSWER, SETTLE, SETTLE),
        (errors.AdminShutdown(), NO_ANSWER, SETTLE, SETTLE),
        (errors.QueryCanceled("no answer within `timeout`"), NO_ANSWER, SETTLE, SETTLE),
        # The server has undone it.
        (errors.DeadlockDetected(), REFUSED, AGAIN, AGAIN),
        (errors.SerializationFailure(), REFUSED, AGAIN, AGAIN),
        (errors.ReadOnlySqlTransaction(), REFUSED, AGAIN, RAISE),
        (errors.DiskFull(), REFUSED, AGAIN, RAISE),
        (CameTooLate(), REFUSED, AGAIN, RAISE),
        (LockHeld(), REFUSED, RAISE, RAISE),
        (errors.LockNotAvailable(), REFUSED, RAISE, RAISE),
        (errors.QueryCanceled("user request"), REFUSED, RAISE, RAISE),
        (errors.InsufficientPrivilege(), REFUSED, RAISE, RAISE),
        (errors.UndefinedTable(), REFUSED, RAISE, RAISE),
        # psycopg has sent nothing.
        (psycopg.DataError("NUL"), REFUSED, RAISE, RAISE),
    ],
)
def test_what_follows_a_write_that_has_failed(
    error: psycopg.Error, reach: Reach, at_first: Step, the_second_time: Step
) -> None:
    assert next_step(error, reach, has_time=True, has_failed=False) is at_first
    assert next_step(error, reach, has_time=True, has_failed=True) is the_second_time
    for has_failed in (False, True):
        assert next_step(error, reach, has_time=False, has_failed=has_failed) is RAISE


@pytest.mark.parametrize(
    ("outcome", "step"),
    [(Outcome.NOT_STORED, AGAIN), (Outcome.HARMLESS, AGAIN), (Outcome.UNKNOWN, RAISE)],
)
def test_what_follows_a_write_that_is_not_known_to_be_stored(outcome: Outcome, step: Step) -> None:
    assert step_after(outcome, has_time=True, has_failed=False) is step
    assert step_after(outcome, has_time=True, has_failed=True) is RAISE
    assert step_after(outcome, has_time=False, has_failed=False) is RAISE


@pytest.mark.parametrize(
    ("rows", "record"),
    [
        ([], Record(outcome=Outcome.NOT_STORED)),  # the session has no row
        ([(7, 12, 0)], Record(outcome=Outcome.STORED, version=12, slot=-5)),
        ([(7, 12, 3)], Record(outcome=Outcome.STORED, version=12, deleted=3, slot=-5)),
        ([(7, -11, 0)], Record(outcome=Outcome.NOT_STORED)),  # it was ruled out
        ([(8, 12, 0)], Record(outcome=Outcome.UNKNOWN)),  # another write by the same slot
        ([(None, None, None)], Record(outcome=Outcome.UNKNOWN)),  # pushed out, perhaps
    ],
)
def test_what_the_answer_to_settle_says(rows: list[tuple[int | None, ...]], record: Record) -> None:
    assert read_record(rows, slot=-5, number=7) == record
