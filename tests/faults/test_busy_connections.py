"""More at once than there are connections, and connections that are used up."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from postgres_server import PASSWORD, Server, locked
from told import told, within

from streamlit_pgstate import (
    State,
    Store,
    StoreUnavailable,
)
from streamlit_pgstate.postgres.engine import POOL_OVERFLOW, POOL_SIZE

SQL = psycopg.Connection[Any]


def test_with_all_connections_busy_a_thread_waits_no_longer_than_the_timeout(
    own: Server, opened: Callable[..., Store]
) -> None:
    most = POOL_SIZE + POOL_OVERFLOW
    store = opened(own.url, timeout=3)
    states = [store.state(store.new_token()) for _ in range(most + 1)]
    for state in states:
        state["k"] = 0
    quick = opened(own.url, timeout=30)
    slow = [quick.state_of(state.id) for state in states]
    quick._tables._database._engine.pool._timeout = 0.5  # type: ignore[attr-defined]  # private
    with ThreadPoolExecutor(most + 1) as threads:
        with locked(own) as sql:
            written = [threads.submit(state.set, "k", 1) for state in slow[:most]]
            wait_until(sql, most)
            with told(StoreUnavailable, f"All {most} connections", "overloaded"), within(15):
                slow[most]["k"] = 1
        for each in written:
            each.result()
    slow[most]["k"] = 2
    assert quick.state_of(slow[most].id)["k"] == 2


def wait_until(sql: SQL, number: int) -> None:
    until = time.monotonic() + 20
    question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while sql.execute(question).fetchone() != (number,):
        assert time.monotonic() < until
        sql.execute("SELECT pg_stat_clear_snapshot()")


def test_more_threads_than_connections_all_get_their_turn(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url)
    token = store.new_token()
    store.state(token)["n"] = 0

    def work(number: int) -> None:
        state = store.state(token)
        state[f"k{number}"] = number
        assert state[f"k{number}"] == number

    with ThreadPoolExecutor(60) as threads:
        list(threads.map(work, range(120)))
    assert len(store.state(token)) == 121


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
