"""Through a real pgbouncer in transaction mode."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from postgres_server import Server, locked
from told import told, within

from streamlit_pgstate import (
    Store,
    StoreUnavailable,
)


def test_through_pgbouncer_in_transaction_mode_many_threads_work_with_no_setting(
    pooled_url: str, own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(pooled_url)
    token = store.new_token()

    def work(number: int) -> None:
        state = store.state(token)
        for turn in range(10):  # psycopg prepares a statement by itself at its fifth time
            state.modify("n", lambda n: n + 1, default=0)
            state[f"k{number}"] = [turn, "x" * (40_000 if turn == 5 else 1)]
            state.refresh()
        state.update({f"a{number}": 1, f"b{number}": b"x" * 100_000})
        state.delete(f"a{number}")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    found = dict(opened(own.url).state(token))
    assert found["n"] == 160
    assert len(found) == 1 + 16 + 16
    renewed = store.state(token)
    renewed.rotate()
    renewed.forget()


def test_through_pgbouncer_a_timeout_is_kept_and_a_lost_server_is_an_outage(
    pooled_url: str, own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(pooled_url, timeout=1)
    token = store.new_token()
    state = store.state(token)
    state["k"] = 0
    with locked(own), told(StoreUnavailable, "within 1 s", secrets=(token,)), within(15):
        state["k"] = 1
    state.refresh()
    assert state["k"] == 0
    own.kill()
    with told(StoreUnavailable, secrets=(token,)), within(15):
        state["k"] = 2
    own.start()
    until = time.monotonic() + 20
    while True:
        try:
            state["k"] = 3
        except StoreUnavailable:  # pgbouncer waits before it tries again
            assert time.monotonic() < until
        else:
            break
    state.refresh()
    assert state["k"] == 3


def test_another_server_behind_pgbouncer_is_noticed_though_no_connection_of_ours_has_ended(
    pooled_url: str, own: Server, opened: Callable[..., Store]
) -> None:
    """It may lack what was read from the former one. Then its versions are lower, or others."""
    store = opened(pooled_url)
    state = store.state(store.new_token())
    state["k"] = "lost at the failover"
    state.refresh()
    version, breaks = state.version, store._tables.breaks
    own.kill()
    own.start()
    with own.sql() as sql:
        sql.execute("""UPDATE pgstate.entry SET value = '"what the standby had"'""")
        sql.execute("UPDATE pgstate.session SET version = version + 1")
    state.refresh()
    assert store._tables.breaks == breaks
    assert state.version == version + 1
    assert state["k"] == "what the standby had"
