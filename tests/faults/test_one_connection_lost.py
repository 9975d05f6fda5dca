"""One connection is lost or gives no answer: that is noticed, and costs other visitors nothing.

A server that was restarted is told from it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from noise import noise
from postgres_server import SQL, Server, psutil
from told import told, within

from streamlit_pgstate import State, Store, StoreUnavailable, metrics
from streamlit_pgstate.postgres.rows import SMALL

pytestmark = pytest.mark.faults

RoundTrips = Callable[[], contextlib.AbstractContextManager[list[str]]]

LARGE = noise(2 * SMALL)
CONNECTIONS = 4


@pytest.fixture
def store(own: Server, opened: Callable[..., Store]) -> Store:
    return opened(own.url, timeout=1, cache_bytes=0)  # what it reads, it reads from the server


@pytest.fixture
def others(store: Store) -> list[State]:
    """States of visitors who have read what they have stored."""
    states = [store.state(store.new_token()) for _ in range(3)]
    for state in states:
        state["k"] = "x" * 1000
        state.refresh()
    return states


@pytest.fixture
def sql(own: Server) -> Iterator[SQL]:
    with own.sql() as sql:
        yield sql


def spread(store: Store) -> list[int]:
    """Have some connections, all idle. Returns their backends; the first one is used next."""
    with contextlib.ExitStack() as held:
        connections = [
            held.enter_context(store._tables._database.connection()) for _ in range(CONNECTIONS)
        ]
        return [connection.info.backend_pid for connection in connections]


def backends(sql: SQL) -> set[int]:
    sql.execute("SELECT pg_stat_clear_snapshot()")
    rows = sql.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'streamlit-pgstate'"
    ).fetchall()
    return {row[0] for row in rows}


def ends(sql: SQL, pid: int) -> None:
    until = time.monotonic() + 20
    while pid in backends(sql):
        assert time.monotonic() < until


class Others:
    """What it costs them to go on: round trips, and bytes of values that are read anew."""

    def __init__(self, store: Store, states: list[State], round_trips: RoundTrips) -> None:
        breaks, read = store._tables.breaks, metrics().bytes_read
        with round_trips() as trips:
            for state in states:
                state.refresh()
        self.trips = len(trips)
        self.bytes = metrics().bytes_read - read
        self.breaks = store._tables.breaks - breaks


def test_a_statement_without_an_answer_costs_others_one_question_and_no_cache(
    store: Store, others: list[State], sql: SQL, round_trips: RoundTrips
) -> None:
    token = store.new_token()
    store.state(token)["frame"] = LARGE
    state = store.state(token)
    first, *rest = spread(store)
    breaks = store._tables.breaks
    with sql.transaction():
        sql.execute("LOCK pgstate.body")
        with told(StoreUnavailable, "within 1 s"), within(10):
            state["frame"]
    ends(sql, first)
    cost = Others(store, others, round_trips)
    assert (cost.trips, cost.bytes) == (len(others) + 1, 0)
    assert store._tables.breaks == breaks
    assert backends(sql) == set(rest)
    assert state["frame"] == LARGE


def test_the_only_connection_that_gave_no_answer_costs_no_cache(
    store: Store, others: list[State], round_trips: RoundTrips
) -> None:
    database = store._tables._database
    with told(StoreUnavailable, "within 1 s"):
        database.query("SELECT pg_sleep(30)", {})
    cost = Others(store, others, round_trips)
    assert (cost.bytes, cost.breaks) == (0, 0)
    assert database.connections().idle == 1


def test_one_connection_that_was_ended_costs_others_no_cache_and_no_connection(
    store: Store, others: list[State], sql: SQL, round_trips: RoundTrips
) -> None:
    first, *rest = spread(store)
    sql.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    cost = Others(store, others, round_trips)
    assert (cost.trips, cost.bytes, cost.breaks) == (len(others) + 1, 0, 0)
    assert backends(sql) == set(rest)


def test_what_is_raised_while_rows_come_costs_others_no_cache(
    store: Store, others: list[State], round_trips: RoundTrips
) -> None:
    """As a rerun of the page does, that ends a script which reads a large value."""

    def interrupt(_rows: object) -> NoReturn:
        raise InterruptedError

    _first, *rest = spread(store)
    with pytest.raises(InterruptedError):
        store._tables._database.stream("SELECT 1", {}, interrupt)
    cost = Others(store, others, round_trips)
    assert (cost.trips, cost.bytes, cost.breaks) == (len(others), 0, 0)
    assert store._tables._database.connections().idle == len(rest)


def test_of_a_server_that_was_restarted_nothing_is_used_any_more(
    own: Server, store: Store, others: list[State], sql: SQL, round_trips: RoundTrips
) -> None:
    spread(store)
    own.kill()
    own.start()
    cost = Others(store, others, round_trips)
    assert cost.breaks == 1
    assert cost.bytes >= 3000
    assert store._tables._database.connections().idle == 1


def test_of_a_server_that_has_recovered_from_a_crash_nothing_is_used_any_more(
    own: Server, store: Store, others: list[State], round_trips: RoundTrips
) -> None:
    """It is the same process and was not started anew. Without `fsync` it may lack commits."""
    first, *_, last = spread(store)
    for pid in (first, last):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while psutil.pid_exists(first) or psutil.pid_exists(last):
        assert time.monotonic() < until
    own.await_answer()
    cost = Others(store, others, round_trips)
    assert cost.breaks == 1
    assert cost.bytes >= 3000


def test_a_frozen_server_is_waited_for_once_and_not_by_each_connection(
    own: Server, store: Store, others: list[State], round_trips: RoundTrips
) -> None:
    spread(store)
    with own.frozen():
        for _ in range(2):
            # The second one asks one connection, gives the others up, and opens another: 2 s.
            with told(StoreUnavailable), within(3.5):
                others[0].refresh()
    cost = Others(store, others, round_trips)
    assert (cost.bytes, cost.breaks) == (0, 0)
