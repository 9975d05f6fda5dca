"""What the tests of this folder share: looks at rows, and states."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from noise import noise

from streamlit_pgstate import State, Store
from streamlit_pgstate.state.kept_values import OF_PROCESS

SQL = psycopg.Connection[Any]

MIB = 2**20


def one(sql: SQL, statement: str, *parameters: Any) -> Any:
    row = sql.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]


def rows(sql: SQL) -> dict[str, tuple[Any, ...]]:
    """Every entry as it stands, with what would show that it was written again."""
    found = sql.execute("SELECT e.key, e.xmin::text, e.ctid::text, e.* FROM pgstate.entry e")
    return {row[0]: row for row in found}


def session_row(sql: SQL) -> tuple[Any, ...] | None:
    return sql.execute("SELECT xmin::text, ctid::text, s.* FROM pgstate.session s").fetchone()


def count(sql: SQL, table: str) -> int:
    return int(one(sql, f"SELECT count(*) FROM pgstate.{table}"))


def stored_bytes(sql: SQL) -> int:
    return int(one(sql, "SELECT coalesce(sum(length(data)), 0) FROM pgstate.body"))


def again(state: State, store: Store, token: str) -> State:
    """The same session as another replica sees it."""
    OF_PROCESS.clear()
    fresh = store.state(token)
    assert fresh.id == state.id
    return fresh


def wait_for_waiting(sql: SQL, number: int) -> None:
    """Until that many statements of this database wait for a lock."""
    question = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    until = time.monotonic() + 20
    while one(sql, question) < number:
        assert time.monotonic() < until
        sql.execute("SELECT pg_stat_clear_snapshot()")


def amend(state: State, values: dict[str, Any], deleted: Iterable[str]) -> None:
    state._session.amend(
        {key: state._session.encode(key, value) for key, value in values.items()}, deleted
    )


def every_verb(state: State) -> list[Callable[[], object]]:
    return [
        lambda: state.set("k", 2),
        lambda: state.set("large", noise(100_000, "y")),
        lambda: state.set("huge", noise(5 * MIB, "y")),
        lambda: state.update({"k": 2, "new": 3}),
        lambda: state.modify("k", lambda n: 5),
        lambda: state.modify("large", lambda _: noise(100_000, "z")),
        lambda: state.delete("k"),
        lambda: state.clear(),
        lambda: state.refresh(),
        lambda: state.session(),
        lambda: state.rotate(),
    ]


def age(sql: SQL, column: str, interval: str) -> None:
    sql.execute(f"UPDATE pgstate.session SET {column} = now() - interval '{interval}'")
