"""Several keys at once, by `update` and by what `persist` saves: all or nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from noise import noise

import streamlit_pgstate
from state.state_rows import again, amend, count, one, rows, session_row
from streamlit_pgstate import InvalidKey, State, Store, UnsupportedType

SQL = psycopg.Connection[Any]


def test_an_update_is_all_or_nothing(state: State, store: Store, token: str, sql: SQL) -> None:
    state.update({"a": 1, "b": 1})
    sql.execute("ALTER TABLE pgstate.entry ADD CONSTRAINT refusal CHECK (key <> 'refused')")
    before, session = rows(sql), session_row(sql)
    large = noise(100_000, "x")
    try:
        with pytest.raises(streamlit_pgstate.PgStateError):
            state.update({"a": 2, "b": large, "refused": 3, "z": 4})
    finally:
        sql.execute("ALTER TABLE pgstate.entry DROP CONSTRAINT refusal")
    assert rows(sql) == before
    assert session_row(sql) == session
    assert count(sql, "body") == 0
    assert dict(state) == dict(again(state, store, token)) == {"a": 1, "b": 1}


def test_an_update_takes_one_version(state: State, sql: SQL) -> None:
    state.update({f"k{number}": number for number in range(100)})
    assert one(sql, "SELECT version FROM pgstate.session") == 1
    assert one(sql, "SELECT count(DISTINCT version) FROM pgstate.entry") == 1


def test_an_update_with_nothing_in_it_does_nothing(state: State, sql: SQL) -> None:
    state.update({})
    assert count(sql, "session") == 0


def test_updates_of_the_same_keys_in_other_orders_do_not_deadlock(store: Store, token: str) -> None:
    store.state(token)["k0"] = -1
    keys = [f"k{number}" for number in range(20)]
    start = threading.Barrier(4)

    def write(turn: int) -> None:
        state = store.state(token)
        ordered = keys if turn % 2 else keys[::-1]
        start.wait()
        for number in range(25):
            state.update({key: [turn, number] for key in ordered})

    with ThreadPoolExecutor() as threads:
        list(threads.map(write, range(4)))
    assert len({tuple(value) for value in store.state(token).values()}) == 1


def test_an_amendment_stores_and_deletes_in_one_version(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    large = noise(100_000, "x")
    state.update({"kept": 1, "changed": 2, "gone": 3, "large": large})
    version, other = state.version, again(state, store, token)
    amend(state, {"changed": 4, "new": 5}, ["gone", "large", "never there"])
    other.refresh()
    expected = {"kept": 1, "changed": 4, "new": 5}
    assert dict(state) == dict(other) == dict(again(state, store, token)) == expected
    assert state.version == version + 1
    assert state.session().bytes == other.session().bytes
    assert count(sql, "body") == 0


def test_an_amendment_takes_keys_from_any_iterable_and_more_than_once(state: State) -> None:
    state.update({"a": 1, "b": 2, "c": 3})
    amend(state, {"a": 4}, iter(["b", "b", "a"]))
    assert dict(state) == {"a": 4, "c": 3}


def test_an_amendment_that_is_refused_deletes_nothing(state: State, sql: SQL) -> None:
    state.update({"a": 1, "gone": 2})
    before = rows(sql)
    with pytest.raises(UnsupportedType, match="'a'"):
        amend(state, {"a": open}, ["gone"])
    with pytest.raises(InvalidKey):
        amend(state, {"a": 2}, ["gone", ""])
    assert rows(sql) == before


def test_a_key_that_an_amendment_deleted_can_be_set_again(
    state: State, store: Store, token: str
) -> None:
    state.set("a", 1, ttl=60)
    amend(state, {}, ["a"])
    assert not state.delete("a")
    state["a"] = 1
    assert dict(again(state, store, token)) == {"a": 1}
