"""More at once than there are connections, and connections that are used up."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from postgres_server import PASSWORD, Server
from told import told, within

from streamlit_pgstate import (
    State,
    Store,
    StoreUnavailable,
)
from streamlit_pgstate.postgres.engine import Connections

SQL = psycopg.Connection[Any]


def test_with_all_connections_busy_a_thread_waits_for_half_of_the_timeout_and_says_what_to_raise(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=1, pool_size=2)
    state = store.state(store.new_token())
    state["k"] = 1
    with contextlib.ExitStack() as held:
        for _ in range(2):
            held.enter_context(store._tables._database.connection())
        full = "All 2 connections of this process", "`pool_size` (2)", "max_connections"
        with told(StoreUnavailable, *full, "Nothing was stored"), within(5):
            state["k"] = 2
        with told(StoreUnavailable, *full), within(5):
            state.refresh()
    state["k"] = 3
    assert store.state_of(state.id)["k"] == 3


def test_whoever_waits_for_a_connection_keeps_half_of_the_time_for_the_statement(
    own: Server, opened: Callable[..., Store]
) -> None:
    """Else each gets one when no time is left: then all are given up, each with its connection."""
    database = opened(own.url, timeout=2, pool_size=1)._tables._database
    with database.connection() as connection, told(StoreUnavailable, "in use for 1 s"):
        database.query("SELECT 1", {})
    assert not connection.closed


def test_200_tabs_at_once_take_no_more_connections_than_the_setting_and_all_get_their_turn(
    own: Server, opened: Callable[..., Store]
) -> None:
    """There are fewer for all clients of the server: one too many would be refused."""
    size, tabs = 6, 200
    store = opened(own.url, pool_size=size)
    states = [store.state(store.new_token()) for _ in range(tabs)]
    begun, seen = threading.Barrier(tabs), []
    question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'streamlit-pgstate'"

    def render(number: int) -> None:
        begun.wait()
        for turn in range(3):
            states[number].refresh()
            states[number]["turn"] = turn

    with own.sql() as sql, ThreadPoolExecutor(tabs) as threads:
        drawn = [threads.submit(render, number) for number in range(tabs)]
        while not all(each.done() for each in drawn):
            sql.execute("SELECT pg_stat_clear_snapshot()")
            seen += sql.execute(question).fetchone() or ()
            time.sleep(0.01)
        for each in drawn:
            each.result()
    assert max(seen) == size
    for state in states:
        assert state["turn"] == 2
    assert store._tables._database.connections() == Connections(0, size, 0, size)


def test_one_connection_is_enough_for_every_verb(own: Server, opened: Callable[..., Store]) -> None:
    """No verb takes a second one while it holds the first: threads that do wait for each other."""
    store = opened(own.url, pool_size=1, timeout=2, history=3)
    state = store.state(store.new_token())
    state.update({"small": 1, "large": b"x" * 100_000, "huge": b"y" * 6_000_000})
    state.modify("small", lambda n: n + 1)
    assert [len(state.history(key)) for key in ("small", "huge")] == [2, 1]
    state.delete("large")
    assert store.state_of(state.id)["huge"] == b"y" * 6_000_000
    store.gc()
    state.rotate()
    state.forget()
    assert store._tables._database.connections().idle == 1


def test_connections_that_are_not_needed_any_more_are_closed_and_old_ones_replaced(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url)
    state, database = store.state(store.new_token()), store._tables._database
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(database.connection()) for _ in range(4)]
    for connection in connections:
        connection.used_at -= 301
    database._look_for_spare_at = 0
    state.refresh()
    assert [connection.closed for connection in connections] == [False, True, True, True]
    assert database.connections().idle == 1
    connections[0].replaced_at = 0
    state.refresh()  # it is used once more
    assert connections[0].closed
    state.refresh()
    assert database.connections().idle == 1
    assert store._tables.breaks == 0


def test_a_server_with_no_connection_left_is_an_outage_and_no_wrong_setting(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.tcp_url.replace("postgres:", "crowd:"))
    with own.sql() as sql:
        sql.execute(f"CREATE USER crowd PASSWORD '{PASSWORD}' CONNECTION LIMIT 0")
        sql.execute("GRANT CREATE ON DATABASE postgres TO crowd")
        try:
            with told(StoreUnavailable, "refused the connection", "The server says: too many"):
                store.new_token()
            sql.execute("ALTER USER crowd CONNECTION LIMIT 5")
            store.state(store.new_token())["k"] = 1
        finally:
            store.close()
            sql.execute("DROP OWNED BY crowd")
            sql.execute("DROP USER crowd")


def test_a_connection_that_is_in_use_when_its_store_is_closed_is_closed_afterwards(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url)
    database = store._tables._database
    with database.connection() as connection:
        store.close()
        connection.execute("SELECT 1")
    assert connection.closed
    with database.connection() as another:
        another.execute("SELECT 1")
    assert not another.closed


def test_a_process_with_over_a_thousand_open_files_is_served(state: State) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = limits[1] if limits[1] != resource.RLIM_INFINITY else 4096
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), limits[1]))
    state._session.tables.close()
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        for number in range(1, 4):
            state["k"] = number
            state.refresh()
        assert state["k"] == 3
        assert state._session.tables.breaks == 0
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
