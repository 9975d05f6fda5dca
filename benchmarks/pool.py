"""The pool of connections: what it costs a statement, how fair it is, and which size is enough.

What a user would pick instead is SQLAlchemy's QueuePool. Run: python benchmarks/pool.py, with
PGSTATE_URL for a server of yours; else on a durable PostgreSQL of its own, over TCP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from harness import Result, measure, report
from server import server
from sqlalchemy.pool import QueuePool

from streamlit_pgstate import State, connect
from streamlit_pgstate.postgres.pool import Pool

SIZE = 20
SIZES = [SIZE, 1, 2, 5, 10, 40]
PATIENCE = 30.0
TABS = 200
RUNS = 3
THREADS = 40
STATEMENT = 0.002
"""Seconds that each of the 40 threads has its connection for."""
LASTS = 3.0


def main(url: str) -> None:
    results = [of_one_statement(url), of_queues(url), of_sizes(url)]
    report("pool", results)


class Ours:
    """Our pool over plain connections, as `engine` uses it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Pool[psycopg.Connection[Any]] = Pool(SIZE)

    def run(self, statement: str) -> None:
        connection = self._pool.take(time.monotonic() + PATIENCE) or _connected(self._url)
        try:
            connection.execute(statement)
        finally:
            self._pool.give_back(connection)

    def close(self) -> None:
        for connection in self._pool.remove(lambda _: True):
            connection.close()


class OfSqlAlchemy:
    """SQLAlchemy's pool, with what makes it quickest: no reset, and its connections themselves."""

    def __init__(self, url: str) -> None:
        self._pool = QueuePool(
            lambda: _connected(url), SIZE, max_overflow=0, timeout=PATIENCE, reset_on_return=None
        )

    def run(self, statement: str) -> None:
        pooled = self._pool.connect()
        try:
            pooled.driver_connection.execute(statement)  # type: ignore[union-attr]  # it has one
        finally:
            pooled.close()

    def close(self) -> None:
        self._pool.dispose()


def _connected(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True)


def of_one_statement(url: str) -> Result:
    ours, theirs = Ours(url), OfSqlAlchemy(url)
    with _connected(url) as bare:
        result = measure(
            "SELECT 1 on a connection of the pool, beside one on the same connection each time",
            {
                "psycopg, no pool": lambda: bare.execute("SELECT 1"),
                "our pool": lambda: ours.run("SELECT 1"),
                "SQLAlchemy's QueuePool": lambda: theirs.run("SELECT 1"),
            },
        )
    ours.close()
    theirs.close()
    return result


def of_queues(url: str) -> Result:
    statement, waits = f"SELECT pg_sleep({STATEMENT})", {}
    for name, pool in {"our pool": Ours(url), "SQLAlchemy's QueuePool": OfSqlAlchemy(url)}.items():
        waits[name] = longest_wait(lambda pool=pool: pool.run(statement))  # type: ignore[misc]  # the loop's pool
        pool.close()
    title = f"The longest wait of {THREADS} threads over {SIZE} connections, in {LASTS:g} s"
    return Result(title, waits)


def longest_wait(work: Callable[[], None]) -> float:
    ends, waits = time.monotonic() + LASTS, [0.0] * THREADS

    def loop(number: int) -> None:
        while (began := time.monotonic()) < ends:
            work()
            waits[number] = max(waits[number], time.monotonic() - began)

    threads = [threading.Thread(target=loop, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(waits)


def of_sizes(url: str) -> Result:
    stores = {size: connect(url, pool_size=size, max_new_sessions=10_000) for size in SIZES}
    next(iter(stores.values())).migrate()
    states = {
        size: [store.state(store.new_token()) for _ in range(TABS)]
        for size, store in stores.items()
    }
    with ThreadPoolExecutor(TABS) as threads:

        def all_at_once(tabs: list[State]) -> None:
            begun = threading.Barrier(TABS)

            def render(tab: State) -> None:
                begun.wait()
                for turn in range(RUNS):
                    tab.refresh()
                    tab["turn"] = turn

            list(threads.map(render, tabs))

        cases = {
            f"pool_size = {size}": (lambda size=size: all_at_once(states[size])) for size in SIZES
        }
        result = measure(f"{TABS} tabs at once, {RUNS} runs each", cases, rounds=5, repeats=1)
    for store in stores.values():
        store.close()
    return result


if __name__ == "__main__":
    with server() as url:
        main(url)
